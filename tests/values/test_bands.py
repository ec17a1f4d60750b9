"""Bands and targets come from people: each names its source, none is fitted to our own output."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melancholia.bands import (
    WITHIN,
    Band,
    mixed,
    mixed_end,
    of_recordings,
    read_bands,
    read_sadness,
    sad_recordings,
    share_of_recordings,
)
from melancholia.cues import CUES
from melancholia.errors import InputError
from melancholia.files import data_folder
from melancholia.profile import mood_table, moods, profile
from melancholia.tables import read_table

# Who can say what people call sad: papers with listeners, and collections that people labelled or rated
PEOPLE = (
    "4QAED", "Eerola, Friberg & Bresin 2013", "Eerola & Peltola 2016", "Eerola, Vuoskoski & Kautiainen 2016",
    "Huron 2011", "Juslin & Laukka 2003", "Warrenburg 2020", "Zentner, Grandjean & Scherer 2008",
)  # fmt: skip
LONGING = (data_folder("assets") / "moods" / "longing.toml").read_text()


@pytest.mark.parametrize("mood", moods())
def test_every_band_and_target_names_people(mood):
    table = mood_table(mood)
    said = [table.table("sadness").words("source")]
    said += [table.table("cues").table(cue).words("source") for cue in table.table("cues").data]
    for source in said:
        assert any(name in source for name in PEOPLE), source
        assert not any(word in source.lower() for word in ("our own", "our pieces", "judge", "calibrat")), source


@pytest.mark.parametrize("mood", moods())
def test_every_band_is_a_share_of_recordings_that_people_call_sad_or_what_a_paper_says(mood):
    table = mood_table(mood).table("cues")
    for cue in table.data:
        band = table.table(cue)
        assert "recordings" in band.data or any(name in band.words("source") for name in PEOPLE[1:]), cue


@pytest.mark.parametrize("mood", moods())
def test_the_target_rises_as_far_as_people_go(mood):
    low, high = (profile(mood, at).sadness for at in (0, 1))
    assert low.high - low.low == pytest.approx(2 * WITHIN) and WITHIN == 0.08
    assert 0.35 <= low.middle <= 0.50 and 0.65 <= high.middle <= 0.80
    assert high.middle - low.middle == pytest.approx(0.30)
    assert profile(mood, 0.5).sadness.middle == pytest.approx((low.middle + high.middle) / 2)


def test_grief_is_the_saddest_and_nostalgia_and_solitude_the_least_sad():
    middle = {mood: profile(mood, 0.5).sadness.middle for mood in moods()}
    assert min(middle["loss"], middle["despair"]) > middle["longing"] == middle["melancholy"]
    for mood in ("nostalgia", "solitude"):
        assert 0.05 <= middle["longing"] - middle[mood] <= 0.10


def mood_file(folder: Path, text: str) -> Path:
    path = folder / "mood.toml"
    path.write_text(text)
    return path


def changed(cues: str) -> str:
    head, rest = LONGING.split("[cues]")
    return f"{head}[cues]\n{cues}\n[writing]{rest.split('[writing]')[1]}"


@pytest.mark.parametrize(
    ("cues", "words"),
    [
        ("mode = { recordings = [0.05, 1], weight = 0.2 }", "lacks 'source'"),
        ('mode = { recordings = [0.05, 1], weight = 0.2, source = "" }', "allowed: a paper, or a collection"),
        ('mode = { recordings = [0.05, 1], weight = 0.2, source = "a book" }', "allowed: a paper, or a collection"),
        ("mode = { recordings = [0.05, 1], weight = 0.2, source = 3 }", "allowed: text in quotes"),
        ('mode = { recordings = [0, 1], weight = 0.2, source = "4QAED, sad ones" }', "open at both ends"),
        ('mode = { recordings = [0.02, 1], weight = 0.2, source = "4QAED, sad ones" }', "holds 0.02; allowed: 0, 0.05"),
        ('mode = { recordings = [[0, 0.5], 1], weight = 0.2, source = "4QAED, sad ones" }', "holds 0; allowed"),
        ('mode = { recordings = [0.5, 0.5], weight = 0.2, source = "4QAED, sad ones" }', "allowed: from below to"),
        ('mode = { low = 0.5, high = 0.5, weight = 0.2, source = "4QAED, sad ones" }', "allowed: low below high"),
        ('mode = { recordings = [0.9, 0.1], weight = 0.2, source = "4QAED, sad ones" }', "runs from 0.9 to 0.1"),
        ('mode = { recordings = ["a", true], weight = 0.2, source = "4QAED, sad ones" }', "allowed: two shares"),
        ('mode = { recordings = [0.05, 1], weight = "much", source = "4QAED, sad ones" }', "allowed: one number"),
        ('mode = { recordings = [0.05, 1], weight = 0.05, source = "4QAED, sad ones" }', "have none that decides"),
        ("", "have none that decides"),
        ('mode = { recordings = 0.5, weight = 0.2, source = "4QAED, sad ones" }', "allowed: two shares"),
        ('mode = { recordings = [0.5, 1], low = 0, weight = 0.2, source = "4QAED, sad" }', "stands beside recordings"),
        ('loudness = { recordings = [0.5, 1], weight = 0.2, source = "4QAED, sad ones" }', "say nothing of loudness"),
        ('mode = { low = 0.1, weight = 0.2, source = "4QAED, sad ones" }', "lacks 'high'"),
        ('mood = { low = 0.1, high = 1, weight = 0.2, source = "4QAED, sad ones" }', "is no key here"),
    ],
)
def test_a_band_that_nobody_stands_for_is_refused(tmp_path, cues, words):
    with pytest.raises(InputError, match=words.replace("[", r"\[")) as caught:
        profile(mood_file(tmp_path, changed(cues)))
    assert "mood.toml:" in str(caught.value) and "\n" not in str(caught.value)


def test_a_target_needs_a_source_too(tmp_path):
    line = next(line for line in LONGING.splitlines() if line.startswith("source = "))
    with pytest.raises(InputError, match="sadness lacks 'source'"):
        profile(mood_file(tmp_path, LONGING.replace(line, "", 1)))


def test_a_band_in_the_cues_own_unit_follows_intensity(tmp_path):
    band = 'event_rate = { low = [2, 1], high = [3, 2], weight = 0.2, source = "Juslin & Laukka 2003" }'
    found = profile(mood_file(tmp_path, changed(band)), 0.5).bands["event_rate"]
    assert (found.low, found.high, found.source) == (1.5, 2.5, "Juslin & Laukka 2003")


def test_shares_of_the_recordings_are_read_between_those_that_are_kept():
    shares, values = sad_recordings()
    assert list(shares) == sorted(shares) and shares[0] == 0.05 and shares[-1] == 0.95
    assert {cue for mood in moods() for cue in profile(mood).bands} <= set(values) <= set(CUES)
    assert not {"stereo_width", "loudness"} & set(values)  # the clips are in one channel, and at no level of their own
    for name, row in values.items():
        assert list(row) == sorted(row) and all(CUES[name].low <= value <= CUES[name].high for value in row), name
        assert [of_recordings(CUES[name], share) for share in shares] == list(row)
        between = of_recordings(CUES[name], (shares[2] + shares[3]) / 2)
        assert between == pytest.approx((row[2] + row[3]) / 2)
    mode = CUES["mode"]
    assert (share_of_recordings(mode, -2), share_of_recordings(mode, 2)) == (0, 1)
    assert (of_recordings(mode, 0), of_recordings(mode, 1)) == (mode.low, mode.high)


def test_a_share_may_follow_intensity(tmp_path):
    band = 'mode = { recordings = [0.05, [0.5, 0.9]], weight = 0.2, source = "4QAED, sad ones" }'
    path = mood_file(tmp_path, changed(band))
    for intensity, share in ((0, 0.5), (0.5, 0.7), (1, 0.9)):
        assert profile(path, intensity).bands["mode"].high == of_recordings(CUES["mode"], share)


@pytest.mark.parametrize(
    ("band", "words"),
    [
        (Band(0.1, 2.0, 1), "at least 0.10"),
        (Band(-2.0, 0.25, 1), "at most 0.25"),
        (Band(-0.5, 0.25, 1), "-0.50 to 0.25"),
    ],
)
def test_a_band_says_which_of_its_ends_is_open(band, words):
    assert band.wanted(CUES["mode"]) == words


shares = st.floats(0.05, 1)
ends = st.floats(-1, 1)


@given(st.lists(st.tuples(shares, ends), min_size=1, max_size=4))
def test_ends_of_a_blend_lie_between_those_of_its_moods(parts):
    found = mixed_end(parts, 2.0)
    assert min(end for _, end in parts) - 1e-9 <= found <= max(end for _, end in parts) + 1e-9


def test_an_end_that_most_moods_leave_open_stays_open():
    assert mixed_end([(0.6, 2.0), (0.4, 0.3)], 2.0) == 2.0
    assert mixed_end([(0.4, 2.0), (0.6, 0.3)], 2.0) == pytest.approx(0.3)


def test_a_blend_keeps_every_source():
    one, other = Band(0, 1, 0.2, "first"), Band(0.2, 0.6, 0.4, "second")
    found = mixed([(0.5, {"mode": one}), (0.5, {"mode": other, "register": other})])
    assert found["mode"].source == "first; second" and found["mode"].weight == pytest.approx(0.3)
    assert (found["mode"].low, found["mode"].high) == (0.1, 0.8) and found["register"].weight == pytest.approx(0.2)


def test_readers_read_what_profiles_hold():
    table = read_table(data_folder("assets") / "moods" / "loss.toml")
    wanted = profile("loss", 0.3)
    assert read_bands(table.table("cues"), 0.3) == wanted.bands
    assert read_sadness(table.table("sadness"), 0.3) == wanted.sadness
