"""Noise of a given colour, steady and decaying."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def noise_band(count: int, rng: np.random.Generator, gains_db: Sequence[tuple[float, float]], rate: int) -> Array:
    """A circular buffer (a power of two long) of noise shaped by (Hz, dB) points, unit RMS."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / rate)
    at, gain = np.log(np.array([f for f, _ in gains_db])), np.array([g for _, g in gains_db])
    shaped = spectrum * 10 ** (np.interp(np.log(np.maximum(hertz, 1)), at, gain) / 20)
    noise = np.fft.irfft(shaped, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), np.float32)


def decaying_noise(
    rate: int, rng: np.random.Generator, *, bands: Sequence[tuple[float, float]], seconds: float, rise_s: float
) -> NDArray[np.float64]:
    """A stereo noise tail (2, taps) whose T60 follows (Hz, s) points, of unit energy a channel."""
    taps = int(seconds * rate)
    hop, size = 512, 2048
    at, t60 = np.log([f for f, _ in bands]), np.log([t for _, t in bands])
    window = np.hanning(size + 1)[:-1]
    out = np.zeros((2, taps + size))
    hertz = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1)
    rate_of_decay = 6.908 / np.exp(np.interp(np.log(hertz), at, t60))
    edge = 1 / (1 + (np.minimum(hertz, bands[0][0]) / bands[0][0]) ** -8)
    for channel in range(2):
        white = rng.standard_normal(taps + size)
        for start in range(0, taps, hop):
            frame = np.fft.rfft(white[start : start + size] * window)
            frame *= np.exp(-rate_of_decay * start / rate) * edge
            out[channel, start : start + size] += np.fft.irfft(frame, size) * window
    out = out[:, :taps]
    grow = min(int(rise_s * rate), taps)
    out[:, :grow] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(grow) / max(grow, 1))
    fade = min(int(0.05 * rate), taps)
    out[:, -fade:] *= np.linspace(1, 0, fade)
    return np.asarray(out / np.sqrt((out**2).sum(axis=1, keepdims=True)))
