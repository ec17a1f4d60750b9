"""Harp: gut strings pulled near their middle over a long soundboard, ringing on until the hands return."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import plucked
from melancholia.instruments.events import Events

VOICE = plucked.Plucked(
    name="harp",
    low=28,
    high=100,
    keys=(28, 40, 52, 64, 76, 88, 100),
    t60_s=(10.0, 8.5, 6.8, 5.0, 3.7, 2.5, 1.6),
    loss_hz=2200.0,
    pluck_at=0.38,
    corner_hz=(280.0, 3400.0),
    inharmonicity=2.5e-5,
    rise_s=0.002,
    damper_t60_s=(1.1, 1.0, 0.9, 0.75, 0.6, 0.5, 0.45),
    finger_db=-34.0,
    body=plucked.Body(
        signature=((78, 10, -4), (152, 14, 0), (205, 16, 1), (268, 18, -1), (345, 18, 0), (430, 20, -2), (540, 20, -2)),
        spacing=0.06,
        q=20.0,
        corner_hz=1800.0,
        tilt_db=4.0,
        direct_db=-6.0,
        spread=0.85,
        pan=0.25,
    ),
    open_strings=tuple(range(31, 92, 2)),
    sympathy_db=-41.0,
    wash_db=-21.0,
    trim=0.14,
)


def partials(pitch: float) -> NDArray[np.float64]:
    """Hz of the partials of a key."""
    return plucked.partials_of(VOICE, pitch)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    return plucked.play(VOICE, played, rate, seed, frames)
