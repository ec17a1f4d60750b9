"""A tune that somebody gives, harmonised: its phrases, keys and cadences are found, chords are chosen that suit it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from melancholia.composition.apart import apart
from melancholia.composition.arrangement import cast, choose_players, singer_of
from melancholia.composition.assembly import as_piece
from melancholia.composition.composers import LEARNED
from melancholia.composition.departures import AWAY
from melancholia.composition.dialects import CADENCES, CADENCES_MAJOR
from melancholia.composition.form import Form
from melancholia.composition.harmony import plan_harmony, suiting
from melancholia.composition.held import Held, on_grid
from melancholia.composition.outline import outline_of
from melancholia.composition.parts import LEVELS
from melancholia.composition.rewriting import as_parts, cheapest, writer, written
from melancholia.composition.roles import is_line
from melancholia.composition.statement import Heard
from melancholia.cues import KEYS, standard
from melancholia.errors import InputError
from melancholia.motif import skyline
from melancholia.orchestra import check_cast, facts_of
from melancholia.piece import Key, Note, Part, Piece
from melancholia.piece import key as parse_key
from melancholia.profile import Profile
from melancholia.reading import found_arc, found_phrases
from melancholia.streams import generator
from melancholia.writing import Writing
from melancholia.written import found_key

CLOSING = {"authentic": 0.8, "plagal": 0.2}  # how a harmonised tune may close
AT_HOME = 0.15  # of correlation: so much better must another key fit a phrase than home
MODES_OF_KEYS = ("major", "minor")  # as `KEYS` has them


def harmonise(
    piece: Piece,
    profile: Profile,
    *,
    key: str | Key | None = None,
    instruments: Sequence[str] | None = None,
    seed: int = 0,
    composer: str | Path = LEARNED,
) -> Piece:
    """A tune with chords, bass, accompaniment and other lines, for the players of a mood.

    Parameters
    ----------
    piece : Piece
        Its melody is the tune; where no part is named so, it is the line that leads. All else is left out.
    profile : Profile
        The mood.
    key : str or Key, optional
        As "A minor"; the one that the tune is heard in when left out.
    instruments : sequence of str, optional
        Who plays; the mood's orchestrations when left out.
    seed, composer
        As for `infill`.

    Returns
    -------
    Piece
        The tune stays to the tick, in its key, metre and tempo; by octaves it is brought to where its player sings.

    Raises
    ------
    InputError
        The piece holds no tune, or one that is wider than its player's range.
    """
    author = writer(composer, seed)
    instruments = check_cast(instruments)
    line = leading(piece)
    alone = Piece(
        (Part("melody", "melody", "", line),), piece.tempo, piece.metre, piece.key, fixed_tempo=piece.fixed_tempo
    )
    home = parse_key(key) if isinstance(key, str) else key or found_key(alone)
    alone = replace(alone, key=home, phrases=found_phrases(alone), arc=found_arc(alone))
    writing = profile.writing

    def draft(number: int) -> Piece:
        chosen = choose_players(writing, generator(number, "players"), instruments)
        singer = singer_of(chosen)
        own = Part(singer.name, "melody", singer.instrument, reached(line, singer.instrument))
        given = replace(alone, parts=(own,))
        outline = outline_of(given, profile)
        length = given.bar_quarters
        sung = Heard(tuple((n.start / length, n.end / length, (n.pitch - home.tonic) % 12) for n in own.notes))
        form = keyed(outline.form, own.notes, home)
        ends = [last_of(own.notes, *span) for span in outline.spans()]
        form = closed(form, sung, ends, home.tonic, writing, generator(number, "cadences"))
        asked = tuple(replace(w, onset_rate=max(w.onset_rate, writing.onset_rate)) for w in form.writings)
        form = replace(form, writings=asked)
        slots = plan_harmony(form, writing, generator(number, "harmony"), sung)
        outline = replace(outline, form=form, slots=slots)
        casting = cast(form, writing, generator(number, "cast"), chosen)
        melody, notes = written(given, outline, {singer.name: Held(own.notes, ())}, number, author, casting)
        louder = float(np.mean([n.velocity for n in own.notes])) - writing.velocity - LEVELS["melody"]
        for name in notes.keys() - {singer.name}:
            level = [int(np.clip(round(n.velocity + louder), 8, 120)) for n in notes[name]]
            notes[name] = [replace(n, velocity=v) for n, v in zip(notes[name], level, strict=True)]
        parts = tuple(Part(p.name, p.role, p.instrument, ()) for p in casting.players)
        return as_piece(form, slots, melody, as_parts(parts, notes), home)

    return cheapest(draft, profile, seed)


def leading(piece: Piece) -> tuple[Note, ...]:
    """The tune of a piece: its melody, or the line that leads, its notes as they were written."""
    voices = apart(piece)
    singer = voices.piece.with_role("melody")[0]
    own = {(n.start, n.pitch): n for n in voices.given.part(voices.sources[singer.name]).notes}
    notes = singer.notes if is_line(singer) else skyline(singer.notes)
    return tuple(own.get((n.start, n.pitch), n) for n in notes)


def reached(line: Sequence[Note], instrument: str) -> tuple[Note, ...]:
    """The line in the nearest octave in which an instrument has all of it, gladly where it is written for."""
    facts = facts_of(instrument)
    low, high = min(n.pitch for n in line), max(n.pitch for n in line)
    for floor, ceiling in (facts.written, (facts.low, facts.high)):
        octaves = [12 * k for k in range(-10, 11) if floor <= low + 12 * k and high + 12 * k <= ceiling]
        if octaves:
            shift = min(octaves, key=abs)
            return tuple(replace(n, pitch=n.pitch + shift) for n in line)
    raise InputError(
        f"the tune spans {high - low} semitones; allowed: what fits into {facts.low} to {facts.high}, the range of"
        f" {instrument}, in some octave."
    )


def last_of(line: Sequence[Note], first: int, end: int) -> Note | None:
    """The last tone that begins between two ticks."""
    return max((note for note in line if first <= on_grid(note.start) < end), default=None)


def closed(
    form: Form, sung: Heard, ends: Sequence[Note | None], tonic: int, writing: Writing, rng: np.random.Generator
) -> Form:
    """The form with a cadence for each phrase that its last tone suits."""
    phrases = []
    for number, (phrase, end) in enumerate(zip(form.phrases, ends, strict=True)):
        known = CADENCES if phrase.mode == "minor" else CADENCES_MAJOR
        last = number == len(form.phrases) - 1
        weights = CLOSING if last else {name: 0.1 + writing.cadences.get(name, 0.0) for name in known}
        said: dict[str, float] = {}
        for name, weight in weights.items():
            options, degrees = known[name]
            fits = max(suiting(sung, names[-1:], phrase, [1.0]) for names in options)
            closes = end is not None and (end.pitch - tonic - phrase.local_key) % 12 in degrees
            said[name] = float(np.log(weight)) + fits + closes + float(rng.gumbel(0, 0.3))
        phrases.append(replace(phrase, cadence=max(said, key=lambda name: said[name])))
    return replace(form, phrases=tuple(phrases))


def keyed(form: Form, line: Sequence[Note], home: Key) -> Form:
    """The form with a key for each phrase: home, or a near one where the phrase's tones clearly lie in that."""
    phrases = []
    for phrase in form.phrases:
        weight = np.zeros(12)
        for note in line:
            together = min(note.end, phrase.end * form.bar_quarters) - max(note.start, phrase.bar * form.bar_quarters)
            weight[(note.pitch - home.tonic) % 12] += max(0.0, together)
        fit = (standard(weight) @ KEYS.T / 12).reshape(2, 12)  # major, minor; by semitones above home
        options = {(0, home.mode): float(fit[MODES_OF_KEYS.index(home.mode), 0]) + AT_HOME}
        for above, mode, _ in AWAY[home.mode]:
            options.setdefault((above, mode), float(fit[MODES_OF_KEYS.index(mode), above]))
        above, mode = max(options, key=lambda option: options[option])
        phrases.append(replace(phrase, local_key=above, mode=mode))
    return replace(form, phrases=tuple(phrases))
