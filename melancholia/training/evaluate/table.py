"""What a composer is worth, as a table: what was asked, and what it, and others, reach.

    python -m melancholia.training.evaluate CORPUS [--composer learned] [--pieces 120] [--lines 200] [--alike 100]
        [--seeds 10] [--masters 3] [--length 75] [--seconds 120] [--jobs 2]

CORPUS is what ``melancholia learn corpus`` kept: the songs that it learned from, and those kept away. Beside it stand
the planned composer, the model that is told nothing (its melodies in the same pieces), and the songs kept away.
Measured are nats a note on songs kept away (from the model's card), control (Spearman, over so many lines of eight
bars, each asked for something else), how phrases end, how far distributions overlap with those of songs in minor (as a
share of what two halves of these songs reach), what is taken from songs and from each other, how sad notes (of `seeds`)
and masters (of `masters`, none when 0) are at five intensities, and seconds.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from melancholia.composition import compose
from melancholia.composition.coding import TUNE
from melancholia.composition.composers import Composer, composed_of, composer_of, model_files
from melancholia.composition.originality import MOST, MOST_PITCHES, of_piece, originality
from melancholia.errors import InputError, MelancholiaError
from melancholia.parallel import here_or_in_processes
from melancholia.piece import Piece
from melancholia.profile import moods, profile
from melancholia.training.corpus import load_corpus
from melancholia.training.evaluate.control import DUE, SEED, control, ends, harmonised
from melancholia.training.evaluate.kinship import (
    FIGURE,
    by_composer,
    line_of,
    longest_among,
    many,
    mean_pairwise,
    taken,
)
from melancholia.training.evaluate.overlaps import reached
from melancholia.training.evaluate.sadness import Heard, masters_of, means, notes_of, rising, told_apart
from melancholia.training.evaluate.songs import Song, song_of_piece, songs_of
from melancholia.training.evaluate.unguided import unguided
from melancholia.training.model import learned_from
from melancholia.training.split import split
from melancholia.training.works import Work

IT, PLANNED, UNGUIDED, PEOPLE = COLUMNS = ("learned", "planned", "told nothing", "songs kept away")
ONE_MOOD = "longing"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is made for the table: pieces of all moods in turn, lines, pieces of one mood, seeds of notes and of
    masters at every mood and intensity, how many seconds the pieces have, and those whose composition is timed."""

    pieces: int = 120
    lines: int = 200
    alike: int = 100
    seeds: int = 10
    masters: int = 3
    length: float = 75.0
    seconds: float = 120.0


HEAD = f"| {' | '.join(('what', 'asked', *COLUMNS))} |\n|{'---|' * (2 + len(COLUMNS))}"


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured, what is asked, and what each of `COLUMNS` reaches, where it can be said."""

    what: str
    asked: str
    found: Mapping[str, float | str]
    form: str = ".2f"

    def __str__(self) -> str:
        cells = [self.found.get(name, "") for name in COLUMNS]
        said = [cell if isinstance(cell, str) else format(cell, self.form) for cell in cells]
        return f"| {' | '.join((self.what, self.asked, *said))} |"


def evaluated(corpus: Path, composer: str | Path, sizes: Sizes, *, jobs: int = 2) -> Iterator[Row]:
    """The whole table, row by row.

    Raises
    ------
    InputError
        The composer is the planned one, or none.
    """
    author = composer_of(composer)
    if author is None:
        raise InputError("composer is planned; allowed: a learned one, which is compared with it.")
    return rows(learned_from(load_corpus(corpus).works, TUNE), composer, author, sizes, jobs)


def rows(works: Sequence[Work], composer: str | Path, author: Composer, sizes: Sizes, jobs: int) -> Iterator[Row]:
    sides = split(works)
    train = [work for work, side in zip(works, sides, strict=True) if side == "train"]
    away = [work for work, side in zip(works, sides, strict=True) if side == "test"]
    who = {IT: composer, PLANNED: "planned"}
    seconds = {name: [timed(partial(long_piece, k, one, sizes.seconds)) for k in range(3)] for name, one in who.items()}
    medians = {name: float(np.median(each)) for name, each in seconds.items()}
    yield Row(f"seconds to compose {sizes.seconds:g} s", "<= 2", medians)
    loading = timed(lambda: composed_of(*model_files(composer)))
    yield Row("seconds to load the models", "<= .2", {IT: loading})
    made = {name: pieces_of(sizes.pieces, one, sizes.length, jobs) for name, one in who.items()}
    with threadpool_limits(1, "blas"):
        made[UNGUIDED] = [unguided(piece, author.tunes, SEED + k) for k, piece in enumerate(made[IT])]
    yield from of_control(author, made, sizes.lines)
    yield from of_overlaps(made, songs_of(train), songs_of(away))
    yield from of_kinship(author, made, train, away)
    alike = {name: pieces_of(sizes.alike, one, sizes.length, jobs, ONE_MOOD) for name, one in who.items()}
    yield from of_likeness(alike, songs_of(works))
    given, had = harmonised(away[: sizes.pieces])
    yield Row("time of their tunes that belongs to the chords under them", "", {IT: given, PEOPLE: had})
    seeds = {name: range(SEED, SEED + count) for name, count in (("notes", sizes.seeds), ("masters", sizes.masters))}
    if sizes.seeds:
        yield from of_sadness("notes", {name: notes_of(seeds["notes"], one, jobs) for name, one in who.items()})
    if sizes.masters:
        heard = {name: masters_of(seeds["masters"], one, jobs) for name, one in who.items()}
        yield from of_sadness("masters", heard)
        matched = {name: float(np.mean([one.matched for one in own])) for name, own in heard.items()}
        yield Row("masters that are as asked", ">= .95", matched, ".3f")
        apart = {name: told_apart(own) for name, own in heard.items()}
        yield Row("masters whose mood is told by the others", ">= .75", apart)


def piece_of(number: int, composer: str | Path, seconds: float, mood: str = "") -> Piece:
    """The piece of a number: of all moods in turn, or of one."""
    names = moods()
    return compose(profile(mood or names[number % len(names)]), seconds=seconds, seed=SEED + number, composer=composer)


def pieces_of(count: int, composer: str | Path, seconds: float, jobs: int, mood: str = "") -> list[Piece]:
    return here_or_in_processes(
        partial(piece_of, composer=composer, seconds=seconds, mood=mood), range(count), jobs=jobs
    )


def long_piece(number: int, composer: str | Path, seconds: float) -> Piece:
    return compose(profile(ONE_MOOD), seconds=seconds, seed=SEED + number, composer=composer)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def of_control(author: Composer, made: Mapping[str, Sequence[Piece]], lines: int) -> Iterator[Row]:
    for name, nats in author.tunes.about["nats"].items():
        yield Row(f"nats a note, {name}", "<= 2.97" if "pilot" in name else "", {IT: nats["sum"]}, ".3f")
    with threadpool_limits(1, "blas"):  # its products are small
        guided, free = control(author.tunes, lines), control(author.tunes, lines, guided=False)
    for name, due in DUE.items():
        yield Row(f"control of {name}, Spearman", f">= {due}", {IT: guided[name], UNGUIDED: free[name]})
    both = {name: ends(own) for name, own in made.items()}
    for k, what in enumerate(("phrases that end on a degree of their cadence", "phrases that breathe before the next")):
        yield Row(what, "1", {name: shares[k] for name, shares in both.items()}, ".3f")


def of_overlaps(made: Mapping[str, Sequence[Piece]], train: Sequence[Song], away: Sequence[Song]) -> Iterator[Row]:
    """Beside the songs in minor that were learned from."""
    songs = [song for song in train if song.minor]
    beside = {name: reached([song_of_piece(piece) for piece in own], songs) for name, own in made.items()}
    beside[PEOPLE] = reached([song for song in away if song.minor], songs)
    for measure in beside[PLANNED]:
        yield Row(
            f"overlap with songs: {measure}", "", {n: own[measure] for n, own in beside.items() if measure in own}
        )
    mean = {name: float(np.mean(list(own.values()))) for name, own in beside.items()}
    yield Row("overlap with songs, mean", ">= .85", mean, ".3f")


def of_kinship(
    author: Composer, made: Mapping[str, Sequence[Piece]], train: Sequence[Work], away: Sequence[Work]
) -> Iterator[Row]:
    """What is in the songs that were learned from as well."""
    people = [work.melody.notes[:, [0, 2]].astype(float) for work in away]
    shares = {name: taken(map(line_of, own), train) for name, own in made.items()} | {PEOPLE: taken(people, train)}
    what = f"figures of {FIGURE} notes in songs learned from"
    yield Row(what, ".05 to .13", {name: share for name, (share, _) in shares.items()}, ".3f")
    yield Row("longest run of one of these songs", "", {name: run for name, (_, run) in shares.items()}, ".0f")
    beside = {name: [of_piece(piece, author.known) for piece in own] for name, own in made.items()}
    beside[PEOPLE] = [
        originality(line[:, 1].astype(int).tolist(), line[:, 0].tolist(), author.known) for line in people
    ]
    what = f"share with {MOST} notes in a row of one song, or {MOST_PITCHES} by pitch"
    yield Row(what, "0", {name: many(own) for name, own in beside.items()}, ".3f")


def of_likeness(alike: Mapping[str, Sequence[Piece]], songs: Sequence[Song]) -> Iterator[Row]:
    """What pieces of one mood have in common, beside the songs of one composer."""
    theirs = list(by_composer(songs).values())
    shared = {name: mean_pairwise([song_of_piece(piece) for piece in own]) for name, own in alike.items()}
    due = f"<= {np.mean(theirs):.4f}" if theirs else ""
    if theirs:
        shared[PEOPLE] = float(np.mean(theirs))
    yield Row("figures of 5 notes that two pieces of a mood share, two songs of a composer", due, shared, ".4f")
    runs = {name: longest_among(own) for name, own in alike.items()}
    yield Row("longest run that a piece has of an earlier one of its mood", f"< {MOST}", runs, ".0f")


def of_sadness(what: str, heard: Mapping[str, Sequence[Heard]]) -> Iterator[Row]:
    """How sad notes or masters are, and how that rises with intensity."""
    for mood in moods():
        said = {name: " ".join(f"{mean:.2f}" for mean in means(own, mood)) for name, own in heard.items()}
        yield Row(f"sadness of {what} from intensity 0 to 1, {mood}", "", said)
    both = {name: rising(own) for name, own in heard.items()}
    yield Row(
        f"{what}: moods whose mean rises at every level", str(len(moods())), {n: r for n, (r, _) in both.items()}, ".0f"
    )
    yield Row(f"{what}: Spearman with intensity, least of the moods", ">= .75", {n: r for n, (_, r) in both.items()})
    every = {name: float(np.mean([one.sadness for one in own])) for name, own in heard.items()}
    yield Row(f"{what}: sadness, mean", "planned", every, ".3f")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--composer", default="learned")
    for name in ("length", "seconds"):
        parser.add_argument(f"--{name}", type=float, default=getattr(Sizes(), name))
    for name in ("pieces", "lines", "alike", "seeds", "masters"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Sizes(), name))
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    sizes = Sizes(asked.pieces, asked.lines, asked.alike, asked.seeds, asked.masters, asked.length, asked.seconds)
    try:
        for number, row in enumerate(evaluated(asked.corpus, asked.composer, sizes, jobs=asked.jobs)):
            print(row if number else f"{HEAD}\n{row}", flush=True)
    except MelancholiaError as error:
        parser.exit(2, f"{error}\n")
