"""Mastering three minutes of stereo music to -18 LUFS under -1 dBTP: warm, and as whole processes beside ffmpeg's
two-pass loudnorm and matchering (where they are installed), with what each of them made.

ffmpeg's loudnorm gets LRA=50, else it compresses; matchering gets a reference that has the loudness asked for.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyebur128
import soundfile
from scipy.signal import resample_poly

from melancholia.mastering import master
from tests.benchmarks import median_cpu
from tests.mastering.test_memory import LONG

SECONDS, RATE = 180, 44_100
LUFS, CEILING_DBTP = -18, -1  # 3 dB of limiting
TIMES = 3
STARTER = """
import os, sys, time
null = os.open(os.devnull, os.O_WRONLY)
began = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, used = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def song(seconds=SECONDS, rate=RATE, seed=0):
    """Inharmonic decaying chords, kicks and hits in a hall, that swell and fade: -21.6 LUFS, -1.8 dBTP."""
    rng = np.random.default_rng(seed)
    n = seconds * rate
    x = np.zeros((2, n), np.float32)
    for beat, second in enumerate(np.arange(0, seconds - 2, 0.75)):
        at = int(second * rate)
        t = np.arange(min(n - at, 3 * rate), dtype=np.float32) / rate
        here = x[:, at : at + len(t)]
        if beat % 2 == 0:
            for hertz in 110 * 2 ** (rng.choice([0, 3, 7, 10, 12, 15, 19], 4) / 12):
                pan = rng.random()
                for k in range(1, 9):
                    partial = (
                        np.sin(2 * np.pi * hertz * k * (1 + 0.0004 * k * k) * t) * np.exp(-t * (0.8 + 0.5 * k)) / k
                    )
                    here += 0.12 * np.array([[1 - pan], [pan]], np.float32) * partial
        here += 0.08 * np.sin(2 * np.pi * (50 * t + 1 - np.exp(-t * 30))) * np.exp(-t * 12)
        if beat % 2:
            here += 0.03 * rng.normal(0, 1, here.shape).astype(np.float32) * np.exp(-t * 40)
    tail = rng.normal(0, 0.01, (2, 2 * rate)) * np.exp(-np.arange(2 * rate) / (0.3 * rate))
    size = 1 << int(np.ceil(np.log2(n + 2 * rate)))
    wet = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(tail, size), size)[:, :n]
    y = (x + 0.8 * wet) * np.interp(np.arange(n) / n, [0, 0.3, 0.7, 1], [0.3, 1, 0.7, 0.15])
    return 0.81 * y / np.abs(y).max()


def ours(source, target):
    asked = ["--lufs", LUFS, "--ceiling", CEILING_DBTP, "--force", "--quiet"]
    return [[sys.executable, "-m", "melancholia", "master", source, "-o", target, *asked]]


def loudnorm(source, target):
    asked = f"loudnorm=I={LUFS}:TP={CEILING_DBTP}:LRA=50"
    first = ["ffmpeg", "-nostdin", "-i", source, "-af", f"{asked}:print_format=json", "-f", "null", "-"]
    yield first
    found = json.loads(re.findall(r"\{[^{}]*\}", subprocess.run(first, capture_output=True, text=True).stderr)[-1])
    names = {"I": "input_i", "TP": "input_tp", "LRA": "input_lra", "thresh": "input_thresh"}
    measured = ":".join(f"measured_{name}={found[key]}" for name, key in names.items())
    asked += f":{measured}:offset={found['target_offset']}:linear=true"
    yield ["ffmpeg", "-nostdin", "-y", "-i", source, "-af", asked, "-ar", str(RATE), "-c:a", "pcm_s24le", target]


def matchering(source, target, reference):
    code = "import sys, matchering as m\nm.process(*sys.argv[1:3], results=[m.pcm24(sys.argv[3])])"
    return [[sys.executable, "-c", code, source, reference, target]]


def timed(commands):
    """Wall and CPU seconds of processes one after the other, and the most memory that one of them took, in MB.

    A process starts with the peak of memory of its parent: so one that holds nothing starts it.
    """
    wall = cpu = most = 0.0
    for command in commands:
        done = subprocess.run([sys.executable, "-c", STARTER, *map(str, command)], capture_output=True, check=True)
        code, one, used, memory = map(float, done.stdout.split())
        assert code == 0, (command, done.stderr)
        wall, cpu, most = wall + one, cpu + used, max(most, memory / 1024)
    return wall, cpu, most


def middle(commands, times=TIMES):
    """The middle of several tries by wall time, with its CPU and memory."""
    found = [timed(list(commands)) for _ in range(times)]
    return sorted(found)[times // 2]


def heard(path):
    """Integrated loudness and range by libebur128, true peak by scipy at eight times the rate."""
    x, rate = soundfile.read(path, dtype="float64", always_2d=True)
    modes = pyebur128.MeasurementMode
    state = pyebur128.R128State(2, rate, modes.MODE_I | modes.MODE_LRA)
    state.add_frames(np.ascontiguousarray(x).ravel(), len(x))
    peak = 0.0
    for start in range(0, len(x), 10 * rate):
        part = x[max(0, start - 100) : start + 10 * rate + 100].T
        peak = max(peak, np.abs(resample_poly(part, 8, 1, axis=1)).max())
    return pyebur128.get_loudness_global(state), pyebur128.get_loudness_range(state), 20 * np.log10(peak)


def figures():
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        source, reference = home / "in.wav", home / "reference.wav"
        soundfile.write(source, song().T, RATE, subtype="PCM_24")
        master(source, lufs=LUFS, out=reference)
        before = heard(source)
        warm = median_cpu(lambda: master(source, lufs=LUFS, out=home / "warm.wav", force=True))
        yield row("master 3 minutes of stereo WAV, warm, CPU", 250, SECONDS / warm, "x real time")
        us = middle(ours(source, home / "ours.wav"))
        yield row("  the same as a whole cold process", None, SECONDS / us[0], "x real time")
        yield row("  most memory of that process", None, us[2], "MB", better="lower")
        yield from made("  ours", home / "ours.wav", before, lufs=0.1, over=0.05, spread=0.5)
        long = subprocess.run(
            [sys.executable, "-c", LONG.replace("MINUTES", "120")], cwd=home, capture_output=True, text=True, check=True
        )
        (home / "long.wav").unlink()
        yield row(
            "  memory of a master of two hours above one of two seconds",
            40,
            long.stdout.split()[1],
            "MB",
            better="lower",
        )
        if shutil.which("ffmpeg"):
            them = middle(list(loudnorm(source, home / "ffmpeg.wav")))
            yield row(
                "  ffmpeg's two-pass loudnorm, whole processes, against ours", 6, them[0] / us[0], "times our time"
            )
            yield row("  the same against our stages, CPU", 10, them[1] / warm, "times our time")
            yield from made("  ffmpeg", home / "ffmpeg.wav", before)
        if find_spec("matchering"):
            them = middle(matchering(source, home / "matchering.wav", reference))
            yield row("  matchering, whole processes, against ours", 4, them[0] / us[0], "times our time")
            imports = middle([[sys.executable, "-c", "import matchering"]])
            yield row("  its stages against ours, CPU", 5, (them[1] - imports[1]) / warm, "times our time")
            yield row("  most memory of matchering", None, them[2], "MB", better="lower")
            yield from made("  matchering", home / "matchering.wav", before)


def made(who, path, before, *, lufs=None, over=None, spread=None):
    """What became of loudness, true peak and range."""
    found = heard(path)
    yield row(f"{who}: off the loudness asked for", lufs, abs(found[0] - LUFS), "LU", better="lower")
    yield row(f"{who}: true peak over the ceiling", over, found[2] - CEILING_DBTP, "dB", better="lower")
    yield row(f"{who}: loudness range that became another", spread, abs(found[1] - before[1]), "LU", better="lower")


def row(what, budget, figure, unit, *, better="higher"):
    return {"what": what, "budget": budget, "figure": float(figure), "unit": unit, "better": better}
