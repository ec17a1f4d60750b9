"""Rhythms of one bar for a melody, by metre: durations in quarters, negative ones are rests.

Values and their shares follow the note lengths of 442 minor songs (eighths and quarters first, then longer ones).
"""

from functools import cache
from itertools import product

import numpy as np

Cell = tuple[float, ...]

FOUR: tuple[Cell, ...] = (
    (3, 1), (2, 2), (2, 1, 1), (1.5, 0.5, 2), (1, 1, 2), (3, 0.5, 0.5), (1.5, 0.5, 1, 1), (2, 1.5, 0.5), (-1, 1, 1, 1),
    (1, 1.5, 0.5, 1), (-0.5, 0.5, 1, 2), (4,), (0.5, 0.5, 1, 2), (1, 0.5, 0.5, 2), (1, 2, 1), (0.5, 1.5, 2), (-1, 3),
    (2.5, 0.5, 1), (1.5, 0.5, 0.5, 0.5, 1), (-1, 0.5, 0.5, 1, 1), (1, 1, 1, 1), (-2, 1, 1), (1.5, 1.5, 1), (3.5, 0.5),
    (-0.5, 0.5, 0.5, 0.5, 1, 1), (1, 0.5, 0.5, 1.5, 0.5), (1, 0.5, 0.5, 1, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5, 1, 1),
    (1.5, 0.5, 0.5, 0.5, 0.5, 0.5), (0.5, 1, 0.5, 1, 1), (1, 0.5, 0.5, 0.5, 0.5, 1), (2, 0.5, 0.5, 0.5, 0.5),
    (0.5, 0.5, 1, 0.5, 0.5, 1), (-0.5, 0.5, 0.5, 0.5, 1, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5, 1.5, 0.5),
    (1.5, 0.25, 0.25, 1, 1), (1, 1, 1.5, 0.25, 0.25), (0.75, 0.25, 1, 2), (0.75, 0.25, 0.5, 0.5, 1, 1),
    (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1), (1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5), (-0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1),
    (1.5, 0.5, 1, 0.5, 0.5), (2, 0.75, 0.25, 1), (0.5, 1, 0.5, 0.5, 0.5, 1), (1, 2, 0.5, 0.5),
)  # fmt: skip
THREE: tuple[Cell, ...] = (
    (2, 1), (1, 1, 1), (3,), (1.5, 0.5, 1), (1, 2), (2, 0.5, 0.5), (-1, 1, 1), (1, 0.5, 0.5, 1), (1.5, 1.5), (-1, 2),
    (0.5, 0.5, 2), (2.5, 0.5), (1, 1.5, 0.5), (-0.5, 0.5, 1, 1), (0.5, 1.5, 1), (1.5, 0.5, 0.5, 0.5), (1, 1, 0.5, 0.5),
    (0.5, 0.5, 1, 1), (0.5, 0.5, 1, 0.5, 0.5), (1, 0.5, 0.5, 0.5, 0.5), (-0.5, 0.5, 0.5, 0.5, 1), (0.75, 0.25, 2),
    (1.5, 0.25, 0.25, 1), (0.5, 0.5, 0.5, 0.5, 1), (-0.5, 0.5, 0.5, 0.5, 0.5, 0.5), (0.75, 0.25, 1, 1),
)  # fmt: skip
SIX_EIGHT: tuple[Cell, ...] = (
    (1.5, 1.5), (1, 0.5, 1, 0.5), (1.5, 1, 0.5), (3,), (2, 0.5, 0.5), (1, 0.5, 1.5), (0.5, 0.5, 0.5, 1.5), (2.5, 0.5),
    (-1.5, 1, 0.5), (1.5, 0.5, 0.5, 0.5), (-0.5, 0.5, 0.5, 1, 0.5), (2, 1), (-1, 0.5, 1.5), (0.75, 0.25, 0.5, 1.5),
    (1, 0.5, 0.5, 0.5, 0.5), (0.5, 0.5, 0.5, 1, 0.5), (-0.5, 0.5, 0.5, 0.5, 0.5, 0.5), (0.75, 0.25, 0.5, 1, 0.5),
    (1.5, 0.75, 0.25, 0.5), (0.5, 1, 1.5), (0.5, 1, 0.5, 0.5, 0.5), (2, 0.75, 0.25),
)  # fmt: skip
TWO: tuple[Cell, ...] = (
    (2,), (1, 1), (1.5, 0.5), (0.5, 0.5, 1), (1, 0.5, 0.5), (-1, 1), (0.5, 1.5), (-0.5, 0.5, 1), (0.75, 0.25, 1),
    (0.5, 0.5, 0.5, 0.5), (-0.5, 0.5, 0.5, 0.5), (0.5, 1, 0.5),
)  # fmt: skip


@cache
def bar_rhythms(metre: tuple[int, int]) -> tuple[Cell, ...]:
    """All rhythms of one bar in this metre."""
    if metre == (5, 4):
        return tuple((*a, *b) for a, b in product(THREE, TWO) if len(a) + len(b) <= 7 and b[0] > 0)
    if metre == (12, 8):
        return tuple((*a, *b) for a, b in product(SIX_EIGHT, SIX_EIGHT) if len(a) + len(b) <= 9 and b[0] > 0)
    return {(4, 4): FOUR, (3, 4): THREE, (6, 8): SIX_EIGHT, (2, 4): TWO}[metre]


def onsets(cell: Cell) -> int:
    return sum(length > 0 for length in cell)


def draw_cell(rng: np.random.Generator, metre: tuple[int, int], target: float, *, avoid: tuple[Cell, ...] = ()) -> Cell:
    """A bar's rhythm with about `target` onsets, none of those to avoid."""
    bank = [cell for cell in bar_rhythms(metre) if cell not in avoid]
    weight = np.array([np.exp(-((onsets(cell) - target) ** 2) / 0.5) + 1e-9 for cell in bank])
    return bank[int(rng.choice(len(bank), p=weight / weight.sum()))]


def varied(cell: Cell, rng: np.random.Generator) -> Cell:
    """The same rhythm with its longest tone split in two, or its two shortest neighbours joined."""
    found = list(cell)
    longest = max(range(len(found)), key=lambda k: found[k])
    if found[longest] >= 1 and rng.random() < 0.6:
        half = 1.0 if found[longest] in (1.5, 3) else found[longest] / 2
        return (*found[:longest], half, found[longest] - half, *found[longest + 1 :])
    pairs = [k for k in range(len(found) - 1) if found[k] > 0 and found[k + 1] > 0]
    if not pairs:
        return cell
    k = min(pairs, key=lambda k: found[k] + found[k + 1])
    return (*found[:k], found[k] + found[k + 1], *found[k + 2 :])


def fragment(cell: Cell, bar_quarters: float) -> Cell:
    """The head of a rhythm said twice, where its half ends on a tone's edge; else the rhythm itself."""
    half = bar_quarters / 2
    head: list[float] = []
    for length in cell:
        if sum(map(abs, head)) >= half:
            break
        head.append(length)
    if abs(sum(map(abs, head)) - half) > 1e-6 or bar_quarters in (3.0, 5.0) and half not in (1.5,):
        return cell
    return (*head, *head)
