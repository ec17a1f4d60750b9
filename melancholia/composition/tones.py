"""A melody while it is written: tones in phrases."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tone:
    """One written tone: quarters, MIDI pitch, and what it is in its phrase."""

    start: float
    duration: float
    pitch: int
    is_peak: bool = False
    is_dissonance: bool = False
    is_last: bool = False
