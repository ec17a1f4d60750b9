"""A piece from a profile: form, harmony, arrangement, then the notes of every part."""

from collections.abc import Sequence

import numpy as np

from melancholia.composition.arrangement import Cast, cast, range_of
from melancholia.composition.form import Form, draw, plan_form
from melancholia.composition.harmony import Slot, plan_harmony
from melancholia.composition.lines import background, bass_line, counter_melody, echo, fold
from melancholia.composition.measures import longest_hole_s, longest_return, minorness
from melancholia.composition.melody import Tone, write_melody
from melancholia.composition.textures import TEXTURES, Voiced, accompany, choose_rhythm
from melancholia.composition.voicing import lead, lead_bass
from melancholia.piece import Chord, Key, Note, Part, Phrase, Piece, Section, TempoMap
from melancholia.piece import key as parse_key
from melancholia.profile import Player, Profile, Writing
from melancholia.streams import check_seed, generator

DRAFTS = 8
LEAST_MINOR, LONGEST_RETURN, LONGEST_HOLE_S = 0.02, 0.2, 4.0  # what a draft must keep, with room to what ears allow
DOUBLED = 0.4  # of the climaxes have their melody doubled by the counter part
# Degrees of home by semitones, as minor and as major keys, for the names of chords in other keys.
DEGREES = {
    1: ("bii", "bII"), 2: ("ii", "II"), 3: ("iii", "III"), 4: ("#iii", "#III"), 5: ("iv", "IV"), 6: ("#iv", "#IV"),
    7: ("v", "V"), 8: ("vi", "VI"), 9: ("#vi", "#VI"), 10: ("vii", "VII"), 11: ("#vii", "#VII"),
}  # fmt: skip
LEVELS = {"melody": 9, "counter": -2, "harmony": -7, "bass": -4, "texture": -9, "percussion": -6}


def compose(
    profile: Profile,
    *,
    seconds: float = 90.0,
    seed: int = 0,
    key: str | Key | None = None,
    bpm: float | None = None,
    metre: str | None = None,
    instruments: Sequence[str] | None = None,
) -> Piece:
    """A written piece on the grid.

    Parameters
    ----------
    profile : Profile
        The mood and intensity; its `writing` is what the piece aims at.
    seconds : float
        When the last note is released, 15 to 600.
    seed : int
        0 to 2**32 - 1.
    key : str or Key, optional
        Minor keys; drawn when left out.
    bpm : float, optional
        Quarters a minute, 30 to 160; fixes the grid.
    metre : str, optional
        "4/4", "3/4", "6/8", "5/4", "2/4", "12/8".
    instruments : sequence of str, optional
        Who plays; the mood's orchestrations when left out.

    Raises
    ------
    InputError
        A value lies outside its range.
    """
    check_seed(seed)
    home = choose_key(generator(seed, profile.mood, "key")) if key is None else key
    if isinstance(home, str):
        home = parse_key(home)
    for draft in range(DRAFTS):
        piece = write(profile, home, seconds, bpm, metre, instruments, seed if draft == 0 else seed + draft * 2**32)
        if not faults(piece):
            break
    return piece


def faults(piece: Piece) -> list[str]:
    """What makes a draft unfit: a minor piece that sounds in major, one that goes round in circles, a long hole."""
    checks = {
        "in major": piece.key.mode == "minor" and minorness(piece) < LEAST_MINOR,
        "a loop": longest_return(piece) > LONGEST_RETURN,
        "a hole": longest_hole_s(piece) > LONGEST_HOLE_S,
    }
    return [name for name, failed in checks.items() if failed]


def write(
    profile: Profile,
    home: Key,
    seconds: float,
    bpm: float | None,
    metre: str | None,
    instruments: Sequence[str] | None,
    seed: int,
) -> Piece:
    """One draft of the piece; `seed` may lie beyond a caller's range for later drafts."""
    writing, name = profile.writing, profile.mood
    form = plan_form(
        writing, generator(seed, name, "form"), seconds=seconds, bpm=bpm, metre=metre, mode=home.mode,
        intensity=profile.intensity,
    )  # fmt: skip
    slots = plan_harmony(form, writing, generator(seed, name, "harmony"))
    players = cast(form, writing, generator(seed, name, "cast"), instruments)
    melody = sing(form, slots, writing, players, home, generator(seed, name, "melody"))
    notes = write_parts(players, form, slots, melody, writing, home, seed)
    notes = at_level({part: with_silences(found, form) for part, found in notes.items()}, writing.velocity)
    parts = tuple(Part(p.name, p.role, p.instrument, tuple(notes[p.name])) for p in players.players if notes[p.name])
    return Piece(
        parts=held_to_the_end(parts, form),
        tempo=TempoMap.steady(form.bpm),
        metre=form.metre,
        key=home,
        sections=sections(form),
        chords=tuple(
            Chord(
                s.bar * form.bar_quarters,
                form.end_of(s.end) - s.bar * form.bar_quarters,
                numeral(s),
                s.pitch_classes(home.tonic),
                s.bass(home.tonic),
            )
            for s in slots
        ),
        phrases=phrases(form, melody),
        arc=tuple((bar * form.bar_quarters, round(form.tension(bar), 4)) for bar in range(form.bars + 1)),
        fixed_tempo=form.fixed_tempo,
    )


def numeral(slot: Slot) -> str:
    """The chord's name, and after a bar the key it stands in where that is not home: "V7|III"."""
    return slot.numeral if not slot.local_key else f"{slot.numeral}|{DEGREES[slot.local_key][slot.mode == 'major']}"


def at_level(notes: dict[str, list[Note]], wanted: float) -> dict[str, list[Note]]:
    """All parts moved alike, so that the mean velocity of the piece is the wanted one."""
    shift = wanted - float(np.mean([n.velocity for part in notes.values() for n in part]))
    return {
        name: [Note(n.start, n.duration, n.pitch, int(np.clip(round(n.velocity + shift), 8, 120))) for n in part]
        for name, part in notes.items()
    }


def choose_key(rng: np.random.Generator) -> Key:
    """A minor key, those with few accidentals a little likelier."""
    tonics = np.array([9, 2, 4, 7, 0, 5, 11, 10, 3, 6, 1, 8])
    weights = np.array([4, 4, 3, 3, 4, 3, 3, 2, 3, 2, 2, 2], float)
    return Key(int(rng.choice(tonics, p=weights / weights.sum())))


def sing(
    form: Form, slots: tuple[Slot, ...], writing: Writing, players: Cast, home: Key, rng: np.random.Generator
) -> list[list[Tone]]:
    singer = next((p for p in players.players if p.role == "melody"), players.players[0])
    low, high = range_of(singer.instrument)
    return write_melody(form, slots, writing, rng, tonic=home.tonic, low=low, high=high)


def voice(form: Form, slots: tuple[Slot, ...], writing: Writing, home: Key, *, over_sub: bool) -> list[Voiced]:
    """Every chord with its bass and three voices, under the melody; over a sub bass, which takes the octave below."""
    centre = float(np.clip(writing.melody_mean - 6.5, 48, 61))
    low, high = round(centre - 8), round(centre + 12)
    start = max(41 + round((centre - 55) / 2), 46 if over_sub else 0)
    basses = lead_bass(
        [s.bass(home.tonic) for s in slots], low=start - 6 if over_sub else start - 7, high=start + 6, start=start
    )
    chords: list[tuple[tuple[int, ...], int, int | None]] = [
        (s.pitch_classes(home.tonic), bass, (home.tonic + s.local_key + 11) % 12)
        for s, bass in zip(slots, basses, strict=True)
    ]
    voices = lead(chords, low=low, high=high, centre=centre)
    return [Voiced(s, b, v) for s, b, v in zip(slots, basses, voices, strict=True)]


def write_parts(
    cast: Cast,
    form: Form,
    slots: tuple[Slot, ...],
    melody: list[list[Tone]],
    writing: Writing,
    home: Key,
    seed: int,
) -> dict[str, list[Note]]:
    """The notes of every player: lines first, then the accompaniment, which fills up what the rate still lacks."""
    over_sub = any(p.instrument == "sub_bass" for p in cast.players)
    voiced = voice(form, slots, writing, home, over_sub=over_sub)
    notes: dict[str, list[Note]] = {}
    for player in cast.players:
        rng = generator(seed, "part", player.name)
        active, velocity = cast.bars[player.name], writing.velocity + LEVELS[player.role]
        low, high = range_of(player.instrument)
        if player.role == "melody":
            found = [note for phrase in melody for note in as_notes(phrase, form, writing)]
        elif player.role == "bass":
            found = bass_line(
                voiced, form, active=active, tonic=home.tonic, low=low, high=min(high, low + 21), velocity=velocity,
                moving=player.instrument != "sub_bass", rng=rng,
            )  # fmt: skip
        elif player.role == "counter":
            found = counter(player, active, melody, slots, form, writing, home, rng)
        elif player.role in ("texture", "percussion"):
            found = background(
                voiced, form, active=active, low=max(low, 48), high=high, velocity=velocity,
                voices=int(rng.integers(2, 4)),
            )  # fmt: skip
        else:
            continue
        notes[player.name] = found
    for player in cast.players:
        if player.role == "harmony":
            sounding = [note for part in notes.values() for note in part]
            notes[player.name] = harmony(
                player, cast, voiced, form, writing, sounding, generator(seed, "part", player.name)
            )
    return notes


def counter(
    player: Player,
    active: set[int],
    melody: list[list[Tone]],
    slots: tuple[Slot, ...],
    form: Form,
    writing: Writing,
    home: Key,
    rng: np.random.Generator,
) -> list[Note]:
    """A line against the melody; at the climax it may double it an octave away, and it gives the echoes."""
    low, high = range_of(player.instrument)
    centre = float(np.clip(writing.melody_mean - 8, low + 7, max(low + 7, high - 7)))
    low, high = max(low, round(centre) - 10), min(high, round(centre) + 10)
    velocity = writing.velocity + LEVELS["counter"]
    notes = counter_melody(
        melody, slots, form, active=active, tonic=home.tonic, low=low, high=high, centre=centre, velocity=velocity,
        dissonances=writing.dissonances, rng=rng,
    )  # fmt: skip
    doubles = rng.random() < DOUBLED
    for phrase, tones in zip(form.phrases, melody, strict=True):
        if not tones or phrase.bar not in active:
            continue
        start, end = phrase.bar * form.bar_quarters, phrase.end * form.bar_quarters
        if phrase.kind == "climax" and doubles:
            notes = [n for n in notes if not start - 1e-6 <= n.start < end - 1e-6]
            notes += [
                Note(t.start, t.duration, fold(t.pitch - 12, low, high), max(12, n.velocity - 12))
                for t, n in zip(tones, as_notes(tones, form, writing), strict=True)
            ]
        elif phrase.event == "echo":
            level = int(np.clip(velocity + 24 * (form.tension(phrase.end - 1) - 0.45), 15, 110))
            slot = next(s for s in slots if phrase.end - 0.5 < s.end)
            answer = echo(tones, slot, end, tonic=home.tonic, low=low, high=high, velocity=level)
            if answer:
                notes = [n for n in notes if not answer[0].start - 1e-6 <= n.start < end - 1e-6] + answer
    return one_voice(notes)


def one_voice(notes: list[Note]) -> list[Note]:
    """A line that one player can play: each tone ends where the next begins."""
    line = sorted(notes)
    return [
        Note(a.start, a.duration if b is None else min(a.duration, b.start - a.start), a.pitch, a.velocity)
        for a, b in zip(line, [*line[1:], None], strict=True)
        if b is None or b.start > a.start
    ]


def harmony(
    player: Player,
    cast: Cast,
    voiced: list[Voiced],
    form: Form,
    writing: Writing,
    sounding: list[Note],
    rng: np.random.Generator,
) -> list[Note]:
    """The accompaniment: a texture for each letter, changed on some returns, its rhythm by what the others leave."""
    low, high = range_of(player.instrument)
    active, velocity = cast.bars[player.name], writing.velocity + LEVELS["harmony"]
    with_bass = not any(p.role == "bass" and p.instrument != "sub_bass" for p in cast.players)
    bar_s = form.bar_quarters * 60 / form.bpm
    weights = {name: w for name, w in writing.textures.items() if name in TEXTURES}
    used: dict[str, tuple[str, tuple[float, ...]]] = {}
    notes: list[Note] = []
    made = 0
    for phrase in form.phrases:
        span = range(phrase.bar, phrase.end)
        others = onsets_by_bar(sounding, form, span)
        ahead = writing.onset_rate * bar_s * phrase.end - made
        target = max(1.0, 1.15 * ahead / phrase.bars) * (0.85 + 0.3 * form.tension(phrase.bar + phrase.bars / 2))
        if phrase.bar in active:
            kept = used.get(phrase.letter) if phrase.visit > 0 and rng.random() < 0.55 else None
            if kept is None:
                spent = {name: w * (0.4 if name in {t for t, _ in used.values()} else 1) for name, w in weights.items()}
                if phrase.kind in ("intro", "coda") and rng.random() < 0.4:
                    spent = {"held": 1.0}
                texture = draw(rng, spent)
            else:
                texture = kept[0]
            rhythm = choose_rhythm(form, texture, others, target, rng)
            if kept is not None and abs(len(kept[1]) - len(rhythm)) <= 1:
                rhythm = kept[1]
            used[phrase.letter] = (texture, rhythm)
            found = accompany(
                voiced, form, phrase, texture, rhythm, bars=span, velocity=velocity, with_bass=with_bass, rng=rng
            )
            within = [n for n in found if n.pitch >= low] or found  # a bass too deep for the instrument is left out
            notes += [Note(n.start, n.duration, fold(n.pitch, low, high), n.velocity) for n in within]
        made += sum(len(bar) for bar in onsets_by_bar([*sounding, *notes], form, span))
    return notes


def onsets_by_bar(notes: list[Note], form: Form, bars: range) -> list[set[float]]:
    """The places of onsets in each of the bars, in quarters from its start."""
    found: list[set[float]] = [set() for _ in bars]
    for note in notes:
        bar = int(note.start / form.bar_quarters + 1e-6)
        if bar in bars:
            found[bar - bars.start].add(round(note.start - bar * form.bar_quarters, 3))
    return found


def with_silences(notes: list[Note], form: Form) -> list[Note]:
    """Everyone stops for the last beat of the phrases whose event is silence."""
    beat = 1.5 if form.metre[1] == 8 else 1.0
    stops = [p.end * form.bar_quarters for p in form.phrases if p.event == "silence" and p.end < form.bars - 1]
    for stop in stops:
        notes = [n for n in notes if not stop - beat - 1e-6 <= n.start < stop - 1e-6]
        notes = [
            Note(n.start, stop - beat - n.start, n.pitch, n.velocity) if n.start < stop - beat < n.end else n
            for n in notes
        ]
    return notes


def as_notes(phrase: list[Tone], form: Form, writing: Writing) -> list[Note]:
    """A sung phrase as notes: louder to its peak and on its dissonances, softer to its end."""
    notes = []
    for k, tone in enumerate(phrase):
        level = writing.velocity + LEVELS["melody"] + 28 * (form.tension(tone.start / form.bar_quarters) - 0.45)
        level += 5 * tone.is_peak + 4 * tone.is_dissonance - 5 * tone.is_last - 2 * (k == 0)
        if k and phrase[k - 1].is_dissonance:
            level -= 5
        notes.append(Note(tone.start, tone.duration, tone.pitch, int(np.clip(level, 15, 118))))
    return notes


def held_to_the_end(parts: tuple[Part, ...], form: Form) -> tuple[Part, ...]:
    """The last chord is held until the piece's end: what sounds in its last bar rings to the last release."""
    written = form.bars * form.bar_quarters

    def held(note: Note) -> Note:
        return Note(note.start, form.quarters - note.start, note.pitch, note.velocity) if rings(note) else note

    def rings(note: Note) -> bool:
        return note.end >= written - 1e-6

    found = tuple(Part(p.name, p.role, p.instrument, tuple(map(held, p.notes))) for p in parts)
    if any(n.end >= form.quarters - 0.01 for part in found for n in part.notes):
        return found
    last = found[0]
    note = last.notes[-1]
    ended = (*last.notes[:-1], Note(note.start, form.quarters - note.start, note.pitch, note.velocity))
    return (Part(last.name, last.role, last.instrument, ended), *found[1:])


def sections(form: Form) -> tuple[Section, ...]:
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


def phrases(form: Form, melody: list[list[Tone]]) -> tuple[Phrase, ...]:
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
