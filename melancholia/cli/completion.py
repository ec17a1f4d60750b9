"""``melancholia completion``: what bash, zsh or fish need so that Tab completes commands, options, moods and racks."""

import os
import sys

import click
from click.shell_completion import CompletionItem, get_completion_class, shell_complete

ASKS = "_MELANCHOLIA_COMPLETE"  # how the shell asks
SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash   eval "$(melancholia completion bash)"      in ~/.bashrc
    zsh    eval "$(melancholia completion zsh)"       in ~/.zshrc
    fish   melancholia completion fish > ~/.config/fish/completions/melancholia.fish
    """
    from melancholia.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "melancholia", ASKS).source())


def complete() -> None:
    """Answer the shell and end, where it asks."""
    if ASKS in os.environ:
        from melancholia.cli import cli

        sys.exit(shell_complete(cli, {}, "melancholia", ASKS, os.environ[ASKS]))


def starting(names: list[str], incomplete: str) -> list[CompletionItem]:
    """Those names that begin so; behind the last comma of a list."""
    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]


def moods(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from melancholia.profile import moods

    return starting(list(moods()), incomplete)


def plugins(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from melancholia.hosting.bundles import installed

    return starting([path.stem for path in installed()], incomplete)


def racks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from melancholia.racks import names

    return starting(list(names()), incomplete)


def instruments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from melancholia.instruments import names

    return starting(list(names()), incomplete)
