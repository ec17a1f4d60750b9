"""A plugin of the user's as an instrument: ``vst3:NAME`` or a path, ``#STATE`` behind it, ``#PLUGIN`` of several."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.errors import InputError
from melancholia.hosting import rates, reports
from melancholia.hosting.bundles import bundle, library
from melancholia.hosting.plugin import Hosted, Plugin, PluginError
from melancholia.instruments.events import Events

ON, OFF, CONTROL = 0x90, 0x80, 0xB0  # MIDI 1.0, on the first channel
MODULATION, EXPRESSION, PEDAL = 1, 11, 64  # controllers
CONTROLLERS = {"expression": (EXPRESSION, MODULATION), "pedal": (PEDAL,)}
RELEASE_VELOCITY = 64
RATE = 48_000  # at which it is heard how long it rings

Message = tuple[int, tuple[int, int, int]]  # at a frame, three bytes


def parse(name: str) -> Plugin:
    """The plugin that a name means; refuses what is none.

    Raises
    ------
    InputError
        There is no such bundle or state, or it is for another system.
    """
    said, _, more = name.partition("#")
    state, _, which = more.partition("#")
    try:
        path = bundle(said, Path.cwd())
    except InputError as error:
        raise InputError(f"instrument {error}") from error
    file = Path(os.path.expanduser(state))
    if state and not file.is_file():
        raise InputError(f"instrument {name!r}: {state} is no file; allowed: a state, or .vstpreset.")
    return Plugin(
        path=path,
        name=which or None,
        state=file if state else None,
        where="instrument",
        sha256=reports.code_hash(path),
    )


def files(name: str) -> tuple[Path, ...]:
    plugin = parse(name)
    return (library(plugin.path), *((plugin.state,) if isinstance(plugin.state, Path) else ()))


def warning(name: str) -> str:
    plugin = parse(name)
    return reports.warning(plugin.path, plugin.name, plugin.called)


def tail_s(name: str) -> float:
    return rates.tail_s(parse(name), RATE, 0.0)


def play_as(name: str) -> Any:
    """The player of a plugin's name, for the table's signature."""
    plugin = parse(name)

    def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
        try:
            return rendered(plugin, played, rate, frames)
        except PluginError:
            return rendered(plugin, played, rate, frames)

    return play


def rendered(plugin: Plugin, played: Events, rate: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames): every message at its frame, the plugin's latency taken out."""
    with Hosted(plugin, rate, 0.0, plays=True) as hosted:
        late = hosted.latency
        made = hosted.play(frames + late, messages(played, rate))
    if not np.isfinite(made).all():
        raise PluginError(f"{plugin.called} ({plugin.where}) gives no finite sound.")
    return np.ascontiguousarray(made[:, late:])


def messages(played: Events, rate: int) -> list[Message]:
    """Notes and curves as MIDI, in order; at one frame what moves comes first, then what ends, then what begins.

    A key that is struck again before it was let go is let go then.
    """
    found: list[tuple[int, int, Message]] = []
    onsets = played.frames(rate)
    releases = np.maximum(np.round(played.release_s * rate).astype(np.int64), onsets + 1)
    again: dict[int, int] = {}  # when each key is struck next
    for k in reversed(range(len(played))):
        pitch, onset, release = int(played.pitch[k]), int(onsets[k]), int(releases[k])
        found.append((onset, 2, (onset, (ON, pitch, int(played.velocity[k])))))
        end = min(release, again.get(pitch, release))
        if end > onset:
            found.append((end, 1, (end, (OFF, pitch, RELEASE_VELOCITY))))
        again[pitch] = onset
    for curve, numbers in CONTROLLERS.items():
        if curve in played.curves:
            times, values = played.curves[curve]
            for at, value in zip(np.round(times * rate).astype(np.int64), values, strict=True):
                found += [(int(at), 0, (int(at), (CONTROL, number, int(round(value))))) for number in numbers]
    return [message for *_, message in sorted(found)]
