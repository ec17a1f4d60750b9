"""A piece or a song as the measures of `overlaps` see it: notes on bars of one length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.composition import measures
from melancholia.composition.coding import TICKS, beat_ticks
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from melancholia.training.musicxml import BEATS, PLACE, START, UNIT
from melancholia.training.works import Work


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """Notes on a grid: rows (start, length in quarters, pitch), bar and beat in quarters, quarters a minute.

    Bar lines lie at multiples of the bar; a pickup lies at the end of the first.
    """

    voice: NDArray[np.float64]
    notes: NDArray[np.float64]
    bar: float
    beat: float
    bpm: float
    composer: str = ""
    minor: bool = True

    @property
    def bars(self) -> int:
        return max(1, int(np.ceil(float(self.notes[:, 0].max()) / self.bar + 1e-6)))

    def bar_of(self, notes: NDArray[np.float64]) -> NDArray[np.int64]:
        """The number of the bar in which each note begins."""
        return np.minimum((notes[:, 0] / self.bar + 1e-6).astype(np.int64), self.bars - 1)


def song_of_piece(piece: Piece) -> Song:
    beat = beat_ticks(piece.metre) / TICKS
    minor = piece.key.mode == "minor"
    voice, notes = rows(measures.melody(piece)), rows(measures.pitched_notes(piece))
    return Song(voice, notes, piece.bar_quarters, beat, piece.tempo.bpm, minor=minor)


def rows(notes: Iterable[Note]) -> NDArray[np.float64]:
    """Notes by start, on the grid."""
    found = sorted((n.start, n.duration, n.pitch) for n in notes)
    return np.array([(round(s * TICKS) / TICKS, round(d * TICKS) / TICKS, p) for s, d, p in found], float)


def song_of_work(work: Work) -> Song | None:
    """A work up to its first change of metre or key signature; None where nobody sings until then."""
    bars = work.bars
    same = (bars[:, (BEATS, UNIT)] == bars[0, (BEATS, UNIT)]).all(axis=1) & (work.homes == work.homes[0]).all(axis=1)
    count = int(np.argmin(same)) or len(bars) if not same.all() else len(bars)
    end = int(bars[count, START]) if count < len(bars) else work.end
    beats, unit = (int(value) for value in bars[0, (BEATS, UNIT)])
    size = 4 * TICKS * beats // unit
    number = np.cumsum(bars[:, PLACE] == 0) - int(bars[0, PLACE] == 0)  # two measures that make one bar are one

    def laid(notes: NDArray[np.int64]) -> NDArray[np.float64]:
        inside = notes[notes[:, 0] < end]
        at = number[work.bar_of(inside[:, 0])] * size + work.place_of(inside[:, 0])
        return np.column_stack([at / TICKS, inside[:, 1] / TICKS, inside[:, 2]]).astype(float)

    voice = laid(work.melody.notes)
    if not len(voice):
        return None
    beat = beat_ticks((beats, unit)) / TICKS
    return Song(voice, laid(work.everything), size / TICKS, beat, work.bpm, work.composer, work.minor)


def songs_of(works: Sequence[Work]) -> list[Song]:
    return [song for song in map(song_of_work, works) if song is not None]


def piece_of_work(work: Work, *roles: str) -> Piece:
    """What some roles of a work have, from its first bar line on, as one part."""
    late = int(work.place_of(np.zeros(1, np.int64))[0])
    lines = work.melody.notes if roles == ("melody",) else work.of_role(*roles)
    notes = tuple(Note((start + late) / TICKS, length / TICKS, int(pitch), 64) for start, length, pitch in lines)
    part = Part("part", "melody" if roles == ("melody",) else "harmony", "", notes)
    return Piece((part,), TempoMap.steady(work.bpm), work.metre, Key(work.tonic, "minor" if work.minor else "major"))
