"""From cues to verdicts: what listeners said of melodies whose cues were varied one by one, and of found recordings.

Sadness is the rating that the listeners of a controlled experiment (Eerola, Friberg & Bresin 2013) would give, 1 to 7,
as 0 to 1. Sound as sparse as our instruments' is read by a line that was fitted on the experiment's 200 melodies,
played by our instruments, and their ratings. In found mixes the cues are read less well; there they are ranked among
recordings of all genres, and added up by weights from people's words and from the experiment, so that happy and sad
recordings come to where the experiment has happy and sad melodies. Which of the two is weighed by how sparse it is.
All is additive: the contributions of the cues sum to the verdict before it is squeezed into 0..1. Valence and arousal
say which neighbour of sadness a recording is taken for: tender, tense or joyful.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from melancholia.cues import CUES
from melancholia.files import data_folder
from melancholia.tables import Table, read_table

VERDICTS = ("sadness", "valence", "arousal")
BEND = 4  # even; how long the verdict stays straight before it bends toward 0 and 1
CLAMP = 2.3  # our sparse music lies outside several rows; beyond this a single cue would decide
# where sparse sound lies among mixes: low or high. Each counts from the outer tenth of mixes (0) to the outermost
# fiftieth (1); our own pieces come to 5.6 and more, songs by others on our instruments to 3.1 and more (one in fifty
# to less), of 660 found mixes 95 % to less than 3.1
SPARSE = {
    "flux": -1, "contrast": 1, "peaks": -1, "chord_clarity": 1, "level_range": 1, "fast_modulation": -1,
    "event_rate": -1, "brightness": -1, "high_energy": -1, "chroma_entropy": -1,
}  # fmt: skip
SOME_SPARSE, ALL_SPARSE = 2.8, 3.8
# What tells the pace of our own sound: the logarithm of the onsets; how many softer rises of the spectrum stand between
# them (in the logarithm, at most MOST_SOFTER: what is more is vibrato and bow noise); the logarithm of how long what
# sounds stays; how little one chord is heard in the next; and the logarithm of how many partials sound at once.
PACE = ("event_rate", "softer", "persistence", "contrast", "peaks")
MOST_SOFTER = 0.8
WRITTEN_RATE = "written_rate"  # beside the cues, where the notes are known: tones a second
FURTHEST = 4.0  # spreads from its middle that a cue can count
LOWEST_RATING, HIGHEST_RATING = 1.0, 7.0
# How far the verdict lies from the mean rating, one standard deviation: of our own sound, of the experiment's melodies
# left out of the fit, one of the four at a time; of found mixes, what is left of the spread of ratings of film music
# (.21 and .24 of the scale, two sets of Eerola & Vuoskoski 2011) where a verdict goes with them by r .5
ERROR = {"own": 0.11, "mixes": 0.19}


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a cue has its middle, and one standard deviation of it, or (`log`) of its logarithm."""

    centre: float
    spread: float
    log: bool

    def score(self, value: float) -> float:
        """How many spreads a value lies from the middle, at most FURTHEST."""
        apart = math.log(max(value, 1e-3) / self.centre) if self.log else value - self.centre
        return min(FURTHEST, max(-FURTHEST, apart / self.spread))


@dataclass(frozen=True, slots=True)
class Sum:
    """What one verdict adds up: a base, a weight a cue, and for some cues a bend, by how far they lie from the middle.

    A bend of -0.3 says that a cue's middle speaks for the verdict and both its ends against it: sad mixes are neither
    the darkest, as calm ones, nor the brightest.
    """

    base: float
    weights: Mapping[str, float]
    bends: Mapping[str, float]

    def of(self, cue: str, z: float) -> float:
        """What a cue adds at a normal score z."""
        return self.weights.get(cue, 0.0) * z + self.bends.get(cue, 0.0) * (z * z - 1)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of recording: how its cues are spread, and what each verdict adds up.

    `pace` is a line from other cues to the logarithm of the rate of tones, where counting onsets hears that badly.
    `shares` are the cues that people hear as one thing or the other, as mode, with the steepness of the step between;
    `spreads` say of others where their middle is and how far they were spread in the experiment that gave the weights.
    """

    probabilities: tuple[float, ...]
    quantiles: Mapping[str, tuple[float, ...]]
    sums: Mapping[str, Sum]
    pace: Mapping[str, float]
    shares: Mapping[str, float]
    spreads: Mapping[str, Spread]

    def rate(self, values: Mapping[str, float]) -> float:
        """Tones a second: as written, as counted, or by the kind's line through what tells the pace of its sound."""
        if not self.pace:
            return values["event_rate"]
        if WRITTEN_RATE in values:
            return values[WRITTEN_RATE]
        terms = (self.pace[name] * value for name, value in pace_terms(values).items())
        return math.exp(self.pace["constant"] + sum(terms))

    def score(self, name: str, values: Mapping[str, float]) -> float:
        """The cue's normal score among this kind; the pace stands for the event rate."""
        return self.z(name, self.rate(values) if name == "event_rate" else values[name])

    def z(self, name: str, value: float) -> float:
        """A value as a normal score among this kind; a share as what it is above one half, over its own spread."""
        if name in self.shares:
            return math.tanh(self.shares[name] * value / 2)  # (s - 1/2) / (1/2) of s = 1 / (1 + exp(-steepness value))
        if name in self.spreads:
            return self.spreads[name].score(value)
        return normal_score(value, self.quantiles[name], self.probabilities)


def normal_score(value: float, points: Sequence[float], probabilities: Sequence[float]) -> float:
    """A value as a normal score by a table of quantiles, straight on beyond its ends and at most CLAMP."""
    scores = [NormalDist().inv_cdf(p) for p in probabilities]
    if value <= points[0]:
        step = (points[1] - points[0]) / (scores[1] - scores[0])
        found = scores[0] + (value - points[0]) / max(step, 1e-9)
    elif value >= points[-1]:
        step = (points[-1] - points[-2]) / (scores[-1] - scores[-2])
        found = scores[-1] + (value - points[-1]) / max(step, 1e-9)
    else:
        found = float(np.interp(value, points, scores))
    return min(CLAMP, max(-CLAMP, found))


def pace_terms(values: Mapping[str, float]) -> dict[str, float]:
    """What the line of the pace runs through, by name in PACE."""
    onsets, rises, stays = (math.log(max(values[name], 1e-3)) for name in ("event_rate", "stroke_rate", "persistence"))
    softer = min(MOST_SOFTER, max(0.0, rises - onsets))
    found = {"event_rate": onsets, "softer": softer, "persistence": stays, "contrast": values["contrast"]}
    return found | {"peaks": math.log(max(values["peaks"], 1.0))}


@cache
def prior(verdict: str) -> Mapping[str, float]:
    """What controlled experiments say of each cue for a verdict."""
    weights = read_table(data_folder("assets") / "listener" / "prior.toml").only(("about", *VERDICTS)).table(verdict)
    return {name: weights.number(name, -2, 2) for name in weights.only(CUES).data}


@cache
def kind(name: str) -> Kind:
    table = read_table(data_folder("assets") / "listener" / f"{name}.toml")
    table.only(("about", "quantiles", "values", "pace", "shares", "spreads", *VERDICTS))
    shares = table.table("shares", required=False).only(CUES)
    spreads = table.table("spreads", required=False).only(CUES)
    values = table.table("values", required=False).only(CUES)
    pace = table.table("pace", required=False).only(("constant", *PACE))
    return Kind(
        probabilities=tuple(table.data.get("quantiles", ())),
        quantiles={name: rising(values, name) for name in values.data},
        sums={verdict: sum_of(table.table(verdict), verdict) for verdict in VERDICTS},
        pace={name: pace.number(name, -50, 50) for name in pace.data},
        spreads={name: spread_of(spreads.table(name)) for name in spreads.data},
        shares={name: shares.number(name, 0, 1000) for name in shares.data},
    )


def sum_of(table: Table, verdict: str) -> Sum:
    """A verdict's table: its own weights and bends, or the prior's weights times a slope."""
    table.only(("base", "slope", "weights", "bends"))
    base = table.number("base", -10, 10)
    if "slope" in table.data:
        slope = table.number("slope", 0, 10)
        return Sum(base, {name: slope * weight for name, weight in prior(verdict).items()}, {})
    weights = table.table("weights").only(CUES)
    bends = table.table("bends", required=False).only(weights.data)
    return Sum(
        base,
        {name: weights.number(name, -5, 5) for name in weights.data},
        {name: bends.number(name, -5, 5) for name in bends.data},
    )


def spread_of(table: Table) -> Spread:
    table.only(("centre", "spread", "log"))
    return Spread(table.number("centre", 1e-3, 1e5), table.number("spread", 1e-3, 1e3), table.flag("log"))


def rising(table: Table, name: str) -> tuple[float, ...]:
    row = table.data[name]
    if not isinstance(row, list) or any(b < a for a, b in zip(row, row[1:], strict=False)):
        raise table.fail(name, "must rise from quantile to quantile.")
    return tuple(float(value) for value in row)


def share_of_own(values: Mapping[str, float]) -> float:
    """0 for a recording like found mixes, 1 for sound as sparse as our own renders."""
    total = 0.0
    for name, side in SPARSE.items():
        points = kind("mixes").quantiles[name]
        inner, outer = (points[1], points[0]) if side < 0 else (points[-2], points[-1])
        total += min(1.0, max(0.0, (values[name] - inner) / (outer - inner)))
    return min(1.0, max(0.0, (total - SOME_SPARSE) / (ALL_SPARSE - SOME_SPARSE)))


def contributions(
    values: Mapping[str, float],
    verdict: str = "sadness",
    *,
    own: float | None = None,
    music: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """What each cue adds to a verdict before it is squeezed; "base" is what is there without any.

    `music` are the values of the same piece without effects, where they are known: what is the music's is taken from
    them. `own` is the share of our own sound, told by them as well where it is not given.
    """
    music = values if music is None else music
    share = share_of_own(music) if own is None else own
    total: dict[str, float] = {"base": 0.0}
    for name, part in (("mixes", 1 - share), ("own", share)):
        if part == 0:
            continue
        found = kind(name)
        adds = found.sums[verdict]
        total["base"] += part * adds.base
        for cue in sorted(adds.weights):
            total[cue] = total.get(cue, 0.0) + part * adds.of(cue, found.score(cue, side(cue, values, music)))
    return total


def side(cue: str, sound: Mapping[str, float], music: Mapping[str, float]) -> Mapping[str, float]:
    """The values in which a cue is read: those of the sound, or of the music without effects."""
    return music if CUES[cue].of == "music" else sound


def rating(sadness: float) -> float:
    """The rating, 1 to 7, that a sadness of 0 to 1 stands for."""
    return LOWEST_RATING + (HIGHEST_RATING - LOWEST_RATING) * sadness


def uncertainty(own: float) -> float:
    """One standard deviation of the verdict about the mean of listeners' ratings, by the share of our own sound."""
    return float(np.hypot(own * ERROR["own"], (1 - own) * ERROR["mixes"]))


def squeeze(total: float) -> float:
    """A sum of contributions as 0..1: straight in the middle (ratings are additive in the cues), bent at the ends."""
    return float(0.5 + 0.5 * total / (1 + abs(total) ** BEND) ** (1 / BEND))


def stretch(sadness: float) -> float:
    """The sum that `squeeze` makes this of, for 0 < sadness < 1."""
    share = 2 * sadness - 1
    return float(share / (1 - abs(share) ** BEND) ** (1 / BEND))


def sadness(values: Mapping[str, float], *, own: float | None = None) -> float:
    """Sadness 0..1 of the values of all cues."""
    return heard("sadness", values, own=own)


def heard(
    verdict: str,
    values: Mapping[str, float],
    *,
    own: float | None = None,
    music: Mapping[str, float] | None = None,
) -> float:
    """A verdict 0..1 of the values of all cues: "sadness", "valence" or "arousal"."""
    return squeeze(sum(contributions(values, verdict, own=own, music=music).values()))


def kinds(valence: float, arousal: float) -> dict[str, float]:
    """Shares of the four kinds of feeling that valence and arousal (0..1) come to; they add up to 1."""
    return {
        "sad": (1 - arousal) * (1 - valence),
        "tender": (1 - arousal) * valence,
        "tense": arousal * (1 - valence),
        "joyful": arousal * valence,
    }
