"""``melancholia master``: recordings at a loudness, under a ceiling; as tracks, an album, or stems of one piece."""

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from melancholia.cli import completion, many, options

if TYPE_CHECKING:
    from melancholia.audio import Source
    from melancholia.files import Kind
    from melancholia.mastering import Balance, Delivered, MasterPlan, Spectrum
    from melancholia.recordings import Recording

CURVE_STEP_S, CURVE_HEAD = 0.01, "seconds,gain_db"
NULLED_DBFS = -110.0  # what stems may miss their master by


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every master."""

    files: tuple[Path, ...]
    lufs: float
    ceiling_dbtp: float
    suffix: str | None
    bit_depth: str | None
    codecs: tuple[str, ...]
    reference: Path | None
    like: "Spectrum | None"
    dry_run: bool
    force: bool
    as_json: bool
    quiet: bool

    @property
    def subtype(self) -> str | None:
        from melancholia.encoding import BIT_DEPTHS

        return None if self.bit_depth is None else BIT_DEPTHS[self.bit_depth]

    @property
    def inputs(self) -> tuple[Path, ...]:
        """What must not be written over."""
        return self.files if self.reference is None else (*self.files, self.reference)

    @property
    def over(self) -> "Kind | None":
        from melancholia.encoding import AUDIO

        return AUDIO if self.force else None


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.loudness("-16, or that of the --reference, when left out.")
@click.option("--ceiling", type=float, help="True peak, dBTP; -1, or what the named delivery allows, when left out.")
@click.option(
    "--as",
    "what",
    type=click.Choice(["tracks", "album", "stems"]),
    default="tracks",
    show_default=True,
    help="What the files are: each by itself, tracks under one gain, or stems whose sum is mastered.",
)
@options.reference
@click.option(
    "--rack", shell_complete=completion.racks, help="Of stems: the rack whose bus they go through before the master."
)
@options.intensity
@options.bit_depth
@options.codecs
@click.option(
    "--curve", type=click.Path(path_type=Path), help="Write the gain of one master as CSV (seconds, dB) into this file."
)
@options.output("The file to write, or a folder (as wet/) for several; - is stdout.", required=False, kind=str)
@options.format_
@options.pattern
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@options.force
@options.as_json
@options.quiet
def master(
    files: tuple[Path, ...],
    lufs: str | None,
    ceiling: float | None,
    what: str,
    reference: Path | None,
    rack: str | None,
    intensity: float,
    bit_depth: str | None,
    codecs: tuple[str, ...],
    curve: Path | None,
    output: str | None,
    format_: str | None,
    pattern: str | None,
    dry_run: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Master recordings: gain to the loudness asked for, a true-peak limiter, dither where there are integers.

    Rate, bit depth, channels and tags stay as they are.
    A file that cannot be done is named on stderr, the others are done all the same, and the exit code is 1.
    An album is one gain, so that all of it has the loudness; of stems the sum has it, which is written as "master".
    """
    from melancholia.mastering import USUAL, reference_lufs, spectrum

    if output is None and not dry_run:
        raise click.UsageError("Missing option '-o' / '--output'; --dry-run needs none.")
    if output is None and (format_ is not None or pattern is not None):
        raise click.UsageError("--format and --name need --output: they are about what is written.")
    if rack is not None and what != "stems":
        raise click.UsageError("--rack needs --as stems: 'melancholia apply' sends a recording through a rack.")
    if reference is not None and what == "album":
        raise click.UsageError("--reference takes no album: each track would lose what sets it apart.")
    if curve is not None and (what == "album" or what == "tracks" and len(files) > 1):
        raise click.UsageError("--curve takes one master: one file, or stems.")
    if rack is None and click.get_current_context().get_parameter_source("intensity") is not ParameterSource.DEFAULT:
        raise click.UsageError("--intensity needs --rack: it is the rack's.")
    aim = options.delivery(lufs) or USUAL
    loudness, like = aim.lufs, None
    if reference is not None:  # what is wrong with it is wrong with the call, not with each file
        like = spectrum(reference)
        loudness = aim.lufs if lufs is not None else reference_lufs(reference)
    asked = Asked(
        files,
        loudness,
        aim.ceiling_dbtp if ceiling is None else ceiling,
        many.check_suffix(format_) if format_ is not None else None,
        bit_depth,
        codecs,
        reference,
        like,
        dry_run,
        force,
        as_json,
        quiet,
    )
    if curve is not None:
        check_curve(asked, curve, output)
    work = many.targets(files, output, format_=format_, pattern=pattern) if output is not None else many.Work(())
    if output is None:
        many.check_stdin(files)
    if what == "album":
        album(asked, work)
    elif what == "stems":
        stems(asked, work, rack, intensity, curve)
    elif output is None:
        many.each([(file,) for file in files], lambda source: track(asked, source, curve=curve))
    else:

        def one(source: Path, target: Path) -> None:
            track(asked, source, target, work.folder, curve=curve)

        many.each(work.pairs, one, folder=None if dry_run else work.folder)


def track(
    asked: Asked, source: Path, target: Path | None = None, folder: Path | None = None, *, curve: Path | None = None
) -> None:
    """One recording by itself."""
    from melancholia import mastering
    from melancholia.recordings import recording

    sound = recording(source)
    check(asked, sound, target, folder)
    many.notes(source, sound.notes)
    tone = equaliser(asked, sound)
    shaped = sound if tone is None else tone.over(sound)
    plan = mastering.plan_master(shaped, lufs=asked.lufs, ceiling_dbtp=asked.ceiling_dbtp)
    made = None if target is None or asked.dry_run else delivered(asked, shaped, plan, target, tags_of=sound)
    tell(asked, source, target, plan, made)
    write_curve(asked, curve, plan if made is None else made.plan)


def album(asked: Asked, work: many.Work) -> None:
    """Tracks in their order, under one gain: where one cannot be read, none is written."""
    from melancholia import mastering
    from melancholia.recordings import recording

    sounds = [recording(file) for file in asked.files]
    targets = [target for _, target in paired(asked, work)]
    with many.folder_for(None if asked.dry_run else work.folder):
        for sound, target in zip(sounds, targets, strict=True):
            check(asked, sound, target, work.folder)
            many.notes(sound.path, sound.notes)
        plans = mastering.plan_album(sounds, lufs=asked.lufs, ceiling_dbtp=asked.ceiling_dbtp)
        for sound, target, plan in zip(sounds, targets, plans, strict=True):
            made = None if target is None or asked.dry_run else delivered(asked, sound, plan, target)
            tell(asked, sound.path, target, plan, made, quietly=sound is not sounds[0])


def stems(asked: Asked, work: many.Work, rack: str | None, intensity: float, curve: Path | None) -> None:
    """Stems under the gain of the master of their sum."""
    from melancholia import mastering
    from melancholia.errors import InputError
    from melancholia.files import scratch
    from melancholia.recordings import recording

    if work.pairs and work.folder is None:
        raise click.UsageError(
            "--as stems needs a folder as --output, as mastered/: the master is written beside them."
        )
    own = {target.stem if target else file.stem: recording(file) for file, target in paired(asked, work)}
    if len(own) < len(asked.files):
        raise InputError("two stems have one name; allowed: names that differ.")
    first = next(iter(own.values()))
    if "master" in own:
        raise InputError("a stem is called 'master'; allowed: another name, for their sum is called so.")
    targets = {target.stem: target for _, target in work.pairs}
    folder = None if asked.dry_run else work.folder
    whole_target = next(iter(targets.values())).with_stem("master") if targets else None
    with many.folder_for(folder), scratch(Path(tempfile.gettempdir())) as between:
        for name, sound in own.items():
            check(asked, sound, targets.get(name), work.folder)
            many.notes(sound.path, sound.notes)
        check(asked, first, whole_target, work.folder)
        whole = bussed(summed(own), rack, intensity, between / "sum.wav")
        tone = equaliser(asked, whole)
        mix = whole if tone is None else tone.over(whole)
        wet = {
            name: bussed(sound, rack, intensity, between / f"{k}.wav") for k, (name, sound) in enumerate(own.items())
        }
        shaped = wet if tone is None else {name: tone.over(sound) for name, sound in wet.items()}
        plan = mastering.plan_master(mix, lufs=asked.lufs, ceiling_dbtp=asked.ceiling_dbtp)
        made, null = None, None
        if whole_target is not None and not asked.dry_run:
            made = delivered(asked, mix, plan, whole_target, like=first.subtype)
            parts = [written_stem(asked, made.plan, own[name], shaped[name], targets[name]) for name in own]
            null = mastering.null_dbfs(parts, made.recording)
            if null > NULLED_DBFS:
                why = why_not_nulled(rack, made, [part for part in parts if part.notes])
                options.talk(f"melancholia: the stems miss their master by {null:.0f} dBFS: {why}.")
        tell(asked, Path("the sum"), None if made is None else made.recording.path, plan, made, null=null)
        write_curve(asked, curve, plan if made is None else made.plan)


def why_not_nulled(rack: str | None, made: "Delivered", noted: "list[Recording]") -> str:
    """What keeps stems from adding up to their master."""
    from melancholia.encoding import LOSSY

    if made.recording.subtype in LOSSY:
        return "they were coded with a loss"
    if any("cut off" in note for part in noted for note in part.notes):
        return "some are cut off at full scale, --bit-depth float keeps them whole"
    return "the bus is not linear" if rack is not None else f"{made.recording.subtype} is coarse"


def summed(stems: "Mapping[str, Source]") -> "Source":
    from melancholia.audio import Stem, Stems
    from melancholia.recordings import source

    return source(Stems({name: Stem("melody", "", sound) for name, sound in stems.items()}))


def written_stem(asked: Asked, plan: "MasterPlan", own: "Recording", shaped: "Source", target: Path) -> "Recording":
    from melancholia import mastering

    with options.progress(asked.quiet) as progress:
        part = mastering.master_stem(
            shaped, plan, target, subtype=asked.subtype, force=asked.force, tags_of=own, progress=progress
        )
    many.notes(part.path, part.notes)
    named = {"input": str(own.path), "output": str(part.path)}
    click.echo(json.dumps(named) if asked.as_json else named["output"])
    return part


def paired(asked: Asked, work: many.Work) -> list[tuple[Path, Path | None]]:
    """Each file with its output, where there is one."""
    return [*work.pairs] if work.pairs else [(file, None) for file in asked.files]


def bussed(sound: "Source", rack: str | None, intensity: float, between: Path) -> "Source":
    """A sound through the bus of a rack, where there is one."""
    from melancholia import racks

    return sound if rack is None else racks.bus(sound, rack=rack, intensity=intensity, out=between)


def equaliser(asked: Asked, sound: "Source") -> "Balance | None":
    """What brings a sound to the reference, where there is one; it is said where that is too far away."""
    from melancholia import mastering
    from melancholia.audio import called

    if asked.like is None:
        return None
    found = mastering.balance(sound, asked.like)
    if found.limited:
        options.talk(f"{called(sound)}: {found.note}", quiet=asked.quiet)
    return found


def check(asked: Asked, sound: "Recording", target: Path | None, folder: Path | None) -> None:
    """Refuse what cannot be written where it shall be, before anything is done."""
    from melancholia.encoding import encoding, fitted
    from melancholia.errors import InputError
    from melancholia.files import check_output, check_place
    from melancholia.mastering.master import check_codecs

    check_codecs(asked.codecs, sound, sound.path)
    if target is None:
        return
    will_be = asked.dry_run and folder is not None and target.parent == folder and not folder.exists()
    check_place(target, asked.over) if will_be else check_output(target, *asked.inputs, over=asked.over)
    if asked.bit_depth is not None and encoding(target, format_=asked.suffix, delivered=True).lossy:
        raise InputError(f"--bit-depth is {asked.bit_depth}, {target} is lossy and has none; allowed: .wav, .flac ...")
    kind = encoding(target, format_=asked.suffix, delivered=True, like=sound.subtype, subtype=asked.subtype)
    fitted(kind, target, rate=sound.rate, channels=sound.channels, frames=sound.frames)


def delivered(
    asked: Asked,
    sound: "Source",
    plan: "MasterPlan",
    target: Path,
    *,
    like: str = "",
    tags_of: "Source | None" = None,
) -> "Delivered":
    """The master, written; `like` is the subtype whose depth it has, where the sound says none."""
    from melancholia import mastering
    from melancholia.encoding import encoding

    subtype = asked.subtype
    if like and subtype is None:
        subtype = encoding(target, format_=asked.suffix, delivered=True, like=like).subtype
    with options.progress(asked.quiet) as progress:
        return mastering.deliver(
            sound,
            plan,
            target,
            ceiling_dbtp=asked.ceiling_dbtp,
            format_=asked.suffix,
            subtype=subtype,
            codecs=asked.codecs,
            force=asked.force,
            tags_of=tags_of if tags_of is not sound else None,
            progress=progress,
        )


def tell(
    asked: Asked,
    source: Path,
    target: Path | None,
    plan: "MasterPlan",
    made: "Delivered | None",
    *,
    null: float | None = None,
    quietly: bool = False,
) -> None:
    """What became of one master; what is odd about it on stderr."""
    plan = plan if made is None else made.plan
    if plan.note and not quietly:
        options.talk(f"{source}: {plan.note}")
    if made is not None:
        many.notes(made.recording.path, made.recording.notes)
    shown = source if made is None or target is None else target
    if asked.as_json:
        named = {"input": str(source), "output": None if target is None else str(target)}
        missed = {} if null is None else {"null_dbfs": null if math.isfinite(null) else None}
        many.show(json.dumps({**named, **figures(plan, made), **missed}), shown)
    else:
        many.show(f"{shown}  {in_words(plan, made)}", shown)


def in_words(plan: "MasterPlan", made: "Delivered | None") -> str:
    done = f"gain {plan.gain_db:+.1f} dB, limited by at most {plan.reduction_db:.1f} dB"
    if made is None:
        return f"{plan.before.integrated_lufs:.1f} LUFS, would be {plan.reached_lufs:.1f}; {done}"
    coded = "".join(f", as {name} {peak:.1f} dBTP" for name, peak in made.coded.items())
    return f"{made.lufs:.1f} LUFS, range {plan.range_lu:.1f} LU, {done}, {made.true_peak_dbtp:.1f} dBTP{coded}"


def figures(plan: "MasterPlan", made: "Delivered | None") -> dict[str, float | str | None]:
    """What there is to know of a master; null where silence has no figure, and of a peak that is not there yet."""
    found = {
        "gain_db": plan.gain_db,
        "reduction_db": plan.reduction_db,
        "before_lufs": plan.before.integrated_lufs,
        "lufs": plan.reached_lufs if made is None else made.lufs,
        "before_range_lu": plan.before.range_lu,
        "range_lu": plan.range_lu,
        "true_peak_dbtp": math.nan if made is None else made.true_peak_dbtp,
        **({} if made is None else {f"true_peak_{name}_dbtp": peak for name, peak in made.coded.items()}),
    }
    shown: dict[str, float | str | None] = {
        name: value if math.isfinite(value) else None for name, value in found.items()
    }
    if made is not None:
        shown["subtype"] = made.recording.subtype
    return shown


def is_curve(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline() == f"{CURVE_HEAD}\n".encode()


def check_curve(asked: Asked, path: Path, output: str | None) -> None:
    """Refuse a place where the curve cannot be written, before anything is done."""
    from melancholia.errors import InputError
    from melancholia.files import Kind, check_output

    if output is not None and path.absolute() == Path(output).absolute():
        raise InputError(f"{path} is the master itself; allowed: another name for its curve.")
    check_output(path, *asked.inputs, over=Kind("a gain curve", is_curve) if asked.force else None)


def write_curve(asked: Asked, path: Path | None, plan: "MasterPlan") -> None:
    """The gain of a master every 10 ms, the deepest in between, as CSV."""
    import numpy as np

    from melancholia.files import Kind, write_text

    if path is None or asked.dry_run:
        return
    nodes = 20 * np.log10(plan.nodes)
    at = np.arange(len(nodes)) * plan.block / plan.found.rate
    step = (at / CURVE_STEP_S + 1e-9).astype(int)
    starts = np.flatnonzero(np.diff(step, prepend=-1))
    deepest = np.minimum.reduceat(nodes, starts)
    lines = [f"{k * CURVE_STEP_S:.2f},{db:.3f}" for k, db in zip(step[starts], deepest, strict=True)]
    write_text(
        path, "\n".join([CURVE_HEAD, *lines]) + "\n", over=Kind("a gain curve", is_curve) if asked.force else None
    )
