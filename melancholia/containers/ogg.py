"""Ogg: pages, each with its length and a flag on the last one (RFC 3533); several recordings may follow each other."""

from typing import BinaryIO

from melancholia.containers.found import AS_IT_IS, CutOff, Found, Span

HEAD = 27
FIRST, LAST = 2, 4  # flags of a page


def found(file: BinaryIO, size: int) -> Found:
    """Whether the last page is there and says that it is the last; each recording of a chain is a view of its own.

    Where a page gets no further than the one before it (written twice, say), libsndfile may take that for the end:
    then only reading tells how much there is.
    """
    at, ended, missing = 0, False, 0
    begins: list[int] = []
    in_head = stands_still = False
    reached: dict[bytes, int] = {}
    while at < size:
        file.seek(at)
        head = file.read(HEAD)
        if head[:4] != b"OggS":
            resumed = search(file, at, size)
            if resumed is None:
                break
            at = resumed
            continue
        table = file.read(head[26]) if len(head) == HEAD else b""
        length = HEAD + len(table) + sum(table)
        if len(head) < HEAD or len(table) < head[26] or at + length > size:
            missing = max(1, at + length - size)
            break
        first, position = bool(head[5] & FIRST), int.from_bytes(head[6:14], "little", signed=True)
        if position > 0:  # a page on which a packet ends
            stands_still = stands_still or position <= reached.get(head[14:18], 0)
            reached[head[14:18]] = position
        if first and not in_head:  # several streams of one recording begin side by side
            begins.append(at)
            reached.clear()
        in_head, ended = first, bool(head[5] & LAST)
        at += length
    if not begins:
        return AS_IT_IS
    if missing:
        raise CutOff(f"at least {missing} bytes of its last page are missing")
    notes: tuple[str, ...] = () if ended else ("it ends early, without the page that says it is the last: incomplete?",)
    if len(begins) == 1:
        return Found((), notes, count=stands_still)
    spans: list[Span] = list(zip(begins, [*begins[1:], size], strict=True))
    several = f"it holds {len(spans)} recordings, read as one"
    return Found(tuple((span,) for span in spans), (*notes, several), count=stands_still)


def search(file: BinaryIO, at: int, size: int) -> int | None:
    """Where the next page begins, behind what is none."""
    while at < size:
        file.seek(at)
        block = file.read(65_536)
        offset = block.find(b"OggS")
        if offset >= 0:
            return at + offset
        at += max(1, len(block) - 3)
    return None
