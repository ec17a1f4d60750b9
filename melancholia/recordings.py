"""Recordings: audio files that were looked at once and are read in streams, by soundfile (or PyAV, see
`containers.foreign`), as often as wanted.

A header is a promise that many files do not keep; `containers` says what is really there, and `Recording.frames` is
true. Channels come in the order of WAV, whatever the container's own.
"""

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import soundfile

from melancholia.audio import BLOCK_FRAMES, Audio, Samples, Source, Stems, check_rate
from melancholia.channels import from_vorbis
from melancholia.containers import CutOff, Found, Mixed, foreign, look, opened
from melancholia.errors import InputError, one_line

STDIN = "-"
KNOWN = "WAV, FLAC, MP3, Ogg, Opus, AIFF and kin"
MEDIA = "melancholia[media]"


@dataclass(frozen=True, slots=True)
class Recording:
    """An audio file that has been opened once and found to hold sound; read whole or in blocks, as often as wanted.

    `notes` say in words what is odd about the file, a line each. `subtype` is soundfile's name of how its samples are
    coded ("PCM_16"); "" where it does not decode them. `held` keeps the content of a pipe, which can be read but once;
    `keeps` is whatever must live as long as the file shall (the scratch folder that it lies in).
    """

    path: Path
    rate: int
    channels: int
    frames: int
    found: Found = field(default_factory=Found, repr=False)
    order: tuple[int, ...] = ()
    held: "Held | None" = field(default=None, repr=False)
    keeps: object = field(default=None, repr=False)
    subtype: str = ""

    @property
    def mask(self) -> int:
        """The speakers that its channels are for, as its header says (see `channels`); 0 where it does not."""
        return self.found.mask

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @property
    def notes(self) -> tuple[str, ...]:
        return self.found.notes

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
        """The file from its start in blocks (channels, <= frames); refuses NaN, infinity and a broken file.

        The next block is read while this one is worked on.

        Raises
        ------
        InputError
            The file cannot be decoded, or holds numbers that are not finite.
        """
        if self.found.foreign:
            foreign.is_there()  # imported here, and in no thread
        return read_ahead(self.decoded(frames))

    def decoded(self, frames: int) -> Iterator[Samples]:
        read = 0
        try:
            for block in raw_blocks(self.path, self.found, self.held, frames):
                if not np.isfinite(block).all():
                    first = read + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
                    raise InputError(f"{self.path} holds NaN or infinity from {first / self.rate:.2f} s on.")
                block = block[: self.frames - read]  # never more than was promised to whoever allots
                read += len(block)
                if len(block):
                    yield np.ascontiguousarray(block.T if not self.order else block.T[list(self.order)])
        except soundfile.SoundFileError as error:
            if not read:
                raise InputError(f"{self.path} cannot be read as audio: {why(error)}") from error
            raise InputError(f"{self.path} is cut off or damaged at {read / self.rate:.2f} s: {why(error)}") from error
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror or one_line(error)}.") from error
        if read < self.frames:
            raise InputError(f"{self.path} is cut off: it promises {self.frames} frames and holds {read}.")

    def read(self) -> Audio:
        samples = np.empty((self.channels, self.frames), np.float32)
        at = 0
        for block in self.blocks():
            samples[:, at : at + block.shape[1]] = block
            at += block.shape[1]
        return Audio(samples, self.rate)

    def _repr_html_(self) -> str:
        """A player, where a notebook shows the value."""
        from melancholia.previews import player

        return player(self, self.path.name)


def why(error: Exception) -> str:
    """libsndfile's word, without the name before it; and what can be read, where it does not know the file."""
    said = re.sub(r"^Error opening .*?: ", "", one_line(error)).removeprefix("Error : ").rstrip(".")
    known = f"; allowed: {KNOWN}" if "not recognised" in said else ""
    return f"{said}{known}."


def raw_blocks(path: Path, found: Found, held: "Held | None", frames: int) -> Iterator[Samples]:
    """What is decoded, in blocks (frames, channels), each view of the file behind the other."""
    if found.foreign:
        with path.open("rb") if held is None else held.open() as whole:
            yield from foreign.blocks(whole, frames)
        return
    for number in range(max(1, len(found.views))):
        with decoder(path, found, held, number) as file:
            while len(block := file.read(frames, dtype="float32", always_2d=True)):
                yield block


@contextmanager
def decoder(path: Path, found: Found, held: "Held | None", number: int = 0) -> Iterator[soundfile.SoundFile]:
    """libsndfile over a view of a file, or over the file itself."""
    if found.views or held is not None:
        stream: BinaryIO = path.open("rb") if held is None else held.open()
        whole = ((0, os.fstat(stream.fileno()).st_size),)
        with opened(stream, found.views[number] if found.views else whole) as view:
            with soundfile.SoundFile(view) as file:
                yield file
        return
    with soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else path) as file:  # any bytes are a name
        yield file


def read_ahead(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """The same blocks; the next one is made in a thread of its own while this one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = pool.submit(next, blocks, None)
            yield block


def recording(path: Path | str | BinaryIO) -> Recording:
    """Look at an audio file of any format that soundfile knows; ``-`` is what comes in on stdin.

    Of an open binary file (a `BytesIO`) all is read that is left of it.

    Parameters
    ----------
    path : path or binary file

    Returns
    -------
    Recording
        Rate, channels and true length; its sound is read when it is asked for. `notes` say what is odd about the file.

    Raises
    ------
    InputError
        There is no such file, it is a folder, it is no audio, holds no frames, or is cut off.
    """
    given = None if isinstance(path, str | Path) else path
    path = Path(path) if isinstance(path, str | Path) else Path(str(getattr(path, "name", "stream")))
    if given is None and path.is_dir():
        raise InputError(f"{path} is a folder; allowed: an audio file.")
    if given is None and str(path) != STDIN and not path.exists():
        raise InputError(f"{path} does not exist; allowed: an audio file.")
    try:
        if given is not None:
            held: Held | None = Held(given)
        else:
            held = kept(path) if str(path) == STDIN or not path.is_file() else None
        with open(path, "rb") if held is None else held.open() as file:
            kind = foreign.kind(file)
            if not kind:
                found = look(file, os.fstat(file.fileno()).st_size, path.suffix)
            elif foreign.is_there():
                return opened_foreign(path, file, held)
            else:
                raise InputError(f"{path} is {kind}, which needs PyAV; allowed: {KNOWN}, or pip install '{MEDIA}'.")
            try:
                return opened_once(path, found, held)
            except soundfile.SoundFileError:
                if not (foreign.is_ogg(file) and foreign.is_there()):
                    raise
                return opened_foreign(path, file, held)  # a coder in Ogg that libsndfile has not
    except CutOff as error:
        raise InputError(f"{path} is cut off: {error}.") from error
    except Mixed as error:
        raise InputError(f"{path} cannot be read as one: {error}; allowed: one recording a file.") from error
    except soundfile.SoundFileError as error:
        raise InputError(f"{path} cannot be read as audio: {why(error)}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror or one_line(error)}.") from error


def opened_foreign(path: Path, file: BinaryIO, held: "Held | None") -> Recording:
    """The recording in an open file that PyAV decodes."""
    counted = foreign.survey(file)
    found = Found(notes=counted.notes, mask=counted.mask, foreign=True)
    return Recording(path, check_rate(counted.rate), counted.channels, counted.frames, found, held=held)


def opened_once(path: Path, found: Found, held: "Held | None") -> Recording:
    """The recording in a file that was looked at: its rate, channels and frames, of all its views together."""
    frames, shapes = 0, []
    for number in range(max(1, len(found.views))):
        with decoder(path, found, held, number) as file:
            frames += file.frames
            shapes.append((file.samplerate, file.channels))
            is_vorbis_ordered, subtype = file.format == "OGG", file.subtype
    if len(set(shapes)) > 1:
        said = ", ".join(f"{channels} at {rate} Hz" for rate, channels in shapes)
        raise InputError(f"{path} holds recordings that differ ({said} channels); allowed: one rate and channel count.")
    rate, channels = shapes[0]
    if found.count:
        promised = frames
        frames = sum(len(block) for block in raw_blocks(path, found, held, BLOCK_FRAMES))
        if is_vorbis_ordered and 0 < frames < promised:
            said = f"its last {(promised - frames) / rate:.2f} s cannot be decoded"
            found = replace(found, notes=(*found.notes, said))
    if frames == 0:
        raise InputError(f"{path} holds no sound: 0 frames.")
    order = from_vorbis(channels) if is_vorbis_ordered else ()
    return Recording(path, check_rate(rate), channels, frames, found, order, held, subtype=subtype)


class Held:
    """All that came out of a pipe, in a temporary file without a name, which goes with this value."""

    def __init__(self, pipe: BinaryIO) -> None:
        with tempfile.TemporaryFile(prefix="melancholia-") as file:
            shutil.copyfileobj(pipe, file)
            file.flush()
            self.handle = os.dup(file.fileno())
        weakref.finalize(self, os.close, self.handle)

    @property
    def path(self) -> Path | None:
        """A name under which the system lets it be opened anew, where it has such names."""
        path = Path(f"/dev/fd/{self.handle}")
        return path if path.exists() else None

    def open(self) -> BinaryIO:
        return os.fdopen(os.dup(self.handle), "rb")


def stdin() -> BinaryIO:
    """What comes in, as a file of its own: closing it leaves the process' stdin open."""
    return os.fdopen(os.dup(0), "rb")


def kept(path: Path) -> Held:
    """What comes out of a pipe, or in on stdin."""
    with stdin() if str(path) == STDIN else path.open("rb") as pipe:
        return Held(pipe)


def source(thing: Audio | Source | Stems | Path | str | BinaryIO) -> Source:
    """`thing` if it is sound already, else the recording at that path or in that open file.

    Raises
    ------
    InputError
        It is nothing of these: an array has no rate.
    """
    if hasattr(thing, "blocks"):
        return cast(Source, thing)
    if isinstance(thing, str | Path) or hasattr(thing, "read"):
        return recording(thing)
    raise InputError(f"sound is {type(thing).__name__}; allowed: a path, an open file, or mel.audio(samples, rate).")
