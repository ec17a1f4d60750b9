"""A CSV with a song a line is a folder of songs; a line that cannot be is named before any work is done."""

import json
import os
from pathlib import Path

import pytest

import melancholia as mel
from melancholia import batch, takes
from melancholia.batch.catalogue import COLUMNS
from melancholia.cli import run
from melancholia.cli.make import make as make_command
from melancholia.song import make_folder
from tests.batch.test_command import on_the_spot

__all__ = ["on_the_spot"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(text, name="songs.csv"):
    Path(name).write_text(text, encoding="utf-8")
    return name


def asked(*lines, columns="mood,seconds,seed"):
    return batch.songs(written("\n".join([columns, *lines]) + "\n"))


def test_a_line_is_a_job_with_all_that_make_takes(here):
    mel.save_midi(mel.compose(mel.profile("longing"), seconds=15, seed=1), "tune.mid")
    (job,) = asked(
        'longing,a/b,"0:0.2,1:0.8",20,7,A minor,60,3/4,cello;felt_piano,despair,,learned,B=loss;C=despair,film,'
        '"9,14!",2-4,44100',
        columns=",".join(COLUMNS),
    )
    assert job.output == "a/b" and job.name == f"{here}/songs.csv#a/b" and job.source is None
    assert job.work.asked == {
        "mood": "longing", "intensity": "0:0.2,1:0.8", "seconds": 20.0, "seed": 7, "key": "A minor", "bpm": 60.0,
        "metre": "3/4", "instruments": ("cello", "felt_piano"), "rack": "despair", "composer": "learned",
        "setting": "film", "sections": {"B": "loss", "C": "despair"}, "hits": "9,14!", "dialogue": "2-4",
        "rate": 44_100,
    }  # fmt: skip


def test_every_column_is_an_option_of_make(here):
    options = {option.name for option in make_command.params} | {"name"}
    assert {"rate": "sample_rate"}.keys() <= set(COLUMNS) and set(COLUMNS) - {"rate"} <= options


def test_what_is_left_out_is_what_make_takes_and_a_seed_comes_from_the_line(here):
    first, second, third = asked("longing,,a", "loss,,b", "longing,20,c", columns="mood,seconds,name")
    assert first.work.asked["seconds"] == 90 and first.work.asked["rate"] == 48_000
    seeds = [job.work.asked["seed"] for job in (first, second, third)]
    assert len(set(seeds)) == 3
    assert [job.work.asked["seed"] for job in asked("longing,,a", columns="mood,seconds,name")] == seeds[:1]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffmood,seed\nlonging,1\n",
        "mood, seed\r\nlonging , 1\r\n,\r\n\r\n",
        "seed,mood\n1,longing\n",
        "mood;seed\nlonging;1\n",
    ],
)
def test_csv_as_programs_write_it(here, text):
    (job,) = batch.songs(written(text))
    assert job.output == "longing-1"


@pytest.mark.parametrize(
    "lines, columns, said",
    [
        (["longin,20,1"], None, r"songs.csv:2: Unknown mood 'longin'.*Did you mean 'longing'"),
        (["longing,20,1", "loss,5,1"], None, r"songs.csv:3: seconds is 5 s; allowed: 15 to 600 s"),
        (["longing,abc,1"], None, r"songs.csv:2: seconds is 'abc'; allowed: a number"),
        (["longing,20,1.5"], None, r"seed is '1.5'; allowed: a whole number"),
        (["longing,20,-1"], None, r"seed is -1; allowed: 0 to"),
        ([",20,1"], None, r"mood is empty"),
        (["longing,20"], None, r"songs.csv:2: has not as many values as there are columns \(3\)"),
        (["longing,20,1,9"], None, r"songs.csv:2: has not as many values"),
        (["longing,20,1", "longing,30,1"], None, r"songs.csv:3: longing-1 is, or lies in, the folder of line 2"),
        (["longing,a,1", "longing,a/b,1"], "mood,name,seed", r"a/b is, or lies in, the folder of line 2"),
        (["longing,a/b,1", "longing,a,1"], "mood,name,seed", r"a is, or lies in, the folder of line 2"),
        (["longing,../up,1"], "mood,name,seed", r"name is '../up'; allowed: a folder below the output folder"),
        (["longing,/up,1"], "mood,name,seed", r"name is '/up'"),
        (["longing,.hidden,1"], "mood,name,seed", r"name is '.hidden'"),
        (["longing,manifest.jsonl,1"], "mood,name,seed", r"manifest.jsonl is the batch's own"),
        (["longing,Summary.HTML,1"], "mood,name,seed", r"Summary.HTML is the batch's own"),
        (["longing,a\0b,1"], "mood,name,seed", r"name is 'a.x00b'"),
        ([f"longing,{'n' * 300},1"], "mood,name,seed", r"name is 'nnn"),
        (["longing,H"], "mood,key", r"H"),
        (["longing,999"], "mood,bpm", r"bpm is 999"),
        (["longing,7/9"], "mood,metre", r"metre is '7/9'"),
        (["longing,kazoo"], "mood,instruments", r"Unknown instrument 'kazoo'"),
        (["longing,none"], "mood,rack", r"Unknown rack 'none'"),
        (["longing,no.mid"], "mood,theme", r"no.mid"),
        (["longing,lerned"], "mood,composer", r"Did you mean 'learned'"),
        (["longing,B"], "mood,sections", r"sections is 'B'; allowed: as B=despair"),
        (["longing,3"], "mood,hits", r"hits are given for the setting 'song'"),
        (["longing,2"], "mood,intensity", r"intensity is 2"),
        (["longing,5"], "mood,rate", r"sample rate is 5 Hz"),
        (["longing,20"], "mood,second", r"unknown column 'second'.*Did you mean 'seconds'"),
        (["20"], "seconds", r"has the columns seconds; allowed: mood"),
        (["longing,loss"], "mood,mood", r"has the columns mood, mood"),
        ([], None, r"has no line below its columns"),
    ],
)
def test_a_line_that_cannot_be_is_named(here, capsys, on_the_spot, lines, columns, said):
    name = written("\n".join([columns or "mood,seconds,seed", *lines]) + "\n")
    with pytest.raises(mel.InputError, match=said):
        batch.songs(name)
    assert run(["batch", name, "--work", "make", "-o", "out"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1 and not Path("out").exists()


@pytest.mark.parametrize("bytes_", [b"", b"\xff\xfe\x00", b'mood\n"longing\n'])
def test_what_is_no_catalogue_is_said(here, bytes_):
    Path("songs.csv").write_bytes(bytes_)
    with pytest.raises(mel.InputError):
        batch.songs("songs.csv")
    with pytest.raises(mel.InputError, match="cannot be read: No such file"):
        batch.songs("none.csv")


@pytest.mark.long
def test_a_song_of_a_line_is_the_song_that_make_makes_and_is_made_once(here, capsys, on_the_spot, monkeypatch):
    monkeypatch.setattr(takes, "ROUNDS", 0)
    call = ["batch", written("mood,seconds,seed,intensity\nlonging,15,3,0.6\n"), "--work", "make", "-o", "out", "-q"]
    assert run([*call, "--no-report"]) == 0
    song = Path("out/longing-3")
    make_folder(Path("alone"), "longing", seconds=15, seed=3, intensity="0.6", report=False)
    assert json.loads((song / "recipe.json").read_text()) == json.loads(Path("alone/recipe.json").read_text())
    (row,) = batch.read_manifest("out")
    score = json.loads((song / "score.json").read_text())
    assert (row.verdict["sadness"], row.verdict["matched"]) == (score["sadness"], score["matched"])
    assert row.figures["seed"] == 3 and row.source == {"sha256": ""}

    was = (song / "recipe.json").stat().st_mtime_ns
    capsys.readouterr()
    assert run([*call, "--no-report"]) == 0 and "0 done, 1 were done before" in capsys.readouterr().out
    assert (song / "recipe.json").stat().st_mtime_ns == was

    os.truncate("out/manifest.jsonl", 0)  # as a kill between folder and row leaves it
    (song / "notes.txt").write_text("mine")
    assert run([*call, "--no-report"]) == 1 and "is not an output of this batch" in capsys.readouterr().out
    (song / "notes.txt").unlink()
    assert run([*call, "--no-report"]) == 0 and "1 done" in capsys.readouterr().out
    assert [path.name for path in Path("out").glob(".*.part")] == []


def test_only_where_it_is_strict_a_song_that_does_not_match_counts(here):
    from melancholia.batch.attempt import there

    row = batch.Row("a", "done", verdict={"matched": False})
    for strict in (False, True):
        (job,) = batch.songs(written("mood,seed\nlonging,1\n"), strict=strict)
        assert there(row, job, kept=False).unmatched is strict


def test_verdicts_of_many_files_are_json_beside_their_names(here, capsys, on_the_spot):
    import soundfile

    from tests.analysis.test_analyse import MINOR, melody

    Path("in").mkdir()
    soundfile.write("in/a.wav", melody(MINOR, pace=0.8).samples.T, 22_050)
    Path("in/b.wav").write_text("no sound")
    assert run(["batch", "in", "--work", "score", "-o", "out", "--gate", "despair", "-q"]) == 1
    said = json.loads(Path("out/a.wav.json").read_text())
    wanted = mel.score("in/a.wav", mel.profile("despair", 0.7))
    assert said == json.loads(json.dumps(wanted.to_dict()))
    rows = {Path(row.input).name: row for row in batch.read_manifest("out")}
    assert rows["b.wav"].status == "failed" and rows["a.wav"].verdict["matched"] == wanted.matched
    assert "sadness" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args, said",
    [
        (["in", "--work", "score", "--rack", "longing"], "--rack is given with --work score; allowed: with master"),
        (["in", "--work", "score", "--format", "wav"], "--format is given with --work score"),
        (
            ["a.csv", "--work", "make", "--gate", "loss"],
            "--gate is given with --work make; allowed: with master or",
        ),
        (["in", "--strict"], "--strict is given with --work master; allowed: with make"),
        (["a.csv", "b.csv", "--work", "make"], "takes one CSV file"),
        (["a.csv"], "a.csv is a CSV file: songs of its lines are --work make"),
    ],
)
def test_an_option_that_has_no_meaning_is_refused(here, capsys, args, said):
    assert run(["batch", *args, "-o", "out"]) == 2 and said in capsys.readouterr().err
