"""Of several processes that use librosa for the first time one compiles at a time: two would tear numba's cache."""

import json
import sys
import tempfile
import time
from pathlib import Path

import pytest
from filelock import FileLock

from melancholia.analysis import first_use

USE = "import numpy as np; from melancholia.analysis import analyse; from melancholia.audio import audio\n"
USE += "analyse(audio(np.random.default_rng(0).normal(0, 0.1, 96_000), 48_000)); print('heard')"


@pytest.fixture
def fresh(tmp_path):
    """The environment of a machine on which nothing was ever compiled."""
    return {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def files(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


@pytest.mark.long
def test_processes_that_start_together_compile_one_at_a_time(tmp_path, children, fresh):
    (tmp_path / "cache").mkdir()
    code = "from melancholia.analysis import first_use as f; print(f.cache_folder() / f.facts())"
    name = children.python(code, env=fresh).stdout.strip()
    with FileLock(f"{name}.lock"):  # we are the one that compiles
        together = [children.start(sys.executable, "-c", USE, env=fresh) for _ in range(2)]
        time.sleep(3)
        assert not any(child.process.poll() for child in together) and not (tmp_path / "numba").exists()
    assert [child.wait().stdout for child in together] == ["heard\n"] * 2
    assert len(json.loads(Path(f"{name}.json").read_text())) > 1
    compiled = files(tmp_path / "numba")
    with FileLock(f"{name}.lock"):  # all is compiled: nobody waits any more, and using it adds nothing
        assert children.run(sys.executable, "-c", USE, env=fresh, timeout=60).stdout == "heard\n"
    assert files(tmp_path / "numba") == compiled


def test_a_note_of_another_state_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    note = tmp_path.parent / "note.json"
    note.write_text(json.dumps(first_use.state_of_cache()))
    assert first_use.left_as_noted(note)
    (tmp_path / "more").write_text("compiled by somebody else")
    assert not first_use.left_as_noted(note)
    note.write_text("{")
    assert not first_use.left_as_noted(note) and not first_use.left_as_noted(tmp_path / "none.json")


def test_where_the_cache_cannot_be_written_the_temporary_folder_serves(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    assert first_use.cache_folder() == tmp_path / "melancholia-cache"
