"""A piece from a profile: form, harmony, arrangement, then the notes of every part."""

from collections.abc import Sequence

import numpy as np

from melancholia.composition.arrangement import SUSTAINED, Cast, cast, range_of
from melancholia.composition.form import Form, draw, plan_form
from melancholia.composition.harmony import Slot, plan_harmony
from melancholia.composition.lines import background, bass_line, counter_melody
from melancholia.composition.melody import Tone, write_melody
from melancholia.composition.textures import TEXTURES, Voiced, accompany
from melancholia.composition.voicing import lead, lead_bass
from melancholia.piece import Chord, Key, Note, Part, Phrase, Piece, Section, TempoMap
from melancholia.piece import key as parse_key
from melancholia.profile import Player, Profile, Writing
from melancholia.streams import check_seed, generator

ACCOMPANIMENT = (47, 74)  # where the three upper voices of the harmony lie
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
    writing = profile.writing
    name = profile.mood
    form = plan_form(writing, generator(seed, name, "form"), seconds=seconds, bpm=bpm, metre=metre)
    home = choose_key(generator(seed, name, "key"), writing) if key is None else key
    if isinstance(home, str):
        home = parse_key(home)
    slots = plan_harmony(form, writing, generator(seed, name, "harmony"))
    players = cast(form, writing, generator(seed, name, "cast"), instruments)
    melody = sing(form, slots, writing, players, home, generator(seed, name, "melody"))
    voiced = voice(form, slots, writing, home)
    parts = tuple(
        Part(p.name, p.role, p.instrument, tuple(write(p, form, slots, voiced, melody, writing, players, home, seed)))
        for p in players.players
    )
    return Piece(
        parts=held_to_the_end(tuple(p for p in parts if p.notes), form),
        tempo=TempoMap.steady(form.bpm),
        metre=form.metre,
        key=home,
        sections=sections(form),
        chords=tuple(
            Chord(
                s.bar * form.bar_quarters,
                min(s.end * form.bar_quarters, form.quarters) - s.bar * form.bar_quarters,
                s.numeral if not s.local_key else f"{s.numeral}/{s.local_key}",
                s.pitch_classes(home.tonic),
                s.bass(home.tonic),
            )
            for s in slots
        ),
        phrases=phrases(form, melody),
        arc=tuple((bar * form.bar_quarters, round(form.tension(bar), 4)) for bar in range(form.bars + 1)),
        fixed_tempo=form.fixed_tempo,
    )


def choose_key(rng: np.random.Generator, writing: Writing) -> Key:
    """A tonic whose scale lies well for the melody's register; flats and naturals a little likelier."""
    tonics = np.array([9, 2, 4, 7, 0, 5, 11, 10, 3, 6, 1, 8])
    weights = np.array([4, 4, 3, 3, 4, 3, 3, 2, 3, 2, 2, 2], float)
    return Key(int(rng.choice(tonics, p=weights / weights.sum())))


def sing(
    form: Form, slots: tuple[Slot, ...], writing: Writing, players: Cast, home: Key, rng: np.random.Generator
) -> list[list[Tone]]:
    singer = next((p for p in players.players if p.role == "melody"), players.players[0])
    low, high = range_of(singer.instrument)
    return write_melody(form, slots, writing, rng, tonic=home.tonic, low=low, high=high)


def voice(form: Form, slots: tuple[Slot, ...], writing: Writing, home: Key) -> list[Voiced]:
    """Every chord with its bass and three voices, under the melody."""
    shift = round((writing.melody_mean - 62) * 0.6)
    low, high = ACCOMPANIMENT[0] + min(0, shift), ACCOMPANIMENT[1] + shift
    basses = lead_bass([s.bass(home.tonic) for s in slots], low=36, high=52, start=43 + min(0, shift) // 2)
    chords = [
        (s.pitch_classes(home.tonic), bass, (home.tonic + s.local_key + 11) % 12)
        for s, bass in zip(slots, basses, strict=True)
    ]
    voices = lead(chords, low=low, high=high, centre=(low + high) / 2 - 1)
    return [Voiced(s, b, v) for s, b, v in zip(slots, basses, voices, strict=True)]


def write(
    player: Player,
    form: Form,
    slots: tuple[Slot, ...],
    voiced: list[Voiced],
    melody: list[list[Tone]],
    writing: Writing,
    players: Cast,
    home: Key,
    seed: int,
) -> list[Note]:
    """The notes of one part."""
    rng = generator(seed, "part", player.name)
    active = players.bars[player.name]
    low, high = range_of(player.instrument)
    velocity = writing.velocity + LEVELS[player.role]
    if player.role == "melody":
        return [note for phrase in melody for note in as_notes(phrase, form, writing)]
    if player.role == "bass":
        return bass_line(
            voiced, form, active=active, tonic=home.tonic, low=low, high=high, velocity=velocity,
            moving=player.instrument != "sub_bass", rng=rng,
        )  # fmt: skip
    if player.role == "counter":
        centre = float(np.clip(writing.melody_mean - 8, low + 5, high - 5))
        return counter_melody(
            melody, slots, form, active=active, tonic=home.tonic, low=max(low, round(centre) - 10),
            high=min(high, round(centre) + 9), centre=centre, velocity=velocity,
            dissonances=writing.dissonances, rng=rng,
        )  # fmt: skip
    if player.role == "texture":
        return background(
            voiced, form, active=active, low=max(low, 50), high=high, velocity=velocity, voices=2 + (seed % 2)
        )
    bass_elsewhere = any(p.role == "bass" and p.instrument != "sub_bass" for p in players.players)
    notes: list[Note] = []
    used: dict[str, str] = {}
    for phrase in form.phrases:
        span = [bar for bar in range(phrase.bar, phrase.bar + phrase.bars) if bar in active]
        if not span:
            continue
        if phrase.letter not in used or (phrase.visit > 0 and rng.random() < 0.6):
            weights = {name: w for name, w in writing.textures.items() if name in TEXTURES}
            if phrase.kind in ("intro", "coda") and rng.random() < 0.5:
                weights = {"held": 1.0}
            elif used:
                weights = {n: w * (0.5 if n in used.values() else 1) for n, w in weights.items()}
            used[phrase.letter] = draw(rng, weights)
        thin = 1.0 if phrase.kind in ("body", "climax") else 0.75
        rate = writing.onset_rate * thin * (0.72 + 0.5 * form.tension(phrase.bar + phrase.bars / 2))
        notes += accompany(
            voiced, form, used[phrase.letter], bars=range(span[0], span[-1] + 1), onset_rate=rate, velocity=velocity,
            sustained=player.instrument in SUSTAINED, with_bass=not bass_elsewhere, rng=rng,
        )  # fmt: skip
    return [n for n in notes if low <= n.pitch <= high]


def as_notes(phrase: list[Tone], form: Form, writing: Writing) -> list[Note]:
    """A sung phrase as notes: louder to its peak and on its dissonances, softer to its end."""
    notes = []
    for k, tone in enumerate(phrase):
        level = writing.velocity + LEVELS["melody"] + 22 * (form.tension(tone.start / form.bar_quarters) - 0.45)
        level += 5 * tone.is_peak + 4 * tone.is_dissonance - 5 * tone.is_last - 2 * (k == 0)
        if k and phrase[k - 1].is_dissonance:
            level -= 5
        notes.append(Note(tone.start, tone.duration, tone.pitch, int(np.clip(level, 15, 118))))
    return notes


def held_to_the_end(parts: tuple[Part, ...], form: Form) -> tuple[Part, ...]:
    """The last chord is held until the piece's end: notes that begin in its last bar ring to the last release."""
    last = (form.bars - 1) * form.bar_quarters
    held = []
    for part in parts:
        notes = [
            Note(n.start, form.quarters - n.start, n.pitch, n.velocity)
            if n.start >= last - 1e-6 or n.end >= form.bars * form.bar_quarters - 1e-6
            else n
            for n in part.notes
        ]
        held.append(Part(part.name, part.role, part.instrument, tuple(notes), dict(part.curves)))
    return tuple(held)


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
    found = []
    for plan, tones in zip(form.phrases, melody, strict=True):
        start, end = plan.bar * form.bar_quarters, (plan.bar + plan.bars) * form.bar_quarters
        peak = next((t.start for t in tones if t.is_peak), (start + end) / 2)
        found.append(Phrase(start, min(end, form.quarters), peak, plan.cadence))
    return tuple(found)
