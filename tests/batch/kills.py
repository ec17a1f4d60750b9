"""Kills of `melancholia batch`, of the whole run or of one of its workers, at random moments; then what is there.

`make test` does a few over forty files, `make soak` twenty over three hundred.
"""

import hashlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import soundfile

from melancholia.batch import read_manifest
from tests.batch.works import settle
from tests.children import CLI, Child, Children

RATE = 44_100
WORKERS = "multiprocessing.spawn"


def sources(folder: Path, count: int, seed: int) -> Path:
    """Stereo files of 2 to 5 s in three folders, WAV and FLAC in turn, no two alike."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        frames = int(rng.uniform(2, 5) * RATE)
        tone = 0.1 * np.sin(2 * np.pi * rng.uniform(100, 900) * np.arange(frames) / RATE)
        path = folder / "abc"[k % 3] / f"{k:03d}.{'wav' if k % 2 else 'flac'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone[:, None] + rng.normal(0, 1e-3, (frames, 2)), RATE, subtype="PCM_24")
        settle(path)
    return folder


def started(children: Children, source: Path, out: Path) -> Child:
    return children.start(*CLI, "batch", f"{source}/**/*", "-o", out, "--jobs", 2)


def hashes(out: Path) -> dict[str, str]:
    """Every output under its final name."""
    kept = [path for path in out.rglob("*") if path.suffix in (".wav", ".flac") and path.parent.name in "abc"]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def rows_of(out: Path) -> int:
    manifest = out / "manifest.jsonl"
    return manifest.read_bytes().count(b"\n") if manifest.exists() else 0


def kill(child: Child, out: Path, at_rows: int, rng: np.random.Generator, *, worker: bool) -> bool:
    """Kill the run, or one of its workers, soon after it wrote so many rows; whether it still ran by then."""
    until = time.monotonic() + 60
    while rows_of(out) < at_rows and child.process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(float(rng.uniform(0, 0.15)))
    if child.process.poll() is not None:
        return False
    if not worker:
        child.kill()
        return True
    while child.process.poll() is None:
        if at_work := [process for process in child.others() if is_worker(process)]:
            os.kill(at_work[int(rng.integers(len(at_work)))].pid, signal.SIGKILL)
            return True
    return False


def is_worker(process: psutil.Process) -> bool:
    try:
        return any(WORKERS in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def killed(children: Children, home: Path, *, files: int, kills: int, seed: int) -> list[str]:
    """All that is wrong after a batch was killed so often and run to its end; half of the kills take a worker."""
    source, calm, torn = sources(home / "in", files, seed), home / "calm", home / "torn"
    rng, wrong = np.random.default_rng(seed), []
    if (done := started(children, source, calm).wait()).returncode:
        return [f"a run that nobody disturbed: {done.returncode}, {done.stderr}"]
    wanted, hit = hashes(calm), 0
    child = started(children, source, torn)
    for k in range(kills):
        worker = k % 2 == 1
        hit += kill(child, torn, (k + 1) * files // (kills + 2), rng, worker=worker)
        wrong += [f"{name} is half-written" for name, found in hashes(torn).items() if wanted.get(name) != found]
        if not worker:
            child = started(children, source, torn)
    last = child.wait()
    again = started(children, source, torn).wait()
    for what, done in (("the last run", last), ("a run over all that is done", again)):
        if done.returncode or "Traceback" in done.stderr:
            wrong.append(f"{what}: {done.returncode}, {done.stderr}")
    if hit < kills:
        wrong.append(f"{kills - hit} of {kills} kills came too late")
    if hashes(torn) != wanted or len(wanted) != files:
        wrong.append(f"outputs differ: {sorted(set(wanted.items()) ^ set(hashes(torn).items()))[:3]}")
    if parts := [str(path) for path in torn.rglob("*.part")]:
        wrong.append(f"left {parts[:3]}")
    rows = [row.input for row in read_manifest(torn) if row.status == "done"]
    if sorted(rows) != sorted(str(path) for path in source.rglob("*") if path.is_file()):
        wrong.append(f"{len(rows)} rows, {len(set(rows))} of them of different sources, for {files} files")
    return wrong
