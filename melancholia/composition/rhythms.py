"""Rhythms of one bar for a melody, by metre: durations in quarters, negative ones are rests.

Values and their shares follow the note lengths of 442 minor songs (eighths and quarters first, then longer ones).
"""

FOUR = (
    (3, 1), (2, 2), (2, 1, 1), (1.5, 0.5, 2), (1, 1, 2), (3, 0.5, 0.5), (1.5, 0.5, 1, 1), (2, 1.5, 0.5), (-1, 1, 1, 1),
    (1, 1.5, 0.5, 1), (-0.5, 0.5, 1, 2), (4,), (0.5, 0.5, 1, 2), (1, 0.5, 0.5, 2), (1, 2, 1), (0.5, 1.5, 2), (-1, 3),
    (2.5, 0.5, 1), (1.5, 0.5, 0.5, 0.5, 1), (-1, 0.5, 0.5, 1, 1), (1, 1, 1, 1), (-2, 1, 1), (1.5, 1.5, 1), (3.5, 0.5),
    (-0.5, 0.5, 0.5, 0.5, 1, 1), (1, 0.5, 0.5, 1.5, 0.5),
)  # fmt: skip
THREE = (
    (2, 1), (1, 1, 1), (3,), (1.5, 0.5, 1), (1, 2), (2, 0.5, 0.5), (-1, 1, 1), (1, 0.5, 0.5, 1), (1.5, 1.5), (-1, 2),
    (0.5, 0.5, 2), (2.5, 0.5), (1, 1.5, 0.5), (-0.5, 0.5, 1, 1), (0.5, 1.5, 1),
)  # fmt: skip
SIX_EIGHT = (
    (1.5, 1.5), (1, 0.5, 1, 0.5), (1.5, 1, 0.5), (3,), (2, 0.5, 0.5), (1, 0.5, 1.5), (0.5, 0.5, 0.5, 1.5), (2.5, 0.5),
    (-1.5, 1, 0.5), (1.5, 0.5, 0.5, 0.5), (-0.5, 0.5, 0.5, 1, 0.5), (2, 1), (-1, 0.5, 1.5),
)  # fmt: skip
TWO = ((2,), (1, 1), (1.5, 0.5), (0.5, 0.5, 1), (1, 0.5, 0.5), (-1, 1), (0.5, 1.5), (-0.5, 0.5, 1))


def bar_rhythms(metre: tuple[int, int]) -> tuple[tuple[float, ...], ...]:
    """All rhythms of one bar in this metre."""
    if metre == (4, 4):
        return FOUR
    if metre == (3, 4):
        return THREE
    if metre == (6, 8):
        return SIX_EIGHT
    if metre == (2, 4):
        return TWO
    if metre == (5, 4):
        return tuple((*a, *b) for a in THREE for b in TWO if len(a) + len(b) <= 5)
    if metre == (12, 8):
        return tuple((*a, *b) for a in SIX_EIGHT for b in SIX_EIGHT if len(a) + len(b) <= 7)
    raise AssertionError(f"form let metre {metre} through")


def onsets(rhythm: tuple[float, ...]) -> int:
    return sum(length > 0 for length in rhythm)
