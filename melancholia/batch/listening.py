"""A verdict on each file, as JSON: nothing is made of its sound."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from melancholia.batch.gate import Gate, verdict
from melancholia.batch.jobs import Job, Made, settings_of
from melancholia.batch.sources import Patterns, found, mirrored
from melancholia.errors import InputError
from melancholia.files import Kind
from melancholia.recordings import recording


@dataclass(frozen=True, slots=True)
class Listening:
    """What is heard of a recording, against a gate where there is one."""

    colours: ClassVar[bool] = False
    folder: ClassVar[Kind | None] = None
    gate: Gate | None = None

    @property
    def judges(self) -> bool:
        return self.gate is not None

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"work": "score", "gate": None if self.gate is None else self.gate.settings}

    def __call__(self, source: Path | None, output: Path) -> Made:
        from melancholia.scoring import score

        assert source is not None
        sound = recording(source)
        heard = score(sound, None if self.gate is None else self.gate.profile)
        output.write_text(json.dumps(heard.to_dict(), indent=1) + "\n", encoding="utf-8")
        return Made({"length_s": sound.seconds}, sound.notes, verdict(heard))


def scores(
    patterns: Patterns, *, gate: Gate | None = None, root: Path | str | None = None, out: Path | str | None = None
) -> tuple[Job, ...]:
    """What is heard of each file that fits, as JSON beside its name (``take.wav.json``).

    Parameters
    ----------
    patterns, root, out :
        As of `masters`.
    gate : Gate, optional
        What they are judged by, as from `gate`; when left out there are sadness, cues, and the moods that fit.

    Raises
    ------
    InputError
        Nothing fits.
    """
    if gate is not None and not isinstance(gate, Gate):
        raise InputError(f"gate is {gate!r}; allowed: a Gate, as batch.gate('longing') gives.")
    sources = found(patterns, root=root, out=out)
    names = mirrored(sources, lambda inner: inner.with_name(f"{inner.name}.json"))
    work = Listening(gate)
    settings = settings_of(work)
    return tuple(Job(str(file), file, name, work, settings) for file, name in zip(sources.files, names, strict=True))
