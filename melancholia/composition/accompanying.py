"""Accompaniments of struck and plucked instruments: figures of pianists, over chords that are led from one to the next.

Each letter of the form takes a stretch of bars from the bank (`figurations`); where the letter returns, so does the
stretch. What a figure calls its first, second, third tone is found for every chord: near the pitches and the spacing
that the pianist had, near the chord before, and clear of the tune.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.beside import Scene
from melancholia.composition.coding import TICKS
from melancholia.composition.continuing import Rows
from melancholia.composition.figurations import Bank
from melancholia.composition.form import draw
from melancholia.composition.hands import Tones, Unit, voiced
from melancholia.composition.lines import scale_pitches
from melancholia.composition.stretches import drawn

SHIFT = 0.15  # of the distance of the tune from that of songs, by which the accompaniment lies elsewhere
SONGS_MEAN = 69.0  # the tune of songs, MIDI
# Semitones by which the hands part, for each by which the tune lies under a pitch: it has the middle for itself.
YIELDING, LOW_TUNE = 1.5, 62.0
# How a last chord is struck: at once, the right hand a beat or half of one behind the left, tone by tone from below;
# then all within half a bar.
LAST_CHORDS = {"at once": 0.4, "right hand later": 0.3, "broken": 0.3}
APART = (TICKS, TICKS // 2, TICKS // 4, TICKS // 8)


def accompany(
    bank: Bank,
    scene: Scene,
    active: set[int],
    rng: np.random.Generator,
    *,
    low: int,
    high: int,
    bass: Rows,
    over: float = 0.0,
    rate: float | None = None,
) -> Rows:
    """The notes of an accompaniment in the bars that are its own.

    Parameters
    ----------
    bank : Bank
    scene : Scene
    active : set of int
    rng : Generator
    low, high : int
        The instrument's range in MIDI pitches.
    bass : rows
        Who plays the bass beside it; where nobody does, its lowest tone is the plan's bass.
    over : float
        Semitones by which it lies higher than such accompaniments do.
    rate : float, optional
        How often a quarter it strikes; as the mood wants where left out.
    """
    stretches = drawn(bank, scene, rng, rate)
    mean = float(scene.tune[:, 2].mean()) if len(scene.tune) else SONGS_MEAN
    shift = over + SHIFT * (mean - SONGS_MEAN)
    wider = YIELDING * max(0.0, LOW_TUNE - mean)
    units: list[Unit] = []
    for phrase in scene.form.phrases:
        found = stretches[phrase.letter, phrase.kind == "climax"]
        for first, until, slot in scene.chords(phrase):
            at = first
            while at < until:
                number = at // scene.bar
                bar = number * scene.bar
                end = until if number >= scene.form.bars - 1 else min(until, bar + scene.bar)
                place = number - phrase.bar
                hands = found[place % len(found)]
                if number >= scene.form.bars - 1:  # the last chord is a full one
                    hands = max(found, key=lambda pair: min(pair[0].tones, 1) * 9 + pair[1].tones)
                if number in active:
                    units.append(Unit(bar, at, end, slot, hands, phrase.letter, place))
                at = end
    tones = voiced(units, scene, low, high, shift, wider, bass)
    return played(units, tones, scene, (low, high), draw(rng, LAST_CHORDS), int(rng.choice(APART[:2])))


def played(
    units: Sequence[Unit], tones: Sequence[Tones], scene: Scene, reach: tuple[int, int], ending: str, apart: int
) -> Rows:
    """The figures over the tones, within the instrument's `reach`.

    What is held into another chord is struck again as a tone of that; the last bar is one chord, struck as `ending`
    says, at most so many ticks `apart`.
    """
    found: list[tuple[int, int, int]] = []
    last = (scene.form.bars - 1) * scene.bar
    for k, (unit, hands) in enumerate(zip(units, tones, strict=True)):
        scale = scale_pitches(unit.slot, scene.tonic, *reach)
        if unit.bar >= last:
            found += last_chord(unit, hands, ending, apart, scene.bar // 2)
            continue
        for hand, own in zip(unit.hands, hands, strict=True):
            for at, length, tone, step in hand.figure.tolist() if own else ():
                start, until = unit.bar + at, unit.bar + at + length
                if start >= unit.end or until <= unit.start:
                    continue
                begun_before = start < unit.start
                pitch = stepped(own[min(tone, len(own) - 1)], 0 if begun_before else step, scale)
                start = max(start, unit.start)
                found.append((start, rings(pitch, until, units[k:], scene) - start, pitch))
    return one_each(found)


def last_chord(unit: Unit, hands: Tones, ending: str, apart: int, within: int) -> list[tuple[int, int, int]]:
    """All tones of a chord, each until its end."""
    left, right = hands
    rising = sorted({*left, *right})
    behind = dict.fromkeys(rising, 0)
    if ending == "broken":
        apart = next((step for step in APART if step <= apart and step * len(rising) <= within), APART[-1])
        behind = {pitch: k * apart for k, pitch in enumerate(rising)}
    elif ending == "right hand later" and left:
        behind |= dict.fromkeys(set(right) - set(left), apart)
    return [(unit.start + later, unit.end - unit.start - later, pitch) for pitch, later in behind.items()]


def rings(pitch: int, until: int, units: Sequence[Unit], scene: Scene) -> int:
    """When a tone ends that would last until then: at the next chord that lacks it, or where its own bar goes on."""
    end = units[0].end
    for unit in units[1:]:
        same_bar = unit.bar == units[0].bar
        if until <= end or unit.start != end or same_bar or pitch % 12 not in unit.slot.pitch_classes(scene.tonic):
            break
        end = unit.end
    return min(until, end)


def stepped(pitch: int, step: int, scale: NDArray[np.int64]) -> int:
    """The pitch, or its neighbour in the scale."""
    if not step:
        return pitch
    beyond = scale[scale > pitch] if step > 0 else scale[scale < pitch][::-1]
    return int(beyond[0]) if len(beyond) else pitch


def one_each(notes: Sequence[tuple[int, int, int]]) -> Rows:
    """Notes by start, no pitch twice at a time: the longer stays, and ends where it is struck again."""
    longest: dict[tuple[int, int], int] = {}
    for start, length, pitch in notes:
        longest[start, pitch] = max(length, longest.get((start, pitch), 0))
    by_pitch: dict[int, list[list[int]]] = {}
    for (start, pitch), length in sorted(longest.items()):
        line = by_pitch.setdefault(pitch, [])
        if line and line[-1][0] + line[-1][1] > start:
            line[-1][1] = start - line[-1][0]
        line.append([start, length, pitch])
    rows = sorted(tuple(note) for line in by_pitch.values() for note in line)
    return np.array(rows, np.int64).reshape(-1, 3)
