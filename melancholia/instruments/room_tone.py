"""Room tone: the air of a quiet room, as every recording has it under the music; nothing happens in it."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import beds
from melancholia.instruments.events import Events
from melancholia.streams import generator

TRIM = 0.06
# what is left in the softest moments of 53 sad and calm acoustic recordings: -3 dB an octave, -7 above 2 kHz
AIR: beds.Colour = [
    (40, 2),
    (60, 9),
    (120, 9),
    (500, 3),
    (2000, -3),
    (4000, -9),
    (8000, -16),
    (14_000, -26),
    (20_000, -50),
]


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    if not len(played):
        return out
    rng = generator(seed, "room_tone")
    gain = TRIM * beds.opened(played, rate, frames) * beds.drift(frames, rate, rng, every_s=5.0, sd=0.03)
    beds.add_noise(out, [(gain, AIR, 0.7)], rng, rate)
    out[:, : int(played.frames(rate).min())] = 0
    return out
