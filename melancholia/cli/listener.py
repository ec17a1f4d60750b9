"""``melancholia listener``: fit the verdict to a house's own ears."""

import csv
import io
from pathlib import Path

import click

from melancholia.cli import options


@click.group()
def listener() -> None:
    """Fit the verdict to your own ears."""


@listener.command()
@click.argument("ratings", type=click.Path(path_type=Path))
@options.output(
    "The file to keep the fitted ears in, for `score --house`; nothing is kept when left out.", required=False
)
@options.force
@options.quiet
def fit(ratings: Path, output: Path | None, force: bool, quiet: bool) -> None:
    """Fit to RATINGS, a CSV with the columns file and rating (0 to 1), and say what that is worth.

    Files are found beside the CSV. What the fit gains is measured on ratings that it was not shown; without a gain
    nothing is kept.
    """
    from melancholia.errors import MelancholiaError
    from melancholia.files import check_output, write_text
    from melancholia.scoring import HOUSE, fit_house, house_text

    if output is not None:
        check_output(output, ratings, over=HOUSE if force else None)
    rows = read(ratings)
    with options.progress(quiet) as progress:
        values = heard([path for path, _ in rows], progress)
    fitted = fit_house(values, [rating for _, rating in rows])
    click.echo(f"{fitted.ratings} ratings; held out, mean error and r")
    click.echo(f"before  {fitted.error_before:.3f}  {fitted.r_before:+.2f}")
    click.echo(f"after   {fitted.error_after:.3f}  {fitted.r_after:+.2f}")
    if output is None:
        return
    if not fitted.gains:
        raise MelancholiaError("the fit gains nothing on ratings that it was not shown; nothing was kept.")
    write_text(output, house_text(fitted, ratings.name), over=HOUSE if force else None)
    options.talk(f"kept in {output}; use it with: melancholia score FILE --house {output}", quiet=quiet)


def read(path: Path) -> list[tuple[Path, float]]:
    """Files, beside the CSV where they are no absolute paths, and their ratings."""
    from melancholia.errors import InputError

    if not path.is_file():
        raise InputError(f"{path} does not exist; allowed: a CSV file with the columns file and rating.")
    found = []
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:  # as spreadsheets of the West write it
        text = data.decode("cp1252", "replace")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not {"file", "rating"} <= set(reader.fieldnames or ()):
        raise InputError(f"{path} has the columns {', '.join(reader.fieldnames or ())}; allowed: file and rating.")
    for row in reader:
        try:
            found.append((path.parent / row["file"], float(row["rating"])))
        except (TypeError, ValueError):
            raise InputError(f"{path}:{reader.line_num}: the rating is {row['rating']!r}; allowed: 0 to 1.") from None
    return found


def heard(paths: list[Path], progress: options.Progress) -> list[dict[str, float]]:
    """Cue values of each file."""
    from melancholia.analysis import analyse
    from melancholia.errors import InputError
    from melancholia.recordings import recording

    sounds = [recording(path) for path in paths]  # all are looked at before any is listened to
    found = []
    for number, sound in enumerate(sounds):
        analysis = analyse(sound)
        if analysis.no_music:
            raise InputError(f"{sound.path} is no music: {analysis.no_music}; allowed: recordings of music.")
        found.append(dict(analysis.values))
        progress((number + 1) / len(sounds), f"listening to {sound.path.name}")
    return found
