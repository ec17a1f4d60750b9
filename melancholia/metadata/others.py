"""Formats that nobody here writes tags into: what a W64, CAF or AU holds is read, so that it goes on or is named."""

from collections.abc import Iterator
from typing import BinaryIO

from melancholia.containers import foreign
from melancholia.metadata.chunked import OF_THE_SOUND, texts
from melancholia.metadata.tags import Picture, canonical, decoded, true_tags
from melancholia.metadata.value import AIFF, LARGEST, OTHER, RIFF, Metadata, body_of, shown
from melancholia.riff import Chunk, caf_chunks, wave64_chunks

CAF_OF_THE_SOUND = (b"desc", b"data", b"free", b"pakt", b"kuki", b"chan", b"peak", b"ovvw")
AU_HEAD = 24  # bytes before an annotation that ends where the sound begins


def read(file: BinaryIO) -> Metadata:
    if foreign.kind(file):
        return of_foreign(file)
    file.seek(0)
    mark = file.read(4)
    by_mark = {b"riff": w64_bodies, b"caff": caf_bodies, b".snd": au_annotation}
    pairs: list[tuple[str, list[str]]] = []
    lost: list[str] = []
    for name, body in by_mark[mark](file) if mark in by_mark else ():
        said = caf_texts(body) if name == b"info" else texts(AIFF if name == b"ANNO" else RIFF, name, body, "<")
        pairs += said
        lost += [] if said else [shown(name, body)]
    tags, false = true_tags(pairs)
    return Metadata(tags, family=OTHER, lost=(*lost, *false))


def of_foreign(file: BinaryIO) -> Metadata:
    """What PyAV reads of a container that libsndfile does not know."""
    pairs, cover = foreign.said(file)
    tags, false = true_tags(pairs)
    mime = "image/png" if cover[:4] == b"\x89PNG" else "image/jpeg"
    return Metadata(canonical(tags), (Picture(cover, mime),) if cover else (), family=OTHER, lost=false)


def w64_bodies(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """(RIFF's id, body) of what is not sound."""
    return bodies(file, wave64_chunks(file), OF_THE_SOUND)


def caf_bodies(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """(id, body) of what is not sound."""
    return bodies(file, caf_chunks(file), CAF_OF_THE_SOUND)


def bodies(file: BinaryIO, found: Iterator[Chunk], of_the_sound: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes]]:
    for chunk in found:
        if chunk.id not in of_the_sound:
            yield chunk.id, body_of(file, chunk.start, min(chunk.size, LARGEST))


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
