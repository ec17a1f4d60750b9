"""Portamento: a finger or a voice that slides into the next tone of its line, and lightens while it does.

Only slurs (a tone that begins while its predecessor still sounds, or as it ends) can slide, one in three at most, and
falling thirds, rising sixths and sevenths do it rather than steps. The slide ends where the next tone begins.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments.events import Events
from melancholia.streams import generator

HAND_OVER_S = 0.08  # in which the tone that was slid into takes over
SHORTEST_S, LONGEST_S = 0.06, 0.16
TOUCH_S = 0.02  # a gap as short as this is none
OVERLAP_S = 0.4  # a tone that is held on longer is a chord's
STEEPNESS = 10.0  # of the logistic from one end of the slide to the other
ONE_IN = 3
# chance of an interval in semitones, before the limit of one in three
FAVOURED = {-4: 0.8, -3: 0.8, 8: 0.9, 9: 0.9, 10: 0.9, 11: 0.9, 12: 0.6, -5: 0.35, 5: 0.35, 7: 0.35}
SELDOM = 0.15  # any other up to an octave


@dataclass(frozen=True, slots=True)
class Slide:
    """Into note `to`: `cents` up or down in the `seconds` before `arrival_s`, `dip_db` (negative) in the middle."""

    to: int
    arrival_s: float
    seconds: float
    cents: float
    dip_db: float


def slid(since: NDArray[np.float64], slide: Slide) -> NDArray[np.float64]:
    """Cents of a slide at seconds `since` its arrival: a logistic, exactly 0 before it and `cents` after."""
    at = np.clip(1 + since / slide.seconds, 0, 1) - 0.5
    end = np.tanh(STEEPNESS / 4)
    return np.asarray(slide.cents * 0.5 * (1 + np.tanh(0.5 * STEEPNESS * at) / end))


def dip(since: NDArray[np.float64], slide: Slide) -> NDArray[np.float64]:
    """Gain of a slide at seconds `since` its arrival: `dip_db` in the middle, 1 at both ends."""
    at = np.clip(1 + since / slide.seconds, 0, 1)
    return np.asarray(10 ** (slide.dip_db * np.sin(np.pi * at) ** 2 / 20))


def slurs(played: Events) -> list[tuple[int, int]]:
    """Pairs (from, to) of notes, in order of `to`: each tone's nearest predecessor that ends as it begins."""
    pairs, taken = [], set()
    for k in range(len(played)):
        over = played.release_s[:k] - played.onset_s[k]
        near = (over >= -TOUCH_S) & (over <= OVERLAP_S) & (played.onset_s[:k] < played.onset_s[k] - SHORTEST_S)
        interval = np.abs(played.pitch[:k] - played.pitch[k])
        found = [j for j in np.flatnonzero(near & (interval <= 12)) if j not in taken]
        if found:
            j = int(min(found, key=lambda j: interval[j]))
            taken.add(j)
            pairs.append((j, k))
    return pairs


def slides(played: Events, stream: Callable[[int], np.random.Generator], *, share: float = 1.0) -> dict[int, Slide]:
    """Which notes slide into which, by the number of the note that slides.

    Parameters
    ----------
    stream : callable
        The random generator of a note's number.
    share : float
        Of the chances in `FAVOURED`, 0 to 1.
    """
    pairs = slurs(played)
    willing = []
    for place, (j, k) in enumerate(pairs):
        rng = stream(k)
        step = int(played.pitch[k] - played.pitch[j])
        chance = 0.0 if step == 0 else share * FAVOURED.get(step, SELDOM)
        wish, stretch, dip_db = rng.random(), rng.uniform(0.85, 1.15), -rng.uniform(3, 6)
        seconds = float(np.clip((0.06 + 0.1 * abs(step) / 12) * stretch, SHORTEST_S, LONGEST_S))
        long_enough = played.onset_s[k] - played.onset_s[j] >= 3 * seconds
        if wish < chance and long_enough and played.release_s[k] - played.onset_s[k] >= 2 * HAND_OVER_S:
            slide = Slide(k, float(played.onset_s[k]), seconds, 100.0 * step, float(dip_db))
            willing.append((-chance, wish, place, j, slide))
    chosen: dict[int, Slide] = {}
    places: list[int] = []
    for _, _, place, j, slide in sorted(willing, key=lambda row: row[:3]):
        if len(chosen) < len(pairs) // ONE_IN and all(abs(place - other) >= ONE_IN for other in places):
            chosen[j] = slide
            places.append(place)
    return chosen


def named(seed: int, name: str) -> Callable[[int], np.random.Generator]:
    """The stream of an instrument's slides."""
    return lambda k: generator(seed, name, "slide", k)
