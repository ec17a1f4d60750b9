"""Performance: a written piece becomes a played one. Rules of timing and touch, curves of pedal, bow and vibrato."""

from melancholia.performance.perform import perform

__all__ = ["perform"]
