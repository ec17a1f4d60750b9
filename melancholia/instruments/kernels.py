"""Loops that NumPy cannot say: modes, short tones at random, a felt hammer on a string, a pair of wavetables."""

import numpy as np
from numba import njit, types

LANES = 32
STEREO = types.float32[:, ::1]
TRACK = types.float32[::1]
REALS = types.float64[::1]
REAL, COUNT = types.float64, types.int64


@njit(
    [types.void(STEREO, REALS, REALS, REALS, REALS, REALS, REALS, types.int64[::1])],
    cache=True,
    nogil=True,
    fastmath=True,
)
def ring(out, omega, sigma, left_re, left_im, right_re, right_im, life):  # type: ignore[no-untyped-def]
    """Add modes Re(A exp((j omega - sigma) t)) to out (2, frames) float32; omega, sigma a sample; life in frames.

    32 lanes hold exp(lambda i) and turn by exp(lambda 32): one rotation per 32 samples keeps rounding at -95 dB.
    """
    frames = out.shape[1]
    zr = np.empty(LANES, np.float32)
    zi = np.empty(LANES, np.float32)
    for m in range(len(omega)):
        for i in range(LANES):
            grow = np.exp(-sigma[m] * i)
            zr[i] = grow * np.cos(omega[m] * i)
            zi[i] = grow * np.sin(omega[m] * i)
        turn = np.exp(-sigma[m] * LANES)
        cr, ci = np.float32(turn * np.cos(omega[m] * LANES)), np.float32(turn * np.sin(omega[m] * LANES))
        al, bl = np.float32(left_re[m]), np.float32(left_im[m])
        ar, br = np.float32(right_re[m]), np.float32(right_im[m])
        for block in range(min(life[m], frames) // LANES):
            left = out[0, block * LANES : block * LANES + LANES]
            right = out[1, block * LANES : block * LANES + LANES]
            for i in range(LANES):
                left[i] += al * zr[i] - bl * zi[i]
                right[i] += ar * zr[i] - br * zi[i]
                nr = zr[i] * cr - zi[i] * ci
                zi[i] = zr[i] * ci + zi[i] * cr
                zr[i] = nr


@njit([(REALS, REALS, REALS, REAL, REAL, REAL, REAL, REAL, REAL, COUNT)], cache=True, nogil=True)
def strike(omega, sigma, shape, string_kg, hammer_kg, stiffness, exponent, speed, step_s, steps):  # type: ignore[no-untyped-def]
    """A felt hammer meets a string: modal displacement and velocity when it leaves, the time, and the force.

    q'' + 2 s q' + w^2 q = (2/M) phi F; F = K c^p max(0, 1 + 0.12 c'/v) for a compression c > 0.
    """
    count = len(omega)
    q, p = np.zeros(count), np.zeros(count)
    cos, sin = np.cos(omega * step_s), np.sin(omega * step_s)
    decay = np.exp(-sigma * step_s)
    force = np.zeros(steps)
    x, v = 0.0, speed
    free = 0
    last = steps
    for k in range(steps):
        under, under_v = 0.0, 0.0
        for n in range(count):
            under += shape[n] * q[n]
            under_v += shape[n] * p[n]
        c = x - under
        f = 0.0
        if c > 0:
            f = stiffness * c**exponent * max(0.0, 1 + 0.12 * (v - under_v) / speed)
            free = 0
        elif v < 0:
            free += 1
        force[k] = f
        v -= f / hammer_kg * step_s
        x += v * step_s
        push = 2 / string_kg * f * step_s
        for n in range(count):
            pn = p[n] + push * shape[n]
            qn = q[n]
            w = omega[n]
            q[n] = decay[n] * (qn * cos[n] + (pn + sigma[n] * qn) / w * sin[n])
            p[n] = decay[n] * (pn * cos[n] - (w * qn + sigma[n] * pn / w) * sin[n])
        if free * step_s > 0.0012:
            last = k + 1
            break
    return q, p, last, force


@njit(
    [
        types.void(
            TRACK, COUNT, COUNT, STEREO, REAL, REALS, REALS, REALS, TRACK, COUNT, REALS, types.boolean, COUNT, REAL
        )
    ],
    cache=True,
    nogil=True,
    fastmath=True,
)
def bow(track, start, frames, table, step, bend, level, blend, noise, noise_at, noise_gain, slip, block, turned):  # type: ignore[no-untyped-def]
    """Add one player's note to track (frames,) float32.

    table (4096 + 1, 2) holds a soft and a loud cycle; `step` is cycles a sample, `bend` a factor on it, `level`,
    `blend` (0 soft, 1 loud) and `noise_gain` are given at block edges and run linearly between them. `slip` 1 gives
    noise in bursts after each slip of the string, 0 an even breath. `turned` is where in its cycle the note starts.

    Inside a block the phase counts 2^-32 of a cycle in wrapping integers, their first 12 bits the place in the table:
    a third faster than floor and conversion, and 0.00001 Hz fine.
    """
    real, whole = np.float32, np.uint32
    mask = len(noise) - 1
    phase = turned - np.floor(turned)
    done = 0
    k = 0
    while done < frames:
        here = min(block, frames - done)
        inc = step * 0.5 * (bend[k] + bend[k + 1])
        l0, dl = real(level[k]), real((level[k + 1] - level[k]) / block)
        b0, db = real(blend[k]), real((blend[k + 1] - blend[k]) / block)
        g0, dg = real(noise_gain[k]), real((noise_gain[k + 1] - noise_gain[k]) / block)
        p, dp = whole(np.int64(phase * 2.0**32)), whole(np.int64(inc * 2.0**32))
        for i in range(here):
            at = whole(p + dp * whole(i))
            index = whole(at >> whole(20))
            part = real(np.int32(at & whole(0xFFFFF))) * real(2.0**-20)
            turn = real(np.int32(at >> whole(1))) * real(2.0**-31)
            soft = table[index, 0] + part * (table[index + 1, 0] - table[index, 0])
            loud = table[index, 1] + part * (table[index + 1, 1] - table[index, 1])
            now = real(np.int32(i))
            hiss = noise[(noise_at + done + i) & mask]
            if slip:
                rise = min(turn * real(12), real(1))  # without it each slip would click
                rest = real(1) - turn
                burst = real(0.3) + real(1.5) * rest * rest * rise * rise * (real(3) - real(2) * rise)
            else:
                burst = real(0.4) + real(2.4) * (turn - real(0.5)) * (turn - real(0.5))
            tone = soft + (b0 + db * now) * (loud - soft)
            track[start + done + i] += (l0 + dl * now) * (tone + (g0 + dg * now) * burst * hiss)
        phase += inc * here
        phase -= np.floor(phase)
        done += here
        k += 1


@njit(
    [types.void(STEREO, types.int64[::1], REALS, REALS, REALS, REALS, REALS, REALS, COUNT)],
    cache=True,
    nogil=True,
    fastmath=True,
)
def scatter(out, start, left, right, hz, chirp, decay, rise, rate):  # type: ignore[no-untyped-def]
    """Add short tones to out (2, frames): sin(2 pi (hz t + chirp t^2 / 2)) exp(-decay t), each to -72 dB.

    `chirp` in Hz a second, `decay` in 1/s; the first `rise` seconds grow by t / rise.
    """
    frames = out.shape[1]
    for k in range(len(start)):
        count = min(int(8.3 / decay[k] * rate), frames - start[k])
        fall = np.exp(-decay[k] / rate)
        level = 1.0
        for i in range(count):
            t = i / rate
            grow = min(t / rise[k], 1.0)
            sound = level * grow * np.sin(2 * np.pi * t * (hz[k] + 0.5 * chirp[k] * t))
            out[0, start[k] + i] += np.float32(left[k] * sound)
            out[1, start[k] + i] += np.float32(right[k] * sound)
            level *= fall


@njit(
    [types.void(STEREO, COUNT, COUNT, REALS, types.complex128[:, ::1], types.complex128[:, ::1], COUNT)],
    cache=True,
    nogil=True,
    fastmath=True,
)
def shimmer(out, start, frames, omega, left, right, block):  # type: ignore[no-untyped-def]
    """Add modes Re(a(t) exp(j omega t)) to out (2, frames) float32; omega a sample.

    left, right (modes, points) complex are the modes' amplitudes at block edges; they run linearly between them.
    """
    real = np.float32
    cos, sin = np.empty(block, np.float32), np.empty(block, np.float32)
    for m in range(len(omega)):
        for i in range(block):
            cos[i], sin[i] = np.cos(omega[m] * i), np.sin(omega[m] * i)
        for k in range((frames + block - 1) // block):
            here = min(block, frames - k * block)
            turn = np.exp(1j * omega[m] * (k * block))
            l0, dl = turn * left[m, k], turn * (left[m, k + 1] - left[m, k]) / block
            r0, dr = turn * right[m, k], turn * (right[m, k + 1] - right[m, k]) / block
            l_re, l_im, dl_re, dl_im = real(l0.real), real(l0.imag), real(dl.real), real(dl.imag)
            r_re, r_im, dr_re, dr_im = real(r0.real), real(r0.imag), real(dr.real), real(dr.imag)
            to_left = out[0, start + k * block : start + k * block + here]
            to_right = out[1, start + k * block : start + k * block + here]
            for i in range(here):
                now = real(np.int32(i))
                to_left[i] += (l_re + dl_re * now) * cos[i] - (l_im + dl_im * now) * sin[i]
                to_right[i] += (r_re + dr_re * now) * cos[i] - (r_im + dr_im * now) * sin[i]
