"""Sub bass: almost a sine, in the middle, felt more than heard."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments.events import Events
from melancholia.instruments.wavetables import Voice, add_note
from melancholia.streams import generator

TRIM = 0.2
HARMONICS = np.array([[1.0, 0.06, 0.02, 0.0], [1.0, 0.18, 0.07, 0.02]])  # soft, loud


def harmonics(f0: float, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """The same few gains on every key."""
    out = np.zeros((2, len(k)))
    out[:, : HARMONICS.shape[1]] = HARMONICS[:, : len(k)]
    return out


VOICE = Voice(
    soft_corner_hz=(0.0, 1.0),
    loud_corner_hz=(0.0, 1.0),
    soft_slope=0.0,
    loud_slope=0.0,
    comb=0.0,
    attack_s=0.12,
    release_s=0.16,
    vibrato_hz=5.0,
    vibrato_cents=0.0,
    vibrato_delay_s=0.0,
    drift_cents=0.0,
    scoop_cents=0.0,
    noise_db=-200.0,
    slip=False,
    velocity_db=24.0,
    harmonics=harmonics,
)
SILENT = np.zeros(8, np.float32)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes, the same in both channels."""
    track = np.zeros(frames, np.float32)
    for k in range(len(played)):
        rng = generator(seed, "sub_bass", "note", k)
        add_note(track, played, k, VOICE, SILENT, rng, rate=rate, seed=seed, gain=TRIM)
    return np.ascontiguousarray(np.stack([track, track]))
