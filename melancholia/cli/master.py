"""``melancholia master``: recordings at a loudness, under a ceiling."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melancholia.cli import many, options

if TYPE_CHECKING:
    from melancholia.mastering import Delivered


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--lufs", type=float, default=-16, show_default=True, help="Integrated loudness, LUFS.")
@click.option("--ceiling", type=float, default=-1, show_default=True, help="True peak, dBTP.")
@options.output("The file to write, or a folder (as wet/) for several; - is stdout.", kind=str)
@options.format_
@options.pattern
@options.force
@options.as_json
@options.quiet
def master(
    files: tuple[Path, ...],
    lufs: float,
    ceiling: float,
    output: str,
    format_: str | None,
    pattern: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Master recordings: gain to the loudness asked for, a true-peak limiter, 24 bits with dither.

    A file that cannot be done is named on stderr, the others are done all the same, and the exit code is 1.
    """
    from melancholia import mastering
    from melancholia.encoding import AUDIO
    from melancholia.files import check_output
    from melancholia.recordings import recording

    suffix = many.check_suffix(format_) if format_ is not None else None

    def one(source: Path, target: Path) -> None:
        check_output(target, *files, over=AUDIO if force else None)
        sound = recording(source)
        many.notes(source, sound.notes)
        plan = mastering.plan_master(sound, lufs=lufs, ceiling_dbtp=ceiling)
        with options.progress(quiet) as progress:
            made = mastering.deliver(
                sound, plan, target, lufs=lufs, ceiling_dbtp=ceiling, format_=suffix, force=force, progress=progress
            )
        plan = made.plan
        if plan.note:
            options.talk(f"{source}: {plan.note}")
        many.notes(target, made.recording.notes)
        if as_json:
            many.show(json.dumps({"input": str(source), "output": str(target), **figures(made)}), target)
        else:
            many.show(
                f"{target}  {plan.reached_lufs:.1f} LUFS, gain {plan.gain_db:+.1f} dB, "
                f"limited by at most {plan.reduction_db:.1f} dB, {made.true_peak_dbtp:.1f} dBTP",
                target,
            )

    many.each(many.targets(files, output, format_=format_, pattern=pattern), one)


def figures(made: "Delivered") -> dict[str, float | None]:
    """What there is to know of a master; null where silence has no figure."""
    plan = made.plan
    found = {
        "gain_db": plan.gain_db,
        "reduction_db": plan.reduction_db,
        "lufs": plan.reached_lufs,
        "true_peak_dbtp": made.true_peak_dbtp,
    }
    return {name: value if math.isfinite(value) else None for name, value in found.items()}
