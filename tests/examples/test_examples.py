"""Every example runs as it says, from anywhere, and writes what it promises."""

import runpy
import sys
from pathlib import Path

import pytest
import soundfile

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
README = Path(__file__).parents[2] / "README.md"
SECONDS = 16


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), "--seconds", str(SECONDS), "out"])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out
    assert soundfile.info(tmp_path / "out" / "master.wav").duration >= SECONDS * 0.98


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_explained_and_listed(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    assert f"python examples/{path.name}" in text.split('"""')[1]
    assert f"examples/{path.name}" in README.read_text()
