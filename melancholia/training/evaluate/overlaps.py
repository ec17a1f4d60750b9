"""How far the distributions of what pieces measure overlap with those of songs.

For a measure, the values of all pieces and of all songs are cut into 24 bins between the songs' 1st and 99th
percentile (one bin a value where there are fewer) and one for each tail; the overlap is the sum of the smaller shares.
What two random halves of the songs reach between themselves, at the size of the smaller set, is what can be reached.
The measures are those of Yang and Lerch (On the evaluation of generative models in music, 2020) and of Wu and Yang (The
Jazz Transformer, 2020), with phrases and what returns.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import TICKS
from melancholia.training.evaluate.songs import Song

Floats = NDArray[np.float64]
REST = 0.5  # quarters of silence that end a phrase
BINS, TAIL = 24, 1.0  # percent of the songs beyond each end
HALVES = 20  # random halves of the songs, of which the mean is taken


def phrases(song: Song) -> list[Floats]:
    """The voice cut at rests of half a quarter and more."""
    line = song.voice
    rests = line[1:, 0] - line[:-1, 0] - line[:-1, 1] >= REST - 1e-6
    return np.split(line, np.flatnonzero(rests) + 1)


def intervals(song: Song) -> Floats:
    moves = np.concatenate([np.diff(phrase[:, 2]) for phrase in phrases(song)])
    return np.asarray(np.clip(moves, -12, 12), float)


def gaps(song: Song) -> Floats:
    return np.diff(song.voice[:, 0])


def chroma_by_bar(song: Song) -> Floats:
    chroma = np.zeros((song.bars, 12))
    np.add.at(chroma, (song.bar_of(song.notes), song.notes[:, 2].astype(int) % 12), song.notes[:, 1])
    return chroma


def onsets_by_bar(song: Song, notes: Floats) -> Floats:
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


def similarity_by_lag(song: Song) -> Floats:
    """Mean cosine similarity of bars that lie 1, 2, ... bars apart; a bar is 12 pitch classes and 16 places."""
    chroma = chroma_by_bar(song)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-9)
    grid = onsets_by_bar(song, song.notes)
    grid /= np.maximum(np.linalg.norm(grid, axis=1, keepdims=True), 1e-9)
    vectors = np.concatenate([chroma, grid], axis=1) / np.sqrt(2)
    same = vectors @ vectors.T
    return np.array([np.diagonal(same, lag).mean() for lag in range(1, len(same))])


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


def bars_of(song: Song, *, pitched: bool) -> list[tuple[tuple[int, int, int], ...]]:
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


def values(songs: Sequence[Song], measure: Callable[[Song], object]) -> list[Floats]:
    """The values of each song, as an array a song."""
    found = [np.atleast_1d(np.asarray(measure(song), float)) for song in songs]
    return [v[np.isfinite(v)] for v in found]


def bins_of(songs: Floats) -> Floats:
    """Edges: `BINS` between the percentiles, or one bin a value where there are fewer; tails beyond."""
    low, high = np.percentile(songs, (TAIL, 100 - TAIL))
    inside = np.unique(songs[(songs >= low) & (songs <= high)])
    if len(inside) <= BINS + 1:
        middle = (inside[1:] + inside[:-1]) / 2
        return np.concatenate([[-np.inf, low - 1e-6], middle, [high + 1e-6, np.inf]])
    return np.concatenate([[-np.inf], np.linspace(low, high + 1e-9, BINS + 1), [np.inf]])


def overlap(one: Floats, other: Floats, edges: Floats) -> float:
    share = [np.histogram(v, edges)[0] / max(1, len(v)) for v in (one, other)]
    return float(np.minimum(*share).sum())


def between_halves(songs: Sequence[Floats], size: int, edges: Floats, rng: np.random.Generator) -> float:
    """The overlap of two random sets of songs, of so many each at most; mean of `HALVES`."""
    size = min(size, len(songs) // 2)
    found = []
    for _ in range(HALVES):
        order = rng.permutation(len(songs))
        one, other = (np.concatenate([songs[k] for k in part]) for part in (order[:size], order[size : 2 * size]))
        found.append(overlap(one, other, edges))
    return float(np.mean(found))


def reached(pieces: Sequence[Song], songs: Sequence[Song]) -> dict[str, float]:
    """The overlap of pieces with songs by measure, as a share of what two halves of the songs reach.

    A measure that no piece has (a structure of eight bars in pieces of seven), or in which the songs have nothing in
    common, is left out.
    """
    rng = np.random.default_rng(0)
    found = {}
    for name, measure in MEASURES.items():
        ours, theirs = values(pieces, measure), values(songs, measure)
        own, every = np.concatenate(ours), np.concatenate(theirs)
        if len(own) and len(every):
            edges = bins_of(every)
            most = between_halves(theirs, len(ours), edges, rng)
            if most > 0:
                found[name] = overlap(own, every, edges) / most
    return found
