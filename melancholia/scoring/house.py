"""A house's own ears: its ratings move the verdict a little, and only where that foretells ratings it has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from melancholia.cues import CUES
from melancholia.errors import InputError, MelancholiaError
from melancholia.files import Kind
from melancholia.listener import contributions, kind, share_of_own, side, squeeze, stretch
from melancholia.tables import read_table

FEWEST = 12  # ratings
FOLDS = 6
RIDGE_SCALE, RIDGE_CUE = 1.0, 30.0  # how firmly the slope stays at 1, and the cues where they are, in ratings
EDGE = 0.02  # ratings of 0 and 1 are taken as this far inside


@dataclass(frozen=True, slots=True)
class House:
    """What a house hears differently: the plain sum times `slope` plus `offset`, and `weights` on the cues."""

    offset: float = 0.0
    slope: float = 1.0
    weights: Mapping[str, float] = field(default_factory=dict)

    def contributions(
        self, values: Mapping[str, float], own: float, music: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """What each cue adds, as `listener.contributions`, to this house's ears."""
        adds = {name: self.slope * value for name, value in contributions(values, own=own, music=music).items()}
        adds["base"] += self.offset
        for name, weight in self.weights.items():
            read = side(name, values, values if music is None else music)
            adds[name] = adds.get(name, 0.0) + weight * kind("mixes").score(name, read)
        return adds


PLAIN = House()


@dataclass(frozen=True, slots=True)
class Fitted:
    """A house that was fitted, and its mean absolute error and r with ratings held out, before and after."""

    house: House
    ratings: int
    error_before: float
    error_after: float
    r_before: float
    r_after: float

    @property
    def gains(self) -> bool:
        return self.error_after < self.error_before


def fit_house(heard: Sequence[Mapping[str, float]], ratings: Sequence[float]) -> Fitted:
    """Fit a house to ratings 0..1 of recordings whose cue values were heard; judged by cross-validation.

    Parameters
    ----------
    heard : sequence of mappings
        Cue values of each recording, as `Analysis.values`.
    ratings : sequence of float
        How sad people found each, 0 to 1; 12 or more.

    Returns
    -------
    Fitted
        The house, and its error and correlation on ratings that it was not shown, before and after.

    Raises
    ------
    InputError
        There are fewer than 12 ratings, one lies outside 0..1, or all are the same.
    """
    rated = np.array(ratings, float)
    if len(rated) < FEWEST:
        raise InputError(f"there are {len(rated)} ratings; allowed: {FEWEST} or more.")
    for value in rated:
        if not 0 <= value <= 1:
            raise InputError(f"a rating is {value:g}; allowed: 0 to 1.")
    if np.ptp(rated) == 0:
        raise InputError("all ratings are the same; allowed: ratings that differ.")
    names = sorted(kind("mixes").sums["sadness"].weights)
    plain = np.array([sum(contributions(v, own=share_of_own(v)).values()) for v in heard])
    rows = np.array([[kind("mixes").score(name, v) for name in names] for v in heard])
    wanted = np.array([stretch(float(np.clip(r, EDGE, 1 - EDGE))) for r in rated])
    fold = np.random.default_rng(0).permutation(len(rated)) % FOLDS
    after = np.empty(len(rated))
    for k in range(FOLDS):
        offset, slope, weights = ridge(plain[fold != k], rows[fold != k], wanted[fold != k])
        after[fold == k] = offset + slope * plain[fold == k] + rows[fold == k] @ weights
    offset, slope, weights = ridge(plain, rows, wanted)
    said = [np.array([squeeze(float(total)) for total in totals]) for totals in (plain, after)]
    errors = [float(np.abs(guess - rated).mean()) for guess in said]
    r = [float(np.corrcoef(guess, rated)[0, 1]) if np.ptp(guess) else 0.0 for guess in said]
    house = House(
        round(offset, 4), round(slope, 4), {n: round(float(w), 4) for n, w in zip(names, weights, strict=True)}
    )
    return Fitted(house, len(rated), *errors, *r)


def ridge(
    plain: NDArray[np.float64], rows: NDArray[np.float64], wanted: NDArray[np.float64]
) -> tuple[float, float, NDArray[np.float64]]:
    """Offset, slope and weights of the cues that come nearest to `wanted`, none far from 0, 1 and 0 without need."""
    x = np.column_stack([np.ones(len(plain)), plain, rows])
    firm = np.diag([1e-6, RIDGE_SCALE, *np.full(rows.shape[1], RIDGE_CUE)])
    found = np.linalg.solve(x.T @ x + firm, x.T @ (wanted - plain))
    return float(found[0]), 1 + float(found[1]), found[2:]


def house_text(fitted: Fitted, name: str) -> str:
    """A house as the text of its file."""
    lines = [
        f"# {name}: fitted to {fitted.ratings} ratings. Held out, the error is {fitted.error_after:.3f} instead of",
        f"# {fitted.error_before:.3f}, r {fitted.r_after:.2f} instead of {fitted.r_before:.2f}.",
        f"offset = {fitted.house.offset:.4f}",
        f"slope = {fitted.house.slope:.4f}",
        "",
        "[weights]",
        *(f"{cue} = {weight:.4f}" for cue, weight in fitted.house.weights.items()),
    ]
    return "\n".join(lines) + "\n"


def is_house(path: Path) -> bool:
    try:
        load_house(path)
    except (MelancholiaError, OSError, ValueError):
        return False
    return True


HOUSE = Kind("a house's file", is_house)


def load_house(path: Path | str) -> House:
    """A house from its file.

    Parameters
    ----------
    path : path
        A file that ``melancholia listener fit`` wrote.

    Returns
    -------
    House

    Raises
    ------
    InputError
        There is no such file, or it says something that it cannot.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} does not exist; allowed: a file that `melancholia listener fit` wrote.")
    table = read_table(Path(path)).only(("offset", "slope", "weights"))
    weights = table.table("weights", required=False).only(CUES)
    return House(
        table.number("offset", -10, 10),
        table.number("slope", -10, 10),
        MappingProxyType({name: weights.number(name, -5, 5) for name in weights.data}),
    )
