"""Lines as a model reads and writes them: a note is four choices, and what is known where it begins is a row of cues.

The choices follow one another: the time since the note before (`gap`), the pitch class above home, the octave about the
line's own middle, and the length. A cue says what the plan asks for at that place: the chord, the mode, the place in
the bar, how much of the phrase is left and how it ends, and how full, high, leaping and dissonant the phrase shall be.
Each of the last five can be unknown. Times are in ticks of 1/48 quarter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

TICKS = 48  # a quarter
GAPS = np.array(
    [6, 8, 12, 16, 18, 24, 32, 36, 48, 60, 64, 72, 84, 96, 120, 144, 168, 192, 216, 240, 264, 288, 336, 384]
)
LENGTHS = np.array([6, 8, 12, 16, 18, 24, 32, 36, 48, 60, 64, 72, 84, 96, 120, 144, 168, 192, 216, 240, 288])
OCTAVES = 5  # the middle one holds the line's median
FIELDS = {"gap": len(GAPS), "pitch_class": 12, "octave": OCTAVES, "length": len(LENGTHS)}


@dataclass(frozen=True, eq=False)
class Layout:
    """What a row of cues tells: how many columns each thing has, by name. `soft` are those of a phrase that may be
    unknown; whether each is known stands in the columns `known`."""

    name: str
    widths: Mapping[str, int]
    soft: tuple[str, ...]

    @cached_property
    def at(self) -> dict[str, slice]:
        """Where each thing stands."""
        edges = np.cumsum([0, *self.widths.values()]).tolist()
        return {name: slice(first, last) for name, first, last in zip(self.widths, edges, edges[1:], strict=False)}

    @property
    def width(self) -> int:
        """Of a row."""
        return sum(self.widths.values())

    def hidden(self, cues: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.float32]:
        """The cues with some of `soft` made unknown."""
        found = cues.copy()
        for name in names:
            found[..., self.at[name]] = 0
            found[..., self.at["known"].start + self.soft.index(name)] = 0
        return found


PLACE = {"chord": 12, "mode": 2, "bar": 4, "on_beat": 1, "left": 2, "last": 1}
# A tune: what the plan asks for. `degree` is that of its last tone.
TUNE = Layout(
    "tunes",
    {**PLACE, "degree": 12, "density": 1, "register": 1, "leaps": 1, "dissonance": 1, "known": 5},
    ("degree", "density", "register", "leaps", "dissonance"),
)
# A line beside others: what the tune and the bass do meanwhile (`state`: whether they begin there, whether they rest;
# `ahead`: the time until the tune's next tone; heights in octaves above the line's own middle), and which voice it is.
VOICES = ("counter", "inner", "bass")
BESIDE = Layout(
    "lines",
    {
        **PLACE, "tune": 12, "tune_state": 2, "tune_ahead": 1, "tune_move": 1, "tune_height": 1, "low": 12,
        "low_state": 3, "low_height": 1, "voice": len(VOICES), "density": 1, "register": 1, "leaps": 1,
        "dissonance": 1, "together": 1, "known": 5,
    },
    ("density", "register", "leaps", "dissonance", "together"),
)  # fmt: skip
AT_PLACE = slice(0, sum(PLACE.values()))  # what both are told alike
LAYOUTS = {layout.name: layout for layout in (TUNE, BESIDE)}
LONGEST_LEFT = 16.0  # quarters; further ahead no phrase sees its end

# What a figure of a phrase is told as: its distance from the middle of songs, in like units.
DENSITY_MIDDLE, DENSITY_UNIT = 0.15, 0.4  # logarithm of notes a quarter
REGISTER_UNIT = 4.0  # semitones from the line's median
LEAPS_MIDDLE, LEAPS_UNIT = 2.5, 1.0  # mean size of a move, in semitones
DISSONANCE_MIDDLE, DISSONANCE_UNIT = 0.25, 0.2  # share of notes foreign to their chord
TOGETHER_MIDDLE, TOGETHER_UNIT = 0.5, 0.3  # share of notes that begin with one of the tune


def nearest(classes: NDArray[np.int64], ticks: ArrayLike) -> NDArray[np.int64]:
    """The class of each time, by ratio."""
    edges = np.sqrt(classes[1:] * classes[:-1].astype(float))
    return np.asarray(np.searchsorted(edges, np.asarray(ticks)))


@dataclass(frozen=True, slots=True)
class Compass:
    """Where a line lies: its home (pitch class), and the pitch of home in its middle octave."""

    tonic: int
    middle: int

    @classmethod
    def about(cls, tonic: int, median: float) -> "Compass":
        """The compass of a line with this median, which lies in its middle octave."""
        low = int(np.floor(median))
        return cls(tonic, low - (low - tonic) % 12)

    def coded(self, pitches: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pitch class above home and octave (0 to `OCTAVES` - 1) of MIDI pitches."""
        above = np.asarray(pitches, np.int64) - self.middle
        return above % 12, np.clip(above // 12 + OCTAVES // 2, 0, OCTAVES - 1)

    def pitch(self, pitch_class: ArrayLike, octave: ArrayLike) -> NDArray[np.int64]:
        """MIDI pitches of coded tones."""
        return np.asarray(self.middle + np.asarray(pitch_class) + 12 * (np.asarray(octave) - OCTAVES // 2), np.int64)


def beat_ticks(metre: tuple[int, int]) -> int:
    """Of the beat that is felt."""
    compound = metre[1] >= 8 and metre[0] % 3 == 0 and metre[0] > 3
    return (3 if compound else 1) * 4 * TICKS // metre[1]


def in_bar(place: ArrayLike, bar: ArrayLike, beat: ArrayLike) -> NDArray[np.float64]:
    """Columns `bar` and `on_beat` of places in bars: two turns of the bar, two of the beat; ticks, shape (n, 5)."""
    place, bar, beat = (np.asarray(value, float) for value in (place, bar, beat))
    turn, inner = 2 * np.pi * place / bar, 2 * np.pi * place / beat
    on_beat = np.asarray(place % beat == 0, float)
    return np.stack([np.sin(turn), np.cos(turn), np.sin(inner), np.cos(inner), on_beat], axis=-1)


def left(ticks: ArrayLike) -> NDArray[np.float64]:
    """Columns `left` of the time to the last onset of a phrase."""
    quarters = np.clip(np.asarray(ticks, float) / TICKS, 0, LONGEST_LEFT)
    return np.stack([np.log1p(quarters) / 2, np.minimum(quarters / 4, 1)], axis=-1)


def ahead(ticks: ArrayLike) -> NDArray[np.float64]:
    """Column `tune_ahead` of the time until the tune's next tone."""
    return np.asarray(np.log1p(np.clip(np.asarray(ticks, float) / TICKS, 0, LONGEST_LEFT)) / 2)


def told(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """A figure of a phrase as its cue says it: notes a quarter, semitones from the median, semitones, a share."""
    value = np.asarray(value, float)
    if name == "density":
        return np.asarray((np.log(np.maximum(value, 0.05)) - DENSITY_MIDDLE) / DENSITY_UNIT)
    if name == "register":
        return value / REGISTER_UNIT
    if name == "leaps":
        return (value - LEAPS_MIDDLE) / LEAPS_UNIT
    if name == "dissonance":
        return (value - DISSONANCE_MIDDLE) / DISSONANCE_UNIT
    if name == "together":
        return (value - TOGETHER_MIDDLE) / TOGETHER_UNIT
    raise ValueError(name)
