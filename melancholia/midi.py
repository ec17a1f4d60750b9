"""Pieces as Standard MIDI files and back, exactly: type 1, 960 ticks a quarter.

Track 0 holds tempo, metre, key, section markers, and one text event ``melancholia {json}`` with what MIDI has no
word for (chords, phrases, arc, and what beds do: rain or the air of a room are no notes, and nobody who opens the file
shall hear a tone of them). Each part is a track; its role and instrument stand in its name: ``name|role|instrument``.
Files of other makers are read too: each track and channel that plays becomes a part. What
does not sound never stops what does; what is left out or changed is said in words, what is ambiguous is refused.
"""

import io
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from melancholia.errors import InputError, quoted
from melancholia.files import MIDI, check_suffix, writing
from melancholia.midi_events import NOTE_ON, Event, Events, Words, read_events
from melancholia.midi_piece import CONTROLLERS, DRUMS, MARK, piece_of
from melancholia.midi_plan import written_plan
from melancholia.orchestra import is_bed
from melancholia.piece import CURVES, TICKS, TONICS, Key, Piece
from melancholia.recordings import STDIN, stdin

SUFFIXES = (".mid", ".midi", ".smf", ".kar")
LARGEST_BYTES = 16_000_000  # 5 s of reading; ten times the largest score that fits MOST_NOTES
MOST_NOTES, MOST_PARTS = 200_000, 256
LONGEST_S = 1800.0  # a stem lies in memory while it is played: .7 GB of samples, twice that with what it is made of
LONGEST_SILENCE_S = 300.0  # a longer one is nearly always a wrong delta time


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

    head: list[tuple[int, int, Any]] = [
        (0, 0, mido.MetaMessage("time_signature", numerator=piece.metre[0], denominator=piece.metre[1])),
        (0, 0, mido.MetaMessage("key_signature", key=midi_key(piece.key))),
        (0, 0, mido.MetaMessage("text", text=MARK + written_plan(piece))),
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
        for note in () if is_bed(part.role, part.instrument) else part.notes:
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


def save_midi(piece: Piece, path: Path | str, *, force: bool = False) -> None:
    """Write the piece as a MIDI file, atomically; with `force` in place of another.

    Parameters
    ----------
    piece : Piece
    path : path
        Ends in .mid, .midi, .smf or .kar.
    force : bool
        Replace a MIDI file that stands there.

    Returns
    -------
    None

    Raises
    ------
    InputError
        Something stands there already, or the name is of another kind.
    MelancholiaError
        The disk refused.
    """
    with writing(check_suffix(Path(path), *SUFFIXES), over=MIDI if force else None) as part:
        to_midi(piece).save(part)


@dataclass(frozen=True, slots=True)
class ReadMidi:
    """A piece, what of its file was left out or changed, a line each, and the SHA-256 of the file."""

    piece: Piece
    notes: tuple[str, ...]
    sha256: str


def as_read(piece: Piece) -> ReadMidi:
    """A piece as its file would be read."""
    to_midi(piece).save(file=(data := io.BytesIO()))
    return ReadMidi(piece, (), sha256(data.getvalue()).hexdigest())


def load_midi(path: Path | str) -> Piece:
    """A piece from any Standard MIDI file: `read_midi` without its words.

    Parameters
    ----------
    path : path

    Returns
    -------
    Piece

    Raises
    ------
    InputError
        As `read_midi`.
    """
    return read_midi(path).piece


def read_midi(path: Path | str) -> ReadMidi:
    """A piece from any Standard MIDI file, and what of it was left out or changed.

    Parameters
    ----------
    path : path
        A Standard MIDI file of type 0 or 1, also in a RIFF wrapper, of at most 16 MB and half an hour; ``-`` is stdin.

    Returns
    -------
    ReadMidi
        The piece, `notes`: what was left out or changed, a line each, and `sha256` of the file.

    Raises
    ------
    InputError
        There is no such file, it is no MIDI, no note is in it, or it is too large, too long or silent too long.
    """
    return parse_midi(*midi_data(path))


def midi_data(path: Path | str) -> tuple[bytes, str]:
    """What a MIDI file holds, or comes in on stdin (``-``), and what to call it; at most a byte more than is allowed.

    Raises
    ------
    InputError
        There is no such file, or it cannot be read.
    """
    path = Path(path)
    try:
        if str(path) == STDIN:
            with stdin() as pipe:
                return pipe.read(LARGEST_BYTES + 1), "stdin"
        if path.is_dir() or not path.exists():
            raise InputError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; allowed: a MIDI file.")
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1), str(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from error


def parse_midi(data: bytes, name: str) -> ReadMidi:
    """A piece from the bytes of a MIDI file; `name` is what errors call it. Raises as `read_midi` does."""
    if len(data) > LARGEST_BYTES:
        raise InputError(f"{name} is larger than {LARGEST_BYTES / 1e6:g} MB; allowed for MIDI: up to that.")
    words = Words()
    try:
        events = read_events(data, words, controllers=CONTROLLERS)
        check_counts(events)
        piece = piece_of(events, words)
    except InputError as error:
        raise InputError(f"{name} cannot be read as MIDI: {error}") from error
    said = words.lines()
    if not any(part.notes for part in piece.parts):
        why = f" ({'; '.join(said[:3])})" if said else ""
        raise InputError(f"{name} holds no note{why}; allowed: one or more.")
    check_times(piece, name)
    return ReadMidi(piece, said, sha256(data).hexdigest())


def from_midi(file: Any) -> Piece:
    """The piece in a `mido.MidiFile`: exact for our own files at 960 ticks, to the nearest tick for others."""
    file.save(file=(data := io.BytesIO()))
    words = Words()
    return piece_of(read_events(data.getvalue(), words, controllers=CONTROLLERS), words)


def check_counts(events: Events) -> None:
    """Refuse what is several pieces, and what is too many notes for one."""
    playing = [t for t in events.tracks if any(map(sounds, t.events))]
    if events.kind == 2 and len(playing) > 1:
        raise InputError(f"it is type 2: independent sequences, {len(playing)} of them; allowed: type 0 or 1.")
    count = sum(sounds(event) for t in playing for event in t.events)
    if count > MOST_NOTES:
        raise InputError(f"it holds {count:,} notes; allowed: up to {MOST_NOTES:,}.")
    voices = sum(len({event.status for event in t.events if sounds(event)}) for t in playing)
    if voices > MOST_PARTS:
        raise InputError(f"it holds {voices} parts that play; allowed: up to {MOST_PARTS}.")


def sounds(event: Event) -> bool:
    return event.status & 0x1F0 == NOTE_ON and event.second > 0


def check_times(piece: Piece, name: str) -> None:
    """Refuse a piece that lasts, or is silent, longer than music does."""
    notes = sorted((note, part.name) for part in piece.parts for note in part.notes)
    check_length(piece, name)
    starts = piece.tempo.seconds([note.start for note, _ in notes])
    ends = np.maximum.accumulate(piece.tempo.seconds([note.end for note, _ in notes]))
    silences = starts - np.concatenate([[0.0], ends[:-1]])
    worst = int(np.argmax(silences))
    if silences[worst] > LONGEST_SILENCE_S:
        raise InputError(
            f"{name} is silent for {duration(silences[worst])}, until {duration(starts[worst])} where "
            f"{quoted(notes[worst][1])} goes on; allowed: up to {duration(LONGEST_SILENCE_S)} of silence."
        )


def check_length(piece: Piece, name: str) -> None:
    """Refuse a piece that nobody could play to its end."""
    if piece.seconds > LONGEST_S:
        raise InputError(f"{name} lasts {duration(piece.seconds)}; allowed: up to {duration(LONGEST_S)}.")


def duration(seconds: float) -> str:
    """``77.7 h``, ``5 min`` or ``12 s``."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
