"""Accompaniments: how voiced chords are broken up, held or repeated, bar by bar.

A texture turns the chord that sounds (bass and three voices) into notes of the bar. Its unit follows the wanted rate
of onsets; single notes fall away where the rate is lower, and the last bar of a phrase is left to ring.
"""

from dataclasses import dataclass

import numpy as np

from melancholia.composition.form import Form
from melancholia.composition.harmony import Slot
from melancholia.piece import Note

TEXTURES = ("held", "broken", "nocturne", "ostinato", "syncopated", "repeated", "chorale", "tremolo")
# order of voices for each texture, cycled through the bar's units: 0 bass, 1 2 3 the upper voices, rising
CYCLES: dict[str, tuple[tuple[int, ...], ...]] = {
    "broken": ((0, 1, 2, 3, 2, 1, 2, 3), (0, 2, 1, 3, 1, 2, 3, 2), (0, 1, 2, 3, 3, 2, 1, 2), (0, 1, 3, 2, 1, 3, 2, 1)),
    "nocturne": ((0, 2, 3, 1, 3, 2, 3, 1), (0, 1, 3, 2, 3, 1, 2, 3), (0, 3, 2, 3, 1, 3, 2, 3)),
    "ostinato": ((0, 3, 2, 3, 1, 3, 2, 3), (0, 3, 1, 3, 2, 3, 1, 3)),
}
FIRST_ONLY = ("held", "chorale")


@dataclass(frozen=True, slots=True)
class Voiced:
    """A chord of the plan with its pitches: the accompaniment's bass and three rising voices."""

    slot: Slot
    bass: int
    voices: tuple[int, int, int]


def accompany(
    voiced: list[Voiced],
    form: Form,
    texture: str,
    *,
    bars: range,
    onset_rate: float,
    velocity: float,
    sustained: bool,
    with_bass: bool,
    rng: np.random.Generator,
) -> list[Note]:
    """Notes of one stretch of bars in one texture."""
    bar_quarters = form.bar_quarters
    per_bar = onset_rate * bar_quarters * 60 / form.bpm
    triple = form.metre in ((6, 8), (12, 8))
    unit = 0.5 if triple or per_bar > 1.25 * bar_quarters else 1.0
    keep = float(np.clip(per_bar / (bar_quarters / unit), 0.45, 1.0))
    cycles = CYCLES.get(texture, CYCLES["broken"])
    cycle = cycles[int(rng.integers(len(cycles)))]
    notes: list[Note] = []
    for bar in bars:
        start, end = bar * bar_quarters, min((bar + 1) * bar_quarters, form.quarters)
        phrase = form.phrase_at(bar)
        resting = bar == phrase.bar + phrase.bars - 1 and phrase.kind != "intro"
        if bar == form.bars - 1:
            resting = True
        level = velocity + 18 * (form.tension(bar) - 0.45)
        inside = [v for v in voiced if v.slot.bar * bar_quarters < end - 1e-6 and v.slot.end * bar_quarters > start]
        kind = "held" if resting or sustained and texture in CYCLES else texture
        if rng.random() < 0.2 and bar % 4 == 3 and texture in CYCLES:
            cycle = cycles[int(rng.integers(len(cycles)))]
        for v in inside:
            a, b = max(start, v.slot.bar * bar_quarters), min(end, v.slot.end * bar_quarters)
            new = v.slot.bar * bar_quarters >= start - 1e-6
            notes += pattern(v, kind, cycle, a, b, unit, keep, level, new, with_bass, rng)
    return [n for n in notes if n.start < form.quarters - 1e-6]


def pattern(
    v: Voiced,
    kind: str,
    cycle: tuple[int, ...],
    start: float,
    end: float,
    unit: float,
    keep: float,
    level: float,
    new: bool,
    with_bass: bool,
    rng: np.random.Generator,
) -> list[Note]:
    tones = (v.bass, *v.voices)
    length = end - start

    def struck(at: float, long: float, voice: int, less: float = 0) -> Note:
        wave = 3 * np.sin(np.pi * (at - start) / max(length, unit))
        loud = level - less + wave + float(rng.normal(0, 1.2)) + (2 if voice == 0 else 0)
        return Note(at, min(long, end - at), tones[voice], int(np.clip(loud, 12, 112)))

    first = 0 if with_bass else 1
    if kind in FIRST_ONLY:
        if not new:
            return []
        held = [struck(start, length, voice, 4) for voice in range(first, 4)]
        if kind == "chorale" and length >= 4 * unit and unit < 1:
            half = start + length / 2
            held += [struck(half, length / 2, voice, 7) for voice in (2, 3)]
        return held
    if kind == "repeated":
        made = [struck(start, length, 0)] if with_bass else []
        times = np.arange(start, end - 1e-6, max(unit, 1.0))
        return made + [struck(float(t), max(unit, 1.0), voice, 8) for t in times for voice in (1, 2, 3)]
    if kind == "tremolo":
        made = [struck(start, length, 0)] if with_bass else []
        times = np.arange(start, end - 1e-6, 1.0)
        return made + [struck(float(t), 1.0, voice, 6) for t in times for voice in (1, 2, 3)]
    if kind == "syncopated":
        made = [struck(start, length, 0)] if with_bass else []
        times = np.arange(start + unit, end - 1e-6, 2 * unit)
        return made + [struck(float(t), 2 * unit, voice, 6) for t in times for voice in (1, 2, 3)]
    made = []
    for k, at in enumerate(np.arange(start, end - 1e-6, unit)):
        voice = cycle[k % len(cycle)]
        if voice == 0 and not with_bass:
            voice = 1
        if k and rng.random() > keep:
            continue
        rings = end - float(at) if kind == "nocturne" and voice == 0 else 2 * unit
        made.append(struck(float(at), max(rings, unit), voice, 0 if k == 0 else 4))
    return made
