"""Chunks of RIFF, RIFX, RF64, BW64 (WAV), FORM (AIFF, AIFC): walked through, and put behind what is there.

Wave64 and CAF, whose sizes have 64 bits, are walked through too.

A chunk is an id of four printable characters, a size of 32 bits and a body, padded to an even size. RIFF, RF64 and
BW64 are little endian, RIFX and FORM big endian. RF64 and BW64 keep sizes of 64 bits in a first chunk, ds64, for every
chunk whose own size says 0xFFFFFFFF (EBU Tech 3306, ITU-R BS.2088).
"""

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

Order = Literal["<", ">"]

BYTE_ORDERS: dict[bytes, Order] = {b"RIFF": "<", b"RF64": "<", b"BW64": "<", b"RIFX": ">", b"FORM": ">"}
KINDS = (b"WAVE", b"AIFF", b"AIFC")
LONG = (b"RF64", b"BW64")
ELSEWHERE = 0xFFFFFFFF  # the size is in ds64, or nobody knew it when it was written
HEAD, FIRST = 8, 12  # bytes before a body; where the first chunk stands
WAVE64_HEAD, WAVE64_FIRST = 24, 40
CAF_HEAD, CAF_FIRST = 12, 8
LONG_ROW = 12  # bytes of an id and its size in ds64's table
LONG_FIXED = 28  # bytes before that table: sizes of the form and of data, frames, rows


@dataclass(frozen=True, slots=True)
class Form:
    """What the file says of itself in its first 12 bytes."""

    id: bytes
    kind: bytes

    @property
    def order(self) -> Order:
        """Byte order as `struct` writes it."""
        return BYTE_ORDERS[self.id]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: where its body starts, the bytes it claims to have, and the bytes the file has of it."""

    id: bytes
    start: int
    claimed: int
    size: int

    @property
    def is_whole(self) -> bool:
        return self.size == self.claimed


def form(file: BinaryIO) -> Form | None:
    """The form of a WAV or AIFF file, or None for anything else."""
    file.seek(0)
    head = file.read(FIRST)
    if len(head) < FIRST or head[:4] not in BYTE_ORDERS or head[8:] not in KINDS:
        return None
    return Form(head[:4], head[8:])


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Every chunk in order; bodies are not read, and the file may be moved between two of them.

    It ends where the file ends or where no chunk can begin, whatever the form claims of its own size.
    """
    opened = form(file)
    if opened is None:
        return
    end = file.seek(0, os.SEEK_END)
    long_sizes: dict[bytes, int] = {}
    at = FIRST
    while at + HEAD <= end:
        file.seek(at)
        name, claimed = struct.unpack(f"{opened.order}4sI", file.read(HEAD))
        if not is_name(name):
            return
        if claimed == ELSEWHERE:
            claimed = long_sizes.get(name, claimed)
        start = at + HEAD
        chunk = Chunk(name, start, claimed, min(claimed, end - start))
        if opened.id in LONG and name == b"ds64":
            long_sizes = sizes_of_64_bits(file, chunk)
        yield chunk
        at = start + chunk.size + padding(file, start + chunk.size)


def wave64_chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Every chunk of a Wave64: ids are GUIDs that begin with RIFF's, sizes count their own head and are padded to 8."""
    end, at = file.seek(0, os.SEEK_END), WAVE64_FIRST
    while at + WAVE64_HEAD <= end:
        file.seek(at)
        name, size = struct.unpack("<4s12xQ", file.read(WAVE64_HEAD))
        if not is_name(name):
            return
        start, claimed = at + WAVE64_HEAD, size - WAVE64_HEAD
        yield Chunk(name, start, claimed, max(0, min(claimed, end - start)))
        if claimed < 0:
            return
        at += size + -size % 8


def caf_chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Every chunk of a CAF; the size of the last one is -1 where it reaches to the end."""
    end, at = file.seek(0, os.SEEK_END), CAF_FIRST
    while at + CAF_HEAD <= end:
        file.seek(at)
        name, claimed = struct.unpack(">4sq", file.read(CAF_HEAD))
        if not is_name(name):
            return
        start = at + CAF_HEAD
        yield Chunk(name, start, claimed, max(0, min(claimed, end - start)))
        if claimed < 0:
            return
        at = start + claimed


def is_name(name: bytes) -> bool:
    return all(0x20 <= byte <= 0x7E for byte in name)


def padding(file: BinaryIO, end: int) -> int:
    """Bytes of padding behind a body that ends at `end`; some writers forget it, and then an id begins there."""
    if end % 2 == 0:
        return 0
    file.seek(end)
    return int(file.read(1) in (b"", b"\0"))


def sizes_of_64_bits(file: BinaryIO, chunk: Chunk) -> dict[bytes, int]:
    """Sizes by id, from a ds64 chunk; a table that claims more rows than it has is read as far as it goes."""
    file.seek(chunk.start)
    body = file.read(min(chunk.size, 1 << 16))
    if len(body) < LONG_FIXED:
        return {}
    data_bytes, rows = struct.unpack_from("<8xQ8xI", body)
    rows = min(rows, (len(body) - LONG_FIXED) // LONG_ROW)
    table = (struct.unpack_from("<4sQ", body, LONG_FIXED + LONG_ROW * row) for row in range(rows))
    return {**dict(table), b"data": data_bytes}


def append(file: BinaryIO, pieces: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
    """Put chunks (id, body) behind all others of a whole file, opened "rb+", and mend the size of its form.

    Returns the ids that were left out: a form of 32 bits ends at 4 GB.
    """
    opened = form(file)
    if opened is None:
        raise ValueError("no RIFF and no AIFF")
    left_out = []
    before = end = file.seek(0, os.SEEK_END)
    for name, body in pieces:
        data = bytes(end % 2) + struct.pack(f"{opened.order}4sI", name, len(body)) + body + bytes(len(body) % 2)
        if opened.id not in LONG and end + len(data) - HEAD >= ELSEWHERE:
            left_out.append(name)
            continue
        file.seek(end)
        file.write(data)
        end += len(data)
    if end > before:
        mend_size(file, opened, end - HEAD)
    return tuple(left_out)


def mend_size(file: BinaryIO, opened: Form, size: int) -> None:
    if opened.id not in LONG:
        file.seek(4)
        file.write(struct.pack(f"{opened.order}I", size))
        return
    for chunk in chunks(file):
        if chunk.id == b"ds64":
            file.seek(chunk.start)
            file.write(struct.pack("<Q", size))
            return
