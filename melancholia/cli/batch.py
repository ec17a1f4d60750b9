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
from click.core import ParameterSource

from melancholia import interrupts
from melancholia.cli import completion, many, options
from melancholia.cli.make import split_names
from melancholia.errors import one_line
from melancholia.files import clear

if TYPE_CHECKING:
    from melancholia.batch import Cluster, Heard, Job, Outcome, Summary

WORKS = ("master", "score", "make", "stems")
BELONGS = {  # what an option has a meaning for
    **dict.fromkeys(("rack", "lufs", "ceiling", "spread", "format_", "reference", "bit_depth", "codecs"), ("master",)),
    "gate": ("master", "score"),
    "intensity": ("master", "score", "stems"),
    "root": ("master", "score", "stems"),
    **dict.fromkeys(("mood", "instruments", "transpose", "fold", "tempo", "seed", "sample_rate"), ("stems",)),
    "strict": ("make",),
    "unqualified": ("master", "make"),
}
MOST_SHOWN = 20  # failures in the table at the end; the manifest has all
TABLE = ("loudness before", "loudness", "true peak", "limited by at most", "length", "sadness")
LONGEST_END_S = 1.0


@click.command()
@click.argument("patterns", nargs=-1, required=True, metavar="GLOB...")
@click.option(
    "--work",
    type=click.Choice(list(WORKS)),
    default="master",
    show_default=True,
    help="What is done: a master of each file; a verdict on each; a song of each line of a CSV file; "
    "the stems of each MIDI file.",
)
@click.option("--rack", shell_complete=completion.racks, help="A rack that goes over each before it is mastered.")
@options.intensity
@options.loudness("what the rack says, that of the --reference, or -16, when left out.")
@click.option(
    "--ceiling", type=float, help="True peak, dBTP; what the rack or the delivery says, or -1, when left out."
)
@options.reference
@options.bit_depth
@options.codecs
@click.option("--spread", is_flag=True, help="Let a rack's sends make two channels of one.")
@options.output("The folder to write into; the same one again goes on where a run ended.", kind=str)
@click.option("--format", "format_", help="Of all outputs: wav, flac, mp3 ...; that of the source when left out.")
@click.option("--root", type=click.Path(path_type=Path), help="The folder whose tree is mirrored; found when left out.")
@click.option(
    "--gate", shell_complete=completion.moods, help="Listen to each: what is not as this mood wants is listed."
)
@click.option("--mood", shell_complete=completion.moods, help="Of stems: who plays, and how; as written when left out.")
@options.players
@click.option("--transpose", type=int, default=0, help="Of stems: semitones up, -48 to 48.")
@click.option("--fold", is_flag=True, help="Of stems: bring notes back by octaves that leave an instrument's range.")
@click.option("--tempo", type=float, help="Of stems: so many times as fast, 0.25 to 4.")
@click.option("--seed", type=int, default=0, help="Of stems: 0 to 4294967295.")
@click.option("--sample-rate", type=int, default=48_000, show_default=True, help="Of stems, in Hz.")
@click.option("--strict", is_flag=True, help="Of songs: list those that do not match what was asked.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Files at a time; as many as there are cores when left out.")
@click.option(
    "--dask", metavar="ADDRESS", help="Work on a dask cluster, by its scheduler's address, as tcp://host:8786."
)
@click.option("--deadline", type=click.FloatRange(1), help="Seconds that a file may take; by its size when left out.")
@click.option("--max-failures", type=click.IntRange(0), help="Stop when more files than that failed.")
@click.option("--unqualified", is_flag=True, help="Take plugins, too, that are not qualified.")
@click.option("--no-report", is_flag=True, help="Write no summary.html, and no report.html of songs.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@options.force
@options.as_json
@options.quiet
def batch(
    patterns: tuple[str, ...],
    work: str,
    rack: str | None,
    intensity: float,
    lufs: str | None,
    ceiling: float | None,
    reference: Path | None,
    bit_depth: str | None,
    codecs: tuple[str, ...],
    spread: bool,
    output: str,
    format_: str | None,
    root: Path | None,
    gate: str | None,
    mood: str | None,
    instruments: str | None,
    transpose: int,
    fold: bool,
    tempo: float | None,
    seed: int,
    sample_rate: int,
    strict: bool,
    jobs: int | None,
    dask: str | None,
    deadline: float | None,
    max_failures: int | None,
    unqualified: bool,
    no_report: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Master all files that fit, each once: the tree of the sources is mirrored in the output folder.

    GLOB is a file, a folder, or a pattern in quotes, as 'in/**/*.flac'; with --work make, a CSV file with the columns
    mood, seconds, seed and whatever else make takes; with --work stems, MIDI files. What became of each stands in
    manifest.jsonl of the output folder. Whatever ends a run (Ctrl-C, a kill, a full disk), the same command goes on
    from there.
    A file that cannot be done is a row and a line on stderr, and then the exit code is 1; so is one that does not get
    through the gate, which is kept all the same.
    """
    from melancholia.batch import check_page, masters, run, scores, songs, stems
    from melancholia.batch import gate as gate_for
    from melancholia.encoding import BIT_DEPTHS

    check_options(work)
    if not output:
        raise click.UsageError("--output is empty; allowed: a folder.")
    if work == "master" and all(pattern.lower().endswith(".csv") for pattern in patterns):
        raise click.UsageError(f"{patterns[0]} is a CSV file: songs of its lines are --work make.")
    if dask is not None and (jobs is not None or deadline is not None):
        raise click.UsageError(
            "--jobs and --deadline are for processes of this machine; --dask brings its own workers."
        )
    judge = gate_for(gate, intensity) if gate is not None else None
    if work == "make":
        if len(patterns) > 1:
            raise click.UsageError("--work make takes one CSV file; several were given.")
        asked = songs(patterns[0], report=not no_report, strict=strict, unqualified=unqualified)
    elif work == "stems":
        asked = stems(
            patterns, mood=mood, intensity=intensity, instruments=split_names(instruments), transpose=transpose,
            fold=fold, tempo=tempo, seed=seed, rate=sample_rate, root=root, out=output,
        )  # fmt: skip
    elif work == "score":
        asked = scores(patterns, gate=judge, root=root, out=output)
    else:
        wanted = options.delivery(lufs)
        asked = masters(
            patterns, rack=rack, intensity=intensity, lufs=None if wanted is None else wanted.lufs,
            ceiling_dbtp=wanted.ceiling_dbtp if wanted is not None and ceiling is None else ceiling, spread=spread,
            reference=reference, subtype=None if bit_depth is None else BIT_DEPTHS[bit_depth], codecs=codecs,
            format_=format_, root=root, out=output, unqualified=unqualified, gate=judge,
        )  # fmt: skip
    if dry_run:
        would(asked, output, as_json=as_json)
        return
    if not no_report:
        check_page(Path(output))
    with reporting(len(asked), output, as_json=as_json, quiet=quiet) as heard, workers_at(dask, asked, output) as own:
        found = run(
            asked,
            output,
            at_once=jobs if own is None else own.at_once,
            executor=None if own is None else own.executor,
            deadline_s=deadline,
            max_failures=max_failures,
            force=force,
            heard=heard,
        )
    close(found, asked, Path(output), as_json=as_json, page=not no_report)
    if found.failures or found.unmatched or found.stopped:
        raise click.exceptions.Exit(1)


@contextmanager
def workers_at(address: str | None, jobs: Sequence["Job"], output: str) -> Iterator["Cluster | None"]:
    """The cluster at an address; nothing where there is none."""
    if address is None:
        yield None
        return
    from melancholia.batch import cluster

    folder = Path(output).absolute()
    first = [job.source for job in jobs[:1] if job.source is not None]
    with many.folder_for(folder), cluster(address, folder, *first) as found:
        yield found


def check_options(work: str) -> None:
    """Refuse what has no meaning for this work."""
    ctx = click.get_current_context()
    for name, works in BELONGS.items():
        if work not in works and ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            option = f"--{name.strip('_').replace('_', '-')}"
            raise click.UsageError(f"{option} is given with --work {work}; allowed: with {' or '.join(works)}.")


def would(jobs: Sequence["Job"], output: str, *, as_json: bool) -> None:
    """What a run would do, a line a file."""
    from melancholia.batch import planned

    for job, what in planned(jobs, output):
        target = Path(output) / job.output
        if as_json:
            click.echo(json.dumps({"input": job.name, "output": str(target), "would": what}))
        else:
            click.echo(one_line(f"{job.name} -> {target}{'' if what == 'make' else f'  ({what})'}"))


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
            if outcome.unmatched:
                options.talk(f"melancholia: {row.input} does not match {row.verdict['mood']}: {row.verdict['why']}")
            if not outcome.kept:
                many.notes(Path(row.input), row.notes)
            if as_json:
                click.echo(json.dumps(asdict(row)))
            rate = summary.done / max(monotonic() - began, 1e-3)
            bad = f", {summary.failures} failed" if summary.failures else ""
            progress(summary.told / total, f"{summary.told} of {total}{bad}, {60 * rate:.0f} a minute")

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


def close(summary: "Summary", jobs: Sequence["Job"], folder: Path, *, as_json: bool, page: bool) -> None:
    """The table at the end, on stdout; and the same as a page, with drawings."""
    from melancholia.batch import read_manifest, spreads, write_page

    ours = {job.name for job in jobs}
    rows = [row for row in read_manifest(folder) if row.input in ours]
    first = in_words(summary)
    if not as_json:
        click.echo(f"{first}: {folder}")
        table = [one for one in spreads(rows) if one.name in TABLE]
        if table:
            click.echo(f"{'':24}{'least':>9}{'middle':>9}{'most':>9}")
        for one in table:
            places = 2 if one.name == "sadness" else 1
            values = "".join(f"{value:>9.{places}f}" for value in (one.least, one.middle, one.most))
            click.echo(f"{one.name:<24}{values}  {one.unit}".rstrip())
        for row in summary.failed[:MOST_SHOWN]:
            click.echo(f"failed: {row.error}")
        if summary.failures > MOST_SHOWN:
            click.echo(f"and {summary.failures - MOST_SHOWN} more, in {folder / 'manifest.jsonl'}")
    if page and summary.rows:
        write_page(folder, rows, title=f"Batch {folder.name}", lines=[f"{first}."])
    if summary.stopped:
        options.talk(f"melancholia: stopped: {summary.stopped.rstrip('.')}; the same command goes on from there.")


def in_words(summary: "Summary") -> str:
    time = f"{summary.seconds / 60:.1f} min" if summary.seconds >= 90 else f"{summary.seconds:.1f} s"
    said = [f"{summary.done} done"]
    said += [f"{summary.kept} were done before"] if summary.kept else []
    said += [f"{summary.failures} failed"]
    said += [f"{summary.unmatched} did not match"] if summary.unmatched else []
    said += [f"{summary.left} left"] if summary.left else []
    return f"{', '.join(said)} in {time}"
