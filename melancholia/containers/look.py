"""Which container a file is, by its first bytes."""

from typing import BinaryIO

from melancholia.containers import chunked, flac, mpeg, ogg
from melancholia.containers.found import AS_IT_IS, Found

MPEG_SUFFIXES = (".mp3", ".mp2", ".mpga", ".mpa")  # junk may stand before the first frame


def look(file: BinaryIO, size: int, suffix: str = "") -> Found:
    """What the file of `size` bytes holds; `suffix` is believed where the first bytes say nothing.

    Raises
    ------
    CutOff
        It promises more sound than it holds.
    """
    file.seek(0)
    head = file.read(16)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return chunked.riff(file, size)
    if head[:4] == b"FORM":
        return chunked.aiff(file, size)
    if head[:4] == b"riff":
        return chunked.wave64(file, size)
    if head[:4] == b"caff":
        return chunked.caf(file, size)
    if head[:4] in (b".snd", b"dns."):
        return chunked.au(file, size)
    if head[:4] == b"OggS":
        return ogg.found(file, size)
    start = mpeg.behind_tags(file, 0)
    file.seek(start)
    magic = file.read(4)
    if magic == b"fLaC":
        return flac.found(file, start, size)
    if start or suffix.lower() in MPEG_SUFFIXES or mpeg.header(int.from_bytes(magic, "big")) is not None:
        return mpeg.found(file, 0, size)
    return AS_IT_IS
