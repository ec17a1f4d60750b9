"""Processes on this machine that work on one file each: the death of one, or a deadline, costs its file alone.

Each is the only one of a `ProcessPoolExecutor` of its own. Pools of several share pipes and locks: where one process is
killed, the standard library gives up all that waits, and pebble, now and then, too (with "All workers expired" where it
was killed at rest; with a lock that nobody holds any more it stands still).
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from melancholia.errors import MelancholiaError
from melancholia.parallel import deaf_to_interrupts, end_with_parent

FILES_A_PROCESS = 1000  # then a fresh one comes: whatever libraries leave behind goes
MOST_DEATHS_AT_REST = 3  # in a row
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
KILL = signal.SIGTERM if os.name == "nt" else signal.SIGKILL


class Died(MelancholiaError):
    """The process that worked on a file is gone."""


class Late(MelancholiaError):
    """A file took longer than it may, and its process was ended."""


class Worker:
    """One process."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.executor = ProcessPoolExecutor(1, spawn, initializer=end_with_parent)
        self.tasks = 0
        with deaf_to_interrupts():  # it is started here, and keeps what is blocked
            self.pid: Future[int] = self.executor.submit(os.getpid)

    @property
    def lives(self) -> bool:
        """Whether its process is there, or on its way; the executor learns of a death a little later."""
        if not self.pid.done():
            return True
        there = {process.pid for process in multiprocessing.active_children()}
        return self.pid.exception() is None and self.pid.result() in there

    def kill(self) -> None:
        if self.pid.done() and self.pid.exception() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid.result(), KILL)

    def end(self, *, wait: bool) -> None:
        self.executor.shutdown(wait=wait, cancel_futures=True)


class Workers:
    """An executor, with `submit` as in `concurrent.futures`; `deadline_s` is asked for each task.

    There are as many processes as tasks at a time; whoever hands out tasks sees to it that these are not too many.
    """

    def __init__(self, deadline_s: Callable[..., float]) -> None:
        self.deadline_s = deadline_s
        self.idle: list[Worker] = []
        self.busy: set[Worker] = set()
        self.gone: list[Worker] = []  # that died: what they held is free when the system has let them go

    def submit(self, work: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        """The future fails with `Died` or `Late` where its process did not live, or it was late."""
        task: Future[Any] = Future()
        task.set_running_or_notify_cancel()
        worker, inner = self.handed_out(work, args)
        was_late = threading.Event()

        def too_late() -> None:
            was_late.set()
            worker.kill()

        clock = threading.Timer(self.deadline_s(*args), too_late)
        clock.daemon = True

        def ended(done: "Future[Any]") -> None:
            clock.cancel()
            self.busy.discard(worker)
            error = done.exception()
            if isinstance(error, BrokenExecutor):
                self.gone.append(worker)  # not ended yet: who does not wait the first time cannot wait later
                task.set_exception(Late("took longer than its deadline") if was_late.is_set() else Died(str(error)))
                return
            worker.tasks += 1
            if worker.tasks < FILES_A_PROCESS:
                self.idle.append(worker)
            else:
                worker.end(wait=False)
            if error is not None:
                task.set_exception(error)
            else:
                task.set_result(done.result())

        worker.pid.add_done_callback(lambda started: clock.start())  # its time begins when it is there
        inner.add_done_callback(ended)
        return task

    def handed_out(self, work: Callable[..., Any], args: tuple[Any, ...]) -> "tuple[Worker, Future[Any]]":
        """A worker that has the task, and the task's future; one that died at rest is left for another."""
        for _ in range(len(self.idle) + MOST_DEATHS_AT_REST):
            worker = self.idle.pop() if self.idle else Worker()
            if not worker.lives:
                worker.end(wait=False)
                continue
            self.busy.add(worker)
            try:
                return worker, worker.executor.submit(work, *args)
            except BrokenExecutor:
                self.busy.discard(worker)
                worker.end(wait=False)
        raise BrokenExecutor("the processes that work on the files die before they are given any")

    def end(self) -> None:
        """Let all go that have nothing to do, and end the others."""
        for worker in [*self.busy]:
            worker.kill()
        for worker in [*self.idle, *self.busy, *self.gone]:
            worker.end(wait=True)


@contextmanager
def workers(deadline_s: Callable[..., float]) -> Iterator[Workers]:
    """Spawned processes with one thread each for linear algebra; they are gone when the block ends."""
    with one_thread():
        found = Workers(deadline_s)
        try:
            yield found
        finally:
            found.end()


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, processes that are started have one thread for linear algebra: there is one of them a core."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
