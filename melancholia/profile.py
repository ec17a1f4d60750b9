"""What is wanted: a mood at an intensity, as targets for the cues and as preferences for writing and playing.

A mood is one TOML file in ``assets/moods``; a `Profile` is that file read at one intensity: every ``[a, b]`` has
become a number. Composition and performance read `writing` and `playing`, scoring reads `bands`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import Any

from melancholia.audio import ROLES
from melancholia.cues import CUES
from melancholia.errors import in_range, unknown
from melancholia.files import data_folder
from melancholia.tables import Table, read_table

# name: (lowest, highest, moves by ratios, unit)
WRITING_RANGES: dict[str, tuple[float, float, bool, str]] = {
    "bpm": (30, 120, True, "quarters a minute"),
    "onset_rate": (0.3, 5, True, "onsets/s of the whole texture"),
    "melody_rate": (0.2, 3, True, "melody notes/s"),
    "melody_mean": (45, 80, False, "MIDI pitch"),
    "melody_span": (5, 24, False, "semitones"),
    "step_share": (0, 1, False, ""),
    "falling_share": (0, 1, False, "of moves"),
    "dissonances": (0, 3, False, "appoggiaturas and suspensions a bar"),
    "chromaticism": (0, 1, False, "share of chromatic chords"),
    "harmonic_rhythm": (0.25, 3, True, "chords a bar"),
    "velocity": (20, 100, False, "MIDI velocity"),
    "reach": (0, 1, False, "0: the line sinks, 1: it reaches upward"),
}
PLAYING_RANGES: dict[str, tuple[float, float, bool, str]] = {
    "arch": (-3, 5, False, "k"),
    "arch_level": (0, 5, False, "amp"),
    "ritard_end": (0.2, 1, False, "of the tempo"),
    "contrast": (-4, 4, False, "k"),
    "melodic_charge": (0, 4, False, "k"),
    "harmonic_charge": (0, 4, False, "k"),
    "high_loud": (-2, 4, False, "k"),
    "legato": (0, 5, False, "k"),
    "noise": (0, 2, False, "k"),
    "swell": (0, 15, False, "dB from the edge of a phrase to its peak"),
    "vibrato": (0, 60, False, "cents either way"),
}


@dataclass(frozen=True, slots=True)
class Band:
    """Where a cue's value should lie, in the cue's unit, and how much that counts."""

    low: float
    high: float
    weight: float


@dataclass(frozen=True, slots=True)
class Player:
    """One part of an orchestration: its name, its role, and the instrument that plays it."""

    name: str
    role: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Orchestration:
    """Who plays; drawn by `weight`."""

    weight: float
    players: tuple[Player, ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """What the composer aims at; ranges and units in `WRITING_RANGES`. Weights are drawn from."""

    bpm: float
    onset_rate: float
    melody_rate: float
    melody_mean: float
    melody_span: float
    step_share: float
    falling_share: float
    dissonances: float
    chromaticism: float
    harmonic_rhythm: float
    velocity: float
    reach: float
    metres: Mapping[str, float]
    dialects: Mapping[str, float]
    textures: Mapping[str, float]
    cadences: Mapping[str, float]
    endings: Mapping[str, float]
    orchestrations: tuple[Orchestration, ...]


@dataclass(frozen=True, slots=True)
class Playing:
    """How strongly each rule of performance acts; ranges and units in `PLAYING_RANGES`."""

    arch: float
    arch_level: float
    ritard_end: float
    contrast: float
    melodic_charge: float
    harmonic_charge: float
    high_loud: float
    legato: float
    noise: float
    swell: float
    vibrato: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A mood at an intensity: everything that the rooms above ask for."""

    mood: str
    intensity: float
    about: str
    rack: str
    bands: Mapping[str, Band]
    writing: Writing
    playing: Playing


def moods() -> tuple[str, ...]:
    """The names of all moods."""
    return tuple(sorted(path.stem for path in (data_folder("assets") / "moods").glob("*.toml")))


def profile(mood: str, intensity: float = 0.7) -> Profile:
    """The profile of a mood at an intensity of 0 (barely) to 1 (wholly).

    Raises
    ------
    InputError
        There is no such mood, or the intensity lies outside 0 to 1.
    """
    if mood not in moods():
        raise unknown("mood", mood, moods())
    return read_mood(mood_table(mood), in_range("intensity", intensity, 0, 1))


@cache
def mood_table(mood: str) -> Table:
    return read_table(data_folder("assets") / "moods" / f"{mood}.toml")


def read_mood(table: Table, intensity: float) -> Profile:
    """The mood file `table` at an intensity; refuses unknown keys and values out of range."""
    table.only(("schema", "name", "about", "rack", "sources", "cues", "writing", "playing", "orchestration"))
    table.number("schema", 1, 1)
    return Profile(
        mood=table.words("name"),
        intensity=intensity,
        about=table.words("about"),
        rack=table.words("rack"),
        bands=MappingProxyType(bands(table.table("cues"), intensity)),
        writing=writing(table, intensity),
        playing=Playing(**numbers(table.table("playing").only(PLAYING_RANGES), PLAYING_RANGES, intensity)),
    )


def numbers(table: Table, ranges: Mapping[str, tuple[float, float, bool, str]], intensity: float) -> dict[str, float]:
    return {
        name: table.ramp(name, low, high, log=log, unit=unit).at(intensity)
        for name, (low, high, log, unit) in ranges.items()
    }


def writing(mood: Table, intensity: float) -> Writing:
    table = mood.table("writing").only([field.name for field in fields(Writing)])
    rest: dict[str, Any] = {
        name: MappingProxyType(table.weights(name))
        for name in ("metres", "dialects", "textures", "cadences", "endings")
    }
    rest |= numbers(table, WRITING_RANGES, intensity)
    found = tuple(orchestration(inner) for inner in mood.tables("orchestration"))
    if not found:
        raise mood.fail("orchestration", "is missing; allowed: one or more [[orchestration]] tables.")
    return Writing(**rest, orchestrations=found)


def orchestration(table: Table) -> Orchestration:
    table.only(("weight", "player"))
    players = tuple(
        Player(inner.words("name"), inner.choice("role", ROLES), inner.words("instrument"))
        for inner in table.tables("player")
    )
    return Orchestration(table.number("weight", 0, 1000), players)


def bands(table: Table, intensity: float) -> dict[str, Band]:
    """Bands at this intensity from ``{ low = [a, b], high = [a, b], weight = w }``."""
    found = {}
    for name in table.only(CUES).data:
        inner, cue = table.table(name).only(("low", "high", "weight")), CUES[name]
        low = inner.ramp("low", cue.low, cue.high, unit=cue.unit).at(intensity)
        high = inner.ramp("high", cue.low, cue.high, unit=cue.unit).at(intensity)
        if low >= high:
            raise table.fail(name, f"runs from {low:g} to {high:g}; allowed: low below high.")
        found[name] = Band(low, high, inner.number("weight", 0, 1))
    return found
