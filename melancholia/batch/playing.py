"""Stems of each MIDI file: a folder of them beside its name, played as ``render`` plays it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from melancholia.batch.jobs import Job, Made, settings_of
from melancholia.batch.sources import Patterns, found, mirrored
from melancholia.errors import in_range
from melancholia.files import Kind
from melancholia.recipe import STEMS, write_rendering

if TYPE_CHECKING:
    from melancholia.arranged import Arrangement

MIDI_SUFFIXES = ("mid", "midi", "kar", "smf")


@dataclass(frozen=True, slots=True)
class Playing:
    """The stems of a MIDI file; `said` is what was asked, as JSON has it, `files` hashes of what shapes the sound."""

    colours: ClassVar[bool] = False
    judges: ClassVar[bool] = False
    folder: ClassVar[Kind | None] = STEMS
    asked: "Arrangement"
    said: Mapping[str, Any]
    files: Mapping[str, str]
    rate: int = 48_000

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"work": "stems", "asked": dict(self.said), "files": dict(self.files), "rate": self.rate}

    def __call__(self, source: Path | None, output: Path) -> Made:
        from melancholia.arranged import arranged
        from melancholia.instruments import render
        from melancholia.midi import midi_data

        assert source is not None
        arrangement = arranged(*midi_data(source), self.asked)
        output.mkdir(exist_ok=True)
        stems = render(arrangement.piece, rate=self.rate, seed=self.asked.seed, folder=output, jobs=1)
        asked = {name: value for name, value in self.said.items() if value} | {"rate": self.rate}
        write_rendering(output, arrangement.origin, asked, [f"{name}.wav" for name in stems])
        return Made({"length_s": stems.frames / stems.rate, "stems": len(stems)}, arrangement.notes)


def stems(
    patterns: Patterns,
    *,
    mood: str | None = None,
    intensity: float = 0.7,
    instruments: Sequence[str] | None = None,
    transpose: int = 0,
    fold: bool = False,
    tempo: float | None = None,
    seed: int = 0,
    rate: int = 48_000,
    root: Path | str | None = None,
    out: Path | str | None = None,
) -> tuple[Job, ...]:
    """Stems of each MIDI file that fits: a folder in the place of each, without its suffix.

    Parameters
    ----------
    patterns, root, out :
        As of `masters`; of a folder the MIDI files are taken.
    mood : str, optional
        It is orchestrated and performed in this mood; as written when left out.
    intensity : float
        Of the mood, 0 to 1.
    instruments : sequence of str, optional
        Who plays, where there is a mood.
    transpose : int
        Semitones up, -48 to 48; `fold` brings back by octaves what leaves an instrument's range.
    tempo : float, optional
        So many times as fast, 0.25 to 4.
    seed : int
    rate : int
        Of every stem, in Hz.

    Returns
    -------
    tuple of Job

    Raises
    ------
    InputError
        Nothing fits, a mood or an instrument is unknown, or a value lies outside its range.
    """
    from melancholia import instruments as orchestra
    from melancholia.arranged import Arrangement
    from melancholia.audio import check_rate
    from melancholia.errors import InputError
    from melancholia.profile import mood_path, profile
    from melancholia.recipe import file_hash
    from melancholia.streams import check_seed

    in_range("intensity", intensity, 0, 1)
    in_range("transpose", transpose, -48, 48, "semitones")
    if tempo is not None:
        in_range("tempo factor", tempo, 0.25, 4)
    check_seed(seed)
    check_rate(rate)
    players = None if instruments is None else tuple(instruments)
    if players is not None and mood is None:
        raise InputError("instruments were given without a mood; allowed: with one, which says how they play.")
    files: dict[str, str] = {}
    for player in players or ():
        orchestra.check(player)
        files |= {path.name: file_hash(path) for path in orchestra.files(player)}
    wanted = None if mood is None else profile(mood, intensity)
    if wanted is not None:
        files |= {f"moods/{name}": file_hash(mood_path(name)) for name in wanted.shares}
    asked = Arrangement(wanted, players, (), transpose, fold, tempo, None, seed)
    said = {
        "mood": mood, "intensity": intensity if mood else None, "instruments": players, "transpose": transpose,
        "fold": fold, "tempo": tempo, "seed": seed,
    }  # fmt: skip
    sources = found(patterns, root=root, out=out, suffixes=MIDI_SUFFIXES)
    names = mirrored(sources, lambda inner: inner.with_suffix(""))
    work = Playing(asked, said, files, rate)
    settings = settings_of(work)
    return tuple(Job(str(file), file, name, work, settings) for file, name in zip(sources.files, names, strict=True))
