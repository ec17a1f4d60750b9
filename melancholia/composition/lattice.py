"""Lines as paths through a lattice: exact draws of a pitch for each tone, given all weights at once.

Each tone has a log weight for each pitch, each pair of neighbours one for each move, and each move one for what kind of
move came before it. Messages run backward, pitches are drawn forward, so that an end far ahead (a cadence, a peak)
already bends the line where it begins.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.moves import KINDS, kind_of

NEVER = -40.0  # the log weight of what must not be; small enough to lose, large enough to stay a number


@cache
def kinds(width: int) -> NDArray[np.int64]:
    """The kind of the move from each pitch (row) to each (column)."""
    return kind_of(np.arange(width)[None, :] - np.arange(width)[:, None])


def draw_lines(
    states: NDArray[np.float64],
    moves: NDArray[np.float64],
    rng: np.random.Generator,
    count: int,
    turns: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """`count` independent draws, shape (count, tones), of pitch indices.

    Parameters
    ----------
    states : array (tones, pitches)
        Log weight of each pitch at each tone.
    moves : array (tones - 1, pitches, pitches)
        Log weight of going from one pitch to the next.
    turns : array (7, 7), optional
        Log weight of a move's kind after a move of a kind (`moves.KINDS`).
    """
    tones, width = states.shape
    here = np.exp(states - states.max(axis=1, keepdims=True))
    ways = np.exp(np.minimum(moves, 8.0))
    turn = np.exp(turns) if turns is not None else np.ones((KINDS, KINDS))
    kind = kinds(width)
    columns = np.arange(width)[None, :]
    of_kind = (kind[:, :, None] == np.arange(KINDS)).astype(float)
    ahead = np.ones((width, KINDS))  # of a pitch that was reached by a move of a kind
    arriving = np.zeros((tones - 1, width, width))
    for k in range(tones - 2, -1, -1):
        arriving[k] = ways[k] * (here[k + 1][:, None] * ahead)[columns, kind]
        ahead = np.matmul(arriving[k][:, None, :], of_kind)[:, 0, :] @ turn.T
        ahead /= ahead.max()
    found = np.zeros((count, tones), np.int64)
    first = arriving[0].sum(axis=1) if tones > 1 else np.ones(width)
    found[:, 0] = pick(np.repeat((here[0] * first)[None], count, axis=0), rng)
    came = np.full(count, -1)
    for k in range(1, tones):
        weights = arriving[k - 1][found[:, k - 1]]
        if k > 1:
            weights = weights * turn[came[:, None], kind[found[:, k - 1]]]
        found[:, k] = pick(weights, rng)
        came = kind[found[:, k - 1], found[:, k]]
    return found


def pick(weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """One index from each row of weights."""
    upto = np.cumsum(weights, axis=1)
    at = rng.random(len(weights)) * upto[:, -1]
    return np.asarray(np.minimum((upto <= at[:, None]).sum(axis=1), weights.shape[1] - 1))
