"""Containers of chunks, each with its size: RIFF and its kin, AIFF, Wave64, CAF, and AU with its one header."""

from dataclasses import replace
from typing import BinaryIO

from melancholia.containers import mpeg
from melancholia.containers.found import AS_IT_IS, SLIP_BYTES, Found, Order, judged
from melancholia.riff import WAVE64_HEAD, caf_chunks, chunks, wave64_chunks

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
    for chunk in chunks(file):
        if chunk.id == b"SSND":
            field = (chunk.start - 4, chunk.start)
            return judged(chunk.claimed - 8, size - chunk.start - 8, size, field, "big", extra=8)
    return AS_IT_IS


def wave64(file: BinaryIO, size: int) -> Found:
    """Sony Wave64: a size counts the 24 bytes of its own head."""
    for chunk in wave64_chunks(file):
        if chunk.id == b"data":
            field = (chunk.start - 8, chunk.start)
            return judged(chunk.claimed, size - chunk.start, size, field, "little", extra=WAVE64_HEAD)
    return AS_IT_IS


def caf(file: BinaryIO, size: int) -> Found:
    """Core Audio: the sound begins with a count of edits, four bytes; libsndfile does not know the size -1."""
    for chunk in caf_chunks(file):
        if chunk.id == b"data":
            field = (chunk.start - 8, chunk.start)
            return judged(chunk.claimed - 4, size - chunk.start - 4, size, field, "big", extra=4)
    return AS_IT_IS


def au(file: BinaryIO, size: int) -> Found:
    """Sun's AU, of either byte order: offset and size stand behind the magic."""
    file.seek(0)
    order: Order = "big" if file.read(4) == b".snd" else "little"
    start, claimed = (int.from_bytes(file.read(4), order) for _ in range(2))
    return judged(claimed, size - start, size, (8, 12), order) if start <= size else AS_IT_IS
