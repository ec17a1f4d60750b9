"""Nylon guitar: soft flesh on nylon strings, near the rose; the air of the body at 100 Hz, its top at 200."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import plucked
from melancholia.instruments.events import Events

VOICE = plucked.Plucked(
    name="nylon_guitar",
    low=40,
    high=88,
    keys=(40, 52, 64, 76, 88),
    t60_s=(9.0, 7.8, 6.3, 4.9, 3.0),
    loss_hz=1500.0,
    pluck_at=0.14,
    corner_hz=(350.0, 4200.0),
    inharmonicity=2.5e-5,
    rise_s=0.0015,
    damper_t60_s=(0.30, 0.26, 0.22, 0.18, 0.16),
    finger_db=-30.0,
    body=plucked.Body(
        signature=((100, 18, -1), (202, 26, 2), (240, 30, -6), (380, 30, -3), (420, 32, -4), (560, 30, -3)),
        spacing=0.055,
        q=26.0,
        corner_hz=2500.0,
        tilt_db=4.0,
        direct_db=-6.0,
        spread=0.85,
        pan=0.06,
    ),
    open_strings=(40, 45, 50, 55, 59, 64),
    sympathy_db=-38.0,
    wash_db=-18.0,
    trim=0.105,
)


def partials(pitch: float) -> NDArray[np.float64]:
    """Hz of the partials of a key."""
    return plucked.partials_of(VOICE, pitch)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    return plucked.play(VOICE, played, rate, seed, frames)
