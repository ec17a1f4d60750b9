"""Writing: everything whole or not at all, nothing of anybody's destroyed; the package's own data from one place.

What is written is first written under a name of our own in the same folder, flushed to the disk, and then put in its
place: a reader sees the old file, the new file, or none. What stands at that place is asked at the very moment when it
is taken: nothing is replaced unless its `Kind` is allowed. A link is followed, what it names is what is written. A
source is never its own output.

Names of our own end in ``.part``, and are locked by who writes them; what a killed run left is not, and is removed by
the next one that writes into the folder.
"""

import contextlib
import itertools
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from platformdirs import user_cache_path

from melancholia.errors import InputError, MelancholiaError, one_line
from melancholia.interrupts import unfinished, whole
from melancholia.renames import exchange, rename_new

if sys.platform != "win32":
    import fcntl

STDOUT = "-"
OURS, PART = ".melancholia-", ".part"
MOST_TRIES = 200  # to make a part that others take for abandoned
STALE_S = 24 * 3600.0  # where there are no locks
HANDED_ON_S = 0.25  # a process that is killed as it starts another leaves its locks to that one, until it runs


def data_folder(name: str) -> Path:
    """The package's own folder `name`: inside the package (wheel), or beside it (checkout, editable install)."""
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name


def cache_folder() -> Path:
    """Where notes for later are kept: the user's cache, or where that cannot be written, the temporary folder."""
    for folder in (user_cache_path("melancholia"), Path(tempfile.gettempdir()) / "melancholia-cache"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="melancholia-cache-"))


@dataclass(frozen=True, slots=True)
class Kind:
    """What may be replaced where that was asked for: its name for people, and whether a path holds one.

    `strangers` says why a path is none, where there is more to say.
    """

    name: str
    holds: Callable[[Path], bool]
    strangers: Callable[[Path], str] | None = None

    def refuse(self, path: Path, shown: Path) -> None:
        """Refuse what stands at `path`, and is none of this kind; `shown` is its name for people."""
        if self.holds(path):
            return
        why = self.strangers(path) if self.strangers is not None else ""
        raise InputError(f"{shown} is not {self.name}{why}; allowed: a new name, nothing else is ever replaced.")


def begins_with(*magics: bytes) -> Callable[[Path], bool]:
    """Whether a path is a file that begins with one of `magics`; an empty file holds nobody's work."""

    def holds(path: Path) -> bool:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(max(map(len, magics)))
        return not head or head.startswith(magics)

    return holds


PNG = Kind("a PNG picture", begins_with(b"\x89PNG\r\n\x1a\n"))
MIDI = Kind("a MIDI file", begins_with(b"MThd"))
ANY_FILE = Kind("a file", Path.is_file)  # of our own, inside a folder of ours


def is_stream(path: Path) -> bool:
    """Whether a path is stdout, a pipe or a device: written through, never replaced."""
    if str(path) == STDOUT:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def check_output(path: Path, *inputs: Path, over: Kind | None = None) -> Path:
    """`path` itself; refused when it is a folder, one of the inputs, stands in no folder, or must not be replaced."""
    if is_stream(path):
        return path
    if path.is_dir():
        raise InputError(f"{path} is a folder; allowed: the name of a file to write.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path.parent} is no folder; allowed: an existing folder to write into.")
    for taken in inputs:
        if path.exists() and taken.exists() and path.samefile(taken):
            raise InputError(f"{path} is the source itself; allowed: another name, sources are never overwritten.")
    check_place(path, over)
    return path


def check_suffix(path: Path, *suffixes: str) -> Path:
    """`path` itself, refused when its name says that it is of another kind than what is written; streams may be any."""
    if not is_stream(path) and path.suffix.lower() not in suffixes:
        raise InputError(f"{path} has an unknown suffix; allowed: {', '.join(suffixes)}.")
    return path


def check_place(path: Path, over: Kind | None) -> None:
    """Refuse a path where something stands that must not be replaced."""
    if not os.path.lexists(path):
        return
    if over is None:
        raise taken_already(path)
    if path.exists():
        over.refuse(path, path)


def taken_already(path: Path) -> InputError:
    link = f" (a link to {os.readlink(path)})" if path.is_symlink() else ""
    return InputError(f"{path} exists already{link}; allowed: a new name, or --force (force=True) to replace it.")


@contextmanager
def writing(path: Path, *, over: Kind | None = None) -> Iterator[Path]:
    """A name to write to in place of `path`; it becomes `path` when the block ends well, and vanishes when not.

    `over` is what may be replaced by it, at the moment when it is; nothing when left out.
    """
    if is_stream(path):
        with through(path) as part:
            yield part
        return
    place = Path(os.path.realpath(path))
    check_place(path, over)
    part = part_of(place)
    with unfinished(part):
        try:
            clear(place.parent)
            with locked(part, made_file):
                yield part
                with part.open("rb+") as file:
                    os.fsync(file.fileno())
                put_in_place(part, place, over, shown=path)
        except MelancholiaError as error:  # who reads or encodes the part speaks of it; the caller knows the file
            raise type(error)(str(error).replace(str(part), str(path))) from error
        except OSError as error:
            raise failed_to_write(path, error) from error
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def writing_folder(path: Path, *, over: Kind | None = None) -> Iterator[Path]:
    """A fresh folder to fill in place of `path`; renamed when the block ends well, removed when not.

    A folder of the kind `over` that stands at `path` then is swapped out and removed; whatever else stands there stays.
    """
    place = Path(os.path.realpath(path))
    part = part_of(place)
    with unfinished(part):
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            check_place(path, over)
            clear(part.parent)
            with locked(part, made_folder):
                yield part
                put_in_place(part, place, over, shown=path)
        except MelancholiaError as error:  # a file inside speaks of the part; the caller knows the folder
            raise type(error)(str(error).replace(str(part), str(path))) from error
        except OSError as error:
            raise failed_to_write(path, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder of our own inside `folder`, for what is only under way; it is gone when the block ends."""
    part = part_of(folder / OURS)
    with unfinished(part), ExitStack() as stack:
        try:
            stack.enter_context(locked(part, made_folder))
        except OSError as error:
            raise failed_to_write(folder, error) from error
        stack.callback(shutil.rmtree, part, ignore_errors=True)
        yield part


def give_place(made: Path, path: Path, *, over: Kind | None = None) -> None:
    """Give a finished file or folder of a scratch folder beside it its name; `over` is what may be replaced."""
    try:
        put_in_place(made, Path(os.path.realpath(path)), over, shown=path)
    except OSError as error:
        raise failed_to_write(path, error) from error


def made_file(part: Path) -> int | None:
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    if sys.platform != "win32":
        return handle
    os.close(handle)  # nothing that is open can be renamed there
    return None


def made_folder(part: Path) -> int | None:
    part.mkdir()
    return None if sys.platform == "win32" else os.open(part, os.O_RDONLY)


@contextmanager
def through(path: Path) -> Iterator[Path]:
    """A temporary file, whose content goes into a stream or device when the block ends well."""
    with tempfile.TemporaryDirectory(prefix="melancholia-") as home, unfinished(home):
        part = Path(home) / "part"
        yield part
        target: Path | int = 1 if str(path) == STDOUT else path
        try:
            with part.open("rb") as file, open(target, "wb", closefd=target != 1) as stream:
                shutil.copyfileobj(file, stream)
        except BrokenPipeError:  # nobody reads on
            raise
        except OSError as error:
            raise failed_to_write(path, error) from error


def part_of(path: Path) -> Path:
    """A name of our own beside `path`, for what is not finished; short, whatever the length of `path`."""
    return path.with_name(f"{OURS}{os.getpid()}-{os.urandom(4).hex()}{PART}")


@contextmanager
def locked(part: Path, make: Callable[[Path], int | None]) -> Iterator[None]:
    """Make a file or folder and hold it: whoever clears up knows by the lock that it is not abandoned.

    Between its making and its lock it can be taken for abandoned: then it is made again.
    """
    for tries in itertools.count():
        try:
            handle = make(part)
        except (FileExistsError, FileNotFoundError):  # not yet removed, or removed before it was opened
            if tries == MOST_TRIES or not part.parent.is_dir():
                raise
            time.sleep(0.001)
            continue
        if handle is None or lock(handle) is not Lock.TAKEN and same(part, handle):
            break
        os.close(handle)
        time.sleep(0.001)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def same(part: Path, handle: int) -> bool:
    try:
        return os.path.samestat(part.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


class Lock(Enum):
    """What became of a lock: we hold it, another does, or this file system has none."""

    OURS = auto()
    TAKEN = auto()
    NONE = auto()


def lock(handle: int, *, shared: bool = False) -> Lock:
    """Lock an open file for as long as it is open, without waiting."""
    if sys.platform == "win32":
        return Lock.NONE
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return Lock.TAKEN
    except OSError:
        return Lock.NONE
    return Lock.OURS


def clear(folder: Path) -> None:
    """Remove what killed runs left in a folder; never what somebody is writing."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(OURS) and entry.name.endswith(PART):
                with contextlib.suppress(OSError):
                    remove_abandoned(Path(entry.path))


def remove_abandoned(part: Path) -> None:
    if sys.platform == "win32":
        if time.time() - part.stat().st_mtime > STALE_S:
            remove(part)
        return
    handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if lock(handle) is Lock.OURS and same(part, handle):  # and not another of that name, made since
            remove(part)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def put_in_place(part: Path, place: Path, over: Kind | None, *, shown: Path) -> None:
    """Give `part` the name `place`. What stands there is asked now: it is replaced if `over` allows it, else it stays.

    `shown` is the name for people. What is replaced is removed only when its place is taken.
    """
    with whole():
        try:
            rename_new(part, place)
            return
        except FileExistsError:
            if over is None:
                raise taken_already(shown) from None
        with held(place):  # it has our own name for a moment, and no part of ours may look abandoned
            exchange(part, place)
            try:
                over.refuse(part, shown)
            except BaseException:
                exchange(part, place)
                raise
            remove(part)


@contextmanager
def held(place: Path) -> Iterator[None]:
    try:
        handle = os.open(place, os.O_RDONLY)
    except OSError:  # a folder on Windows
        yield
        return
    try:
        lock(handle, shared=True)
        yield
    finally:
        os.close(handle)


def failed_to_write(path: Path, error: OSError) -> MelancholiaError:
    return MelancholiaError(f"{path} cannot be written: {error.strerror or one_line(error)}.")


def write_text(path: Path, text: str, *, over: Kind | None = None) -> None:
    """Write a text file (UTF-8) atomically."""
    with writing(path, over=over) as part:
        part.write_text(text, encoding="utf-8")
