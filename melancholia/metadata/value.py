"""`Metadata`, what was read from one file for another."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

from melancholia.containers.mpeg import ID3_HEAD, tag_bytes
from melancholia.metadata import id3
from melancholia.metadata.tags import Picture, Tags, gathered

RIFF, AIFF, FLAC, OGG, MP3, OTHER = "RIFF", "AIFF", "FLAC", "Ogg", "MP3", ""
LARGEST = 64 * 2**20  # bytes of one body that is read
LONGEST_NAME = 60  # letters

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says and stays true when its sound is processed; `lost` names what was there and is none of that.

    `chunks` are those of the RIFF or AIFF `family`, or FLAC's blocks; `id3` is the whole ID3v2 tag, as bytes.
    """

    tags: Tags = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    family: str = OTHER
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    id3: bytes = b""
    lost: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", gathered(self.tags.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything in it by name, for people."""
        chunks = (shown(*chunk) for chunk in self.chunks)
        others = id3.content(self.id3).others
        return unique((*self.lost, *chunks, *self.tags, *others, *(("picture",) if self.pictures else ())))


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, fit to be printed: a file of somebody else may call its tags anything."""
    fit = ("".join(letter if letter.isprintable() else "?" for letter in name[:LONGEST_NAME]) for name in names)
    return tuple(dict.fromkeys(fit))


def shown(name: bytes, body: bytes = b"") -> str:
    """A chunk's name for people: "bext", "LIST adtl"."""
    kind = f" {body[:4].decode('latin-1')}" if name == b"LIST" else ""
    return (name.decode("latin-1") + kind).strip()


def attempt(read: Callable[..., Result], *args: object) -> Result | None:
    """What `read` makes of somebody's bytes, or None: mutagen raises whatever the damage leads to."""
    try:
        return read(*args)
    except Exception:  # every caller names what was lost by it
        return None


def true_id3(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """An ID3 tag without what is false, and names of what is lost."""
    return attempt(id3.true_part, data) or (b"", ("ID3",))


def leading_id3(file: BinaryIO) -> tuple[bytes, tuple[str, ...]]:
    """The ID3v2 tag at a file's start without what is false, and names of what is lost; the file stands behind it."""
    file.seek(0)
    size = tag_bytes(file.read(ID3_HEAD))
    data = body_of(file, 0, size) if size <= LARGEST else b""
    file.seek(size)
    return true_id3(data) if size else (b"", ())


def body_of(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
