"""Plugins that people own (VST3), each in a process of its own: found, asked what they are, qualified, at work."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from melancholia.hosting.bundles import bundle, folders, installed
    from melancholia.hosting.plugin import Hosted, Plugin, PluginError
    from melancholia.hosting.qualification import names, qualify
    from melancholia.hosting.reports import Check, Report, known

ORIGINS = {
    name: module
    for module, names in {
        "bundles": ("bundle", "folders", "installed"),
        "plugin": ("Hosted", "Plugin", "PluginError"),
        "qualification": ("names", "qualify"),
        "reports": ("Check", "Report", "known"),
    }.items()
    for name in names
}

__all__ = [
    "Check",
    "Hosted",
    "Plugin",
    "PluginError",
    "Report",
    "bundle",
    "folders",
    "installed",
    "known",
    "names",
    "qualify",
]


def __getattr__(name: str) -> Any:
    """A name when it is asked for: a worker needs none of them, and has to start at once."""
    if name not in ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{ORIGINS[name]}"), name)
