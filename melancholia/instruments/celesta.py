"""Celesta: felt hammers on steel bars over wooden resonators; dampers, and a pedal that lifts them."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import bars
from melancholia.instruments.events import Events, hertz

VOICE = bars.Bars(
    name="celesta",
    low=60,
    high=108,
    ratios=(1.0, 2.756, 5.404, 8.933, 13.34),  # a free bar
    gains=(1.0, 0.34, 0.17, 0.10, 0.05),
    shorter=(1.0, 0.45, 0.28, 0.22, 0.15),
    small=12,
    small_db=-36.0,
    keys=(60, 72, 84, 96, 108),
    t60_s=(5.0, 4.2, 3.2, 2.2, 1.4),
    damper_t60_s=0.35,
    corner_hz=(250.0, 14_000.0),
    rise_s=0.0011,
    knock_hz=(180.0, 5200.0),
    knock_t60_s=(0.03, 0.11),
    knock_db=-15.0,
    air_db=-20.0,
    pan=0.2,
    trim=0.2,
)


def partials(pitch: float) -> NDArray[np.float64]:
    """Hz of what the ear takes for the pitch: of a bar the first mode alone."""
    return np.array([hertz(pitch)])


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    return bars.play(VOICE, played, rate, seed, frames)
