"""Accompaniments: how voiced chords are broken up, held or repeated, bar by bar.

A texture turns the chord that sounds (bass and three voices) into notes. Its rhythm is a set of places in the bar,
chosen once a phrase so that together with what the other parts play it comes to the wanted number of onsets; the
close of a phrase is left to ring.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.chords import scale_for
from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.harmony import Slot
from melancholia.composition.voicing import lead
from melancholia.piece import Note

STEP = 0.5  # quarters; accompaniments move in eighths
# order of voices, cycled through the onsets after the first: 0 bass, 1 2 3 the upper voices, rising
CYCLES: dict[str, tuple[tuple[int, ...], ...]] = {
    "broken": ((1, 2, 3, 2), (2, 1, 3, 1), (1, 2, 3, 3, 2), (1, 3, 2), (2, 3, 1, 3, 2), (1, 2, 3)),
    "nocturne": ((2, 3, 1, 3), (1, 3, 2, 3, 2), (3, 2, 3, 1, 3), (2, 3)),
    "falling": ((3, 2, 1), (3, 2, 1, 2), (3, 3, 2, 1)),
    "hocket": ((3, 1), (3, 2), (2, 3, 1, 3)),
}
CHORDS = ("repeated", "tremolo", "syncopated", "offbeat", "waltz")  # the three voices together
ONCE = ("held", "fifths", "pedal", "bell")  # struck when the chord changes
ALONE = ("solo",)  # the melody is left alone
TEXTURES = (*CYCLES, *CHORDS, *ONCE, *ALONE, "chorale", "ostinato")
# Degrees above the local tonic that never change while chords move: sixth to fifth, a turn on the third, a bare step.
OSTINATI = ((7, 8, 7), (0, 2, 3), (7, 8, 7, 3), (3, 2), (0, 7, 8, 7), (7, 5, 3))
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


@cache
def measured_rhythms(
    steps: int, beat: int, off: bool
) -> tuple[tuple[tuple[int, ...], ...], NDArray[np.bool_], NDArray[np.float64]]:
    """Rhythms, the eighths that each strikes (rhythms, steps), and what its unevenness costs; `off` the beat or not."""
    heads = (0, steps // 2) if steps > 10 else (0,)  # where the bass may stand: a long bar is two halves
    bank = tuple(
        r for r in rhythms_of(steps) if not off or len(r) > len(heads) and all(k % beat or k in heads for k in r)
    )
    struck = np.zeros((len(bank), steps), bool)
    cost = np.zeros(len(bank))
    for k, rhythm in enumerate(bank):
        struck[k, list(rhythm)] = True
        beside = sum(place % beat != 0 for place in rhythm) / len(rhythm)
        cost[k] = UNEVEN * float(np.std(np.diff([*rhythm, steps]))) * STEP + 0.8 * max(0, beside - 0.67)
    return bank, struck, cost


def choose_rhythm(
    form: Form, texture: str, others: list[set[float]], target: float, rng: np.random.Generator
) -> tuple[float, ...]:
    """Places in the bar (quarters) such that, with the onsets of `others` in each bar, about `target` come together."""
    steps = round(form.bar_quarters / STEP)
    beat = 3 if form.metre[1] == 8 else 2
    if texture == "waltz":
        return tuple(k * STEP for k in range(0, steps, 1 if form.metre[1] == 8 else beat))
    bank, struck, uneven = measured_rhythms(steps, beat, texture in ("syncopated", "offbeat"))
    there = np.zeros(steps)
    for bar in others:
        there[[k for k in range(steps) if k * STEP in bar]] += 1 / len(others)
    heard = float(np.mean([len(bar) for bar in others])) if others else 0.0
    together = struck.sum(axis=1) + heard - struck @ there
    cost = 1.4 * np.abs(together - target) + uneven + rng.gumbel(0, 0.25, len(bank))
    return tuple(k * STEP for k in bank[int(cost.argmin())])


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
    tonic: int,
    sung: list[Note],
    rng: np.random.Generator,
) -> list[Note]:
    """Notes of the bars of one phrase in one texture; `sung` is the melody, for a chorale to move with."""
    length = form.bar_quarters
    if texture in ALONE:
        return []
    if texture == "chorale":
        return chorale(voiced, form, bars, velocity, with_bass, tonic, sung, rng)
    cycles = CYCLES.get(texture, CYCLES["broken"])
    cycle = cycles[int(rng.integers(len(cycles)))]
    tune = OSTINATI[int(rng.integers(len(OSTINATI)))]
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
                continue
            places = sorted({a, *(start + p for p in here if a < start + p < b - 1e-6)})
            if texture == "ostinato":
                notes += fixed_figure(v, tune, places, start, b, level, with_bass, tonic, rng)
            else:
                notes += figure(v, texture, cycle, places, b, level, with_bass, rng)
    if texture in ("bell", "pedal"):
        level = velocity + 24 * (form.tension(phrase.bar) - 0.45)
        notes += one_tone(voiced, form, phrase, texture, level, tonic, rng)
    return notes


def one_tone(
    voiced: list[Voiced],
    form: Form,
    phrase: PhrasePlan,
    texture: str,
    level: float,
    tonic: int,
    rng: np.random.Generator,
) -> list[Note]:
    """A bell: the fifth or the tonic, high, at even distances; a pedal: one of them, low, under all chords."""
    bell = texture == "bell"
    fifth = rng.random() < (0.7 if bell else 0.35 if phrase.kind == "body" else 0.0)
    here = [v for v in voiced if v.slot.bar < phrase.end - 1e-6 and v.slot.end > phrase.bar + 1e-6]
    wanted = (tonic + phrase.local_key + 7 * fifth) % 12
    if phrase.end >= form.bars and wanted not in here[-1].slot.pitch_classes(tonic):  # it rings into the last chord
        wanted = (tonic + phrase.local_key) % 12
    if bell:
        pitch = min((p for p in range(60, 100) if p % 12 == wanted), key=lambda p: abs(p - here[0].voices[2] - 9))
    else:  # under every voice
        pitch = max(p for p in range(12, min(v.voices[0] for v in here) - 2) if p % 12 == wanted)
    beat = 1.5 if form.metre[1] == 8 else 1.0
    every = float(rng.choice([2 * beat, form.bar_quarters])) if bell else 2 * form.bar_quarters
    offset = beat if bell and rng.random() < 0.4 else 0.0
    end = form.end_of(phrase.end)
    at, notes = phrase.bar * form.bar_quarters + offset, []
    while at < end - 0.25:
        notes.append(Note(at, min(every, end - at), pitch, loudness(level - (3 if bell else 0), rng)))
        at += every
    return notes


def fixed_figure(
    v: Voiced,
    tune: tuple[int, ...],
    places: list[float],
    bar: float,
    end: float,
    level: float,
    with_bass: bool,
    tonic: int,
    rng: np.random.Generator,
) -> list[Note]:
    """A few tones that go round while chords move under them; one that the chord's scale lacks bends to it."""
    scale = [(t + v.slot.local_key + tonic) % 12 for t in scale_for(v.slot.harmony, v.slot.mode)]
    notes = [Note(places[0], end - places[0], v.bass, loudness(level + 2, rng))] if with_bass else []
    low = v.voices[0]
    for k, place in enumerate(places):
        number = round((place - bar) / STEP)
        wanted = low + (tonic + v.slot.local_key + tune[number % len(tune)] - low) % 12
        pitch = min((wanted + d for d in (0, -1, 1) if (wanted + d) % 12 in scale), default=v.voices[1])
        until = places[k + 1] if k + 1 < len(places) else end
        notes.append(Note(place, until - place, pitch, loudness(level - 3, rng)))
    if len(places) < 4:  # the chord is heard at least once
        notes += [Note(places[0], end - places[0], p, loudness(level - 7, rng)) for p in v.voices[:2]]
    return notes


def chorale(
    voiced: list[Voiced],
    form: Form,
    bars: range,
    velocity: float,
    with_bass: bool,
    tonic: int,
    sung: list[Note],
    rng: np.random.Generator,
) -> list[Note]:
    """Four parts with the melody on top: the others move with it on the beats, led under it without parallels."""
    length = form.bar_quarters
    beat = 1.5 if form.metre[1] == 8 else 1.0
    start, end = bars.start * length, form.end_of(bars.stop)
    changes = {max(start, v.slot.bar * length): v for v in voiced if v.slot.end * length > start + 1e-6}
    changes = {at: v for at, v in changes.items() if at < end - 1e-6}
    beats = {n.start for n in sung if abs(n.start / beat - round(n.start / beat)) < 1e-6}
    times = sorted({*changes, *(t for t in beats if start <= t < end - 1e-6)})
    if not times:
        return []
    chords: list[tuple[tuple[int, ...], int, int | None]] = []
    at, ceilings = None, []
    for time in times:
        at = changes.get(time, at)
        assert at is not None
        above = [n.pitch for n in sung if n.start <= time + 1e-6 < n.end]
        leading = (tonic + at.slot.local_key + 11) % 12
        chords.append((at.slot.pitch_classes(tonic), at.bass, leading))
        ceilings.append(min(above) if above else 127)
    low = max(43, min([*(v.voices[0] - 3 for v in changes.values()), *(c - 13 for c in ceilings)]))
    high = max(v.voices[2] for v in changes.values()) + 2
    voices = lead(chords, low=low, high=high, centre=(low + high) / 2 - 1, ceilings=ceilings)
    notes: list[Note] = []
    for k, time in enumerate(times):
        until = times[k + 1] if k + 1 < len(times) else end
        level = velocity + 24 * (form.tension(time / length) - 0.45)
        under = [p for p in voices[k] if p < ceilings[k]] or [voices[k][0]]  # under a low melody fewer voices have room
        tones = [*([chords[k][1]] if with_bass else []), *under]
        notes += [Note(time, until - time, p, loudness(level - 4, rng)) for p in tones]
    return notes


def loudness(level: float, rng: np.random.Generator) -> int:
    return int(min(115.0, max(10.0, level + rng.normal(0, 1.5))))


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
    """The chord where it begins, held to its end."""
    if not new:
        return []
    if texture == "fifths":
        tones = [p for p in (v.bass, *v.voices) if (p - v.bass) % 12 in (0, 7)]
        tones = tones[0 if with_bass else 1 :] or [v.voices[0]]
    else:
        tones = [*([v.bass] if with_bass and texture != "pedal" else []), *v.voices]
    return [Note(start, end - start, p, loudness(level - 3, rng)) for p in tones]


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
        skip = 1 if texture in ("syncopated", "offbeat", "waltz") and len(places) > 1 and with_bass else 0
        for k in range(skip, len(places)):
            long = ends[k] - places[k] if texture not in ("offbeat", "waltz") else min(STEP, ends[k] - places[k])
            notes += [Note(places[k], long, p, loudness(level - 6 + wave[k], rng)) for p in v.voices]
        return notes
    first = 0 if with_bass else 1
    ring = end if texture in ("nocturne", "broken") else ends[0]
    notes.append(Note(start, ring - start, tones[first], loudness(level + 2, rng)))
    lasting = 1.1 if texture == "hocket" else 2.0  # two hands that hand over to one another, or tones that ring
    for k in range(1, len(places)):
        voice = cycle[(k - 1) % len(cycle)]
        until = min(end, places[k] + lasting * (ends[k] - places[k]))
        notes.append(Note(places[k], until - places[k], tones[voice], loudness(level - 4 + wave[k], rng)))
    return notes
