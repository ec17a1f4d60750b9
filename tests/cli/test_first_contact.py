"""The first minutes at a terminal: help that can be read, completion, a word where something is in the way."""

import os
import re

import pytest

from melancholia.cli import COMMANDS, run
from melancholia.cli.completion import ASKS, SHELLS
from melancholia.orchestra import INSTRUMENTS
from melancholia.profile import moods
from melancholia.racks import names as racks
from tests.children import CLI, all_said


def test_a_bare_call_shows_its_help_line_by_line(capsys):
    assert run([]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert said.err == "" and len(lines) > 15 and all(len(line) <= 100 for line in lines)
    assert all(any(line.strip().startswith(f"{command} ") for line in lines) for command in COMMANDS)


def test_a_group_without_its_command_shows_its_help(capsys):
    assert run(["listener"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


@pytest.mark.parametrize(
    "args", [["--debug", "make", "loging"], ["make", "--debug", "loging"], ["make", "loging", "--debug"]]
)
def test_debug_stands_anywhere(args):
    with pytest.raises(ValueError, match="Unknown mood 'loging'"):
        run(args)


def test_debug_behind_two_dashes_is_a_name(capsys):
    assert run(["score", "--", "--debug"]) == 2
    assert "--debug does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_script_asks_as_we_answer(capsys, shell):
    assert run(["completion", shell]) == 0
    assert ASKS in capsys.readouterr().out


def test_an_unknown_shell_is_refused(capsys):
    assert run(["completion", "tcsh"]) == 2
    assert "tcsh" in capsys.readouterr().err


COMPLETED = {
    "melancholia ma": {"make", "master"},
    "melancholia make ": set(moods()),
    "melancholia make lon": {name for name in moods() if name.startswith("lon")},
    "melancholia score a.wav --mood s": {name for name in moods() if name.startswith("s")},
    "melancholia apply a.wav --rack ": set(racks()),
    "melancholia make longing --rack d": {name for name in racks() if name.startswith("d")},
    "melancholia make longing --instruments cello,felt": {f"cello,{n}" for n in INSTRUMENTS if n.startswith("felt")},
    "melancholia master --lu": {"--lufs"},
}


@pytest.mark.parametrize("line", COMPLETED)
def test_tab_completes(children, line):
    words = line.split(" ")
    asked = {ASKS: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = children.run(*CLI, env=asked)
    assert {word.split(",", 1)[1] for word in done.stdout.split()} == COMPLETED[line]


def test_bash_takes_the_script(children):
    script = 'eval "$("$0" -m melancholia completion bash)" && complete -p melancholia'
    done = children.run("bash", "-c", script, CLI[0])
    assert done.returncode == 0 and "melancholia" in done.stdout


def test_a_progress_bar_says_percent_and_what_is_left(children):
    import pty

    ours, theirs = pty.openpty()
    asked = "make longing --seconds 15 --seed 1 --composer planned -o song".split()
    child = children.start(*CLI, *asked, cwd=children.home, stderr=theirs)
    os.close(theirs)
    said = all_said(ours)
    assert child.wait().returncode == 0
    assert re.search(rb"[1-9]\d%", said) and b"left" in said and b"0:00:0" in said
