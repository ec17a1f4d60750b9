"""Bodies of bowed instruments as impulse responses: signature modes low down, a bridge hill above."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import kernels
from melancholia.instruments.events import hertz
from melancholia.streams import generator

SECONDS = 0.25
VIOLIN = ((275, 405, 460, 545, 700, 850, 1000, 1200), (22, 28, 30, 28, 25, 25, 25, 25), (-1, -9, 0, 2, -6, -4, -3, -3))
CELLO = ((98, 145, 185, 220, 300, 380, 490, 620), (22, 25, 25, 25, 25, 28, 28, 28), (1, -8, 1, 2, -5, -4, -3, -3))
HILL = {"violin": (1350.0, 2450.0, 0.45, 3600.0), "cello": (700.0, 1250.0, 0.6, 2600.0)}


@lru_cache(maxsize=32)
def body(kind: str, number: int, seed: int, rate: int) -> NDArray[np.float64]:
    """Impulse response (2, taps) of one body, normalised to unit gain over 200 to 4000 Hz."""
    rng = generator(seed, "body", kind, number)
    f, q, db = (np.array(row, float) for row in (VIOLIN if kind == "violin" else CELLO))
    above, hill, width, slope_from = HILL[kind]
    f = f * 2 ** rng.normal(0, 0.02, len(f))
    while f[-1] < min(12_000, 0.42 * rate):
        f = np.append(f, max(f[-1], above) * (1 + rng.uniform(0.03, 0.075)))
        q = np.append(q, 28 + rng.normal(0, 4))
        height = 20 * np.log10(rng.rayleigh(0.9) + 0.05) - 3 + 6 * np.exp(-((np.log2(f[-1] / hill) / width) ** 2))
        db = np.append(db, height - 6 * max(0.0, np.log2(f[-1] / slope_from)))
    strength = 10 ** (db / 20) * f / q
    phase = np.exp(1j * rng.uniform(0, 2 * np.pi, len(f)))
    other = 10 ** (rng.uniform(-2, 2, len(f)) / 20) * (rng.random(len(f)) > 0.12)
    turn = np.exp(1j * rng.normal(0, 0.5, len(f)))
    left, right = strength * phase, strength * phase * other * turn
    mid = 0.5 * (left + right)
    left, right = 0.45 * left + 0.55 * mid, 0.45 * right + 0.55 * mid
    out = np.zeros((2, int(SECONDS * rate) // 32 * 32), np.float32)
    kernels.ring(
        out, 2 * np.pi * f / rate, np.pi * f / q / rate, left.real.copy(), left.imag.copy(), right.real.copy(),
        right.imag.copy(), np.full(len(f), out.shape[1], np.int64),
    )  # fmt: skip
    fade = out.shape[1] // 4
    made = out.astype(np.float64)
    made[:, -fade:] *= np.linspace(1, 0, fade)
    made -= made.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(made, 2**15))
    hz = np.fft.rfftfreq(2**15, 1 / rate)
    return np.asarray(made / np.sqrt((spectrum[:, (hz > 200) & (hz < 4000)] ** 2).mean()))


@lru_cache(maxsize=512)
def evenness(kind: str, number: int, seed: int, rate: int, pitch: int) -> float:
    """Gain that undoes half of a key's deviation (in dB) from its neighbours, from table and body."""
    response = body(kind, number, seed, rate)
    spectrum = np.sqrt((np.abs(np.fft.rfft(response, 2**15)) ** 2).mean(axis=0))

    def power(p: float) -> float:
        k = np.arange(1, 40)
        at = k * hertz(p) * 2**15 / rate
        at = at[at < len(spectrum) - 1]
        return float(((spectrum[at.astype(int)] / k[: len(at)]) ** 2).sum())

    around = np.mean([10 * np.log10(power(pitch + d) + 1e-12) for d in range(-7, 8)])
    return float(10 ** (0.5 * (around - 10 * np.log10(power(pitch) + 1e-12)) / 20))
