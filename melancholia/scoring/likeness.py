"""A profile from a recording or from notes: the nearest mood, moved to where the reference's cues lie."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from melancholia.analysis import Analysis
from melancholia.audio import Source
from melancholia.cues import CUES, from_piece
from melancholia.errors import InputError
from melancholia.midi import load_midi
from melancholia.piece import Piece
from melancholia.profile import WRITING_RANGES, Band, Profile, Writing, moods, profile
from melancholia.scoring.score import heard_in

INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
AROUND = 1.5  # tolerances to either side of what was heard, where the band ends
NARROWEST_DB = -60.0  # a reference in one channel says nothing of width
MAJOR = -0.06  # a mode index below is major's, and is written in major
# What is written is counted in 3 s, what is heard in moments of eight tones, and lies further from the middle; of the
# tones that begin seven in ten are heard; partials raise what is heard by ten semitones (180 pieces, their twins in
# major, 240 songs by others; r of the mode .88, of the rate .9, of the height .3 and .6)
WRITTEN_MODE, HEARD_RATE, HEARD_ABOVE = 0.64, 0.7, 10.0
NOTES = (".mid", ".midi")


def profile_like(reference: Analysis | Piece | Source | Path | str) -> Profile:
    """A profile whose bands lie around the cues of a reference, and whose writing aims at them.

    Parameters
    ----------
    reference : Analysis, Piece, Audio, Recording, Stems or path
        A recording, or notes (a MIDI file or a Piece): of these only mode, rate and height are known, and the rest
        stays the nearest mood's.

    Everything that no cue tells (instruments, textures, cadences, the rack) is the nearest mood's, at the intensity at
    which it is nearest.

    Returns
    -------
    Profile
        Named ``like MOOD``; `make` and `score` take it as any other.

    Raises
    ------
    InputError
        The file cannot be read, or what is heard is no music.
    """
    values = known_of(reference)
    near = nearest(values)
    bands = {
        name: around(name, values[name], band) if name in values and name != "loudness" else band
        for name, band in near.bands.items()
    }
    return replace(near, mood=f"like {near.mood}", bands=MappingProxyType(bands), writing=aimed(near, values))


def known_of(reference: Analysis | Piece | Source | Path | str) -> Mapping[str, float]:
    """The cues of a reference that can be told."""
    if isinstance(reference, str | Path) and Path(reference).suffix.lower() in NOTES:
        reference = load_midi(reference)
    if isinstance(reference, Piece):
        found = {name: value for name, value in from_piece(reference).items() if name in CUES}
        return found | {
            "mode": found["mode"] / WRITTEN_MODE,
            "event_rate": HEARD_RATE * found["event_rate"],
            "register": found["register"] + HEARD_ABOVE,
        }
    heard = heard_in(reference)
    if heard.no_music:
        raise InputError(f"the reference is no music: {heard.no_music}; allowed: a recording of music, or notes.")
    values = heard.values
    mono = values["stereo_width"] < NARROWEST_DB
    return {name: value for name, value in values.items() if not (mono and name == "stereo_width")}


def distance(values: Mapping[str, float], wanted: Profile) -> float:
    """How far cues lie from the middles of a profile's bands, in half bands, weighted."""
    total = weight = 0.0
    for name, band in wanted.bands.items():
        if name in values:
            half = max((band.high - band.low) / 2, CUES[name].tolerance)
            total += band.weight * min(abs(values[name] - middle(band)) / half, 4.0)
            weight += band.weight
    return total / max(weight, 1e-9)


def nearest(values: Mapping[str, float]) -> Profile:
    """The mood and intensity whose bands the cues lie nearest to."""
    return min((profile(mood, at) for mood in moods() for at in INTENSITIES), key=lambda p: distance(values, p))


def middle(band: Band) -> float:
    return (band.low + band.high) / 2


def around(name: str, value: float, band: Band) -> Band:
    reach = AROUND * CUES[name].tolerance
    return replace(band, low=max(value - reach, CUES[name].low), high=min(value + reach, CUES[name].high))


def aimed(near: Profile, values: Mapping[str, float]) -> Writing:
    """The mood's writing, moved by as much as the cues lie off the middles of its bands."""
    w = near.writing
    moved: dict[str, object] = {}

    def off(name: str) -> float:
        return values[name] - middle(near.bands[name]) if name in values and name in near.bands else 0.0

    def within(name: str, value: float) -> float:
        low, high, *_ = WRITING_RANGES[name]
        return float(np.clip(value, low, high))

    if values.get("mode", 0.0) < MAJOR:
        moved["modes"] = MappingProxyType({"major": 1.0})
        moved["mode_index"] = within("mode_index", WRITTEN_MODE * values["mode"])
    else:
        moved["mode_index"] = within("mode_index", w.mode_index + WRITTEN_MODE * off("mode"))
    if "event_rate" in values and "event_rate" in near.bands:
        ratio = float(np.clip(values["event_rate"] / max(middle(near.bands["event_rate"]), 0.1), 0.4, 2.5))
        moved["onset_rate"] = within("onset_rate", w.onset_rate * ratio)
        moved["melody_rate"] = within("melody_rate", w.melody_rate * ratio**0.5)
        moved["bpm"] = within("bpm", w.bpm * ratio**0.5)
    moved["melody_mean"] = within("melody_mean", w.melody_mean + float(np.clip(off("register"), -7, 7)))
    return replace(w, **moved)  # type: ignore[arg-type]
