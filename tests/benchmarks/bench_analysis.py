"""Analysing three minutes of stereo, warm, beside the same features by separate calls; the listener's first use."""

import subprocess
import sys
import time

import numpy as np

from melancholia.analysis import analyse
from melancholia.audio import audio
from tests.benchmarks import median_cpu

SECONDS, RATE = 180, 48_000
HOUR = """
import re
import numpy as np
from melancholia.analysis import analyse
from melancholia.audio import audio
from melancholia.delivery.delivery import Repeated
tone = 0.2 * np.sin(2 * np.pi * 220 * np.arange(10 * 48000) / 48000) * np.exp(-(np.arange(480000) % 30000) / 15000)
analyse(Repeated(audio(tone.astype(np.float32), 48000), 3600 * 48000))
print(int(re.search("VmHWM: *([0-9]+)", open("/proc/self/status").read().expandtabs(1)).group(1)) / 1024)
"""  # of the process itself: its rusage holds what its parent had


def separately(x):
    """What a user would call, one feature after the other, each with its own spectrum."""
    import librosa

    y = librosa.resample(x.mean(axis=0), orig_sr=RATE, target_sr=22_050)
    librosa.feature.rms(y=y)
    librosa.feature.spectral_centroid(y=y)
    librosa.feature.spectral_rolloff(y=y)
    librosa.feature.spectral_contrast(y=y)
    librosa.feature.spectral_flatness(y=y)
    librosa.feature.melspectrogram(y=y)
    librosa.onset.onset_strength(y=y)
    librosa.feature.chroma_stft(y=y, n_fft=8192, hop_length=2048, tuning=0)
    librosa.feature.spectral_bandwidth(y=y)
    librosa.feature.tonnetz(y=y, tuning=0)


def figures():
    noise = audio(np.random.default_rng(0).normal(0, 0.1, 2 * RATE), RATE)
    began = time.process_time()
    analyse(noise)
    first = time.process_time() - began
    n = np.arange(SECONDS * RATE)
    tones = [0.2 * np.sin(2 * np.pi * hertz * n / RATE) * np.exp(-(n % 30_000) / 15_000) for hertz in (220, 262, 330)]
    sound = audio(np.stack([sum(tones), 0.8 * sum(tones)]) + 1e-3 * np.random.default_rng(0).normal(size=len(n)), RATE)
    ours = median_cpu(lambda: analyse(sound))
    theirs = median_cpu(lambda: separately(sound.samples), 3)
    yield {
        "what": "analyse 3 minutes of stereo, warm, CPU",
        "budget": 140, "figure": SECONDS / ours, "unit": "x real time", "better": "higher",
    }  # fmt: skip
    yield {
        "what": "  ten of its features by separate librosa calls",
        "budget": 2.5, "figure": theirs / ours, "unit": "times our CPU", "better": "higher",
    }  # fmt: skip
    yield {"what": "  the listener's first use", "budget": 3, "figure": first, "unit": "s CPU", "better": "lower"}
    done = subprocess.run([sys.executable, "-c", HOUR], capture_output=True, text=True, check=True)
    yield {
        "what": "analyse one hour, peak memory",
        "budget": 500, "figure": float(done.stdout), "unit": "MB", "better": "lower",
    }  # fmt: skip
