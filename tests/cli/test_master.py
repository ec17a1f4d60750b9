"""``melancholia master`` as an engineer uses it: deliveries, albums, stems, a reference, coders, the gain curve."""

import csv
import json
import os

import numpy as np
import pytest
import soundfile

from melancholia.cli import run
from melancholia.mastering import measure, null_dbfs
from melancholia.recordings import recording
from tests.mastering.test_master import RATE, music


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Two tracks, of which the second is 9 dB softer, and a bright reference."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("one.wav", music(1).samples.T, RATE, subtype="PCM_16")
    soundfile.write("two.flac", 10 ** (-9 / 20) * music(2).samples.T, RATE, subtype="PCM_24")
    bright = np.diff(music(3).samples, axis=1, prepend=0)
    soundfile.write("reference.wav", 0.5 * bright.T / np.abs(bright).max(), RATE, subtype="PCM_24")
    return tmp_path


def said(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_delivery_has_its_loudness_its_ceiling_and_says_its_range(here, capsys):
    assert run(["master", "one.wav", "--lufs", "atsc-a85", "-o", "a.wav", "--json"]) == 0
    row = said(capsys)[0]
    assert row["lufs"] == pytest.approx(-24, abs=0.1) and row["true_peak_dbtp"] <= -2
    assert row["range_lu"] == pytest.approx(measure("a.wav").range_lu, abs=0.1) and row["subtype"] == "PCM_16"
    assert run(["master", "one.wav", "--lufs", "ebu-r128", "-o", "b.wav"]) == 0
    assert "b.wav  -23.0 LUFS, range" in capsys.readouterr().out
    assert run(["master", "one.wav", "--lufs", "podcast", "--ceiling", "-3", "-o", "c.wav"]) == 0
    assert measure("c.wav").true_peak_dbtp <= -2.99


def test_depth_is_kept_or_asked_for(here, capsys):
    assert run(["master", "one.wav", "-o", "a.flac"]) == 0 and soundfile.info("a.flac").subtype == "PCM_16"
    assert run(["master", "one.wav", "-o", "b.wav", "--bit-depth", "float"]) == 0
    assert soundfile.info("b.wav").subtype == "FLOAT"
    assert run(["master", "one.wav", "-o", "c.mp3", "--bit-depth", "16"]) == 2
    assert "--bit-depth is 16, c.mp3 is lossy and has none" in capsys.readouterr().err


def test_an_album_keeps_the_distances_of_its_tracks(here, capsys):
    assert run(["master", "one.wav", "two.flac", "--as", "album", "--lufs", "-20", "-o", "album", "--json"]) == 0
    one, two = said(capsys)
    assert one["gain_db"] == two["gain_db"]
    distance = [measure(a).integrated_lufs - measure(b).integrated_lufs for a, b in (
        ("one.wav", "two.flac"), ("album/one.wav", "album/two.wav"))]  # fmt: skip
    assert distance[1] == pytest.approx(distance[0], abs=0.1)
    assert run(["master", "one.wav", "two.flac", "--as", "album", "--dry-run"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_track_that_is_none_leaves_no_album(here, capsys):
    (here / "bad.wav").write_bytes(b"nothing" * 99)
    assert run(["master", "one.wav", "bad.wav", "--as", "album", "-o", "album"]) == 2
    assert "bad.wav cannot be read as audio" in capsys.readouterr().err and not os.path.exists("album")


def test_stems_and_their_sum(here, capsys):
    for k, name in enumerate(("low", "high", "far")):
        soundfile.write(f"{name}.wav", 0.4 * music(k).samples.T, RATE, subtype="FLOAT")
    stems = ["low.wav", "high.wav", "far.wav"]
    assert run(["master", *stems, "--as", "stems", "--lufs", "-12", "-o", "out", "--json", "--curve", "gain.csv"]) == 0
    *parts, whole = said(capsys)
    assert [row["output"] for row in parts] == [os.path.join("out", name) for name in stems]
    assert whole["output"] == os.path.join("out", "master.wav") and whole["reduction_db"] > 1
    assert whole["null_dbfs"] < -110
    made = [recording(f"out/{name}") for name in stems]
    assert null_dbfs(made, recording("out/master.wav")) == pytest.approx(whole["null_dbfs"])
    with open("gain.csv") as file:
        rows = [(float(row["seconds"]), float(row["gain_db"])) for row in csv.DictReader(file)]
    assert [at for at, _ in rows] == pytest.approx(np.arange(len(rows)) / 100) and len(rows) >= 600
    assert max(db for _, db in rows) == pytest.approx(whole["gain_db"], abs=0.001)
    assert min(db for _, db in rows) == pytest.approx(whole["gain_db"] - whole["reduction_db"], abs=0.01)


def test_a_bus_that_is_linear_keeps_the_sum_and_another_is_said(here, capsys):
    rack = 'schema = 1\nname = "x"\n[[bus]]\neffect = "{}"\nparams = {}\n'
    (here / "shelf.toml").write_text(rack.format("HighShelfFilter", "{ cutoff_frequency_hz = 4000, gain_db = -6 }"))
    (here / "press.toml").write_text(rack.format("Compressor", "{ threshold_db = -30, ratio = 6 }"))
    for k, name in enumerate(("low", "high")):
        soundfile.write(f"{name}.wav", 0.5 * music(k).samples.T, RATE, subtype="FLOAT")
    asked = ["master", "low.wav", "high.wav", "--as", "stems", "--json", "-o"]
    assert run([*asked, "linear", "--rack", "shelf.toml"]) == 0
    heard = capsys.readouterr()
    assert json.loads(heard.out.splitlines()[-1])["null_dbfs"] < -110 and "not linear" not in heard.err
    assert run([*asked, "pressed", "--rack", "press.toml"]) == 0
    heard = capsys.readouterr()
    assert json.loads(heard.out.splitlines()[-1])["null_dbfs"] > -60 and "the bus is not linear" in heard.err


def test_a_reference_gives_its_balance_and_its_loudness(here, capsys):
    assert run(["master", "one.wav", "--reference", "reference.wav", "-o", "a.wav"]) == 0
    err = capsys.readouterr().err
    assert "bands lie further from the reference than 6 dB" in err
    wanted = measure("reference.wav").integrated_lufs
    assert measure("a.wav").integrated_lufs == pytest.approx(wanted, abs=0.1) or "more than 6 dB of limiting" in err
    assert run(["master", "one.wav", "--reference", "one.wav", "-o", "b.wav"]) == 0
    a, b = (soundfile.read(name, dtype="int16")[0].astype(int) for name in ("one.wav", "b.wav"))
    assert np.abs(a - b).max() <= 2


def test_coders_are_kept_under_the_ceiling(here, capsys):
    assert run(["master", "one.wav", "--lufs", "-13", "--codec-headroom", "mp3, ogg", "-o", "a.wav", "--json"]) == 0
    row = said(capsys)[0]
    assert row["true_peak_mp3_dbtp"] <= -0.9 and row["true_peak_ogg_dbtp"] <= -0.9
    assert sorted(os.listdir()) == ["a.wav", "one.wav", "reference.wav", "two.flac"]


WRONG = {
    "a delivery": (["--lufs", "ebu-r129"], "Did you mean 'ebu-r128'?"),
    "a codec": (["--codec-headroom", "aac"], "Unknown codec 'aac'"),
    "a depth": (["--bit-depth", "12"], "'12' is not one of"),
    "a rack for a track": (["--rack", "longing"], "--rack needs --as stems"),
    "an album's reference": (["--as", "album", "--reference", "reference.wav"], "--reference takes no album"),
    "an album's curve": (["--as", "album", "--curve", "x.csv"], "--curve takes one master"),
    "stems into a file": (["--as", "stems"], "--as stems needs a folder"),
    "no reference": (["--reference", "none.wav"], "none.wav does not exist"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_one_line(here, capsys, what):
    args, words = WRONG[what]
    assert run(["master", "one.wav", "-o", "out.wav", *args]) == 2
    err = capsys.readouterr().err
    assert words in err and not os.path.exists("out.wav")


def test_a_stem_called_master_is_refused(here, capsys):
    os.rename("one.wav", "master.wav")
    assert run(["master", "master.wav", "two.flac", "--as", "stems", "-o", "out"]) == 2
    assert "a stem is called 'master'" in capsys.readouterr().err and not os.path.exists("out")


PROTECTED = {  # what would be written over one of the files that are read
    "stem": ["a.wav", "b.wav", "master.wav", "--as", "stems", "--name", "s{number}", "-o", "."],
    "stem by a link": ["a.wav", "b.wav", "--as", "stems", "--name", "k{number}", "-o", "linked"],
    "reference": ["a.wav", "--reference", "b.wav", "-o", "b.wav"],
    "source by a curve": ["a.wav", "-o", "x.wav", "--curve", "a.wav"],
    "reference by a curve": ["a.wav", "--reference", "b.wav", "-o", "x.wav", "--curve", "b.wav"],
    "master by its curve": ["a.wav", "-o", "x.wav", "--curve", "x.wav"],
    "sound by a curve": ["a.wav", "-o", "x.wav", "--curve", "master.wav"],
}


@pytest.mark.parametrize("what", PROTECTED)
def test_nothing_that_is_read_is_written_over_whatever_is_forced(tmp_path, monkeypatch, capsys, what):
    monkeypatch.chdir(tmp_path)
    for k, name in enumerate(("a", "b", "master")):
        soundfile.write(f"{name}.wav", 0.3 * music(k, seconds=2).samples.T, RATE)
    os.mkdir("linked")
    os.symlink("../a.wav", "linked/master.wav")
    before = {path: path.read_bytes() for path in tmp_path.glob("*.wav")}
    assert run(["master", *PROTECTED[what], "--force"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert {path: path.read_bytes() for path in tmp_path.glob("*.wav")} == before


def test_a_place_that_cannot_be_written_is_refused_before_any_work(here, capsys):
    (here / "gain.csv").write_text("mine")
    os.mkdir("out")
    soundfile.write("out/master.wav", np.zeros(100), RATE)
    asked = ["master", "one.wav", "-o", "x.wav", "--curve"]
    for args in ([*asked, "gain.csv"], [*asked, "no/such.csv"], [*asked, "out"], [*asked, "gain.csv", "--force"]):
        assert run(args) == 2 and not os.path.exists("x.wav")
    assert run(["master", "one.wav", "--as", "stems", "-o", "out/", "--dry-run"]) == 2
    assert run(["master", "one.wav", "--dry-run", "--codec-headroom", "aac"]) == 2
    (here / "bad.wav").write_bytes(b"no sound")
    assert run(["master", "one.wav", "two.flac", "--reference", "bad.wav", "--lufs", "-16", "-o", "new"]) == 2
    assert run(["master", "one.wav", "--intensity", "0.5", "-o", "x.wav"]) == 2
    assert (here / "gain.csv").read_text() == "mine" and not os.path.exists("new")
    assert run([*asked, "new.csv"]) == 0 and run([*asked, "new.csv", "--force"]) == 0


def test_stems_that_do_not_add_up_are_said_to(here, capsys):
    loud = music(1, seconds=3).samples.T
    soundfile.write("p.wav", 0.9 * loud / np.abs(loud).max(), RATE, subtype="PCM_24")
    soundfile.write("q.wav", -0.8 * loud / np.abs(loud).max(), RATE, subtype="PCM_24")
    asked = ["master", "p.wav", "q.wav", "--as", "stems", "-o"]
    for args, words in (
        (["coarse", "--bit-depth", "16", "--lufs", "-40"], "PCM_16 is coarse"),
        (["coded", "--format", "mp3", "--lufs", "-30"], "coded with a loss"),
        (["cut", "--lufs", "-14"], "--bit-depth float keeps them whole"),
    ):
        assert run([*asked, *args]) == 0
        err = capsys.readouterr().err
        assert "the stems miss their master by" in err and words in err
    assert run([*asked, "whole", "--lufs", "-14", "--bit-depth", "float"]) == 0
    assert "miss" not in capsys.readouterr().err


def test_silence_is_json_too(here, capsys):
    soundfile.write("silence.wav", np.zeros((RATE, 2)), RATE)
    assert run(["master", "silence.wav", "-o", "s.wav", "--codec-headroom", "mp3", "--json"]) == 0
    row = json.loads(capsys.readouterr().out, parse_constant=lambda name: 1 / 0)
    assert row["true_peak_mp3_dbtp"] is None and row["lufs"] is None


def test_what_needs_more_limiting_because_of_a_coder_says_so(here, capsys):
    rng = np.random.default_rng(5)
    hits = rng.normal(0, 0.3, (RATE * 3, 2)) * (np.arange(RATE * 3) % 6000 < 900)[:, None]
    soundfile.write("hits.wav", hits, RATE)
    assert run(["master", "hits.wav", "--lufs", "-9", "-o", "x.wav", "--codec-headroom", "mp3,ogg", "--json"]) == 0
    heard = capsys.readouterr()
    row = json.loads(heard.out)
    assert row["lufs"] == pytest.approx(measure("x.wav").integrated_lufs, abs=0.01)
    assert row["lufs"] > -9.1 or f"reached {row['lufs']:.1f} LUFS" in heard.err
