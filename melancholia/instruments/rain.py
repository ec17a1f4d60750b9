"""Rain: a bed of drops too many to hear apart, and before it those that fall near, on leaves, stone and water.

A drop that meets water strikes and then rings as the bubble that it drew in, upward; one that meets leaf or stone only
strikes. Heights are log-normal, so most are faint and a few are close.
"""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import beds
from melancholia.instruments.events import Events
from melancholia.streams import generator

TRIM = 0.23
BED_DB, ROAR_DB = -15.0, -25.0
BED: beds.Colour = [(40, -34), (300, -14), (1500, -4), (4000, 0), (9000, -5), (16_000, -15), (21_000, -50)]
ROAR: beds.Colour = [(40, -30), (150, -4), (400, 0), (900, -8), (3000, -40), (8000, -90)]  # on roofs far off
DROPS_PER_S = 240.0  # at full force
WATER = 0.35  # share of drops that draw a bubble


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    if not len(played):
        return out
    gain = beds.opened(played, rate, frames)
    rng = generator(seed, "rain", "bed")
    gusts = gain * beds.drift(frames, rate, rng, every_s=2.0, sd=0.16)
    far = gain * beds.drift(frames, rate, rng, every_s=5.0, sd=0.25)
    beds.add_noise(
        out,
        [(10 ** (BED_DB / 20) * TRIM * gusts, BED, 0.55), (10 ** (ROAR_DB / 20) * TRIM * far, ROAR, 0.3)],
        rng,
        rate,
    )
    add_drops(out, gusts, generator(seed, "rain", "drops"), rate)
    out[:, : int(played.frames(rate).min())] = 0
    return out


def add_drops(out: NDArray[np.float32], gain: NDArray[np.float32], rng: np.random.Generator, rate: int) -> None:
    """Drops over the stem: where it rains harder there are more of them, and they are heavier."""
    start = beds.moments(out.shape[1], rate, rng, per_s=DROPS_PER_S)
    count = len(start)
    here = np.minimum(gain[start].astype(np.float64), 1.5)
    falls = rng.random(count) < here**0.4
    heavy = TRIM * here**0.8 * np.minimum(rng.lognormal(-1.2, 0.9, count), 3.0) * falls
    pan = rng.uniform(-0.8, 0.8, count)
    struck = rng.uniform(1800, 7500, count)
    beds.add_grains(
        out, start, heavy * rng.choice([-1, 1], count), pan, hz=struck, chirp=-0.3 * struck / 0.01,
        decay=rng.uniform(700, 2400, count), rise=rng.uniform(0.0002, 0.0008, count), rate=rate,
    )  # fmt: skip
    later = np.minimum(start + (rng.uniform(0.002, 0.012, count) * rate).astype(np.int64), out.shape[1] - 1)
    bubble = 700 * (6500 / 700) ** rng.random(count)
    beds.add_grains(
        out, later, 0.8 * heavy * (rng.random(count) < WATER), pan, hz=bubble, chirp=bubble * rng.uniform(2, 14, count),
        decay=rng.uniform(90, 350, count) * (bubble / 2000) ** 0.5, rise=rng.uniform(0.001, 0.003, count), rate=rate,
    )  # fmt: skip
