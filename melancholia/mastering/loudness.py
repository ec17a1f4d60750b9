"""Loudness after ITU-R BS.1770-5 and EBU Tech 3341/3342: integrated, range, momentary, short-term, and true peak."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Audio, Samples, Source
from melancholia.mastering import kernels
from melancholia.meter import ABSOLUTE_GATE_LUFS, OFFSET_DB, RELATIVE_GATE_LU, k_weighting, weights_of
from melancholia.recordings import source

HOPS_A_SECOND = 100  # maximum momentary and short-term need 10 ms
RANGE_GATE_LU = -20.0
OVERSAMPLING, TAPS, KAISER_BETA = 8, 32, 8.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """LUFS, LU and dBTP of a whole recording; -inf where it is silent.

    Sound shorter than 0.4 s is measured as one block of its own length; shorter than 3 s, its short-term maximum is
    that of the whole.
    """

    integrated_lufs: float
    range_lu: float
    max_momentary_lufs: float
    max_short_term_lufs: float
    true_peak_dbtp: float


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over the sound gathers: weighted energy a hop of 10 ms, true peak a control block."""

    rate: int
    channels: int
    frames: int
    energy: NDArray[np.float64]
    hop_frames: NDArray[np.int64]
    peaks: NDArray[np.float32]
    block: int


def k_filter(rate: int) -> NDArray[np.float64]:
    """Coefficients (b0 b1 b2 a1 a2, twice) of the K-weighting, as the kernel takes them."""
    return np.ascontiguousarray(np.delete(k_weighting(rate), 3, axis=1).ravel())


def between_samples() -> NDArray[np.float32]:
    """Polyphase windowed sinc (7, 32): the seven places between two samples; each phase sums to 1."""
    at = np.arange(TAPS) - (TAPS // 2 - 1)
    rows = []
    for phase in range(1, OVERSAMPLING):
        t = at - phase / OVERSAMPLING
        window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (t / (TAPS / 2)) ** 2))) / np.i0(KAISER_BETA)
        row = np.sinc(t) * window
        rows.append(row / row.sum())
    return np.ascontiguousarray(rows, np.float32)


INTERPOLATOR = between_samples()


def control_block(rate: int) -> int:
    """Frames of a control block: 32 at 48 kHz, in proportion above."""
    return 32 * max(1, round(rate / 48_000))


def scan(sound: Source, *, skip_below: float = 0.0) -> Scan:
    """One pass: energies for the loudness, peaks for the limiter; any number of frames."""
    rate, block = sound.rate, control_block(sound.rate)
    filters, by_channel = k_filter(rate), weights_of(sound)
    hops = -(-sound.frames * HOPS_A_SECOND // rate)
    edges = np.round(np.arange(hops + 1) * rate / HOPS_A_SECOND).astype(np.int64)
    edges[-1] = sound.frames
    energy = np.zeros(hops)
    peaks = np.zeros(-(-sound.frames // block), np.float32)
    states = np.zeros((sound.channels, 5))
    hop, done = 0, 0
    meter = PeakMeter(sound.channels, peaks, block, skip_below)
    for samples in sound.blocks():
        at = 0
        while at < samples.shape[1]:
            end = min(samples.shape[1], int(edges[hop + 1]) - done)
            for c in range(sound.channels):
                if by_channel[c]:
                    kernels.k_weight_energy(samples[c, at:end], filters, states[c])
            at = end
            if done + at == edges[hop + 1]:
                energy[hop] = float(np.dot(by_channel, states[:, 4]))
                states[:, 4] = 0
                hop = min(hop + 1, hops - 1)
        done += samples.shape[1]
        meter.add(samples)
    meter.finish()
    return Scan(rate, sound.channels, sound.frames, energy, np.diff(edges), peaks, block)


class PeakMeter:
    """True peaks of a stream, block by block; it looks half a kernel ahead and behind."""

    def __init__(self, channels: int, peaks: NDArray[np.float32], block: int, skip_below: float) -> None:
        self.peaks, self.block, self.skip = peaks, block, np.float32(skip_below)
        self.before, self.after = TAPS // 2 - 1, TAPS // 2
        self.held = np.zeros((channels, self.before), np.float32)
        self.done = 0

    def add(self, samples: Samples) -> None:
        self.held = np.concatenate([self.held, samples], axis=1)
        ready = (self.held.shape[1] - self.before - self.after) // self.block
        if ready > 0:
            self.measure(ready)

    def measure(self, ready: int) -> None:
        count = ready * self.block
        view = self.peaks[self.done : self.done + ready]
        for channel in self.held:
            seen = np.ascontiguousarray(channel[: count + self.before + self.after])
            kernels.block_peaks(seen, INTERPOLATOR, view, self.block, self.skip)
        self.held = self.held[:, count:]
        self.done += ready

    def finish(self) -> None:
        pad = self.block + self.after
        self.held = np.concatenate([self.held, np.zeros((len(self.held), pad), np.float32)], axis=1)
        self.measure(len(self.peaks) - self.done)


def to_lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.asarray(OFFSET_DB + 10 * np.log10(power))


def windows(found: Scan, energy: NDArray[np.float64], hops: int, step: int) -> NDArray[np.float64]:
    """Mean power in windows of `hops` hops every `step` hops; the whole as one where it is shorter."""
    total = np.concatenate([[0.0], np.cumsum(energy)])
    count = np.concatenate([[0], np.cumsum(found.hop_frames)])
    if len(energy) < hops:
        return np.array([total[-1] / max(count[-1], 1)])
    starts = np.arange(0, len(energy) - hops + 1, step)
    return np.asarray((total[starts + hops] - total[starts]) / (count[starts + hops] - count[starts]))


def integrated(found: Scan, energy: NDArray[np.float64] | None = None) -> float:
    """Integrated loudness with both gates; -inf when all is below the absolute gate."""
    power = windows(found, found.energy if energy is None else energy, 40, 10)
    loud = to_lufs(power)
    kept = power[loud > ABSOLUTE_GATE_LUFS]
    if not len(kept):
        return float("-inf")
    gate = max(ABSOLUTE_GATE_LUFS, float(to_lufs(kept.mean())) + RELATIVE_GATE_LU)
    return float(to_lufs(power[loud > gate].mean()))


def loudness_range(found: Scan) -> float:
    """LRA in LU: the spread from the 10th to the 95th percentile of gated short-term loudness."""
    power = windows(found, found.energy, 300, 10)
    loud = to_lufs(power)
    kept = power[loud > ABSOLUTE_GATE_LUFS]
    if not len(kept):
        return 0.0
    gated = loud[loud > max(ABSOLUTE_GATE_LUFS, float(to_lufs(kept.mean())) + RANGE_GATE_LU)]
    low, high = np.percentile(gated, [10, 95])
    return float(high - low)


def loudness_of(found: Scan) -> Loudness:
    peak = float(found.peaks.max(initial=0.0))
    return Loudness(
        integrated_lufs=integrated(found),
        range_lu=loudness_range(found),
        max_momentary_lufs=float(to_lufs(windows(found, found.energy, 40, 1)).max()),
        max_short_term_lufs=float(to_lufs(windows(found, found.energy, 300, 1)).max()),
        true_peak_dbtp=20 * float(np.log10(peak)) if peak > 0 else float("-inf"),
    )


def measure(sound: Audio | Source | Path | str) -> Loudness:
    """Loudness and true peak (8 times oversampled) of a recording, in one streaming pass.

    Parameters
    ----------
    sound : Audio, Recording or path
        One to eight channels, any length.

    Returns
    -------
    Loudness
        LUFS, LU and dBTP; -inf where it is silent.

    Raises
    ------
    InputError
        Nobody knows where so many channels stand, or the file cannot be read.

    References
    ----------
    ITU-R BS.1770-5 (integrated, true peak), EBU Tech 3341 (momentary, short-term), EBU Tech 3342 (range).
    """
    return loudness_of(scan(source(sound)))


def short_term(sound: Audio | Source | Path | str) -> Iterator[tuple[float, float]]:
    """(seconds, LUFS) of each 3 s window, every 100 ms, at the window's end."""
    found = scan(source(sound))
    for k, lufs in enumerate(to_lufs(windows(found, found.energy, 300, 10))):
        yield 3.0 + k / 10, float(lufs)
