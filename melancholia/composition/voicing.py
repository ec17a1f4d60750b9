"""Chords as three upper voices over a bass, led from one to the next by the cheapest way.

Costs of motion, spacing, parallels and doubled tendency tones are summed over the piece and minimised by dynamic
programming over all voicings of each chord.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.leading import C3

MOTION = np.array([0, 1, 1.5, 3, 3.5, 5, 7, 8] + [10 + d for d in range(8, 60)], float)  # semitones of one voice
PARALLEL_FIFTH, PARALLEL_OCTAVE = 30.0, 40.0
SAME_DIRECTION = 4.0
MUD = 15.0  # two voices closer than a minor third below C3


@lru_cache(maxsize=2048)
def candidates(
    pitch_classes: tuple[int, ...], bass: int, low: int, high: int, leading: int | None
) -> NDArray[np.int64]:
    """All sets of three voices (n, 3), rising, in `low` to `high`, that hold the chord's colour over the bass."""
    needed = set(pitch_classes[:2]) if len(pitch_classes) == 2 else set(pitch_classes[1:])
    tones = [p for p in range(low, high + 1) if p % 12 in pitch_classes]
    found: list[tuple[int, ...]] = []
    for a, b, c in product(tones, repeat=3):
        if not a < b < c or c - b > 12 or b - a > 12 or a <= bass + 2:
            continue
        classes = [a % 12, b % 12, c % 12]
        if len(needed - set(classes) - {bass % 12}) > max(0, len(needed) - 3):
            continue
        if leading is not None and classes.count(leading) + (bass % 12 == leading) > 1:
            continue
        if (b - a < 4 and a < C3) or (a < C3 and a - bass < 5) or (c - b < 3 and b < C3):
            continue  # close intervals under C3 are mud
        found.append((a, b, c))
    if not found and high < bass + 24:  # over a high bass the voices need more room
        return candidates(pitch_classes, bass, low, high + 4, leading)
    return np.array(found or [tuple(sorted(tones)[:3])], np.int64)


def own_cost(voices: NDArray[np.int64], centre: float) -> NDArray[np.float64]:
    """How far each voicing is from the comfortable middle, and how uneven its spacing is."""
    middle = np.abs(voices.mean(axis=1) - centre) * 0.6
    gaps = np.diff(voices, axis=1)
    return np.asarray(middle + 0.15 * np.abs(gaps - 5).sum(axis=1) + 3.0 * (gaps < 2).sum(axis=1))


def move_cost(
    before: NDArray[np.int64], after: NDArray[np.int64], bass_before: int, bass_after: int
) -> NDArray[np.float64]:
    """Cost (n, m) of each way from a voicing to the next, the bass among the voices."""
    x, y = before[:, None, :], after[None, :, :]
    step = y - x
    cost: NDArray[np.float64] = MOTION[np.minimum(np.abs(step), 59)].sum(axis=2)
    down, up = (step < 0).all(axis=2), (step > 0).all(axis=2)
    cost = cost + SAME_DIRECTION * (down & (bass_after < bass_before) | up & (bass_after > bass_before))
    full_x = np.concatenate([np.full((len(before), 1), bass_before), before], axis=1)
    full_y = np.concatenate([np.full((len(after), 1), bass_after), after], axis=1)
    for i in range(4):
        for j in range(i + 1, 4):
            old = (full_x[:, j] - full_x[:, i])[:, None] % 12
            new = (full_y[:, j] - full_y[:, i])[None, :] % 12
            moved = (full_x[:, i][:, None] != full_y[:, i][None, :]) & (full_x[:, j][:, None] != full_y[:, j][None, :])
            cost = cost + PARALLEL_FIFTH * ((old == 7) & (new == 7) & moved)
            cost = cost + PARALLEL_OCTAVE * ((old == 0) & (new == 0) & moved)
    return cost


def lead(
    chords: list[tuple[tuple[int, ...], int, int | None]],
    *,
    low: int,
    high: int,
    centre: float,
    ceilings: Sequence[int] | None = None,
) -> list[tuple[int, int, int]]:
    """Three upper voices for each chord (pitch classes, bass pitch, leading tone's pitch class or None).

    `ceilings` are pitches that the voices stay under, a chord each, where any of its voicings does.
    """
    sets = [candidates(pcs, bass, low, high, leading) for pcs, bass, leading in chords]
    if ceilings is not None:
        under = [found[found[:, 2] < ceiling] for found, ceiling in zip(sets, ceilings, strict=True)]
        sets = [kept if len(kept) else found for kept, found in zip(under, sets, strict=True)]
    best = own_cost(sets[0], centre)
    back: list[NDArray[np.int64]] = []
    for k in range(1, len(sets)):
        total = best[:, None] + move_cost(sets[k - 1], sets[k], chords[k - 1][1], chords[k][1])
        back.append(total.argmin(axis=0))
        best = total.min(axis=0) + own_cost(sets[k], centre)
    at = int(best.argmin())
    path = [at]
    for pointers in reversed(back):
        at = int(pointers[at])
        path.append(at)
    return [tuple(int(p) for p in sets[k][at]) for k, at in enumerate(reversed(path))]  # type: ignore[misc]


def lead_bass(basses: list[int], *, low: int, high: int, start: int) -> list[int]:
    """Bass pitches for pitch classes: steps, fourths and fifths cheap, never far from `start`."""
    costs = [0, 1, 1, 2.5, 2.5, 1.5, 8, 2, 5, 5, 8, 12, 3]
    found, now = [], start
    for pc in basses:
        options = [p for p in range(low, high + 1) if p % 12 == pc]
        now = min(options, key=lambda p: (costs[min(12, abs(p - now))] + 0.25 * abs(p - start), p))
        found.append(now)
    return found
