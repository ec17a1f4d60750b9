"""What a composer of melodies is worth: what it was asked against what it did, what it took from others, how fast.

    python -m melancholia.training.evaluate CORPUS [--model FILE] [--pieces 60] [--lines 200]

CORPUS is what ``melancholia learn corpus`` kept: the songs that it was trained on, and those kept away. Prints a table:
nats a note on songs kept away (from the model's card), control (Spearman, over lines of eight bars, each asked for
something else), whether phrases end when and on what they should, figures of six notes and longest runs found in the
songs that it learned from and in earlier pieces, beside songs kept away and the planned composer, and seconds.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from melancholia.composition import compose, harmonise, measures
from melancholia.composition.asks import Ask, under
from melancholia.composition.choosing import Sung, cost, foreign
from melancholia.composition.coding import GAPS, LENGTHS, TICKS, TUNE, Compass, in_bar, nearest
from melancholia.composition.composers import MELODY, MODELS
from melancholia.composition.continuing import GRID, Ground, Line, Must, go_on
from melancholia.composition.decoder import Decoder, load_decoder
from melancholia.composition.dialects import CADENCES, CADENCES_MAJOR
from melancholia.composition.figures import hashes
from melancholia.composition.numerals import parsed
from melancholia.composition.originality import (
    MOST,
    MOST_PITCHES,
    Originality,
    of_piece,
    originality,
    sung,
    tunes_of,
)
from melancholia.composition.outline import tune
from melancholia.piece import Chord, Key, Note, Part, Phrase, Piece, TempoMap
from melancholia.profile import moods, profile
from melancholia.reading import found_chords
from melancholia.streams import generator
from melancholia.training.corpus import load_corpus
from melancholia.training.model import learned_from
from melancholia.training.split import split
from melancholia.training.tunes import tunes
from melancholia.training.works import Work

FIGURE = 6
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


def control(model: Decoder, count: int) -> dict[str, float]:
    """Spearman's rank correlation of what lines were asked for with what they are."""
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
        lines = go_on(
            model, before, here, [Must(0, straight=True), Must(ask.last, (0,))], compass, low=50, high=84,
            until=ask.until, count=24, rng=rng,
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


def pieces(count: int, composer: str | Path) -> list[Piece]:
    """So many pieces of all moods in turn."""
    names = moods()
    return [compose(profile(names[k % len(names)]), seconds=75, seed=SEED + k, composer=composer) for k in range(count)]


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
    """The pitch classes that a phrase may end on over the chord at this time, whose numeral names its key."""
    chord = next(c for c in piece.chords if c.start - 1e-6 <= quarters < c.end - 1e-6)
    _, above, mode = parsed(chord.numeral, piece.key.mode)
    degrees = (CADENCES if mode == "minor" else CADENCES_MAJOR)[phrase.cadence][1]
    tones = set(chord.pitch_classes)
    return {(piece.key.tonic + above + degree) % 12 for degree in degrees} & tones or tones


def line_of(piece: Piece) -> NDArray[np.float64]:
    return np.column_stack(sung(piece)[::-1])


def taken(lines: Iterable[NDArray[np.float64]], works: Sequence[Work]) -> tuple[float, int]:
    """Share of the figures of lines (onset, pitch) that works have, and the longest run that a line has of one work."""
    known = np.unique(np.concatenate([hashes_of(work, FIGURE) for work in works]))
    shares, longest = [], 0
    for line in lines:
        own = hashes(line[:, 1], line[:, 0], FIGURE)
        shares.append(float(np.isin(own, known).mean()) if len(own) else 0.0)
        size = max(longest, FIGURE)
        while shared(line, works, size + 1):
            size += 1
        longest = max(longest, size if size > FIGURE or (len(own) and np.isin(own, known).any()) else 0)
    return float(np.mean(shares)), longest


def hashes_of(work: Work, size: int) -> NDArray[np.uint64]:
    notes = work.melody.notes
    return hashes(notes[:, 2], notes[:, 0], size)


def shared(line: NDArray[np.float64], works: Sequence[Work], size: int) -> bool:
    own = hashes(line[:, 1], line[:, 0], size)
    return bool(len(own)) and any(np.isin(own, hashes_of(work, size)).any() for work in works)


def many(found: Sequence[Originality]) -> float:
    """Share of the melodies that have more of one song than chance gives."""
    return float(np.mean([one.run >= MOST or one.pitches >= MOST_PITCHES for one in found]))


def among_themselves(count: int, composer: str | Path) -> int:
    """The longest run of notes with their rhythm that one of so many pieces of a mood has from an earlier one."""
    lines = [sung(compose(profile("longing"), seconds=60, seed=SEED + k, composer=composer)) for k in range(count)]
    names = [str(k) for k in range(count)]
    return max(originality(*lines[k], tunes_of(lines[:k], names[:k], names[:k], {})).run for k in range(1, count))


def harmonised(works: Sequence[Work]) -> tuple[float, float]:
    """Share of the time of tunes that belongs to their chords: to those we give them, and to those that they had.

    The latter are found in the accompaniment alone.
    """
    ours, theirs = [], []
    names = moods()
    for number, work in enumerate(works):
        sung = piece_of(work, "melody")
        found = harmonise(sung, profile(names[number % len(names)]), seed=SEED + number)
        ours.append(belonging(tune(found), found.chords))
        beside = piece_of(work, "counter", "harmony", "bass", "texture")
        if beside.end:
            theirs.append(belonging(tune(sung), found_chords(beside, beside.key)))
    return float(np.mean(ours)), float(np.mean(theirs))


def piece_of(work: Work, *roles: str) -> Piece:
    """What some roles of a work have, from its first bar line on, as one part."""
    late = int(work.place_of(np.zeros(1, np.int64))[0])
    rows = work.melody.notes if roles == ("melody",) else work.of_role(*roles)
    notes = tuple(Note((start + late) / TICKS, length / TICKS, int(pitch), 64) for start, length, pitch in rows)
    part = Part("part", "melody" if roles == ("melody",) else "harmony", "", notes)
    return Piece((part,), TempoMap.steady(work.bpm), work.metre, Key(work.tonic, "minor" if work.minor else "major"))


def belonging(line: Iterable[Note], chords: Sequence[Chord]) -> float:
    """Share of a line's time over chords that is theirs."""
    total = own = 0.0
    for note in line:
        for chord in chords:
            together = max(0.0, min(note.end, chord.end) - max(note.start, chord.start))
            total, own = total + together, own + together * (note.pitch % 12 in chord.pitch_classes)
    return own / max(total, 1e-9)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def rows(corpus: Path, model_path: Path, count: int, lines: int) -> list[tuple[str, str, str]]:
    """The table: what, asked, found."""
    model = load_decoder(model_path)
    works = learned_from(load_corpus(corpus).works, TUNE)
    sides = split(works)
    train = [work for work, side in zip(works, sides, strict=True) if side == "train"]
    test = [work for work, side in zip(works, sides, strict=True) if side == "test"]
    found = [
        (f"nats a note, {name}", "2.97" if "pilot" in name else "", f"{n['sum']:.3f}")
        for name, n in model.about["nats"].items()
    ]
    for name, value in control(model, lines).items():
        found.append((f"control of {name}, Spearman", f">= {DUE[name]}", f"{value:.2f}"))
    learned, planned = pieces(count, model_path), pieces(count, "planned")
    right, breathing = ends(learned)
    found.append(("phrases that end on a degree of their cadence", "1", f"{right:.3f}"))
    found.append(("phrases that breathe before the next", "1", f"{breathing:.3f}"))
    people = [work.melody.notes[:, [0, 2]].astype(float) for work in test[:count]]
    for who, some in (
        ("learned", map(line_of, learned)),
        ("planned", map(line_of, planned)),
        ("songs kept away", people),
    ):
        share, run = taken(some, train)
        found.append((f"figures of {FIGURE} notes in songs learned from, {who}", ".05 to .13", f"{share:.3f}"))
        found.append((f"longest run of one of these songs, {who}", "", str(run)))
    songs = tunes(train)
    theirs = [originality(work.melody.notes[:, 2].tolist(), work.melody.notes[:, 0].tolist(), songs) for work in test]
    of_some = {
        "learned": [of_piece(piece, songs) for piece in learned],
        "planned": [of_piece(piece, songs) for piece in planned],
        "songs kept away": theirs,
    }
    for who, beside in of_some.items():
        due = "0" if who != "songs kept away" else ""
        what = f"share of pieces with {MOST} notes in a row of one song, or {MOST_PITCHES} by pitch, {who}"
        found.append((what, due, f"{many(beside):.3f}"))
    for who, composer in (("learned", model_path), ("planned", "planned")):
        most = among_themselves(count, composer)
        found.append((f"longest run that a piece has of an earlier one of its mood, {who}", f"< {MOST}", str(most)))
    given, had = harmonised(test[:count])
    found.append(
        ("time of songs kept away that belongs to the chords we give them", f"theirs: {had:.2f}", f"{given:.2f}")
    )
    wanted = profile("longing")
    compose(wanted, seconds=30, seed=1, composer=model_path)
    seconds = [
        timed(lambda k=k: compose(wanted, seconds=120, seed=SEED + k, composer=model_path))  # type: ignore[misc]
        for k in range(min(5, count))
    ]
    found.append(("seconds to compose 120 s", "<= 2", f"{np.median(seconds):.2f}"))
    found.append(("seconds to load the model", "<= .2", f"{timed(lambda: load_decoder(model_path)):.2f}"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--model", type=Path, default=MODELS / MELODY)
    parser.add_argument("--pieces", type=int, default=60)
    parser.add_argument("--lines", type=int, default=200)
    asked = parser.parse_args()
    print("| what | asked | measured |\n|---|---|---|")
    for row in rows(asked.corpus, asked.model, asked.pieces, asked.lines):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
