"""Forms of the learned composer: where a piece goes, how long it stays there, and what is as long as it was."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melancholia.composition.departures import SETTLED_BARS
from melancholia.composition.form import metres_at, plan_form
from melancholia.composition.harmony import plan_harmony
from melancholia.composition.pacing import STRETCH, stretches, tempo_for
from melancholia.composition.phrasing import BODIES, SHORTEST_BARS, returning_alike
from melancholia.composition.ways import COUNTED, SUNG
from melancholia.profile import profile


def forms(count, ways=SUNG, seconds=75, mood="longing", **asked):
    wanted = profile(mood).writing
    for seed in range(count):
        yield plan_form(wanted, np.random.default_rng(seed), seconds=seconds, bpm=None, metre=None, ways=ways, **asked)


def key(phrase):
    return phrase.local_key, phrase.mode


def test_what_is_saddest_stays_in_minor():
    share = [
        np.mean([any(p.mode == "major" for p in form.phrases) for form in forms(60, seconds=120, intensity=intensity)])
        for intensity in (0.5, 0.7, 1.0)
    ]
    assert share[0] > share[1] > 0.2 and share[2] == 0


def test_an_interlude_stays_in_the_key_that_it_follows():
    found = [(a, b) for form in forms(80) for a, b in zip(form.phrases, form.phrases[1:], strict=False)]
    after = [(a, b) for a, b in found if b.kind == "interlude"]
    assert all(key(a) == key(b) for a, b in after) and any(a.local_key for a, _ in after)
    assert all(b.local_key == 0 for _, b in found if b.kind == "coda")


def test_an_interlude_sounds_in_its_key():
    wanted = profile("longing").writing
    for form in forms(40):
        away = {p.bar: p.local_key for p in form.phrases if p.kind == "interlude" and p.local_key}
        slots = plan_harmony(form, wanted, np.random.default_rng(1))
        for bar, local in away.items():
            slot = next(s for s in slots if s.bar == bar)
            assert slot.local_key == local and local in slot.pitch_classes(0)


def test_what_goes_away_for_a_short_while_seldom_goes_on_elsewhere():
    """Of two letters that follow one another away from home, the first of which is short."""
    same = {}
    for ways in (SUNG, replace(SUNG, lingers=0.0)):
        found = []
        for form in forms(400, ways, seconds=150):
            sung = [p for p in form.phrases if p.kind in ("body", "climax")]
            for k, (a, b) in enumerate(zip(sung, sung[1:], strict=False), 1):
                fresh = b.visit == 0 and a.visit == 0 and a.letter != "A" and b.letter != "A" and k < len(sung) - 1
                if fresh and a.bars < SETTLED_BARS and key(sung[k - 2]) == (0, "minor"):
                    found.append(key(a) == key(b))
        assert len(found) >= 20
        same[ways.lingers] = np.mean(found)
    assert same[0.0] < 0.2 < SUNG.lingers - 0.15 < same[SUNG.lingers]


def test_a_song_of_three_phrases_leaves_home_between():
    for form in forms(60):
        letters = [p.letter for p in form.phrases if p.kind in ("body", "climax")]
        if len(letters) == 3:
            assert letters == ["A", "B", "A"]


def test_most_songs_stand_elsewhere_for_long_enough_to_be_heard():
    """In eight bars, of which some are another phrase's, as many as make a key: nine of ten pieces, with a pause."""
    long = []
    for form in forms(100):
        runs, before, bars = [0], None, 0
        for phrase in form.phrases:
            bars = bars + phrase.bars if key(phrase) == before else phrase.bars
            before = key(phrase)
            runs.append(bars if phrase.local_key else 0)
        long.append(max(runs))
    assert np.mean(np.array(long) >= 4) >= 0.8


@given(st.data())
def test_what_comes_back_is_as_long_as_it_was(data):
    letters = data.draw(st.sampled_from([body for plans in BODIES.values() for body in plans]))
    lengths = data.draw(st.lists(st.integers(SHORTEST_BARS, 8), min_size=len(letters), max_size=len(letters)))
    found = returning_alike(lengths, letters)
    assert sum(found) == sum(lengths) and min(found) >= SHORTEST_BARS
    assert all(new >= old for new, old, by in zip(found, lengths, letters, strict=True) if letters.count(by) == 1)
    uneven = 0
    for letter in set(letters):
        own = [size for size, other in zip(found, letters, strict=True) if other == letter]
        rest = [*own[:1], *own[2:]] if len(own) > 2 else own[1:]  # all but the visit that takes what is left over
        assert len(set(rest)) <= 1
        uneven += len(set(own)) > 1
    longest = [size for size, by in zip(found, letters, strict=True) if letters.count(by) == 1]
    assert not uneven or all(size >= max(lengths) for size in longest)  # only where no other phrase has room


def test_lengths_that_are_alike_stay():
    assert returning_alike([4, 5, 4], "ABA") == [4, 5, 4]
    assert returning_alike([3, 6, 5], "ABA") == [4, 6, 4]
    assert returning_alike([2, 5, 6], "ABA") == [4, 5, 4]
    assert returning_alike([2, 4, 5], "ABA") == [3, 5, 3]
    assert returning_alike([2, 5, 5], "ABA") == [4, 5, 3]
    assert returning_alike([5, 2, 6, 3], "AABA") == [3, 4, 6, 3]
    assert returning_alike([5, 5, 2, 3], "AABA") == [4, 4, 3, 4]


def test_bars_last_as_long_as_those_of_songs():
    """Slow pieces have few beats a bar; what counts its bars has the metres of its mood, whatever the tempo."""
    wanted = replace(profile("longing").writing, metres={"4/4": 1.0, "3/4": 1.0})
    slow, quick = (metres_at(wanted, bpm, SUNG) for bpm in (38, 100))
    assert slow["3/4"] > 1.5 * slow["4/4"] and quick["4/4"] > 1.5 * quick["3/4"]
    assert metres_at(wanted, 38, COUNTED) == {"4/4": 1.0, "3/4": 1.0}
    middle = SUNG.bar_s[0]
    assert metres_at(wanted, 240 / middle, SUNG)["4/4"] == pytest.approx(1)


def test_hits_closer_than_slow_bars_are_met_by_faster_ones():
    """Bars of 8 and of 6 s do not meet hits 3.3 s apart; half as long they do."""
    marks, metres = [0.0, 12.0, 15.3, 30.0], [(4, 4), (3, 4)]
    tempo = tempo_for(marks, 30.0, metres)
    assert 30 < tempo <= 60 and min(stretches(marks, tempo, 4 * b / u)[2] for b, u in metres) <= STRETCH
    assert tempo_for(marks, 72.0, metres) == 72.0
    assert tempo_for([0.0, 10.0, 10.4, 30.0], 40.0, metres) == 40.0
