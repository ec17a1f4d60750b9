"""Clarinet: soft and hollow, the even harmonics weak low down, almost no vibrato."""

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments.bodies import in_a_room
from melancholia.instruments.events import Events
from melancholia.instruments.filters import radiation
from melancholia.instruments.noise import noise_band
from melancholia.instruments.wavetables import Voice, add_line
from melancholia.streams import generator

TRIM = 0.19
FALL = np.array([[1.05], [0.65]])  # exponent of 1/k, soft and loud
CORNER_HZ = np.array([[1200.0], [2400.0]])
EVEN_DB = (-28.0, -4.0)  # of even harmonics: low down, and at most
EVEN_FROM_HZ, EVEN_DB_A_HZ = 400.0, 14.0 / 800.0
BREATH = [(200, -20), (700, -4), (1500, 0), (6000, -12), (10_000, -36), (12_500, -80)]


def harmonics(f0: float, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Gains (2, harmonics): a tube closed at one end, open to even harmonics above its tone holes' cutoff."""
    hz = k * f0
    even_db = np.clip(EVEN_DB[0] + EVEN_DB_A_HZ * (hz - EVEN_FROM_HZ), *EVEN_DB)
    even = np.where(k % 2 == 0, 10 ** (even_db / 20), 1.0)
    return np.asarray(k**-FALL / (1 + (hz / CORNER_HZ) ** 2) * even)


VOICE = Voice(
    soft_corner_hz=(0.0, 1.0),
    loud_corner_hz=(0.0, 1.0),
    soft_slope=0.0,
    loud_slope=0.0,
    comb=0.0,
    attack_s=0.06,
    release_s=0.09,
    vibrato_hz=4.6,
    vibrato_cents=2.0,
    vibrato_delay_s=0.4,
    drift_cents=1.5,
    scoop_cents=4.0,
    noise_db=-50.0,
    slip=False,
    velocity_db=24.0,
    harmonics=harmonics,
    change_s=(0.06, 0.07),
    sway=0.05,
)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    track = np.zeros(frames, np.float32)
    noise = noise_band(2**19, generator(seed, "clarinet", "noise"), BREATH, rate)
    add_line(track, played, VOICE, noise, "clarinet", rate=rate, seed=seed, gains=[TRIM] * len(played), share=0.0)
    add_convolved(
        out, [track], [in_a_room(radiation("clarinet", seed, rate), generator(seed, "clarinet", "room"), rate)]
    )
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out
