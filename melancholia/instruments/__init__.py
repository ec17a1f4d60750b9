"""Instruments: a piece becomes dry stems. A new one is a module that bears its name,
and one line in `melancholia/orchestra.py`."""

from melancholia.instruments.render import about, check, files, names, plugin, render, stem_name, tail_s, warning

__all__ = ["about", "check", "files", "names", "plugin", "render", "stem_name", "tail_s", "warning"]
