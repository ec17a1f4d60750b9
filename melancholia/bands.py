"""What a mood wants to be heard: a band for each cue, and one for the sadness of the whole. Each comes from people.

A band is written as a share of the recordings that people called sad (`sad_recordings.toml`), or in the cue's unit
where a paper says so; either way it names its source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from melancholia.cues import CUES, Cue
from melancholia.files import data_folder
from melancholia.tables import Table, read_table

HEAVY = 0.1  # a cue of this weight or more decides whether a recording is what was asked for
WITHIN = 0.08  # of the sadness that is wanted, to either side
SHORTEST_SOURCE = 8  # characters that name a paper or a collection


@dataclass(frozen=True, slots=True)
class Band:
    """Where a value should lie, in its unit, how much that counts, and who says so. An end may be the unit's own."""

    low: float
    high: float
    weight: float
    source: str = ""

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def wanted(self, cue: Cue) -> str:
        """The band in words: "1.2 to 3.0", "at least 1.2", "at most 3.0"."""
        if self.high >= cue.high and self.low > cue.low:
            return f"at least {plain(self.low)}"
        return f"at most {plain(self.high)}" if self.low <= cue.low else f"{plain(self.low)} to {plain(self.high)}"


def plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


@cache
def sad_recordings() -> tuple[tuple[float, ...], Mapping[str, tuple[float, ...]]]:
    """Shares, and of each cue the value that so many sad recordings lie below."""
    table = read_table(data_folder("assets") / "listener" / "sad_recordings.toml").only(("about", "shares", "values"))
    values = table.table("values").only(CUES)
    return tuple(table.need("shares")), {name: tuple(map(float, values.need(name))) for name in values.data}


def of_recordings(cue: Cue, share: float) -> float:
    """The value that a share of the sad recordings lies below; the cue's own limit at 0 and 1."""
    if share in (0, 1):
        return cue.low if share == 0 else cue.high
    shares, values = sad_recordings()
    return float(np.interp(share, shares, values[cue.name]))


def share_of_recordings(cue: Cue, value: float) -> float | None:
    """The share of the sad recordings that lie below a value, 0 and 1 far outside; None where they do not tell."""
    shares, values = sad_recordings()
    if cue.name not in values:
        return None
    row = values[cue.name]
    reach = max(row[-1] - row[0], 1e-12)
    return float(np.interp(value, (row[0] - reach, *row, row[-1] + reach), (0.0, *shares, 1.0)))


def read_bands(table: Table, intensity: float) -> dict[str, Band]:
    """The bands of a mood's [cues] at an intensity.

    Each is ``{ recordings = [from, to], weight = w, source = "..." }``, shares of the sad recordings (0 and 1: open),
    or ``{ low = a, high = b, ... }`` in the cue's unit. Any end may be [at intensity 0, at intensity 1].
    """
    found = {name: read_band(table, table.table(name), CUES[name], intensity) for name in table.only(CUES).data}
    if not any(band.weight >= HEAVY for band in found.values()):
        raise table.fail(None, f"have none that decides; allowed: at least one of a weight of {HEAVY:g} or more.")
    return found


def read_band(mood: Table, table: Table, cue: Cue, intensity: float) -> Band:
    table.only(("recordings", "low", "high", "weight", "source"))
    if "recordings" in table.data:
        for key in ("low", "high"):
            if key in table.data:
                raise table.fail(key, "stands beside recordings; allowed: recordings, or low and high.")
        low, high = (of_recordings(cue, share) for share in recordings(table, cue, intensity))
        if (low, high) == (cue.low, cue.high):
            raise table.fail("recordings", "are open at both ends; allowed: one end from 0.05 to 0.95.")
    else:
        low, high = (table.ramp(key, cue.low, cue.high, unit=cue.unit).at(intensity) for key in ("low", "high"))
    if low >= high:
        raise mood.fail(cue.name, f"runs from {low:g} to {high:g}; allowed: low below high.")
    return Band(low, high, table.number("weight", 0, 1), source(table))


def recordings(table: Table, cue: Cue, intensity: float) -> list[float]:
    """Two shares of the sad recordings, at an intensity."""
    known, values = sad_recordings()
    if cue.name not in values:
        raise table.fail("recordings", f"say nothing of {cue.name}; allowed: low and high.")
    given = table.need("recordings")
    if not isinstance(given, list) or len(given) != 2 or not all(map(is_end, given)):
        raise table.fail("recordings", f"is {given!r}; allowed: two shares, [from, to].")
    if any(low >= high for low, high in zip(*map(both, given), strict=True)):
        raise table.fail("recordings", f"runs from {given[0]} to {given[1]}; allowed: from below to.")
    found = []
    for end in given:
        ramp = Table(table.path, table.text, {"recordings": end}, table.where).ramp("recordings", 0, 1)
        for share in (ramp.low, ramp.high):
            if (share not in (0, 1) or ramp.low != ramp.high) and not known[0] <= share <= known[-1]:
                raise table.fail("recordings", f"holds {share:g}; allowed: 0, {known[0]:g} to {known[-1]:g}, or 1.")
        found.append(ramp.at(intensity))
    return found


def is_end(given: object) -> bool:
    """A share, or one at intensity 0 and one at 1."""
    pair = both(given)
    return len(pair) == 2 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in pair)


def both(given: Any) -> list[Any]:
    """What is given for intensity 0 and for 1."""
    return given if isinstance(given, list) else [given, given]


def source(table: Table) -> str:
    """Who says so: a paper, or people's labels."""
    said = table.words("source").strip()
    if len(said) < SHORTEST_SOURCE:
        raise table.fail("source", f"is {said!r}; allowed: a paper, or a collection that people labelled.")
    return said


def read_sadness(table: Table, intensity: float) -> Band:
    """The sadness that is wanted at an intensity, from ``[sadness]``: ``target = [a, b]`` and its source."""
    table.only(("target", "source"))
    return around(table.ramp("target", 0, 1).at(intensity), source(table))


def around(sadness: float, said: str) -> Band:
    return Band(max(0.0, sadness - WITHIN), min(1.0, sadness + WITHIN), 1.0, said)


def mixed(parts: Sequence[tuple[float, Mapping[str, Band]]]) -> dict[str, Band]:
    """Bands by the share of each mood, of the moods that have the cue."""
    found = {}
    for name in dict.fromkeys(name for _, bands in parts for name in bands):
        having = [(share, bands[name]) for share, bands in parts if name in bands]
        low = mixed_end([(share, band.low) for share, band in having], CUES[name].low)
        high = mixed_end([(share, band.high) for share, band in having], CUES[name].high)
        weight = sum(share * band.weight for share, band in having)
        if low >= high:  # moods that want the opposite: together they want nothing
            low, high = CUES[name].low, CUES[name].high
        found[name] = Band(low, high, weight, said([band for _, band in having]))
    return found


def mixed_end(ends: Sequence[tuple[float, float]], limit: float) -> float:
    """The mean of the ends that are not open; open where half of the moods or more are open there."""
    closed = [(share, end) for share, end in ends if end != limit]
    held = sum(share for share, _ in closed)
    if held <= sum(share for share, _ in ends) / 2:
        return limit
    return sum(share * end for share, end in closed) / held


def mixed_sadness(parts: Sequence[tuple[float, Band]]) -> Band:
    """The sadness that a blend wants: the mean of what its moods want."""
    return around(sum(share * band.middle for share, band in parts), said([band for _, band in parts]))


def said(bands: Sequence[Band]) -> str:
    return "; ".join(dict.fromkeys(band.source for band in bands))


def sadder(band: Band, by: float) -> Band:
    """The same band of sadness, moved up."""
    return around(min(1.0, band.middle + by), band.source)


def scaled(band: Band, low: float, high: float) -> Band:
    return replace(band, low=low * band.low, high=high * band.high)
