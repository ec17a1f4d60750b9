"""The command line: parse, call the library, print, name the next command. One module a command.

Data goes to stdout, talk to stderr. Exit 0 done, 1 the work failed, 2 wrong call or wrong input, 130 interrupted.
"""

import io
import os
import sys
from importlib import import_module
from typing import Any

import click

from melancholia import interrupts
from melancholia.errors import MelancholiaError, one_line, shown

COMMANDS = (
    "make", "compose", "vary", "infill", "continue", "harmonise", "render", "apply", "master", "loudness", "score",
    "batch", "listener", "learn", "plugins", "moods", "racks", "instruments", "completion",
)  # fmt: skip
TOGETHER = {  # commands that share a module
    "lists": ("moods", "racks", "instruments"),
    "rewrite": ("vary", "infill", "continue", "harmonise"),
}
WORDS = {"continue": "continue_"}  # what Python keeps for itself


class Lazy(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = next((module for module, names in TOGETHER.items() if name in names), name)
        command: click.Command = getattr(import_module(f"melancholia.cli.{module}"), WORDS.get(name, name))
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from melancholia.errors import unknown

            raise unknown("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)


@click.command(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="With any command: --help explains it, --debug shows the traceback of a failure.",
)
@click.version_option(package_name="melancholia")
def cli() -> None:
    """Make sad music, master it, and prove that it is sad.

    \b
    melancholia make longing                a song: stems, master, verdict, report
    melancholia apply take.flac --rack longing -o wet.wav
    melancholia master wet.wav -o master.wav
    melancholia score master.wav --mood longing
    """


def run(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code; every failure is one line on stderr."""
    given, debug = without_debug(sys.argv[1:] if args is None else args)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # names of files are bytes, and need not be UTF-8
    try:
        with cli.make_context("melancholia", given or ["--help"]) as ctx:
            cli.invoke(ctx)
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as bare:
        click.echo(bare.format_message())
        return 0
    except (KeyboardInterrupt, click.Abort):
        return failed(f"interrupted; {interrupts.NOTHING_HALF}", 130)
    except click.ClickException as error:
        hint = f" Try 'melancholia {given[0]} --help'." if given and given[0] in COMMANDS else ""
        return failed(error.format_message() + hint, error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except MelancholiaError as error:
        if debug:
            raise
        return failed(str(error), error.exit_code)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and error.filename is not None:
            return failed(f"{shown(os.fsdecode(error.filename))}: {error.strerror}.", 2)
        if isinstance(error, OSError):  # no file of ours: what has a name is met above
            return failed(f"stdout cannot be written: {error.strerror or one_line(error)}.", 1)
        return failed(f"{type(error).__name__}: {one_line(error)} (a fault of ours; --debug shows where)", 1)


def without_debug(args: list[str]) -> tuple[list[str], bool]:
    """The arguments without ``--debug``, wherever it stands before a ``--``; and whether it did."""
    end = args.index("--") if "--" in args else len(args)
    kept = [arg for arg in args[:end] if arg != "--debug"]
    return [*kept, *args[end:]], len(kept) < end


def failed(message: str, code: int) -> int:
    with interrupts.whole():  # what fails because an interrupt takes its files away says nothing
        click.echo(f"melancholia: {one_line(message)}", err=True)
    return code
