"""Warm pad: four slow voices across the stage that never line up."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments.events import Events
from melancholia.instruments.noise import noise_band
from melancholia.instruments.wavetables import Voice, add_note
from melancholia.streams import generator

VOICES = (-0.7, -0.25, 0.25, 0.7)  # where each stands
TUNED_SD_CENTS = 5.0
TRIM = 0.085
VOICE = Voice(
    soft_corner_hz=(150.0, 1.2),
    loud_corner_hz=(600.0, 2.0),
    soft_slope=2.4,
    loud_slope=2.2,
    comb=0.15,
    attack_s=1.4,
    release_s=1.0,
    vibrato_hz=0.33,
    vibrato_cents=5.0,
    vibrato_delay_s=0.0,
    drift_cents=2.5,
    scoop_cents=0.0,
    noise_db=-50.0,
    slip=False,
    velocity_db=24.0,
)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    noise = noise_band(
        2**18, generator(seed, "warm_pad", "noise"), [(100, -20), (400, 0), (3000, -6), (9000, -60)], rate
    )
    tuned = generator(seed, "warm_pad", "voices").normal(0, TUNED_SD_CENTS, len(VOICES))
    tuned -= tuned.mean()
    track = np.zeros(frames, np.float32)
    for voice, pan in enumerate(VOICES):
        track[:] = 0
        for k in range(len(played)):
            rng = generator(seed, "warm_pad", "voice", k, voice)
            add_note(
                track, played, k, VOICE, noise, rng, rate=rate, seed=seed + voice, gain=TRIM,
                cents=float(tuned[voice]), speed=float(rng.uniform(0.85, 1.15)),
            )  # fmt: skip
        out[0] += track * np.float32(np.cos((1 + pan) * np.pi / 4))
        out[1] += track * np.float32(np.sin((1 + pan) * np.pi / 4))
    return out
