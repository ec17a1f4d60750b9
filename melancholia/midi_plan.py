"""The plan of a piece in its MIDI file, as JSON: chords, phrases, sections, arc, who plays, and what its beds do.

Anybody may have edited the file: a plan is used when every value in it is of its type and in its range, or not at all.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from melancholia.audio import ROLES
from melancholia.errors import InputError
from melancholia.orchestra import is_bed
from melancholia.piece import Chord, Note, Phrase, Piece, Section

MOST_QUARTERS = 1e6  # what any time, in quarters or bars, may be


@dataclass(frozen=True, slots=True)
class Plan:
    """What MIDI has no word for; `sections` and `parts` (name, role, instrument) are None where the file's own hold.

    `beds` are the notes of parts that are beds, by who plays them.
    """

    chords: tuple[Chord, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    sections: tuple[Section, ...] | None = None
    arc: tuple[tuple[float, float], ...] = ()
    fixed_tempo: bool = False
    hits: tuple[float, ...] = ()
    loops: bool = False
    parts: tuple[tuple[str, str, str], ...] | None = None
    beds: Mapping[tuple[str, str, str], tuple[Note, ...]] = field(default_factory=dict)


NO_PLAN = Plan()


def written_plan(piece: Piece) -> str:
    """The plan of a piece as JSON."""
    plan = {
        "chords": [[c.start, c.duration, c.numeral, c.pitch_classes, c.bass] for c in piece.chords],
        "phrases": [[p.start, p.end, p.peak, p.cadence] for p in piece.phrases],
        "sections": [[s.name, s.bar, s.bars] for s in piece.sections],
        "arc": piece.arc,
        "fixed_tempo": piece.fixed_tempo,
        "hits": piece.hits,
        "loops": piece.loops,
        "parts": [[p.name, p.role, p.instrument] for p in piece.parts],
        "beds": [
            [part.name, part.role, part.instrument, note.start, note.duration, note.pitch, note.velocity]
            for part in piece.parts
            if is_bed(part.role, part.instrument)
            for note in part.notes
        ],
    }
    return json.dumps(plan, separators=(",", ":"))


def read_plan(text: str) -> Plan:
    """The plan in JSON; `hits`, `loops` and `beds` may be missing.

    Raises
    ------
    InputError
        It is no JSON, or a value is missing, of a wrong type or out of its range.
    """
    try:
        plan = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("it is no JSON") from error
    if not isinstance(plan, dict):
        raise InputError("it is no table")
    return Plan(
        chords=tuple(
            Chord(at, lasts, numeral, tuple(tones), bass)
            for at, lasts, numeral, tones, bass in rows(plan, "chords", CHORD)
        ),
        phrases=tuple(Phrase(*row) for row in rows(plan, "phrases", (time, time, time, text_value))),
        sections=tuple(Section(*row) for row in rows(plan, "sections", (text_value, bars, bars))),
        arc=tuple((at, tension) for at, tension in rows(plan, "arc", (time, share))),
        fixed_tempo=flag(plan, "fixed_tempo"),
        hits=tuple(hit for (hit,) in rows({"hits": [[h] for h in listed(plan.get("hits", []))]}, "hits", (time,))),
        loops=flag({"loops": False, **plan}, "loops"),
        parts=tuple((name, role, who) for name, role, who in rows(plan, "parts", (text_value, role_value, text_value))),
        beds=beds_of(rows({"beds": [], **plan}, "beds", BED)),
    )


def beds_of(found: list[list[Any]]) -> dict[tuple[str, str, str], tuple[Note, ...]]:
    beds: dict[tuple[str, str, str], list[Note]] = {}
    for name, role, instrument, *note in found:
        beds.setdefault((name, role, instrument), []).append(Note(*note))
    return {who: tuple(notes) for who, notes in beds.items()}


Check = Callable[[Any], bool]


def time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= MOST_QUARTERS  # NaN fails this too


def share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def bars(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_QUARTERS


def pitch_class(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 11


def pitch_classes(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(pitch_class, value))


def text_value(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)  # half a letter


def role_value(value: Any) -> bool:
    return value in ROLES


def midi_value(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 127


def sounding(value: Any) -> bool:
    return time(value) and value > 0


BED: tuple[Check, ...] = (text_value, role_value, text_value, time, sounding, midi_value, midi_value)
CHORD: tuple[Check, ...] = (time, time, text_value, pitch_classes, pitch_class)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [None]


def rows(plan: dict[str, Any], name: str, checks: tuple[Check, ...]) -> list[list[Any]]:
    """The rows under a name, each a list of as many values as there are checks."""
    found = listed(plan.get(name))
    for row in found:
        if (
            not isinstance(row, list)
            or len(row) != len(checks)
            or not all(c(v) for c, v in zip(checks, row, strict=True))
        ):
            raise InputError(f"{name} are none")
    return found


def flag(plan: dict[str, Any], name: str) -> bool:
    if type(plan.get(name)) is not bool:
        raise InputError(f"{name} is neither true nor false")
    return bool(plan[name])
