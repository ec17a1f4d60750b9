"""Small tuned metal as modes: bars and tines under a mallet or a pin.

A bar or tine sounds in a few modes at fixed ratios, the higher the shorter; each is split a little, as no metal is
alike in all directions, and shimmers slowly. The blow of mallet or pin knocks on the box; the air in it is convolved
once a stem.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments.events import Events, hertz
from melancholia.instruments.modes import Modes, note
from melancholia.instruments.noise import decaying_noise
from melancholia.streams import generator

HIGHEST_HZ = 16_000.0
LEVEL_DB = 25.0  # velocity 1 is this far below 127
HARDNESS_DB = 34.0  # the same of the felt's hardness, by which the higher modes come in
FLOOR = 3e-5  # a mode ends this far below the note's sum
SPLIT = 0.0007  # at most: the weaker half of a mode pulls its pitch by less than half a cent
RATIO_SD = 0.004  # of a higher mode from bar to bar
BOX_MODES, AIR_S = 14, 1.35


@dataclass(frozen=True, slots=True)
class Bars:
    """How one instrument of bars sounds. Times by key are given at `keys` and run linearly between them."""

    name: str
    low: int
    high: int
    ratios: tuple[float, ...]
    gains: tuple[float, ...]
    shorter: tuple[float, ...]  # T60 of each mode over that of the first
    small: int  # further modes, sidewise and twisting, that make each bar itself
    small_db: float
    keys: tuple[float, ...]
    t60_s: tuple[float, ...]
    damper_t60_s: float | None
    corner_hz: tuple[float, float]  # mallet: a + b velocity, of a bar of 700 Hz
    rise_s: float
    knock_hz: tuple[float, float]  # the box's modes lie between
    knock_t60_s: tuple[float, float]
    knock_db: float
    air_db: float
    pan: float
    trim: float


@lru_cache(maxsize=256)
def metal(voice: Bars, pitch: int, seed: int) -> Modes:
    """One bar, the same under every blow: its modes, then the weaker halves of those that are split."""
    own = generator(seed, voice.name, "bar", pitch)
    main, count = len(voice.ratios), len(voice.ratios) + voice.small
    ratio = np.array(voice.ratios) * np.concatenate([[1.0], 1 + own.normal(0, RATIO_SD, main - 1)])
    ratio = np.concatenate([ratio, np.exp(own.uniform(np.log(1.7), np.log(16), voice.small))])
    gain = np.concatenate([voice.gains, 10 ** ((voice.small_db + own.normal(0, 5, voice.small)) / 20)])
    shorter = np.concatenate([voice.shorter, own.uniform(0.15, 0.45, voice.small)])
    f = hertz(pitch) * ratio
    t60 = float(np.interp(pitch, voice.keys, voice.t60_s)) * shorter
    decay = 6.908 / t60 * np.exp(own.uniform(-0.12, 0.12, count))
    phase = own.uniform(0, 2 * np.pi, count) * (ratio > 1)
    apart = own.choice([-1, 1], count) * own.uniform(0.35, 0.75, count)  # the ears hear a mode at two phases
    pan = voice.pan * (2 * (pitch - voice.low) / (voice.high - voice.low) - 1)
    sides = voice.trim * np.sqrt(1 + np.array([-pan, pan]))[:, None]
    whole = sides * gain * np.exp(1j * (phase + np.array([0.5, -0.5])[:, None] * apart))
    split_hz = own.choice([-1, 1], main) * np.minimum(own.uniform(0.15, 0.5, main), SPLIT * f[:main])
    turned = own.uniform(0, 2 * np.pi, main) + np.array([0.5, -0.5])[:, None] * own.uniform(-1.5, 1.5, main)
    weaker = 10 ** (own.uniform(-20, -12, main) / 20) * np.exp(1j * turned)
    return Modes(
        np.concatenate([f, f[:main] + split_hz]),
        np.concatenate([decay, 0.7 * decay[:main]]),
        np.concatenate([whole, np.abs(whole[:, :main]) * weaker], axis=1),
    )


def bar(voice: Bars, pitch: int, velocity: int, seed: int, rate: int, stroke: np.random.Generator) -> Modes:
    """Modes of one blow, left and right: a soft mallet leaves the higher ones asleep."""
    modes = metal(voice, pitch, seed)
    a, b = voice.corner_hz
    corner = (a + b * 10 ** ((velocity / 127 - 1) * HARDNESS_DB / 20)) * (hertz(pitch) / 700) ** 0.5
    first = modes.hz < 1.01 * hertz(pitch)
    touch_db = stroke.normal(0, 1, len(modes.hz)) * np.where(first, 0.2, 0.8)
    gain_db = (velocity / 127 - 1) * LEVEL_DB + touch_db
    gain = 10 ** (gain_db / 20) * (1 + (modes.hz[0] / corner) ** 2) / (1 + (modes.hz / corner) ** 2)
    turn = np.exp(1j * stroke.normal(0, 0.06, len(modes.hz)))
    heard = modes.hz < min(HIGHEST_HZ, 0.45 * rate)
    return Modes(modes.hz[heard], modes.decay[heard], (modes.amplitude * gain * turn)[:, heard])


@lru_cache(maxsize=8)
def box(voice: Bars, seed: int) -> Modes:
    """The box under a blow: its modes, as loud over 20 ms as a tone of amplitude 1."""
    rng = generator(seed, voice.name, "box")
    (low, high), (shortest, longest) = voice.knock_hz, voice.knock_t60_s
    f = low * (high / low) ** ((np.arange(BOX_MODES) + rng.uniform(0.1, 0.9, BOX_MODES)) / BOX_MODES)
    decay = 6.908 / np.interp(np.log(f / low), [0, np.log(high / low)], [longest, shortest])
    alike, *apart = rng.standard_normal((3, BOX_MODES)) + 1j * rng.standard_normal((3, BOX_MODES))
    amplitude = (f / low) ** -0.3 * (alike + 0.45 * np.stack(apart))
    energy = (np.abs(amplitude) ** 2 / (4 * decay)).sum() / 2
    return Modes(f, decay, amplitude * np.sqrt(0.01 / energy))


def blow(voice: Bars, level: float, velocity: int, seed: int, rate: int) -> Modes:
    """The box as a half-sine of the mallet's contact sets it going; a slow mallet rests longer."""
    knock = box(voice, seed)
    turns = knock.hz * voice.rise_s * (1.6 - 0.8 * velocity / 127)
    pulse = np.abs(np.sinc(turns - 0.5) + np.sinc(turns + 0.5)) / (4 / np.pi)
    heard = knock.hz < 0.45 * rate
    return Modes(knock.hz[heard], knock.decay[heard], (level * pulse * knock.amplitude)[:, heard])


@lru_cache(maxsize=8)
def air(voice: Bars, seed: int, rate: int) -> NDArray[np.float64]:
    """Impulse response (2, taps) of the air in the box, under all tones."""
    rng = generator(seed, voice.name, "air")
    bands = [(200.0, 1.5), (1000.0, 1.8), (3000.0, 1.6), (8000.0, 0.9)]
    return decaying_noise(rate, rng, bands=bands, seconds=AIR_S, rise_s=0.008) * 10 ** (voice.air_db / 20)


def play(voice: Bars, played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    if not len(played):
        return out
    starts = played.frames(rate)
    for k in range(len(played)):
        pitch, velocity, start = int(played.pitch[k]), int(played.velocity[k]), int(starts[k])
        stroke = generator(seed, voice.name, "stroke", k)
        struck = bar(voice, pitch, velocity, seed, rate, stroke)
        level = float(np.abs(struck.amplitude[:, 0]).mean()) * 10 ** ((voice.knock_db + stroke.normal(0, 1)) / 20)
        rung = note(
            struck.and_also(blow(voice, level, velocity, seed, rate)),
            held_s=played.pedal_lift(float(played.release_s[k]), int(played.pitch[k])) - float(played.onset_s[k]),
            damper_t60_s=voice.damper_t60_s, rise_s=voice.rise_s, floor=FLOOR, rate=rate, room=frames - start,
        )  # fmt: skip
        out[:, start : start + rung.shape[1]] += rung
    add_convolved(out, [out.mean(axis=0)], [air(voice, seed, rate)])
    out[:, : int(starts.min())] = 0
    return out
