"""What of a part is there already and stays, and where new notes may begin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from melancholia.composition.coding import TICKS
from melancholia.composition.continuing import GRID, Must, Rows
from melancholia.motif import skyline
from melancholia.piece import Note

Span = tuple[int, int]  # first tick and end
NEVER = 2**31


@dataclass(frozen=True, slots=True)
class Like:
    """What a part is like: how often a quarter something begins while it plays, and its mean pitch."""

    density: float
    centre: float

    @classmethod
    def of(cls, notes: Sequence[Note]) -> "Like":
        """What some notes, at least one, are like; what is silent for a bar of four quarters or more does not count."""
        starts = np.unique([n.start for n in notes])
        playing = float(np.minimum(np.diff(starts), 4).sum()) + min(4.0, max(n.end for n in notes) - float(starts[-1]))
        return cls(len(starts) / max(playing, 1.0), float(np.mean([n.pitch for n in notes])))


@dataclass(frozen=True, slots=True)
class Held:
    """The notes of a part that stay, to the tick, and the spans in which new ones may begin, in order; `like` what it
    was like, where there was something."""

    notes: tuple[Note, ...]
    open: tuple[Span, ...]
    like: Like | None = None

    @property
    def rows(self) -> Rows:
        """The notes as one line, on the grid that models write on."""
        rows = [(on_grid(n.start), over(n.end) - on_grid(n.start), n.pitch) for n in skyline(self.notes)]
        line: dict[int, tuple[int, int, int]] = {}
        for row in rows:
            line.setdefault(row[0], row)
        found = np.array(sorted(line.values()), np.int64).reshape(-1, 3)
        if len(found):
            found[:-1, 1] = np.minimum(found[:-1, 1], np.diff(found[:, 0]))
        return found

    def within(self, first: int, end: int) -> "Held":
        """The same between two ticks: what begins there."""
        notes = tuple(n for n in self.notes if first <= on_grid(n.start) < end)
        return Held(notes, tuple((max(a, first), min(b, end)) for a, b in self.open if a < end and b > first))

    def is_open(self, tick: float) -> bool:
        return any(first - 1e-6 <= tick < end - 1e-6 for first, end in self.open)

    def between(self, first: int, end: int) -> bool:
        """Whether a new note may begin after one tick and before another."""
        return any(a < end and b > first + 1 for a, b in self.open)

    def musts(self) -> list[Must]:
        """The notes as what must be; two that have nothing open between them follow each other."""
        rows = self.rows.tolist()
        starts = [-NEVER, *(row[0] for row in rows)]
        return [
            Must(at, pitch=pitch, length=length, straight=not self.between(before, at))
            for before, (at, length, pitch) in zip(starts, rows, strict=False)
        ]

    def joined(self, new: Sequence[Note]) -> list[Note]:
        """What stays, and of some notes those that begin where it is open, as loud in the mean as what stays."""
        mine = {on_grid(n.start) for n in self.notes}
        held = {pitch: [n for n in self.notes if n.pitch == pitch] for pitch in {n.pitch for n in self.notes}}
        fresh = [
            n
            for n in new
            if self.is_open(on_grid(n.start))
            and on_grid(n.start) not in mine
            and not any(own.start <= n.start < own.end for own in held.get(n.pitch, ()))
        ]
        if fresh and mine:
            more = float(np.mean([n.velocity for n in self.notes]) - np.mean([n.velocity for n in fresh]))
            fresh = [replace(n, velocity=int(np.clip(round(n.velocity + more), 1, 127))) for n in fresh]
        return sorted([*self.notes, *fresh])


WIDE_OPEN = Held((), ((-NEVER, NEVER),))


@dataclass(frozen=True, slots=True)
class There:
    """A part that is there already, with the spans of the phrases in which its notes begin."""

    held: Held
    spans: tuple[Span, ...]

    def of(self, phrase: int) -> Held:
        """What there is of a phrase, by its number."""
        return self.held.within(*self.spans[phrase])


def on_grid(quarters: float) -> int:
    """Ticks of the grid that models write on."""
    return round(quarters * TICKS / GRID) * GRID


def over(quarters: float) -> int:
    """The first tick of that grid at which what lasts until then is over."""
    return -int(-quarters * TICKS // GRID) * GRID


def merged(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans in order, those that meet as one."""
    found: list[Span] = []
    for first, end in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > first:
            found.append((first, end))
    return tuple(found)
