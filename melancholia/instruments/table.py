"""All instruments. To add one: a module with `play(events, rate, seed, frames)`, and one line here."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import cello, felt_piano, strings, sub_bass, warm_pad
from melancholia.instruments.events import Events

Play = Callable[[Events, int, int, int], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument: the pitches it plays, how long it rings after the last release (to -80 dB), and how it plays.

    `kind` is "struck", "solo" or "ensemble": several players, who together are in tune to 3 cents instead of 1.
    """

    name: str
    about: str
    low: int
    high: int
    tail_s: float
    kind: str
    play: Play


TABLE = {
    row.name: row
    for row in (
        Instrument(
            "felt_piano", "an upright with felt between hammers and strings", 21, 108, 5.0, "struck", felt_piano.play
        ),
        Instrument("strings", "a section of bowed strings, five players a note", 36, 96, 1.2, "ensemble", strings.play),
        Instrument("cello", "one cello, near", 36, 81, 1.0, "solo", cello.play),
        Instrument("warm_pad", "four slow voices, dark and wide", 36, 84, 2.8, "ensemble", warm_pad.play),
        Instrument("sub_bass", "almost a sine, under everything", 24, 48, 0.6, "solo", sub_bass.play),
    )
}
