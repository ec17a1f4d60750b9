"""What each pitch of a phrase and each move from tone to tone weighs, as logarithms, for the lattice to draw from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.chords import scale_for
from melancholia.composition.dialects import CADENCES, CADENCES_MAJOR
from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.harmony import Slot
from melancholia.composition.lattice import NEVER
from melancholia.composition.moves import LOG_INTERVAL
from melancholia.composition.statement import Given
from melancholia.composition.themes import (
    LITERAL,
    Manner,
    Sketch,
    Theme,
)
from melancholia.writing import Writing

FIXED = -1000.0  # log weight of any pitch but the one that is given
FOLLOWED = 6.0  # log weight of a given theme's own step where it is developed
AGAIN = -1.2  # log weight of a peak that is touched again; never the piece's highest tone
TURNING = 2.0  # how much turns of a line count: the contour bends lines more often than songs are bent
TABLE_STEPS, TABLE_FALLS = 0.645, 0.523  # the table's own shares among moves


@dataclass(slots=True)
class Sung:
    """What the melody has had so far, so that the next phrase can make good what is lacking."""

    tones: int = 0
    bars: float = 0.0
    pitch_sum: float = 0.0
    moves: int = 0
    steps: float = 0
    falls: float = 0
    dissonances: float = 0

    def turn(self, before: Writing, now: Writing) -> None:
        """Another aim from here on: what is lacking, or too much, of the old one is carried over to it."""
        self.pitch_sum += self.tones * (now.melody_mean - before.melody_mean)
        self.steps += self.moves * (now.step_share - before.step_share)
        self.falls += self.moves * (now.falling_share - before.falling_share)
        asked = [(0.75 + 0.2 * w.dissonances) * w.dissonances for w in (before, now)]
        self.dissonances += self.bars * (asked[1] - asked[0])


@dataclass(frozen=True, slots=True)
class Ground:
    """What lies under each tone of a phrase, over the pitches `low` and up: arrays (tones, pitches)."""

    low: int
    in_scale: NDArray[np.bool_]
    in_chord: NDArray[np.bool_]
    degree: NDArray[np.int64]
    strong: NDArray[np.bool_]


def ground(sketch: list[Sketch], slots: tuple[Slot, ...], form: Form, *, tonic: int, low: int, high: int) -> Ground:
    starts = np.array([slot.bar for slot in slots]) * form.bar_quarters
    pitches = np.arange(low, high + 1)
    at = np.clip(np.searchsorted(starts, [s.start + 1e-6 for s in sketch], side="right") - 1, 0, None)
    rows = {k: slot_row(slots[k], pitches, tonic) for k in set(at.tolist())}
    beat = 1.5 if form.metre[1] == 8 else 2.0 if form.metre in ((4, 4), (2, 4)) else form.bar_quarters
    strong = [abs(s.start / beat - round(s.start / beat)) < 1e-6 or s.duration >= 2 for s in sketch]
    found = [rows[k] for k in at.tolist()]
    in_scale, in_chord, third = (np.array([row[k] for row in found]) for k in range(3))
    return Ground(low, in_scale, in_chord, third, np.array(strong))


def slot_row(
    slot: Slot, pitches: NDArray[np.int64], tonic: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """For each pitch: in the chord's scale, in the chord, its scale degree counted on through the octaves."""
    scale = scale_for(slot.harmony, slot.mode)
    above = pitches - tonic - slot.local_key
    step = np.full(12, -1)
    for degree, semitones in enumerate(scale):
        step[semitones % 12] = degree
    degree_at = step[above % 12] + 7 * (above // 12)
    in_scale = step[above % 12] >= 0
    return in_scale, np.isin(pitches % 12, slot.pitch_classes(tonic)) & in_scale, np.where(in_scale, degree_at, -99)


def tone_weights(
    sketch: list[Sketch],
    base: Ground,
    target: NDArray[np.float64],
    wished: NDArray[np.bool_],
    theme: Theme,
    phrase: PhrasePlan,
    peak: int,
    height: int,
    tonic: int,
    slots: tuple[Slot, ...],
    form: Form,
    span: float,
) -> NDArray[np.float64]:
    """Log weight of each pitch at each tone."""
    pitches = base.low + np.arange(base.in_scale.shape[1])
    spread = 1.5 + 0.13 * span  # semitones about the planned contour
    states = -((pitches[None, :] - target[:, None]) ** 2) / (2 * spread**2)
    states = states + np.where(base.in_scale, 0.0, NEVER)
    durations = np.array([s.duration for s in sketch])
    gap = np.array([b.start - a.start - a.duration for a, b in zip(sketch, sketch[1:], strict=False)] + [9.0])
    beats = np.array([abs(s.start - round(s.start)) < 1e-6 for s in sketch])
    foreign = np.where(base.strong, -3.5, np.where(beats | (durations >= 1), -1.6, -0.3)) - 3.0 * (gap > 0.26)
    foreign = np.where(wished, 4.0, foreign)
    states = states + np.where(base.in_chord, 0.0, foreign[:, None])
    for k, s in enumerate(sketch):
        if s.operation in ("recalled", "ornamented") and s.source in theme.pitches and k != peak:
            old = theme.pitches[s.source]
            states[k] += (3.0 if k == len(sketch) - 1 else 14.0) * (pitches == old)
    last = slot_at(slots, sketch[-1].start / form.bar_quarters)
    cadences = CADENCES_MAJOR if phrase.mode == "major" else CADENCES
    degrees = (
        cadences[phrase.cadence][1]
        if phrase.cadence in cadences
        else (0, 3, 7)
        if phrase.mode == "minor"
        else (0, 4, 7)
    )
    ends = np.isin((pitches - tonic - phrase.local_key) % 12, degrees)
    states[-1] += np.where(base.in_chord[-1], np.where(ends, 0.0, -6.0), NEVER / 2)
    states[:, pitches > height] += NEVER
    states[:, pitches == height] += NEVER if phrase.kind == "climax" else AGAIN
    states[peak] = np.where(pitches == height, 0.0, NEVER)
    if len(sketch) - 1 == peak and last is not None:
        states[peak] = np.where(base.in_chord[-1] & (pitches <= height), 0.0, NEVER)
    return np.asarray(states)


def slot_at(slots: tuple[Slot, ...], bar: float) -> Slot:
    return next((s for s in slots if bar < s.end - 1e-6), slots[-1])


def move_weights(
    sketch: list[Sketch],
    base: Ground,
    writing: Writing,
    manner: Manner,
    phrase: PhrasePlan,
    peak: int,
    done: Sung,
) -> NDArray[np.float64]:
    """Log weight of each move between neighbours."""
    width = base.in_scale.shape[1]
    jump = np.arange(width)[None, :] - np.arange(width)[:, None]  # from row to column
    size = np.abs(jump)
    steps = logit(writing.step_share) - logit(TABLE_STEPS) + 12 * shortfall(writing.step_share, done.steps, done.moves)
    falls = (
        logit(writing.falling_share)
        - logit(TABLE_FALLS)
        + 10 * shortfall(writing.falling_share, done.falls, done.moves)
    )
    plain = np.where(size <= 12, LOG_INTERVAL[np.clip(jump, -12, 12) + 12], -20.0)
    plain = plain + np.where((size == 1) | (size == 2), 0.5 * steps, np.where(size > 2, -0.5 * steps, 0.0))
    plain = plain + np.where(jump < 0, 0.5 * falls, np.where(jump > 0, -0.5 * falls, 0.0)) - 4.0 * (size == 6)
    plain = plain + manner.repeats * (size == 0) + manner.leaps * (size > 2)
    moves = np.repeat(plain[None], len(sketch) - 1, axis=0)
    for k in range(len(sketch) - 1):
        degree = base.degree[k + 1][None, :] - base.degree[k][:, None]
        moves[k] -= 8.0 * ((size == 3) & (np.abs(degree) == 1))  # the augmented second
        loose = ~base.in_chord[k][:, None]
        stepwise = (size >= 1) & (size <= 2)
        resolved = stepwise & base.in_chord[k + 1][None, :]
        if base.strong[k] or sketch[k].duration >= 1:
            resolved &= (jump < 0) | (jump == 1)
            moves[k] += np.where(loose & ~resolved, -12.0, 0.0)
        else:
            moves[k] += np.where(loose & ~stepwise, -7.0, 0.0)
        if k + 1 == peak and (phrase.event == "leap" or phrase.kind == "climax" and writing.reach > 0.5):
            moves[k] += 3.0 * ((jump >= 8) & (jump <= 12) & (jump != 11)) + 1.0 * (jump == 5)
        elif k + 1 == peak:
            moves[k] += 2.0 * writing.reach * (jump >= 5)
        elif k == peak:
            moves[k] += (2.5 if phrase.kind == "climax" else 0.8) * ((jump < 0) & (size <= 2))
    return np.asarray(moves)


def fixed_pitches(sketch: list[Sketch], theme: Theme) -> dict[int, int]:
    """The pitches of the tones that are stated as they were given, by their number in the sketch."""
    if theme.given is None:
        return {}
    pitches = dict(zip(theme.given.places, (pitch for _, _, pitch in theme.given.tones), strict=True))
    return {k: pitches[s.source] for k, s in enumerate(sketch) if s.operation == "given" and s.source in pitches}


def follow(
    states: NDArray[np.float64], moves: NDArray[np.float64], sketch: list[Sketch], base: Ground, tune: Given
) -> None:
    """Weigh in the scale steps of a given tune where it is moved, turned round, or goes on from its head."""
    before = dict(zip(tune.places[1:], zip(tune.places, tune.steps, strict=False), strict=True))
    for k in range(1, len(sketch)):
        s = sketch[k]
        if s.operation in ("sequence", "head", "turned") and s.source in before:
            previous, step = before[s.source]
            if sketch[k - 1].source == previous:
                degree = base.degree[k][None, :] - base.degree[k - 1][:, None]
                moves[k - 1] += FOLLOWED * (degree == (-step if s.operation == "turned" else step))


def recall(
    states: NDArray[np.float64],
    moves: NDArray[np.float64],
    sketch: list[Sketch],
    base: Ground,
    motif: dict[tuple[int, int], int],
) -> None:
    """Weigh in what the bars that are said again take from the motif as it was drafted: its tones, or its steps."""
    for k, s in enumerate(sketch):
        if s.operation == "new" and s.bar < 2 and (s.bar, s.place) in motif:
            states[k, motif[s.bar, s.place] - base.low] += 10.0
        if s.source is None or s.source not in motif:
            continue
        old = motif[s.source] - base.low
        if s.operation in LITERAL:
            states[k, old] += 10.0
        elif k and (s.source[0], s.source[1] - 1) in motif and s.place > 0:
            previous = motif[s.source[0], s.source[1] - 1] - base.low
            wanted = base.degree[0][old] - base.degree[0][previous]
            wanted = -wanted if s.operation == "turned" else wanted
            degree = base.degree[k][None, :] - base.degree[k - 1][:, None]
            moves[k - 1] += 2.6 * (degree == wanted)


def shortfall(wanted: float, found: float, of: int) -> float:
    return wanted - found / of if of >= 8 else 0.0


def logit(share: float) -> float:
    kept = min(0.97, max(0.03, share))
    return float(np.log(kept / (1 - kept)))
