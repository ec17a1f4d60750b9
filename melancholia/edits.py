"""Changes to a piece that leave all else as it is: another pitch, another tempo, another instrument.

Where an instrument's range would be left the change is refused, unless folding by octaves is asked for: then the
whole part moves by the octaves that leave the fewest notes outside, and those come back by octaves, each alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from melancholia.errors import InputError, in_range, quoted, unknown
from melancholia.orchestra import GUESSED, INSTRUMENTS, Instrument, check_instrument, facts_of, has_pitch
from melancholia.piece import TONICS, Chord, Curve, Key, Note, Part, Piece, TempoMap

MOST_SEMITONES = 48
SLOWEST, FASTEST = 0.25, 4.0

KIT = "brushes"  # plays the drums of a file that names no instrument for them
LONGEST_STROKE = 4.0  # quarters; files hold drums down to their ends, which no drummer hears


def transposed(piece: Piece, semitones: int, *, fold: bool = False) -> Piece:
    """The piece some semitones (-48 to 48) higher: notes, key and chords; drums stay.

    Parameters
    ----------
    piece : Piece
    semitones : int
        -48 to 48.
    fold : bool
        Bring back by octaves what leaves an instrument's range.

    Returns
    -------
    Piece

    Raises
    ------
    InputError
        A part would leave its instrument's range and `fold` is not set.
    """
    in_range("transposition", semitones, -MOST_SEMITONES, MOST_SEMITONES, "semitones")
    return replace(
        piece,
        parts=tuple(p if is_drums(p) else within(p, semitones, facts_of(p.instrument), fold) for p in piece.parts),
        key=Key((piece.key.tonic + semitones) % 12, piece.key.mode),
        chords=tuple(moved_chord(chord, semitones) for chord in piece.chords),
    )


def moved_chord(chord: Chord, semitones: int) -> Chord:
    pitch_classes = tuple((pc + semitones) % 12 for pc in chord.pitch_classes)
    return replace(chord, pitch_classes=pitch_classes, bass=(chord.bass + semitones) % 12)


def retimed(piece: Piece, pace: float) -> Piece:
    """The piece `pace` times as fast, 0.25 to 4; the notes stay on their beats.

    Parameters
    ----------
    piece : Piece
    pace : float
        0.25 to 4; 2 is twice as fast.

    Returns
    -------
    Piece

    Raises
    ------
    InputError
        `pace` lies outside its range, or a tempo would.
    """
    in_range("tempo factor", pace, SLOWEST, FASTEST)
    changes = tuple((at, max(1, round(us / pace))) for at, us in piece.tempo.changes)
    return replace(piece, tempo=TempoMap(changes))


def with_instrument(piece: Piece, part: str, instrument: str, *, fold: bool = False) -> Piece:
    """The piece with one part, by name or by role, played by another instrument.

    Where the new one has no pedal, tones that the old one's pedal held are written out.

    Parameters
    ----------
    piece : Piece
    part : str
        The name of a part, or a role that one part has.
    instrument : str
        One of `instruments.names()`, or a SoundFont.
    fold : bool
        Bring back by octaves what leaves its range.

    Returns
    -------
    Piece

    Raises
    ------
    InputError
        There is no such part or instrument, several parts have that role, or the part leaves the instrument's range
        and `fold` is not set.
    """
    (found,) = parts_named(piece, part, one=True)
    facts = facts_of(check_instrument(instrument))
    given = replace(found, instrument=instrument)
    if instrument in INSTRUMENTS and "pedal" not in facts.curves:
        given = replace(given, notes=ringing(given.notes, given.curves.get("pedal", ()), until=piece.end))
    played = within(given, 0, facts, fold)
    return replace(piece, parts=tuple(played if p is found else p for p in piece.parts))


def parts_named(piece: Piece, name: str, *, one: bool = False) -> tuple[Part, ...]:
    """The part of that name, else those of that role; with `one`, a single one."""
    found = tuple(p for p in piece.parts if p.name == name) or piece.with_role(name)
    if not found:
        raise unknown("part", name, sorted({p.name for p in piece.parts} | {p.role for p in piece.parts}))
    if one and len(found) > 1:
        raise InputError(f"{len(found)} parts are {name}; allowed: one of {', '.join(repr(p.name) for p in found)}.")
    return found


def is_drums(part: Part) -> bool:
    """Whether a part's pitches are no pitches."""
    return not has_pitch(part.role, part.instrument)


def within(part: Part, semitones: int, facts: Instrument, fold: bool) -> Part:
    """The part moved by semitones, refused or folded where that leaves the range of who plays it."""
    pitches = [n.pitch + semitones for n in part.notes]
    if all(facts.low <= pitch <= facts.high for pitch in pitches):
        return replace(part, notes=tuple(replace(n, pitch=p) for n, p in zip(part.notes, pitches, strict=True)))
    if not fold:
        raise InputError(
            f"part {part.name!r} would reach {min(pitches)} to {max(pitches)}, "
            f"{facts.name or 'MIDI'} plays {facts.low} to {facts.high}; "
            "allowed: another instrument, or folding by octaves (--fold)."
        )
    return replace(part, notes=folded(part.notes, facts.low, facts.high, semitones=semitones))


def within_reach(piece: Piece) -> tuple[Piece, tuple[str, ...]]:
    """The piece without the notes that their players cannot reach, and a line for each part that lost some.

    Where a part names no player it is the felt piano.

    Parameters
    ----------
    piece : Piece

    Returns
    -------
    (Piece, tuple of str)

    Raises
    ------
    InputError
        No note is left.
    """
    parts, words = [], []
    for part in piece.parts:
        facts = facts_of(part.instrument or GUESSED)
        kept = tuple(n for n in part.notes if facts.low <= n.pitch <= facts.high)
        below, above = (sum(n.pitch < facts.low for n in part.notes), sum(n.pitch > facts.high for n in part.notes))
        for count, side, limit in ((below, "below", facts.low), (above, "above", facts.high)):
            if count:
                notes = f"{count} note{'s' * (count > 1)} {side} {pitch_name(limit)} in {quoted(part.name)}"
                reach = f"{facts.name} plays {pitch_name(facts.low)} to {pitch_name(facts.high)}"
                words.append(f"left out: {notes} ({reach})")
        parts.append(replace(part, notes=kept) if below or above else part)
    if words and not any(part.notes for part in parts):
        raise InputError(
            f"no note is left that its player can reach; {words[0]}; allowed: folding by octaves (--fold)."
        )
    return replace(piece, parts=tuple(parts)), tuple(words)


def with_guessed(piece: Piece) -> Piece:
    """The piece with the felt piano named where a part names no player."""
    return replace(piece, parts=tuple(replace(p, instrument=p.instrument or GUESSED) for p in piece.parts))


def pitch_name(pitch: int) -> str:
    """``A0`` of 21; 60 is C4."""
    return f"{TONICS[pitch % 12]}{pitch // 12 - 1}"


def folded(notes: Iterable[Note], low: int, high: int, *, semitones: int = 0) -> tuple[Note, ...]:
    """Notes moved by semitones and then by octaves into low to high, at least an octave wide; none fall together.

    The whole moves first, by the octaves that leave the fewest notes outside; what still sticks out comes back note
    by note, to the nearest octave that no other note begins on at that moment.
    """
    if high - low < 11:
        raise InputError(f"a range of {low} to {high} is less than an octave; allowed: 12 pitches or more.")
    line = sorted(notes)
    shift = semitones + 12 * octaves_into([n.pitch + semitones for n in line], low, high)
    taken = {(n.start, n.pitch + shift) for n in line}
    found = []
    for note in line:
        pitch = note.pitch + shift
        if not low <= pitch <= high:
            octaves = [p for p in range(low, high + 1) if (p - pitch) % 12 == 0]
            free = [p for p in octaves if (note.start, p) not in taken] or octaves
            pitch = min(free, key=lambda p, wanted=pitch: abs(p - wanted))  # type: ignore[misc]
            taken.add((note.start, pitch))
        found.append(replace(note, pitch=pitch))
    return tuple(found)


def octaves_into(pitches: Sequence[int], low: int, high: int) -> int:
    """The fewest octaves by which pitches move so that as few as can be lie outside low to high."""

    def outside(octaves: int) -> tuple[int, int]:
        return sum(not low <= pitch + 12 * octaves <= high for pitch in pitches), abs(octaves)

    return min(range(-10, 11), key=outside)


def ringing(notes: Iterable[Note], pedal: Curve, *, until: float) -> tuple[Note, ...]:
    """Notes as long as a pedal (127 down, 0 up, as a curve) lets them sound: let go while it is down, they last.

    None is prolonged past `until`, in quarters: who holds tones does not hold a last one as long as a foot may rest.
    """
    ups = [(at, value < 64) for at, value in pedal]

    def end(note: Note) -> float:
        down = False
        for at, up in ups:
            if at > note.end and (not down or up):
                return max(note.end, min(at, until)) if down else note.end
            down = not up
        return note.end

    return tuple(replace(n, duration=end(n) - n.start) for n in notes) if pedal else tuple(notes)


def seated_drums(piece: Piece) -> Piece:
    """The piece with its drums given to the `KIT`; left out where there is none.

    A drum's number is no pitch: it says which place in the instrument's range the drum takes, as far as there is room.
    A drum that is held is one stroke still, of `LONGEST_STROKE` at most.
    """
    row = INSTRUMENTS.get(KIT)
    parts: list[Part] = []
    for part in piece.parts:
        if part.role != "percussion" or part.instrument:
            parts.append(part)
        elif row is not None:
            places = row.high - row.low + 1
            notes = tuple(
                replace(n, pitch=row.low + n.pitch % places, duration=min(n.duration, LONGEST_STROKE))
                for n in part.notes
            )
            parts.append(replace(part, instrument=row.name, notes=notes))
    return replace(piece, parts=tuple(parts))
