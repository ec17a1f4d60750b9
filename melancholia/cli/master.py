"""``melancholia master``: recordings at a loudness, under a ceiling."""

import json
from pathlib import Path

import click

from melancholia.cli import options
from melancholia.cli.apply import targets


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--lufs", type=float, default=-16, show_default=True, help="Integrated loudness, LUFS.")
@click.option("--ceiling", type=float, default=-1, show_default=True, help="True peak, dBTP.")
@options.output("The file to write; a folder when there are several files.")
@options.as_json
@options.quiet
def master(files: tuple[Path, ...], lufs: float, ceiling: float, output: Path, as_json: bool, quiet: bool) -> None:
    """Master recordings: gain to the loudness asked for, a true-peak limiter, 24 bits with dither."""
    from melancholia import mastering
    from melancholia.files import check_output, recording

    for source, target in targets(files, output):
        check_output(target, *files)
        sound = recording(source)
        plan = mastering.plan_master(sound, lufs=lufs, ceiling_dbtp=ceiling)
        with options.progress(quiet) as progress:
            mastering.master(sound, lufs=lufs, ceiling_dbtp=ceiling, plan=plan, out=target, progress=progress)
        if plan.note:
            options.talk(f"{source}: {plan.note}")
        if as_json:
            figures = {"gain_db": plan.gain_db, "reduction_db": plan.reduction_db, "lufs": plan.reached_lufs}
            click.echo(json.dumps({"input": str(source), "output": str(target), **figures}))
        else:
            click.echo(
                f"{target}  {plan.reached_lufs:.1f} LUFS, gain {plan.gain_db:+.1f} dB, "
                f"limited by at most {plan.reduction_db:.1f} dB"
            )
