"""Listening: from samples alone to the value of every cue, and to the cues over time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from melancholia.analysis.features import Frames, frames_of, joined, values
from melancholia.analysis.music import no_music
from melancholia.analysis.pitch import tuning_of
from melancholia.analysis.rhythm import onset_frames, sounding
from melancholia.analysis.spectra import FINE_HOP, RATE, hear, spectra
from melancholia.analysis.tonal import modes, persistence_s
from melancholia.audio import Source, Stems, called
from melancholia.cues import CUES, mode_window_s
from melancholia.errors import InputError
from melancholia.recordings import source

SHORTEST_S = 1.0
CURVE_S, CURVE_STEP_S = 12.0, 2.0
SILENT = "it is silent, there is nothing to hear"


@dataclass(frozen=True, slots=True)
class Analysis:
    """Cue values of a recording, each in its unit; the same in windows of 12 s, at `times` in s every 2 s.

    `begins` and `ends` are the seconds from the first tone to where the last has rung; the values are of what lies
    between. `no_music` says why nothing here can be sad (silence, noise, speech, one tone, less than 5 s), or "".
    """

    values: Mapping[str, float]
    seconds: float
    times: tuple[float, ...] = ()
    windows: tuple[Mapping[str, float], ...] = ()
    begins: float = 0.0
    ends: float = 0.0
    no_music: str = ""

    @classmethod
    def from_values(cls, found: Mapping[str, float]) -> "Analysis":
        """An analysis known by its values alone."""
        return cls(MappingProxyType(dict(found)), 0.0)


def analyse(sound: Source | Stems | Path | str) -> Analysis:
    """Measure every cue of a recording from its samples.

    Parameters
    ----------
    sound : Audio, Recording, Stems or path
        Any rate and channel count, one second or longer.

    Returns
    -------
    Analysis
        A value for every cue of the table, the same over time, and whether it is music.

    Raises
    ------
    InputError
        The sound is shorter than a second.
    """
    opened = source(sound)
    if opened.frames < SHORTEST_S * opened.rate:
        length = f"{opened.frames / opened.rate:.2f} s long"
        raise InputError(f"{called(opened)} is {length}; allowed: 1 s or more, to be listened to.")
    with hear(opened) as heard:
        if heard.silent:
            silent = {name: min(max(0.0, cue.low), cue.high) for name, cue in CUES.items()}
            silent |= {"loudness": -120.0, "stereo_width": -120.0, "high_energy": -100.0}
            return Analysis(MappingProxyType(silent), heard.seconds, no_music=SILENT)
        parts = []
        tuning: float | None = None
        for part in spectra(heard):
            tuning = tuning_of(part.long) if tuning is None else tuning
            parts.append(frames_of(part, tuning))
    whole = joined(parts)
    begins, ends = sounding(whole.onset, whole.level_db)
    found = whole.between(begins, ends)
    cues = values(heard, found)
    times, windows = over_time(found, begins)
    reason = no_music(found, cues)
    return Analysis(MappingProxyType(cues), heard.seconds, times, windows, begins, ends, reason)


def over_time(found: Frames, begins: float) -> tuple[tuple[float, ...], tuple[Mapping[str, float], ...]]:
    """The cues that move inside a piece, in windows around a moment every 2 s; at its ends windows lean inward."""
    onsets = onset_frames(found.onset, found.level_db) * FINE_HOP / RATE
    seconds = found.seconds
    window_s = mode_window_s(len(onsets) / seconds)
    loudest = found.level_db.max()
    times, rows = [], []
    for at in np.arange(min(CURVE_STEP_S / 2, seconds / 2), seconds, CURVE_STEP_S):
        start = max(0.0, min(float(at) - CURVE_S / 2, seconds - CURVE_S))
        end = min(start + CURVE_S, seconds)
        part = found.between(start, end)
        times.append(begins + float(at))
        rows.append(
            MappingProxyType(
                {
                    "mode": float(modes(part.root_chroma, window_s)[0].mean()),
                    "event_rate": float(((onsets >= start) & (onsets < end)).sum() / (end - start)),
                    "persistence": persistence_s(part.tones),
                    "brightness": float(np.median(part.centroid)),
                    "level": float(np.median(part.level_db) - loudest),
                }
            )
        )
    return tuple(times), tuple(rows)
