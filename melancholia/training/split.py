"""Which works are learned from, and which are kept away to judge by: the same works always on the same side.

Works that share a long run of notes are one (a song that was published twice, a strophe of its own), and so are the
movements of a file: they stand on one side. The side is drawn from the names alone.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.figures import hashes
from melancholia.training.works import Work

RUN = 20  # notes that two works share only when one is made of the other
OWN_PAIRS = 9  # different pairs of moves, of 18 in a run, that make it somebody's
SIDES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def split(works: Sequence[Work]) -> list[str]:
    """The side of each work: a name of `SIDES`."""
    groups = families(works)
    first: dict[int, str] = {}
    for work, group in zip(works, groups, strict=True):
        first[group] = min(first.get(group, work.name), work.name)
    return [side_of(first[group]) for group in groups]


def side_of(name: str) -> str:
    """The side that a name falls on, by its hash."""
    digest = hashlib.blake2b(name.partition("#")[0].encode("utf-8", "surrogateescape"), digest_size=8).digest()
    at = int.from_bytes(digest, "big") / 2**64
    until = 0.0
    for side, share in SIDES.items():
        until += share
        if at < until:
            return side
    return side


def families(works: Sequence[Work]) -> list[int]:
    """The family of each work, as a number: works of one file, or with `RUN` notes of tune in common, share it."""
    parent = list(range(len(works)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = k = parent[parent[k]]
        return k

    files: dict[str, int] = {}
    for k, work in enumerate(works):
        parent[root(k)] = root(files.setdefault(work.name.partition("#")[0], k))
    owners, figures = [], []
    for k, work in enumerate(works):
        line = work.melody.notes
        found = np.unique(hashes(line[:, 2], line[:, 0], RUN)[moving(line[:, 2])])
        owners.append(np.full(len(found), k))
        figures.append(found)
    owner, figure = (np.concatenate(rows) if rows else np.zeros(0, np.int64) for rows in (owners, figures))
    order = np.argsort(figure, kind="stable")
    same = np.flatnonzero(np.diff(figure[order]) == 0)
    for k in same.tolist():
        one, other = owner[order[k]], owner[order[k + 1]]
        parent[root(int(one))] = root(int(other))
    return [root(k) for k in range(len(works))]


def moving(pitches: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which runs of a line go on to something new: a trill, a scale or a figure that goes round is everybody's."""
    steps = np.diff(pitches)
    if len(steps) < RUN - 1:
        return np.zeros(0, np.bool_)
    pairs = steps[1:] * 1000 + steps[:-1]
    inside = np.sort(np.lib.stride_tricks.sliding_window_view(pairs, RUN - 2), axis=1)
    return np.asarray((np.diff(inside, axis=1) != 0).sum(axis=1) + 1 >= OWN_PAIRS)
