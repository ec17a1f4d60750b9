"""Everything that made a song, as one value: the same recipe makes the same bytes on the same machine."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

SOUNDING = ("melancholia", "numpy", "scipy", "numba", "pedalboard", "librosa", "soxr", "soundfile")
SCHEMA = 1


def versions() -> dict[str, str]:
    """Versions of everything that touches the sound."""
    found = {"python": platform.python_version()}
    for name in SOUNDING:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a plain checkout on the path
            found[name] = "not installed"
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was asked for, what it was made with, and (once written) the hash of each file.

    `theme` is the tune that was given, as (start, duration in quarters, pitch). `sources` are the files that shaped the
    sound (mood, rack, SoundFonts), by name, as SHA-256; `made` likewise the files of the song's folder.
    """

    mood: str
    intensity: float | tuple[tuple[float, float], ...]
    seconds: float
    seed: int
    key: str | None
    bpm: float | None
    metre: str | None
    instruments: tuple[str, ...] | None
    theme: tuple[tuple[float, float, int], ...] | None
    rate: int
    rack: str
    lufs: float
    ceiling_dbtp: float
    sections: dict[str, str] = field(default_factory=dict)
    setting: str = "song"
    hits: tuple[str, ...] = ()
    dialogue: tuple[tuple[float, float], ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=versions)
    machine: str = field(default_factory=platform.machine)
    maker: str = "composed, played, mixed and mastered by melancholia, a program, for the person who asked for it"

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
