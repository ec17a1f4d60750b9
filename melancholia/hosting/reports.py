"""What is known of a plugin: the verdict on its code, kept by the code's hash, so that a crasher is tried once."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from melancholia.errors import InputError
from melancholia.files import Kind, begins_with, cache_folder, write_text
from melancholia.hosting.bundles import library
from melancholia.recipe import file_hash

FORMAT = 1  # of reports; those of another are made anew
GOOD, LIMITED, REFUSED, QUARANTINED = "good", "limited", "refused", "quarantined"
USABLE = (GOOD, LIMITED)
OK, NOTE, FAILS = "ok", "note", "fails"
REPORTS = Kind("report", begins_with(b"{"))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was asked of a plugin: whether it is well (`ok`), worth knowing (`note`) or `fails`, and how."""

    name: str
    grade: str
    said: str


@dataclass(frozen=True, slots=True)
class Report:
    """What qualification found.

    `verdict` is `good`, `limited` (usable, with what the notes say), `refused` (a check fails) or `quarantined` (it
    crashed or hung, or its qualification never ended). `facts` holds figures: `load_s` seconds, `accepts` channel
    counts, `rates` in Hz and `not_rates` at which it does not run, `latency` in frames by rate, `tail_s`, `speed`
    (times real time, stereo), `fatal_blocks` in frames, `printed` bytes and `grown` MB a minute of sound.
    """

    plugin: str
    path: str
    sha256: str
    verdict: str
    checks: tuple[Check, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def why(self) -> str:
        """What keeps it from being good, as one phrase; what fails comes first."""
        return "; ".join(check.said for grade in (FAILS, NOTE) for check in self.checks if check.grade == grade)

    def __str__(self) -> str:
        return f"{self.verdict}: {self.why}" if self.why else self.verdict


def code_hash(path: Path) -> str:
    """SHA-256 of a bundle's code for this system, and of what lies beside it."""
    code = library(path)
    files = [code] if code == path else sorted(at for at in code.parent.iterdir() if at.is_file())
    return hashed(tuple(as_it_stands(file) for file in files))


def as_it_stands(file: Path) -> tuple[str, int, int, int, int]:
    found = file.stat()
    return str(file), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(maxsize=512)
def hashed(files: tuple[tuple[str, int, int, int, int], ...]) -> str:
    found = [f"{Path(file).name}\0{file_hash(Path(file))}" for file, *_ in files]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def note_of(sha256: str, name: str | None) -> Path:
    """Where the report on a plugin of some code lies."""
    which = hashlib.sha256((name or "").encode()).hexdigest()[:8]
    return cache_folder() / "plugins" / f"{sha256[:32]}-{which}.json"


def keep(report: Report, *names: str | None) -> None:
    """Keep it for each of the names by which the plugin may be asked for; None is the only one of its bundle."""
    for name in names:
        write_note(note_of(report.sha256, name), {"format": FORMAT, **asdict(report)})


def write_note(path: Path, said: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(said, indent=1), over=REPORTS)


def known(path: Path, name: str | None = None) -> Report | None:
    """The report on a plugin as it lies on the disk now; None where nobody asked yet, or its code was another."""
    try:
        found = json.loads(note_of(code_hash(path), name).read_text(encoding="utf-8"))
        if found.pop("format") != FORMAT:
            return None
        return Report(**{**found, "checks": tuple(Check(**check) for check in found["checks"])})
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None


def names_of(sha256: str) -> tuple[str, ...] | None:
    """The plugins in a bundle of some code, where that was asked before."""
    try:
        found = json.loads(names_note(sha256).read_text(encoding="utf-8"))
        return tuple(map(str, found["names"])) if found["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_names(sha256: str, names: Sequence[str]) -> None:
    write_note(names_note(sha256), {"format": FORMAT, "names": list(names)})


def names_note(sha256: str) -> Path:
    return cache_folder() / "plugins" / f"{sha256[:32]}-names.json"


def warning(path: Path, name: str | None, called: str) -> str:
    """What should be known before a plugin is trusted with work; nothing where all is well."""
    report = known(path, name)
    if report is None:
        return f"{called} is not qualified; melancholia plugins qualify {called} says what it does"
    return "" if report.verdict == GOOD else f"{called} is {report}"
