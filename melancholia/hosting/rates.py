"""A plugin that runs at a rate of its own, inside a sound of another: there and back through soxr."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import soxr

from melancholia.hosting.plugin import Hosted, Moves, Plugin, PluginError
from melancholia.hosting.reports import known
from melancholia.hosting.worker import BLOCK, CHANNELS, Samples

LOWEST, HIGHEST = 22_050, 192_000  # Hz, of plugins
HELD_S = 0.15  # that both resamplers and the plugin's own block hold back at most; found to be under a tenth
QUALITY = "HQ"
GRID = 64  # frames


class Resampled:
    """A plugin at work at its own rate; `latency`, blocks and moves are those of the sound around it."""

    def __init__(self, hosted: Hosted, rate: int, channels: int) -> None:
        self.hosted, self.rate = hosted, rate
        self.latency = int(np.ceil((HELD_S + hosted.latency / hosted.rate) * rate))
        self.down = soxr.ResampleStream(rate, hosted.rate, channels, "float32", QUALITY)
        self.up = soxr.ResampleStream(hosted.rate, rate, channels, "float32", QUALITY)
        self.waiting = np.zeros((channels, 0), np.float32)  # for a whole block, at the plugin's rate
        self.early = hosted.latency  # frames that the plugin gives before the first of the sound
        self.made = np.zeros((channels, self.latency), np.float32)
        self.sent, self.heard = 0, 0  # frames, at the plugin's rate and at the sound's
        self.moved: list[tuple[int, Mapping[str, float]]] = []  # what is to come, in frames of the plugin

    @property
    def places(self) -> Mapping[str, tuple[float, float]]:
        return self.hosted.places

    def process(self, block: Samples, moves: Moves = ()) -> Samples:
        """The next block (channels, frames), late by `latency`; `moves` as in Hosted."""
        self.moved += [(self.there(self.heard + at), knobs) for at, knobs in moves]
        self.heard += block.shape[1]
        self.waiting = np.concatenate([self.waiting, resampled(self.down, block)], axis=1)
        ready = self.waiting.shape[1] // BLOCK * BLOCK
        if ready:
            wet = self.hosted.process(np.ascontiguousarray(self.waiting[:, :ready]), self.due(ready))
            self.sent += ready
            dropped = min(self.early, ready)
            self.early -= dropped
            self.made = np.concatenate([self.made, resampled(self.up, wet[:, dropped:])], axis=1)
            self.waiting = self.waiting[:, ready:]
        frames = block.shape[1]
        if self.made.shape[1] < frames:
            raise AssertionError(f"{self.hosted.plugin.called} holds back more than {HELD_S} s")
        out = np.ascontiguousarray(self.made[:, :frames])
        self.made = self.made[:, frames:]
        return out

    def there(self, frame: int) -> int:
        """The frame of the plugin at a frame of the sound, on a grid: no piece of it may be too short."""
        return frame * self.hosted.rate // self.rate // GRID * GRID

    def due(self, frames: int) -> Moves:
        """What moves in the next frames of the plugin."""
        end = self.sent + frames
        due = [(at - self.sent, knobs) for at, knobs in self.moved if at < end]
        self.moved = [move for move in self.moved if move[0] >= end]
        return due

    def close(self) -> None:
        self.hosted.close()


def at_work(plugin: Plugin, rate: int, intensity: float, channels: int = CHANNELS) -> Hosted | Resampled:
    """A plugin at work in a sound of a rate. Whoever makes one closes it.

    Raises
    ------
    InputError
        It cannot do what its chain asks.
    PluginError
        It failed, or its code is no longer that with which the chain was read.
    """
    own = own_rate(plugin, rate)
    if own == rate:
        return Hosted(plugin, rate, intensity, channels)
    return Resampled(Hosted(plugin, own, intensity, channels), rate, channels)


def own_rate(plugin: Plugin, rate: int) -> int:
    """The rate that an effect runs at in a sound of a rate: the chain's word, or the nearest at which it was found to
    run where it was found not to run at the sound's; an instrument plays at the sound's."""
    if plugin.rate is not None:
        return plugin.rate
    report = known(plugin.path, plugin.name)
    facts = report.facts if report is not None else {}
    if rate not in facts.get("not_rates", ()) or not facts["rates"] or facts.get("instrument"):
        return rate
    return int(min(facts["rates"], key=lambda other: (other < rate, abs(other - rate))))


def how(plugin: Plugin, rate: int) -> dict[str, Any]:
    """How a plugin runs in a sound of a rate, for those who want the same again."""
    report = known(plugin.path, plugin.name)
    verdict = "not qualified" if report is None else report.verdict
    return {"plugin": plugin.called, "rate": own_rate(plugin, rate), "block": BLOCK, "verdict": verdict}


@lru_cache(maxsize=64)
def tail_s(plugin: Plugin, rate: int, intensity: float) -> float:
    """Seconds that it rings on at an intensity, measured; where it fails, once more."""
    try:
        return rung(plugin, rate, intensity)
    except PluginError:
        return rung(plugin, rate, intensity)


def rung(plugin: Plugin, rate: int, intensity: float) -> float:
    with Hosted(plugin, own_rate(plugin, rate), intensity, plays=None) as hosted:
        return hosted.tail_s()


def resampled(stream: soxr.ResampleStream, block: Samples) -> Samples:
    """What is ready behind a block, which goes in by small pieces: of large ones soxr holds back more and more."""
    made = [stream.resample_chunk(block[:, at : at + BLOCK].T) for at in range(0, block.shape[1], BLOCK)]
    return np.asarray(np.concatenate(made).T if made else block[:, :0], np.float32)
