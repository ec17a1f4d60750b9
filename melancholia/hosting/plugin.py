"""A plugin as a chain names it, and the same at work: an effect that takes blocks and gives blocks."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from melancholia.errors import InputError, MelancholiaError, nearest
from melancholia.hosting.process import FRAMES, LOAD_S, STATE_S, Died, Worker
from melancholia.hosting.reports import code_hash
from melancholia.hosting.worker import BLOCK, CHANNELS, Samples

SHOWN = 12  # parameters that an error names
TAIL_DB, TAIL_S, STILL_S = -80.0, 30.0, 0.2  # rung out: so soft for so long; asked no longer than TAIL_S
MIDDLE_C, LOUD = 60, 127
BURST_S, BURST = 0.5, 0.25  # the noise that asks it, and its amplitude


@dataclass(frozen=True, slots=True)
class Place:
    """Where a knob stands, 0 to 1, as the plugin counts."""

    raw: float


Setting = float | str | Place  # what a knob shows, as a number or in words, or where it stands


Moves = Sequence[tuple[int, Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin in a chain.

    `path` is its bundle, `name` one of several in it; `params` are the settings of its knobs at intensity 0 and 1;
    `state` is a preset (``.vstpreset``) or what a host saved of it, in a file or as it is; `where` says where in the
    chain file it stands; `rate` is its own where that is not the sound's; `load_s` is how long it may take to load;
    `sha256` is its code's, where that may not change.
    """

    path: Path
    name: str | None = None
    params: tuple[tuple[str, tuple[Setting, Setting]], ...] = ()
    state: Path | bytes | None = None
    where: str = "alone"
    rate: int | None = None
    load_s: float = LOAD_S
    sha256: str = ""

    @property
    def called(self) -> str:
        return self.name or self.path.stem


class PluginError(MelancholiaError):
    """A plugin that failed: which one, where in its chain, why, and what it said last."""


class Hosted:
    """A plugin at work on `channels` channels at a rate. Whoever makes one closes it.

    `latency` is how many frames late it is; `places` hold, by name, where each knob that was set stands at intensity 0
    and 1. `plays` says whether an instrument is wanted; None where both are.
    """

    def __init__(
        self,
        plugin: Plugin,
        rate: int,
        intensity: float,
        channels: int = CHANNELS,
        block: int = BLOCK,
        *,
        plays: bool | None = False,
    ) -> None:
        self.plugin, self.rate, self.channels = plugin, rate, channels
        if plugin.sha256 and code_hash(plugin.path) != plugin.sha256:
            raise PluginError(f"{plugin.called} ({plugin.where}) was replaced on the disk since it was named.")
        try:
            self.worker = Worker()
        except Died as error:
            raise self.failed(error) from error
        try:
            asked = {"rate": rate, "channels": channels, "block": block}
            facts = self.loaded(**asked)
            self.plays = bool(facts["instrument"])
            if plays is not None and plays != self.plays:
                is_, allowed = ("an instrument", "an effect") if self.plays else ("an effect", "an instrument")
                raise self.wrong(f"is {is_}; allowed: {allowed}.")
            if plugin.state is not None:
                self.remember(plugin.state)
            self.knobs = indices(facts["parameters"])
            slugs = [slug(name) for name, _ in plugin.params]
            if twice := {name for name in slugs if slugs.count(name) > 1}:
                raise self.wrong(f"is told twice where {min(twice)} stands; allowed: once.")
            self.places = {name: self.ends(name, ends) for name, ends in plugin.params}
            settled = [
                [self.knobs[slug(name)], low + (high - low) * intensity] for name, (low, high) in self.places.items()
            ]
            self.worker.ask("settle", STATE_S, values=settled)
            self.latency = int(self.worker.ask("ready", STATE_S)["latency"])
            self.worker.log.forget()  # what it said as it was loaded
        except Died as error:
            self.worker.close()
            raise self.failed(error) from error
        except BaseException:
            self.worker.close()
            raise

    def loaded(self, **asked: int) -> dict[str, Any]:
        plugin, path = self.plugin, str(self.plugin.path.resolve())
        try:
            facts = self.worker.ask("load", plugin.load_s, path=path, name=plugin.name, **asked)
        except Died as error:
            if not error.refused:
                raise
            self.check_name(path)
            raise
        if plugin.name not in (None, facts["name"]):  # of a bundle's only plugin any name is taken
            self.check_name(path)
        return facts

    def check_name(self, path: str) -> None:
        held = self.worker.ask("names", self.plugin.load_s, path=path)["names"]
        try:
            one_of(held, self.plugin.name)
        except InputError as error:
            raise InputError(f"{self.plugin.path.stem} ({self.plugin.where}) {error}") from error

    def remember(self, state: Path | bytes) -> None:
        data, called = (state, "given") if isinstance(state, bytes) else (state.read_bytes(), state.name)
        try:
            kept = bool(self.worker.ask("restore", STATE_S, state=base64.b64encode(data).decode())["kept"])
        except Died as error:
            if not error.refused:
                raise
            kept = False
        if not kept:
            raise self.wrong(f"does not know the state {called}; allowed: one of its own.")

    def state(self) -> bytes:
        """All that it remembers now, as `Plugin.state` takes it; its sound begins anew."""
        try:
            return base64.b64decode(self.worker.ask("state", STATE_S)["state"])
        except Died as error:
            raise self.failed(error) from error

    def ends(self, name: str, settings: tuple[Setting, Setting]) -> tuple[float, float]:
        """Where the knob stands at both ends."""
        if slug(name) not in self.knobs:
            known = sorted(self.knobs)
            more = f", and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
            said = f"known: {', '.join(known[:SHOWN])}{more}." if known else "allowed: none, for it has no parameters."
            raise self.wrong(f"has no parameter {name!r}; {said}{nearest(slug(name), known)}")
        low, high = (self.place(name, setting) for setting in settings)
        return low, high

    def place(self, name: str, setting: Setting) -> float:
        if isinstance(setting, Place):
            return setting.raw
        try:
            return float(self.worker.ask("raw", STATE_S, index=self.knobs[slug(name)], value=setting)["raw"])
        except Died as error:
            if not error.cause.startswith("ValueError: "):
                raise
            raise self.wrong(f"has no such setting: {name} {error.cause.removeprefix('ValueError: ')}.") from error

    def shown(self) -> list[dict[str, Any]]:
        """Its knobs: name, unit, what they show at both ends and where they stand, 0 to 1 and as they show it."""
        try:
            found = {p["index"]: p for p in self.worker.ask("parameters", STATE_S)["parameters"]}
        except Died as error:
            raise self.failed(error) from error
        said = ("unit", "low", "high", "text", "raw", "default")
        return [{"name": name, **{key: found[index][key] for key in said}} for name, index in self.knobs.items()]

    def process(self, block: Samples, moves: Moves = ()) -> Samples:
        """The next block (channels, frames), a multiple of 256 long but the last; late by `latency`.

        `moves` say where knobs stand, 0 to 1, by name, from a frame of the block on.
        """
        if block.ndim != 2 or len(block) != self.channels:
            raise InputError(f"block is {block.shape}; allowed: ({self.channels}, frames).")
        unknown = {name for _, knobs in moves for name in knobs if slug(name) not in self.knobs}
        if unknown:
            raise self.wrong(f"has no parameter {min(unknown)!r}; known: {', '.join(sorted(self.knobs))}.")
        rows = [(at, [(self.knobs[slug(name)], place) for name, place in knobs.items()]) for at, knobs in moves]
        parts = [] if block.shape[1] else [block]
        for start in range(0, block.shape[1], FRAMES):
            part = block[:, start : start + FRAMES]
            its = [(at - start, values) for at, values in rows if start <= at < start + FRAMES]
            try:
                parts.append(self.worker.process_block(part, self.rate, its))
            except Died as error:
                self.worker.close()
                raise self.failed(error) from error
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def play(self, frames: int, messages: Sequence[tuple[int, Sequence[int]]]) -> Samples:
        """The next frames (channels, frames) of an instrument, with MIDI messages of bytes at frames of them.

        What is held goes on from one call to the next.
        """
        parts = []
        for start in range(0, frames, FRAMES):
            count = min(FRAMES, frames - start)
            its = [(at - start, list(message)) for at, message in messages if start <= at < start + count]
            try:
                parts.append(self.worker.play_block(count, self.channels, self.rate, its))
            except Died as error:
                self.worker.close()
                raise self.failed(error) from error
        return np.concatenate(parts, axis=1)

    def tail_s(self) -> float:
        """Seconds that it rings on to -80 dB behind noise, or a note, at most TAIL_S; it has sounded then."""
        frames = int(BURST_S * self.rate) // BLOCK * BLOCK
        rng = np.random.default_rng(0)
        noise = BURST * rng.uniform(-1, 1, (self.channels, frames))
        if self.plays:
            burst = self.play(frames, [(0, (0x90, MIDDLE_C, LOUD)), (frames - 1, (0x80, MIDDLE_C, 64))])
        else:
            burst = self.process(noise.astype(np.float32))
        loud = float(np.abs(burst).max())
        silent = np.zeros((self.channels, int(STILL_S * self.rate) // BLOCK * BLOCK), np.float32)
        seconds, late = 0.0, self.latency / self.rate
        while seconds < TAIL_S:
            done = self.play(silent.shape[1], ()) if self.plays else self.process(silent)
            over = np.flatnonzero(np.abs(done).max(axis=0) > max(loud, 1e-6) * 10 ** (TAIL_DB / 20))
            if not len(over):
                break
            seconds += silent.shape[1] / self.rate if over[-1] > 0.9 * len(done[0]) else (over[-1] + 1) / self.rate
        return min(max(0.0, seconds - late), TAIL_S)

    def wrong(self, message: str) -> InputError:
        return InputError(f"{self.plugin.called} ({self.plugin.where}) {message}")

    def failed(self, error: Died) -> PluginError:
        return PluginError(f"{self.plugin.called} ({self.plugin.where}) {str(error).rstrip('.')}.")

    def close(self) -> None:
        self.worker.close()

    def __enter__(self) -> "Hosted":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def one_of(held: Sequence[str], name: str | None) -> str:
    """The plugin that is meant in a bundle; its only one where none is named."""
    if name is None and len(held) == 1:
        return held[0]
    if name in held:
        return str(name)
    known = ", ".join(held) or "none"
    if name is None:
        raise InputError(f"holds {len(held)} plugins; allowed: one of them by name, {known}.")
    raise InputError(f"holds no plugin {name!r}; known: {known}.{nearest(name, held)}")


def slug(name: str) -> str:
    """A name as it is compared: letters and digits in lower case, joined by underscores."""
    return re.sub(r"[^a-z0-9#]+", "_", name.lower()).strip("_")


def indices(parameters: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Knobs by name; of several of one name the first is itself, the others ``name#2`` and so on."""
    found: dict[str, int] = {}
    for parameter in parameters:
        name = slug(str(parameter["name"]))
        number = 1
        while (key := name if number == 1 else f"{name}#{number}") in found:
            number += 1
        found[key] = int(parameter["index"])
    return found


def resumed(stream: Callable[[], Iterator[Samples]]) -> Iterator[Samples]:
    """The blocks of a stream; where a plugin fails, once more from the start, without what was given already."""
    given = 0
    try:
        for block in stream():
            yield block
            given += block.shape[1]
        return
    except PluginError:
        pass
    skipped = given
    for block in stream():
        passed = min(skipped, block.shape[1])
        skipped -= passed
        if passed < block.shape[1]:
            yield np.ascontiguousarray(block[:, passed:])
