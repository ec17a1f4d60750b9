"""The sound as the listener needs it: 22 050 Hz mono at peak 1, two STFTs, loudness and width on the way.

Mono is the middle, (left + right) / 2; where more energy lies at the sides, (left - right) / 2, than in the middle (one
cable reversed, a wide synthesiser) it is the sides: nothing that people plainly hear cancels out. A constant that a
converter added is no sound, and taken off.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from melancholia.analysis.first_use import librosa
from melancholia.audio import Source
from melancholia.meter import IntegratedMeter

RATE = 22_050
SEGMENT_S = 60.0
FINE, FINE_HOP = 2048, 512
LONG, LONG_HOP = 8192, 2048
QUICK, QUICK_HOP = 512, 128  # of the level whose rises are timed
IN_MEMORY = 64 * 2**20  # bytes of mono sound; what is longer lies in a temporary file
FAINT = 2e-3  # of the peak: music's own mean lies below
SILENCE = 1e-6  # a peak below -120 dBFS holds nothing to hear


@dataclass(frozen=True, slots=True)
class Heard:
    """Mono samples at 22 050 Hz, peak at 1 about 0, and what the original alone tells: LUFS and width.

    The samples lie in memory, those of a long recording in a temporary file that has no name: `kept` channels side by
    side, of which one is `picked`; `middle` is its mean.
    """

    store: IO[bytes]
    frames: int
    kept: int
    picked: int
    middle: float
    peak: float
    seconds: float
    lufs: float
    width_db: float

    @property
    def silent(self) -> bool:
        return self.peak <= SILENCE

    def samples(self, start: int, end: int) -> NDArray[np.float32]:
        """The frames from start to end."""
        self.store.seek(4 * self.kept * start)
        found = np.frombuffer(self.store.read(4 * self.kept * (end - start)), np.float32)
        return np.asarray((found[self.picked :: self.kept] - np.float32(self.middle)) / np.float32(self.peak))


@contextmanager
def hear(sound: Source) -> Iterator[Heard]:
    """Read the sound once, in blocks."""
    import soxr

    kept = 1 if sound.channels == 1 else 2
    stream = soxr.ResampleStream(sound.rate, RATE, kept, "float32", "HQ")
    meter = IntegratedMeter(sound)
    original, resampled = Moments(kept), Moments(kept)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as store:

        def keep(frames: NDArray[np.float32]) -> None:
            channels = np.ascontiguousarray(frames.reshape(-1, kept).T)
            resampled.add(channels)
            store.write(np.ascontiguousarray(channels.T).tobytes())

        constant: NDArray[np.float32] | None = None
        for block in sound.blocks():
            meter.add(block)
            parts = middle_and_sides(block)
            if constant is None:  # about what a converter added: no step where the sound begins and ends
                constant = considerable(parts.mean(axis=1), np.abs(parts).max(axis=1))[:, None]
            parts = parts - constant
            original.add(parts)
            keep(stream.resample_chunk(np.ascontiguousarray(parts.T) if kept > 1 else parts[0]))
        keep(stream.resample_chunk(np.zeros((0, kept) if kept > 1 else 0, np.float32), last=True))
        power = original.power()
        picked = int(kept > 1 and power[1] > power[0])
        width = (
            10 * np.log10(max(power[1], power[0] * 1e-12) / max(power[0], 1e-30))
            if kept > 1 and power.any()
            else -120.0
        )
        yield Heard(
            store,
            resampled.frames,
            kept,
            picked,
            float(considerable(resampled.mean(), resampled.peak())[picked]),
            float(resampled.peak()[picked]),
            sound.frames / sound.rate,
            meter.lufs(),
            float(np.clip(width, -120, 20)),
        )


def considerable(mean: NDArray[Any], peak: NDArray[Any]) -> NDArray[np.float32]:
    """A constant worth taking off: digital silence stays silence where there is none."""
    return np.where(np.abs(mean) > FAINT * peak, mean, 0).astype(np.float32)


def middle_and_sides(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1, frames) of one channel; (2, frames) of more: the mean of all, and half the difference of the first two."""
    if len(block) == 1:
        return block
    middle = 0.5 * (block[0] + block[1]) if len(block) == 2 else block.mean(axis=0)
    return np.stack([middle, 0.5 * (block[0] - block[1])])


class Moments:
    """Frames, mean, power about the mean and peak about the mean of each channel of a stream."""

    def __init__(self, channels: int) -> None:
        self.frames = 0
        self.sum, self.squares = np.zeros(channels), np.zeros(channels)
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)

    def add(self, part: NDArray[np.float32]) -> None:
        """More of it, (channels, frames)."""
        if not part.shape[1]:
            return
        self.frames += part.shape[1]
        self.sum += part.sum(axis=1, dtype=np.float64)
        self.squares += [float(np.dot(channel, channel)) for channel in part]
        self.low, self.high = np.minimum(self.low, part.min(axis=1)), np.maximum(self.high, part.max(axis=1))

    def mean(self) -> NDArray[np.float64]:
        return self.sum / max(self.frames, 1)

    def power(self) -> NDArray[np.float64]:
        return np.maximum(self.squares / max(self.frames, 1) - self.mean() ** 2, 0.0)

    def peak(self) -> NDArray[np.float64]:
        return np.maximum(self.high - self.mean(), self.mean() - self.low) if self.frames else 0 * self.sum


@dataclass(frozen=True, slots=True)
class Spectra:
    """One segment: magnitudes fine (1025, frames) and long (4097, frames), and the level in dB every 6 ms."""

    fine: NDArray[np.float32]
    long: NDArray[np.float32]
    quick_db: NDArray[np.float32]


def spectra(heard: Heard) -> Iterator[Spectra]:
    """Both STFTs, a minute at a time: memory does not grow with the length."""
    size = int(SEGMENT_S * RATE) // LONG_HOP * LONG_HOP
    total = heard.frames
    starts = list(range(0, max(total, 1), size))
    if len(starts) > 1 and total - starts[-1] < LONG:
        starts.pop()
    for k, start in enumerate(starts):
        part = heard.samples(start, total if k == len(starts) - 1 else start + size)
        if len(part) < LONG:
            part = np.pad(part, (0, LONG - len(part)))
        yield Spectra(
            np.abs(librosa().stft(part, n_fft=FINE, hop_length=FINE_HOP)),
            np.abs(librosa().stft(part, n_fft=LONG, hop_length=LONG_HOP)),
            quick_level(part),
        )


def quick_level(part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Level in dB of windows of 512 samples every 128, centred on their frames."""
    power = np.cumsum(np.pad(part.astype(np.float64) ** 2, (QUICK // 2 + 1, QUICK // 2)))
    energy = power[QUICK::QUICK_HOP] - power[: len(power) - QUICK : QUICK_HOP]
    return np.asarray(10 * np.log10(np.maximum(energy / QUICK, 1e-12)), np.float32)
