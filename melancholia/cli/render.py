"""``melancholia render``: a MIDI file as dry stems."""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melancholia.cli import completion, options
from melancholia.cli.make import split_names

if TYPE_CHECKING:
    from melancholia.piece import Piece
    from melancholia.profile import Profile

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
    from melancholia.edits import transposed, with_guessed, within_reach
    from melancholia.errors import in_range
    from melancholia.files import writing_folder
    from melancholia.midi import check_length, midi_data, parse_midi
    from melancholia.performance import perform
    from melancholia.profile import profile
    from melancholia.recipe import STEMS
    from melancholia.streams import check_seed

    check_seed(seed)
    if instruments is not None and mood is None:
        raise click.UsageError("--instruments needs --mood: it says how they play; --instrument changes one player.")
    if tempo is not None and bpm is not None:
        raise click.UsageError("--tempo and --bpm were both given; one is enough.")
    wanted = profile(mood, intensity) if mood is not None else None
    data, name = midi_data(midi)
    read = parse_midi(data, name)
    piece, said = read.piece, read.notes
    if bpm is not None:
        now = piece.tempo.bpm
        tempo = in_range("bpm", bpm, round(now / 4, 1), round(now * 4, 1), "quarters a minute") / now
    piece = arranged(piece, wanted, seed, split_names(instruments), swaps, transpose, tempo, fold=fold, quiet=quiet)
    if wanted is None and not swaps and not transpose:
        piece, lost = (transposed(with_guessed(piece), 0, fold=True), ()) if fold else within_reach(piece)
        said += lost
    check_length(piece, name)
    for name_of_player in dict.fromkeys(one.instrument for one in piece.parts if one.instrument):
        orchestra.check(name_of_player)
        said += tuple(filter(None, [orchestra.warning(name_of_player)]))
    say(name, said)  # only now: who is refused reads one line
    if wanted is not None:
        piece = perform(piece, wanted, seed=seed)
    origin = sha256(data).hexdigest()
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


def say(name: str, words: tuple[str, ...]) -> None:
    """A line for each of the first `MOST_WORDS` words, then how many more there are: never kept quiet."""
    for word in words[:MOST_WORDS]:
        options.talk(f"{name}: {word}")
    if len(words) > MOST_WORDS:
        options.talk(f"{name}: and {len(words) - MOST_WORDS} more")


def keep_recipe(folder: Path, origin: str, names: list[str]) -> None:
    """Write down in a folder of stems what they were played from, by its hash: so it is known to be ours."""
    from melancholia.files import ANY_FILE, write_text
    from melancholia.recipe import RECIPE, Rendering, made_before

    asked = {
        name: value
        for name, value in click.get_current_context().params.items()
        if value and name not in ("midi", "output", "force", "quiet")
    }
    stems = [f"{name}.wav" for name in names] + [
        name for name in made_before(folder, "midi") if (folder / name).is_file()
    ]
    write_text(folder / RECIPE, Rendering.of(origin, asked, folder, stems).to_json(), over=ANY_FILE)


def arranged(
    piece: "Piece",
    wanted: "Profile | None",
    seed: int,
    instruments: tuple[str, ...] | None,
    swaps: tuple[str, ...],
    transpose: int,
    tempo: float | None,
    *,
    fold: bool,
    quiet: bool,
) -> "Piece":
    """The piece with what was asked for: drums seated, tempo, players and pitch."""
    from melancholia.composition import orchestrate
    from melancholia.edits import retimed, seated_drums, transposed, with_instrument

    seated = seated_drums(piece)
    lost = [part.name for part in piece.parts if part.name not in {p.name for p in seated.parts}]
    if lost:
        options.talk(f"left out, for no instrument plays drums: {', '.join(lost)}", quiet=quiet)
    piece = seated if tempo is None else retimed(seated, tempo)
    open_ = instruments is not None or any(not part.instrument for part in piece.parts)
    if transpose and open_:  # before the players are chosen: they are chosen by what they can reach
        piece, transpose = transposed(piece, transpose, fold=fold or instruments is not None), 0
    if wanted is not None:
        piece = orchestrate(piece, wanted, seed=seed, instruments=instruments)
    for swap in swaps:
        part, equals, name = swap.partition("=")
        if not equals:
            raise click.UsageError(f"--instrument is {swap!r}; allowed: PART=NAME, as melody=cello.")
        piece = with_instrument(piece, part.strip(), name.strip(), fold=fold)
    return transposed(piece, transpose, fold=fold) if transpose else piece


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
