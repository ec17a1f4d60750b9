"""A gate lists what is not as asked, and keeps it all the same; table and page show how the figures are spread."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import melancholia as mel
from melancholia import batch
from melancholia.batch import Row, Spread, spreads, write_page
from melancholia.batch.rows import FAILED
from melancholia.cli import run
from melancholia.errors import InputError
from tests.analysis.test_analyse import MINOR, melody
from tests.batch.test_command import on_the_spot
from tests.batch.works import settle

__all__ = ["on_the_spot"]

RATE = 48_000


@pytest.fixture
def takes(tmp_path, monkeypatch):
    """A slow line in minor, twelve seconds of noise, and half a second of a tone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(0)
    soundfile.write("in/line.wav", melody(MINOR, pace=0.8).samples.T, 22_050)
    soundfile.write("in/noise.wav", rng.normal(0, 0.1, 12 * RATE), RATE)
    soundfile.write("in/short.wav", 0.1 * np.sin(np.arange(RATE // 2) / 20), RATE)
    for path in (tmp_path / "in").iterdir():
        settle(path)
    return tmp_path


def rows(folder="out"):
    return {row.input.rpartition("/")[2]: row for row in batch.read_manifest(folder)}


def test_what_does_not_match_is_kept_listed_and_exit_1(takes, capsys, on_the_spot):
    assert run(["batch", "in", "-o", "out", "--gate", "longing"]) == 1
    said = capsys.readouterr()
    assert "3 done, 0 failed, " in said.out and " did not match in " in said.out and "\nsadness " in said.out
    assert f"melancholia: {takes}/in/noise.wav does not match longing: " in said.err
    assert sorted(path.name for path in (takes / "out").glob("*.wav")) == ["line.wav", "noise.wav", "short.wav"]
    wanted = mel.profile("longing", 0.7)
    for name, row in rows().items():
        assert row.status == "done" and row.verdict["mood"] == "longing"
        if name != "short.wav":
            said = mel.score(takes / "out" / name, wanted).to_dict()
            assert {key: row.verdict[key] for key in ("sadness", "why")} == {
                key: said[key] for key in ("sadness", "why")
            }
            assert row.verdict["matched"] is said["matched"]
    assert rows()["short.wav"].verdict["matched"] is False and "short" in rows()["short.wav"].verdict["why"]


def test_through_a_rack_the_music_is_heard_in_the_source(takes, on_the_spot):
    run(["batch", "in/line.wav", "--rack", "despair", "-o", "out", "--gate", "despair", "--intensity", "0.4"])
    wanted = mel.profile("despair", 0.4)
    verdict = mel.score(takes / "out/line.wav", wanted, dry=takes / "in/line.wav")
    alone = mel.score(takes / "out/line.wav", wanted).to_dict()["sadness"]
    assert rows()["line.wav"].verdict["sadness"] == verdict.to_dict()["sadness"] != alone


def test_another_gate_judges_anew_and_masters_nothing(takes, capsys, on_the_spot):
    run(["batch", "in/noise.wav", "-o", "out", "--gate", "longing"])
    was = (takes / "out/noise.wav").stat().st_mtime_ns
    assert run(["batch", "in/noise.wav", "-o", "out", "--gate", "loss"]) == 1
    assert (takes / "out/noise.wav").stat().st_mtime_ns == was and rows()["noise.wav"].verdict["mood"] == "loss"
    assert "0 done, 1 were done before, 0 failed, 1 did not match" in capsys.readouterr().out
    assert run(["batch", "in/noise.wav", "-o", "out"]) == 0  # without a gate nothing is judged
    assert len((takes / "out/manifest.jsonl").read_text().splitlines()) == 1


def test_a_gate_nobody_knows_is_a_wrong_call(takes, capsys, on_the_spot):
    assert run(["batch", "in", "-o", "out", "--gate", "longin"]) == 2
    assert "Did you mean 'longing'?" in capsys.readouterr().err and not (takes / "out").exists()


def test_the_page_says_what_failed_and_draws_what_was_measured(takes, capsys, on_the_spot):
    (takes / "in/<b>.wav").write_text("no sound")
    settle(takes / "in/<b>.wav")
    assert run(["batch", "in", "-o", "out", "--gate", "longing"]) == 1
    page = (takes / "out/summary.html").read_text()
    assert "3 done, 1 failed" in page and "/in/&lt;b&gt;.wav</th>" in page and "<b>.wav" not in page
    assert 'aria-label="loudness: -16 to -16 LUFS, in the middle -16"' in page and 'aria-label="sadness: ' in page
    assert "http:" not in page and "https:" not in page
    assert run(["batch", "in", "-o", "out", "--lufs", "-20"]) == 1  # it is replaced by the next one
    assert (takes / "out/summary.html").read_text() != page


def test_a_page_of_somebody_else_stays_and_is_seen_before_any_work(takes, capsys, on_the_spot):
    (takes / "out").mkdir()
    (takes / "mine.html").write_text("<!doctype html>mine")
    for harm in ("file", "link"):
        if harm == "file":
            (takes / "out/summary.html").write_text("<!doctype html>mine")
        else:
            (takes / "out/summary.html").symlink_to(takes / "mine.html")
        assert run(["batch", "in", "-o", "out"]) == 2 and "is no page of ours" in capsys.readouterr().err
        assert [path.name for path in (takes / "out").iterdir()] == ["summary.html"]
        assert (takes / "out/summary.html").read_text() == "<!doctype html>mine"
        (takes / "out/summary.html").unlink()
    (takes / "out/summary.html").write_text("mine")
    assert run(["batch", "in", "-o", "out", "--no-report"]) == 0
    assert (takes / "out/summary.html").read_text() == "mine"


def test_a_run_that_changed_nothing_writes_no_page(takes, on_the_spot):
    run(["batch", "in", "-o", "out"])
    was = (takes / "out/summary.html").stat().st_mtime_ns
    run(["batch", "in", "-o", "out"])
    assert (takes / "out/summary.html").stat().st_mtime_ns == was


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.sampled_from(["LUFS", "s", ""]))
def test_every_value_is_in_a_histogram(values, unit):
    spread = Spread("x", unit, np.array(values))
    bars = spread.bars()
    assert spread.low <= spread.least <= spread.middle <= spread.most <= spread.high
    assert all(0 <= at <= at + wide <= 1 + 1e-9 and 0 < tall <= 1 for at, wide, tall in bars)
    assert max(tall for _, _, tall in bars) == 1


def test_files_without_a_figure_are_not_counted_in_it():
    found = spreads(
        [
            Row("a", "done", figures={"lufs": -16.0, "gain_db": 3.0}, seconds=1.0),
            Row("b", "done", figures={"lufs": None}, seconds=3.0),
            Row("c", FAILED, error="no", seconds=9.0),
        ]
    )
    assert {one.name: list(one.values) for one in found} == {"loudness": [-16.0], "gain": [3.0], "work": [1.0, 3.0]}


def test_thousands_of_failures_do_not_fill_the_page(tmp_path):
    many = [Row(f"/in/{k}", FAILED, error=f"/in/{k}: no") for k in range(2000)]
    assert "1500 more: manifest.jsonl has them all" in write_page(tmp_path, many, title="t", lines=[]).read_text()
    with pytest.raises(InputError):
        (tmp_path / "summary.html").write_text("<html>")
        write_page(tmp_path, many, title="t", lines=[])
