"""Lines as paths through a lattice: exact draws of a pitch for each tone, given all weights at once.

Each tone has a log weight for each pitch, each pair of neighbours one for each move. Messages run backward, pitches
are drawn forward, so that an end far ahead (a cadence, a peak) already bends the line where it begins.
"""

import numpy as np
from numpy.typing import NDArray

NEVER = -40.0  # the log weight of what must not be; small enough to lose, large enough to stay a number


def draw_lines(
    states: NDArray[np.float64], moves: NDArray[np.float64], rng: np.random.Generator, count: int
) -> NDArray[np.int64]:
    """`count` independent draws, shape (count, tones), of pitch indices.

    Parameters
    ----------
    states : array (tones, pitches)
        Log weight of each pitch at each tone.
    moves : array (tones - 1, pitches, pitches)
        Log weight of going from one pitch to the next.
    """
    tones = len(states)
    here = np.exp(states - states.max(axis=1, keepdims=True))
    ways = np.exp(np.minimum(moves, 8.0))
    ahead = np.ones_like(here)
    for k in range(tones - 2, -1, -1):
        ahead[k] = ways[k] @ (here[k + 1] * ahead[k + 1])
        ahead[k] /= ahead[k].max()
    found = np.zeros((count, tones), np.int64)
    found[:, 0] = pick(np.repeat((here[0] * ahead[0])[None], count, axis=0), rng)
    for k in range(1, tones):
        found[:, k] = pick(ways[k - 1][found[:, k - 1]] * here[k] * ahead[k], rng)
    return found


def pick(weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """One index from each row of weights."""
    upto = np.cumsum(weights, axis=1)
    at = rng.random(len(weights)) * upto[:, -1]
    return np.asarray(np.minimum((upto <= at[:, None]).sum(axis=1), weights.shape[1] - 1))
