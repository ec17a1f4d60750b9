"""Features by librosa from the two shared STFTs: what each frame holds, and what the whole piece comes to.

Nothing here depends on the level: the listener hears every file with its peak at 1. `active` frames are those within
50 dB of the loudest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.analysis.spectra import FINE, FINE_HOP, LONG, LONG_HOP, RATE, Heard, Spectra
from melancholia.cues import WINDOW_S, WINDOW_STEP_S, key_strength

Array = NDArray[np.float64]
ACTIVE_DB = 50.0
ONSET_FLOOR_DB = 45.0
PEAK_LOW_HZ, PEAK_HIGH_HZ, PEAK_SHARE = 55.0, 2000.0, 0.03
MODULATION_S = 20.0
GROUPS = 8
ROUGH_PEAKS = 20
# on the square root of the mel power (on its logarithm, vibrato and bow noise count as tones), peaks alone in 0.35 s:
# r with the notes of our own pieces and their slower and faster twins .67; a piece slowed to 3/4 loses 14 +- 5 %
ONSET_LAG, ONSET_SMOOTH, ONSET_DELTA = 2, 3, 0.15
MEL_FLOOR = 1e-3  # about 65 dB under the loudest band of a sound with its peak at 1: below, codecs differ


@dataclass(frozen=True, slots=True)
class Frames:
    """What frames hold, over the whole sound: fine ones every 23 ms, long ones every 93 ms."""

    level_db: Array
    centroid: Array
    low_energy: Array
    high_energy: Array
    contrast: Array
    onset: Array
    bands_db: Array
    flux: Array
    mel_sum: Array
    pitch: Array
    peaks: Array
    chroma: Array
    roughness: Array


def frames_of(part: Spectra, tuning: float) -> Frames:
    """All frame features of one segment."""
    import librosa
    from scipy.ndimage import uniform_filter1d

    power = part.fine.astype(np.float64) ** 2
    total = power.sum(axis=0)
    hz = librosa.fft_frequencies(sr=RATE, n_fft=FINE)
    level = 10 * np.log10(np.maximum(total, 1e-12))
    mel = librosa.feature.melspectrogram(S=part.fine**2, sr=RATE, n_fft=FINE, n_mels=128)
    log_mel = 10 * np.log10(np.maximum(mel, MEL_FLOOR))
    root = np.sqrt(mel)
    smooth = uniform_filter1d(root, ONSET_SMOOTH, axis=1)
    rise = np.maximum(np.diff(root, axis=1, prepend=root[:, :1]), 0).sum(axis=0)
    contrast = librosa.feature.spectral_contrast(S=part.fine, sr=RATE, n_fft=FINE, n_bands=2)[1]
    pitch, peaks, chroma, rough = spectral_peaks(part.long, tuning)
    return Frames(
        level_db=level,
        centroid=librosa.feature.spectral_centroid(S=part.fine, sr=RATE, n_fft=FINE)[0].astype(float),
        low_energy=power[hz <= 2000].sum(axis=0),
        high_energy=power[hz > 2000].sum(axis=0),
        contrast=contrast.astype(float),
        onset=librosa.onset.onset_strength(S=smooth, sr=RATE, lag=ONSET_LAG, center=True).astype(float),
        bands_db=log_mel.reshape(GROUPS, 128 // GROUPS, -1).mean(axis=1).astype(float),
        flux=rise.astype(float),
        mel_sum=root.sum(axis=0).astype(float),
        pitch=pitch,
        peaks=peaks,
        chroma=chroma,
        roughness=rough,
    )


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


def spectral_peaks(long: NDArray[np.float32], tuning: float) -> tuple[Array, Array, Array, Array]:
    """For each long frame: salience-weighted mean pitch, number of peaks, chroma (frames, 12), roughness."""
    bins, frames, midi, weight = local_peaks(long)
    count = long.shape[1]
    total = np.bincount(frames, weight, count)
    pitch = np.bincount(frames, weight * midi, count) / np.maximum(total, 1e-12)
    semitone = np.round(midi - tuning).astype(np.int64) % 12
    chroma = np.bincount(frames * 12 + semitone, weight, count * 12).reshape(count, 12)
    chroma = chroma / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-12)
    rough = np.full(count, np.nan)
    order = np.lexsort((-weight, frames))
    f_sorted, hz = frames[order], 440 * 2 ** ((midi[order] - 69) / 12)
    w_sorted = weight[order] ** 2
    edges = np.searchsorted(f_sorted, np.arange(count + 1))
    for frame in range(0, count, 4):
        a, b = edges[frame], min(edges[frame + 1], edges[frame] + ROUGH_PEAKS)
        if b - a >= 2:
            rough[frame] = roughness(hz[a:b], w_sorted[a:b])
    return pitch, np.bincount(frames, minlength=count).astype(float), chroma, rough


def roughness(hz: Array, weight: Array) -> float:
    """Beating of peaks after Plomp & Levelt as Sethares writes it, over the sum of their amplitudes."""
    low = np.minimum(hz[:, None], hz[None, :])
    apart = np.abs(hz[:, None] - hz[None, :])
    s = 0.24 / (0.021 * low + 19)
    both = np.minimum(weight[:, None], weight[None, :])
    beats = both * (np.exp(-3.5 * s * apart) - np.exp(-5.75 * s * apart))
    return float(beats.sum() / 2 / weight.sum())


def joined(parts: list[Frames]) -> Frames:
    return Frames(
        **{
            name: np.concatenate([getattr(part, name) for part in parts], axis=1 if name == "bands_db" else 0)
            for name in Frames.__slots__
        }
    )


def values(heard: Heard, found: Frames) -> dict[str, float]:
    """Every cue of the table."""
    active = found.level_db > found.level_db.max() - ACTIVE_DB
    onsets = onset_frames(found)
    fast, slow = modulation(found.bands_db)
    mode, clarity = modes(found.chroma)
    sounding = found.peaks > 0
    rough = found.roughness[~np.isnan(found.roughness)]
    mean_chroma = found.chroma.mean(axis=0) / max(float(found.chroma.mean(axis=0).sum()), 1e-12)
    energy = found.low_energy.sum() + found.high_energy.sum()
    low, high = np.percentile(found.level_db[active], [5, 95])
    return {
        "mode": float(mode.mean()),
        "event_rate": len(onsets) / max(heard.seconds, 1e-9),
        "register": float(np.average(found.pitch[sounding], weights=None)) if sounding.any() else 60.0,
        "brightness": float(np.median(found.centroid[active])),
        "articulation": articulation(found.level_db, onsets),
        "fast_modulation": fast,
        "slow_modulation": slow,
        "flux": float(found.flux.mean() / max(found.mel_sum.mean(), 1e-12)),
        "contrast": float(found.contrast.mean()),
        "high_energy": float(10 * np.log10(max(found.high_energy.sum() / max(energy, 1e-12), 1e-10))),
        "peaks": float(found.peaks.mean()),
        "level_range": float(high - low),
        "chord_clarity": chord_clarity(found.chroma),
        "chroma_entropy": float(-(mean_chroma * np.log(np.maximum(mean_chroma, 1e-12))).sum()),
        "tonal_clarity": float(clarity.mean()),
        "roughness": float(rough.mean()) if len(rough) else 0.0,
        "space": decay_s(found.level_db),
        "stereo_width": heard.width_db,
        "loudness": heard.lufs,
    }


def onset_frames(found: Frames) -> NDArray[np.int64]:
    """Frames in which tones begin: picked peaks of the onset strength, none in near silence."""
    import librosa

    strength = np.minimum(found.onset / max(float(np.percentile(found.onset, 99)), 1e-12), 2.0)
    picked = librosa.util.peak_pick(strength, pre_max=8, post_max=8, pre_avg=12, post_avg=12, delta=ONSET_DELTA, wait=8)
    loud = found.level_db[np.minimum(picked + 2, len(found.level_db) - 1)] > found.level_db.max() - ONSET_FLOOR_DB
    return np.asarray(np.asarray(picked)[loud], np.int64)


def modulation(bands_db: Array) -> tuple[float, float]:
    """Shares of 8 to 20 Hz and of 0.1 to 1 Hz in the movement of the level, mean over 20 s windows."""
    rate = RATE / FINE_HOP
    size = int(MODULATION_S * rate)
    floor = bands_db.max() - 80
    bands = np.maximum(bands_db, floor)
    count = bands.shape[1]
    starts = range(0, max(count - size, 0) + 1, size // 2)
    fast, slow = [], []
    for start in starts:
        part = bands[:, start : start + size]
        part = part - part.mean(axis=1, keepdims=True)
        power = (np.abs(np.fft.rfft(part * np.hanning(part.shape[1]), axis=1)) ** 2).sum(axis=0)
        hz = np.fft.rfftfreq(part.shape[1], 1 / rate)
        whole = power[(hz >= 0.1) & (hz <= 20)].sum()
        if whole > 0:
            fast.append(power[(hz >= 8) & (hz <= 20)].sum() / whole)
            slow.append(power[(hz >= 0.1) & (hz <= 1)].sum() / whole)
    return (float(np.mean(fast)), float(np.mean(slow))) if fast else (0.0, 0.0)


def modes(chroma: Array) -> tuple[Array, Array]:
    """Mode index and tonal clarity in half-overlapping windows of three seconds."""
    size, step = int(WINDOW_S * RATE / LONG_HOP), int(WINDOW_STEP_S * RATE / LONG_HOP)
    starts = range(0, max(len(chroma) - size, 0) + 1, step)
    means = np.array([chroma[start : start + size].mean(axis=0) for start in starts])
    kept = means[means.sum(axis=1) > 0]
    return key_strength(kept) if len(kept) else (np.zeros(1), np.zeros(1))


TRIADS = np.array(
    [np.roll(np.isin(np.arange(12), shape), k) for shape in ((0, 4, 7), (0, 3, 7), (0, 3, 6)) for k in range(12)], float
) / np.sqrt(3)  # fmt: skip


def chord_clarity(chroma: Array) -> float:
    """Best cosine of half a second's chroma (square root) with a triad, in the mean."""
    rows = np.sqrt(chroma)
    smooth = np.apply_along_axis(lambda column: np.convolve(column, np.full(6, 1 / 6), "same"), 0, rows)
    unit = smooth / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-12)
    return float((unit @ TRIADS.T).max(axis=1).mean())


def articulation(level_db: Array, onsets: NDArray[np.int64]) -> float:
    """Median fall of the level from a tone's peak to the lowest point before the next onset, dB."""
    floor = level_db.max() - 60
    level = np.maximum(level_db, floor)
    falls = [
        level[a : b + 1].max() - level[a + int(level[a : b + 1].argmax()) : b + 1].min()
        for a, b in zip(onsets, onsets[1:], strict=False)
        if b - a >= 3
    ]
    return float(np.median(falls)) if falls else 0.0


def decay_s(level_db: Array) -> float:
    """Seconds for 60 dB, from the slopes of stretches in which the level only falls, at least 0.3 s long; 0 to 30."""
    smooth = np.convolve(level_db, np.full(5, 0.2), "same")
    floor = smooth.max() - 55
    seconds = FINE_HOP / RATE
    falling = (np.diff(smooth) < 0.05) & (smooth[1:] > floor)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], falling.astype(int), [0]])))
    slopes = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if (end - start) * seconds >= 0.3 and smooth[start] - smooth[end - 1] > 3:
            slopes.append((smooth[start] - smooth[end - 1]) / ((end - start) * seconds))
    return float(np.clip(60 / np.median(slopes), 0, 30)) if slopes else 0.0
