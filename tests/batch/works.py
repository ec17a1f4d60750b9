"""Works that a test can look into: each copies its source; on the way something happens to it."""

import errno
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from melancholia.batch import Job, Made
from melancholia.batch.jobs import settings_of
from melancholia.files import Kind


@dataclass(frozen=True)
class Copied:
    """Its output is its source, and `said`."""

    colours: ClassVar[bool] = False
    judges: ClassVar[bool] = False
    folder: ClassVar[Kind | None] = None
    said: str = ""

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"work": type(self).__name__, "said": self.said}

    def __call__(self, source: Path, output: Path) -> Made:
        self.meet(source)
        output.write_bytes(source.read_bytes() + self.said.encode())
        return Made({"bytes": source.stat().st_size})

    def meet(self, source: Path) -> None:
        """What happens to it."""


def times(source: Path) -> int:
    """How often this has been asked of a source before."""
    counts = source.parent.parent / "counts"
    counts.mkdir(exist_ok=True)
    with (counts / source.name).open("ab") as file:
        file.write(b"x")
        return file.tell() - 1


@dataclass(frozen=True)
class Counted(Copied):
    def meet(self, source: Path) -> None:
        times(source)


@dataclass(frozen=True)
class Dying(Copied):
    """The process dies over `victim`, as often as is said."""

    victim: str = ""
    deaths: int = 1

    def meet(self, source: Path) -> None:
        if source.name == self.victim and times(source) < self.deaths:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Hanging(Copied):
    victim: str = ""

    def meet(self, source: Path) -> None:
        if source.name == self.victim:
            time.sleep(60)


@dataclass(frozen=True)
class Failing(Copied):
    """The system refuses `victim` (or all), as often as is said."""

    victim: str = ""
    number: int = errno.EIO
    refusals: int = 1

    def meet(self, source: Path) -> None:
        if self.victim in ("", source.name) and times(source) < self.refusals:
            raise OSError(self.number, os.strerror(self.number), str(source))


@dataclass(frozen=True)
class Growing(Copied):
    """Somebody writes on in `victim` while it is read, as often as is said."""

    victim: str = ""
    growths: int = 1

    def meet(self, source: Path) -> None:
        if source.name == self.victim and times(source) < self.growths:
            with source.open("ab") as file:
                file.write(b"more")
            settle(source)


@dataclass
class Here:
    """An executor that works on the spot."""

    seen: list[str] = field(default_factory=list)

    def submit(self, work, /, *args):
        future: Future[Any] = Future()
        self.seen.append(args[0].output)
        future.set_result(work(*args))
        return future


def settle(source: Path, age_s: float = 60) -> None:
    """As if a file had been there for a while."""
    then = time.time() - age_s
    os.utime(source, (then, then))


def jobs(folder: Path, work: Copied) -> list[Job]:
    """A job for each file in a folder."""
    settings = settings_of(work)
    return [Job(str(path), path, path.name, work, settings) for path in sorted(folder.iterdir())]
