"""A hand on the fader of a background: loud moments come down and soft ones up, slowly: none asks to be heard."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Samples, Source

HOP_S, WINDOW_S = 0.2, 1.2
RATIO = 3.0  # a level 3 dB from the mean is 1 dB from it afterwards
MOST_DB = 9.0  # of gain either way
FLOOR_DB = 30.0  # under the mean; softer moments (a tail) keep the gain that was


def levelled(sound: Source) -> Iterator[Samples]:
    """The sound with its level ridden toward its mean, block by block."""
    hop = int(HOP_S * sound.rate)
    gain = gain_db(levels_db(sound, hop))
    at = (np.arange(len(gain)) + 0.5) * hop
    done = 0
    for block in sound.blocks():
        db = np.interp(done + np.arange(block.shape[1]), at, gain)
        yield np.ascontiguousarray(block * 10 ** (db / 20), np.float32)
        done += block.shape[1]


def levels_db(sound: Source, hop: int) -> NDArray[np.float64]:
    """RMS over all channels in each hop, in dB."""
    total = np.zeros(sound.frames // hop + 1)
    done = 0
    for block in sound.blocks():
        at = (done + np.arange(block.shape[1])) // hop
        total += np.bincount(at, (block.astype(np.float64) ** 2).mean(axis=0), len(total))
        done += block.shape[1]
    return np.asarray(10 * np.log10(total / hop + 1e-12))


def gain_db(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gain for each hop: toward the mean of what sounds, moving no faster than the window."""
    width = max(1, round(WINDOW_S / HOP_S))
    shape = np.hanning(width + 2)[1:-1]
    power = np.convolve(np.pad(10 ** (levels / 10), width, mode="edge"), shape / shape.sum(), "same")[width:-width]
    smooth = 10 * np.log10(power)
    heard = smooth > smooth.max() - 50
    mean = float(smooth[heard].mean())
    gain = np.clip((1 / RATIO - 1) * (smooth - mean), -MOST_DB, MOST_DB)
    soft = smooth < mean - FLOOR_DB
    last = np.maximum.accumulate(np.where(soft, 0, np.arange(len(gain))))
    return np.asarray(np.convolve(np.pad(gain[last], width, mode="edge"), shape / shape.sum(), "same")[width:-width])
