"""``melancholia render``: a MIDI file as dry stems."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from melancholia.cli import completion, options
from melancholia.cli.make import split_names

if TYPE_CHECKING:
    from melancholia.piece import Piece

DEFAULT_RATE = 48_000
LONG_S = 600.0  # stems longer than this are played one by one: each lies in memory while it is
MOST_WORDS = 8  # lines about one file


@click.command()
@click.argument("midi", type=click.Path(path_type=Path))
@click.option(
    "--mood", shell_complete=completion.moods, help="Orchestrate and perform it in this mood; as written when left out."
)
@options.intensity
@click.option(
    "--instruments",
    shell_complete=completion.instruments,
    help="Who plays, as felt_piano,cello; what the mood likes when left out.",
)
@click.option("--instrument", "swaps", multiple=True, metavar="PART=NAME", help="Another player for one part or role.")
@click.option("--transpose", type=int, default=0, help="Semitones up, -48 to 48.")
@click.option("--fold", is_flag=True, help="Bring notes that leave an instrument's range back by octaves.")
@click.option("--tempo", type=float, help="So many times as fast, 0.25 to 4.")
@click.option("--bpm", type=float, help="The tempo at the start, quarters a minute.")
@click.option("--only", metavar="PART", help="This part or role alone, into stems that lie there already.")
@click.option("--seed", type=int, default=0, show_default=True, help="0 to 4294967295.")
@click.option("--sample-rate", type=int, help="Of every stem, in Hz; 48000, or with --only what lies there.")
@options.output("The folder to write the stems into.")
@options.force
@options.quiet
def render(
    midi: Path,
    mood: str | None,
    intensity: float,
    instruments: str | None,
    swaps: tuple[str, ...],
    transpose: int,
    fold: bool,
    tempo: float | None,
    bpm: float | None,
    only: str | None,
    seed: int,
    sample_rate: int | None,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Play a MIDI file (- is stdin) as dry stems, by the instruments named in it (felt piano where none is).

    What is damaged in it, or out of its player's reach, is left out, and said.
    With --mood anybody's MIDI file is orchestrated first: its notes are given to the players of the mood.
    With --only, and the other options as they were, one stem is played anew and no other is touched.
    """
    from melancholia import instruments as orchestra
    from melancholia.arranged import Arrangement, arranged
    from melancholia.files import writing_folder
    from melancholia.midi import midi_data
    from melancholia.profile import profile
    from melancholia.recipe import STEMS
    from melancholia.streams import check_seed

    check_seed(seed)
    if instruments is not None and mood is None:
        raise click.UsageError("--instruments needs --mood: it says how they play; --instrument changes one player.")
    if tempo is not None and bpm is not None:
        raise click.UsageError("--tempo and --bpm were both given; one is enough.")
    wanted = profile(mood, intensity) if mood is not None else None
    asked = Arrangement(wanted, split_names(instruments), tuple(map(swapped, swaps)), transpose, fold, tempo, bpm, seed)
    data, name = midi_data(midi)
    found = arranged(data, name, asked)
    piece, origin = found.piece, found.origin
    say(name, found.notes)  # only now: who is refused reads one line
    with options.progress(quiet) as progress:
        if only is not None:
            names = replace_stems(piece, only, output, sample_rate, seed, progress)
            keep_recipe(output, origin, names)
        else:
            rate = sample_rate or DEFAULT_RATE
            with writing_folder(output, over=STEMS if force else None) as part:
                jobs = 1 if piece.seconds > LONG_S else 2
                stems = orchestra.render(piece, rate=rate, seed=seed, folder=part, jobs=jobs, progress=progress)
                names = list(stems)
                keep_recipe(part, origin, names)
    for stem in names:
        click.echo(str(output / f"{stem}.wav"))


def swapped(text: str) -> tuple[str, str]:
    """A part and its player, from a text as ``melody=cello``."""
    part, equals, name = text.partition("=")
    if not equals:
        raise click.UsageError(f"--instrument is {text!r}; allowed: PART=NAME, as melody=cello.")
    return part.strip(), name.strip()


def say(name: str, words: tuple[str, ...]) -> None:
    """A line for each of the first `MOST_WORDS` words, then how many more there are: never kept quiet."""
    for word in words[:MOST_WORDS]:
        options.talk(f"{name}: {word}")
    if len(words) > MOST_WORDS:
        options.talk(f"{name}: and {len(words) - MOST_WORDS} more")


def keep_recipe(folder: Path, origin: str, names: list[str]) -> None:
    """Write down in a folder of stems what they were played from, by its hash: so it is known to be ours."""
    from melancholia.recipe import made_before, write_rendering

    asked = {
        name: value
        for name, value in click.get_current_context().params.items()
        if value and name not in ("midi", "output", "force", "quiet")
    }
    others = [name for name in made_before(folder, "midi") if (folder / name).is_file()]
    write_rendering(folder, origin, asked, [*(f"{name}.wav" for name in names), *others])


def replace_stems(
    piece: "Piece", only: str, folder: Path, rate: int | None, seed: int, progress: options.Progress
) -> list[str]:
    """Play a part anew into a folder of stems: the files of that part are replaced, each at once; others stay."""
    from melancholia import instruments as orchestra
    from melancholia.edits import parts_named
    from melancholia.errors import InputError
    from melancholia.recordings import recording

    anew = parts_named(piece, only)
    full = [part for part in piece.parts if part.notes]
    names = {orchestra.stem_name(k + 1, part): part for k, part in enumerate(full)}
    others = [name for name, part in names.items() if all(part is not one for one in anew)]
    missing = [name for name in others if not (folder / f"{name}.wav").is_file()]
    if missing:
        raise InputError(f"{folder} lacks {missing[0]}.wav; allowed with --only: the folder of this piece's stems.")
    numbers = [name[:3] for name, part in names.items() if any(part is one for one in anew)]
    there = [path for path in sorted(folder.glob("*.wav")) if path.name[:3] in numbers or path.stem in others]
    if not there:
        raise InputError(f"{folder} holds no stems; allowed with --only: the folder of this piece's stems.")
    like = recording(there[0])
    if rate not in (None, like.rate):
        raise InputError(f"sample rate is {rate} Hz; allowed with --only: {like.rate} Hz, as the other stems have.")
    tail = (like.frames - 0.5) / like.rate - piece.seconds
    if tail < 0:
        raise InputError(
            f"the piece lasts {piece.seconds:.2f} s, the stems in {folder} {like.frames / like.rate:.2f} s; "
            "allowed with --only: the tempo they were made with."
        )
    made = list(
        orchestra.render(
            piece, rate=like.rate, seed=seed, tail_s=tail, folder=folder, only=only, force=True, progress=progress
        )
    )
    for path in there:
        if path.name[:3] in numbers and path.stem not in made:
            path.unlink()  # the same part, as another instrument played it
    return made
