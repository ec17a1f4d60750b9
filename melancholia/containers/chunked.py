"""Containers of chunks, each with its size: RIFF and its kin, AIFF, Wave64, CAF, and AU with its one header."""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from melancholia.containers import mpeg
from melancholia.containers.found import AS_IT_IS, SLIP_BYTES, Found, Order, judged
from melancholia.riff import WAVE64_HEAD, Chunk, caf_chunks, chunks, wave64_chunks

EXTENSIBLE = 0xFFFE
MPEG_TAGS = (0x50, 0x55)  # in a WAV's `fmt `


def riff(file: BinaryIO, size: int) -> Found:
    """WAV of every kind (RIFF, RIFX, RF64, BW64); the size of an RF64 stands in its ds64."""
    file.seek(0)
    magic = file.read(4)
    order: Order = "big" if magic == b"RIFX" else "little"
    ds64: int | None = None
    tag = mask = 0
    for chunk in chunks(file):
        if chunk.id == b"ds64":
            ds64 = chunk.start
        elif chunk.id == b"fmt ":
            file.seek(chunk.start)
            fmt = file.read(min(chunk.size, 40))
            tag = int.from_bytes(fmt[:2], order)
            mask = int.from_bytes(fmt[20:24], order) if tag == EXTENSIBLE else 0
        elif chunk.id == b"data":
            break
    else:
        return AS_IT_IS
    held = size - chunk.start
    if tag in MPEG_TAGS:
        return mpeg.found(file, chunk.start, min(size, chunk.start + chunk.claimed))
    field = (chunk.start - 4, chunk.start) if ds64 is None else (ds64 + 8, ds64 + 16)
    found = judged(chunk.claimed, held, size, field, order)
    walked = max(c.start + c.size for c in chunks(file))
    if found == AS_IT_IS and size - walked > SLIP_BYTES:
        found = Found((), (f"{size - walked} bytes at its end are no chunk, and were not read",))
    return replace(found, mask=mask)


def aiff(file: BinaryIO, size: int) -> Found:
    """AIFF and AIFC: the sound chunk begins with an offset and a block size, eight bytes."""
    return sized(chunks(file), b"SSND", size, width=4, order="big", before=8, extra=8)


def wave64(file: BinaryIO, size: int) -> Found:
    """Sony Wave64: a size counts the 24 bytes of its own head."""
    return sized(wave64_chunks(file), b"data", size, width=8, order="little", before=0, extra=WAVE64_HEAD)


def caf(file: BinaryIO, size: int) -> Found:
    """Core Audio: the sound begins with a count of edits, four bytes; libsndfile does not know the size -1."""
    return sized(caf_chunks(file), b"data", size, width=8, order="big", before=4, extra=4)


def sized(walk: Iterator[Chunk], name: bytes, size: int, *, width: int, order: Order, before: int, extra: int) -> Found:
    """The chunk that holds the sound, whose size stands right before it in `width` bytes; `before` are no sound."""
    for chunk in walk:
        if chunk.id == name:
            field = (chunk.start - width, chunk.start)
            held = size - chunk.start - before
            return judged(chunk.claimed - before, held, size, field, order, extra=extra)
    return AS_IT_IS


def au(file: BinaryIO, size: int) -> Found:
    """Sun's AU, of either byte order: offset and size stand behind the magic."""
    file.seek(0)
    order: Order = "big" if file.read(4) == b".snd" else "little"
    start, claimed = (int.from_bytes(file.read(4), order) for _ in range(2))
    return judged(claimed, size - start, size, (8, 12), order) if start <= size else AS_IT_IS
