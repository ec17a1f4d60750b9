"""Whose tune it could be: a melody beside the songs that its composer learned from, in any key and tempo.

Common property does not count: figures of at most five notes, those that three composers or more have, and those of at
most two intervals (scales, broken chords, tones said again). How long two composers' songs agree by chance: over 1424
songs, in the median 7 notes with their rhythm, 9 at the 95th percentile, 11 at the 99th; 10, 12 and 16 by pitch alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melancholia.composition.figures import hashes
from melancholia.composition.measures import melody
from melancholia.composition.packed import holds, pack, unpack
from melancholia.files import Kind
from melancholia.motif import skyline
from melancholia.piece import Piece

CARD = "tunes.json"


def is_table(path: Path) -> bool:
    """Whether a path is a table of tunes."""
    return holds(path, CARD)


TABLE = Kind("a table of tunes", is_table)
FIGURE, PITCHES = 6, 8  # notes of a figure with its rhythm, and of one by pitch alone
MOST, MOST_PITCHES = 9, 13  # notes in a row of one song: so many, and the phrase is written again
MOST_SHARED = 0.2  # of the figures, from songs
COMMON = 3  # composers: what so many have is nobody's
PLAIN = 2  # intervals: what has no more is nobody's
BITS = np.uint64(32)  # that are kept of a figure's number
Line = tuple[ArrayLike, ArrayLike]  # pitches and onsets


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Figures of songs: their numbers, rising, the song of each (a figure of several stands several times), and
    whether it is common property."""

    keys: NDArray[np.uint32]
    works: NDArray[np.uint16]
    common: NDArray[np.bool_]

    def found(self, keys: NDArray[np.uint32]) -> list[tuple[NDArray[np.uint16], bool]]:
        """The songs that have each figure, and whether it is common property."""
        first, end = np.searchsorted(self.keys, keys), np.searchsorted(self.keys, keys, side="right")
        return [
            (self.works[a:b], bool(b > a and self.common[a])) for a, b in zip(first.tolist(), end.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Tunes:
    """What is known of the songs that a composer learned from: their names, and the figures of their tunes.

    `figures` have `FIGURE` notes with their rhythm, `pitches` have `PITCHES` without. No tune can be read from them.
    """

    names: tuple[str, ...]
    figures: Figures
    pitches: Figures
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Originality:
    """A melody beside songs: the longest run of notes that it shares with one of them, with its rhythm and by pitch
    alone (0 where it shares none, or what is common property), whose they are, and the share of its figures of six
    notes that one or two composers of songs have."""

    run: int
    run_of: str
    pitches: int
    pitches_of: str
    shared: float

    @property
    def taken(self) -> bool:
        """Whether that is more than chance, and common property, give."""
        return self.run >= MOST or self.pitches >= MOST_PITCHES or self.shared > MOST_SHARED

    def to_dict(self) -> dict[str, Any]:
        """What ``score.json`` holds."""
        return {
            "run": self.run, "run_of": self.run_of, "pitches": self.pitches, "pitches_of": self.pitches_of,
            "shared": round(self.shared, 4),
            "allowed": {"run": MOST - 1, "pitches": MOST_PITCHES - 1, "shared": MOST_SHARED},
        }  # fmt: skip


def keys_of(pitches: ArrayLike, onsets: ArrayLike, size: int, *, rhythm: bool) -> NDArray[np.uint32]:
    """The figures of a line as `Figures` keep them."""
    return (hashes(pitches, onsets, size, rhythm=rhythm) >> BITS).astype(np.uint32)


def plain(pitches: Sequence[int], size: int) -> NDArray[np.bool_]:
    """Which figures have at most `PLAIN` intervals."""
    moves = np.diff(pitches)
    count = max(0, len(pitches) - size + 1)
    return np.array([len(set(moves[k : k + size - 1].tolist())) <= PLAIN for k in range(count)], np.bool_)


def longest(
    figures: Figures, keys: NDArray[np.uint32], nobodys: NDArray[np.bool_], size: int
) -> tuple[int, int | None]:
    """The longest run of notes that one song has as well, in which something is not common property; and the song."""
    best: tuple[int, int | None] = (0, None)
    runs: dict[int, tuple[int, bool]] = {}  # by song: figures in a row up to here, and whether one of them is its own
    for (works, common), bare in zip(figures.found(keys), nobodys.tolist(), strict=True):
        own = not (common or bare)
        runs = {
            work: (runs.get(work, (0, False))[0] + 1, runs.get(work, (0, False))[1] or own)
            for work in set(works.tolist())
        }
        for work, (count, owned) in runs.items():
            if owned and count + size - 1 > best[0]:
                best = count + size - 1, work
    return best


def originality(pitches: Sequence[int], onsets: Sequence[float], tunes: Tunes) -> Originality:
    """A line (MIDI pitches and onsets, in any unit of time) beside songs."""
    with_rhythm = keys_of(pitches, onsets, FIGURE, rhythm=True)
    run, run_of = longest(tunes.figures, with_rhythm, plain(pitches, FIGURE), FIGURE)
    alone = keys_of(pitches, onsets, PITCHES, rhythm=False)
    same, same_of = longest(tunes.pitches, alone, plain(pitches, PITCHES), PITCHES)
    bare = plain(pitches, FIGURE).tolist()
    found = tunes.figures.found(with_rhythm)
    theirs = [len(works) > 0 and not (common or nobodys) for (works, common), nobodys in zip(found, bare, strict=True)]
    return Originality(
        run, tunes.names[run_of] if run_of is not None else "", same,
        tunes.names[same_of] if same_of is not None else "", float(np.mean(theirs or [False])),
    )  # fmt: skip


def of_piece(piece: Piece, tunes: Tunes) -> Originality:
    """The melody of a piece beside songs."""
    return originality(*sung(piece), tunes)


def sung(piece: Piece) -> tuple[list[int], list[float]]:
    """The pitches and onsets of a piece's melody."""
    line = skyline(melody(piece))
    return [note.pitch for note in line], [note.start for note in line]


def tunes_of(lines: Sequence[Line], names: Sequence[str], composers: Sequence[str], about: Mapping[str, Any]) -> Tunes:
    """What is known of some songs: lines (pitches, onsets), each with its name and its composer."""
    numbers = {name: k for k, name in enumerate(dict.fromkeys(composers))}
    of_each = np.array([numbers[name] for name in composers], np.int64)
    with_rhythm = figures_of(lines, of_each, FIGURE, rhythm=True)
    return Tunes(tuple(names), with_rhythm, figures_of(lines, of_each, PITCHES, rhythm=False), about)


def figures_of(lines: Sequence[Line], composers: NDArray[np.int64], size: int, *, rhythm: bool) -> Figures:
    """The figures of lines, each once a song; common property is what `COMMON` composers have."""
    found = [keys_of(pitches, onsets, size, rhythm=rhythm) for pitches, onsets in lines]
    works = np.repeat(np.arange(len(lines)), [len(keys) for keys in found])
    keys = np.concatenate([np.zeros(0, np.uint32), *found]).astype(np.int64)
    rows = np.unique(np.column_stack([keys, works, composers[works]]), axis=0)
    pairs = np.unique(rows[:, [0, 2]], axis=0)
    different, counts = np.unique(pairs[:, 0], return_counts=True)
    many = counts[np.searchsorted(different, rows[:, 0])] >= COMMON
    return Figures(rows[:, 0].astype(np.uint32), rows[:, 1].astype(np.uint16), many)


def save_tunes(tunes: Tunes, path: Path, *, force: bool = False) -> None:
    """Write what is known of songs."""
    arrays: dict[str, NDArray[Any]] = {"names": np.frombuffer("\n".join(tunes.names).encode(), np.uint8)}
    for name, figures in (("figures", tunes.figures), ("pitches", tunes.pitches)):
        arrays |= {f"{name}_{part}": getattr(figures, part) for part in ("keys", "works", "common")}
    pack(path, CARD, tunes.about, arrays, TABLE if force else None)


def load_tunes(path: Path) -> Tunes:
    """What `save_tunes` wrote.

    Raises
    ------
    InputError
        There is no such file, or it is none of ours.
    """
    about, arrays = unpack(path, CARD, "a table of tunes", "melancholia learn tunes")
    names = tuple(arrays["names"].tobytes().decode().split("\n"))
    figures, pitches = (
        Figures(*(arrays[f"{name}_{part}"] for part in ("keys", "works", "common"))) for name in ("figures", "pitches")
    )
    return Tunes(names, figures, pitches, about)
