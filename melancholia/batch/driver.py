"""A batch from its first file to its last: what is done is left, what fails is a row, nothing is lost by a kill.

The driver keeps a few jobs in flight, whoever works on them, and writes a row for each outcome. Where a worker died, or
something that passes stood in the way, it tries again; a file that is bad is not tried twice.
"""

import heapq
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from melancholia.batch.attempt import Fault, Outcome, attempt, is_judged, is_made, standing, standing_still, there
from melancholia.batch.jobs import Job
from melancholia.batch.rows import FAILED, MANIFEST, Manifest, Row, check_manifest, read_manifest
from melancholia.batch.workers import Late, workers
from melancholia.errors import InputError, MelancholiaError, in_range, one_line, shown
from melancholia.files import HANDED_ON_S, clear
from melancholia.interrupts import whole

LOCK = ".melancholia-batch.lock"
BACK_OFF_S = (1.0, 4.0, 16.0)
IN_FLIGHT = 2  # jobs for each worker of somebody else's: one at work, one that waits for it
SHORTEST_DEADLINE_S, SLOWEST_BYTES_A_SECOND = 120.0, 16_000  # an MP3 at 128 kbit/s in real time
SETTLED_S = 1.0  # a source that was touched since may be under way
MOST_FAILURES_KEPT = 1000
MOST_AT_ONCE = 1024
LONGEST_S = 30 * 24 * 3600.0  # that a file may take


class Executor(Protocol):
    """Whoever works: as in `concurrent.futures`, a process pool, a cluster."""

    def submit(self, work: Callable[..., Any], /, *args: Any) -> "Future[Any]": ...


@dataclass(slots=True)
class Summary:
    """What came of a batch: how many files were done, kept from earlier, failed; the first failures; why it stopped.

    `unmatched` of those that are there did not get through the gate; `rows` were written.
    """

    total: int
    done: int = 0
    kept: int = 0
    failures: int = 0
    unmatched: int = 0
    rows: int = 0
    failed: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""

    @property
    def told(self) -> int:
        """Files of which it is known what came of them."""
        return self.done + self.kept + self.failures

    @property
    def left(self) -> int:
        """Files that were not tried."""
        return self.total - self.told

    def count(self, outcome: Outcome) -> None:
        if outcome.row.status == FAILED:
            self.failures += 1
            if len(self.failed) < MOST_FAILURES_KEPT:
                self.failed.append(outcome.row)
            return
        self.unmatched += outcome.unmatched
        if outcome.kept:
            self.kept += 1
        else:
            self.done += 1


@dataclass(order=True, slots=True)
class Later:
    """A job that waits, until when, and how often it was tried; the place in the queue settles a tie."""

    due: float
    place: int
    job: Job = field(compare=False)
    tries: int = field(compare=False, default=0)
    deaths: int = field(compare=False, default=0)  # of processes that worked on it


Heard = Callable[[Outcome, Summary], None]


def run(
    jobs: Iterable[Job],
    out: Path | str,
    *,
    at_once: int | None = None,
    executor: Executor | None = None,
    deadline_s: float | None = None,
    max_failures: int | None = None,
    force: bool = False,
    heard: Heard | None = None,
) -> Summary:
    """Do all jobs into the folder `out`, and write what became of each into its ``manifest.jsonl``.

    What an earlier run did is kept where source, settings and versions are the same; what it was killed in is done
    again. The same call goes on from wherever a run ended.

    Parameters
    ----------
    jobs : iterable of Job
        As from `masters`.
    out : path
        Made where it is missing. One run at a time writes into it.
    at_once : int, optional
        Files at a time, each in a process of its own; as many as there are cores when left out.
    executor : Executor, optional
        Whoever works instead, with `submit` as in `concurrent.futures`; it has twice `at_once` at a time.
    deadline_s : float, optional
        Seconds that a file may take (of our own processes); when left out two minutes, and a second for each 16 kB.
    max_failures : int, optional
        The batch stops when more files than that failed.
    force : bool
        Replace audio files that stand where outputs go, and are none of an earlier run.
    heard : callable, optional
        Called with each outcome and the summary so far.

    Returns
    -------
    Summary

    Raises
    ------
    InputError
        There are no jobs, another run writes into the folder, its manifest is none of ours, a source would be
        overwritten.
    MelancholiaError
        The folder cannot be written, or the executor broke.
    """
    jobs, folder = checked(jobs), Path(os.path.abspath(out))
    count = cores() if at_once is None else int(in_range("at_once", at_once, 1, MOST_AT_ONCE))
    late = partial(deadline_of, None if deadline_s is None else in_range("deadline", deadline_s, 1, LONGEST_S, "s"))
    if max_failures is not None:
        in_range("max_failures", max_failures, 0, sys.maxsize)
    check_folder(folder, jobs)
    with held(folder), Manifest(folder) as manifest:
        with tree(folder, jobs):
            batch = Driver(jobs, folder, manifest, force=force, max_failures=max_failures, heard=heard)
            if executor is not None:
                batch.drive(executor, IN_FLIGHT * count)
            else:
                with workers(late) as own:
                    batch.drive(own, count)
        manifest.settle()
    return batch.summary


def checked(jobs: Iterable[Job]) -> list[Job]:
    """The jobs, refused where one is none, or two have one name or output."""
    found = list(jobs)
    if not found or not all(isinstance(job, Job) for job in found):
        raise InputError("there are no jobs; allowed: one or more, as from batch.masters.")
    for what, of in (("name", "of a source"), ("output", "of an output")):
        seen: set[str] = set()
        for one in (getattr(job, what) for job in found):
            if one in seen:
                raise InputError(f"{shown(one)} is the name {of} twice; allowed: once.")
            seen.add(one)
    return found


def check_folder(folder: Path, jobs: Sequence[Job]) -> None:
    """Refuse an output folder that is none, or in which sources would be overwritten."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError(f"{folder} is no folder; allowed: a folder to write into.")
    if (folder / LOCK).is_symlink():
        raise InputError(f"{folder / LOCK} is a link; allowed: another output folder.")
    check_manifest(folder / MANIFEST)
    spare_sources(jobs, folder)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def deadline_of(asked: float | None, job: Job, *others: object) -> float:
    """Seconds that a file may take."""
    if asked is not None:
        return asked
    size = 0
    with suppress(OSError):
        size = standing(job.source).get("bytes", 0)
    return SHORTEST_DEADLINE_S + size / SLOWEST_BYTES_A_SECOND


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Have an output folder for ourselves."""
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(folder / LOCK, timeout=HANDED_ON_S))
        except Timeout:
            raise InputError(
                f"{folder} is being written by another run; allowed: another folder, or this one when that has ended."
            ) from None
        except OSError as error:
            raise MelancholiaError(f"{folder} cannot be written: {error.strerror or one_line(error)}.") from error
        yield


def spare_sources(jobs: Sequence[Job], folder: Path) -> None:
    """Refuse outputs that are sources."""
    sources = {os.path.realpath(job.source) for job in jobs if job.source is not None}
    for job in jobs:
        if os.path.realpath(folder / job.output) in sources:
            raise InputError(
                f"{shown(str(folder / job.output))} is a source; allowed: another output folder, sources are never "
                "overwritten."
            )


@contextmanager
def tree(folder: Path, jobs: Iterable[Job]) -> Iterator[None]:
    """The folders of all outputs, without what killed runs left; those that stay empty go again."""
    folders = sorted({(folder / job.output).parent for job in jobs})
    for one in folders:
        with suppress(OSError):  # its files will say so
            one.mkdir(parents=True, exist_ok=True)
            clear(one)
    try:
        yield
    finally:
        for one in reversed(folders):
            clear(one)
            while one != folder and not one.is_symlink():
                try:
                    one.rmdir()
                except OSError:  # it is not empty
                    break
                one = one.parent


class Driver:
    """What is in flight, what waits, and what came of the rest."""

    def __init__(
        self,
        jobs: Sequence[Job],
        folder: Path,
        manifest: Manifest,
        *,
        force: bool,
        max_failures: int | None,
        heard: Heard | None,
    ) -> None:
        self.folder, self.manifest, self.force = folder, manifest, force
        self.max_failures, self.heard = max_failures, heard
        self.summary = Summary(len(jobs))
        self.jobs = self.to_do(jobs)
        self.later: list[Later] = []
        self.alone: list[Later] = []  # whose worker died: tried again when nothing else is under way
        self.flying: dict[Future[Any], Later] = {}
        self.places = 0
        self.refused = 0  # how often in a row the disk was full
        self.paused_until = 0.0

    def drive(self, executor: Executor, in_flight: int) -> None:
        """Do all jobs, a few in flight at a time."""
        began = time.monotonic()
        try:
            while not self.summary.stopped:
                self.launch(executor, in_flight)
                if not self.flying and not self.waits():
                    break
                self.land(free=len(self.flying) < in_flight)
        finally:
            for future in self.flying:
                future.cancel()
            self.summary.seconds = time.monotonic() - began

    def to_do(self, jobs: Sequence[Job]) -> Iterator[Later]:
        """The jobs whose outputs are not there yet; the others are counted."""
        for job in jobs:
            before = self.manifest.before(job.name)
            if before is not None and is_kept(job, before, self.folder):
                self.tell(there(before, job, kept=True))
                continue
            self.places += 1
            yield Later(self.settled_at(job), self.places, job)

    def settled_at(self, job: Job) -> float:
        """When a source has been left alone for long enough."""
        with suppress(OSError):
            age = time.time() - standing(job.source).get("mtime_ns", 0) / 1e9
            return time.monotonic() + SETTLED_S - age if 0 <= age < SETTLED_S else 0.0
        return 0.0

    def launch(self, executor: Executor, in_flight: int) -> None:
        """Hand out what is due."""
        now = time.monotonic()
        if now < self.paused_until:
            return
        while len(self.flying) < in_flight and (one := self.due(now)) is not None:
            self.submit(executor, one)
        if not self.flying and not self.later and self.alone:
            self.submit(executor, self.alone.pop(0))

    def due(self, now: float) -> Later | None:
        """The next job: one that waited long enough, or a fresh one."""
        while True:
            if self.later and self.later[0].due <= now:
                return heapq.heappop(self.later)
            one = next(self.jobs, None)
            if one is None or one.due <= now:
                return one
            heapq.heappush(self.later, one)

    def submit(self, executor: Executor, one: Later) -> None:
        before, stood = self.manifest.before(one.job.name), self.manifest.made(one.job.output)
        try:
            self.flying[executor.submit(attempt, one.job, self.folder, before, stood, self.force)] = one
        except RuntimeError as error:  # broken, or shut down
            raise gone(error) from error

    def waits(self) -> bool:
        return bool(self.later or self.alone)

    def land(self, *, free: bool) -> None:
        """Wait until something came of a job in flight, or, where hands are free, one that waits is due."""
        until = max(self.later[0].due if self.later else 0.0, self.paused_until)
        pause = max(0.01, until - time.monotonic())
        if not self.flying:
            time.sleep(pause)
            return
        waits = free and bool(self.later)
        landed, _ = wait(self.flying, timeout=pause if waits else None, return_when=FIRST_COMPLETED)
        for future in landed:
            self.landed(self.flying.pop(future), future)

    def landed(self, one: Later, future: "Future[Any]") -> None:
        try:
            outcome: Outcome = future.result()
        except BrokenExecutor as error:
            raise gone(error) from error
        except Late as error:
            self.fail(one.job, str(error))
            return
        except Exception as error:
            if one.deaths:
                self.fail(one.job, f"the process that worked on it died, twice: {one_line(error)}")
            else:
                self.alone.append(Later(0.0, one.place, one.job, one.tries, 1))
            return
        if outcome.fault is Fault.FULL:
            self.wait_for_space(one, outcome)
        elif outcome.fault is Fault.PASSING and one.tries < len(BACK_OFF_S):
            self.put_off(one, BACK_OFF_S[one.tries], failed=1)
        else:
            self.refused = 0
            self.tell(outcome)

    def put_off(self, one: Later, seconds: float, *, failed: int = 0) -> None:
        due = time.monotonic() + seconds
        heapq.heappush(self.later, Later(due, one.place, one.job, one.tries + failed, one.deaths))

    def wait_for_space(self, one: Later, outcome: Outcome) -> None:
        """The disk is full: nothing is handed out for a while; when that did not help, the batch stops."""
        self.put_off(one, 0.0)
        if time.monotonic() < self.paused_until:  # it was handed out before that was known
            return
        if self.refused == len(BACK_OFF_S):
            self.summary.stopped = one_line(outcome.row.error or "the disk is full")
            return
        self.paused_until = time.monotonic() + BACK_OFF_S[self.refused]
        self.refused += 1

    def fail(self, job: Job, why: str) -> None:
        """Tell that nothing came of a job, and what of earlier runs still stands."""
        others = standing_still(self.manifest.before(job.name), job, self.folder)
        row = Row(job.name, FAILED, error=f"{one_line(job.name)}: {why}.", others=others)
        self.tell(Outcome(row, Fault.FILE))

    def tell(self, outcome: Outcome) -> None:
        """Write a row for an outcome, and let it be known."""
        self.write(outcome)
        if self.heard is not None:
            self.heard(outcome, self.summary)
        if self.max_failures is not None and self.summary.failures > self.max_failures:
            self.summary.stopped = f"more than {self.max_failures} files failed"

    def write(self, outcome: Outcome) -> None:
        """Append the row and count it; where the disk has no room for it, after a while."""
        row = outcome.row
        output = self.folder / row.output if row.output is not None else None
        known = outcome.kept and self.manifest.before(row.input) == row
        for pause in (*BACK_OFF_S, None):
            try:
                with whole():
                    if not known:
                        self.manifest.add(row, output)
                        self.summary.rows += 1
                    self.summary.count(outcome)
                return
            except OSError as error:
                if pause is None:
                    raise MelancholiaError(
                        f"{self.manifest.path} cannot be written: {error.strerror or one_line(error)}."
                    ) from error
                time.sleep(pause)


def is_kept(job: Job, before: Row, folder: Path) -> bool:
    """Whether an earlier run did just this, by what can be seen without reading the source."""
    seen = {name: value for name, value in before.source.items() if name != "sha256"}
    try:
        same = standing(job.source) == seen and job.key(str(before.source.get("sha256"))) == before.key
    except OSError:
        return False
    return same and is_made(before, job, folder) and is_judged(before, job)


def gone(error: Exception) -> MelancholiaError:
    return MelancholiaError(f"the workers are gone: {one_line(error) or type(error).__name__}.")


def planned(jobs: Sequence[Job], out: Path | str) -> Iterator[tuple[Job, str]]:
    """What a run would do with each job, without writing anything: `make` it, or leave it where it was `done before`.

    Raises
    ------
    InputError
        A source would be overwritten.
    """
    folder = Path(os.path.abspath(out))
    check_folder(folder, jobs)
    known = {row.input: row for row in read_manifest(folder)} if (folder / MANIFEST).is_file() else {}
    for job in jobs:
        before = known.get(job.name)
        yield job, "done before" if before is not None and is_kept(job, before, folder) else "make"
