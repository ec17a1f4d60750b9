"""A catalogue: a CSV file with a song a line, each made into a folder.

Columns are what `make` takes, `mood` at least; what is left empty is what `make` takes when it is left out. `name` is
the folder, mood and seed when left out. A seed that is left out comes from what the line says: the same line, the same
song.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from melancholia.batch.gate import verdict
from melancholia.batch.jobs import Job, Made, settings_of
from melancholia.batch.rows import MANIFEST
from melancholia.batch.sources import folded
from melancholia.batch.summary import PAGE
from melancholia.errors import InputError, MelancholiaError, nearest, quoted
from melancholia.files import Kind
from melancholia.profile import as_name
from melancholia.recipe import SONG, file_hash


def names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(";"))


def sections(text: str) -> dict[str, str]:
    pairs = [one.partition("=") for one in text.split(";")]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError(text)
    return {name.strip(): mood.strip() for name, _, mood in pairs}


COLUMNS: dict[str, tuple[Callable[[str], Any], str]] = {  # how each is read, and what it may be
    "mood": (str, "a mood, or a blend as nostalgia:0.6,despair:0.4"),
    "name": (str, "a folder below the output folder"),
    "intensity": (str, "0 to 1, or a curve as 0:0.2,0.6:1"),
    "seconds": (float, "a number"),
    "seed": (int, "a whole number"),
    "key": (str, "as A minor"),
    "bpm": (float, "a number"),
    "metre": (str, "as 3/4"),
    "instruments": (names, "names, parted by ;"),
    "rack": (str, "a rack"),
    "theme": (str, "a MIDI file"),
    "composer": (str, "learned, planned, or a model's file or folder"),
    "sections": (sections, "as B=despair, parted by ;"),
    "setting": (str, "song, film, loop or background"),
    "hits": (str, "seconds, as 12.5,31!"),
    "dialogue": (str, "spans in seconds, as 20-30,45-52"),
    "rate": (int, "Hz"),
}
RESERVED = (MANIFEST, PAGE)
LONGEST_NAME = 200  # letters
DEFAULTS = {"intensity": "0.7", "seconds": 90.0, "setting": "song", "rate": 48_000}


@dataclass(frozen=True, slots=True)
class Making:
    """A song from what was asked, as of `make`; with `strict`, one that does not match counts as bad."""

    colours: ClassVar[bool] = False
    folder: ClassVar[Kind | None] = SONG
    asked: Mapping[str, Any]
    files: Mapping[str, str]
    report: bool = True
    strict: bool = False

    @property
    def judges(self) -> bool:
        return self.strict

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"work": "make", "asked": dict(self.asked), "files": dict(self.files), "report": self.report}

    def __call__(self, source: Path | None, output: Path) -> Made:
        from melancholia.song import make_folder

        asked = dict(self.asked)
        song = make_folder(output, asked.pop("mood"), report=self.report, **asked)
        figures = {"length_s": song.master.seconds, "attempts": len(song.attempts), "seed": song.recipe.seed}
        return Made(figures, song.master.notes, verdict(song.score))


def songs(
    catalogue: Path | str, *, report: bool = True, strict: bool = False, unqualified: bool = False
) -> tuple[Job, ...]:
    """A song of each line of a CSV file, see the module.

    Parameters
    ----------
    catalogue : path
    report : bool
        Whether each gets its ``report.html``.
    strict : bool
        Whether a song that does not match counts as one that did not get through a gate.
    unqualified : bool
        Take plugins, too, that are not qualified.

    Returns
    -------
    tuple of Job

    Raises
    ------
    InputError
        The file cannot be read, has a column that nobody knows, or a line asks for what cannot be: with its number.
    """
    path = Path(catalogue)
    found: list[Job] = []
    taken: dict[str, int] = {}
    above: dict[str, int] = {}
    for line, row in rows_of(path):
        try:
            asked = read(row)
            name = folder_of(row.get("name") or f"{as_name(asked['mood'])}-{asked['seed']}")
            claim(name, line, taken, above)
            work = Making(asked, checked(asked, unqualified=unqualified), report, strict)
        except MelancholiaError as error:
            raise InputError(f"{path}:{line}: {error}") from error
        found.append(Job(f"{path.absolute()}#{name}", None, name, work, settings_of(work)))
    if not found:
        raise InputError(f"{path} has no line below its columns; allowed: a song a line.")
    return tuple(found)


def claim(name: str, line: int, taken: dict[str, int], above: dict[str, int]) -> None:
    """Take a folder for a line; `taken` are those of other lines, `above` the folders that these lie in."""
    one, parents = folded(PurePosixPath(name)), [folded(parent) for parent in PurePosixPath(name).parents]
    for other in filter(None, [taken.get(one), above.get(one), *map(taken.get, parents)]):
        raise InputError(f"{name} is, or lies in, the folder of line {other}; allowed: a folder for each.")
    if one in RESERVED:
        raise InputError(f"{name} is the batch's own; allowed: another name.")
    taken[one] = line
    above.update((parent, line) for parent in parents if parent != ".")


def rows_of(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The lines of a catalogue with their numbers: what is said under each column."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            parted = ";" if ";" in head and "," not in head else ","  # as spreadsheets write it where 0,5 is a number
            reader = csv.DictReader(file, skipinitialspace=True, strict=True, delimiter=parted)
            columns = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            check_columns(path, columns)
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; allowed: a CSV file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not written in UTF-8; allowed: a CSV file in UTF-8.") from error
    except csv.Error as error:
        raise InputError(f"{path} is no CSV: {error} (behind line {reader.line_num}).") from error
    found = []
    for line, row in rows:
        if not any(isinstance(text, str) and text.strip() for text in row.values()):
            continue
        if None in row or None in row.values():
            raise InputError(f"{path}:{line}: has not as many values as there are columns ({len(columns)}).")
        found.append((line, {name: text.strip() for name, text in row.items() if text.strip()}))
    return found


def check_columns(path: Path, columns: list[str]) -> None:
    for name in columns:
        if name not in COLUMNS:
            raise InputError(
                f"{path}: unknown column {quoted(name)}; known: {', '.join(COLUMNS)}.{nearest(name, COLUMNS)}"
            )
    if "mood" not in columns or len(set(columns)) < len(columns):
        raise InputError(f"{path} has the columns {', '.join(columns) or 'none'}; allowed: mood, and others once.")


def read(row: Mapping[str, str]) -> dict[str, Any]:
    """What a line asks for, as `make` takes it, with a seed."""
    if "mood" not in row:
        raise InputError("mood is empty; allowed: a mood.")
    asked: dict[str, Any] = dict(DEFAULTS)
    for name, text in row.items():
        how, allowed = COLUMNS[name]
        try:
            asked[name] = how(text)
        except ValueError:
            raise InputError(f"{name} is {quoted(text)}; allowed: {allowed}.") from None
    asked.pop("name", None)
    if "seed" not in asked:
        said = json.dumps(row, sort_keys=True)
        asked["seed"] = int.from_bytes(hashlib.sha256(said.encode()).digest()[:4], "big")
    return asked


def folder_of(name: str) -> str:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or "\\" in part for part in parts)
    if not parts or name.startswith("/") or hidden or not name.isprintable() or max(map(len, parts)) > LONGEST_NAME:
        raise InputError(f"name is {quoted(name)}; allowed: a folder below the output folder.")
    return str(PurePosixPath(name))


def checked(asked: Mapping[str, Any], *, unqualified: bool) -> dict[str, str]:
    """Hashes of the files that shape a song, when all that is asked for can be."""
    from melancholia.audio import check_rate
    from melancholia.composition import LEARNED, check_asked, check_composer
    from melancholia.piece import key
    from melancholia.setting import setting
    from melancholia.streams import check_seed

    plan = setting(asked["setting"], hits=asked.get("hits"), dialogue=asked.get("dialogue"))
    check_asked(asked["seconds"], bpm=asked.get("bpm"), metre=asked.get("metre"), setting=plan)
    check_seed(asked["seed"])
    check_rate(asked["rate"])
    if "key" in asked:
        key(asked["key"])
    check_composer(asked.get("composer", LEARNED))
    files = files_of(
        asked["mood"], asked["intensity"], tuple(sorted(asked.get("sections", {}).items())), asked.get("rack"),
        asked.get("instruments", ()), unqualified, asked.get("composer", LEARNED),
    )  # fmt: skip
    if "theme" in asked:
        from melancholia.motif import load_motif

        load_motif(asked["theme"])
        files = files | {"theme": file_hash(Path(asked["theme"]))}
    return files


@lru_cache(maxsize=4096)
def files_of(
    mood: str,
    intensity: str,
    others: tuple[tuple[str, str], ...],
    rack: str | None,
    players: tuple[str, ...],
    unqualified: bool,
    composer: str,
) -> dict[str, str]:
    """Hashes of the files behind mood, rack and players; refuses what is unknown among them."""
    from melancholia import instruments, racks
    from melancholia.profile import profile
    from melancholia.song import sources

    wanted = profile(mood, intensity, sections=dict(others))
    found = racks.rack(rack or wanted.rack)
    if not unqualified:
        racks.check_qualified(found)
    for name in players:
        instruments.check(name)
    return sources(wanted, found, players, composer)
