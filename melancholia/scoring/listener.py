"""From cues to sadness: a prior from controlled experiments and a small logistic, on cues ranked among their kind.

Each cue becomes a normal score by its place among known recordings: found mixes, or our own renders from happy to
sad. Which of the two is weighed by how many cues lie outside what mixes hold. All is additive: the contributions of
the cues sum to the verdict before it is squeezed into 0..1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from melancholia.cues import CUES
from melancholia.files import data_folder
from melancholia.tables import Table, read_table

CLAMP = 2.3  # our sparse music lies outside several rows; beyond this a single cue would decide
FEW_OUTSIDE, MANY_OUTSIDE = 0.1, 0.4  # shares of cues beyond the 2nd or 98th percentile of mixes
PEOPLE_SD = 0.16  # how far listeners differ among themselves, a sixth of their scale (VGMIDI, 30 raters a piece)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of recording: quantiles of its cues, a logistic where people's words were at hand, and the scale."""

    probabilities: tuple[float, ...]
    quantiles: Mapping[str, tuple[float, ...]]
    logistic: Mapping[str, float]
    bias: float
    offset: float
    slope: float
    pace: Mapping[str, float]

    def rate(self, values: Mapping[str, float]) -> float:
        """Tones a second: as counted, or by the scale's own line through what tells the pace of this kind."""
        if not self.pace:
            return values["event_rate"]
        logs = {n: math.log(max(values[n], 1e-3)) for n in ("event_rate", "fast_modulation")}
        logs["slow_modulation"] = values["slow_modulation"]
        return math.exp(self.pace["constant"] + sum(self.pace[name] * value for name, value in logs.items()))

    def score(self, name: str, values: Mapping[str, float]) -> float:
        """The cue's normal score among this kind; the pace stands for the event rate."""
        return self.z(name, self.rate(values) if name == "event_rate" else values[name])

    def z(self, name: str, value: float) -> float:
        """A value as a normal score among this kind."""
        scores = [NormalDist().inv_cdf(p) for p in self.probabilities]
        points = self.quantiles[name]
        if value <= points[0]:
            step = (points[1] - points[0]) / (scores[1] - scores[0])
            found = scores[0] + (value - points[0]) / max(step, 1e-9)
        elif value >= points[-1]:
            step = (points[-1] - points[-2]) / (scores[-1] - scores[-2])
            found = scores[-1] + (value - points[-1]) / max(step, 1e-9)
        else:
            found = float(np.interp(value, points, scores))
        return min(CLAMP, max(-CLAMP, found))


@cache
def prior() -> Mapping[str, float]:
    table = read_table(data_folder("assets") / "listener" / "prior.toml").only(("about", "weights"))
    weights = table.table("weights").only(CUES)
    return {name: weights.number(name, -2, 2) for name in weights.data}


@cache
def kind(name: str) -> Kind:
    table = read_table(data_folder("assets") / "listener" / f"{name}.toml")
    table.only(("about", "quantiles", "values", "logistic", "scale", "pace"))
    values = table.table("values").only(CUES)
    logistic = table.table("logistic", required=False)
    scale = table.table("scale").only(("offset", "slope"))
    pace = table.table("pace", required=False).only(("constant", "event_rate", "slow_modulation", "fast_modulation"))
    return Kind(
        probabilities=tuple(table.need("quantiles")),
        quantiles={name: rising(values, name) for name in values.data},
        logistic={name: logistic.number(name, -5, 5) for name in logistic.data if name != "bias"},
        bias=logistic.number("bias", -5, 5, default=0.0),
        offset=scale.number("offset", -10, 10),
        slope=scale.number("slope", 0, 10),
        pace={name: pace.number(name, -10, 10) for name in pace.data},
    )


def rising(table: Table, name: str) -> tuple[float, ...]:
    row = table.data[name]
    if not isinstance(row, list) or any(b < a for a, b in zip(row, row[1:], strict=False)):
        raise table.fail(name, "must rise from quantile to quantile.")
    return tuple(float(value) for value in row)


def share_of_own(values: Mapping[str, float]) -> float:
    """0 for a recording like found mixes, 1 for one whose cues lie outside them."""
    mixes = kind("mixes")
    outside = [not points[0] <= values[name] <= points[-1] for name, points in mixes.quantiles.items()]
    return min(1.0, max(0.0, (sum(outside) / len(outside) - FEW_OUTSIDE) / (MANY_OUTSIDE - FEW_OUTSIDE)))


def contributions(values: Mapping[str, float], *, own: float | None = None) -> dict[str, float]:
    """What each cue adds to the verdict, in logits; "base" is what is there without any."""
    share = share_of_own(values) if own is None else own
    total: dict[str, float] = {"base": 0.0}
    for name, weight in (("mixes", 1 - share), ("own", share)):
        if weight == 0:
            continue
        found = kind(name)
        half = 0.5 if found.logistic else 1.0
        total["base"] += weight * (found.offset + found.slope * (1 - half) * found.bias)
        for cue in {*prior(), *found.logistic}:
            each = half * prior().get(cue, 0.0) + (1 - half) * found.logistic.get(cue, 0.0)
            total[cue] = total.get(cue, 0.0) + weight * found.slope * each * found.score(cue, values)
    return total


def sadness(values: Mapping[str, float], *, own: float | None = None) -> float:
    """Sadness 0..1 of the values of all cues."""
    return 1 / (1 + math.exp(-sum(contributions(values, own=own).values())))
