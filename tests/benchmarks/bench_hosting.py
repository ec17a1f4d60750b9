"""A plugin in a process of its own beside the same plugin in ours, and its knobs moved on both grids.

The plugin is a gain, built for the tests: what is measured is the bridge. Nothing is measured where it cannot be built.
"""

import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from melancholia.hosting import process
from melancholia.hosting.plugin import Hosted, Plugin, PluginError
from melancholia.hosting.process import FRAMES
from melancholia.hosting.worker import BLOCK
from tests.hosting.zoo import built, can_be_built

RATE, REPEATS = 48_000, 7
BLOCKS = -(-60 * RATE // FRAMES)


def minute(work):
    """Median seconds of a minute of sound, in blocks."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        for _ in range(BLOCKS):
            work()
        times.append(time.perf_counter() - began)
    return sorted(times)[REPEATS // 2] * 60 * RATE / (BLOCKS * FRAMES)


def bare(path, block):
    import pedalboard

    plugin = pedalboard.VST3Plugin(str(path))
    plugin.reset()
    return minute(lambda: plugin.process(block, RATE, buffer_size=BLOCK, reset=False))


def overdue(path):
    """Seconds past its deadline that a worker which hangs is gone."""
    usual, process.BLOCK_S, process.TIMES = (process.BLOCK_S, process.TIMES), 1.0, 0.0
    try:
        with Hosted(Plugin(path), RATE, 0.0) as hosted:
            worker = hosted.worker.process
            with suppress(PluginError):
                while True:
                    began = time.perf_counter()
                    hosted.process(np.zeros((2, FRAMES), np.float32))
            assert worker.returncode == -signal.SIGKILL
            return time.perf_counter() - began - 1.0
    finally:
        process.BLOCK_S, process.TIMES = usual


def figures():
    if not can_be_built():
        return
    block = np.random.default_rng(0).normal(0, 0.1, (2, FRAMES)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        zoo = built(Path(folder))
        with Hosted(Plugin(zoo["Gain"]), RATE, 0.0) as hosted:
            hosted.process(block)
            ours = minute(lambda: hosted.process(block))
            theirs = bare(zoo["Gain"], block)
            yield {
                "what": "a plugin in its own process, a minute of stereo, over the same in ours", "budget": 10,
                "figure": 1e3 * (ours - theirs), "unit": "ms", "better": "lower",
            }  # fmt: skip
            for grid, budget in ((256, 150), (64, 50)):
                at = np.arange(0, FRAMES, grid)
                moves = [(int(frame), {"gain": frame / FRAMES}) for frame in at]
                seconds = minute(lambda: hosted.process(block, moves))  # noqa: B023
                yield {
                    "what": f"a knob of a plugin moved every {grid} frames", "budget": budget, "figure": 60 / seconds,
                    "unit": "times real time", "better": "higher",
                }  # fmt: skip
        yield {
            "what": "a worker that hangs is gone, behind its deadline", "budget": 0.5, "figure": overdue(zoo["Hang"]),
            "unit": "s", "better": "lower",
        }  # fmt: skip
