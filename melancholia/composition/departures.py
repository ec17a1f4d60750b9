"""Where a piece goes when it leaves home, and how long it has been there."""

from collections.abc import Sequence

import numpy as np

Place = tuple[int, str]  # semitones above home, and the mode

# Where a departure goes, semitones above home and mode, with how often 69 Lieder in minor keys go there (human
# analyses of When-in-Rome); the major home's are by hand.
AWAY: dict[str, tuple[tuple[int, str, float], ...]] = {
    "minor": ((3, "major", 67), (5, "minor", 34), (8, "major", 28), (7, "minor", 24), (0, "minor", 40)),
    "major": ((9, "minor", 5), (2, "minor", 2), (5, "major", 2), (0, "minor", 2)),
}
SETTLED_BARS = 6  # in another key: a piece that has been there for fewer may well stay


def away_so_far(stood: Sequence[tuple[Place, int]], home: Place) -> int:
    """How many bars the piece has stood in the key of its last phrase, where that is not home; of the key and bars of
    each phrase so far."""
    here, total = stood[-1][0] if stood else home, 0
    for place, bars in reversed(stood):
        if place != here or here == home:
            break
        total += bars
    return total


def departure(
    rng: np.random.Generator,
    mode: str,
    intensity: float,
    been: set[Place],
    *,
    darker: bool,
    been_share: float,
) -> Place:
    """A key to go to; the sadder, the less likely a major one, and one where the piece has been counts little."""
    options = {
        (key, there): share
        * (1.25 - intensity if there == "major" else 1)
        * (been_share if (key, there) in been else 1)
        for key, there, share in AWAY[mode]
        if mode == "major" or there == "minor" or not darker
    }
    names, share = list(options), np.array(list(options.values()))
    return names[int(rng.choice(len(names), p=share / share.sum()))]
