"""Reports: a song's folder as a page, and sadness over time as a picture."""

from melancholia.report.plot import curve_png
from melancholia.report.report import write_report

__all__ = ["curve_png", "write_report"]
