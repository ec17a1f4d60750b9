"""``melancholia master``: recordings at a loudness, under a ceiling."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melancholia.cli import many, options

if TYPE_CHECKING:
    from melancholia.mastering import Delivered, MasterPlan


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--lufs", type=float, default=-16, show_default=True, help="Integrated loudness, LUFS.")
@click.option("--ceiling", type=float, default=-1, show_default=True, help="True peak, dBTP.")
@options.output("The file to write, or a folder (as wet/) for several; - is stdout.", required=False, kind=str)
@options.format_
@options.pattern
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@options.force
@options.as_json
@options.quiet
def master(
    files: tuple[Path, ...],
    lufs: float,
    ceiling: float,
    output: str | None,
    format_: str | None,
    pattern: str | None,
    dry_run: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Master recordings: gain to the loudness asked for, a true-peak limiter, 24 bits with dither.

    A file that cannot be done is named on stderr, the others are done all the same, and the exit code is 1.
    """
    from melancholia import mastering
    from melancholia.encoding import AUDIO, encoding, fitted
    from melancholia.files import check_output, check_place
    from melancholia.recordings import recording

    if output is None and not dry_run:
        raise click.UsageError("Missing option '-o' / '--output'; --dry-run needs none.")
    if output is None and (format_ is not None or pattern is not None):
        raise click.UsageError("--format and --name need --output: they are about what is written.")
    suffix = many.check_suffix(format_) if format_ is not None else None
    asked = many.targets(files, output, format_=format_, pattern=pattern) if output is not None else many.Work(())
    folder = asked.folder

    def one(source: Path, target: Path | None = None) -> None:
        over = AUDIO if force else None
        sound = recording(source)
        if target is not None:
            will_be = dry_run and target.parent == folder and not folder.exists()
            check_place(target, over) if will_be else check_output(target, *files, over=over)
            kind = encoding(target, format_=suffix, delivered=True)
            fitted(kind, target, rate=sound.rate, channels=sound.channels, frames=sound.frames)
        many.notes(source, sound.notes)
        plan = mastering.plan_master(sound, lufs=lufs, ceiling_dbtp=ceiling)
        made = None
        if target is not None and not dry_run:
            with options.progress(quiet) as progress:
                made = mastering.deliver(
                    sound, plan, target, lufs=lufs, ceiling_dbtp=ceiling, format_=suffix, force=force, progress=progress
                )
            plan = made.plan
        if plan.note:
            options.talk(f"{source}: {plan.note}")
        if made is not None:
            many.notes(made.recording.path, made.recording.notes)
        shown = source if made is None or target is None else target
        if as_json:
            named = {"input": str(source), "output": None if target is None else str(target)}
            many.show(json.dumps({**named, **figures(plan, made)}), shown)
        else:
            many.show(f"{shown}  {in_words(plan, made)}", shown)

    if output is None:
        many.check_stdin(files)
        many.each([(file,) for file in files], one)
    else:
        many.each(asked.pairs, one, folder=None if dry_run else folder)


def in_words(plan: "MasterPlan", made: "Delivered | None") -> str:
    done = f"gain {plan.gain_db:+.1f} dB, limited by at most {plan.reduction_db:.1f} dB"
    if made is None:
        return f"{plan.before.integrated_lufs:.1f} LUFS, would be {plan.reached_lufs:.1f}; {done}"
    return f"{made.lufs:.1f} LUFS, {done}, {made.true_peak_dbtp:.1f} dBTP"


def figures(plan: "MasterPlan", made: "Delivered | None") -> dict[str, float | None]:
    """What there is to know of a master; null where silence has no figure, and of a peak that is not there yet."""
    found = {
        "gain_db": plan.gain_db,
        "reduction_db": plan.reduction_db,
        "before_lufs": plan.before.integrated_lufs,
        "lufs": plan.reached_lufs if made is None else made.lufs,
        "true_peak_dbtp": math.nan if made is None else made.true_peak_dbtp,
    }
    return {name: value if math.isfinite(value) else None for name, value in found.items()}
