"""Decaying modes, rung to their end: what strings, bars and bodies share.

A mode is Re(A exp((2 pi j f - s) t)), one complex A a channel: level and phase at t = 0.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import kernels

TOUCH_S = 0.02  # a damper sets in over this time
END_S = 0.02  # the last samples of a note run out to zero
DAMPED_T60 = 1.9  # a damped note is given this many T60: -114 dB


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """`hz` (modes,), `decay` in 1/s (modes,), complex `amplitude` (2, modes), left and right."""

    hz: NDArray[np.float64]
    decay: NDArray[np.float64]
    amplitude: NDArray[np.complex128]

    def and_also(self, other: "Modes") -> "Modes":
        """Both at once."""
        return Modes(
            np.concatenate([self.hz, other.hz]),
            np.concatenate([self.decay, other.decay]),
            np.concatenate([self.amplitude, other.amplitude], axis=1),
        )


def add_ringing(out: NDArray[np.float32], modes: Modes, life: NDArray[np.int64], rate: int) -> None:
    """Add the modes to out (2, frames), each for its `life` in frames (rounded down to whole lanes)."""
    left, right = modes.amplitude
    kernels.ring(
        out, 2 * np.pi * modes.hz / rate, modes.decay / rate, left.real.copy(), left.imag.copy(),
        right.real.copy(), right.imag.copy(), life,
    )  # fmt: skip


def response(modes: Modes, seconds: float, rate: int) -> NDArray[np.float64]:
    """The modes as an impulse response (2, taps)."""
    out = np.zeros((2, int(seconds * rate) // kernels.LANES * kernels.LANES), np.float32)
    add_ringing(out, modes, np.full(len(modes.hz), out.shape[1], np.int64), rate)
    return out.astype(np.float64)


@lru_cache(maxsize=64)
def damping(t60_s: float, rate: int) -> NDArray[np.float32]:
    """Gain from the moment that a damper falls; it sets in over 20 ms."""
    t = np.arange(int((DAMPED_T60 * t60_s + 0.1) * rate)) / rate
    return np.asarray(np.exp(-6.9 / t60_s * (t - TOUCH_S * (1 - np.exp(-t / TOUCH_S)))), np.float32)


def note(
    modes: Modes, *, held_s: float, damper_t60_s: float | None, rise_s: float, floor: float, rate: int, room: int
) -> NDArray[np.float32]:
    """One note (2, frames <= room) to its end.

    Parameters
    ----------
    held_s : float
        Seconds until the damper falls.
    damper_t60_s : float or None
        Seconds in which the damper takes 60 dB; None for a tone that nothing damps.
    rise_s : float
        Half-cosine from exact zero at the onset.
    floor : float
        A mode ends when it has fallen this far below the note's sum.
    room : int
        Frames that the stem has left.
    """
    level = np.abs(modes.amplitude)
    life = np.log(np.maximum(level.max(axis=0) / (floor * float(level.sum(axis=1).max())), 1.001)) / modes.decay
    longest = float(life.max())
    if damper_t60_s is not None:
        longest = min(longest, held_s + DAMPED_T60 * damper_t60_s + 0.05)
    lanes = kernels.LANES
    count = max(lanes, min(int(longest * rate) // lanes * lanes, room // lanes * lanes))
    made = np.zeros((2, count), np.float32)
    add_ringing(made, modes, np.minimum((life * rate).astype(np.int64) + lanes, count), rate)
    grow = min(int(rise_s * rate) + 1, count)
    made[:, :grow] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(grow) / grow)).astype(np.float32)
    lift = int(held_s * rate)
    if damper_t60_s is not None and lift < count:
        made[:, lift:] *= damping(damper_t60_s, rate)[: count - lift]
    end = min(int(END_S * rate), count)
    made[:, -end:] *= np.linspace(1, 0, end, dtype=np.float32)
    return made[:, :room]
