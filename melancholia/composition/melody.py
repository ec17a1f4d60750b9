"""The melody: phrases grown from a motif, sung over the harmony, with one peak each and a breath after.

`themes` gives a phrase its rhythm and what it recalls; here its tones get pitches. Every tone weighs the chord, the
planned contour and what it recalls; every move weighs its interval (shares of 50 958 intervals in minor songs), the
motif's own step at that place, and whether it resolves what it must. The phrase's peak and its cadence tone are fixed
first, the rest is drawn through a lattice; of many draws the one that sings best is kept.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.chords import scale_for
from melancholia.composition.dialects import CADENCES, CADENCES_MAJOR
from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.harmony import Slot
from melancholia.composition.lattice import NEVER, draw_lines
from melancholia.composition.themes import Sketch, Theme, coda_sketch, first_theme, held_peak, phrase_sketch
from melancholia.profile import Writing

CANDIDATES = 96
SILENT = ("intro", "interlude")  # phrases in which the melody waits
# shares of intervals in semitones, -12..12, inside phrases of minor songs (OpenScore Lieder); words repeat tones more
# often than instruments do, so the share of repeats is lowered from 22.5
INTERVALS = {
    -12: 0.5, -9: 0.3, -8: 0.3, -7: 1.6, -6: 0.4, -5: 2.7, -4: 3.2, -3: 4.6, -2: 15.4, -1: 11.4, 0: 14.0, 1: 9.8,
    2: 13.4, 3: 4.7, 4: 2.0, 5: 3.8, 6: 0.4, 7: 1.4, 8: 0.6, 9: 0.4, 12: 0.4, -10: 0.2, -11: 0.02, 10: 0.2, 11: 0.02,
}  # fmt: skip
LOG_INTERVAL = np.log(np.array([INTERVALS[k] for k in range(-12, 13)]) / 100)
ONWARD = 0.41  # of the moves of a minor song go on as the one before: up, down or level
DEPTHS = (0.4, 0.7, 1.0, 1.3)  # how deep a phrase may lie under its peak, against what the mood asks for
TABLE_STEPS, TABLE_FALLS = 0.645, 0.523  # the table's own shares among moves


@dataclass(frozen=True, slots=True)
class Tone:
    """One written tone: quarters, MIDI pitch, and what it is in its phrase."""

    start: float
    duration: float
    pitch: int
    is_peak: bool = False
    is_dissonance: bool = False
    is_last: bool = False


@dataclass(slots=True)
class Sung:
    """What the melody has had so far, so that the next phrase can make good what is lacking."""

    tones: int = 0
    bars: float = 0.0
    pitch_sum: float = 0.0
    moves: int = 0
    steps: int = 0
    falls: int = 0
    dissonances: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """What lies under each tone of a phrase, over the pitches `low` and up: arrays (tones, pitches)."""

    low: int
    in_scale: NDArray[np.bool_]
    in_chord: NDArray[np.bool_]
    degree: NDArray[np.int64]
    strong: NDArray[np.bool_]


def write_melody(
    form: Form, slots: tuple[Slot, ...], writing: Writing, rng: np.random.Generator, *, tonic: int, low: int, high: int
) -> list[list[Tone]]:
    """The melody, a list of tones for each phrase of the form (empty where it is silent).

    `low` and `high` bound the instrument. The highest tone of the piece stands in the climax phrase alone.
    """
    mean = float(np.clip(writing.melody_mean, low + 5, high - 7))
    top = min(high, round(mean + 0.2 + 0.72 * writing.melody_span))
    themes: dict[str, Theme] = {}
    done = Sung()
    written: list[list[Tone]] = []
    before: int | None = None
    wanted = writing.melody_rate * form.quarters * 60 / form.bpm
    weights = [phrase_weight(phrase, form) for phrase in form.phrases]
    for number, phrase in enumerate(form.phrases):
        if phrase.kind in SILENT:
            written.append([])
            continue
        share = (wanted - done.tones) * weights[number] / max(1e-9, sum(weights[number:]))
        inner = max(1.0, phrase.bars - 1)
        target = float(np.clip((share - 1.6) / inner, 1.0, 7.0))
        if phrase.kind == "coda":
            home = themes.get("A")
            sketch = coda_sketch(phrase, form, home, rng) if home else []
        else:
            if phrase.letter not in themes:
                themes[phrase.letter] = first_theme(phrase, form, rng, target, themes.get("A"))
            sketch = phrase_sketch(phrase, themes[phrase.letter], form, rng, target)
        if not sketch:
            written.append([])
            continue
        theme = themes["A" if phrase.kind == "coda" else phrase.letter]
        tones, pitches = sing_phrase(
            phrase, sketch, theme, slots, form, writing, rng, done,
            tonic=tonic, low=max(low, round(mean - 0.8 * writing.melody_span) - 1), mean=mean, top=top, before=before,
        )  # fmt: skip
        if not theme.pitches and phrase.kind != "coda":
            themes[phrase.letter] = replace(theme, pitches=pitches)
        before = tones[-1].pitch
        written.append(tones)
    return written


def phrase_weight(phrase: PhrasePlan, form: Form) -> float:
    """How many of the melody's tones a phrase takes, relative to others."""
    if phrase.kind in SILENT:
        return 0.0
    if phrase.kind == "coda":
        return 0.9
    return (phrase.bars - 0.4) * (0.85 + 0.35 * form.tension(phrase.bar + phrase.bars / 2))


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


SHAPES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {  # time and height 0..1 of the peak's height
    "falling": ((0, 0.12, 0.6, 1), (0.75, 1.0, 0.4, 0.0)),
    "arch": ((0, 0.4, 1), (0.2, 1.0, 0.1)),
    "level": ((0, 0.4, 1), (0.6, 1.0, 0.5)),
    "recited": ((0, 0.15, 0.3, 0.8, 1), (0.8, 1.0, 0.75, 0.75, 0.2)),
    "rising": ((0, 0.7, 1), (0.0, 1.0, 0.55)),
}


def choose_shape(phrase: PhrasePlan, reach: float, rng: np.random.Generator) -> str:
    weights = {"falling": 4 - 2.5 * reach, "arch": 3.5, "level": 1.5, "recited": 2.0, "rising": 0.3 + 2.5 * reach}
    if phrase.kind == "climax":
        weights = {"arch": 2.0, "rising": 1.0 + reach}
    share = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(share), p=share / share.sum()))]


def sing_phrase(
    phrase: PhrasePlan,
    sketch: list[Sketch],
    theme: Theme,
    slots: tuple[Slot, ...],
    form: Form,
    writing: Writing,
    rng: np.random.Generator,
    done: Sung,
    *,
    tonic: int,
    low: int,
    mean: float,
    top: int,
    before: int | None,
) -> tuple[list[Tone], dict[tuple[int, int], int]]:
    """The tones of a phrase, and the pitches by (bar, place) that its theme may keep."""
    shape = choose_shape(phrase, writing.reach, rng)
    peak = peak_index(phrase, sketch, theme, form, shape)
    if phrase.kind != "coda" and (phrase.event == "hold" or phrase.kind == "climax" and sketch[peak].duration < 1):
        sketch = held_peak(sketch, peak)
    base = ground(sketch, slots, form, tonic=tonic, low=low, high=top)
    tension = form.tension(phrase.bar + phrase.bars / 2)
    drift = float(np.clip(mean - done.pitch_sum / done.tones, -4, 4)) if done.tones else 0.0
    summit = top if phrase.kind == "climax" else peak_height(writing, mean + drift, tension, top)
    height = peak_pitch(base, peak, summit, highest=phrase.kind == "climax", rng=rng)
    recalled = theme.pitches.get(sketch[peak].source or (-1, -1), 0) if sketch[peak].operation == "recalled" else 0
    if phrase.kind not in ("climax", "coda") and low <= recalled <= top - 3 and base.in_scale[peak][recalled - low]:
        height = recalled
    u = np.array([s.start for s in sketch])
    u = (u - u[0]) / max(1e-9, u[-1] - u[0])
    u_peak = float(u[peak])
    times, levels = SHAPES[shape]
    bent = np.interp(u, (0, max(u_peak, 1e-3), 1), (0, times[int(np.argmax(levels))], 1))
    depth = writing.melody_span * (0.72 + 0.3 * tension) * float(rng.choice(DEPTHS))  # no two waves alike
    target = height - depth * (1 - np.interp(bent, times, levels))
    wished = wished_dissonances(sketch, base, writing, done, phrase, peak, rng)
    states = tone_weights(
        sketch, base, target, wished, theme, phrase, peak, height, tonic, slots, form, writing.melody_span
    )
    moves = move_weights(sketch, base, writing, phrase, peak, done)
    if before is not None:
        states[0] -= 0.35 * np.maximum(0, np.abs(np.arange(low, top + 1) - before) - 7)
    if not theme.pitches and any(s.source for s in sketch):
        draft = draw_lines(states, moves, rng, 1)[0]
        recall(states, moves, sketch, base, pitches_by_place(sketch, draft + low))
    lines = draw_lines(states, moves, rng, CANDIDATES)
    best = lines[
        int(np.argmin(line_costs(lines, sketch, base, writing, done, phrase) + rng.gumbel(0, 0.35, len(lines))))
    ]
    pitches = best + low
    foreign = ~base.in_chord[np.arange(len(best)), best]
    tones = [
        Tone(s.start, s.duration, int(p), k == peak, bool(foreign[k] and base.strong[k]), k == len(sketch) - 1)
        for k, (s, p) in enumerate(zip(sketch, pitches, strict=True))
    ]
    count(done, tones, phrase)
    return tones, pitches_by_place(sketch, pitches)


def pitches_by_place(sketch: list[Sketch], pitches: NDArray[np.int64]) -> dict[tuple[int, int], int]:
    return {(s.bar, s.place): int(p) for s, p in zip(sketch, pitches, strict=True)}


def peak_index(phrase: PhrasePlan, sketch: list[Sketch], theme: Theme, form: Form, shape: str) -> int:
    """Where the phrase peaks: at the piece's climax, where its theme peaked, or where the shape says."""
    if phrase.kind == "climax":
        goal = form.climax * form.bars * form.bar_quarters
        inner = sketch[: max(1, len(sketch) - 1)]
        early = min(3, len(inner) - 1)  # a climax is climbed to, not begun with
        far = [abs(s.start - goal) - 1.5 * min(s.duration, 3) + 3.0 * (k < early) for k, s in enumerate(inner)]
        return int(np.argmin(far))
    known = [theme.pitches.get(s.source or (-1, -1), -1) if s.operation == "recalled" else -1 for s in sketch]
    if max(known) > 0 and phrase.kind != "coda":
        return int(np.argmax(known))
    times, levels = SHAPES[shape]
    first, length = sketch[0].start, sketch[-1].start - sketch[0].start
    goal = first + times[int(np.argmax(levels))] * length
    cost = [abs(s.start - goal) / max(length, 1) - 0.12 * min(s.duration, 2) for s in sketch[: max(1, len(sketch) - 1)]]
    return int(np.argmin(cost))


def peak_height(writing: Writing, mean: float, tension: float, top: int) -> float:
    """How high the phrase goes: higher with tension, always under the piece's highest tone."""
    return min(mean + writing.melody_span * (0.13 + 0.55 * tension), top - 3)


def peak_pitch(base: Ground, peak: int, summit: float, *, highest: bool, rng: np.random.Generator) -> int:
    """A pitch of the scale near the summit for the peak: a chord tone mostly, under it where it is the highest."""
    pitches = base.low + np.arange(base.in_scale.shape[1])
    cost = np.abs(pitches - summit) + np.where(base.in_scale[peak], 0, 99) + np.where(base.in_chord[peak], 0, 1.8)
    if not highest:
        cost = cost + np.where(pitches > pitches[-1] - 3, 50, 0) + rng.gumbel(0, 0.3, len(cost))
    else:
        cost = cost + np.where(pitches < pitches[-1] - 2, 50, 0)
    return int(pitches[int(cost.argmin())])


def wished_dissonances(
    sketch: list[Sketch],
    base: Ground,
    writing: Writing,
    done: Sung,
    phrase: PhrasePlan,
    peak: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """The tones that shall be appoggiaturas: long ones on strong beats, about as many as the mood asks for."""
    wished = np.zeros(len(sketch), bool)
    owed = (0.75 + 0.2 * writing.dissonances) * writing.dissonances * (done.bars + phrase.bars) - done.dissonances
    places = [
        k
        for k in range(len(sketch) - 1)
        if sketch[k].duration >= 0.5
        and abs(sketch[k].start - round(sketch[k].start)) < 1e-6
        and sketch[k + 1].start - sketch[k].start - sketch[k].duration < 0.26
        and sketch[k].operation != "recalled"
    ]
    if phrase.event == "sigh" and len(sketch) > 1:
        wished[len(sketch) - 2] = True
        owed -= 1
    order = sorted(places, key=lambda k: -(base.strong[k] + 0.3 * sketch[k].duration + float(rng.random())))
    taken: set[int] = set(np.flatnonzero(wished).tolist())
    for k in order:
        if len(taken) < owed and not {k - 1, k + 1} & taken:
            taken.add(k)
    wished[list(taken)] = True
    return wished


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
    foreign = np.where(base.strong, -3.5, np.where(durations >= 1, -1.4, -0.3)) - 3.0 * (gap > 0.26)
    foreign = np.where(wished, 4.0, foreign)
    states = states + np.where(base.in_chord, 0.0, foreign[:, None])
    for k, s in enumerate(sketch):
        if s.operation == "recalled" and s.source in theme.pitches and k not in (peak, len(sketch) - 1):
            old = theme.pitches[s.source]
            states[k] += 7.5 * (pitches == old) + 1.5 * ((pitches - old) % 12 == 0)
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
    states[:, pitches >= height] += NEVER
    states[peak] = np.where(pitches == height, 0.0, NEVER)
    if len(sketch) - 1 == peak and last is not None:
        states[peak] = np.where(base.in_chord[-1] & (pitches <= height), 0.0, NEVER)
    return np.asarray(states)


def slot_at(slots: tuple[Slot, ...], bar: float) -> Slot:
    return next((s for s in slots if bar < s.end - 1e-6), slots[-1])


def move_weights(
    sketch: list[Sketch], base: Ground, writing: Writing, phrase: PhrasePlan, peak: int, done: Sung
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
            states[k, motif[s.bar, s.place] - base.low] += 9.0
        if s.source is None or s.source not in motif:
            continue
        old = motif[s.source] - base.low
        if s.operation in ("same", "ornamented", "head"):
            states[k, old] += 8.0
        elif k and (s.source[0], s.source[1] - 1) in motif and s.place > 0:
            previous = motif[s.source[0], s.source[1] - 1] - base.low
            wanted = base.degree[0][old] - base.degree[0][previous]
            wanted = -wanted if s.operation == "turned" else wanted
            degree = base.degree[k][None, :] - base.degree[k - 1][:, None]
            moves[k - 1] += 2.6 * (degree == wanted)


def line_costs(
    lines: NDArray[np.int64], sketch: list[Sketch], base: Ground, writing: Writing, done: Sung, phrase: PhrasePlan
) -> NDArray[np.float64]:
    """How far each line is from one that a person would sing, and from what the mood still asks for."""
    jump = np.diff(lines, axis=1)
    size = np.abs(jump)
    total = len(lines)
    moved = np.maximum(1, done.moves + (size > 0).sum(axis=1))
    steps = (done.steps + ((size > 0) & (size <= 2)).sum(axis=1)) / moved
    falls = (done.falls + (jump < 0).sum(axis=1)) / moved
    cost = 26 * np.abs(steps - writing.step_share) + 18 * np.abs(falls - writing.falling_share)
    tones = done.tones + lines.shape[1]
    mean = (done.pitch_sum + (lines + base.low).sum(axis=1)) / tones
    cost = cost + 1.2 * np.abs(mean - writing.melody_mean)
    foreign = ~base.in_chord[np.arange(lines.shape[1])[None, :], lines]
    beats = np.array([abs(s.start - round(s.start)) < 1e-6 and s.duration >= 0.5 for s in sketch])
    count = (foreign & beats).sum(axis=1) + done.dissonances
    cost = cost + 0.9 * np.abs(
        count - (0.75 + 0.2 * writing.dissonances) * writing.dissonances * (done.bars + phrase.bars)
    )
    if jump.shape[1] > 1:
        again = (jump[:, 1:] == 0) & (jump[:, :-1] == 0)
        same_way = (np.sign(jump[:, 1:]) == np.sign(jump[:, :-1])) & (size[:, 1:] > 2) & (size[:, :-1] > 2)
        cost = cost + 1.0 * again.sum(axis=1) + 1.0 * same_way.sum(axis=1)
        leapt = size[:, :-1] >= 5
        back = np.sign(jump[:, 1:]) == -np.sign(jump[:, :-1])
        later = np.concatenate([np.sign(jump[:, 2:]) == -np.sign(jump[:, :-2]), np.zeros((total, 1), bool)], axis=1)
        cost = cost + 1.5 * (leapt & ~back & ~later).sum(axis=1) + 3.0 * (leapt & ~back).sum(axis=1)
        turns = (np.sign(jump[:, 1:]) * np.sign(jump[:, :-1]) < 0).mean(axis=1)
        onward = (np.sign(jump[:, 1:]) == np.sign(jump[:, :-1])).mean(axis=1)
        cost = cost + 2.0 * np.maximum(0, turns - 0.65) + 9.0 * np.abs(onward - ONWARD)
    return np.asarray(cost + 0.8 * np.maximum(0, 4 - np.ptp(lines, axis=1)))


def count(done: Sung, tones: list[Tone], phrase: PhrasePlan) -> None:
    jump = np.diff([t.pitch for t in tones])
    done.tones += len(tones)
    done.bars += phrase.bars
    done.pitch_sum += sum(t.pitch for t in tones)
    done.moves += int((jump != 0).sum())
    done.steps += int(((jump != 0) & (np.abs(jump) <= 2)).sum())
    done.falls += int((jump < 0).sum())
    done.dissonances += sum(t.is_dissonance for t in tones)


def shortfall(wanted: float, found: int, of: int) -> float:
    return wanted - found / of if of >= 8 else 0.0


def logit(share: float) -> float:
    kept = min(0.97, max(0.03, share))
    return float(np.log(kept / (1 - kept)))
