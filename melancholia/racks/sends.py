"""All linear sends of a rack as one impulse response a role, so that each stem carries its own share of every return.

A send is linear and fixed in time: unit impulses go in on the left and on the right once, and what comes out is all
there is to know of it. The gains of a role fold the sends into one response (2 in, 2 out), and a stem needs one
convolution.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.racks.chain import Chain, tail_of
from melancholia.racks.course import Course
from melancholia.racks.rack import ANY, Rack, Send, said
from melancholia.racks.slots import Slot

FLOOR_DB = -90.0  # what is left of a response's energy where it is cut
LONGEST_S = 12.0
CHUNK = 2**18
STRENGTH = np.float32(4096)  # of the impulse: pedalboard's Reverb rounds its combs to 1e-8, however soft they are
NOTHING_DB = -80.0  # the lowest gain that a rack file can say: nothing is sent


@lru_cache(maxsize=24)
def response(chain: tuple[Slot, ...], rate: int, intensity: float) -> NDArray[np.float32]:
    """Impulse response (2 in, 2 out, taps) of a send's chain at unit gain, cut where -90 dB of its energy are left."""
    frames = int(min(LONGEST_S, tail_of(chain, rate, intensity) * 1.3 + 0.2) * rate) // 256 * 256
    found = np.zeros((2, 2, frames), np.float32)
    for side in range(2):
        running = Chain(chain, rate, intensity, Course())
        impulse = np.zeros((2, frames), np.float32)
        impulse[side, 0] = STRENGTH
        for start in range(0, frames, CHUNK):
            block = np.ascontiguousarray(impulse[:, start : start + CHUNK])
            found[side, :, start : start + CHUNK] = running.process(block) / STRENGTH
    left = np.cumsum((found.astype(np.float64) ** 2).sum(axis=(0, 1))[::-1])[::-1]
    keep = int((left > left[0] * 10 ** (FLOOR_DB / 10)).sum()) if left[0] > 0 else 1
    fade = min(max(keep, 1) // 8, rate // 20, frames - keep)  # of what lies behind the cut
    kept = found[:, :, : max(keep, 1) + fade].copy()
    if fade:
        kept[:, :, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return kept


def linear(rack: Rack) -> tuple[Send, ...]:
    return tuple(send for send in rack.sends if not send.live)


def responses(rack: Rack, rate: int, intensity: float) -> tuple[NDArray[np.float32], ...]:
    """The response of each linear send, measured once a process."""
    return tuple(response(send.chain, rate, intensity) for send in linear(rack))


def folded(rack: Rack, place: str, rate: int, intensity: float) -> NDArray[np.float32] | None:
    """The response of all linear sends together for a place (a role, `noise` or `any`); None when it sends nothing."""
    total: NDArray[np.float32] | None = None
    for send, found in zip(linear(rack), responses(rack, rate, intensity), strict=True):
        ramp = said(send.gain_db, place, send.gain_db.get(ANY))
        if ramp is None or ramp.at(intensity) <= NOTHING_DB:
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
    live = max((tail_of(send.chain, rate, intensity) for send in rack.sends if send.live), default=0.0)
    inserts = max((tail_of(slots, rate, intensity) for slots in rack.inserts.values()), default=0.0)
    return max(longest, live) + inserts + tail_of(rack.bus, rate, intensity)
