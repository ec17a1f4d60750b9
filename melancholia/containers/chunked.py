"""Containers of chunks, each with its size: RIFF and its kin, AIFF, Wave64, CAF, and AU with its one header."""

import struct
from dataclasses import replace
from typing import BinaryIO

from melancholia.containers import mpeg
from melancholia.containers.found import AS_IT_IS, SLIP_BYTES, Found, Order, judged
from melancholia.riff import chunks

W64_DATA = b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
W64_HEAD = 24
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
    """Sony Wave64: sizes of 64 bits that count their own head, chunks on multiples of eight."""
    at = 40
    while at + W64_HEAD <= size:
        file.seek(at)
        name, claimed = file.read(16), int.from_bytes(file.read(8), "little")
        if name == W64_DATA:
            return judged(claimed - 24, size - at - 24, size, (at + 16, at + 24), "little", extra=24)
        at += max(W64_HEAD, -(-claimed // 8) * 8)
    return AS_IT_IS


def caf(file: BinaryIO, size: int) -> Found:
    """Core Audio: the size of the sound is -1 where it reaches to the end, which libsndfile does not know."""
    at = 8
    while at + 12 <= size:
        file.seek(at)
        name, claimed = struct.unpack(">4sq", file.read(12))
        if name == b"data":  # begins with a count of edits, four bytes
            return judged(claimed - 4, size - at - 16, size, (at + 4, at + 12), "big", extra=4)
        if claimed < 0:
            return AS_IT_IS
        at += 12 + claimed
    return AS_IT_IS


def au(file: BinaryIO, size: int) -> Found:
    """Sun's AU, of either byte order: offset and size stand behind the magic."""
    file.seek(0)
    order: Order = "big" if file.read(4) == b".snd" else "little"
    start, claimed = (int.from_bytes(file.read(4), order) for _ in range(2))
    return judged(claimed, size - start, size, (8, 12), order) if start <= size else AS_IT_IS
