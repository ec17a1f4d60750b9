"""One file or thousands: where each output goes, and a bad file is one line while the rest is done."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from melancholia.cli import options
from melancholia.errors import Cancelled, InputError, in_a_line, nearest, shown
from melancholia.files import is_stream
from melancholia.interrupts import unfilled

STREAM = "-"  # stdin among the sources, stdout as the output
FIELDS = ("stem", "parent", "number")
USUAL_SUFFIX, USUAL_NAME = "wav", "{stem}"


@dataclass(frozen=True, slots=True)
class Work:
    """Each source with its output, and the folder that the outputs go into, where that is to be made."""

    pairs: tuple[tuple[Path, Path], ...]
    folder: Path | None = None


def targets(files: Sequence[Path], output: str, *, format_: str | None, pattern: str | None) -> Work:
    """Each source with its output: `output` itself for one file, else a file inside it, named by the pattern.

    It is a folder when it is one already, ends in a slash, or there are several files, a pattern, or a format that its
    own suffix does not say; it is made where it is missing. Outputs need names of their own.

    Raises
    ------
    InputError
        Two outputs have one name, the pattern or format is none, or a name of one file is given for several.
    """
    suffix = check_suffix(format_ or USUAL_SUFFIX)
    place = Path(output)
    check_stdin(files)
    if output == STREAM or is_stream(place):
        if len(files) > 1:
            name = "stdout" if output == STREAM else output
            raise InputError(f"{name} takes one file, {len(files)} were given; allowed: a folder.")
        return Work(((files[0], place),))
    named_as_file = place.suffix[1:].lower() in suffixes() and not output.endswith(("/", os.sep)) and not place.is_dir()
    if named_as_file and (len(files) > 1 or pattern is not None):
        raise InputError(
            f"{output} names a file; allowed for several files, or with --name: a folder, as {place.stem}/."
        )
    if named_as_file and format_ is not None and place.suffix[1:].lower() != suffix:
        raise InputError(f"{output} is no .{suffix}; allowed with --format: a folder, or a name that ends so.")
    alone = len(files) == 1 and pattern is None and format_ is None and not output.endswith(("/", os.sep))
    if named_as_file or alone and not place.is_dir():
        return Work(((files[0], place),))
    if place.exists() and not place.is_dir():
        raise InputError(f"{output} is no folder; allowed: a folder, for several files or with --name.")
    named = list(names(files, USUAL_NAME if pattern is None else pattern))
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise InputError(
            f"{twice[0]!r} is the name of several files; allowed: names that differ (--name '{{parent}}-{{stem}}')."
        )
    return Work(tuple((file, place / f"{name}.{suffix}") for file, name in zip(files, named, strict=True)), place)


def check_stdin(files: Sequence[Path]) -> None:
    if len(files) > 1 and STREAM in map(str, files):
        raise InputError("'-' is stdin, and one file; allowed: alone.")


def suffixes() -> tuple[str, ...]:
    from melancholia.encoding import SUFFIXES

    return tuple(SUFFIXES)


def check_suffix(format_: str) -> str:
    suffix = format_.removeprefix(".").lower()
    if suffix not in suffixes():
        raise InputError(f"Unknown format {format_!r}; known: {', '.join(suffixes())}.{nearest(suffix, suffixes())}")
    return suffix


def names(files: Sequence[Path], pattern: str) -> Iterator[str]:
    """The name of each output, without its suffix."""
    unknown = [field for field in re.findall(r"{([^}]*)}", pattern) if field not in FIELDS]
    if unknown or not pattern or "/" in pattern or re.search(r"[{}]", re.sub(r"{[^{}]*}", "", pattern)):
        raise InputError(f"name is {pattern!r}; allowed: text with {{stem}}, {{parent}} and {{number}}, without '/'.")
    width = max(2, len(str(len(files))))
    for number, file in enumerate(files, 1):
        values = {"stem": file.stem, "parent": file.absolute().parent.name, "number": f"{number:0{width}d}"}
        yield re.sub(r"{(\w+)}", lambda field, values=values: values[field[1]], pattern)  # type: ignore[misc]


def each(items: Sequence[tuple[Path, ...]], work: Callable[..., None], *, folder: Path | None = None) -> None:
    """`work` on each item, the first of which is a source; `folder` is made where it is missing.

    What fails is named on stderr, the rest is done, and then the exit code is 1. A single file fails as itself.
    """
    failed = 0
    with folder_for(folder):
        for item in items:
            try:
                work(*item)
            except (Cancelled, BrokenPipeError, KeyboardInterrupt):
                raise
            except Exception as error:
                if len(items) == 1:
                    raise
                failed += 1
                options.talk(f"melancholia: {in_a_line(item[0], error)}")
    if failed:
        options.talk(f"melancholia: {failed} of {len(items)} files failed, {len(items) - failed} are done.")
        raise click.exceptions.Exit(1)


@contextmanager
def folder_for(folder: Path | None) -> Iterator[None]:
    """The folder, made where it is missing; gone again when nothing came into it."""
    made = folder is not None and not folder.exists()
    with unfilled(folder) if made and folder is not None else nullcontext():
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{shown(str(folder))} cannot be made: {error.strerror}; allowed: a folder to write into."
            ) from error
        try:
            yield
        finally:
            if made and folder is not None:
                with suppress(OSError):  # it is not empty
                    folder.rmdir()


def show(text: str, target: Path) -> None:
    """A result on stdout; on stderr where stdout is the sound."""
    click.echo(text, file=sys.stderr if str(target) == STREAM else sys.stdout)


def notes(source: Path, said: Sequence[str]) -> None:
    """What is odd about a file, a line each; never kept quiet: it is about what comes out."""
    for note in said:
        options.talk(f"melancholia: {source}: {note}.")
