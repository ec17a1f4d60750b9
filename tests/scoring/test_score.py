"""The verdict explains itself, and does not flatter."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melancholia.analysis import Analysis
from melancholia.cues import CUES
from melancholia.profile import Band, moods, profile
from melancholia.scoring import score
from melancholia.scoring.listener import contributions, kind, prior, sadness, share_of_own
from melancholia.scoring.score import fit

FACTORIAL = Path(__file__).parents[3] / "shared" / "data" / "eerola2013"


def middle(**changed):
    """Cue values in the middle of our own renders."""
    found = {name: points[3] for name, points in kind("mixes").quantiles.items()}
    found |= {name: points[3] for name, points in kind("own").quantiles.items()}
    return {name: 0.0 for name in CUES} | found | changed


def test_fit_is_one_inside_half_at_the_tolerance_and_nothing_at_two():
    band = Band(1.0, 2.0, 0.2)
    assert [fit(v, band, 0.5) for v in (1.0, 1.7, 2.0, 2.5, 0.5, 3.0, 9.0)] == [1, 1, 1, 0.5, 0.5, 0, 0]


@pytest.mark.parametrize("mood", moods())
def test_heavy_cues_decide_and_light_ones_do_not(mood):
    wanted = profile(mood)
    values = middle(**{n: (b.low + b.high) / 2 for n, b in wanted.bands.items()})
    assert score(Analysis.from_values(values), wanted).matched
    for name, band in wanted.bands.items():
        off = values | {name: band.high + 1.1 * CUES[name].tolerance}
        assert score(Analysis.from_values(off), wanted).matched == (band.weight < 0.1), name


@pytest.mark.parametrize("mood", moods())
def test_weights_are_whole_and_the_heavy_cues_enough(mood):
    found = profile(mood).bands
    assert sum(band.weight for band in found.values()) == pytest.approx(1, abs=0.01)
    assert sum(band.weight >= 0.1 for band in found.values()) >= 4
    assert found["loudness"].weight < 0.1


def test_without_a_profile_there_is_no_match():
    found = score(Analysis.from_values(middle()))
    assert found.matched is None and all(row.match is None and row.sentence for row in found.rows)


def test_the_verdict_is_the_sum_of_its_cues():
    from math import exp

    values = middle(mode=0.3, event_rate=1.2)
    found = score(Analysis.from_values(values))
    total = sum(contributions(values).values())
    assert found.sadness == pytest.approx(1 / (1 + exp(-total)))
    base = contributions(values)["base"]
    assert sum(row.contribution for row in found.rows) == pytest.approx(total - base)


@pytest.mark.parametrize("own", [0.0, 1.0])
@given(low=st.floats(-0.4, 0.4), more=st.floats(0.02, 0.4))
def test_minor_is_sadder_and_busy_is_not(own, low, more):
    assert sadness(middle(mode=low + more), own=own) >= sadness(middle(mode=low), own=own)
    assert sadness(middle(event_rate=2 + 5 * more), own=own) <= sadness(middle(event_rate=2.0), own=own)


@given(values=st.fixed_dictionaries({n: st.floats(c.low, c.high) for n, c in CUES.items()}))
def test_sadness_stays_in_range_and_no_cue_decides_alone(values):
    assert 0 < sadness(values) < 1
    assert all(abs(v) < 4.2 for v in contributions(values).values())


def test_loudness_has_no_say():
    assert sadness(middle(loudness=-60.0)) == sadness(middle(loudness=-5.0))
    assert "loudness" not in prior()


def test_mixes_and_our_own_sound_are_told_apart():
    mixes = {name: points[3] for name, points in kind("mixes").quantiles.items()}
    assert share_of_own({**middle(), **mixes}) == 0
    sparse = {"event_rate": 1.2, "brightness": 500.0, "peaks": 18.0, "contrast": 26.0, "flux": 0.05,
              "high_energy": -32.0, "register": 60.0}  # fmt: skip
    assert share_of_own({**middle(), **mixes, **sparse}) == 1


def test_a_table_and_a_dict_say_the_same():
    found = score(Analysis.from_values(middle(mode=0.2)), profile("longing"))
    said = found.to_dict()
    assert said["matched"] == found.matched and len(said["cues"]) == len(CUES)
    for row in said["cues"]:
        assert row["name"] in str(found) and row["sentence"].endswith(".")


def test_a_sentence_says_which_way_it_is_off():
    wanted = replace(profile("longing"), bands={"mode": Band(0.1, 0.3, 0.3), "event_rate": Band(1, 2, 0.2)})
    rows = {r.name: r for r in score(Analysis.from_values(middle(mode=-0.2, event_rate=4.0)), wanted).rows}
    assert "too much major" in rows["mode"].sentence and "busier than longing wants" in rows["event_rate"].sentence


@pytest.mark.shared_data
def test_the_prior_is_what_the_experiment_says():
    if not FACTORIAL.exists():
        pytest.skip("no ratings here")
    from tools.fit_cue_weights import fit as fitted

    weights, explained = fitted(FACTORIAL)
    ours = prior()
    assert explained == pytest.approx(0.895, abs=0.005)
    assert ours["mode"] == pytest.approx(weights["mode"], abs=0.005)
    assert ours["event_rate"] == pytest.approx(weights["rate"], abs=0.005)
    assert ours["register"] == pytest.approx(weights["register"], abs=0.005)
