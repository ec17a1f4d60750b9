"""Every example runs as it says, from anywhere, and writes what it promises."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import melancholia as mel
from melancholia import takes

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
README = Path(__file__).parents[2] / "README.md"
PLUGINS = Path("/usr/lib/vst3/ZamVerb.vst3")
SECONDS = 15
TONES = tuple(mel.Note(k, 1, 60 + step, 70) for k, step in enumerate((0, 2, 3, 7, 5, 3, 2, 0)))
TUNE = mel.Piece((mel.Part("tune", "melody", "felt_piano", TONES),), mel.TempoMap.steady(90))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path, monkeypatch, capsys):
    if "vst3:" in path.read_text() and not PLUGINS.is_dir():
        pytest.skip("needs Debian's zam-plugins")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules["melancholia.composition.compose"], "COMPARED_LEARNED", 1)
    monkeypatch.setattr(takes, "ROUNDS", 0)  # whether it is as sad as asked is told elsewhere
    said = re.search(rf"python examples/{path.name} ([^`]*)`", README.read_text())[1]
    given = {"OUT": "out", "take.wav": str(tmp_path / "take.wav"), "tune.mid": str(tmp_path / "tune.mid")}
    soundfile.write(given["take.wav"], 0.1 * np.random.default_rng(0).normal(size=(SECONDS * 48_000, 2)), 48_000)
    mel.save_midi(TUNE, given["tune.mid"])
    args = [given.get(word, word) for word in said.split()]
    monkeypatch.setattr(sys, "argv", [str(path), *args, "--seconds", str(SECONDS)])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out
    assert soundfile.info(tmp_path / "out" / "master.wav").duration >= SECONDS * 0.98


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_explained_and_listed(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    assert f"python examples/{path.name}" in text.split('"""')[1]
    assert f"examples/{path.name}" in README.read_text()
