"""Pieces as Standard MIDI files and back, exactly: type 1, 960 ticks a quarter.

Track 0 holds tempo, metre, key, section markers, and one text event ``melancholia {json}`` with what MIDI has no
word for (chords, phrases, arc). Each part is a track; its role and instrument stand in its name:
``name|role|instrument``. Files of other makers are read too: each track and channel that plays becomes a part.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from melancholia.audio import ROLES
from melancholia.errors import InputError
from melancholia.files import one_line, writing
from melancholia.piece import (
    CURVES,
    TICKS,
    TONICS,
    Chord,
    Key,
    Note,
    Part,
    Phrase,
    Piece,
    Section,
    TempoMap,
    key,
)

MARK = "melancholia "

DRUMS = 9  # the channel that General MIDI keeps for percussion, counted from 0
CONTROLLERS = {number: name for name, number in CURVES.items()}


def midi_key(home: Key) -> str:
    """mido's name of a key: major keys are spelled with flats where sharps would need more than six."""
    if home.mode == "minor":
        return TONICS[home.tonic] + "m"
    return {1: "Db", 8: "Ab"}.get(home.tonic, TONICS[home.tonic])


def ticks(quarters: float) -> int:
    return round(quarters * TICKS)


def to_midi(piece: Piece) -> Any:
    """The piece as a `mido.MidiFile`."""
    import mido

    plan = {
        "chords": [[c.start, c.duration, c.numeral, c.pitch_classes, c.bass] for c in piece.chords],
        "phrases": [[p.start, p.end, p.peak, p.cadence] for p in piece.phrases],
        "sections": [[s.name, s.bar, s.bars] for s in piece.sections],
        "arc": piece.arc,
        "fixed_tempo": piece.fixed_tempo,
        "hits": piece.hits,
        "loops": piece.loops,
        "parts": [[p.name, p.role, p.instrument] for p in piece.parts],
    }
    head: list[tuple[int, int, Any]] = [
        (0, 0, mido.MetaMessage("time_signature", numerator=piece.metre[0], denominator=piece.metre[1])),
        (0, 0, mido.MetaMessage("key_signature", key=midi_key(piece.key))),
        (0, 0, mido.MetaMessage("text", text=MARK + json.dumps(plan, separators=(",", ":")))),
    ]
    head += [(ticks(at), 0, mido.MetaMessage("set_tempo", tempo=us)) for at, us in piece.tempo.changes]
    head += [(ticks(s.bar * piece.bar_quarters), 0, mido.MetaMessage("marker", text=s.name)) for s in piece.sections]
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    file.tracks.append(track(head))
    for number, part in enumerate(piece.parts):
        channel = number % 15 + (number % 15 >= DRUMS)
        events: list[tuple[int, int, Any]] = [
            (0, 0, mido.MetaMessage("track_name", name="|".join((part.name, part.role, part.instrument))))
        ]
        for name, curve in part.curves.items():
            events += [
                (ticks(at), 2, mido.Message("control_change", channel=channel, control=CURVES[name], value=v))
                for at, v in curve
            ]
        for note in part.notes:
            on = mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
            off = mido.Message("note_off", channel=channel, note=note.pitch, velocity=0)
            events += [(ticks(note.start), 3, on), (ticks(note.end), 1, off)]  # an end before a start at one tick
        file.tracks.append(track(events))
    return file


def track(events: list[tuple[int, int, Any]]) -> Any:
    import mido

    made, now = mido.MidiTrack(), 0
    for at, _, message in sorted(events, key=lambda event: event[:2]):
        made.append(message.copy(time=at - now))
        now = at
    made.append(mido.MetaMessage("end_of_track", time=0))
    return made


def save_midi(piece: Piece, path: Path | str) -> None:
    """Write the piece as a MIDI file, atomically."""
    with writing(Path(path)) as part:
        to_midi(piece).save(part)


def load_midi(path: Path | str) -> Piece:
    """A piece from any Standard MIDI file.

    Raises
    ------
    InputError
        There is no such file, it is no MIDI, or no note is in it.
    """
    import mido

    path = Path(path)
    if path.is_dir() or not path.exists():
        raise InputError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; allowed: a MIDI file.")
    try:
        file = mido.MidiFile(path, charset="utf-8")
    except UnicodeDecodeError:
        file = mido.MidiFile(path, charset="latin1")
    except (OSError, EOFError, ValueError, KeyError, IndexError, mido.KeySignatureError) as error:
        raise InputError(f"{path} cannot be read as MIDI: {one_line(error) or type(error).__name__}.") from error
    piece = from_midi(file)
    if not any(part.notes for part in piece.parts):
        raise InputError(f"{path} holds no note.")
    return piece


def from_midi(file: Any) -> Piece:
    """The piece in a `mido.MidiFile`: exact for our own files at 960 ticks, to the nearest tick for others."""
    scale = TICKS / file.ticks_per_beat
    tempo: dict[float, int] = {0.0: 500_000}
    metre, home, plan = (4, 4), None, None
    markers: list[tuple[float, str]] = []
    found: list[tuple[str, int, list[Note], dict[str, list[tuple[float, int]]]]] = []
    for number, midi_track in enumerate(file.tracks):
        now, name = 0, ""
        notes: dict[int, list[Note]] = defaultdict(list)
        curves: dict[int, dict[str, list[tuple[float, int]]]] = defaultdict(lambda: defaultdict(list))
        open_: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
        for message in midi_track:
            now += message.time
            at = round(now * scale) / TICKS
            if message.type == "set_tempo":
                tempo[at] = max(1, message.tempo)
            elif message.type == "time_signature" and at == 0:
                metre = (message.numerator, message.denominator)
            elif message.type == "key_signature" and home is None:
                home = key(message.key if message.key.endswith("m") else message.key + " major")
            elif message.type == "marker":
                markers.append((at, message.text))
            elif message.type == "track_name" and not name:
                name = message.name
            elif message.type == "text" and message.text.startswith(MARK):
                plan = json.loads(message.text[len(MARK) :])
            elif message.type == "control_change" and message.control in CONTROLLERS:
                curves[message.channel][CONTROLLERS[message.control]].append((at, message.value))
            elif message.type == "note_on" and message.velocity:
                open_[message.channel, message.note].append((at, message.velocity))
            elif message.type in ("note_on", "note_off") and open_[message.channel, message.note]:
                start, velocity = open_[message.channel, message.note].pop(0)
                notes[message.channel].append(Note(start, at - start, message.note, velocity))
        for (channel, pitch), rest in open_.items():  # a key that nobody lifts sounds to the end of its track
            end = round(now * scale) / TICKS
            notes[channel] += [Note(start, end - start, pitch, velocity) for start, velocity in rest]
        for channel in sorted({*notes, *curves}) or ([0] if "|" in name else []):
            if notes[channel] or plan is not None:
                found.append((name or f"track {number}", channel, notes[channel], curves[channel]))
    bar = 4 * metre[0] / metre[1]
    sections = tuple(
        Section(text, round(at / bar), round((after - at) / bar))
        for (at, text), (after, _) in zip(markers, [*markers[1:], (end_of(found), "")], strict=False)
    )
    plan = plan or {"chords": [], "phrases": [], "arc": [], "fixed_tempo": False, "parts": None, "sections": None}
    if plan["sections"] is not None:
        sections = tuple(Section(*s) for s in plan["sections"])
    return Piece(
        parts=parts_of(found, plan["parts"]),
        tempo=TempoMap(tuple(tempo.items())),
        metre=metre,
        key=home or Key(9),
        sections=sections,
        chords=tuple(Chord(s, d, n, tuple(pcs), bass) for s, d, n, pcs, bass in plan["chords"]),
        phrases=tuple(Phrase(*p) for p in plan["phrases"]),
        arc=tuple((at, tension) for at, tension in plan["arc"]),
        fixed_tempo=plan["fixed_tempo"],
        hits=tuple(plan.get("hits", ())),
        loops=plan.get("loops", False),
    )


def end_of(found: list[Any]) -> float:
    return max((note.end for _, _, notes, _ in found for note in notes), default=0.0)


def parts_of(found: list[Any], planned: list[list[str]] | None) -> tuple[Part, ...]:
    """Parts with their names, roles and instruments: from our own plan, from ``name|role|instrument``, or guessed."""
    if planned is not None and len(planned) == len(found):
        named = [tuple(p) for p in planned]
    else:
        named = [tuple(name.split("|")) if name.count("|") == 2 else (name, "", "") for name, *_ in found]
    mean = [sum(n.pitch for n in notes) / len(notes) if notes else 0.0 for _, _, notes, _ in found]
    tuned = [height for height, (_, channel, *_) in zip(mean, found, strict=True) if channel != DRUMS] or mean
    parts, taken = [], set()
    for (name, role, instrument), (_, channel, notes, curves), height in zip(named, found, mean, strict=True):
        if role not in ROLES and channel == DRUMS:
            role = "percussion"
        elif role not in ROLES:
            role = "melody" if height == max(tuned) else "bass" if height == min(tuned) and height < 50 else "harmony"
        unique, copy = name, 2
        while unique in taken:
            unique, copy = f"{name} {copy}", copy + 1
        taken.add(unique)
        parts.append(Part(unique, role, instrument, tuple(notes), {k: tuple(v) for k, v in curves.items()}))
    return tuple(parts)
