"""Room for speech: a dip of the whole mix from 1 to 4 kHz, where consonants are told apart, while somebody speaks."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Samples, Source
from melancholia.convolution import Convolver

LOW_HZ, HIGH_HZ = 900.0, 4500.0  # edges at half gain, so that 1 to 4 kHz lie inside
DIP_DB = 7.0
RAMP_S = 0.4  # the dip is there when speech begins, and goes after it
TAPS_S = 0.02


def make_room(sound: Source, spans: Sequence[tuple[float, float]]) -> Iterator[Samples]:
    """The sound with the dip in each span (start, end in seconds), block by block; nothing else is changed."""
    taps = band_taps(sound.rate)
    late = len(taps) // 2
    filters = [Convolver(taps[None, None, :]) for _ in range(sound.channels)]
    history = np.zeros((sound.channels, late), np.float32)
    at = -late
    for block in padded(sound, late):
        heard = np.concatenate([history, block], axis=1)
        band = np.concatenate([one.process(row[None]) for one, row in zip(filters, block, strict=True)])
        plain = heard[:, : block.shape[1]]
        out = plain - depth(spans, (at + np.arange(block.shape[1])) / sound.rate) * band
        history = heard[:, block.shape[1] :]
        skip = max(0, -at)
        if skip < out.shape[1]:
            yield np.ascontiguousarray(out[:, skip:], np.float32)
        at += block.shape[1]


def band_taps(rate: int) -> NDArray[np.float32]:
    """A linear-phase band-pass, an odd number of taps long."""
    from scipy import signal

    count = int(TAPS_S * rate) // 2 * 2 + 1
    return np.asarray(signal.firwin(count, [LOW_HZ, min(HIGH_HZ, 0.45 * rate)], pass_zero=False, fs=rate), np.float32)


def padded(sound: Source, frames: int) -> Iterator[Samples]:
    yield from sound.blocks()
    yield np.zeros((sound.channels, frames), np.float32)


def depth(spans: Sequence[tuple[float, float]], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of the band is taken away at these times, 0 to 1 - 10**(-DIP_DB / 20)."""
    found = np.zeros(len(seconds))
    for start, end in spans:
        found = np.maximum(found, np.interp(seconds, (start - RAMP_S, start, end, end + RAMP_S), (0, 1, 1, 0)))
    return np.asarray((1 - 10 ** (-DIP_DB / 20)) * (0.5 - 0.5 * np.cos(np.pi * found)))
