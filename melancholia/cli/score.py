"""``melancholia score``: what a recording sounds like, and whether it is as sad as asked."""

import csv
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from melancholia.cli import completion, many, options
from melancholia.errors import InputError, MelancholiaError, in_a_line

if TYPE_CHECKING:
    from melancholia.audio import Stems


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--mood",
    shell_complete=completion.moods,
    help="Judge against this mood; when left out, it is said which moods fit best.",
)
@options.intensity
@click.option(
    "--dry", type=click.Path(path_type=Path), help="The same music without effects: a file, or a folder of stems."
)
@click.option("--notes", type=click.Path(path_type=Path), help="The same music as MIDI: its pace is read there.")
@click.option("--house", type=click.Path(path_type=Path), help="A house's own ears, from `listener fit`.")
@click.option("--check", is_flag=True, help="Exit 1 when a file does not match the mood.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one line a file.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the sadness over time as PNG (one file).")
@click.option("--jobs", type=click.IntRange(1, 256), help="Files at a time; as many as there are cores when left out.")
@options.force
@options.as_json
@options.quiet
def score(
    files: tuple[Path, ...],
    mood: str | None,
    intensity: float,
    dry: Path | None,
    notes: Path | None,
    house: Path | None,
    check: bool,
    as_csv: bool,
    plot: Path | None,
    jobs: int | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Listen to recordings: the cues of sadness, sadness 0 to 1, and a verdict against a mood or the moods that fit.

    The folder of a song that `make` wrote is judged as `make` did, with its dry stems and its notes; its master alone
    is heard through its room, and comes near. A file that cannot be listened to is named on stderr, the others are
    scored all the same, and the exit code is 1.
    """
    from melancholia.files import PNG, check_output, check_suffix
    from melancholia.profile import profile

    if as_csv and as_json:
        raise click.UsageError("--csv and --json were both given; one is enough.")
    if check and mood is None:
        raise click.UsageError("--check needs --mood: there is nothing to match otherwise.")
    if mood is None and click.get_current_context().get_parameter_source("intensity") is not ParameterSource.DEFAULT:
        raise click.UsageError("--intensity needs --mood: it says how much of one.")
    for given, name in ((plot, "--plot draws"), (dry, "--dry belongs to"), (notes, "--notes belong to")):
        if given is not None and len(files) > 1:
            raise click.UsageError(f"{name} one file; several were given.")
    many.check_stdin(files)
    if plot is not None:
        check_suffix(plot, ".png")
        check_output(plot, *files, over=PNG if force else None)
    if mood is not None:
        profile(mood, intensity)
    judge = partial(judged, mood=mood, intensity=intensity, dry=dry, notes=notes, house=house, alone=len(files) == 1)
    rows: list[dict[str, Any]] = []
    matched = True
    with options.progress(quiet) as progress:
        for number, (path, found) in enumerate(zip(files, in_order(judge, files, jobs), strict=True)):
            progress((number + 1) / len(files), f"listening to {path.name}")
            if isinstance(found, str):
                options.talk(f"melancholia: {found}")
                continue
            if isinstance(found, MelancholiaError):
                raise found
            row, table, remarks = found
            many.notes(path, remarks)
            matched = matched and row["matched"] is not False
            rows.append({"file": str(path), **row})
            if not as_json and not as_csv:
                click.echo(f"{path}\n{table}")
    if as_json:
        click.echo(json.dumps(rows[0] if len(files) == 1 else rows))
    if as_csv and rows:
        print_csv(rows)
    if plot is not None and rows:
        if not rows[0]["curve"]:
            raise InputError(f"{files[0]} has no sadness to draw: {rows[0]['why']}")
        draw(plot, rows[0], force=force)
    if len(rows) < len(files) or check and not matched:
        raise click.exceptions.Exit(1)


def judged(
    path: Path,
    *,
    mood: str | None,
    intensity: float,
    dry: Path | None,
    notes: Path | None,
    house: Path | None,
    alone: bool,
) -> tuple[dict[str, Any], str, tuple[str, ...]] | MelancholiaError | str:
    """The verdict on a file, as ``score.json`` and as a table, and what is odd about it; or why there is none.

    A file that is `alone` fails as itself.
    """
    from melancholia import scoring
    from melancholia.profile import profile
    from melancholia.recordings import recording

    try:
        if is_song(path):
            dry, notes, path = dry or path / "stems" / "dry", notes or path / "piece.mid", path / "master.wav"
        sound = recording(path)
        found = scoring.score(
            sound,
            profile(mood, intensity) if mood is not None else None,
            dry=None if dry is None else stems_in(dry) if dry.is_dir() else recording(dry),
            notes=notes,
            house=scoring.load_house(house) if house is not None else scoring.PLAIN,
        )
        return found.to_dict(), str(found), sound.notes
    except MelancholiaError as error:
        return error if alone else str(error)
    except Exception as error:
        if alone:
            raise
        return in_a_line(path, error)


def is_song(path: Path) -> bool:
    """Whether it is the folder of a song that `make` wrote."""
    return path.is_dir() and all((path / name).exists() for name in ("master.wav", "piece.mid", "stems/dry"))


def stems_in(folder: Path) -> "Stems":
    """The stems that lie in a folder, to be heard together; names that `make` gave tell which of them are beds.

    Raises
    ------
    InputError
        There are none, or they differ in length, rate or channels.
    """
    from melancholia.audio import Stem, Stems
    from melancholia.orchestra import told
    from melancholia.recordings import recording

    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".wav", ".flac", ".aif", ".aiff"))
    if not paths:
        raise InputError(f"{folder} holds no stems; allowed: a folder of WAV, FLAC or AIFF files.")
    return Stems({path.stem: Stem(*told(path.stem), recording(path)) for path in paths})


def in_order(judge: Any, files: tuple[Path, ...], jobs: int | None) -> Iterator[Any]:
    """What `judge` says of each file, in their order; several at a time where there are several."""
    import os

    from melancholia.parallel import in_processes

    count = min(jobs or os.cpu_count() or 1, len(files))
    return map(judge, files) if count == 1 else in_processes(judge, files, jobs=count)


def print_csv(rows: list[dict[str, Any]]) -> None:
    names = [cue["name"] for cue in rows[0]["cues"]]
    said = ("file", "mood", "intensity", "sadness", "music", "valence", "arousal", "matched", "uncertainty", "why")
    out = csv.writer(sys.stdout)
    out.writerow([*said, *names])
    for row in rows:
        values = {cue["name"]: cue["value"] for cue in row["cues"]}
        out.writerow([row[key] for key in said] + [values[n] for n in names])


def draw(path: Path, row: dict[str, Any], *, force: bool) -> None:
    from melancholia.files import PNG, writing
    from melancholia.report import curve_png

    with writing(path, over=PNG if force else None) as part:
        part.write_bytes(curve_png(row["curve"]))
