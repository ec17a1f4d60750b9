"""How sad notes and masters are: by mood and intensity, and whether the moods are told apart."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from melancholia import written
from melancholia.composition import compose
from melancholia.cues import CUES
from melancholia.parallel import here_or_in_processes
from melancholia.profile import moods, profile
from melancholia.song import make_folder

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
NOTES_S, MASTERS_S = 60.0, 30.0
LEVELLED = ("loudness",)  # what a master fixes tells no mood


@dataclass(frozen=True, slots=True)
class Asked:
    """A piece to be made, by whom."""

    mood: str
    intensity: float
    seed: int
    composer: str | Path


@dataclass(frozen=True, slots=True)
class Heard:
    """How sad it is (0 to 1), and of a master whether it is as asked, and the cues that were heard."""

    asked: Asked
    sadness: float
    matched: bool = True
    values: tuple[tuple[str, float], ...] = ()


def every(seeds: Sequence[int], composer: str | Path) -> list[Asked]:
    """Each mood at each level with each seed."""
    return [Asked(mood, level, seed, composer) for seed in seeds for mood in moods() for level in LEVELS]


def of_notes(asked: Asked) -> Heard:
    """As the experiment's listeners would rate the notes (`written.sadness`)."""
    wanted = profile(asked.mood, asked.intensity)
    piece = compose(wanted, seconds=NOTES_S, seed=asked.seed, composer=asked.composer, aim=wanted.sadness.middle)
    return Heard(asked, written.sadness(piece))


def of_master(asked: Asked) -> Heard:
    """As the listener hears the song that `make` makes."""
    with tempfile.TemporaryDirectory() as place:
        song = make_folder(
            Path(place) / "song", asked.mood, intensity=asked.intensity, seconds=MASTERS_S, seed=asked.seed,
            composer=asked.composer, report=False,
        )  # fmt: skip
    cues = tuple((row.name, row.value) for row in song.score.cues)
    return Heard(asked, song.score.sadness or 0.0, bool(song.score.matched), cues)


def notes_of(seeds: Sequence[int], composer: str | Path, jobs: int) -> list[Heard]:
    return here_or_in_processes(of_notes, every(seeds, composer), jobs=jobs)


def masters_of(seeds: Sequence[int], composer: str | Path, jobs: int) -> list[Heard]:
    return here_or_in_processes(of_master, every(seeds, composer), jobs=jobs)


def means(heard: Sequence[Heard], mood: str) -> list[float]:
    """Mean sadness of a mood at each level."""
    return [
        float(np.mean([h.sadness for h in heard if h.asked.mood == mood and h.asked.intensity == level]))
        for level in LEVELS
    ]


def rising(heard: Sequence[Heard]) -> tuple[int, float]:
    """In how many moods the means rise from level to level, and the least of the moods' Spearman correlations of
    intensity and sadness over single pieces."""
    risen, least = 0, 1.0
    for mood in {h.asked.mood for h in heard}:
        own = [h for h in heard if h.asked.mood == mood]
        risen += bool((np.diff(means(heard, mood)) > 0).all())
        least = min(least, float(spearmanr([h.asked.intensity for h in own], [h.sadness for h in own]).statistic))
    return risen, least


def told_apart(heard: Sequence[Heard]) -> float:
    """Share of the masters whose mood a linear discriminant names that learned from those of the other seeds."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    names = [name for name in CUES if name not in LEVELLED and all(name in dict(h.values) for h in heard)]
    table = np.array([[dict(h.values)[name] for name in names] for h in heard])
    truth, seeds = np.array([h.asked.mood for h in heard]), np.array([h.asked.seed for h in heard])
    right = []
    for seed in np.unique(seeds):
        known = seeds != seed
        middle, spread = table[known].mean(axis=0), np.maximum(table[known].std(axis=0), 1e-9)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        model.fit((table[known] - middle) / spread, truth[known])
        right += (model.predict((table[~known] - middle) / spread) == truth[~known]).tolist()
    return float(np.mean(right))
