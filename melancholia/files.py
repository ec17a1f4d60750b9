"""Reading and writing: audio in streams by soundfile, everything atomically, the package's own data from one place.

Whatever is written is first written under another name in the same folder, ending in ``.part``, flushed to the disk
and then renamed: a reader sees the old file, the new file, or none. A source is never its own output.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from melancholia.audio import BLOCK_FRAMES, Audio, Samples, Source, check_rate
from melancholia.errors import InputError, MelancholiaError
from melancholia.interrupts import unfinished, whole

WRITE_FRAMES = 16_384  # one long write of Ogg or Opus kills libsndfile 1.2.2
NEARLY_FULL = 8 * 2**20  # bytes
FLOAT_SUBTYPE = "FLOAT"


def data_folder(name: str) -> Path:
    """The package's own folder `name`: inside the package (wheel), or beside it (checkout, editable install)."""
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name


@dataclass(frozen=True, slots=True)
class Recording:
    """An audio file that has been opened once and found to hold sound; read whole or in blocks, as often as wanted."""

    path: Path
    rate: int
    channels: int
    frames: int

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
        """The file from its start in blocks (channels, <= frames); refuses NaN, infinity and a broken file.

        The next block is read while this one is worked on.

        Raises
        ------
        InputError
            The file cannot be decoded, or holds numbers that are not finite.
        """
        return read_ahead(self.decoded(frames))

    def decoded(self, frames: int) -> Iterator[Samples]:
        read = 0
        try:
            with soundfile.SoundFile(self.path) as file:
                while True:
                    block = file.read(frames, dtype="float32", always_2d=True)
                    if not len(block):
                        break
                    if not np.isfinite(block).all():
                        raise InputError(f"{self.path} holds NaN or infinity near {read / self.rate:.2f} s.")
                    read += len(block)
                    yield np.ascontiguousarray(block.T)
        except soundfile.SoundFileError as error:
            raise InputError(f"{self.path} cannot be read as audio: {one_line(error)}") from error
        if read < self.frames:
            raise InputError(f"{self.path} is cut off: it promises {self.frames} frames and holds {read}.")

    def read(self) -> Audio:
        samples = np.empty((self.channels, self.frames), np.float32)
        at = 0
        for block in self.blocks():
            samples[:, at : at + block.shape[1]] = block
            at += block.shape[1]
        return Audio(samples, self.rate)


def read_ahead(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """The same blocks; the next one is made in a thread of its own while this one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = pool.submit(next, blocks, None)
            yield block


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def recording(path: Path | str) -> Recording:
    """Open an audio file of any format that soundfile knows.

    Raises
    ------
    InputError
        There is no such file, it is a folder, it is no audio, holds no frames, or is cut off.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; allowed: an audio file.")
    if not path.exists():
        raise InputError(f"{path} does not exist; allowed: an audio file.")
    try:
        with soundfile.SoundFile(path) as file:
            found = Recording(path, check_rate(file.samplerate), file.channels, file.frames)
            is_plain_wav = file.format in ("WAV", "WAVEX")
    except soundfile.SoundFileError as error:
        raise InputError(f"{path} cannot be read as audio: {one_line(error)}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror or one_line(error)}.") from error
    if found.frames == 0:
        raise InputError(f"{path} holds no sound: 0 frames.")
    if is_plain_wav:
        check_whole_wav(path)
    return found


def check_whole_wav(path: Path) -> None:
    """Refuse a WAV whose data chunk claims more bytes than the file has (libsndfile opens it in silence)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head[4:], "little")
            if head[:4] == b"data":
                if length not in (0, 0xFFFFFFFF) and file.tell() + length > size:
                    missing = file.tell() + length - size
                    raise InputError(f"{path} is cut off: {missing} bytes of its sound are missing.")
                return
            file.seek(length + length % 2, os.SEEK_CUR)


def source(thing: Audio | Source | Path | str) -> Source:
    """`thing` if it is sound already, else the recording at that path."""
    return recording(thing) if isinstance(thing, str | Path) else thing


def check_output(path: Path, *inputs: Path) -> Path:
    """`path` itself; refused when it is a folder, is one of the inputs, or stands in no folder."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; allowed: the name of a file to write.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path.parent} is no folder; allowed: an existing folder to write into.")
    for taken in inputs:
        if path.exists() and taken.exists() and path.samefile(taken):
            raise InputError(f"{path} is the source itself; allowed: another name, sources are never overwritten.")
    return path


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A name to write to in place of `path`; it becomes `path` when the block ends well, and vanishes when not."""
    part = part_of(path)
    with unfinished(part):
        try:
            yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise failed_to_write(path, error) from error
        finally:
            part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """A name of our own beside `path`, for what is not finished."""
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(3).hex()}.part")


@contextmanager
def writing_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A fresh folder to fill in place of `path`; renamed when the block ends well, removed when not.

    With `replace`, a folder that already stands at `path` is swapped out and then removed.
    """
    part = part_of(path.absolute())
    old = part.with_suffix(".old.part")
    with unfinished(part):
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not replace:
                raise InputError(f"{path} exists already; allowed: a new name.")
            part.mkdir()
            yield part
            with whole():
                put_in_place(part, path, old)
        except MelancholiaError as error:  # a file inside speaks of the part; the caller knows the folder
            raise type(error)(str(error).replace(str(part), str(path))) from error
        except OSError as error:
            raise failed_to_write(path, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    with unfinished(old):  # only now: what stood there is given up when its place is taken, never before
        shutil.rmtree(old, ignore_errors=True)


def put_in_place(part: Path, path: Path, old: Path) -> None:
    """Rename `part` to `path`; what stands there goes to `old`, and comes back when anything interrupts."""
    try:
        if path.exists():
            path.rename(old)
        part.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise


def failed_to_write(path: Path, error: OSError) -> MelancholiaError:
    return MelancholiaError(f"{path} cannot be written: {error.strerror or one_line(error)}.")


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) atomically."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_audio(
    path: Path,
    blocks: Iterable[Samples],
    *,
    rate: int,
    channels: int,
    subtype: str | None = None,
) -> Recording:
    """Write blocks (channels, frames) atomically; the format follows the suffix of `path`.

    A block is written while the next is made: nobody may change it once it was handed over.

    Parameters
    ----------
    blocks : iterable of float32 (channels, frames)
        Or of int32, full scale 2**31, when the samples are quantised already.
    subtype : str, optional
        soundfile's name ("FLOAT", "PCM_24"); the format's own default when left out. More than two channels of WAV
        are written as WAVEX, more than 4 GB as RF64 by libsndfile itself.

    Raises
    ------
    InputError
        No format has this suffix, or the format cannot hold this rate, channel count or subtype.
    MelancholiaError
        The disk refused (full, read-only); nothing is left behind.
    """
    suffix = path.suffix[1:].upper()
    format_ = {"AIF": "AIFF", "OPUS": "OGG", "OGA": "OGG"}.get(suffix, suffix)
    if suffix == "OPUS":
        subtype = "OPUS"
    if format_ not in soundfile.available_formats():
        raise InputError(f"{path} has an unknown suffix; allowed: .wav, .flac, .aiff, .ogg, .opus, .mp3 and so on.")
    if format_ == "WAV" and channels > 2:
        format_ = "WAVEX"
    if not soundfile.check_format(format_, subtype or soundfile.default_subtype(format_)):
        raise InputError(
            f"{path}: {format_} cannot hold {subtype}; allowed: {', '.join(soundfile.available_subtypes(format_))}."
        )
    if format_ == "OGG" and rate > 192_000:
        raise InputError(f"{path}: Ogg at {rate} Hz cannot be written; allowed: up to 192000 Hz.")
    with writing(path) as part:
        try:
            file = soundfile.SoundFile(part, "w", rate, channels, subtype, format=format_)
            frames = write_behind(file, blocks)
            if part.stat().st_size == 0:
                raise MelancholiaError(f"{path} cannot be written: No space left on device.")
        except soundfile.SoundFileError as error:
            raise write_refused(path, part, error) from error
        if format_ in ("WAV", "WAVEX"):
            check_written(path, part, frames)
            forget_the_clock(part)
    return Recording(path, rate, channels, frames)


def write_behind(file: soundfile.SoundFile, blocks: Iterable[Samples]) -> int:
    """Write blocks, each while the next is made, close the file, and return the frames.

    The file is closed by the thread that writes: whatever interrupts, it is never closed under a write.
    """
    frames = 0
    with ThreadPoolExecutor(1) as pool:
        try:
            under_way = None
            for block in blocks:
                if under_way is not None:
                    under_way.result()
                under_way = pool.submit(write_block, file, block)
                frames += block.shape[1]
            if under_way is not None:
                under_way.result()
        finally:
            closed = pool.submit(file.close)
    closed.result()
    return frames


def write_block(file: soundfile.SoundFile, block: Samples) -> None:
    for start in range(0, block.shape[1], WRITE_FRAMES):
        file.write(block[:, start : start + WRITE_FRAMES].T)


def write_refused(path: Path, part: Path, error: Exception) -> MelancholiaError:
    if shutil.disk_usage(path.absolute().parent).free < NEARLY_FULL:  # what failed beside may have been removed already
        return MelancholiaError(f"{path} cannot be written: No space left on device.")
    if "System error" in str(error):  # libsndfile's word for whatever the system refused
        return MelancholiaError(f"{path} cannot be written: the disk refused it (full, or a limit on file size).")
    if not os.access(path.absolute().parent, os.W_OK):
        return MelancholiaError(f"{path} cannot be written: Permission denied.")
    return InputError(f"{path} cannot be written: {one_line(error)}")


def forget_the_clock(part: Path) -> None:
    """libsndfile stamps the time of writing into a float WAV's PEAK chunk: without it, same sound, same bytes."""
    with part.open("rb+") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8 and head[:4] != b"data":
            if head[:4] == b"PEAK":
                file.seek(4, os.SEEK_CUR)
                file.write(bytes(4))
                return
            length = int.from_bytes(head[4:], "little")
            file.seek(length + length % 2, os.SEEK_CUR)


def check_written(path: Path, part: Path, frames: int) -> None:
    """libsndfile buffers: a disk that fills up late shows only in what the file holds."""
    if soundfile.info(part).frames < frames:
        raise MelancholiaError(f"{path} cannot be written: No space left on device.")
