"""A stem and its own share of what every send returns.

Sends that are linear and fixed in time are one convolution (`sends`); one in which a plugin stands runs for each stem.
"""

from collections.abc import Sequence

import numpy as np

from melancholia.audio import BLOCK_FRAMES, Samples
from melancholia.convolution import Convolver, chunk_of
from melancholia.racks.chain import GRID, Chain, Held
from melancholia.racks.course import FULL, Course
from melancholia.racks.rack import ANY, Rack, Send, said
from melancholia.racks.sends import NOTHING_DB, folded
from melancholia.tables import Ramp


class Returns:
    """A stem that takes its returns with it, in blocks, late by `latency`; by `late` with what was late before.

    Where intensity moves, linear sends run at its two ends, one faded into the other.
    """

    def __init__(self, rack: Rack, place: str, intensity: float, course: Course, rate: int, late: int) -> None:
        self.ends = course.ends(intensity)
        found = [folded(rack, place, rate, end) for end in self.ends]
        taps = max((sends.shape[2] for sends in found if sends is not None), default=0)
        self.chunk = chunk_of(taps, GRID) if taps else BLOCK_FRAMES
        self.convolvers = [None if sends is None else Convolver(sends) for sends in found]
        self.intensity, self.course, self.rate, self.done = intensity, course, rate, -late
        self.live: list[tuple[Ramp, Chain]] = []
        try:
            for send in rack.sends:
                gain_db = sent(send, place)
                if send.live and any(gain_db.at(end) > NOTHING_DB for end in self.ends):
                    self.live.append((gain_db, Chain(send.chain, rate, intensity, course, late)))
        except BaseException:
            self.close()
            raise
        self.latency = max((chain.latency for _, chain in self.live), default=0)
        self.late = late + self.latency
        self.waiting = Held(self.latency)
        self.early = [Held(self.latency - chain.latency) for _, chain in self.live]

    def close(self) -> None:
        """End the plugins of its sends."""
        for _, chain in self.live:
            chain.close()

    def process(self, direct: Samples) -> Samples:
        """The next block (2, frames), and what comes back of it and of those before."""
        total = np.zeros_like(direct)
        for share, convolver in zip(self.shares(direct.shape[1]), self.convolvers, strict=True):
            if convolver is not None:
                total += convolver.process(np.asarray(direct * share, np.float32))
        total = self.waiting.process(np.asarray(direct + total))
        for (gain_db, chain), held in zip(self.live, self.early, strict=True):
            total = total + held.process(chain.process(np.asarray(direct * self.gain(gain_db, direct.shape[1]))))
        self.done += direct.shape[1]
        return total

    def gain(self, gain_db: Ramp, frames: int) -> Samples | np.float32:
        """How much goes into a send that runs."""
        if len(self.ends) == 1:
            return np.float32(10 ** (gain_db.at(self.intensity) / 20))
        grid = np.arange(0, frames + GRID, GRID)
        level = self.course.along(gain_db, FULL, (self.done + grid) / self.rate, self.intensity)
        return np.interp(np.arange(frames), grid, 10 ** (level / 20)).astype(np.float32)

    def shares(self, frames: int) -> Sequence[Samples | np.float32]:
        """How much goes into the linear sends of each end."""
        if len(self.ends) == 1:
            return (np.float32(1),)
        low, high = self.ends
        grid = np.arange(0, frames + GRID, GRID)
        level = self.course.intensity((self.done + grid) / self.rate, self.intensity)
        share = np.interp(np.arange(frames), grid, (level - low) / (high - low)).astype(np.float32)
        return 1 - share, share


def sent(send: Send, place: str) -> Ramp:
    """How much of a place goes into a send, in dB."""
    return said(send.gain_db, place, send.gain_db.get(ANY, Ramp(NOTHING_DB, NOTHING_DB)))
