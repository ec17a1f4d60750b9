"""A MIDI file is varied, filled, gone on with and harmonised from the command line; what is there stays."""

import os

import pytest

from melancholia.cli import run
from melancholia.midi import load_midi, save_midi
from melancholia.piece import Note, Part, Piece, TempoMap
from tests.children import CLI
from tests.tunes import GREENSLEEVES

WAYS = {
    "vary": ["--amount", "0.5"],
    "infill": ["--bars", "5-6"],
    "continue": ["--seconds", "15"],
    "harmonise": ["--instruments", "cello,harp"],
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_midi(GREENSLEEVES, "tune.mid")
    return tmp_path


@pytest.mark.parametrize("way", WAYS)
def test_a_file_is_written_and_its_seed_said(here, capsys, way):
    asked = [way, "tune.mid", "--mood", "longing", *WAYS[way]]
    assert run([*asked, "-o", "one.mid"]) == 0
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("A minor, ")
    played = way == "harmonise"  # the others leave it to whom it is given
    assert f"next: melancholia render one.mid{'' if played else ' --mood longing'} -o stems" in said.err
    seed = said.err.partition("seed ")[2].partition(";")[0]
    assert run([*asked, "--seed", seed, "-q", "-o", "two.mid"]) == 0
    assert capsys.readouterr() == ("", "")
    assert (here / "one.mid").read_bytes() == (here / "two.mid").read_bytes() != (here / "tune.mid").read_bytes()
    assert all(bool(part.instrument) is played for part in load_midi("one.mid").parts)
    before = (here / "one.mid").read_bytes()
    assert run([*asked, "--seed", "5", "-o", "one.mid"]) == 2
    assert "one.mid" in capsys.readouterr().err and (here / "one.mid").read_bytes() == before
    assert run([*asked, "--seed", "5", "-q", "-o", "one.mid", "--force"]) == 0
    assert (here / "one.mid").read_bytes() != before


@pytest.mark.parametrize(
    "args, said",
    [
        (["infill", "tune.mid", "--mood", "longing"], "nothing is to be written anew; allowed: bars, parts, or both."),
        (["infill", "tune.mid", "--mood", "longing", "--bars", "3-99"], "last bar is 99; allowed: 1 to 16."),
        (["infill", "tune.mid", "--mood", "longing", "--bars", "0"], "first bar is 0; allowed: 1 to 16."),
        (["infill", "tune.mid", "--mood", "longing", "--bars", "a-b"], "--bars is 'a-b'; allowed: FIRST-LAST, as 5-8."),
        (["infill", "tune.mid", "--mood", "longing", "--part", "harp"], "Unknown part 'harp'"),
        (["vary", "tune.mid", "--mood", "longing", "--amount", "2"], "amount is 2; allowed: 0 to 1."),
        (["vary", "tune.mid", "--mood", "loging"], "Did you mean 'longing'?"),
        (["vary", "tune.mid"], "Missing option '--mood'"),
        (["vary", "tune.mid", "--mood", "loss", "--composer", "planned"], "composer is planned; allowed: learned"),
        (["continue", "tune.mid", "--mood", "loss", "--seconds", "5"], "seconds is 5 s; allowed: 15 to 600 s."),
        (["harmonise", "tune.mid", "--mood", "loss", "--instruments", "oboe"], "Unknown instrument 'oboe'"),
        (["harmonise", "nix.mid", "--mood", "loss"], "nix.mid does not exist"),
        (["harmonise", "drums.mid", "--mood", "loss"], "the piece holds no tune"),
    ],
)
def test_what_cannot_be_is_one_line_and_no_file(here, capsys, args, said):
    save_midi(Piece((Part("kit", "percussion", "brushes", (Note(0, 1, 60, 80),)),), TempoMap.steady(80)), "drums.mid")
    assert run([*args, "-o", "out.mid"]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not (here / "out.mid").exists()
    assert run([*args, "-o", "out.wav"]) == 2 and not (here / "out.wav").exists()


def test_it_reads_stdin_and_writes_stdout(here, children):
    script = '"$0" -m melancholia vary - --mood loss --seed 1 -o - < tune.mid > out.mid'
    done = children.run("bash", "-c", script, CLI[0], cwd=here)
    assert done.returncode == 0 and "next:" not in done.stderr
    assert load_midi("out.mid").parts and sorted(os.listdir(here)) == ["out.mid", "tune.mid"]
