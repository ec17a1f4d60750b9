"""A chain of effects over a stream of blocks: pedalboard and our own inside, dry/wet and automation outside.

pedalboard is always called with one internal block of 256 frames and chunks that are multiples of it, so that chunks
equal the whole; gain and dry/wet are curves in NumPy, which do not click. A chain may be late (tape is, by its mean
delay): it says by how many frames, knows where in the piece it is all the same, and whoever runs it drops its head.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Samples
from melancholia.errors import MelancholiaError
from melancholia.hosting.plugin import PluginError
from melancholia.hosting.rates import at_work
from melancholia.hosting.rates import tail_s as hosted_tail_s
from melancholia.racks.course import FULL, Course
from melancholia.racks.ducking import Duck, heard
from melancholia.racks.impulse import Impulse, impulse_tail_s
from melancholia.racks.slots import BRANCHES, NESTS, Slot
from melancholia.tables import Ramp

GRID = 256
MOVEMENT = "melancholia.racks.movement"  # numba, off the way of racks in which nothing moves
MOVING = {"Tape", "Tremolo", "Width"}  # effects that stand there
OURS = {"Impulse", "Duck"}
FINE = 64  # frames of a step where something moves by more than FAST of its way in GRID frames
FAST = 0.01


class Chain:
    """A running chain: `process` takes successive blocks (2, frames), each a multiple of 256 long but the last.

    What comes out is late by `latency` frames; `late` says by how much already what goes in is.
    """

    def __init__(self, slots: Sequence[Slot], rate: int, intensity: float, course: Course, late: int = 0) -> None:
        self.rate, self.intensity, self.course, self.done = rate, intensity, course, 0
        self.links: list[Link] = []
        self.latency = 0
        try:
            for slot in slots:
                if not slot.bypass:
                    effect = running(slot, rate, intensity, course, late + self.latency)
                    own = getattr(effect, "latency", 0)
                    self.links.append(Link(slot, effect, late + self.latency, Held(own)))
                    self.latency += own
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the plugins of this chain."""
        for link in self.links:
            if hasattr(link.effect, "close"):
                link.effect.close()

    def process(self, block: Samples) -> Samples:
        out = block
        for link in self.links:
            moving = {name: how for name, how in self.automate(link.slot).items() if name != "mix"}
            wet = self.automated(link, out, moving) if moving else run(link.effect, out, self.rate)
            out = self.mixed(link, out, wet)
            if not np.isfinite(out.sum(dtype=np.float64)):
                said = f"gives no finite sound from {max(0, self.done - link.late) / self.rate:.2f} s on."
                if link.slot.plugin is not None:
                    raise PluginError(f"{link.slot.plugin.called} ({link.slot.plugin.where}) {said}")
                raise MelancholiaError(f"{link.slot.effect} {said}")
        self.done += block.shape[1]
        return out

    def automate(self, slot: Slot) -> dict[str, Any]:
        """What moves, and how: what the rack says, and all that intensity moves where that follows a curve."""
        if not self.course.curve:
            return dict(slot.automate)
        ramps = {**self.ramps(slot), "mix": slot.mix}
        moved = {name: FULL for name, ramp in ramps.items() if ramp.low != ramp.high}
        return {**moved, **dict(slot.automate)}

    def automated(self, link: "Link", block: Samples, moving: dict[str, Any]) -> Samples:
        """The effect with parameters that move in steps of 256 frames, of 64 where they move fast; a gain in none."""
        frames, slot = block.shape[1], link.slot
        t = (self.done - link.late + np.arange(0, frames + FINE, FINE)) / self.rate
        if slot.effect == "Gain":
            level = self.values(slot, "gain_db", moving["gain_db"], t)
            gain = np.interp(np.arange(frames), FINE * np.arange(len(t)), 10 ** (level / 20))
            return np.asarray(block * gain.astype(np.float32))
        starts = steps([self.course.places(how, t, self.intensity) for how in moving.values()], frames)
        at = (self.done - link.late + starts) / self.rate
        values = {name: self.values(slot, name, how, at) for name, how in moving.items()}
        settings = [{name: float(value[k]) for name, value in values.items()} for k in range(len(starts))]
        if slot.plugin is not None:
            return np.asarray(link.effect.process(block, list(zip(starts.tolist(), settings, strict=True))))
        wet = np.empty_like(block)
        for start, end, setting in zip(starts, [*starts[1:], frames], settings, strict=True):
            for name, value in setting.items():
                setattr(link.effect, name, value)
            wet[:, start:end] = run(link.effect, np.ascontiguousarray(block[:, start:end]), self.rate)
        return wet

    def ramps(self, slot: Slot) -> Mapping[str, Ramp]:
        """What its parameters run from and to; of a plugin where its knobs stand, as the plugin counts."""
        found = next((link.effect for link in self.links if link.slot is slot), None)
        if found is not None and slot.plugin is not None:
            return {name: Ramp(low, high) for name, (low, high) in found.places.items()}
        return dict(slot.params)

    def values(self, slot: Slot, name: str, how: Any, t: NDArray[np.float64]) -> NDArray[np.float64]:
        ramp = slot.mix if name == "mix" else self.ramps(slot)[name]
        at = self.course.along(ramp, how, t, self.intensity)
        return np.asarray(np.minimum(at, 0.45 * self.rate) if name.endswith("_hz") else at)

    def mixed(self, link: "Link", dry: Samples, wet: Samples) -> Samples:
        slot, automate = link.slot, self.automate(link.slot)
        share_fixed = slot.mix.at(self.intensity)
        if share_fixed == 1 and "mix" not in automate:
            return wet
        dry = link.dry.process(dry)
        if "mix" in automate:
            frames = np.arange(0, dry.shape[1] + GRID, GRID)
            t = (self.done - link.late - link.dry.frames + frames) / self.rate
            at = self.values(slot, "mix", automate["mix"], t)
            share = np.interp(np.arange(dry.shape[1]), frames, at).astype(np.float32)
            return np.asarray(dry + share * (wet - dry))
        return np.asarray(dry + np.float32(share_fixed) * (wet - dry))


class Held:
    """Sound that waits for some frames, in blocks (2, frames)."""

    def __init__(self, frames: int) -> None:
        self.frames, self.sound = frames, np.zeros((2, frames), np.float32)

    def process(self, block: Samples) -> Samples:
        if not self.frames:
            return block
        both = np.concatenate([self.sound, block], axis=1)
        self.sound = np.ascontiguousarray(both[:, block.shape[1] :])
        return np.ascontiguousarray(both[:, : block.shape[1]])


def steps(places: Sequence[NDArray[np.float64]], frames: int) -> NDArray[np.int64]:
    """Where in a block parameters are set: every GRID frames, every FINE ones where any moves fast.

    `places` are where each stands, 0..1, every FINE frames, one more than the block has.
    """
    fine = GRID // FINE
    starts = []
    for start in range(0, frames, GRID):
        k = start // FINE
        fast = any(np.ptp(place[k : k + fine + 1]) > FAST for place in places)
        starts += list(range(start, min(start + GRID, frames), FINE)) if fast else [start]
    return np.array(starts, np.int64)


@dataclass(slots=True)
class Link:
    """A slot at work: its effect, how late what reaches it is, and the dry sound that its own latency holds back."""

    slot: Slot
    effect: Any
    late: int
    dry: Held


class Branches:
    """Chains side by side, each as late as the latest, summed."""

    def __init__(self, chains: Sequence["Chain"]) -> None:
        self.chains = chains
        self.latency = max(chain.latency for chain in chains)
        self.held = [Held(self.latency - chain.latency) for chain in chains]

    def process(self, block: Samples) -> Samples:
        parts = [held.process(chain.process(block)) for chain, held in zip(self.chains, self.held, strict=True)]
        return np.asarray(np.sum(parts, axis=0, dtype=np.float32))

    def close(self) -> None:
        for chain in self.chains:
            chain.close()


class MidSide:
    """One chain for the middle, half of what both sides sum to, and one for the side, half of what parts them."""

    def __init__(self, mid: "Chain", side: "Chain") -> None:
        self.branches = (mid, side)
        self.latency = max(mid.latency, side.latency)
        self.held = [Held(self.latency - chain.latency) for chain in self.branches]

    def process(self, block: Samples) -> Samples:
        mid, side = (
            held.process(chain.process(np.repeat(half, 2, axis=0))).mean(axis=0)
            for chain, held, half in zip(
                self.branches, self.held, ((block[:1] + block[1:]) / 2, (block[:1] - block[1:]) / 2), strict=True
            )
        )
        return np.stack([mid + side, mid - side]).astype(np.float32)

    def close(self) -> None:
        for chain in self.branches:
            chain.close()


def nested(slot: Slot, rate: int, intensity: float, course: Course, late: int) -> Branches | MidSide:
    """The chains inside a slot at work."""
    made: list[Chain] = []
    try:
        for chain in slot.chains:
            made.append(Chain(chain, rate, intensity, course, late))
    except BaseException:
        for one in made:
            one.close()
        raise
    return Branches(made) if slot.effect == BRANCHES else MidSide(*made)


def running(slot: Slot, rate: int, intensity: float, course: Course | None = None, late: int = 0) -> Any:
    """The effect of a slot, ours or pedalboard's, with its parameters at this intensity; cutoffs stay below Nyquist."""
    course = course or Course()
    if slot.chains:
        return nested(slot, rate, intensity, course, late)
    values = {name: ramp.at(intensity) for name, ramp in slot.params}
    for name in values:
        if name.endswith("_hz") and name != "rate_hz":
            values[name] = min(values[name], 0.45 * rate)
    if slot.plugin is not None:
        return at_work(slot.plugin, rate, intensity)
    if slot.effect == "Impulse":
        assert slot.impulse is not None
        return Impulse(slot.impulse, rate, **values)
    if slot.effect == "Duck":
        gains = {place: ramp.at(intensity) for place, ramp in slot.key}
        return Duck(heard(course.keys, gains), rate, late, **values)
    if slot.effect in MOVING:
        return getattr(import_module(MOVEMENT), slot.effect)(rate, **values)
    import pedalboard

    if slot.effect == "Reverb":
        values = {"wet_level": 1.0, "dry_level": 0.0, **values}
    made = getattr(pedalboard, slot.effect)(**values)
    made.reset()
    return made


def load(slots: Iterable[Slot]) -> None:
    """Import what these slots run on: nothing may be imported later, in a thread."""
    effects = {inner.effect for slot in slots for inner in slot.within if inner.plugin is None} - {*NESTS, *OURS}
    if effects & MOVING:
        import_module(MOVEMENT)
    if effects - MOVING:
        import_module("pedalboard")


def run(effect: Any, block: Samples, rate: int) -> Samples:
    """One call, state kept; pedalboard cannot tell channels from frames in a block as short as it is wide."""
    if hasattr(effect, "latency"):
        return np.asarray(effect.process(block))
    short = max(0, 4 - block.shape[1])
    if short:
        block = np.pad(block, ((0, 0), (0, short)))
    done = effect.process(block, rate, buffer_size=GRID, reset=False)
    return np.ascontiguousarray(done[:, : block.shape[1] - short], np.float32)


def tail_of(slots: Sequence[Slot], rate: int, intensity: float) -> float:
    """Seconds that a chain rings on to -80 dB."""
    seconds = 0.0
    for slot in slots:
        values = {name: ramp.at(intensity) for name, ramp in slot.params}
        if slot.bypass:
            continue
        if slot.chains:
            seconds += max(tail_of(chain, rate, intensity) for chain in slot.chains)
        elif slot.plugin is not None:
            seconds += hosted_tail_s(slot.plugin, rate, intensity)
        elif slot.effect == "Reverb":
            seconds += reverb_tail_s(values.get("room_size", 0.5))
        elif slot.effect == "Delay":
            feedback = max(values.get("feedback", 0.0), 1e-4)
            seconds += values.get("delay_seconds", 0.5) * (1 + 80 / (-20 * np.log10(feedback)))
        elif slot.impulse is not None:
            seconds += impulse_tail_s(slot.impulse, rate, **{k: v for k, v in values.items() if k != "gain_db"})
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
