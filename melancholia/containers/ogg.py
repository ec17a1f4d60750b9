"""Ogg: pages, each with its length and a flag on the last one (RFC 3533); several recordings may follow each other."""

from typing import BinaryIO

from melancholia.containers.found import AS_IT_IS, CutOff, Found, Span

HEAD = 27
FIRST, LAST = 2, 4  # flags of a page


def found(file: BinaryIO, size: int) -> Found:
    """Whether the last page is there and says that it is the last; each recording of a chain is a view of its own."""
    at, ended, missing = 0, False, 0
    begins: list[int] = []
    in_head = False
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
        first = bool(head[5] & FIRST)
        if first and not in_head:  # several streams of one recording begin side by side
            begins.append(at)
        in_head, ended = first, bool(head[5] & LAST)
        at += length
    if not begins:
        return AS_IT_IS
    if missing:
        raise CutOff(f"at least {missing} bytes of its last page are missing")
    notes: tuple[str, ...] = () if ended else ("it ends early, without the page that says it is the last: incomplete?",)
    if len(begins) == 1:
        return Found((), notes)
    spans: list[Span] = list(zip(begins, [*begins[1:], size], strict=True))
    return Found(tuple((span,) for span in spans), (*notes, f"it holds {len(spans)} recordings, read as one"))


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
