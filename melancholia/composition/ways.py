"""How forms are laid out: as they are counted by rules, or as songs are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ways:
    """How forms are laid out, and how much of a tune's harmony returns with it.

    `sizes` are bars of phrases, the usual first, with how often; `slow_sizes` those of slow bars. A piece of fewer
    bars or seconds than `leaves` stays at home; `bright` is the share of its bars that may stand in major, and `been`
    how much likelier a key is where it was. `same_close` of the returns of a letter close as it did; `recalled` of
    them bring its first chords back, so large a `part` of them, and so many the `whole` where that fits. `roaming`:
    the longest phrase goes away, of three phrases always one; what returns is as long as it was, and an interlude stays
    in the key that it follows. So many phrases that are the first in another key close in it: `settled`. So many stay
    in another key where the piece has been for less than `SETTLED_BARS`: `lingers`. Bars last about `bar_s`: seconds,
    and the spread of their logarithm.
    """

    sizes: tuple[tuple[int, ...], tuple[float, ...]]
    slow_sizes: tuple[tuple[int, ...], tuple[float, ...]]
    leaves: tuple[int, float]
    bright: float
    been: float
    same_close: float
    recalled: float
    part: float
    whole: float
    roaming: bool
    settled: float
    lingers: float
    bar_s: tuple[float, float] | None


COUNTED = Ways(
    ((4, 3, 5, 6), (0.56, 0.12, 0.2, 0.12)), ((4, 3, 5, 6), (0.56, 0.12, 0.2, 0.12)), (20, 0.0), bright=0.2, been=0.2,
    same_close=0.0, recalled=0.85, part=0.85, whole=0.0, roaming=False, settled=0.0, lingers=0.0, bar_s=None,
)  # fmt: skip
# As songs are: a phrase lasts 8 to 14 s, whatever a bar lasts, and a short song leaves home, too.
SUNG = Ways(
    ((4, 2, 6, 3, 5), (0.32, 0.22, 0.2, 0.13, 0.13)), ((3, 2, 5, 4), (0.25, 0.35, 0.22, 0.18)), (0, 40.0), bright=0.35,
    been=0.05, same_close=0.75, recalled=0.95, part=0.95, whole=0.95, roaming=True, settled=1.0, lingers=1.0,
    bar_s=(2.9, 0.4),
)  # fmt: skip
