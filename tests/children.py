"""Processes that tests start: each in a session of its own, its output in files, killed with all of its own at the end.

A child that outlives its test, or holds the suite's own output open, is how a suite hangs: no test starts a process in
any other way, and `tests/test_children.py` holds them to it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

CLI = (sys.executable, "-m", "melancholia")
LONGEST_S = 110.0  # below the timeout of a test
LET_GO_S = 3.0  # what watches a process, or ends with it, may still need after it


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


class Child:
    """A process under way, the leader of its session."""

    def __init__(
        self,
        args: Sequence[object],
        home: Path,
        cwd: Path | None,
        env: Mapping[str, str],
        stderr: int | None,
        stdin: Path | None,
    ):
        self.args = [str(arg) for arg in args]
        self.out, self.err = home / "stdout", home / "stderr"
        home.mkdir(parents=True)
        with self.out.open("wb") as out, self.err.open("wb") as err, (stdin or Path(os.devnull)).open("rb") as given:
            self.process = subprocess.Popen(
                self.args,
                stdin=given,
                stdout=out,
                stderr=err if stderr is None else stderr,
                cwd=cwd,
                env={**os.environ, **env},
                start_new_session=True,
            )
        self.pid = self.process.pid

    def send(self, number: int) -> None:
        """A signal, to the leader alone."""
        self.process.send_signal(number)

    def wait(self, timeout: float = LONGEST_S) -> Done:
        """Its exit code and what it said.

        Raises
        ------
        AssertionError
            It did not end in time; it has been killed.
        """
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            said = self.err.read_text(errors="replace")[-2000:]
            raise AssertionError(f"{self.args} still ran after {timeout:.0f} s; it said: {said}") from None
        return Done(code, self.out.read_text(errors="replace"), self.err.read_text(errors="replace"))

    def others(self) -> list[psutil.Process]:
        """What is alive in its session beside the leader."""
        return [process for process in session(self.pid) if process.pid != self.pid]

    def kill(self) -> None:
        """End whatever is alive in its session, the leader too."""
        for process in session(self.pid):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
        self.process.kill()
        self.process.wait(30)
        until = time.monotonic() + 5
        while session(self.pid) and time.monotonic() < until:
            time.sleep(0.01)


def session(leader: int) -> list[psutil.Process]:
    """The processes of a session that are alive."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def said(process: psutil.Process) -> str:
    """Its command line, where it has not ended since."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error as error:
        return str(error)


class Children:
    """What a test starts processes with; see the fixture `children`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.started: list[Child] = []

    def start(
        self,
        *args: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stderr: int | None = None,
        stdin: Path | None = None,
    ) -> Child:
        """Start a process, its input nothing or a file; its output goes into files, its stderr where it is told."""
        child = Child(args, self.home / f"child-{len(self.started)}", cwd, env or {}, stderr, stdin)
        self.started.append(child)
        return child

    def run(
        self,
        *args: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = LONGEST_S,
    ) -> Done:
        """Start a process and wait until it has ended."""
        return self.start(*args, cwd=cwd, env=env).wait(timeout)

    def python(self, code: str, *args: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
        """Run Python code in a process of its own."""
        return self.run(sys.executable, "-c", code, *args, cwd=cwd, env=env)

    def end(self) -> list[str]:
        """Kill what is left, and say what that was; what a process that has ended left has a moment to end, too."""
        left = []
        for child in self.started:
            until = time.monotonic() + LET_GO_S
            while (alive := session(child.pid)) and child.process.poll() is not None and time.monotonic() < until:
                time.sleep(0.02)
            left += [f"{process.pid} {said(process)}" for process in alive]
            child.kill()
        return left


def all_said(terminal: int) -> bytes:
    """What comes out of our end of a terminal until the other is closed; then ours is closed too."""
    said = b""
    try:
        while more := os.read(terminal, 4096):
            said += more
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return said


def hear_interrupts() -> None:
    """A job in the background of a shell is deaf to SIGINT, one under nohup to SIGHUP, and so would its children be.

    What is ignored is inherited, what is handled is not: with a handler that does nothing nohup keeps its word.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda number, frame: None)
