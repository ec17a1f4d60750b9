"""Music box: pins pluck the tines of a steel comb on a small wooden box; nothing damps them."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import bars
from melancholia.instruments.events import Events, hertz

VOICE = bars.Bars(
    name="music_box",
    low=60,
    high=103,
    ratios=(1.0, 2.0, 6.267, 17.55),  # a clamped tine, and the comb's pull at twice its motion
    gains=(1.0, 0.18, 0.30, 0.14),
    shorter=(1.0, 0.6, 0.35, 0.15),
    small=10,
    small_db=-38.0,
    keys=(60, 72, 84, 96, 103),
    t60_s=(4.0, 3.4, 2.7, 1.9, 1.4),
    damper_t60_s=None,
    corner_hz=(500.0, 14_000.0),
    rise_s=0.0005,
    knock_hz=(420.0, 6500.0),
    knock_t60_s=(0.02, 0.08),
    knock_db=-14.0,
    air_db=-19.0,
    pan=0.15,
    trim=0.2,
)


def partials(pitch: float) -> NDArray[np.float64]:
    """Hz of what the ear takes for the pitch: of a bar the first mode alone."""
    return np.array([hertz(pitch)])


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    return bars.play(VOICE, played, rate, seed, frames)
