"""A profile from a recording or from notes: the nearest mood, moved to where the reference's cues lie."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from melancholia.analysis import Analysis
from melancholia.audio import Source
from melancholia.bands import Band
from melancholia.bands import around as sad_around
from melancholia.composition.apart import apart
from melancholia.composition.asks import dissonances_of
from melancholia.composition.measures import (
    chord_at,
    falling_share,
    melody,
    melody_mean,
    melody_rate,
    span,
    step_share,
)
from melancholia.composition.outline import tune
from melancholia.cues import CUES
from melancholia.errors import InputError
from melancholia.midi import load_midi
from melancholia.piece import Part, Piece
from melancholia.profile import Profile, profile
from melancholia.scoring.fits import fits
from melancholia.scoring.score import heard_in, score
from melancholia.writing import WRITING_RANGES, Writing
from melancholia.written import HEARD_RATE, from_piece
from melancholia.written import sadness as written_sadness

AROUND = 1.5  # tolerances to either side of what was heard, where the band ends
MAJOR = -0.06  # a mode index below is major's, and is written in major
# What is written is counted in 3 s, what is heard in moments of eight tones, and lies further from the middle; of the
# tones that begin seven in ten are heard; partials raise what is heard by ten semitones (180 pieces, their twins in
# major, 240 songs by others; r of the mode .88, of the rate .9, of the height .3 and .6)
WRITTEN_MODE, HEARD_ABOVE = 0.64, 10.0
HEARD_REGISTER = 70.4  # of our pieces of all moods, in the mean
THE_REFERENCE = "the reference, as it is heard"
NOTES = (".mid", ".midi")


def profile_like(reference: Analysis | Piece | Source | Path | str) -> Profile:
    """A profile whose bands lie around the cues of a reference, and whose writing aims at them.

    Parameters
    ----------
    reference : Analysis, Piece, Audio, Recording, Stems or path
        A recording, or notes (a MIDI file or a Piece): of these only mode, rate and height are known as cues, and what
        their tune and chords say of the writing (`TOLD`); the rest stays the nearest mood's.

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
    if isinstance(reference, str | Path) and Path(reference).suffix.lower() in NOTES:
        reference = load_midi(reference)
    values, sadness = known_of(reference)
    best = fits(values, sadness)[0]
    near = profile(best.mood, best.intensity)
    writing = aimed(near.writing, values)
    return replace(
        near,
        mood=f"like {near.mood}",
        sadness=sad_around(sadness, THE_REFERENCE),
        bands=MappingProxyType(
            {name: around(name, values[name], band) if name in values else band for name, band in near.bands.items()}
        ),
        writing=told(writing, reference) if isinstance(reference, Piece) else writing,
    )


def known_of(reference: Analysis | Piece | Source | Path | str) -> tuple[Mapping[str, float], float]:
    """The cues of a reference that can be told, and its sadness."""
    if isinstance(reference, Piece):
        found = {name: value for name, value in from_piece(reference).items() if name in CUES}
        values = found | {
            "mode": found["mode"] / WRITTEN_MODE,
            "event_rate": HEARD_RATE * found["event_rate"],
            "register": found["register"] + HEARD_ABOVE,
        }
        return values, written_sadness(reference)
    heard = heard_in(reference)
    verdict = score(heard)
    if verdict.sadness is None:
        raise InputError(f"the reference is no music: {heard.no_music}; allowed: a recording of music, or notes.")
    return heard.values, verdict.sadness


def around(name: str, value: float, band: Band) -> Band:
    reach = AROUND * CUES[name].tolerance
    low, high = max(value - reach, CUES[name].low), min(value + reach, CUES[name].high)
    return Band(low, high, band.weight, THE_REFERENCE)


def aimed(writing: Writing, values: Mapping[str, float]) -> Writing:
    """The mood's writing, aimed at the cues: at what is heard so when it is written."""
    moved: dict[str, object] = {}
    moved["mode_index"] = within("mode_index", WRITTEN_MODE * values["mode"])
    moved["modes"] = MappingProxyType({"major" if values["mode"] < MAJOR else "minor": 1.0})
    ratio = float(np.clip(values["event_rate"] / HEARD_RATE / writing.onset_rate, 0.4, 2.5))
    moved["onset_rate"] = within("onset_rate", writing.onset_rate * ratio)
    moved["melody_rate"] = within("melody_rate", writing.melody_rate * ratio**0.5)
    moved["bpm"] = within("bpm", writing.bpm * ratio**0.5)
    higher = float(np.clip(values["register"] - HEARD_REGISTER, -7, 7))
    moved["melody_mean"] = within("melody_mean", writing.melody_mean + higher)
    return replace(writing, **moved)  # type: ignore[arg-type]


def told(writing: Writing, piece: Piece) -> Writing:
    """The writing aimed at what the tune and chords of notes are like; as it is where nothing sings."""
    try:
        parted = apart(piece).piece
    except InputError:
        return writing
    line = replace(parted, parts=(Part("tune", "melody", "", tune(parted)),))
    return replace(writing, **{name: within(name, measure(line)) for name, measure in TOLD.items()})  # type: ignore[arg-type]


def foreign_share(piece: Piece) -> float:
    """Share of a tune's tones that do not belong to the chord over which they begin."""
    notes = melody(piece)
    return sum(note.pitch % 12 not in chord_at(piece, note.start) for note in notes) / len(notes)


TOLD: Mapping[str, Callable[[Piece], float]] = {
    "bpm": lambda piece: piece.tempo.bpm,
    "melody_rate": melody_rate,
    "melody_mean": melody_mean,
    "melody_span": span,
    "step_share": step_share,
    "falling_share": falling_share,
    "dissonances": lambda piece: dissonances_of(foreign_share(piece)),
    "harmonic_rhythm": lambda piece: len(piece.chords) / max(1.0, piece.end / piece.bar_quarters),
}


def within(name: str, value: float) -> float:
    low, high, *_ = WRITING_RANGES[name]
    return float(np.clip(value, low, high))
