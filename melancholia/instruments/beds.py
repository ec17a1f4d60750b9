"""Noise that flows through a stem and never comes back: what rain, records and tape share.

One stream runs from the stem's start; notes only open and close it, slowly, and say how loud. Notes that touch melt
into one. Pitch means nothing here.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate

from melancholia.convolution import add_convolved
from melancholia.instruments import kernels
from melancholia.instruments.events import Events

FADE_S = 2.5  # a note opens over this time and closes over it after its release
SHORTEST_S = 0.05
LEVEL_DB = 26.0  # velocity 1 is this far below 127
TAPS_S = 0.06
DRIFT_HZ = 100.0
CHUNK = 2**14

Colour = list[tuple[float, float]]  # (Hz, dB) points


def opened(played: Events, rate: int, frames: int) -> NDArray[np.float32]:
    """Gain of the stream (frames,): sin^2 up from each onset, held, cos^2 down from each release; 1 at velocity 127."""
    gain = np.zeros(frames, np.float32)
    for start, onset, release, velocity in zip(
        played.frames(rate), played.onset_s, played.release_s, played.velocity, strict=True
    ):
        held = max(release - onset, SHORTEST_S)
        up, down = ramp(min(FADE_S, held), rate), ramp(FADE_S, rate)[::-1]
        note = np.ones(int(held * rate) + len(down), np.float32)
        note[: len(up)] *= up
        note[-len(down) :] *= down
        end = min(start + len(note), frames)
        gain[start:end] += np.float32(10 ** ((velocity / 127 - 1) * LEVEL_DB / 20)) * note[: end - start]
    return gain


def ramp(seconds: float, rate: int) -> NDArray[np.float32]:
    """sin^2 from 0 to almost 1."""
    count = int(seconds * rate)
    return np.asarray(np.sin(0.5 * np.pi * np.arange(count) / count) ** 2, np.float32)


def drift(frames: int, rate: int, rng: np.random.Generator, *, every_s: float, sd: float) -> NDArray[np.float32]:
    """A smooth random walk round 1 of standard deviation `sd`: a new place every `every_s` seconds, at least 0.2."""
    count = int(frames / rate / every_s) + 4
    places = interpolate.CubicSpline(np.arange(count) * every_s, rng.normal(1, sd, count))
    at = np.arange(int(frames / rate * DRIFT_HZ) + 2) / DRIFT_HZ
    return drawn(at, np.maximum(places(at), 0.2), frames, rate)


def drawn(at_s: NDArray[np.float64], value: NDArray[np.float64], frames: int, rate: int) -> NDArray[np.float32]:
    """A curve through evenly spaced points, a sample a frame."""
    step = float(at_s[1] - at_s[0]) * rate
    out = np.empty(frames, np.float32)
    for start in range(0, frames, CHUNK):  # small enough to stay near the processor
        place = np.arange(start, min(start + CHUNK, frames)) / step
        k = place.astype(np.int32)
        out[start : start + CHUNK] = value[k] + (place - k) * (value[k + 1] - value[k])
    return out


def colour(points: Colour, rate: int) -> NDArray[np.float64]:
    """A linear-phase filter through (Hz, dB) points, of unit gain to white noise."""
    taps = int(TAPS_S * rate) // 2 * 2
    hz = np.maximum(np.fft.rfftfreq(taps, 1 / rate), 1)
    at, db = np.log([f for f, _ in points]), [g for _, g in points]
    gain = 10 ** (np.interp(np.log(hz), at, db) / 20)
    gain[0] = 0
    gain[hz > 0.46 * rate] = 0
    response = np.roll(np.fft.irfft(gain), taps // 2) * np.hanning(taps + 1)[:-1]
    response -= response.sum() * np.hanning(taps + 1)[:-1] / np.hanning(taps + 1)[:-1].sum()
    return np.asarray(response / np.sqrt((response**2).sum()))


def add_noise(
    out: NDArray[np.float32],
    layers: list[tuple[NDArray[np.float32], Colour, float]],
    rng: np.random.Generator,
    rate: int,
) -> None:
    """Add layers (gain over time, colour, width) to out (2, frames): always new noise, through one convolution.

    Width is the side's share: 0 the same in both ears, 1 nothing in common.
    """
    frames = out.shape[1]
    tracks, responses = [], []
    for gain, points, width in layers:
        shaped = colour(points, rate)
        for sides, share in (((1.0, 1.0), 1.0), ((1.0, -1.0), width)):
            if share:
                tracks.append(gain * rng.standard_normal(frames, dtype=np.float32))
                responses.append(share * np.outer(sides, shaped))
    add_convolved(out, tracks, responses)


def moments(frames: int, rate: int, rng: np.random.Generator, *, per_s: float) -> NDArray[np.int64]:
    """Frames of a Poisson process over the stem."""
    return np.sort(rng.integers(0, frames, rng.poisson(per_s * frames / rate)))


def add_grains(
    out: NDArray[np.float32],
    start: NDArray[np.int64],
    level: NDArray[np.float64],
    pan: NDArray[np.float64],
    *,
    hz: NDArray[np.float64],
    chirp: NDArray[np.float64],
    decay: NDArray[np.float64],
    rise: NDArray[np.float64],
    rate: int,
) -> None:
    """Short tones at `start`, panned -1..1 at constant power; those over the rate's top are left out."""
    kept = (level != 0) & (hz + np.maximum(chirp * 3 / decay, 0) < 0.45 * rate)
    angle = (1 + pan[kept]) * np.pi / 4
    kernels.scatter(
        out, start[kept], level[kept] * np.cos(angle), level[kept] * np.sin(angle), hz[kept], chirp[kept],
        decay[kept], rise[kept], rate,
    )  # fmt: skip
