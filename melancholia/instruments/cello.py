"""Solo cello: one bow, one body, a vibrato that waits, slides now and then."""

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments.bodies import body, evenness
from melancholia.instruments.events import Events
from melancholia.instruments.noise import noise_band
from melancholia.instruments.wavetables import Voice, add_line
from melancholia.streams import generator

TRIM = 0.3
BOW = [(60, -6), (300, 0), (9000, 0), (12_000, -40)]
VOICE = Voice(
    soft_corner_hz=(240.0, 0.45),
    loud_corner_hz=(2400.0, 1.2),
    soft_slope=3.0,
    loud_slope=2.0,
    comb=0.25,
    attack_s=0.12,
    release_s=0.18,
    vibrato_hz=5.2,
    vibrato_cents=16.0,
    vibrato_delay_s=0.28,
    drift_cents=1.8,
    scoop_cents=8.0,
    noise_db=-46.0,
    slip=True,
    velocity_db=26.0,
    change_s=(0.1, 0.22),
    sway=0.1,
    bite=6.0,
)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    track = np.zeros(frames, np.float32)
    noise = noise_band(2**18, generator(seed, "cello", "noise"), BOW, rate)
    gains = [TRIM * evenness("cello", 0, seed, rate, int(pitch)) for pitch in played.pitch]
    add_line(track, played, VOICE, noise, "cello", rate=rate, seed=seed, gains=gains)
    add_convolved(out, [track], [body("cello", 0, seed, rate)])
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out
