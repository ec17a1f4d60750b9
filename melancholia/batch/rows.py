"""What became of a source, and the manifest: a row a source, one JSON object a line, only ever appended to.

    input     the source, absolute                        status   done or failed
    output    relative to the output folder               error    one line, where it failed
    key       SHA-256 of source, settings and versions     source   its sha256, bytes, mtime_ns
    made      the output's bytes and mtime_ns              figures  what was measured
    others    the same of outputs of earlier rows of the source that still stand, by their names
    notes     what is odd about it, a line each            seconds  that the work took
    verdict   what a gate says of the output, where there is one: mood, intensity, sadness, matched, why, cues

A torn last line is what a kill leaves: it goes. The last row of a source counts; when a run ends, it is the only one.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from melancholia.errors import InputError, MelancholiaError
from melancholia.files import Kind, begins_with, writing

MANIFEST = "manifest.jsonl"
DONE, FAILED = "done", "failed"
SYNC_S, SYNC_ROWS = 0.5, 64  # how long a row may wait for the disk


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a source; see the module."""

    input: str
    status: str
    output: str | None = None
    error: str | None = None
    key: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verdict: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def read(cls, line: bytes) -> "Row | None":
        """The row in a line; None where it is none. Fields of later versions are not kept."""
        try:
            given = json.loads(line, parse_constant=no_number)
            known = {name: given[name] for name in cls.__dataclass_fields__ if name in given}
            row = cls(**{**known, "notes": tuple(known.get("notes", ()))})
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return row if row.is_sound else None

    @property
    def is_sound(self) -> bool:
        """Whether each field is of its type: somebody may have edited the file."""
        texts = (self.input, self.key, *self.notes)
        mappings = (self.source, self.made, self.others, self.figures, self.verdict)
        return (
            self.status in (DONE, FAILED)
            and all(isinstance(text, str) for text in texts)
            and all(isinstance(text, str | None) for text in (self.output, self.error))
            and all(isinstance(mapping, dict) for mapping in mappings)
            and isinstance(self.seconds, int | float)
        )

    @property
    def outputs(self) -> dict[str, Any]:
        """Every output of the source that it tells of, with how it stood when it was made."""
        return {**self.others, **({self.output: self.made} if self.output is not None else {})}

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


class Manifest:
    """The rows of an output folder; of those that were there before it remembers where they stand."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / MANIFEST
        self.places: dict[str, int] = {}  # of the last row of each source, by the source
        self.owners: dict[str, int] = {}  # of the last row that tells of an output, by the output
        self.superseded = False
        check_manifest(self.path)
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self.size = self.take_up()
        except BaseException:
            os.close(self.file)
            raise
        self.unsynced: set[Path] = set()  # folders that a row waits for
        self.waiting, self.synced = 0, monotonic()

    def take_up(self) -> int:
        """Find what is there, take off a torn last line, and return the bytes that stay."""
        size = 0
        for place, line in self.lines():
            row = Row.read(line)
            if row is None and line.strip() and not self.places and not is_torn(line):
                raise InputError(f"{self.path} is no manifest of ours; allowed: another output folder.")
            if not line.endswith(b"\n"):
                break
            self.superseded = self.superseded or row is None or row.input in self.places
            if row is not None:
                self.places[row.input] = place
                self.owners |= dict.fromkeys(row.outputs, place)
            size = place + len(line)
        os.ftruncate(self.file, size)
        return size

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line, and at which byte it begins."""
        place = 0
        with open(os.dup(self.file), "rb") as file:
            file.seek(0)
            for line in file:
                yield place, line
                place += len(line)

    def before(self, source: str) -> Row | None:
        """The row of a source from an earlier run."""
        return self.row_at(self.places.get(source))

    def made(self, output: str) -> Mapping[str, Any] | None:
        """How an output of an earlier run stood when it was made."""
        row = self.row_at(self.owners.get(output))
        return None if row is None else row.outputs.get(output)

    def row_at(self, place: int | None) -> Row | None:
        if place is None:
            return None
        with open(os.dup(self.file), "rb") as file:
            file.seek(place)
            return Row.read(file.readline())

    def add(self, row: Row, output: Path | None = None) -> None:
        """Append a row; it reaches the disk, behind the name of its `output`, within half a second.

        Raises
        ------
        OSError
            The disk refused; the manifest is as it was.
        MelancholiaError
            Somebody removed the manifest.
        """
        if os.fstat(self.file).st_nlink == 0:
            raise MelancholiaError(f"{self.path} was removed while the batch ran; the same command goes on from there.")
        line, done = row.line(), 0
        try:
            while done < len(line):
                done += os.write(self.file, line[done:])
        except OSError:
            os.ftruncate(self.file, self.size)
            raise
        self.size += len(line)
        self.superseded = self.superseded or row.input in self.places
        self.waiting += 1
        if output is not None:
            self.unsynced.add(output.parent)
        with suppress(OSError):  # then with the next one, or at the end
            self.sync(late=True)

    def sync(self, *, late: bool = False) -> None:
        """See to it that all rows are on the disk; with `late`, where they have waited long enough."""
        if not self.waiting or late and self.waiting < SYNC_ROWS and monotonic() - self.synced < SYNC_S:
            return
        for folder in self.unsynced:
            sync_folder(folder)
        os.fsync(self.file)
        self.unsynced.clear()
        self.waiting, self.synced = 0, monotonic()

    def settle(self) -> None:
        """Leave one row a source: the last."""
        self.sync()
        if not self.superseded:
            return
        last: dict[str, int] = {}
        for place, line in self.lines():
            row = Row.read(line)
            if row is not None:
                last[row.input] = place
        with writing(self.path, over=MANIFESTS) as part, part.open("wb") as file:
            kept = set(last.values())
            file.writelines(line for place, line in self.lines() if place in kept)
        self.superseded = False

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.sync()
        finally:
            os.close(self.file)


def is_torn(line: bytes) -> bool:
    """Whether a line may be the beginning of a row of ours."""
    begin = b'{"input": '
    return not line.endswith(b"\n") and (line.startswith(begin) or begin.startswith(line))


def check_manifest(path: Path) -> None:
    """Refuse what is no file at the place of a manifest: a folder, a pipe, a link that leads elsewhere."""
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        raise InputError(f"{path} is no manifest of ours; allowed: another output folder.")


MANIFESTS = Kind("a manifest", begins_with(b"{"))


def sync_folder(folder: Path) -> None:
    """See to it that names in a folder are on the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_manifest(folder: Path | str) -> Iterator[Row]:
    """The rows of an output folder.

    Parameters
    ----------
    folder : path

    Yields
    ------
    Row
        One a source, once a run has ended; while one goes on a source may come twice, and the later row counts.

    Raises
    ------
    InputError
        There is no manifest.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise InputError(f"{path} does not exist; allowed: a folder that a batch wrote into.")
    with path.open("rb") as file:
        for line in file:
            row = Row.read(line)
            if row is not None:
                yield row
