"""Lines as the model goes on: many continuations of one line side by side, each held to what the plan says.

What must be is never left to chance: at the times that are given a note begins, in one of the pitch classes that are
given, and where a note is given whole it is that note. Between them the model chooses, within the range, without a tone
four times in a row, and never so that the next given time could not be reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import GAPS, LENGTHS, OCTAVES, TICKS, TUNE, Compass, Layout, left, nearest
from melancholia.composition.decoder import Decoder, gap_logits, read, read_on, side_by_side, tone

GRID = 2  # ticks; every gap and length is a multiple
FURTHEST = 4096  # ticks that a plan may look ahead
WIDEST = 12  # semitones of a move
MOST_REPEATS = 3  # of one pitch in a row
KEPT = 0.98  # of the probability: the rest is never drawn
NEVER = np.float32(-1e9)
MOST_NOTES = 200  # of a continuation

Rows = NDArray[np.int64]  # a line's notes: onset and length in ticks, pitch


@dataclass(frozen=True, slots=True)
class Must:
    """A time (ticks) at which a note begins. `classes` above home are those it may have, all when empty; `pitch` and
    `length` are its own where they are given; `straight`: no note between the one before and this."""

    at: int
    classes: tuple[int, ...] = ()
    pitch: int | None = None
    length: int | None = None
    straight: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What lies under a stretch: a row of cues (`coding`) every `GRID` ticks from `start`, without those of its end."""

    start: int
    cues: NDArray[np.float32]
    layout: Layout = TUNE

    def at(self, ticks: NDArray[np.int64], last: int) -> NDArray[np.float32]:
        """The rows at some times, with how long it is until the last onset."""
        rows = self.cues[np.clip((ticks - self.start) // GRID, 0, len(self.cues) - 1)].copy()
        rows[:, self.layout.at["left"]] = left(last - ticks)
        rows[:, self.layout.at["last"]] = (ticks >= last)[:, None]
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line as it was drawn: rows of onset and length in ticks and pitch; its choices and cues; how likely it is.

    `nats` are the mean over its notes of what each costs the model.
    """

    notes: NDArray[np.int64]
    choices: NDArray[np.int64]
    cues: NDArray[np.float32]
    nats: float

    def and_then(self, more: "Line") -> "Line":
        """This line and another behind it, at whose first note the last of this one ends."""
        notes = np.concatenate([self.notes, more.notes])
        last = len(self.notes) - 1
        notes[last, 1] = min(notes[last, 1], notes[last + 1, 0] - notes[last, 0])
        choices, cues = np.concatenate([self.choices, more.choices]), np.concatenate([self.cues, more.cues])
        return Line(notes, choices, cues, more.nats)


def opening(compass: Compass, middle: float, bar: int, cues: NDArray[np.float32]) -> Line:
    """What the model takes to have sounded before the first note: one tone in the middle, a bar before."""
    notes = np.array([[-bar, TICKS, round(middle)]])
    pitch_class, octave = compass.coded(notes[:, 2])
    choices = np.column_stack([nearest(GAPS, [TICKS]), pitch_class, octave, nearest(LENGTHS, [TICKS])])
    return Line(notes, choices, cues[None], 0.0)


def as_line(rows: Rows, before: Line, ground: Ground, compass: Compass) -> Line:
    """Notes that are there already, at least one, as the model takes them to go on from; none lies before `before`."""
    starts = rows[:, 0]
    gaps = np.diff(starts, prepend=before.notes[-1, 0])
    pitch_class, octave = compass.coded(rows[:, 2])
    lengths = nearest(LENGTHS, np.maximum(rows[:, 1], 1))
    choices = np.column_stack([nearest(GAPS, np.maximum(gaps, 1)), pitch_class, octave, lengths])
    return Line(rows, choices, ground.at(starts, int(starts[-1])), 0.0)


@cache
def reachable() -> NDArray[np.bool_]:
    """Which distances (in `GRID`) some gaps come to."""
    found = np.zeros(FURTHEST // GRID + 1, np.bool_)
    found[0] = True
    for distance in range(1, len(found)):
        found[distance] = any(distance >= gap and found[distance - gap] for gap in (GAPS // GRID).tolist())
    return found


def picked(
    logits: NDArray[np.float32], rng: np.random.Generator, heat: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A class for each row, out of the likeliest `KEPT`, and its cost in nats."""
    scaled = logits.astype(np.float64) / heat
    scaled -= scaled.max(axis=1, keepdims=True)
    share = np.exp(scaled)
    share /= share.sum(axis=1, keepdims=True)
    order = np.argsort(-share, axis=1)
    ranked = np.take_along_axis(share, order, axis=1)
    upto = np.cumsum(ranked, axis=1)
    ranked[:, 1:][upto[:, :-1] >= KEPT] = 0
    upto = np.cumsum(ranked, axis=1)
    at = (upto <= rng.random(len(upto))[:, None] * upto[:, -1:]).sum(axis=1)
    found = order[np.arange(len(order)), np.minimum(at, order.shape[1] - 1)]
    return found, -np.log(np.maximum(share[np.arange(len(found)), found], 1e-12))


def go_on(
    model: Decoder,
    before: Line,
    ground: Ground,
    musts: Sequence[Must],
    compass: Compass,
    *,
    low: int,
    high: int,
    until: int,
    count: int,
    rng: np.random.Generator,
    heat: float = 1.05,
) -> list[Line]:
    """`count` continuations of a line, each with a note at every one of `musts`, the last of them its last.

    Parameters
    ----------
    model : Decoder
    before : Line
        What has sounded: at least one note.
    ground : Ground
        The cues of the stretch, that of `musts` and what lies between.
    musts : sequence of Must
        Times in order, behind the last onset of `before`.
    compass : Compass
        Of the whole line.
    low, high : int
        The range, in MIDI pitches; a `pitch` that is given may lie outside.
    until : int
        Tick by which the last note ends.
    count : int
        How many.
    heat : float
        1 draws as the model has learned; more, the freer. A little more makes up for what `KEPT` never draws.

    Returns
    -------
    list of Line
        In the order in which they were drawn.
    """
    room = model.context // 2 - 2
    history = np.repeat(before.choices[None, -room:], count, axis=0)
    heard = np.repeat(before.cues[None, -room:], count, axis=0)
    reading = side_by_side(read(model, history[:1], heard[:1]), count)
    at = np.full(count, before.notes[-1, 0])
    length = np.full(count, before.notes[-1, 1])
    pitch = np.full((count, MOST_REPEATS), before.notes[-1, 2])
    pitch[:, 1:] = -1
    number = np.zeros(count, np.int64)  # of the next must
    last = musts[-1].at
    when = np.array([m.at for m in musts])
    straight = np.array([m.straight for m in musts])
    lines: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
    chosen: list[list[tuple[int, ...]]] = [[] for _ in range(count)]
    cued: list[list[NDArray[np.float32]]] = [[] for _ in range(count)]
    cost = np.zeros(count)
    here = np.arange(count)
    ways = reachable()
    while len(here):
        goal = when[number[here]]
        logits = gap_logits(model, reading)
        ahead = at[here, None] + GAPS
        rest = goal[:, None] - ahead
        fits = (rest >= 0) & ways[np.clip(rest, 0, FURTHEST) // GRID] & (GAPS >= length[here, None])
        fits &= ~straight[number[here], None] | (rest == 0)
        stuck = ~fits.any(axis=1)
        gap, nats = picked(np.where(fits | stuck[:, None], logits, NEVER), rng, heat)
        now = np.where(stuck, goal, at[here] + GAPS[gap])
        gap = np.where(stuck, nearest(GAPS, np.maximum(goal - at[here], 1)), gap)
        cues = ground.at(now, last)
        found = tone(model, reading, cues)
        found.chosen("gap", gap)
        held = now == goal
        asked = [musts[n] if h else None for n, h in zip(number[here].tolist(), held.tolist(), strict=True)]
        classes, more = picked(class_logits(found.logits("pitch_class"), asked, pitch[here], compass), rng, heat)
        nats += more
        found.chosen("pitch_class", classes)
        octave, more = picked(
            octave_logits(found.logits("octave"), asked, classes, pitch[here, 0], compass, low, high), rng, heat
        )
        nats += more
        found.chosen("octave", octave)
        tones = compass.pitch(classes, octave)
        tones = np.array(
            [t if m is None or m.pitch is None else m.pitch for t, m in zip(tones.tolist(), asked, strict=True)]
        )
        following = np.append(when, until)[number[here] + held]
        lengths, more = picked(
            length_logits(found.logits("length"), following - now, number[here] + held == len(musts)), rng, heat
        )
        nats += more
        longest = np.minimum(LENGTHS[lengths], following - now)
        given = [m.length if m is not None else None for m in asked]
        longest = np.array([own if g is None else g for own, g in zip(longest.tolist(), given, strict=True)])
        row = np.column_stack([gap, classes, octave, nearest(LENGTHS, np.maximum(longest, 1))])
        for k, line in enumerate(here.tolist()):
            lines[line].append((int(now[k]), int(longest[k]), int(tones[k])))
            chosen[line].append(tuple(row[k].tolist()))
            cued[line].append(cues[k])
        cost[here] += nats
        at[here], length[here] = now, longest
        pitch[here, 1:] = pitch[here, :-1]
        pitch[here, 0] = tones
        number[here] += held
        going = (number[here] < len(musts)) & (np.array([len(lines[k]) for k in here.tolist()]) < MOST_NOTES)
        if not going.any():
            break
        history = np.concatenate([history, row[:, None]], axis=1)[going]
        heard = np.concatenate([heard, cues[:, None]], axis=1)[going]
        if reading.notes == model.context:  # what lies far back is forgotten
            reading = read(model, history[:, -room:], heard[:, -room:])
        else:
            if not going.all():
                reading.keys = [k[going] for k in reading.keys]
                reading.values = [v[going] for v in reading.values]
            read_on(model, reading, row[going], cues[going])
        here = here[going]
    return [
        Line(np.array(notes), np.array(rows), np.array(cues), float(nats) / max(1, len(notes)))
        for notes, rows, cues, nats in zip(lines, chosen, cued, cost, strict=True)
    ]


def class_logits(
    logits: NDArray[np.float32], asked: Sequence[Must | None], pitches: NDArray[np.int64], compass: Compass
) -> NDArray[np.float32]:
    """Logits of pitch classes: those that are given, and none for a fourth time in a row."""
    found = logits.copy()
    for k, must in enumerate(asked):
        if must is not None and must.pitch is not None:
            keep = [(must.pitch - compass.middle) % 12]
        elif must is not None and must.classes:
            keep = list(must.classes)
        else:
            if (pitches[k] == pitches[k, 0]).all():
                found[k, (pitches[k, 0] - compass.middle) % 12] = NEVER
            continue
        mask = np.full(12, NEVER)
        mask[keep] = 0
        found[k] += mask
    return found


def octave_logits(
    logits: NDArray[np.float32],
    asked: Sequence[Must | None],
    classes: NDArray[np.int64],
    before: NDArray[np.int64],
    compass: Compass,
    low: int,
    high: int,
) -> NDArray[np.float32]:
    """Logits of octaves: inside the range, and no move wider than `WIDEST` where there is another way."""
    heights = compass.pitch(classes[:, None], np.arange(OCTAVES)[None, :])
    inside = (heights >= low) & (heights <= high)
    near = inside & (np.abs(heights - before[:, None]) <= WIDEST)
    inside = np.where(near.any(axis=1, keepdims=True), near, inside)
    for k, must in enumerate(asked):
        if must is not None and must.pitch is not None:
            inside[k] = np.arange(OCTAVES) == np.abs(heights[k] - must.pitch).argmin()
    outside = ~inside.any(axis=1)
    inside[outside, np.abs(heights[outside] - (low + high) / 2).argmin(axis=1)] = True
    return np.where(inside, logits, NEVER)


def length_logits(logits: NDArray[np.float32], room: NDArray[np.int64], last: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Logits of lengths: none beyond the next given time, nor such that it could not be reached from its end."""
    ways = reachable()
    rest = room[:, None] - LENGTHS
    fits = (rest >= 0) & (last[:, None] | ways[np.clip(rest, 0, FURTHEST) // GRID])
    fits[~fits.any(axis=1), 0] = True
    return np.where(fits, logits, NEVER)
