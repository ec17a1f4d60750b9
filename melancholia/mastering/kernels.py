"""The loops of the master: K-weighted energies, true peaks by block, the limiter's curve, gain and dither."""

import numpy as np
from numba import njit, types

F32 = types.Array(types.float32, 1, "C", readonly=True)
F64 = types.Array(types.float64, 1, "C", readonly=True)


@njit([types.void(F32, F64, types.float64[::1])], cache=True, nogil=True)
def k_weight_energy(x, coefficients, state_and_sum):  # type: ignore[no-untyped-def]
    """Run two biquads (5 numbers each: b0 b1 b2 a1 a2) over x; state is 4 numbers, the fifth gathers the energy."""
    b0, b1, b2, a1, a2 = coefficients[0], coefficients[1], coefficients[2], coefficients[3], coefficients[4]
    c0, c1, c2, d1, d2 = coefficients[5], coefficients[6], coefficients[7], coefficients[8], coefficients[9]
    z1, z2, y1, y2 = state_and_sum[0], state_and_sum[1], state_and_sum[2], state_and_sum[3]
    total = 0.0
    for n in range(len(x)):
        v = np.float64(x[n])
        u = b0 * v + z1
        z1 = b1 * v - a1 * u + z2
        z2 = b2 * v - a2 * u
        w = c0 * u + y1
        y1 = c1 * u - d1 * w + y2
        y2 = c2 * u - d2 * w
        total += w * w
    state_and_sum[0], state_and_sum[1], state_and_sum[2], state_and_sum[3] = z1, z2, y1, y2
    state_and_sum[4] += total


@njit(
    [
        types.void(
            F32, types.Array(types.float32, 2, "C", readonly=True), types.float32[::1], types.int64, types.float32
        )
    ],
    cache=True,
    nogil=True,
    fastmath=True,
)
def block_peaks(x, taps, peaks, block, skip_below):  # type: ignore[no-untyped-def]
    """Raise peaks (blocks,) to the true peak of each block of x, which carries taps - 1 frames of history in front.

    taps (phases, T): the samples between samples. A block whose largest sample times the kernel's largest gain lies
    below `skip_below` keeps that sample's peak: it cannot matter.
    """
    phases, length = taps.shape
    reach = np.float32(0.0)
    for p in range(phases):
        total = np.float32(0.0)
        for k in range(length):
            total += abs(taps[p, k])
        reach = max(reach, total)
    half = length // 2
    acc = np.empty(block, np.float32)
    frames = len(x) - (length - 1)
    for b in range(len(peaks)):
        start = b * block
        count = min(block, frames - start)
        if count <= 0:
            break
        seg = x[start : start + count + length - 1]
        own = np.float32(0.0)
        wide = np.float32(0.0)
        for n in range(len(seg)):
            wide = max(wide, abs(seg[n]))
        for n in range(count):
            own = max(own, abs(seg[n + half - 1]))
        if wide * reach > skip_below:
            for p in range(phases):
                for j in range(count):
                    acc[j] = np.float32(0.0)
                for k in range(0, length, 4):
                    h0, h1, h2, h3 = taps[p, k], taps[p, k + 1], taps[p, k + 2], taps[p, k + 3]
                    s0, s1, s2, s3 = seg[k : k + count], seg[k + 1 : k + 1 + count], seg[k + 2 :], seg[k + 3 :]
                    for j in range(count):
                        acc[j] += h0 * s0[j] + h1 * s1[j] + h2 * s2[j] + h3 * s3[j]
                for j in range(count):
                    own = max(own, abs(acc[j]))
        peaks[b] = max(peaks[b], own)


@njit(
    [types.float32[::1](F32, types.float64, types.float64, types.int64, types.float64, types.float64, types.float64)],
    cache=True,
    nogil=True,
)
def reduction_curve(peaks, gain, ceiling, ahead, fast, slow_attack, slow_release):  # type: ignore[no-untyped-def]
    """Reduction in dB (nodes = blocks + 1,) that keeps peaks * gain under the ceiling.

    A node needs what the blocks on both its sides need. The need is held over the next `ahead` nodes, released by the
    slower of two stages (the slow one builds up only under dense peaks), and smoothed by two trailing means of
    ahead / 2 nodes, which arrive exactly at the need.
    """
    blocks = len(peaks)
    nodes = blocks + 1
    need = np.zeros(nodes + ahead, np.float64)
    for b in range(blocks):
        over = peaks[b] * gain / ceiling
        db = 20.0 * np.log10(over) if over > 1.0 else 0.0
        need[b] = max(need[b], db)
        need[b + 1] = max(need[b + 1], db)
    held = np.zeros(nodes, np.float64)
    queue = np.empty(nodes + ahead, np.int64)
    head, tail = 0, 0
    for n in range(nodes + ahead):
        while tail > head and need[queue[tail - 1]] <= need[n]:
            tail -= 1
        queue[tail] = n
        tail += 1
        at = n - ahead
        if at >= 0:
            while queue[head] < at:
                head += 1
            held[at] = need[queue[head]]
    quick, slow = 0.0, 0.0
    for n in range(nodes):
        quick = max(held[n], quick * fast)
        slow += (held[n] - slow) * (slow_attack if held[n] > slow else slow_release)
        held[n] = max(quick, slow)
    half = max(1, ahead // 2)
    for _ in range(2):
        total = held[0] * half
        kept = np.full(half, held[0])
        for n in range(nodes):
            total += held[n] - kept[n % half]
            kept[n % half] = held[n]
            held[n] = total / half
    out = np.empty(nodes, np.float32)
    for n in range(nodes):
        out[n] = np.float32(max(held[n], 0.0))
    return out


@njit(
    [types.void(types.float32[:, ::1], types.Array(types.float32, 1, "C", readonly=True), types.int64, types.int64)],
    cache=True,
    nogil=True,
    fastmath=True,
)
def apply_gain(x, nodes, first_frame, block):  # type: ignore[no-untyped-def]
    """Multiply x (channels, frames), which begins at `first_frame`, by the gain nodes, linear between them."""
    for c in range(x.shape[0]):
        n = 0
        while n < x.shape[1]:
            at = first_frame + n
            k = at // block
            into = at - k * block
            count = min(block - into, x.shape[1] - n)
            g0 = nodes[k]
            dg = (nodes[k + 1] - g0) / np.float32(block)
            for j in range(count):
                x[c, n + j] *= g0 + dg * np.float32(into + j)
            n += count


@njit(
    [types.int32[:, ::1](types.Array(types.float32, 2, "C", readonly=True), types.int64, types.int64, types.uint64)],
    cache=True,
    nogil=True,
)
def dithered(x, bits, first_frame, seed):  # type: ignore[no-untyped-def]
    """x as integers of `bits`, left-justified in int32, with TPDF dither drawn by counter: any blocks, same bytes.

    Digital silence stays silent.
    """
    out = np.empty(x.shape, np.int32)
    scale = 2.0 ** (bits - 1)
    shift = 32 - bits
    for c in range(x.shape[0]):
        for n in range(x.shape[1]):
            v = np.float64(x[c, n]) * scale
            if v != 0.0:
                z = seed + np.uint64((first_frame + n) * x.shape[0] + c) * np.uint64(0x9E3779B97F4A7C15)
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                z = z ^ (z >> np.uint64(31))
                one = np.float64(z >> np.uint64(32)) / 4294967296.0
                two = np.float64(z & np.uint64(0xFFFFFFFF)) / 4294967296.0
                v = np.floor(v + one - two + 0.5)
            v = min(max(v, -scale), scale - 1.0)
            out[c, n] = np.int32(v) << shift
    return out
