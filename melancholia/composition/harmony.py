"""Progressions: a chord for each slot of each phrase, pinned at the cadence, drawn along the tension curve.

Between a phrase's first chord and its cadence the chords are an exact draw from the dialect's Markov chain given both
ends: messages run backward over the free slots, chords are drawn forward. Each weight is the table's share, times how
well the chord's strain fits the planned tension, times how much chromaticism the mood still asks for, times how often
the piece has had that move already.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import numpy as np

from melancholia.composition.chords import BELONGING, HARMONIES, Harmony, is_chromatic, shade
from melancholia.composition.dialects import (
    CADENCES,
    CADENCES_MAJOR,
    COLOURED,
    COLOURED_MAJOR,
    ENDINGS,
    HOME,
    LAMENTS,
    LOOPS,
    SONGS,
    TABLES,
)
from melancholia.composition.form import Form, PhrasePlan, draw
from melancholia.composition.statement import Heard
from melancholia.writing import Writing

STRAIN_FIT = 2.5  # how sharply chords follow the tension curve
REPEATED = 0.45  # a chord that this phrase has had already
HEARD = 0.75  # a move from chord to chord, for each time that the piece has made it
CATCH_UP = 9.0  # how sharply the draw makes good what the piece lacks in chromatic chords
SHADE_OF_INDEX = 1.5  # mean `shade` of chords for a mode index of 1 in the notes
MIDDLE_SHADE = {"minor": 0.15, "major": -0.1}  # what the tables come to by themselves
SHADING, MOST_SHADING = 30.0, 12.0  # how sharply the draw makes good what the piece lacks in minor, and at most
MOST_AWAY = 3.0  # and in a phrase of the other mode, where a song settles in it
TRIED = 24  # harmonies of a phrase under a tune that is known
SUITS = 12.0  # log weight of a chord that holds all of what is sung over it against one that holds nothing
PIVOT = 2.0  # how much likelier a phrase in a new key begins with a chord of both keys

HALF = 0.5  # of a tune over a chord, that belongs to it
STATIC = 0.7  # chords a bar; below, the last chord of a phrase may take two bars as well

Table = dict[str, dict[str, float]]
NOTHING_KNOWN: Mapping[str, "Sequence[Slot]"] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Slot:
    """One chord of the plan: numeral in the local key, where (bars), and the local tonic above the home tonic."""

    numeral: str
    bar: float
    bars: float
    local_key: int
    mode: str

    @property
    def harmony(self) -> Harmony:
        return HARMONIES[self.numeral]

    @property
    def end(self) -> float:
        return self.bar + self.bars

    def pitch_classes(self, tonic: int) -> tuple[int, ...]:
        """Sounding pitch classes, root first, for a home tonic."""
        return tuple((pc + self.local_key + tonic) % 12 for pc in self.harmony.pitch_classes)

    def bass(self, tonic: int) -> int:
        return (self.harmony.bass + self.local_key + tonic) % 12


@dataclass(slots=True)
class Tally:
    """What the piece has had so far: slots, chromatic ones, and moves from chord to chord."""

    slots: int = 0
    bars: float = 0.0
    chromatic: int = 0
    asked: float = 0.0  # chords that the writing of the phrases so far asked for
    asked_chromatic: float = 0.0
    shade: float = 0.0  # bars times how minor their chords are, had and asked for
    asked_shade: float = 0.0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, found: list[Slot], writing: Writing) -> None:
        bars = sum(slot.bars for slot in found)
        self.asked += writing.harmonic_rhythm * bars
        self.asked_chromatic += writing.chromaticism * len(found)
        self.shade += sum(slot.bars * shade(slot.numeral, slot.mode) for slot in found)
        self.asked_shade += SHADE_OF_INDEX * writing.mode_index * bars
        self.slots += len(found)
        self.bars += sum(slot.bars for slot in found)
        self.chromatic += sum(is_chromatic(slot.numeral, slot.mode) for slot in found)
        self.moves.update((a.numeral, b.numeral) for a, b in zip(found, found[1:], strict=False))


def plan_harmony(
    form: Form,
    writing: Writing,
    rng: np.random.Generator,
    tune: Heard | None = None,
    known: Mapping[str, Sequence[Slot]] = NOTHING_KNOWN,
) -> tuple[Slot, ...]:
    """Chords for the whole piece, end to end without gaps; the last one is the mood's ending, at home.

    Under a `tune` that is known already, chords are chosen that suit it; a last tone that is none of the ending's
    keeps the chord that it had. `known` are chords that letters had before.
    """
    drawn: dict[tuple[tuple[str, float], ...], tuple[str, tuple[tuple[str, float], ...]]] = {}
    first_time: dict[str, list[Slot]] = {letter: list(slots) for letter, slots in known.items()}
    tally = Tally()
    slots: list[Slot] = []
    for phrase, writing in zip(form.phrases, form.writings, strict=True):
        tables = tuple(sorted(writing.dialects.items()))
        if tables not in drawn:
            drawn[tables] = draw_dialect(writing, rng)
        dialect, ground = drawn[tables]
        light = shading(writing, tally, phrase.bars, phrase.mode)
        if form.ways.settled and phrase.mode != form.phrases[0].mode:  # it shall be heard as what it is
            light = float(np.clip(light, -MOST_AWAY, MOST_AWAY))
        if phrase.kind in ("intro", "interlude"):
            found = intro_slots(phrase, light, rng)
        elif phrase.kind == "coda":
            found = coda_slots(phrase, light, rng)
        elif tune is None and dialect in ("lament", "pop-loop") and phrase.letter == "A" and phrase.mode == "minor":
            found = ground_slots(phrase, ground, rng, writing, tally)
        else:
            table = TABLES[phrase.mode].get(dialect, SONGS[phrase.mode])
            before = first_time.get(phrase.letter)
            left = (slots[-1].local_key, slots[-1].mode) if slots else None
            tries = TRIED if tune is not None and any(tune.chroma(phrase.bar, phrase.bars)) else 1
            options = [laid(phrase, form, writing, table, rng, light, before, tally, left, tune) for _ in range(tries)]
            found = max(options, key=partial(belonging, tune)) if tune is not None else options[0]
        first_time.setdefault(phrase.letter, found)
        tally.add(found, writing)
        slots += found
    if form.loops:
        return tuple(slots)
    last = slots[-1]
    home = form.phrases[0].mode
    ending = Slot(ENDINGS[home][draw(rng, dict(writing.endings))], last.bar, last.bars, 0, home)
    if tune is not None and tune.suits(ending.pitch_classes(0), last.bar, last.bars) < min(
        HALF, tune.suits(last.pitch_classes(0), last.bar, last.bars)
    ):
        return tuple(slots)
    return (*slots[:-1], ending)


def laid(
    phrase: PhrasePlan,
    form: Form,
    writing: Writing,
    table: Table,
    rng: np.random.Generator,
    light: float,
    before: list[Slot] | None,
    tally: Tally,
    came_from: tuple[int, str] | None,
    tune: Heard | None,
) -> list[Slot]:
    """Chords for a phrase and how long each is; most returns of a letter take up those that it had `before`."""
    lengths = slot_lengths(phrase, form, writing, rng, tally)
    recalled = before if before is not None and rng.random() < form.ways.recalled else None
    if recalled and recalled[0].bar == int(recalled[0].bar):
        known = [slot.bars for slot in recalled]
        if form.ways.whole or sum(known) == phrase.bars:
            lengths = as_before(known, phrase.bars)
    return fill(phrase, lengths, form, writing, table, rng, light, recalled, tally, came_from, tune)


def belonging(tune: Heard, slots: Sequence[Slot]) -> float:
    """Share of a tune, over some chords, that belongs to them."""
    sung = [tune.chroma(slot.bar, slot.bars) for slot in slots]
    inside = sum(chroma[pc] for slot, chroma in zip(slots, sung, strict=True) for pc in slot.pitch_classes(0))
    return inside / max(1e-9, sum(map(sum, sung)))


def draw_dialect(writing: Writing, rng: np.random.Generator) -> tuple[str, tuple[tuple[str, float], ...]]:
    """A dialect of the mood, and the ground bass that goes with it."""
    dialect = draw(rng, dict(writing.dialects))
    grounds = LAMENTS if dialect == "lament" else LOOPS
    light = shading(writing, Tally(), 1, "minor")
    return dialect, grounds[shaded([[name for name, _ in ground] for ground in grounds], "minor", light, rng)]


def slot_lengths(
    phrase: PhrasePlan, form: Form, writing: Writing, rng: np.random.Generator, tally: Tally
) -> list[float]:
    """Bars of each chord: two a bar before a cadence and under tension, held ones where the mood wants few."""
    beats = form.metre[0]
    short = (beats + 1) // 2 / beats if beats > 1 else 1 / 2
    lag = tally.asked + writing.harmonic_rhythm - tally.slots
    lengths: list[float] = []
    bar = 0
    room = phrase.bars - (1 if writing.harmonic_rhythm < STATIC else 2)  # where a chord of two bars may still begin
    while bar < phrase.bars:
        near_end = bar == phrase.bars - 2 and phrase.bars > 2
        rate = writing.harmonic_rhythm * (0.75 + 0.5 * form.tension(phrase.bar + bar)) + 0.6 * lag
        if bar < room and rng.random() < min(0.9, 2.5 * max(0.0, 1.1 - rate)):
            lengths.append(2.0)
            bar += 2
            continue
        hurries = near_end and writing.harmonic_rhythm > STATIC + 0.1  # into the cadence, where harmony moves at all
        split = rate - 0.8 + (0.25 if hurries else -0.2)
        if bar < phrase.bars - 1 and rng.random() < split:
            lengths += [short, 1 - short]
        else:
            lengths.append(1.0)
        bar += 1
    return lengths


def as_before(lengths: list[float], bars: int) -> list[float]:
    """The lengths of a phrase's chords where it comes back with so many bars: as they were, as far as it goes."""
    if sum(lengths) == bars:
        return lengths
    kept: list[float] = []
    for length in lengths:
        if sum(kept) + length > bars - 1:
            break
        kept.append(length)
    left = bars - sum(kept)
    return [*kept, *([left % 1] if left % 1 else []), *[1.0] * int(left)]


def laid_out(phrase: PhrasePlan, names: list[str], lengths: list[float]) -> list[Slot]:
    """Slots from names and lengths; equal neighbours become one."""
    slots: list[Slot] = []
    bar = float(phrase.bar)
    for name, bars in zip(names, lengths, strict=True):
        slots.append(Slot(name, bar, bars, phrase.local_key, phrase.mode))
        bar += bars
    return merged(slots)


def merged(slots: list[Slot]) -> list[Slot]:
    made: list[Slot] = []
    for slot in slots:
        if made and made[-1].numeral == slot.numeral:
            made[-1] = Slot(slot.numeral, made[-1].bar, made[-1].bars + slot.bars, slot.local_key, slot.mode)
        else:
            made.append(slot)
    return made


def closes(phrase: PhrasePlan, coloured: bool) -> tuple[tuple[str, ...], ...]:
    """The progressions that a phrase may close with, by its cadence."""
    plain = (CADENCES_MAJOR if phrase.mode == "major" else CADENCES)[phrase.cadence][0]
    return (COLOURED_MAJOR if phrase.mode == "major" else COLOURED)[phrase.cadence] if coloured else plain


def suiting(tune: Heard, names: Sequence[str], phrase: PhrasePlan, lengths: Sequence[float]) -> float:
    """How well the last chords of a phrase suit what is sung over them, as log weight."""
    ends = phrase.end - np.cumsum([0.0, *lengths[::-1]])
    total = 0.0
    for name, end, length in zip(names[::-1], ends, lengths[::-1], strict=False):
        own = tuple((pc + phrase.local_key) % 12 for pc in HARMONIES[name].pitch_classes)
        total += SUITS * (tune.suits(own, float(end - length), length) - HALF)
    return total


def shading(writing: Writing, tally: Tally, bars: float, mode: str) -> float:
    """Log weight of a chord for each unit of its shade, such that a stretch of `bars` makes good what is lacking."""
    owed = tally.asked_shade + SHADE_OF_INDEX * writing.mode_index * bars - tally.shade
    return float(np.clip(SHADING * (owed / bars - MIDDLE_SHADE[mode]), -MOST_SHADING, MOST_SHADING))


def shaded(
    options: Sequence[Sequence[str]], mode: str, light: float, rng: np.random.Generator, fit: Sequence[float] = ()
) -> int:
    """The number of one of several progressions, drawn by how minor they are, and by what else speaks for each."""
    said = [light * np.mean([shade(name, mode) for name in names]) for names in options]
    weight = np.exp(np.add(said, fit) if fit else said)
    return int(rng.choice(len(options), p=weight / weight.sum()))


def owed_colour(writing: Writing, tally: Tally, coming: int) -> float:
    """Chromatic chords that the piece owes by the end of a stretch of `coming` chords."""
    return tally.asked_chromatic + writing.chromaticism * coming - tally.chromatic


def fill(
    phrase: PhrasePlan,
    lengths: list[float],
    form: Form,
    writing: Writing,
    table: Table,
    rng: np.random.Generator,
    light: float,
    recalled: list[Slot] | None,
    tally: Tally,
    came_from: tuple[int, str] | None = None,
    tune: Heard | None = None,
) -> list[Slot]:
    """Chords for the slots of a phrase, the cadence's at its end; its beginning may be `recalled`.

    `light` is the log weight of a chord's shade; `came_from` is the key (semitones above home, mode) of the phrase
    before.
    """
    alike = bool(recalled) and [slot.bars for slot in recalled or ()] == lengths
    leads_back = form.loops and phrase.end >= form.bars  # ends as the start of the loop needs it
    if recalled and alike and form.ways.whole and not leads_back and rng.random() < form.ways.whole:
        return laid_out(phrase, [slot.numeral for slot in recalled], lengths)
    owed = owed_colour(writing, tally, len(lengths))
    coloured = owed > (0.1 if phrase.event == "colour" else 0.5)
    most = len(lengths) if coloured else max(1, len(lengths) - 1)
    options = closes(phrase, coloured)
    if tune is not None:  # what leads to the last chord may be left to the tune
        options = tuple(dict.fromkeys(names[first:] for names in options for first in range(len(names))))
    sung = [suiting(tune, names[-most:], phrase, lengths) for names in options] if tune is not None else []
    ending = list(options[shaded(options, phrase.mode, light, rng, sung)][-most:])
    owed -= sum(is_chromatic(name, phrase.mode) for name in ending)
    free = len(lengths) - len(ending)
    names = sorted(table)
    index = {name: k for k, name in enumerate(names)}
    move = np.array([[table[a].get(b, 0.0) for b in names] for a in names])
    move /= move.sum(axis=1, keepdims=True)
    heard = np.array([[HEARD ** tally.moves[a, b] for b in names] for a in names])
    weights = move * heard
    strain = np.array([HARMONIES[n].strain for n in names])
    outside = np.array([is_chromatic(n, phrase.mode) for n in names])
    favour = np.where(outside, np.clip(CATCH_UP * owed / max(1, free), 0.02, 12.0), 1.0)
    bar = phrase.bar + np.cumsum([0.0, *lengths[:-1]])
    favour = favour * np.exp(light * np.array([shade(n, phrase.mode) for n in names]))
    fit = [favour * np.exp(-STRAIN_FIT * (strain - 0.15 - 0.7 * form.tension(b)) ** 2) for b in bar]
    if tune is not None:
        for k, (at, bars) in enumerate(zip(bar, lengths, strict=True)):
            heard_here = np.roll(tune.chroma(float(at), bars), -phrase.local_key)
            if heard_here.any():
                inside = np.array([heard_here[list(HARMONIES[n].pitch_classes)].sum() for n in names])
                share = inside / heard_here.sum()
                fit[k] = fit[k] * np.exp(SUITS * (share - HALF))
    start = np.zeros(len(names))
    for name, favoured in zip(HOME[phrase.mode], (3.0, 1.0, 0.6), strict=True):
        start[index[name]] = favoured
    if came_from is not None and came_from != (phrase.local_key, phrase.mode):
        for name in names:  # the first chord belongs to the key that is left as well: a pivot
            if HARMONIES[name].strain <= 0.5 and is_pivot(name, phrase.local_key, *came_from):
                start[index[name]] = PIVOT * max(1.0, start[index[name]])
    elif phrase.visit == 0:
        start[index[HOME[phrase.mode][0]]] *= 2
    message = [np.zeros(len(names)) for _ in range(free + 1)]
    message[free][index[ending[0]]] = 1
    for k in range(free - 1, -1, -1):
        message[k] = fit[k] * (weights @ message[k + 1])
    chosen: list[str] = []
    for k in range(free):
        old = recalled_at(recalled, float(bar[k]) - phrase.bar) if recalled and k < form.ways.part * free else None
        if old in index and message[k][index[old]] > 0 and (not chosen or weights[index[chosen[-1]], index[old]] > 0):
            chosen.append(old)
            continue
        weight = message[k] * (start if k == 0 else weights[index[chosen[-1]]])
        for name in chosen:
            weight[index[name]] *= REPEATED
        if weight.sum() <= 0:
            weight = fit[k] * (weights @ np.ones(len(names)))
        chosen.append(names[int(rng.choice(len(names), p=weight / weight.sum()))])
    return laid_out(phrase, chosen + ending, lengths)


def is_pivot(numeral: str, key: int, other_key: int, other_mode: str) -> bool:
    """Whether a chord of one key (semitones above home) has only tones of the other as well."""
    return all((pc + key - other_key) % 12 in BELONGING[other_mode] for pc in HARMONIES[numeral].pitch_classes)


def recalled_at(slots: list[Slot], offset: float) -> str:
    """The chord that the tune had at this many bars from its start."""
    return next((s.numeral for s in slots if offset < s.end - slots[0].bar - 1e-6), slots[-1].numeral)


# What may stand for a chord of a ground when it comes round again.
VARIED = {"V": "Vb9", "iv6": "iv7", "VI": "VImaj7", "i": "i9", "iv": "iiø65", "v6": "III", "VII": "VII6"}
TURNED = {"VI": "bII6", "iv6": "Ger6", "iv": "bII6", "VImaj7": "V7/iv", "iiø65": "vii°7/V"}  # the same, from outside


def ground_slots(
    phrase: PhrasePlan, ground: tuple[tuple[str, float], ...], rng: np.random.Generator, writing: Writing, tally: Tally
) -> list[Slot]:
    """A ground bass laid under the phrase; its last bars give way to the cadence, and later rounds are varied."""
    slots: list[Slot] = []
    bar, end = float(phrase.bar), float(phrase.end)
    rounds = 0
    owed = owed_colour(writing, tally, phrase.bars)
    while bar < end - 1e-9:
        for name, bars in ground:
            if bar >= end - 1e-9:
                break
            if name in TURNED and owed > 0.2:
                name, owed = TURNED[name], owed - 1
            elif (phrase.visit > 0 or rounds) and rng.random() < 0.3:
                name = VARIED.get(name, name)
            length = min(float(bars), end - bar)
            slots.append(Slot(name, bar, length, phrase.local_key, phrase.mode))
            bar += length
        rounds += 1
    if phrase.cadence != "half":
        plain = CADENCES[phrase.cadence][0]
        close = plain[int(rng.integers(len(plain)))][-2:]
        for k, name in zip((-2, -1), close, strict=True):
            if len(slots) >= -k:
                slots[k] = Slot(name, slots[k].bar, slots[k].bars, phrase.local_key, phrase.mode)
    elif slots[-1].numeral not in ("V", "V7", "Vb9"):
        slots[-1] = Slot("V", slots[-1].bar, slots[-1].bars, phrase.local_key, phrase.mode)
    return merged(slots)


INTROS: dict[str, tuple[tuple[str, ...], ...]] = {
    "minor": (
        ("i",), ("i", "VImaj7"), ("i", "iv64"), ("i", "i7"), ("i9", "VImaj7"), ("i5", "i"), ("i", "iiø42"),
        ("iv64", "i"), ("VImaj7", "V"), ("i", "i(maj7)", "i7", "i(6)"), ("i", "v6", "VI", "V"),
    ),
    "major": (("I",), ("I", "IV64"), ("Iadd9", "vi7"), ("I", "Imaj7"), ("i5", "I"), ("IV64", "I")),
}  # fmt: skip
CODAS: dict[str, tuple[tuple[str, ...], ...]] = {
    "minor": (("i", "iv64"), ("i", "iiø42"), ("VI6", "iv64"), ("i", "iv7"), ("VI", "iv64", "iiø42"), ("V7/iv", "iv64")),
    "major": (("I", "IV64"), ("I", "iv"), ("vi", "iv")),
}


def intro_slots(phrase: PhrasePlan, light: float, rng: np.random.Generator) -> list[Slot]:
    """An opening on the tonic of its key: a pedal, a line that sinks inside it, or a rocking pair of chords."""
    plans = [names for names in INTROS[phrase.mode] if len(names) <= max(1, phrase.bars)]
    names = plans[shaded(plans, phrase.mode, light, rng)]
    each = phrase.bars / len(names)
    return [Slot(name, phrase.bar + k * each, each, phrase.local_key, phrase.mode) for k, name in enumerate(names)]


def coda_slots(phrase: PhrasePlan, light: float, rng: np.random.Generator) -> list[Slot]:
    """A plagal close over the tonic, and the last chord, held for a bar or more."""
    plans = CODAS[phrase.mode]
    names = plans[shaded(plans, phrase.mode, light, rng)]
    last = 1.0 if phrase.bars < 3 else 2.0
    each = (phrase.bars - last) / len(names)
    slots = [Slot(name, phrase.bar + k * each, each, 0, phrase.mode) for k, name in enumerate(names)]
    return [*slots, Slot("i", phrase.end - last, last, 0, phrase.mode)]
