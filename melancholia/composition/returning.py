"""What a phrase brings back: notes of an earlier one that must be there again, whole, in rhythm, or as a frame."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.continuing import Must
from melancholia.composition.themes import Manner

# How a tune comes back, by weight where a piece is free and where it is literal.
RETURNS = {"whole": (1.0, 7.0), "head": (2.0, 2.0), "frame": (2.5, 1.0), "rhythm": (2.0, 0.5)}
# How a phrase goes on from its first half: as it likes, in its rhythm, a step lower or higher, or with the same notes.
ANSWERS = {"free": (3.0, 0.5), "rhythm": (3.0, 3.0), "moved": (1.5, 3.0), "same": (0.5, 2.0)}
STEPS = (-2, -1, -1, 1, 2)  # of the scale by which a first half is moved, the likelier ones twice
BORROWED = 0.4  # of the departures begin in the rhythm of the home tune

Rows = Sequence[tuple[int, int, int]]  # onset behind the phrase's first bar line and length in ticks, pitch


def way(rng: np.random.Generator, ways: dict[str, tuple[float, float]], manner: Manner) -> str:
    names = list(ways)
    weights = np.array([free + manner.literal * (literal - free) for free, literal in ways.values()])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def again(rows: Rows, at: int, *, pitched: bool, moved: int = 0) -> list[Must]:
    """Notes that must follow one another from `at`, with their pitches, or in their rhythm alone."""
    return [
        Must(at + start, pitch=pitch + moved if pitched else None, length=length, straight=True)
        for start, length, pitch in rows
    ]


def frame(rows: Rows, at: int, beat: int) -> list[Must]:
    """The notes on beats, and the long ones, as tones that must be touched; what lies between is free."""
    return [
        Must(at + start, pitch=pitch) for start, length, pitch in rows if start % (2 * beat) == 0 or length >= 2 * beat
    ]


def before(rows: Rows, tick: int) -> list[tuple[int, int, int]]:
    """The notes that begin before a tick, none sounding beyond it."""
    return [(start, min(length, tick - start), pitch) for start, length, pitch in rows if start < tick]


def returned(
    rows: Rows, start: int, first: int, last: int, bar: int, beat: int, rng: np.random.Generator, manner: Manner
) -> list[Must]:
    """What a returning tune must hold from its first onset until before its last bar."""
    kind = way(rng, RETURNS, manner)
    limit = last - bar // 2
    kept = [(s, min(d, limit - start - s), p) for s, d, p in rows if first <= start + s < limit]
    if kind == "head":
        kept = before(kept, 2 * bar if rng.random() < 0.5 else bar)
    if kind == "frame":
        return frame(kept, start, beat)
    return again(kept, start, pitched=kind != "rhythm")


def answered(
    rows: Rows, start: int, last: int, half: int, scale: NDArray[np.int64], rng: np.random.Generator, manner: Manner
) -> list[Must]:
    """How a phrase takes up its first half, of so many ticks: notes that must be there behind it.

    `scale` are the pitches of the phrase's key, rising: what is moved goes by its steps.
    """
    kind = way(rng, ANSWERS, manner)
    if kind == "free":
        return []
    limit = last - half // 4
    steps = int(rng.choice(STEPS)) if kind == "moved" else 0
    kept = [
        (s + half, min(d, limit - start - s - half), by_steps(p, steps, scale))
        for s, d, p in rows
        if 0 <= s < half and start + s + half < limit
    ]
    return again(kept, start, pitched=kind != "rhythm")


def by_steps(pitch: int, steps: int, scale: NDArray[np.int64]) -> int:
    """A pitch moved along a scale; one that is not in it is as far from its neighbour below as before."""
    if not steps:
        return pitch
    at = int(np.clip(np.searchsorted(scale, pitch, side="right") - 1, 0, len(scale) - 1))
    return int(scale[np.clip(at + steps, 0, len(scale) - 1)] + pitch - scale[at])
