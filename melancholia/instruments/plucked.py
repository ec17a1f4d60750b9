"""Plucked strings as modes over a body of modes: what the nylon guitar and the harp share.

A string pulled aside at a share of its length and let go has partials sin(n pi share) / n, rounded by the finger's
flesh; each has two polarisations, one that drives the body and dies with it, one along the board that outlives it a
little out of tune. The strings stand along a bridge of two ends; from each end to each ear leads the body, its low
modes alike in both ears (a body that breathes has no sides). Body and open strings are convolved once a stem.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from melancholia.convolution import add_convolved
from melancholia.instruments.events import Events, hertz
from melancholia.instruments.modes import Modes, note, response
from melancholia.instruments.noise import decaying_noise
from melancholia.streams import generator

HIGHEST_HZ = 14_000.0
TWO_WAYS_HZ = 5000.0  # above, the polarisation along the board is not heard
ALONG_DB = (-11.0, -3.0)  # that polarisation to the other
APART_CENTS, APART_HZ = 0.4, 0.45  # how far out of tune it is (SD)
FLOOR = 3e-5  # a mode ends this far below the note's sum; skin and body hide it
LEVEL_DB = 26.0  # velocity 1 is this far below 127
SPECTRUM = 2**16
ONE_PHASE = 0.7  # radians
BODY_S, FREED_S = 0.5, 2.0
EVEN, SLOPE = 0.75, 0.8  # how much of a key's deviation from the range's curve, and of the curve, is undone


@dataclass(frozen=True, slots=True)
class Body:
    """Signature modes (Hz, Q, dB), then modes every `spacing` up to the top: flat to `corner_hz`, `tilt_db` an octave
    above. `direct_db` is the string's own share, `spread` how far the ears differ at 1 kHz and above."""

    signature: tuple[tuple[float, float, float], ...]
    spacing: float
    q: float
    corner_hz: float
    tilt_db: float
    direct_db: float
    spread: float
    pan: float  # of the bridge's two ends


@dataclass(frozen=True, slots=True)
class Plucked:
    """How one plucked instrument sounds. Times by key are given at `keys` and run linearly between them."""

    name: str
    low: int
    high: int
    keys: tuple[float, ...]
    t60_s: tuple[float, ...]
    loss_hz: float  # partials there decay twice as fast as the lowest
    pluck_at: float  # share of the string's length
    corner_hz: tuple[float, float]  # flesh: a + b velocity, of a string of 220 Hz
    inharmonicity: float  # at E3, pitch 52
    rise_s: float
    damper_t60_s: tuple[float, ...]
    finger_db: float
    body: Body
    open_strings: tuple[int, ...]
    sympathy_db: float
    wash_db: float
    trim: float


def stiffness(voice: Plucked, pitch: float) -> float:
    return float(voice.inharmonicity * 2 ** (0.8 * (pitch - 52) / 12))


def partials_of(voice: Plucked, pitch: float) -> NDArray[np.float64]:
    """Hz of the partials of a key, the first exactly on its pitch."""
    b, f0 = stiffness(voice, pitch), hertz(pitch)
    n = np.arange(1, 1 + int(HIGHEST_HZ / f0))
    f = n * f0 * np.sqrt((1 + b * n**2) / (1 + b))
    return np.asarray(f[f < HIGHEST_HZ])


def decays(voice: Plucked, pitch: float, f: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decay in 1/s of the polarisation that drives the body."""
    t60 = float(np.interp(pitch, voice.keys, voice.t60_s))
    return np.asarray(6.908 / t60 * (1 + (f / voice.loss_hz) ** 1.3))


def excitation(voice: Plucked, pitch: float, velocity: float, at: float) -> NDArray[np.float64]:
    """Force of each partial on the bridge, of a string pulled aside at the share `at` and let go."""
    f = partials_of(voice, pitch)
    n = np.arange(1, len(f) + 1)
    hard = 10 ** ((velocity / 127 - 1) * 24 / 20)
    corner = (voice.corner_hz[0] + voice.corner_hz[1] * hard) * (hertz(pitch) / 220) ** 0.5
    loud = 10 ** ((velocity / 127 - 1) * LEVEL_DB / 20)
    return np.asarray(loud * np.sin(n * np.pi * at) / n / (1 + (f / corner) ** 2) ** 1.1)


@lru_cache(maxsize=16)
def body_of(voice: Plucked, seed: int, rate: int) -> NDArray[np.float64]:
    """Impulse responses (ends of the bridge 2, ears 2, taps), of unit mean gain over 80 to 4000 Hz."""
    body, rng = voice.body, generator(seed, voice.name, "body")
    f, q, db = (np.array(column) for column in zip(*body.signature, strict=True))
    f = f * 2 ** rng.normal(0, 0.02, len(f))
    while f[-1] < min(HIGHEST_HZ, 0.42 * rate):
        f = np.append(f, f[-1] * (1 + body.spacing * rng.uniform(0.6, 1.4)))
        q = np.append(q, body.q * 2 ** rng.normal(0, 0.2))
        height = 20 * np.log10(rng.rayleigh(0.8) + 0.1) - body.tilt_db * max(0.0, np.log2(f[-1] / body.corner_hz))
        db = np.append(db, height)
    # the bridge that drives the modes also takes part in all of them: nearly one phase, so that no key falls in a hole
    strength = 10 ** (db / 20) * f / q * np.exp(1j * rng.uniform(-ONE_PHASE, ONE_PHASE, len(f)))
    # what one ear has more, the other has less, so mono keeps the whole; low modes move as one and have no sides
    differ = body.spread * np.clip(np.log2(f / 150) / np.log2(1000 / 150), 0.4, 1)
    side = differ * rng.uniform(0.4, 1.2, (2, len(f))) * np.exp(2j * np.pi * rng.random((2, len(f))))
    seen = strength * np.stack([1 + side, 1 - side], axis=1)
    made = np.stack([response(Modes(f, np.pi * f / q, end), BODY_S, rate) for end in seen])
    fade = made.shape[2] // 4
    made[..., -fade:] *= np.linspace(1, 0, fade)
    made[..., 0] += 10 ** (body.direct_db / 20) * np.sqrt((made**2).sum(axis=2)).mean()
    made = signal.sosfilt(signal.butter(2, 45, "highpass", fs=rate, output="sos"), made, axis=2)
    spectrum = np.abs(np.fft.rfft(made, SPECTRUM, axis=2))
    hz = np.fft.rfftfreq(SPECTRUM, 1 / rate)
    made /= np.sqrt((spectrum[..., (hz > 80) & (hz < 4000)] ** 2).mean())
    ends = np.array([[1 - body.pan, 1 + body.pan], [1 + body.pan, 1 - body.pan]])  # the low end stands to the right
    return np.asarray(made * np.sqrt(ends)[:, :, None])


def place(voice: Plucked, pitch: float) -> NDArray[np.float64]:
    """How far a string drives the low and the high end of the bridge, of constant power."""
    along = np.clip((pitch - voice.low) / (voice.high - voice.low), 0, 1)
    angle = (0.15 + 0.7 * along) * np.pi / 2
    return np.array([np.cos(angle), np.sin(angle)])


@lru_cache(maxsize=16)
def evenness(voice: Plucked, seed: int, rate: int) -> NDArray[np.float64]:
    """Gain of each key from `low`: takes most of the body's unevenness away, and most of the slope over the range."""
    spectrum = np.abs(np.fft.rfft(body_of(voice, seed, rate), SPECTRUM, axis=2))
    keys = range(voice.low, voice.high + 1)
    level_db = np.zeros(len(keys))
    for k, pitch in enumerate(keys):
        f = partials_of(voice, pitch)
        f = f[f < 0.45 * rate]
        force = excitation(voice, pitch, 90, voice.pluck_at)[: len(f)]
        heard = np.tensordot(place(voice, pitch), spectrum[..., (f * SPECTRUM / rate).astype(int)], 1)
        level_db[k] = 10 * np.log10(((force * heard) ** 2).sum())
    smooth = np.polyval(np.polyfit(list(keys), level_db, 2), list(keys))
    return np.asarray(10 ** ((EVEN * (smooth - level_db) - SLOPE * smooth) / 20))


@lru_cache(maxsize=16)
def freed(voice: Plucked, seed: int, rate: int) -> NDArray[np.float64]:
    """What the open strings and the air of the body answer (2, taps): faint, late, long."""
    rng = generator(seed, voice.name, "freed")
    f, decay = [], []
    for pitch in voice.open_strings:
        own = partials_of(voice, pitch + rng.normal(0, 0.01))[:8]
        own = own[own < 4500]
        f.append(own)
        decay.append(decays(voice, pitch, own))
    hz, rates = np.concatenate(f), np.concatenate(decay)
    gain = (hz / 400) ** -0.25 * rng.rayleigh(0.8, len(hz))
    both = np.exp(1j * rng.uniform(0, 2 * np.pi, len(hz)))
    own_side = rng.standard_normal((2, len(hz))) + 1j * rng.standard_normal((2, len(hz)))
    strings = response(Modes(hz, rates, gain * (both + 0.4 * own_side)), FREED_S, rate)
    strings /= np.sqrt((strings**2).sum() / 2)
    air = decaying_noise(
        rate, rng, bands=[(90, 1.9), (250, 1.9), (1000, 1.7), (3000, 1.3), (6000, 0.8)], seconds=FREED_S, rise_s=0.012
    )
    out = strings * 10 ** (voice.sympathy_db / 20)
    out += air[:, : out.shape[1]] * 10 ** (voice.wash_db / 20)
    grow, fade = int(0.02 * rate), out.shape[1] // 2
    out[:, :grow] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(grow) / grow)
    out[:, -fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    return np.asarray(out)


@lru_cache(maxsize=8)
def instrument(voice: Plucked, seed: int, rate: int) -> NDArray[np.float64]:
    """All that a push at an end of the bridge sets going (ends 2, ears 2, taps): the body, then what it frees."""
    body, after = body_of(voice, seed, rate), freed(voice, seed, rate)
    out = np.stack([0.5 * after, 0.5 * after])
    out[..., : body.shape[2]] += body
    return out


@lru_cache(maxsize=4)
def skin(rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Skin and nail leaving the string: band-pass (b, a) and the envelope of 12 ms."""
    t = np.arange(int(0.012 * rate)) / rate
    envelope = np.sin(np.pi * np.minimum(t / 0.003, 1) / 2) * np.exp(-t / 0.0035) * (1 - t / 0.012)
    b, a = signal.butter(2, [700, min(5500, 0.45 * rate)], "bandpass", fs=rate)
    return b, a, envelope * np.sqrt(rate / 48_000)


def string(voice: Plucked, pitch: int, velocity: int, seed: int, rate: int, stroke: np.random.Generator) -> Modes:
    """Modes of one pluck at the two ends of the bridge."""
    own = generator(seed, voice.name, "string", pitch)
    f = partials_of(voice, pitch)
    f = f[f < 0.45 * rate]
    count = len(f)
    force = excitation(voice, pitch, velocity, voice.pluck_at * (1 + stroke.uniform(-0.05, 0.05)))[:count]
    force = force * 10 ** (stroke.normal(0, 0.4, count) / 20)
    decay = decays(voice, pitch, f) * np.exp(own.uniform(-0.18, 0.18, count))
    along_db = own.uniform(*ALONG_DB, count) + stroke.normal(0, 1)
    along = np.abs(force) * 10 ** (along_db / 20) * np.exp(1j * (own.uniform(0, 2 * np.pi, count)))
    apart = own.normal(0, 1, count)
    both = f < TWO_WAYS_HZ
    up = voice.trim * place(voice, pitch)[:, None] * evenness(voice, seed, rate)[pitch - voice.low]
    return Modes(
        np.concatenate([f, (f * 2 ** (APART_CENTS * apart / 1200) + APART_HZ * apart)[both]]),
        np.concatenate([decay, 0.6 * decay[both]]),
        np.concatenate([up * force, up[::-1] * along[both]], axis=1),
    )


def play(voice: Plucked, played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    if not len(played):
        return out
    bridge = np.zeros((2, frames), np.float32)
    starts = played.frames(rate)
    b, a, envelope = skin(rate)
    for k in range(len(played)):
        pitch, velocity, start = int(played.pitch[k]), int(played.velocity[k]), int(starts[k])
        stroke = generator(seed, voice.name, "stroke", k)
        modes = string(voice, pitch, velocity, seed, rate, stroke)
        held = played.pedal_lift(float(played.release_s[k]), int(played.pitch[k])) - float(played.onset_s[k])
        damper = float(np.interp(pitch, voice.keys, voice.damper_t60_s))
        plucked = note(
            modes, held_s=held, damper_t60_s=damper, rise_s=voice.rise_s, rate=rate, room=frames - start, floor=FLOOR
        )
        noise = (signal.lfilter(b, a, stroke.standard_normal(len(envelope))) * envelope)[: frames - start]
        level = 10 ** ((voice.finger_db + stroke.normal(0, 1.5)) / 20) * float(np.abs(modes.amplitude).sum())
        bridge[:, start : start + plucked.shape[1]] += plucked
        bridge[:, start : start + len(noise)] += (level * place(voice, pitch)[:, None] * noise).astype(np.float32)
    whole = instrument(voice, seed, rate)
    add_convolved(out, [bridge[0], bridge[1]], [whole[0], whole[1]])
    out[:, : int(starts.min())] = 0
    return out
