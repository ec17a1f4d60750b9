"""Mastering three minutes of stereo WAV to 24-bit WAV, warm, beside pedalboard's limiter with a second meter."""

import tempfile
from pathlib import Path

import numpy as np
import pyebur128
import soundfile

from melancholia.mastering import master
from tests.benchmarks import median_cpu

SECONDS, RATE = 180, 48_000


def song():
    rng = np.random.default_rng(0)
    n = np.arange(SECONDS * RATE)
    x = np.stack([np.sin(2 * np.pi * hertz * n / RATE) * np.exp(-(n % RATE) / 20_000) for hertz in (220, 277)])
    return (0.3 * x + rng.normal(0, 0.02, x.shape)) * np.linspace(0.3, 1, len(n))


def others(source, target):
    import pedalboard

    x, rate = soundfile.read(source, dtype="float32")
    state = pyebur128.R128State(2, rate, pyebur128.MeasurementMode.MODE_I)
    state.add_frames(x.astype(np.float64).ravel(), len(x))
    gain = -16 - pyebur128.get_loudness_global(state)
    board = pedalboard.Pedalboard([pedalboard.Gain(gain), pedalboard.BrickwallLimiter(ceiling_db=-1.0, true_peak=True)])
    soundfile.write(target, board(x, rate), rate, subtype="PCM_24")


def figures():
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.wav", Path(folder) / "out.wav"
        soundfile.write(source, song().T, RATE, subtype="PCM_24")
        ours = median_cpu(lambda: master(source, out=target))
        theirs = median_cpu(lambda: others(source, target))
    yield {
        "what": "master 3 minutes of stereo WAV, warm, CPU",
        "budget": 150, "figure": SECONDS / ours, "unit": "x real time", "better": "higher",
    }  # fmt: skip
    yield {
        "what": "  pedalboard's BrickwallLimiter with libebur128, against ours",
        "budget": None, "figure": theirs / ours, "unit": "times our CPU", "better": "higher",
    }  # fmt: skip
