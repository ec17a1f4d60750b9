"""Felt piano: strings as modes, struck by a simulated hammer through a strip of felt.

Stiff strings f_n = n f0 sqrt((1 + B n^2)/(1 + B)), B after Rigaud, David & Daudet (JASA 134, 2013); the hammer is the
nonlinear felt of Chaigne & Askenfelt. Each partial has a prompt and two weaker, slower, slightly detuned aftersounds,
as the strings of a unison do: they beat for as long as they ring. The soundboard's wash and the strings that the pedal
frees are convolved once a stem; hammer, key and pedal are heard as noises of the levels of a near grand (Salamander
C5), the hammer's by velocity and key.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments import kernels, modes
from melancholia.instruments.events import Events, dampers, hertz
from melancholia.instruments.noise import decaying_noise
from melancholia.instruments.strokes import Stroke, add_stroke, takes
from melancholia.streams import generator

FELT = 0.3  # 0 bare hammers .. 1 a thick strip
TRIM = 0.034  # v 127 peaks near -6 dBFS
SLOWEST, FASTER, EASING = 0.25, 20.0, 0.53  # m/s at velocity 1, how many times faster at 127, and the way between
HARDER = 0.3  # of the treble's correction, below it
HIGHEST_HZ = 14_000.0
STEP_S = 1 / (3 * 44_100)
FLOOR = 3e-6  # a mode ends when it has fallen this far below the note's sum
WASH_DB, FAINT_DB, SYMPATHY_DB = -27.0, -13.0, -38.0

HAMMER = Stroke(0.0015, (0.9, 0.7, 0.55, 0.45, 0.4, 0.35, 0.3))
HAMMER_DB = np.array([[-27, -30, -40, -60, -68, -72, -84], [-28, -31, -38, -48, -60, -74, -92]], float)  # v 20, v 60
HAMMER_SOFT, HAMMER_LOUD, HAMMER_SD_DB = 20, 60, 1.0
LOW_KEYS_DB, HIGH_KEYS_DB = np.array([6, 0, 0, -2, -2, -2, -2.0]), np.array([-3, 0, 0, 8, 8, 8, 8.0])  # at C2, at C6
KEY_UP = Stroke(0.06, (0.26,) * 7)
KEY_UP_DB = np.array([-1, -11, -13, -22, -36, -52, -65.0])  # of its whole
KEY_UP_WHOLE_DB = (-30.0, -30.0, -28.0, -26.0, -21.0)  # at C2, C3 .. C6, to the tone at velocity 60
FREED_DB = -6.0  # a key that comes up while the pedal holds its damper
GENTLE_S, GENTLE_DB = (1.0, 4.0), -12.0  # a key that was held this long is let go as gently
PEDAL_DOWN = Stroke(0.05, (1.6, 1.4, 1.2, 1.0, 0.8, 0.6, 0.5))
PEDAL_UP = Stroke(0.03, (0.35,) * 7)
PEDAL_DOWN_DB = np.array([-24, -44, -47, -54, -59, -70, -78.0])  # to C4 at velocity 60
PEDAL_UP_DB = np.array([-35, -44, -43, -48, -58, -69, -77.0])
ONE_MOVE_S = 0.15  # points of a curve that lie nearer are one movement of the foot

KEYS = np.array([21, 36, 48, 60, 72, 84, 96, 108], float)
LENGTH_M = np.log([2.0, 1.9, 1.15, 0.62, 0.34, 0.18, 0.09, 0.055])
STRING_KG = np.log([0.080, 0.035, 0.012, 0.00393, 0.0019, 0.0009, 0.000467, 0.0003])
HAMMER_KG = np.log([0.0055, 0.0049, 0.0039, 0.00297, 0.0027, 0.00245, 0.0022, 0.002])
STIFFNESS = np.log([1.5e8, 4e8, 1.4e9, 4.5e9, 3e10, 1.7e11, 1e12, 8e12])
EXPONENT = np.array([2.3, 2.3, 2.4, 2.5, 2.65, 2.8, 3.0, 3.0])
STRIKE_AT = np.array([1 / 8.3, 1 / 8.2, 1 / 8.1, 1 / 8, 1 / 9.3, 1 / 11, 1 / 13.3, 1 / 16])
PROMPT = np.log([1.1, 1.6, 2.0, 2.5, 3.2, 4.8, 11.0, 24.0])  # 1/s
BRIGHT_LOSS = np.log([0.06, 0.06, 0.09, 0.13, 0.18, 0.26, 0.5, 0.5])  # 1/s a kHz^2
FELT_STIFFNESS = np.log([0.10, 0.10, 0.11, 0.16, 0.36, 0.8, 1.0, 1.0])
AFTER_RATE = np.array([0.28, 0.25, 0.22, 0.19, 0.18, 0.11, 0.12, 0.12])
AFTER_DB, BEAT_DB = (-26.0, -17.0), (-7.0, -1.0)  # the first aftersound to the prompt, the second to the first
APART_CENTS, APART_HZ = 0.5, 0.2  # how far each of them stands from its partial (SD)
IN_PHASE_HZ, PHASE_SD, OUT_OF_PHASE = 500.0, (0.4, 0.8), 1.0  # between microphones, rad a channel: low down, above
DAMPER_T60_S = np.array([0.45, 0.36, 0.28, 0.23, 0.18, 0.15, 0.14, 0.14])
UNDAMPED = 89


def of_key(pitch: float, logs: NDArray[np.float64]) -> float:
    return float(np.exp(np.interp(pitch, KEYS, logs)))


def inharmonicity(pitch: float) -> float:
    return float(np.exp(-0.0847 * pitch - 5.82) + np.exp(0.0926 * pitch - 13.64))


def partials(pitch: float, highest_hz: float = HIGHEST_HZ) -> NDArray[np.float64]:
    """Hz of the partials of a key, the first exactly on its pitch."""
    n, b, f0 = np.arange(1, 110), inharmonicity(pitch), hertz(pitch)
    f = n * f0 * np.sqrt((1 + b * n**2) / (1 + b))
    return np.asarray(f[f < highest_hz])


@lru_cache(maxsize=4096)
def struck(pitch: int, velocity: int, highest_hz: float) -> tuple[NDArray[np.float64], ...]:
    """Partials of one stroke: Hz, decay 1/s, complex bridge force at t = 0; and the hammer's force and contact time."""
    f0, f = hertz(pitch), partials(pitch, highest_hz)
    n = np.arange(1, len(f) + 1)
    length, string = of_key(pitch, LENGTH_M), of_key(pitch, STRING_KG)
    sigma = of_key(pitch, PROMPT) + of_key(pitch, BRIGHT_LOSS) * (f / 1000) ** 2
    beta = float(np.interp(pitch, KEYS, STRIKE_AT))
    width = float(np.interp(pitch, [21, 108], [0.012, 0.006]))
    shape = np.sin(n * np.pi * beta) * np.sinc(n * width / (2 * length))
    felt = FELT * float(np.interp(pitch, [72, 90], [1, 0]))
    stiffness = of_key(pitch, STIFFNESS) * of_key(pitch, FELT_STIFFNESS) ** FELT
    exponent = float(np.interp(pitch, KEYS, EXPONENT)) + 0.2 * felt
    speed = SLOWEST * FASTER ** (((velocity - 1) / 126) ** EASING)
    omega = 2 * np.pi * f
    q, p, last, force = kernels.strike(
        omega, sigma, shape, string, of_key(pitch, HAMMER_KG), stiffness, exponent, speed, STEP_S, int(0.02 / STEP_S)
    )
    ended = last * STEP_S
    amplitude = (q - 1j * p / omega) * np.exp(-(1j * omega - sigma) * ended)
    bridge = n * (-1.0) ** n * (string / length) * (2 * length * f0) ** 2 / length
    # felt that is pressed grows harder, more than simulated; in the treble few partials are left to say so
    harder = 2.4 * (velocity / 127 - 0.5) * float(np.interp(pitch, [82, 92], [HARDER, 1]))
    amplitude = amplitude * n**harder
    contact = float(np.flatnonzero(force > 0)[-1] + 1) * STEP_S if force.any() else STEP_S
    return f, sigma, amplitude * bridge, np.array([contact, force.max(), force.sum() * STEP_S])


@lru_cache(maxsize=8)
def board(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-frequency knots and the soundboard's gain in dB there, a curve a channel."""
    knots = np.log(20 * 2 ** np.arange(0, 10.25, 0.25))
    rng = generator(seed, "felt_piano", "board")
    alike, apart = rng.normal(0, 2.2, len(knots)), rng.normal(0, 1.2, len(knots))
    return knots, np.stack([alike + apart, alike - apart])


def radiated(f: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Gain (2, partials) of the soundboard, left and right."""
    knots, db = board(seed)
    low = (f / 90) ** 2 / np.sqrt((1 - (f / 90) ** 2) ** 2 + 1.2 * (f / 90) ** 2) / np.sqrt(1 + (f / 3500) ** 2)
    return np.stack([low * 10 ** (np.interp(np.log(f), knots, db[c]) / 20) for c in range(2)])


def bank(rate: int, seconds: float, f: NDArray[np.float64], t60: NDArray[np.float64],
         left: NDArray[np.complex128], right: NDArray[np.complex128]) -> NDArray[np.float64]:  # fmt: skip
    out = np.zeros((2, int(seconds * rate) // 32 * 32), np.float32)
    life = np.full(len(f), out.shape[1], np.int64)
    kernels.ring(
        out, 2 * np.pi * f / rate, 6.908 / t60 / rate, left.real.copy(), left.imag.copy(), right.real.copy(),
        right.imag.copy(), life,
    )  # fmt: skip
    return np.asarray(out / np.sqrt((out.astype(float) ** 2).sum() / 2))


@lru_cache(maxsize=8)
def wash(seed: int, rate: int) -> NDArray[np.float64]:
    rng = generator(seed, "felt_piano", "wash")
    short = decaying_noise(
        rate, rng, bands=[(60, 0.9), (250, 1.1), (1000, 1.0), (3000, 0.8), (7000, 0.45)], seconds=1.4, rise_s=0.006
    )
    faint = decaying_noise(
        rate, rng, bands=[(60, 2.4), (250, 2.4), (1000, 2.0), (3000, 1.7), (6000, 0.9)], seconds=3.0, rise_s=0.02
    )
    out = faint * 10 ** (FAINT_DB / 20)
    out[:, : short.shape[1]] += short * 10 ** (WASH_DB / 20)
    return out


@lru_cache(maxsize=8)
def open_strings(seed: int, rate: int) -> NDArray[np.float64]:
    rng = generator(seed, "felt_piano", "sympathy")
    f, t60 = [], []
    for pitch in range(28, 90):
        for partial in partials(pitch)[:8]:
            hz = partial * 2 ** (rng.normal(0, 0.8) / 1200)
            if hz < 4500:
                f.append(hz)
                t60.append(6.908 / (of_key(pitch, PROMPT) + of_key(pitch, BRIGHT_LOSS) * (hz / 1000) ** 2))
    hz = np.array(f)
    gain = (hz / 400) ** -0.25 * rng.rayleigh(0.8, len(hz))
    left, right = (gain * np.exp(1j * rng.uniform(0, 2 * np.pi, len(hz))) for _ in range(2))
    response = bank(rate, 4.0, hz, np.array(t60), left, right)
    grow = int(0.03 * rate)
    response[:, :grow] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(grow) / grow)
    response[:, -(rate // 4) :] *= np.linspace(1, 0, rate // 4)
    return response * 10 ** (SYMPATHY_DB / 20)


def key_sound(pitch: int, velocity: int, seed: int, rate: int, stroke: np.random.Generator) -> tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.complex128], NDArray[np.float64]
]:  # fmt: skip
    """Modes of one stroke: Hz, decay 1/s, complex amplitudes (2, modes); and the hammer's figures."""
    f, sigma, force, hammer = struck(pitch, velocity, min(HIGHEST_HZ, 0.45 * rate))
    key = generator(seed, "felt_piano", "key", pitch)
    count = len(f)
    sigma = sigma * np.exp(key.normal(0, 0.15, count))
    slow = float(np.interp(pitch, KEYS, AFTER_RATE))
    after_db = key.uniform(*AFTER_DB, count) + np.stack([np.zeros(count), key.uniform(*BEAT_DB, count)])
    after_phase = key.uniform(0, 2 * np.pi, (2, count))
    # one on each side of the partial: in tune on the whole
    side = key.choice([-1.0, 1.0], count) * np.array([[1.0], [-1.0]])
    apart = side * np.abs(key.normal(0, 1, (2, count)))
    spread = np.interp(f, (IN_PHASE_HZ, 2 * IN_PHASE_HZ), PHASE_SD)
    phase = (spread * key.normal(0, 1, (2, count))).clip(-OUT_OF_PHASE, OUT_OF_PHASE)  # mono loses no partial
    pan = 0.35 * (pitch - 60) / 48
    sides = np.array([np.cos((1 + pan) * np.pi / 4), np.sin((1 + pan) * np.pi / 4)])[:, None] * np.sqrt(2)
    gain = radiated(f, seed) * sides * np.exp(1j * phase)
    touch_db = stroke.normal(0, 0.5, count)
    prompt = gain * force * 10 ** (touch_db / 20)
    after = np.abs(force) * 10 ** ((after_db + stroke.normal(0, 1)) / 20)
    after = after * np.exp(1j * (after_phase + stroke.normal(0, 0.1, (2, count))))
    detuned = f * 2 ** (APART_CENTS * apart / 1200) + APART_HZ * apart
    return (
        np.concatenate([f, *detuned]),
        np.concatenate([sigma, sigma * slow, sigma * slow]),
        np.concatenate([prompt, gain * after[0], gain * after[1]], axis=1),
        hammer,
    )


def power(decay: NDArray[np.float64], amplitude: NDArray[np.complex128]) -> float:
    """Mean square of the first second of modes, one channel's in the mean; the tone that noises are measured by."""
    seconds = (1 - np.exp(-2 * decay)) / (2 * decay)
    return float((np.abs(amplitude) ** 2 * seconds).sum()) / (2 * len(amplitude))


@lru_cache(maxsize=256)
def usual(pitch: int, seed: int, rate: int) -> float:
    """RMS of a key's tone at velocity 60, whatever it was struck with."""
    f, decay, force, _ = struck(pitch, HAMMER_LOUD, min(HIGHEST_HZ, 0.45 * rate))
    return float(TRIM * power(decay, (radiated(f, seed) * force).astype(np.complex128)) ** 0.5)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    noises = np.zeros((2, frames), np.float32)
    hammers = takes(HAMMER, "felt_piano hammer", seed, rate)
    starts = played.frames(rate)
    for k in range(len(played)):
        pitch, velocity, start = int(played.pitch[k]), int(played.velocity[k]), int(starts[k])
        stroke = generator(seed, "felt_piano", "stroke", k)
        f, sigma, amplitude, hammer = key_sound(pitch, velocity, seed, rate, stroke)
        amplitude *= TRIM
        lift = played.pedal_lift(float(played.release_s[k]), int(played.pitch[k]))
        damper = float(np.interp(pitch, KEYS, DAMPER_T60_S)) if pitch < UNDAMPED else None
        note = modes.note(
            modes.Modes(f, sigma, amplitude), held_s=lift - float(played.onset_s[k]), damper_t60_s=damper,
            rise_s=float(hammer[0]), floor=FLOOR, rate=rate, room=frames - start,
        )  # fmt: skip
        out[:, start : start + note.shape[1]] += note
        level = power(sigma, amplitude) ** 0.5 * 10 ** (struck_db(pitch, velocity, stroke) / 20)
        add_stroke(noises, start, hammers, level, stroke)
    add_keys(noises, played, rate, seed)
    add_pedal(noises, played, rate, seed)
    mono = out.mean(axis=0)
    times = np.arange(0, frames, 64) / rate
    down = (1 - dampers(played.curve("pedal", times, smooth=False))).astype(np.float32)
    open_ = np.convolve(down, np.ones(8, np.float32) / 8, "same").astype(np.float32)
    freed = mono * np.repeat(open_, 64)[:frames]
    add_convolved(out, [mono, freed], [wash(seed, rate), open_strings(seed, rate)])
    out += noises
    if len(starts):
        out[:, : int(starts.min())] = 0
    return out


def struck_db(pitch: int, velocity: int, stroke: np.random.Generator) -> NDArray[np.float64]:
    """Levels (bands,) of the hammer's noise to the tone."""
    loud = np.clip((velocity - HAMMER_SOFT) / (HAMMER_LOUD - HAMMER_SOFT), -0.5, 1.5)
    key = np.clip((pitch - 60) / 24, -1.5, 1.5)
    bands = (
        HAMMER_DB[0] + loud * (HAMMER_DB[1] - HAMMER_DB[0]) + (HIGH_KEYS_DB * max(key, 0) - LOW_KEYS_DB * min(key, 0))
    )
    return np.asarray(bands + stroke.normal(0, HAMMER_SD_DB))


def add_keys(out: NDArray[np.float32], played: Events, rate: int, seed: int) -> None:
    """Each key as it comes up: action and damper, as loud as ever whatever it was struck with."""
    noises = takes(KEY_UP, "felt_piano key", seed, rate)
    pedal = 1 - dampers(played.curve("pedal", played.release_s, smooth=False))
    for k in range(len(played)):
        pitch, rng = int(played.pitch[k]), generator(seed, "felt_piano", "key up", k)
        whole = float(np.interp(pitch, (36, 48, 60, 72, 84), KEY_UP_WHOLE_DB))
        held = float(played.release_s[k] - played.onset_s[k])
        gentle = float(np.interp(held, GENTLE_S, (0.0, GENTLE_DB)))
        bands = KEY_UP_DB + whole + gentle + FREED_DB * pedal[k] + rng.normal(0, 2)
        level = usual(pitch, seed, rate) * 10 ** (bands / 20)
        add_stroke(out, int(played.release_s[k] * rate), noises, level, rng)


def add_pedal(out: NDArray[np.float32], played: Events, rate: int, seed: int) -> None:
    """The pedal as it goes down, all strings stirring, and as dampers fall back."""
    tone = usual(60, seed, rate)
    for k, (at, moved) in enumerate(moves(played)):
        rng = generator(seed, "felt_piano", "pedal", k)
        noises = takes(PEDAL_UP if moved > 0 else PEDAL_DOWN, "felt_piano pedal", seed, rate)
        bands = (PEDAL_UP_DB if moved > 0 else PEDAL_DOWN_DB) + 20 * np.log10(abs(moved)) + rng.normal(0, 2)
        add_stroke(out, int(at * rate), noises, tone * 10 ** (bands / 20), rng)


def moves(played: Events) -> list[tuple[float, float]]:
    """When dampers begin to move, and how far: -1 wholly off the strings, 1 wholly back; points of one way are one."""
    if "pedal" not in played.curves:
        return []
    at, value = played.curves["pedal"]
    moved = np.diff(dampers(value), prepend=1.0)
    kept = np.flatnonzero(moved)
    turns = np.flatnonzero((np.diff(np.sign(moved[kept])) != 0) | (np.diff(at[kept]) > ONE_MOVE_S)) + 1
    runs = [run for run in np.split(kept, turns) if len(run)]
    return [(float(at[run[0]]), float(moved[run].sum())) for run in runs]
