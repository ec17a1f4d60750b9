"""One file or many: a bad one is a line while the rest is done; nothing of anybody's is replaced; tags stay."""

import csv
import io
import json
import os
from dataclasses import asdict

import numpy as np
import pytest
import soundfile

from melancholia.cli import run
from melancholia.mastering import measure
from melancholia.recordings import recording
from tests.analysis.test_analyse import MINOR, melody
from tests.children import CLI

RATE = 48_000
T = np.arange(3 * RATE) / RATE
TONE = 0.2 * np.sin(2 * np.pi * 220 * T) * np.exp(-T)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with two good files and one that is none."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", np.stack([TONE, TONE], axis=1), RATE)
    soundfile.write("c.flac", np.stack([TONE, 0.5 * TONE], axis=1), RATE, subtype="PCM_24")
    (tmp_path / "bad.wav").write_bytes(b"this is no sound\n" * 99)
    return tmp_path


THREE = ["a.wav", "bad.wav", "c.flac"]
WORK = {"master": ["master"], "apply": ["apply", "--rack", "longing"]}


def only_bad_is_named(err):
    assert "bad.wav cannot be read as audio" in err
    assert "a.wav:" not in err and "c.flac:" not in err


@pytest.mark.parametrize("work", WORK)
def test_a_bad_file_is_a_line_and_the_rest_is_done(here, capsys, work):
    assert run([*WORK[work], *THREE, "-o", "out/deep"]) == 1
    said = capsys.readouterr()
    assert sorted(os.listdir("out/deep")) == ["a.wav", "c.wav"]
    only_bad_is_named(said.err)
    assert "1 of 3 files failed, 2 are done" in said.err and len(said.out.splitlines()) == 2


@pytest.mark.parametrize("how", ["text", *(pytest.param(how, marks=pytest.mark.long) for how in ("csv", "json"))])
def test_score_prints_the_good_ones(here, capsys, how):
    assert run(["score", *THREE, *([f"--{how}"] if how != "text" else [])]) == 1
    said = capsys.readouterr()
    only_bad_is_named(said.err)
    if how == "json":
        assert [row["file"] for row in json.loads(said.out)] == ["a.wav", "c.flac"]
    elif how == "csv":
        assert [row["file"] for row in csv.DictReader(io.StringIO(said.out))] == ["a.wav", "c.flac"]
    else:
        assert said.out.startswith("a.wav\nno sadness: 3.0 s of sound are too few") and "\nc.flac\nno sad" in said.out


def test_a_single_bad_file_is_wrong_input(here, capsys):
    for args in (
        ["master", "bad.wav", "-o", "x.wav"],
        ["apply", "bad.wav", "--rack", "longing", "-o", "x.wav"],
        ["score", "bad.wav"],
    ):
        assert run(args) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert not os.path.exists("x.wav")


def test_a_file_that_breaks_us_is_a_line_too(here, capsys, monkeypatch):
    from melancholia import mastering

    plan = mastering.plan_master

    def broken(sound, **how):
        return plan(sound, **how) if sound.path.name != "bad.wav" else 1 / 0

    soundfile.write("bad.wav", TONE, RATE)
    monkeypatch.setattr(mastering, "plan_master", broken)
    assert run(["master", *THREE, "-o", "out"]) == 1
    assert "bad.wav: ZeroDivisionError: division by zero (a fault of ours" in capsys.readouterr().err
    assert sorted(os.listdir("out")) == ["a.wav", "c.wav"]


def test_format_and_name_of_files_in_a_folder(here):
    assert (
        run(["master", "a.wav", "c.flac", "-o", "out", "--format", "flac", "--name", "{number}-{stem}-{parent}"]) == 0
    )
    assert sorted(os.listdir("out")) == [f"01-a-{here.name}.flac", f"02-c-{here.name}.flac"]
    assert run(["master", "a.wav", "-o", "out", "--name", "{stem}-loud"]) == 0
    assert (here / "out" / "a-loud.wav").exists()


def test_files_of_one_name_need_names_that_differ(here, capsys):
    for folder in ("one", "two"):
        os.mkdir(folder)
        soundfile.write(f"{folder}/take.wav", TONE, RATE)
    assert run(["master", "one/take.wav", "two/take.wav", "-o", "out"]) == 2
    assert "'take' is the name of several files" in capsys.readouterr().err
    assert run(["master", "one/take.wav", "two/take.wav", "-o", "out", "--name", "{parent}-{stem}"]) == 0
    assert sorted(os.listdir("out")) == ["one-take.wav", "two-take.wav"]


@pytest.mark.parametrize(
    "args, words",
    [
        (["--format", "flaac"], "Did you mean 'flac'?"),
        (["--name", "{title}"], "allowed: text with {stem}"),
        (["--name", "a/b"], "without '/'"),
        (["--name", "{stem"], "allowed: text with {stem}"),
        (["--name", ""], "allowed: text with {stem}"),
    ],
)
def test_a_format_or_name_that_is_none_is_refused(here, capsys, args, words):
    assert run(["master", "a.wav", "c.flac", "-o", "out", *args]) == 2
    assert words in capsys.readouterr().err and not os.path.exists("out")


@pytest.mark.parametrize(
    "args",
    [
        ["master", "a.wav", "-o", "x.wav"],
        ["apply", "a.wav", "--rack", "longing", "-o", "x.wav"],
        ["compose", "longing", "--seed", "1", "-o", "x.mid"],
        ["score", "music.wav", "--plot", "x.png"],
    ],
)
def test_what_stands_there_is_kept_unless_it_may_go(here, capsys, args):
    """Without --force nothing is replaced; with it, only a file of the kind that is written."""
    music = melody(MINOR, seconds=6)
    soundfile.write(here / "music.wav", music.samples.T, music.rate)
    place = here / args[-1]
    for content in (b"my diary", (here / "a.wav").read_bytes() if place.suffix != ".wav" else b"MThd, but no sound"):
        place.write_bytes(content)
        assert run(args) == 2
        assert f"{place.name} exists already; allowed: a new name, or --force" in capsys.readouterr().err
        assert run([*args, "--force"]) == 2
        assert f"{place.name} is not a" in capsys.readouterr().err
        assert place.read_bytes() == content
    place.unlink()
    assert run(args) == 0 and run(args) == 2 and run([*args, "--force"]) == 0


@pytest.mark.parametrize(
    "args", [["compose", "longing", "--seed", "1", "-o", "x.txt"], ["score", "a.wav", "--plot", "x.jpg"]]
)
def test_a_name_of_another_kind_is_refused(here, capsys, args):
    assert run(args) == 2
    assert "unknown suffix" in capsys.readouterr().err and not os.path.exists(args[-1])


@pytest.mark.parametrize(
    "output, more, made",
    [
        ("new/", [], "new/a.wav"),
        ("new/", ["--format", "mp3"], "new/a.mp3"),
        ("new", ["--format", "mp3"], "new/a.mp3"),
        ("new", ["--name", "{stem}-x"], "new/a-x.wav"),
        ("new.mp3", ["--format", "mp3"], "new.mp3"),
        ("there", [], "there/a.wav"),
    ],
)
def test_where_one_file_goes(here, output, more, made):
    (here / "there").mkdir()
    assert run(["master", "a.wav", "-o", output, *more]) == 0
    assert (here / made).is_file()


@pytest.mark.parametrize(
    "args, words",
    [
        (["a.wav", "c.flac", "-o", "x.wav"], "x.wav names a file"),
        (["a.wav", "-o", "x.wav", "--name", "{stem}"], "x.wav names a file"),
        (["a.wav", "-o", "x.wav", "--format", "mp3"], "x.wav is no .mp3"),
        (["a.wav", "-o", "z" * 256 + ".wav"], "File name too long"),
        (["a.wav", "-o", "x", "--name", "z" * 256], "File name too long"),
    ],
)
def test_an_output_that_cannot_be_is_refused(here, capsys, args, words):
    before = sorted(os.listdir(here))
    assert run(["master", *args]) == 2
    said = capsys.readouterr().err
    assert words in said and len(said.splitlines()) == 1 and len(said) < 400 and sorted(os.listdir(here)) == before


def test_a_folder_that_nothing_came_into_is_not_left(here):
    (here / "empty").mkdir()
    assert run(["master", "bad.wav", "none.wav", "-o", "new"]) == 1 and not (here / "new").exists()
    assert run(["master", "bad.wav", "none.wav", "-o", "empty"]) == 1 and (here / "empty").exists()


@pytest.mark.parametrize("suffix, magic", [("flac", b"fLaC"), ("ogg", b"OggS"), ("aiff", b"FORM"), ("wav", b"RIFF")])
def test_stdout_takes_the_format_that_was_asked_for(here, children, suffix, magic):
    child = children.start(*CLI, "master", "a.wav", "-o", "-", "--format", suffix)
    assert child.wait().returncode == 0 and child.out.read_bytes().startswith(magic)


def test_render_replaces_its_own_folder_alone(here, capsys):
    assert run(["compose", "longing", "--seconds", "15", "--seed", "1", "-o", "a.mid"]) == 0
    assert run(["render", "a.mid", "-o", "stems", "--sample-rate", "8000"]) == 0
    before = sorted(os.listdir("stems"))
    assert "recipe.json" in before and run(["render", "a.mid", "-o", "stems"]) == 2
    assert run(["render", "a.mid", "-o", "stems", "--sample-rate", "8000", "--only", "melody"]) == 0
    assert run(["render", "a.mid", "-o", "stems", "--sample-rate", "8000", "--force"]) == 0
    assert sorted(os.listdir("stems")) == before
    (here / "stems" / "notes.txt").write_text("mine")
    assert run(["render", "a.mid", "-o", "stems", "--sample-rate", "8000", "--only", "melody"]) == 0
    assert run(["render", "a.mid", "-o", "stems", "--force"]) == 2
    assert "it also holds notes.txt" in capsys.readouterr().err and (here / "stems" / "notes.txt").exists()


def test_a_source_is_never_replaced(here, capsys):
    for name in ("a.wav", "./a.wav", str(here / "a.wav")):
        assert run(["master", "a.wav", "-o", name, "--force"]) == 2
        assert "is the source itself" in capsys.readouterr().err
    assert run(["master", "a.wav", "c.flac", "-o", ".", "--force"]) == 1  # a.wav would land on itself
    assert soundfile.info("a.wav").subtype == "PCM_16" and os.path.exists("c.wav")


def test_stdin_to_stdout(here, children):
    """What a shell joins: nothing but the sound on stdout."""
    child = children.start(*CLI, "master", "-", "-o", "-", "--format", "flac", stdin=here / "c.flac")
    done = child.wait()
    assert done.returncode == 0 and "LUFS" in done.stderr, done.stderr
    out, rate = soundfile.read(io.BytesIO(child.out.read_bytes()))
    assert rate == RATE and out.shape == (len(T), 2)


def test_stdin_is_one_file(here, capsys):
    for args in (["master", "-", "a.wav", "-o", "out"], ["loudness", "-", "a.wav"], ["score", "-", "a.wav"]):
        assert run(args) == 2
        assert "'-' is stdin" in capsys.readouterr().err
    assert run(["master", "a.wav", "c.flac", "-o", "-"]) == 2
    assert "stdout takes one file" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["text", "csv", "json"])
def test_loudness_measures_the_good_ones(here, capsys, how):
    assert run(["loudness", *THREE, *([f"--{how}"] if how != "text" else [])]) == 1
    said = capsys.readouterr()
    only_bad_is_named(said.err)
    if how == "text":
        rows = said.out.splitlines()
        assert [row.split("  ")[0] for row in rows] == ["a.wav", "c.flac"]
        assert f"{measure('a.wav').integrated_lufs:.1f} LUFS" in rows[0]
        return
    if how == "json":
        rows = [json.loads(line) for line in said.out.splitlines()]
    else:
        rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [row["file"] for row in rows] == ["a.wav", "c.flac"]
    for row in rows:
        found = asdict(measure(row.pop("file")))
        assert {name: float(value) for name, value in row.items()} == pytest.approx(found)


def test_silence_has_no_figure(here, capsys):
    soundfile.write("silent.wav", np.zeros(RATE), RATE)
    assert run(["loudness", "silent.wav", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["integrated_lufs"] is None and found["true_peak_dbtp"] is None and found["range_lu"] == 0


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(here, capsys):
    before = sorted(os.listdir())
    assert run(["master", *THREE, "--dry-run", "--lufs", "-20", "--json"]) == 1
    said = capsys.readouterr()
    only_bad_is_named(said.err)
    planned = {row["input"]: row for row in map(json.loads, said.out.splitlines())}
    assert run(["master", "a.wav", "c.flac", "-o", "out/", "--dry-run", "--format", "flac"]) == 0
    assert sorted(os.listdir()) == before and "a.wav  -" in capsys.readouterr().out
    assert run(["master", "a.wav", "c.flac", "-o", "out/", "--lufs", "-20", "--json"]) == 0
    for row in map(json.loads, capsys.readouterr().out.splitlines()):
        same = ("gain_db", "reduction_db", "before_lufs")
        assert [row[name] for name in same] == [planned[row["input"]][name] for name in same]
        assert row["lufs"] == pytest.approx(planned[row["input"]]["lufs"], abs=0.01)
    assert planned["a.wav"]["output"] is None and planned["a.wav"]["true_peak_dbtp"] is None


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-o", "x.xyz"], "unknown suffix"),
        (["-o", "nodir/x/y.wav"], "no folder"),
        (["-o", "out/", "--name", "{nope}"], "{nope}"),
        (["--name", "{stem}"], "need --output"),
        (["-o", "x.opus"], "44100 Hz cannot be written"),
    ],
)
def test_a_dry_run_refuses_what_the_real_one_does(here, capsys, args, said):
    soundfile.write("tone.wav", TONE, 44_100)
    for more in (["--dry-run"], []) if args[0] == "-o" else (["--dry-run"],):
        assert run(["master", "tone.wav", *args, *more]) == 2
        assert said in capsys.readouterr().err and not os.path.exists("out")


def test_what_is_too_short_is_named(here, capsys):
    soundfile.write("short.wav", TONE[:2000], RATE)
    assert run(["master", "short.wav", "a.wav", "--dry-run"]) == 1
    assert "melancholia: short.wav is 0.04 s long; allowed: 0.4 s or more" in capsys.readouterr().err
    assert run(["score", "short.wav"]) == 2
    assert "short.wav is 0.04 s long; allowed: 1 s or more" in capsys.readouterr().err


def test_a_name_is_said_on_one_line(here, capsys):
    for name in ("new\nline.wav", "bell\x1b[31m.wav"):
        assert run(["loudness", name]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "\x1b" not in said and "does not exist" in said


def test_a_dry_run_names_what_stands_in_the_way(here, capsys):
    assert run(["master", "a.wav", "-o", "c.flac", "--dry-run"]) == 2
    assert "c.flac exists already" in capsys.readouterr().err
    assert run(["master", "a.wav", "-o", "c.flac", "--dry-run", "--force"]) == 0
    assert run(["master", "a.wav"]) == 2
    assert "'--output'; --dry-run needs none" in capsys.readouterr().err


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "opus"])
def test_title_and_artist_stay(here, work, suffix):
    with soundfile.SoundFile("tagged.flac", "w", RATE, 2, "PCM_24") as file:
        file.title, file.artist = "Nacht", "Jemand"
        file.write(np.stack([TONE, TONE], axis=1))
    assert run([*WORK[work], "tagged.flac", "-o", f"out.{suffix}"]) == 0
    from melancholia.metadata import read_metadata

    tags = read_metadata(here / f"out.{suffix}").tags
    assert tags["title"] == ("Nacht",) and tags["artist"] == ("Jemand",)


def test_what_cannot_be_kept_is_named(here, capsys):
    data = (here / "a.wav").read_bytes()
    body = b"take 7".ljust(602, b"\0")
    chunk = b"bext" + len(body).to_bytes(4, "little") + body
    (here / "b.wav").write_bytes(data[:4] + (len(data) - 8 + len(chunk)).to_bytes(4, "little") + data[8:] + chunk)
    assert run(["master", "b.wav", "-o", "b.flac"]) == 0
    assert "b.flac: not kept of what its source says: bext." in capsys.readouterr().err
    assert run(["master", "b.wav", "-o", "kept.wav"]) == 0
    assert b"take 7" in (here / "kept.wav").read_bytes() and capsys.readouterr().err == ""


def test_surround_goes_through_a_rack(here):
    hz = (300, 400, 500, 60, 700, 800)
    six = np.stack([0.1 * np.sin(2 * np.pi * f * T) for f in hz], axis=1)
    soundfile.write("six.wav", six, RATE, format="WAVEX", subtype="PCM_24")
    assert run(["apply", "six.wav", "--rack", "longing", "-o", "wet.wav"]) == 0
    wet, _ = soundfile.read("wet.wav")
    spectrum = np.abs(np.fft.rfft(wet[RATE : 2 * RATE], axis=0))
    assert list(spectrum[:1000].argmax(axis=0)) == list(hz)
    assert np.abs(wet[: len(six), 3] - six[:, 3]).max() < 1e-6 and not wet[len(six) :, 3].any()
    assert len(wet) > len(six) + RATE and np.abs(wet[-1]).max() < 1e-6
    assert not np.allclose(wet[: len(six), 0], six[:, 0], atol=1e-3)


LOUDER = 'schema = 1\nname = "louder"\n[[bus]]\neffect = "Gain"\nparams = { gain_db = 12 }\n'


@pytest.mark.parametrize("suffix", ["flac", "aiff", "mp3", "ogg"])
def test_what_goes_over_full_scale_is_turned_down_with_a_word(here, capsys, suffix):
    (here / "louder.toml").write_text(LOUDER)
    soundfile.write("hot.wav", np.stack([4 * TONE, 4 * TONE], axis=1), RATE, subtype="FLOAT")
    assert run(["apply", "hot.wav", "--rack", "louder.toml", "-o", f"wet.{suffix}"]) == 0
    assert "turned down by" in capsys.readouterr().err
    assert run(["apply", "hot.wav", "--rack", "louder.toml", "-o", "wet.wav"]) == 0
    assert "turned down" not in capsys.readouterr().err
    wet, floats = recording(here / f"wet.{suffix}").read().samples, recording(here / "wet.wav").read().samples
    assert np.abs(floats).max() > 2 and 0.9 < np.abs(wet).max() < 1.05
    if suffix in ("flac", "aiff"):
        assert soundfile.info(f"wet.{suffix}").subtype == "PCM_24"
        share = floats[0, :RATE] @ wet[0, :RATE] / (floats[0, :RATE] @ floats[0, :RATE])
        assert np.abs(wet[:, :RATE] - share * floats[:, :RATE]).max() < 1e-4  # the same, softer: nothing was cut off


@pytest.mark.parametrize("suffix", ["ogg", "mp3", "opus", "flac"])
def test_a_coder_does_not_overshoot_the_ceiling(here, capsys, suffix):
    rng = np.random.default_rng(3)
    dense = sum(0.3 * np.sign(np.sin(2 * np.pi * f * T)) for f in (110, 164.8, 220, 277.2))
    dense += 0.4 * rng.standard_normal(len(T)) * (T % 0.25 < 0.03)
    soundfile.write("dense.wav", np.stack([dense, np.roll(dense, 37)], axis=1) * 0.3, RATE, subtype="FLOAT")
    assert run(["master", "dense.wav", "-o", f"out.{suffix}", "--lufs", "-10", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    heard = measure(here / f"out.{suffix}")
    assert -2 < heard.true_peak_dbtp <= -1 + 0.15 and abs(heard.true_peak_dbtp - told["true_peak_dbtp"]) < 0.1
    assert abs(heard.integrated_lufs + 10) < 0.35


def test_echoes_that_feed_back_end(here):
    (here / "echo.toml").write_text(
        'schema = 1\nname = "echo"\n[[bus]]\neffect = "Delay"\n'
        "params = { delay_seconds = 5, feedback = 0.9, mix = 0.5 }\n"
    )
    assert run(["apply", "a.wav", "--rack", "echo.toml", "-o", "wet.wav"]) == 0
    wet, _ = soundfile.read("wet.wav")
    assert len(wet) == 3 * RATE + 30 * RATE and np.abs(wet[-10:]).max() < 1e-4


def test_an_effect_without_an_end_is_stopped_by_name(here, capsys, monkeypatch):
    from melancholia.racks import chain

    run_it = chain.run

    def infinite(effect, block, rate):
        out = run_it(effect, block, rate)
        out[0, 5] = np.inf
        return out

    monkeypatch.setattr(chain, "run", infinite)
    (here / "louder.toml").write_text(LOUDER)
    assert run(["apply", "a.wav", "--rack", "louder.toml", "-o", "wet.wav"]) == 1
    assert "Gain gives no finite sound from 0.00 s on" in capsys.readouterr().err and not os.path.exists("wet.wav")


def test_names_in_no_encoding_are_taken_and_given(here, children):
    os.rename("a.wav", os.fsdecode(b"bad\xff\xfe.wav"))
    child = children.start(*CLI, "master", os.fsdecode(b"bad\xff\xfe.wav"), "-o", os.fsdecode(b"out\xff.wav"))
    done = child.wait()
    assert done.returncode == 0 and done.stderr == "" and child.out.read_bytes().startswith(b"out\xff.wav  -16.0 LUFS")
    assert b"out\xff.wav" in os.listdir(b".")
