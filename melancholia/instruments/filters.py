"""Fixed filters as impulse responses: from gains over frequency to taps, with the shortest phase there is."""

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from melancholia.streams import generator

GRID = 2**15  # points of the spectrum that taps are made from
LOWEST_HZ, KNOTS_AN_OCTAVE, RADIATED_SD_DB = 60.0, 4, 1.2
SIDES_DB = 1.8


def minimum_phase(
    gain: Callable[[NDArray[np.float64]], NDArray[np.float64]], *, rate: int, taps: int
) -> NDArray[np.float64]:
    """Impulse response (taps,) of these gains (above 0) at these Hz, its last quarter faded.

    Over half the sample rate its phase follows from its gain by the folded cepstrum (Oppenheim & Schafer).
    """
    cepstrum = np.fft.irfft(np.log(gain(np.asarray(np.fft.rfftfreq(GRID, 1 / rate), float))), GRID)
    cepstrum[1 : GRID // 2] *= 2
    cepstrum[GRID // 2 + 1 :] = 0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), GRID)[:taps]
    fade = taps // 4
    response[-fade:] *= np.linspace(1, 0, fade)
    return np.asarray(response)


@lru_cache(maxsize=16)
def radiation(name: str, seed: int, rate: int) -> NDArray[np.float64]:
    """A wind instrument before a pair of near microphones, (2, taps).

    What the sides differ in swings with the octaves, so where their gains agree their (shortest) phases differ most:
    side/mid stays near -15 dB on every key, and a sum to mono loses nothing.
    """
    rng = generator(seed, name, "radiation")
    knots = np.log(LOWEST_HZ) + np.log(2) / KNOTS_AN_OCTAVE * np.arange(9 * KNOTS_AN_OCTAVE)
    height_db = rng.normal(0, RADIATED_SD_DB, len(knots))
    period, at = rng.uniform(1.1, 1.5), rng.uniform(0, 2 * np.pi)

    def gain(hz: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        rumble = (hz / LOWEST_HZ) ** 2 / (1 + (hz / LOWEST_HZ) ** 2)
        octaves = np.log2(np.maximum(hz, 1.0))
        swing_db = side * SIDES_DB * np.sin(2 * np.pi * octaves / period + at)
        around_db = np.interp(octaves * np.log(2), knots, height_db) + swing_db
        return np.asarray((rumble + 1e-4) * 10 ** (around_db / 20))

    taps = int(0.04 * rate)
    made = np.stack([minimum_phase(partial(gain, side=side), rate=rate, taps=taps) for side in (1, -1)])
    return np.asarray(made - made.mean(axis=1, keepdims=True))
