"""Solo cello: one bow, one body, a vibrato that waits."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments.bodies import body, evenness
from melancholia.instruments.convolution import add_convolved, noise_band
from melancholia.instruments.events import Events
from melancholia.instruments.wavetables import Voice, add_note
from melancholia.streams import generator

TRIM = 0.3
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
    noise_db=-42.0,
    slip=True,
    velocity_db=26.0,
)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    track = np.zeros(frames, np.float32)
    noise = noise_band(2**18, generator(seed, "cello", "noise"), [(500, -30), (900, 0), (9000, 0), (12000, -40)], rate)
    for k in range(len(played)):
        rng = generator(seed, "cello", "stroke", k)
        gain = TRIM * evenness("cello", 0, seed, rate, int(played.pitch[k]))
        add_note(track, played, k, VOICE, noise, rng, rate=rate, seed=seed, gain=gain)
    add_convolved(out, [track], [body("cello", 0, seed, rate)])
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out
