"""A form, its chords and the parts that were written to it, put together as a piece."""

from melancholia.composition.form import Form
from melancholia.composition.harmony import Slot
from melancholia.composition.numerals import named
from melancholia.composition.tones import Tone
from melancholia.orchestra import facts_of, is_bed, without_beds
from melancholia.piece import Chord, Key, Note, Part, Phrase, Piece, Section

LATEST_START_S = 1.5  # before that something sounds


def as_piece(
    form: Form, slots: tuple[Slot, ...], melody: list[list[Tone]], parts: tuple[Part, ...], home: Key
) -> Piece:
    """The piece: its last chord is held to the end, its hits are struck, and its plan goes with it."""
    return Piece(
        parts=struck(held_to_the_end(parts, form, slots[-1], home), form),
        tempo=form.tempo,
        metre=form.metre,
        key=home,
        sections=sections_of(form),
        chords=chords_of(form, slots, home),
        phrases=phrases_of(form, melody),
        arc=arc_of(form),
        fixed_tempo=form.fixed_tempo,
        hits=tuple(bar * form.bar_quarters for bar in form.hits),
        loops=form.loops,
    )


def chords_of(form: Form, slots: tuple[Slot, ...], home: Key) -> tuple[Chord, ...]:
    """The chords by their names, and as they sound."""
    return tuple(
        Chord(
            s.bar * form.bar_quarters,
            form.end_of(s.end) - s.bar * form.bar_quarters,
            named(s.numeral, s.local_key, s.mode),
            s.pitch_classes(home.tonic),
            s.bass(home.tonic),
        )
        for s in slots
    )


def arc_of(form: Form) -> tuple[tuple[float, float], ...]:
    """The planned tension at each bar line."""
    return tuple((bar * form.bar_quarters, round(form.tension(bar), 4)) for bar in range(form.bars + 1))


def brought_forward(parts: tuple[Part, ...], at: float, whose: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts, of which the first tone behind a time that is one of `whose` begins there."""
    after = [(note.start, number) for number, part in enumerate(whose) for note in part.notes if note.start > at]
    if not after:
        return parts
    start, number = min(after)
    part = whose[number]
    moved = tuple(Note(at, n.end - at, n.pitch, n.velocity) if n.start == start else n for n in part.notes)
    return tuple(Part(p.name, p.role, p.instrument, moved) if p.name == part.name else p for p in parts)


def opened(parts: tuple[Part, ...], form: Form) -> tuple[Part, ...]:
    """Parts of which one begins at once: where nothing sounds soon, who begins first beside the tune holds that tone
    from the start."""
    beside = tuple(part for part in parts if part.role != "melody" and facts_of(part.instrument).pitched)
    first = min((note.start for part in without_beds(parts) for note in part.notes), default=0.0)
    if float(form.tempo.seconds(first)) <= LATEST_START_S:
        return parts
    return brought_forward(parts, 0.0, beside)


def struck(parts: tuple[Part, ...], form: Form) -> tuple[Part, ...]:
    """At each hit something begins: where nothing does, what sounds there is struck again; a bed flows on."""
    for at in (bar * form.bar_quarters for bar in form.hits):
        if begins(parts, at):
            continue
        parts = tuple(
            p
            if is_bed(p.role, p.instrument)
            else Part(p.name, p.role, p.instrument, tuple(piece for note in p.notes for piece in split(note, at)))
            for p in parts
        )
        if not begins(parts, at):  # the hit falls into a silence
            parts = brought_forward(parts, at, without_beds(parts))
    return parts


def begins(parts: tuple[Part, ...], at: float) -> bool:
    return any(note.start == at for part in without_beds(parts) for note in part.notes)


def split(note: Note, at: float) -> tuple[Note, ...]:
    if not note.start < at < note.end:
        return (note,)
    return (
        Note(note.start, at - note.start, note.pitch, note.velocity),
        Note(at, note.end - at, note.pitch, note.velocity),
    )


def held_to_the_end(parts: tuple[Part, ...], form: Form, last: Slot, home: Key) -> tuple[Part, ...]:
    """The last chord is held until the piece's end: what sounds in its last bar rings to the last release.

    Where nobody is left in that bar, one tone of the chord is heard: by whoever accompanied last.
    """
    written = form.bars * form.bar_quarters

    def held(note: Note) -> Note:
        return Note(note.start, form.quarters - note.start, note.pitch, note.velocity) if rings(note) else note

    def rings(note: Note) -> bool:
        return note.end >= written - 1e-6

    found = tuple(Part(p.name, p.role, p.instrument, tuple(map(held, p.notes))) for p in parts)
    if any(n.end >= form.quarters - 0.01 for part in without_beds(found) for n in part.notes):
        return found
    others = [p for p in found if p.role != "melody" and facts_of(p.instrument).pitched]
    who = max(others or found[:1], key=lambda part: part.notes[-1].end)
    return tuple(with_a_last_tone(part, form, last, home) if part is who else part for part in found)


def with_a_last_tone(part: Part, form: Form, last: Slot, home: Key) -> Part:
    """A part whose last tone is one of the last chord, and is held: its own, or the nearest one after it."""
    *before, note = part.notes
    chord = last.pitch_classes(home.tonic)
    at = max(note.end, last.bar * form.bar_quarters)
    if note.pitch % 12 in chord and note.end >= at - 1e-6:
        ended = [*before, Note(note.start, form.quarters - note.start, note.pitch, note.velocity)]
    else:
        low, high = facts_of(part.instrument).written
        pitches = [pitch for pitch in range(low, high + 1) if pitch % 12 in chord]
        pitch = min(pitches, key=lambda pitch: abs(pitch - note.pitch))
        ended = [*part.notes, Note(at, form.quarters - at, pitch, note.velocity)]
    return Part(part.name, part.role, part.instrument, tuple(ended))


def sections_of(form: Form) -> tuple[Section, ...]:
    """Neighbouring phrases of one letter make a section, named by the letter (A' when it returns)."""
    found: list[Section] = []
    seen: dict[str, int] = {}
    previous = None
    for phrase in form.phrases:
        if phrase.letter == previous:
            last = found.pop()
            found.append(Section(last.name, last.bar, last.bars + phrase.bars))
        else:
            times = seen.get(phrase.letter, 0)
            found.append(Section(phrase.letter + "'" * times, phrase.bar, phrase.bars))
            seen[phrase.letter] = times + 1
        previous = phrase.letter
    return tuple(found)


def phrases_of(form: Form, melody: list[list[Tone]]) -> tuple[Phrase, ...]:
    """One phrase of melody after the other; one that begins before its bar takes that from the phrase before."""
    starts = [
        min([plan.bar * form.bar_quarters, *(t.start for t in tones)])
        for plan, tones in zip(form.phrases, melody, strict=True)
    ]
    found = []
    for plan, tones, start, end in zip(form.phrases, melody, starts, [*starts[1:], form.quarters], strict=True):
        peak = next((t.start for t in tones if t.is_peak), (start + end) / 2)
        found.append(Phrase(start, end, peak, plan.cadence))
    return tuple(found)
