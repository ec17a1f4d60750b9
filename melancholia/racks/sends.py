"""All sends of a rack as one impulse response a role, so that each stem carries its own share of every return.

A send is linear and fixed in time: unit impulses go in on the left and on the right once, and what comes out is all
there is to know of it. The gains of a role fold the sends into one response (2 in, 2 out), and a stem needs one
convolution, by overlap-add.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from melancholia.audio import Samples
from melancholia.racks.chain import Chain, Timeline, tail_of
from melancholia.racks.rack import ANY, Rack, Send

FLOOR_DB = -90.0  # what is left of a response's energy where it is cut
LONGEST_S = 12.0
CHUNK = 65_536


def response(send: Send, rate: int, intensity: float) -> NDArray[np.float32]:
    """Impulse response (2 in, 2 out, taps) of a send at unit gain, cut where -90 dB of its energy are left."""
    frames = int(min(LONGEST_S, tail_of(send.chain, rate, intensity) * 1.3 + 0.2) * rate) // 256 * 256
    found = np.zeros((2, 2, frames), np.float32)
    for side in range(2):
        chain = Chain(send.chain, rate, intensity, Timeline())
        impulse = np.zeros((2, frames), np.float32)
        impulse[side, 0] = 1.0
        for start in range(0, frames, CHUNK):
            block = np.ascontiguousarray(impulse[:, start : start + CHUNK])
            found[side, :, start : start + CHUNK] = chain.process(block)
    left = np.cumsum((found.astype(np.float64) ** 2).sum(axis=(0, 1))[::-1])[::-1]
    keep = int((left > left[0] * 10 ** (FLOOR_DB / 10)).sum()) if left[0] > 0 else 1
    kept = found[:, :, : max(keep, 1)].copy()
    fade = min(kept.shape[2] // 8, rate // 20)
    if fade:
        kept[:, :, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return kept


def responses(rack: Rack, rate: int, intensity: float) -> tuple[NDArray[np.float32], ...]:
    """The response of each send, measured once a process for a rack file as it stands."""
    stat = rack.path.stat()
    return measured(str(rack.path), stat.st_mtime_ns, rate, intensity, Sends(rack.sends))


@dataclass(frozen=True, slots=True)
class Sends:
    """Sends that stand aside when a cache compares its keys: the file and its date say all."""

    sends: tuple[Send, ...] = field(compare=False, hash=False)


@lru_cache(maxsize=16)
def measured(path: str, changed: int, rate: int, intensity: float, sends: Sends) -> tuple[NDArray[np.float32], ...]:
    return tuple(response(send, rate, intensity) for send in sends.sends)


def folded(rack: Rack, role: str, rate: int, intensity: float) -> NDArray[np.float32] | None:
    """The response of all sends together for a role; None when it sends nothing."""
    total: NDArray[np.float32] | None = None
    for send, found in zip(rack.sends, responses(rack, rate, intensity), strict=True):
        ramp = send.gain_db.get(role, send.gain_db.get(ANY))
        if ramp is None:
            continue
        gain = np.float32(10 ** (ramp.at(intensity) / 20))
        if total is None:
            total = gain * found
        else:
            longer, shorter = (total, gain * found) if total.shape[2] >= found.shape[2] else (gain * found, total)
            longer = longer.copy()
            longer[:, :, : shorter.shape[2]] += shorter
            total = longer
    return total


def tail_s(rack: Rack, *, intensity: float, rate: int = 48_000) -> float:
    """Seconds that sound rings on behind its end in this rack, to -80 dB or below."""
    longest = max((r.shape[2] / rate for r in responses(rack, rate, intensity)), default=0.0)
    inserts = max((tail_of(slots, rate, intensity) for slots in rack.inserts.values()), default=0.0)
    return longest + inserts + tail_of(rack.bus, rate, intensity)


class Convolver:
    """A stream through a response (2, 2, taps): `process` takes blocks of at most `chunk` frames."""

    def __init__(self, found: NDArray[np.float32], chunk: int) -> None:
        taps = found.shape[2]
        self.size = fft.next_fast_len(chunk + taps - 1, real=True)
        self.spectrum = fft.rfft(found, self.size, axis=2)
        self.held = np.zeros((2, taps - 1), np.float32)

    def process(self, block: Samples) -> Samples:
        frames = block.shape[1]
        dry = fft.rfft(block, self.size, axis=1)
        wet = np.stack([dry[0] * self.spectrum[0, c] + dry[1] * self.spectrum[1, c] for c in range(2)])
        done = fft.irfft(wet, self.size, axis=1)
        reach = self.held.shape[1]
        done[:, :reach] += self.held
        self.held = np.ascontiguousarray(done[:, frames : frames + reach])
        return np.ascontiguousarray(done[:, :frames], np.float32)
