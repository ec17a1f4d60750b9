"""Which of many continuations is kept: not the likeliest, but the one that does what its phrase is for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.asks import Ask
from melancholia.composition.coding import AT, TICKS
from melancholia.composition.continuing import WIDEST, Ground, Line

FOREIGN = 0.12  # of a chord's 3: a tone with less is foreign to it
SUNG = (1.9, 3.1)  # nats a note between which nine of ten songs lie, each by the model that learned from the others
TURNS = 0.27  # of the pairs of moves go opposite ways in slow songs in minor
SPIKE = 3.0  # semitones by which a phrase may rise above what was sung before
LEAP = 5  # semitones: from a fourth on a move is an event
WEIGHTS = {
    "full": 2.5, "high": 0.45, "leaping": 1.2, "falling": 3.0, "rough": 6.0, "peak": 1.0, "top": 1.5, "summit": 2.0,
    "guessed": 1.0, "unlikely": 1.5, "clash": 6.0, "closing": 0.8, "parallel": 1.2, "turning": 5.0, "wide": 3.0,
    "spike": 0.6,
}  # fmt: skip


@dataclass(slots=True)
class Sung:
    """What the melody has had so far, so that the next phrase can make good what is lacking."""

    tones: int = 0
    moves: int = 0
    falls: int = 0
    steps: int = 0
    foreign: int = 0
    pitch: float = 0.0
    asked_pitch: float = 0.0
    turns: int = 0
    pairs: int = 0
    high: float = 0.0  # the highest tone


def foreign(line: Line, ground: Ground) -> NDArray[np.bool_]:
    """Which tones are outside the chord that they begin over."""
    rows = ground.at(line.notes[:, 0], int(line.notes[-1, 0]))[:, AT["chord"]]
    return np.asarray(rows[np.arange(len(rows)), line.choices[:, 1]] < FOREIGN)


def clashing(line: Line, ground: Ground) -> float:
    """Share of the time in which a tone that is foreign stands a semitone from one of its chord."""
    rows = ground.at(line.notes[:, 0], int(line.notes[-1, 0]))[:, AT["chord"]]
    at = np.arange(len(rows))
    own = rows[at, line.choices[:, 1]]
    beside = np.maximum(rows[at, (line.choices[:, 1] + 1) % 12], rows[at, (line.choices[:, 1] - 1) % 12])
    return float(line.notes[(own < FOREIGN) & (beside > 0.5), 1].sum() / line.notes[:, 1].sum())


def parallels(line: Line, bass: Sequence[tuple[int, int]]) -> int:
    """How often tune and bass (tick, pitch class) go on together in fifths or octaves."""
    found, before = 0, None
    starts = line.notes[:, 0]
    for tick, low in bass:
        k = int(np.searchsorted(starts, tick, side="right")) - 1
        if k < 0 or starts[k] + line.notes[k, 1] <= tick:
            before = None
            continue
        now = (int(line.notes[k, 2]), low)
        if before is not None and now[0] != before[0] and now[1] != before[1]:
            apart = (now[0] - now[1]) % 12
            found += apart in (0, 7) and apart == (before[0] - before[1]) % 12
        before = now
    return found


def cost(
    line: Line, ask: Ask, ground: Ground, done: Sung, falling: float, steps: float, bass: Sequence[tuple[int, int]]
) -> float:
    """How far a continuation is from what its phrase shall be, and from what the melody still lacks."""
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
        "guessed": float(not events),
        "unlikely": max(0.0, line.nats - SUNG[1], SUNG[0] - line.nats),
        "clash": clashing(line, ground),
        "closing": float(notes[-1, 1] < np.median(notes[:, 1])),
        "parallel": float(parallels(line, bass)),
    }
    return float(sum(WEIGHTS[name] * value for name, value in faults.items()))


def count(done: Sung, line: Line, ask: Ask, ground: Ground) -> None:
    """Add a phrase to what the melody has had."""
    moves = np.diff(line.notes[:, 2])
    done.tones += len(line.notes)
    done.moves += int((moves != 0).sum())
    done.falls += int((moves < 0).sum())
    done.steps += int(((moves != 0) & (np.abs(moves) <= 2)).sum())
    done.foreign += int(foreign(line, ground).sum())
    done.turns += int((moves[1:] * moves[:-1] < 0).sum())
    done.pairs += max(0, len(moves) - 1)
    done.high = max(done.high, float(line.notes[:, 2].max()))
    done.pitch += float(line.notes[:, 2].sum())
    done.asked_pitch += ask.mean * len(line.notes)
