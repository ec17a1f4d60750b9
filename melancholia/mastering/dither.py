"""Integers of a depth from sound, by dither: the same for the same seed, in whatever blocks the sound comes."""

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Samples


class Dither:
    """TPDF dither of one step either way, drawn for each channel in order.

    What comes out is left-justified in int32, full scale 2**31. Digital silence stays silent.
    """

    def __init__(self, bits: int, channels: int, seed: int) -> None:
        self.bits = bits
        self.drawn = [np.random.SFC64([seed, channel]) for channel in range(channels)]

    def add(self, samples: Samples) -> NDArray[np.int32]:
        """The next block (channels, frames)."""
        out = np.empty(samples.shape, np.int32)
        for own, x, source in zip(out, samples, self.drawn, strict=True):
            pairs = source.random_raw(len(x)).view(np.int32)
            steps = np.subtract(pairs[::2], pairs[1::2], dtype=np.float64)
            steps *= 2.0**-32
            own[:] = whole_steps(steps, x, self.bits)
        return out


def whole_steps(steps: NDArray[np.float64], x: Samples, bits: int) -> NDArray[np.int32]:
    """Samples and what is added to them, in steps of a depth, as integers, left-justified in int32."""
    scale = 2.0 ** (bits - 1)
    steps += np.multiply(x, scale, dtype=np.float64)
    np.rint(steps, out=steps)
    if max(x.max(initial=0.0), -x.min(initial=0.0)) * scale > scale - 3:
        np.clip(steps, -scale, scale - 1, out=steps)
    whole = steps.astype(np.int32)
    whole <<= 32 - bits
    if not x.all():
        whole[x == 0] = 0
    return whole


def quantised(samples: Samples, bits: int) -> NDArray[np.int32]:
    """Samples that are integers of this depth already, as those integers, left-justified in int32."""
    return np.stack([whole_steps(np.zeros(len(x)), x, bits) for x in samples])
