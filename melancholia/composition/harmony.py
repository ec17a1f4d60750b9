"""Progressions: a chord for each slot of each phrase, pinned at the cadence, drawn along the tension curve.

Between a phrase's first chord and its cadence the chords are an exact draw from the dialect's Markov chain given both
ends: messages run backward over the free slots, chords are drawn forward. Each weight is the table's share, times how
well the chord's strain fits the planned tension, times how much chromaticism the mood still asks for, times how often
the piece has had that move already.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from melancholia.composition.chords import HARMONIES, Harmony, is_chromatic
from melancholia.composition.dialects import (
    CADENCES,
    CADENCES_MAJOR,
    CHORALE,
    COLOURED,
    COLOURED_MAJOR,
    ENDINGS,
    HOME,
    LAMENTS,
    LIED,
    LOOPS,
    MAJOR,
)
from melancholia.composition.form import Form, PhrasePlan, draw
from melancholia.profile import Writing

STRAIN_FIT = 2.5  # how sharply chords follow the tension curve
REPEATED = 0.45  # a chord that this phrase has had already
HEARD = 0.75  # a move from chord to chord, for each time that the piece has made it
CATCH_UP = 9.0  # how sharply the draw makes good what the piece lacks in chromatic chords
RECALLED = 0.85  # of the returns of a tune bring its first chords back

Table = dict[str, dict[str, float]]


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
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, found: list[Slot]) -> None:
        self.slots += len(found)
        self.bars += sum(slot.bars for slot in found)
        self.chromatic += sum(is_chromatic(slot.numeral, slot.mode) for slot in found)
        self.moves.update((a.numeral, b.numeral) for a, b in zip(found, found[1:], strict=False))


def plan_harmony(form: Form, writing: Writing, rng: np.random.Generator) -> tuple[Slot, ...]:
    """Chords for the whole piece, end to end without gaps; the last one is the mood's ending, at home."""
    dialect = draw(rng, dict(writing.dialects))
    grounds = LAMENTS if dialect == "lament" else LOOPS
    ground = grounds[int(rng.integers(len(grounds)))]
    first_time: dict[str, list[Slot]] = {}
    tally = Tally()
    slots: list[Slot] = []
    for phrase in form.phrases:
        if phrase.kind in ("intro", "interlude"):
            found = intro_slots(phrase, rng)
        elif phrase.kind == "coda":
            found = coda_slots(phrase, rng)
        elif dialect in ("lament", "pop-loop") and phrase.letter == "A" and phrase.mode == "minor":
            found = ground_slots(phrase, ground, rng, writing, tally)
        else:
            table = MAJOR if phrase.mode == "major" else CHORALE if dialect == "chorale" else LIED
            before = first_time.get(phrase.letter)
            lengths = slot_lengths(phrase, form, writing, rng, tally)
            recalled = before if before is not None and rng.random() < RECALLED else None
            found = fill(phrase, lengths, form, writing, table, rng, recalled, tally)
        first_time.setdefault(phrase.letter, found)
        tally.add(found)
        slots += found
    last = slots[-1]
    home = form.phrases[0].mode
    ending = ENDINGS[home][draw(rng, dict(writing.endings))]
    return (*slots[:-1], Slot(ending, last.bar, last.bars, 0, home))


def slot_lengths(
    phrase: PhrasePlan, form: Form, writing: Writing, rng: np.random.Generator, tally: Tally
) -> list[float]:
    """Bars of each chord: two a bar before a cadence and under tension, held ones where the mood wants few."""
    short = 0.5 if form.metre[0] % 2 == 0 else 0.6 if form.metre[0] == 5 else 2 / 3
    lag = writing.harmonic_rhythm * (tally.bars + 1) - tally.slots
    lengths: list[float] = []
    bar = 0
    while bar < phrase.bars:
        near_end = bar == phrase.bars - 2 and phrase.bars > 2
        rate = writing.harmonic_rhythm * (0.75 + 0.5 * form.tension(phrase.bar + bar)) + 0.35 * lag
        if bar < phrase.bars - 2 and rng.random() < min(0.9, 2.5 * max(0.0, 1.1 - rate)):
            lengths.append(2.0)
            bar += 2
            continue
        split = rate - 0.8 + (0.15 if near_end else 0.0)
        if bar < phrase.bars - 1 and rng.random() < split:
            lengths += [short, 1 - short]
        else:
            lengths.append(1.0)
        bar += 1
    return lengths


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


def cadence_chords(phrase: PhrasePlan, coloured: bool, rng: np.random.Generator) -> list[str]:
    plain = (CADENCES_MAJOR if phrase.mode == "major" else CADENCES)[phrase.cadence][0]
    options = (COLOURED_MAJOR if phrase.mode == "major" else COLOURED)[phrase.cadence] if coloured else plain
    return list(options[int(rng.integers(len(options)))])


def owed_colour(writing: Writing, tally: Tally, coming: int) -> float:
    """Chromatic chords that the piece owes by the end of a stretch of `coming` chords."""
    return writing.chromaticism * (tally.slots + coming) - tally.chromatic


def fill(
    phrase: PhrasePlan,
    lengths: list[float],
    form: Form,
    writing: Writing,
    table: Table,
    rng: np.random.Generator,
    recalled: list[Slot] | None,
    tally: Tally,
) -> list[Slot]:
    """Chords for the slots of a phrase, the cadence's at its end; the first half may be `recalled`."""
    owed = owed_colour(writing, tally, len(lengths))
    coloured = owed > (0.1 if phrase.event == "colour" else 0.5)
    ending = cadence_chords(phrase, coloured, rng)[-(len(lengths) if coloured else max(1, len(lengths) - 1)) :]
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
    fit = [favour * np.exp(-STRAIN_FIT * (strain - 0.15 - 0.7 * form.tension(b)) ** 2) for b in bar]
    start = np.zeros(len(names))
    for name, favoured in zip(HOME[phrase.mode], (3.0, 1.0, 0.6), strict=True):
        start[index[name]] = favoured
    if phrase.visit == 0:
        start[index[HOME[phrase.mode][0]]] *= 2
    message = [np.zeros(len(names)) for _ in range(free + 1)]
    message[free][index[ending[0]]] = 1
    for k in range(free - 1, -1, -1):
        message[k] = fit[k] * (weights @ message[k + 1])
    chosen: list[str] = []
    for k in range(free):
        old = recalled_at(recalled, float(bar[k]) - phrase.bar) if recalled and k < 0.7 * free else None
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


def intro_slots(phrase: PhrasePlan, rng: np.random.Generator) -> list[Slot]:
    """An opening on the tonic: a pedal, a line that sinks inside it, or a rocking pair of chords."""
    plans = [names for names in INTROS[phrase.mode] if len(names) <= max(1, phrase.bars)]
    names = plans[int(rng.integers(len(plans)))]
    each = phrase.bars / len(names)
    return [Slot(name, phrase.bar + k * each, each, 0, phrase.mode) for k, name in enumerate(names)]


def coda_slots(phrase: PhrasePlan, rng: np.random.Generator) -> list[Slot]:
    """A plagal close over the tonic, and the last chord, held for a bar or more."""
    plans = CODAS[phrase.mode]
    names = plans[int(rng.integers(len(plans)))]
    last = 1.0 if phrase.bars < 3 else 2.0
    each = (phrase.bars - last) / len(names)
    slots = [Slot(name, phrase.bar + k * each, each, 0, phrase.mode) for k, name in enumerate(names)]
    return [*slots, Slot("i", phrase.end - last, last, 0, phrase.mode)]
