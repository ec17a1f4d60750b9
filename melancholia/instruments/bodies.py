"""Bodies of bowed instruments as impulse responses: signature modes low down, a bridge hill above."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import kernels
from melancholia.instruments.events import hertz
from melancholia.instruments.noise import decaying_noise
from melancholia.streams import generator

SECONDS = 0.25
VIOLIN = ((275, 405, 460, 545, 700, 850, 1000, 1200), (22, 28, 30, 28, 25, 25, 25, 25), (-1, -9, 0, 2, -6, -4, -3, -3))
CELLO = ((98, 145, 185, 220, 300, 380, 490, 620), (22, 25, 25, 25, 25, 28, 28, 28), (1, -8, 1, 2, -5, -4, -3, -3))
HILL = {"violin": (1350.0, 2450.0, 0.45, 6.0, 3600.0), "cello": (700.0, 1250.0, 0.6, 0.0, 1400.0)}
EVEN = 0.75  # how much of a key's deviation is undone
ROOM_DB, ROOM_S, ROOM_ALIKE = -9.0, 0.6, 0.2  # the room to the body itself; how much of it the other side hears
ROOM_T60_S = ((60, 0.5), (250, 0.5), (1000, 0.45), (4000, 0.35), (8000, 0.2))


@lru_cache(maxsize=32)
def body(kind: str, number: int, seed: int, rate: int) -> NDArray[np.float64]:
    """Impulse response (2, taps) of one body, normalised to unit gain over 200 to 4000 Hz."""
    rng = generator(seed, "body", kind, number)
    f, q, db = (np.array(row, float) for row in (VIOLIN if kind == "violin" else CELLO))
    above, hill, width, hill_db, slope_from = HILL[kind]
    f = f * 2 ** rng.normal(0, 0.02, len(f))
    while f[-1] < min(12_000, 0.42 * rate):
        f = np.append(f, max(f[-1], above) * (1 + rng.uniform(0.03, 0.075)))
        q = np.append(q, 28 + rng.normal(0, 4))
        height = 20 * np.log10(rng.rayleigh(0.9) + 0.05) - 3 + hill_db * np.exp(-((np.log2(f[-1] / hill) / width) ** 2))
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
    made = in_a_room(made, generator(seed, "body", kind, number, "room"), rate)
    made -= made.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(made, 2**15))
    hz = np.fft.rfftfreq(2**15, 1 / rate)
    return np.asarray(made / np.sqrt((spectrum[:, (hz > 200) & (hz < 4000)] ** 2).mean()))


def in_a_room(response: NDArray[np.float64], rng: np.random.Generator, rate: int) -> NDArray[np.float64]:
    """An impulse response (2, taps) as near microphones hear it in a small room of wood.

    A partial under vibrato crosses the room's peaks and notches and shimmers; without them its level would stand still.
    """
    tail = decaying_noise(rate, rng, bands=ROOM_T60_S, seconds=ROOM_S, rise_s=0.004)
    tail = tail + ROOM_ALIKE * tail[::-1]
    size = 2 * tail.shape[1]
    own, hz = np.abs(np.fft.rfft(response, size)).mean(axis=0), np.fft.rfftfreq(size, 1 / rate)
    spectrum = np.fft.rfft(tail, size) * own
    near = (hz > 200) & (hz < 4000)
    spectrum *= 10 ** (ROOM_DB / 20) * np.sqrt((own[near] ** 2).mean() / (np.abs(spectrum[:, near]) ** 2).mean())
    coloured = np.fft.irfft(spectrum)[:, : tail.shape[1]]
    coloured[:, : response.shape[1]] += response[:, : tail.shape[1]]
    return np.asarray(coloured)


@lru_cache(maxsize=512)
def evenness(kind: str, number: int, seed: int, rate: int, pitch: int) -> float:
    """Gain that undoes most of a key's deviation (in dB) from its neighbours, from table and body."""
    response = body(kind, number, seed, rate)
    spectrum = np.sqrt((np.abs(np.fft.rfft(response, 2**15)) ** 2).mean(axis=0))

    def power(p: float) -> float:
        k = np.arange(1, 40)
        at = k * hertz(p) * 2**15 / rate
        at = at[at < len(spectrum) - 1]
        return float(((spectrum[at.astype(int)] / k[: len(at)]) ** 2).sum())

    around = np.mean([10 * np.log10(power(pitch + d) + 1e-12) for d in range(-7, 8)])
    return float(10 ** (EVEN * (around - 10 * np.log10(power(pitch) + 1e-12)) / 20))
