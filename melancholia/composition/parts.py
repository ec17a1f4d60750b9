"""The notes of every player: lines first, then the accompaniment, which fills up what the rate still lacks."""

from collections.abc import Collection, Sequence

import numpy as np

from melancholia.composition.arrangement import Cast, singer_of
from melancholia.composition.form import Form, draw
from melancholia.composition.harmony import Slot
from melancholia.composition.lines import (
    LINES,
    background,
    bass_line,
    counter_melody,
    echo,
    fold,
    following,
    in_sixths,
)
from melancholia.composition.noise import way_of
from melancholia.composition.textures import TEXTURES, Voiced, accompany, choose_rhythm
from melancholia.composition.tones import Tone
from melancholia.composition.voicing import lead, lead_bass
from melancholia.orchestra import facts_of
from melancholia.piece import Key, Note
from melancholia.streams import generator
from melancholia.writing import Player, Writing

OWN_WAY = 4.0  # weight of a free counter-melody against what the mood's textures name: canon, imitation, sixths
SAME = 0.5  # of a part's notes, that another part plays too
LED = ("bass", "counter", "texture")  # who is led apart from who plays the same
DOUBLED = 0.4  # of the climaxes have their melody doubled by the counter part
LEVELS = {"melody": 9, "counter": -2, "harmony": -7, "bass": -4, "texture": -9, "percussion": -6}


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
    over_sub = any(facts_of(p.instrument).deep for p in cast.players)
    voiced = voice(form, slots, writing, home, over_sub=over_sub)
    notes: dict[str, list[Note]] = {}
    sung = [note for phrase in melody for note in as_notes(phrase, form, writing)]
    for player in cast.players:
        rng = generator(seed, "part", player.name)
        active, velocity = cast.bars[player.name], writing.velocity + LEVELS[player.role]
        low, high = facts_of(player.instrument).written
        if not facts_of(player.instrument).pitched:
            way = way_of(player.instrument, player.role)
            found = way(form, active, (low + high) // 2, velocity, rng)
        elif player.role == "melody":
            found = sung if player == singer_of(cast.players) else doubled(sung, low, high)
        elif player.role == "bass":
            found = bass_line(
                voiced, form, active=active, tonic=home.tonic, low=low, high=min(high, low + 21), velocity=velocity,
                moving=not facts_of(player.instrument).deep, rng=rng,
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
        if player.role == "harmony" and facts_of(player.instrument).pitched:
            sounding = [note for part in notes.values() for note in part]
            notes[player.name] = harmony(
                player, cast, voiced, form, writing, sounding, sung, home.tonic, generator(seed, "part", player.name)
            )
    played = {(n.start, n.pitch) for p in cast.players if p.role == "harmony" for n in notes.get(p.name, [])}
    for player in cast.players:
        if player.role == "texture" and facts_of(player.instrument).pitched:
            low, high = facts_of(player.instrument).written
            notes[player.name] = beside(notes[player.name], played, max(low, 48), high)
    return led_apart({p.name: notes[p.name] for p in cast.players}, cast.players)


def doubled(sung: list[Note], low: int, high: int) -> list[Note]:
    """The melody for another who sings it: in the octave, above it or below, in which most of it suits him, the rest
    folded into it; in unison where more than half of it suits him in no other."""

    def outside(octave: int) -> int:
        return sum(not low <= n.pitch + 12 * octave <= high for n in sung)

    octave = min((1, -1, 2, -2, 3, -3), key=lambda octave: (outside(octave), abs(octave)))
    if outside(octave) > len(sung) / 2:
        octave = 0
    return [Note(n.start, n.duration, fold(n.pitch + 12 * octave, low, high), n.velocity) for n in sung]


def same(one: Sequence[Note], other: Sequence[Note]) -> bool:
    """Whether half of what one of them plays or more is what the other plays: two stems of one voice."""
    a, b = ({(note.start, note.duration, note.pitch) for note in notes} for notes in (one, other))
    return bool(a and b) and len(a & b) >= SAME * min(len(a), len(b))


def led_apart(
    notes: dict[str, list[Note]], players: Sequence[Player], there: Collection[str] = ()
) -> dict[str, list[Note]]:
    """The notes of all, where a line that another plays already lies an octave from it, if its player has one there.

    Singers double each other anyway, accompaniments are chords, and what was `there` stays.
    """
    found: dict[str, list[Note]] = {}
    for player in players:
        own, facts = notes[player.name], facts_of(player.instrument)
        others = [found[p.name] for p in players if p.name in found and facts_of(p.instrument).pitched]
        if facts.pitched and player.role in LED and player.name not in there and any(same(own, o) for o in others):
            own = doubled(own, *facts.written)
        found[player.name] = own
    return found


def beside(notes: list[Note], played: set[tuple[float, int]], low: int, high: int) -> list[Note]:
    """The notes, those that another part strikes as well moved by an octave, where `low` to `high` has room."""
    found = []
    for note in notes:
        shift = 12 if note.pitch + 12 <= high else -12 if note.pitch - 12 >= low else 0
        taken = (note.start, note.pitch) in played
        found.append(Note(note.start, note.duration, note.pitch + shift * taken, note.velocity))
    return found


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
    low, high, centre = beneath(player, writing)
    notes = counter_melody(
        melody, slots, form, active=active, tonic=home.tonic, low=low, high=high, centre=centre,
        velocity=writing.velocity + LEVELS["counter"], dissonances=writing.dissonances, rng=rng,
    )  # fmt: skip
    return answering(notes, active, melody, slots, form, writing, home, low, high, rng)


def beneath(player: Player, writing: Writing) -> tuple[int, int, float]:
    """Where a line against the melody lies: lowest, highest and middle pitch, as far as the instrument goes."""
    low, high = facts_of(player.instrument).written
    centre = float(np.clip(writing.melody_mean - 8, low + 7, max(low + 7, high - 7)))
    return max(low, round(centre) - 10), min(high, round(centre) + 10), centre


def answering(
    notes: list[Note],
    active: set[int],
    melody: list[list[Tone]],
    slots: tuple[Slot, ...],
    form: Form,
    writing: Writing,
    home: Key,
    low: int,
    high: int,
    rng: np.random.Generator,
    *,
    by_letter: bool = False,
) -> list[Note]:
    """A line of its own way, in some phrases given up for what the mood names: canon, imitation, sixths, an echo.

    `by_letter`: a letter that returns does what it did.
    """
    velocity = writing.velocity + LEVELS["counter"]
    doubles = rng.random() < DOUBLED
    ways: dict[str, str] = {}
    for phrase, tones in zip(form.phrases, melody, strict=True):
        if not tones or phrase.bar not in active:
            continue
        start, end = phrase.bar * form.bar_quarters, phrase.end * form.bar_quarters
        way = draw(rng, {"own": OWN_WAY} | {name: w for name, w in writing.textures.items() if name in LINES})
        way = ways.setdefault(phrase.letter, way) if by_letter else way
        line: list[Note] = []
        where = {"tonic": home.tonic, "low": low, "high": high}
        if way == "sixths":
            line = in_sixths(tones, slots, form, velocity=velocity - 3, **where)
        elif way in ("canon", "imitation"):
            line = following(tones, slots, form, end - 0.5, velocity=velocity, head=way == "imitation", **where)
        if line:
            until = end if way == "canon" else line[-1].end
            notes = [n for n in notes if not line[0].start - 1e-6 <= n.start < until - 1e-6] + line
        elif phrase.kind == "climax" and doubles:
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
    sung: list[Note],
    tonic: int,
    rng: np.random.Generator,
) -> list[Note]:
    """The accompaniment: a texture for each letter, changed on some returns, its rhythm by what the others leave."""
    low, high = facts_of(player.instrument).written
    active, velocity = cast.bars[player.name], writing.velocity + LEVELS["harmony"]
    bassists = [p.name for p in cast.players if p.role == "bass" and not facts_of(p.instrument).deep]
    used: dict[str, tuple[str, tuple[float, ...]]] = {}
    notes: list[Note] = []
    ahead = 0.0  # onsets that the piece owes
    for phrase, writing in zip(form.phrases, form.writings, strict=True):
        weights = {name: w for name, w in writing.textures.items() if name in TEXTURES}
        span = range(phrase.bar, phrase.end)
        others = onsets_by_bar(sounding, form, span)
        ahead += writing.onset_rate * form.seconds_of(phrase)
        target = max(1.0, 1.27 * ahead / phrase.bars) * (0.85 + 0.3 * form.tension(phrase.bar + phrase.bars / 2))
        with_bass = not any(phrase.bar in cast.bars[name] for name in bassists)
        if phrase.bar in active:
            last = phrase is form.phrases[-1]
            kept = used.get(phrase.letter) if phrase.visit > 0 and not last and rng.random() < 0.55 else None
            if kept is None:
                spent = {name: w * (0.4 if name in {t for t, _ in used.values()} else 1) for name, w in weights.items()}
                if phrase.kind in ("intro", "coda") and rng.random() < 0.4:
                    spent = {"held": 1.0}
                if phrase.kind != "body" or phrase.visit == 0 or "solo" in {t for t, _ in used.values()}:
                    spent = {name: w for name, w in spent.items() if name != "solo"} or {"held": 1.0}
                if last:  # the last chord stands on its bass
                    spent = {name: w for name, w in spent.items() if name not in ("pedal", "solo")} or {"held": 1.0}
                texture = draw(rng, spent)
            else:
                texture = kept[0]
            rhythm = choose_rhythm(form, texture, others, target, rng)
            if kept is not None and abs(len(kept[1]) - len(rhythm)) <= 1:
                rhythm = kept[1]
            used[phrase.letter] = (texture, rhythm)
            found = accompany(
                voiced, form, phrase, texture, rhythm, bars=span, velocity=velocity, with_bass=with_bass,
                tonic=tonic, sung=sung, rng=rng,
            )  # fmt: skip
            within = [n for n in found if n.pitch >= low] or found  # a bass too deep for the instrument is left out
            notes += [Note(n.start, n.duration, fold(n.pitch, low, high), n.velocity) for n in within]
        ahead -= sum(len(bar) for bar in onsets_by_bar([*sounding, *notes], form, span))
    return notes


def onsets_by_bar(notes: list[Note], form: Form, bars: range) -> list[set[float]]:
    """The places of onsets in each of the bars, in quarters from its start."""
    found: list[set[float]] = [set() for _ in bars]
    for note in notes:
        bar = int(note.start / form.bar_quarters + 1e-6)
        if bar in bars:
            found[bar - bars.start].add(round(note.start - bar * form.bar_quarters, 3))
    return found


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
