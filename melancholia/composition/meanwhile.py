"""What a line beside the tune is told of the others: what the tune and the bass do where each of its notes begins."""

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import TICKS, VOICES, ahead

FAR = 16 * TICKS  # behind its last tone the tune is this far away


def meanwhile(
    at: NDArray[np.int64], middle: float, tune: NDArray[np.int64], low: NDArray[np.int64], voice: str
) -> dict[str, NDArray[np.float64]]:
    """What the tune and the bass do at some times (ticks, rising), as columns of `BESIDE`, pitch classes as they sound.

    `middle` is the median of the line that is told so; `tune` and `low` are rows of onset, length and pitch, `low` may
    be unknown (empty).
    """
    found = {"tune": sounding(tune, at), "low": sounding(low, at)}
    begins = np.isin(at, tune[:, 0])
    rests = ~found["tune"].any(axis=1)
    k = np.searchsorted(tune[:, 0], at, side="right") - 1
    following = np.append(tune[:, 0], at.max(initial=0) + FAR)[k + 1] - at
    if len(tune):
        moves = np.sign(np.diff(tune[:, 2], prepend=tune[0, 2]))
        move, height = moves[np.maximum(k, 0)] * begins, np.where(rests, 0, (tune[np.maximum(k, 0), 2] - middle) / 12)
    else:
        move = height = np.zeros(len(at))
    found["tune_state"] = np.column_stack([begins, rests]).astype(float)
    found["tune_ahead"] = ahead(following)[:, None]
    found["tune_move"], found["tune_height"] = move[:, None].astype(float), height[:, None]
    if len(low):
        silent = ~found["low"].any(axis=1)
        k = np.maximum(np.searchsorted(low[:, 0], at, side="right") - 1, 0)
        found["low_state"] = np.column_stack([np.isin(at, low[:, 0]), silent, np.ones(len(at))]).astype(float)
        found["low_height"] = np.where(silent, 0, (low[k, 2] - middle) / 12)[:, None]
    found["voice"] = np.tile(np.arange(len(VOICES)) == VOICES.index(voice), (len(at), 1)).astype(float)
    return found


def sounding(line: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The pitch class that a line sounds at some times, as (times, 12); nothing where it rests."""
    found = np.zeros((len(at), 12))
    if len(line):
        k = np.searchsorted(line[:, 0], at, side="right") - 1
        on = (k >= 0) & (line[k, :2].sum(axis=1) > at)
        found[np.flatnonzero(on), line[k[on], 2] % 12] = 1
    return found
