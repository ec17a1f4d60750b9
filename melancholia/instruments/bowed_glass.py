"""Bowed glass: rims that a bow wakes slowly and that ring on when it leaves; never twice the same.

Each mode is a complex one-pole resonator a few Hz wide at most, driven by the bow's steady pull and by noise: what it
lets through is a slow walk of level and phase about the mode. The walk is made at a low rate and carried by the mode's
own tone, so there is nothing to loop. What the first mode's phase and energy walk off on the whole is taken back: in
tune, and as loud as meant.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from melancholia.instruments import kernels
from melancholia.instruments.events import Events, hertz
from melancholia.instruments.noise import noise_band
from melancholia.instruments.wavetables import EXPRESSION_DB
from melancholia.streams import generator

TRIM = 0.115
BLOCK = 128  # frames between points of the walks at 48 kHz
LOCKED = 6  # harmonics that the bow's stick and slip locks together
RIM = (2.32, 4.25, 6.63, 9.38)  # a wine glass's own further modes, which no harmonic meets
RIM_DB = -14.0
SOFT_SLOPE, LOUD_SLOPE = 1.9, 0.9  # mode gain is ratio ** -slope
STEADY_WALK, FREE_WALK = 0.25, 0.75  # noise against the bow's pull: of the first mode, of all others
WIDTH_HZ = 0.75  # of a mode low down: it falls by 60 dB in 2.9 s
APART = (0.22, 0.5)  # rad between a mode's phase in the middle and at the sides: of the first, at most of others
SIDE_WALK = 0.5  # share of a walk that is each side's own
VELOCITY_DB = 24.0
RISE_S, RISE_POWER = (0.2, 2.4), 1.5
LEAVES_S = 0.25
RINGS_DB, ENDS_S = 84.0, 0.5  # how far a tone is followed, and the fade at its end
HISS_DB = -50.0
HISS = ((400, -40), (1200, 0), (7000, -8), (11_000, -40), (12_500, -80))


def pull(t: NDArray[np.float64], held: float) -> NDArray[np.float64]:
    """The bow's pull, 0 to 1, at seconds after the onset of a tone that is held so long."""
    rise = np.clip(t / np.clip(0.45 * held, *RISE_S), 0, 1) ** RISE_POWER
    return np.asarray(rise * np.cos(0.5 * np.pi * np.clip((t - held) / LEAVES_S, 0, 1)) ** 2)


def modes(pitch: int, rate: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratios to the first mode, and gains, of a key's modes below 13 kHz; the rim's differ a little from key to key."""
    rng = generator(seed, "bowed_glass", "rim", pitch)
    ratio = np.concatenate([np.arange(1, LOCKED + 1), np.array(RIM) * (1 + rng.normal(0, 0.006, len(RIM)))])
    gain = np.concatenate([np.ones(LOCKED), np.full(len(RIM), 10 ** (RIM_DB / 20))])
    gain[1:] *= 10 ** (rng.normal(0, 2, len(gain) - 1) / 20)
    kept = ratio * hertz(pitch) < min(13_000.0, 0.45 * rate)
    return ratio[kept], gain[kept]


def walks(
    drive: NDArray[np.float64], decay: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Amplitudes of the modes at the points, left and right, (modes, points) each, for a drive (modes, points)."""
    count, points = drive.shape
    phase = rng.uniform(0, 2 * np.pi, count)
    apart = np.concatenate([[APART[0]], rng.uniform(APART[0], APART[1], count - 1)]) * rng.choice([-1, 1], count)
    shared, *own = rng.standard_normal((3, 2, count, points))
    sides = []
    for sign, alone in zip((1, -1), own, strict=True):
        noise = np.sqrt(1 - SIDE_WALK**2) * shared + SIDE_WALK * alone
        made = np.empty((count, points), np.complex128)
        for m in range(count):
            walk = (STEADY_WALK if m == 0 else FREE_WALK) * np.sqrt((1 - decay[m] ** 2) / 2)
            pushed = drive[m] * (1 - decay[m] + walk * (noise[0, m] + 1j * noise[1, m]))
            made[m] = lfilter([1.0], [1.0, -decay[m]], pushed)
        sides.append(made * np.exp(1j * (phase + sign * apart))[:, None])
    first = sides[0][0] + sides[1][0]
    still = lfilter([1.0 - decay[0]], [1.0, -decay[0]], drive[0]) * 2 * np.cos(apart[0])
    meant = np.sqrt((still**2).sum() / (np.abs(first) ** 2).sum())  # the player's ear: as loud as without the walk
    astray = np.angle((first[1:] * first[:-1].conj()).sum())
    back = np.exp(-1j * astray * np.arange(points))
    for side in sides:
        side[0] *= back
    return sides[0] * meant, sides[1] * meant


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    block = BLOCK * max(1, round(rate / 48_000))
    bowing = np.zeros(frames // block + 2)
    for k in range(len(played)):
        rng = generator(seed, "bowed_glass", "bow", k)
        pitch, start = int(played.pitch[k]), int(played.frames(rate)[k])
        held = max(float(played.release_s[k] - played.onset_s[k]), 0.03)
        ratio, gain = modes(pitch, rate, seed)
        width = WIDTH_HZ * (1 + ratio * hertz(pitch) / 4000)
        rings = RINGS_DB / 20 * np.log(10) / (np.pi * width[0])
        length = min(int((held + LEAVES_S + rings) * rate), frames - start)
        if length <= 0:
            continue
        t = np.arange(length // block + 2) * block / rate
        dynamic = played.curve("expression", played.onset_s[k] + t) / 127 - 1
        level_db = EXPRESSION_DB * dynamic + VELOCITY_DB * (played.velocity[k] / 127 - 1)
        pulled = pull(t, held)
        pressed = np.clip(10 ** (EXPRESSION_DB * dynamic / 20) * (1.15 * played.velocity[k] / 127) ** 1.3, 0, 1)
        slope = SOFT_SLOPE + (LOUD_SLOPE - SOFT_SLOPE) * pressed * pulled
        drive = TRIM * pulled * 10 ** (level_db / 20) * gain[:, None] * ratio[:, None] ** -slope
        left, right = walks(drive, np.exp(-np.pi * width * block / rate), rng)
        ends = np.clip((t[-2] - t) / ENDS_S, 0, 1)
        kernels.shimmer(out, start, length, 2 * np.pi * ratio * hertz(pitch) / rate, left * ends, right * ends, block)
        at = start // block
        bowing[at : at + len(t)] += (drive[0] * 10 ** (HISS_DB / 20))[: len(bowing) - at]
    add_hiss(out, bowing, block, rate, seed)
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out


def add_hiss(out: NDArray[np.float32], bowing: NDArray[np.float64], block: int, rate: int, seed: int) -> None:
    """Add the bow's own noise, apart in both channels, at these levels a block."""
    between = np.linspace(0, 1, block, endpoint=False, dtype=np.float32)
    here, there = bowing[:-1].astype(np.float32), bowing[1:].astype(np.float32)
    level = (here[:, None] + (there - here)[:, None] * between).ravel()[: out.shape[1]]
    for channel in range(2):
        noise = noise_band(2**18, generator(seed, "bowed_glass", "hiss", channel), HISS, rate)
        for start in range(0, len(level), len(noise)):
            part = level[start : start + len(noise)]
            out[channel, start : start + len(part)] += part * noise[: len(part)]
