"""The tones of two hands for every chord: near the pitches and the spacing that a pianist had, near the chord before.

The left hand is led first, the right hand over it, each along the cheapest way through what it may take.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.beside import Scene
from melancholia.composition.continuing import Rows
from melancholia.composition.figurations import Hand
from melancholia.composition.harmony import Slot
from melancholia.composition.leading import C3, RESTS, pitch_at
from melancholia.composition.voicing import MOTION, PARALLEL_FIFTH, PARALLEL_OCTAVE

TOP_GAP = 12  # semitones between neighbouring tones of a hand, at most
KEPT = 48  # voicings of a hand that are compared
RUBS_AGAIN = 0.2  # of its time a bar that returns may rub against the tune
OVER = 7  # semitones by which the right hand may rise above the tune without cost
WEIGHTS = {
    "low": 0.25,
    "gaps": 0.35,
    "lacks": 6.0,
    "leading": 8.0,
    "rubs": 16.0,
    "over": 0.5,
    "moves": 1.0,
    "mud": 6.0,
}

Tones = tuple[tuple[int, ...], tuple[int, ...]]  # of the left and of the right hand, rising


@dataclass(frozen=True, slots=True)
class Unit:
    """A bar, or as much of it as one chord lasts: where the bar and it begin, where it ends, in ticks."""

    bar: int
    start: int
    end: int
    slot: Slot
    hands: tuple[Hand, Hand]
    letter: str
    place: int  # bars behind the start of the phrase


def voiced(
    units: Sequence[Unit], scene: Scene, low: int, high: int, shift: float, wider: float, bass: Rows
) -> list[Tones]:
    """The tones of both hands for each unit, rising, `shift` semitones higher than pianists had them; between the
    hands `wider` semitones more."""
    left = lefts(units, scene, low, high, shift - wider / 2, bass)
    shift += wider / 2
    options, owns = [], []
    for unit, under in zip(units, left, strict=True):
        found = rights(unit, scene, under, low, high, shift)
        own = right_cost(found, unit, scene, under, shift)
        order = np.argsort(own, kind="stable")[:KEPT]
        options.append(found[order])
        owns.append(own[order])
    return brought_back(list(zip(left, led(options, owns, left), strict=True)), units, scene)


def lefts(units: Sequence[Unit], scene: Scene, low: int, high: int, shift: float, bass: Rows) -> list[tuple[int, ...]]:
    """The tones of the left hand: the plan's bass below where no one else has it, the others spaced as they were."""
    options: list[list[tuple[int, ...]]] = []
    for unit in units:
        hand = unit.hands[0]
        count = hand.tones
        classes = unit.slot.pitch_classes(scene.tonic)
        under = pitch_at(bass, np.array([unit.start]))[0]
        floor = low if under == RESTS else max(low, int(under) + 5)
        wanted = [unit.slot.bass(scene.tonic)] if under == RESTS else classes
        goal = max(floor, hand.low + round(shift)) if count else floor
        starts = sorted(
            (p for p in range(floor, min(high, floor + 40)) if p % 12 in wanted), key=lambda p: abs(p - goal)
        )[:3]
        options.append([spaced(p, hand.gaps, count, classes, high) for p in starts] if count else [()])
    best: list[float] = [far_off(option, units[0], shift) for option in options[0]]
    back: list[list[int]] = []
    for before, here, unit in zip(options, options[1:], units[1:], strict=False):
        steps = [[cost + moving(a, b) for a, cost in zip(before, best, strict=True)] for b in here]
        back.append([int(np.argmin(row)) for row in steps])
        best = [min(row) + far_off(b, unit, shift) for row, b in zip(steps, here, strict=True)]
    at = int(np.argmin(best))
    path = [at]
    for pointers in reversed(back):
        at = pointers[at]
        path.append(at)
    return [options[k][at] for k, at in enumerate(reversed(path))]


def far_off(tones: tuple[int, ...], unit: Unit, shift: float) -> float:
    return 0.35 * abs(tones[0] - unit.hands[0].low - shift) if tones else 0.0


def moving(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    return float(MOTION[min(59, abs(a[0] - b[0]))]) * 0.4 if a and b else 0.0


def narrowest(pitch: int) -> int:
    """Semitones that the next tone above a low one keeps away."""
    return 12 if pitch < 36 else 7 if pitch < 43 else 5 if pitch < 52 else 3 if pitch < 57 else 1


def spaced(start: int, gaps: Sequence[int], count: int, classes: Sequence[int], high: int) -> tuple[int, ...]:
    """So many tones of a chord from one up, each about as far from the one before as it was."""
    found = [start]
    for k in range(count - 1):
        gap = gaps[k] if k < len(gaps) else 5
        options = [p for p in range(found[-1] + narrowest(found[-1]), high + 1) if p % 12 in classes]
        if not options:
            break
        there = {p % 12 for p in found}
        found.append(min(options, key=lambda p: (abs(p - found[-1] - gap) + 0.6 * (p % 12 in there), p)))  # noqa: B023
    return tuple(found)


@lru_cache(maxsize=4096)
def sets(classes: tuple[int, ...], low: int, high: int, count: int) -> NDArray[np.int64]:
    """All sets of so many rising tones of a chord from `low` to `high`."""
    tones = [p for p in range(low, high + 1) if p % 12 in classes]
    found = [s for s in combinations(tones, count) if all(b - a <= TOP_GAP for a, b in zip(s, s[1:], strict=False))]
    return np.array(found or [tuple(tones[:count])], np.int64)


def rights(unit: Unit, scene: Scene, under: tuple[int, ...], low: int, high: int, shift: float) -> NDArray[np.int64]:
    """What the right hand may take, (sets, tones)."""
    hand = unit.hands[1]
    if not hand.tones:
        return np.zeros((1, 0), np.int64)
    goal = int(np.clip(hand.low + round(shift), low, high - 12))
    floor = max(low, min(under) + narrowest(min(under)) if under else low, goal - 7)
    span = max(sum(hand.gaps[: hand.tones - 1]), 3 * (hand.tones - 1))
    top = min(high, max(goal + span + 7, floor + 12))
    count = min(hand.tones, 5)
    return sets(unit.slot.pitch_classes(scene.tonic), floor, top, count)


def right_cost(
    found: NDArray[np.int64], unit: Unit, scene: Scene, under: tuple[int, ...], shift: float
) -> NDArray[np.float64]:
    """What speaks against each set by itself."""
    hand = unit.hands[1]
    if not found.shape[1]:
        return np.zeros(1)
    cost = WEIGHTS["low"] * np.abs(found[:, 0] - hand.low - shift)
    gaps = np.diff(found, axis=1)
    if gaps.shape[1]:
        wanted = np.array([*hand.gaps, *[4] * 6][: gaps.shape[1]])
        cost = cost + WEIGHTS["gaps"] * np.abs(gaps - wanted).sum(axis=1)
        cost = cost + WEIGHTS["mud"] * ((gaps < 5) & (found[:, :-1] < C3)).sum(axis=1)
    classes = unit.slot.pitch_classes(scene.tonic)
    needed = (classes if len(classes) == 2 else classes[1:])[: found.shape[1] + len(under)]
    held = {p % 12 for p in under}
    for pc in needed:
        if pc not in held:
            cost = cost + WEIGHTS["lacks"] * ~(found % 12 == pc).any(axis=1)
    leading = (scene.tonic + unit.slot.local_key + 11) % 12
    cost = cost + WEIGHTS["leading"] * np.maximum(0, (found % 12 == leading).sum(axis=1) + (leading in held) - 1)
    tune = scene.tune[(scene.tune[:, 0] < unit.end) & (scene.tune[:, :2].sum(axis=1) > unit.start)]
    for at, length, pitch in tune.tolist():
        share = (min(at + length, unit.end) - max(at, unit.start)) / (unit.end - unit.start)
        cost = cost + WEIGHTS["rubs"] * share * (np.abs(found - pitch) == 1).any(axis=1)
        cost = cost + WEIGHTS["over"] * share * np.maximum(0, found[:, -1] - pitch - OVER)
    return np.asarray(cost, np.float64)


def led(
    options: Sequence[NDArray[np.int64]], owns: Sequence[NDArray[np.float64]], left: Sequence[tuple[int, ...]]
) -> list[tuple[int, ...]]:
    """The cheapest way through the sets of the right hand over the tones of the left."""
    if not len(options):
        return []
    best = owns[0]
    back: list[NDArray[np.int64]] = []
    for k in range(1, len(options)):
        total = best[:, None] + steps_cost(options[k - 1], options[k], left[k - 1], left[k])
        back.append(total.argmin(axis=0))
        best = total.min(axis=0) + owns[k]
    at = int(best.argmin())
    path = [at]
    for pointers in reversed(back):
        at = int(pointers[at])
        path.append(at)
    return [tuple(options[k][at].tolist()) for k, at in enumerate(reversed(path))]


def brought_back(tones: Sequence[Tones], units: Sequence[Unit], scene: Scene) -> list[Tones]:
    """The tones of both hands; a bar that returns with its chord has those that it had, where the tune allows."""
    first: dict[tuple[str, int, str, int, int], int] = {}
    found = list(tones)
    for k, unit in enumerate(units):
        known = first.setdefault(
            (unit.letter, unit.place, unit.slot.numeral, unit.slot.local_key, unit.start - unit.bar), k
        )
        before = units[known].hands
        alike = all(
            a.figure is b.figure or np.array_equal(a.figure, b.figure) for a, b in zip(before, unit.hands, strict=True)
        )
        if known != k and alike and rubbing(found[known], unit, scene) <= RUBS_AGAIN:
            found[k] = found[known]
    return found


def rubbing(tones: Tones, unit: Unit, scene: Scene) -> float:
    """Share of a unit's time in which the tune is a semitone from one of some tones."""
    tune = scene.tune[(scene.tune[:, 0] < unit.end) & (scene.tune[:, :2].sum(axis=1) > unit.start)]
    held = np.minimum(tune[:, :2].sum(axis=1), unit.end) - np.maximum(tune[:, 0], unit.start)
    all_tones = np.array([*tones[0], *tones[1]], np.int64)
    near = (
        (np.abs(tune[:, None, 2] - all_tones[None]) == 1).any(axis=1) if len(all_tones) else np.zeros(len(tune), bool)
    )
    return float((held * near).sum() / (unit.end - unit.start))


def steps_cost(
    before: NDArray[np.int64], after: NDArray[np.int64], low_before: tuple[int, ...], low_after: tuple[int, ...]
) -> NDArray[np.float64]:
    """Cost (n, m) of each way from one set to the next."""
    if not before.shape[1] or not after.shape[1]:
        return np.zeros((len(before), len(after)))
    if before.shape[1] == after.shape[1]:
        cost = MOTION[np.minimum(np.abs(after[None] - before[:, None]), 59)].sum(axis=2)
    else:
        ends = (0, -1)
        cost = sum(MOTION[np.minimum(np.abs(after[None, :, e] - before[:, None, e]), 59)] for e in ends)
    cost = WEIGHTS["moves"] * np.asarray(cost, np.float64)
    if low_before and low_after and low_before[0] != low_after[0]:
        old = (before[:, -1] - low_before[0])[:, None] % 12
        new = (after[:, -1] - low_after[0])[None] % 12
        moved = before[:, -1][:, None] != after[:, -1][None]
        cost = cost + PARALLEL_FIFTH * 0.5 * (moved & (old == 7) & (new == 7))
        cost = cost + PARALLEL_OCTAVE * 0.3 * (moved & (old == 0) & (new == 0))
    return np.asarray(cost, np.float64)
