"""Pieces of one mood beside songs people wrote: how far their distributions overlap, and how alike the pieces are.

    python tools/corpus_figures.py ../shared/data/corpora/openscore-lieder.zip -o /tmp/lieder.npz
    python -m tests.originality /tmp/lieder.npz [--mood melancholy] [--seeds 500-599] [--seconds 90] [--all-songs]

For a measure, the values of all pieces and of all songs are cut into 24 bins between the songs' 1st and 99th
percentile (one bin a value where there are fewer) and one for each tail; OA is the sum of the smaller shares. OA_ref is
the OA of two random halves of the songs at the size of the smaller set, mean of 20 splits. O_5 is the share of the
5-note figures (intervals and ratios of inter-onset times) of one melody that occur in another.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from melancholia.composition import compose
from melancholia.composition.measures import RATIOS
from melancholia.profile import moods, profile

TICKS = 48
REST = 0.5  # quarters of silence that end a phrase
LEAST_SONGS = 50  # of a composer, to be compared with itself
RESULTS = Path(__file__).parent / "RESULTS.md"
BEGIN, END = "<!-- originality: start -->", "<!-- originality: end -->"


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """Notes on a grid: rows (start, length in quarters, pitch), bar and beat in quarters, quarters a minute."""

    voice: np.ndarray
    notes: np.ndarray
    bar: float
    beat: float
    bpm: float
    composer: str = ""
    minor: bool = True

    @property
    def bars(self) -> int:
        return max(1, int(np.ceil(float((self.notes[:, 0]).max()) / self.bar + 1e-6)))

    def bar_of(self, notes: np.ndarray) -> np.ndarray:
        return np.minimum((notes[:, 0] / self.bar + 1e-6).astype(int), self.bars - 1)


def of_piece(piece) -> Song:
    def rows(parts):
        found = sorted((n.start, n.duration, n.pitch) for part in parts for n in part.notes)
        return np.array([(round(s * TICKS) / TICKS, round(d * TICKS) / TICKS, p) for s, d, p in found])

    beat = 1.5 if piece.metre[1] == 8 and piece.metre[0] % 3 == 0 else 1.0
    return Song(rows(piece.with_role("melody")), rows(piece.parts), piece.bar_quarters, beat, piece.tempo.bpm)


def songs_of(path: str, *, minor_only: bool) -> list[Song]:
    packed = np.load(path)
    columns = {name: packed[name] for name in packed.files}
    ends = np.cumsum(columns["size"])
    found = []
    for k, (size, end) in enumerate(zip(columns["size"], ends, strict=True)):
        if minor_only and not columns["minor"][k]:
            continue
        rows = columns["notes"][end - size : end]
        notes = np.column_stack([rows[:, 0] / TICKS, rows[:, 1] / TICKS, rows[:, 2]])
        found.append(
            Song(
                notes[rows[:, 3] == 1], notes, float(columns["bar"][k]), float(columns["beat"][k]),
                float(columns["bpm"][k]), str(columns["composer"][k]), bool(columns["minor"][k]),
            )
        )  # fmt: skip
    return found


def phrases(song: Song) -> list[np.ndarray]:
    """The voice cut at rests of half a quarter and more."""
    line = song.voice
    rests = line[1:, 0] - line[:-1, 0] - line[:-1, 1] >= REST - 1e-6
    return np.split(line, np.flatnonzero(rests) + 1)


def intervals(song: Song) -> np.ndarray:
    return np.clip(np.concatenate([np.diff(phrase[:, 2]) for phrase in phrases(song)]), -12, 12)


def gaps(song: Song) -> np.ndarray:
    return np.diff(song.voice[:, 0])


def chroma_by_bar(song: Song) -> np.ndarray:
    chroma = np.zeros((song.bars, 12))
    np.add.at(chroma, (song.bar_of(song.notes), song.notes[:, 2].astype(int) % 12), song.notes[:, 1])
    return chroma


def onsets_by_bar(song: Song, notes: np.ndarray) -> np.ndarray:
    grid = np.zeros((song.bars, 16))
    bar = song.bar_of(notes)
    place = ((notes[:, 0] - bar * song.bar) / song.bar * 16 + 1e-6).astype(int).clip(0, 15)
    grid[bar, place] = 1
    return grid


def entropy(song: Song, window: int) -> float:
    """H_n: entropy of pitch classes by notes, mean over sliding windows of bars."""
    counts = np.zeros((song.bars, 12))
    np.add.at(counts, (song.bar_of(song.notes), song.notes[:, 2].astype(int) % 12), 1)
    window = min(window, len(counts))
    summed = np.array([counts[k : k + window].sum(axis=0) for k in range(len(counts) - window + 1)])
    share = summed[summed.sum(axis=1) > 0]
    share = share / share.sum(axis=1, keepdims=True)
    return float(-(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1).mean())


def groove(song: Song) -> float:
    grid = onsets_by_bar(song, song.notes)
    same = 1 - (grid[:, None] != grid[None]).mean(axis=2)
    return float(same[np.triu_indices(len(grid), 1)].mean()) if len(grid) > 1 else 1.0


def similarity_by_lag(song: Song) -> np.ndarray:
    """Mean cosine similarity of bars that lie 1, 2, ... bars apart; a bar is 12 pitch classes and 16 places."""
    chroma = chroma_by_bar(song)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-9)
    grid = onsets_by_bar(song, song.notes)
    grid /= np.maximum(np.linalg.norm(grid, axis=1, keepdims=True), 1e-9)
    vectors = np.concatenate([chroma, grid], axis=1) / np.sqrt(2)
    same = vectors @ vectors.T
    return np.array([np.diagonal(same, lag).mean() for lag in range(1, max(2, len(same)))])


def structure(song: Song, lag: int) -> list[float]:
    found = similarity_by_lag(song)
    return [float(found[lag - 1] - found.mean())] if 1 <= lag < len(found) else []


def structure_at(song: Song, seconds: float) -> list[float]:
    return structure(song, max(1, round(seconds * song.bpm / 60 / song.bar)))


def chord_share(song: Song) -> float:
    """Share of the voice's tones that begin on a beat and belong to what else sounds in that beat."""
    sung = {tuple(row) for row in song.voice}
    others = np.array([row for row in song.notes if tuple(row) not in sung])
    if not len(others):
        return float("nan")
    inside = total = 0
    for start, _, pitch in song.voice:
        if abs(start / song.beat - round(start / song.beat)) > 1e-6:
            continue
        near = others[(others[:, 0] < start + song.beat - 1e-6) & (others[:, 0] + others[:, 1] > start + 1e-6)]
        total += len(near) > 0
        inside += bool((near[:, 2] % 12 == pitch % 12).any())
    return inside / max(1, total)


def bars_of(song: Song, *, pitched: bool) -> list[tuple]:
    found = defaultdict(list)
    for bar, (start, length, pitch) in zip(song.bar_of(song.voice), song.voice, strict=True):
        place, held = round((start - bar * song.bar) * TICKS), round(length * TICKS)
        found[bar].append((place, held, pitch if pitched else 0))
    return [tuple(found[bar]) for bar in sorted(found)]


def repeated(song: Song, *, pitched: bool) -> float:
    full = bars_of(song, pitched=pitched)
    return 1 - len(set(full)) / len(full)


MEASURES: dict[str, Callable[[Song], object]] = {
    "pitch-class entropy H1": lambda s: entropy(s, 1),
    "pitch-class entropy H4": lambda s: entropy(s, 4),
    "intervals": intervals,
    "inter-onset times": lambda s: np.round(gaps(s) * 24) / 24,
    "note lengths": lambda s: np.round(s.voice[:, 1] * 24) / 24,
    "chord tones on beats": chord_share,
    "groove GS16": groove,
    "structure at 3 s": lambda s: structure_at(s, 3),
    "structure at 8 s": lambda s: structure_at(s, 8),
    "structure at 15 s": lambda s: structure_at(s, 15),
    "structure at 2 bars": lambda s: structure(s, 2),
    "structure at 4 bars": lambda s: structure(s, 4),
    "structure at 8 bars": lambda s: structure(s, 8),
    "voice bars repeated": lambda s: repeated(s, pitched=True),
    "voice rhythm repeated": lambda s: repeated(s, pitched=False),
    "phrase length, bars": lambda s: [(p[-1, 0] + p[-1, 1] - p[0, 0]) / s.bar for p in phrases(s)],
    "phrase range, semitones": lambda s: [np.ptp(p[:, 2]) for p in phrases(s)],
    "notes a quarter": lambda s: len(s.voice) / (s.bars * s.bar),
}


def values(songs: list[Song], measure: Callable[[Song], object]) -> list[np.ndarray]:
    """The values of each song, as an array a song."""
    found = [np.atleast_1d(np.asarray(measure(song), float)) for song in songs]
    return [v[np.isfinite(v)] for v in found]


def bins_of(corpus: np.ndarray) -> np.ndarray:
    """Edges: 24 between the 1st and 99th percentile, or one bin a value where there are fewer; tails beyond."""
    low, high = np.percentile(corpus, (1, 99))
    inside = np.unique(corpus[(corpus >= low) & (corpus <= high)])
    if len(inside) <= 25:
        middle = (inside[1:] + inside[:-1]) / 2
        return np.concatenate([[-np.inf, low - 1e-6], middle, [high + 1e-6, np.inf]])
    return np.concatenate([[-np.inf], np.linspace(low, high + 1e-9, 25), [np.inf]])


def overlap(a: np.ndarray, b: np.ndarray, edges: np.ndarray) -> float:
    share = [np.histogram(v, edges)[0] / max(1, len(v)) for v in (a, b)]
    return float(np.minimum(*share).sum())


def compared(ours: list[np.ndarray], theirs: list[np.ndarray], rng: np.random.Generator) -> tuple[float, float, float]:
    """OA, OA_ref, and half the width of OA's 95 % interval over pieces drawn again."""
    everything = np.concatenate(theirs)
    edges = bins_of(everything)
    found = overlap(np.concatenate(ours), everything, edges)
    size = min(len(ours), len(theirs) // 2)
    references = []
    for _ in range(20):
        order = rng.permutation(len(theirs))
        halves = [np.concatenate([theirs[k] for k in part]) for part in (order[:size], order[size : 2 * size])]
        references.append(overlap(*halves, edges))
    drawn = [
        overlap(np.concatenate([ours[k] for k in rng.integers(0, len(ours), len(ours))]), everything, edges)
        for _ in range(60)
    ]
    return found, float(np.mean(references)), float(np.subtract(*np.percentile(drawn, (97.5, 2.5)))) / 2


def figures(song: Song, size: int = 5) -> np.ndarray:
    """The song's figures, a row each: intervals clipped to an octave, then places in `RATIOS` (`measures.figures`)."""
    leaps = np.clip(np.diff(song.voice[:, 2]), -12, 12)
    times = np.maximum(np.diff(song.voice[:, 0]), 1e-6)
    ratio = np.abs(np.log(times[1:] / times[:-1])[:, None] - np.log(RATIOS)).argmin(axis=1)
    count = len(song.voice) - size + 1
    columns = [leaps[k : k + count] for k in range(size - 1)] + [ratio[k : k + count] for k in range(size - 2)]
    return np.column_stack(columns).astype(np.int64)


def mean_pairwise(songs: list[Song], size: int = 5) -> float:
    """Mean over ordered pairs of the share of one's figures that occur in the other."""
    rows = [figures(song, size) for song in songs if len(song.voice) >= size]
    names, ids = np.unique(np.concatenate(rows), axis=0, return_inverse=True)
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    counts = csr_matrix((np.ones(len(owner)), (owner, ids.ravel())), (len(rows), len(names)))
    present = (counts > 0).astype(float)
    shared = (counts @ present.T).toarray() / np.asarray(counts.sum(axis=1))
    return float(shared[~np.eye(len(rows), dtype=bool)].mean())


def by_composer(songs: list[Song]) -> dict[str, float]:
    found = defaultdict(list)
    for song in songs:
        found[song.composer].append(song)
    return {name: mean_pairwise(own) for name, own in sorted(found.items()) if len(own) >= LEAST_SONGS}


def report(mood: str, pieces: list[Song], songs: list[Song], every: list[Song], which: str) -> str:
    rng = np.random.default_rng(0)
    own = by_composer(every)
    lines = [
        f"{mood}: {len(pieces)} pieces, {len(songs)} {which}.",
        "",
        f"5-note figures shared by two pieces: {mean_pairwise(pieces):.4f}; by two songs of one composer:"
        f" {np.mean(list(own.values())):.4f}, mean of {len(own)} composers"
        f" ({min(own.values()):.4f} to {max(own.values()):.4f}).",
        "",
        "| measure | pieces: mean | songs: mean | OA | OA_ref | OA / OA_ref |",
        "|---|---|---|---|---|---|",
    ]
    ratios = []
    for name, measure in MEASURES.items():
        ours, theirs = values(pieces, measure), values(songs, measure)
        found, reference, half = compared(ours, theirs, rng)
        ratios.append(found / reference)
        means = [float(np.concatenate(v).mean()) for v in (ours, theirs)]
        lines.append(
            f"| {name} | {means[0]:.3f} | {means[1]:.3f} | {found:.2f} ± {half:.2f} | {reference:.2f} |"
            f" {ratios[-1]:.2f} |"
        )
    lines.append(f"| **mean** | | | | | **{np.mean(ratios):.3f}** |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="what tools/corpus_figures.py wrote")
    parser.add_argument("--mood", choices=moods(), action="append", help="all moods when left out")
    parser.add_argument("--seeds", default="500-599")
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--intensity", type=float, default=0.7)
    parser.add_argument("--all-songs", action="store_true", help="not only those in minor")
    parser.add_argument("--write", action="store_true", help="put the tables into tests/RESULTS.md")
    asked = parser.parse_args()
    first, last = map(int, asked.seeds.split("-"))
    every = songs_of(asked.corpus, minor_only=False)
    songs = every if asked.all_songs else [song for song in every if song.minor]
    which = "songs" if asked.all_songs else "songs in minor"
    found = []
    for mood in asked.mood or moods():
        wanted = profile(mood, asked.intensity)
        pieces = [of_piece(compose(wanted, seconds=asked.seconds, seed=seed)) for seed in range(first, last + 1)]
        found.append(report(mood, pieces, songs, every, which))
    text = "\n\n".join(found)
    print(text)
    if asked.write:
        page = RESULTS.read_text()
        if BEGIN not in page:
            page += f"\n## Pieces beside songs people wrote\n\n{__doc__.splitlines()[0]}\n\n{BEGIN}\n{END}\n"
        block = f"{BEGIN}\n{text}\n{END}"
        RESULTS.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: block, page, flags=re.DOTALL))


if __name__ == "__main__":
    main()
