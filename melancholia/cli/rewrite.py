"""``melancholia vary | infill | continue | harmonise``: a MIDI file written on, or partly anew."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melancholia.cli import completion, options
from melancholia.cli.make import split_names
from melancholia.cli.render import say

if TYPE_CHECKING:
    from melancholia.piece import Piece
    from melancholia.profile import Profile

Option = options.Option


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """What the four commands have in common."""
    parts: tuple[Option, ...] = (
        click.argument("midi", type=click.Path(path_type=Path)),
        click.option("--mood", required=True, shell_complete=completion.moods, help="In which it is written on."),
        options.course,
        click.option("--seed", type=int, help="0 to 4294967295; drawn and printed when left out."),
        options.composer_that_learned,
        options.output("The MIDI file to write; - is stdout."),
        options.force,
        options.quiet,
    )
    for part in reversed(parts):
        command = part(command)
    return command


only = click.option(
    "--part",
    "parts",
    multiple=True,
    metavar="NAME",
    help="A part or role that is written anew, as melody; again for more.",
)


@click.command()
@shared
@click.option("--amount", type=float, default=0.3, show_default=True, help="0 (as it is) to 1 (only its plan stays).")
@only
def vary(amount: float, parts: tuple[str, ...], **given: Any) -> None:
    """Say a MIDI file (- is stdin) another way: some of its notes give way to others, on the same plan.

    Of lines so large a share of the tones is given up, passing ones first; of accompaniments so large a share of the
    sections gets another figure.
    """
    from melancholia.composition import vary

    rewrite(lambda piece, wanted, rest: vary(piece, wanted, amount, parts=parts or None, **rest), **given)


@click.command()
@shared
@click.option("--bars", metavar="FIRST-LAST", help="The bars that are written anew, counted from 1, as 5-8.")
@only
def infill(bars: str | None, parts: tuple[str, ...], **given: Any) -> None:
    """Write some bars, some parts, or some bars of some parts of a MIDI file (- is stdin) anew.

    All else stays to the tick, and the new notes go from it to it. Bars are those of the metre that the file begins in.
    """
    from melancholia.composition import infill

    span = bars_of(bars) if bars is not None else None
    rewrite(lambda piece, wanted, rest: infill(piece, wanted, bars=span, parts=parts or None, **rest), **given)


@click.command("continue")
@shared
@click.option("--seconds", type=float, default=30, show_default=True, help="How much longer it becomes, 15 to 600.")
def continue_(seconds: float, **given: Any) -> None:
    """Go on behind the last bar of a MIDI file (- is stdin): a departure, a climax, its tune again, a close."""
    from melancholia.composition import continued

    rewrite(lambda piece, wanted, rest: continued(piece, wanted, seconds=seconds, **rest), **given)


@click.command()
@shared
@click.option("--key", help="As 'A minor'; the one that the tune is heard in when left out.")
@options.players
def harmonise(key: str | None, instruments: str | None, **given: Any) -> None:
    """Give the tune of a MIDI file (- is stdin) chords, bass, accompaniment and other lines.

    The tune stays to the tick, by octaves where its player needs them; other parts of the file are left out.
    """
    from melancholia.composition import harmonise
    from melancholia.instruments import check

    players = split_names(instruments)
    for name in players or ():
        check(name)
    rewrite(lambda piece, wanted, rest: harmonise(piece, wanted, key=key, instruments=players, **rest), **given)


def bars_of(text: str) -> tuple[int, int]:
    """First and last bar, from a text as ``5-8``, or ``5`` for one."""
    first, dash, last = text.partition("-")
    try:
        return int(first), int(last if dash else first)
    except ValueError:
        raise click.UsageError(f"--bars is {text!r}; allowed: FIRST-LAST, as 5-8.") from None


def rewrite(
    way: Callable[["Piece", "Profile", dict[str, Any]], "Piece"],
    *,
    midi: Path,
    mood: str,
    intensity: str,
    seed: int | None,
    composer: str,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Read a MIDI file, write it anew in a way, and save what came of it."""
    from melancholia.files import MIDI, check_output, check_suffix
    from melancholia.midi import SUFFIXES, check_length, read_midi, save_midi
    from melancholia.profile import profile
    from melancholia.streams import check_seed, draw_seed

    check_suffix(output, *SUFFIXES)
    check_output(output, midi, over=MIDI if force else None)
    seed = draw_seed() if seed is None else check_seed(seed)
    wanted = profile(mood, intensity)
    read = read_midi(midi)
    piece = way(read.piece, wanted, {"seed": seed, "composer": composer})
    check_length(piece, str(output))
    say(str(midi), read.notes)
    save_midi(piece, output, force=force)
    asked = "" if all(part.instrument for part in piece.parts) else f" --mood {mood}"
    following = "" if str(output) == "-" else f"; next: melancholia render {output}{asked} -o stems"
    options.talk(f"{piece.key}, {len(piece.parts)} parts, seed {seed}{following}", quiet=quiet)
