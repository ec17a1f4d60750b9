"""Interrupts of the command line at random moments, while two busy loops load both cores.

    python -m tests.interrupts [COUNT] [SEED]

Prints what went wrong, the slowest end, and exits 1 when anything did. `make test` does a few, `make soak` hundreds.
"""

import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tests.children import CLI, Child, Children

LONGEST_S = 2.0
WRONG = "wrong"
COMMANDS = {
    "make": ("make", "longing", "--seconds", "15", "--seed", "1", "-o", "out"),
    "master": ("master", "long.wav", "-o", "out.wav"),
}
FIRST = "first make"  # on a machine on which nothing was ever compiled
SENT = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Ended:
    """One interrupt: what was sent at which moment, the exit code, the seconds it took, and all that is wrong."""

    command: str
    sent: str
    moment_s: float
    code: int
    took_s: float
    faults: tuple[str, ...]


def folder_to_work_in(folder: Path) -> Path:
    """The folder itself, with three minutes of sound to master."""
    noise = np.random.default_rng(0).normal(0, 0.1, (180 * 48_000, 2)).astype(np.float32)
    soundfile.write(folder / "long.wav", noise, 48_000, subtype="PCM_16")
    return folder


@contextmanager
def both_cores_busy(children: Children):
    loops = [children.start(sys.executable, "-c", "while True: pass") for _ in range(2)]
    yield
    for loop in loops:
        loop.kill()


def listens(child: Child) -> bool:
    """Whether the command line has taken over its signals: before that, only the interpreter is there."""
    try:
        status = Path(f"/proc/{child.pid}/status").read_text()
    except FileNotFoundError:
        return False
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signal.SIGHUP - 1) & 1)


def until_it_listens(child: Child) -> None:
    until = time.monotonic() + 30
    while not listens(child) and child.process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)


def started(children: Children, folder: Path, command: str) -> Child:
    if command != FIRST:
        return children.start(*CLI, *COMMANDS[command], cwd=folder)
    cache = folder.parent / f"cache-{len(children.started)}"
    env = {"NUMBA_CACHE_DIR": str(cache), "XDG_CACHE_HOME": str(cache)}
    return children.start(*CLI, *COMMANDS["make"], cwd=folder, env=env)


def seconds_of(children: Children, folder: Path, command: str) -> float:
    """How long a command takes when nobody interrupts it."""
    child = started(children, folder, command)
    until_it_listens(child)
    began = time.monotonic()
    assert child.wait().returncode == 0
    clear(folder)
    return time.monotonic() - began


def clear(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out.wav").unlink(missing_ok=True)


def interrupt(children: Children, folder: Path, command: str, moment_s: float, number: int) -> Ended | None:
    """Send a signal at a moment; None when the command had ended by then."""
    child = started(children, folder, command)
    until_it_listens(child)
    time.sleep(moment_s)
    if child.process.poll() is not None:
        clear(folder)
        return None
    began = time.monotonic()
    child.send(number)
    try:
        done = child.wait(60)
    except AssertionError as error:
        return Ended(command, signal.Signals(number).name, moment_s, -1, 60.0, (str(error),))
    took = time.monotonic() - began
    faults = []
    if took > LONGEST_S:
        faults.append(f"took {took:.2f} s")
    if child.others():
        faults.append(f"left {child.others()} running")
    if done.returncode == 130:
        if done.stderr != "melancholia: interrupted; nothing was left half-written.\n":
            faults.append(f"said {done.stderr!r}")
    elif done.returncode:
        faults.append(f"exit {done.returncode}: {done.stderr!r}")
    left = {path.name for path in folder.iterdir()} - {"long.wav"}
    whole = left == {"out"} and (folder / "out" / "recipe.json").is_file() or left == {"out.wav"}
    if left and not whole:  # what was finished a moment before may stand
        faults.append(f"left {sorted(left)}")
    clear(folder)
    return Ended(command, signal.Signals(number).name, moment_s, done.returncode, took, tuple(faults))


def interrupts(
    children: Children, folder: Path, command: str, count: int, seed: int, longest: float | None = None
) -> list[Ended]:
    """`count` interrupts at moments drawn evenly over the whole command, or its first `longest` seconds, under load."""
    rng = np.random.default_rng([seed, len(command)])
    found: list[Ended] = []
    with both_cores_busy(children):
        longest = longest or seconds_of(children, folder, command)
        while len(found) < count:
            moment = float(rng.uniform(0, longest))
            ended = interrupt(children, folder, command, moment, SENT[len(found) % 2])
            if ended is not None:
                found.append(ended)
            else:  # the first run was slower, as beside others that have ended since
                longest = moment
    return found


def kill(children: Children, folder: Path, command: str, moment_s: float) -> tuple[str, ...]:
    """Kill it at a moment as no process can prevent; what is wrong after the next command there has run."""
    child = started(children, folder, command)
    until_it_listens(child)
    time.sleep(moment_s)
    child.kill()
    killed = {path.name for path in folder.iterdir()}
    done = children.run(*CLI, "master", "short.wav", "-o", "next.wav", cwd=folder)
    left = {path.name for path in folder.iterdir()} - {"long.wav", "short.wav", "next.wav"}
    faults = [f"the next one ended with {done.returncode}: {done.stderr}"] if done.returncode else []
    if "out.wav" in left and soundfile.info(folder / "out.wav").frames != soundfile.info(folder / "long.wav").frames:
        faults.append("out.wav is not whole")
    if "out" in left and not (folder / "out" / "recipe.json").is_file():
        faults.append("out is not whole")
    if left - {"out", "out.wav"}:
        faults.append(f"left {sorted(left)} of {sorted(killed)}")
    (folder / "next.wav").unlink(missing_ok=True)
    clear(folder)
    return tuple(faults)


def kill_lines(count: int, seed: int | None = None) -> list[str]:
    """`count` kills of `make` and `master`, and what came of them."""
    seed = seed if seed is not None else int(np.random.default_rng().integers(2**32))
    rng, wrong = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as home:
        children = Children(Path(home) / "children")
        (folder := Path(home) / "work").mkdir()
        folder_to_work_in(folder)
        soundfile.write(folder / "short.wav", rng.normal(0, 0.1, (48_000, 2)), 48_000)
        longest = {command: seconds_of(children, folder, command) for command in COMMANDS}
        for k in range(count):
            command = tuple(COMMANDS)[k % 2]
            faults = kill(children, folder, command, float(rng.uniform(0, longest[command])))
            wrong += [f"  {WRONG}: {command}: {fault}" for fault in faults]
        wrong += [f"  {WRONG}: left running: {name}" for name in children.end()]
    return [
        f"{count} kills of make and master (seed {seed}), each followed by another command: {len(wrong)} {WRONG}",
        *wrong,
    ]


def lines(count: int, seed: int | None = None) -> list[str]:
    """`count` interrupts, half of them of `make`, and what came of them; whatever went wrong is named in it."""
    seed = seed if seed is not None else int(np.random.default_rng().integers(2**32))
    said = []
    with tempfile.TemporaryDirectory() as home:
        children = Children(Path(home) / "children")
        (folder := Path(home) / "work").mkdir()
        folder_to_work_in(folder)
        for command, share in (("make", 0.5), ("master", 0.4), (FIRST, 0.1)):
            found = interrupts(children, folder, command, max(1, round(share * count)), seed)
            bad = [ended for ended in found if ended.faults]
            took = sorted(ended.took_s for ended in found)
            said.append(
                f"{command}: {len(found)} interrupts under load (seed {seed}), {len(bad)} {WRONG}, "
                f"median {took[len(took) // 2]:.2f} s, slowest {took[-1]:.2f} s"
            )
            said += [f"  {WRONG}: {ended}" for ended in bad]
        said += [f"  {WRONG}: left running: {name}" for name in children.end()]
    return said


if __name__ == "__main__":
    print(*(told := lines(*map(int, sys.argv[1:]))), sep="\n")
    sys.exit(any(line.startswith(f"  {WRONG}") for line in told))
