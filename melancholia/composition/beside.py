"""Lines beside the tune, as a second model writes them: a bass, a second voice, inner voices.

Phrase after phrase the model goes on with a line under the plan's chords, told what tune and bass do meanwhile; of some
continuations the one is kept that moves best against all lines that are there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from melancholia.composition.asks import ticks
from melancholia.composition.choosing import SUNG
from melancholia.composition.coding import AT_PLACE, BESIDE, TICKS, Compass, told
from melancholia.composition.continuing import GRID, Ground, Line, Must, Rows, as_line, go_on, opening
from melancholia.composition.decoder import Decoder
from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.harmony import Slot
from melancholia.composition.held import NEVER, WIDE_OPEN, Held, There
from melancholia.composition.leading import meeting, pair
from melancholia.composition.meanwhile import meanwhile

CANDIDATES = 16
CHANCE = 0.15  # of the choice among continuations that do nearly as well
MARCHING = 0.55  # of a line's onsets may lie on quarters: in slow quartets .51 to .61 do, in the medians of four voices
# Of the places that a line strikes in a bar or in the one before, so many it strikes in both: slow quartets, the median
# of their second violins and cellos.
SAME_PLACES = 0.55
UNEVEN = 0.25  # spread of the logarithm of how full phrases are
RUBS_AGAIN = 0.08  # of its time a line that returns may rub against the tune
OPEN = 8  # semitones about its centre that a line moves in
WEIGHTS = {
    "full": 4.0, "high": 0.3, "leaping": 0.8, "rough": 3.0, "together": 1.5, "unlikely": 1.5, "fifths": 6.0,
    "octaves": 4.0, "rubs": 18.0, "restless": 3.0, "crossed": 3.0, "doubled": 3.0, "same": 4.0, "marching": 6.0,
    "held": 4.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Voice:
    """What a line shall be: its voice (of `coding.VOICES`), range and centre in MIDI pitches, notes a quarter, mean
    size of a move in semitones, share of tones outside their chord and of those that begin with one of the tune."""

    voice: str
    low: int
    high: int
    centre: float
    density: float
    leaps: float
    foreign: float
    together: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What lines are written into: the plan, its cues (of a tune), the home tonic, the tune, and the first bars of the
    phrases that bring back what went with their letter before."""

    form: Form
    slots: tuple[Slot, ...]
    ground: Ground
    tonic: int
    tune: Rows
    again: frozenset[int] = frozenset()

    @property
    def bar(self) -> int:
        return ticks(self.form.bar_quarters)

    def chords(self, phrase: PhrasePlan) -> list[tuple[int, int, Slot]]:
        """The chords of a phrase: first and end in ticks."""
        found = []
        for slot in self.slots:
            first, until = max(slot.bar, phrase.bar), min(slot.end, phrase.end)
            if until - first > 1e-6:
                found.append((round(first * self.bar), ticks(self.form.end_of(until)), slot))
        return found

    def above(self, pitch_classes: Sequence[int]) -> tuple[int, ...]:
        """Pitch classes above home."""
        return tuple((pc - self.tonic) % 12 for pc in pitch_classes)


def write_line(
    model: Decoder,
    scene: Scene,
    voice: Voice,
    active: set[int],
    rng: np.random.Generator,
    *,
    low: Rows,
    others: Sequence[Rows],
    there: There | None = None,
) -> Rows:
    """A line in the bars that are its own.

    Parameters
    ----------
    model : Decoder
        Of `BESIDE`.
    scene : Scene
    voice : Voice
    active : set of int
        Bars in which it may sound.
    rng : Generator
    low : rows
        The lowest of what is there as a line; empty where nothing is.
    others : sequence of rows
        All other parts but the tune, lines or accompaniments.
    there : There, optional
        What is there of the line and stays, and where it is open; then `active` does not count.
    """
    compass = Compass.about(scene.tonic, voice.centre)
    rows = scene.ground.cues
    cues = np.zeros((len(rows), BESIDE.width), np.float32)
    cues[:, AT_PLACE] = rows[:, AT_PLACE]
    times = scene.ground.start + GRID * np.arange(len(rows))
    for name, columns in meanwhile(times, voice.centre, scene.tune, low, voice.voice).items():
        cues[:, BESIDE.at[name]] = np.roll(columns, -scene.tonic, axis=1) if columns.shape[1] == 12 else columns
    cues[:, BESIDE.at["known"]] = 1
    line = opening(compass, voice.centre, scene.bar, cues[0])
    found: list[Rows] = []
    letters: dict[str, tuple[PhrasePlan, Rows]] = {}
    with threadpool_limits(1, "blas"):
        for k, phrase in enumerate(scene.form.phrases):
            own = there.of(k) if there is not None else WIDE_OPEN
            if not own.open and len(own.rows):
                line = line.and_then(as_line(own.rows, line, Ground(scene.ground.start, cues, BESIDE), compass))
                letters.setdefault(phrase.letter, (phrase, own.rows))
            if not own.open or (there is None and phrase.bar not in active):
                continue
            musts, until = held_to(scene, phrase, voice, rng)
            if phrase.letter in letters and phrase.bar in scene.again:
                musts = recalled(scene, *letters[phrase.letter], phrase, musts, low)
            if there is not None:
                musts, until = between(own, [*pulse(own, until, scene.bar, voice.density), *musts], until)
            density = voice.density * float(np.exp(rng.normal(0, UNEVEN)))
            density *= 0.8 + 0.45 * scene.form.tension(phrase.bar + phrase.bars / 2)
            here = cues.copy()
            figures = {
                "density": density, "register": 0.0, "leaps": voice.leaps, "dissonance": voice.foreign,
                "together": voice.together,
            }  # fmt: skip
            for name, value in figures.items():
                here[:, BESIDE.at[name]] = told(name, value)
            ground = Ground(scene.ground.start, here, BESIDE)
            options = go_on(
                model, line, ground, musts, compass, low=max(voice.low, round(voice.centre) - OPEN),
                high=min(voice.high, round(voice.centre) + OPEN), until=until, count=CANDIDATES, rng=rng,
            )  # fmt: skip
            costs = [cost(one, line, voice, density, ground, scene.tune, low, others, scene.bar) for one in options]
            best = options[int(np.argmin(np.array(costs) + rng.gumbel(0, CHANCE, len(costs))))]
            found.append(best.notes)
            letters.setdefault(phrase.letter, (phrase, best.notes))
            line = line.and_then(best)
    return np.concatenate(found) if found else np.zeros((0, 3), np.int64)


def held_to(scene: Scene, phrase: PhrasePlan, voice: Voice, rng: np.random.Generator) -> tuple[list[Must], int]:
    """The notes that must be there in a phrase, and when it ends: a bass says each chord, others begin and end in one.

    A second voice waits for the tune, a beat to a bar.
    """
    chords = scene.chords(phrase)
    until = chords[-1][1]
    if voice.voice == "bass":
        told_before: tuple[int, ...] = ()
        musts: list[Must] = []
        for first, _, slot in chords:
            classes = scene.above([slot.bass(scene.tonic)])
            if classes != told_before or first == chords[-1][0]:
                musts.append(Must(first, classes, straight=not musts))
            told_before = classes
        return musts, until
    wait = int(rng.choice([0, 1, 2, 4])) * TICKS if voice.voice == "counter" else 0
    first = chords[0][0] + (wait if wait < (until - chords[0][0]) // 2 else 0)
    begun = next(slot for at, end, slot in chords if first < end)
    last_at, last_end, last = chords[-1]
    if rng.random() < 0.5 and last_end - last_at >= 2 * TICKS:
        last_at += (last_end - last_at) // (2 * TICKS) * TICKS
    musts = [Must(first, scene.above(begun.pitch_classes(scene.tonic)), straight=True)]
    if last_at > first:
        musts.append(Must(last_at, scene.above(last.pitch_classes(scene.tonic))))
    return musts, until


def pulse(own: Held, until: int, bar: int, density: float) -> list[Must]:
    """A note in every whole bar that is open, or as seldom as a line of so many notes a quarter has one."""
    every = max(bar, round(TICKS / density / bar) * bar)
    return [
        Must(at) for first, end in own.open for at in range(-(-first // bar) * bar, min(end, until) - bar + 1, every)
    ]


def between(own: Held, planned: Sequence[Must], until: int) -> tuple[list[Must], int]:
    """All that must be in a phrase that is partly there: what stays, and of what was planned what lies where it is
    open and silent; and when it ends."""
    kept = own.musts()
    sounding = [(must.at, must.at + (must.length or 0)) for must in kept]
    free = [
        must
        for must in {must.at: must for must in planned}.values()
        if own.is_open(must.at) and not any(first <= must.at < end for first, end in sounding)
    ]
    if not kept and not free:
        free = [Must(own.open[0][0])]
    found = sorted([*kept, *(replace(must, straight=False) for must in free)], key=lambda must: must.at)
    found[0] = replace(found[0], straight=True)
    last = found[-1]
    if last.pitch is not None and last.length is not None and not own.between(last.at, NEVER):
        return found, last.at + last.length
    return found, max(min(until, own.open[-1][1]), last.at + GRID)


def recalled(
    scene: Scene, before: PhrasePlan, notes: Rows, phrase: PhrasePlan, musts: Sequence[Must], low: Rows
) -> list[Must]:
    """What a phrase must hold where it brings back one before: its notes as long as the chords are the same; all of
    them, and no more, where that is to the end and tune and bass allow."""
    moved = (phrase.bar - before.bar) * scene.bar
    until = phrase.bar * scene.bar
    for (first, _, slot), (at, end, now) in zip(scene.chords(before), scene.chords(phrase), strict=False):
        if first + moved != at or (slot.numeral, slot.local_key) != (now.numeral, now.local_key):
            break
        until = end
    kept = [
        Must(start + moved, pitch=pitch, length=min(length, until - start - moved), straight=True)
        for start, length, pitch in notes.tolist()
        if start + moved < until
    ]
    if kept and until == scene.chords(phrase)[-1][1]:
        line = np.array([(must.at, must.length, must.pitch) for must in kept])
        over, under = (about(other, int(line[0, 0]), until) for other in (scene.tune, low))
        if pair(over, line).rubs <= RUBS_AGAIN and not pair(line, under).fifths:
            return kept
    kept = [must for must in kept if must.at < musts[-1].at]
    if not kept:
        return list(musts)
    later = [must for must in musts if must.at >= until]
    return [*kept, *(later or musts[-1:])]


def cost(
    line: Line,
    before: Line,
    voice: Voice,
    density: float,
    ground: Ground,
    tune: Rows,
    low: Rows,
    others: Sequence[Rows],
    bar: int,
) -> float:
    """How far a continuation of what was `before` is from what it shall be, and how badly it goes with the others."""
    notes = line.notes
    start, end = int(notes[0, 0]), int(notes[-1, :2].sum())
    moves = np.abs(np.diff(notes[:, 2]))
    chord = ground.at(notes[:, 0], int(notes[-1, 0]))[:, BESIDE.at["chord"]]
    foreign = chord[np.arange(len(notes)), line.choices[:, 1]] < 0.12
    faults = {
        "full": abs(np.log(len(notes) / max((end - start) / TICKS, 0.25) / density)),
        "high": abs(float(notes[:, 2].mean()) - voice.centre),
        "leaping": abs(float(moves.mean()) - voice.leaps) if len(moves) else 0.0,
        "rough": abs(float(foreign.mean()) - voice.foreign),
        "together": abs(float(np.isin(notes[:, 0], tune[:, 0]).mean()) - voice.together),
        "unlikely": max(0.0, line.nats - SUNG[1]),
        "marching": max(0.0, float((notes[:, 0] % TICKS == 0).mean()) - MARCHING),
        "restless": max(0.0, SAME_PLACES - same_places(notes[:, 0], bar)),
        "held": float(notes[notes[:, 1] >= bar, 1].sum() / notes[:, 1].sum()),
        "fifths": 0.0, "octaves": 0.0, "rubs": 0.0, "crossed": 0.0, "doubled": 0.0, "same": 0.0,
    }  # fmt: skip
    moving = before.and_then(line).notes[len(before.notes) - 1 :]  # from the last tone before on
    for other, under in ((tune, False), (low, True)):
        near = about(other, int(moving[0, 0]), end)
        if len(near):
            together = pair(moving, near) if under else pair(near, moving)
            faults["fifths"] += together.fifths
            faults["octaves"] += together.octaves
            faults["crossed"] += together.crossed
            faults["doubled"] += together.doubled * (0.4 if voice.voice == "bass" else 1)
            faults["rubs"] += together.rubs
    for other in others:
        rubs, same = meeting(notes, about(other, start, end))
        faults["rubs"] += rubs
        faults["same"] += same
    return float(sum(WEIGHTS[name] * value for name, value in faults.items()))


def same_places(onsets: NDArray[np.int64], bar: int) -> float:
    """Of the places that are struck in a bar or in the one before the share that is struck in both, in the mean over
    bars inside a phrase; 1 where no bar that is struck follows another."""
    struck: dict[int, set[int]] = {}
    for at in onsets.tolist():
        struck.setdefault(at // bar, set()).add(at % bar)
    pairs = [(own, struck[number - 1]) for number, own in struck.items() if number - 1 in struck]
    return float(np.mean([len(own & other) / len(own | other) for own, other in pairs])) if pairs else 1.0


def about(notes: Rows, start: int, end: int) -> Rows:
    """The notes that sound between two times."""
    return np.asarray(notes[(notes[:, 0] < end) & (notes[:, :2].sum(axis=1) > start)])
