"""Lines of works as rows that a model is trained on: the four choices of each note, and the cues under it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import (
    AT,
    GAPS,
    LENGTHS,
    SOFT,
    TICKS,
    WIDTH,
    Compass,
    beat_ticks,
    in_bar,
    left,
    nearest,
    told,
)
from melancholia.piece import Key
from melancholia.reading import CHANGE_COST, QUALITIES, chord_fit, steadiest
from melancholia.training.musicxml import BEATS, LENGTH, START, UNIT
from melancholia.training.statistics import accompaniment
from melancholia.training.works import REST, Work, chroma_of

RESTS = (REST, 2 * REST, 4 * REST, 8 * REST)  # that end a phrase, from a breath to a bar: plans are of any breadth
CHORDAL = 0.12  # of the chord's 3: a tone with more is one of its own
HALVED = 4 * TICKS  # a bar of so many ticks or more may have two chords


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A line as a model is trained on it: choices, shape (notes, 4) in the order of `coding.FIELDS`, and its cues.

    The cues are those of phrases cut at each of some rests. The chord under a note is told in two ways, as `heard`
    (what the others sound over a quarter) and as `meant` (the chord that is found in its half bar): a plan knows no
    passing tones. The gap of the first note is that to the bar line before it.
    """

    name: str
    choices: NDArray[np.int64]
    cues: tuple[NDArray[np.float32], ...]
    heard: NDArray[np.float32]
    meant: NDArray[np.float32]

    def told(self, phrasing: int, *, meant: bool) -> NDArray[np.float32]:
        """The cues with one way of phrasing and one of telling chords."""
        found = self.cues[phrasing].copy()
        found[:, AT["chord"]] = self.meant if meant else self.heard
        return found


def coded(work: Work, rests: tuple[int, ...] = RESTS) -> Coded:
    """The tune of a work, with its phrases cut at rests of each of these lengths (ticks)."""
    line = work.melody.notes
    bar = work.bar_of(line[:, 0])
    place = work.place_of(line[:, 0])
    tonic = work.homes[bar, 0]
    pitch_class, octave = coded_pitches(line[:, 2], tonic)
    gaps = np.diff(line[:, 0], prepend=line[0, 0] - max(place[0], int(GAPS[0])))
    choices = np.column_stack([nearest(GAPS, gaps), pitch_class, octave, nearest(LENGTHS, line[:, 1])])
    fixed = np.zeros((len(line), WIDTH), np.float32)
    fixed[np.arange(len(line)), AT["mode"].start + work.homes[bar, 1]] = 1
    size = work.bars[bar, BEATS] * 4 * TICKS // work.bars[bar, UNIT]
    beat = [beat_ticks((beats, unit)) for beats, unit in work.bars[bar][:, [BEATS, UNIT]].tolist()]
    fixed[:, AT["bar"].start : AT["on_beat"].stop] = in_bar(place, size, beat)
    heard, meant = chords_heard(work, line[:, 0], tonic), chords_meant(work, line[:, 0], tonic)
    foreign = heard[np.arange(len(line)), pitch_class] < CHORDAL
    cues = tuple(phrased(line, fixed, pitch_class, foreign, rest) for rest in rests)
    return Coded(work.name, choices, cues, heard.astype(np.float32), meant.astype(np.float32))


def coded_pitches(pitches: NDArray[np.int64], tonic: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pitch class above the home of each note, and octave about the line's median."""
    median = float(np.median(pitches))
    found = np.zeros((2, len(pitches)), np.int64)
    for home in np.unique(tonic).tolist():
        found[:, tonic == home] = Compass.about(home, median).coded(pitches[tonic == home])
    return found[0], found[1]


def chords_heard(work: Work, onsets: NDArray[np.int64], tonic: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the others sound over the quarter from each onset: time of each pitch class above home, adding up to 3."""
    others = accompaniment(work)
    found = np.zeros((len(onsets), 12))
    if not len(others):
        return found
    start, end = others[:, 0], others[:, 0] + others[:, 1]
    longest = int(others[:, 1].max())
    first = np.searchsorted(start, onsets - longest)
    last = np.searchsorted(start, onsets + TICKS)
    for k, (at, a, b) in enumerate(zip(onsets.tolist(), first.tolist(), last.tolist(), strict=True)):
        held = np.minimum(end[a:b], at + TICKS) - np.maximum(start[a:b], at)
        sounding = held > 0
        found[k] = np.bincount((others[a:b][sounding, 2] - tonic[k]) % 12, held[sounding], 12)
    total = found.sum(axis=1, keepdims=True)
    return np.where(total > 0, 3 * found / np.maximum(total, 1e-9), 0.0)


def chords_meant(work: Work, onsets: NDArray[np.int64], tonic: NDArray[np.int64]) -> NDArray[np.float64]:
    """The chord of the half bar (or bar) that each onset lies in, as equal shares of 3 above home."""
    starts, sizes = work.bars[:, START], work.bars[:, LENGTH]
    edges = np.unique(np.concatenate([starts, (starts + sizes // 2)[sizes >= HALVED], [work.end]]))
    tones = chroma_of(work.everything, edges)
    total = tones.sum(axis=1, keepdims=True)
    bass = np.zeros_like(tones)
    for k, low in enumerate(lowest(work.everything, edges)):
        if low >= 0:
            bass[k, low % 12] = 1
    names = [(root, quality) for quality in QUALITIES for root in range(12)]
    home = Key(work.tonic, "minor" if work.minor else "major")
    fit = chord_fit(tones / np.maximum(total, 1e-9), bass, names, home) * (total > 0)
    chords = np.zeros((len(names), 12))
    for k, (root, quality) in enumerate(names):
        chords[k, [(root + step) % 12 for step in QUALITIES[quality]]] = 3 / len(QUALITIES[quality])
    path = np.array(steadiest(fit, CHANGE_COST))
    span = np.clip(np.searchsorted(edges, onsets, side="right") - 1, 0, len(path) - 1)
    found = chords[path[span]] * (total[span] > 0)
    return np.take_along_axis(found, (np.arange(12)[None] + tonic[:, None]) % 12, axis=1)


def lowest(notes: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """The lowest pitch that sounds between edges, -1 where none does."""
    found = np.full(len(edges) - 1, 128)
    first = np.clip(np.searchsorted(edges, notes[:, 0], side="right") - 1, 0, len(edges) - 2)
    last = np.clip(np.searchsorted(edges, notes[:, 0] + notes[:, 1], side="left") - 1, 0, len(edges) - 2)
    for reach in range(int((last - first).max(initial=0)) + 1):
        here = first + reach <= last
        np.minimum.at(found, first[here] + reach, notes[here, 2])
    return np.where(found < 128, found, -1)


def phrased(
    line: NDArray[np.int64],
    fixed: NDArray[np.float32],
    pitch_class: NDArray[np.int64],
    foreign: NDArray[np.bool_],
    rest: int,
) -> NDArray[np.float32]:
    """The cues with those of phrases that end in rests of so many ticks."""
    cues = fixed.copy()
    silent = line[1:, 0] - line[:-1, 0] - line[:-1, 1]
    edges = [0, *(np.flatnonzero(silent >= rest) + 1).tolist(), len(line)]
    median = float(np.median(line[:, 2]))
    for a, b in zip(edges, edges[1:], strict=False):
        rows = slice(a, b)
        last = line[b - 1]
        cues[rows, AT["left"]] = left(last[0] - line[rows, 0])
        cues[b - 1, AT["last"]] = 1
        cues[rows, AT["degree"].start + pitch_class[b - 1]] = 1
        span = (last[0] + last[1] - line[a, 0]) / TICKS
        moves = np.abs(np.diff(line[rows, 2]))
        cues[rows, AT["density"]] = told("density", (b - a) / max(span, 0.25))
        cues[rows, AT["register"]] = told("register", line[rows, 2].mean() - median)
        cues[rows, AT["leaps"]] = told("leaps", moves.mean()) if len(moves) else 0
        cues[rows, AT["dissonance"]] = told("dissonance", foreign[rows].mean())
    cues[:, AT["known"]] = 1
    return cues


assert len(SOFT) == AT["known"].stop - AT["known"].start
