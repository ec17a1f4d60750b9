"""What is heard of time: tones that begin, the pulse, how the level moves, how fast it rises and how far it falls."""

import numpy as np
from numpy.typing import NDArray

from melancholia.analysis.first_use import librosa
from melancholia.analysis.pitch import Array
from melancholia.analysis.spectra import FINE_HOP, QUICK_HOP, RATE

ONSET_FLOOR_DB = 45.0
ONSET_DELTA, ONSET_APART, STROKE_DELTA = 0.3, 4, 0.03
MODULATION_S = 20.0
BANDS_HZ = {"slow": (0.1, 1.0), "tremor": (4.0, 8.0), "fast": (8.0, 20.0)}
PULSE_S = (0.25, 2.0)
BEFORE, AFTER = 40, 52  # quick frames (6 ms) around an onset in which its rise is looked for
RISE = (0.1, 0.9)
FILLED_DB, FILLED_S = 15.0, 1.0
BEGUN_DB, TAIL_DB, RUNG_DB, RISEN = 50.0, 25.0, 20.0, 12  # the last in fine frames: a tone's rise


def onset_frames(onset: Array, level_db: Array) -> NDArray[np.int64]:
    """Frames in which tones begin: picked peaks of the onset strength, none in near silence."""
    strength = np.minimum(onset / max(float(np.percentile(onset, 99)), 1e-12), 2.0)
    apart = ONSET_APART
    picked = librosa().util.peak_pick(
        strength, pre_max=apart, post_max=apart, pre_avg=12, post_avg=12, delta=ONSET_DELTA, wait=apart
    )
    loud = level_db[np.minimum(picked + 2, len(level_db) - 1)] > level_db.max() - ONSET_FLOOR_DB
    return np.asarray(np.asarray(picked)[loud], np.int64)


def stroke_count(strength: Array, level_db: Array) -> int:
    """Rises of the logarithmic spectrum at a low threshold: soft tones among loud ones too, and some that are none."""
    picked = librosa().util.peak_pick(
        strength / max(float(strength.max()), 1e-12),
        pre_max=3, post_max=3, pre_avg=10, post_avg=10, delta=STROKE_DELTA, wait=ONSET_APART,
    )  # fmt: skip
    loud = level_db[np.minimum(np.asarray(picked) + 2, len(level_db) - 1)] > level_db.max() - ONSET_FLOOR_DB
    return int(loud.sum())


def modulation(bands_db: Array) -> dict[str, float]:
    """Share of each of BANDS_HZ in the movement of the level, 0.1 to 20 Hz, mean over 20 s windows."""
    rate = RATE / FINE_HOP
    bands = np.maximum(bands_db, bands_db.max() - 80)
    found: dict[str, list[float]] = {name: [] for name in BANDS_HZ}
    for part in windows(bands, int(MODULATION_S * rate)):
        part = part - part.mean(axis=1, keepdims=True)
        power = (np.abs(np.fft.rfft(part * np.hanning(part.shape[1]), axis=1)) ** 2).sum(axis=0)
        hz = np.fft.rfftfreq(part.shape[1], 1 / rate)
        whole = power[(hz >= 0.1) & (hz <= 20)].sum()
        if whole > 0:
            for name, (low, high) in BANDS_HZ.items():
                found[name].append(power[(hz >= low) & (hz <= high)].sum() / whole)
    return {name: float(np.mean(shares)) if shares else 0.0 for name, shares in found.items()}


def windows(rows: Array, size: int) -> list[Array]:
    """Half-overlapping windows of `size` columns; the whole where it is shorter."""
    return [rows[:, start : start + size] for start in range(0, max(rows.shape[1] - size, 0) + 1, size // 2)]


def pulse_clarity(onset: Array) -> float:
    """How alike the onset strength is to itself one beat later, for the best beat of 0.25 to 2 s; mean of windows."""
    rate = RATE / FINE_HOP
    low, high = (int(s * rate) for s in PULSE_S)
    found = []
    for (part,) in windows(onset[None], int(MODULATION_S * rate)):
        part = part - part.mean()
        if len(part) > 2 * high and part.any():
            power = np.abs(np.fft.rfft(part, 2 * len(part))) ** 2
            alike = np.fft.irfft(power)[: high + 1] / (len(part) - np.arange(high + 1))
            found.append(float(alike[low:].max() / alike[0]))
    return float(np.mean(found)) if found else 0.0


def attack_ms(quick_db: NDArray[np.float32], onsets: NDArray[np.int64]) -> float:
    """Median time in which tones rise from 10 to 90 % of their rise in dB; 0 without onsets."""
    at = onsets * FINE_HOP // QUICK_HOP
    at = at[(at >= BEFORE) & (at < len(quick_db) - AFTER)]
    times = []
    for start in at:
        part = quick_db[start - BEFORE : start + AFTER]
        peak = int(part.argmax())
        foot = int(part[: peak + 1].argmin())
        rise = part[foot : peak + 1]
        if peak - foot >= 2:
            low, high = (np.argmax(rise >= rise[0] + share * (rise[-1] - rise[0])) for share in RISE)
            times.append(high - low)
    return float(np.median(times)) * 1000 * QUICK_HOP / RATE if times else 0.0


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


def filled(level_db: Array) -> float:
    """Share of the time that tones fill: no softer than FILLED_DB under the loudest within a second of it."""
    from scipy.ndimage import maximum_filter1d

    loudest = maximum_filter1d(level_db, 2 * int(FILLED_S * RATE / FINE_HOP) + 1)
    return float((level_db > loudest - FILLED_DB).mean())


def sounding(onset: Array, level_db: Array) -> tuple[float, float]:
    """Where in seconds the first tone begins and the last has rung: what comes before and after is not judged.

    The last tone has rung where the level has fallen RUNG_DB from its peak, and where no frame any more comes within
    TAIL_DB of the loud ones (their 95th percentile).
    """
    begun = onset_frames(onset, level_db)
    seconds = FINE_HOP / RATE
    first = int(np.argmax(level_db > level_db.max() - BEGUN_DB))
    loud = np.flatnonzero(level_db > np.percentile(level_db, 95) - TAIL_DB)
    end = int(loud[-1]) + 1 if len(loud) else len(level_db)
    if len(begun):
        last = int(begun[-1])
        fallen = np.flatnonzero(level_db[last:] < level_db[last : last + RISEN].max() - RUNG_DB)
        fallen = fallen[fallen > RISEN]
        end = max(end, last + int(fallen[0]) if len(fallen) else len(level_db))
    return first * seconds, max(end, first + 1) * seconds


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
