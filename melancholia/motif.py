"""A motif of one's own: a short tune read from a MIDI file, for a piece to be built on.

What is read is one line: the top of the part that sings. A line is monophonic: each note ends where the next begins.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from melancholia.errors import InputError
from melancholia.midi import midi_data, parse_midi
from melancholia.orchestra import with_pitch
from melancholia.piece import Key, Note, Part, Piece, on_grid
from melancholia.written import found_key

FEWEST_NOTES, MOST_NOTES, MOST_BARS = 2, 32, 8
COVERED = 0.5  # a note that lies under a higher one for more than this share of its length is no part of the line


@dataclass(frozen=True, slots=True)
class Motif:
    """A tune: its notes from 0 in quarters at the pitches written, its metre and its key.

    `place` is where in its bar the first note stands, in quarters: 0 on the bar line, 3 for an upbeat in 4/4.
    """

    notes: tuple[Note, ...]
    metre: tuple[int, int]
    key: Key
    place: float = 0.0


def skyline(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The top line of some notes: the highest of each onset, without what a higher note covers; never two at once."""
    top: dict[float, Note] = {}
    for note in notes:
        if note.start not in top or note.pitch > top[note.start].pitch:
            top[note.start] = note
    line: list[Note] = []
    for _, note in sorted(top.items()):
        above = max((other.end for other in line[-8:] if other.pitch > note.pitch), default=0.0)
        if above - note.start <= COVERED * note.duration:
            line.append(note)
    return tuple(
        Note(a.start, min(a.duration, b.start - a.start), a.pitch, a.velocity) if b else a
        for a, b in zip(line, [*line, None][1:], strict=True)
    )


def singing(piece: Piece, name: str = "the piece") -> Part:
    """The part that leads: the melody, or where none is named the part whose notes lie highest."""
    pitched = [p for p in with_pitch(piece.parts) if p.notes]
    if not pitched:
        raise InputError(f"{name} holds no pitched note; allowed: one or more.")
    named = [p for p in pitched if p.role == "melody"]
    return max(named or pitched, key=lambda p: sum(n.pitch for n in p.notes) / len(p.notes))


def load_motif(path: Path | str) -> Motif:
    """The motif in a MIDI file: its leading line, 2 to 32 notes in 1 to 8 bars.

    Parameters
    ----------
    path : path
        A MIDI file of any maker; ``-`` is stdin.

    Returns
    -------
    Motif

    Raises
    ------
    InputError
        The file cannot be read, or what sings in it is too short or too long for a motif.
    """
    data, name = midi_data(path)
    piece = parse_midi(data, name).piece
    line = skyline(singing(piece, name).notes)
    if not FEWEST_NOTES <= len(line) <= MOST_NOTES:
        counted = f"{len(line)} note{'s' * (len(line) != 1)}"
        raise InputError(f"{name} sings {counted}; allowed: {FEWEST_NOTES} to {MOST_NOTES} for a motif.")
    place = on_grid(line[0].start % piece.bar_quarters)
    bars = (place + line[-1].end - line[0].start) / piece.bar_quarters
    if bars > MOST_BARS + 1e-6:
        raise InputError(f"{name} is {bars:.3g} bars long; allowed: at most {MOST_BARS} for a motif.")
    notes = tuple(Note(n.start - line[0].start, n.duration, n.pitch, n.velocity) for n in line)
    return Motif(notes, piece.metre, found_key(piece), place)
