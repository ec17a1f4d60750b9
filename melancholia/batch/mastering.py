"""A master of each file: a rack over it, where there is one, and loudness under a ceiling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from melancholia.batch.gate import Gate
from melancholia.batch.jobs import Job, Made, settings_of
from melancholia.batch.sources import Patterns, found, outputs
from melancholia.errors import InputError, in_range, unknown
from melancholia.files import Kind
from melancholia.recipe import file_hash
from melancholia.recordings import Recording, recording

if TYPE_CHECKING:
    from melancholia.audio import Source
    from melancholia.mastering import Spectrum
    from melancholia.racks import Rack

IN_MEMORY_BYTES = 2**27  # longer sound goes through the disk between rack and master


@dataclass(frozen=True, slots=True)
class Mastering:
    """A rack, where there is one, and a master at a loudness (LUFS) under a ceiling (dBTP).

    `reference` is a recording whose tonal balance each is brought to, `reference_sha256` its content; `subtype` and
    `codecs` are as in `master`. `spread` lets the rack's sends make two channels of one.
    """

    lufs: float = -16.0
    ceiling_dbtp: float = -1.0
    rack: "Rack | None" = None
    intensity: float = 0.7
    spread: bool = False
    reference: Path | None = None
    reference_sha256: str = ""
    subtype: str | None = None
    codecs: tuple[str, ...] = ()

    judges: ClassVar[bool] = False
    folder: ClassVar[Kind | None] = None

    @property
    def colours(self) -> bool:
        return self.rack is not None

    @property
    def identity(self) -> Mapping[str, Any]:
        rack = None if self.rack is None else {**self.rack.identity, "intensity": self.intensity, "spread": self.spread}
        more = {"reference": self.reference_sha256, "subtype": self.subtype, "codecs": self.codecs}
        asked = {name: value for name, value in more.items() if value}
        return {"work": "master", "lufs": self.lufs, "ceiling_dbtp": self.ceiling_dbtp, "rack": rack, **asked}

    def __call__(self, source: Path | None, output: Path) -> Made:
        from melancholia import mastering
        from melancholia.encoding import encoding, fitted

        assert source is not None
        sound = recording(source)
        spreads = self.spread and self.rack is not None and bool(self.rack.sends)
        channels = max(2, sound.channels) if spreads else sound.channels
        kind = encoding(output, delivered=True, like=sound.subtype, subtype=self.subtype)
        fitted(kind, output, rate=sound.rate, channels=channels, frames=sound.frames)
        wet = self.through_rack(sound, output.parent)
        if self.reference is not None:
            wet = mastering.balance(wet, heard(self.reference, self.reference_sha256)).over(wet)
        plan = mastering.plan_master(wet, lufs=self.lufs, ceiling_dbtp=self.ceiling_dbtp)
        made = mastering.deliver(
            wet,
            plan,
            output,
            ceiling_dbtp=self.ceiling_dbtp,
            subtype=self.subtype,
            codecs=self.codecs,
            tags_of=sound if wet is not sound else None,
        )
        figures = {
            "length_s": wet.frames / wet.rate,
            "before_lufs": made.plan.before.integrated_lufs,
            "range_lu": made.plan.range_lu,
            "lufs": made.lufs,
            "true_peak_dbtp": made.true_peak_dbtp,
            "gain_db": made.plan.gain_db,
            "reduction_db": made.plan.reduction_db,
        }
        said = (made.plan.note.rstrip("."),) if made.plan.note else ()
        return Made(figures, (*sound.notes, *said, *made.recording.notes))

    def through_rack(self, sound: Recording, folder: Path) -> "Source":
        """The sound with the rack over it: in memory, or where it is long, or has a mask to keep, in a folder."""
        from melancholia import racks

        if self.rack is None:
            return sound
        if sound.channels <= 2 and 8 * sound.frames <= IN_MEMORY_BYTES:
            return racks.apply(sound, rack=self.rack, intensity=self.intensity, spread=self.spread)
        between = folder / "between rack and master.wav"
        return racks.apply(sound, rack=self.rack, intensity=self.intensity, spread=self.spread, out=between)


@lru_cache(maxsize=4)
def heard(reference: Path, sha256: str) -> "Spectrum":
    """The spectrum of a reference, as long as its content is the same."""
    from melancholia.mastering import spectrum

    return spectrum(reference)


def masters(
    patterns: Patterns,
    *,
    rack: "Rack | Path | str | None" = None,
    intensity: float = 0.7,
    lufs: float | None = None,
    ceiling_dbtp: float | None = None,
    spread: bool = False,
    reference: Path | str | None = None,
    subtype: str | None = None,
    codecs: Sequence[str] = (),
    format_: str | None = None,
    root: Path | str | None = None,
    out: Path | str | None = None,
    unqualified: bool = False,
    gate: Gate | None = None,
) -> tuple[Job, ...]:
    """A master of each file that fits.

    Parameters
    ----------
    patterns : one or several of files, folders, globs
        As ``in/**/*.flac``; see `sources`.
    rack : name, path or Rack, optional
        It goes over each file before the master.
    intensity : float
        Of the rack, 0 to 1.
    lufs, ceiling_dbtp : float, optional
        Loudness (LUFS, -40 to -5) and true peak (dBTP, -20 to 0). Left out, the loudness is that of the reference, or
        of the rack, or -16, and the peak that of the rack, or -1.
    spread : bool
        Let the sends of a rack make two channels of one; as many as the source has when left out.
    reference : path, optional
        A recording whose tonal balance and loudness each is brought to.
    subtype : str, optional
        As in `master`; the depth of each source is kept when left out.
    codecs : sequence of "mp3", "ogg", "opus"
        What these coders make of it keeps the ceiling, too.
    format_ : str, optional
        The suffix of every output; each keeps that of its source when left out, or is a WAV where that is not written.
    root : path, optional
        The folder whose tree the outputs mirror.
    out : path, optional
        The output folder: where it lies among the sources, what is in it is none.
    unqualified : bool
        Take plugins, too, that are not qualified.
    gate : Gate, optional
        What the outputs are judged by, as from `gate`.

    Returns
    -------
    tuple of Job

    Raises
    ------
    InputError
        Nothing fits, a value lies outside its range, two outputs would have one name, a plugin is not qualified.
    """
    from melancholia.mastering import CEILINGS_DBTP, CODERS, LOUDNESSES_LUFS, reference_lufs

    in_range("intensity", intensity, 0, 1)
    if gate is not None and not isinstance(gate, Gate):
        raise InputError(f"gate is {gate!r}; allowed: a Gate, as batch.gate('longing') gives.")
    through: Rack | None = None
    if rack is not None:
        from melancholia import racks

        through = racks.rack(rack)
        if not unqualified:
            racks.check_qualified(through)
        racks.check_plugins(through, intensity)
    usual = Mastering() if through is None else Mastering(through.lufs, through.ceiling_dbtp)
    wanted = usual.lufs if lufs is None else lufs
    for name in codecs:
        if name not in CODERS:
            raise unknown("codec", name, CODERS)
    like = None if reference is None else Path(reference).absolute()
    if like is not None and lufs is None:
        wanted = reference_lufs(like)
    ceiling = usual.ceiling_dbtp if ceiling_dbtp is None else ceiling_dbtp
    in_range("loudness", wanted, *LOUDNESSES_LUFS, "LUFS")
    in_range("ceiling", ceiling, *CEILINGS_DBTP, "dBTP")
    sources = found(patterns, root=root, out=out)
    names = outputs(sources, format_=None if format_ is None else format_.removeprefix(".").lower())
    known = "" if like is None else file_hash(like)
    work = Mastering(wanted, ceiling, through, intensity, spread, like, known, subtype, tuple(codecs))
    settings = settings_of(work)
    return tuple(
        Job(str(file), file, name, work, settings, gate) for file, name in zip(sources.files, names, strict=True)
    )
