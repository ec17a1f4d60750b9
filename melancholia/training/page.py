"""A corpus on a page: how many works, what was refused, and every figure of `statistics`, drawn by group."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from melancholia.files import Kind, write_text
from melancholia.training.corpus import Corpus
from melancholia.training.split import split
from melancholia.training.statistics import GROUPS, Shares, Spread, describe

HERE = Path(__file__).parent
MARK = b'<meta name="generator" content="melancholia learn">'
HEAD_BYTES = 1000
MOST_LISTED = 500
LEAST_SHOWN = 0.002  # a class below that in every group is left out


def is_page(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK in file.read(HEAD_BYTES)


PAGE = Kind("a page about a corpus", is_page)


@dataclass(frozen=True, slots=True)
class Box:
    """Quantiles of a group on a common scale, as shares of its width; `middle` is the median itself."""

    group: str
    at: tuple[float, ...]
    values: tuple[float, ...]


def boxes(spread: Spread) -> list[Box]:
    """The groups of a figure side by side, from the lowest to the highest quantile of all."""
    found = {group: spread.quantiles(group) for group in GROUPS}
    known = np.array([values for values in found.values() if np.isfinite(values).all()])
    if not known.size:
        return []
    low, high = float(known.min()), float(known.max())
    reach = max(high - low, 1e-9)
    return [
        Box(group, tuple((value - low) / reach for value in values), values)
        for group, values in found.items()
        if np.isfinite(values).all()
    ]


@dataclass(frozen=True, slots=True)
class Bar:
    """A class: its label, and its share in each group, also against the greatest share of all."""

    label: str
    shares: dict[str, float]
    tall: dict[str, float]


def bars(shares: Shares) -> list[Bar]:
    """The classes of a figure that any group has."""
    most = max((float(values.max()) for values in shares.values.values()), default=0.0)
    if most <= 0:
        return []
    rows = [{group: float(shares.values[group][k]) for group in GROUPS} for k in range(len(shares.labels))]
    return [
        Bar(label, row, {group: value / most for group, value in row.items()})
        for label, row in zip(shares.labels, rows, strict=True)
        if max(row.values()) >= LEAST_SHOWN
    ]


def summary(corpus: Corpus) -> list[str]:
    """What a corpus holds, in sentences."""
    works = corpus.works
    notes = sum(len(work.everything) for work in works)
    hours = sum(work.seconds for work in works) / 3600
    composers = Counter(work.composer for work in works if work.composer)
    sides = Counter(split(works))
    players = Counter(who for work in works for who in work.lines)
    said = [
        f"{len(works)} works by {len(composers)} composers: {notes:,} notes, {hours:.1f} hours as written.",
        f"{sum(work.minor for work in works)} begin in minor. {len(corpus.refused)} were refused.",
        "Learned from: " + ", ".join(f"{sides.get(side, 0)} {side}" for side in ("train", "validation", "test")) + ".",
        "Lines: " + ", ".join(f"{who} {count}" for who, count in players.most_common()) + ".",
    ]
    if composers:
        most = ", ".join(f"{name} {count}" for name, count in composers.most_common(8))
        said.append(f"Most works: {most}.")
    return said


def write_page(corpus: Corpus, path: Path, *, force: bool = False) -> None:
    """Write the page, atomically; with `force` in place of another such page."""
    write_text(path, rendered(corpus), over=PAGE if force else None)


def rendered(corpus: Corpus) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([HERE, HERE.parent / "report"]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    spreads, shares = describe(corpus.works)
    html = environment.get_template("corpus.html.jinja").render(
        lines=summary(corpus),
        counts=group_sizes(spreads),
        spreads=[(one, drawn) for one, drawn in ((one, boxes(one)) for one in spreads) if drawn],
        shares=[(one, drawn) for one, drawn in ((one, bars(one)) for one in shares) if drawn],
        refused=corpus.refused[:MOST_LISTED],
        more=max(0, len(corpus.refused) - MOST_LISTED),
    )
    return html.encode("utf-8", "backslashreplace").decode()  # names may be no UTF-8


def group_sizes(spreads: Sequence[Spread]) -> dict[str, int]:
    return {group: len(values) for group, values in spreads[0].values.items()}
