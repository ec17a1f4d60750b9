"""A batch against its stages called directly, two jobs against one, and ten thousand tiny files.

One job reads ahead and writes behind in threads, and so takes more than one core where it finds it: two jobs on two
cores stand beside one on one core, and, as a figure, beside one that has both.
"""

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import soundfile

import melancholia as mel
from tests.batch.works import Copied, jobs, settle
from tests.benchmarks.bench_mastering import RATE, song

FILES, TINY, THOUSAND = 16, 10_000, 1_000
MB = 2**20


def sources(folder):
    """Copies of three minutes of stereo; the same file many times costs as much as many files."""
    folder.mkdir()
    soundfile.write(folder / "0.wav", song().T, RATE, subtype="PCM_24")
    for k in range(FILES):
        if k:
            shutil.copy(folder / "0.wav", folder / f"{k}.wav")
        settle(folder / f"{k}.wav")
    return folder


def seconds_a_file(source, out, at_once, rack):
    """Between the ends of files, without the start of the processes."""
    ends = []
    batch = mel.batch.masters(source, rack=rack)
    mel.batch.run(batch, out, at_once=at_once, heard=lambda outcome, summary: ends.append(time.perf_counter()))
    shutil.rmtree(out)
    first = 2 * at_once
    return (ends[-1] - ends[first - 1]) / (len(ends) - first)


@contextmanager
def one_core():
    """Inside, this process and those that it starts have one core."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_of_them)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


def directly(source, out, rack):
    """Seconds a file of the stages themselves, as a program would call them one after the other."""
    out.mkdir()
    times = []
    for path in sorted(source.iterdir())[:6]:
        began = time.perf_counter()
        mel.master(mel.apply(path, rack=rack) if rack else path, out=out / path.name)
        times.append(time.perf_counter() - began)
    shutil.rmtree(out)
    return sum(times[1:]) / len(times[1:])


def tiny(folder):
    """Seconds of the first and the last thousand, and how far the parent's memory grew from the first to the last."""
    (source := folder / "in").mkdir()
    for k in range(TINY):
        (source / f"{k:05d}").write_text(str(k))
        settle(source / f"{k:05d}")
    me, seen = psutil.Process(), []

    def heard(outcome, summary):
        if (summary.done % THOUSAND) == 0:
            seen.append((time.perf_counter(), me.memory_info().rss))

    began = time.perf_counter()
    all_jobs = jobs(source, Copied())
    mel.batch.run(all_jobs, folder / "out", at_once=2, heard=heard)
    first, last = seen[1][0] - seen[0][0], seen[-1][0] - seen[-2][0]
    return first, last, (seen[-1][1] - seen[0][1]) / MB, TINY / (time.perf_counter() - began)


def figures():
    with tempfile.TemporaryDirectory() as home:
        home = Path(home)
        source = sources(home / "sources")
        for rack, named, budget in (("longing", "rack and master of 3 minutes", 2), (None, "master of 3 minutes", 6)):
            one = seconds_a_file(source, home / "one", 1, rack)
            direct = directly(source, home / "direct", rack)
            with one_core():
                alone = seconds_a_file(source, home / "alone", 1, rack)
            two = seconds_a_file(source, home / "two", 2, rack)
            yield {
                "what": f"batch, {named}: over the stages called directly",
                "budget": budget, "figure": 100 * (one / direct - 1), "unit": "%", "better": "lower",
            }  # fmt: skip
            yield {
                "what": f"batch, {named}: two jobs on two cores against one on one",
                "budget": 1.85, "figure": alone / two, "unit": "times", "better": "higher",
            }  # fmt: skip
            yield {
                "what": "  against one that has both",
                "budget": None, "figure": one / two, "unit": "times", "better": "higher",
            }  # fmt: skip
            yield {
                "what": f"  files an hour on two cores, {named}",
                "budget": None, "figure": 3600 / two, "unit": "files", "better": "higher",
            }  # fmt: skip
    with tempfile.TemporaryDirectory() as home:
        first, last, grown, rate = tiny(Path(home))
    yield {
        "what": "batch of 10,000 tiny files: the last thousand against the second",
        "budget": 1.3, "figure": last / first, "unit": "times", "better": "lower",
    }  # fmt: skip
    yield {
        "what": "  the parent's memory from the first to the last thousand",
        "budget": 2, "figure": grown, "unit": "MB", "better": "lower",
    }  # fmt: skip
    yield {
        "what": "  tiny files a second",
        "budget": None, "figure": rate, "unit": "files", "better": "higher",
    }  # fmt: skip
