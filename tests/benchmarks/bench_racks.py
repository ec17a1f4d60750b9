"""A rack over seven stems of two minutes, beside the same effects called bare on each stem.

Bare is pedalboard, with its own Convolution for a room; our tape, tremolo and width, which it lacks, are called as they
are.
"""

import time

import numpy as np
import pedalboard

from melancholia.audio import Stem, Stems, audio
from melancholia.racks import apply, mix, names, rack
from melancholia.racks.chain import GRID, running
from melancholia.racks.sends import NOTHING_DB

SECONDS, RATE, INTENSITY = 120, 48_000, 0.7
PARTS = {
    "melody": "cello", "counter": "strings", "second": "strings", "harmony": "felt_piano", "texture": "warm_pad",
    "bass": "sub_bass", "percussion": "felt_piano",
}  # fmt: skip


def stems():
    rng = np.random.default_rng(0)
    sound = {name: audio(rng.normal(0, 0.1, (2, SECONDS * RATE)), RATE) for name in PARTS}
    return Stems({n: Stem("counter" if n == "second" else n, PARTS[n], x) for n, x in sound.items()})


def bare_effect(slot, x):
    if slot.effect == "Impulse":
        return pedalboard.Convolution(str(slot.impulse.path), sample_rate=RATE)(x, RATE, buffer_size=8192)
    effect = running(slot, RATE, INTENSITY)
    return effect.process(x) if hasattr(effect, "latency") else effect(x, RATE, buffer_size=GRID)


def bare(found, dry):
    """Every insert and every send's chain of each role, whole, with the same internal block."""
    for stem in dry.values():
        x = stem.sound.samples
        for slot in (*found.inserts.get(stem.role, ()), *found.inserts.get("any", ())):
            x = bare_effect(slot, x)
        total = x.copy()
        for send in found.sends:
            gain = send.gain_db.get(stem.role, send.gain_db["any"]).at(INTENSITY)
            if gain > NOTHING_DB:
                y = x
                for slot in send.chain:
                    y = bare_effect(slot, y)
                total += np.float32(10 ** (gain / 20)) * y


def cpu(work):
    began = time.process_time()
    work()
    return time.process_time() - began


def figures():
    dry = stems()
    for name in names():
        found, ours = rack(name), []
        apply(Stems({"melody": dry["melody"]}), rack=found, intensity=INTENSITY, tail_s=0.0)
        for _ in range(3):
            ours.append(cpu(lambda: mix(apply(dry, rack=found, intensity=INTENSITY, tail_s=0.0))))  # noqa: B023
        yield {
            "what": f"rack {name} and the mix, 7 stems of 120 s", "budget": 6, "figure": sorted(ours)[1],
            "unit": "s CPU", "better": "lower",
        }  # fmt: skip
        if name in ("longing", "nostalgia"):
            yield {
                "what": f"rack {name} against the same effects called bare, 7 stems, CPU", "budget": 1.1,
                "figure": sorted(ours)[1] / cpu(lambda: bare(found, dry)), "unit": "times theirs", "better": "lower",  # noqa: B023, E501
            }  # fmt: skip
