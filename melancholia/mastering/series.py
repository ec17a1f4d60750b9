"""Numbers along a recording of any length: a small one lies in memory, a long one on disk, in a file without a name."""

import tempfile
import weakref
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from melancholia.errors import MelancholiaError

IN_MEMORY_BYTES = 2**23  # 23 minutes of peaks at 48 kHz
PIECE = 65_536


class Series:
    """Float32 numbers, one after the other: written at the end, read in pieces."""

    def __init__(self) -> None:
        self.memory, self.count = bytearray(), 0
        self.file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self.count

    def add(self, values: NDArray[np.float32]) -> None:
        """Put numbers at the end.

        Raises
        ------
        MelancholiaError
            The disk refused.
        """
        self.memory += np.ascontiguousarray(values, np.float32).tobytes()
        self.count += len(values)
        if self.file is not None or len(self.memory) > IN_MEMORY_BYTES:
            try:
                if self.file is None:
                    self.file = tempfile.TemporaryFile(prefix="melancholia-", buffering=0)
                    weakref.finalize(self, self.file.close)
                self.file.seek(0, 2)
                self.file.write(self.memory)
            except OSError as error:
                raise MelancholiaError(f"{tempfile.gettempdir()} cannot be written: {error.strerror}.") from error
            self.memory.clear()

    def pieces(self, size: int = PIECE) -> Iterator[NDArray[np.float32]]:
        for start in range(0, self.count, size):
            yield self.part(start, start + size)

    def part(self, start: int, stop: int) -> NDArray[np.float32]:
        """The numbers from `start` to before `stop`, as far as there are any."""
        start, stop = max(0, start), max(0, min(stop, self.count))
        if self.file is None:
            return np.frombuffer(bytes(self.memory[4 * start : 4 * stop]), np.float32)
        self.file.seek(4 * start)
        return np.frombuffer(self.file.read(4 * max(0, stop - start)), np.float32)
