"""The whole way, as whole processes: 120 s from a cold process, 10 minutes, the first run ever, and `--help`."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SEVEN = "cello,felt_piano,strings,choir,sub_bass,solo_violin,harp"
CLI = [sys.executable, "-m", "melancholia"]


def run(*args, env=None):
    """Wall seconds, CPU seconds and peak memory in GB of one process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [*CLI, *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **(env or {})}
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status:
        raise RuntimeError(f"{args} failed: {process.stderr.read().decode()}")
    process.stderr.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, usage.ru_maxrss / 2**20


def best(runs):
    return sorted(runs)[len(runs) // 2]


def song(folder, name, seconds, *options, env=None):
    out = Path(folder) / name
    return run("make", "longing", "--seconds", seconds, "--seed", 3, "--no-report", "-q", "-o", out, *options, env=env)


def figures():
    with tempfile.TemporaryDirectory() as folder:
        first = song(folder, "first", 60, env={"NUMBA_CACHE_DIR": str(Path(folder) / "cache")})
        yield {
            "what": "first run ever (no compiled kernel), 60 s song",
            "budget": 60,
            "figure": first[0],
            "unit": "s wall",
            "better": "lower",
        }
        song(folder, "warm", 30)
        runs = [song(folder, f"song{n}", 120, "--instruments", SEVEN) for n in range(3)]
        wall, cpu, memory = best(runs)
        yield {
            "what": "120 s song, cold process, caches warm, no report",
            "budget": 10,
            "figure": 120 / wall,
            "unit": "x real time",
            "better": "higher",
        }
        yield {"what": "  its CPU", "budget": 23, "figure": cpu, "unit": "s CPU", "better": "lower"}
        yield {"what": "  its peak memory", "budget": 1.5, "figure": memory, "unit": "GB", "better": "lower"}
        stems = len(list((Path(folder) / "song0" / "stems" / "wet").iterdir()))
        yield {"what": "  its stems", "budget": 7, "figure": stems, "unit": "stems", "better": "higher"}
        long = song(folder, "long", 600)
        yield {"what": "10-minute piece, peak memory", "budget": 2, "figure": long[2], "unit": "GB", "better": "lower"}
        yield {
            "what": "10-minute piece",
            "budget": None,
            "figure": 600 / long[0],
            "unit": "x real time",
            "better": "higher",
        }
    yield {
        "what": "melancholia --help",
        "budget": 0.3,
        "figure": best([run("--help")[0] for _ in range(7)]),
        "unit": "s wall",
        "better": "lower",
    }
