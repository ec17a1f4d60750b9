"""How each phrase moves in time: where it presses on, where it lingers, how far it slows at its end.

The KTH system lets every phrase arch alike; people do not. Of 217 recorded performances of 53 piano pieces the depth of
slowings has an SD of .2 of a beat, the gaps between them a CV of .6, and the fastest beat is a third quicker than the
median (ASAP, Foscarin et al. 2020). So the depth of each arch goes by what ends there (a section, a cadence, or only a
breath), the way to a peak is pressed on by as much as the peak is worth, whole phrases hold back or go on, a wide leap
of the tune takes its time, and what is left to the player is drawn for every phrase anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melancholia.performance.timing import FIRST_TURN, arch
from melancholia.piece import Note, Phrase, Piece
from melancholia.streams import generator

BREATH, SECTION = 1.1, 2.4  # of the arch: what is always there, and what is there where a section ends
CADENCES = {"authentic": 0.8, "close": 0.8, "plagal": 0.7, "deceptive": 0.6, "imperfect": 0.5, "half": 0.4}
INNER, INNER_SD = 0.8, 0.75  # of the arch: groups inside a phrase, and how unlike they are
RESTED, HELD, GROUP = 0.5, 2.0, 3.0  # quarters: a rest or a tone that ends a group of the tune, and the least of one
OWN_SD, MOST_OWN = 0.65, 1.5  # of the logarithm of each depth: the player's own, and the most of it in SDs
TURNS = (-0.12, 0.18)  # how much earlier or later than the rule a phrase turns
PRESSED, PRESSED_SD = 0.09, 0.05  # shorter on the way to a peak, for k = 1
PRESSED_OVER = 0.22  # of the phrase: how far from its middle it reaches
LINGERED, LINGERED_SD = 0.08, 0.04  # longer on the peak, for k = 1
RISEN, FALLEN, OCTAVE = 4, 7, 12  # semitones: leaps from these on, and where they take the longest
LEAPT, LEAPT_SD = 0.35, 1.0  # longer at a leap of an octave, for k = 1, and how unlike leaps are
PACE_SD, PACE_BY_TENSION = 0.045, 0.05  # of a whole phrase, for k = 1; quicker by this for each SD of tension
LILT = 0.05  # how uneven the beats of a bar are, for k = 1
LILTED = ((0.0, 0.2, 0.55, 1.0), (0.2, -1.0, 0.0, 1.0))  # of it by the place in a bar: what leads on is the longer


@dataclass(frozen=True, slots=True)
class Gesture:
    """One phrase, in shares of its length.

    Where it turns and how deep it arches (k of the rule); the goal that is pressed on to, how much shorter moments are
    there, how much longer on the peak; the logarithm of its pace; and how uneven its bars are.
    """

    turn: float
    depth: float
    goal: float
    pressed: float
    lingered: float
    pace: float
    lilt: float


def phrase_lengths(
    piece: Piece, tune: Sequence[Note], beats: NDArray[np.float64], k: Sequence[float], seed: int
) -> NDArray[np.float64]:
    """Length factors of the cells that begin at `beats`, by the phrases in which they lie; `k` is one for each."""
    middle = (beats[:-1] + beats[1:]) / 2
    factor = np.ones(len(middle))
    work = f"{piece.end:.3f}"  # another piece is played another way by the same player
    rng, taken = generator(seed, "groups", work), generator(seed, "leaps", work)
    moves = gestures(piece, k, generator(seed, "gestures", work))
    for phrase, gesture, strength in zip(piece.phrases, moves, k, strict=True):
        inside = (middle >= phrase.start) & (middle < phrase.end)
        factor[inside] = moved(gesture, (middle[inside] - phrase.start) / max(phrase.end - phrase.start, 1e-9))
        factor[inside] *= lilted(gesture, np.mod(middle[inside], piece.bar_quarters) / piece.bar_quarters)
        for start, end in groups(tune, phrase):
            within = (middle >= start) & (middle < end)
            depth = INNER * strength * rng.lognormal(-(INNER_SD**2) / 2, INNER_SD)
            factor[within] *= arch((middle[within] - start) / (end - start), k=depth, turn=FIRST_TURN)
        for start, end, width in leaps(tune, phrase):
            within = (middle > start) & (middle < end)
            factor[within] *= 1 + LEAPT * width * strength * taken.lognormal(-(LEAPT_SD**2) / 2, LEAPT_SD)
        at = int(np.searchsorted(beats, phrase.peak + 1e-6)) - 1
        if 0 <= at < len(factor):
            factor[at] *= 1 + gesture.lingered
    return factor


def gestures(piece: Piece, k: Sequence[float], rng: np.random.Generator) -> list[Gesture]:
    """A gesture for each phrase, where the rules are as strong as `k` says (one a phrase)."""
    tense = tension(piece)
    found = []
    for n, phrase in enumerate(piece.phrases):
        long = max(phrase.end - phrase.start, 1e-9)
        own, turn = float(np.clip(rng.normal(), -MOST_OWN, MOST_OWN)), rng.uniform(*TURNS)
        press, linger, pace, lilt = rng.normal(size=4)
        found.append(
            Gesture(
                turn=FIRST_TURN + turn,
                depth=k[n] * ending(piece, n) * float(np.exp(OWN_SD * own - OWN_SD**2 / 2)),
                goal=float(np.clip((phrase.peak - phrase.start) / long, 0.2, 0.8)),
                pressed=k[n] * max(0.0, PRESSED * (1 + 0.5 * tense[n]) + PRESSED_SD * press),
                lingered=k[n] * float(np.clip(LINGERED + LINGERED_SD * linger, 0, 2 * LINGERED)),
                pace=k[n] * (PACE_SD * pace - PACE_BY_TENSION * tense[n]),
                lilt=k[n] * LILT * (1 + 0.4 * lilt),
            )
        )
    return found


def tension(piece: Piece) -> NDArray[np.float64]:
    """The tension of each phrase in standard deviations of the piece's, within one and a half."""
    if not piece.arc:
        return np.zeros(len(piece.phrases))
    at, level = np.array(piece.arc).T
    mean = np.interp([(p.start + p.end) / 2 for p in piece.phrases], at, level)
    return np.asarray(np.clip((mean - mean.mean()) / max(float(mean.std()), 0.05), -1.5, 1.5))


def ending(piece: Piece, number: int) -> float:
    """How much ends with a phrase: `BREATH` at least, more at a cadence, most where a section ends."""
    phrase = piece.phrases[number]
    found = BREATH + CADENCES.get(phrase.cadence, 0.0)
    bounds = [s.bar * piece.bar_quarters for s in piece.sections]
    if any(abs(phrase.end - bound) < piece.bar_quarters / 2 for bound in bounds if bound > 0):
        found += SECTION
    return found


def leaps(tune: Sequence[Note], phrase: Phrase) -> list[tuple[float, float, float]]:
    """Where a wide leap of the tune within a phrase takes its time: start and end in quarters, its share of an octave.

    Upward the tone that is reached, downward the one that is left (the leap tone duration rule, Friberg 1991).
    """
    inside = [note for note in tune if phrase.start - 1e-6 <= note.start < phrase.end - 1e-6]
    found = []
    for note, after in pairwise(inside):
        width = min(abs(after.pitch - note.pitch), OCTAVE) / OCTAVE
        if after.pitch - note.pitch >= RISEN:
            found.append((after.start, min(after.end, after.start + 1), width))
        elif note.pitch - after.pitch >= FALLEN:
            found.append((max(note.start, after.start - 1), after.start, width))
    return found


def groups(tune: Sequence[Note], phrase: Phrase) -> list[tuple[float, float]]:
    """Start and end in quarters of what the tune says within a phrase, one thing after the other."""
    inside = [note for note in tune if phrase.start - 1e-6 <= note.start < phrase.end - 1e-6]
    edges = [phrase.start]
    for note, after in pairwise(inside):
        ends = after.start - note.end >= RESTED or note.duration >= HELD
        if ends and after.start - edges[-1] >= GROUP and phrase.end - after.start >= GROUP:
            edges.append(after.start)
    return list(pairwise([*edges, phrase.end]))


def moved(gesture: Gesture, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length factors at relative times u (0..1) of a phrase."""
    arched = arch(u, k=gesture.depth, turn=gesture.turn)
    near = np.clip(1 - np.abs(u - (gesture.goal - 0.6 * PRESSED_OVER)) / PRESSED_OVER, 0, 1)
    return np.asarray(arched * (1 - gesture.pressed * np.sin(0.5 * np.pi * near) ** 2) * np.exp(gesture.pace))


def lilted(gesture: Gesture, in_bar: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length factors by the place in a bar (0..1): broader toward the next downbeat, lighter after it."""
    return np.asarray(1 + gesture.lilt * np.interp(in_bar, *LILTED))
