"""``melancholia batch``: thousands of files through a rack and a master, none of them twice, none of them lost."""

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import click

from melancholia import interrupts
from melancholia.cli import completion, many, options
from melancholia.files import clear

if TYPE_CHECKING:
    from melancholia.batch import Heard, Job, Outcome, Summary

MOST_SHOWN = 20  # failures in the table at the end; the manifest has all
LONGEST_END_S = 1.0


@click.command()
@click.argument("patterns", nargs=-1, required=True, metavar="GLOB...")
@click.option("--rack", shell_complete=completion.racks, help="A rack that goes over each before it is mastered.")
@options.intensity
@click.option("--lufs", type=float, help="Integrated loudness, LUFS; what the rack says, or -16, when left out.")
@click.option("--ceiling", type=float, help="True peak, dBTP; what the rack says, or -1, when left out.")
@click.option("--spread", is_flag=True, help="Let a rack's sends make two channels of one.")
@options.output("The folder to write into; the same one again goes on where a run ended.", kind=str)
@click.option("--format", "format_", help="Of all outputs: wav, flac, mp3 ...; that of the source when left out.")
@click.option("--root", type=click.Path(path_type=Path), help="The folder whose tree is mirrored; found when left out.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Files at a time; as many as there are cores when left out.")
@click.option("--deadline", type=click.FloatRange(1), help="Seconds that a file may take; by its size when left out.")
@click.option("--max-failures", type=click.IntRange(0), help="Stop when more files than that failed.")
@click.option("--unqualified", is_flag=True, help="Take plugins, too, that are not qualified.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@options.force
@options.as_json
@options.quiet
def batch(
    patterns: tuple[str, ...],
    rack: str | None,
    intensity: float,
    lufs: float | None,
    ceiling: float | None,
    spread: bool,
    output: str,
    format_: str | None,
    root: Path | None,
    jobs: int | None,
    deadline: float | None,
    max_failures: int | None,
    unqualified: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Master all files that fit, each once: the tree of the sources is mirrored in the output folder.

    GLOB is a file, a folder, or a pattern in quotes, as 'in/**/*.flac'. What became of each stands in manifest.jsonl of
    the output folder. Whatever ends a run (Ctrl-C, a kill, a full disk), the same command goes on from there.
    A file that cannot be done is a row and a line on stderr, and then the exit code is 1.
    """
    from melancholia.batch import masters, run

    suffix = many.check_suffix(format_) if format_ is not None else None
    asked = masters(
        patterns, rack=rack, intensity=intensity, lufs=lufs, ceiling_dbtp=ceiling, spread=spread,
        format_=suffix, root=root, out=output, unqualified=unqualified,
    )  # fmt: skip
    if dry_run:
        would(asked, output, as_json=as_json)
        return
    with reporting(len(asked), output, as_json=as_json, quiet=quiet) as heard:
        found = run(
            asked, output, at_once=jobs, deadline_s=deadline, max_failures=max_failures, force=force, heard=heard
        )
    close(found, output, as_json=as_json, quiet=quiet)
    if found.failures or found.stopped:
        raise click.exceptions.Exit(1)


def would(jobs: Sequence["Job"], output: str, *, as_json: bool) -> None:
    """What a run would do, a line a file."""
    from melancholia.batch import planned

    for job, what in planned(jobs, output):
        target = Path(output) / job.output
        if as_json:
            click.echo(json.dumps({"input": str(job.source), "output": str(target), "would": what}))
        else:
            click.echo(f"{job.source} -> {target}{'' if what == 'make' else f'  ({what})'}")


@contextmanager
def reporting(total: int, output: str, *, as_json: bool, quiet: bool) -> Iterator["Heard"]:
    """What is called with each outcome: failures go to stderr, rows to stdout, the rest into the progress."""
    so_far: list[Summary] = []

    def ended() -> str:
        end_workers(Path(output))
        done = so_far[-1].done + so_far[-1].kept if so_far else 0
        return f"{done} of {total} files are done, none is half-written; the same command goes on from there."

    began = monotonic()
    with interrupts.instead(ended), options.progress(quiet) as progress:

        def heard(outcome: "Outcome", summary: "Summary") -> None:
            so_far[:] = [summary]
            row = outcome.row
            if row.error is not None:
                options.talk(f"melancholia: {row.error}")
            if not outcome.kept:
                many.notes(Path(row.input), row.notes)
            if as_json:
                click.echo(json.dumps(asdict(row)))
            ended = summary.done + summary.kept + summary.failures
            rate = summary.done / max(monotonic() - began, 1e-3)
            bad = f", {summary.failures} failed" if summary.failures else ""
            progress(ended / total, f"{ended} of {total}{bad}, {60 * rate:.0f} a minute")

        yield heard


def end_workers(folder: Path) -> None:
    """End what works for us, and remove what it was writing."""
    children = multiprocessing.active_children()
    for child in children:
        child.kill()
    until = monotonic() + LONGEST_END_S
    while any(child.is_alive() for child in children) and monotonic() < until:
        sleep(0.01)
    for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        clear(inner)


def close(summary: "Summary", output: str, *, as_json: bool, quiet: bool) -> None:
    """The table at the end."""
    if not as_json:
        minutes = f" in {summary.seconds / 60:.1f} min" if summary.seconds >= 90 else f" in {summary.seconds:.1f} s"
        kept = f", {summary.kept} were done before" if summary.kept else ""
        left = f", {summary.left} left" if summary.left else ""
        click.echo(f"{summary.done} done{kept}, {summary.failures} failed{left}{minutes}: {output}")
    if summary.stopped:
        options.talk(f"melancholia: stopped: {summary.stopped.rstrip('.')}; the same command goes on from there.")
