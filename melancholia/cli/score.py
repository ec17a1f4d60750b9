"""``melancholia score``: what a recording sounds like, and whether it is as sad as asked."""

import csv
import json
import sys
from pathlib import Path

import click

from melancholia.cli import options


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--mood", help="Judge against this mood; the cues and the sadness alone when left out.")
@options.intensity
@click.option("--check", is_flag=True, help="Exit 1 when a file does not match the mood.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one line a file.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the sadness over time as PNG (one file).")
@options.as_json
def score(
    files: tuple[Path, ...],
    mood: str | None,
    intensity: float,
    check: bool,
    as_csv: bool,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Listen to recordings: the cues of sadness, a verdict against a mood, sadness 0 to 1."""
    from melancholia import scoring
    from melancholia.files import recording
    from melancholia.profile import profile

    if check and mood is None:
        raise click.UsageError("--check needs --mood: there is nothing to match otherwise.")
    if plot is not None and len(files) > 1:
        raise click.UsageError("--plot draws one file; several were given.")
    wanted = profile(mood, intensity) if mood is not None else None
    rows, matched = [], True
    for path in files:
        verdict = scoring.score(recording(path), wanted)
        matched = matched and verdict.matched is not False
        rows.append({"file": str(path), **verdict.to_dict()})
        if not as_json and not as_csv:
            click.echo(f"{path}\n{verdict}")
    if as_json:
        click.echo(json.dumps(rows[0] if len(rows) == 1 else rows))
    if as_csv:
        print_csv(rows)
    if plot is not None:
        draw(plot, rows[0])
    if check and not matched:
        raise click.exceptions.Exit(1)


def print_csv(rows: list[dict[str, object]]) -> None:
    names = [cue["name"] for cue in rows[0]["cues"]]  # type: ignore[attr-defined]
    out = csv.writer(sys.stdout)
    out.writerow(["file", "mood", "intensity", "sadness", "matched", *names])
    for row in rows:
        values = {cue["name"]: cue["value"] for cue in row["cues"]}  # type: ignore[attr-defined]
        out.writerow(
            [row[key] for key in ("file", "mood", "intensity", "sadness", "matched")] + [values[n] for n in names]
        )


def draw(path: Path, row: dict[str, object]) -> None:
    from melancholia.files import check_output, writing
    from melancholia.report import curve_png

    check_output(path)
    with writing(path) as part:
        part.write_bytes(curve_png(row["curve"]))  # type: ignore[arg-type]
