"""Processes on this machine that work on one file each: the death of one, or a deadline, costs its file alone."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from melancholia.errors import InputError
from melancholia.parallel import end_with_parent

BATCH = "melancholia[batch]"
FILES_A_PROCESS = 1000  # then it is replaced by a fresh one: whatever libraries leave behind goes
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Workers:
    """An executor, with `submit` as in `concurrent.futures`; `deadline_s` is asked for each task."""

    def __init__(self, pool: Any, deadline_s: Callable[..., float]) -> None:
        self.pool, self.deadline_s = pool, deadline_s

    def submit(self, work: Callable[..., Any], *args: Any) -> "Future[Any]":
        future: Future[Any] = self.pool.schedule(work, args=args, timeout=self.deadline_s(*args))
        return future


@contextmanager
def workers(count: int, deadline_s: Callable[..., float]) -> Iterator[Workers]:
    """Spawned processes with one thread each for linear algebra; they are gone when the block ends.

    Raises
    ------
    InputError
        pebble is not installed.
    """
    try:
        from pebble import ProcessPool
    except ImportError as error:
        raise InputError(f"a batch needs pebble; allowed: pip install '{BATCH}', or an executor of yours.") from error
    with one_thread():
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPool(count, max_tasks=FILES_A_PROCESS, initializer=end_with_parent, context=spawn)
        try:
            yield Workers(pool, deadline_s)
            pool.close()
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.join()


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
