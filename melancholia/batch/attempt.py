"""One file of a batch, where it is worked on: an outcome comes of it whatever happens, never an exception."""

import errno
import filecmp
import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from time import perf_counter
from typing import Any

from melancholia.batch.jobs import Job
from melancholia.batch.rows import DONE, FAILED, Row
from melancholia.encoding import AUDIO, SUFFIXES
from melancholia.errors import InputError, MelancholiaError, in_a_line
from melancholia.files import ANY_FILE, Kind, give_place, scratch
from melancholia.recipe import file_hash

FULL = (errno.ENOSPC, errno.EDQUOT)
PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
           errno.EINTR, errno.EBUSY)  # fmt: skip


class Fault(Enum):
    """Whose fault it is that there is no output, and so what helps."""

    FILE = auto()  # nothing does
    PASSING = auto()  # another try, later
    FULL = auto()  # space on the output disk: then for every other file, too


@dataclass(frozen=True, slots=True)
class Outcome:
    """The row of a file, whose fault it is where it failed, and whether the output was there already.

    `unmatched` says that it did not get through its gate.
    """

    row: Row
    fault: Fault | None = None
    kept: bool = False
    unmatched: bool = False


class Changed(InputError):
    """A source that somebody writes while it is read."""


def attempt(job: Job, out: Path, before: Row | None, stood: Mapping[str, Any] | None, force: bool) -> Outcome:
    """Make the output of a job in the folder `out`.

    `before` is what an earlier run says of its source, `stood` how the output stood when an earlier run made it.
    """
    began = perf_counter()
    try:
        row, kept = made(job, out, before, stood, force)
        row = judged(row, job, out)
        return there(row if kept else replace(row, seconds=round(perf_counter() - began, 3)), job, kept=kept)
    except Exception as error:
        said = in_a_line(job.source or Path(job.name), error)
        row = Row(job.name, FAILED, error=said, others=standing_still(before, job, out))
        return Outcome(replace(row, seconds=round(perf_counter() - began, 3)), fault_of(error))


def there(row: Row, job: Job, *, kept: bool) -> Outcome:
    """The outcome of a job whose output is there."""
    return Outcome(row, kept=kept, unmatched=job.judges and row.verdict.get("matched") is not True)


def made(job: Job, out: Path, before: Row | None, stood: Mapping[str, Any] | None, force: bool) -> tuple[Row, bool]:
    if job.source is not None and not job.source.is_file():
        raise InputError(f"{job.source} is no file; allowed: an audio file.")
    seen, output = standing(job.source), out / job.output
    stays_inside(output, out)
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        hashed = pool.submit(hash_of, job.source)
        if before is not None and is_made(before, job, out) and job.key(hashed.result()) == before.key:
            return replace(before, source={"sha256": hashed.result(), **seen}), True
        folder = stack.enter_context(scratch(output.parent))
        part = folder / output.name
        try:
            done = job.work(job.source, part)
        except MelancholiaError as error:  # it speaks of the part
            raise type(error)(str(error).replace(str(part), str(output))) from error
        sha256 = hashed.result()
        if standing(job.source) != seen:
            raise Changed(f"{job.source} was changed while it was read.")
        give_place(part, output, over=forced(job) if force else earlier(job, output, stood))
    others = standing_still(before, job, out)
    others.pop(job.output, None)
    row = Row(
        job.name, DONE, job.output, key=job.key(sha256), source={"sha256": sha256, **seen},
        made=standing(output / job.proof), others=others, figures=finite(done.figures), notes=done.notes,
        verdict=finite(done.verdict),
    )  # fmt: skip
    return row, False


def hash_of(source: Path | None) -> str:
    """SHA-256 of a source, "" where it is no file: then the settings say all."""
    return "" if source is None else file_hash(source)


def judged(row: Row, job: Job, out: Path) -> Row:
    """The row with the verdict of its job's gate."""
    if job.gate is None or is_judged(row, job):
        return row
    return replace(row, verdict=finite(job.gate(out / job.output, job.source if job.work.colours else None)))


def is_judged(row: Row, job: Job) -> bool:
    """Whether a row has the verdict that its job asks for."""
    return job.gate is None or row.verdict.get("settings") == job.gate.settings


def standing(path: Path | None) -> dict[str, int]:
    """By what it is seen that a file is the same as before; nothing where there is none to see."""
    if path is None:
        return {}
    found = path.stat()
    return {"bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def is_made(row: Row, job: Job, out: Path) -> bool:
    """Whether the output of a row stands as it was made."""
    try:
        place = out / job.output / job.proof
        return row.status == DONE and row.output == job.output and standing(place) == row.made
    except OSError:
        return False


def standing_still(before: Row | None, job: Job, out: Path) -> dict[str, Any]:
    """The outputs of earlier runs that stand as they were made: they stay ours, whatever becomes of this one."""
    found = {}
    for name, stood in ({} if before is None else before.outputs).items():
        try:
            if standing(out / name / job.proof) == stood:
                found[name] = stood
        except OSError:
            continue
    return found


def stays_inside(output: Path, out: Path) -> None:
    """Refuse an output that a link would lead elsewhere."""
    folder = Path(os.path.realpath(output.parent))
    if output.is_symlink() or not folder.is_relative_to(os.path.realpath(out)):
        raise InputError(f"{output} is or goes through a link; allowed: what stays in the output folder.")


def earlier(job: Job, output: Path, stood: Mapping[str, Any] | None) -> Kind:
    """What may be replaced: the output as it `stood` when an earlier run made it, or the bytes that are to stand there.

    Those are what a run leaves that is killed between an output and its row. A folder is what its proof says, where
    that is a recipe: it is ours as long as nothing in it was changed or added.
    """
    proof, folder = job.proof, job.work.folder

    def holds(path: Path) -> bool:
        if folder is not None and (not (path / proof).is_file() or not folder.holds(path)):
            return False
        if stood is not None and standing(path / proof) == stood:
            return True
        return (path / proof).is_file() and filecmp.cmp(path / proof, output / proof, shallow=False)

    return Kind("an output of this batch", holds, lambda path: " as it made it (--force replaces it)")


def forced(job: Job) -> Kind:
    """What may be replaced when that was asked for."""
    if job.work.folder is not None:
        return job.work.folder
    return AUDIO if job.output.rpartition(".")[2].lower() in SUFFIXES else ANY_FILE


def fault_of(error: Exception) -> Fault:
    """Whose fault it is, by the error of the system behind it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Changed | MemoryError):
            return Fault.PASSING
        if isinstance(cause, OSError) and cause.errno in FULL:
            return Fault.FULL
        if isinstance(cause, OSError) and cause.errno in PASSING:
            return Fault.PASSING
        cause = cause.__cause__
    return Fault.FILE


def finite(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as JSON has them: null where there is none, as the loudness of silence."""
    return {name: plain(value) for name, value in figures.items()}


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return finite(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
