"""What the figures of a batch come to: least, middle and most of each; and as a page with their distributions."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melancholia.batch.rows import FAILED, Row
from melancholia.cues import CUES
from melancholia.errors import InputError
from melancholia.files import Kind, write_text

HERE = Path(__file__).parent
PAGE = "summary.html"
MARK = b'<meta name="generator" content="melancholia batch">'
HEAD_BYTES = 1000  # of a page, in which its mark stands
MOST_LISTED = 500  # failures on a page; the manifest has all
BARS = 24
LARGEST = 1e12  # figure that is drawn
NARROWEST = {"LUFS": 1.0, "LU": 1.0, "dBTP": 1.0, "dB": 1.0}  # that a drawing spans, by unit
FIGURES = {  # of a row, in words and unit
    "before_lufs": ("loudness before", "LUFS"),
    "lufs": ("loudness", "LUFS"),
    "range_lu": ("loudness range before", "LU"),
    "true_peak_dbtp": ("true peak", "dBTP"),
    "gain_db": ("gain", "dB"),
    "reduction_db": ("limited by at most", "dB"),
    "length_s": ("length", "s"),
}


@dataclass(frozen=True, slots=True)
class Spread:
    """How a figure is spread over files: its name in words, its unit, and its values where it has any."""

    name: str
    unit: str
    values: NDArray[np.float64]

    @property
    def least(self) -> float:
        return float(self.values.min())

    @property
    def middle(self) -> float:
        return float(np.median(self.values))

    @property
    def most(self) -> float:
        return float(self.values.max())

    @property
    def low(self) -> float:
        """Where a drawing of it begins: at the least, but for values that hardly differ."""
        return self.least - max(0.0, self.narrowest - (self.most - self.least)) / 2

    @property
    def high(self) -> float:
        """Where a drawing of it ends."""
        return max(self.most, self.low + self.narrowest)

    @property
    def narrowest(self) -> float:
        return NARROWEST.get(self.unit, 0.05 * abs(self.middle) or 1.0)

    def bars(self) -> list[tuple[float, float, float]]:
        """A histogram from `low` to `high`: each bar's left edge, width and height, as shares of the whole."""
        counts, edges = np.histogram(self.values, BARS, (self.low, self.high))
        at = (edges - edges[0]) / (edges[-1] - edges[0])
        tall = counts / counts.max()
        return [(float(x), float(w), float(y)) for x, w, y in zip(at[:-1], np.diff(at), tall, strict=True) if y]


def spreads(rows: Iterable[Row]) -> list[Spread]:
    """The figures of all files that are done: of the master first, then of the verdict, sadness and each cue."""
    found: dict[str, list[float]] = {}
    units = {words: unit for words, unit in FIGURES.values()} | {"sadness": "", "work": "s"}
    units |= {name.replace("_", " "): cue.unit for name, cue in CUES.items()}
    for row in rows:
        if row.status == FAILED:
            continue
        said = {words: row.figures.get(name) for name, (words, _) in FIGURES.items()}
        said |= {"sadness": row.verdict.get("sadness"), "work": row.seconds}
        said |= {name.replace("_", " "): value for name, value in row.verdict.get("cues", {}).items()}
        for name, value in said.items():
            if isinstance(value, int | float) and abs(value) < LARGEST:
                found.setdefault(name, []).append(float(value))
    return [Spread(name, units.get(name, ""), np.array(values)) for name, values in found.items()]


def write_page(folder: Path, rows: Iterable[Row], *, title: str, lines: Iterable[str]) -> Path:
    """Write ``summary.html`` into an output folder: what failed, what did not match, and how the figures are spread.

    `lines` are said below the title.

    Raises
    ------
    InputError
        Something stands there that is no page.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    kept = list(rows)
    environment = Environment(
        loader=FileSystemLoader([HERE, HERE.parent / "report"]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    failed = [row for row in kept if row.status == FAILED]
    unmatched = [row for row in kept if row.verdict.get("matched") is False]
    html = environment.get_template("summary.html.jinja").render(
        title=title,
        lines=list(lines),
        failed=failed[:MOST_LISTED],
        unmatched=unmatched[:MOST_LISTED],
        more={"failed": max(0, len(failed) - MOST_LISTED), "unmatched": max(0, len(unmatched) - MOST_LISTED)},
        spreads=spreads(kept),
    )
    check_page(folder)
    write_text(folder / PAGE, html.encode("utf-8", "backslashreplace").decode(), over=PAGES)  # names may be no UTF-8
    return folder / PAGE


def check_page(folder: Path) -> None:
    """Refuse a place for the page where something else stands.

    Raises
    ------
    InputError
        It is no page of ours, or a link.
    """
    path = folder / PAGE
    if os.path.lexists(path) and (path.is_symlink() or not is_page(path)):
        raise InputError(f"{path} is no page of ours; allowed: --no-report, or another output folder.")


def is_page(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK in file.read(HEAD_BYTES)


PAGES = Kind("a page of ours", is_page)
