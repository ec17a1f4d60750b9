"""Everything is imported before threads start: an import in a thread that meets an interrupt can hang for ever."""

import sys

import pytest
import soundfile

from tests.analysis.test_analyse import MINOR, melody

WATCHED = """
import sys, threading
class Watch:
    found = []
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            self.found.append(name)
sys.meta_path.insert(0, Watch())
from melancholia.cli import run
code = run(sys.argv[1:])
print("in threads:", *Watch.found)
sys.exit(code)
"""
COMMANDS = {
    "make": (
        "make",
        "nostalgia",
        "--seconds",
        "15",
        "--seed",
        "3",
        "--composer",
        "planned",
        "-o",
        "out",
    ),  # its rack has every kind of effect
    "film": tuple("make despair --setting film --dialogue 5-9 --seconds 15 --seed 1 --no-report -o out".split()),
    "apply": ("apply", "take.wav", "--rack", "nostalgia", "-o", "wet.wav"),
    "master": ("master", "take.wav", "-o", "loud.flac"),
    "score": ("score", "take.wav", "--mood", "loss", "--plot", "curve.png"),
}


@pytest.mark.parametrize(
    "command", [pytest.param(c, marks=pytest.mark.long) if c in ("make", "film") else c for c in COMMANDS]
)
def test_nothing_is_imported_in_a_thread(command, tmp_path, children):
    music = melody(MINOR, seconds=6)
    soundfile.write(tmp_path / "take.wav", music.samples.T, music.rate)
    done = children.run(sys.executable, "-c", WATCHED, *COMMANDS[command], cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "in threads:", done


MOVING = """schema = 1
name = "moving"
[[insert.any]]
effect = "Tremolo"
params = { rate_hz = 4, depth = 0.5 }
"""
STEMS = """
import numpy as np, melancholia as mel
from melancholia.audio import audio
sound = audio(np.random.default_rng(0).normal(0, 0.1, (2, 48_000)), 48_000)
stems = mel.Stems({name: mel.Stem("melody", "cello", sound) for name in ("a", "b")})
mel.apply(stems, rack="moving.toml")
"""


def test_effects_of_our_own_are_imported_before_stems_go_through_them(tmp_path, children):
    (tmp_path / "moving.toml").write_text(MOVING)
    watched = WATCHED.replace("from melancholia.cli import run\ncode = run(sys.argv[1:])\n", STEMS + "code = 0\n")
    assert STEMS in watched
    done = children.python(watched, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "in threads:\n", done
