"""The melody: phrases grown from a motif, sung over the harmony, with one peak each and a breath after.

`themes` gives a phrase its rhythm and what it recalls; here its tones get pitches. Every tone weighs the chord, the
planned contour and what it recalls; every move weighs its interval (shares of 50 958 intervals in minor songs), the
motif's own step at that place, and whether it resolves what it must. The phrase's peak and its cadence tone are fixed
first, the rest is drawn through a lattice; of many draws the one that sings best is kept.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.critic import LEAP, SUNG
from melancholia.composition.form import SILENT, Form, PhrasePlan, phrase_weight
from melancholia.composition.harmony import Slot
from melancholia.composition.lattice import draw_lines
from melancholia.composition.moves import TURNS, surprise
from melancholia.composition.statement import Given
from melancholia.composition.themes import (
    BREATH,
    Manner,
    Sketch,
    Theme,
    coda_sketch,
    draw_manner,
    first_theme,
    given_theme,
    held_peak,
    phrase_sketch,
)
from melancholia.composition.tones import Tone
from melancholia.composition.weights import (
    FIXED,
    TURNING,
    Ground,
    Sung,
    fixed_pitches,
    follow,
    ground,
    move_weights,
    recall,
    tone_weights,
)
from melancholia.writing import Writing

CANDIDATES = 96
GUESSABLE = 2.0  # cost of a phrase without one thing that could not be guessed
LEANING = 4.0  # semitones that a phrase lies higher for a tension of 1
UNEVEN_PHRASES = 0.15  # spread of how full phrases are
CODA = 0.9  # bars that count for the few tones of a coda
DEPTHS = (0.7, 0.9, 1.1, 1.4, 1.8)  # how deep a phrase may lie under its peak, against what its mean height asks for


def write_melody(
    form: Form,
    slots: tuple[Slot, ...],
    writing: Writing,
    rng: np.random.Generator,
    *,
    tonic: int,
    low: int,
    high: int,
    given: Given | None = None,
) -> list[list[Tone]]:
    """The melody, a list of tones for each phrase of the form (empty where it is silent).

    `low` and `high` bound the instrument. The highest tone of the piece stands in the climax phrase alone. A theme that
    is `given` is the home tune; other letters take it up as well.
    """
    means = [float(np.clip(w.melody_mean, low + 5, high - 7)) for w in form.writings]
    top = min(high, max(round(m + 0.2 + 0.72 * w.melody_span) for m, w in zip(means, form.writings, strict=True)))
    if given is not None:
        top = min(high, max(top, max(pitch for _, _, pitch in given.tones) + 2))
    themes: dict[str, Theme] = {}
    manner = draw_manner(rng)
    done = Sung()
    written: list[list[Tone]] = []
    before: int | None = None
    rate = float(np.average([w.melody_rate for w in form.writings], weights=[p.bars for p in form.phrases]))
    wanted = manner.fullness * rate * form.quarters * 60 / form.bpm
    weights = [phrase_weight(p, form, CODA) * w.melody_rate for p, w in zip(form.phrases, form.writings, strict=True)]
    for number, (phrase, mean) in enumerate(zip(form.phrases, means, strict=True)):
        done.turn(writing, form.writings[number])
        writing = form.writings[number]
        if phrase.kind in SILENT:
            written.append([])
            continue
        share = (wanted - done.tones) * weights[number] / max(1e-9, sum(weights[number:]))
        inner = max(1.0, phrase.bars - 0.6)
        target = float(np.clip(share / inner * np.exp(rng.normal(0, UNEVEN_PHRASES)), 1.0, 7.0))
        if phrase.kind == "coda":
            home = themes.get("A")
            sketch = coda_sketch(phrase, form, home, rng) if home else []
        else:
            if given is not None and phrase.letter not in themes:
                themes[phrase.letter] = given_theme(given, form, rng, target)
            elif phrase.letter not in themes:
                themes[phrase.letter] = first_theme(phrase, form, rng, target, manner, themes.get("A"))
            sketch = phrase_sketch(phrase, themes[phrase.letter], form, rng, target, manner)
        if not sketch:
            written.append([])
            continue
        if written and written[-1]:
            sketch, written[-1] = parted(sketch, written[-1], phrase.bar * form.bar_quarters)
        theme = themes["A" if phrase.kind == "coda" else phrase.letter]
        tones, pitches = sing_phrase(
            phrase, sketch, theme, slots, form, writing, manner, rng, done,
            tonic=tonic, low=max(low, round(mean - 0.8 * writing.melody_span) - 1), mean=mean, top=top, before=before,
        )  # fmt: skip
        if not theme.pitches and phrase.kind != "coda":
            themes[phrase.letter] = replace(theme, pitches=pitches)
        before = tones[-1].pitch
        written.append(tones)
    return written


def parted(sketch: list[Sketch], before: list[Tone], bar_line: float) -> tuple[list[Sketch], list[Tone]]:
    """A phrase and the one before it with a breath between them: that ends earlier, or this has no pickup."""
    last = before[-1]
    room = sketch[0].start - BREATH - last.start
    if last.start + last.duration <= sketch[0].start - BREATH + 1e-6:
        return sketch, before
    if room >= BREATH:
        return sketch, [*before[:-1], replace(last, duration=room)]
    kept = [s for s in sketch if s.start >= bar_line - 1e-6]
    return kept, [
        *before[:-1],
        replace(last, duration=max(0.25, min(last.duration, kept[0].start - BREATH - last.start))),
    ]


# Time and height 0..1 of the peak's height. The heights of first and last tone are drawn (`shape_of`).
SHAPES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "falling": ((0, 0.12, 0.6, 1), (0.8, 1.0, 0.45, 0.0)),
    "arch": ((0, 0.4, 1), (0.2, 1.0, 0.2)),
    "level": ((0, 0.4, 1), (0.6, 1.0, 0.55)),
    "recited": ((0, 0.15, 0.3, 0.8, 1), (0.8, 1.0, 0.75, 0.75, 0.3)),
    "rising": ((0, 0.75, 1), (0.0, 1.0, 0.75)),
    "valley": ((0, 0.05, 0.55, 1), (0.95, 1.0, 0.1, 0.75)),
    "wave": ((0, 0.2, 0.45, 0.75, 1), (0.3, 0.85, 0.1, 1.0, 0.35)),
}
OPEN_END = {"half": 0.3, "deceptive": 0.25, "imperfect": 0.2}  # how much higher a phrase may end that does not close


def shape_of(name: str, phrase: PhrasePlan, rng: np.random.Generator) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The shape with its own ends: people close a phrase anywhere from its lowest tone (a third of them) to its top."""
    times, levels = SHAPES[name]
    last = float(np.clip(levels[-1] + rng.normal(0.05, 0.2) + OPEN_END.get(phrase.cadence, 0.0) * rng.random(), 0, 0.9))
    first = float(np.clip(levels[0] + rng.normal(0, 0.15), 0, 0.97))
    return times, (first, *levels[1:-1], last)


def choose_shape(phrase: PhrasePlan, reach: float, rng: np.random.Generator) -> str:
    weights = {
        "falling": 3.5 - 2 * reach, "arch": 3.0, "level": 1.0, "recited": 1.5, "rising": 0.5 + 2 * reach, "valley": 1.2,
        "wave": 2.0,
    }  # fmt: skip
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
    manner: Manner,
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
    shape = shape_of(choose_shape(phrase, writing.reach, rng), phrase, rng)
    fixed = fixed_pitches(sketch, theme)
    peak = max(fixed, key=lambda k: fixed[k]) if fixed else peak_index(phrase, sketch, theme, form, shape)
    low = min([low, *fixed.values()])
    if (
        not fixed
        and phrase.kind != "coda"
        and (phrase.event == "hold" or phrase.kind == "climax" and sketch[peak].duration < 1)
    ):
        sketch = held_peak(sketch, peak)
    base = ground(sketch, slots, form, tonic=tonic, low=low, high=top)
    tension = form.tension(phrase.bar + phrase.bars / 2)
    drift = float(np.clip(mean - done.pitch_sum / done.tones, -4, 4)) if done.tones else 0.0
    summit = top if phrase.kind == "climax" else peak_height(writing, mean + drift, tension, top)
    height = peak_pitch(base, peak, summit, highest=phrase.kind == "climax", rng=rng)
    recalled = theme.pitches.get(sketch[peak].source or (-1, -1), 0) if sketch[peak].operation == "recalled" else 0
    if phrase.kind not in ("climax", "coda") and low <= recalled <= top - 3 and base.in_scale[peak][recalled - low]:
        height = recalled
    height = fixed.get(peak, height)
    u = np.array([s.start for s in sketch])
    u = (u - u[0]) / max(1e-9, u[-1] - u[0])
    u_peak = float(u[peak])
    times, levels = shape
    bent = np.interp(u, (0, max(u_peak, 1e-3), 1), (0, times[int(np.argmax(levels))], 1))
    curve = 1 - np.interp(bent, times, levels)
    asked = (height - mean - drift - LEANING * (tension - 0.45)) / max(0.15, float(curve.mean()))
    depth = float(np.clip(asked, 3, writing.melody_span)) * float(rng.choice(DEPTHS))  # no two waves alike
    target = height - depth * curve
    wished = wished_dissonances(sketch, base, writing, done, phrase, peak, rng)
    states = tone_weights(
        sketch, base, target, wished, theme, phrase, peak, height, tonic, slots, form, writing.melody_span
    )
    moves = move_weights(sketch, base, writing, manner, phrase, peak, done)
    for k, pitch in fixed.items():
        states[k] = np.where(np.arange(low, top + 1) == pitch, 0.0, FIXED)
    if theme.given is not None:
        follow(states, moves, sketch, base, theme.given)
    elif before is not None:
        states[0] -= 0.35 * np.maximum(0, np.abs(np.arange(low, top + 1) - before) - 7)
    if theme.given is None and not theme.pitches and any(s.source for s in sketch):
        draft = draw_lines(states, moves, rng, 1, TURNING * TURNS)[0]
        recall(states, moves, sketch, base, pitches_by_place(sketch, draft + low))
    lines = draw_lines(states, moves, rng, CANDIDATES, TURNING * TURNS)
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


def peak_index(
    phrase: PhrasePlan,
    sketch: list[Sketch],
    theme: Theme,
    form: Form,
    shape: tuple[tuple[float, ...], tuple[float, ...]],
) -> int:
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
    times, levels = shape
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
    owed = dissonances_wanted(writing) * (done.bars + phrase.bars) - done.dissonances
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


def dissonances_wanted(writing: Writing) -> float:
    """Appoggiaturas a bar to wish for, so that what is asked comes out: some do not fit, others just happen."""
    return (0.62 + 0.45 * writing.dissonances) * writing.dissonances


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
    cost = cost + 0.9 * np.abs(count - dissonances_wanted(writing) * (done.bars + phrase.bars))
    if jump.shape[1] > 1:
        again = (jump[:, 2:] == 0) & (jump[:, 1:-1] == 0) & (jump[:, :-2] == 0)
        same_way = (np.sign(jump[:, 1:]) == np.sign(jump[:, :-1])) & (size[:, 1:] > 2) & (size[:, :-1] > 2)
        cost = cost + 4.0 * again.sum(axis=1) + 1.0 * same_way.sum(axis=1)
        leapt = size[:, :-1] >= 5
        back = np.sign(jump[:, 1:]) == -np.sign(jump[:, :-1])
        later = np.concatenate([np.sign(jump[:, 2:]) == -np.sign(jump[:, :-2]), np.zeros((total, 1), bool)], axis=1)
        cost = cost + 1.5 * (leapt & ~back & ~later).sum(axis=1) + 3.0 * (leapt & ~back).sum(axis=1)
        unsung = surprise(lines)
        cost = cost + 4.0 * np.maximum(0, np.maximum(SUNG[0] - unsung, unsung - SUNG[1]))
        on_beats = foreign & base.strong
        cost = cost + GUESSABLE * ~((size >= LEAP).any(axis=1) | on_beats.any(axis=1))
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
