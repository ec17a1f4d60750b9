"""Felt piano: strings as modes, struck by a simulated hammer through a strip of felt.

Stiff strings f_n = n f0 sqrt((1 + B n^2)/(1 + B)), B after Rigaud, David & Daudet (JASA 134, 2013); the hammer is the
nonlinear felt of Chaigne & Askenfelt. Each partial has a prompt and a weaker, slower, slightly detuned aftersound, as
the strings of a unison do. The knock of the key, the soundboard's wash and the strings that the pedal frees are
convolved once a stem.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments import kernels, modes
from melancholia.instruments.events import Events, dampers, hertz
from melancholia.instruments.noise import decaying_noise
from melancholia.streams import generator

FELT = 0.7  # 0 bare hammers .. 1 a thick strip
TRIM = 0.034  # v 127 peaks near -9 dBFS
HIGHEST_HZ = 14_000.0
STEP_S = 1 / (3 * 44_100)
FLOOR = 3e-6  # a mode ends when it has fallen this far below the note's sum
KNOCK_DB, WASH_DB, FAINT_DB, SYMPATHY_DB = -31.0, -27.0, -18.0, -38.0

KEYS = np.array([21, 36, 48, 60, 72, 84, 96, 108], float)
LENGTH_M = np.log([2.0, 1.9, 1.15, 0.62, 0.34, 0.18, 0.09, 0.055])
STRING_KG = np.log([0.080, 0.035, 0.012, 0.00393, 0.0019, 0.0009, 0.000467, 0.0003])
HAMMER_KG = np.log([0.0055, 0.0049, 0.0039, 0.00297, 0.0027, 0.00245, 0.0022, 0.002])
STIFFNESS = np.log([1.5e8, 4e8, 1.4e9, 4.5e9, 3e10, 1.7e11, 1e12, 8e12])
EXPONENT = np.array([2.3, 2.3, 2.4, 2.5, 2.65, 2.8, 3.0, 3.0])
STRIKE_AT = np.array([1 / 8.3, 1 / 8.2, 1 / 8.1, 1 / 8, 1 / 9.3, 1 / 11, 1 / 13.3, 1 / 16])
PROMPT = np.log([0.7, 1.0, 1.25, 1.55, 2.0, 3.0, 7.0, 16.0])  # 1/s
BRIGHT_LOSS = np.log([0.06, 0.06, 0.09, 0.13, 0.18, 0.26, 0.5, 0.5])  # 1/s a kHz^2
FELT_STIFFNESS = np.log([0.10, 0.10, 0.11, 0.16, 0.36, 0.8, 1.0, 1.0])
AFTER_RATE = np.array([0.45, 0.40, 0.35, 0.31, 0.28, 0.18, 0.2, 0.2])
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
    speed = 0.25 * 20 ** ((velocity - 1) / 126)
    omega = 2 * np.pi * f
    q, p, last, force = kernels.strike(
        omega, sigma, shape, string, of_key(pitch, HAMMER_KG), stiffness, exponent, speed, STEP_S, int(0.02 / STEP_S)
    )
    ended = last * STEP_S
    amplitude = (q - 1j * p / omega) * np.exp(-(1j * omega - sigma) * ended)
    bridge = n * (-1.0) ** n * (string / length) * (2 * length * f0) ** 2 / length
    # the shortest strings answer in two or three partials: felt that is pressed hard speaks brighter there too
    amplitude = amplitude * n ** (2.4 * (velocity / 127 - 0.5) * float(np.interp(pitch, [82, 92], [0, 1])))
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


@lru_cache(maxsize=8)
def responses(seed: int, rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Impulse responses (2, taps): the knock's board, the wash of the board, the open strings."""
    return knock_board(seed, rate), wash(seed, rate), open_strings(seed, rate)


def bank(rate: int, seconds: float, f: NDArray[np.float64], t60: NDArray[np.float64],
         left: NDArray[np.complex128], right: NDArray[np.complex128]) -> NDArray[np.float64]:  # fmt: skip
    out = np.zeros((2, int(seconds * rate) // 32 * 32), np.float32)
    life = np.full(len(f), out.shape[1], np.int64)
    kernels.ring(
        out, 2 * np.pi * f / rate, 6.908 / t60 / rate, left.real.copy(), left.imag.copy(), right.real.copy(),
        right.imag.copy(), life,
    )  # fmt: skip
    return np.asarray(out / np.sqrt((out.astype(float) ** 2).sum() / 2))


def knock_board(seed: int, rate: int) -> NDArray[np.float64]:
    rng = generator(seed, "felt_piano", "knock")
    f = [58.0]
    while f[-1] < 4200:
        f.append(f[-1] + (28 + 0.022 * f[-1]) * float(rng.uniform(0.55, 1.45)))
    hz = np.array(f)
    t60 = 0.05 + 0.33 * (90 / hz) ** 0.55
    gain = 10 ** (5 * np.exp(-((np.log2(hz / 110) / 0.5) ** 2)) / 20) / (1 + (hz / 900) ** 2) ** 0.5
    common = rng.standard_normal(len(hz)) + 1j * rng.standard_normal(len(hz))
    side = 0.45 * (rng.standard_normal((2, len(hz))) + 1j * rng.standard_normal((2, len(hz))))
    response = bank(rate, 0.5, hz, t60, gain * (common + side[0]), gain * (common + side[1]))
    grow = int(0.001 * rate)
    response[:, :grow] *= np.linspace(0, 1, grow)
    return response


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
    after_db = key.uniform(-17, -9, count)
    after_phase = key.uniform(0, 2 * np.pi, count)
    sign = 1.0 if key.random() < 0.5 else -1.0
    detune = sign * 0.75 * (0.3 + abs(key.normal(0, 0.2))) + key.normal(0, 0.08, count)
    phase = key.normal(0, 0.45, (2, count)).clip(-0.5, 0.5)  # the ears never hear a partial against each other
    pan = 0.35 * (pitch - 60) / 48
    sides = np.array([np.cos((1 + pan) * np.pi / 4), np.sin((1 + pan) * np.pi / 4)])[:, None] * np.sqrt(2)
    gain = radiated(f, seed) * sides * np.exp(1j * phase)
    touch_db = stroke.normal(0, 0.5, count)
    prompt = gain * force * 10 ** (touch_db / 20)
    after = gain * np.abs(force) * 10 ** ((after_db + stroke.normal(0, 1)) / 20)
    after = after * np.exp(1j * (after_phase + stroke.normal(0, 0.1, count)))
    return (
        np.concatenate([f, f * 2 ** (detune / 1200)]),
        np.concatenate([sigma, sigma * slow]),
        np.concatenate([prompt, after], axis=1),
        hammer,
    )


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    knocks = np.zeros(frames, np.float32)
    starts = played.frames(rate)
    for k in range(len(played)):
        pitch, velocity, start = int(played.pitch[k]), int(played.velocity[k]), int(starts[k])
        stroke = generator(seed, "felt_piano", "stroke", k)
        f, sigma, amplitude, hammer = key_sound(pitch, velocity, seed, rate, stroke)
        lift = played.pedal_lift(float(played.release_s[k]), int(played.pitch[k]))
        damper = float(np.interp(pitch, KEYS, DAMPER_T60_S)) if pitch < UNDAMPED else None
        note = modes.note(
            modes.Modes(f, sigma, amplitude * TRIM), held_s=lift - float(played.onset_s[k]), damper_t60_s=damper,
            rise_s=float(hammer[0]), floor=FLOOR, rate=rate, room=frames - start,
        )  # fmt: skip
        out[:, start : start + note.shape[1]] += note
        loud = float(np.abs(note[:, : int(0.1 * rate)]).max())
        add_knock(knocks, start, hammer, loud, pitch, stroke, rate)
    mono = out.mean(axis=0)
    knock, board_wash, strings = responses(seed, rate)
    times = np.arange(0, frames, 64) / rate
    down = (1 - dampers(played.curve("pedal", times, smooth=False))).astype(np.float32)
    open_ = np.convolve(down, np.ones(8, np.float32) / 8, "same").astype(np.float32)
    freed = mono * np.repeat(open_, 64)[:frames]
    add_convolved(out, [knocks, mono, freed], [knock, board_wash, strings])
    if len(starts):
        out[:, : int(starts.min())] = 0
    return out


def add_knock(
    track: NDArray[np.float32],
    start: int,
    hammer: NDArray[np.float64],
    loud: float,
    pitch: int,
    stroke: np.random.Generator,
    rate: int,
) -> None:
    """The half-sine of the key's blow, at a level below the note's own."""
    width = max(3, int(1.05 * hammer[0] * rate))
    pulse = np.sin(np.pi * (np.arange(width) + 0.5) / width) + 0.02 * stroke.standard_normal(width)
    level = loud * 10 ** ((KNOCK_DB + 6 + np.interp(pitch, [36, 84], [-4, 3]) + stroke.normal(0, 1)) / 20)
    pulse *= level / np.sqrt((pulse**2).sum()) * 9
    end = min(start + width, len(track))
    track[start:end] += pulse[: end - start].astype(np.float32)
