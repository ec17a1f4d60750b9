"""What can go wrong, and how it is said: one line that names thing, value, what is allowed, nearest name.

MelancholiaError    the work failed                   exit 1
├── InputError      a wrong call or wrong input       exit 2
└── Cancelled       the listener asked it to stop     exit 130
"""

import difflib
import os
from collections.abc import Collection, Sequence
from pathlib import Path

OUR_FAULT = "a fault of ours; alone and with --debug it shows where"


class MelancholiaError(Exception):
    """The work failed; the message is one line for a person."""

    exit_code = 1


class InputError(MelancholiaError, ValueError):
    """The caller asked for something that cannot be."""

    exit_code = 2


class Cancelled(MelancholiaError):
    """The work was stopped from outside."""

    exit_code = 130


def quoted(name: str) -> str:
    """A name of somebody else's in quotes, cut to 60 letters and in one line."""
    return repr(name if len(name) <= 60 else f"{name[:57]}...")


def nearest(name: str, known: Collection[str]) -> str:
    """ " Did you mean 'x'?" for the closest known name, or nothing."""
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def unknown(kind: str, name: str, known: Collection[str]) -> InputError:
    """The error for a name that is on no list."""
    return InputError(f"Unknown {kind} {name!r}; known: {', '.join(sorted(known))}.{nearest(name, known)}")


def in_range(thing: str, value: float, low: float, high: float, unit: str = "") -> float:
    """`value` itself when low <= value <= high, else an `InputError` that names all four."""
    if isinstance(value, str | bytes | bool | list | tuple | dict | None):
        raise InputError(f"{thing} is {value!r}; allowed: a number.")
    if not low <= value <= high:  # NaN fails this too
        space = f" {unit}" if unit else ""
        said, least, most = (f"{n}" if isinstance(n, int) else f"{n:g}" for n in (value, low, high))
        raise InputError(f"{thing} is {said}{space}; allowed: {least} to {most}{space}.")
    return value


def in_list(thing: str, names: Sequence[str] | None) -> tuple[str, ...]:
    """The names, when they are in a list: one name alone would be taken for a list of its letters."""
    if isinstance(names, str):
        raise InputError(f"{thing} is {names!r}; allowed: names in a list, as [{names!r}].")
    return tuple(names or ())


def shown(name: str) -> str:
    """A name of any length, as far as a line can hold it."""
    return name if len(name) <= 200 else f"{name[:120]}...{name[-60:]}"


def one_line(said: Exception | str) -> str:
    """What is said, on one line: a file's name may hold line ends, and what a terminal would obey."""
    line = " ".join(str(said).split())
    return "".join(letter if letter.isprintable() or "\udc80" <= letter <= "\udcff" else "?" for letter in line)


def in_a_line(source: Path, error: Exception) -> str:
    """What became of one file of many, on a line that names it."""
    if isinstance(error, MelancholiaError):
        return one_line(named(source, error))
    if isinstance(error, OSError) and error.strerror:
        name = source if error.filename is None else os.fsdecode(error.filename)
        return one_line(f"{shown(str(name))}: {error.strerror}.")
    return one_line(f"{source}: {type(error).__name__}: {error} ({OUR_FAULT})")


def named(source: Path, error: MelancholiaError) -> str:
    """What an error says, with the file that it is about."""
    return str(error) if str(source) in str(error) else f"{source}: {error}"
