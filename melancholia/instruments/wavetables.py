"""Players of a soft and a loud cycle: bow, breath or oscillator, with vibrato, drift and noise, a note at a time."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments import kernels
from melancholia.instruments.events import Events, hertz
from melancholia.instruments.portamento import HAND_OVER_S, Slide, dip, named, slid, slides, slurs
from melancholia.streams import generator

SIZE = 4096
BLOCK = 32
ROOM_FOR_VIBRATO = 1.03
EXPRESSION_DB = 36.0  # expression 0 is this far below 127
BRIGHTER = 2.0  # how much further the loud cycle comes in as the pressure sways
# share of a slurred tone's fall that is over where the next one's rise has as much left
MEET = 0.48
UNHURRIED_S = 0.6  # between shorter tones a change is quicker by as much


@dataclass(frozen=True, slots=True)
class Voice:
    """How one player sounds: cycles, attack and release, vibrato, drift, noise, and the span of its loudness."""

    soft_corner_hz: tuple[float, float]  # a + b f0
    loud_corner_hz: tuple[float, float]
    soft_slope: float
    loud_slope: float
    comb: float
    attack_s: float
    release_s: float
    vibrato_hz: float
    vibrato_cents: float
    vibrato_delay_s: float
    drift_cents: float
    scoop_cents: float
    noise_db: float
    slip: bool
    velocity_db: float
    change_s: tuple[float, float] | None = None  # rise and fall of slurred tones; None: they overlap as written
    sway: float = 0.02  # SD of the level as bow or breath press on; brightness goes along
    vibrato_level: float = 0.015  # swing of the level that goes with the vibrato
    bite: float = 2.0  # how far the noise stands over its steady self at the start; gone after 0.1 s
    block: int = BLOCK  # frames between points of pitch and level at 48 kHz
    harmonics: Callable[[float, NDArray[np.int64]], NDArray[np.float64]] | None = None  # instead of corners and slopes


@dataclass(frozen=True, slots=True)
class Change:
    """A slurred tone and the next: the first falls in `fall_s` from `from_s` on, the second rises in `rise_s`."""

    to: int
    from_s: float
    fall_s: float
    rise_s: float


def changes(played: Events, voice: Voice, sliding: Collection[int] = ()) -> dict[int, Change]:
    """How slurred tones that do not slide leave for the next, by number: both are weak while finger or bow turns."""
    found: dict[int, Change] = {}
    if voice.change_s is None:
        return found
    rise, fall = voice.change_s
    for j, k in slurs(played):
        if j not in sliding:
            shorter = min(played.onset_s[k] - played.onset_s[j], played.release_s[k] - played.onset_s[k])
            hurry = min(1.0, float(shorter) / UNHURRIED_S)
            from_s = float(played.onset_s[k]) + hurry * ((1 - MEET) * rise - MEET * fall)
            found[j] = Change(k, from_s, hurry * fall, hurry * rise)
    return found


def bowed(voice: Voice, f0: float, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Gains (2, harmonics) of a string: 1/k under a corner that rises with force, and the comb of the bow's place."""
    corners = np.array([[a + b * f0] for a, b in (voice.soft_corner_hz, voice.loud_corner_hz)])
    slopes = np.array([[voice.soft_slope], [voice.loud_slope]])
    comb = 1 + voice.comb * np.cos(2 * np.pi * k * 0.127)
    return np.asarray((1 + (k * f0 / corners) ** 2) ** (-slopes / 2) / k * comb)


def harmonic_gains(voice: Voice, f0: float, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Gains (2, harmonics) of the soft and the loud cycle at harmonics `k` of `f0`."""
    return bowed(voice, f0, k) if voice.harmonics is None else voice.harmonics(f0, k)


@lru_cache(maxsize=512)
def cycles(pitch: int, voice: Voice, highest_hz: float, phase_seed: int) -> NDArray[np.float32]:
    """The pair of cycles (SIZE + 1, 2), band-limited: nothing above `highest_hz` even under vibrato."""
    f0 = hertz(pitch)
    count = min(max(1, int(highest_hz / (ROOM_FOR_VIBRATO * f0))), SIZE // 2 - 1)
    phase = -np.pi / 2 + np.random.Generator(np.random.PCG64([phase_seed, pitch])).normal(0, 0.12, count)
    spectrum = np.zeros((2, SIZE // 2 + 1), np.complex128)
    spectrum[:, 1 : count + 1] = harmonic_gains(voice, f0, np.arange(1, count + 1)) * np.exp(1j * phase)
    table = np.fft.irfft(spectrum * SIZE / 2, SIZE, axis=1)
    table /= np.sqrt((table[1] ** 2).mean())
    return np.ascontiguousarray(np.concatenate([table, table[:, :1]], axis=1).T, np.float32)


def wander(count: int, tau_blocks: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Slow noise of unit variance and mean 0 (an Ornstein-Uhlenbeck walk seen through a window of its own length)."""
    width = max(3, min(int(tau_blocks), 2000))
    kernel = np.exp(-np.arange(4 * width) / width)
    coarse = max(1, width // 8)
    points = rng.standard_normal(count // coarse + 40)
    walk = np.convolve(points, kernel[::coarse], "full")[20 : 20 + count // coarse + 3]
    walk /= np.sqrt((kernel[::coarse] ** 2).sum())
    out = np.interp(np.arange(count), np.arange(len(walk)) * coarse, walk)
    return np.asarray(out - out.mean())


def add_note(
    track: NDArray[np.float32],
    played: Events,
    k: int,
    voice: Voice,
    noise: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    rate: int,
    seed: int,
    gain: float,
    cents: float = 0.0,
    late_s: float = 0.0,
    speed: float = 1.0,
    away: Slide | None = None,
    joined: float | None = None,
    change: Change | None = None,
    changed: Change | None = None,
) -> float:
    """Note `k` by one player: `cents` out of tune, `late_s` behind, attack and release at `speed`.

    A note that slides `away` gives what a note `joined` to it takes: its phase (in cycles) at the arrival, so that
    the second goes on where the first lets go. `change` is how it leaves for a slurred tone,
    `changed` how it was come to.
    """
    block = voice.block * max(1, round(rate / 48_000))
    onset = float(played.onset_s[k])
    start = int(round((onset + late_s) * rate))
    until, fading = float(played.release_s[k]), voice.release_s * speed * 2.2
    if away is not None:
        until, fading = away.arrival_s, HAND_OVER_S
    elif change is not None:
        until, fading = change.from_s + late_s, change.fall_s
    held = max(until - onset - late_s, 0.03)
    attack = voice.attack_s * (1.5 - played.velocity[k] / 127) * speed
    if joined is not None:
        attack = HAND_OVER_S
    elif changed is not None:
        attack = changed.rise_s
    frames = min(int((held + fading * 2.3 / 2.2) * rate), len(track) - start)
    if frames <= 0:
        return 0.0
    blocks = frames // block + 2
    t = np.arange(blocks) * block / rate
    rise = np.sin(0.5 * np.pi * np.clip(t / attack, 0, 1)) ** 2
    fall = np.cos(0.5 * np.pi * np.clip((t - held) / fading, 0, 1)) ** 2
    swell = 1 + 0.12 * np.sin(np.pi * np.clip(t / held, 0, 1))
    shape = rise * fall * swell
    pressed = swell * (rise if joined is None else 1) * (fall if away is None else 1)
    vibrato = float(played.curve("vibrato", np.array([onset]), smooth=False)[0]) / 64
    rate_hz = voice.vibrato_hz * (1 + 0.06 * wander(blocks, 1.5 * rate / block, rng)) + rng.normal(0, 0.2)
    swing = np.cumsum(rate_hz) * 2 * np.pi * block / rate + rng.uniform(0, 2 * np.pi)
    delay = voice.vibrato_delay_s + abs(rng.normal(0, 0.08)) * (voice.vibrato_delay_s > 0)
    depth = np.clip((t - delay) / 0.5, 0, 1) * vibrato
    bend = voice.drift_cents * wander(blocks, 0.45 * rate / block, rng) + cents
    if away is not None:
        depth = depth * np.clip((held - t) / away.seconds, 0, 1)
        bend = bend + slid(t - held, away)
        shape = shape * dip(t - held, away)
    wave = voice.vibrato_cents * depth * np.sin(swing)
    bend = bend + wave - wave.mean()
    fresh = np.exp(-t / 0.05) if joined is None else np.zeros(blocks)
    bend = bend - voice.scoop_cents * fresh
    dynamic = played.curve("expression", onset + late_s + t)
    level_db = EXPRESSION_DB * (dynamic / 127 - 1) + voice.velocity_db * (played.velocity[k] / 127 - 1)
    pressure = voice.sway * wander(blocks, 0.35 * rate / block, rng)
    sway = np.maximum(1 + pressure + voice.vibrato_level * depth * np.sin(swing + 1.3), 0)
    level = gain * shape * sway * 10 ** (level_db / 20)
    pressed = pressed * 10 ** (EXPRESSION_DB * (dynamic / 127 - 1) / 20)
    blend = np.clip(pressed * (1.15 * played.velocity[k] / 127) ** 1.3 * (1 + BRIGHTER * pressure), 0, 1)
    hiss = 10 ** ((voice.noise_db + 3 * (1 - blend)) / 20) * (1 + voice.bite * fresh)
    level[-1] = level[-2] = 0.0
    highest = min(14_000.0, 0.45 * rate)
    if away is not None:
        highest /= max(1.0, 2 ** (away.cents / 1200))  # a slide upwards takes its harmonics along
    step, factor, turned = hertz(float(played.pitch[k])) / rate, 2 ** (bend / 1200), joined or 0.0
    kernels.bow(
        track, start, frames, cycles(int(played.pitch[k]), voice, highest, seed), step, factor, level, blend, noise,
        int(rng.integers(len(noise))), hiss, voice.slip, block, turned,
    )  # fmt: skip
    at = np.arange(blocks) * block
    edges = np.concatenate([[0.0], np.cumsum(0.5 * (factor[1:] + factor[:-1]))]) * step * block
    return float((turned + np.interp(round((onset + late_s + held) * rate) - start, at, edges)) % 1)


def add_line(
    track: NDArray[np.float32],
    played: Events,
    voice: Voice,
    noise: NDArray[np.float32],
    name: str,
    *,
    rate: int,
    seed: int,
    gains: list[float],
    share: float = 1.0,
) -> None:
    """All notes of one player, the slurs among them with their slides (`share` of a bowed string's)."""
    sliding = slides(played, named(seed, name), share=share)
    changing = changes(played, voice, sliding)
    come = {change.to: change for change in changing.values()}
    carried: dict[int, float] = {}
    for k in range(len(played)):
        away = sliding.get(k)
        phase = add_note(
            track, played, k, voice, noise, generator(seed, name, "stroke", k), rate=rate, seed=seed, gain=gains[k],
            away=away, joined=carried.get(k), change=changing.get(k), changed=come.get(k),
        )  # fmt: skip
        if away is not None:
            carried[away.to] = phase
