"""Music as values: notes in parts under one tempo map, with the plan that they were written to.

Times are in quarter notes from the start, held on a grid of 1/960 quarter (a MIDI tick), so that a piece and its
MIDI file say exactly the same (`midi.py`). A performed piece is a `Piece` too: its times lie off the beat and its
tempo map moves. Pitches are MIDI numbers (60 is C4), velocities 1 to 127, pitch classes 0 (C) to 11.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melancholia.audio import ROLES
from melancholia.errors import InputError, unknown

TICKS = 960  # a quarter note; divides by 2, 3, 5 and 64
LONGEST_QUARTER_US = 2**24 - 1  # of a tempo, as MIDI can say it
CURVES = {"expression": 11, "pedal": 64, "vibrato": 1}  # our name: MIDI controller
MODES = ("minor", "major")
TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


def on_grid(quarters: float) -> float:
    """The nearest tick, in quarters."""
    return round(quarters * TICKS) / TICKS


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """A tone: start and duration in quarters (snapped to ticks), MIDI pitch, velocity 1 to 127."""

    start: float
    duration: float
    pitch: int
    velocity: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", on_grid(self.start))
        object.__setattr__(self, "duration", max(on_grid(self.duration), 1 / TICKS))
        if self.start < 0 or not 0 <= self.pitch <= 127 or not 1 <= self.velocity <= 127:
            raise InputError(f"note {self!r} is impossible; allowed: start >= 0, pitch 0 to 127, velocity 1 to 127.")

    @property
    def end(self) -> float:
        return on_grid(self.start + self.duration)


Curve = tuple[tuple[float, int], ...]  # (quarters, 0..127), a step at each time, in order


@dataclass(frozen=True, slots=True)
class Part:
    """What one player plays. Notes are kept in order; a key that is struck again while down ends its earlier note."""

    name: str
    role: str
    instrument: str
    notes: tuple[Note, ...]
    curves: Mapping[str, Curve] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise unknown("role", self.role, ROLES)
        for name in self.curves:
            if name not in CURVES:
                raise unknown("curve", name, CURVES)
        object.__setattr__(self, "notes", without_overlaps(self.notes))
        object.__setattr__(self, "curves", MappingProxyType({n: steps(c) for n, c in sorted(self.curves.items()) if c}))

    def __reduce__(self) -> tuple[object, ...]:
        return Part, (self.name, self.role, self.instrument, self.notes, dict(self.curves))

    def __hash__(self) -> int:
        return hash((self.name, self.role, self.instrument, self.notes))


def without_overlaps(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    kept: list[Note] = []
    last: dict[int, int] = {}
    for note in sorted(notes):
        if note.pitch in last:
            before = kept[last[note.pitch]]
            if before.start == note.start:  # the same key twice at once: the longer note stays
                kept[last[note.pitch]] = max(before, note, key=lambda n: (n.duration, n.velocity))
                continue
            if before.end > note.start:
                kept[last[note.pitch]] = Note(before.start, note.start - before.start, before.pitch, before.velocity)
        last[note.pitch] = len(kept)
        kept.append(note)
    return tuple(sorted(kept))


def steps(curve: Curve) -> Curve:
    by_time = {on_grid(time): min(127, max(0, round(value))) for time, value in curve}
    return tuple(sorted(by_time.items()))


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Tempo steps: (quarters, microseconds a quarter), the first at 0; whole microseconds, as MIDI has them."""

    changes: tuple[tuple[float, int], ...]

    def __post_init__(self) -> None:
        kept = tuple(sorted({on_grid(q): int(us) for q, us in self.changes}.items()))
        object.__setattr__(self, "changes", kept)
        if not kept or kept[0][0] != 0 or any(not 1 <= us <= LONGEST_QUARTER_US for _, us in kept):
            raise InputError(f"a tempo map starts at 0 and holds 1 to {LONGEST_QUARTER_US} microseconds a quarter.")

    @classmethod
    def steady(cls, bpm: float) -> "TempoMap":
        return cls(((0.0, round(60e6 / bpm)),))

    def _table(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        quarters = np.array([q for q, _ in self.changes])
        pace = np.array([us / 1e6 for _, us in self.changes])
        at = np.concatenate([[0.0], np.cumsum(np.diff(quarters) * pace[:-1])])
        return quarters, pace, at

    def seconds(self, quarters: ArrayLike) -> NDArray[np.float64]:
        """Seconds from the start at the given quarters (any shape)."""
        starts, pace, at = self._table()
        q = np.asarray(quarters, np.float64)
        k = np.clip(np.searchsorted(starts, q, side="right") - 1, 0, None)
        return np.asarray(at[k] + (q - starts[k]) * pace[k])

    def quarters(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Quarters from the start at the given seconds: the inverse of `seconds`."""
        starts, pace, at = self._table()
        s = np.asarray(seconds, np.float64)
        k = np.clip(np.searchsorted(at, s, side="right") - 1, 0, None)
        return np.asarray(starts[k] + (s - at[k]) / pace[k])

    @property
    def bpm(self) -> float:
        """Quarters a minute at the start."""
        return 60e6 / self.changes[0][1]


@dataclass(frozen=True, slots=True)
class Key:
    """Home key: tonic pitch class 0 (C) to 11 and mode "minor" or "major"."""

    tonic: int
    mode: str = "minor"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown("mode", self.mode, MODES)
        if not 0 <= self.tonic <= 11:
            raise InputError(f"tonic is {self.tonic}; allowed: 0 (C) to 11 (B).")

    def __str__(self) -> str:
        return f"{TONICS[self.tonic]} {self.mode}"


SPELLINGS = {**{name: pc for pc, name in enumerate(TONICS)}, "Db": 1, "D#": 3, "Gb": 6, "Ab": 8, "A#": 10, "Cb": 11}


def key(text: str) -> Key:
    """A key from "A minor", "Am", "f# minor", "Bb major" or "Eb" (minor unless it says otherwise)."""
    if not isinstance(text, str):
        raise InputError(f"key is {text!r}; allowed: a Key, or text, as 'A minor'.")
    words = text.strip().replace("♭", "b").replace("♯", "#").split()
    name = words[0] if words else ""
    mode = words[1].lower() if len(words) > 1 else "minor"
    if len(words) == 1 and len(name) > 1 and name.endswith("m"):
        name = name[:-1]
    name = name[:1].upper() + name[1:]
    if len(words) > 2 or name not in SPELLINGS or mode not in MODES:
        raise InputError(f"key is {text!r}; allowed: a tonic ({', '.join(TONICS)}) and minor or major, as 'A minor'.")
    return Key(SPELLINGS[name], mode)


@dataclass(frozen=True, slots=True)
class Section:
    """A named stretch of bars, counted from 0."""

    name: str
    bar: int
    bars: int


@dataclass(frozen=True, slots=True)
class Chord:
    """A planned harmony: when (quarters), its numeral in the home key, its pitch classes, root first, and its bass."""

    start: float
    duration: float
    numeral: str
    pitch_classes: tuple[int, ...]
    bass: int

    @property
    def end(self) -> float:
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Phrase:
    """One breath of the melody: quarters from `start` to `end`, its `peak`, and the `cadence` that it ends on."""

    start: float
    end: float
    peak: float
    cadence: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece, written or performed.

    `arc` is the planned tension at breakpoints (quarters, 0..1); `fixed_tempo` says that the grid must not bend; `hits`
    are the quarters that must be met in time to the moment; where it `loops`, its end leads into its start.
    """

    parts: tuple[Part, ...]
    tempo: TempoMap
    metre: tuple[int, int] = (4, 4)
    key: Key = Key(9)
    sections: tuple[Section, ...] = ()
    chords: tuple[Chord, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    arc: tuple[tuple[float, float], ...] = ()
    fixed_tempo: bool = False
    hits: tuple[float, ...] = ()
    loops: bool = False

    def __post_init__(self) -> None:
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise InputError(f"parts share a name: {', '.join(names)}; allowed: a name each.")
        if not 1 <= self.metre[0] <= 32 or self.metre[1] not in (1, 2, 4, 8, 16, 32):
            raise InputError(f"metre is {self.metre[0]}/{self.metre[1]}; allowed: 1 to 32 over 1, 2, 4, 8, 16 or 32.")

    @property
    def bar_quarters(self) -> float:
        return 4 * self.metre[0] / self.metre[1]

    @property
    def end(self) -> float:
        """The last release, in quarters."""
        return max((note.end for part in self.parts for note in part.notes), default=0.0)

    @property
    def seconds(self) -> float:
        """The last release, in seconds."""
        return float(self.tempo.seconds(self.end))

    def part(self, name: str) -> Part:
        for part in self.parts:
            if part.name == name:
                return part
        raise unknown("part", name, [part.name for part in self.parts])

    def with_role(self, role: str) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.role == role)
