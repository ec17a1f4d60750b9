"""Solo violin: one bow, one body near the ear, a vibrato that waits, slides now and then."""

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments.bodies import body, evenness
from melancholia.instruments.events import Events
from melancholia.instruments.noise import noise_band
from melancholia.instruments.wavetables import Voice, add_line
from melancholia.streams import generator

TRIM = 0.38
BOW = [(60, -6), (300, 0), (9000, 0), (12_000, -40)]
VOICE = Voice(
    soft_corner_hz=(120.0, 0.95),
    loud_corner_hz=(2100.0, 1.0),
    soft_slope=4.2,
    loud_slope=2.3,
    comb=0.25,
    attack_s=0.11,
    release_s=0.16,
    vibrato_hz=5.1,
    vibrato_cents=17.0,
    vibrato_delay_s=0.32,
    drift_cents=3.0,
    scoop_cents=8.0,
    noise_db=-49.0,
    slip=True,
    velocity_db=26.0,
    change_s=(0.1, 0.22),
    sway=0.08,
    bite=6.0,
)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    track = np.zeros(frames, np.float32)
    noise = noise_band(2**18, generator(seed, "solo_violin", "noise"), BOW, rate)
    gains = [TRIM * evenness("violin", 0, seed, rate, int(pitch)) for pitch in played.pitch]
    add_line(track, played, VOICE, noise, "solo_violin", rate=rate, seed=seed, gains=gains)
    add_convolved(out, [track], [body("violin", 0, seed, rate)])
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out
