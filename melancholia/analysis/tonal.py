"""What is heard of harmony: mode, how sure the key is, chords and their change, how long a moment lasts."""

import numpy as np
from numpy.typing import NDArray

from melancholia.analysis.pitch import Array
from melancholia.analysis.spectra import LONG_HOP, RATE
from melancholia.cues import key_strength

OCTAVE = 12
KEY_S = 30.0  # in which a key, and not a moment, is heard
LIKENESS, LONGEST_LIKE_S = (0.8, 0.7, 0.6, 0.5, 0.4, 0.3), 8.0
TRIADS = np.array(
    [np.roll(np.isin(np.arange(12), shape), k) for shape in ((0, 4, 7), (0, 3, 7), (0, 3, 6)) for k in range(12)], float
) / np.sqrt(3)  # fmt: skip
# Pitch classes on the circles of fifths, minor thirds and major thirds (Harte, Sandler & Gasser 2006)
CIRCLES = np.concatenate(
    [
        radius * np.array([turn(2 * np.pi * step * np.arange(12) / 12) for turn in (np.sin, np.cos)])
        for radius, step in ((1.0, 7), (1.0, 9), (0.5, 4))
    ]
)


def modes(chroma: Array, window_s: float) -> tuple[Array, Array]:
    """Mode index and tonal clarity in half-overlapping windows."""
    size = max(2, int(window_s * RATE / LONG_HOP))
    step = size // 2
    starts = range(0, max(len(chroma) - size, 0) + 1, step)
    means = np.array([chroma[start : start + size].mean(axis=0) for start in starts])
    kept = means[means.sum(axis=1) > 0]
    return key_strength(kept) if len(kept) else (np.zeros(1), np.zeros(1))


def persistence_s(tones: NDArray[np.float32]) -> float:
    """Seconds until what sounds is no longer like itself: how long a moment of the music lasts.

    The semitones' amplitudes less their means over the piece are compared with themselves later (cosine of the whole
    (frames, tones) matrix with itself shifted); the geometric mean of the times at which the likeness falls under each
    of LIKENESS. What is played at half the pace lasts twice as long; vibrato and bow noise stay inside their semitone.
    """
    count = len(tones)
    longest = min(int(LONGEST_LIKE_S * RATE / LONG_HOP), count - 2)
    power, moment = np.zeros(count + 1), np.zeros(count)
    for first in range(0, tones.shape[1], OCTAVE):  # an octave at a time: hours fit into memory
        rows = np.sqrt(tones[:, first : first + OCTAVE], dtype=np.float64)
        rows -= rows.mean(axis=0)
        moment += (rows**2).sum(axis=1)
        power += (np.abs(np.fft.rfft(rows, 2 * count, axis=0)) ** 2).sum(axis=1)
    energy = np.cumsum(np.concatenate([[0.0], moment]))
    if longest < 1 or energy[-1] <= 0:
        return 0.0
    products = np.fft.irfft(power)[: longest + 1]
    lags = np.arange(longest + 1)
    like = products / np.maximum(np.sqrt((energy[-1] - energy[lags]) * energy[count - lags]), 1e-30)
    falls = []
    for share in LIKENESS:
        k = int(np.argmax(like < share))
        falls.append(k - (share - like[k]) / (like[k - 1] - like[k]) if k else float(longest))
    return float(np.exp(np.log(falls).mean()) * LONG_HOP / RATE)


def chords_heard(chroma: Array) -> tuple[float, float]:
    """Best cosine of half a second's chroma (square root) with a triad, in the mean; share of it that is diminished."""
    rows = np.sqrt(chroma)
    smooth = np.apply_along_axis(lambda column: np.convolve(column, np.full(6, 1 / 6), "same"), 0, rows)
    unit = smooth / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-12)
    fit = unit @ TRIADS.T
    sounding = chroma.any(axis=1)
    diminished = float((fit.argmax(axis=1) >= 24)[sounding].mean()) if sounding.any() else 0.0
    return float(fit.max(axis=1).mean()), diminished


def harmonic_change(chroma: Array) -> float:
    """How far the tonal centroid goes from one long frame to the next, in the mean (Harte, Sandler & Gasser 2006)."""
    centroid = chroma @ CIRCLES.T
    return float(np.linalg.norm(np.diff(centroid, axis=0), axis=1).mean()) if len(centroid) > 1 else 0.0
