"""Faulty plugins again and again, beside one that does its work: what is wrong is counted, and said in lines."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from melancholia.audio import audio
from melancholia.hosting.plugin import PluginError
from melancholia.racks import apply

RATE, SECONDS = 48_000, 1.0
FATAL = {  # what must be said of those that fail
    "CrashOnLoad": "crashed (SIGABRT)",
    "CrashOnBlock": "crashed (SIGSEGV)",
    "HangOnLoad": "gave no answer to load",
    "Hang": "gave no answer to process",
    "Exit": "ended with 7",
    "NaN": "gives no finite sound",
}
HARMLESS = ("Flood", "Leak", "Lying", "Clock")  # these give a sound
SIDE_BY_SIDE = 2


def more(name: str) -> str:
    return "load_s = 1.5\n" if name == "HangOnLoad" else ""


def wrongs(zoo: dict[str, Path], kind: str, count: int, folder: Path) -> tuple[list[str], float]:
    """What went wrong in `count` calls through a kind, each beside one through a plugin that is well; and seconds."""
    chains = {name: folder / f"{name}.toml" for name in (kind, "Gain")}
    for name, path in chains.items():
        text = f'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:{zoo[name]}"\n' + more(name)
        path.write_text(text, encoding="utf-8")
    sound = audio(np.random.default_rng(0).normal(0, 0.1, (2, int(SECONDS * RATE))).astype(np.float32), RATE)
    usual = apply(sound, rack=chains["Gain"], tail_s=0.0).samples

    def well(_: int) -> str:
        same = np.array_equal(apply(sound, rack=chains["Gain"], tail_s=0.0).samples, usual)
        return "" if same else "the file beside it came out otherwise"

    def ill(_: int) -> str:
        try:
            found = apply(sound, rack=chains[kind], tail_s=0.0).samples
        except PluginError as error:
            said = str(error)
            return "" if f"{kind} (insert.any 1" in said and FATAL.get(kind, "?") in said else said
        return "" if kind in HARMLESS and np.isfinite(found).all() else "it passed"

    began = time.monotonic()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        works = [pool.submit(work, number) for number in range(count) for work in (ill, well)]
        found = [said for said in (work.result() for work in works) if said]
    return [f"{kind}: {said}" for said in found], time.monotonic() - began
