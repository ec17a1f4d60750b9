"""What is heard of pitch: spectral peaks, what they beat, the semitones they lie on, and how tones sway and slide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.analysis.first_use import librosa
from melancholia.analysis.spectra import FINE, FINE_HOP, LONG, RATE

Array = NDArray[np.float64]
PEAK_LOW_HZ, PEAK_HIGH_HZ, PEAK_SHARE = 55.0, 2000.0, 0.03
ROUGH_PEAKS = 20
TONES, LOWEST_TONE, TONE_WIDTH = 72, 33, 0.75  # semitones from 55 Hz up, each a triangle of this half-width
PARTIALS = (12, 19, 24, 28, 31, 34, 36)  # semitones from a tone up to its partials, the second to the eighth
PARTIAL_SHARE = 0.8  # of a tone's weight, which is taken off each of them
STRONG = 0.2  # of the highest peak of its frame; what stands out so far tells the tuning
LOUD_DB = 50.0
VOICE_HZ = (250.0, 2000.0)  # where the strongest partial is followed from frame to frame
VOICE_SHARE, VOICE_JUMP = 0.1, 60.0  # of the loudest one at least; cents from a frame to the next at most
VOICE_S, SWAY_S = 0.4, 0.2  # a tone that is followed lasts so long; what moves slower than this is no vibrato
GLIDE_CENTS_S = (150.0, 2500.0)


def local_peaks(long: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, Array]:
    """Spectral peaks from 55 to 2000 Hz over 3 % of their frame's highest: bins, frames, MIDI pitch, weight."""
    low, high = int(PEAK_LOW_HZ * LONG / RATE), int(PEAK_HIGH_HZ * LONG / RATE)
    inner = long[low:high]
    is_peak = (inner > long[low - 1 : high - 1]) & (inner >= long[low + 1 : high + 1])
    is_peak &= inner > PEAK_SHARE * np.maximum(inner.max(axis=0), 1e-9)
    bins, frames = np.nonzero(is_peak)
    a, b, c = (np.log(np.maximum(long[bins + low + d, frames], 1e-9)).astype(float) for d in (-1, 0, 1))
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
    hertz = (bins + low + np.clip(shift, -0.5, 0.5)) * RATE / LONG
    return bins, frames, 69 + 12 * np.log2(hertz / 440), np.exp(0.5 * b)


def tuning_of(long: NDArray[np.float32]) -> float:
    """How far the sound's semitones lie off 440 Hz, in semitones, -0.5 to 0.5."""
    _, _, midi, weight = local_peaks(long)
    return float(np.angle((weight * np.exp(2j * np.pi * midi)).sum()) / (2 * np.pi)) if len(midi) else 0.0


def tones_of(long: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power of each semitone in each long frame, shape (frames, TONES)."""
    hertz = np.maximum(librosa().fft_frequencies(sr=RATE, n_fft=LONG), 1.0)
    apart = np.abs(librosa().hz_to_midi(hertz) - (LOWEST_TONE + np.arange(TONES))[:, None])
    bank = np.maximum(0, 1 - apart / TONE_WIDTH).astype(np.float32)
    used = bank.any(axis=0)
    return np.ascontiguousarray((bank[:, used] @ long[used] ** 2).T)


@dataclass(frozen=True, slots=True)
class Peaks:
    """What the spectral peaks of each long frame tell.

    `pitch` is the mean of their MIDI pitches, weighed by salience, `count` their number; `chroma` (frames, 12) is of
    all peaks, `root_chroma` with the partials of lower tones taken off; `roughness` NaN where it was not measured.
    `lattice` is the sum of the strong peaks as turns of a semitone (all at one place: tones of one tuning), `strong`
    the sum of their weights; `sameness` (1, TONES, TONES) the sum over loud frames of the products of their tones at
    length 1.
    """

    pitch: Array
    count: Array
    chroma: Array
    root_chroma: Array
    roughness: Array
    lattice: NDArray[np.complex128]
    strong: Array
    sameness: Array


def spectral_peaks(long: NDArray[np.float32], tuning: float) -> Peaks:
    bins, frames, midi, weight = local_peaks(long)
    count = long.shape[1]
    total = np.bincount(frames, weight, count)
    pitch = np.bincount(frames, weight * midi, count) / np.maximum(total, 1e-12)
    semitone = np.round(midi - tuning).astype(np.int64)
    chroma = np.bincount(frames * 12 + semitone % 12, weight, count * 12).reshape(count, 12).astype(float)
    place = frames * TONES + np.clip(semitone - LOWEST_TONE, 0, TONES - 1)
    tones = np.bincount(place, weight, count * TONES).reshape(count, TONES).astype(float)
    height = weight**2
    highest = np.zeros(count)
    np.maximum.at(highest, frames, height)
    strong = np.where(height > STRONG * highest[frames], height / np.maximum(highest[frames], 1e-12), 0.0)
    turn = strong * np.exp(2j * np.pi * midi)
    loud = highest > highest.max() * 10 ** (-LOUD_DB / 20)
    heights = np.bincount(place, height, count * TONES).reshape(count, TONES)[loud]
    unit = heights / np.maximum(np.linalg.norm(heights, axis=1, keepdims=True), 1e-12)
    return Peaks(
        pitch,
        np.bincount(frames, minlength=count).astype(float),
        shares(chroma),
        shares(folded(roots(tones))),
        rough_frames(frames, midi, weight, count),
        np.bincount(frames, turn.real, count) + 1j * np.bincount(frames, turn.imag, count),
        np.bincount(frames, strong, count).astype(float),
        (unit.T @ unit)[None],
    )


def roots(tones: Array) -> Array:
    """Tones (frames, TONES) with a share of each taken off its partials, from the lowest up; none below 0."""
    left = np.array(tones.T, order="C")
    for tone in range(TONES):
        np.maximum(left[tone], 0, out=left[tone])
        for apart in PARTIALS:
            if tone + apart < TONES:
                left[tone + apart] -= PARTIAL_SHARE * left[tone]
    return left.T


def folded(tones: Array) -> Array:
    """Tones (frames, TONES) as pitch classes (frames, 12)."""
    first = -LOWEST_TONE % 12  # columns to the first C
    return np.stack([tones[:, (first + pitch_class) % 12 :: 12].sum(axis=1) for pitch_class in range(12)], axis=1)


def shares(chroma: Array) -> Array:
    return np.asarray(chroma / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-12))


def rough_frames(frames: NDArray[np.int64], midi: Array, weight: Array, count: int) -> Array:
    """Roughness of every fourth frame; NaN in the others, and where there is nothing to beat."""
    rough = np.full(count, np.nan)
    order = np.lexsort((-weight, frames))
    f_sorted, hz = frames[order], 440 * 2 ** ((midi[order] - 69) / 12)
    w_sorted = weight[order] ** 2
    edges = np.searchsorted(f_sorted, np.arange(count + 1))
    for frame in range(0, count, 4):
        a, b = edges[frame], min(edges[frame + 1], edges[frame] + ROUGH_PEAKS)
        if b - a >= 2:
            rough[frame] = roughness(hz[a:b], w_sorted[a:b])
    return rough


def roughness(hz: Array, weight: Array) -> float:
    """Beating of peaks after Plomp & Levelt as Sethares writes it, over the sum of their amplitudes."""
    low = np.minimum(hz[:, None], hz[None, :])
    apart = np.abs(hz[:, None] - hz[None, :])
    s = 0.24 / (0.021 * low + 19)
    both = np.minimum(weight[:, None], weight[None, :])
    beats = both * (np.exp(-3.5 * s * apart) - np.exp(-5.75 * s * apart))
    return float(beats.sum() / 2 / weight.sum())


def followed(fine: NDArray[np.float32]) -> Array:
    """Pitch of the strongest partial of each fine frame in cents above 55 Hz; NaN where there is none."""
    low, high = (int(hz * FINE / RATE) for hz in VOICE_HZ)
    inner = fine[low:high]
    at = inner.argmax(axis=0)
    frames = np.arange(fine.shape[1])
    height = inner[at, frames]
    a, b, c = (np.log(np.maximum(fine[at + low + d, frames], 1e-9)).astype(float) for d in (-1, 0, 1))
    shift = np.clip(0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9), -0.5, 0.5)
    cents = 1200 * np.log2((at + low + shift) * RATE / FINE / 55)
    return np.where((at > 0) & (at < high - low - 1) & (height > 0), cents, np.nan)


def sway_and_slides(cents: Array, level_db: Array) -> tuple[float, float]:
    """Vibrato in cents (its extent to one side, median of the tones), and the share of time in which tones slide.

    Tones are stretches of at least VOICE_S without a jump, no softer than VOICE_SHARE of the loudest frame.
    """
    rate = RATE / FINE_HOP
    least, window = int(VOICE_S * rate), max(3, int(SWAY_S * rate)) | 1
    loud = level_db > level_db.max() + 20 * np.log10(VOICE_SHARE)
    held = np.isfinite(cents) & loud
    joined = held[1:] & held[:-1] & (np.abs(np.diff(np.where(held, cents, 0.0))) < VOICE_JUMP)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], joined.astype(int), [0]])))
    extents, slid, total = [], 0, 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start < least:
            continue
        tone = cents[start : end + 1]
        smooth = np.convolve(np.pad(tone, window // 2, mode="edge"), np.full(window, 1 / window), "valid")
        extents.append(float(np.sqrt(2) * (tone - smooth).std()))
        speed = np.abs(np.gradient(smooth)) * rate
        slid += int(((speed > GLIDE_CENTS_S[0]) & (speed < GLIDE_CENTS_S[1])).sum())
        total += len(tone)
    return (float(np.median(extents)), slid / total) if extents else (0.0, 0.0)
