"""What an instrument is given: notes in frames and seconds, and the player's curves over time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.piece import Part, Piece

HALF_PEDAL = (28, 72)  # of 127: between them dampers touch and do not stop; where that lies is each piano's own
TOUCHED_S = (0.12, 0.05)  # of full weight that a string bears and rings on: at C2 and at C6
NEUTRAL = {"expression": 127.0, "pedal": 0.0, "vibrato": 64.0}


@dataclass(frozen=True, slots=True)
class Events:
    """Notes of one part in order of onset; times in seconds from the start of the stem."""

    onset_s: NDArray[np.float64]
    release_s: NDArray[np.float64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

    def __len__(self) -> int:
        return len(self.pitch)

    def frames(self, rate: int) -> NDArray[np.int64]:
        """Onsets in frames."""
        return np.round(self.onset_s * rate).astype(np.int64)

    def curve(self, name: str, times: NDArray[np.float64], *, smooth: bool = True) -> NDArray[np.float64]:
        """Value 0..127 of a curve at times in seconds: drawn through its points, or (smooth=False) in steps."""
        if name not in self.curves:
            return np.full(np.shape(times), NEUTRAL[name])
        at, value = self.curves[name]
        if smooth:
            return np.interp(times, at, value)
        k = np.searchsorted(at, times, side="right") - 1
        return np.where(k >= 0, value[np.maximum(k, 0)], NEUTRAL[name])

    def pedal_lift(self, release_s: float, pitch: int = 60) -> float:
        """When a key let go at `release_s` is damped: at once, or when the pedal lets the damper fall.

        A damper that touches lightly, or only for a moment, leaves a string sounding, a thick one the longer: what
        damps is the time for which it touched, as a share of its whole weight.
        """
        if "pedal" not in self.curves:
            return release_s
        at, value = self.curves["pedal"]
        first = int(np.searchsorted(at, release_s, side="right")) - 1
        if first < 0:
            return release_s
        times = np.maximum(at[first:], release_s)
        weight = dampers(value[first:])
        spans = np.append(np.diff(times), np.inf)
        touched = np.append(0.0, np.cumsum(np.multiply(weight, spans, where=weight > 0, out=np.zeros(len(spans)))))
        needed = float(np.interp(pitch, (36, 84), TOUCHED_S))
        if touched[-1] <= needed:  # the curve ends with the pedal down: nobody holds it
            return release_s
        k = int(np.argmax(touched > needed)) - 1
        return max(float(times[k]), float(times[k] + (needed - touched[k]) / weight[k]) - needed)


def dampers(pedal: NDArray[np.float64]) -> NDArray[np.float64]:
    """With how much of their weight dampers lie on the strings, 0 to 1, at positions 0..127 of the pedal."""
    low, high = HALF_PEDAL
    return np.asarray(np.clip((high - np.asarray(pedal, float)) / (high - low), 0, 1))


def events(part: Part, piece: Piece) -> Events:
    """A part's notes and curves in seconds, by the piece's tempo map."""
    seconds = piece.tempo.seconds
    curves = {
        name: (seconds([at for at, _ in curve]), np.array([v for _, v in curve], float))
        for name, curve in part.curves.items()
    }
    return Events(
        seconds([n.start for n in part.notes]),
        seconds([n.end for n in part.notes]),
        np.array([n.pitch for n in part.notes], np.int64),
        np.array([n.velocity for n in part.notes], np.int64),
        curves,
    )


def hertz(pitch: float) -> float:
    """Equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2 ** ((pitch - 69) / 12))
