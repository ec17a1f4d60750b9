"""``melancholia loudness``: how loud recordings are, and how high they peak."""

import csv
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

import click

from melancholia.cli import many, options


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", "as_csv", is_flag=True, help="Print one line a file.")
@options.as_json
def loudness(files: tuple[Path, ...], as_csv: bool, as_json: bool) -> None:
    """Measure recordings: LUFS, loudness range and true peak, after ITU-R BS.1770 and EBU R 128.

    A file that cannot be measured is named on stderr, the others are measured all the same, and the exit code is 1.
    """
    from melancholia.mastering import Loudness, measure
    from melancholia.recordings import recording

    if as_csv and as_json:
        raise click.UsageError("--csv and --json were both given; one is enough.")
    many.check_stdin(files)
    table = csv.writer(sys.stdout)
    if as_csv:
        table.writerow(["file", *Loudness.__dataclass_fields__])

    def one(file: Path) -> None:
        sound = recording(file)
        many.notes(file, sound.notes)
        found = measure(sound)
        figures = {name: value if math.isfinite(value) else None for name, value in asdict(found).items()}
        if as_json:
            click.echo(json.dumps({"file": str(file), **figures}))
        elif as_csv:
            table.writerow([str(file), *figures.values()])
        else:
            click.echo(
                f"{file}  {found.integrated_lufs:.1f} LUFS, range {found.range_lu:.1f} LU, at most "
                f"{found.max_short_term_lufs:.1f} short-term and {found.max_momentary_lufs:.1f} momentary, "
                f"{found.true_peak_dbtp:.1f} dBTP"
            )

    many.each([(file,) for file in files], one)
