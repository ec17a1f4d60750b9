"""Sound to be heard inside a page or a notebook: mixed down, at 32 kHz, as MP3, which every browser plays."""

import base64
import html
import io
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Audio, Source

RATE = 32_000
PEAK = 0.9  # what MP3 makes of it stays below full scale
MOST_KBPS, LEAST_KBPS = 320, 32  # of MPEG-1, which libsndfile spreads over its compression level 0 to 1 (less than 1)
SHOWN_KBPS, LONGEST_SHOWN_S = 48, 300.0  # a channel; in a notebook, which keeps what it shows
ENCODED = 0.95  # of the level that LAME is given is what libsndfile lets it write


def mixed_down(sounds: Sequence[Source], *, channels: int = 1, longest_s: float | None = None) -> Audio:
    """The sum of sounds of one rate and length, mixed down to one channel or two, at 32 kHz.

    Two channels stay what they are where two are asked for; any others are averaged into each.
    """
    import soxr

    rate, frames = sounds[0].rate, sounds[0].frames
    if longest_s is not None:
        frames = min(frames, round(longest_s * rate))
    stream = soxr.ResampleStream(rate, RATE, channels, dtype="float32", quality="HQ")
    parts = [stream.resample_chunk(block) for block in summed(sounds, channels, frames)]
    parts.append(stream.resample_chunk(np.zeros((0, channels), np.float32), last=True))
    return Audio(np.ascontiguousarray(np.concatenate(parts).reshape(-1, channels).T), RATE)


def summed(sounds: Sequence[Source], channels: int, frames: int) -> Iterator[NDArray[np.float32]]:
    """Blocks (frames, channels) of the sum."""
    left = frames
    for blocks in zip(*(sound.blocks() for sound in sounds), strict=True):
        if left <= 0:
            return
        total = sum(block if len(block) == channels else block.mean(axis=0, keepdims=True) for block in blocks)
        wide = np.broadcast_to(total, (channels, np.shape(total)[1]))[:, :left]
        left -= wide.shape[1]
        yield np.ascontiguousarray(wide.T, dtype=np.float32)


def mp3(sound: Audio, *, kbps: int, raised: bool = True) -> tuple[bytes, float]:
    """A sound at `RATE` as MP3 (40 to 320 kbit/s), and the factor to play it at so that it is as loud as it was.

    It is raised to 0.9 of full scale, where MP3 is finest; if not, only lowered to that where it is louder.
    """
    import soundfile

    peak = max(float(np.abs(sound.samples).max(initial=0.0)), 1e-5)
    undo = peak / PEAK if raised else max(1.0, peak / PEAK)
    out = io.BytesIO()
    level = (MOST_KBPS - kbps) / (MOST_KBPS - LEAST_KBPS)
    soundfile.write(
        out, sound.samples.T / np.float32(undo), sound.rate, format="MP3", bitrate_mode="CONSTANT",
        compression_level=level,
    )  # fmt: skip
    return out.getvalue(), undo / ENCODED


def data_uri(content: bytes, type_: str) -> str:
    return f"data:{type_};base64,{base64.b64encode(content).decode('ascii')}"


def player(sound: Source, name: str = "") -> str:
    """A sound as HTML that plays it, under its name; of a long one the first five minutes."""
    channels = min(sound.channels, 2)
    heard = mixed_down([sound], channels=channels, longest_s=LONGEST_SHOWN_S)
    content, _ = mp3(heard, kbps=SHOWN_KBPS * channels, raised=False)
    seconds = sound.frames / sound.rate
    said = f"{seconds:.1f} s, {sound.rate} Hz, {sound.channels} channel{'s' * (sound.channels > 1)}"
    if name:
        said = f"{name}: {said}"
    if seconds > LONGEST_SHOWN_S:
        said += f"; the first {LONGEST_SHOWN_S:g} s"
    return (
        f'<figure style="margin: 0 0 .5em"><figcaption>{html.escape(said)}</figcaption>'
        f'<audio controls src="{data_uri(content, "audio/mpeg")}"></audio></figure>'
    )
