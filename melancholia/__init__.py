"""melancholia makes sad music and proves that it is sad.

    import melancholia as mel

    song = mel.make("longing", intensity=0.7, seconds=90, seed=7)
    print(song.score)
    song.save("first-song")

Importing the package loads nothing heavy: each name below is fetched when it is first used.
"""

import copyreg
import sys
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from melancholia import batch, hosting, instruments, mastering, racks
    from melancholia.analysis import Analysis, analyse
    from melancholia.audio import Audio, Stem, Stems, audio
    from melancholia.composition import compose, continued, harmonise, infill, orchestrate, vary
    from melancholia.edits import retimed, transposed, with_instrument, within_reach
    from melancholia.encoding import write_audio
    from melancholia.errors import Cancelled, InputError, MelancholiaError
    from melancholia.hosting import PluginError
    from melancholia.instruments import render
    from melancholia.mastering import Loudness, master, measure
    from melancholia.midi import ReadMidi, load_midi, read_midi, save_midi
    from melancholia.motif import Motif, load_motif
    from melancholia.performance import perform
    from melancholia.piece import Key, Note, Part, Piece, TempoMap
    from melancholia.profile import Profile, blend, moods, profile
    from melancholia.racks import apply, bus, mix, rack
    from melancholia.recordings import Recording, recording
    from melancholia.scoring import House, Score, fit_house, load_house, profile_like, score
    from melancholia.setting import Setting, setting
    from melancholia.song import Song, make
    from melancholia.timeline import Timeline


def read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """How a read-only mapping comes back from a pickle, or is copied: Python has no word for it."""
    return MappingProxyType(mapping)


copyreg.pickle(MappingProxyType, lambda mapping: (read_only, (dict(mapping),)))

ROOMS = ("batch", "hosting", "instruments", "mastering", "racks")
ORIGINS = {
    name: room
    for room, names in {
        "analysis": ("Analysis", "analyse"),
        "audio": ("Audio", "Stem", "Stems", "audio"),
        "composition": ("compose", "continued", "harmonise", "infill", "orchestrate", "vary"),
        "edits": ("retimed", "transposed", "with_instrument", "within_reach"),
        "errors": ("Cancelled", "InputError", "MelancholiaError"),
        "encoding": ("write_audio",),
        "hosting": ("PluginError",),
        "instruments": ("render",),
        "mastering": ("Loudness", "master", "measure"),
        "midi": ("ReadMidi", "load_midi", "read_midi", "save_midi"),
        "motif": ("Motif", "load_motif"),
        "performance": ("perform",),
        "piece": ("Key", "Note", "Part", "Piece", "TempoMap"),
        "profile": ("Profile", "blend", "moods", "profile"),
        "recordings": ("Recording", "recording"),
        "racks": ("apply", "bus", "mix", "rack"),
        "scoring": ("House", "Score", "fit_house", "load_house", "profile_like", "score"),
        "setting": ("Setting", "setting"),
        "song": ("Song", "make"),
        "timeline": ("Timeline",),
    }.items()
    for name in names
}

__all__ = [
    "Analysis",
    "Audio",
    "Cancelled",
    "House",
    "InputError",
    "Key",
    "Loudness",
    "MelancholiaError",
    "Motif",
    "Note",
    "Part",
    "Piece",
    "PluginError",
    "Profile",
    "ReadMidi",
    "Recording",
    "Score",
    "Setting",
    "Song",
    "Stem",
    "Stems",
    "TempoMap",
    "Timeline",
    "analyse",
    "apply",
    "audio",
    "batch",
    "blend",
    "bus",
    "compose",
    "continued",
    "fit_house",
    "harmonise",
    "hosting",
    "infill",
    "instruments",
    "load_house",
    "load_midi",
    "load_motif",
    "make",
    "master",
    "mastering",
    "measure",
    "mix",
    "moods",
    "orchestrate",
    "perform",
    "profile",
    "profile_like",
    "rack",
    "racks",
    "read_midi",
    "recording",
    "render",
    "retimed",
    "save_midi",
    "score",
    "setting",
    "transposed",
    "vary",
    "with_instrument",
    "within_reach",
    "write_audio",
]


class FrontDoor(ModuleType):
    """The package as a module in which `profile` stays the function when the file `profile.py` is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in ORIGINS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = FrontDoor


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("melancholia")
        except PackageNotFoundError:  # a plain checkout on the path
            return "0"
    if name in ROOMS:
        return import_module(f"melancholia.{name}")
    if name not in ORIGINS:
        raise AttributeError(f"module 'melancholia' has no attribute {name!r}")
    value = getattr(import_module(f"melancholia.{ORIGINS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
