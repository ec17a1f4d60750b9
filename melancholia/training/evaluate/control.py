"""Whether the model does what it is asked: lines asked for something each, phrases that end as planned, tunes under
which chords are laid."""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import spearmanr

from melancholia.composition import harmonise, measures
from melancholia.composition.asks import Ask, under
from melancholia.composition.choosing import Sung, cost, foreign
from melancholia.composition.coding import GAPS, LENGTHS, TICKS, TUNE, Compass, in_bar, nearest
from melancholia.composition.continuing import GRID, Ground, Line, Must, go_on
from melancholia.composition.decoder import Decoder
from melancholia.composition.dialects import CADENCES, CADENCES_MAJOR
from melancholia.composition.numerals import parsed
from melancholia.composition.outline import tune
from melancholia.composition.singing import CANDIDATES
from melancholia.piece import Chord, Note, Phrase, Piece
from melancholia.profile import moods, profile
from melancholia.reading import found_chords
from melancholia.streams import generator
from melancholia.training.evaluate.songs import piece_of_work
from melancholia.training.evaluate.unguided import untold
from melancholia.training.works import Work

SEED = 990_000  # nothing was tuned on seeds from here on
# The plan of a line: i iv V7 i VI ii° V i, and its twin in major.
PLANS = {
    "minor": ((0, 3, 7), (5, 8, 0), (7, 11, 2, 5), (0, 3, 7), (8, 0, 3), (2, 5, 8), (7, 11, 2), (0, 3, 7)),
    "major": ((0, 4, 7), (5, 9, 0), (7, 11, 2, 5), (0, 4, 7), (9, 0, 4), (2, 5, 9), (7, 11, 2), (0, 4, 7)),
}
BAR = 4 * TICKS
DUE = {"mode": 0.9, "density": 0.9, "register": 0.9, "leaps": 0.8, "dissonance": 0.8}


def plan(bright: int) -> Ground:
    """Eight bars of chords, so many of them in major."""
    at = np.arange(0, 8 * BAR + TICKS, GRID)
    rows = np.zeros((len(at), TUNE.width), np.float32)
    for bar in range(8):
        chord = PLANS["major" if bar < bright else "minor"][bar]
        rows[(at >= bar * BAR), TUNE.at["chord"]] = 0
        rows[np.ix_(at >= bar * BAR, TUNE.at["chord"].start + np.array(chord))] = 3 / len(chord)
        rows[at >= bar * BAR, TUNE.at["mode"]] = (1, 0) if bar < bright else (0, 1)
    rows[:, TUNE.at["bar"].start : TUNE.at["on_beat"].stop] = in_bar(at % BAR, BAR, TICKS)
    return Ground(0, rows)


def control(model: Decoder, count: int, *, guided: bool = True) -> dict[str, float]:
    """Spearman's rank correlation of what lines were asked for with what they are.

    A model that is not guided is told neither chords nor what is asked, and its first line is taken.
    """
    asked, found = [], []
    compass = Compass.about(9, 66)
    pitch_class, octave = compass.coded([66])
    choices = np.column_stack([nearest(GAPS, [TICKS]), pitch_class, octave, nearest(LENGTHS, [TICKS])])
    for seed in range(count):
        rng = generator(SEED + seed, "control")
        bright = int(rng.integers(0, 9))
        ground = plan(bright)
        before = Line(np.array([[-TICKS, TICKS, 66]]), choices, ground.cues[:1], 0.0)
        ask = Ask(
            0, 7 * BAR + 2 * TICKS, 8 * BAR, (0,), density=float(np.exp(rng.uniform(-0.7, 0.8))),
            mean=float(rng.uniform(60, 72)), leaps=float(rng.uniform(1.4, 3.4)), foreign=float(rng.uniform(0.05, 0.5)),
            peak=0.4, bottom=50, top=84, summit=False,
        )  # fmt: skip
        here = under(ground, ask, 66)
        told, drawn = (here, CANDIDATES) if guided else (untold(ground), 1)
        lines = go_on(
            model, before, told, [Must(0, straight=True), Must(ask.last, (0,))], compass, low=50, high=84,
            until=ask.until, count=drawn, rng=rng,
        )  # fmt: skip
        best = min(lines, key=lambda line, here=here, ask=ask: cost(line, ask, here, Sung(), 0.53, 0.62, ()))  # type: ignore[misc]
        degrees = best.choices[:, 1]
        thirds = np.isin(degrees, (3, 8)).sum(), np.isin(degrees, (4, 9)).sum()
        asked.append((bright, ask.density, ask.mean, ask.leaps, ask.foreign))
        span = (best.notes[-1, :2].sum() - best.notes[0, 0]) / TICKS
        found.append(
            (
                thirds[1] / max(1, sum(thirds)), len(best.notes) / span, best.notes[:, 2].mean(),
                np.abs(np.diff(best.notes[:, 2])).mean(), foreign(best, here).mean(),
            )
        )  # fmt: skip
    one, other = np.array(asked).T, np.array(found).T
    return {
        name: float(spearmanr(a, b).statistic) if np.ptp(a) and np.ptp(b) else np.nan
        for name, a, b in zip(DUE, one, other, strict=True)
    }


def ends(found: Sequence[Piece]) -> tuple[float, float]:
    """Shares of the phrases that end on a degree of their cadence, and that breathe before the next.

    Where its chord holds none of a cadence's degrees, the chord's own tones count.
    """
    right, breathing, count = 0, 0, 0
    for piece in found:
        notes = measures.melody(piece)
        for phrase in piece.phrases[:-1]:
            inside = [n for n in notes if phrase.start - 1e-6 <= n.start < phrase.end - 1e-6]
            if not inside or phrase.cadence not in CADENCES:
                continue
            last = inside[-1]
            after = next((n for n in notes if n.start > last.start), None)
            count += 1
            right += last.pitch % 12 in closing(piece, phrase, last.start)
            breathing += after is None or after.start - last.end >= 0.5 - 1e-6
    return right / max(1, count), breathing / max(1, count)


def closing(piece: Piece, phrase: Phrase, quarters: float) -> set[int]:
    """The pitch classes that a phrase may end on over the chord at this time, whose numeral names its key.

    A chord of the parallel key is named as one of the key (i in major): its tones tell which degrees count.
    """
    chord = next(c for c in piece.chords if c.start - 1e-6 <= quarters < c.end - 1e-6)
    _, above, _ = parsed(chord.numeral, piece.key.mode)
    degrees = {*CADENCES[phrase.cadence][1], *CADENCES_MAJOR[phrase.cadence][1]}
    tones = set(chord.pitch_classes)
    return {(piece.key.tonic + above + degree) % 12 for degree in degrees} & tones or tones


def harmonised(works: Sequence[Work]) -> tuple[float, float]:
    """Share of the time of tunes that belongs to their chords: to those we give them, and to those that they had.

    The latter are found in the accompaniment alone.
    """
    ours, theirs = [], []
    names = moods()
    for number, work in enumerate(works):
        sung = piece_of_work(work, "melody")
        found = harmonise(sung, profile(names[number % len(names)]), seed=SEED + number)
        ours.append(belonging(tune(found), found.chords))
        beside = piece_of_work(work, "counter", "harmony", "bass", "texture")
        if beside.end:
            theirs.append(belonging(tune(sung), found_chords(beside, beside.key)))
    return float(np.mean(ours)), float(np.mean(theirs))


def belonging(line: Iterable[Note], chords: Sequence[Chord]) -> float:
    """Share of a line's time over chords that is theirs."""
    total = own = 0.0
    for note in line:
        for chord in chords:
            together = max(0.0, min(note.end, chord.end) - max(note.start, chord.start))
            total, own = total + together, own + together * (note.pitch % 12 in chord.pitch_classes)
    return own / max(total, 1e-9)
