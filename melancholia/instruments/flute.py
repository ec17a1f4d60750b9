"""Flute: a soft tone with few harmonics, breath about it, and a vibrato of loudness more than of pitch."""

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments.bodies import in_a_room
from melancholia.instruments.events import Events
from melancholia.instruments.filters import radiation
from melancholia.instruments.noise import noise_band
from melancholia.instruments.wavetables import Voice, add_line
from melancholia.streams import generator

TRIM = 0.15
FALL_DB = np.array([[8.0], [3.5]])  # a harmonic, soft and loud, on middle C: as sampled flutes have it
STEEPER_DB = 5.0  # two octaves higher
SECOND_DB = 3.0  # the octave stands out
BREATH = [(150, -24), (500, -6), (1500, 0), (8000, -16), (11_000, -36), (13_000, -80)]


def harmonics(f0: float, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Gains (2, harmonics) that fall by so many dB a harmonic."""
    fall = FALL_DB + STEEPER_DB * np.log2(f0 / 261.63) / 2
    return np.asarray(10 ** ((-fall * (k - 1) + SECOND_DB * (k == 2)) / 20))


VOICE = Voice(
    soft_corner_hz=(0.0, 1.0),
    loud_corner_hz=(0.0, 1.0),
    soft_slope=0.0,
    loud_slope=0.0,
    comb=0.0,
    attack_s=0.08,
    release_s=0.09,
    vibrato_hz=4.9,
    vibrato_cents=10.0,
    vibrato_delay_s=0.25,
    drift_cents=3.0,
    scoop_cents=5.0,
    noise_db=-37.0,
    slip=False,
    velocity_db=24.0,
    vibrato_level=0.06,
    harmonics=harmonics,
    change_s=(0.06, 0.07),
    sway=0.06,
)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    track = np.zeros(frames, np.float32)
    noise = noise_band(2**19, generator(seed, "flute", "noise"), BREATH, rate)
    add_line(track, played, VOICE, noise, "flute", rate=rate, seed=seed, gains=[TRIM] * len(played), share=0.0)
    add_convolved(out, [track], [in_a_room(radiation("flute", seed, rate), generator(seed, "flute", "room"), rate)])
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out
