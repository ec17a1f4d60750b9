"""A worker from outside: started, asked, waited for no longer than allowed, and ended, whatever its plugin does."""

import contextlib
import json
import mmap
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Any

import numpy as np

from melancholia.errors import MelancholiaError, shown
from melancholia.hosting.worker import CHANNELS, Samples

FRAMES = 65_536  # that go through the memory at once
KEPT = 16_384  # bytes of what a plugin prints, the last of it; up to twice as many while it prints
LINES = 3  # of its last words that an error repeats
START_S, LOAD_S, STATE_S, BLOCK_S, TIMES = 30.0, 20.0, 20.0, 5.0, 20.0  # a block may take BLOCK_S, or TIMES its length
END_S, LOOK_S = 5.0, 0.1  # for it to be gone; between looks whether it is
NAMELESS = os.name == "posix"  # a file there needs no name: nothing is left of it, whatever happens
ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT if os.name == "posix" else 0


class Died(MelancholiaError):
    """A worker that crashed, hung, or `refused` what was asked; `cause` is what happened, without who and where."""

    def __init__(self, cause: str, said: str = "", *, refused: bool = False) -> None:
        super().__init__(cause + (f"; it said: {said}" if said else ""))
        self.cause, self.said, self.refused = cause, said, refused


class Worker:
    """A process that hosts one plugin. Whoever starts it closes it; it does not outlive the process that started it."""

    def __init__(self) -> None:
        with in_memory(2 * CHANNELS * FRAMES * 4) as file:
            self.memory = mmap.mmap(file.fileno(), 0)
            self.file = Path(f"/dev/fd/{file.fileno()}" if NAMELESS else file.name)
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "melancholia.hosting.worker", str(self.file), str(FRAMES)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=environment(),
                    start_new_session=True,
                    pass_fds=(file.fileno(),) if NAMELESS else (),
                )
            except OSError as error:
                raise Died(f"could not be started ({error.strerror})") from error
        self.given, self.made = np.frombuffer(self.memory, np.float32).reshape(2, CHANNELS * FRAMES)
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self.answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.log = Log()
        self.threads = [
            threading.Thread(target=hand_on, args=(self.process.stdout, self.answers), daemon=True),
            threading.Thread(target=self.log.drain, args=(self.process.stderr,), daemon=True),
        ]
        for thread in self.threads:
            thread.start()
        self.answer("start", START_S)

    def ask(self, do: str, within_s: float, **request: Any) -> dict[str, Any]:
        """What the worker says to a request, in so many seconds."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:  # it is gone already; the answer will say how
            pass
        found = self.answer(do, within_s)
        if "error" in found:
            raise Died(str(found["error"]), self.log.last(), refused=True)
        return found

    def answer(self, do: str, within_s: float) -> dict[str, Any]:
        line = self.line(time.monotonic() + within_s)
        if line is None:
            self.close()
            raise Died(f"gave no answer to {do} in {within_s:.3g} s", self.log.last())
        if not line:
            until = time.monotonic() + END_S
            while not self.has_ended() and time.monotonic() < until:
                time.sleep(0.002)
            self.close()
            raise Died(f"{ended(self.process.returncode)} in {do}", self.log.last())
        found: dict[str, Any] = json.loads(line)
        return found

    def process_block(self, block: Samples, rate: int, moves: list[Any]) -> Samples:
        """A block (channels, frames), at most FRAMES long, through the plugin."""
        channels, frames = block.shape
        self.given[: block.size].reshape(block.shape)[:] = block
        within_s = max(BLOCK_S, TIMES * frames / rate)
        self.ask("process", within_s, frames=frames, moves=moves)
        return self.made[: block.size].reshape(channels, frames).copy()

    def play_block(self, frames: int, channels: int, rate: int, messages: list[Any]) -> Samples:
        """So many frames, at most FRAMES, of an instrument."""
        self.ask("play", max(BLOCK_S, TIMES * frames / rate), frames=frames, messages=messages)
        return self.made[: channels * frames].reshape(channels, frames).copy()

    def line(self, until: float) -> bytes | None:
        """What it says next; nothing where it has ended, whoever holds its end of the pipe; None where it is late."""
        while (left := until - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                return self.answers.get(timeout=min(left, LOOK_S))
            if self.has_ended() and self.answers.empty():
                return b""
        return None

    def has_ended(self) -> bool:
        """Whether it has; its number is left to it, for what it started goes by that."""
        if os.name != "posix":
            return self.process.poll() is not None
        return os.waitid(os.P_PID, self.process.pid, ENDED) is not None

    def close(self) -> None:
        """End it, and all that it started; nothing is left."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.name == "posix":
                    os.killpg(self.process.pid, signal.SIGKILL)
                else:
                    self.process.kill()
        self.process.wait(END_S)
        for thread in self.threads:
            thread.join(END_S)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if not NAMELESS:
            self.file.unlink(missing_ok=True)


class Log:
    """What a plugin prints: the last of it, and how much it was."""

    def __init__(self) -> None:
        self.rest, self.bytes = deque[bytes](), 0

    def drain(self, stream: IO[bytes]) -> None:
        while part := os.read(stream.fileno(), 65_536):
            self.bytes += len(part)
            self.rest.append(part[-KEPT:])
            while len(self.rest) > 1 and sum(map(len, self.rest)) - len(self.rest[0]) >= KEPT:
                self.rest.popleft()

    def forget(self) -> None:
        """What was said so far is not the last word of what comes."""
        self.rest.clear()

    def last(self) -> str:
        """Its last lines, as one; what it says again and again is said once."""
        lines = (line.strip() for line in b"".join(self.rest).decode("utf-8", "replace").split("\n"))
        told = dict.fromkeys(line for line in reversed(list(lines)) if line and line.isprintable())
        return " / ".join(shown(line) for line in reversed(list(told)[:LINES]))


def hand_on(stream: IO[bytes], answers: "queue.SimpleQueue[bytes]") -> None:
    """Every line as it comes, and an empty one for the end."""
    for line in stream:
        answers.put(line)
    answers.put(b"")


def ended(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"crashed ({signal.Signals(-status).name})"
    return f"ended with {status}"


def in_memory(size: int) -> IO[bytes]:
    """A file of so many bytes, in memory where the system has files there."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None
    made = tempfile.TemporaryFile(dir=place) if NAMELESS else tempfile.NamedTemporaryFile(delete=False)
    made.truncate(size)
    return made


def environment() -> dict[str, str]:
    """Ours, one thread for mathematics, no display to open windows on, and the package where it is now."""
    found = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    here = str(Path(__file__).parents[2])
    paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    own = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return found | own | {"PYTHONPATH": os.pathsep.join(paths)}
