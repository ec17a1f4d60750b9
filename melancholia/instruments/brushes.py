"""Brushes on a snare drum: short notes are taps, longer ones swirls that last as long as the note.

The wires scratch: noise in grains. A tap also moves the head and, faintly, the snares; a swirl draws half a circle
over the head, from one side to the other and from its dark rim over the brighter middle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from melancholia.instruments.events import Events
from melancholia.instruments.modes import Modes, add_ringing
from melancholia.streams import generator

TRIM = 0.11
LEVEL_DB = 26.0  # velocity 1 is this far below 127
SWIRL_S = 0.25  # notes from this length on are swirls
TAP_DB, SWIRL_DB, TOUCH_DB = 0.0, -3.0, -12.0  # the last: where a swirl sets in
TAP_S, RELEASE_S = 0.5, 0.12
GRAIN_S, GRAIN_SD = 0.004, 0.5
SIDE = 0.5  # share of each ear's own noise
HEAD = ((186.0, 0.16, 1.0), (297.0, 0.13, 0.6), (421.0, 0.10, 0.45), (563.0, 0.08, 0.3))  # Hz, T60 s, loudness
HEAD_DB = -8.0
COLOURS_HZ = ((500.0, 2600.0), (1700.0, 6500.0), (4500.0, 10_500.0))
POOL_S = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Wires:
    """Noise of the wires (colours 3, ears 2, frames), dark, bright and airy, each of unit RMS: a stroke takes a piece
    of it and gives it its own grains."""

    noise: NDArray[np.float32]

    def piece(self, count: int, rng: np.random.Generator, rate: int) -> NDArray[np.float32]:
        start = int(rng.integers(0, self.noise.shape[2] - count + 1))
        points = np.maximum(rng.normal(1, GRAIN_SD, int(count / (GRAIN_S * rate)) + 3), 0.1)
        grains = np.interp(np.arange(count) / (GRAIN_S * rate), np.arange(len(points)), points)
        return np.asarray(self.noise[..., start : start + count] * grains.astype(np.float32))


def wires(longest: int, seed: int, rate: int) -> Wires:
    """Noise enough that the longest stroke, and any two of them, find their own."""
    count = max(int(POOL_S * rate), 2 * longest)
    mid, side = generator(seed, "brushes", "wires").standard_normal((2, count), dtype=np.float32)
    white = np.stack([mid + SIDE * side, mid - SIDE * side])
    colours = []
    for low_hz, high_hz in COLOURS_HZ:
        sos = signal.butter(2, [min(low_hz, 0.3 * rate), min(high_hz, 0.45 * rate)], "bandpass", fs=rate, output="sos")
        found = signal.sosfilt(sos, white, axis=1)
        colours.append(found / np.sqrt((found**2).mean()))
    return Wires(np.stack(colours).astype(np.float32))


def tap(force: float, noise: Wires, rng: np.random.Generator, rate: int) -> NDArray[np.float32]:
    """A tap (2, frames): wires first, then head and snares."""
    count = int(TAP_S * rate) // 32 * 32
    t = np.arange(count, dtype=np.float32) / np.float32(rate)
    dark, bright, airy = noise.piece(count, rng, rate)
    near = np.exp(-t / 0.045)
    made: NDArray[np.float32] = (0.55 - 0.25 * force) * near * dark + (0.5 + 0.3 * force) * near * bright
    made += force * (0.35 * near + 0.2 * np.exp(-t / 0.11) * np.minimum(t / 0.01, 1)) * airy
    hz = np.array([row[0] for row in HEAD]) * 2 ** rng.normal(0, 0.01, len(HEAD))
    loud = 10 ** (HEAD_DB / 20) * np.array([row[2] for row in HEAD])
    head = Modes(hz, 6.9 / np.array([row[1] for row in HEAD]), np.stack([loud, loud]).astype(complex) * -1j)
    add_ringing(made, head, np.full(len(HEAD), count), rate)
    grow, fade = max(2, int((0.011 - 0.007 * force) * rate)), count // 3
    made[:, :grow] *= (np.sin(0.5 * np.pi * np.arange(grow) / grow) ** 2).astype(np.float32)
    made[:, -fade:] *= (0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)).astype(np.float32)
    return made


def swirl(
    held_s: float, force: float, way: float, noise: Wires, rng: np.random.Generator, rate: int
) -> NDArray[np.float32]:
    """Half a circle (2, frames) over `held_s`, from the left (`way` 1) or the right (-1)."""
    count = int((held_s + RELEASE_S) * rate)
    t = np.arange(count, dtype=np.float32) / np.float32(rate)
    along = np.minimum(t / held_s, 1)
    up = np.sin(0.5 * np.pi * np.minimum(t / min(0.22, 0.4 * held_s), 1)) ** 1.5
    down = np.cos(0.5 * np.pi * np.clip((t - held_s + RELEASE_S) / (2 * RELEASE_S), 0, 1)) ** 2
    over = np.sin(np.pi * along)  # 0 at the rim, 1 over the middle
    dark, bright, airy = noise.piece(count, rng, rate)
    pan = 0.45 * way * np.cos(np.pi * along)
    sides = np.sqrt(1 + np.stack([pan, -pan]))
    press = up * down * (0.55 + 0.45 * over)
    drawn = (0.45 - 0.2 * over) * dark + (0.3 + 0.35 * over) * bright + 0.25 * force * over * airy
    return np.asarray(sides * press * drawn, np.float32)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    if not len(played):
        return out
    held = played.release_s - played.onset_s
    noise = wires(int((max(held.max(), TAP_S) + RELEASE_S) * rate) + 2, seed, rate)
    way = 1.0
    for k, start in enumerate(played.frames(rate)):
        rng = generator(seed, "brushes", k)
        force = float(played.velocity[k]) / 127
        level = TRIM * 10 ** ((LEVEL_DB * (force - 1) + rng.normal(0, 0.5)) / 20)
        swirls = held[k] >= SWIRL_S
        add(out, start, tap(force, noise, rng, rate), level * 10 ** ((TOUCH_DB if swirls else TAP_DB) / 20))
        if swirls:
            drawn = swirl(float(held[k]), force, way, noise, rng, rate)
            add(out, start, drawn, level * 10 ** (SWIRL_DB / 20))
            way = -way
    return out


def add(out: NDArray[np.float32], start: int, made: NDArray[np.float32], level: float) -> None:
    end = min(start + made.shape[1], out.shape[1])
    out[:, start:end] += np.float32(level) * made[:, : end - start]
