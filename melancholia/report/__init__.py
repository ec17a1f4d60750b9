"""Reports: a song's folder as a page, and the pictures on it."""

from melancholia.report.pictures import curve_png, piano_roll_png, spectrogram_png
from melancholia.report.report import write_report

__all__ = ["curve_png", "piano_roll_png", "spectrogram_png", "write_report"]
