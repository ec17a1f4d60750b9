"""A bank of what pianists do: figures of each hand, stretches of bars made of them, and what whole songs are like.

A figure is a row a note: tick in the bar, length in ticks, which tone of the chord (0 the lowest of the hand), and the
step of the scale beside it (-1, 0, 1). `training.figurations` reads it out of songs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import TICKS, beat_ticks
from melancholia.composition.packed import holds, pack, unpack
from melancholia.errors import InputError
from melancholia.files import Kind

SCHEMA = 1
MEMBER = "melancholia-figurations.json"  # inside the file: what is no array
ARRAYS = ("notes", "figures", "bars", "gaps", "gap_ends", "stretches", "songs")
HELD_RATE = 0.55  # strikes a quarter: what has fewer is held
BROKEN = 1.4  # tones of the right hand at a time: what has fewer is a broken chord
OFFBEAT = 0.6  # of its strikes beside the beat
FIRST, COUNT, BEATS, UNIT, BPM, MINOR, SUNG, WORK, STRIKES = range(9)  # columns of stretches
# Of songs: 1 for minor; logarithms of quarters a minute and of onsets a second of tune and accompaniment; mean pitches
# of both, MIDI; where the tune is highest, as a share of the whole.
SONGS = ("minor", "pace", "fullness", "stir", "height", "ground", "peak")


@dataclass(frozen=True, slots=True)
class Hand:
    """What one hand does in one bar: rows of its figure, the lowest pitch it had, and the gaps between its tones."""

    figure: NDArray[np.int16]
    low: int
    gaps: tuple[int, ...]

    @property
    def tones(self) -> int:
        """How many tones of the chord it needs."""
        return int(self.figure[:, 2].max()) + 1 if len(self.figure) else 0


@dataclass(frozen=True, eq=False)
class Bank:
    """`notes` of all figures, that end at `figures`; `bars` (left figure, its lowest pitch, right figure, lowest
    pitch); `gaps` of all hands, that end at `gap_ends`; `stretches` and `songs` with the columns above; and a card."""

    notes: NDArray[np.int16]
    figures: NDArray[np.int32]
    bars: NDArray[np.int16]
    gaps: NDArray[np.uint8]
    gap_ends: NDArray[np.int32]
    stretches: NDArray[np.int32]
    songs: NDArray[np.float32]
    about: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        figures: Sequence[Sequence[tuple[int, int, int, int]]],
        bars: Sequence[Sequence[tuple[int, int, Sequence[int]]]],
        stretches: Sequence[tuple[int, ...]],
        songs: Sequence[tuple[float, ...]],
        about: Mapping[str, Any],
    ) -> "Bank":
        """A bank from lists: notes by figure, (figure, lowest pitch, gaps) by hand and bar, stretches, songs."""
        hands = [hand for bar in bars for hand in bar]
        return cls(
            np.array([note for figure in figures for note in figure], np.int16).reshape(-1, 4),
            np.cumsum([len(figure) for figure in figures]).astype(np.int32),
            np.array([[x for number, low, _ in bar for x in (number, low)] for bar in bars], np.int16),
            np.array([gap for _, _, gaps in hands for gap in gaps], np.uint8),
            np.cumsum([len(gaps) for _, _, gaps in hands]).astype(np.int32),
            np.array(stretches, np.int32),
            np.array(songs, np.float32).reshape(-1, len(SONGS)),
            about,
        )

    def hands(self, bar: int) -> tuple[Hand, Hand]:
        """Left and right hand of one bar."""
        return self.hand(bar, 0), self.hand(bar, 1)

    def hand(self, bar: int, side: int) -> Hand:
        figure, low = self.bars[bar, 2 * side : 2 * side + 2].tolist()
        at = 2 * bar + side
        notes = self.notes[self.figures[figure - 1] if figure else 0 : self.figures[figure]]
        gaps = self.gaps[self.gap_ends[at - 1] if at else 0 : self.gap_ends[at]]
        return Hand(notes, low, tuple(gaps.tolist()))

    @cached_property
    def rate(self) -> NDArray[np.float64]:
        """How often a quarter each stretch strikes."""
        quarters = self.stretches[:, COUNT] * 4 * self.stretches[:, BEATS] / self.stretches[:, UNIT]
        return self.stretches[:, STRIKES] / quarters

    @cached_property
    def height(self) -> NDArray[np.float64]:
        """The mean of the lowest and the highest pitch of each stretch."""
        tops = []
        for first, count in self.stretches[:, [FIRST, COUNT]].tolist():
            hands = [hand for bar in range(first, first + count) for hand in self.hands(bar) if len(hand.figure)]
            ends = [(hand.low, hand.low + sum(hand.gaps)) for hand in hands]
            tops.append((min(low for low, _ in ends) + max(high for _, high in ends)) / 2)
        return np.array(tops)

    @cached_property
    def common(self) -> NDArray[np.float64]:
        """How many bars of the bank strike in the places of a stretch's bars, in the geometric mean over these."""
        struck = []
        for first, count, beats, unit in self.stretches[:, [FIRST, COUNT, BEATS, UNIT]].tolist():
            for bar in range(first, first + count):
                places = {at for hand in self.hands(bar) for at in hand.figure[:, 0].tolist()}
                struck.append((beats / unit, *sorted(places)))
        counts = Counter(struck)
        logs = np.log([counts[one] for one in struck])
        return np.exp(np.add.reduceat(logs, self.stretches[:, FIRST]) / self.stretches[:, COUNT])

    @cached_property
    def offbeat(self) -> NDArray[np.float64]:
        """Share of the times at which each stretch strikes that lie beside the quarters."""
        stretch, at = self.tops[:, :2].T
        beside, struck = (
            np.bincount(stretch[kept], minlength=len(self.stretches)) for kept in (at % TICKS != 0, at >= 0)
        )
        return np.asarray(beside / np.maximum(1, struck))

    @cached_property
    def moving(self) -> NDArray[np.float64]:
        """How often a bar the highest tone that each stretch strikes is another than the one before."""
        tops = self.tops
        moved = (tops[1:, 0] == tops[:-1, 0]) & (tops[1:, 2:] != tops[:-1, 2:]).any(axis=1)
        return np.bincount(tops[1:][moved, 0], minlength=len(self.stretches)) / self.stretches[:, COUNT]

    @cached_property
    def held(self) -> NDArray[np.float64]:
        """Share of the time of each stretch's tones in those that last a bar."""
        stretch, length = self.tones[:, 0], self.tones[:, -1]
        of_a_bar = length * (length >= self.sizes[stretch])
        long, whole = (np.bincount(stretch, weights, len(self.stretches)) for weights in (of_a_bar, length))
        return np.asarray(long / np.maximum(1, whole))

    @cached_property
    def tops(self) -> NDArray[np.int64]:
        """The highest tone of each time at which a stretch strikes: rows as in `tones`, without lengths."""
        rows = self.tones[np.lexsort(self.tones[:, -2::-1].T), :-1]
        last = np.append((rows[1:, :2] != rows[:-1, :2]).any(axis=1), True)
        return np.asarray(rows[last])

    @cached_property
    def tones(self) -> NDArray[np.int64]:
        """All tones of all stretches: stretch, tick behind its start, hand, tone, step, length."""
        starts = np.append(0, self.figures[:-1])
        owner = np.repeat(np.arange(len(self.stretches)), self.stretches[:, COUNT])
        place = np.arange(len(owner)) - self.stretches[owner, FIRST]
        found = []
        for side in (0, 1):
            figure = self.bars[:, 2 * side]
            counts = (self.figures - starts)[figure]
            bar = np.repeat(np.arange(len(figure)), counts)
            number = np.arange(len(bar)) - np.repeat(np.cumsum(counts) - counts, counts) + starts[figure[bar]]
            at, length, tone, step = self.notes[number].astype(np.int64).T
            at = at + place[bar] * self.sizes[owner[bar]]
            found.append(np.column_stack([owner[bar], at, np.full(len(bar), side), tone, step, length]))
        return np.concatenate(found)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Of a bar of each stretch, in ticks."""
        return np.asarray(4 * TICKS * self.stretches[:, BEATS] // self.stretches[:, UNIT])

    @cached_property
    def kinds(self) -> list[str]:
        """What each stretch does: chords are held, broken, struck beside the beat, or struck with it."""
        return [self.kind(first, first + count) for first, count in self.stretches[:, [FIRST, COUNT]].tolist()]

    def kind(self, first: int, end: int) -> str:
        notes, strikes, off = 0, 0, 0
        index = int(np.searchsorted(self.stretches[:, FIRST], first))
        beat = beat_ticks((int(self.stretches[index, BEATS]), int(self.stretches[index, UNIT])))
        for bar in range(first, end):
            right = self.hand(bar, 1).figure
            at = np.unique(right[:, 0])
            notes, strikes, off = notes + len(right), strikes + len(at), off + int((at % beat != 0).sum())
        if self.rate[index] <= HELD_RATE or not strikes:
            return "held"
        if notes / strikes < BROKEN:
            return "broken"
        return "offbeat" if off / strikes > OFFBEAT else "chords"


def is_bank(path: Path) -> bool:
    """Whether a path is a file that `save_bank` wrote."""
    return holds(path, MEMBER)


BANK = Kind("a bank of figurations", is_bank)


def save_bank(bank: Bank, path: Path, *, force: bool = False) -> None:
    """Write a bank as one file, atomically."""
    arrays = {name: getattr(bank, name) for name in ARRAYS}
    pack(path, MEMBER, {"schema": SCHEMA, **bank.about}, arrays, BANK if force else None)


def load_bank(path: Path) -> Bank:
    """A bank from its file.

    Raises
    ------
    InputError
        There is no such file, or it is no bank of this kind.
    """
    about, arrays = unpack(path, MEMBER, "a bank of figurations", "melancholia learn figurations")
    if about.pop("schema", None) != SCHEMA or set(arrays) != set(ARRAYS):
        raise InputError(f"{path} is a bank of another version; make it anew.")
    return Bank(**arrays, about=about)


assert TICKS == 48  # what the ticks of a bank are counted in
