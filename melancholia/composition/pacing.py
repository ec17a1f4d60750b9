"""Bars in seconds: how many lie between two times that must be met, in which metre, and each one's tempo."""

from collections.abc import Sequence

import numpy as np

from melancholia.piece import TempoMap

EASY, STRETCH = 1.15, 1.3  # how far the tempo between two hits may leave the mood's own, as a ratio: gladly, at most
METRES = {"4/4": (4, 4), "3/4": (3, 4), "6/8": (6, 8), "5/4": (5, 4), "2/4": (2, 4), "12/8": (12, 8)}


def metre_for(marks: Sequence[float], wanted: float, drawn: str, others: Sequence[str]) -> str:
    """The metre drawn where its bars meet the marks with little bending, else the one that bends the least."""
    bends = {name: stretches(marks, wanted, 4 * METRES[name][0] / METRES[name][1])[2] for name in (drawn, *others)}
    return drawn if bends[drawn] <= EASY else min(bends, key=lambda name: bends[name])


def tempo_for(marks: Sequence[float], wanted: float, metres: Sequence[tuple[int, int]]) -> float:
    """The tempo at which bars of one of the metres meet the marks: the one wanted or the next faster, up to twice; the
    one wanted where none does."""
    bars = [4 * beats / unit for beats, unit in metres]
    tempi = [wanted * float(faster) for faster in np.geomspace(1, 2, 13)]
    meet = (tempo for tempo in tempi if any(stretches(marks, tempo, bar)[2] <= STRETCH for bar in bars))
    return next(meet, wanted)


def stretches(marks: Sequence[float], wanted: float, bar_quarters: float) -> tuple[list[int], float, float]:
    """Whole bars for each stretch between marks (seconds), bars by which the last one is held for longer, and how far
    the tempo bends, as a ratio.

    The whole is moved by some percent first, so that the stretches bend little.
    """
    lengths = np.diff(marks) * wanted / 60 / bar_quarters
    best, left, least = [1], 0.0, np.inf
    for ratio in np.linspace(0.88, 1.12, 25):
        there = lengths * ratio
        counts = np.maximum(1, np.append(np.round(there[:-1]), np.floor(there[-1] + 0.1)))
        held = max(0.0, float(there[-1] - counts[-1]))
        bend = float(np.abs(np.log(np.append(counts[:-1], counts[-1] + held) / lengths)).max())
        if bend < least - 1e-9:
            best, left, least = counts.astype(int).tolist(), held, bend
    return best, left, float(np.exp(least))


def laid_tempo(
    paces: Sequence[float], edges: Sequence[int], marks: Sequence[float], bar_quarters: float, quarters: float
) -> TempoMap:
    """The tempo of each bar by its relative length, such that every edge (bars) falls on its mark (seconds).

    Steps are whole microseconds a quarter whose rounding does not add up; one step where all are alike.
    """
    last = len(paces) - 1
    widths = [bar_quarters if bar < last else quarters - bar_quarters * last for bar in range(len(paces))]
    changes: list[tuple[float, int]] = []
    owed = 0.0
    for first, until, start, end in zip(edges, edges[1:], marks, marks[1:], strict=False):
        total = sum(paces[bar] * widths[bar] for bar in range(first, until))
        if len(edges) == 2 and len({round(pace, 12) for pace in paces}) == 1:
            return TempoMap(((0.0, round(1e6 * (end - start) / sum(widths))),))
        for bar in range(first, until):
            exact = 1e6 * (end - start) * paces[bar] / total + owed / widths[bar]
            changes.append((bar * bar_quarters, round(exact)))
            owed = (exact - round(exact)) * widths[bar]
    return TempoMap(tuple(changes))
