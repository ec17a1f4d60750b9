"""Tape hiss: the breath of a worn tape, bright above and warm below, that wanders from side to side and now and then
loses hold of the head."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import beds
from melancholia.instruments.events import Events
from melancholia.streams import generator

TRIM = 0.06
WARM_DB = -16.0
HISS: beds.Colour = [(60, -30), (100, -24), (1000, -7), (3500, 0), (8000, -4), (14_000, -16), (20_000, -50)]
WARM: beds.Colour = [(30, -24), (70, 0), (160, -4), (500, -20), (2000, -50), (6000, -90)]  # the bump of the head, below
DROPOUTS_PER_S = 0.25


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    if not len(played):
        return out
    rng = generator(seed, "tape_hiss")
    gain = TRIM * beds.opened(played, rate, frames) * beds.drift(frames, rate, rng, every_s=3.0, sd=0.08)
    gain *= held(frames, rate, rng)
    warm = gain * beds.drift(frames, rate, rng, every_s=4.0, sd=0.2)
    beds.add_noise(out, [(gain, HISS, 0.55), (10 ** (WARM_DB / 20) * warm, WARM, 0.3)], rng, rate)
    lean = beds.drift(frames, rate, rng, every_s=6.0, sd=0.06)
    out *= np.stack([lean, 2 - lean])
    out[:, : int(played.frames(rate).min())] = 0
    return out


def held(frames: int, rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How well the tape lies on the head: 1, but for short soft dips."""
    gain = np.ones(frames, np.float32)
    for start in beds.moments(frames, rate, rng, per_s=DROPOUTS_PER_S):
        width = int(rng.uniform(0.06, 0.25) * rate)
        dip = 1 - rng.uniform(0.1, 0.4) * np.hanning(width)
        gain[start : start + width] *= dip[: frames - start].astype(np.float32)
    return gain
