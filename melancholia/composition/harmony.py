"""Progressions: a chord for each slot of each phrase, pinned at the cadence, drawn along the tension curve.

Between a phrase's first chord and its cadence the chords are an exact draw from the dialect's Markov chain given both
ends: messages run backward over the free slots, chords are drawn forward. Each weight is the table's share, times how
well the chord's strain fits the planned tension, times how much chromaticism the mood asks for.
"""

from dataclasses import dataclass

import numpy as np

from melancholia.composition.chords import HARMONIES, Harmony
from melancholia.composition.dialects import CADENCES, CHORALE, ENDINGS, LAMENTS, LIED, LOOPS
from melancholia.composition.form import Form, PhrasePlan, draw
from melancholia.profile import Writing

STRAIN_FIT = 2.5  # how sharply chords follow the tension curve
REPEATED = 0.45  # a chord that this place of the piece has had already


@dataclass(frozen=True, slots=True)
class Slot:
    """One chord of the plan: numeral in the local key, where (bars), and the local tonic above the home tonic."""

    numeral: str
    bar: float
    bars: float
    local_key: int

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


def plan_harmony(form: Form, writing: Writing, rng: np.random.Generator) -> tuple[Slot, ...]:
    """Chords for the whole piece, end to end without gaps."""
    dialect = draw(rng, dict(writing.dialects))
    ground = (LAMENTS if dialect == "lament" else LOOPS)[int(rng.integers(len(LAMENTS)))]
    first_time: dict[str, list[str]] = {}
    slots: list[Slot] = []
    for phrase in form.phrases:
        if phrase.kind == "intro":
            slots += intro_slots(phrase, rng)
        elif phrase.kind == "coda":
            slots += coda_slots(phrase, writing, rng)
        else:
            grounded = dialect in ("lament", "pop-loop") and phrase.letter == "A"
            lengths = slot_lengths(phrase, form, writing, rng)
            if grounded:
                found = ground_slots(phrase, ground, rng)
            else:
                table = CHORALE if dialect == "chorale" else LIED
                names = fill(phrase, lengths, form, writing, table, rng, first_time.get(phrase.letter))
                found = laid_out(phrase, names, lengths)
            first_time.setdefault(phrase.letter, [slot.numeral for slot in found])
            slots += found
    return end_with(tuple(slots), form, writing, rng)


def end_with(slots: tuple[Slot, ...], form: Form, writing: Writing, rng: np.random.Generator) -> tuple[Slot, ...]:
    """The last chord is the mood's ending, in the home key."""
    last = slots[-1]
    return (*slots[:-1], Slot(ENDINGS[draw(rng, dict(writing.endings))], last.bar, last.bars, 0))


def slot_lengths(phrase: PhrasePlan, form: Form, writing: Writing, rng: np.random.Generator) -> list[float]:
    """Bars of each chord: one a bar at rate 1, two a bar before a cadence and under tension, held ones when slow."""
    halves = 2 if form.metre[0] % 2 == 0 or form.metre[0] == 6 else 3
    short = 0.5 if halves == 2 else 2 / 3
    lengths: list[float] = []
    bar = 0
    while bar < phrase.bars:
        near_end = bar == phrase.bars - 2 and phrase.bars > 2
        rate = writing.harmonic_rhythm * (0.7 + 0.6 * form.tension(phrase.bar + bar))
        if bar < phrase.bars - 3 and rng.random() < max(0.0, 0.9 - rate):
            lengths.append(2.0)
            bar += 2
            continue
        if near_end and rng.random() < 0.75 or (bar < phrase.bars - 1 and rng.random() < max(0.0, rate - 0.85)):
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
        if slots and slots[-1].numeral == name:
            slots[-1] = Slot(name, slots[-1].bar, slots[-1].bars + bars, phrase.local_key)
        else:
            slots.append(Slot(name, bar, bars, phrase.local_key))
        bar += bars
    return slots


def fill(
    phrase: PhrasePlan,
    lengths: list[float],
    form: Form,
    writing: Writing,
    table: dict[str, dict[str, float]],
    rng: np.random.Generator,
    before: list[str] | None,
) -> list[str]:
    """Chord names for the slots of a phrase, the cadence's at its end.

    When the tune has been heard `before`, its first half comes back in half of the returns; the rest is new.
    """
    cadence = CADENCES[phrase.cadence][0]
    ending = list(cadence[int(rng.integers(len(cadence)))])[-max(1, len(lengths) - 1) :]
    free = len(lengths) - len(ending)
    names = [n for n in HARMONIES if n in table]
    index = {name: k for k, name in enumerate(names)}
    move = np.zeros((len(names), len(names)))
    for name, row in table.items():
        for after, share in row.items():
            if after in index:
                move[index[name], index[after]] = share
    move /= np.maximum(move.sum(axis=1, keepdims=True), 1e-9)
    strain = np.array([HARMONIES[n].strain for n in names])
    chromatic = np.array([HARMONIES[n].chromatic for n in names])
    favour = np.where(chromatic, 0.15 + 12 * writing.chromaticism, 1.0)
    bar = phrase.bar + np.cumsum([0.0, *lengths[:-1]])
    fit = [favour * np.exp(-STRAIN_FIT * (strain - 0.15 - 0.7 * form.tension(b)) ** 2) for b in bar]
    kept = min(len(before) // 2, free) if before and rng.random() < 0.5 else 0
    start = before[0] if before and before[0] in index else ("i" if phrase.visit == 0 or rng.random() < 0.6 else "VI")
    if start == ending[0]:
        start = "i6" if start == "i" else "i"
    message = [np.zeros(len(names)) for _ in range(free + 1)]
    message[free][index[ending[0]]] = 1
    for k in range(free - 1, -1, -1):
        message[k] = fit[k] * (move @ message[k + 1])
    chosen: list[str] = []
    for k in range(free):
        if k < kept and before is not None and before[k] in index and message[k][index[before[k]]] > 0:
            chosen.append(before[k])
            continue
        weight = message[k].copy()
        if k == 0:
            allowed = np.zeros(len(names))
            for name in (start, "i", "i6", "VI"):
                allowed[index[name]] = 3.0 if name == start else 0.4
            weight *= allowed
        else:
            weight *= move[index[chosen[-1]]]
            for name in chosen:
                weight[index[name]] *= REPEATED
        if weight.sum() <= 0:
            weight = message[k]
        if weight.sum() <= 0:
            chosen.append("i")
            continue
        chosen.append(names[int(rng.choice(len(names), p=weight / weight.sum()))])
    return chosen + ending


def ground_slots(phrase: PhrasePlan, ground: tuple[tuple[str, float], ...], rng: np.random.Generator) -> list[Slot]:
    """A ground bass laid under the phrase; its last bars give way to the cadence, and later rounds are varied."""
    swap = {"V": "Vb9", "iv6": "iv7", "VI": "VImaj7", "i": "i9", "iv": "iiø65", "v6": "III", "VII": "VII6"}
    slots: list[Slot] = []
    bar, end = float(phrase.bar), float(phrase.bar + phrase.bars)
    while bar < end - 1e-9:
        for name, bars in ground:
            if bar >= end - 1e-9:
                break
            varied = swap.get(name, name) if phrase.visit > 0 and rng.random() < 0.3 else name
            length = min(float(bars), end - bar)
            slots.append(Slot(varied, bar, length, phrase.local_key))
            bar += length
    if phrase.cadence in ("authentic", "imperfect", "deceptive", "plagal"):
        close = CADENCES[phrase.cadence][0][0][-1]
        slots[-1] = Slot(close, slots[-1].bar, slots[-1].bars, phrase.local_key)
        if len(slots) > 1 and phrase.cadence != "plagal":
            slots[-2] = Slot("V7", slots[-2].bar, slots[-2].bars, phrase.local_key)
    return merged(slots)


def merged(slots: list[Slot]) -> list[Slot]:
    made: list[Slot] = []
    for slot in slots:
        if made and made[-1].numeral == slot.numeral:
            made[-1] = Slot(slot.numeral, made[-1].bar, made[-1].bars + slot.bars, slot.local_key)
        else:
            made.append(slot)
    return made


def intro_slots(phrase: PhrasePlan, rng: np.random.Generator) -> list[Slot]:
    """An opening on the tonic: a pedal, a line that sinks inside it, or a rocking pair of chords."""
    plans = (("i",), ("i", "VImaj7"), ("i", "iv64"), ("i", "i7"), ("i9", "VImaj7"), ("i5", "i"), ("i", "iiø42"))
    names = plans[int(rng.integers(len(plans)))]
    if phrase.bars == 1:
        names = names[:1]
    elif phrase.bars >= 4 and rng.random() < 0.4:
        names = ("i", "i(maj7)", "i7", "i(6)")
    each = phrase.bars / len(names)
    return [Slot(name, phrase.bar + k * each, each, 0) for k, name in enumerate(names)]


def coda_slots(phrase: PhrasePlan, writing: Writing, rng: np.random.Generator) -> list[Slot]:
    """A plagal close over the tonic, and the last chord, held for a bar or more."""
    inner = (("iv64",), ("iiø42",), ("VI6", "iv64"), ("iv7",), ("iv64", "iiø42"))[int(rng.integers(5))]
    last = 1.0 if phrase.bars < 3 else 2.0
    names = ("i", *inner)
    each = (phrase.bars - last) / len(names)
    slots = [Slot(name, phrase.bar + k * each, each, 0) for k, name in enumerate(names)]
    return [*slots, Slot("i", phrase.bar + phrase.bars - last, last, 0)]
