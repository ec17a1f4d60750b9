"""MPEG audio (MP3 and its elders): a row of frames, each with a header of its own, and anything between them.

How long a file is stands nowhere, but in the Xing or VBRI frame that some encoders put first. So the frames are walked
from header to header (ISO/IEC 11172-3, 2.4.2.3): tags, pictures and junk are passed over, and where the first frame
says nothing or something else than what is there, one that tells the truth is put in its place.
"""

from dataclasses import dataclass
from typing import BinaryIO

from melancholia.containers.found import CutOff, Found, Mixed, Span, View

LAYER_3, LAYER_2, LAYER_1 = 1, 2, 3  # as they stand in a header
MPEG_1, MPEG_2, MPEG_25 = 3, 2, 0
KBIT = {  # by (MPEG 1 or not, layer)
    (True, LAYER_1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, LAYER_2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, LAYER_3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, LAYER_1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, LAYER_2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, LAYER_3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
HZ = {MPEG_1: (44_100, 48_000, 32_000), MPEG_2: (22_050, 24_000, 16_000), MPEG_25: (11_025, 12_000, 8_000)}
SYNC_MASK, KIND_MASK = 0xFFE00000, 0xFFFE0C00  # of a header: sync; sync, version, layer and rate
ID3_HEAD = 10  # bytes
JUNK_BYTES = 4 * 2**20  # as much as is searched for the next frame
FRAMES, BYTES = 1, 2  # flags of a Xing frame
FEWEST = 3  # frames that make a row


@dataclass(frozen=True, slots=True)
class Header:
    """Four bytes: 0 frames long where the bit rate is free."""

    word: int
    length: int
    samples: int
    side: int  # bytes between the header and the main data, in layer 3

    @property
    def mono(self) -> bool:
        return self.word >> 6 & 3 == 3

    def kin(self, other: "Header") -> bool:
        return self.word & KIND_MASK == other.word & KIND_MASK and self.mono == other.mono


@dataclass(frozen=True, slots=True)
class Row:
    """The frames that were found: spans of frames without a gap, and how many bytes of the last one are missing."""

    first: Header
    runs: tuple[Span, ...]
    frames: int
    junk: int
    short: int
    end: int  # behind the last frame


def header(word: int) -> Header | None:
    """What a frame's first 32 bits say, or None where they are none."""
    version, layer, rate = word >> 19 & 3, word >> 17 & 3, word >> 10 & 3
    if word & SYNC_MASK != SYNC_MASK or version == 1 or layer == 0 or rate == 3 or word >> 12 & 15 in (0, 15):
        return None
    one = version == MPEG_1
    kbit, hz, pad = KBIT[one, layer][word >> 12 & 15], HZ[version][rate], word >> 9 & 1
    mono = word >> 6 & 3 == 3
    if layer == LAYER_1:
        return Header(word, (12_000 * kbit // hz + pad) * 4, 384, 0)
    samples = 1152 if one or layer == LAYER_2 else 576
    side = (17 if mono else 32) if one else (9 if mono else 17)
    return Header(word, samples * 125 * kbit // hz + pad, samples, side)


def at(file: BinaryIO, place: int) -> Header | None:
    file.seek(place)
    return header(int.from_bytes(file.read(4).ljust(4, b"\0"), "big"))


def tag_bytes(head: bytes) -> int:
    """Size of the ID3v2 tag, with its head and foot, that begins with these 10 bytes; 0 when none does."""
    if len(head) < ID3_HEAD or head[:3] != b"ID3" or max(head[6:10]) > 0x7F:
        return 0
    size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return ID3_HEAD + size + (ID3_HEAD if head[5] & 0x10 else 0)


def behind_tags(file: BinaryIO, start: int) -> int:
    """Where the sound begins: behind any number of ID3v2 tags."""
    while True:
        file.seek(start)
        length = tag_bytes(file.read(ID3_HEAD))
        if not length:
            return start
        start += length


def search(file: BinaryIO, place: int, end: int, like: Header | None) -> int | None:
    """The next place where two frames of one kind follow each other (or one ends the file)."""
    limit = min(end, place + JUNK_BYTES)
    while place < limit:
        file.seek(place)
        block = file.read(min(65_536, limit - place))
        if len(block) < 2:
            return None
        offset = block.find(b"\xff")
        while offset >= 0:
            found = at(file, place + offset)
            if found is not None and (like is None or found.kin(like)):
                following = place + offset + found.length
                after = at(file, following)
                if after is not None and after.kin(found) or following == end and like is not None:
                    return place + offset
            offset = block.find(b"\xff", offset + 1)
        place += len(block)
    return None


def row(file: BinaryIO, start: int, end: int) -> Row | None:
    """Walk the frames between two places; None where there is no row of them."""
    place = search(file, behind_tags(file, start), end, None)
    if place is None:
        return None
    first = at(file, place)
    assert first is not None
    runs: list[Span] = []
    begun, frames, junk, short = place, 0, 0, 0
    while place < end:
        here = at(file, place)
        if here is not None and here.kin(first):
            if place + here.length > end:
                short = place + here.length - end
                break
            frames += 1
            place += here.length
            continue
        runs.append((begun, place))
        resumed = search(file, behind_tags(file, place), end, first)
        if resumed is None:
            begun = place = end
            break
        junk += resumed - place
        begun = place = resumed
    if place > begun:
        runs.append((begun, place))
    kept = tuple(span for span in runs if span[1] > span[0])
    return Row(first, kept, frames, junk, short, kept[-1][1] if kept else place)


def found(file: BinaryIO, start: int, end: int) -> Found:
    """The file as the decoder shall see it: all its frames, behind one that says how many."""
    seen = row(file, start, end)
    if seen is None or seen.frames < FEWEST:
        return Found()
    if not seen.short:
        other = row(file, seen.end, end)
        if other is not None and other.frames >= FEWEST:
            raise Mixed("it holds MP3s of different kinds behind each other")
    if seen.first.word >> 17 & 3 != LAYER_3:
        return Found((seen.runs,), noted(seen), count=True)
    place = seen.runs[0][0]
    file.seek(place)
    lead = file.read(seen.first.length)
    promise, size = promised(lead, seen.first)
    frames = seen.frames - (promise is not None)
    if promise is not None and promise - frames > 1 and seen.short:
        lost = (promise - frames) * seen.first.samples / HZ[seen.first.word >> 19 & 3][seen.first.word >> 10 & 3]
        raise CutOff(f"it promises {promise} frames and holds {frames}, {lost:.1f} s are missing")
    total = sum(b - a for a, b in seen.runs)
    notes = noted(seen)
    # a promise of one more may count its own frame; not where it promises the bytes of one more as well
    missing = promise is not None and promise > frames and size is not None and size > total
    if promise is not None and (abs(promise - frames) > 1 or missing):
        less = ", it may be cut off" if promise > frames else ""
        notes += (f"its header promises {promise} frames, {frames} are there: read to the end of the file{less}",)
    exact = promise == frames and (size is None or abs(size - total) <= total // 200)
    if exact and len(seen.runs) == 1 and (place == start or place == behind_tags(file, start)):
        return Found((), notes)
    if promise is None:
        told, rest = truthful(seen.first, frames, total), seen.runs
    else:
        told, rest = retold(lead, seen.first, frames, total), ((place + len(lead), seen.runs[0][1]), *seen.runs[1:])
    view: View = (told, *rest)
    return Found((view,), notes)


def noted(seen: Row) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if seen.junk:
        notes += (f"{seen.junk} bytes between its frames are no sound, and were passed over",)
    if seen.short:
        notes += ("its last frame is incomplete, and was left out",)
    return notes


def promised(lead: bytes, first: Header) -> tuple[int | None, int | None]:
    """Frames and bytes that a first frame promises; None where it is an ordinary one, or does not say."""
    if lead[36:40] == b"VBRI":  # Fraunhofer's, always 32 bytes behind the header
        return int.from_bytes(lead[50:54], "big"), None
    mark = 4 + first.side
    if lead[mark : mark + 4] not in (b"Xing", b"Info"):
        return None, None
    flags = int.from_bytes(lead[mark + 4 : mark + 8], "big")
    if not flags & FRAMES:
        return -1, None
    count = int.from_bytes(lead[mark + 8 : mark + 12], "big")
    return count, int.from_bytes(lead[mark + 12 : mark + 16], "big") if flags & BYTES else None


def retold(lead: bytes, first: Header, frames: int, total: int) -> bytes:
    """A first frame with its counts put right; what else it says (delay, padding) stays."""
    mark = 4 + first.side
    flags = int.from_bytes(lead[mark + 4 : mark + 8], "big")
    if lead[36:40] == b"VBRI" or not flags & FRAMES:
        return truthful(first, frames, total)
    made = bytearray(lead)
    made[mark + 8 : mark + 12] = frames.to_bytes(4, "big")
    if flags & BYTES:
        made[mark + 12 : mark + 16] = min(total, 2**32 - 1).to_bytes(4, "big")
    return bytes(made)


def truthful(first: Header, frames: int, total: int) -> bytes:
    """A silent frame of the same kind with a Xing header: how many frames follow, in how many bytes."""
    need = 4 + first.side + 16
    for index in range(1, 15):
        made = header(first.word & ~0xF200 | index << 12 | 0x10000)  # no padding, no CRC
        if made is not None and made.length >= need:
            break
    assert made is not None
    body = made.word.to_bytes(4, "big") + bytes(first.side) + b"Xing" + (FRAMES | BYTES).to_bytes(4, "big")
    body += frames.to_bytes(4, "big") + min(total + made.length, 2**32 - 1).to_bytes(4, "big")
    return body.ljust(made.length, b"\0")
