"""Heartbeat: lub and dub, each a soft low tone that sinks, as heard through a chest. One note is one beat; mono."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from melancholia.instruments.events import Events
from melancholia.streams import generator

TRIM = 0.28
LEVEL_DB = 26.0  # velocity 1 is this far below 127
DUB_S = 0.30  # after the lub
# Hz at first and at last, seconds to fall by 1/e, loudness
LUB, DUB = (62.0, 44.0, 0.085, 1.0), (78.0, 54.0, 0.060, 0.62)
GLIDE_S, RISE_S = 0.03, 0.009
OCTAVE = 0.14  # of the tone: what small loudspeakers can say of it
FLESH_DB = -14.0  # noise of 60 to 260 Hz


@lru_cache(maxsize=4)
def filters(rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Second-order sections: what flesh lets through, and the end of all that is slower than a heart's tone."""
    flesh = signal.butter(3, [60, 260], "bandpass", fs=rate, output="sos")
    return flesh, signal.butter(2, 24, "highpass", fs=rate, output="sos")


def thump(
    shape: tuple[float, float, float, float], rng: np.random.Generator, hard: float, rate: int
) -> NDArray[np.float64]:
    """One of the two sounds, to -80 dB."""
    high, low, decay_s, loud = shape
    flesh, slower = filters(rate)
    t = np.arange(int(9.2 * decay_s * rate), dtype=np.float32) / np.float32(rate)
    bend = 2 * np.pi * 2 ** rng.normal(0, 0.02)
    phase = np.float32(bend) * (low * t + (high - low) * GLIDE_S * (1 - np.exp(-t / GLIDE_S)))
    tone = np.sin(phase) * (1 + 2 * OCTAVE * (0.6 + 0.8 * hard) * np.cos(phase))
    noise = signal.sosfilt(flesh, rng.standard_normal(len(t), dtype=np.float32))
    noise *= 10 ** ((FLESH_DB + 4 * hard) / 20) / np.sqrt((noise**2).mean())
    rise = int(RISE_S * rate)
    made = np.exp(-t / decay_s) * (tone + noise)
    made[:rise] *= np.sin(0.5 * np.pi * np.arange(rise) / rise) ** 2
    fade = len(made) // 6
    made = signal.sosfilt(slower, made)
    made[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    return np.asarray(loud * made)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes; both channels are the same."""
    track = np.zeros(frames, np.float32)
    for k, start in enumerate(played.frames(rate)):
        rng = generator(seed, "heartbeat", k)
        force = float(played.velocity[k]) / 127
        level = TRIM * 10 ** ((LEVEL_DB * (force - 1) + rng.normal(0, 0.4)) / 20)
        dub_s = DUB_S + rng.normal(0, 0.006)
        for after_s, shape in ((0.0, LUB), (dub_s, DUB)):
            at = int(start + after_s * rate)
            made = level * thump(shape, rng, force, rate)
            end = min(at + len(made), frames)
            track[at:end] += made[: max(end - at, 0)].astype(np.float32)
    return np.stack([track, track])
