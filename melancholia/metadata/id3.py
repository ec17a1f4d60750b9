"""ID3v2 tags as bytes: what they say, and what is put into them. mutagen is imported here when it is needed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from melancholia.containers.mpeg import ID3_HEAD, tag_bytes
from melancholia.metadata.tags import ID3_TEXT, TOTALS, Picture, Tags, canonical, gathered, is_false, is_made_anew

FALSE_FRAMES = ("RVA2", "RVAD", "RGAD", "XRVA", "TLEN", "TSIZ", "MLLT", "ASPI", "SEEK")  # levels, sizes, places
ANY_LANGUAGE = "XXX"  # ID3v2.4, section 4.10: not known
NOWHERE = 0xFFFFFFFF  # a chapter's byte offset that is to be ignored, its time counts
FRAME_NAME = re.compile(rb"[A-Z][A-Z0-9]{3}")
OF_TOTAL = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Content:
    """What a tag says in words and pictures, and the ids of frames that are neither."""

    tags: Tags
    pictures: tuple[Picture, ...]
    others: tuple[str, ...]


def parsed(data: bytes) -> Any:
    """mutagen's ID3 of a tag's bytes; frames that are broken are left out, a cut tag is read as far as it goes.

    Raises
    ------
    Exception
        Whatever mutagen meets in a tag that is none.
    """
    from mutagen.id3 import ID3

    return ID3(BytesIO(data.ljust(tag_bytes(data[:ID3_HEAD]), b"\0")), translate=False, load_v1=False)


def from_v1(data: bytes) -> bytes:
    """The last 128 bytes of a file as an ID3v2 tag; empty when they are no ID3v1."""
    from mutagen.id3 import ID3, ParseID3v1

    id3 = ID3()
    is_tag = data.startswith(b"TAG")  # mutagen seeks it anywhere, and finds it in APETAGEX
    for frame in (ParseID3v1(data) or {}).values() if is_tag else ():
        id3.add(frame)
    return rendered(id3, 4)


def true_part(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The tag without what processing makes false, and the names of that."""
    id3 = parsed(data)
    lost = []
    for key, frame in list(id3.items()):
        name = frame.desc if frame.FrameID in ("TXXX", "COMM") else ""
        if frame.FrameID in FALSE_FRAMES or is_false(name):
            lost.append(name.lower() or frame.FrameID)
            del id3[key]
        elif frame.FrameID == "TSSE" or is_made_anew(name):
            del id3[key]
        elif frame.FrameID == "CHAP":
            frame.start_offset = frame.end_offset = NOWHERE
    unknown = [(raw[:4].decode("latin-1"), raw) for raw in id3.unknown_frames if is_frame(raw, version_of(id3))]
    id3.unknown_frames = [raw for name, raw in unknown if name not in FALSE_FRAMES]
    return rendered(id3, version_of(id3)), (*lost, *(name for name, _ in unknown if name in FALSE_FRAMES))


def is_frame(raw: bytes, version: int) -> bool:
    """Whether bytes that mutagen does not know are a frame that ends where it says, or rubbish."""
    bits = 8 if version == 3 else 7
    size = sum(byte << bits * place for place, byte in enumerate(reversed(raw[4:8])))
    return FRAME_NAME.fullmatch(raw[:4]) is not None and size == len(raw) - ID3_HEAD


def put(path: Path, data: bytes) -> None:
    """Put a tag before a file that has none, its frames as they are."""
    id3 = parsed(data)
    id3.save(path, v1=0, v2_version=version_of(id3), v23_sep=None)


def version_of(id3: Any) -> int:
    """The version to write it in: its own where that is 2.3, else 2.4."""
    return 3 if id3.version[1] == 3 else 4


def rendered(id3: Any, version: int) -> bytes:
    """The tag's bytes without padding; empty without frames."""
    if version == 3:
        id3.update_to_v23()
    else:
        id3.update_to_v24()
    if not (id3 or id3.unknown_frames):
        return b""
    buffer = BytesIO()
    id3.save(buffer, v1=0, v2_version=version, v23_sep=None, padding=lambda _: 0)
    return buffer.getvalue()


def content(data: bytes) -> Content:
    """What a tag says; nothing when it is empty."""
    if not data:
        return Content({}, (), ())
    id3 = parsed(data)
    id3.update_to_v24()
    return content_of(id3)


def content_of(id3: Any) -> Content:
    pairs: list[tuple[str, list[str]]] = []
    pictures, others = [], [raw[:4].decode("latin-1") for raw in id3.unknown_frames]
    for frame in id3.values():
        if frame.FrameID == "APIC":
            pictures.append(Picture(frame.data, frame.mime, int(frame.type), frame.desc.rstrip()))
        elif said := list(words(frame)):
            pairs += said
        else:
            others.append(frame.FrameID)
    return Content(gathered(pairs), tuple(pictures), tuple(others))


def words(frame: Any) -> Iterator[tuple[str, list[str]]]:
    """(name, texts) that a frame says; nothing when it is no frame of words."""
    kind = frame.FrameID
    if kind == "TXXX":
        yield frame.desc, list(frame.text)
    elif kind == "COMM":
        plain = frame.desc in ("", "ID3v1 Comment")
        yield "comment" if plain else f"comment:{frame.desc}", list(frame.text)
    elif kind == "USLT":
        yield "lyrics", [frame.text]
    elif kind == "TCON":
        yield "genre", list(frame.genres)
    elif kind in ("TRCK", "TPOS"):
        name = ID3_TEXT[kind]
        for text in map(str, frame.text):
            of_total = OF_TOTAL.fullmatch(text)
            yield name, [of_total[1] if of_total else text]
            if of_total:
                yield TOTALS[name], [of_total[2]]
    elif kind in ID3_TEXT:
        yield ID3_TEXT[kind], [str(text) for text in frame.text]


def with_more(data: bytes, tags: Tags, pictures: tuple[Picture, ...]) -> bytes:
    """The tag (or a new one when empty) with those tags and pictures that it does not hold yet."""
    from mutagen.id3 import ID3

    id3 = parsed(data) if data else ID3()
    id3.update_to_v24()
    held = content_of(id3)
    missing = {name: values for name, values in canonical(tags).items() if name not in held.tags}
    added = [*frames_of(missing), *map(picture_frame, () if held.pictures else pictures)]
    for number, frame in enumerate(added):
        id3[f"{frame.HashKey}:{number}"] = frame  # mutagen's own key would let one of two pictures go
    return rendered(id3, 4 if added else version_of(id3))  # 2.3 has no place for some of ours


def picture_frame(picture: Picture) -> Any:
    from mutagen.id3 import APIC

    return APIC(
        encoding=3,
        mime=picture.mime.encode("latin-1", "replace").decode("latin-1"),
        type=picture.kind if 0 <= picture.kind <= 20 else 0,
        desc=picture.description,
        data=picture.data,
    )


def frames_of(tags: Tags) -> Iterator[Any]:
    """A frame a tag; TXXX for names that ID3 has none for, and for values that its own frame would alter."""
    from mutagen import id3

    by_name = {name: kind for kind, name in ID3_TEXT.items()}
    numbered = {TOTALS[name]: name for name in TOTALS if OF_TOTAL.fullmatch("/".join(of_total(tags, name)))}
    for name, values in tags.items():
        if name in numbered:
            continue  # said beside its number
        if name in numbered.values():
            yield getattr(id3, by_name[name])(encoding=3, text=["/".join(of_total(tags, name))])
        elif name in by_name:
            frame = getattr(id3, by_name[name])(encoding=3, text=list(values))
            same = list(gathered(words(frame)).items()) == [(name, values)]
            yield (
                frame
                if same or (name in TOTALS and OF_TOTAL.fullmatch(values[0]))
                else id3.TXXX(encoding=3, desc=name.upper(), text=list(values))
            )
        elif name == "comment" or name.startswith("comment:"):
            yield id3.COMM(encoding=3, lang=ANY_LANGUAGE, desc=name[len("comment:") :], text=list(values))
        elif name == "lyrics" and len(values) == 1:
            yield id3.USLT(encoding=3, lang=ANY_LANGUAGE, desc="", text=values[0])
        else:
            yield id3.TXXX(encoding=3, desc=name.upper(), text=list(values))


def of_total(tags: Tags, name: str) -> tuple[str, ...]:
    """A number and how many there are, when each is said once."""
    return (*tags.get(name, ()), *tags.get(TOTALS[name], ()))
