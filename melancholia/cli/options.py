"""Options that several commands share, and how progress is shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

Progress = Callable[[float, str], None]

Option = Callable[[Any], Any]

quiet: Option = click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result.")
as_json: Option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
intensity: Option = click.option(
    "--intensity", type=float, default=0.7, show_default=True, help="0 (barely) to 1 (wholly)."
)
force: Option = click.option("--force", is_flag=True, help="Replace what stands there, if it is ours.")


def output(help: str, *, required: bool = True) -> Option:
    return click.option("-o", "--output", "output", type=click.Path(path_type=Path), required=required, help=help)


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """A progress bar on stderr if that is a terminal, else nothing."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield lambda fraction, what: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, what: bar.update(task, completed=fraction, description=what)


def talk(message: str, *, quiet: bool = False) -> None:
    if not quiet:
        click.echo(message, err=True)
