"""Plugins that people own, each in a process of its own that looks like an effect."""
