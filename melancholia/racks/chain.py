"""A chain of effects over a stream of blocks: pedalboard inside, dry/wet and automation outside.

pedalboard is always called with one internal block of 256 frames and chunks that are multiples of it, so that chunks
equal the whole; gain and dry/wet are curves in NumPy, which do not click.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Samples
from melancholia.racks.rack import Slot

GRID = 256
FADE_S = 1.5  # in and out of a section


@dataclass(frozen=True, slots=True)
class Timeline:
    """What automation follows: the arc as (seconds, 0..1), sections as (name, start s, end s), the length in s."""

    arc: tuple[tuple[float, float], ...] = ()
    sections: tuple[tuple[str, float, float], ...] = ()
    seconds: float = 0.0

    def position(self, how: str | tuple[tuple[float, float], ...], t: NDArray[np.float64]) -> NDArray[np.float64]:
        """0..1 at times t in seconds; sound without an arc stands at its middle."""
        if not isinstance(how, str):
            at, value = np.array(how).T
            return np.asarray(np.interp(t / max(self.seconds, 1e-9), at, value))
        if how == "arc":
            if not self.arc:
                return np.full(len(t), 0.5)
            at, value = np.array(self.arc).T
            return np.asarray(np.interp(t, at, value))
        inside = np.zeros(len(t))
        for name, start, end in self.sections:
            if name == how:
                inside = np.maximum(inside, np.interp(t, (start - FADE_S, start, end, end + FADE_S), (0, 1, 1, 0)))
        return inside


class Chain:
    """A running chain: `process` takes successive blocks (2, frames), each a multiple of 256 long but the last."""

    def __init__(self, slots: Sequence[Slot], rate: int, intensity: float, timeline: Timeline) -> None:
        self.rate, self.intensity, self.timeline, self.done = rate, intensity, timeline, 0
        self.links = [(slot, plugin(slot, rate, intensity)) for slot in slots if not slot.bypass]

    def process(self, block: Samples) -> Samples:
        out = block
        for slot, effect in self.links:
            moving = {name: how for name, how in slot.automate.items() if name != "mix"}
            wet = self.automated(slot, effect, out, moving) if moving else run(effect, out, self.rate)
            out = self.mixed(slot, out, wet)
        self.done += block.shape[1]
        return out

    def automated(self, slot: Slot, effect: Any, block: Samples, moving: dict[str, Any]) -> Samples:
        """The effect with parameters that move in steps of 256 frames."""
        starts = np.arange(0, block.shape[1], GRID)
        t = (self.done + starts) / self.rate
        values = {name: self.values(slot, name, how, t) for name, how in moving.items()}
        wet = np.empty_like(block)
        for k, start in enumerate(starts):
            for name, value in values.items():
                setattr(effect, name, float(value[k]))
            wet[:, start : start + GRID] = run(effect, np.ascontiguousarray(block[:, start : start + GRID]), self.rate)
        return wet

    def values(self, slot: Slot, name: str, how: Any, t: NDArray[np.float64]) -> NDArray[np.float64]:
        ramp = slot.mix if name == "mix" else slot.params[name]
        position = self.timeline.position(how, t) * self.intensity
        at = np.array([ramp.at(float(p)) for p in position])
        return np.minimum(at, 0.45 * self.rate) if name.endswith("_hz") else at

    def mixed(self, slot: Slot, dry: Samples, wet: Samples) -> Samples:
        if "mix" in slot.automate:
            frames = np.arange(0, dry.shape[1] + GRID, GRID)
            at = self.values(slot, "mix", slot.automate["mix"], (self.done + frames) / self.rate)
            share = np.interp(np.arange(dry.shape[1]), frames, at).astype(np.float32)
            return np.asarray(dry + share * (wet - dry))
        share_fixed = slot.mix.at(self.intensity)
        return wet if share_fixed == 1 else np.asarray(dry + np.float32(share_fixed) * (wet - dry))


def plugin(slot: Slot, rate: int, intensity: float) -> Any:
    """The pedalboard effect with its parameters at this intensity; cutoffs stay below Nyquist."""
    import pedalboard

    values = {name: ramp.at(intensity) for name, ramp in slot.params.items()}
    for name in values:
        if name.endswith("_hz") and name != "rate_hz":
            values[name] = min(values[name], 0.45 * rate)
    if slot.effect == "Reverb":
        values = {"wet_level": 1.0, "dry_level": 0.0, **values}
    made = getattr(pedalboard, slot.effect)(**values)
    made.reset()
    return made


def run(effect: Any, block: Samples, rate: int) -> Samples:
    """One call, state kept; pedalboard cannot tell channels from frames in a block as short as it is wide."""
    short = max(0, 4 - block.shape[1])
    if short:
        block = np.pad(block, ((0, 0), (0, short)))
    done = effect.process(block, rate, buffer_size=GRID, reset=False)
    return np.ascontiguousarray(done[:, : block.shape[1] - short], np.float32)


def tail_of(slots: Sequence[Slot], rate: int, intensity: float) -> float:
    """Seconds that a chain rings on to -80 dB."""
    seconds = 0.0
    for slot in slots:
        values = {name: ramp.at(intensity) for name, ramp in slot.params.items()}
        if slot.bypass:
            continue
        if slot.effect == "Reverb":
            seconds += reverb_tail_s(values.get("room_size", 0.5))
        elif slot.effect == "Delay":
            feedback = max(values.get("feedback", 0.0), 1e-4)
            seconds += values.get("delay_seconds", 0.5) * (1 + 80 / (-20 * np.log10(feedback)))
        else:
            seconds += 0.05
    return float(seconds)


def reverb_tail_s(room_size: float) -> float:
    """To -80 dB, from the RT60 measured at no damping."""
    return float(
        np.interp(room_size, (0, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1), (0.63, 0.86, 1.29, 2.04, 2.83, 4.54, 6.5, 11.1))
        * 80
        / 60
    )
