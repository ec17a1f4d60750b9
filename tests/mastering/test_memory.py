"""A master of any length takes the memory of a short one: what grows with the length lies on disk."""

import pytest

LONG = """
import numpy as np
import melancholia as mel

class Long:
    rate, channels = 48_000, 1

    def __init__(self, seconds):
        self.frames = seconds * self.rate

    def blocks(self, frames=65_536):
        x = np.random.default_rng(0).normal(0, 0.05, (1, 65_536)).astype(np.float32)
        x[:, ::9999] *= 6
        for at in range(0, self.frames, 65_536):
            yield x[:, : min(65_536, self.frames - at)].copy()

def most():  # of this program: what getrusage says begins with what its parent had
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

mel.master(Long(2), lufs=-14, out="short.wav", subtype="PCM_16")
before = most()
mel.master(Long(MINUTES * 60), lufs=-14, out="long.wav", subtype="PCM_16")
print(before, most() - before)
"""


@pytest.mark.long
def test_half_an_hour_takes_no_more_than_40_mb_above_two_seconds(tmp_path, children):
    """Two hours in the benchmarks."""
    done = children.python(LONG.replace("MINUTES", "30"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    before, more = map(float, done.stdout.split())
    assert before < 120 and more < 40
