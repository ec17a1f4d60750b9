"""Loudness after ITU-R BS.1770-5 and EBU Tech 3341/3342: integrated, range, momentary, short-term, and true peak."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from melancholia.audio import Audio, Samples, Source
from melancholia.mastering.series import PIECE, Series
from melancholia.meter import ABSOLUTE_GATE_LUFS, KWeighting, gated, to_lufs, weights_of
from melancholia.recordings import source

HOPS_A_SECOND = 100  # maximum momentary and short-term need 10 ms
RANGE_GATE_LU = -20.0
MOMENTARY, SHORT_TERM = 40, 300  # hops
OVERSAMPLING, TAPS, KAISER_BETA = 8, 32, 8.0
STEP = 32  # a power of two: frames that are looked at between their samples at once
AT_ONCE = 1024  # of them


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


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What one pass over the sound gathers: weighted energy a hop of 10 ms, true peak a control block.

    Peaks that lie further below the highest than `exact_db` are those of the samples alone.
    """

    rate: int
    channels: int
    frames: int
    energy: NDArray[np.float64]
    peaks: Series
    block: int
    highest: float

    def edges(self, hops: NDArray[np.int64]) -> NDArray[np.int64]:
        """The frames at which hops begin."""
        return np.minimum((2 * hops * self.rate + HOPS_A_SECOND) // (2 * HOPS_A_SECOND), self.frames)


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


def interpolation() -> NDArray[np.float32]:
    """A matrix (STEP + TAPS - 1, phases * STEP) that makes of so many samples those between the middle ones."""
    rows = between_samples()
    matrix = np.zeros((STEP + TAPS - 1, len(rows), STEP), np.float32)
    for phase, row in enumerate(rows):
        for j in range(STEP):
            matrix[j : j + TAPS, phase, j] = row
    return matrix.reshape(STEP + TAPS - 1, -1)


INTERPOLATOR = interpolation()
REACH = float(np.abs(between_samples()).sum(axis=1).max())  # the most that lies between samples, for each in them


def control_block(rate: int) -> int:
    """Frames of a control block: 32 at 48 kHz, in proportion above."""
    return STEP * max(1, round(rate / 48_000))


def scan(sound: Source, *, exact_db: float = 0.0) -> Scan:
    """One pass: energies for the loudness, peaks for the limiter; any number of frames.

    The highest peak is exact, and with it all that lie less than `exact_db` below: others are not looked at closely.
    """
    block = control_block(sound.rate)
    energies = Energies(sound)
    meter = PeakMeter(sound.channels, block, sound.frames, share=10 ** (-exact_db / 20))
    with threadpool_limits(1):  # the products are small: more threads would only wait for one another
        for samples in sound.blocks():
            energies.add(samples)
            meter.add(samples)
        meter.finish()
    return Scan(sound.rate, sound.channels, sound.frames, energies.energy, meter.peaks, block, meter.highest)


def highest_of_steps(samples: Samples) -> Samples:
    """The highest of each `STEP` samples, halved again and again: numpy is slow where runs are short."""
    for _ in range(STEP.bit_length() - 1):
        samples = np.maximum(samples[:, ::2], samples[:, 1::2])
    return samples


class Energies:
    """K-weighted energy of a stream in hops of 10 ms; hop k ends before the frame round(k * rate / 100)."""

    def __init__(self, sound: Source) -> None:
        self.rate, self.frames, self.done = sound.rate, sound.frames, 0
        self.filter, self.weights = KWeighting(sound.rate, sound.channels), weights_of(sound).astype(np.float32)
        self.energy = np.zeros(-(-sound.frames * HOPS_A_SECOND // sound.rate))

    def add(self, samples: Samples) -> None:
        weighted = self.filter.add(samples)
        weighted *= weighted
        power = self.weights @ weighted
        last = len(self.energy) - 1
        hops = np.arange(self.hop(self.done), self.hop(self.done + len(power) - 1) + 1)
        starts = np.maximum((2 * hops * self.rate + HOPS_A_SECOND) // (2 * HOPS_A_SECOND) - self.done, 0)
        self.energy[np.minimum(hops, last)] += np.add.reduceat(power, starts, dtype=np.float64)
        self.done += len(power)

    def hop(self, frame: int) -> int:
        """The hop in which a frame lies."""
        guess = min(frame * HOPS_A_SECOND // self.rate + 1, len(self.energy) - 1)
        while guess and (2 * guess * self.rate + HOPS_A_SECOND) // (2 * HOPS_A_SECOND) > frame:
            guess -= 1
        return guess


class PeakMeter:
    """True peaks of a stream of so many frames, block by block; it looks half a kernel ahead and behind.

    What lies below a `share` of the highest so far, and below `near`, is not looked at between its samples: a value
    there is at most `REACH` times the highest sample about it.
    """

    def __init__(self, channels: int, block: int, frames: int, *, share: float, near: float = np.inf) -> None:
        self.peaks, self.block, self.blocks = Series(), block, -(-frames // block)
        self.share, self.near, self.highest = share, near, 0.0
        self.before, self.after = TAPS // 2 - 1, TAPS // 2
        self.held = np.zeros((channels, self.before), np.float32)

    def add(self, samples: Samples) -> None:
        self.held = np.concatenate([self.held, samples], axis=1)
        ready = (self.held.shape[1] - self.before - self.after) // self.block
        if ready > 0:
            self.measure(ready)

    def measure(self, ready: int) -> None:
        count = ready * self.block
        steps = highest_of_steps(np.abs(self.held[:, self.before : self.before + count]))
        first = np.abs(self.held[:, : self.before]).max(axis=1, keepdims=True)
        last = np.abs(self.held[:, self.before + count : self.before + count + self.after]).max(axis=1, keepdims=True)
        sides = np.concatenate([first, steps, last], axis=1)
        wide = np.maximum(np.maximum(sides[:, :-2], sides[:, 2:]), steps)
        self.highest = max(self.highest, float(steps.max(initial=0.0)))
        near = wide * REACH > min(self.near, self.highest * self.share)
        for own, held, close in zip(steps, self.held, near, strict=True):
            windows = sliding_window_view(held[: count + TAPS - 1], STEP + TAPS - 1)[::STEP]
            at = np.flatnonzero(close)
            for start in range(0, len(at), AT_ONCE):
                some = at[start : start + AT_ONCE]
                between = windows[some] @ INTERPOLATOR
                own[some] = np.maximum(own[some], np.maximum(between.max(axis=1), -between.min(axis=1)))
        found = steps.max(axis=0).reshape(ready, -1).max(axis=1)
        self.highest = max(self.highest, float(found.max(initial=0.0)))
        self.peaks.add(found)
        self.held = self.held[:, count:]

    def finish(self) -> None:
        pad = self.block + self.after
        self.held = np.concatenate([self.held, np.zeros((len(self.held), pad), np.float32)], axis=1)
        self.measure(self.blocks - len(self.peaks))


def tenths(found: Scan, energy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Energy and frames of each tenth of a second; of the whole, where it is shorter than one."""
    count = max(1, len(energy) // 10)
    edges = found.edges(np.arange(count + 1) * 10)
    if len(energy) < 10:
        return np.array([energy.sum()]), np.array([found.frames])
    return energy[: count * 10].reshape(-1, 10).sum(axis=1), np.diff(edges)


def power_in(window: int, energy: NDArray[np.float64], frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean power in each window of so many steps; of all there is, where it is shorter."""
    total = np.concatenate([[0.0], np.cumsum(energy)])
    count = np.concatenate([[0], np.cumsum(frames)])
    window = min(window, len(energy))
    return np.asarray((total[window:] - total[:-window]) / np.maximum(count[window:] - count[:-window], 1))


def momentary_power(found: Scan, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power of each 400 ms, every 100 ms; of the whole where it is shorter."""
    if len(energy) < MOMENTARY:
        return np.array([energy.sum() / max(found.frames, 1)])
    return power_in(4, *tenths(found, energy))


def short_term_power(found: Scan, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power of each 3 s, every 100 ms; of the whole where it is shorter."""
    if len(energy) < SHORT_TERM:
        return np.array([energy.sum() / max(found.frames, 1)])
    return power_in(30, *tenths(found, energy))


def highest_power(found: Scan, window: int) -> float:
    """The highest mean power in windows of so many hops, every hop; of the whole where it is shorter."""
    hops = len(found.energy)
    if hops <= window:
        return float(found.energy.sum()) / max(found.frames, 1)
    best = 0.0
    for start in range(0, hops - window + 1, PIECE):
        stop = min(start + PIECE + window, hops)
        frames = np.diff(found.edges(np.arange(start, stop + 1)))
        best = max(best, float(power_in(window, found.energy[start:stop], frames).max()))
    return best


def integrated(found: Scan, energy: NDArray[np.float64] | None = None) -> float:
    """Integrated loudness with both gates; -inf when all is below the absolute gate."""
    return gated(momentary_power(found, found.energy if energy is None else energy))


def loudness_range(found: Scan, energy: NDArray[np.float64] | None = None) -> float:
    """LRA in LU: the spread from the 10th to the 95th percentile of gated short-term loudness."""
    power = short_term_power(found, found.energy if energy is None else energy)
    loud = to_lufs(power)
    kept = power[loud > ABSOLUTE_GATE_LUFS]
    if not len(kept):
        return 0.0
    gate = max(ABSOLUTE_GATE_LUFS, float(to_lufs(kept.mean())) + RANGE_GATE_LU)
    low, high = np.percentile(loud[loud > gate], [10, 95])
    return float(high - low)


def loudness_of(found: Scan) -> Loudness:
    return Loudness(
        integrated_lufs=integrated(found),
        range_lu=loudness_range(found),
        max_momentary_lufs=float(to_lufs(np.float64(highest_power(found, MOMENTARY)))),
        max_short_term_lufs=float(to_lufs(np.float64(highest_power(found, SHORT_TERM)))),
        true_peak_dbtp=20 * float(np.log10(found.highest)) if found.highest > 0 else float("-inf"),
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
    for k, lufs in enumerate(to_lufs(short_term_power(found, found.energy))):
        yield 3.0 + k / 10, float(lufs)
