"""Tempo: phrase arches, the final ritard, breaths and an uneven clock, as lengths of beats.

The rules are those of the KTH system (Sundberg, Friberg, Bresin) as in Director Musices; each gives a factor by which
the nominal length of a moment is multiplied. They act on a grid of beats common to all parts: one tempo map.
"""

import numpy as np
from numpy.typing import NDArray

from melancholia.piece import LONGEST_QUARTER_US, TempoMap

ACCELERANDO, RITARD = 0.1, 0.2  # of the nominal length at the edges of a phrase, for k = 1
FIRST_TURN = 0.4  # where a phrase turns (later than the rule's 0.3: sad)
FILTER_GAIN = 2.17  # of the 1/f filter on uniform numbers: SD 7.3 ms at 500 ms, 19 ms at 1 s
POWER = 2.0
RITARD_POWER = 3.0  # q = 3: constant braking power (Friberg & Sundberg 1999)
CLOCK_CAP = 0.025  # of the interval; above, a clock sounds unskilled


def arch(u: NDArray[np.float64], *, k: float, turn: float) -> NDArray[np.float64]:
    """Length factor at relative times u (0..1) of a phrase: quicker to its turn, broader to its end.

    At k = 1.5 the first moment is 15 % longer and the last one 30 %.
    """
    rise = 1 + ACCELERANDO * k * np.clip(1 - u / turn, 0, 1) ** POWER
    fall = 1 + RITARD * k * np.clip((u - turn) / (1 - turn), 0, 1) ** POWER
    return np.asarray(rise * fall)


def ritard(x: NDArray[np.float64], *, end: float) -> NDArray[np.float64]:
    """Tempo at relative score positions x (0..1) of the final ritard, from 1 to `end`."""
    return np.asarray((1 + (end**RITARD_POWER - 1) * x) ** (1 / RITARD_POWER))


def clock(ioi_ms: NDArray[np.float64], *, k: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Deviations of an uneven inner clock in ms for successive intervals: 1/f noise that grows with the interval."""
    spread = np.where(ioi_ms <= 1300, 0.032 * ioi_ms + 6.74, 0.0975 * ioi_ms - 75.98)
    spread = 0.1 * spread * 4 * (0.00143 * ioi_ms + 0.57)
    wanted = np.minimum(k * FILTER_GAIN * spread / np.sqrt(12), CLOCK_CAP * ioi_ms)
    return np.asarray(pink(len(ioi_ms), rng) * wanted)


def pink(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """1/f noise of unit variance."""
    if count < 2:
        return np.zeros(count)
    spectrum = np.fft.rfft(rng.standard_normal(max(count, 8)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, max(count, 8))[:count]
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-9))


def beat_lengths(
    shape: NDArray[np.float64],
    beats: NDArray[np.float64],
    nominal_ms: float,
    *,
    ritard_end: float,
    ritard_quarters: float,
    noise_k: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Length factors of the grid cells that begin at `beats` (quarters; the last entry is the end), mean 1.

    `shape` is how long each is by its phrase; the final ritard and the clock come on top.
    """
    start, width = beats[:-1], np.diff(beats)
    factor, end = shape.copy(), beats[-1]
    closing = start >= end - ritard_quarters
    x = np.clip((start[closing] + width[closing] / 2 - (end - ritard_quarters)) / ritard_quarters, 0, 1)
    factor[closing] /= ritard(x, end=ritard_end)
    factor *= 1 + clock(width * nominal_ms, k=noise_k, rng=rng) / np.maximum(width * nominal_ms, 1e-9)
    mean = float((factor * width).sum() / width.sum())
    return np.asarray(factor / mean)


def capped(factor: NDArray[np.float64], weight: NDArray[np.float64], *, most: float) -> NDArray[np.float64]:
    """Factors of weighted mean 1, none above `most`: what is cut off goes to all others alike."""
    out = factor * weight.sum() / (factor * weight).sum()
    free = np.ones(len(out), bool)
    while (out[free] > most * (1 + 1e-9)).any():
        free &= out <= most
        if not free.any():
            return np.ones(len(out))
        left = weight.sum() - most * weight[~free].sum()
        out = np.where(free, out * left / (out[free] * weight[free]).sum(), most)
    return np.asarray(out)


def tempo_map(beats: NDArray[np.float64], factor: NDArray[np.float64], us_per_quarter: float) -> TempoMap:
    """Tempo steps of whole microseconds, as many as MIDI can say, whose rounding does not add up."""
    changes, owed = [], 0.0
    for at, width, f in zip(beats[:-1], np.diff(beats), factor, strict=True):
        exact = us_per_quarter * f + owed / width
        whole = min(max(round(exact), 1), LONGEST_QUARTER_US)
        owed = (exact - whole) * width
        changes.append((float(at), whole))
    return TempoMap(tuple(changes))
