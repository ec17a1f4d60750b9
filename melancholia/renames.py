"""Two renames that Python has no word for: to a name that must be free, and of two names with each other.

Linux and macOS do each in one step; elsewhere, and on file systems that cannot, they are made of several, none of which
ever removes what it did not make.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

AT_FDCWD, RENAME_NOREPLACE, RENAME_EXCHANGE = -100, 1, 2  # linux/fs.h
RENAME_SWAP, RENAME_EXCL = 2, 4  # macOS, sys/stdio.h
CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)  # the kernel or the file system


@cache
def system_call() -> Callable[[bytes, bytes, bool], int] | None:
    """rename(old, new, exchange or not) of this system; 0 or -1 with errno set. None where there is none."""
    if os.name != "posix":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        return lambda a, b, swap: libc.renameat2(
            AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE if swap else RENAME_NOREPLACE
        )
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        return lambda a, b, swap: libc.renamex_np(a, b, RENAME_SWAP if swap else RENAME_EXCL)
    return None


def in_one_step(a: Path, b: Path, *, exchange: bool) -> bool:
    """Whether the system did it; False where it cannot.

    Raises
    ------
    OSError
        It could, and refused: FileExistsError among them.
    """
    call = system_call()
    if call is None:
        return False
    if call(os.fsencode(a), os.fsencode(b), exchange) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(a), None, str(b))


def rename_new(part: Path, place: Path) -> None:
    """Give a file or folder a name that nothing has.

    Raises
    ------
    FileExistsError
        Something has it; both stay as they are.
    """
    if in_one_step(part, place, exchange=False):
        return
    if os.name != "posix":
        part.rename(place)  # Windows refuses a name that is taken
    elif part.is_dir():
        place.mkdir()  # fails where something is
        part.rename(place)  # onto the empty folder that we made; fails when somebody fills it meanwhile
    else:
        try:
            os.link(part, place)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            part.replace(place)
        else:
            part.unlink()


def exchange(part: Path, place: Path) -> None:
    """Let two files or folders change names."""
    if in_one_step(part, place, exchange=True):
        return
    aside = part.with_name(f"{part.name}.old")
    place.rename(aside)
    try:
        part.rename(place)
    except BaseException:
        aside.rename(place)
        raise
    aside.rename(part)
