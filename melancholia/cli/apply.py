"""``melancholia apply``: a rack over recordings."""

from pathlib import Path

import click

from melancholia.cli import options


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--rack", required=True, help="A name of 'melancholia racks', or the path of a rack file.")
@options.intensity
@options.output("The file to write; a folder when there are several files.")
@options.quiet
def apply(files: tuple[Path, ...], rack: str, intensity: float, output: Path, quiet: bool) -> None:
    """Send recordings through a rack: its inserts for any sound, its sends and its bus."""
    from melancholia import racks
    from melancholia.errors import in_range
    from melancholia.files import check_output, recording

    chain = racks.rack(rack)
    in_range("intensity", intensity, 0, 1)
    for source, target in targets(files, output):
        check_output(target, *files)
        with options.progress(quiet) as progress:
            racks.apply(recording(source), rack=chain, intensity=intensity, out=target, progress=progress)
        click.echo(str(target))
    options.talk(f"next: melancholia master {output} -o MASTER.wav", quiet=quiet or len(files) > 1)


def targets(files: tuple[Path, ...], output: Path) -> list[tuple[Path, Path]]:
    """Each source with its output: `output` itself for one file, a file of the same name inside it for several.

    Several sources need names of their own: two of one name would overwrite each other.
    """
    from melancholia.errors import InputError

    if len(files) == 1 and not output.is_dir():
        return [(files[0], output)]
    names = [file.stem for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{twice[0]!r} is the name of several files; allowed: names that differ, for one folder.")
    if not output.is_dir():
        raise InputError(f"{output} is no folder; allowed: an existing folder, for several files.")
    return [(file, output / f"{file.stem}.wav") for file in files]
