"""Everything that made a song, as one value: the same recipe makes the same bytes on the same machine."""

import hashlib
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from melancholia.files import ANY_FILE, Kind, write_text
from melancholia.parallel import in_threads

SOUNDING = ("melancholia", "numpy", "scipy", "numba", "pedalboard", "librosa", "soxr", "soundfile")
SCHEMA = 1
RECIPE = "recipe.json"
LEFT_BY_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")  # by looking at a folder


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


def hashes(folder: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """Hashes of files in a folder, by their paths in it: of those named, or of every one but its recipe."""
    if names is None:
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != RECIPE]
    else:
        paths = [folder / name for name in dict.fromkeys(names)]
    found = in_threads(file_hash, paths, jobs=2)
    return {path.relative_to(folder).as_posix(): one for path, one in zip(paths, found, strict=True)}


def made_before(folder: Path, asked: str) -> dict[str, str]:
    """Hashes of what we made in a folder, by its recipe, which has the key `asked`; nothing where none is ours."""
    try:
        recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        ours = "melancholia" in recipe["versions"] and asked in recipe
        return {str(name): str(found) for name, found in recipe["made"].items()} if ours else {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # none, or another program's
        return {}


def strangers(folder: Path, asked: str) -> list[str] | None:
    """What a folder of ours holds that we did not make, or that was changed since; None where it is none of ours."""
    if not folder.is_dir():
        return None
    made = made_before(folder, asked)
    if not made and any(folder.iterdir()):
        return None
    there = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    names = [path.relative_to(folder).as_posix() for path in there]
    found = [name for name in names if name not in (RECIPE, *made) and Path(name).name not in LEFT_BY_SYSTEMS]
    ours = [name for name in names if name in made]
    now = hashes(folder, ours)
    return found + [f"{name}, changed since" for name in ours if now[name] != made[name]]


def why_not_ours(folder: Path, asked: str) -> str:
    found = strangers(folder, asked)
    if found is None:
        return f" (it has no {RECIPE} of melancholia that says so)"
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f" alone (it also holds {found[0]}{more})"


SONG = Kind("a song of ours", lambda path: strangers(path, "mood") == [], partial(why_not_ours, asked="mood"))
STEMS = Kind("a folder of our stems", lambda path: strangers(path, "midi") == [], partial(why_not_ours, asked="midi"))


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a folder of stems was played from: the MIDI file's hash, what was asked for, the hash of each stem."""

    midi: str
    asked: dict[str, Any]
    made: dict[str, str]
    versions: dict[str, str] = field(default_factory=versions)
    machine: str = field(default_factory=platform.machine)
    maker: str = "played by melancholia, a program, from notes that were given to it"

    @classmethod
    def of(cls, midi: str, asked: dict[str, Any], folder: Path, names: Iterable[str]) -> "Rendering":
        return cls(midi, asked, hashes(folder, names))

    def to_json(self) -> str:
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def write_rendering(folder: Path, midi: str, asked: dict[str, Any], names: Iterable[str]) -> None:
    """Write down in a folder of stems what they were played from: so it is known to be ours."""
    write_text(folder / RECIPE, Rendering.of(midi, asked, folder, names).to_json(), over=ANY_FILE)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was asked for, what it was made with, and (once written) the hash of each file.

    `theme` is the tune that was given, as (start, duration in quarters, pitch), `composer` who wrote the melody; where
    all notes were given, `notes` is the SHA-256 of their file and there is no composer.
    `sources` are the files that shaped the sound (mood, rack, model, SoundFonts, plugins), by name, as SHA-256; `made`
    likewise the files of the song's folder. `plugins` say how each plugin in the rack ran, by where it stands there:
    its rate in Hz, its block in frames, the verdict on it.
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
    composer: str | None
    rate: int
    rack: str
    lufs: float
    ceiling_dbtp: float
    sections: dict[str, str] = field(default_factory=dict)
    setting: str = "song"
    hits: tuple[str, ...] = ()
    dialogue: tuple[tuple[float, float], ...] = ()
    notes: str | None = None
    sources: dict[str, str] = field(default_factory=dict)
    plugins: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=versions)
    machine: str = field(default_factory=platform.machine)

    @property
    def maker(self) -> str:
        """Who made it, in words."""
        if self.notes is not None:
            return "played, mixed and mastered by melancholia, a program, from notes that were given to it"
        return "composed, played, mixed and mastered by melancholia, a program, for the person who asked for it"

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self), "maker": self.maker}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
