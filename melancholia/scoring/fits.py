"""How well values fit what moods want: band by band, and mood by mood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from melancholia.bands import HEAVY, WITHIN, Band
from melancholia.cues import CUES
from melancholia.profile import Profile, moods, profile

PASSING = 0.5


@dataclass(frozen=True, slots=True)
class MoodFit:
    """How well a mood fits, 0 to 1: one half is the sadness, one half the cues by weight; and whether it is matched."""

    mood: str
    intensity: float
    match: float
    matched: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "mood": self.mood,
            "intensity": round(self.intensity, 2),
            "match": round(self.match, 4),
            "matched": self.matched,
        }

    def __str__(self) -> str:
        return f"{self.mood} at {self.intensity:.2g}{' (matched)' if self.matched else ''} {self.match:.2f}"


def fit(value: float, band: Band, tolerance: float) -> float:
    """1 inside the band, falling linearly to 0.5 one tolerance outside and to 0 at two."""
    outside = max(band.low - value, value - band.high, 0.0)
    return max(0.0, 1 - outside / (2 * tolerance))


def within(value: float, band: Band) -> bool:
    return band.low <= value <= band.high


def matching(sadness: float, wanted: Band, cues: Sequence[tuple[float, float]]) -> float:
    """One half is how well the sadness fits, one half the mean of the cues' (weight, fit)."""
    weight = sum(weight for weight, _ in cues)
    mean = sum(weight * found for weight, found in cues) / max(weight, 1e-9)
    return (fit(sadness, wanted, WITHIN) + mean) / 2


def fits(values: Mapping[str, float], sadness: float) -> tuple[MoodFit, ...]:
    """Every mood, each at the intensity that wants this sadness (or comes nearest to it), the best fit first.

    Of the cues those that are known count.
    """
    found = (fit_of(profile(mood, intensity_for(mood, sadness)), values, sadness) for mood in moods())
    return tuple(sorted(found, key=lambda one: (-one.matched, -one.match, one.mood)))


def intensity_for(mood: str, sadness: float) -> float:
    """The intensity at which a mood wants a sadness, 0 or 1 where it wants it nowhere."""
    least, most = (profile(mood, intensity).sadness.middle for intensity in (0.0, 1.0))
    return float(np.clip((sadness - least) / (most - least), 0, 1))


def fit_of(wanted: Profile, values: Mapping[str, float], sadness: float) -> MoodFit:
    bands = {name: band for name, band in wanted.bands.items() if name in values}
    found = {name: fit(values[name], band, CUES[name].tolerance) for name, band in bands.items()}
    match = matching(sadness, wanted.sadness, [(band.weight, found[name]) for name, band in bands.items()])
    missed = any(band.weight >= HEAVY and found[name] < PASSING for name, band in bands.items())
    return MoodFit(wanted.mood, wanted.intensity, match, within(sadness, wanted.sadness) and not missed)
