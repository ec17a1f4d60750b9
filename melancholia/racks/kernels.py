"""The loops of what moves: tape, tremolo, width.

Settings glide to their targets by one pole a sample, so that what moves them in steps is not heard as steps, and all
state is carried from sample to sample: blocks of any size equal the whole bit for bit.
"""

import numpy as np
from numba import njit, types

IN = types.Array(types.float32, 2, "C", readonly=True)
TARGETS = types.Array(types.float64, 1, "C", readonly=True)


@njit(
    [
        types.float32[:, ::1](
            IN,
            types.float32[:, ::1],
            types.float64[::1],
            types.float64[::1],
            TARGETS,
            TARGETS,
            types.int64,
            types.float64,
        )
    ],
    cache=True,
    nogil=True,
)
def tape(x, line, poles, now, target, turns, at, glide):  # type: ignore[no-untyped-def]
    """x (2, frames) through saturation, two one-pole lowpasses and a moving delay; returns the delayed sound.

    `now` glides to `target`: amplitudes of four swings in frames, drive, pole. `turns` are the swings' radians a
    sample; `poles` holds the four states of the filters and the cosine and sine of every swing. `line` (2, a power of
    two) is the ring that the delay reads, `at` frames since the start; the mean delay is a quarter of the ring.
    """
    out = np.empty_like(x)
    ring = line.shape[1]
    mask = ring - 1
    mean = ring // 4
    cosines, sines = np.cos(turns), np.sin(turns)
    moving = False
    for k in range(6):
        moving = moving or now[k] != target[k]
    drive, keep, back = now[4], now[5], 1.0 / now[4]
    for n in range(x.shape[1]):
        if moving:
            for k in range(6):
                now[k] += glide * (target[k] - now[k])
            drive, keep, back = now[4], now[5], 1.0 / now[4]
        swing = 0.0
        for k in range(4):
            c, s = poles[4 + 2 * k], poles[5 + 2 * k]
            poles[4 + 2 * k] = c * cosines[k] - s * sines[k]
            poles[5 + 2 * k] = s * cosines[k] + c * sines[k]
            swing += now[k] * s
        late = mean + swing
        whole = int(np.floor(late))
        d = late - whole
        # Lagrange through six points at 2, 1, 0, -1, -2, -3 frames from `whole`
        a, b, c, e, f, g = d + 2, d + 1, d, d - 1, d - 2, d - 3
        ab, ce, fg = a * b, c * e, f * g
        w0 = -b * ce * fg * (1 / 120)
        w1 = a * ce * fg * (1 / 24)
        w2 = -ab * e * fg * (1 / 12)
        w3 = ab * c * fg * (1 / 12)
        w4 = -ab * ce * g * (1 / 24)
        w5 = ab * ce * f * (1 / 120)
        place = (at + n) & mask
        read = at + n - whole
        for channel in range(2):
            v = min(max(drive * np.float64(x[channel, n]), -3.0), 3.0)
            v = back * v * (27.0 + v * v) / (27.0 + 9.0 * v * v)
            low = 2 * channel
            poles[low] = v + keep * (poles[low] - v)
            poles[low + 1] = poles[low] + keep * (poles[low + 1] - poles[low])
            line[channel, place] = np.float32(poles[low + 1])
            r = line[channel]
            out[channel, n] = np.float32(
                w0 * r[(read + 2) & mask]
                + w1 * r[(read + 1) & mask]
                + w2 * r[read & mask]
                + w3 * r[(read - 1) & mask]
                + w4 * r[(read - 2) & mask]
                + w5 * r[(read - 3) & mask]
            )
    return out


@njit(
    [types.float32[:, ::1](IN, types.float64[::1], types.float64[::1], TARGETS, types.float64, types.float64)],
    cache=True,
    nogil=True,
)
def tremolo(x, phase, now, target, turn, glide):  # type: ignore[no-untyped-def]
    """x (2, frames) times 1 - depth (1 - cos) / 2; `now` glides to `target`: depth, and the right side's lead (rad).

    `phase` holds the cosine and sine of the left side's swing, which turns by `turn` radians a sample.
    """
    out = np.empty_like(x)
    cosine, sine = np.cos(turn), np.sin(turn)
    for n in range(x.shape[1]):
        now[0] += glide * (target[0] - now[0])
        now[1] += glide * (target[1] - now[1])
        c, s = phase[0], phase[1]
        phase[0] = c * cosine - s * sine
        phase[1] = s * cosine + c * sine
        right = c * np.cos(now[1]) - s * np.sin(now[1])
        out[0, n] = np.float32(x[0, n] * (1.0 - now[0] * (0.5 - 0.5 * c)))
        out[1, n] = np.float32(x[1, n] * (1.0 - now[0] * (0.5 - 0.5 * right)))
    return out


@njit(
    [types.float32[:, ::1](IN, types.float64[::1], types.float64, types.float64)],
    cache=True,
    nogil=True,
)
def width(x, now, target, glide):  # type: ignore[no-untyped-def]
    """x (2, frames) with its difference between the sides times `now[0]`, which glides to `target`."""
    out = np.empty_like(x)
    for n in range(x.shape[1]):
        now[0] += glide * (target - now[0])
        middle = 0.5 * (np.float64(x[0, n]) + x[1, n])
        side = 0.5 * now[0] * (np.float64(x[0, n]) - x[1, n])
        out[0, n] = np.float32(middle + side)
        out[1, n] = np.float32(middle - side)
    return out
