"""The verdict: each cue against the band that its profile wants, and how sad the whole is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melancholia.analysis import Analysis, analyse
from melancholia.audio import Source
from melancholia.cues import CUES
from melancholia.profile import Band, Profile
from melancholia.scoring.listener import PEOPLE_SD, contributions, sadness, share_of_own
from melancholia.scoring.sentences import plain, sentence

HEAVY = 0.1  # cues of this weight or more decide `matched`
PASSING = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One cue: its value, the band wanted (None without a profile), how well it fits, and what that means."""

    name: str
    value: float
    unit: str
    low: float | None
    high: float | None
    match: float | None
    weight: float
    contribution: float
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        target = None if self.low is None else [self.low, self.high]
        return {
            "name": self.name,
            "value": round(self.value, 5),
            "unit": self.unit,
            "target": target,
            "match": self.match,
            "weight": self.weight,
            "contribution": round(self.contribution, 4),
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Score:
    """Sadness 0..1 (give or take `uncertainty`), whether all heavy cues match, a row a cue, sadness over time.

    `mood`, `intensity` and `matched` are None where no profile was given.
    """

    mood: str | None
    intensity: float | None
    sadness: float
    uncertainty: float
    matched: bool | None
    rows: tuple[Row, ...]
    curve: tuple[tuple[float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """What ``score.json`` holds."""
        return {
            "mood": self.mood,
            "intensity": self.intensity,
            "sadness": round(self.sadness, 4),
            "uncertainty": self.uncertainty,
            "matched": self.matched,
            "cues": [row.to_dict() for row in self.rows],
            "curve": [[round(at, 2), round(value, 4)] for at, value in self.curve],
        }

    def __str__(self) -> str:
        """The verdict as a table for a terminal."""
        head = f"sadness {self.sadness:.2f} (give or take {self.uncertainty:.2f})"
        if self.mood is not None:
            said = "matched" if self.matched else "not matched"
            head = f"{self.mood} at {self.intensity:g}: {said}, {head}"
        lines = [head, f"{'cue':<16}{'value':>9}  {'wanted':<18}{'match':>6}{'weight':>8}  unit"]
        for row in self.rows:
            wanted = "" if row.low is None or row.high is None else f"{plain(row.low)} to {plain(row.high)}"
            match = "" if row.match is None else f"{row.match:.2f}"
            weight = "" if row.match is None else f"{row.weight:.2f}"
            lines.append(f"{row.name:<16}{plain(row.value):>9}  {wanted:<18}{match:>6}{weight:>8}  {row.unit}")
        return "\n".join(lines)


def fit(value: float, band: Band, tolerance: float) -> float:
    """1 inside the band, falling linearly to 0.5 one tolerance outside and to 0 at two."""
    outside = max(band.low - value, value - band.high, 0.0)
    return max(0.0, 1 - outside / (2 * tolerance))


def score(sound: Analysis | Source | Path | str, profile: Profile | None = None) -> Score:
    """Judge a recording, or what was heard of it already, against a profile (or on its own).

    Parameters
    ----------
    sound : Analysis, Audio, Recording or path
    profile : Profile, optional
        Without one there is no match, only cues and sadness.
    """
    found = sound if isinstance(sound, Analysis) else analyse(sound)
    shares = contributions(found.values)
    rows = []
    for name, cue in CUES.items():
        value = found.values[name]
        band = profile.bands.get(name) if profile is not None else None
        rows.append(
            Row(
                name=name,
                value=value,
                unit=cue.unit,
                low=band.low if band else None,
                high=band.high if band else None,
                match=round(fit(value, band, cue.tolerance), 4) if band else None,
                weight=band.weight if band else 0.0,
                contribution=shares.get(name, 0.0),
                sentence=sentence(cue, value, band, profile.mood if profile else ""),
            )
        )
    own = share_of_own(found.values)
    return Score(
        mood=profile.mood if profile else None,
        intensity=profile.intensity if profile else None,
        sadness=sadness(found.values),
        uncertainty=round(PEOPLE_SD * (1.25 - 0.5 * own), 3),
        matched=matched(rows) if profile else None,
        rows=tuple(rows),
        curve=tuple(zip(found.times, (sadness_at(found.values, w, own) for w in found.windows), strict=True)),
    )


def matched(rows: list[Row]) -> bool:
    return all(row.match is None or row.match >= PASSING for row in rows if row.weight >= HEAVY)


def sadness_at(whole: Mapping[str, float], window: Mapping[str, float], own: float) -> float:
    """Sadness of a window: its own mode, rate and brightness, the rest as in the whole."""
    moving = {name: value for name, value in window.items() if name in whole}
    return sadness({**whole, **moving}, own=own)
