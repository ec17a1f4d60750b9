"""``melancholia apply``: a rack over recordings."""

from pathlib import Path

import click

from melancholia.cli import completion, many, options


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--rack",
    required=True,
    shell_complete=completion.racks,
    help="A name of 'melancholia racks', or the path of a rack file.",
)
@options.intensity
@options.output("The file to write, or a folder (as wet/) for several; - is stdout.", kind=str)
@options.format_
@options.pattern
@options.force
@options.quiet
def apply(
    files: tuple[Path, ...],
    rack: str,
    intensity: float,
    output: str,
    format_: str | None,
    pattern: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Send recordings through a rack: its inserts for any sound, its sends and its bus.

    A file that cannot be done is named on stderr, the others are done all the same, and the exit code is 1.
    """
    from melancholia import racks
    from melancholia.encoding import AUDIO
    from melancholia.errors import in_range
    from melancholia.files import check_output
    from melancholia.recordings import recording

    found = racks.rack(rack)
    in_range("intensity", intensity, 0, 1)
    many.notes(found.path, found.warnings)
    if len(files) > 1:
        racks.check_plugins(found, intensity)

    suffix = many.check_suffix(format_) if format_ is not None else None

    def one(source: Path, target: Path) -> None:
        check_output(target, *files, over=AUDIO if force else None)
        sound = recording(source)
        many.notes(source, sound.notes)
        with options.progress(quiet) as progress:
            wet = racks.apply(
                sound, rack=found, intensity=intensity, out=target, format_=suffix, force=force, progress=progress
            )
        many.notes(target, wet.notes)
        many.show(str(target), target)

    asked = many.targets(files, output, format_=format_, pattern=pattern)
    many.each(asked.pairs, one, folder=asked.folder)
    options.talk(
        f"next: melancholia master {output} -o MASTER.wav", quiet=quiet or len(files) > 1 or str(output) == "-"
    )
