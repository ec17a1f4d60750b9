"""What a corpus is like, in figures: of its tunes, its accompaniments, its keys and its time; by mode and pace.

A `Spread` has one value a work, a `Shares` one share a class over all works of a group. Times are as written: a beat
is a quarter, or a dotted one in 6/8, 9/8 and 12/8.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import TICKS, beat_ticks
from melancholia.training.musicxml import BEATS, LENGTH, START, UNIT
from melancholia.training.works import Work, top_line

SLOW_WORDS = re.compile(r"\b(lent|lang|adag|larg|grave|mest|dolor|traur|trist|breit|slow)", re.I)
SLOW_BPM = 76.0
GROUPS: dict[str, Callable[[Work], bool]] = {
    "minor": lambda work: work.minor,
    "major": lambda work: not work.minor,
    "slow minor": lambda work: work.minor and is_slow(work),
}
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
DEGREES = ("1", "b2", "2", "b3", "3", "4", "#4", "5", "b6", "6", "b7", "7")
INTERVALS = range(-12, 13)
LENGTHS = {"1/6": 8, "1/4": 12, "1/3": 16, "1/2": 24, "2/3": 32, "3/4": 36, "1": 48, "3/2": 72, "2": 96, "3": 144}
LATE = 0.7  # of a bar: what begins later is an upbeat


def is_slow(work: Work) -> bool:
    """Whether a work says that it is slow, in words or by its tempo."""
    return work.bpm <= SLOW_BPM or bool(SLOW_WORDS.search(work.words))


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A figure of each work: its name, its unit, and its values by group; NaN where a work has none."""

    name: str
    unit: str
    values: Mapping[str, NDArray[np.float64]]

    def quantiles(self, group: str) -> tuple[float, ...]:
        """At `QUANTILES`; NaN for an empty group."""
        known = self.values[group][np.isfinite(self.values[group])]
        return tuple(np.quantile(known, QUANTILES).tolist()) if len(known) else (np.nan,) * len(QUANTILES)


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """How a group's time, notes or works fall into classes: shares 0..1 by group, in the order of `labels`."""

    name: str
    labels: tuple[str, ...]
    values: Mapping[str, NDArray[np.float64]]


def beat_of(work: Work) -> int:
    """Ticks of the beat that is felt."""
    return beat_ticks(work.metre)


def moves(work: Work) -> NDArray[np.int64]:
    """Semitones from tone to tone inside the phrases of the tune."""
    found = [np.diff(phrase[:, 2]) for phrase in work.melody.phrases()]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def degrees(work: Work, notes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Semitones of notes above the tonic of the key that they stand in."""
    return np.asarray((notes[:, 2] - work.keys[work.bar_of(notes[:, 0]), 0]) % 12)


def accompaniment(work: Work) -> NDArray[np.int64]:
    return work.of_role("counter", "harmony", "bass", "texture")


def rate(work: Work, notes: NDArray[np.int64]) -> float:
    """Onsets a second."""
    return len(np.unique(notes[:, 0])) / work.seconds if len(notes) else np.nan


def mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else np.nan


def phrase_spans(work: Work) -> NDArray[np.int64]:
    """First onset and last release of each phrase of the tune, in ticks."""
    return np.array([(p[0, 0], p[-1, 0] + p[-1, 1]) for p in work.melody.phrases()], np.int64).reshape(-1, 2)


def starts_in_bar(work: Work) -> NDArray[np.float64]:
    """Where in its bar each phrase begins, 0 to 1."""
    first = phrase_spans(work)[:, 0]
    bars = work.bars[work.bar_of(first)]
    return np.asarray(work.place_of(first) * bars[:, UNIT] / (bars[:, BEATS] * 4 * TICKS))


def rhythms(work: Work) -> list[tuple[tuple[int, int], ...]]:
    """Each bar of the tune that has a note, as places and lengths."""
    line = work.melody.notes
    found: dict[int, list[tuple[int, int]]] = {}
    places = work.place_of(line[:, 0])
    for bar, place, length in zip(work.bar_of(line[:, 0]).tolist(), places.tolist(), line[:, 1].tolist(), strict=True):
        found.setdefault(bar, []).append((place, length))
    return [tuple(bar) for bar in found.values()]


def returning(bars: Sequence[object]) -> float:
    """Share of bars that are as one before."""
    return 1 - len(set(bars)) / len(bars) if bars else np.nan


def tones_an_onset(work: Work) -> float:
    """Of the accompaniment."""
    notes = accompaniment(work)
    return len(notes) / len(np.unique(notes[:, 0])) if len(notes) else np.nan


def top_changes(work: Work) -> float:
    """How often a bar the highest tone of the accompaniment moves."""
    line = top_line(accompaniment(work))
    return float((np.diff(line[:, 2]) != 0).sum() / len(work.bars)) if len(line) > 1 else np.nan


def away(work: Work) -> float:
    """Share of the time in other keys than home."""
    lengths = work.bars[:, LENGTH]
    return float(lengths[(work.keys != work.homes).any(axis=1)].sum() / lengths.sum())


def leaves_at(work: Work) -> float:
    """Seconds until a first bar in another key than home; NaN for a work that stays."""
    gone = np.flatnonzero((work.keys != work.homes).any(axis=1))
    return float(work.seconds_at(work.bars[gone[:1], START])[0]) if len(gone) else np.nan


def stretches(work: Work) -> int:
    """How many stretches in one key follow one another."""
    return 1 + int((np.diff(work.keys, axis=0) != 0).any(axis=1).sum())


def peak_at(work: Work) -> float:
    """Where the highest tone of the tune begins, as a share of the whole."""
    line = work.melody.notes
    return float(line[line[:, 2].argmax(), 0] / work.end)


def turns(work: Work) -> float:
    """Share of neighbouring moves that go opposite ways."""
    pairs = [m[1:] * m[:-1] < 0 for m in (np.diff(p[:, 2]) for p in work.melody.phrases()) if len(m) > 1]
    return mean(np.concatenate(pairs)) if pairs else np.nan


OF_WORKS: dict[str, tuple[str, Callable[[Work], float]]] = {
    "length": ("s", lambda w: w.seconds),
    "tempo": ("quarters a minute", lambda w: w.bpm),
    "tune: mean pitch": ("MIDI", lambda w: mean(w.melody.notes[:, 2])),
    "tune: range": ("semitones", lambda w: float(np.subtract(*np.percentile(w.melody.notes[:, 2], (97, 3))))),
    "tune: tones a second": ("", lambda w: rate(w, w.melody.notes)),
    "tune: tones a beat": ("", lambda w: len(w.melody.notes) * beat_of(w) / w.end),
    "tune: highest tone at": ("of the whole", peak_at),
    "tune: steps": ("of moves", lambda w: mean(np.abs(m[m != 0]) <= 2) if len(m := moves(w)) else np.nan),
    "tune: falling": ("of moves", lambda w: mean(m[m != 0] < 0) if len(m := moves(w)) else np.nan),
    "tune: repeated tones": ("of moves", lambda w: mean(moves(w) == 0)),
    "tune: turns": ("of pairs of moves", turns),
    "tune: sounding": ("of the time", lambda w: float(w.melody.notes[:, 1].sum() / w.end)),
    "phrase: tones": ("", lambda w: float(np.median([len(p) for p in w.melody.phrases()]))),
    "phrase: length": ("s", lambda w: float(np.median(np.diff(w.seconds_at(phrase_spans(w))).ravel()))),
    "phrases that start on the downbeat": ("", lambda w: mean(starts_in_bar(w) == 0)),
    "phrases that start late in a bar": ("", lambda w: mean(starts_in_bar(w) >= LATE)),
    "bars of the tune in a rhythm had before": ("", lambda w: returning(rhythms(w))),
    "accompaniment: mean pitch": ("MIDI", lambda w: mean(accompaniment(w)[:, 2])),
    "accompaniment: onsets a second": ("", lambda w: rate(w, accompaniment(w))),
    "accompaniment: tones an onset": ("", tones_an_onset),
    "accompaniment: its top moves": ("a bar", top_changes),
    "keys: stretches": ("", stretches),
    "keys: away from home": ("of the time", away),
    "keys: leaves home after": ("s", leaves_at),
}  # fmt: skip


def counted(
    works: Sequence[Work], classes: Callable[[Work], Mapping[str, float]], labels: Sequence[str]
) -> NDArray[np.float64]:
    total: Counter[str] = Counter()
    for work in works:
        total.update(classes(work))
    found = np.array([total[label] for label in labels], float)
    return np.asarray(found / max(found.sum(), 1e-12))


def weighed(
    labels: Sequence[str], which: NDArray[np.int64], weights: NDArray[np.generic] | None = None
) -> dict[str, float]:
    sums = np.bincount(which, weights, len(labels))
    return dict(zip(labels, sums.tolist(), strict=True))


def intervals(work: Work) -> dict[str, float]:
    return weighed([f"{k:+d}" for k in INTERVALS], np.clip(moves(work), -12, 12) + 12)


def degrees_by_time(work: Work) -> dict[str, float]:
    line = work.melody.notes
    return weighed(DEGREES, degrees(work, line), line[:, 1])


def degrees_at(place: int) -> Callable[[Work], dict[str, float]]:
    return lambda work: weighed(DEGREES, degrees(work, np.array([p[place] for p in work.melody.phrases()])))


def note_lengths(work: Work) -> dict[str, float]:
    """Lengths of the tune's notes in quarters, each to the nearest by ratio."""
    known = np.log([*LENGTHS.values()])
    nearest = np.abs(np.log(work.melody.notes[:, 1])[:, None] - known).argmin(axis=1)
    return weighed([*LENGTHS], nearest)


def keys_gone_to(work: Work) -> dict[str, float]:
    """Time in each other key, by its tonic above home; small letters are minor."""
    gone = (work.keys != work.homes).any(axis=1)
    above = (work.keys[gone, 0] - work.homes[gone, 0]) % 12
    return weighed([*KEYS], above + 12 * work.keys[gone, 1], work.bars[gone, LENGTH])


NUMERALS = ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII")
KEYS = (*NUMERALS, *(name.lower() for name in NUMERALS))
METRES = ("4/4", "3/4", "2/4", "6/8", "2/2", "3/8", "9/8", "12/8", "6/4", "3/2", "5/4", "other")
OF_GROUPS: dict[str, tuple[tuple[str, ...], Callable[[Work], Mapping[str, float]]]] = {
    "metre, of works": (METRES, lambda w: {m if (m := f"{w.metre[0]}/{w.metre[1]}") in METRES else "other": 1}),
    "tune: moves, in semitones": (tuple(f"{k:+d}" for k in INTERVALS), intervals),
    "tune: degrees of the key, by time": (DEGREES, degrees_by_time),
    "tune: degrees that phrases begin on": (DEGREES, degrees_at(0)),
    "tune: degrees that phrases end on": (DEGREES, degrees_at(-1)),
    "tune: lengths of notes, in quarters": (tuple(LENGTHS), note_lengths),
    "keys gone to, above home (small: minor), by time": (KEYS, keys_gone_to),
}


def describe(works: Sequence[Work]) -> tuple[list[Spread], list[Shares]]:
    """All figures of some works, by group."""
    groups = {name: [work for work in works if holds(work)] for name, holds in GROUPS.items()}
    spreads = [
        Spread(name, unit, {g: np.array([figure(w) for w in found], float) for g, found in groups.items()})
        for name, (unit, figure) in OF_WORKS.items()
    ]
    shares = [
        Shares(name, labels, {g: counted(found, classes, labels) for g, found in groups.items()})
        for name, (labels, classes) in OF_GROUPS.items()
    ]
    return spreads, shares
