"""FLAC: how many frames a stream really has (RFC 9639): the number in its last one tells, whatever its header says."""

import re
from dataclasses import dataclass, replace
from typing import BinaryIO

from melancholia.containers.found import AS_IT_IS, CutOff, Found, View

BLOCKS = {1: 192, **{n: 576 << n - 2 for n in range(2, 6)}, **{n: 256 << n - 8 for n in range(8, 16)}}
LAST_BYTES = 2**22  # where the last frame is looked for; the longest of eight channels and 24 bits is shorter
BEGIN = b"fLaC\0\0\0\x22"
SEARCH_BYTES = 2**20
LABEL_BYTES = 2**16  # in which the tag stands that says the speakers
MOST_TRIED = 20  # what looks like a frame and is none, or was cut
TOTAL = 21, 26  # bytes of STREAMINFO (behind the magic and its own head) that hold the last bits of the total


def remainders(polynomial: int, bits: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> bits - 1 & 1 else 0)
        table.append(value & (1 << bits) - 1)
    return tuple(table)


CRC_8, CRC_16 = remainders(0x07, 8), remainders(0x8005, 16)


def crc_8(data: bytes) -> int:
    value = 0
    for byte in data:
        value = CRC_8[value ^ byte]
    return value


def crc_16(data: bytes) -> int:
    value = 0
    for byte in data:
        value = value << 8 & 0xFFFF ^ CRC_16[value >> 8 ^ byte]
    return value


@dataclass(frozen=True, slots=True)
class Frame:
    """Of a frame's header: the number of its first sample, or of the frame itself, and how many samples it has."""

    number: int
    counts_samples: bool
    block: int


def frame(data: bytes) -> Frame | None:
    """The header that `data` begins with, or None."""
    if len(data) < 6 or data[0] != 0xFF or data[1] not in (0xF8, 0xF9):
        return None
    code, lead = data[2] >> 4, data[4]
    more = 0 if lead < 0x80 else 8 - (lead ^ 0xFF).bit_length() - 1  # coded like UTF-8
    if lead & 0xC0 == 0x80 or more > 6:
        return None
    number = lead if lead < 0x80 else lead & (1 << 6 - more) - 1
    for byte in data[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    at = 5 + more
    width = {6: 1, 7: 2}.get(code, 0)
    block = int.from_bytes(data[at : at + width], "big") + 1 if width else BLOCKS.get(code, 0)
    at += width + {12: 1, 13: 2, 14: 2}.get(data[2] & 15, 0)
    if not block or at >= len(data) or crc_8(data[:at]) != data[at]:
        return None
    return Frame(number, data[1] == 0xF9, block)


def last_frames(data: bytes, end: int) -> list[tuple[int, Frame]]:
    """What looks like a frame, with its place, from the end of `data` back to the first whose sum is right.

    Behind that one stands what was cut, or whose end is hidden by tags, or what is no frame.
    """
    seen: list[tuple[int, Frame]] = []
    at = end
    while (at := data.rfind(b"\xff", 0, at)) >= 0 and len(seen) < MOST_TRIED:
        here = frame(data[at : at + 20])
        if here is None:
            continue
        seen.append((at, here))
        for last in [end, *(place for place, _ in seen[:-1])]:
            if crc_16(data[at : last - 2]) == int.from_bytes(data[last - 2 : last], "big"):
                return seen
    return []


def found(file: BinaryIO, start: int, size: int) -> Found:
    """A stream from its magic at `start` to its end: as many frames as it says, or not known, or several streams.

    Raises
    ------
    CutOff
        It says more frames than it holds.
    """
    begins = [start, *streams_behind(file, start + 4, size)]
    parts = [one(file, a, b, first=a == start) for a, b in zip(begins, [*begins[1:], size], strict=True)]
    file.seek(start)
    label = re.search(rb"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=(0x[0-9a-f]{1,8})", file.read(LABEL_BYTES), re.I)
    mask = int(label[1], 16) if label else 0
    if len(parts) == 1:
        return replace(parts[0], mask=mask)
    notes = tuple(note for part in parts for note in part.notes)
    views = tuple(
        part.views[0] if part.views else ((a, b),)
        for part, a, b in zip(parts, begins, [*begins[1:], size], strict=True)
    )
    return Found(views, (*notes, f"it holds {len(parts)} recordings, read as one"), mask=mask)


def streams_behind(file: BinaryIO, at: int, size: int) -> list[int]:
    """Where further streams begin: their magic, and a STREAMINFO behind it."""
    places = []
    while at < size:
        file.seek(at)
        block = file.read(SEARCH_BYTES)
        offset = block.find(BEGIN)
        while offset >= 0:
            places.append(at + offset)
            offset = block.find(BEGIN, offset + 1)
        at += max(1, len(block) - len(BEGIN) + 1) if len(block) == SEARCH_BYTES else len(block) or 1
    return places


def one(file: BinaryIO, start: int, size: int, *, first: bool) -> Found:
    """One stream between two places."""
    file.seek(start)
    head = file.read(42)
    if len(head) < 42 or head[4] & 0x7F != 0:
        return AS_IT_IS
    says = int.from_bytes(head[TOTAL[0] : TOTAL[1]], "big") & (1 << 36) - 1
    low = max(start + 42, size - LAST_BYTES)
    file.seek(low)
    data = file.read(size - low)
    tag = data[-128:-125] == b"TAG"
    seen = last_frames(data, len(data) - 128 * tag)
    if not seen:
        return AS_IT_IS
    before = int.from_bytes(head[8:10], "big")  # the smallest block is that of all but the last frame
    totals = [(f.number if f.counts_samples else f.number * before) + f.block for _, f in seen]
    if says:
        if says not in totals and totals[-1] < says:
            lost = (says - totals[-1]) / max(1, int.from_bytes(head[18:21], "big") >> 4)
            raise CutOff(f"it promises {says} frames and holds {totals[-1]}, {lost:.1f} s are missing")
        return AS_IT_IS if first else Found((((start, size),),))
    whole = len(seen) == 1
    end = len(data) - 128 * tag if whole else seen[-2][0]
    total = totals[-1]
    right = bytes([head[TOTAL[0]] & 0xF0 | total >> 32]) + (total & 2**32 - 1).to_bytes(4, "big")
    notes = () if whole else ("its last frame is incomplete, and was left out",)
    lead: View = ((0, start + TOTAL[0]),) if first else ((start, start + TOTAL[0]),)
    view = (*lead, right, (start + TOTAL[1], low + end))
    return Found((view,), ("its header does not say how long it is: read to the end of the file", *notes))
