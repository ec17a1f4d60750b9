"""Lines as the model goes on: many continuations of one line side by side, each held to what the plan says.

What must be is never left to chance: at the times that are given a note begins, in one of the pitch classes that are
given, and where a note is given whole it is that note. Between them the model chooses, within the range, without a tone
four times in a row, and never so that the next given time could not be reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

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
NONE = -1  # a pitch or length that is not given

Rows = NDArray[np.int64]  # a line's notes: onset and length in ticks, pitch
Ints = NDArray[np.int64]  # one value for each line or must


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
        rows = self.cues[np.minimum(np.maximum((ticks - self.start) // GRID, 0), len(self.cues) - 1)]
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


def bridged(distances: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which distances, in ticks, some gaps come to; none that is negative."""
    inside = np.minimum(np.maximum(distances, 0), FURTHEST)
    return np.asarray((distances >= 0) & reachable()[inside // GRID])


def picked(
    logits: NDArray[np.float32], rng: np.random.Generator, heat: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A class for each row, out of the likeliest `KEPT`, and its cost in nats."""
    rows = np.arange(len(logits))
    order = np.argsort(-logits, axis=1)
    ranked = logits[rows[:, None], order].astype(np.float64)
    ranked -= ranked[:, :1]
    ranked /= heat
    share = np.exp(ranked, out=ranked)
    share /= np.add.reduce(share, axis=1, keepdims=True)
    upto = np.cumsum(share, axis=1)
    kept = np.add.reduce(upto < KEPT, axis=1)  # and the one that reaches it
    last = np.minimum(kept, order.shape[1] - 1)
    drawn = rng.random(len(upto)) * upto[rows, last]
    at = np.minimum(np.add.reduce(upto <= drawn[:, None], axis=1), last)
    return order[rows, at], -np.log(np.maximum(share[rows, at], 1e-12))


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
    history = model.context // 2 - 2  # notes that are read anew when what lies far back is forgotten
    reading = side_by_side(read(model, before.choices[None, -history:], before.cues[None, -history:]), count)
    at = np.full(count, before.notes[-1, 0])
    length = np.full(count, before.notes[-1, 1])
    pitch = np.full((count, MOST_REPEATS), before.notes[-1, 2])
    pitch[:, 1:] = -1
    number = np.zeros(count, np.int64)  # of the next must
    plan = columns_of(musts, compass)
    last = musts[-1].at
    following = np.append(plan.at, until)
    notes = np.zeros((MOST_NOTES, count, 3), np.int64)
    chosen = np.zeros((MOST_NOTES, count, 4), np.int64)
    cued = np.zeros((MOST_NOTES, count, before.cues.shape[1]), np.float32)
    drawn = np.zeros(count, np.int64)
    cost = np.zeros(count)
    here = np.arange(count)
    for step in range(MOST_NOTES):
        now_due = number[here]
        goal = plan.at[now_due]
        logits = gap_logits(model, reading)
        rest = (goal - at[here])[:, None] - GAPS
        fits = bridged(rest) & (length[here, None] <= GAPS)
        fits &= ~plan.straight[now_due, None] | (rest == 0)
        stuck = np.asarray(~fits.any(axis=1))
        gap, nats = picked(np.where(fits | stuck[:, None], logits, NEVER), rng, heat)
        now = np.where(stuck, goal, at[here] + GAPS[gap])
        gap = np.where(stuck, nearest(GAPS, np.maximum(goal - at[here], 1)), gap)
        cues = ground.at(now, last)
        found = tone(model, reading, cues)
        found.chosen("gap", gap)
        held = now == goal
        due = np.where(held, now_due, len(musts))
        classes, more = picked(class_logits(found.logits("pitch_class"), plan, due, pitch[here], compass), rng, heat)
        nats += more
        found.chosen("pitch_class", classes)
        octave, more = picked(
            octave_logits(found.logits("octave"), plan.pitch[due], classes, pitch[here, 0], compass, low, high),
            rng, heat,
        )  # fmt: skip
        nats += more
        found.chosen("octave", octave)
        tones = np.where(plan.pitch[due] == NONE, compass.pitch(classes, octave), plan.pitch[due])
        number[here] += held
        room = following[number[here]] - now
        lengths, more = picked(length_logits(found.logits("length"), room, number[here] == len(musts)), rng, heat)
        nats += more
        longest = np.where(plan.length[due] == NONE, np.minimum(LENGTHS[lengths], room), plan.length[due])
        row = np.column_stack([gap, classes, octave, nearest(LENGTHS, np.maximum(longest, 1))])
        notes[step, here] = np.column_stack([now, longest, tones])
        chosen[step, here], cued[step, here] = row, cues
        drawn[here] = step + 1
        cost[here] += nats
        at[here], length[here] = now, longest
        pitch[here, 1:] = pitch[here, :-1]
        pitch[here, 0] = tones
        going = number[here] < len(musts)
        if not going.any():
            break
        here = here[going]
        if reading.notes == model.context:  # what lies far back is forgotten
            so_far = slice(max(0, step + 1 - history), step + 1)
            reading = read(
                model,
                behind(before.choices, chosen[so_far, here].swapaxes(0, 1), history),
                behind(before.cues, cued[so_far, here].swapaxes(0, 1), history),
            )
        else:
            if not going.all():
                reading.only(going)
            read_on(model, reading, row[going], cues[going])
    return [
        Line(notes[:n, k].copy(), chosen[:n, k].copy(), cued[:n, k].copy(), float(cost[k]) / int(n))
        for k, n in enumerate(drawn)
    ]


def behind(before: NDArray[Any], more: NDArray[Any], most: int) -> NDArray[Any]:
    """The last `most` notes of each line, (lines, notes, ...), of what was before all, (notes, ...), and of what each
    has more, (lines, notes, ...)."""
    kept = before[-most:]
    kept = kept[max(0, len(kept) + more.shape[1] - most) :]
    return np.concatenate([np.broadcast_to(kept, (len(more), *kept.shape)), more], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class MustColumns:
    """Musts as columns, and behind them a row for notes that need not be.

    `pitch` and `length` are `NONE` where they are free; then every class is allowed.
    """

    at: Ints
    straight: NDArray[np.bool_]
    pitch: Ints
    length: Ints
    classes: NDArray[np.bool_]

    def free(self, due: Ints) -> NDArray[np.bool_]:
        """Whether nothing is said of a note's pitch."""
        return np.asarray(self.classes[due].all(axis=1))


def columns_of(musts: Sequence[Must], compass: Compass) -> MustColumns:
    """Of a must with a pitch that pitch's class is the only one."""
    classes = np.ones((len(musts) + 1, 12), np.bool_)
    for allowed, must in zip(classes, musts, strict=False):
        given = must.classes if must.pitch is None else ((must.pitch - compass.middle) % 12,)
        if given:
            allowed[:] = np.isin(np.arange(12), given)
    pitch, length = (
        np.array([*(NONE if value is None else value for value in values), NONE])
        for values in ([m.pitch for m in musts], [m.length for m in musts])
    )
    return MustColumns(np.array([m.at for m in musts]), np.array([m.straight for m in musts]), pitch, length, classes)


def class_logits(
    logits: NDArray[np.float32], plan: MustColumns, due: Ints, pitches: NDArray[np.int64], compass: Compass
) -> NDArray[np.float32]:
    """Logits of pitch classes: those that are given, and none for a fourth time in a row."""
    found = np.where(plan.classes[due], logits, logits + NEVER)
    again = plan.free(due) & (pitches == pitches[:, :1]).all(axis=1)
    found[again, (pitches[again, 0] - compass.middle) % 12] = NEVER
    return found


def octave_logits(
    logits: NDArray[np.float32], given: Ints, classes: Ints, before: Ints, compass: Compass, low: int, high: int
) -> NDArray[np.float32]:
    """Logits of octaves: inside the range, and no move wider than `WIDEST` where there is another way; that of a
    pitch which is `given`."""
    heights = compass.pitch(classes[:, None], np.arange(OCTAVES)[None, :])
    inside = (heights >= low) & (heights <= high)
    near = inside & (np.abs(heights - before[:, None]) <= WIDEST)
    inside = np.where(near.any(axis=1, keepdims=True), near, inside)
    asked = given != NONE
    if asked.any():
        inside[asked] = np.arange(OCTAVES) == np.abs(heights[asked] - given[asked, None]).argmin(axis=1)[:, None]
    outside = ~inside.any(axis=1)
    if outside.any():
        inside[outside, np.abs(heights[outside] - (low + high) / 2).argmin(axis=1)] = True
    return np.where(inside, logits, NEVER)


def length_logits(logits: NDArray[np.float32], room: NDArray[np.int64], last: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Logits of lengths: none beyond the next given time, nor such that it could not be reached from its end."""
    rest = room[:, None] - LENGTHS
    fits = bridged(rest) | (last[:, None] & (rest >= 0))
    fits[~fits.any(axis=1), 0] = True
    return np.where(fits, logits, NEVER)
