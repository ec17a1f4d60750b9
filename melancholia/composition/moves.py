"""How melodies move, from one tone to the next: counted inside the phrases of minor songs (OpenScore Lieder, CC0)."""

import numpy as np
from numpy.typing import NDArray

# shares of intervals in semitones, -12..12, of 50 958; words repeat tones more often than instruments do, so the share
# of repeats is lowered from 22.5
INTERVALS = {
    -12: 0.5, -9: 0.3, -8: 0.3, -7: 1.6, -6: 0.4, -5: 2.7, -4: 3.2, -3: 4.6, -2: 15.4, -1: 11.4, 0: 18.0, 1: 9.8,
    2: 13.4, 3: 4.7, 4: 2.0, 5: 3.8, 6: 0.4, 7: 1.4, 8: 0.6, 9: 0.4, 12: 0.4, -10: 0.2, -11: 0.02, 10: 0.2, 11: 0.02,
}  # fmt: skip
LOG_INTERVAL = np.log(np.array([INTERVALS[k] for k in range(-12, 13)]) / 100)
# Kinds of moves: leap, third, step down; the same tone; step, third, leap up.
KINDS = 7
# Log of how much likelier a kind (column) is after a kind (row) than by its own share. Only repeats on repeats (.56)
# are held back: they need words.
TURNS = np.array([
    [-2.12, -0.22, -1.07, 0.22, 0.14, 0.51, 1.04], [-0.72, 0.71, -0.23, -0.30, -0.02, 0.28, 0.54],
    [-0.43, -0.28, 0.48, -0.38, -0.25, -0.21, -0.04], [-0.35, -0.56, -0.34, -0.05, -0.25, 0.01, 0.27],
    [0.19, 0.23, -0.37, -0.41, 0.58, -0.21, -0.86], [0.52, 0.15, 0.30, -0.25, -0.87, 0.52, -0.29],
    [1.12, 0.32, 0.05, 0.12, -0.80, -0.25, -2.00],
])  # fmt: skip


def kind_of(jump: NDArray[np.int64]) -> NDArray[np.int64]:
    """The kind, 0 to 6, of moves in semitones."""
    size = np.abs(jump)
    return np.asarray(3 + np.sign(jump) * np.where(size == 0, 0, np.where(size <= 2, 1, np.where(size <= 4, 2, 3))))


def surprise(lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """Nats a move, by these tables, of lines of pitches (..., tones): how unlike a sung line each is."""
    jump = np.diff(lines, axis=-1)
    if jump.shape[-1] == 0:
        return np.zeros(lines.shape[:-1])
    beyond = 0.5 * np.maximum(0, np.abs(jump) - 12)
    nats = -LOG_INTERVAL[np.clip(jump, -12, 12) + 12] + beyond
    kind = kind_of(jump)
    nats[..., 1:] -= TURNS[kind[..., :-1], kind[..., 1:]]
    return np.asarray(nats.mean(axis=-1))
