"""Figures of a line: its moves and their rhythm, as numbers that neither transposition nor tempo changes.

A figure of n notes is n - 1 intervals in semitones (clipped to an octave) and, from the second on, the ratio of each
inter-onset time to the one before, snapped to `RATIOS`. A whole figure is one 64-bit number.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

RATIOS = np.array([1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4])
EDGES = np.sqrt(RATIOS[1:] * RATIOS[:-1])  # between neighbours, by equal ratios
FURTHEST = 12  # semitones
MIX = np.uint64(0x9E3779B97F4A7C15)  # an odd number with its bits well spread: 2**64 over the golden ratio


def symbols(pitches: ArrayLike, onsets: ArrayLike, *, rhythm: bool = True) -> NDArray[np.int64]:
    """Each move as (interval, ratio), shape (notes - 1, 2); the first has no ratio (-1), and none has without rhythm.

    Onsets are in any unit of time, rising.
    """
    steps = np.clip(np.diff(np.asarray(pitches, np.int64)), -FURTHEST, FURTHEST)
    ratios = np.full(len(steps), -1)
    if rhythm and len(steps) > 1:
        gaps = np.maximum(np.diff(np.asarray(onsets, np.float64)), 1e-9)
        ratios[1:] = np.searchsorted(EDGES, gaps[1:] / gaps[:-1])
    return np.column_stack([steps, ratios])


def hashes(pitches: ArrayLike, onsets: ArrayLike, size: int, *, rhythm: bool = True) -> NDArray[np.uint64]:
    """The number of each figure of `size` notes, shape (notes - size + 1,); empty for a shorter line."""
    moves = symbols(pitches, onsets, rhythm=rhythm)
    count = len(moves) - size + 2
    if count < 1:
        return np.zeros(0, np.uint64)
    found = np.zeros(count, np.uint64)
    for k in range(size - 1):
        interval, ratio = moves[k : k + count].T
        symbol = (interval + FURTHEST) * (len(RATIOS) + 1) + (ratio + 1 if k else 0)
        found = (found ^ (symbol + 1).astype(np.uint64)) * MIX
        found ^= found >> np.uint64(29)
    return found
