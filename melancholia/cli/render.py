"""``melancholia render``: a MIDI file as dry stems."""

from pathlib import Path

import click

from melancholia.cli import options


@click.command()
@click.argument("midi", type=click.Path(path_type=Path))
@click.option("--mood", help="Perform it in this mood first; as written when left out.")
@options.intensity
@click.option("--seed", type=int, default=0, show_default=True, help="0 to 4294967295.")
@click.option("--sample-rate", type=int, default=48_000, show_default=True, help="Of every stem, in Hz.")
@options.output("The folder to write the stems into.")
@options.force
@options.quiet
def render(
    midi: Path,
    mood: str | None,
    intensity: float,
    seed: int,
    sample_rate: int,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Play a MIDI file by the instruments named in it (felt piano where none is) as dry stems."""
    from melancholia import instruments
    from melancholia.files import writing_folder
    from melancholia.midi import load_midi
    from melancholia.performance import perform
    from melancholia.profile import profile
    from melancholia.streams import check_seed

    check_seed(seed)
    piece = load_midi(midi)
    if mood is not None:
        piece = perform(piece, profile(mood, intensity), seed=seed)
    with options.progress(quiet) as progress, writing_folder(output, replace=force) as part:
        stems = instruments.render(piece, rate=sample_rate, seed=seed, folder=part, progress=progress)
    for name in stems:
        click.echo(str(output / f"{name}.wav"))
