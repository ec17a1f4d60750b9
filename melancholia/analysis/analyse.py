"""Listening: from samples alone to the value of every cue, and to the cues over time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from melancholia.analysis.features import Frames, frames_of, joined, values
from melancholia.analysis.pitch import tuning_of
from melancholia.analysis.rhythm import onset_frames
from melancholia.analysis.spectra import FINE_HOP, LONG_HOP, RATE, hear, spectra
from melancholia.analysis.tonal import mode_window_s, modes, persistence_s
from melancholia.audio import Source, called
from melancholia.cues import CUES
from melancholia.errors import InputError
from melancholia.recordings import source

SHORTEST_S = 1.0
CURVE_S, CURVE_STEP_S = 12.0, 2.0


@dataclass(frozen=True, slots=True)
class Analysis:
    """Cue values of a recording, each in its unit; the same in windows of 12 s (`times` are the middles).

    Of `silent` ones they say nothing.
    """

    values: Mapping[str, float]
    seconds: float
    times: tuple[float, ...] = ()
    windows: tuple[Mapping[str, float], ...] = ()
    silent: bool = False

    @classmethod
    def from_values(cls, found: Mapping[str, float]) -> "Analysis":
        """An analysis known by its values alone."""
        return cls(MappingProxyType(dict(found)), 0.0)


def analyse(sound: Source | Path | str) -> Analysis:
    """Measure every cue of a recording from its samples.

    Parameters
    ----------
    sound : Audio, Recording or path
        Any rate and channel count, one second or longer.

    Returns
    -------
    Analysis
        A value for every cue of the table, the same in windows of 12 s, and whether there is anything to hear.

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
            return Analysis(MappingProxyType(silent), heard.seconds, silent=True)
        parts = []
        tuning: float | None = None
        for part in spectra(heard):
            tuning = tuning_of(part.long) if tuning is None else tuning
            parts.append(frames_of(part, tuning))
    found = joined(parts)
    times, windows = over_time(found, heard.seconds)
    return Analysis(MappingProxyType(values(heard, found)), heard.seconds, times, windows)


def over_time(found: Frames, seconds: float) -> tuple[tuple[float, ...], tuple[Mapping[str, float], ...]]:
    """The cues that move inside a piece (mode, event rate, persistence, brightness, level) in windows."""
    fine, long = RATE / FINE_HOP, RATE / LONG_HOP
    onsets = onset_frames(found.onset, found.level_db) / fine
    window_s = mode_window_s(found.tones)
    times, rows = [], []
    for start in np.arange(0, max(seconds - CURVE_S, 0) + 1e-6, CURVE_STEP_S):
        end = start + CURVE_S
        a, b = int(start * fine), max(int(end * fine), int(start * fine) + 1)
        level = found.level_db[a:b]
        if not len(level):
            break
        chroma = found.chroma[int(start * long) : int(end * long) + 1]
        times.append(float(start + min(CURVE_S, seconds) / 2))
        rows.append(
            MappingProxyType(
                {
                    "mode": float(modes(chroma, window_s)[0].mean()),
                    "event_rate": float(((onsets >= start) & (onsets < end)).sum() / min(CURVE_S, seconds)),
                    "persistence": persistence_s(found.tones[int(start * long) : int(end * long) + 1]),
                    "brightness": float(np.median(found.centroid[a:b])),
                    "level": float(np.median(level) - found.level_db.max()),
                }
            )
        )
    return tuple(times), tuple(rows)
