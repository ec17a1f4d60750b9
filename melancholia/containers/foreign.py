"""Containers that libsndfile does not know (MP4, Matroska, ASF and kin), decoded by PyAV where it is there.

PyAV (FFmpeg as a library) is the extra ``media``. Channels come in the order of WAV already.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import soundfile

from melancholia.audio import Samples
from melancholia.containers.found import CutOff

HEAD_BYTES = 16
MARKS = {
    b"\x1a\x45\xdf\xa3": "Matroska or WebM",
    b"\x30\x26\xb2\x75": "Windows Media (wma, wmv)",
    b"FLV\x01": "Flash video",
    b"wvpk": "WavPack",
    b"MAC ": "Monkey's Audio",
    b"DSD ": "DSD",
    b"FRM8": "DSD",
    b"TTA1": "True Audio",
    b"MPCK": "Musepack",
    b"#!AM": "AMR",
    b"\x0bw": "AC-3",
    b".RMF": "RealAudio",
    b"\xff\xf1": "AAC",
    b"\xff\xf9": "AAC",
}
BOXES = (b"ftyp", b"moov", b"mdat", b"wide")  # that an MP4 or QuickTime file begins with, behind their size
SPEAKERS = ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR")  # FFmpeg's names, bit by bit
COUNTED = "mp4"  # the family of containers that say to the frame how long they are
SLIP_S = 0.25  # that they may be over: what a coder adds in front and behind
OF_THE_CONTAINER = ("major_brand", "minor_version", "compatible_brands", "handler_name", "vendor_id", "language",
                    "creation_time", "duration")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds, counted by decoding it; `mask` and `notes` as in `Found`."""

    rate: int
    channels: int
    frames: int
    mask: int
    notes: tuple[str, ...]


def kind(file: BinaryIO) -> str:
    """What people call a file that PyAV knows and libsndfile does not, by its first bytes; "" where it is none."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head[4:8] in BOXES:
        return "MP4 (m4a, mov, video)"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI"
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "")


def is_ogg(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(4) == b"OggS"


def is_there() -> bool:
    """Whether PyAV is installed; it is imported then, before any thread needs it."""
    try:
        import av
    except ImportError:
        return False
    av.logging.set_level(av.logging.PANIC)
    return True


@contextmanager
def sound_of(file: BinaryIO) -> Iterator[tuple[Any, Any]]:
    """The container in an open file, and the recording that its maker marked, or the first.

    Raises
    ------
    SoundFileError
        It cannot be opened or read, or has no sound.
    """
    import av

    file.seek(0)
    try:
        with av.open(file, metadata_errors="replace") as container:
            sound = container.streams.best("audio")
            if sound is None:
                raise soundfile.SoundFileError("it has no sound")
            yield container, sound
    except av.error.FFmpegError as error:
        raise soundfile.SoundFileError(f"FFmpeg says '{error.strerror}'") from error


def decoded(container: Any, sound: Any, damaged: list[Any]) -> Iterator[Any]:
    """What the coder makes, piece by piece, all at the rate and in the channels of the first, interleaved float32.

    A packet that cannot be decoded is left out and put into `damaged`. A header may tell half the rate of what comes.
    """
    import av

    first, came = None, None
    even: Any = None
    for packet in container.demux(sound):
        try:
            pieces = packet.decode()
        except av.error.InvalidDataError:
            damaged.append(packet)
            continue
        for piece in pieces:
            first = first or piece
            shape = (piece.format.name, piece.layout.name, piece.sample_rate)
            if shape != came:
                if even is not None:
                    yield from even.resample(None)
                came, even = shape, av.AudioResampler(format="flt", layout=first.layout, rate=first.sample_rate)
            yield from even.resample(piece)
    if even is not None:
        yield from even.resample(None)


def survey(file: BinaryIO) -> Survey:
    """What an open file holds, by decoding all of it.

    Raises
    ------
    SoundFileError
        It cannot be decoded, or has no sound.
    CutOff
        It ends before its container says.
    """
    damaged: list[Any] = []
    first, frames = None, 0
    with sound_of(file) as (container, sound):
        count = len(container.streams.audio)
        counted = sound.duration is not None and COUNTED in container.format.name
        promised = float(sound.duration * sound.time_base) if counted else 0.0
        for piece in decoded(container, sound, damaged):
            first = first or piece
            frames += piece.samples
    if first is None:
        raise soundfile.SoundFileError("no sound of it can be decoded" if damaged else "it has no sound")
    missing = promised - frames / first.sample_rate
    if missing > SLIP_S:
        raise CutOff(f"{missing:.1f} s of its {promised:.1f} s are missing")
    notes = []
    if count > 1:
        notes.append(f"it holds {count} recordings: the one that is marked, or the first, is read")
    if damaged:
        notes.append(f"{len(damaged)} of its packets are damaged and left out")
    bits = [SPEAKERS.index(one.name) for one in first.layout.channels if one.name in SPEAKERS]
    known = len(bits) == first.layout.nb_channels and bits == sorted(bits)
    mask = sum(1 << bit for bit in bits) if known else 0
    return Survey(first.sample_rate, first.layout.nb_channels, frames, mask, tuple(notes))


def blocks(file: BinaryIO, frames: int) -> Iterator[Samples]:
    """The sound of an open file from its start in blocks (<= frames, channels), float32.

    Raises
    ------
    SoundFileError
        It cannot be decoded.
    """
    parts: list[Samples] = []
    with sound_of(file) as (container, sound):
        for piece in decoded(container, sound, []):
            parts.append(piece.to_ndarray().reshape(-1, piece.layout.nb_channels))
            if sum(map(len, parts)) >= frames:
                held = np.concatenate(parts)
                whole = len(held) // frames * frames
                for start in range(0, whole, frames):
                    yield held[start : start + frames]
                parts = [held[whole:]]
    if parts and len(rest := np.concatenate(parts)):
        yield rest


def said(file: BinaryIO) -> tuple[list[tuple[str, list[str]]], bytes]:
    """Tags by FFmpeg's names, without what is the container's own; and the front cover, empty where there is none."""
    import av

    with sound_of(file) as (container, sound):
        written = {**sound.metadata, **container.metadata}
        tags = [(name, [text]) for name, text in written.items() if name.lower() not in OF_THE_CONTAINER]
        covers = [one for one in container.streams.video if av.stream.Disposition.attached_pic in one.disposition]
        packets = container.demux(covers[0]) if covers else ()
        return tags, next((bytes(packet) for packet in packets if packet.size), b"")
