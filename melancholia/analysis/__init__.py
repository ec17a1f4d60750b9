"""Analysis: a recording's cues of sadness, from samples alone."""

from melancholia.analysis.analyse import Analysis, analyse

__all__ = ["Analysis", "analyse"]
