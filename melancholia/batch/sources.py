"""Which files a batch takes, and what each of its outputs is called: the tree of the sources, mirrored.

A pattern is a file, a folder (every file of the kind in it, by suffix) or a glob as shells know it: ``*``, ``?``,
``[a-z]`` inside a name, ``**`` for any folders. Names that begin with a dot are taken only where the pattern says so.
Links to files are followed, links to folders are not.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from melancholia.encoding import SUFFIXES
from melancholia.errors import InputError, nearest, quoted, shown

MAGIC = re.compile(r"[*?[]")
FOREIGN = ("m4a", "mp4", "aac", "wma", "wv", "mka", "ape", "tta", "mpc", "ac3", "amr", "dsf", "dff")  # PyAV's
USUAL_SUFFIX = "wav"

Patterns = Sequence[str | Path] | str | Path


@dataclass(frozen=True, slots=True)
class Found:
    """Files, absolute and in order, and the folder whose tree their outputs mirror."""

    root: Path
    files: tuple[Path, ...]


def found(
    patterns: Patterns,
    *,
    root: Path | str | None = None,
    out: Path | str | None = None,
    suffixes: Collection[str] = (*SUFFIXES, *FOREIGN),
) -> Found:
    """The files of all patterns, each once; what lies in `out` is left out.

    Parameters
    ----------
    patterns : one or several of files, folders, globs
    root : path, optional
        The folder whose tree the outputs mirror; when left out, the one that holds what the patterns name.
    suffixes : collection of str
        Of what is taken where a pattern is a folder.

    Raises
    ------
    InputError
        A pattern names nothing, no file fits any, or one lies outside `root`.
    """
    files: dict[Path, None] = {}
    roots = []
    several = [patterns] if isinstance(patterns, str | Path) else list(patterns or ())
    if not several or not all(isinstance(one, str | Path) and str(one) for one in several):
        raise InputError(f"sources are {patterns!r}; allowed: files, folders, or globs as 'in/**/*'.")
    given = list(map(str, several))
    if root is not None and not (str(root) and os.path.isdir(root)):
        raise InputError(f"root is {quoted(str(root))}; allowed: a folder.")
    for pattern in given:
        base, wanted = searched(pattern)
        roots.append(base)
        files |= dict.fromkeys([base / wanted[0]] if isinstance(wanted, tuple) else inside(base, wanted, out, suffixes))
    if not files:
        said = shown(", ".join(given))
        raise InputError(f"{said} fits no file; allowed: files, folders, or globs as 'in/**/*'.")
    top = Path(os.path.abspath(root)) if root is not None else Path(os.path.commonpath(roots))
    for file in files:
        if not file.is_relative_to(top):
            raise InputError(f"{shown(str(file))} lies outside {top}; allowed: a root that holds every source.")
    return Found(top, tuple(sorted(files)))


def searched(pattern: str) -> tuple[Path, tuple[str] | list[str] | None]:
    """The folder of a pattern and what is wanted there: (a file's name,), the parts of a glob, None for all audio."""
    path = Path(os.path.abspath(os.path.expanduser(pattern)))
    if path.is_dir():
        return path, None
    if os.path.lexists(path):
        return path.parent, (path.name,)
    parts = Path(os.path.expanduser(pattern)).parts
    first = next((k for k, part in enumerate(parts) if MAGIC.search(part)), None)
    if first is None:
        raise InputError(f"{shown(pattern)} does not exist; allowed: files, folders, or globs as 'in/**/*.flac'.")
    base = Path(os.path.abspath(Path(*parts[:first]) if first else Path()))
    if not base.is_dir():
        raise InputError(f"{shown(str(base))} is no folder; allowed: globs in a folder that exists.")
    return base, list(parts[first:])


def inside(base: Path, glob: list[str] | None, out: Path | str | None, suffixes: Collection[str]) -> Iterator[Path]:
    """The files below a folder that fit a glob (None: that have one of the suffixes)."""
    left_out = os.path.realpath(out) if out is not None else None
    for folder, names, files in os.walk(base):
        names[:] = sorted(n for n in names if os.path.realpath(os.path.join(folder, n)) != left_out)
        parts = Path(folder).relative_to(base).parts
        for name in sorted(files):
            if fits((*parts, name), glob) if glob is not None else is_named((*parts, name), suffixes):
                yield Path(folder, name)


def fits(parts: Sequence[str], glob: Sequence[str]) -> bool:
    """Whether a path, in parts, fits a glob, in parts."""
    if not glob:
        return not parts
    if glob[0] == "**":
        return fits(parts, glob[1:]) or bool(parts) and parts[0][0] != "." and fits(parts[1:], glob)
    if not parts or parts[0][0] == "." != glob[0][0]:
        return False
    return fnmatchcase(parts[0], glob[0]) and fits(parts[1:], glob[1:])


def is_named(parts: Sequence[str], suffixes: Collection[str]) -> bool:
    return PurePath(parts[-1]).suffix[1:].lower() in suffixes and not any(part[0] == "." for part in parts)


def outputs(sources: Found, *, format_: str | None = None) -> list[str]:
    """The output of each source, relative to the output folder: its name, in its own format where that is written.

    Parameters
    ----------
    format_ : str, optional
        A suffix for all.

    Raises
    ------
    InputError
        Two sources would have one output, also where upper and lower case, or accents written otherwise, are the same.
    """
    if format_ is not None and format_ not in SUFFIXES:
        raise InputError(f"Unknown format {format_!r}; known: {', '.join(SUFFIXES)}.{nearest(format_, SUFFIXES)}")
    return mirrored(sources, lambda inner: with_format(inner, format_))


def with_format(inner: Path, format_: str | None) -> Path:
    own = inner.suffix[1:].lower()
    suffix = inner.suffix if format_ is None and own in SUFFIXES else f".{format_ or USUAL_SUFFIX}"
    return inner.with_suffix(suffix) if own in (*SUFFIXES, *FOREIGN) else inner.with_name(inner.name + suffix)


def mirrored(sources: Found, named: Callable[[Path], Path]) -> list[str]:
    """The output of each source, `named` by its path below the root.

    Raises
    ------
    InputError
        Two sources would have one output.
    """
    names: list[str] = []
    taken: dict[str, Path] = {}
    folders: set[str] = set()
    twice: list[tuple[Path, Path, Path]] = []
    for file in sources.files:
        name = named(file.relative_to(sources.root))
        one = folded(name)
        if one in taken:
            twice.append((taken[one], file, name))
        taken.setdefault(one, file)
        folders |= {folded(parent) for parent in name.parents}
        names.append(name.as_posix())
    if twice:
        first, other, name = twice[0]
        more = f" (and {len(twice) - 1} more)" if len(twice) > 1 else ""
        raise InputError(
            f"{shown(str(first))} and {shown(str(other))} would both become {shown(str(name))}{more}; allowed: "
            "sources whose outputs differ (each in its own format, without --format, or one of them)."
        )
    for one in taken.keys() & folders:
        raise InputError(f"the output of {shown(str(taken[one]))} is a folder of others; allowed: another format.")
    return names


def folded(name: PurePath) -> str:
    """A name as the least exact file system takes it."""
    return unicodedata.normalize("NFC", name.as_posix()).casefold()
