"""The limiter: a gain curve that meets every peak, from block peaks alone."""

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from melancholia.mastering.series import Series

LOOK_AHEAD_S = 0.005
FAST_S, SLOW_ATTACK_S, SLOW_RELEASE_S = 0.080, 0.120, 0.600
LEAST_DB = 1e-6  # less is nothing
RUN = 512  # nodes that are worked on at once

Peaks = NDArray[np.float32]
NONE: Peaks = np.zeros(0, np.float32)


class Limiter:
    """Reduction in dB, a node after the other, that keeps peaks * gain under 1; it lags by its look-ahead, in nodes.

    A node needs what the blocks on both its sides need. The need is held over the next `ahead` nodes, released by the
    slower of two stages (the slow one builds up only under dense peaks), and smoothed by two trailing means of
    ahead / 2 nodes, which arrive exactly at the need.
    """

    def __init__(self, gain: float, nodes_a_second: float) -> None:
        self.gain, self.ahead = gain, max(2, int(LOOK_AHEAD_S * nodes_a_second))
        self.fall = float(np.exp(-1 / (FAST_S * nodes_a_second)))
        self.attack, self.release = (
            1 - float(np.exp(-1 / (seconds * nodes_a_second))) for seconds in (SLOW_ATTACK_S, SLOW_RELEASE_S)
        )
        self.last = 0.0
        self.needs = np.zeros(0)
        self.quick = self.slow = 0.0
        self.kept: list[NDArray[np.float64] | None] = [None, None]

    def add(self, peaks: Peaks) -> NDArray[np.float32]:
        """The nodes that are known after these peaks and were not before."""
        over = np.maximum(peaks * self.gain, 1.0)
        db = 20 * np.log10(over) if over.max(initial=1.0) > 1 else np.zeros(len(peaks))
        before = np.concatenate([[self.last], db])
        self.last = float(before[-1])
        self.needs = np.concatenate([self.needs, np.maximum(before[:-1], before[1:])])
        count = len(self.needs) - self.ahead
        if count <= 0:
            return np.zeros(0, np.float32)
        held = self.needs[:count].copy()
        for k in range(1, self.ahead + 1):
            np.maximum(held, self.needs[k : k + count], out=held)
        self.needs = self.needs[count:]
        curve = np.maximum(self.quickly(held), self.slowly(held))
        for stage in (0, 1):
            curve = self.mean(curve, stage)
        return np.where(curve > LEAST_DB, curve, 0).astype(np.float32)

    def quickly(self, held: NDArray[np.float64]) -> NDArray[np.float64]:
        """The stage that falls at once, and evenly: the highest that was held, each fallen by as long as it is ago."""
        if self.quick < LEAST_DB and not held.any():
            self.quick = 0.0
            return held
        fallen = self.fall ** np.arange(RUN + 1)
        out = np.empty(len(held))
        for start in range(0, len(held), RUN):
            run = held[start : start + RUN]
            risen = np.maximum.accumulate(run / fallen[: len(run)])
            out[start : start + RUN] = np.maximum(risen, self.quick * self.fall) * fallen[: len(run)]
            self.quick = float(out[start + len(run) - 1])
        return out

    def slowly(self, held: NDArray[np.float64]) -> NDArray[np.float64]:
        """The stage that rises and falls slowly."""
        if self.slow < LEAST_DB and not held.any():
            self.slow = 0.0
            return held
        slow, attack, release = self.slow, self.attack, self.release
        out = np.zeros(len(held))
        at, needed = 0, np.flatnonzero(held)
        while at < len(held):
            if slow < LEAST_DB:  # it rests until something is needed
                slow, following = 0.0, int(np.searchsorted(needed, at))
                if following == len(needed):
                    break
                at = int(needed[following])
            values = held[at : at + RUN].tolist()
            run = [slow := slow + (value - slow) * (attack if value > slow else release) for value in values]
            out[at : at + len(run)] = run
            at += len(run)
        self.slow = slow
        return out

    def mean(self, curve: NDArray[np.float64], stage: int) -> NDArray[np.float64]:
        """The mean of each node and those before it; before the first there were more of its kind."""
        half = max(1, self.ahead // 2)
        kept = self.kept[stage]
        if kept is None:
            kept = np.full(half, curve[0])
        known = np.concatenate([kept, curve])
        self.kept[stage] = known[len(known) - half :]
        if not known.any():
            return curve
        total = np.concatenate([[0.0], np.cumsum(known)])
        return np.asarray((total[half + 1 :] - total[1:-half]) / half)


def curve_pieces(
    peaks: Series, gain: float, nodes_a_second: float, lead: Peaks = NONE, tail: Peaks = NONE
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Reduction in dB (blocks + 1,) that keeps peaks * gain under 1: the first node of each piece, and the piece.

    `lead` are the peaks before, `tail` those after.
    """
    limiter = Limiter(gain, nodes_a_second)
    after = np.zeros(limiter.ahead + 1, np.float32)
    after[: len(tail)] = tail[: len(after)]
    node = -len(lead)
    for piece in chain((lead,), peaks.pieces(), (after,)):
        curve = limiter.add(piece)
        own, first = curve[max(0, -node) :], max(0, node)
        node += len(curve)
        if len(own):
            yield first, own
