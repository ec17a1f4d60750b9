"""What is done with each file of a batch, as values: they travel to where they are worked on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from melancholia.batch.gate import Gate
from melancholia.files import Kind
from melancholia.recipe import RECIPE, versions


class Work(Protocol):
    """What makes an output of a source.

    `colours` says that effects go over the source, `judges` that an output that is not as asked counts as one that did
    not get through a gate. `folder` is what its output is where that is a folder: it holds a recipe, which comes last;
    None where the output is a file.
    """

    @property
    def colours(self) -> bool: ...
    @property
    def judges(self) -> bool: ...
    @property
    def folder(self) -> Kind | None: ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the output depends on beside the source, as JSON has it."""
        ...

    def __call__(self, source: Path | None, output: Path) -> "Made":
        """Write `output`, in a folder that is there for it alone and goes when all is done."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """What was measured of an output, what is odd about it, a line each, and the verdict where there is one."""

    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verdict: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """What is done with a source.

    `name` is what the manifest calls the source, `source` its file (absolute) where it has one, `output` is relative to
    the output folder, `settings` the hash of all that is asked. What comes out is judged by `gate`, where there is one.
    """

    name: str
    source: Path | None
    output: str
    work: Work
    settings: str
    gate: Gate | None = None

    @property
    def proof(self) -> str:
        """The file in an output folder that is there when all of it is; "" where the output is a file."""
        return "" if self.work.folder is None else RECIPE

    @property
    def judges(self) -> bool:
        """Whether an output that is not as asked counts."""
        return self.gate is not None or self.work.judges

    def key(self, source_sha256: str) -> str:
        """The name of the output by its content: SHA-256 over source, settings and versions."""
        return hashlib.sha256(f"{self.settings} {source_sha256}".encode()).hexdigest()


def settings_of(work: Work) -> str:
    """SHA-256 over what is done and the versions of all that the sound depends on."""
    said = json.dumps({**work.identity, "versions": versions()}, sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()
