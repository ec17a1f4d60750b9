"""Scoring: cues against a profile, and sadness 0..1 that can be explained cue by cue."""

from melancholia.scoring.score import Row, Score, score

__all__ = ["Row", "Score", "score"]
