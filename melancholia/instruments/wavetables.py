"""Players of a soft and a loud cycle: bow, breath or oscillator, with vibrato, drift and noise, a note at a time."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import kernels
from melancholia.instruments.events import Events, hertz

SIZE = 4096
BLOCK = 32  # frames between points of pitch and level at 48 kHz
ROOM_FOR_VIBRATO = 1.03
EXPRESSION_DB = 36.0  # expression 0 is this far below 127


@dataclass(frozen=True, slots=True)
class Voice:
    """How one player sounds: cycles, attack and release, vibrato, drift, noise, and the span of its loudness."""

    soft_corner_hz: tuple[float, float]  # a + b f0
    loud_corner_hz: tuple[float, float]
    soft_slope: float
    loud_slope: float
    comb: float
    attack_s: float
    release_s: float
    vibrato_hz: float
    vibrato_cents: float
    vibrato_delay_s: float
    drift_cents: float
    scoop_cents: float
    noise_db: float
    slip: bool
    velocity_db: float
    harmonics: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@lru_cache(maxsize=512)
def cycles(pitch: int, voice: Voice, highest_hz: float, phase_seed: int) -> NDArray[np.float32]:
    """The pair of cycles (SIZE + 1, 2), band-limited: nothing above `highest_hz` even under vibrato."""
    f0 = hertz(pitch)
    count = max(1, int(highest_hz / (ROOM_FOR_VIBRATO * f0)))
    spectrum = np.zeros((2, SIZE // 2 + 1), np.complex128)
    if voice.harmonics is None:
        count = min(count, SIZE // 2 - 1)
        k = np.arange(1, count + 1)
        phase = -np.pi / 2 + np.random.Generator(np.random.PCG64([phase_seed, pitch])).normal(0, 0.12, count)
        for row, ((a, b), slope) in enumerate(
            ((voice.soft_corner_hz, voice.soft_slope), (voice.loud_corner_hz, voice.loud_slope))
        ):
            corner = a + b * f0
            gain = (1 + (k * f0 / corner) ** 2) ** (-slope / 2) / k * (1 + voice.comb * np.cos(2 * np.pi * k * 0.127))
            spectrum[row, 1 : count + 1] = gain * np.exp(1j * phase)
    else:
        for row, gains in enumerate(voice.harmonics):
            for number, gain in enumerate(gains[:count], start=1):
                spectrum[row, number] = -1j * gain
    table = np.fft.irfft(spectrum * SIZE / 2, SIZE, axis=1)
    table /= np.sqrt((table[1] ** 2).mean())
    return np.ascontiguousarray(np.concatenate([table, table[:, :1]], axis=1).T, np.float32)


def wander(count: int, tau_blocks: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Slow noise of unit variance and mean 0 (an Ornstein-Uhlenbeck walk seen through a window of its own length)."""
    width = max(3, min(int(tau_blocks), 2000))
    kernel = np.exp(-np.arange(4 * width) / width)
    coarse = max(1, width // 8)
    points = rng.standard_normal(count // coarse + 40)
    walk = np.convolve(points, kernel[::coarse], "full")[20 : 20 + count // coarse + 3]
    walk /= np.sqrt((kernel[::coarse] ** 2).sum())
    out = np.interp(np.arange(count), np.arange(len(walk)) * coarse, walk)
    return np.asarray(out - out.mean())


def add_note(
    track: NDArray[np.float32],
    played: Events,
    k: int,
    voice: Voice,
    noise: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    rate: int,
    seed: int,
    gain: float,
    cents: float = 0.0,
    late_s: float = 0.0,
    speed: float = 1.0,
) -> None:
    """Note `k` by one player: `cents` out of tune, `late_s` behind, attack and release at `speed`."""
    block = BLOCK * max(1, round(rate / 48_000))
    onset = float(played.onset_s[k])
    start = int(round((onset + late_s) * rate))
    held = max(float(played.release_s[k]) - onset - late_s, 0.03)
    attack = voice.attack_s * (1.3 - 0.6 * played.velocity[k] / 127) * speed
    release = voice.release_s * speed
    frames = min(int((held + release * 2.3) * rate), len(track) - start)
    if frames <= 0:
        return
    blocks = frames // block + 2
    t = np.arange(blocks) * block / rate
    rise = np.clip(t / attack, 0, 1)
    fall = np.clip((t - held) / (release * 2.2), 0, 1)
    shape = np.sin(0.5 * np.pi * rise) ** 2 * np.cos(0.5 * np.pi * fall) ** 2
    shape *= 1 + 0.12 * np.sin(np.pi * np.clip(t / held, 0, 1))
    vibrato = float(played.curve("vibrato", np.array([onset]), smooth=False)[0]) / 64
    rate_hz = voice.vibrato_hz * (1 + 0.06 * wander(blocks, 1.5 * rate / block, rng)) + rng.normal(0, 0.2)
    swing = np.cumsum(rate_hz) * 2 * np.pi * block / rate + rng.uniform(0, 2 * np.pi)
    delay = voice.vibrato_delay_s + abs(rng.normal(0, 0.08)) * (voice.vibrato_delay_s > 0)
    depth = np.clip((t - delay) / 0.5, 0, 1) * vibrato
    bend = voice.drift_cents * wander(blocks, 0.45 * rate / block, rng)
    wave = voice.vibrato_cents * depth * np.sin(swing)
    bend = bend + wave - wave.mean() - voice.scoop_cents * np.exp(-t / 0.05) + cents
    dynamic = played.curve("expression", onset + late_s + t)
    level_db = EXPRESSION_DB * (dynamic / 127 - 1) + voice.velocity_db * (played.velocity[k] / 127 - 1)
    sway = 1 + 0.02 * wander(blocks, 0.6 * rate / block, rng) + 0.015 * depth * np.sin(swing + 1.3)
    level = gain * shape * sway * 10 ** (level_db / 20)
    pressed = shape * 10 ** (EXPRESSION_DB * (dynamic / 127 - 1) / 20)
    blend = np.clip(pressed * (1.15 * played.velocity[k] / 127) ** 1.3, 0, 1)
    hiss = 10 ** ((voice.noise_db + 3 * (1 - blend)) / 20) * (1 + 2 * np.exp(-t / 0.06))
    level[-1] = level[-2] = 0.0
    kernels.bow(
        track, start, frames, cycles(int(played.pitch[k]), voice, min(14_000.0, 0.45 * rate), seed),
        hertz(float(played.pitch[k])) / rate, 2 ** (bend / 1200), level, blend, noise,
        int(rng.integers(len(noise))), hiss, voice.slip, block,
    )  # fmt: skip
