"""Scoring: cues against a profile, and sadness 0..1 that can be explained cue by cue."""

from melancholia.scoring.fits import PASSING, MoodFit
from melancholia.scoring.house import HOUSE, PLAIN, House, fit_house, house_text, load_house
from melancholia.scoring.likeness import profile_like
from melancholia.scoring.score import Row, Score, rounded, score

__all__ = [
    "HOUSE",
    "PASSING",
    "PLAIN",
    "House",
    "MoodFit",
    "Row",
    "Score",
    "fit_house",
    "house_text",
    "load_house",
    "profile_like",
    "rounded",
    "score",
]
