"""Analysis: a recording's cues of sadness, from samples alone."""

from melancholia.analysis.analyse import Analysis, analyse
from melancholia.analysis.spectra import warm

__all__ = ["Analysis", "analyse", "warm"]
