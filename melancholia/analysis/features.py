"""Features by librosa from the two shared STFTs: what each frame holds, and what the whole piece comes to.

Nothing here depends on the level: the listener hears every file with its peak at 1. `active` frames are those within
50 dB of the loudest.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.analysis.first_use import librosa
from melancholia.analysis.pitch import Array, followed, spectral_peaks, sway_and_slides, tones_of
from melancholia.analysis.rhythm import (
    articulation,
    attack_ms,
    decay_s,
    filled,
    modulation,
    onset_frames,
    pulse_clarity,
    stroke_count,
)
from melancholia.analysis.spectra import FINE, FINE_HOP, LONG_HOP, QUICK_HOP, RATE, Heard, Spectra
from melancholia.analysis.tonal import KEY_S, chords_heard, harmonic_change, modes, persistence_s
from melancholia.cues import mode_window_s

ACTIVE_DB = 50.0
GROUPS = 8
# Onsets are rises of the mel power to the ONSET_POWER: of its root, loud players alone are heard; of its logarithm,
# vibrato and bow noise as well. r with the notes of our own pieces and their slower twins .92; slowed to 3/4, a piece
# loses 16 +- 9 %
ONSET_POWER, ONSET_FLOOR = 0.2, 1e-4
SLOPE_HZ = (100.0, 8000.0)
MEL_FLOOR = 1e-3  # about 65 dB under the loudest band of a sound with its peak at 1: below, codecs differ


FINE_FRAMES = (
    "level_db", "centroid", "low_energy", "high_energy", "contrast", "onset", "stroke", "bands_db", "flux", "mel_sum",
    "voice",
)  # fmt: skip
LONG_FRAMES = ("pitch", "peaks", "chroma", "root_chroma", "roughness", "tones", "lattice", "strong")


@dataclass(frozen=True, slots=True)
class Frames:
    """What frames hold, over the whole sound: FINE_FRAMES every 23 ms, LONG_FRAMES every 93 ms, `quick_db` every 6 ms.

    The last four are sums and means of a segment each.
    """

    level_db: Array
    centroid: Array
    low_energy: Array
    high_energy: Array
    contrast: Array
    onset: Array
    stroke: Array
    bands_db: Array
    flux: Array
    mel_sum: Array
    voice: Array
    pitch: Array
    peaks: Array
    chroma: Array
    root_chroma: Array
    roughness: Array
    tones: NDArray[np.float32]
    lattice: NDArray[np.complex128]
    strong: Array
    quick_db: NDArray[np.float32]
    spectrum: Array
    rough_time: Array
    rough_pitch: Array
    sameness: Array

    @property
    def seconds(self) -> float:
        return len(self.level_db) * FINE_HOP / RATE

    def between(self, start: float, end: float) -> "Frames":
        """The frames from `start` to `end` in seconds; sums of segments stay those of the whole."""

        def cut(name: str, hop: int) -> Any:
            first = round(start * RATE / hop)
            part = slice(first, max(first + 1, round(end * RATE / hop)))
            rows = getattr(self, name)
            return rows[:, part] if name == "bands_db" else rows[part]

        return replace(
            self,
            **{name: cut(name, FINE_HOP) for name in FINE_FRAMES},
            **{name: cut(name, LONG_HOP) for name in LONG_FRAMES},
            quick_db=cut("quick_db", QUICK_HOP),
        )


def frames_of(part: Spectra, tuning: float) -> Frames:
    """All frame features of one segment."""
    power = part.fine**2
    total = power.sum(axis=0, dtype=np.float64)
    hz = librosa().fft_frequencies(sr=RATE, n_fft=FINE)
    level = 10 * np.log10(np.maximum(total, 1e-12))
    mel = librosa().feature.melspectrogram(S=power, sr=RATE, n_fft=FINE, n_mels=128)
    log_mel = 10 * np.log10(np.maximum(mel, MEL_FLOOR))
    root = np.sqrt(mel)
    loud = np.maximum(mel, ONSET_FLOOR) ** ONSET_POWER
    time_bend = np.abs(np.diff(log_mel, n=2, axis=1)).sum(axis=0)
    rise = np.maximum(np.diff(root, axis=1, prepend=root[:, :1]), 0).sum(axis=0)
    contrast = librosa().feature.spectral_contrast(S=part.fine, sr=RATE, n_fft=FINE, n_bands=2)[1]
    peaks = spectral_peaks(part.long, tuning)
    return Frames(
        level_db=level,
        centroid=(hz @ part.fine) / np.maximum(part.fine.sum(axis=0, dtype=np.float64), 1e-12),
        low_energy=power[hz <= 2000].sum(axis=0, dtype=np.float64),
        high_energy=power[hz > 2000].sum(axis=0, dtype=np.float64),
        contrast=contrast.astype(float),
        onset=librosa().onset.onset_strength(S=loud, sr=RATE, center=True).astype(float),
        stroke=librosa().onset.onset_strength(S=log_mel, sr=RATE, center=True).astype(float),
        bands_db=log_mel.reshape(GROUPS, 128 // GROUPS, -1).mean(axis=1).astype(float),
        flux=rise.astype(float),
        mel_sum=root.sum(axis=0).astype(float),
        voice=followed(part.fine),
        pitch=peaks.pitch,
        peaks=peaks.count,
        chroma=peaks.chroma,
        root_chroma=peaks.root_chroma,
        roughness=peaks.roughness,
        tones=tones_of(part.long),
        lattice=peaks.lattice,
        strong=peaks.strong,
        quick_db=part.quick_db,
        spectrum=power.sum(axis=1, dtype=np.float64)[None],
        rough_time=np.array([time_bend.mean() if len(time_bend) else 0.0]),
        rough_pitch=np.array([np.abs(np.diff(log_mel, n=2, axis=0)).sum(axis=0).mean()]),
        sameness=peaks.sameness,
    )


def joined(parts: list[Frames]) -> Frames:
    return Frames(
        **{
            name: np.concatenate([getattr(part, name) for part in parts], axis=1 if name == "bands_db" else 0)
            for name in Frames.__slots__
        }
    )


def values(heard: Heard, found: Frames) -> dict[str, float]:
    """Every cue of the table, of the frames in which something sounds; loudness and width are the whole file's."""
    active = found.level_db > found.level_db.max() - ACTIVE_DB
    onsets = onset_frames(found.onset, found.level_db)
    moved = modulation(found.bands_db)
    rate = len(onsets) / found.seconds
    mode, clarity = modes(found.root_chroma, mode_window_s(rate))
    sounding = found.peaks > 0
    rough = found.roughness[~np.isnan(found.roughness)]
    mean_chroma = found.chroma.mean(axis=0) / max(float(found.chroma.mean(axis=0).sum()), 1e-12)
    energy = found.low_energy.sum() + found.high_energy.sum()
    low, high = np.percentile(found.level_db[active], [5, 95])
    chord_clarity, diminished = chords_heard(found.chroma)
    vibrato, glides = sway_and_slides(found.voice, found.level_db)
    return {
        "mode": float(mode.mean()),
        "event_rate": rate,
        "stroke_rate": stroke_count(found.stroke, found.level_db) / found.seconds,
        "register": float(found.pitch[sounding].mean()) if sounding.any() else 60.0,
        "brightness": float(np.median(found.centroid[active])),
        "articulation": articulation(found.level_db, onsets),
        "legato": filled(found.level_db),
        "fast_modulation": moved["fast"],
        "slow_modulation": moved["slow"],
        "persistence": persistence_s(found.tones),
        "flux": float(found.flux.mean() / max(found.mel_sum.mean(), 1e-12)),
        "contrast": float(found.contrast.mean()),
        "high_energy": float(10 * np.log10(max(found.high_energy.sum() / max(energy, 1e-12), 1e-10))),
        "peaks": float(found.peaks.mean()),
        "level_range": float(high - low),
        "chord_clarity": chord_clarity,
        "chroma_entropy": float(-(mean_chroma * np.log(np.maximum(mean_chroma, 1e-12))).sum()),
        "tonal_clarity": float(clarity.mean()),
        "roughness": float(rough.mean()) if len(rough) else 0.0,
        "space": decay_s(found.level_db),
        "stereo_width": heard.width_db,
        "loudness": heard.lufs,
        "key_mode": float(modes(found.root_chroma, KEY_S)[0].mean()),
        "diminished": diminished,
        "harmonic_change": harmonic_change(found.chroma),
        "pulse_clarity": pulse_clarity(found.onset),
        "tremor": moved["tremor"],
        "attack": attack_ms(found.quick_db, onsets),
        "slope": slope_db(found.spectrum.sum(axis=0)),
        "percussiveness": float(np.log(max(found.rough_time.mean(), 1e-9) / max(found.rough_pitch.mean(), 1e-9))),
        "pitch_range": float(found.pitch[sounding].std()) if sounding.any() else 0.0,
        "vibrato": vibrato,
        "glides": glides,
    }


def slope_db(spectrum: Array) -> float:
    """Fall of the long-term spectrum from 100 Hz to 8 kHz in dB an octave, by least squares over its bins."""
    hz = np.arange(len(spectrum)) * RATE / FINE
    inside = (hz >= SLOPE_HZ[0]) & (hz <= SLOPE_HZ[1])
    level = 10 * np.log10(np.maximum(spectrum[inside], 1e-10 * max(float(spectrum.max()), 1e-30)))
    return float(np.polyfit(np.log2(hz[inside]), level, 1)[0])
