"""Instruments: a piece becomes dry stems. A new one is a module and one line in `table.py`."""

from melancholia.instruments.render import about, check, names, render, tail_s

__all__ = ["about", "check", "names", "render", "tail_s"]
