"""Audio files as they are written: which format a suffix means, what it can hold, and every byte accounted for.

libsndfile buffers, and some of its encoders swallow a disk that is full. So it writes through a file of ours that
remembers the first refusal; whatever ends well holds every byte that the encoder gave.
"""

import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import soundfile

from melancholia.audio import Samples
from melancholia.channels import USUAL, from_vorbis, to_vorbis
from melancholia.containers import Found
from melancholia.errors import InputError, MelancholiaError, one_line
from melancholia.files import Kind, is_stream, writing
from melancholia.recordings import Recording
from melancholia.riff import chunks

WRITE_FRAMES = 16_384  # one long write of Ogg or Opus kills libsndfile 1.2.2
FLOAT, PCM_24 = "FLOAT", "PCM_24"
SUFFIXES = {
    "wav": ("WAV", FLOAT), "wave": ("WAV", FLOAT), "rf64": ("RF64", FLOAT), "w64": ("W64", FLOAT),
    "caf": ("CAF", FLOAT), "au": ("AU", FLOAT), "snd": ("AU", FLOAT), "aif": ("AIFF", PCM_24), "aiff": ("AIFF", PCM_24),
    "aifc": ("AIFF", FLOAT), "flac": ("FLAC", PCM_24), "ogg": ("OGG", "VORBIS"), "oga": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III"),
}  # fmt: skip
BYTES = {"PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, PCM_24: 3, "PCM_32": 4, FLOAT: 4, "DOUBLE": 8}
DEPTHS = {  # what a master of such samples is written as: the first that a format has
    "PCM_U8": ("PCM_U8", "PCM_S8"), "PCM_S8": ("PCM_S8", "PCM_U8"), "PCM_16": ("PCM_16",), PCM_24: (PCM_24,),
    "PCM_32": ("PCM_32", PCM_24), FLOAT: (FLOAT, PCM_24), "DOUBLE": (FLOAT, PCM_24),
    "ALAC_16": ("ALAC_16", "PCM_16"), "ALAC_20": ("ALAC_20", PCM_24), "ALAC_24": ("ALAC_24", PCM_24),
    "ALAC_32": ("ALAC_32", "PCM_32", PCM_24),
}  # fmt: skip
COMPANDED = {  # 4 to 14 bits that stand for 16: written again they would not keep the ceiling
    "ULAW": "mu-law", "ALAW": "A-law", "IMA_ADPCM": "ADPCM", "MS_ADPCM": "ADPCM", "GSM610": "GSM 6.10",
    "VOX_ADPCM": "ADPCM", "G721_32": "ADPCM", "G723_24": "ADPCM", "G723_40": "ADPCM", "NMS_ADPCM_16": "ADPCM",
    "NMS_ADPCM_24": "ADPCM", "NMS_ADPCM_32": "ADPCM", "DPCM_8": "DPCM", "DPCM_16": "DPCM",
}  # fmt: skip
BIT_DEPTHS = {"8": "PCM_U8", "16": "PCM_16", "24": PCM_24, "32": "PCM_32", "float": FLOAT}
LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_III")
RATES = {  # the only ones, where a coder does not take any
    "OPUS": (8_000, 12_000, 16_000, 24_000, 48_000),
    "MPEG_LAYER_III": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
}
HIGHEST_HZ = {"VORBIS": 192_000, "FLAC": 655_350}
MOST_CHANNELS = {"MPEG_LAYER_III": 2, "FLAC": 8, "VORBIS": 255, "OPUS": 255}
LONGEST_BYTES = {"WAV": 2**32 - 2**20, "WAVEX": 2**32 - 2**20, "AIFF": 2**32 - 2**20}


@dataclass(frozen=True, slots=True)
class Encoding:
    """A format and subtype by soundfile's names."""

    format: str
    subtype: str

    @property
    def lossy(self) -> bool:
        return self.subtype in LOSSY

    @property
    def bounded(self) -> bool:
        """Whether sound over full scale is lost: integers, and coders whose players clip."""
        return self.subtype not in (FLOAT, "DOUBLE")


def is_audio(path: Path) -> bool:
    """Whether soundfile takes a file for audio; an empty file holds nobody's work."""
    if not path.is_file():
        return False
    if path.stat().st_size == 0:
        return True
    with suppress(soundfile.SoundFileError, OSError), path.open("rb") as file, soundfile.SoundFile(file):
        return True
    return False


AUDIO = Kind("an audio file", is_audio)


def encoding(
    path: Path, *, format_: str | None = None, delivered: bool = False, like: str = "", subtype: str | None = None
) -> Encoding:
    """What a file of this name holds.

    Parameters
    ----------
    format_ : str, optional
        A suffix to go by instead; stdout and devices, whose names say nothing, are WAV otherwise.
    delivered : bool
        24 bits where the format has integers, as what leaves the house; else floats where it has them, as what goes on.
    like : str
        The subtype of the source, whose depth is kept where the format has it: 8, 16, 24 or 32 bits or floats; 16 bits
        for what is companded (mu-law, A-law, ADPCM). "" and coders that lose something have none to keep.
    subtype : str, optional
        soundfile's name ("PCM_16"), against that choice.

    Raises
    ------
    InputError
        No format has this suffix, or it cannot hold the subtype.
    """
    suffix = format_ or path.suffix[1:].lower()
    if suffix not in SUFFIXES and format_ is None and is_stream(path):
        suffix = "wav"
    if suffix not in SUFFIXES:
        raise InputError(f"{path} has an unknown suffix; allowed: .{', .'.join(SUFFIXES)}.")
    format_, usual = SUFFIXES[suffix]
    usual = PCM_24 if delivered and usual == FLOAT else usual
    wanted = subtype or (usual if usual in LOSSY else kept(like, format_, usual))
    if wanted == "PCM_U8" and not soundfile.check_format(format_, wanted):
        wanted = "PCM_S8"  # the same depth
    if not soundfile.check_format(format_, wanted):
        allowed = ", ".join(soundfile.available_subtypes(format_))
        raise InputError(f"{path}: {format_} cannot hold {wanted}; allowed: {allowed}.")
    return Encoding(format_, wanted)


def kept(like: str, format_: str, usual: str) -> str:
    """The subtype of a format that has the depth of another subtype; the `usual` one where there is none."""
    deep = DEPTHS.get("PCM_16" if like in COMPANDED else like, ())
    return next((subtype for subtype in deep if soundfile.check_format(format_, subtype)), usual)


def fitted(kind: Encoding, path: Path, *, rate: int, channels: int, frames: int | None) -> Encoding:
    """The encoding under which libsndfile shall write this much sound.

    Raises
    ------
    InputError
        The format cannot hold this rate, channel count or length.
    """
    name = kind.subtype if kind.lossy else kind.format
    rates, highest = RATES.get(kind.subtype, ()), HIGHEST_HZ.get(name)
    if rates and rate not in rates:
        raise InputError(f"{path}: {name} at {rate} Hz cannot be written; allowed: {', '.join(map(str, rates))} Hz.")
    if highest is not None and rate > highest:
        raise InputError(f"{path}: {name} at {rate} Hz cannot be written; allowed: up to {highest} Hz.")
    most = MOST_CHANNELS.get(name)
    if most is not None and channels > most:
        raise InputError(f"{path}: {name} of {channels} channels cannot be written; allowed: up to {most}.")
    size = (frames or 0) * channels * BYTES.get(kind.subtype, 0)
    if size > LONGEST_BYTES.get(kind.format, size):
        if kind.format == "WAV":
            return replace(kind, format="RF64")
        raise InputError(f"{path}: {kind.format} holds at most 4 GB, this is {size / 2**30:.1f}; allowed: .wav, .flac.")
    return replace(kind, format="WAVEX") if kind.format == "WAV" and channels > 2 else kind


class Accounted:
    """A file that remembers when the system refused: libsndfile is told so, but not all of it listens."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb+")
        self.refused: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.refused = self.refused or error
            return 0

    def readinto(self, buffer: bytearray) -> int:
        return self.file.readinto(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self.file.seek(offset, whence)
        except OSError as error:  # what is buffered is written first
            self.refused = self.refused or error
            return 0

    def tell(self) -> int:
        return self.file.tell()

    def close(self) -> None:
        """Close it.

        Raises
        ------
        OSError
            The first refusal.
        """
        try:
            self.file.close()
        except OSError as error:
            self.refused = self.refused or error
        if self.refused is not None:
            raise self.refused


def encode(part: Path, blocks: Iterable[Samples], kind: Encoding, *, rate: int, channels: int, mask: int = 0) -> int:
    """Write blocks (channels, frames) into the file `part`, and return the frames.

    `mask` are the speakers of more than two channels, the usual ones where it is 0; see `unsaid`.

    A block is written while the next is made: nobody may change it once it was handed over.

    Raises
    ------
    OSError
        The disk refused.
    """
    order = to_vorbis(channels) if kind.format == "OGG" else ()
    stream = Accounted(part)
    try:
        file = soundfile.SoundFile(stream, "w", rate, channels, kind.subtype, format=kind.format)
        frames = write_behind(file, blocks, order)
    except (soundfile.SoundFileError, AssertionError) as error:  # fewer frames written than given
        stream.close()  # says why, where the disk is why
        said = one_line(error) or "libsndfile took fewer frames than it was given"
        raise MelancholiaError(f"{part} cannot be encoded: {said}") from error
    except BaseException:
        with suppress(OSError):
            stream.close()
        raise
    stream.close()
    if kind.format in ("WAV", "WAVEX", "RF64", "AIFF"):
        forget_the_clock(part)
    if kind.format == "OGG":
        name_the_stream(part)
    if channels > 2:
        say_speakers(part, kind, mask or USUAL.get(channels, 0), channels)
    return frames


def say_speakers(part: Path, kind: Encoding, mask: int, channels: int) -> None:
    """Write down which speakers the channels are for: libsndfile says something else, or nothing."""
    if kind.format in ("WAVEX", "RF64"):
        with part.open("rb+") as file:
            place = next(chunk.start for chunk in chunks(file) if chunk.id == b"fmt ")
            file.seek(place + 20)
            file.write(mask.to_bytes(4, "little"))
    elif kind.format == "FLAC" and mask != USUAL.get(channels):
        from mutagen.flac import FLAC

        file = FLAC(part)
        file["WAVEFORMATEXTENSIBLE_CHANNEL_MASK"] = f"0x{mask:04x}"
        file.save()


def unsaid(kind: Encoding, mask: int, channels: int) -> tuple[str, ...]:
    """A word where a format cannot say, or says otherwise, which speakers the channels are for."""
    if channels <= 2 or kind.format in ("WAVEX", "RF64", "FLAC"):
        return ()
    if kind.format == "OGG" and mask in (0, USUAL.get(channels)):
        return ()
    return ("not kept of what its source says: which speaker each channel is for",)


def write_audio(
    path: Path,
    blocks: Iterable[Samples],
    *,
    rate: int,
    channels: int,
    frames: int | None = None,
    subtype: str | None = None,
    delivered: bool = False,
    over: Kind | None = None,
) -> Recording:
    """Write blocks (channels, frames) atomically; the format follows the suffix of `path`.

    Parameters
    ----------
    path : Path
        Its suffix says the format.
    blocks : iterable of float32 (channels, frames)
        Or of int32, full scale 2**31, when the samples are quantised already.
    rate, channels : int
        In Hz; how many.
    frames : int, optional
        How many there will be: a WAV beyond 4 GB is written as RF64.
    subtype, delivered :
        As in `encoding`.
    over : Kind, optional
        What may be replaced.

    Returns
    -------
    Recording
        The file as it was written.

    Raises
    ------
    InputError
        No format has this suffix, or the format cannot hold this rate, channel count, length or subtype; something
        stands there already.
    MelancholiaError
        The disk refused (full, read-only); nothing is left behind.
    """
    kind = encoding(path, subtype=subtype, delivered=delivered)
    kind = fitted(kind, path, rate=rate, channels=channels, frames=frames)
    with writing(path, over=over) as part:
        frames = encode(part, blocks, kind, rate=rate, channels=channels)
    return written(path, kind, rate=rate, channels=channels, frames=frames)


def written(
    path: Path, kind: Encoding, *, rate: int, channels: int, frames: int, notes: tuple[str, ...] = ()
) -> Recording:
    """The recording that was just written; `notes` say what became of the sound."""
    order = from_vorbis(channels) if kind.format == "OGG" else ()
    return Recording(path, rate, channels, frames, Found((), notes), order, subtype=kind.subtype)


def write_behind(file: soundfile.SoundFile, blocks: Iterable[Samples], order: tuple[int, ...] = ()) -> int:
    """Write blocks, each while the next is made, close the file, and return the frames.

    `order` says which of our channels each of the file's is. The file is closed by the thread that writes: whatever
    interrupts, it is never closed under a write.
    """
    frames = 0
    with ThreadPoolExecutor(1) as pool:
        try:
            under_way = None
            for block in blocks:
                if under_way is not None:
                    under_way.result()
                under_way = pool.submit(write_block, file, block[list(order)] if order else block)
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


def forget_the_clock(part: Path) -> None:
    """libsndfile stamps the time of writing into a float WAV's PEAK chunk: without it, same sound, same bytes."""
    with part.open("rb+") as file:
        for chunk in chunks(file):
            if chunk.id == b"PEAK":
                file.seek(chunk.start + 4)
                file.write(bytes(4))
            if chunk.id in (b"PEAK", b"data", b"SSND"):
                return


def name_the_stream(part: Path) -> None:
    """libsndfile draws the serial number of an Ogg stream by chance: let it come from its content, as all else."""
    from mutagen.ogg import OggPage, error

    def pages(file: BinaryIO) -> Iterator[tuple[int, OggPage]]:
        place = file.seek(0)
        with suppress(EOFError, error):
            while True:
                yield place, OggPage(file)
                place = file.tell()

    with part.open("rb+") as file:
        number = 0
        for _, page in pages(file):
            number = zlib.crc32(b"".join(page.packets), number)
        for place, page in pages(file):
            after = file.tell()
            page.serial = number
            file.seek(place)
            file.write(page.write())
            file.seek(after)
