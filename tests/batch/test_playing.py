"""MIDI files become folders of stems: each once, in the tree of the sources, as ``render`` makes them."""

import json
import os
import shutil
from pathlib import Path

import mido
import pytest
import soundfile

from melancholia import batch
from melancholia.cli import run
from melancholia.errors import InputError
from tests.batch.test_command import on_the_spot

__all__ = ["on_the_spot"]

PLAYED = ["--sample-rate", "8000", "--seed", "3"]


def tune(path, pitches=(69, 72, 71, 69), drums=False):
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack())
    for pitch in pitches:
        file.tracks[0] += [mido.Message("note_on", note=pitch, velocity=60, time=0)]
        file.tracks[0] += [mido.Message("note_off", note=pitch, time=480)]
    if drums:
        file.tracks.append(mido.MidiTrack([mido.Message("note_on", channel=9, note=36, velocity=90, time=0)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tune(tmp_path / "in" / "one.mid")
    tune(tmp_path / "in" / "deep" / "two.MID", (60, 64, 67), drums=True)
    (tmp_path / "in" / "bad.mid").write_bytes(b"MThd no more")
    (tmp_path / "in" / "readme.txt").write_text("no music")
    return tmp_path


def rows(folder="out"):
    lines = Path(folder, "manifest.jsonl").read_text().splitlines()
    return {Path(row["input"]).name: row for row in map(json.loads, lines)}


def test_each_file_is_a_folder_of_the_stems_that_render_makes(here, capsys, on_the_spot):
    assert run(["batch", "in", "--work", "stems", "--mood", "despair", *PLAYED, "-o", "out", "--no-report"]) == 1
    said = capsys.readouterr()
    assert "bad.mid" in said.err and "2 done, 1 failed" in said.out
    found = rows()
    assert {name: row["status"] for name, row in found.items()} == {
        "one.mid": "done", "two.MID": "done", "bad.mid": "failed",
    }  # fmt: skip
    assert found["two.MID"]["output"] == "deep/two" and found["one.mid"]["figures"]["stems"] >= 1
    assert run(["render", "in/one.mid", "--mood", "despair", *PLAYED, "-o", "alone"]) == 0
    for path in Path("alone").glob("*.wav"):
        assert path.read_bytes() == Path("out/one", path.name).read_bytes()
    assert sorted(os.listdir("out/one")) == sorted([*os.listdir("alone")])
    recipe = json.loads(Path("out/one/recipe.json").read_text())
    assert recipe["asked"]["mood"] == "despair" and set(recipe["made"]) == {p.name for p in Path("alone").glob("*.wav")}


def test_what_is_done_is_not_done_again_and_what_is_missing_is(here, capsys, on_the_spot):
    (here / "in" / "bad.mid").unlink()
    asked = ["batch", "in", "--work", "stems", *PLAYED, "-o", "out", "--no-report"]
    assert run(asked) == 0 and run(asked) == 0
    assert "2 were done before" in capsys.readouterr().out
    shutil.rmtree("out/one")
    assert run(asked) == 0
    assert "1 done, 1 were done before" in capsys.readouterr().out
    stem = next(Path("out/deep/two").glob("01-*.wav"))
    before = stem.read_bytes()
    assert run([*asked, "--transpose", "3"]) == 0 and stem.read_bytes() != before
    assert soundfile.info(stem).samplerate == 8000


def test_a_folder_that_was_changed_is_somebodys(here, capsys, on_the_spot):
    asked = ["batch", "in/one.mid", "--work", "stems", *PLAYED, "-o", "out", "--no-report"]
    assert run(asked) == 0
    Path("out/one/notes.txt").write_text("mine")
    assert run([*asked, "--tempo", "2"]) == 1
    assert Path("out/one/notes.txt").read_text() == "mine" and "out/one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"mood": "lnging"}, "Did you mean 'longing'"),
        ({"mood": "longing", "instruments": ["chello"]}, "Did you mean 'cello'"),
        ({"instruments": ["cello"]}, "without a mood"),
        ({"transpose": 99}, "transpose is 99"),
        ({"tempo": 9}, "tempo factor is 9"),
        ({"rate": 1}, "sample rate is 1 Hz"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(here, asked, words):
    with pytest.raises(InputError, match=words):
        batch.stems("in", **asked)


def test_an_option_of_stems_has_no_meaning_elsewhere(here, capsys):
    assert run(["batch", "in", "--transpose", "3", "-o", "out"]) == 2
    assert "--transpose is given with --work master; allowed: with stems" in capsys.readouterr().err
