"""What is wanted: blends lie between their moods, curves and sections hold where they stand."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.errors import InputError
from melancholia.profile import Profile, blend, moods, profile
from melancholia.writing import PLAYING_RANGES, WRITING_RANGES

MOODS = moods()


@pytest.mark.parametrize(
    "text", ["nostalgia:0.6,despair:0.4", "nostalgia:6, despair:4", {"nostalgia": 3, "despair": 2}]
)
def test_weights_of_a_blend_are_normalised(text):
    found = profile(text, 0.7)
    assert found == Profile.blend({"nostalgia": 0.6, "despair": 0.4}, 0.7) == blend({"nostalgia": 0.6, "despair": 0.4})
    assert found.mood == "nostalgia .6 + despair .4" and found.rack == profile("nostalgia").rack
    assert dict(found.shares) == pytest.approx({"nostalgia": 0.6, "despair": 0.4})


@settings(max_examples=30)
@given(one=st.sampled_from(MOODS), other=st.sampled_from(MOODS), weight=st.floats(0.01, 0.99), x=st.floats(0, 1))
def test_a_blend_lies_between_its_moods(one, other, weight, x):
    if one == other:
        return
    found, a, b = blend({one: weight, other: 1 - weight}, x), profile(one, x), profile(other, x)
    for name in (*WRITING_RANGES, *PLAYING_RANGES):
        p, q, r = (getattr(v.writing if name in WRITING_RANGES else v.playing, name) for v in (found, a, b))
        assert min(q, r) - 1e-9 <= p <= max(q, r) + 1e-9, name
    for cue, band in found.bands.items():
        ends = [v.bands[cue].low for v in (a, b) if cue in v.bands]
        assert min(ends) - 1e-9 <= band.low <= max(ends) + 1e-9 and band.low < band.high
    assert set(found.bands) == set(a.bands) | set(b.bands)
    assert set(found.writing.textures) == set(a.writing.textures) | set(b.writing.textures)
    assert sum(found.writing.modes.values()) == pytest.approx(1)
    assert len(found.writing.orchestrations) == len(a.writing.orchestrations) + len(b.writing.orchestrations)


def test_rates_and_tempos_mix_by_ratio():
    a, b = profile("nostalgia", 0.5).writing, profile("solitude", 0.5).writing
    found = blend({"nostalgia": 1, "solitude": 1}, 0.5).writing
    assert found.bpm == pytest.approx(np.sqrt(a.bpm * b.bpm)) and found.velocity == pytest.approx(
        (a.velocity + b.velocity) / 2
    )


def test_a_curve_has_its_mean_and_holds_where_it_stands():
    found = profile("longing", "0:0.2,0.6:1,1:0.4")
    assert found == profile("longing", [(0, 0.2), (0.6, 1), (1, 0.4)])
    assert found.intensity == pytest.approx(0.6 * 0.6 + 0.4 * 0.7)
    assert found.bands == profile("longing", found.intensity).bands
    assert found.at(0.6) == profile("longing", 1.0) and found.at(0.3).intensity == pytest.approx(0.6)


def test_a_section_is_the_other_mood_at_the_same_intensity():
    found = profile("longing", "0:0,1:1", sections={"B": "despair", "climax": "loss:1,despair:1"})
    assert found.at(0.5, "B") == profile("despair", 0.5) and found.at(0.5, "A") == profile("longing", 0.5)
    assert found.at(0.5, "climax", "B").mood == "loss .5 + despair .5"


def test_a_steady_profile_is_itself_everywhere():
    found = profile("loss", 0.3)
    assert found.at(0.9, "B") is found and not found.varies


@pytest.mark.parametrize("mood", MOODS)
def test_a_background_is_sparser_and_narrower(mood):
    song, quiet = profile(mood), profile(mood, background=True)
    assert quiet.writing.onset_rate < song.writing.onset_rate and quiet.writing.melody_rate < song.writing.melody_rate
    assert quiet.writing.dynamics < song.writing.dynamics and quiet.playing.swell < song.playing.swell
    assert quiet.bands["event_rate"].high < song.bands["event_rate"].high
    assert quiet.sadness.middle > song.sadness.middle
    assert {f.name for f in fields(song)} and song.hushed() == quiet


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mood": "nostalgia:1,dispair:1"}, "Did you mean 'despair'"),
        ({"mood": {"loss": float("nan")}}, "weight of loss is nan"),
        ({"mood": {}}, "no weight above 0"),
        ({"mood": "loss", "intensity": []}, "no point"),
        ({"mood": "loss", "intensity": [(0, 1), (2, 1)]}, "share of the piece is 2"),
        ({"mood": "loss", "intensity": [0.2, 0.4]}, "0.2; allowed: points"),
        ({"mood": "loss", "sections": {"chorus": "despair"}}, "Unknown section"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(wrong, said):
    with pytest.raises(InputError, match=said) as error:
        profile(**wrong)
    assert "\n" not in str(error.value)
