"""What is known of a plugin: the verdict on its code, kept by the code's hash, so that a crasher is tried once."""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from melancholia.errors import InputError
from melancholia.files import HANDED_ON_S, Kind, begins_with, cache_folder, write_text
from melancholia.hosting.bundles import folders, library
from melancholia.interrupts import unfinished
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


@contextmanager
def on_trial(report: Report, *names: str | None) -> Iterator[None]:
    """Inside, a plugin is on trial, one trial of it at a time: who asks hears what was known before.

    Where this process dies inside, `report` is what is known; an interrupt is no death.
    """
    marks = [mark_of(report.sha256, name) for name in names]
    marks[0].parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock_of(report.sha256)), ExitStack() as stack:
        for mark in marks:
            stack.enter_context(unfinished(mark))
            stack.callback(mark.unlink, missing_ok=True)
            write_text(mark, json.dumps(asdict(report)), over=REPORTS)
        yield


def mark_of(sha256: str, name: str | None) -> Path:
    return note_of(sha256, name).with_suffix(".trial")


def lock_of(sha256: str) -> Path:
    return cache_folder() / "plugins" / f"{sha256[:32]}.lock"


def died_on_trial(sha256: str, name: str | None) -> Report | None:
    """What is known of a plugin that took down whoever tried it."""
    mark = mark_of(sha256, name)
    try:
        text = mark.read_text(encoding="utf-8")
        with FileLock(lock_of(sha256), timeout=HANDED_ON_S):
            return report_of(json.loads(text)) if mark.exists() else None
    except (OSError, Timeout, ValueError, KeyError, TypeError):  # none, or the trial still goes on
        return None


def report_of(found: Mapping[str, Any]) -> Report:
    return Report(**{**found, "checks": tuple(Check(**check) for check in found["checks"])})


def known(path: Path, name: str | None = None) -> Report | None:
    """The report on a plugin as it lies on the disk now; None where nobody asked yet, or its code was another."""
    try:
        sha256 = code_hash(path)
        if (dead := died_on_trial(sha256, name)) is not None:
            return dead
        found = json.loads(note_of(sha256, name).read_text(encoding="utf-8"))
        if found.pop("format") != FORMAT:
            return None
        return report_of(found)
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


def usable(path: Path, name: str | None) -> bool:
    """Whether a plugin is known to be fit for work."""
    report = known(path, name)
    return report is not None and report.verdict in USABLE


def warning(path: Path, name: str | None, called: str) -> str:
    """What should be known before a plugin is trusted with work; nothing where all is well."""
    report = known(path, name)
    if report is None:
        which = path.stem if path.parent in folders() else str(path)
        more = "" if name is None else f" --name {shlex.quote(name)}"
        ask = f"melancholia plugins qualify {shlex.quote(which)}{more}"
        return f"{called} is not qualified; {ask} says what it does"
    return "" if report.verdict == GOOD else f"{called} is {report}"
