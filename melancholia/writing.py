"""How a mood writes and plays: its preferences as values, read from its file, and mixed in a blend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from melancholia.audio import ROLES
from melancholia.orchestra import INSTRUMENTS, is_foreign
from melancholia.piece import MODES
from melancholia.tables import Table

# name: (lowest, highest, moves by ratios, unit)
WRITING_RANGES: dict[str, tuple[float, float, bool, str]] = {
    "bpm": (30, 120, True, "quarters a minute"),
    "mode_index": (-0.5, 0.5, False, "best minor less best major key in 3 s, mean"),
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
    "rests": (0, 0.4, False, "share of the piece in which nobody sounds"),
    "dynamics": (0, 2, False, "of the loudness that tension, place and weight give a note; 1: all of it"),
    "breaking": (0, 1, False, "share of the phrases, and of the players at the end, that break off"),
}
WEIGHTS = ("modes", "metres", "dialects", "textures", "cadences", "endings")
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
    "voicing": (0, 2, False, "k"),
    "swell": (0, 15, False, "dB from the edge of a phrase to its peak"),
    "vibrato": (0, 60, False, "cents either way"),
}


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
    mode_index: float
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
    rests: float
    dynamics: float
    breaking: float
    modes: Mapping[str, float]
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
    voicing: float
    swell: float
    vibrato: float


def read_writing(mood: Table, intensity: float) -> Writing:
    """How a mood writes at an intensity, from its [writing] and [[orchestration]]."""
    table = mood.table("writing").only([field.name for field in fields(Writing)])
    rest: dict[str, Any] = {
        name: MappingProxyType(table.weights(name, MODES if name == "modes" else None, intensity=intensity))
        for name in WEIGHTS
    }
    rest |= numbers(table, WRITING_RANGES, intensity)
    found = tuple(orchestration(inner) for inner in mood.tables("orchestration"))
    if not found:
        raise mood.fail("orchestration", "is missing; allowed: one or more [[orchestration]] tables.")
    return Writing(**rest, orchestrations=found)


def read_playing(table: Table, intensity: float) -> Playing:
    """How strongly each rule acts at an intensity, from a mood's [playing]."""
    return Playing(**numbers(table.only(PLAYING_RANGES), PLAYING_RANGES, intensity))


def orchestration(table: Table) -> Orchestration:
    table.only(("weight", "player"))
    players = tuple(
        Player(inner.words("name"), inner.choice("role", ROLES), instrument(inner)) for inner in table.tables("player")
    )
    return Orchestration(table.number("weight", 0, 1000), players)


def instrument(table: Table) -> str:
    name = table.words("instrument")
    return name if is_foreign(name) else table.choice("instrument", INSTRUMENTS)


def numbers(table: Table, ranges: Mapping[str, tuple[float, float, bool, str]], intensity: float) -> dict[str, float]:
    return {
        name: table.ramp(name, low, high, log=log, unit=unit).at(intensity)
        for name, (low, high, log, unit) in ranges.items()
    }


def mixed_writing(parts: Sequence[tuple[float, Writing]]) -> Writing:
    """Preferences by share: numbers by (where they move so, geometric) means, choices and players by weight."""
    share = np.array([share for share, _ in parts])
    rest: dict[str, Any] = {
        name: MappingProxyType(merged([(s, getattr(w, name)) for s, w in parts])) for name in WEIGHTS
    }
    rest |= {
        name: mean([getattr(w, name) for _, w in parts], share, log=WRITING_RANGES[name][2]) for name in WRITING_RANGES
    }
    players = tuple(
        replace(o, weight=s * o.weight / sum(other.weight for other in w.orchestrations))
        for s, w in parts
        for o in w.orchestrations
    )
    return Writing(**rest, orchestrations=players)


def mixed_playing(parts: Sequence[tuple[float, Playing]]) -> Playing:
    share = np.array([share for share, _ in parts])
    return Playing(**{name: mean([getattr(p, name) for _, p in parts], share, log=False) for name in PLAYING_RANGES})


def mean(values: Sequence[float], share: Any, *, log: bool) -> float:
    return float(np.exp(share @ np.log(values)) if log else share @ np.array(values))


def merged(parts: Sequence[tuple[float, Mapping[str, float]]]) -> dict[str, float]:
    """Weights of choices, each table counting by its share."""
    found: dict[str, float] = {}
    for share, weights in parts:
        for name, weight in weights.items():
            found[name] = found.get(name, 0.0) + share * weight / sum(weights.values())
    return found
