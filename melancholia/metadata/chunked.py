"""Metadata of WAV (RIFF, RIFX, RF64, BW64) and AIFF: chunks as they are, texts in LIST INFO or NAME and so on, ID3."""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from melancholia.metadata import id3
from melancholia.metadata.tags import AIFF_TEXT, INFO, Tags, canonical, decoded, first_of, gathered
from melancholia.metadata.value import AIFF, LARGEST, RIFF, Metadata, body_of, shown, true_id3
from melancholia.riff import HEAD, Order, append, chunks, form, is_name

OF_THE_SOUND = (  # written anew with the sound, or only room
    *(b"fmt ", b"data", b"fact", b"PEAK", b"ds64", b"levl", b"JUNK", b"junk", b"PAD ", b"pad ", b"FLLR", b"filr"),
    *(b"ovwf", b"mext", b"COMM", b"SSND", b"FVER", b"CHAN"),
)
FALSE_CHUNKS = (b"MD5 ", b"dbmd")  # a checksum of the samples; Dolby's, with its dialogue level
OF_BYTES = (b"iXML", b"axml", b"aXML", b"_PMX")  # the same in either byte order
LOUDNESS_OF_IXML = re.compile(rb"<LOUDNESS>.*?</LOUDNESS>\s*", re.DOTALL)
BEXT_VERSION, BEXT_LOUDNESS = 346, slice(412, 422)  # EBU Tech 3285: from version 2 on five int16
NOT_SET = b"\xff\x7f" * 5
BEXT_TEXT = {"comment": slice(0, 256), "date": slice(320, 330)}
TEXTS: Mapping[str, dict[bytes, str]] = {RIFF: INFO, AIFF: AIFF_TEXT}
ID3_NAMES = {RIFF: b"id3 ", AIFF: b"ID3 "}
LONGEST = 2**20  # bytes of one text in a chunk

Pairs = list[tuple[str, list[str]]]
Pieces = list[tuple[bytes, bytes]]


def read(file: BinaryIO) -> Metadata:
    opened = form(file)
    if opened is None:
        return Metadata()
    family = AIFF if opened.id == b"FORM" else RIFF
    pairs: Pairs = []
    carried: Pieces = []
    lost: list[str] = []
    tag = b""
    for chunk in chunks(file):
        if chunk.id == b"data" and chunk.claimed == 0:
            break  # a stream of unknown length: what follows is sound
        if chunk.id in OF_THE_SOUND:
            continue
        if not chunk.is_whole or chunk.size > LARGEST or chunk.id in FALSE_CHUNKS:
            lost.append(shown(chunk.id))
            continue
        body = body_of(file, chunk.start, chunk.size)
        said = texts(family, chunk.id, body, opened.order)
        pairs += said
        if chunk.id.lower() == b"id3 ":
            tag, false = true_id3(body)
            lost += false
        elif opened.id == b"RIFX" and chunk.id not in OF_BYTES:
            lost += [] if said else [shown(chunk.id, body)]
        else:
            true, false = true_chunk(chunk.id, body)
            carried.append((chunk.id, true))
            lost += false
    tags = gathered(pairs)
    if opened.id == b"RIFX" and tags:
        carried.append((b"LIST", info_body(tags)))
    found = id3.content(tag)
    return Metadata(first_of(found.tags, tags), found.pictures, family, tuple(carried), tag, tuple(lost))


def texts(family: str, name: bytes, body: bytes, order: Order) -> Pairs:
    """What a chunk says in words."""
    if family == AIFF and name in AIFF_TEXT:
        return [(AIFF_TEXT[name], [decoded(body)])]
    if name == b"LIST" and body[:4] == b"INFO":
        return [(INFO.get(key, decoded(key)), [decoded(text)]) for key, text in info_items(body, order)]
    return []


def info_items(body: bytes, order: Order) -> Iterator[tuple[bytes, bytes]]:
    """(id, text) of a LIST INFO; ends where no id can begin."""
    at = 4
    while at + HEAD <= len(body):
        name, size = struct.unpack_from(f"{order}4sI", body, at)
        at += HEAD
        if not is_name(name):
            return
        yield name, body[at : at + min(size, LONGEST)]
        at += size
        at += int(at % 2 and body[at : at + 1] == b"\0")  # some writers forget it


def true_chunk(name: bytes, body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A chunk without the loudness of the sound before, and the name of that."""
    if name == b"bext" and body[BEXT_VERSION : BEXT_VERSION + 1] >= b"\2":
        said = body[BEXT_LOUDNESS]
        if len(said) == len(NOT_SET) and said != NOT_SET:
            return body[: BEXT_LOUDNESS.start] + NOT_SET + body[BEXT_LOUDNESS.stop :], ("loudness of bext",)
    if name == b"iXML" and LOUDNESS_OF_IXML.search(body):
        return LOUDNESS_OF_IXML.sub(b"", body), ("loudness of iXML",)
    return body, ()


def for_others(metadata: Metadata, family: str) -> tuple[Tags, tuple[str, ...]]:
    """Tags for a file of `family`, and names of the chunks that it cannot have.

    A comment and a date that only bext tells are told by tags then.
    """
    if metadata.family == family:
        return metadata.tags, ()
    words = TEXTS.get(metadata.family, {})
    left = [(name, body) for name, body in metadata.chunks if name not in words and body[:4] != b"INFO"]
    said = gathered(
        (name, [decoded(body[place])]) for kind, body in left if kind == b"bext" for name, place in BEXT_TEXT.items()
    )
    return first_of(metadata.tags, said), tuple(shown(*chunk) for chunk in left)


def write(path: Path, metadata: Metadata) -> tuple[str, ...]:
    """Chunks as they were; from another family texts in chunks, and an ID3 tag when they do not hold everything."""
    with path.open("rb+") as file:
        opened = form(file)
        family = AIFF if opened is not None and opened.id == b"FORM" else RIFF
        tags, left = for_others(metadata, family)
        if metadata.family == family:
            pieces, tag = list(metadata.chunks), metadata.id3
        else:
            pieces, is_all = text_chunks(family, canonical(tags))
            more = not is_all or metadata.pictures or metadata.id3
            tag = id3.with_more(metadata.id3, tags, metadata.pictures) if more else b""
        if tag:
            pieces.append((ID3_NAMES[family], tag))
        too_much = append(file, pieces)
    return (*left, *map(shown, too_much))


def text_chunks(family: str, tags: Tags) -> tuple[Pieces, bool]:
    """Chunks for the texts that these can hold, and whether that is everything, in ASCII."""
    names = TEXTS[family].values()
    held = {name: values for name, values in tags.items() if name in names}
    is_all = len(held) == len(tags) and all(len(values) == 1 and values[0].isascii() for values in held.values())
    if family == AIFF:
        return list(items(AIFF_TEXT, held)), is_all
    return [(b"LIST", info_body(held))] if held else [], is_all


def items(table: dict[bytes, str], tags: Tags) -> Iterable[tuple[bytes, bytes]]:
    """(id, text in UTF-8) of the names that the table has, several values as one text."""
    ids = {name: key for key, name in reversed(table.items())}
    return ((ids[name], "; ".join(values).encode()[:LONGEST]) for name, values in tags.items() if name in ids)


def info_body(tags: Tags) -> bytes:
    """A LIST INFO of little endian RIFF, each text ended by NUL."""
    ended = ((key, text + b"\0") for key, text in items(INFO, tags))
    return b"INFO" + b"".join(struct.pack("<4sI", key, len(t)) + t + bytes(len(t) % 2) for key, t in ended)
