"""A house fits the verdict to its own ears, and is told honestly what that is worth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.analysis import Analysis
from melancholia.errors import InputError
from melancholia.listener import kind, sadness
from melancholia.scoring import House, fit_house, house_text, load_house, score
from tests.scoring.test_score import middle


def recordings(count, seed=0):
    """Cue values of made-up mixes, each cue drawn from its own quantiles."""
    rng = np.random.default_rng(seed)
    known = kind("mixes")
    return [
        middle(**{name: float(np.interp(rng.random(), known.probabilities, points))
                  for name, points in known.quantiles.items()})
        for _ in range(count)
    ]  # fmt: skip


def test_a_house_that_hears_as_we_do_stays_as_it_is():
    heard = recordings(60)
    fitted = fit_house(heard, [sadness(v) for v in heard])
    assert fitted.house.slope == pytest.approx(1, abs=0.1) and abs(fitted.house.offset) < 0.05
    assert max(map(abs, fitted.house.weights.values())) < 0.05 and fitted.r_after > 0.98


def test_a_house_with_ears_for_brightness_is_followed():
    heard = recordings(120)
    bright = [kind("mixes").score("brightness", v) for v in heard]
    rated = [float(np.clip(sadness(v) - 0.1 * b, 0, 1)) for v, b in zip(heard, bright, strict=True)]
    fitted = fit_house(heard, rated)
    assert fitted.gains and fitted.error_after < 0.7 * fitted.error_before
    assert min(fitted.house.weights, key=fitted.house.weights.get) == "brightness"
    later = recordings(60, seed=9)
    wanted = [np.clip(sadness(v) - 0.1 * kind("mixes").score("brightness", v), 0, 1) for v in later]
    plain = [score(Analysis.from_values(v)).sadness for v in later]
    own = [score(Analysis.from_values(v), house=fitted.house).sadness for v in later]
    assert np.abs(np.subtract(own, wanted)).mean() < 0.7 * np.abs(np.subtract(plain, wanted)).mean()


def test_ratings_by_lot_gain_nothing():
    heard = recordings(40)
    rated = np.random.default_rng(3).permutation([sadness(v) for v in heard])
    fitted = fit_house(heard, list(rated))
    assert abs(fitted.r_after) < 0.5


def test_a_file_says_what_was_fitted(tmp_path):
    fitted = fit_house(recordings(20), [sadness(v) for v in recordings(20, 1)])
    (tmp_path / "house.toml").write_text(house_text(fitted, "ratings.csv"))
    assert load_house(tmp_path / "house.toml") == fitted.house


def test_rows_of_a_house_still_sum_to_its_verdict():
    house = House(0.1, 0.8, {"brightness": -0.3, "flux": 0.2})
    found = score(Analysis.from_values(middle(mode=0.2)), house=house)
    plain = score(Analysis.from_values(middle(mode=0.2)))
    assert found.sadness != plain.sadness
    brightness = {row.name: row.contribution for row in found.cues}["brightness"]
    assert brightness != {row.name: row.contribution for row in plain.cues}["brightness"]


@pytest.mark.parametrize("ratings", [[0.5] * 20, [0.1] * 5, [1.5, *[0.2] * 19]])
def test_ratings_that_tell_nothing_are_refused(ratings):
    with pytest.raises(InputError):
        fit_house(recordings(len(ratings)), ratings)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(12, 30))
def test_whatever_is_rated_the_verdict_stays_in_range(seed, count):
    heard = recordings(count, seed)
    fitted = fit_house(heard, list(np.random.default_rng(seed).random(count)))
    assert all(0 < score(Analysis.from_values(v), house=fitted.house).sadness < 1 for v in heard)
