"""The process in which one plugin lives: python -m melancholia.hosting.worker MEMORY FRAMES

Requests come as JSON lines on stdin, replies leave as JSON lines where stdout was; what the plugin prints goes to
stderr, wherever it prints it. Sound lies in the file MEMORY, which both sides map: what goes in first, what comes out
behind it, each two channels of FRAMES at most. When stdin ends, the process ends, whatever the plugin does.
"""

import base64
import ctypes
import json
import mmap
import os
import queue
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 256  # frames of the plugin's own block: one size, for a larger one than any before resets an effect
CHANNELS = 2
PIECE = 8192  # frames of one call: what it makes stays in the cache, in memory that need not be asked for anew
DIGITS = 4  # behind the point, of what a knob shows
BOOT_S = 2.0  # that pedalboard waits for an instrument's first sound
PR_SET_PDEATHSIG = 1  # linux/prctl.h

Samples = NDArray[np.float32]


def main() -> None:
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    no_core_dumps()
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(requests, asked), daemon=True).start()
    host = Host(Path(sys.argv[1]), int(sys.argv[2]))
    replies.write(b"{}\n")
    while True:
        request = json.loads(asked.get())
        try:
            found = getattr(host, request.pop("do"))(**request)
        except Exception as error:  # noqa: BLE001  whatever a plugin raises is told to whoever asked
            found = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(found or {}).encode() + b"\n")


def listen(requests: Any, asked: "queue.SimpleQueue[bytes]") -> None:
    """Hand on what is asked; where nobody can ask any more, end at once."""
    for line in requests:
        asked.put(line)
    os._exit(0)


def no_core_dumps() -> None:
    """Die without a core dump, and with the parent even where the plugin holds the interpreter."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.name == "posix":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Host:
    """The plugin, once or once a channel, and the memory through which its sound goes."""

    def __init__(self, memory: Path, frames: int) -> None:
        with memory.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        both = np.frombuffer(self.memory, np.float32).reshape(2, CHANNELS * frames)
        self.given, self.made = both
        self.plugins: list[Any] = []
        self.rate, self.channels, self.wide = 0, 0, 0
        self.held: Samples = np.zeros((0, 0), np.float32)
        self.block = BLOCK

    def names(self, path: str) -> dict[str, Any]:
        """The plugins of a bundle."""
        from pedalboard import VST3Plugin

        return {"names": VST3Plugin.get_plugin_names_for_file(path)}

    def load(self, path: str, name: str | None, rate: int, channels: int, block: int) -> dict[str, Any]:
        """Load it for so many channels; what it is, and the parameters that may be set."""
        self.block = block
        first = opened(path, name)
        self.rate, self.channels = rate, channels
        self.wide = channels if first.is_instrument else wide(first, rate, channels)
        others = channels - 1 if self.wide == 1 and not first.is_instrument else 0
        self.plugins = [first, *(opened(path, name) for _ in range(others))]
        for plugin in self.plugins[1:]:
            plugin(np.zeros((1, BLOCK), np.float32), rate, buffer_size=BLOCK)
        self.reset()
        return {
            "name": first.name,
            "instrument": first.is_instrument,
            **self.parameters(),
        }

    def parameters(self) -> dict[str, Any]:
        """Those that may be set, as they stand."""
        return {"parameters": [told(p) for p in self.plugins[0]._parameters if settable(p)]}

    def accepts(self) -> dict[str, Any]:
        """The numbers of channels that it takes by itself."""
        return {"accepts": [count for count in (1, 2) if takes(self.plugins[0], self.rate, count)]}

    def taken(self) -> dict[str, Any]:
        """Memory of this process in MB: now on Linux, elsewhere the most that it had; 0 where the system is silent."""
        if sys.platform == "linux":  # where the most is inherited from whoever started it
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            return {"mb": pages * mmap.PAGESIZE / 1e6}
        if os.name != "posix":
            return {"mb": 0.0}
        import resource

        return {"mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}

    @property
    def latency(self) -> int:
        return int(self.plugins[0].reported_latency_samples)

    def reset(self) -> None:
        """As at the start of a sound; what comes out is late by the latency, from the first block on."""
        for plugin in self.plugins:
            plugin.reset()
        self.held = np.zeros((self.channels, self.latency), np.float32)

    def raw(self, index: int, value: float | str) -> dict[str, Any]:
        """Where a knob stands, 0 to 1, for what it should show."""
        return {"raw": raw_of(by_index(self.plugins[0], index), value)}

    def shows(self, index: int, raw: float) -> dict[str, Any]:
        return {"text": by_index(self.plugins[0], index).get_text_for_raw_value(raw)}

    def settle(self, values: list[tuple[int, float]]) -> None:
        """Set knobs, by index, where they stay."""
        for plugin in self.plugins:
            turn(plugin, values)

    def ready(self) -> dict[str, Any]:
        """At the start of a sound, with all that was set; how late it is now."""
        for plugin in self.plugins:
            self.hush(plugin)
        self.reset()
        return {"latency": self.latency}

    def hush(self, plugin: Any) -> None:
        """A block of nothing: only behind one it stands as it was set."""
        if plugin.is_instrument:
            self.play(BLOCK, [])
        else:
            self.call(plugin, np.zeros((self.wide, BLOCK), np.float32))

    def process(self, frames: int, moves: list[tuple[int, list[tuple[int, float]]]]) -> dict[str, Any]:
        """What goes in, processed; at frames (multiples of BLOCK) knobs move."""
        size = self.channels * frames
        block, made = (memory[:size].reshape(self.channels, frames) for memory in (self.given, self.made))
        turns = dict(moves)
        edges = [*sorted({*range(0, frames, max(PIECE, self.block)), *turns}), frames]
        done, over = pour(self.held, made, 0)
        for start, end in zip(edges, edges[1:], strict=False):
            for plugin in self.plugins if start in turns else ():
                turn(plugin, turns[start])
            done, more = pour(self.run(np.ascontiguousarray(block[:, start:end])), made, done)
            over += more
        if done < frames:
            raise ValueError(f"gave {done - self.held.shape[1]} frames for {frames}")
        self.held = np.concatenate(over, axis=1) if over else self.held[:, :0]
        return {}

    def play(self, frames: int, messages: list[tuple[int, list[int]]]) -> dict[str, Any]:
        """What an instrument plays, with messages at frames of this piece; what was held before goes on."""
        # half a frame late: pedalboard counts in seconds of 32 bits, and cuts them off
        timed = [(bytes(message), (at + 0.5) / self.rate) for at, message in messages]
        done = self.plugins[0](
            timed, duration=(frames + 0.5) / self.rate, sample_rate=self.rate, num_channels=self.channels,
            buffer_size=self.block, reset=False,
        )  # fmt: skip
        if done.shape != (self.channels, frames):
            raise ValueError(f"gave {done.shape[1]} frames of {done.shape[0]} channels for {frames}")
        self.made[: self.channels * frames].reshape(self.channels, frames)[:] = done
        return {}

    def run(self, block: Samples) -> Samples:
        """One call on each instance; a wide plugin hears one channel twice, and gives the mean."""
        if self.wide == 1:
            return np.concatenate(
                [self.call(plugin, row[None]) for plugin, row in zip(self.plugins, block, strict=True)]
            )
        if self.channels == 1:
            both = self.call(self.plugins[0], np.repeat(block, 2, axis=0))
            return np.asarray(both.mean(axis=0, keepdims=True))
        return self.call(self.plugins[0], block)

    def call(self, plugin: Any, block: Samples) -> Samples:
        short = max(0, 4 - block.shape[1])  # pedalboard cannot tell channels from frames in a block as short as wide
        if short:
            block = np.pad(block, ((0, 0), (0, short)))
        done = plugin.process(block, self.rate, buffer_size=self.block, reset=False)
        return np.asarray(done[:, : done.shape[1] - short] if short else done, np.float32)

    def state(self) -> dict[str, Any]:
        """All that it remembers; what was set is in it only after a block."""
        plugin = self.plugins[0]
        self.hush(plugin)
        found = base64.b64encode(plugin.raw_state).decode()
        self.reset()
        return {"state": found}

    def restore(self, state: str) -> dict[str, Any]:
        """Make it remember; whether it then says the same."""
        from pedalboard import VST3Plugin

        data = base64.b64decode(state)
        preset = data.startswith(b"VST3")
        kept = True
        for plugin in self.plugins:
            vars(VST3Plugin)["preset_data" if preset else "raw_state"].fset(plugin, data)
            self.hush(plugin)
            kept &= preset or plugin.raw_state == data
        self.reset()
        return {"kept": kept}


def pour(piece: Samples, into: Samples, done: int) -> tuple[int, list[Samples]]:
    """Write a piece behind the `done` frames that are there; how many are there then, and what had no place."""
    count = min(piece.shape[1], into.shape[1] - done)
    into[:, done : done + count] = piece[:, :count]
    return done + count, [piece[:, count:].copy()] if count < piece.shape[1] else []


def opened(path: str, name: str | None) -> Any:
    """The plugin, never played to, without pedalboard's scan of its parameters, which takes minutes with some.

    pedalboard asks each for a thousand texts. And it plays noise to a plugin that it loads, of another seed
    each time, and some still ring of it afterwards: so the instance is made anew. Both go by private names, and are
    left out where those are gone.
    """
    import pedalboard

    mixin = getattr(getattr(pedalboard, "_pedalboard", None), "_PythonExternalPluginMixin", None)
    if mixin is not None:
        mixin.__set_initial_parameter_values__ = lambda self, values: None
        mixin._get_parameter_by_python_name = lambda self, name: None
    plugin = pedalboard.VST3Plugin(path, plugin_name=name, initialization_timeout=BOOT_S)
    kinds: Any = type(getattr(plugin, "_reload_type", None))
    if hasattr(kinds, "PersistsAudioOnReset"):
        plugin._reload_type = kinds.PersistsAudioOnReset
        plugin.reset()
        plugin._reload_type = kinds.ClearsAudioOnReset
    return plugin


def wide(plugin: Any, rate: int, channels: int) -> int:
    """The channels that it takes, as many as there are where it does."""
    refused = ""
    for count in (channels, *({1, CHANNELS} - {channels})):
        try:
            plugin(np.zeros((count, BLOCK), np.float32), rate, buffer_size=BLOCK)
        except ValueError as error:
            refused = refused or str(error)
        else:
            return count
    raise ValueError(refused)


def takes(plugin: Any, rate: int, channels: int) -> bool:
    try:
        return wide(plugin, rate, channels) == channels
    except ValueError:
        return False


def by_index(plugin: Any, index: int) -> Any:
    return next(p for p in plugin._parameters if p.index == index)


def turn(plugin: Any, values: list[tuple[int, float]]) -> None:
    known = {p.index: p for p in plugin._parameters}
    for index, raw in values:
        known[index].raw_value = raw


HOSTS = {"sample_rate", "buffer_size", "latency", "current_program"}  # knobs that are the host's own
MIDI = re.compile(r"midi (ch\. \d+ )?cc \d+|midi cc \d+\|\d+|p\d{3}")  # what some wrappers show as knobs

METERS = re.compile(
    r"gain reduction.*|.*\bmeter\b.*"
)  # some are called automatable, and say what they are by name alone


def settable(parameter: Any) -> bool:
    """Whether a parameter is a knob: no meter, nothing that is the host's, no controller of a keyboard."""
    name = parameter.name.strip().lower()
    hosts = name.replace(" ", "_") in HOSTS
    return parameter.is_automatable and not (hosts or MIDI.fullmatch(name) or METERS.fullmatch(name))


def told(parameter: Any) -> dict[str, Any]:
    return {
        "index": parameter.index,
        "name": parameter.name,
        "unit": parameter.label,
        "raw": parameter.raw_value,
        "default": parameter.default_raw_value,
        "text": parameter.string_value,
        "low": parameter.get_text_for_raw_value(0.0),
        "high": parameter.get_text_for_raw_value(1.0),
    }


def number_in(text: str) -> float | None:
    """The number at the head of a text, as "-18.0 dB"."""
    head = text.strip().split(" ")[0].rstrip("%")
    try:
        return float(head)
    except ValueError:
        return None


def plain(text: str) -> str:
    """A number as people write it; words as they are."""
    try:
        return f"{round(float(text), DIGITS):g}"
    except ValueError:
        return text.strip()


STEPS = 60  # halvings of the way to a knob's place
BESIDE = 1e-5


def raw_of(parameter: Any, value: float | str) -> float:
    """Where the knob shows a number, or a text, for plugins are wrong about it on curved knobs.

    Its own answer where it shows the value again; else the place is looked for by halves, in which what it shows rises
    or falls all the way. Raises ValueError with what it can show.
    """
    ends = parameter.get_text_for_raw_value(0.0), parameter.get_text_for_raw_value(1.0)
    shown = number_in(value) if isinstance(value, str) else value
    if isinstance(value, str) and (shown is None or number_in(ends[0]) is None):
        own = parameter.get_raw_value_for_text(value)
        for raw in (own, *np.linspace(0, 1, 129)):
            if parameter.get_text_for_raw_value(float(raw)).strip().lower() == value.strip().lower():
                return float(raw)
        raise ValueError(f"shows nothing as {value!r}; allowed: {plain(ends[0])} to {plain(ends[1])}")
    value = float(shown)  # type: ignore[arg-type]
    low, high = (number_in(end) for end in ends)
    if low is None or high is None:
        raise ValueError(
            f"shows words, {plain(ends[0])} to {plain(ends[1])}; allowed: one of them in quotes, or raw = 0 to 1"
        )
    if not min(low, high) <= value <= max(low, high):
        raise ValueError(f"is {value:g}; allowed: {plain(ends[0])} to {plain(ends[1])}")
    raw = float(parameter.get_raw_value_for_text(f"{value:.9g}"))
    if shows(parameter, raw, value):
        return raw
    at, step = 0.5, 0.25
    for _ in range(STEPS):
        at += step if (shown_at(parameter, at) < value) == (low < high) else -step
        step /= 2
    near = (at, max(0.0, at - BESIDE), min(1.0, at + BESIDE))  # a knob of steps shows others on either side
    return min(near, key=lambda place: abs(shown_at(parameter, place) - value))


def shown_at(parameter: Any, raw: float) -> float:
    """The number that a knob shows at a place; ValueError where it shows none."""
    shown = number_in(parameter.get_text_for_raw_value(raw))
    if shown is None:
        raise ValueError(f"shows {parameter.get_text_for_raw_value(raw)!r} at {raw:g}; allowed: raw = 0 to 1")
    return shown


def shows(parameter: Any, raw: float, value: float) -> bool:
    shown = number_in(parameter.get_text_for_raw_value(raw))
    return shown is not None and abs(shown - value) <= 0.006 * max(1.0, abs(value))


if __name__ == "__main__":
    main()
