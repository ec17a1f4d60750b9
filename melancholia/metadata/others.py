"""Formats that nobody here writes tags into: what a W64, CAF or AU holds is read, so that it goes on or is named."""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from melancholia.metadata.chunked import OF_THE_SOUND, texts
from melancholia.metadata.tags import decoded, true_tags
from melancholia.metadata.value import AIFF, LARGEST, OTHER, RIFF, Metadata, body_of, shown
from melancholia.riff import is_name

CAF_OF_THE_SOUND = (b"desc", b"data", b"free", b"pakt", b"kuki", b"chan", b"peak", b"ovvw")
W64_FIRST, W64_HEAD = 40, 24  # bytes before the first chunk, before a body: ids are GUIDs that begin with RIFF's
CAF_FIRST, CAF_HEAD = 8, 12
AU_HEAD = 24  # bytes before an annotation that ends where the sound begins


def read(file: BinaryIO) -> Metadata:
    file.seek(0)
    mark = file.read(4)
    by_mark = {b"riff": w64_chunks, b"caff": caf_chunks, b".snd": au_annotation}
    pairs: list[tuple[str, list[str]]] = []
    lost: list[str] = []
    for name, body in by_mark[mark](file) if mark in by_mark else ():
        said = caf_texts(body) if name == b"info" else texts(AIFF if name == b"ANNO" else RIFF, name, body, "<")
        pairs += said
        lost += [] if said else [shown(name, body)]
    tags, false = true_tags(pairs)
    return Metadata(tags, family=OTHER, lost=(*lost, *false))


def w64_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """(RIFF's id, body) of what is not sound; sizes count the head and are padded to 8."""
    end, at = file.seek(0, os.SEEK_END), W64_FIRST
    while at + W64_HEAD <= end:
        name, size = struct.unpack("<4s12xQ", body_of(file, at, W64_HEAD))
        if size < W64_HEAD or not is_name(name):
            return
        if name not in OF_THE_SOUND:
            yield name, body_of(file, at + W64_HEAD, min(size - W64_HEAD, LARGEST))
        at += size + -size % 8


def caf_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """(id, body) of what is not sound; a size of -1 goes to the file's end."""
    end, at = file.seek(0, os.SEEK_END), CAF_FIRST
    while at + CAF_HEAD <= end:
        name, size = struct.unpack(">4sq", body_of(file, at, CAF_HEAD))
        if size < 0 or not is_name(name):
            return
        if name not in CAF_OF_THE_SOUND:
            yield name, body_of(file, at + CAF_HEAD, min(size, LARGEST))
        at += CAF_HEAD + size


def au_annotation(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """An annotation under the name that AIFF has for one, when it says something."""
    sound_at = int.from_bytes(body_of(file, 4, 4), "big")
    body = body_of(file, AU_HEAD, min(max(sound_at - AU_HEAD, 0), LARGEST))
    if decoded(body):
        yield b"ANNO", body


def caf_texts(body: bytes) -> list[tuple[str, list[str]]]:
    """Keys and values of CAF's info, each ended by NUL, behind their number."""
    words = body[4:].split(b"\0")
    return [(decoded(key), [decoded(value)]) for key, value in zip(words[::2], words[1::2], strict=False)]
