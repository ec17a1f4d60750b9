"""Ducking: one stem makes room while others sound. Their level in time is a gain curve on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Samples, Source

GRID = 256  # frames of a step of an envelope and of the gain
GONE = 12  # releases in which a gain has come back
FLOOR = 1e-8  # mean square of silence


@dataclass(frozen=True, slots=True)
class Envelope:
    """The mean square of a sound in steps of GRID frames, both sides together."""

    power: NDArray[np.float64]

    def times(self, gain: float) -> "Envelope":
        return Envelope(self.power * gain**2)


def envelope(sound: Source) -> Envelope:
    """The envelope of a sound."""
    parts, held = [], np.zeros(0)
    for block in sound.blocks():
        held = np.concatenate([held, (block.astype(np.float64) ** 2).mean(axis=0)])
        whole = len(held) // GRID * GRID
        parts.append(held[:whole].reshape(-1, GRID).mean(axis=1))
        held = held[whole:]
    return Envelope(np.concatenate([*parts, [held.sum() / GRID]]))


def summed(envelopes: Iterable[Envelope]) -> Envelope:
    """Of sounds that know nothing of each other: their powers add up."""
    powers = [one.power for one in envelopes]
    total = np.zeros(max(map(len, powers), default=0))
    for power in powers:
        total[: len(power)] += power
    return Envelope(total)


def heard(keys: Mapping[str, Envelope], gain_db: Mapping[str, float]) -> Envelope:
    """What is listened to, of the envelopes by place: those that are named, at their levels."""
    return summed(keys[place].times(10 ** (gain / 20)) for place, gain in gain_db.items() if place in keys)


class Duck:
    """A gain that falls while the key sounds: by what its level is over the threshold, less one part in `ratio`.

    Nothing is taken away where there is no key, and never more than `depth_db`. `attack_ms` and `release_ms` are the
    times in which the gain goes 63 % of its way down and up; `late` says how late what comes in is, in frames.
    """

    def __init__(
        self,
        key: Envelope,
        rate: int,
        late: int,
        *,
        threshold_db: float = -30.0,
        ratio: float = 4.0,
        depth_db: float = 9.0,
        attack_ms: float = 20.0,
        release_ms: float = 300.0,
    ) -> None:
        level = 10 * np.log10(np.maximum(key.power, FLOOR))
        wanted = np.clip((level - threshold_db) * (1 - 1 / ratio), 0, depth_db)
        if len(wanted):  # and behind its end
            wanted = np.pad(wanted, (0, int(np.ceil(GONE * release_ms / 1000 * rate / GRID))))
        self.reduction_db = followed(wanted, GRID / rate * 1000, attack_ms, release_ms)
        self.latency, self.done = 0, -late

    def process(self, block: Samples) -> Samples:
        """The next block (2, frames)."""
        at = (self.done + np.arange(block.shape[1])) / GRID
        self.done += block.shape[1]
        if not len(self.reduction_db):
            return block
        taken = np.interp(at, np.arange(len(self.reduction_db)) + 0.5, self.reduction_db, right=0.0)
        return np.asarray(block * (10 ** (-taken / 20)).astype(np.float32))


def followed(wanted: NDArray[np.float64], step_ms: float, attack_ms: float, release_ms: float) -> NDArray[np.float64]:
    """A curve that goes after another, in steps of a time: up in the attack, down in the release."""
    up, down = (1 - np.exp(-step_ms / ms) for ms in (attack_ms, release_ms))
    found, now = np.zeros(len(wanted)), 0.0
    for k, goal in enumerate(wanted.tolist()):
        now += (goal - now) * (up if goal > now else down)
        found[k] = now
    return found
