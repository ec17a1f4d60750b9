"""Which of many continuations is kept: not the likeliest, but the one that does what its phrase is for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.asks import BREATH, Ask
from melancholia.composition.chords import BELONGING
from melancholia.composition.coding import TICKS
from melancholia.composition.continuing import WIDEST, Ground, Line

FOREIGN = 0.12  # of a chord's 3: a tone with less is foreign to it
SUNG = (1.9, 3.1)  # nats a note between which nine of ten songs lie, each by the model that learned from the others
VARIED = 1.9  # bits, of the lengths of tones of songs, in the median; RUNNING of their runs are of three moves or more
RUNNING = 0.17
TURNS = 0.27  # of the pairs of moves go opposite ways in slow songs in minor
SPIKE = 2.0  # semitones by which a phrase may rise above what was sung before
LEAP = 5  # semitones: from a fourth on a move is an event
# Of the onsets of slow songs in minor so many follow another within less than an eighth, and of their tones so many lie
# outside their key, both in the median.
QUICK, COLOURED = 0.11, 0.088
HEARD = 0.38  # of the first 16 bars of songs in minor have the rhythm of an earlier one, in the median
EVEN = (0.34, 0.4)  # of the gaps between their onsets are as long as the one before: median, spread of the logarithm
STRETCH = 6.0  # quarters from rest to rest, in the mean at least; half of slow songs in minor have 7.9 s and more
WEIGHTS = {
    "full": 2.5, "high": 1.1, "leaping": 4.5, "falling": 3.0, "rough": 27.0, "peak": 5.0, "top": 1.5, "summit": 2.0,
    "rivalled": 5.0, "guessed": 1.0, "unlikely": 1.5, "clash": 8.0, "closing": 0.8, "parallel": 12.0, "doubling": 0.6,
    "turning": 11.0,
    "wide": 3.0, "spike": 0.6, "plain": 1.5, "running": 12.0, "slow": 14.0, "pale": 10.0,
    "chopped": 2.0, "even": 8.0, "unheard": 12.0,
}  # fmt: skip
OUTSIDE = {mode: ~np.isin(np.arange(12), own) for mode, own in BELONGING.items()}  # pitch classes above home

Rhythm = tuple[tuple[int, int], ...]  # where the tones of a bar begin in it, and how long they are


@dataclass(slots=True)
class Sung:
    """What the melody has had so far, so that the next phrase can make good what is lacking."""

    bar: int = 4 * TICKS  # ticks
    evenest: float = EVEN[0]  # share of its gaps that may be as long as the one before
    tones: int = 0
    moves: int = 0
    falls: int = 0
    steps: int = 0
    foreign: int = 0
    pitch: float = 0.0
    asked_pitch: float = 0.0
    turns: int = 0
    pairs: int = 0
    runs: int = 0  # of moves one way
    long_runs: int = 0  # of three or more
    lengths: Counter[int] = field(default_factory=Counter)
    high: float = 0.0  # the highest tone
    summit: float = 0.0  # that of the climax, once it is sung
    quick: int = 0  # gaps shorter than an eighth
    coloured: int = 0  # tones outside the home key
    even: int = 0  # gaps between onsets that are as long as the one before
    gaps: int = 0  # that have one before
    rhythms: Counter[Rhythm] = field(default_factory=Counter)  # of the bars of its phrases


def foreign(line: Line, ground: Ground) -> NDArray[np.bool_]:
    """Which tones are outside the chord that they begin over."""
    rows = ground.at(line.notes[:, 0], int(line.notes[-1, 0]))[:, ground.layout.at["chord"]]
    return np.asarray(rows[np.arange(len(rows)), line.choices[:, 1]] < FOREIGN)


def coloured(line: Line, ground: Ground) -> int:
    """How many tones lie outside the home key, whatever chord they are of."""
    minor = bool(ground.cues[0, ground.layout.at["mode"].start + 1])
    return int(OUTSIDE["minor" if minor else "major"][line.choices[:, 1]].sum())


def quick(line: Line) -> int:
    """How many onsets follow another within less than an eighth."""
    return int((np.diff(line.notes[:, 0]) < TICKS // 2).sum())


def even(line: Line) -> int:
    """How many gaps between onsets are as long as the one before."""
    return int((np.diff(line.notes[:, 0], n=2) == 0).sum())


def rhythms(line: Line, bar: int) -> Counter[Rhythm]:
    """Those of the bars in which its tones begin."""
    found: dict[int, list[tuple[int, int]]] = {}
    for start, length, _ in line.notes.tolist():
        found.setdefault(start // bar, []).append((start % bar, length))
    return Counter(tuple(tones) for tones in found.values())


def unheard(counts: Counter[Rhythm]) -> float:
    """Share of the bars whose rhythm no earlier one had."""
    return len(counts) / max(1, counts.total())


def rests(line: Line) -> int:
    """How often it is silent between two tones for as long as a breath."""
    return int((np.diff(line.notes[:, 0]) - line.notes[:-1, 1] >= BREATH).sum())


def clashing(line: Line, ground: Ground) -> float:
    """Share of the time in which a tone that is foreign stands a semitone from one of its chord."""
    rows = ground.at(line.notes[:, 0], int(line.notes[-1, 0]))[:, ground.layout.at["chord"]]
    at = np.arange(len(rows))
    own = rows[at, line.choices[:, 1]]
    beside = np.maximum(rows[at, (line.choices[:, 1] + 1) % 12], rows[at, (line.choices[:, 1] - 1) % 12])
    return float(line.notes[(own < FOREIGN) & (beside > 0.5), 1].sum() / line.notes[:, 1].sum())


def parallels(line: Line, bass: Sequence[tuple[int, int]], before: Line | None = None) -> tuple[int, int]:
    """How often tune and bass (tick, pitch class) go on together in fifths, and in octaves; from the last tone before
    the line on."""
    found: dict[int, int] = {7: 0, 0: 0}
    notes = line.notes if before is None else np.concatenate([before.notes[-1:], line.notes])
    starts, ends, pitches = notes[:, 0], notes[:, :2].sum(axis=1), notes[:, 2]
    for (_, under), (tick, low) in zip(bass, bass[1:], strict=False):
        k = int(np.searchsorted(starts, tick))
        together = 0 < k < len(starts) and starts[k] == tick and ends[k - 1] > tick - BREATH
        if together and pitches[k] != pitches[k - 1] and low != under:
            apart = int(pitches[k] - low) % 12
            if apart in found and apart == int(pitches[k - 1] - under) % 12:
                found[apart] += 1
    return found[7], found[0]


def runs_of(moves: NDArray[np.int64]) -> list[int]:
    """How many moves follow one another in one direction, run by run; a tone that is said again ends a run."""
    found: list[int] = []
    before = 0
    for way in np.sign(moves).tolist():
        if way and way == before:
            found[-1] += 1
        elif way:
            found.append(1)
        before = way
    return found


def bits(counts: Counter[int]) -> float:
    """Entropy of what was counted."""
    share = np.array(list(counts.values()), float) / max(1, counts.total())
    return float(-(share * np.log2(share)).sum())


def cost(
    line: Line,
    ask: Ask,
    ground: Ground,
    done: Sung,
    falling: float,
    steps: float,
    bass: Sequence[tuple[int, int]],
    before: Line | None = None,
) -> float:
    """How far a continuation of what was `before` is from what its phrase shall be, and from what the melody still
    lacks."""
    notes = line.notes
    pitches, onsets = notes[:, 2], notes[:, 0]
    span = (onsets[-1] + notes[-1, 1] - onsets[0]) / TICKS
    moves = np.diff(pitches)
    moved = moves[moves != 0]
    count = max(1, done.moves + len(moved))
    rough = (done.foreign + int(foreign(line, ground).sum())) / max(1, done.tones + len(notes))
    owed = (done.asked_pitch - done.pitch) / max(8, done.tones + len(notes))  # the melody lies too low so far
    peak = int(pitches.argmax())
    events = bool((np.abs(moves) >= LEAP).any() or foreign(line, ground).any())
    both = moves[1:] * moves[:-1]
    fifths, octaves = parallels(line, bass, before)
    runs = runs_of(moves)
    faults = {
        "wide": float((np.abs(moves) > WIDEST).sum()),
        "turning": max(0.0, (done.turns + int((both < 0).sum())) / max(1, done.pairs + len(both)) - TURNS),
        "spike": max(0.0, float(pitches.max()) - max(done.high, float(np.percentile(pitches, 85))) - SPIKE),
        "full": abs(np.log(max(len(notes), 1) / max(span, 0.25) / ask.density)),
        "high": abs(float(pitches.mean()) - ask.mean - owed),
        "leaping": abs(float(np.abs(moves).mean()) - ask.leaps) if len(moves) else 0.0,
        "falling": abs((done.falls + int((moved < 0).sum())) / count - falling)
        + abs((done.steps + int((np.abs(moved) <= 2).sum())) / count - steps),
        "rough": abs(rough - ask.foreign),
        "peak": abs((onsets[peak] - onsets[0]) / max(1, onsets[-1] - onsets[0]) - ask.peak),
        "top": max(0.0, float(pitches.max()) - ask.top),
        "summit": max(0.0, ask.top - 1 - float(pitches.max())) if ask.summit else 0.0,
        "rivalled": float(pitches.max() <= done.high) if ask.summit else float(0 < done.summit <= pitches.max()),
        "guessed": float(not events),
        "unlikely": max(0.0, line.nats - SUNG[1], SUNG[0] - line.nats),
        "clash": clashing(line, ground),
        "closing": float(notes[-1, 1] < np.median(notes[:, 1])),
        "parallel": float(fifths),
        "doubling": float(octaves),
        "slow": max(0.0, QUICK - (done.quick + quick(line)) / max(1, done.tones + len(notes))),
        "pale": max(0.0, COLOURED - (done.coloured + coloured(line, ground)) / max(1, done.tones + len(notes))),
        "even": max(0.0, (done.even + even(line)) / max(1, done.gaps + max(0, len(notes) - 2)) - done.evenest),
        "unheard": max(0.0, unheard(done.rhythms + rhythms(line, done.bar)) - 1 + HEARD),
        "chopped": max(0.0, rests(line) - span / STRETCH),
        "plain": max(0.0, VARIED - bits(done.lengths + Counter(notes[:, 1].tolist()))),
        "running": max(0.0, RUNNING - (done.long_runs + sum(run >= 3 for run in runs)) / max(1, done.runs + len(runs))),
    }
    return float(sum(WEIGHTS[name] * value for name, value in faults.items()))


def count(done: Sung, line: Line, mean: float, ground: Ground) -> None:
    """Add a phrase to what the melody has had, that was to lie at `mean`."""
    moves = np.diff(line.notes[:, 2])
    done.tones += len(line.notes)
    done.moves += int((moves != 0).sum())
    done.falls += int((moves < 0).sum())
    done.steps += int(((moves != 0) & (np.abs(moves) <= 2)).sum())
    done.foreign += int(foreign(line, ground).sum())
    done.turns += int((moves[1:] * moves[:-1] < 0).sum())
    done.pairs += max(0, len(moves) - 1)
    runs = runs_of(moves)
    done.runs += len(runs)
    done.long_runs += sum(run >= 3 for run in runs)
    done.lengths.update(line.notes[:, 1].tolist())
    done.quick += quick(line)
    done.coloured += coloured(line, ground)
    done.even += even(line)
    done.gaps += max(0, len(line.notes) - 2)
    done.rhythms.update(rhythms(line, done.bar))
    done.high = max(done.high, float(line.notes[:, 2].max()))
    done.pitch += float(line.notes[:, 2].sum())
    done.asked_pitch += mean * len(line.notes)
