"""A file as the decoder shall see it: spans of it, and bytes of ours between them."""

import io
import os
from bisect import bisect_right
from itertools import accumulate
from typing import BinaryIO

from melancholia.containers.found import View

BUFFER_BYTES = 65_536


class Viewed(io.RawIOBase):
    """A view of an open file as a file of its own; it closes the file when it is closed."""

    def __init__(self, file: BinaryIO, view: View) -> None:
        self.file, self.view = file, view
        lengths = [len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in view]
        self.starts = [0, *accumulate(lengths)]
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.starts[-1]}[whence])
        return self.at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self.at >= self.starts[-1]:
            return 0
        number = bisect_right(self.starts, self.at) - 1
        piece, into = self.view[number], self.at - self.starts[number]
        wanted = min(len(buffer), self.starts[number + 1] - self.at)
        if isinstance(piece, bytes):
            data = piece[into : into + wanted]
        else:
            data = read_at(self.file, piece[0] + into, wanted)
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def close(self) -> None:
        self.file.close()
        super().close()


def read_at(file: BinaryIO, place: int, count: int) -> bytes:
    """Bytes at a place; without moving the file where the system can: several may read a duplicate at once."""
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), count, place)
    file.seek(place)
    return file.read(count)


def opened(file: BinaryIO, view: View) -> BinaryIO:
    """`view` of an open file, buffered; closing it closes the file."""
    return io.BufferedReader(Viewed(file, view), BUFFER_BYTES)
