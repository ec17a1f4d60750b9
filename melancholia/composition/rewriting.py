"""A piece that is there, written on or partly anew: gaps filled, notes varied, more of it.

What stays, stays to the tick. What is new is written by the learned composer inside the plan of the piece (its own, or
the one that a reader finds), at its pace, fullness and height: the notes that stay are what its models go on from.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from melancholia.composition.apart import Apart, apart
from melancholia.composition.arrangement import Cast, cast, singer_of
from melancholia.composition.arranging import arrange
from melancholia.composition.asks import ticks
from melancholia.composition.assembly import arc_of, chords_of, phrases_of, sections_of
from melancholia.composition.coding import TICKS
from melancholia.composition.composers import LEARNED, PLANNED, Composer, composer_of
from melancholia.composition.critic import cost
from melancholia.composition.form import FASTEST_BPM, LONGEST_S, SHORTEST_S, SILENT, SLOWEST_BPM, Form, plan_form
from melancholia.composition.harmony import Slot, plan_harmony
from melancholia.composition.held import NEVER, Held, Like, Span, There, merged, on_grid
from melancholia.composition.outline import Outline, like, outline_of, tune
from melancholia.composition.roles import is_line
from melancholia.composition.singing import sing
from melancholia.composition.statement import renumbered
from melancholia.composition.tones import Tone
from melancholia.composition.ways import SUNG
from melancholia.edits import is_drums
from melancholia.errors import InputError, in_list, in_range
from melancholia.orchestra import facts_of
from melancholia.piece import Chord, Note, Part, Piece, Section, TempoMap
from melancholia.profile import Profile
from melancholia.streams import check_seed, generator
from melancholia.writing import Player

RINGING = 0.5  # of a bar, that a last tone may ring beyond the bar line behind which a piece goes on
DRAFTS = 3  # of which the critic keeps one
LONG_STAYS, BEAT_STAYS, EDGE_STAYS, PEAK_STAYS = 0.5, 0.5, 1.5, 0.7  # how much later such a tone is given up


def infill(
    piece: Piece,
    profile: Profile,
    *,
    bars: tuple[int, int] | None = None,
    parts: Sequence[str] | None = None,
    seed: int = 0,
    composer: str | Path = LEARNED,
) -> Piece:
    """Some bars, some parts, or some bars of some parts written anew; all else stays to the tick.

    Parameters
    ----------
    piece : Piece
        Ours, or anybody's: of parts that name no instrument tune, bass and chords are told apart, and what is new of
        each goes into the part that it came from. Bars are those of the metre that it begins in.
    profile : Profile
        The mood in which it is written on.
    bars : (int, int), optional
        First and last bar, counted from 1; all when left out.
    parts : sequence of str, optional
        Names or roles of parts; all when left out.
    seed : int
        0 to 2**32 - 1; another seed, other notes.
    composer : str or path
        "learned", or models of one's own, as for `compose`.

    Returns
    -------
    Piece
        With the plan, tempo and players of the piece.

    Raises
    ------
    InputError
        Neither bars nor parts are given, there are none such, or the piece holds no tune.
    """
    author = writer(composer, seed)
    if bars is None and not parts:
        raise InputError("nothing is to be written anew; allowed: bars, parts, or both.")
    voices = apart(piece)
    base = voices.piece
    outline = outline_of(base, profile)
    count = outline.form.bars
    if bars is not None:
        if not isinstance(bars, tuple | list) or len(bars) != 2:
            raise InputError(f"bars is {bars!r}; allowed: the first and the last, as (5, 8).")
        for name, bar in zip(("first bar", "last bar"), bars, strict=True):
            in_range(name, bar, 1, count)
        if bars[0] > bars[1]:
            raise InputError(f"bars are {bars[0]} to {bars[1]}; allowed: the first before the last.")
    anew = chosen(voices, parts)
    if bars is not None:
        outline = sung_in(outline, bars[0] - 1, bars[1])
    held = {}
    for part in base.parts:
        if part.name not in anew:
            held[part.name] = Held(part.notes, ())
            continue
        spans = [bar_span(outline, bars[0] - 1, bars[1])] if bars is not None else sounding(part, outline)
        held[part.name] = kept(part, merged(spans))
    return best(voices, outline, held, profile, seed, author)


def vary(
    piece: Piece,
    profile: Profile,
    amount: float = 0.3,
    *,
    parts: Sequence[str] | None = None,
    seed: int = 0,
    composer: str | Path = LEARNED,
) -> Piece:
    """The same piece, said another way.

    Parameters
    ----------
    piece, profile, parts, seed, composer
        As for `infill`.
    amount : float
        0 (as it is) to 1 (only its plan stays). Of lines so large a share of the tones is given up, passing ones
        first, and the model goes from each that stays to the next; of accompaniments so large a share of the letters
        gets another figure.

    Returns
    -------
    Piece

    Raises
    ------
    InputError
        The amount lies outside its range, there is no such part, or the piece holds no tune.
    """
    author = writer(composer, seed)
    in_range("amount", amount, 0, 1)
    voices = apart(piece)
    base, anew = voices.piece, chosen(voices, parts)
    if not amount:
        return piece
    outline = outline_of(base, profile)
    rng = generator(seed, "varied letters")
    letters = list(dict.fromkeys(phrase.letter for phrase in outline.form.phrases))
    order = [letters[k] for k in rng.permutation(len(letters))]
    changed = set(order[: round(amount * len(order))])
    held = {}
    for part in base.parts:
        if part.name not in anew:
            held[part.name] = Held(part.notes, ())
        elif facts_of(part.instrument).pitched and part.role != "harmony" and is_line(part):
            held[part.name] = thinned(part, amount, outline, generator(seed, "varied", part.name))
        else:
            phrases = [p for p in outline.form.phrases if p.letter in changed]
            spans = [bar_span(outline, p.bar, p.end) for p in phrases]
            held[part.name] = kept(part, merged([s for s in spans if begins_in(part, s)]))
    return best(voices, outline, held, profile, seed, author)


def continued(
    piece: Piece, profile: Profile, *, seconds: float = 30.0, seed: int = 0, composer: str | Path = LEARNED
) -> Piece:
    """The piece, and more of it behind its last bar: a departure, a climax, its tune again, and a close.

    Parameters
    ----------
    piece, profile, seed, composer
        As for `infill`.
    seconds : float
        How much longer it shall be, 15 to 600.

    Returns
    -------
    Piece
        What was there, to the tick, in its tempo and metre; behind it what is new.

    Raises
    ------
    InputError
        The seconds lie outside their range, the metre is one that we do not write in, or the piece holds no tune.
    """
    author = writer(composer, seed)
    in_range("seconds", seconds, SHORTEST_S, LONGEST_S, "s")
    voices = apart(piece)
    base = with_curves_at_rest(voices.piece)
    head = outline_of(base, profile)
    writing = like(profile.writing, base)
    length = base.bar_quarters
    first = int(np.ceil(head.form.quarters / length - RINGING))  # a last tone may ring into what is new
    at_bar = first * length
    more = seconds + base.seconds - float(base.tempo.seconds(at_bar))
    tempo = float(np.clip(head.form.bpm, SLOWEST_BPM, FASTEST_BPM))
    asked = float(np.clip(more * head.form.bpm / tempo, SHORTEST_S, LONGEST_S))

    def draft(number: int) -> Piece:
        tail = plan_form(
            writing, generator(number, "form"), seconds=asked, bpm=tempo,
            metre=base.metre, mode=base.key.mode, intensity=profile.intensity, ways=SUNG,
            goes_on=True,
        )  # fmt: skip
        tail = at_home(tail, head.form)
        known = {p.letter: chords_in(head, p.bar, p.end) for p in reversed(head.form.phrases)}
        chords = plan_harmony(tail, writing, generator(number, "harmony"), known=known)
        players = tuple(Player(part.name, part.role, part.instrument) for part in base.parts)
        casting = cast(tail, writing, generator(number, "cast"), players)
        outline = joined(head, tail, chords, first)
        held = {}
        for part in base.parts:
            bars = casting.bars[part.name] if part.role != "melody" else set(range(tail.bars))
            spans = merged([bar_span(outline, first + k, first + k + 1) for k in bars])
            held[part.name] = Held(part.notes, spans, Like.of(part.notes) if part.notes else None)
        form = outline.form
        melody, notes = written(base, outline, held, number, author)
        return replace(
            base,
            parts=voices.together(as_parts(base.parts, notes)),
            tempo=form.tempo,
            sections=(*(s for s in base.sections if s.bar < first), *later_sections(base, form, first)),
            chords=(
                *until(base.chords, at_bar),
                *chords_of(form, outline.slots[len(head.slots) :], base.key),
            ),
            phrases=(
                *(p for p in base.phrases if p.start < at_bar - 1e-6),
                *phrases_of(form, melody)[len(head.form.phrases) :],
            ),
            arc=(*(at for at in base.arc if at[0] < at_bar), *(at for at in arc_of(form) if at[0] >= at_bar)),
            loops=False,
        )

    return cheapest(draft, profile, seed)


def until(chords: Sequence[Chord], at: float) -> tuple[Chord, ...]:
    """Those that begin before a time, none longer than to it."""
    held = (chord for chord in chords if chord.start < at - 1e-6)
    return tuple(chord if chord.end <= at else replace(chord, duration=at - chord.start) for chord in held)


def writer(composer: str | Path, seed: int) -> Composer:
    """Who writes: a learned composer."""
    check_seed(seed)
    found = composer_of(composer)
    if found is None:
        raise InputError(f"composer is {PLANNED}; allowed: {LEARNED}, or a folder or file of models of one's own.")
    return found


def chosen(voices: Apart, parts: Sequence[str] | None) -> set[str]:
    """The voices that are written anew: those that are named, else all that have a pitch."""
    if parts:
        return set().union(*(voices.named(name) for name in in_list("parts", parts)))
    return {part.name for part in voices.piece.parts if not is_drums(part)}


def sung_in(outline: Outline, first: int, end: int) -> Outline:
    """The plan, in which the melody does not wait in some bars."""
    phrases = [
        replace(p, kind="body") if p.kind in SILENT and p.bar < end and p.end > first else p
        for p in outline.form.phrases
    ]
    return replace(outline, form=replace(outline.form, phrases=tuple(phrases)))


def with_curves_at_rest(piece: Piece) -> Piece:
    """The piece, its curves behind its end at what they mostly were, and its pedals up."""
    parts = []
    for part in piece.parts:
        rest = {
            name: (*curve, (piece.end, 0 if name == "pedal" else int(np.median([value for _, value in curve]))))
            for name, curve in part.curves.items()
        }
        parts.append(replace(part, curves=rest))
    return replace(piece, parts=tuple(parts))


def bar_span(outline: Outline, first: int, end: int) -> Span:
    """The ticks of some bars; the last one lasts for as long as the piece."""
    return first * outline.bar, NEVER if end >= outline.form.bars else end * outline.bar


def begins_in(part: Part, span: Span) -> bool:
    return any(span[0] <= on_grid(note.start) < span[1] for note in part.notes)


def sounding(part: Part, outline: Outline) -> list[Span]:
    """The phrases in which a part plays, upbeats with them."""
    spans = outline.spans() if part.role == "melody" else [
        bar_span(outline, phrase.bar, phrase.end) for phrase in outline.form.phrases
    ]  # fmt: skip
    return [span for span in spans if begins_in(part, span)]


def kept(part: Part, spans: tuple[Span, ...]) -> Held:
    """What of a part lies outside some spans."""
    everything = Held(part.notes, spans, Like.of(part.notes) if part.notes else None)
    return replace(everything, notes=tuple(n for n in part.notes if not everything.is_open(n.start * TICKS)))


def thinned(part: Part, amount: float, outline: Outline, rng: np.random.Generator) -> Held:
    """A line without so large a share of its tones: those that carry it least go first, phrase by phrase."""
    beat = 1.5 if part.notes and outline.form.metre[1] == 8 and outline.form.metre[0] % 3 == 0 else 1.0
    staying: list[Note] = []
    open_: list[Span] = []
    spans = outline.spans() if part.role == "melody" else [
        bar_span(outline, phrase.bar, phrase.end) for phrase in outline.form.phrases
    ]  # fmt: skip
    for first, end in spans:
        notes = [note for note in part.notes if first <= on_grid(note.start) < end]
        if not notes:
            continue
        usual, top = float(np.median([n.duration for n in notes])), max(n.pitch for n in notes)
        worth = rng.random(len(notes)) + np.array(
            [
                LONG_STAYS * (n.duration > usual) + BEAT_STAYS * (abs(n.start / beat - round(n.start / beat)) < 1e-3)
                + EDGE_STAYS * (n in (notes[0], notes[-1])) + PEAK_STAYS * (n.pitch == top)
                for n in notes
            ]
        )  # fmt: skip
        gone = set(np.argsort(worth, kind="stable")[: round(amount * len(notes))].tolist())
        stays = [note for k, note in enumerate(notes) if k not in gone]
        staying += stays
        if not stays:
            open_.append((first, end))
            continue
        edges = [*(on_grid(n.start) for n in stays), on_grid(notes[-1].end)]
        lost = [on_grid(notes[k].start) for k in gone]
        if any(at < edges[0] for at in lost):
            open_.append((on_grid(notes[0].start), edges[0]))
        for a, b in zip(edges, edges[1:], strict=False):
            if any(a < at < b for at in lost):
                open_.append((a + 2, b))
    return Held(tuple(staying), merged(open_), Like.of(part.notes) if part.notes else None)


def best(
    voices: Apart, outline: Outline, held: Mapping[str, Held], profile: Profile, seed: int, author: Composer
) -> Piece:
    """The piece with what is open written anew: the draft that the critic likes best."""

    def draft(number: int) -> Piece:
        _, notes = written(voices.piece, outline, held, number, author)
        return with_peaks(replace(voices.piece, parts=as_parts(voices.piece.parts, notes)))

    found = cheapest(draft, profile, seed)
    phrases = found.phrases if voices.given.phrases else ()
    return replace(voices.given, parts=voices.together(found.parts), phrases=phrases)


def cheapest(draft: Callable[[int], Piece], profile: Profile, seed: int) -> Piece:
    """Of some drafts the one that costs least."""
    return min((draft(seed + k * 2**32) for k in range(DRAFTS)), key=lambda piece: cost(piece, profile))


def written(
    base: Piece, outline: Outline, held: Mapping[str, Held], seed: int, author: Composer, casting: Cast | None = None
) -> tuple[list[list[Tone]], dict[str, list[Note]]]:
    """The melody, phrase by phrase, and the notes of every part, those that stay among them."""
    form, slots = outline.form, outline.slots
    if casting is None:
        players = tuple(Player(part.name, part.role, part.instrument) for part in base.parts)
        bars = {name: {bar for bar in range(form.bars) if held[name].is_open(bar * outline.bar)} for name in held}
        casting = Cast(players, bars)
    singer = singer_of(casting.players)
    low, high = facts_of(singer.instrument).written
    pitches = [note.pitch for note in held[singer.name].notes]
    melody = sing(
        form, slots, generator(seed, "sung"), model=author.tunes, tonic=base.key.tonic, low=min([low, *pitches]),
        high=max([high, *pitches]), there=There(held[singer.name], tuple(outline.spans())), known=author.known,
    )  # fmt: skip
    notes = arrange(author, casting, form, slots, melody, form.writings[0], base.key, seed, 0.0, held)
    end = form.bars * form.bar_quarters
    for name, own in notes.items():
        stays = set(held[name].notes) if name in held else set()
        last = max(end, form.quarters)
        if name in held and held[name].open and not set(own) - stays:  # nothing was found: what was there is better
            own = list(base.part(name).notes)
            stays = set(own)
        notes[name] = [
            replace(n, duration=last - n.start) if n not in stays and n.end >= end - 1e-6 else n for n in own
        ]
    return melody, notes


def as_parts(parts: Sequence[Part], notes: Mapping[str, list[Note]]) -> tuple[Part, ...]:
    """The parts with other notes; those that have none now are gone."""
    return tuple(replace(part, notes=tuple(notes[part.name])) for part in parts if notes[part.name])


def with_peaks(piece: Piece) -> Piece:
    """The piece, its phrases with the peaks that they have now."""
    line = tune(piece)
    found = []
    for phrase in piece.phrases:
        own = [note for note in line if phrase.start - 1e-6 <= note.start < phrase.end - 1e-6]
        peak = max(own, key=lambda note: (note.pitch, note.duration)).start if own else phrase.peak
        found.append(replace(phrase, peak=peak))
    return replace(piece, phrases=tuple(found))


def at_home(tail: Form, head: Form) -> Form:
    """A form that goes on from another: a letter that was there stands in the key that it had."""
    keys = {p.letter: (p.local_key, p.mode) for p in reversed(head.phrases)}
    phrases = []
    for phrase in tail.phrases:
        key, mode = keys.get(phrase.letter, (phrase.local_key, phrase.mode))
        phrases.append(replace(phrase, local_key=key, mode=mode))
    return replace(tail, phrases=tuple(phrases))


def later_sections(base: Piece, form: Form, first: int) -> list[Section]:
    """The sections from a bar on, named after those that were there."""
    times = Counter(section.name.rstrip("'") for section in base.sections)
    later = sections_of(replace(form, phrases=tuple(p for p in form.phrases if p.bar >= first)))
    return [replace(s, name=s.name + "'" * times[s.name.rstrip("'")]) for s in later]


def chords_in(outline: Outline, first: int, end: int) -> list[Slot]:
    return [slot for slot in outline.slots if first - 1e-6 <= slot.bar < end - 1e-6]


def joined(head: Outline, tail: Form, chords: Sequence[Slot], first: int) -> Outline:
    """One plan behind the other, whose first bar is `first`; the climax is the second one's."""
    before = [replace(p, kind="body") if p.kind == "climax" else p for p in head.form.phrases]
    before[-1] = replace(before[-1], bars=first - before[-1].bar)
    after = [replace(phrase, bar=phrase.bar + first) for phrase in tail.phrases]
    bars, length = first + tail.bars, tail.bar_quarters
    slots = [*head.slots, *(replace(slot, bar=slot.bar + first) for slot in chords)]
    slots[len(head.slots) - 1] = replace(head.slots[-1], bars=first - head.slots[-1].bar)
    pace = round(60e6 / head.form.bpm)
    form = replace(
        tail, bars=bars, bpm=head.form.bpm, quarters=first * length + tail.quarters,
        phrases=tuple(renumbered((*before, *after))), climax=(first + tail.climax * tail.bars) / bars,
        writings=(*head.form.writings, *tail.writings), fixed_tempo=head.form.fixed_tempo,
        tempo=TempoMap((*(at for at in head.form.tempo.changes if at[0] < first * length), (first * length, pace))),
    )  # fmt: skip
    starts = (*head.starts, *(phrase.bar * ticks(length) for phrase in after))
    return Outline(form, tuple(slots), starts)
