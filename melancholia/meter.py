"""Integrated loudness of a stream after ITU-R BS.1770-5: K-weighting, steps of 100 ms, both gates.

The K-weighting is recursive, but in blocks it is a product of matrices: what comes out of a block is its samples times
the filters' response, and the state at its start times what that state rings on with. So it runs as quickly as a matrix
product does, and needs neither scipy.signal (a second to import) nor a compiler.
"""

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Source, called
from melancholia.channels import MOST, mask_of, weights
from melancholia.errors import InputError

OFFSET_DB, ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -0.691, -70.0, -10.0
SILENT_LUFS = -120.0  # what silence reads
SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
RUN, GROUP = 64, 32  # frames of a run, runs of a group
HIGHPASS_HZ, HIGHPASS_Q = 38.13547087602444, 0.5003270373238773


def k_weighting(rate: int) -> NDArray[np.float64]:
    """The two biquads at any rate, as second-order sections (2, 6); the 48 kHz table of the standard, warped."""
    k = np.tan(np.pi * SHELF_HZ / rate)
    vh = 10 ** (SHELF_DB / 20)
    vb = vh**0.4996667741545416
    a0 = 1 + k / SHELF_Q + k * k
    shelf = [(vh + vb * k / SHELF_Q + k * k) / a0, 2 * (k * k - vh) / a0, (vh - vb * k / SHELF_Q + k * k) / a0]
    shelf += [1.0, 2 * (k * k - 1) / a0, (1 - k / SHELF_Q + k * k) / a0]
    k = np.tan(np.pi * HIGHPASS_HZ / rate)
    a0 = 1 + k / HIGHPASS_Q + k * k
    high = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / HIGHPASS_Q + k * k) / a0]
    return np.array([shelf, high])


def weights_of(sound: Source) -> NDArray[np.float64]:
    """What each channel of a sound weighs; refused where nobody knows where so many stand."""
    mask = mask_of(sound)
    if not mask:
        raise InputError(f"{called(sound)} has {sound.channels} channels; allowed: 1 to {MOST}.")
    return np.array(weights(mask))


class KWeighting:
    """The K-weighting of some channels, block after block.

    States are (channels, 4): two numbers of each biquad in its transposed form. A block is cut in runs of `RUN` frames,
    and those in groups of `GROUP`; the states at the start of the runs of a group follow from that of the group alone.
    """

    def __init__(self, rate: int, channels: int) -> None:
        a, b, c, d = state_space(k_weighting(rate))
        powers = [np.eye(4)]
        for _ in range(RUN):
            powers.append(a @ powers[-1])
        self.rung = np.stack([c @ power for power in powers[:RUN]])  # (frame, state): what a state rings on with
        response = np.concatenate([[d], self.rung[:-1] @ b])
        self.response = np.zeros((RUN, RUN))  # (frame in, frame out)
        for n in range(RUN):
            self.response[n, n:] = response[: RUN - n]
        self.driven = np.stack([powers[RUN - 1 - n] @ b for n in range(RUN)])  # (frame, state): what a frame leaves
        self.powers = np.stack(powers)
        steps = [np.eye(4)]
        for _ in range(GROUP):
            steps.append(self.powers[RUN] @ steps[-1])
        later = np.zeros((GROUP, 4, GROUP, 4))  # (run in, state, run out, state)
        for run in range(GROUP):
            for other in range(run + 1, GROUP):
                later[run, :, other] = steps[other - run - 1].T
        self.later = later.reshape(4 * GROUP, 4 * GROUP)
        self.onward = np.concatenate([step.T for step in steps[:GROUP]], axis=1)  # (state, run * state)
        self.leap, self.last = steps[GROUP].T, np.concatenate([step.T for step in steps[GROUP - 1 :: -1]])
        self.response32, self.rung32 = self.response.astype(np.float32), self.rung.T.astype(np.float32)
        self.driven32 = self.driven.astype(np.float32)
        self.state = np.zeros((channels, 4))

    def add(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """The block (channels, frames), weighted."""
        out = np.empty(block.shape, np.float32)
        span = RUN * GROUP
        whole = block.shape[1] // span * span
        if whole:
            out[:, :whole] = self.groups(np.ascontiguousarray(block[:, :whole]))
        for start in range(whole, block.shape[1], RUN):
            out[:, start : start + RUN] = self.run(block[:, start : start + RUN].astype(np.float64))
        return out

    def groups(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        channels = len(block)
        runs = block.reshape(-1, RUN)
        left = (runs @ self.driven32).astype(np.float64).reshape(channels, -1, 4 * GROUP)
        heads, carried = np.empty((channels, left.shape[1], 4)), left @ self.last
        for k in range(left.shape[1]):
            heads[:, k] = self.state
            self.state = self.state @ self.leap + carried[:, k]
        states = (left @ self.later + heads @ self.onward).reshape(-1, 4)
        weighted = runs @ self.response32
        weighted += states.astype(np.float32) @ self.rung32
        return weighted.reshape(channels, -1)

    def run(self, block: NDArray[np.float64]) -> NDArray[np.float64]:
        """A run, or less."""
        frames = block.shape[1]
        out = block @ self.response[:frames, :frames] + self.state @ self.rung[:frames].T
        self.state = self.state @ self.powers[frames].T + block @ self.driven[RUN - frames :]
        return np.asarray(out)


def state_space(
    sections: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Two biquads in a row as one system: the next state is A state + B x, what comes out C state + D x."""

    def step(state: NDArray[np.float64], x: float) -> tuple[NDArray[np.float64], float]:
        after = []
        for (b0, b1, b2, _, a1, a2), (z1, z2) in zip(sections, state.reshape(2, 2), strict=True):
            y = b0 * x + z1
            after += [b1 * x - a1 * y + z2, b2 * x - a2 * y]
            x = y
        return np.array(after), x

    unit = [step(state, 0.0) for state in np.eye(4)]
    driven, through = step(np.zeros(4), 1.0)
    return np.stack([after for after, _ in unit], axis=1), driven, np.array([y for _, y in unit]), float(through)


def to_lufs(power: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """LUFS of weighted power; -inf of none."""
    with np.errstate(divide="ignore"):
        return np.asarray(OFFSET_DB + 10 * np.log10(power))


def gated(power: NDArray[np.float64]) -> float:
    """Loudness of momentary power through both gates, LUFS; -inf where all is below the absolute gate."""
    loud = to_lufs(power)
    kept = power[loud > ABSOLUTE_GATE_LUFS]
    if not len(kept):
        return float("-inf")
    gate = max(ABSOLUTE_GATE_LUFS, float(to_lufs(kept.mean())) + RELATIVE_GATE_LU)
    return float(to_lufs(power[loud > gate].mean()))


class IntegratedMeter:
    """Integrated loudness of a sound whose blocks (channels, frames) come one after the other."""

    def __init__(self, sound: Source) -> None:
        self.filter, self.weights = KWeighting(sound.rate, sound.channels), weights_of(sound)
        self.step = round(sound.rate / 10)
        self.held = np.zeros(0)
        self.energy: list[float] = []

    def add(self, block: NDArray[np.float32]) -> None:
        weighted = self.filter.add(block)
        self.held = np.concatenate([self.held, self.weights @ weighted**2])
        whole = len(self.held) // self.step * self.step
        self.energy += self.held[:whole].reshape(-1, self.step).mean(axis=1).tolist()
        self.held = self.held[whole:]

    def lufs(self) -> float:
        """LUFS; `SILENT_LUFS` of what lies under the absolute gate."""
        energy = np.array(self.energy or ([float(self.held.mean())] if len(self.held) else [0.0]))
        power = np.convolve(energy, np.full(4, 0.25), "valid") if len(energy) >= 4 else np.array([energy.mean()])
        return max(gated(power), SILENT_LUFS)


def integrated_lufs(sound: Source) -> float:
    """The integrated loudness of a whole sound, LUFS; `SILENT_LUFS` of what lies under the absolute gate."""
    meter = IntegratedMeter(sound)
    for block in sound.blocks():
        meter.add(block)
    return meter.lufs()
