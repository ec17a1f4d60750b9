"""Integrated loudness of a stream after ITU-R BS.1770-5: K-weighting by scipy, steps of 100 ms, both gates."""

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Source, called
from melancholia.channels import MOST, mask_of, weights
from melancholia.errors import InputError

OFFSET_DB, ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -0.691, -70.0, -10.0
SILENT_LUFS = -120.0  # what silence reads
SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
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


class IntegratedMeter:
    """Integrated loudness of a sound whose blocks (channels, frames) come one after the other."""

    def __init__(self, sound: Source) -> None:
        from scipy import signal

        self.filter = signal.sosfilt
        self.sos, self.weights = k_weighting(sound.rate), weights_of(sound)
        self.state = np.zeros((2, sound.channels, 2))
        self.step = round(sound.rate / 10)
        self.held = np.zeros(0)
        self.energy: list[float] = []

    def add(self, block: NDArray[np.float32]) -> None:
        weighted, self.state = self.filter(self.sos, block, axis=1, zi=self.state)
        self.held = np.concatenate([self.held, self.weights @ weighted**2])
        whole = len(self.held) // self.step * self.step
        self.energy += self.held[:whole].reshape(-1, self.step).mean(axis=1).tolist()
        self.held = self.held[whole:]

    def lufs(self) -> float:
        """LUFS; `SILENT_LUFS` of what lies under the absolute gate."""
        energy = np.array(self.energy or ([float(self.held.mean())] if len(self.held) else [0.0]))
        power = np.convolve(energy, np.full(4, 0.25), "valid") if len(energy) >= 4 else np.array([energy.mean()])
        loud = OFFSET_DB + 10 * np.log10(np.maximum(power, 1e-15))
        kept = power[loud > ABSOLUTE_GATE_LUFS]
        if not len(kept):
            return SILENT_LUFS
        gate = OFFSET_DB + 10 * np.log10(kept.mean()) + RELATIVE_GATE_LU
        return float(OFFSET_DB + 10 * np.log10(power[loud > max(gate, ABSOLUTE_GATE_LUFS)].mean()))


def integrated_lufs(sound: Source) -> float:
    """The integrated loudness of a whole sound, LUFS; `SILENT_LUFS` of what lies under the absolute gate."""
    meter = IntegratedMeter(sound)
    for block in sound.blocks():
        meter.add(block)
    return meter.lufs()
