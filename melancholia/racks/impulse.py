"""Recorded or made rooms: an impulse response from a file, at a stem's rate, as an effect.

A response is scaled so that pink noise comes back as loud as it went in at 0 dB: gains mean the same for every file.
Sound in the middle meets both channels of the file as they are. What comes from a side keeps it in the early part
and loses it in the tail, as in a room: a part at the edge has its reflections there and its reverberation everywhere.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from melancholia.audio import Samples
from melancholia.convolution import Convolver
from melancholia.errors import InputError
from melancholia.files import data_folder
from melancholia.recipe import file_hash
from melancholia.recordings import recording

LONGEST_S = 12.0
SIDED_S = (0.01, 0.08)  # where the early part begins to lose its side, and has lost it
MIDDLE_HZ = (350.0, 1400.0)  # the octaves at 500 Hz and 1 kHz, which name a room's RT60


@dataclass(frozen=True, slots=True)
class Room:
    """The file of an impulse response, and the SHA-256 of what is in it: a room by its own name is another room."""

    path: Path
    sha256: str


def impulses() -> dict[str, Path]:
    """The rooms that come with melancholia, by name."""
    return {path.stem: path for path in sorted((data_folder("assets") / "impulses").glob("*.flac"))}


def room_of(path: Path) -> Room:
    """The room in a file of one or two channels and at most 12 s."""
    found = recording(path)
    if found.channels > 2:
        raise InputError(f"{path} has {found.channels} channels; allowed: one or two.")
    if found.frames > LONGEST_S * found.rate:
        raise InputError(f"{path} lasts {found.frames / found.rate:.1f} s; allowed: up to {LONGEST_S:g} s.")
    return Room(path, file_hash(path))


class Impulse:
    """A stream through a room."""

    latency = 0

    def __init__(
        self, room: Room, rate: int, *, gain_db: float = 0.0, predelay_ms: float = 0.0, decay: float = 1.0
    ) -> None:
        found = response(room, rate, predelay_ms, decay)
        self.convolver = Convolver(np.float32(10 ** (gain_db / 20)) * found)

    def process(self, block: Samples) -> Samples:
        return self.convolver.process(block)


def impulse_tail_s(room: Room, rate: int, predelay_ms: float = 0.0, decay: float = 1.0) -> float:
    """Seconds until no more than -80 dB of a response's energy are left."""
    energy = (response(room, rate, predelay_ms, decay).astype(np.float64) ** 2).sum(axis=(0, 1))
    left = np.cumsum(energy[::-1])[::-1]
    return float((left > 1e-8 * left[0]).sum() / rate)


@lru_cache(maxsize=16)
def response(room: Room, rate: int, predelay_ms: float, decay: float) -> NDArray[np.float32]:
    """The response (2 in, 2 out, taps) of a room at a rate, late by `predelay_ms`, its RT60 times `decay`."""
    heard = recording(room.path)
    found = np.broadcast_to(heard.read().samples, (2, heard.frames)).astype(np.float64)
    if heard.rate != rate:
        found = soxr.resample(found.T, heard.rate, rate, quality="VHQ").T
    shorter = scaled(shortened(found, rate, decay), rate)
    return sided(np.pad(shorter, ((0, 0), (round(predelay_ms * rate / 1000), 0))), rate, predelay_ms)


def shortened(response: NDArray[np.float64], rate: int, decay: float) -> NDArray[np.float64]:
    """The response (2, taps) with an RT60 times `decay`, 0 to 1, at 500 Hz to 1 kHz, as if curtains had been hung up.

    One exponential on all of it: what rang for long is shortened most.
    """
    if decay >= 1:
        return response
    rt60_s = middle_rt60_s(response, rate)
    extra = 6.908 * (1 / decay - 1) / rt60_s
    return np.asarray(response * np.exp(-extra * np.arange(response.shape[1]) / rate))


def middle_rt60_s(response: NDArray[np.float64], rate: int) -> float:
    """RT60 at 500 Hz to 1 kHz, from -5 to -25 dB of the energy to come (T20 of ISO 3382-1)."""
    size = 2 * response.shape[1]
    spectrum = np.fft.rfft(response, size)
    hertz = np.fft.rfftfreq(size, 1 / rate)
    spectrum[:, (hertz < MIDDLE_HZ[0]) | (hertz > MIDDLE_HZ[1])] = 0
    band = np.fft.irfft(spectrum, size)[:, : response.shape[1]]
    left = np.cumsum((band**2).sum(axis=0)[::-1])[::-1]
    first, last = (int((left > left[0] * 10 ** (level / 10)).sum()) for level in (-5, -25))
    return 3 * max(last - first, 1) / rate


def scaled(response: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """The response (2, taps) with a mean power gain of 1 for pink noise between 50 Hz and 12 kHz."""
    power = (np.abs(np.fft.rfft(response)) ** 2).mean(axis=0)
    hertz = np.fft.rfftfreq(response.shape[1], 1 / rate)
    inside = (hertz >= 50) & (hertz <= min(12_000, rate / 2))
    mean = np.average(power[inside], weights=1 / hertz[inside]) if inside.any() else 0.0
    return np.asarray(response / np.sqrt(mean)) if mean > 0 else response


def sided(response: NDArray[np.float64], rate: int, predelay_ms: float) -> NDArray[np.float32]:
    """From a response to the middle (2, taps) to one for each side in (2 in, 2 out, taps)."""
    t = np.arange(response.shape[1]) / rate - predelay_ms / 1000
    side = np.interp(t, SIDED_S, (0.8, 0.0))
    same, other = response * (1 + side) / 2, response * (1 - side) / 2
    found = np.stack([np.stack([same[0], other[1]]), np.stack([other[0], same[1]])])
    return np.ascontiguousarray(found, np.float32)
