"""What melodies share: with the songs that a model learned from, and with each other."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from melancholia.composition.figures import hashes
from melancholia.composition.measures import RATIOS
from melancholia.composition.originality import MOST, MOST_PITCHES, Originality, originality, sung, tunes_of
from melancholia.piece import Piece
from melancholia.training.evaluate.songs import Song
from melancholia.training.works import Work

FIGURE = 6  # notes of a figure that is looked for in songs
LEAST_SONGS = 50  # of a composer, to be compared with itself


def figures(song: Song, size: int = 5) -> NDArray[np.int64]:
    """The song's figures, a row each: intervals clipped to an octave, then places in `RATIOS` (`measures.figures`)."""
    leaps = np.clip(np.diff(song.voice[:, 2]), -12, 12)
    times = np.maximum(np.diff(song.voice[:, 0]), 1e-6)
    ratio = np.abs(np.log(times[1:] / times[:-1])[:, None] - np.log(RATIOS)).argmin(axis=1)
    count = len(song.voice) - size + 1
    columns = [leaps[k : k + count] for k in range(size - 1)] + [ratio[k : k + count] for k in range(size - 2)]
    return np.column_stack(columns).astype(np.int64)


def mean_pairwise(songs: Sequence[Song], size: int = 5) -> float:
    """Mean over ordered pairs of the share of one's figures that occur in the other."""
    rows = [figures(song, size) for song in songs if len(song.voice) >= size]
    if len(rows) < 2:
        return 0.0
    names, ids = np.unique(np.concatenate(rows), axis=0, return_inverse=True)
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    counts = csr_matrix((np.ones(len(owner)), (owner, ids.ravel())), (len(rows), len(names)))
    present = (counts > 0).astype(float)
    shared = (counts @ present.T).toarray() / np.asarray(counts.sum(axis=1))
    return float(shared[~np.eye(len(rows), dtype=bool)].mean())


def by_composer(songs: Sequence[Song]) -> dict[str, float]:
    """`mean_pairwise` of each composer who has so many songs."""
    found: dict[str, list[Song]] = defaultdict(list)
    for song in songs:
        found[song.composer].append(song)
    return {name: mean_pairwise(own) for name, own in sorted(found.items()) if len(own) >= LEAST_SONGS}


def line_of(piece: Piece) -> NDArray[np.float64]:
    """A piece's melody: rows of onset and pitch."""
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


def longest_among(pieces: Sequence[Piece]) -> int:
    """The longest run of notes with their rhythm that a piece has from an earlier one."""
    lines, names = [sung(piece) for piece in pieces], [str(k) for k in range(len(pieces))]
    return max(
        (originality(*lines[k], tunes_of(lines[:k], names[:k], names[:k], {})).run for k in range(1, len(lines))),
        default=0,
    )
