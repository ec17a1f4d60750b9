"""Voice leading between two lines, whoever has them: what goes on in parallel, rubs, crosses or doubles.

Lines are rows of onset, length and pitch, one note at a time; times in any unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESTS = -1  # in place of a pitch
C3 = 48  # under it two tones a second apart are mud


@dataclass(frozen=True, slots=True)
class Pair:
    """How two lines go together. `fifths` and `octaves` count moves of both that keep that interval; the others are
    shares of the time in which both sound: `rubs` as `rub` says (a minor ninth or a major seventh counts a
    third), `crossed` the one that should be higher is not, `doubled` in unison or octaves."""

    fifths: int
    octaves: int
    rubs: float
    crossed: float
    doubled: float


def pitch_at(line: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """What a line sounds at some times, `RESTS` where it rests."""
    if not len(line):
        return np.full(len(at), RESTS)
    k = np.searchsorted(line[:, 0], at, side="right") - 1
    on = (k >= 0) & (line[np.maximum(k, 0), :2].sum(axis=1) > at)
    return np.where(on, line[np.maximum(k, 0), 2], RESTS)


def rub(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which tones rub against each other: a semitone apart, under C3 a tone as well."""
    apart = np.abs(a - b)
    return np.asarray((apart == 1) | (apart == 2) & (np.maximum(a, b) < C3))


def pair(upper: NDArray[np.int64], lower: NDArray[np.int64]) -> Pair:
    """How a line goes with one that should lie under it."""
    edges = np.unique(np.concatenate([upper[:, 0], upper[:, :2].sum(axis=1), lower[:, 0], lower[:, :2].sum(axis=1)]))
    if len(edges) < 2:
        return Pair(0, 0, 0.0, 0.0, 0.0)
    a, b = pitch_at(upper, edges[:-1]), pitch_at(lower, edges[:-1])
    both = (a != RESTS) & (b != RESTS)
    held = np.diff(edges) * both
    total = max(float(held.sum()), 1e-9)
    apart = a - b
    moved = both[1:] & both[:-1] & (np.diff(a) != 0) & (np.diff(b) != 0)
    kept = moved & (apart[1:] % 12 == apart[:-1] % 12)
    near = np.abs(apart)
    rubs = (held * rub(a, b)).sum() + (held * np.isin(near, (11, 13))).sum() / 3
    return Pair(
        int((kept & (apart[1:] % 12 == 7)).sum()), int((kept & (apart[1:] % 12 == 0)).sum()), float(rubs / total),
        float((held * (apart < 0)).sum() / total), float((held * (apart % 12 == 0)).sum() / total),
    )  # fmt: skip


def meeting(line: NDArray[np.int64], notes: NDArray[np.int64]) -> tuple[float, float]:
    """Shares of a line's time in which a note rubs against it, and is its pitch."""
    if not len(notes):
        return 0.0, 0.0
    first = np.maximum(line[:, None, 0], notes[None, :, 0])
    last = np.minimum(line[:, None, :2].sum(axis=2), notes[None, :, :2].sum(axis=2))
    held = np.maximum(last - first, 0)
    a, b = line[:, None, 2], notes[None, :, 2]
    total = float(line[:, 1].sum())
    rubs, same = ((held * which).sum(axis=1) for which in (rub(a, b), a == b))
    return float(np.minimum(rubs, line[:, 1]).sum() / total), float(np.minimum(same, line[:, 1]).sum() / total)
