"""The sound as the listener needs it: 22 050 Hz mono at peak 1, two STFTs, loudness and width on the way.

Mono is the middle, (left + right) / 2; where more energy lies at the sides, (left - right) / 2, than in the middle (one
cable reversed, a wide synthesiser) it is the sides: nothing that people plainly hear cancels out. A constant that a
converter added is no sound, and taken off.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

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
FAINT = 2e-3  # of the peak: music's own mean lies below, and digital silence stays silence
SILENCE = 1e-6  # a peak below -120 dBFS holds nothing to hear


@dataclass(frozen=True, slots=True)
class Heard:
    """Mono samples at 22 050 Hz, peak at 1, and what the original alone tells: LUFS and width.

    The samples lie in memory, those of a long recording in a temporary file that has no name.
    """

    store: IO[bytes]
    frames: int
    peak: float
    seconds: float
    lufs: float
    width_db: float

    @property
    def silent(self) -> bool:
        return self.peak <= SILENCE

    def samples(self, start: int, end: int) -> NDArray[np.float32]:
        """The frames from start to end."""
        self.store.seek(4 * start)
        return np.frombuffer(self.store.read(4 * (end - start)), np.float32) / np.float32(self.peak)


@contextmanager
def hear(sound: Source) -> Iterator[Heard]:
    """Read the sound in blocks: once, or a second time where its sides hold more than its middle."""
    meter = IntegratedMeter(sound)
    middles, differences = Moments(), Moments()

    def middle(block: NDArray[np.float32]) -> NDArray[np.float32]:
        meter.add(block)
        found = middle_of(block)
        middles.add(found)
        if sound.channels > 1:
            differences.add(sides_of(block))
        return found

    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as store:
        kept = keep(sound, middle, store)
        mid, side = middles.power, differences.power
        if side > mid:
            store.seek(0)
            store.truncate()
            kept = keep(sound, sides_of, store)
        width = 10 * np.log10(max(side, mid * 1e-12) / max(mid, 1e-30)) if side or mid else -120.0
        yield Heard(
            store,
            kept.frames,
            kept.peak,
            sound.frames / sound.rate,
            meter.lufs(),
            float(np.clip(width, -120, 20)),
        )


def keep(sound: Source, mono: Callable[[NDArray[np.float32]], NDArray[np.float32]], store: IO[bytes]) -> "Moments":
    """One channel of a sound, as `mono` makes it of a block, at 22 050 Hz into `store`; and its moments."""
    import soxr

    stream = soxr.ResampleStream(sound.rate, RATE, 1, "float32", "HQ")
    found = Moments()
    constant: np.float32 | None = None
    for block in sound.blocks():
        part = mono(block)
        if constant is None:  # what a converter added, as the first second and a half tells it
            constant = part.mean() if abs(part.mean()) > FAINT * np.abs(part).max() else np.float32(0)
        resampled = stream.resample_chunk(part - constant if constant else part)
        found.add(resampled)
        store.write(resampled.tobytes())
    resampled = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    found.add(resampled)
    store.write(resampled.tobytes())
    return found


def middle_of(block: NDArray[np.float32]) -> NDArray[np.float32]:
    if len(block) > 2:
        return np.asarray(block.mean(axis=0))
    return block[0] if len(block) == 1 else np.asarray(0.5 * (block[0] + block[1]))


def sides_of(block: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(0.5 * (block[0] - block[1]))


class Moments:
    """Frames, extremes, mean and power about the mean of a stream."""

    def __init__(self) -> None:
        self.frames, self.sum, self.squares, self.low, self.high = 0, 0.0, 0.0, 0.0, 0.0

    def add(self, part: NDArray[np.float32]) -> None:
        if len(part):
            self.low = min(self.low, float(part.min())) if self.frames else float(part.min())
            self.high = max(self.high, float(part.max())) if self.frames else float(part.max())
            self.frames += len(part)
            self.sum += float(part.sum(dtype=np.float64))
            self.squares += float(np.dot(part, part))

    @property
    def mean(self) -> float:
        return self.sum / max(self.frames, 1)

    @property
    def power(self) -> float:
        return max(self.squares / max(self.frames, 1) - self.mean**2, 0.0)

    @property
    def peak(self) -> float:
        return max(self.high, -self.low)


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
        last = k == len(starts) - 1
        yield Spectra(
            whole_frames(np.abs(librosa().stft(part, n_fft=FINE, hop_length=FINE_HOP)), last),
            whole_frames(np.abs(librosa().stft(part, n_fft=LONG, hop_length=LONG_HOP)), last),
            whole_frames(quick_level(part), last),
        )


def whole_frames(rows: NDArray[np.float32], last: bool) -> NDArray[np.float32]:
    """Without the frame around the end of a segment, which is the first of the next."""
    return rows if last else np.ascontiguousarray(rows[..., :-1])


def quick_level(part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Level in dB of windows of 512 samples every 128, centred on their frames."""
    power = np.cumsum(np.pad(part.astype(np.float64) ** 2, (QUICK // 2 + 1, QUICK // 2)))
    energy = power[QUICK::QUICK_HOP] - power[: len(power) - QUICK : QUICK_HOP]
    return np.asarray(10 * np.log10(np.maximum(energy / QUICK, 1e-12)), np.float32)
