"""A rack over five stems of two minutes, beside the same pedalboard effects called bare on each stem."""

import time

import numpy as np

from melancholia.audio import Stem, Stems, audio
from melancholia.racks import apply, rack
from melancholia.racks.chain import GRID, plugin

SECONDS, RATE, INTENSITY = 120, 48_000, 0.7
PARTS = ("melody", "counter", "harmony", "texture", "bass")


def stems():
    rng = np.random.default_rng(0)
    return Stems({role: Stem(role, "x", audio(rng.normal(0, 0.1, (2, SECONDS * RATE)), RATE)) for role in PARTS})


def bare(found, dry):
    """Every insert and every send's chain of each role, whole, with the same internal block."""
    for role, stem in dry.items():
        x = stem.sound.samples
        for slot in found.inserts.get(role, ()):
            x = plugin(slot, RATE, INTENSITY)(x, RATE, buffer_size=GRID)
        total = x.copy()
        for send in found.sends:
            gain = send.gain_db.get(role, send.gain_db.get("any"))
            if gain is not None:
                y = x
                for slot in send.chain:
                    y = plugin(slot, RATE, INTENSITY)(y, RATE, buffer_size=GRID)
                total += np.float32(10 ** (gain.at(INTENSITY) / 20)) * y


def cpu(work):
    began = time.process_time()
    work()
    return time.process_time() - began


def figures():
    found, dry = rack("longing"), stems()
    ours, theirs = [], []
    apply(dry, rack=found, intensity=INTENSITY, tail_s=0.0)
    for _ in range(3):
        ours.append(cpu(lambda: apply(dry, rack=found, intensity=INTENSITY, tail_s=0.0)))
        theirs.append(cpu(lambda: bare(found, dry)))
    yield {
        "what": "rack against the same pedalboard effects called bare, 5 stems, CPU",
        "budget": 1.1, "figure": sorted(ours)[1] / sorted(theirs)[1], "unit": "times theirs", "better": "lower",
    }  # fmt: skip
    yield {
        "what": "rack on 5 stems of 120 s", "budget": 6, "figure": sorted(ours)[1], "unit": "s CPU", "better": "lower",
    }  # fmt: skip
