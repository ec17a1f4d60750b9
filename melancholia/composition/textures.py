"""Accompaniments: how voiced chords are broken up, held or repeated, bar by bar.

A texture turns the chord that sounds (bass and three voices) into notes. Its rhythm is a set of places in the bar,
chosen once a phrase so that together with what the other parts play it comes to the wanted number of onsets; the
close of a phrase is left to ring.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.harmony import Slot
from melancholia.piece import Note

STEP = 0.5  # quarters; accompaniments move in eighths
# order of voices, cycled through the onsets after the first: 0 bass, 1 2 3 the upper voices, rising
CYCLES: dict[str, tuple[tuple[int, ...], ...]] = {
    "broken": ((1, 2, 3, 2), (2, 1, 3, 1), (1, 2, 3, 3, 2), (1, 3, 2), (2, 3, 1, 3, 2), (1, 2, 3)),
    "nocturne": ((2, 3, 1, 3), (1, 3, 2, 3, 2), (3, 2, 3, 1, 3), (2, 3)),
    "ostinato": ((3, 2, 3, 1), (3, 1, 3, 2), (2, 3, 3), (3, 2, 1)),
    "falling": ((3, 2, 1), (3, 2, 1, 2), (3, 3, 2, 1)),
}
CHORDS = ("repeated", "tremolo", "syncopated", "offbeat")  # the three voices together
ONCE = ("held", "chorale", "fifths")  # struck when the chord changes
TEXTURES = (*CYCLES, *CHORDS, *ONCE)
UNEVEN = 0.55  # cost of a quarter's deviation in the gaps of a rhythm
RING = 0.55  # of the phrases let their last bar ring


@dataclass(frozen=True, slots=True)
class Voiced:
    """A chord of the plan with its pitches: the accompaniment's bass and three rising voices."""

    slot: Slot
    bass: int
    voices: tuple[int, int, int]


@cache
def rhythms_of(steps: int) -> tuple[tuple[int, ...], ...]:
    """All accompaniment rhythms of a bar of `steps` eighths that begin on its first; long bars are two equal halves."""
    if steps > 10:
        return tuple((*half, *(k + steps // 2 for k in half)) for half in rhythms_of(steps // 2))
    return tuple((0, *rest) for n in range(steps) for rest in combinations(range(1, steps), n))


def choose_rhythm(
    form: Form, texture: str, others: list[set[float]], target: float, rng: np.random.Generator
) -> tuple[float, ...]:
    """Places in the bar (quarters) such that, with the onsets of `others` in each bar, about `target` come together."""
    steps = round(form.bar_quarters / STEP)
    beat = 3 if form.metre[1] == 8 else 2
    bank = rhythms_of(steps)
    if texture in ("syncopated", "offbeat"):
        bank = tuple(r for r in bank if all(k % beat for k in r[1:]) and len(r) > 1)
    cost: list[float] = []
    for rhythm in bank:
        places = {k * STEP for k in rhythm}
        found = float(np.mean([len(places | there) for there in others])) if others else float(len(places))
        gaps = np.diff([*rhythm, steps]) * STEP
        off = sum(k % beat != 0 for k in rhythm) / len(rhythm)
        cost.append(1.4 * abs(found - target) + UNEVEN * float(gaps.std()) + (0.8 * max(0, off - 0.67)))
    noisy = np.array(cost) + rng.gumbel(0, 0.25, len(bank))
    return tuple(k * STEP for k in bank[int(noisy.argmin())])


def accompany(
    voiced: list[Voiced],
    form: Form,
    phrase: PhrasePlan,
    texture: str,
    rhythm: tuple[float, ...],
    *,
    bars: range,
    velocity: float,
    with_bass: bool,
    rng: np.random.Generator,
) -> list[Note]:
    """Notes of the bars of one phrase in one texture."""
    length = form.bar_quarters
    cycles = CYCLES.get(texture, CYCLES["broken"])
    cycle = cycles[int(rng.integers(len(cycles)))]
    rings = rng.random() < RING and phrase.kind in ("body", "climax")
    notes: list[Note] = []
    for bar in bars:
        final = bar >= form.bars - 1
        start, end = bar * length, form.quarters if final else (bar + 1) * length
        level = velocity + 24 * (form.tension(bar) - 0.45)
        ringing = final or rings and bar == phrase.end - 1
        here = tuple(p for p in rhythm if not ringing or p == 0)
        if not ringing and texture not in ONCE and bar > phrase.bar + 1 and len(here) > 3 and rng.random() < 0.12:
            here = tuple(p for k, p in enumerate(here) if k != len(here) - 1)
        for v in voiced:
            a, b = max(start, v.slot.bar * length), min(end, v.slot.end * length if v.slot.end < form.bars else end)
            if b - a < 1e-6:
                continue
            if texture in ONCE:
                b = form.end_of(min(v.slot.end, phrase.end))  # struck once, and held over the bar line
            new = v.slot.bar * length >= start - 1e-6
            if texture in ONCE or ringing:
                notes += struck_once(v, texture, a, b, level, new or ringing and texture not in ONCE, with_bass, rng)
            else:
                places = sorted({a, *(start + p for p in here if a < start + p < b - 1e-6)})
                notes += figure(v, texture, cycle, places, b, level, with_bass, rng)
    return notes


def loudness(level: float, rng: np.random.Generator) -> int:
    return int(np.clip(level + rng.normal(0, 1.5), 10, 115))


def struck_once(
    v: Voiced,
    texture: str,
    start: float,
    end: float,
    level: float,
    new: bool,
    with_bass: bool,
    rng: np.random.Generator,
) -> list[Note]:
    """The chord where it begins, held to its end; a chorale moves two voices in the middle of a long chord."""
    if not new:
        return []
    if texture == "fifths":
        tones = [p for p in (v.bass, *v.voices) if (p - v.bass) % 12 in (0, 7)]
        tones = tones[0 if with_bass else 1 :] or [v.voices[0]]
    else:
        tones = [*([v.bass] if with_bass else []), *v.voices]
    notes = [Note(start, end - start, p, loudness(level - 3, rng)) for p in tones]
    half = start + (end - start) / 2
    if texture == "chorale" and end - start >= 3 and abs(half * 2 - round(half * 2)) < 1e-6:
        inner = v.voices[1]
        notes = [n for n in notes if n.pitch != inner]
        notes += [Note(t, (end - start) / 2, inner, loudness(level - less, rng)) for t, less in ((start, 3), (half, 7))]
    return notes


def figure(
    v: Voiced,
    texture: str,
    cycle: tuple[int, ...],
    places: list[float],
    end: float,
    level: float,
    with_bass: bool,
    rng: np.random.Generator,
) -> list[Note]:
    """One chord's stretch of a moving texture; `places` begin with the chord."""
    tones = (v.bass, *v.voices)
    start = places[0]
    wave = [4 * np.sin(np.pi * (at - start) / max(end - start, STEP)) for at in places]
    ends = [*places[1:], end]
    notes: list[Note] = []
    if texture in CHORDS:
        if with_bass:
            notes.append(Note(start, end - start, v.bass, loudness(level + 2, rng)))
        skip = 1 if texture in ("syncopated", "offbeat") and len(places) > 1 and with_bass else 0
        for k in range(skip, len(places)):
            long = ends[k] - places[k] if texture != "offbeat" else min(STEP, ends[k] - places[k])
            notes += [Note(places[k], long, p, loudness(level - 6 + wave[k], rng)) for p in v.voices]
        return notes
    first = 0 if with_bass else 1
    ring = end if texture in ("nocturne", "broken") else ends[0]
    notes.append(Note(start, ring - start, tones[first], loudness(level + 2, rng)))
    for k in range(1, len(places)):
        voice = cycle[(k - 1) % len(cycle)]
        until = min(end, places[k] + 2 * (ends[k] - places[k]))
        notes.append(Note(places[k], until - places[k], tones[voice], loudness(level - 4 + wave[k], rng)))
    return notes
