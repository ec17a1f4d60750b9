"""What a piece is for: a song by itself, music under a film, a loop, or a background.

A film is met in time: `hits` are the seconds at which something must happen, `dialogue` the spans that leave room for
speech, and every file is as long as the film to the frame. A loop is whole bars at one tempo that lead back to its
start. A background has few events and narrow dynamics.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from melancholia.errors import InputError, in_range, unknown

NAMES = ("song", "film", "loop", "background")
CLIMAX_AT = 0.66  # share of the film near which the hit of the climax is looked for
TAIL_SHARE, SHORTEST_TAIL_S, LONGEST_TAIL_S = 0.1, 2.5, 6.0  # of a film, behind the last release
APART_S = 2.0  # between two hits, and from a hit to either end

Seconds = float | int | str


@dataclass(frozen=True, slots=True)
class Setting:
    """One of `NAMES`, and for a film what it must meet; all times in seconds from the start."""

    name: str = "song"
    hits: tuple[float, ...] = ()
    climax: float | None = None  # the hit at which the climax begins
    dialogue: tuple[tuple[float, float], ...] = ()

    @property
    def loops(self) -> bool:
        return self.name == "loop"

    def end_s(self, seconds: float) -> float:
        """The last release of a piece of this length: in a film early enough for its tail to end inside."""
        if self.name != "film":
            return seconds
        return seconds - min(LONGEST_TAIL_S, max(SHORTEST_TAIL_S, TAIL_SHARE * seconds))

    @property
    def marked_hits(self) -> tuple[str, ...]:
        """The hits as text that `setting` reads."""
        return tuple(f"{at:.12g}{'!' * (at == self.climax)}" for at in self.hits)

    def check(self, seconds: float) -> "Setting":
        """This setting itself, refused where a hit or a span does not fit into a piece of this length."""
        marks = [0.0, *self.hits, self.end_s(seconds)] if self.hits else []
        for before, after in zip(marks, marks[1:], strict=False):
            if after < before:
                last = marks[-1] - APART_S
                raise InputError(f"a hit at {before:g} s lies behind the end; allowed: the last by {last:g} s.")
            if after - before < APART_S - 1e-9:
                raise InputError(
                    f"hits lie {after - before:g} s apart or from an end (at {before:g} and {after:g} s); "
                    f"allowed: {APART_S:g} s or more, the last by {self.end_s(seconds) - APART_S:g} s."
                )
        for _, end in self.dialogue:
            in_range("end of dialogue", end, 0, seconds, "s")
        return self


def setting(
    name: str = "song",
    *,
    hits: str | Sequence[Seconds] | None = None,
    dialogue: str | Sequence[tuple[float, float]] | None = None,
) -> Setting:
    """A setting by name.

    Parameters
    ----------
    name : str
        "song", "film", "loop" or "background".
    hits : str or sequence, optional
        Seconds that a film's form meets, as "12.5,31!,47.2": each is the start of a phrase, struck by those who play.
        At the one marked ``!`` (else the one nearest to 0.66 of the whole) the climax begins.
    dialogue : str or sequence of (start, end), optional
        Spans in seconds in which the master leaves room for speech, as "20-30,45-52".

    Returns
    -------
    Setting

    Raises
    ------
    InputError
        There is no such setting, or it has no use for hits or dialogue, or they are not seconds in order.
    """
    if name not in NAMES:
        raise unknown("setting", name, NAMES)
    if name != "film" and (hits is not None or dialogue is not None):
        given = "hits" if hits is not None else "dialogue"
        raise InputError(f"{given} are given for the setting {name!r}; allowed: setting 'film'.")
    marks = [m for m in (hits.split(",") if isinstance(hits, str) else hits or ())]
    times = [number("hit", str(mark).strip().removesuffix("!")) for mark in marks]
    if any(b <= a for a, b in zip(times, times[1:], strict=False)):
        raise InputError(f"hits are {', '.join(f'{t:g}' for t in times)} s; allowed: seconds in order.")
    named = [time for time, mark in zip(times, marks, strict=True) if str(mark).strip().endswith("!")]
    if len(named) > 1:
        raise InputError(f"{len(named)} hits are marked '!'; allowed: one, where the climax begins.")
    return Setting(name, tuple(times), named[0] if named else None, spans(dialogue))


def spans(dialogue: str | Sequence[tuple[float, float]] | None) -> tuple[tuple[float, float], ...]:
    pairs = [part.split("-") for part in dialogue.split(",")] if isinstance(dialogue, str) else list(dialogue or ())
    found: list[tuple[float, float]] = []
    for pair in pairs:
        if len(pair) != 2:
            raise InputError(f"dialogue holds {'-'.join(map(str, pair))!r}; allowed: spans in seconds, as 20-30,45-52.")
        start, end = (number("dialogue", value) for value in pair)
        if not (found[-1][1] if found else 0) <= start < end:
            raise InputError(f"dialogue from {start:g} to {end:g} s is no span in order; allowed: as 20-30,45-52.")
        found.append((start, end))
    return tuple(found)


def number(thing: str, value: object) -> float:
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = math.nan
    if not 0 <= found < math.inf:
        raise InputError(f"{thing} is {value!r}; allowed: seconds from 0.")
    return found
