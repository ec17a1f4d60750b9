"""Effects of our own that move: tape, tremolo, width.

Every swing starts at a fixed phase at the first frame, so the same sound gives the same bytes, and the same tape on
every stem is one machine: parts stay in tune with each other, and their sum is the sum on that machine.
"""

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Samples
from melancholia.racks import kernels

GLIDE_S = 0.02
TAPE_MEAN_S = 0.06  # at least; more than the slowest, deepest wow swings (0.1 Hz, 40 cents: 0.044 s)
SLOWER = 0.618  # a second swing a golden section below the first: wow and flutter never repeat
SHARES = (0.7, 0.3)  # of the cents, on the first swing and on the slower one
PHASES = (0.0, 2.1, 4.0, 1.3)  # radians at the first frame
CENTS_PER_SLOPE = 1200 / np.log(2)


def glide(rate: int) -> float:
    """The share of the way that a setting goes to its target each sample."""
    return float(1 - np.exp(-1 / (GLIDE_S * rate)))


class Tape:
    """Wow and flutter, soft saturation, and the highs that tape loses; late by `latency` frames."""

    def __init__(
        self,
        rate: int,
        *,
        wow_cents: float = 5.0,
        wow_hz: float = 0.6,
        flutter_cents: float = 1.0,
        flutter_hz: float = 8.0,
        drive_db: float = -12.0,
        cutoff_frequency_hz: float = 12_000.0,
    ) -> None:
        self.rate = rate
        self.wow_cents, self.wow_hz = wow_cents, wow_hz
        self.flutter_cents, self.flutter_hz = flutter_cents, flutter_hz
        self.drive_db, self.cutoff_frequency_hz = drive_db, cutoff_frequency_hz
        self.latency = tape_latency(rate)
        self.line = np.zeros((2, 4 * self.latency), np.float32)
        self.poles = np.array([0.0] * 4 + [turn(p) for p in PHASES for turn in (np.cos, np.sin)])
        self.now = self.targets()
        self.done = 0

    def turns(self) -> NDArray[np.float64]:
        """Radians a sample of wow, its slower companion, flutter, and its slower companion."""
        hertz = np.array([self.wow_hz, SLOWER * self.wow_hz, self.flutter_hz, SLOWER * self.flutter_hz])
        return np.asarray(2 * np.pi * hertz / self.rate)

    def targets(self) -> NDArray[np.float64]:
        """Amplitudes of the four swings in frames, drive, and the pole of the two lowpasses (-3 dB at the cutoff)."""
        cents = np.array([share * each for each in (self.wow_cents, self.flutter_cents) for share in SHARES])
        amplitudes = cents / CENTS_PER_SLOPE / self.turns()
        corner = min(self.cutoff_frequency_hz / np.sqrt(np.sqrt(2) - 1), 0.45 * self.rate)  # of one of two equal poles
        return np.array([*amplitudes, 10 ** (self.drive_db / 20), np.exp(-2 * np.pi * corner / self.rate)])

    def process(self, block: Samples) -> Samples:
        done = kernels.tape(
            block, self.line, self.poles, self.now, self.targets(), self.turns(), self.done, glide(self.rate)
        )
        self.done += block.shape[1]
        return np.asarray(done)


def tape_latency(rate: int) -> int:
    """The mean delay of tape in frames: a power of two of at least 60 ms."""
    return int(2 ** np.ceil(np.log2(TAPE_MEAN_S * rate)))


class Tremolo:
    """Loudness that swings between 1 and 1 - depth, the right side `phase_degrees` ahead of the left."""

    latency = 0

    def __init__(self, rate: int, *, rate_hz: float = 3.0, depth: float = 0.3, phase_degrees: float = 0.0) -> None:
        self.rate, self.rate_hz, self.depth, self.phase_degrees = rate, rate_hz, depth, phase_degrees
        self.phase = np.array([1.0, 0.0])
        self.now = self.targets()

    def targets(self) -> NDArray[np.float64]:
        return np.array([float(self.depth), np.radians(self.phase_degrees)])

    def process(self, block: Samples) -> Samples:
        turn = 2 * np.pi * self.rate_hz / self.rate
        return np.asarray(kernels.tremolo(block, self.phase, self.now, self.targets(), turn, glide(self.rate)))


class Width:
    """The difference between the sides times `width`: 0 is one channel, 1 leaves it, 2 doubles it."""

    latency = 0

    def __init__(self, rate: int, *, width: float = 1.0) -> None:
        self.rate, self.width = rate, width
        self.now = np.array([float(width)])

    def process(self, block: Samples) -> Samples:
        return np.asarray(kernels.width(block, self.now, float(self.width), glide(self.rate)))
