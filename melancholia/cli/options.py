"""Options that several commands share, and how progress is shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melancholia.cli import completion
from melancholia.errors import one_line

if TYPE_CHECKING:
    from melancholia.mastering import Target

Progress = Callable[[float, str], None]

Option = Callable[[Any], Any]

quiet: Option = click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result.")
as_json: Option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
intensity: Option = click.option(
    "--intensity", type=float, default=0.7, show_default=True, help="0 (barely) to 1 (wholly)."
)
course: Option = click.option(
    "--intensity",
    default="0.7",
    show_default=True,
    help="0 (barely) to 1 (wholly); or a curve over the piece, as 0:0.2,0.6:1,1:0.4.",
)
section: Option = click.option(
    "--section", "sections", multiple=True, metavar="NAME=MOOD", help="Another mood for a section, as B=despair."
)
theme: Option = click.option(
    "--theme",
    type=click.Path(path_type=Path),
    help="A MIDI file (- is stdin) with a tune of your own, to build the piece on: 2 to 32 notes in at most 8 bars, "
    "fewer where the piece is short.",
)
composer: Option = click.option(
    "--composer",
    metavar="NAME|MODEL",
    default="learned",
    show_default=True,
    help="Who writes the notes: learned (models that read songs), planned (by rules), or a folder or file of models of "
    "your own.",
)
composer_that_learned: Option = click.option(
    "--composer",
    metavar="NAME|MODEL",
    default="learned",
    show_default=True,
    help="Whose models write: learned (ours), or a folder or file of models of your own.",
)
setting: Option = click.option(
    "--setting", default="song", show_default=True, help="What it is for: song, film, loop or background."
)
hits: Option = click.option(
    "--hits", help="Of a film: seconds at which a phrase begins, as 12.5,31!,47.2; at the ! the climax does."
)
rack: Option = click.option(
    "--rack",
    shell_complete=completion.racks,
    help="A name of 'melancholia racks', or a rack file; the mood's own when left out.",
)
mood_wanted: Option = click.argument("mood", shell_complete=completion.moods)
players: Option = click.option(
    "--instruments",
    shell_complete=completion.instruments,
    help="Who plays, as felt_piano,cello or soundfont:/path.sf2#bank,program or vst3:NAME#STATE.",
)
force: Option = click.option(
    "--force", is_flag=True, help="Replace what stands there: a file of the kind that is written, a folder of ours."
)
format_: Option = click.option(
    "--format",
    "format_",
    metavar="SUFFIX",
    help="Of files in a folder and on stdout: wav (as when left out), flac, mp3 ...",
)
pattern: Option = click.option(
    "--name",
    "pattern",
    metavar="PATTERN",
    help="Names of files in a folder, of {stem}, {parent} and {number}; {stem} when left out.",
)


reference: Option = click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="A recording whose tonal balance and loudness to bring them to.",
)
bit_depth: Option = click.option(
    "--bit-depth",
    type=click.Choice(["8", "16", "24", "32", "float"]),
    help="Of what is written; that of the source when left out.",
)


def listed(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(filter(None, value.replace(" ", "").split(","))) if value else ()


codecs: Option = click.option(
    "--codec-headroom",
    "codecs",
    metavar="CODECS",
    callback=listed,
    help="Keep under the ceiling, too, what these coders make of it: mp3, ogg, opus, by commas.",
)


def loudness(left_out: str) -> Option:
    """``--lufs``: a number, or a delivery that has a name."""
    names = "streaming, apple, podcast, ebu-r128, atsc-a85"
    said = f"Integrated loudness, or a delivery ({names}); {left_out}"
    return click.option("--lufs", metavar="LUFS|NAME", help=said)


def delivery(lufs: str | None) -> "Target | None":
    """What ``--lufs`` stands for."""
    from melancholia.mastering import target

    return None if lufs is None else target(lufs)


def output(help: str, *, required: bool = True, kind: type[str] | type[Path] = Path) -> Option:
    """``-o``; as text where it matters whether it ends in a slash."""
    return click.option("-o", "--output", "output", type=click.Path(path_type=kind), required=required, help=help)


def named_moods(sections: tuple[str, ...]) -> dict[str, str]:
    """Moods by section from texts as ``B=despair``."""
    from melancholia.errors import InputError

    for text in sections:
        if "=" not in text:
            raise InputError(f"section is {text!r}; allowed: a section and its mood, as B=despair.")
    return {name.strip(): mood.strip() for name, _, mood in (text.partition("=") for text in sections)}


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """A progress bar on stderr if that is a terminal, else nothing."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield lambda fraction, what: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, what: bar.update(task, completed=fraction, description=what)


def talk(message: str, *, quiet: bool = False) -> None:
    if not quiet:
        click.echo(one_line(message), err=True)
