"""What people write about a recording: names of text tags in each format, pictures, and what processing makes false.

A tag's name is the one Vorbis comments have for it, in lower case ("title", "albumartist", "tracknumber"); it has one
value or more, each a text without NUL.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

Tags = Mapping[str, tuple[str, ...]]

INFO = {  # RIFF LIST INFO, from the Multimedia Programming Interface of 1991 and what ffmpeg and exiftool read
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"ICRD": "date",
    b"IGNR": "genre",
    b"ITRK": "tracknumber",
    b"ICMT": "comment",
    b"ICOP": "copyright",
    b"IMUS": "composer",
    b"IWRI": "lyricist",
    b"ISFT": "encodedby",
    b"ITCH": "technician",
    b"IENG": "engineer",
    b"IPRO": "producer",
    b"ISRC": "isrc",
    b"ILNG": "language",
    b"IKEY": "keywords",
    b"ISBJ": "subject",
    b"IMED": "media",
    b"ICNT": "country",
    b"IPRT": "tracknumber",
    b"TRCK": "tracknumber",
}
AIFF_TEXT = {b"NAME": "title", b"AUTH": "artist", b"(c) ": "copyright", b"ANNO": "comment"}
ID3_TEXT = {  # ID3v2.4, section 4.2, with the names of EasyID3 and MusicBrainz Picard
    "TIT2": "title",
    "TPE1": "artist",
    "TALB": "album",
    "TPE2": "albumartist",
    "TDRC": "date",
    "TCON": "genre",
    "TRCK": "tracknumber",
    "TPOS": "discnumber",
    "TCOM": "composer",
    "TCOP": "copyright",
    "TSRC": "isrc",
    "TBPM": "bpm",
    "TPUB": "organization",
    "TEXT": "lyricist",
    "TENC": "encodedby",
    "TPE3": "conductor",
    "TPE4": "arranger",
    "TIT1": "grouping",
    "TIT3": "version",
    "TKEY": "key",
    "TLAN": "language",
    "TMED": "media",
    "TMOO": "mood",
    "TSST": "discsubtitle",
    "TSO2": "albumartistsort",
    "TSOA": "albumsort",
    "TSOC": "composersort",
    "TSOP": "artistsort",
    "TSOT": "titlesort",
    "TCMP": "compilation",
    "TDOR": "originaldate",
    "TDRL": "releasedate",
    "TOAL": "originalalbum",
    "TOPE": "originalartist",
    "TOLY": "author",
    "TOFN": "originalfilename",
    "TOWN": "owner",
}
ALIASES = {  # other names that Vorbis comments and APE tags have for what ID3 and INFO have one place for
    "album artist": "albumartist",
    "album_artist": "albumartist",
    "label": "organization",
    "publisher": "organization",
    "track": "tracknumber",
    "disc": "discnumber",
    "year": "date",
    "totaltracks": "tracktotal",
    "totaldiscs": "disctotal",
    "unsyncedlyrics": "lyrics",
}
TOTALS = {"tracknumber": "tracktotal", "discnumber": "disctotal"}

FALSE = ("replaygain_", "r128_", "mp3gain_", "itunnorm", "itunsmpb", "accuraterip", "md5")  # of another sound
MADE_ANEW = ("encoder", "encoder_options", "encodersettings")  # of another coder


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that belongs to the recording; `kind` is a number of ID3's list, 3 is the front cover."""

    data: bytes
    mime: str = "image/jpeg"
    kind: int = 3
    description: str = ""


def is_false(name: str) -> bool:
    """Whether a tag of this name tells of levels or bytes that are others after processing."""
    return name.casefold().startswith(FALSE)


def is_made_anew(name: str) -> bool:
    """Whether a tag of this name tells of the coder of the file that was read."""
    return name.casefold() in MADE_ANEW


def true_tags(pairs: Iterable[tuple[str, Iterable[str]]]) -> tuple[Tags, tuple[str, ...]]:
    """Tags without what is false, and the names of that."""
    tags = gathered(pairs)
    kept = {name: values for name, values in tags.items() if not is_false(name) and not is_made_anew(name)}
    return MappingProxyType(kept), tuple(filter(is_false, tags))


def gathered(pairs: Iterable[tuple[str, Iterable[str]]]) -> Tags:
    """Tags of names in any case and texts with anything in them, in order; each value once, none empty."""
    found: dict[str, list[str]] = {}
    for name, texts in pairs:
        values = found.setdefault(clean(name).strip().lower(), [])
        values.extend(text for text in map(clean, texts) if text and text not in values)
    return MappingProxyType({name: tuple(values) for name, values in found.items() if name and values})


def canonical(tags: Tags) -> Tags:
    """The same under the one name that ID3 and INFO have a place for."""
    return gathered((ALIASES.get(name, name), values) for name, values in tags.items())


def first_of(*several: Tags) -> Tags:
    """All tags; of those that several have, the first."""
    return MappingProxyType({name: values for tags in reversed(several) for name, values in tags.items()})


def clean(text: str) -> str:
    """Without NUL, which ends or parts texts in every format, and without halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def decoded(data: bytes) -> str:
    """Text of a format that names no encoding, up to a NUL: UTF-8 where it can be, else Windows-1252."""
    data = data.split(b"\0")[0]
    try:
        return data.decode("utf-8").rstrip()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").rstrip()
