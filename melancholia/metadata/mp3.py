"""Metadata of MP3: an ID3v2 tag at the start, or ID3v1 at the end, and APE tags."""

import os
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from melancholia.metadata import id3
from melancholia.metadata.chunked import for_others
from melancholia.metadata.tags import canonical, first_of, true_tags
from melancholia.metadata.value import MP3, Metadata, attempt, body_of, leading_id3

V1_BYTES = 128
LARGEST_APE = 2**24  # bytes at a file's end that its APE tag is sought in


def read(file: BinaryIO) -> Metadata:
    tag, lost = leading_id3(file)
    size = file.seek(0, os.SEEK_END)
    end = body_of(file, max(size - LARGEST_APE, 0), LARGEST_APE)
    if not tag:
        tag = attempt(id3.from_v1, end[-V1_BYTES:]) or b""
    found = id3.content(tag)
    tags, false = true_tags(attempt(ape_texts, end) or [])
    return Metadata(first_of(found.tags, canonical(tags)), found.pictures, MP3, (), tag, (*lost, *false))


def ape_texts(end: bytes) -> list[tuple[str, list[str]]]:
    """Texts of an APE tag; MP3Gain writes its gains there."""
    from mutagen.apev2 import APETextValue, APEv2

    return [(name, list(value)) for name, value in APEv2(BytesIO(end)).items() if isinstance(value, APETextValue)]


def write(path: Path, metadata: Metadata) -> tuple[str, ...]:
    tags, left = for_others(metadata, MP3)
    tag = id3.with_more(metadata.id3, tags, metadata.pictures)
    if tag:
        id3.put(path, tag)
    return left
