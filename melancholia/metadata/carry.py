"""Metadata from one file to another, each of any format.

Text and pictures go from any format into any other that holds them; chunks of RIFF, of AIFF and blocks of FLAC only
into their own kind. What processing makes false (ReplayGain, loudness in bext, checksums) is never carried, and named.
The format is told by content: names of unfinished files say nothing.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from melancholia.audio import Source
from melancholia.containers.mpeg import ID3_HEAD, tag_bytes
from melancholia.metadata import chunked, mp3, others, vorbis
from melancholia.metadata.value import AIFF, FLAC, MP3, OGG, OTHER, RIFF, Metadata, attempt, unique
from melancholia.recordings import Recording
from melancholia.riff import form

READERS: dict[str, Callable[[BinaryIO], Metadata]] = {
    RIFF: chunked.read,
    AIFF: chunked.read,
    FLAC: vorbis.read_flac,
    OGG: vorbis.read_ogg,
    MP3: mp3.read,
    OTHER: others.read,
}
WRITERS: dict[str, Callable[[Path, Metadata], tuple[str, ...]]] = {  # each returns the names of what it left out
    RIFF: chunked.write,
    AIFF: chunked.write,
    FLAC: vorbis.write_flac,
    OGG: vorbis.write_ogg,
    MP3: mp3.write,
}


def read_metadata(path: Path) -> Metadata:
    """What the file at `path` says; what is broken is named in `lost`, never raised."""
    with path.open("rb") as file:
        return attempt(READERS[family(file)], file) or Metadata(lost=("metadata",))


def write_metadata(path: Path, metadata: Metadata) -> tuple[str, ...]:
    """Put `metadata` into a finished file that has none; its sound stays as it is, to the bit.

    Returns
    -------
    tuple of str
        Names of what is not in it, such as ("bext", "cue", "replaygain_track_gain"); empty when all was kept.

    Raises
    ------
    OSError
        The disk refused.
    """
    with path.open("rb") as file:
        kind = family(file)
    if not metadata.names:
        return ()
    if kind not in WRITERS:
        return metadata.names
    return unique((*metadata.lost, *written(kind, path, metadata)))


def written(kind: str, path: Path, metadata: Metadata) -> tuple[str, ...]:
    try:
        return WRITERS[kind](path, metadata)
    except OSError:
        raise
    except Exception as error:  # mutagen wraps the disk's word; what else it refuses, it refuses before it writes
        refused = error.args[0] if error.args else None
        if isinstance(refused, OSError):
            raise refused from error
        return metadata.names


def family(file: BinaryIO) -> str:
    """Which of the formats that hold metadata this is, by its first bytes."""
    opened = form(file)
    if opened is not None:
        return AIFF if opened.id == b"FORM" else RIFF
    file.seek(0)
    head = file.read(ID3_HEAD)
    if head[:4] == b"OggS":
        return OGG
    file.seek(tag_bytes(head))
    if file.read(4) == b"fLaC":
        return FLAC
    is_frame = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return MP3 if is_frame or head[:3] == b"ID3" else OTHER


def carried(sound: Source, part: Path) -> tuple[str, ...]:
    """Put what the file behind a sound says into the finished file `part`; in a line, what could not be kept."""
    if not isinstance(sound, Recording):
        return ()
    place = sound.path if sound.held is None else sound.held.path
    if place is None:
        return ()
    dropped = write_metadata(part, read_metadata(place))
    return (f"not kept of what its source says: {', '.join(dropped)}",) if dropped else ()
