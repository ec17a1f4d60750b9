"""Lines of works as rows that a model is trained on: the four choices of each note, and the cues under it.

A tune is told what its phrases shall be; a line beside it (`beside`) what the tune and the bass do meanwhile.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import (
    BESIDE,
    GAPS,
    LENGTHS,
    TICKS,
    TUNE,
    Compass,
    Layout,
    beat_ticks,
    in_bar,
    left,
    nearest,
    told,
)
from melancholia.composition.meanwhile import meanwhile
from melancholia.piece import Key
from melancholia.reading import CHANGE_COST, QUALITIES, chord_fit, steadiest
from melancholia.training.musicxml import BEATS, LENGTH, START, UNIT
from melancholia.training.works import PLAYERS, REST, Work, chroma_of, in_order, top_line

RESTS = (REST, 2 * REST, 4 * REST, 8 * REST)  # that end a phrase, from a breath to a bar: plans are of any breadth
CHORDAL = 0.12  # of the chord's 3: a tone with more is one of its own
HALVED = 4 * TICKS  # a bar of so many ticks or more may have two chords
BESIDE_VOICES = {"counter": "counter", "harmony": "inner", "bass": "bass"}  # by role
BASS_DEPTH = 4  # semitones above the lowest tone nearby: what is higher is no bass
FIGURE_LEAP, FIGURE_GAP = 4, 32  # semitones and ticks: a line that leaps so far so often is a broken chord
LEAST = 16  # notes of a line


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A line as a model is trained on it: choices, shape (notes, 4) in the order of `coding.FIELDS`, and its cues.

    The cues are those of phrases cut at each of some rests. The chord under a note is told in two ways, as `heard`
    (what the others sound over a quarter) and as `meant` (the chord that is found in its half bar): a plan knows no
    passing tones. The gap of the first note is that to the bar line before it.
    """

    name: str
    layout: Layout
    choices: NDArray[np.int64]
    cues: tuple[NDArray[np.float32], ...]
    heard: NDArray[np.float32]
    meant: NDArray[np.float32]

    def told(self, phrasing: int, *, meant: bool) -> NDArray[np.float32]:
        """The cues with one way of phrasing and one of telling chords."""
        found = self.cues[phrasing].copy()
        found[:, self.layout.at["chord"]] = self.meant if meant else self.heard
        return found


def tune_of(work: Work, rests: tuple[int, ...] = RESTS) -> Coded:
    """The tune of a work, with its phrases cut at rests of each of these lengths (ticks)."""
    others = in_order([notes for who, notes in work.lines.items() if PLAYERS[who] != "melody"])
    return coded(work, work.melody.notes, others, chords_of(work), TUNE, rests)


def beside(work: Work) -> list[Coded]:
    """The lines beside the tune of a work: second voices, inner ones, the bass; what is no line is left out."""
    low, chords, found = bass_of(work), chords_of(work), []
    for who, notes in work.lines.items():
        voice = BESIDE_VOICES.get(PLAYERS[who])
        if voice is None:
            continue
        line = low if voice == "bass" else top_line(notes)
        if len(line) < LEAST or (voice != "bass" and is_figure(line)):
            continue
        others = in_order([other for name, other in work.lines.items() if name != who])
        middle = float(np.median(line[:, 2]))
        more = meanwhile(line[:, 0], middle, work.melody.notes, low if voice != "bass" else low[:0], voice)
        found.append(coded(work, line, others, chords, BESIDE, (REST, 8 * REST), more))
    return found


def is_figure(line: NDArray[np.int64]) -> bool:
    """Whether a line is a broken chord."""
    leaps, gaps = np.abs(np.diff(line[:, 2])), np.diff(line[:, 0])
    return bool(np.median(leaps) >= FIGURE_LEAP and np.median(gaps) <= FIGURE_GAP)


def bass_of(work: Work) -> NDArray[np.int64]:
    """The bass of a work: the lowest tones of who has it, each held until the next where a figure is above it."""
    notes = work.of_role("bass")
    if not len(notes):
        return notes
    line = notes[np.append(True, np.diff(notes[:, 0]) > 0)]  # by start, then pitch: the first of an onset is its lowest
    reach = work.bars[work.bar_of(line[:, 0]), LENGTH] // 2
    first = np.searchsorted(line[:, 0], line[:, 0] - reach, side="right")
    last = np.searchsorted(line[:, 0], line[:, 0] + reach)
    floor = np.array([line[a:b, 2].min() for a, b in zip(first.tolist(), last.tolist(), strict=True)])
    kept = line[:, 2] <= floor + BASS_DEPTH
    ends = np.append(line[1:, 0], work.end)
    found = line.copy()
    for k in np.flatnonzero(kept).tolist():  # over what is figure
        until = k + 1
        while until < len(line) and not kept[until]:
            until += 1
        if until > k + 1:
            found[k, 1] = min(ends[until - 1], line[until - 1, :2].sum()) - line[k, 0]
    found = found[kept]
    found[:-1, 1] = np.minimum(found[:-1, 1], np.diff(found[:, 0]))
    return np.asarray(found, np.int64)


def coded(
    work: Work,
    line: NDArray[np.int64],
    others: NDArray[np.int64],
    chords: "Chords",
    layout: Layout,
    rests: tuple[int, ...],
    more: dict[str, NDArray[np.float64]] | None = None,
) -> Coded:
    """A line of a work, over the notes of the others; `more` are further columns, pitch classes among them."""
    bar = work.bar_of(line[:, 0])
    place = work.place_of(line[:, 0])
    tonic = work.homes[bar, 0]
    pitch_class, octave = coded_pitches(line[:, 2], tonic)
    gaps = np.diff(line[:, 0], prepend=line[0, 0] - max(place[0], int(GAPS[0])))
    choices = np.column_stack([nearest(GAPS, gaps), pitch_class, octave, nearest(LENGTHS, line[:, 1])])
    fixed = np.zeros((len(line), layout.width), np.float32)
    fixed[np.arange(len(line)), layout.at["mode"].start + work.homes[bar, 1]] = 1
    size = work.bars[bar, BEATS] * 4 * TICKS // work.bars[bar, UNIT]
    beat = [beat_ticks((beats, unit)) for beats, unit in work.bars[bar][:, [BEATS, UNIT]].tolist()]
    fixed[:, layout.at["bar"].start : layout.at["on_beat"].stop] = in_bar(place, size, beat)
    for name, columns in (more or {}).items():
        if columns.shape[1] == 12:  # above home
            columns = np.take_along_axis(columns, (np.arange(12)[None] + tonic[:, None]) % 12, axis=1)
        fixed[:, layout.at[name]] = columns
    heard, meant = chords_heard(others, line[:, 0], tonic), chords.above(tonic, line[:, 0])
    foreign = heard[np.arange(len(line)), pitch_class] < CHORDAL
    cues = tuple(phrased(line, fixed, pitch_class, foreign, rest, layout) for rest in rests)
    return Coded(work.name, layout, choices, cues, heard.astype(np.float32), meant.astype(np.float32))


def coded_pitches(pitches: NDArray[np.int64], tonic: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pitch class above the home of each note, and octave about the line's median."""
    median = float(np.median(pitches))
    found = np.zeros((2, len(pitches)), np.int64)
    for home in np.unique(tonic).tolist():
        found[:, tonic == home] = Compass.about(home, median).coded(pitches[tonic == home])
    return found[0], found[1]


def chords_heard(others: NDArray[np.int64], onsets: NDArray[np.int64], tonic: NDArray[np.int64]) -> NDArray[np.float64]:
    """What others sound over the quarter from each onset: time of each pitch class above home, adding up to 3."""
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


@dataclass(frozen=True, slots=True, eq=False)
class Chords:
    """The chord of each half bar (or bar) of a work: `tones` are equal shares of 3 by pitch class between `edges`."""

    edges: NDArray[np.int64]
    tones: NDArray[np.float64]

    def at(self, onsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which one each time lies in."""
        return np.clip(np.searchsorted(self.edges, onsets, side="right") - 1, 0, len(self.tones) - 1)

    def above(self, tonic: NDArray[np.int64], onsets: NDArray[np.int64]) -> NDArray[np.float64]:
        """The chords at some times, by pitch class above a tonic each."""
        return np.take_along_axis(self.tones[self.at(onsets)], (np.arange(12)[None] + tonic[:, None]) % 12, axis=1)


def chords_of(work: Work) -> Chords:
    """The chords that are meant: the steadiest way through those that fit the tones of each half bar."""
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
    return Chords(edges, chords[path] * (total > 0))


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
    layout: Layout,
) -> NDArray[np.float32]:
    """The cues with those of phrases that end in rests of so many ticks."""
    cues, at = fixed.copy(), layout.at
    silent = line[1:, 0] - line[:-1, 0] - line[:-1, 1]
    edges = [0, *(np.flatnonzero(silent >= rest) + 1).tolist(), len(line)]
    median = float(np.median(line[:, 2]))
    for a, b in zip(edges, edges[1:], strict=False):
        rows = slice(a, b)
        last = line[b - 1]
        cues[rows, at["left"]] = left(last[0] - line[rows, 0])
        cues[b - 1, at["last"]] = 1
        span = (last[0] + last[1] - line[a, 0]) / TICKS
        moves = np.abs(np.diff(line[rows, 2]))
        cues[rows, at["density"]] = told("density", (b - a) / max(span, 0.25))
        cues[rows, at["register"]] = told("register", line[rows, 2].mean() - median)
        cues[rows, at["leaps"]] = told("leaps", moves.mean()) if len(moves) else 0
        cues[rows, at["dissonance"]] = told("dissonance", foreign[rows].mean())
        if "degree" in at:
            cues[rows, at["degree"].start + pitch_class[b - 1]] = 1
        if "together" in at:
            cues[rows, at["together"]] = told("together", fixed[rows, at["tune_state"].start].mean())
    cues[:, at["known"]] = 1
    return cues
