"""The rhythm of phrases: two bars of motif, said again, varied, broken into its head, and a close that breathes.

A letter of the form keeps its theme: when it returns it brings its rhythm and its pitches with it, but one bar of it
is varied and its close is new.
"""

from dataclasses import dataclass, replace

import numpy as np

from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.rhythms import Cell, draw_cell, fragment, onsets, varied

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
    pitches: dict[tuple[int, int], int]
    breathes: bool = False  # after its second bar
    rest: float = 1.0  # quarters of silence at its end


def first_theme(phrase: PhrasePlan, form: Form, rng: np.random.Generator, target: float, home: Theme | None) -> Theme:
    """Rhythm for the bars before the close; a departure borrows from the home theme."""
    first = draw_cell(rng, form.metre, target + 0.4)
    second = draw_cell(rng, form.metre, target - 0.4, avoid=(first,))
    if home is not None and rng.random() < 0.75:
        second = home.cells[int(rng.integers(min(2, len(home.cells))))]
    named = {"A": first, "B": second}
    scheme = scheme_for(phrase.bars - 1, rng)
    cells = tuple(named.get(name) or draw_cell(rng, form.metre, target, avoid=(first,)) for name in scheme)
    rests = (1.0,) if form.bar_quarters <= 3 else (1.0, 1.5, 2.0)
    rest = home.rest if home is not None else rests[int(rng.integers(len(rests)))]
    return Theme(cells or (first,), {}, bool(rng.random() < 0.65), rest)


def scheme_for(bars: int, rng: np.random.Generator) -> str:
    if bars in SCHEMES:
        return SCHEMES[bars][int(rng.integers(len(SCHEMES[bars])))]
    return "".join("AB"[k % 2] if k % 4 < 3 else "x" for k in range(max(0, bars)))


def phrase_sketch(
    phrase: PhrasePlan, theme: Theme, form: Form, rng: np.random.Generator, target: float
) -> list[Sketch]:
    """The tones of a phrase, still without pitches."""
    returning = bool(theme.pitches)
    cells, operations, sources = [], [], []
    first_seen: dict[Cell, int] = {}
    changed = int(rng.integers(max(1, phrase.bars - 1))) if returning and rng.random() < 0.6 else -1
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
            weights = np.array(list(OPERATIONS.values()))
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
    sketch = breathe(sketch, phrase) if theme.breathes else sketch
    sketch += close(phrase, form, rng, target, theme.rest)
    return with_event(sketch, phrase, form)


def bar_tones(cell: Cell, start: float, bar: int, operation: str, source: int) -> list[Sketch]:
    tones: list[Sketch] = []
    at = start
    for length in cell:
        if length > 0:
            place = len(tones)
            tones.append(Sketch(at, length, bar, place, (source, place) if operation != "new" else None, operation))
        at += abs(length)
    return tones


def breathe(sketch: list[Sketch], phrase: PhrasePlan) -> list[Sketch]:
    """A short breath after the second bar of a long phrase: songs in minor pause every 2.25 bars."""
    if phrase.bars < 4:
        return sketch
    inside = [k for k, tone in enumerate(sketch) if tone.bar == 1]
    if inside and sketch[inside[-1]].duration >= 1:
        last = sketch[inside[-1]]
        sketch[inside[-1]] = replace(last, duration=last.duration - (0.5 if last.duration < 2 else 1.0))
    return sketch


def close(phrase: PhrasePlan, form: Form, rng: np.random.Generator, target: float, rest: float) -> list[Sketch]:
    """The last bar: perhaps a run into it, one long tone (or a sigh), and at least a beat of silence."""
    bar, length = phrase.bars - 1, form.bar_quarters
    start = (phrase.bar + bar) * length
    room = length - rest
    if phrase.event == "sigh" and room >= 1:
        first = 1.5 if room >= 2.5 and rng.random() < 0.5 else 1.0 if room >= 2 else room / 2
        return [Sketch(start, first, bar, 0), Sketch(start + first, room - first, bar, 1)]
    runs: list[tuple[float, ...]] = [(), ()]
    if room >= 2:
        runs += [(1.0,), (0.5, 0.5), (0.5,)] if target > 2 else [(1.0,)]
    run = runs[int(rng.integers(len(runs)))]
    tones, at = [], start
    for k, value in enumerate(run):
        tones.append(Sketch(at, value, bar, k))
        at += value
    return [*tones, Sketch(at, start + room - at, bar, len(run))]


def with_event(sketch: list[Sketch], phrase: PhrasePlan, form: Form) -> list[Sketch]:
    first = sketch[0]
    if phrase.event == "late" and first.start < phrase.bar * form.bar_quarters + 0.26 and len(sketch) > 3:
        if first.duration > 1:
            return [replace(first, start=first.start + 1, duration=first.duration - 1), *sketch[1:]]
        if sketch[1].start - first.start <= 1:
            return sketch[1:]
    if phrase.event == "upbeat" and phrase.bar > 0:
        lead = 0.5 if form.metre[1] == 8 else 1.0
        return [Sketch(first.start - lead, lead, 0, -1), *sketch] if first.start >= lead else sketch
    return sketch


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
