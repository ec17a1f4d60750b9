"""Metadata of FLAC and of Ogg (Vorbis, Opus, FLAC, Speex): Vorbis comments, pictures, FLAC's other blocks."""

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from melancholia.metadata import id3
from melancholia.metadata.chunked import for_others
from melancholia.metadata.tags import Picture, Tags, first_of, true_tags
from melancholia.metadata.value import FLAC, LARGEST, OGG, Metadata, attempt, body_of, leading_id3

COMMENTS, PICTURE = 4, 6  # kinds of FLAC's blocks
CARRIED = {2: b"APPLICATION", 5: b"CUESHEET"}
FOREIGN = (b"riff", b"aiff", b"w64 ")  # FLAC's copies of the chunks of the file it was made from, sizes and all
LARGEST_BLOCK = 2**24 - 1  # bytes: its size has 24 bits
PICTURE_NAME = "METADATA_BLOCK_PICTURE"


def read_flac(file: BinaryIO) -> Metadata:
    """Block by block, so that a broken one costs only itself."""
    tag, lost = leading_id3(file)
    pairs: list[tuple[str, list[str]]] = []
    pictures: list[Picture] = []
    carried: list[tuple[bytes, bytes]] = []
    for kind, body in blocks(file):
        if kind == COMMENTS:
            said = attempt(comments, body)
            pairs += said or []
            lost += () if said is not None else ("tags",)
        elif kind == PICTURE:
            picture = attempt(picture_of, body)
            pictures += [picture] if picture else []
            lost += () if picture else ("picture",)
        elif kind in CARRIED and body[:4] in FOREIGN:
            lost += (f"{body[:4].decode().strip()} chunks",)
        elif kind in CARRIED:
            carried.append((CARRIED[kind], body))
    tags, false = true_tags(pairs)
    found = id3.content(tag)
    every_tag = first_of(tags, found.tags)
    return Metadata(every_tag, (*pictures, *found.pictures), FLAC, tuple(carried), tag, (*lost, *false))


def blocks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(kind, body) of the blocks before the sound; the file stands at "fLaC"."""
    file.read(4)
    is_last = False
    while not is_last and len(head := file.read(4)) == 4:
        is_last = head[0] & 0x80 != 0
        body = file.read(int.from_bytes(head[1:], "big"))
        yield head[0] & 0x7F, body


def comments(data: bytes) -> list[tuple[str, list[str]]]:
    from mutagen.flac import VCFLACDict

    return [(name, [text]) for name, text in VCFLACDict(data)]


def picture_of(data: bytes) -> Picture:
    from mutagen.flac import Picture as Block

    block = Block(data)
    return Picture(block.data, block.mime, block.type, block.desc)


def read_ogg(file: BinaryIO) -> Metadata:
    tagged = attempt(ogg, BytesIO(body_of(file, 0, LARGEST)))  # comments come first, and have no largest size
    if tagged is None:
        return Metadata(lost=("tags",))
    pairs = [(name, [text]) for name, text in tagged.tags or []]
    pictures = [attempt(encoded_picture, text) for name, [text] in pairs if name.upper() == PICTURE_NAME]
    tags, false = true_tags(pair for pair in pairs if pair[0].upper() != PICTURE_NAME)
    lost = ("picture",) if None in pictures else ()
    return Metadata(tags, tuple(filter(None, pictures)), OGG, lost=(*lost, *false))


def encoded_picture(text: str) -> Picture:
    return picture_of(base64.b64decode(text))


def ogg(file: Any) -> Any:
    """mutagen's Ogg file of the codec that the first page tells."""
    from mutagen.oggflac import OggFLAC
    from mutagen.oggopus import OggOpus
    from mutagen.oggspeex import OggSpeex
    from mutagen.oggvorbis import OggVorbis

    file.seek(0)
    head = file.read(64)
    file.seek(0)
    codecs = {b"OpusHead": OggOpus, b"\x7fFLAC": OggFLAC, b"Speex": OggSpeex}
    return next((codec for mark, codec in codecs.items() if mark in head), OggVorbis)(file)


def write_flac(path: Path, metadata: Metadata) -> tuple[str, ...]:
    from mutagen.flac import FLAC as File
    from mutagen.flac import MetadataBlock

    file = File(path)
    if file.tags is None:
        file.add_tags()
    tags, left = for_others(metadata, FLAC)
    refused = comment(file.tags, tags)
    for picture in metadata.pictures:
        block = block_of(picture)
        if len(block.write()) > LARGEST_BLOCK:
            refused = (*refused, "picture")
        else:
            file.add_picture(block)
    kinds = {name: kind for kind, name in CARRIED.items()}
    for name, body in metadata.chunks if metadata.family == FLAC else ():
        raw = MetadataBlock(body)
        raw.code = kinds[name]
        file.metadata_blocks.append(raw)
    file.save()
    return (*left, *refused, *id3.content(metadata.id3).others)


def write_ogg(path: Path, metadata: Metadata) -> tuple[str, ...]:
    with path.open("rb+") as opened:
        file = ogg(opened)
        tags, left = for_others(metadata, OGG)
        refused = comment(file.tags, tags)
        for picture in metadata.pictures:
            file.tags.append((PICTURE_NAME, base64.b64encode(block_of(picture).write()).decode()))
        opened.seek(0)
        file.save(opened)
    return (*left, *refused, *id3.content(metadata.id3).others)


def comment(vorbis_comments: Any, tags: Tags) -> tuple[str, ...]:
    """Add tags; returns the names that Vorbis comments cannot have."""
    refused = tuple(name for name in tags if not is_name(name))
    vorbis_comments.extend(
        (name.upper(), value) for name, values in tags.items() if name not in refused for value in values
    )
    return refused


def is_name(name: str) -> bool:
    """Vorbis I, section 5.2.2: ASCII 0x20 to 0x7D without "="."""
    return all(" " <= letter <= "}" and letter != "=" for letter in name)


def block_of(picture: Picture) -> Any:
    from mutagen.flac import Picture as Block

    block = Block()
    block.data, block.mime, block.type, block.desc = picture.data, picture.mime, picture.kind, picture.description
    return block
