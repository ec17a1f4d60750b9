"""Work side by side: in threads for what NumPy and kernels do without the interpreter, in processes for whole files.

Nothing outlives a failure: what has not begun is cancelled, what is under way is waited for, and a process ends with
the one that started it, however that ends.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def in_threads(work: Callable[[Item], Result], items: Iterable[Item], *, jobs: int) -> list[Result]:
    """`work` on every item, `jobs` at a time; the results in the order of the items.

    The first failure, an interrupt of the caller among them, cancels what has not begun and is raised when what is
    under way has ended. Import what `work` needs before: an import in a thread that meets an interrupt can hang.
    """
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done():
                    future.result()  # a failure that is known already goes first
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def in_processes(work: Callable[[Item], Result], items: Sequence[Item], *, jobs: int) -> Generator[Result, None, None]:
    """`work` on every item in `jobs` processes of their own, spawned; the results in the order of the items.

    `work` and what it returns must pickle. Interrupts are the caller's business: the processes do not hear them.
    """
    chunk = 1 if len(items) < 16 * jobs else 4
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=end_with_parent) as pool:
        with deaf_to_interrupts():  # the processes are started here, and keep what is blocked
            results = pool.map(work, items, chunksize=chunk)
        try:
            yield from results
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def here_or_in_processes(work: Callable[[Item], Result], items: Sequence[Item], *, jobs: int) -> list[Result]:
    """`work` on every item: in this process where `jobs` is 1, else as `in_processes`."""
    return list(map(work, items) if jobs == 1 else in_processes(work, items, jobs=jobs))


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Inside, processes are started that Ctrl-C on the terminal does not reach."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """For a spawned process: end when its parent ends, even by SIGKILL, whatever is under way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":  # holds even in code that does not let go of the interpreter
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=end_after, args=(parent,), daemon=True).start()


def end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
