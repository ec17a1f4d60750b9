"""Noises of a mechanism: hammer, key, pedal, finger; in seven bands of about an octave, no two alike.

Levels are dB of a band's mean power over the first `MEAN_S`, both channels together, against that of the tone's first
second.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.streams import generator

EDGES_HZ = (60, 250, 500, 1000, 2000, 4000, 8000, 16_000)
BANDS = len(EDGES_HZ) - 1
MEAN_S = 0.25
TAKES = 8  # of each band; a stroke draws one a band, and its sign
FALL_DB, FADE_S = 48.0, 0.02  # how far a take is followed, and the fade at its end
ALIKE = 0.2  # correlation of the channels


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a noise comes and goes: the seconds it rises in (half-cosine), and in which each band falls by 60 dB."""

    rise_s: float
    t60_s: tuple[float, ...]


@lru_cache(maxsize=16)
def takes(stroke: Stroke, name: str, seed: int, rate: int) -> NDArray[np.float32]:
    """Noises (BANDS, TAKES, 2, taps) of mean power 1 over their first `MEAN_S`; from 0.4 of the rate up none."""
    taps = int(max(stroke.rise_s + FALL_DB / 60 * max(stroke.t60_s), 2 * MEAN_S) * rate)
    t = np.arange(taps) / rate
    white = generator(seed, name, "takes").standard_normal((TAKES, 3, taps))
    sides = np.sqrt(1 - ALIKE) * white[:, :2] + np.sqrt(ALIKE) * white[:, 2:]
    spectrum, hz = np.fft.rfft(sides), np.fft.rfftfreq(taps, 1 / rate)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.clip(t / stroke.rise_s, 0, 1))
    ends = np.clip((t[-1] - t) / FADE_S, 0, 1)
    out = np.zeros((BANDS, TAKES, 2, taps), np.float32)
    for band, t60 in enumerate(stroke.t60_s):
        low, high = EDGES_HZ[band : band + 2]
        skirts = 1 / np.sqrt((1 + (low / np.maximum(hz, 1)) ** 8) * (1 + (hz / high) ** 8))
        made = np.fft.irfft(spectrum * skirts, taps)
        made *= rise * np.exp(-6.908 / t60 * np.maximum(t - stroke.rise_s, 0)) * ends
        power = (made[..., : int(MEAN_S * rate)] ** 2).mean()
        if low < 0.4 * rate:
            out[band] = made / np.sqrt(power)
    return out


def add_stroke(
    out: NDArray[np.float32], start: int, noises: NDArray[np.float32], level: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Add one stroke to out (2, frames) at frame `start`: `level` is each band's gain, `noises` come from `takes`."""
    drawn = noises[np.arange(BANDS), rng.integers(TAKES, size=BANDS)]
    sign = rng.choice([-1.0, 1.0], BANDS)
    made = np.tensordot((level * sign).astype(np.float32), drawn, 1)
    end = min(start + made.shape[1], out.shape[1])
    out[:, start:end] += made[:, : end - start]
