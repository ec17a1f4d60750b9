"""melancholia makes sad music and proves that it is sad.

    import melancholia as mel

    song = mel.make("longing", intensity=0.7, seconds=90, seed=7)
    print(song.score)
    song.save("first-song")

Importing the package loads nothing heavy: each name below is fetched when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from melancholia import instruments, racks
    from melancholia.analysis import Analysis, analyse
    from melancholia.audio import Audio, Stem, Stems
    from melancholia.composition import compose
    from melancholia.errors import Cancelled, InputError, MelancholiaError
    from melancholia.files import Recording, recording, write_audio
    from melancholia.instruments import render
    from melancholia.mastering import Loudness, master, measure
    from melancholia.midi import load_midi, save_midi
    from melancholia.performance import perform
    from melancholia.piece import Note, Part, Piece
    from melancholia.profile import Profile, moods, profile
    from melancholia.racks import apply, bus, mix, rack
    from melancholia.scoring import Score, score
    from melancholia.song import Song, make

ROOMS = ("instruments", "racks")
ORIGINS = {
    name: room
    for room, names in {
        "analysis": ("Analysis", "analyse"),
        "audio": ("Audio", "Stem", "Stems"),
        "composition": ("compose",),
        "errors": ("Cancelled", "InputError", "MelancholiaError"),
        "files": ("Recording", "recording", "write_audio"),
        "instruments": ("render",),
        "mastering": ("Loudness", "master", "measure"),
        "midi": ("load_midi", "save_midi"),
        "performance": ("perform",),
        "piece": ("Note", "Part", "Piece"),
        "profile": ("Profile", "moods", "profile"),
        "racks": ("apply", "bus", "mix", "rack"),
        "scoring": ("Score", "score"),
        "song": ("Song", "make"),
    }.items()
    for name in names
}

__all__ = [
    "Analysis",
    "Audio",
    "Cancelled",
    "InputError",
    "Loudness",
    "MelancholiaError",
    "Note",
    "Part",
    "Piece",
    "Profile",
    "Recording",
    "Score",
    "Song",
    "Stem",
    "Stems",
    "analyse",
    "apply",
    "bus",
    "compose",
    "instruments",
    "load_midi",
    "make",
    "master",
    "measure",
    "mix",
    "moods",
    "perform",
    "profile",
    "rack",
    "racks",
    "recording",
    "render",
    "save_midi",
    "score",
    "write_audio",
]


class FrontDoor(ModuleType):
    """The package as a module in which `profile` stays the function when the file `profile.py` is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in ORIGINS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = FrontDoor


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return import_module(f"melancholia.{name}")
    if name not in ORIGINS:
        raise AttributeError(f"module 'melancholia' has no attribute {name!r}")
    value = getattr(import_module(f"melancholia.{ORIGINS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
