"""Interrupts of the command line: what is unfinished is removed, and the process ends, whatever it was doing.

A KeyboardInterrupt is raised in the main thread, between two of its instructions: while another thread imports it can
leave import locks held for ever, and a thread in the middle of a stem is waited for until the stem is done. So the
command line does not unwind. A thread of its own waits for signals; at the first it removes the files and folders that
are not finished and ends the process with 130, at a second it ends it at once.

Programs that use the library keep their own handlers, and get KeyboardInterrupt as ever: only `watch` takes over.
"""

import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

INTERRUPTED = 130  # what shells say of a process that SIGINT ended
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
LONGEST_REMOVAL_S = 1.5  # threads may still write into a folder while it is removed
NOTHING_HALF = "nothing was left half-written."
SHOW_CURSOR = "\r\x1b[K\x1b[?25h"  # a progress bar hides it

UNFINISHED: dict[str, None] = {}  # paths, in the order they were begun
FOLDERS: dict[str, None] = {}  # that an interrupt removes where nothing is in them
LAST: list[Callable[[], str]] = []  # what an interrupt calls; the last one counts
ENDING = threading.Lock()  # held while something must not be torn apart; taken for good by the end


@contextmanager
def unfinished(path: str | os.PathLike[str]) -> Iterator[None]:
    """Inside, an interrupt removes the file or folder `path`. Enter before it is made."""
    name = os.path.abspath(path)
    with ENDING:  # after an interrupt nothing is begun any more: whoever tries waits for the end
        UNFINISHED[name] = None
    try:
        yield
    finally:
        UNFINISHED.pop(name, None)


@contextmanager
def unfilled(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Inside, an interrupt removes the folder if it is empty. Enter before it is made."""
    name = os.path.abspath(folder)
    with ENDING:
        FOLDERS[name] = None
    try:
        yield
    finally:
        FOLDERS.pop(name, None)


@contextmanager
def whole() -> Iterator[None]:
    """Inside, an interrupt waits: for the moment between two renames that belong together."""
    with ENDING:
        yield


@contextmanager
def instead(end_work: Callable[[], str]) -> Iterator[None]:
    """Inside, an interrupt calls `end_work`, which ends what is under way elsewhere, and says what it returns.

    It is called in a thread of its own, while everything else goes on.
    """
    with ENDING:
        LAST.append(end_work)
    try:
        yield
    finally:
        with ENDING:
            LAST.remove(end_work)


def last_word() -> None:
    """From now on no interrupt is acted on; does not return when one came before."""
    ENDING.acquire()


def watch() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP end this process as described above; call it once, in the main thread.

    A signal that is ignored already (under nohup, or in the background of a shell) stays ignored.
    """
    ours, theirs = socket.socketpair()  # a pipe would do but for Windows
    theirs.setblocking(False)
    threading.Thread(target=end_when_told, args=(ours,), name="interrupts", daemon=True).start()
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)  # what matters is that its number is written to `theirs`


def end_when_told(ours: socket.socket) -> None:
    ours.recv(1)
    threading.Thread(target=end, daemon=True).start()
    ours.recv(1)
    os._exit(INTERRUPTED)


def end() -> None:
    """Remove what is unfinished, say so in one line, and end the process."""
    ENDING.acquire()
    said = NOTHING_HALF
    if LAST:
        with suppress(Exception):  # it must end, whatever that thinks of it
            said = LAST[-1]()
    for name in list(UNFINISHED):
        remove(name)
    for name in list(FOLDERS):
        with suppress(OSError):  # something is in it
            os.rmdir(name)
    with_bar = SHOW_CURSOR if sys.stderr is not None and sys.stderr.isatty() else ""
    try:
        os.write(stderr(), f"{with_bar}melancholia: interrupted; {said}\n".encode())
    except (OSError, ValueError):  # nobody listens any more
        pass
    os._exit(INTERRUPTED)


def stderr() -> int:
    """The file that people read: the command line's own, see `__main__`."""
    return 2 if sys.stderr is None else sys.stderr.fileno()


def remove(name: str) -> None:
    """Remove a file or folder; whoever writes into the folder by its name finds it gone."""
    away = f"{name}.part"
    try:
        os.rename(name, away)
        name = away
    except OSError:  # it is not there, or the system keeps what is open in its place
        pass
    until = time.monotonic() + LONGEST_REMOVAL_S
    while os.path.lexists(name) and time.monotonic() < until:
        if os.path.isdir(name) and not os.path.islink(name):
            shutil.rmtree(name, ignore_errors=True)
        else:
            try:
                os.unlink(name)
            except OSError:
                time.sleep(0.01)
