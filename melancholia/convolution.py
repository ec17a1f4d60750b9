"""Long sounds through impulse responses, by FFT and overlap-save.

pocketfft works on four transforms side by side as fast as on one and a half, as long as they stay in cache: a stream is
cut into segments, and several of them are transformed in one call.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Array = NDArray[np.float32]
ROWS = 4  # segments of one call, at least
COSTS: dict[int, float] = {
    3 * 2**k: 1.0 if k < 17 else 1.2 for k in range(10, 18)
}  # by size: time for a sample, four side by side
LONG_COST = 2.4  # of sizes above: out of cache, one by one


def transform_size(taps: int) -> int:
    """Frames of a transform (2s and a 3) that take the least time for each frame of sound behind `taps`."""
    long = 3 * 2**18
    while long < 2 * taps:
        long *= 2
    costs = COSTS | {long: LONG_COST}
    return min((size for size in costs if size >= taps), key=lambda size: costs[size] * size / (size - taps + 1))


def chunk_of(taps: int, grid: int) -> int:
    """Frames, a multiple of `grid`, that one call of a convolver takes best behind a response of so many taps."""
    size = transform_size(taps)
    rows = max(ROWS, 2**20 // size) if size in COSTS else 1
    return max(rows * (size - taps + 1) // grid, 1) * grid


class Convolver:
    """A stream (inputs, frames) through responses (inputs, outputs, taps): blocks of any length equal the whole."""

    def __init__(self, responses: Array) -> None:
        self.taps = responses.shape[2]
        self.size = transform_size(self.taps)
        self.spectrum = fft.rfft(np.asarray(responses, np.float32), self.size, axis=2)
        self.heard = np.zeros((len(responses), self.taps - 1), np.float32)

    def process(self, block: Array) -> Array:
        frames, hop = block.shape[1], self.size - self.taps + 1
        before = self.taps - 1
        rows = -(-frames // hop)
        heard = np.zeros((len(block), before + rows * hop), np.float32)
        heard[:, :before] = self.heard
        heard[:, before : before + frames] = block
        self.heard = heard[:, frames : frames + before].copy()
        out = np.zeros((self.spectrum.shape[1], rows * hop), np.float32)
        sounding = [k for k, row in enumerate(heard) if row.any()]
        if not sounding:
            return out[:, :frames]
        segments = np.lib.stride_tricks.sliding_window_view(heard, self.size, axis=1)[:, ::hop]
        dry = {k: fft.rfft(segments[k], axis=1) for k in sounding}
        for channel, samples in enumerate(out):
            wet = sum(dry[k] * self.spectrum[k, channel] for k in sounding)
            samples[:] = fft.irfft(wet, self.size, axis=1)[:, before:].reshape(-1)
        return np.ascontiguousarray(out[:, :frames])


def add_convolved(out: Array, tracks: Sequence[Array], responses: Sequence[NDArray[np.floating]]) -> None:
    """Add each track (frames,) through its response (channels, taps) to out (channels, frames)."""
    taps = max(response.shape[1] for response in responses)
    padded = [np.pad(response, ((0, 0), (0, taps - response.shape[1]))) for response in responses]
    convolver = Convolver(np.array(padded, np.float32))
    chunk = chunk_of(taps, 1)
    for start in range(0, out.shape[1], chunk):
        block = np.array([track[start : start + chunk] for track in tracks], np.float32)
        out[:, start : start + chunk] += convolver.process(block)
