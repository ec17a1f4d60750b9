"""Vinyl: an old record between the notes, dust and scratches in the groove, the hiss of its surface, the motor below.

The surface swells a little with each turn of the record, never twice the same.
"""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import beds
from melancholia.instruments.events import Events
from melancholia.streams import generator

TRIM = 0.7
TURN_S = 60 / (100 / 3)  # 33 1/3 turns a minute
SURFACE_DB, RUMBLE_DB = -35.0, -42.0
SURFACE: beds.Colour = [(60, -14), (300, -5), (1500, 0), (5000, -4), (10_000, -12), (16_000, -30), (20_000, -60)]
RUMBLE: beds.Colour = [(15, -12), (25, 0), (40, -6), (90, -40), (300, -90)]
# what lies in the groove: a second, Hz, decay 1/s, loudness
DUST = ((12.0, 5200.0, 2500.0, 0.6), (5.0, 2600.0, 1400.0, 0.9), (0.7, 900.0, 500.0, 1.1))


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    if not len(played):
        return out
    gain = TRIM * beds.opened(played, rate, frames)
    rng = generator(seed, "vinyl", "surface")
    surface = gain * turning(frames, rate, rng)
    rumble = gain * beds.drift(frames, rate, rng, every_s=3.0, sd=0.2)
    beds.add_noise(
        out,
        [(10 ** (SURFACE_DB / 20) * surface, SURFACE, 0.5), (10 ** (RUMBLE_DB / 20) * rumble, RUMBLE, 0.0)],
        rng,
        rate,
    )
    for number, (per_s, hz, decay, loud) in enumerate(DUST):
        rng = generator(seed, "vinyl", "dust", number)
        start = beds.moments(frames, rate, rng, per_s=per_s)
        count = len(start)
        level = loud * surface[start] * np.minimum(rng.lognormal(-1.4, 0.8, count), 1.3) * rng.choice([-1, 1], count)
        beds.add_grains(
            out, start, level, rng.normal(0, 0.35, count).clip(-1, 1), hz=hz * 2 ** rng.normal(0, 0.4, count),
            chirp=np.zeros(count), decay=decay * 2 ** rng.normal(0, 0.4, count),
            rise=np.full(count, 0.0001) + 0.2 / hz, rate=rate,
        )  # fmt: skip
    out[:, : int(played.frames(rate).min())] = 0
    return out


def turning(frames: int, rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The surface's swell round 1: once a turn, of a depth that wanders."""
    at = np.arange(int(frames / rate * beds.DRIFT_HZ) + 3) / beds.DRIFT_HZ
    depth = np.interp(at, np.arange(len(at)) * 4.0, rng.normal(0.16, 0.06, len(at)))
    swell = 1 + depth * np.sin(2 * np.pi * (at / TURN_S + rng.random()))
    return beds.drawn(at, swell, frames, rate)
