"""Loops that NumPy cannot say: a bank of decaying modes, a felt hammer on a string, a pair of wavetables."""

import numpy as np
from numba import njit

LANES = 32


@njit(cache=True, nogil=True, fastmath=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True, fastmath=True)
def bow(track, start, frames, table, step, bend, level, blend, noise, noise_at, noise_gain, slip, block):  # type: ignore[no-untyped-def]
    """Add one player's note to track (frames,) float32.

    table (size + 1, 2) holds a soft and a loud cycle; `step` is cycles a sample, `bend` a factor on it, `level`,
    `blend` (0 soft, 1 loud) and `noise_gain` are given at block edges and run linearly between them. `slip` 1 gives
    noise in bursts after each slip of the string, 0 an even breath.
    """
    size = table.shape[0] - 1
    mask = len(noise) - 1
    phase = 0.0
    done = 0
    k = 0
    while done < frames:
        here = min(block, frames - done)
        inc = step * 0.5 * (bend[k] + bend[k + 1])
        l0, dl = level[k], (level[k + 1] - level[k]) / block
        b0, db = blend[k], (blend[k + 1] - blend[k]) / block
        g0, dg = noise_gain[k], (noise_gain[k + 1] - noise_gain[k]) / block
        for i in range(here):
            turn = phase + inc * i
            turn -= np.floor(turn)
            at = np.float32(turn * size)
            index = np.uint32(at)
            part = at - np.float32(index)
            soft = table[index, 0] + part * (table[index + 1, 0] - table[index, 0])
            loud = table[index, 1] + part * (table[index + 1, 1] - table[index, 1])
            mix = b0 + db * i
            hiss = noise[(noise_at + done + i) & mask]
            if slip:
                rise = min(turn * 12.0, 1.0)  # without it each slip would click
                burst = 0.3 + 1.5 * (1 - turn) ** 2 * rise * rise * (3 - 2 * rise)
            else:
                burst = 0.4 + 2.4 * (turn - 0.5) ** 2
            tone = soft + mix * (loud - soft)
            track[start + done + i] += np.float32((l0 + dl * i) * (tone + (g0 + dg * i) * burst * hiss))
        phase += inc * here
        phase -= np.floor(phase)
        done += here
        k += 1
