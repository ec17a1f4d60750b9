"""`melancholia batch` as it is called: one command, a table, kept tags, named failures, and no kill loses anything."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from melancholia import batch
from melancholia.batch import driver
from melancholia.batch.rows import MANIFEST
from melancholia.cli import run
from melancholia.mastering import measure
from melancholia.metadata import read_metadata
from melancholia.recordings import recording
from tests.batch.corrupt import wrongs
from tests.batch.kills import killed, sources
from tests.batch.works import Here, settle
from tests.children import CLI

RATE = 48_000
T = np.arange(2 * RATE) / RATE
TONE = 0.2 * np.sin(2 * np.pi * 220 * T) * np.exp(-T)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A tree of sound in several formats, layouts and rates, with one file that is none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in/deep").mkdir(parents=True)
    soundfile.write("in/mono.wav", TONE, RATE, subtype="PCM_16")
    soundfile.write("in/deep/same.flac", np.stack([TONE, 0.5 * TONE], axis=1), 44_100, subtype="PCM_24")
    soundfile.write("in/same.ogg", np.stack([TONE, TONE], axis=1), RATE)
    soundfile.write("in/round.wav", np.stack([TONE] * 6, axis=1), 96_000, format="WAVEX", subtype="PCM_24")
    Path("in/bad.wav").write_bytes(b"this is no sound\n" * 99)
    for path in tmp_path.rglob("*.*"):
        settle(path)
    return tmp_path


@pytest.fixture
def on_the_spot(monkeypatch):
    """Without processes: what they add is tested elsewhere."""

    class Pool:
        def __enter__(self):
            return Here()

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(driver, "workers", lambda deadline_s: Pool())


GOOD = ["deep/same.flac", "mono.wav", "round.wav", "same.ogg"]


def outputs(out):
    return sorted(
        path.relative_to(out).as_posix() for path in out.rglob("*.*") if path.suffix in (".wav", ".flac", ".ogg")
    )


@pytest.mark.parametrize("rack", [(), ("--rack", "longing")])
def test_one_command_masters_a_tree_and_names_what_is_bad(here, capsys, on_the_spot, rack):
    assert run(["batch", "in/**/*", *rack, "-o", "out"]) == 1
    said = capsys.readouterr()
    first, head, *table, last = said.out.splitlines()
    assert first.startswith("4 done, 1 failed in ") and first.endswith(" s: out")
    assert head.split() == ["least", "middle", "most"]
    assert f"{'loudness':<24}{-16:>9.1f}{-16:>9.1f}{-16:>9.1f}  LUFS" in table
    assert last.startswith(f"failed: {here}/in/bad.wav cannot be read as audio")
    assert f"melancholia: {here}/in/bad.wav cannot be read as audio" in said.err
    assert outputs(here / "out") == GOOD
    for name in GOOD:
        source, made = recording(here / "in" / name), recording(here / "out" / name)
        assert (made.rate, made.channels, made.mask) == (source.rate, source.channels, source.mask)
    assert {row.input: row.figures["lufs"] for row in batch.read_manifest("out") if row.status == "done"} == {
        str(here / "in" / name): pytest.approx(-16, abs=0.1) for name in GOOD
    }


def test_tags_go_with_it(here, on_the_spot):
    shutil.copy(Path(__file__).parents[2] / "assets/impulses/plate.flac", "in/deep/tagged.flac")
    from mutagen.flac import FLAC

    file = FLAC("in/deep/tagged.flac")
    file["title"], file["artist"] = "Lachrimae", "J. D."
    file.save()
    settle(here / "in/deep/tagged.flac")
    assert run(["batch", "in/deep/tagged.flac", "--rack", "longing", "-o", "out"]) == 0
    assert read_metadata(Path("out/tagged.flac")).tags == read_metadata(Path("in/deep/tagged.flac")).tags


def test_rows_on_stdout_are_those_of_the_manifest(here, capsys, on_the_spot):
    run(["batch", "in", "-o", "out", "--json", "--lufs", "-20"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows == [json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines()]
    assert len(rows) == 5 and all(abs(row["figures"]["lufs"] + 20) < 0.1 for row in rows if row["error"] is None)


def test_a_dry_run_writes_nothing_and_says_what_would_be_done(here, capsys, on_the_spot):
    assert run(["batch", "in", "-o", "out", "--dry-run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 5 and f"{here}/in/deep/same.flac -> out/deep/same.flac" in said
    assert not (here / "out").exists()
    run(["batch", "in", "-o", "out", "-q"])
    capsys.readouterr()
    assert run(["batch", "in", "-o", "out", "--dry-run", "--json"]) == 0
    would = {row["output"]: row["would"] for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert would == {f"out/{name}": "done before" for name in GOOD} | {"out/bad.wav": "make"}


def test_a_rack_that_changed_does_anew_and_a_word_in_it_does_not(here, capsys, on_the_spot):
    rack = here / "mine.toml"
    text = 'schema = 1\nname = "mine"\nabout = "One."\n[[insert.any]]\neffect = "Gain"\nparams = { gain_db = -3 }\n'
    for words, done in ((text, 4), (text.replace("One", "Another"), 0), (text.replace("-3", "-4"), 4)):
        rack.write_text(words)
        run(["batch", "in", "--rack", "mine.toml", "-o", "out"])
        assert capsys.readouterr().out.startswith(f"{done} done")


@pytest.mark.parametrize(
    "args, said",
    [
        (["nowhere"], "nowhere does not exist"),
        (["in/*.xyz"], "in/*.xyz fits no file"),
        (["in", "--format", "doc"], "Unknown format 'doc'"),
        (["in", "--lufs", "3"], "loudness is 3 LUFS; allowed: -40 to -5 LUFS."),
        (["in", "--ceiling", "1"], "ceiling is 1 dBTP; allowed: -20 to 0 dBTP."),
        (["in", "--rack", "longin"], "Did you mean 'longing'?"),
        (["in", "--rack", "longing", "--intensity", "2"], "intensity is 2; allowed: 0 to 1."),
        (["in", "--intensity", "nan"], "intensity is nan; allowed: 0 to 1."),
        (["in", "--jobs", "0"], "--jobs"),
        (["in", "--deadline", "inf"], "deadline is inf s; allowed: 1 to"),
        (["in", "--root", "in/mono.wav"], "root is 'in/mono.wav'; allowed: a folder."),
        ([""], "sources are"),
        (["in", "--format", "../x"], "Unknown format"),
        (["in", "--root", "in/deep"], "lies outside"),
        (["in/same.ogg", "in/deep/same.flac", "--format", "wav", "--root", "in"], ""),
        (["in/deep/same.flac", "in/deep/copy.ogg"], "copy.ogg does not exist"),
    ],
)
def test_a_wrong_call_is_one_line_and_writes_nothing(here, capsys, on_the_spot, args, said):
    code = run(["batch", *args, "-o", "out"])
    err = capsys.readouterr().err
    assert (code, said in err) == (2 if said else 0, True)
    if said:
        assert len(err.splitlines()) == 1 and not (here / "out").exists()


def test_a_plugin_that_is_not_qualified_is_refused_unless_asked_for(here, capsys, on_the_spot, zam):
    (here / "mine.toml").write_text('schema = 1\nname = "mine"\n[[insert.any]]\nplugin = "vst3:ZamGEQ31"\n')
    call = ["batch", "in/mono.wav", "--rack", "mine.toml", "-o", "out"]
    assert run(call) == 2
    assert "ZamGEQ31 is not qualified; melancholia plugins qualify ZamGEQ31 says" in (err := capsys.readouterr().err)
    assert "--unqualified" in err and not (here / "out").exists()
    assert run([*call, "--unqualified"]) == 0 and outputs(here / "out") == ["mono.wav"]


def test_a_batch_without_a_folder_is_refused(here, capsys):
    assert run(["batch", "in", "-o", ""]) == 2 and "--output is empty" in capsys.readouterr().err
    assert sorted(os.listdir(here)) == ["in"]


@pytest.mark.parametrize("suffix", ["ogg", "opus", "mp3", "flac", "wav", "aiff", "caf", "w64", "au"])
def test_the_same_sound_is_the_same_bytes(here, on_the_spot, suffix):
    """By which an output whose row was lost is known to be ours."""
    for folder in ("one", "two"):
        assert run(["batch", "in/mono.wav", "in/deep", "--root", "in", "-o", folder, "--format", suffix, "-q"]) == (
            1 if suffix == "opus" else 0  # of 44.1 kHz there is none
        )
    first = Path("one/mono").with_suffix(f".{suffix}").read_bytes()
    assert first == Path("two/mono").with_suffix(f".{suffix}").read_bytes() and len(first) > 1000
    os.truncate("two/manifest.jsonl", 0)
    assert run(["batch", "in/mono.wav", "--root", "in", "-o", "two", "--format", suffix, "-q"]) == 0


def test_names_that_are_no_text_are_said_all_the_same(here, children):
    Path(os.fsdecode(b"in/deep/\xff\x1b.wav")).write_text("no sound")
    settle(Path(os.fsdecode(b"in/deep/\xff\x1b.wav")))
    done = children.run(*CLI, "batch", "in/deep", "-o", "out", "--jobs", 1, cwd=here)
    assert done.returncode == 1 and done.stdout.startswith("1 done, 1 failed") and "fault of ours" not in done.stderr
    assert "Failed" in Path("out/summary.html").read_text() and "\x1b" not in done.stdout + done.stderr


def test_kills_of_the_run_and_of_its_workers_lose_nothing(children, tmp_path):
    assert killed(children, tmp_path, files=40, kills=4, seed=1) == []  # 300 and 20 in the soak


def test_corrupt_files_are_rows_and_the_rest_is_done(children, tmp_path):
    assert wrongs(children, tmp_path, 60, seed=2) == []  # 500 in the soak


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_says_how_to_go_on(children, tmp_path, number):
    source, out = sources(tmp_path / "in", 30, 2), tmp_path / "out"
    child = children.start(*CLI, "batch", source, "--rack", "longing", "-o", out, "--jobs", 2)
    until = time.monotonic() + 60
    while not (out / MANIFEST).is_file() or len(list(batch.read_manifest(out))) < 3:
        assert time.monotonic() < until
        time.sleep(0.005)
    os.killpg(child.pid, number)  # as a terminal does: everybody hears it
    done = child.wait(3)
    assert done.returncode == 130 and "Traceback" not in done.stderr
    said = done.stderr.strip()
    assert said.startswith("melancholia: interrupted; ") and said.endswith("the same command goes on from there.")
    assert not list(out.rglob("*.part"))
    rows = list(batch.read_manifest(out))
    assert 1 <= len(rows) < 30 and f"interrupted; {len(rows)} of 30 files are done" in said
    until = time.monotonic() + 2
    while child.others() and time.monotonic() < until:
        time.sleep(0.01)
    assert not child.others()


def test_depth_a_delivery_a_reference_and_coders(tmp_path, monkeypatch, on_the_spot, capsys):
    monkeypatch.chdir(tmp_path)
    os.mkdir("in")
    rng = np.random.default_rng(0)
    for k, subtype in enumerate(("PCM_16", "PCM_24", "FLOAT")):
        x = rng.normal(0, 0.05, (3 * 48_000, 2)) * np.linspace(0.2, 1, 3 * 48_000)[:, None]
        soundfile.write(f"in/{k}.wav", x, 48_000, subtype=subtype)
    soundfile.write("like.wav", 0.2 * np.diff(x, axis=0), 48_000)
    asked = ["batch", "in", "--no-report", "-q", "-o", "out"]
    assert run([*asked, "--lufs", "ebu-r128"]) == 0
    assert [soundfile.info(f"out/{k}.wav").subtype for k in range(3)] == ["PCM_16", "PCM_24", "FLOAT"]
    assert all(measure(f"out/{k}.wav").integrated_lufs == pytest.approx(-23, abs=0.1) for k in range(3))
    assert run([*asked, "--bit-depth", "16", "--reference", "like.wav", "--codec-headroom", "mp3"]) == 0
    assert [soundfile.info(f"out/{k}.wav").subtype for k in range(3)] == ["PCM_16"] * 3
    wanted = measure("like.wav").integrated_lufs
    assert all(measure(f"out/{k}.wav").integrated_lufs == pytest.approx(wanted, abs=0.1) for k in range(3))
    before = Path("out/0.wav").read_bytes()
    soundfile.write("like.wav", 0.2 * np.cumsum(x, axis=0) / 10, 48_000)  # another reference makes all anew
    capsys.readouterr()
    assert run([*asked[:-3], "-o", "out", "--reference", "like.wav", "--lufs", "-20"]) == 0
    assert "3 done" in capsys.readouterr().out and Path("out/0.wav").read_bytes() != before
    for wrong, words in ((["--codec-headroom", "aac"], "Unknown codec"), (["--lufs", "loud"], "Unknown target 'loud'")):
        assert run([*asked, *wrong]) == 2 and words in capsys.readouterr().err
