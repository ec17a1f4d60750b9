"""The rhythm of phrases: a motif of two bars, said again, varied, broken into its head, and a close that breathes.

Bars are as people sing them (`rhythms`), unevenly full: a phrase has its runs and its long tones. A letter of the form
keeps its theme: when it returns it brings rhythm and pitches with it, mostly literally; one bar may be varied.
"""

from dataclasses import dataclass, replace

import numpy as np

from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.rhythms import Cell, draw_cell, draw_pickup, fragment, onsets, varied
from melancholia.composition.statement import Given

# How a first phrase lays out its bars before the close: capital letters are the motif's two bars, said again where
# they recur; x is new. By number of bars before the close.
SCHEMES: dict[int, tuple[str, ...]] = {
    1: ("A", "A"),
    2: ("AB", "AA", "AB"),
    3: ("ABA", "AAB", "ABB", "ABx", "ABA"),
    4: ("ABAB", "ABAx", "AABx", "ABBx", "AABB"),
    5: ("ABABx", "ABAxx", "AABAx", "ABxAB"),
    6: ("ABABxx", "ABAxAB", "AABAxB", "ABxABx"),
}
# What happens to a bar that is said again, with Schoenberg's weights from exact to remote.
OPERATIONS = {"same": 5.0, "sequence": 4.0, "turned": 1.0, "head": 1.0, "ornamented": 1.0}
BREATH = 0.5  # quarters of silence that stay, at least, before the next phrase begins
AUGMENTED = 0.35  # of a given theme's moved returns are in twice its lengths, where there is room
ANSWERS = {"sequence": 5.0, "head": 2.0, "turned": 2.0}  # what a given theme's bars do when the phrase goes on
LITERAL = ("same", "ornamented", "head", "recalled")  # what keeps the pitches


@dataclass(frozen=True, slots=True)
class Manner:
    """How one piece's melody is made: songs differ in this from one another more than their moods do.

    `literal` 0..1 is how exactly things return, `uneven` the spread (of the logarithm) of how full bars are, `breath`
    the share of second bars with a rest inside, `fullness` a factor on the rate of tones, `repeats` and `leaps` what
    is added to the log weight of repeated tones and of leaps.
    """

    literal: float = 0.5
    uneven: float = 0.45
    breath: float = 0.4
    fullness: float = 1.0
    repeats: float = 0.0
    leaps: float = 0.0


def draw_manner(rng: np.random.Generator) -> Manner:
    return Manner(
        literal=float(rng.beta(1.1, 1.1)),
        uneven=float(rng.uniform(0.25, 0.65)),
        breath=float(rng.beta(1.2, 2.0)),
        fullness=float(np.exp(rng.normal(0.03, 0.15))),
        repeats=float(rng.normal(0.0, 0.35)),
        leaps=float(rng.normal(0.0, 0.25)),
    )


@dataclass(frozen=True, slots=True)
class Sketch:
    """A tone whose pitch is not yet known: where, how long, and which tone it recalls (bar, place in the bar)."""

    start: float
    duration: float
    bar: int
    place: int
    source: tuple[int, int] | None = None
    operation: str = "new"


@dataclass(frozen=True, slots=True)
class Theme:
    """What a letter keeps: the rhythm of its bars and, once sung, the pitches of its tones by (bar, place)."""

    cells: tuple[Cell, ...]
    close: Cell
    pickup: Cell
    pitches: dict[tuple[int, int], int]
    given: Given | None = None  # what it was given as; the home letter states it


def first_theme(
    phrase: PhrasePlan, form: Form, rng: np.random.Generator, target: float, manner: Manner, home: Theme | None
) -> Theme:
    """Rhythm for a letter's bars; a departure borrows from the home theme, the more literal the piece, the more."""
    bars = phrase.bars
    full = np.exp(rng.normal(0, manner.uneven, max(3, bars)))
    full = target * full / full.mean()
    first = draw_cell(rng, form.metre, float(full[0]) + 0.3, breath=False)
    second = draw_cell(rng, form.metre, float(full[1]) - 0.3, breath=bool(rng.random() < manner.breath), avoid=(first,))
    if home is not None and rng.random() < 0.3 + 0.6 * manner.literal:
        second = home.cells[int(rng.integers(min(2, len(home.cells))))]
    if home is not None and rng.random() < 0.7 * manner.literal - 0.1:
        first = home.cells[0]
    if rng.random() < 0.5 * manner.literal - 0.1:
        second = first
    named = {"A": first, "B": second}
    scheme = scheme_for(bars - 1, rng, manner)
    cells = tuple(
        named.get(name) or draw_cell(rng, form.metre, float(full[min(k, len(full) - 1)]), breath=None, avoid=(first,))
        for k, name in enumerate(scheme)
    )
    close = draw_cell(rng, form.metre, 0.3 + 0.4 * float(full[-1]), closing=True)
    return Theme(cells or (first,), close, draw_pickup(rng, form.metre, target), {})


def scheme_for(bars: int, rng: np.random.Generator, manner: Manner) -> str:
    """Which bars are new and which are said again; in a piece that is not literal any of them may be new."""
    if bars in SCHEMES:
        scheme = SCHEMES[bars][int(rng.integers(len(SCHEMES[bars])))]
        return "".join("x" if k > 1 and rng.random() < 0.5 - manner.literal else c for k, c in enumerate(scheme))
    return "".join("AB"[k % 2] if k % 4 < 3 else "x" for k in range(max(0, bars)))


def phrase_sketch(
    phrase: PhrasePlan, theme: Theme, form: Form, rng: np.random.Generator, target: float, manner: Manner
) -> list[Sketch]:
    """The tones of a phrase, still without pitches."""
    if theme.given is not None:
        return given_sketch(phrase, theme, theme.given, form, rng, target)
    returning = bool(theme.pitches)
    cells, operations, sources = [], [], []
    first_seen: dict[Cell, int] = {}
    changed = int(rng.integers(max(1, phrase.bars - 1))) if returning and rng.random() > manner.literal else -1
    for bar in range(phrase.bars - 1):
        if bar >= len(theme.cells):
            cells.append(theme.cells[bar % len(theme.cells)])
            operations.append("new")
            sources.append(bar)
            continue
        cell, operation, source = theme.cells[bar], "new", bar
        if returning:
            operation = "ornamented" if bar == changed else "recalled"
        elif cell in first_seen:
            source = first_seen[cell]
            names = list(OPERATIONS)
            weights = np.array([w * (3 * manner.literal if name == "same" else 1) for name, w in OPERATIONS.items()])
            operation = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        first_seen.setdefault(cell, bar)
        if operation == "ornamented":
            cell = varied(cell, rng)
        elif operation == "head":
            cell = fragment(cell, form.bar_quarters)
        cells.append(cell)
        operations.append(operation)
        sources.append(source)
    sketch: list[Sketch] = []
    for bar, (cell, operation, source) in enumerate(zip(cells, operations, sources, strict=True)):
        sketch += bar_tones(cell, (phrase.bar + bar) * form.bar_quarters, bar, operation, source)
    sketch += close(phrase, theme, form, rng, target)
    return led_in(with_event(sketch, phrase, form), phrase, theme, form, rng)


def given_theme(theme: Given, form: Form, rng: np.random.Generator, target: float) -> Theme:
    """A letter whose tune is given."""
    close = draw_cell(rng, form.metre, 0.3 + 0.4 * target, closing=True)
    return Theme(theme.cells(), close, (), {}, theme)


def given_sketch(
    phrase: PhrasePlan, theme: Theme, tune: Given, form: Form, rng: np.random.Generator, target: float
) -> list[Sketch]:
    """The given tune, as its letter says it: stated, recalled, or moved by steps; then its bars again, and a close."""
    bar_quarters, start = form.bar_quarters, phrase.bar * form.bar_quarters
    stated = phrase.letter == "A" and phrase.visit == 0
    operation = "given" if stated else "recalled" if theme.pitches else "sequence"
    slower = 1.0
    if operation == "sequence" and 2 * tune.bars < phrase.bars and rng.random() < AUGMENTED:
        slower = 2.0
    sketch: list[Sketch] = []
    for (bar, place), (at, length, _) in zip(tune.places, tune.tones, strict=True):
        when = at if at < 0 else at * slower
        if start + when < 0 or not stated and when + BREATH > phrase.bars * bar_quarters - BREATH:
            continue
        held = length * (1.0 if at < 0 else slower)
        held = held if stated else min(held, phrase.bars * bar_quarters - BREATH - when)
        sketch.append(Sketch(start + when, held, bar, place, (bar, place), operation))
    free = int(np.ceil(tune.end * slower / bar_quarters - 1e-6))
    cells = tune.cells()
    names, weights = list(ANSWERS), np.array(list(ANSWERS.values()))
    for bar in range(free, phrase.bars - 1):
        source = (bar - free) % len(cells)
        way = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        cell = fragment(cells[source], bar_quarters) if way == "head" else cells[source]
        sketch += bar_tones(cell, start + bar * bar_quarters, bar, way, source)
    if free < phrase.bars:
        sketch += close(phrase, theme, form, rng, target)
    return sketch


def bar_tones(cell: Cell, start: float, bar: int, operation: str, source: int) -> list[Sketch]:
    tones: list[Sketch] = []
    at = start
    for length in cell:
        if length > 0:
            place = len(tones)
            tones.append(Sketch(at, length, bar, place, (source, place) if operation != "new" else None, operation))
        at += abs(length)
    return tones


def close(phrase: PhrasePlan, theme: Theme, form: Form, rng: np.random.Generator, target: float) -> list[Sketch]:
    """The last bar: as the theme closes, or otherwise; a sigh; and a moment of silence at its end."""
    bar, length = phrase.bars - 1, form.bar_quarters
    start = (phrase.bar + bar) * length
    if phrase.event == "sigh" and length >= 2:
        room = length - (1.0 if length <= 3 else float(rng.choice([1.0, 1.5, 2.0])))
        first = 1.5 if room >= 2.5 and rng.random() < 0.5 else 1.0 if room >= 2 else room / 2
        return [Sketch(start, first, bar, 0), Sketch(start + first, room - first, bar, 1)]
    again = not theme.pitches or rng.random() < 0.6
    cell = theme.close if again else draw_cell(rng, form.metre, 0.3 + 0.4 * target, closing=True)
    recalls = bool(theme.pitches) and again
    tones = bar_tones(cell, start, bar, "recalled" if recalls else "new", bar)
    return with_rest(tones, start + length - BREATH)


def with_rest(tones: list[Sketch], until: float) -> list[Sketch]:
    """The tones, the last shortened or left out so that all end by `until`."""
    kept = [t for k, t in enumerate(tones) if k == 0 or t.start + 0.5 <= until + 1e-6]
    last = kept[-1]
    return [*kept[:-1], replace(last, duration=max(0.25, min(last.duration, until - last.start)))]


def with_event(sketch: list[Sketch], phrase: PhrasePlan, form: Form) -> list[Sketch]:
    first = sketch[0]
    if phrase.event == "late" and first.start < phrase.bar * form.bar_quarters + 0.26 and len(sketch) > 3:
        if first.duration > 1:
            return [replace(first, start=first.start + 1, duration=first.duration - 1), *sketch[1:]]
        if sketch[1].start - first.start <= 1:
            return sketch[1:]
    return sketch


def led_in(
    sketch: list[Sketch], phrase: PhrasePlan, theme: Theme, form: Form, rng: np.random.Generator
) -> list[Sketch]:
    """The phrase with its pickup, where it has one and there is a bar before it."""
    start = phrase.bar * form.bar_quarters
    pickup = theme.pickup
    if phrase.event == "upbeat" and not pickup:
        pickup = (0.5,) if form.metre[1] == 8 or rng.random() < 0.5 else (1.0,)
    if phrase.event == "late" or phrase.bar == 0 or not pickup or sketch[0].start > start + 1e-6:
        return sketch
    at = start - sum(pickup)
    tones: list[Sketch] = []
    for place, length in enumerate(pickup, -len(pickup)):
        known = (0, place) in theme.pitches
        tones.append(Sketch(at, length, 0, place, (0, place) if known else None, "recalled" if known else "new"))
        at += length
    return [*tones, *sketch]


def held_peak(sketch: list[Sketch], peak: int) -> list[Sketch]:
    """The peak takes the time of the tone after it as well."""
    now, after = sketch[peak], sketch[peak + 1] if peak + 2 < len(sketch) else None
    if after is None or after.start - now.start - now.duration > 1e-6:
        return sketch
    return [*sketch[:peak], replace(now, duration=now.duration + after.duration), *sketch[peak + 2 :]]


def coda_sketch(phrase: PhrasePlan, form: Form, theme: Theme, rng: np.random.Generator) -> list[Sketch]:
    """The theme's head once more, perhaps in twice its lengths, broken off; then one long last tone."""
    start, end = phrase.bar * form.bar_quarters, phrase.end * form.bar_quarters
    last = end - (2 if phrase.bars > 2 else 1) * form.bar_quarters
    cell = theme.cells[0]
    slower = 2.0 if onsets(cell) <= 4 and phrase.bars > 3 and rng.random() < 0.5 else 1.0
    cell = tuple(length * slower for length in cell)
    tones = [t for t in bar_tones(cell, start, 0, "recalled", 0) if t.start + t.duration <= last + 1e-6]
    return [*tones, Sketch(last, form.quarters - last, phrase.bars - 1, 0)]
