"""How pianists accompany: the figures of each hand that several composers wrote, and bars in a row made of them.

A figure says when a hand strikes which tone of its chord, counted from below: not which chord. What only one composer
wrote is his, and is left out.
"""

import datetime
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import TICKS
from melancholia.composition.figurations import Bank
from melancholia.errors import InputError
from melancholia.training.lines import Chords, chords_of
from melancholia.training.model import fingerprint
from melancholia.training.musicxml import BEATS, LENGTH, START, UNIT
from melancholia.training.statistics import accompaniment, mean, peak_at, rate
from melancholia.training.works import USUAL_BPM, Work

HANDS = ("left hand", "right hand")
COMPOSERS = 2  # who wrote a figure, at least
NEIGHBOUR = 2  # semitones from a tone of the chord: what is further away and none itself belongs to another chord
SHORTEST, LONGEST = 2, 4  # bars of a stretch
MOST_TONES, MOST_NOTES = 6, 48  # of a hand in a bar

Figure = tuple[tuple[int, int, int], ...]  # tick, tone of the chord from below, step beside it


@dataclass(frozen=True, slots=True)
class Hand:
    """One hand in one bar: its figure, lengths of its notes, its lowest pitch (-1: it rests), and the gaps above it."""

    figure: Figure
    lengths: tuple[int, ...]
    low: int
    gaps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of one work."""

    hands: tuple[Hand, Hand]
    metre: tuple[int, int]
    sung: bool


def bars_of(work: Work) -> list[Bar | None]:
    """The bars of a work with a voice and a piano; None where a bar is not whole, or is not of one chord at a time."""
    chords = chords_of(work)
    found: list[Bar | None] = []
    hands = [work.lines.get(who, np.zeros((0, 3), np.int64)) for who in HANDS]
    voice = work.melody.notes
    for row in work.bars.tolist():
        start, size, (beats, unit) = row[START], row[LENGTH], (row[BEATS], row[UNIT])
        if size != beats * 4 * TICKS // unit:
            found.append(None)
            continue
        played = [hand_of(notes, start, size, chords) for notes in hands]
        sung = bool(((voice[:, 0] < start + size) & (voice[:, :2].sum(axis=1) > start)).any())
        left, right = played
        whole = left is not None and right is not None and (left.figure or right.figure)
        found.append(Bar((left, right), (beats, unit), sung) if whole and left and right else None)
    return found


def hand_of(notes: NDArray[np.int64], start: int, size: int, chords: Chords) -> Hand | None:
    """What a hand does in a bar, in tones of its chords; None where it does something else."""
    inside = notes[np.searchsorted(notes[:, 0], start) : np.searchsorted(notes[:, 0], start + size)]
    if not len(inside):
        return Hand((), (), -1, ())
    if len(inside) > MOST_NOTES:
        return None
    tones = chords.tones[chords.at(inside[:, 0])] > 0
    found: dict[tuple[int, int, int], int] = {}  # the length of each note of the figure
    widest: list[int] = []
    for chord in np.unique(tones, axis=0):
        rows = inside[(tones == chord).all(axis=1)]
        own = sorted({p for p in rows[:, 2].tolist() if chord[p % 12]})
        if not own or len(own) > MOST_TONES:
            return None
        widest = max(widest, own, key=len)
        for at, length, pitch in rows.tolist():
            near = min(range(len(own)), key=lambda k, pitch=pitch, own=own: abs(own[k] - pitch))  # type: ignore[misc]
            away = pitch - own[near]
            if abs(away) > NEIGHBOUR:
                return None
            found[at - start, near, int(np.sign(away))] = min(length, 2 * size - (at - start))
    figure = tuple(sorted(found))
    gaps = tuple(np.diff(widest).tolist())
    return Hand(figure, tuple(found[note] for note in figure), int(widest[0]), gaps)


def figurations(works: Sequence[Work], today: datetime.date | None = None) -> Bank:
    """The figures and stretches of works.

    Raises
    ------
    InputError
        There are none: no work has two hands, or no figure is of several composers.
    """
    songs = [(work, bars_of(work)) for work in works if all(who in work.lines for who in HANDS)]
    composers: dict[tuple[tuple[int, int], Figure], set[str]] = defaultdict(set)
    lengths: dict[tuple[tuple[int, int], Figure], Counter[tuple[int, ...]]] = defaultdict(Counter)
    for work, bars in songs:
        for bar in bars:
            for hand in bar.hands if bar else ():
                composers[bar.metre, hand.figure].add(work.composer)  # type: ignore[union-attr]
                lengths[bar.metre, hand.figure][hand.lengths] += 1  # type: ignore[union-attr]
    shared = sorted(key for key, who in composers.items() if len(who) >= COMPOSERS)
    number = {key: k for k, key in enumerate(shared)}
    rows: list[tuple[int, ...]] = []
    kept: list[Bar] = []
    for index, (work, bars) in enumerate(songs):
        for first, until in runs(bars, number):
            there = [bar for bar in bars[first:until] if bar]
            strikes = [len({at for hand in bar.hands for at, _, _ in hand.figure}) for bar in there]
            sung = sum(bar.sung for bar in there) * 2 > len(there)
            kind = (round(work.bpm), int(work.minor), int(sung))
            rows.append((len(kept), len(there), *there[0].metre, *kind, index, sum(strikes)))
            kept += there
    if not rows:
        raise InputError("the corpus has no figures that two composers wrote for two hands; allowed: more songs.")
    return Bank.of(
        [
            [(at, length, tone, step) for (at, tone, step), length in zip(key[1], best, strict=True)]
            for key in shared
            for best in [lengths[key].most_common(1)[0][0]]
        ],
        [[(number[bar.metre, hand.figure], hand.low, hand.gaps) for hand in bar.hands] for bar in kept],
        rows,
        [song_of(work) for work, _ in songs if work.bpm != USUAL_BPM and len(accompaniment(work))],
        {
            "works": len(songs), "composers": len({work.composer for work, _ in songs}), "corpus": fingerprint(works),
            "date": str(today or datetime.date.today()),
        },
    )  # fmt: skip


def song_of(work: Work) -> tuple[float, ...]:
    """What a whole song is like, in the order of `composition.figurations.SONGS`."""
    tune, others = work.melody.notes, accompaniment(work)
    return (
        float(work.minor), math.log(work.bpm), math.log(rate(work, tune)), math.log(rate(work, others)),
        mean(tune[:, 2]), mean(others[:, 2]), peak_at(work),
    )  # fmt: skip


def runs(bars: Sequence[Bar | None], number: dict[tuple[tuple[int, int], Figure], int]) -> Iterator[tuple[int, int]]:
    """Bars in a row, of one metre, whose figures are all shared: first and end of each, `LONGEST` at most."""
    first = 0
    for k in range(len(bars) + 1):
        bar, before = bars[k] if k < len(bars) else None, bars[k - 1] if k > first else None
        fits = bar is not None and all((bar.metre, hand.figure) in number for hand in bar.hands)
        goes_on = fits and bar is not None and (before is None or before.metre == bar.metre)
        if goes_on and k - first < LONGEST:
            continue
        if k - first >= SHORTEST:
            yield first, k
        first = k if fits else k + 1
