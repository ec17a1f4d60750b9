"""The sound as the listener needs it: 22 050 Hz mono at peak 1, two STFTs, loudness and width on the way."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from melancholia.analysis.first_use import librosa
from melancholia.audio import Source

RATE = 22_050
SEGMENT_S = 60.0
FINE, FINE_HOP = 2048, 512
LONG, LONG_HOP = 8192, 2048
QUICK, QUICK_HOP = 512, 128  # of the level whose rises are timed
IN_MEMORY = 64 * 2**20  # bytes of mono sound; what is longer lies in a temporary file
SILENCE = 1e-6  # a peak below -120 dBFS holds nothing to hear
OFFSET_DB, ABSOLUTE_GATE, RELATIVE_GATE = -0.691, -70.0, -10.0  # ITU-R BS.1770


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
    """Read the sound once, in blocks."""
    import soxr

    stream = soxr.ResampleStream(sound.rate, RATE, 1, "float32", "HQ")
    meter = Meter(sound.rate, sound.channels)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as store:
        frames, peak, side, mid = 0, 0.0, 0.0, 0.0

        def keep(part: NDArray[np.float32]) -> None:
            nonlocal frames, peak
            store.write(part.tobytes())
            frames += len(part)
            peak = max(peak, float(np.abs(part).max(initial=0.0)))

        for block in sound.blocks():
            meter.add(block)
            left = block[0]
            right = block[1] if sound.channels > 1 else left
            middle = 0.5 * (left + right) if sound.channels <= 2 else block.mean(axis=0)
            side += float(np.dot(left - right, left - right)) / 4
            mid += float(np.dot(middle, middle))
            keep(stream.resample_chunk(np.ascontiguousarray(middle)))
        keep(stream.resample_chunk(np.zeros(0, np.float32), last=True))
        width = 10 * np.log10(max(side, mid * 1e-12) / mid) if mid > 0 else -120.0
        yield Heard(store, frames, peak, sound.frames / sound.rate, meter.lufs(), float(np.clip(width, -120, 20)))


class Meter:
    """Integrated loudness of a stream (BS.1770): K-weighting by scipy, 100 ms steps, both gates."""

    def __init__(self, rate: int, channels: int) -> None:
        from scipy import signal

        self.filter = signal.sosfilt
        self.sos = k_weighting(rate)
        self.state = np.zeros((2, channels, 2))
        weights = {5: (1, 1, 1, 1.41, 1.41), 6: (1, 1, 1, 0, 1.41, 1.41)}
        self.weights = np.array(weights.get(channels, (1.0,) * channels))
        self.step = round(rate / 10)
        self.held = np.zeros(0)
        self.energy: list[float] = []

    def add(self, block: NDArray[np.float32]) -> None:
        weighted, self.state = self.filter(self.sos, block, axis=1, zi=self.state)
        self.held = np.concatenate([self.held, self.weights @ weighted**2])
        whole = len(self.held) // self.step * self.step
        self.energy += self.held[:whole].reshape(-1, self.step).mean(axis=1).tolist()
        self.held = self.held[whole:]

    def lufs(self) -> float:
        energy = np.array(self.energy or ([float(self.held.mean())] if len(self.held) else [0.0]))
        power = np.convolve(energy, np.full(4, 0.25), "valid") if len(energy) >= 4 else np.array([energy.mean()])
        loud = OFFSET_DB + 10 * np.log10(np.maximum(power, 1e-15))
        kept = power[loud > ABSOLUTE_GATE]
        if not len(kept):
            return -120.0
        gate = OFFSET_DB + 10 * np.log10(kept.mean()) + RELATIVE_GATE
        return float(OFFSET_DB + 10 * np.log10(power[loud > max(gate, ABSOLUTE_GATE)].mean()))


def k_weighting(rate: int) -> NDArray[np.float64]:
    """The two biquads of BS.1770 at any rate, as second-order sections."""
    sections = []
    for f0, q, gain_db in (
        (1681.974450955533, 0.7071752369554196, 3.999843853973347),
        (38.13547087602444, 0.5003270373238773, None),
    ):
        k = np.tan(np.pi * f0 / rate)
        a0 = 1 + k / q + k * k
        a = [1, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
        if gain_db is None:
            b = [1.0, -2.0, 1.0]
        else:
            vh = 10 ** (gain_db / 20)
            vb = vh**0.4996667741545416
            b = [(vh + vb * k / q + k * k) / a0, 2 * (k * k - vh) / a0, (vh - vb * k / q + k * k) / a0]
        sections.append([*b, *a])
    return np.array(sections)


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
