"""The melody: phrases grown from a motif, sung over the harmony, with one peak each and a breath after.

A phrase takes its rhythm from the motif of its letter (two bars, repeated, in sequence, turned over, broken into its
head) and its pitches from a walk over the scale of the chord below. Each step weighs the interval (shares of 50 958
intervals in minor songs), the planned contour, the chord, and the motif's own interval at that place. Many walks are
made; the one that sings best is kept. Dissonances on strong beats are drawn on purpose and always resolve by step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.chords import scale_for
from melancholia.composition.dialects import CADENCES
from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.harmony import Slot
from melancholia.composition.rhythms import bar_rhythms, onsets
from melancholia.profile import Writing

CANDIDATES = 28
# shares of intervals in semitones, -12..12, inside phrases of minor songs (OpenScore Lieder)
INTERVALS = {
    -12: 0.5, -9: 0.3, -8: 0.3, -7: 1.6, -6: 0.4, -5: 2.7, -4: 3.2, -3: 4.6, -2: 15.4, -1: 11.4, 0: 14.0, 1: 9.8,
    2: 13.4, 3: 4.7, 4: 2.0, 5: 3.8, 6: 0.4, 7: 1.4, 8: 0.6, 9: 0.4, 12: 0.4, -10: 0.2, -11: 0.02, 10: 0.2, 11: 0.02,
}  # fmt: skip
LOG_INTERVAL = np.log(np.array([INTERVALS[k] for k in range(-12, 13)]) / 100)


@dataclass(frozen=True, slots=True)
class Tone:
    """One written tone: quarters, MIDI pitch, and what it is in its phrase."""

    start: float
    duration: float
    pitch: int
    is_peak: bool = False
    is_dissonance: bool = False
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Motif:
    """Two bars of rhythm and, once sung, the intervals between its tones in scale steps."""

    rhythms: tuple[tuple[float, ...], tuple[float, ...]]
    steps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tone shall sound: time, length, chord, how strong its beat is, and the motif's interval into it."""

    start: float
    duration: float
    slot: Slot
    strong: bool
    wanted_step: int | None


def draw_rhythm(
    rng: np.random.Generator, metre: tuple[int, int], target: float, *, avoid: tuple[float, ...] = ()
) -> tuple[float, ...]:
    """A bar's rhythm with about `target` onsets."""
    bank = [r for r in bar_rhythms(metre) if r != avoid]
    weight = np.array([np.exp(-((onsets(r) - target) ** 2) / 0.9) for r in bank])
    return bank[int(rng.choice(len(bank), p=weight / weight.sum()))]


def draw_motif(rng: np.random.Generator, metre: tuple[int, int], target: float) -> Motif:
    first = draw_rhythm(rng, metre, target + 0.4)
    return Motif((first, draw_rhythm(rng, metre, target - 0.4, avoid=first)))


def phrase_rhythm(
    phrase: PhrasePlan, motif: Motif, form: Form, rng: np.random.Generator, target: float
) -> list[tuple[float, float, int | None]]:
    """(start, duration, index in the motif or None) of every tone of a phrase; the last bar breathes."""
    bar_quarters = form.bar_quarters
    plan: list[tuple[tuple[float, ...], int]] = []  # rhythm, first motif index or -1
    first, second = motif.rhythms
    count = onsets(first)
    for bar in range(phrase.bars - 1):
        if bar % 2 == 0 and (bar < 2 or rng.random() < 0.7):
            plan.append((first, 0))
        elif bar == 1 or (bar % 2 == 1 and rng.random() < 0.45):
            plan.append((second, count))
        else:
            plan.append((draw_rhythm(rng, form.metre, target), -1))
    tones: list[tuple[float, float, int | None]] = []
    for number, (rhythm, index) in enumerate(plan):
        at, k = (phrase.bar + number) * bar_quarters, 0
        for length in rhythm:
            if length > 0:
                tones.append((at, length, index + k if index >= 0 else None))
                k += 1
            at += abs(length)
    at = (phrase.bar + phrase.bars - 1) * bar_quarters
    rest = 1.0 if bar_quarters <= 3 else float(rng.choice([1.0, 1.5, 2.0]))
    lead_in = float(rng.choice([0, 0, 0.5, 1.0])) if bar_quarters - rest >= 2 else 0.0
    if lead_in:
        tones.append((at, lead_in, None))
    tones.append((at + lead_in, bar_quarters - rest - lead_in, None))
    return tones


def places(
    tones: list[tuple[float, float, int | None]], slots: tuple[Slot, ...], form: Form, motif: Motif, turn: int
) -> list[Place]:
    """Each tone with its chord, its beat and the motif's interval (times `turn`: -1 turns the motif over)."""
    found = []
    starts = np.array([slot.bar for slot in slots]) * form.bar_quarters
    beat = form.bar_quarters / 2 if form.metre[0] in (4, 6, 12, 2) else form.bar_quarters
    for start, duration, index in tones:
        slot = slots[max(0, int(np.searchsorted(starts, start + 1e-6, side="right")) - 1)]
        strong = abs(start / beat - round(start / beat)) < 1e-6 or duration >= 2
        wanted = None
        if index is not None and 0 < index <= len(motif.steps):
            wanted = motif.steps[index - 1] * turn
        found.append(Place(start, duration, slot, strong, wanted))
    return found


def scale_pitches(slot: Slot, tonic: int, low: int, high: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pitches of the chord's scale from `low` to `high`, and for each its scale degree counted on from C0."""
    scale = scale_for(slot.harmony)
    base = tonic + slot.local_key
    pitches, degrees = [], []
    for octave in range(-2, 11):
        for step, semitones in enumerate(scale):
            pitch = base + 12 * octave + semitones
            if low <= pitch <= high:
                pitches.append(pitch)
                degrees.append(7 * octave + step)
    order = np.argsort(pitches, kind="stable")
    return np.array(pitches)[order], np.array(degrees)[order]


def contour(u: NDArray[np.float64], kind: str, reach: float) -> NDArray[np.float64]:
    """Height -1..1 over the phrase: falling, arch, level, or rising to a late peak."""
    peak = 0.3 + 0.3 * reach
    if kind == "falling":
        return np.interp(u, (0, 0.12, 1), (0.7, 1.0, -1.0))
    if kind == "arch":
        return np.interp(u, (0, peak, 1), (-0.5, 1.0, -0.8))
    if kind == "rising":
        return np.interp(u, (0, 0.75, 1), (-0.9, 1.0, 0.2))
    return np.interp(u, (0, peak, 1), (-0.1, 0.5, -0.5))


def sing_phrase(
    phrase: PhrasePlan,
    found: list[Place],
    form: Form,
    writing: Writing,
    rng: np.random.Generator,
    *,
    tonic: int,
    low: int,
    high: int,
    ceiling: int,
    before: int | None,
) -> tuple[list[Tone], tuple[int, ...]]:
    """The best of many walks over the places, and its intervals in scale steps."""
    reach = writing.reach
    kinds = {"falling": 4 - 2.5 * reach, "arch": 3.5, "level": 1.5, "rising": 0.3 + 2.5 * reach}
    names, weights = list(kinds), np.array(list(kinds.values()))
    if phrase.kind == "climax":
        names, weights = ["arch", "rising"], np.array([2.0, 1.0 + reach])
    shape = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    times = np.array([p.start for p in found])
    u = (times - times[0]) / max(1e-9, times[-1] - times[0])
    tension = form.tension(phrase.bar + phrase.bars / 2)
    centre = writing.melody_mean + 0.42 * writing.melody_span * (tension - 0.5)
    half = writing.melody_span * (0.27 + 0.18 * tension)
    target = centre + half * contour(u, shape, reach)
    if phrase.kind == "climax":
        target += (ceiling - target.max()) * np.exp(-(((u - u[int(target.argmax())]) / 0.25) ** 2))
    ends = [(pc + tonic + found[-1].slot.local_key) % 12 for pc in CADENCES.get(phrase.cadence, ((), (0, 3, 7)))[1]]
    best, best_cost = None, np.inf
    for _ in range(CANDIDATES):
        walk = walk_once(found, target, writing, rng, tonic=tonic, low=low, high=ceiling, ends=ends, before=before)
        cost = sung_cost(walk, found, writing, target) + float(rng.gumbel(0, 0.6))
        if cost < best_cost:
            best, best_cost = walk, cost
    assert best is not None
    pitches, degrees, dissonant = best
    top = max(pitches)
    peak = pitches.index(top)
    tones = [
        Tone(p.start, p.duration, pitch, k == peak, dis, k == len(found) - 1)
        for k, (p, pitch, dis) in enumerate(zip(found, pitches, dissonant, strict=True))
    ]
    return tones, tuple(np.diff(degrees).tolist())


Walk = tuple[list[int], list[int], list[bool]]


def walk_once(
    found: list[Place],
    target: NDArray[np.float64],
    writing: Writing,
    rng: np.random.Generator,
    *,
    tonic: int,
    low: int,
    high: int,
    ends: list[int],
    before: int | None,
) -> Walk:
    """One walk: pitches, scale degrees, and which tones are dissonances on strong beats."""
    pitches: list[int] = []
    degrees: list[int] = []
    dissonant: list[bool] = []
    owed = 0  # a dissonance or passing tone must move on by step: -1 down, 1 up, 2 either way
    leap = 0  # the last leap, to be answered
    strong_share = writing.dissonances / 2.2
    for k, place in enumerate(found):
        options, steps = scale_pitches(place.slot, tonic, low, high)
        chord = set(place.slot.pitch_classes(tonic))
        in_chord = np.array([p % 12 in chord for p in options.tolist()])
        log = -((options - target[k]) ** 2) / (2 * 2.6**2)
        last = k == len(found) - 1
        if pitches:
            interval = options - pitches[-1]
            move = steps - degrees[-1]
            size = np.abs(move)
            log = log + np.where(np.abs(interval) <= 12, LOG_INTERVAL[np.clip(interval, -12, 12) + 12], -20)
            log = log + np.where(size <= 1, 0.0, 2.2 * (0.62 - writing.step_share) - 0.3)
            log = log + np.where(interval < 0, 1.6 * (writing.falling_share - 0.5), 0)
            log = log - 1.2 * ((interval == 0) & (len(pitches) > 1 and pitches[-1] == pitches[-2]))
            if place.wanted_step is not None:
                log = log + 2.6 * (move == place.wanted_step) + 0.9 * (np.abs(move - place.wanted_step) == 1)
            if leap and not owed:
                log = log + 1.3 * ((np.sign(interval) == -np.sign(leap)) & (size <= 2) & (interval != 0))
                log = log - 3.0 * ((np.sign(interval) == np.sign(leap)) & (np.abs(interval) > 2))
            if owed:
                fits = (size == 1) & ((move == owed) | (owed == 2))
                log = log + np.where(fits, 0, -9.0)
            log = log - 4.0 * (np.abs(interval) == 6) - 8.0 * ((np.abs(interval) == 3) & (size == 1))
        elif before is not None:
            log = log - np.maximum(0, np.abs(options - before) - 7) * 0.4
        if place.strong and not last:
            wished = rng.random() < strong_share
            lower = np.array([p % 12 not in chord for p in options.tolist()])
            resolves = np.concatenate([[False], in_chord[:-1]])
            log = log + np.where(lower, (1.0 if wished else -3.5) + np.where(resolves, 0, -4.0), 0.4)
        elif not last:
            log = log + np.where(in_chord, 0.5, -0.4)
        if last:
            log = log + np.where(np.isin(options % 12, ends) & in_chord, 0, np.where(in_chord, -7, -14))
        elif k == len(found) - 2:
            close = np.array([min((p - e) % 12 for e in ends) <= 2 for p in options.tolist()])
            log = log + np.where(close, 0.8, -0.4)
        log = log - log.max()
        weight = np.exp(log)
        at = int(rng.choice(len(options), p=weight / weight.sum()))
        pitch = int(options[at])
        interval_now = pitch - pitches[-1] if pitches else 0
        foreign = not bool(in_chord[at])
        owed = 0
        if foreign:
            owed = -1 if place.strong else 2
        leap = interval_now if abs(interval_now) >= 5 else 0
        pitches.append(pitch)
        degrees.append(int(steps[at]))
        dissonant.append(foreign and place.strong)
    return pitches, degrees, dissonant


def sung_cost(walk: Walk, found: list[Place], writing: Writing, target: NDArray[np.float64]) -> float:
    """How far a walk is from a line that a person would sing; lower is better."""
    pitches, degrees, dissonant = walk
    p = np.array(pitches)
    d = np.diff(p)
    cost = 0.05 * float(((p - target) ** 2).mean())
    top = int(p.max())
    cost += 1.2 * max(0, int((p == top).sum()) - 1)
    cost += 2.5 * float((np.abs(np.diff(degrees)) > 4).sum() > 2)
    cost += 3.0 * abs(float((np.abs(np.diff(degrees)) <= 1).mean()) - writing.step_share - 0.08) if len(d) else 0
    cost += 2.0 * float((d == 0).mean() > 0.3) if len(d) else 0
    turns = np.sign(d[d != 0])
    cost += 1.5 * float((np.diff(turns) != 0).mean() > 0.75) if len(turns) > 2 else 0
    for k, is_dissonant in enumerate(dissonant[:-1]):
        if is_dissonant and not -2 <= p[k + 1] - p[k] <= -1:
            cost += 2.5
    wished = writing.dissonances * (found[-1].start - found[0].start) / 4
    cost += 0.8 * abs(sum(dissonant) - wished)
    if not (np.abs(d) >= 5).any() and not any(dissonant):
        cost += 1.5  # nothing that one could not have guessed
    span = int(p.max() - p.min())
    cost += 0.35 * max(0.0, 5 - span) + 0.25 * max(0.0, span - writing.melody_span)
    return cost


def write_melody(
    form: Form, slots: tuple[Slot, ...], writing: Writing, rng: np.random.Generator, *, tonic: int, low: int, high: int
) -> list[list[Tone]]:
    """The melody, a list of tones for each phrase of the form (empty where it is silent).

    `low` and `high` bound the instrument. The highest tone of the piece stands in the climax phrase alone.
    """
    bar_seconds = form.bar_quarters * 60 / form.bpm
    per_bar = writing.melody_rate * bar_seconds
    top = min(high, round(writing.melody_mean + 0.62 * writing.melody_span))
    floor = max(low, round(writing.melody_mean - 0.72 * writing.melody_span) - 2)
    motifs: dict[str, Motif] = {}
    written: list[list[Tone]] = []
    before: int | None = None
    for phrase in form.phrases:
        if phrase.kind == "intro":
            written.append([])
            continue
        target = min(per_bar * (0.8 + 0.45 * form.tension(phrase.bar + phrase.bars / 2)), 6.0)
        if phrase.letter not in motifs:
            home = motifs.get("A")
            fresh = draw_motif(rng, form.metre, target)
            borrowed = home is not None and phrase.letter not in ("A", "coda") and rng.random() < 0.5
            motifs[phrase.letter] = Motif((home.rhythms[1], fresh.rhythms[0]), ()) if borrowed and home else fresh
        motif = motifs["A"] if phrase.kind == "coda" and "A" in motifs else motifs[phrase.letter]
        tones = coda_rhythm(phrase, form, motif) if phrase.kind == "coda" else None
        tones = phrase_rhythm(phrase, motif, form, rng, target) if tones is None else tones
        if not tones:
            written.append([])
            continue
        turn = -1 if phrase.visit >= 1 and rng.random() < 0.2 else 1
        found = places(tones, slots, form, motif, turn)
        ceiling = top if phrase.kind == "climax" else top - 2 - int(rng.integers(0, 2))
        sung, steps = sing_phrase(
            phrase, found, form, writing, rng, tonic=tonic, low=floor, high=high, ceiling=ceiling, before=before
        )
        if not motif.steps and phrase.kind != "coda":
            inside = sum(index is not None for _, _, index in tones[: sum(map(onsets, motif.rhythms))])
            motifs[phrase.letter] = Motif(motif.rhythms, steps[: max(0, inside - 1)])
        before = sung[-1].pitch
        written.append(sung)
    return written


def coda_rhythm(phrase: PhrasePlan, form: Form, motif: Motif) -> list[tuple[float, float, int | None]]:
    """The motif's head once more, broken off, and one long last tone."""
    start = phrase.bar * form.bar_quarters
    tones: list[tuple[float, float, int | None]] = []
    at = start
    for k, length in enumerate(motif.rhythms[0]):
        if length > 0:
            tones.append((at, length, k))
        at += abs(length)
    last = max(at, (phrase.bar + phrase.bars - (2 if phrase.bars > 2 else 1)) * form.bar_quarters)
    return [*tones, (last, form.quarters - last, None)]
