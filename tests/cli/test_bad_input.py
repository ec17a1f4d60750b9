"""Bad input gets one clear line, the right exit code, and nothing half-written."""

import os

import numpy as np
import pytest
import soundfile

from melancholia.cli import COMMANDS, run
from tests.children import CLI


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write("tone.wav", 0.1 * np.sin(np.arange(48_000) / 20), 48_000)
    soundfile.write("nan.wav", np.full((48_000, 2), np.nan, "float32"), 48_000, subtype="FLOAT")
    (tmp_path / "typo.toml").write_text('schema = 1\nname = "x"\n[[insert.any]]\neffect = "Reverbb"\n')
    (tmp_path / "not.sf2").write_text("no font")
    (tmp_path / "not.mid").write_text("no notes")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("mine")
    return tmp_path


BAD = {
    "no such command": (["maek"], "Did you mean 'make'?"),
    "no such option": (["make", "longing", "--tempo", "3"], "No such option"),
    "unknown mood": (["make", "melancoly", "-o", "out"], "Did you mean 'melancholy'?"),
    "intensity": (["make", "longing", "--intensity", "1.2", "-o", "out"], "1.2; allowed: 0 to 1"),
    "intensity curve": (["make", "longing", "--intensity", "0:0.2,0.6:x", "-o", "out"], "'x'; allowed: a number"),
    "intensity curve backwards": (["make", "longing", "--intensity", "0.6:1,0.2:0", "-o", "out"], "points in order"),
    "blend of an unknown mood": (["make", "nostalgia:0.6,dispair:0.4", "-o", "out"], "Did you mean 'despair'?"),
    "blend of a bad weight": (["make", "nostalgia:much,despair:0.4", "-o", "out"], "'much'; allowed: a number"),
    "blend below nothing": (["make", "nostalgia:-1,despair:2", "-o", "out"], "-1; allowed: 0 to 1000"),
    "blend of nothing": (["make", "nostalgia:0,despair:0", "-o", "out"], "no weight above 0"),
    "blend of one mood twice": (["make", "loss:1,loss:2", "-o", "out"], "stands twice"),
    "section unknown": (["make", "longing", "--section", "Z=despair", "-o", "out"], "Unknown section 'Z'"),
    "section without a mood": (["make", "longing", "--section", "B", "-o", "out"], "as B=despair"),
    "section of an unknown mood": (
        ["make", "longing", "--section", "B=dispair", "-o", "out"],
        "Did you mean 'despair'?",
    ),
    "section that is not there": (
        ["make", "longing", "--seconds", "15", "--section", "C=loss", "-o", "out"],
        "'C' is not",
    ),
    "setting unknown": (["make", "longing", "--setting", "flim", "-o", "out"], "Did you mean 'film'?"),
    "hits of a song": (["make", "longing", "--hits", "12", "-o", "out"], "allowed: setting 'film'"),
    "dialogue of a loop": (["make", "loss", "--setting", "loop", "--dialogue", "2-3", "-o", "out"], "setting 'film'"),
    "hits that are none": (["make", "loss", "--setting", "film", "--hits", "12,b", "-o", "out"], "hit is 'b'"),
    "hits backwards": (["make", "loss", "--setting", "film", "--hits", "12,9", "-o", "out"], "seconds in order"),
    "hits too close": (["make", "loss", "--setting", "film", "--hits", "12,12.5", "-o", "out"], "0.5 s apart"),
    "hits closer than a bar": (
        ["make", "loss", "--setting", "film", "--hits", "20,22.2", "--metre", "4/4", "--bpm", "40", "-o", "out"],
        "do not meet",
    ),
    "hits behind the end": (["make", "loss", "--setting", "film", "--hits", "20,95", "-o", "out"], "the last by 82 s"),
    "two climaxes": (["make", "loss", "--setting", "film", "--hits", "20!,40!", "-o", "out"], "marked '!'"),
    "dialogue backwards": (["make", "loss", "--setting", "film", "--dialogue", "30-20", "-o", "out"], "no span"),
    "dialogue behind the end": (["make", "loss", "--setting", "film", "--dialogue", "80-95", "-o", "out"], "0 to 90 s"),
    "seconds below": (["make", "longing", "--seconds", "-3", "-o", "out"], "allowed: 15 to 600"),
    "seconds above": (["make", "longing", "--seconds", "1e6", "-o", "out"], "allowed: 15 to 600"),
    "seed": (["make", "longing", "--seed", "-1", "-o", "out"], "seed is -1"),
    "key": (["make", "longing", "--key", "H minor", "-o", "out"], "H minor"),
    "bpm": (["make", "longing", "--bpm", "1000", "-o", "out"], "1000"),
    "metre": (["make", "longing", "--metre", "4/5", "-o", "out"], "4/5"),
    "composer": (["make", "longing", "--composer", "lerned", "-o", "out"], "Did you mean 'learned'?"),
    "composer that is no model": (
        ["compose", "loss", "--composer", "no.npz", "-o", "out.mid"],
        "no.npz does not exist",
    ),
    "sample rate": (["make", "longing", "--sample-rate", "10", "-o", "out"], "10 Hz; allowed"),
    "instrument": (["make", "longing", "--instruments", "felt_pinao", "-o", "out"], "Did you mean 'felt_piano'?"),
    "soundfont that is none": (["make", "longing", "--instruments", "soundfont:not.sf2#0,0", "-o", "out"], "not.sf2"),
    "soundfont missing": (["make", "longing", "--instruments", "soundfont:no.sf2#0,0", "-o", "out"], "no.sf2"),
    "a folder of mine": (["make", "longing", "-o", "mine"], "exists already"),
    "a folder of mine, forced": (["make", "longing", "-o", "mine", "--force"], "mine is not a song of ours"),
    "compose nowhere": (["compose", "longing", "-o", "none/out.mid"], "none is no folder"),
    "midi that is none": (["render", "not.mid", "-o", "out"], "not.mid"),
    "midi missing": (["render", "no.mid", "-o", "out"], "no.mid does not exist"),
    "rack unknown": (["apply", "tone.wav", "--rack", "longin", "-o", "out"], "Did you mean 'longing'?"),
    "rack with a typo": (["apply", "tone.wav", "--rack", "typo.toml", "-o", "out.wav"], "typo.toml:4"),
    "rack over NaN": (["apply", "nan.wav", "--rack", "longing", "-o", "out.wav"], "NaN or infinity"),
    "master NaN": (["master", "nan.wav", "-o", "out.wav"], "NaN or infinity"),
    "master a folder": (["master", ".", "-o", "out.wav"], "is a folder"),
    "master onto itself": (["master", "tone.wav", "-o", "tone.wav"], "is the source itself"),
    "master too loud": (["master", "tone.wav", "--lufs", "3", "-o", "out.wav"], "3"),
    "master to a strange suffix": (["master", "tone.wav", "-o", "out.xyz"], "unknown suffix"),
    "score nothing": (["score", "no.wav"], "no.wav does not exist"),
    "score check without mood": (["score", "tone.wav", "--check"], "--check needs --mood"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_2(here, capfd, name):
    args, said = BAD[name]
    before = sorted(os.listdir(here))
    assert run(args) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0], lines
    assert sorted(os.listdir(here)) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    assert run([command, "--help"]) == 0
    assert "Usage: melancholia" in capsys.readouterr().out


def test_help_loads_nothing_heavy(children):
    code = "import sys; from melancholia.cli import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = children.python(code)
    heavy = {"numpy", "scipy", "numba", "librosa", "pedalboard", "soundfile", "rich", "mido", "matplotlib"}
    assert done.returncode == 0 and not heavy & set(done.stderr.split())


def test_a_folder_that_cannot_be_written_is_said(here, children):
    """/proc takes no new folder, not even from root."""
    done = children.run(*CLI, "make", "longing", "-o", "/proc/song")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "/proc/song cannot be written" in done.stderr


def test_a_disk_that_fills_up_leaves_nothing(here, children):
    """A limit on the size of a file stands for the full disk."""
    limit = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += (
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)); from melancholia.__main__ import main; main()"
    )
    for args in (["make", "longing", "--seconds", "15", "-o", "out"], ["master", "long.wav", "-o", "out.wav"]):
        soundfile.write("long.wav", 0.1 * np.sin(np.arange(480_000) / 20), 48_000)
        before = sorted(os.listdir(here))
        done = children.python(limit, *args)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
        assert "cannot be written" in done.stderr and sorted(os.listdir(here)) == before


FULL = [
    (["make", "longing", "--seconds", "15", "--seed", "1", "-o", "disk/out"], "3m"),
    (["master", "long.wav", "--bit-depth", "24", "-o", "disk/out.wav"], "1m"),
]


@pytest.mark.parametrize("args, size", FULL)
def test_a_full_disk_is_said_in_one_line(here, children, args, size):
    """A real file system of a few MiB, mounted in a namespace of its own."""
    mount = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        f'mount -t tmpfs -o size={size} none disk && "$@"; code=$?; ls disk; exit $code',
        "sh",
    ]
    (here / "disk").mkdir()
    if children.run(*mount, "true").returncode:
        pytest.skip("no file system can be mounted here")
    soundfile.write("long.wav", 0.1 * np.sin(np.arange(480_000) / 20), 48_000)
    done = children.run(*mount, *CLI, *args)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "No space left" in done.stderr and done.stdout == ""
