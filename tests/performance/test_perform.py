"""A performance keeps what is written, ends when it is written, and plays like a person."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings

from melancholia.composition import compose
from melancholia.midi import from_midi, to_midi
from melancholia.orchestra import facts_of
from melancholia.performance import perform
from melancholia.piece import Note, Part, Piece, TempoMap
from melancholia.profile import moods, profile
from tests.some import some_moods
from tests.strategies import pieces

MOODS = moods()


@cache
def both(mood, seed, **asked):
    wanted = profile(mood)
    written = compose(wanted, seconds=60, seed=seed, **asked)
    return written, perform(written, wanted, seed=seed)


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("seed", [3, pytest.param(1, marks=pytest.mark.long)])
def test_it_keeps_the_notes_and_the_length(mood, seed):
    written, played = both(mood, seed)
    assert played.seconds == pytest.approx(written.seconds, abs=0.02)
    for a, b in zip(written.parts, played.parts, strict=True):
        assert sorted(n.pitch for n in a.notes) == sorted(n.pitch for n in b.notes)
    assert from_midi(to_midi(played)) == played


@pytest.mark.parametrize("mood", MOODS)
def test_onsets_stay_near_their_beat_and_velocities_in_range(mood):
    written, played = both(mood, 3)
    for a, b in zip(written.parts, played.parts, strict=True):
        by_pitch = {}
        for n in a.notes:
            by_pitch.setdefault(n.pitch, []).append(n.start)
        for n in b.notes:
            nearest = min(abs(n.start - s) for s in by_pitch[n.pitch])
            assert nearest * 60 / played.tempo.bpm < 0.25
            assert 8 <= n.velocity <= 120


@pytest.mark.parametrize("mood", MOODS)
def test_the_end_slows_down(mood):
    _, played = both(mood, 3)
    pace = [us for _, us in played.tempo.changes]
    assert np.mean(pace[-3:]) > 1.4 * np.median(pace)
    assert max(pace) < 4.5 * np.median(pace)


@pytest.mark.parametrize("mood", some_moods(3))
def test_a_fixed_tempo_is_a_fixed_grid(mood):
    written, played = both(mood, 3, bpm=60)
    assert played.tempo == written.tempo and len(played.tempo.changes) == 1
    for a, b in zip(written.parts, played.parts, strict=True):
        assert {(n.start, n.pitch) for n in a.notes} == {(n.start, n.pitch) for n in b.notes}


def test_same_seed_same_playing_another_seed_another():
    written, played = both("longing", 3)
    assert perform(written, profile("longing"), seed=3) == played
    other = perform(written, profile("longing"), seed=4)
    assert other != played and other.seconds == pytest.approx(played.seconds, abs=0.02)


def test_no_key_is_struck_while_it_is_down():
    _, played = both("melancholy", 3)
    for part in played.parts:
        last = {}
        for n in part.notes:
            assert n.start >= last.get(n.pitch, 0)
            last[n.pitch] = n.end


def test_sustained_parts_swell_and_the_piano_has_its_pedal():
    _, played = both("longing", 1)
    for part in played.parts:
        assert set(part.curves) == set(facts_of(part.instrument).curves)
        if "pedal" in part.curves:
            values = np.array([v for _, v in part.curves["pedal"]])
            assert values.min() < 12 and values.max() <= 116 and values[-1] == 0
            assert ((values > 10) & (values < 117)).mean() > 0.5
        if "expression" in part.curves:
            values = [v for _, v in part.curves["expression"]]
            assert max(values) - min(values) > 15 and values[-1] < max(values)


def test_rules_at_zero_do_nothing():
    wanted = profile("longing")
    still = replace(wanted.playing, **{name: 0.0 for name in type(wanted.playing).__slots__} | {"ritard_end": 1.0})
    part = Part("a", "harmony", "warm_pad", (Note(0, 4, 60, 60), Note(4, 4, 64, 60)))
    piece = Piece((part,), TempoMap.steady(60), fixed_tempo=True)
    played = perform(piece, replace(wanted, playing=still))
    assert played.parts[0].notes == part.notes


def test_music_of_others_is_played_too():
    rng = np.random.default_rng(0)
    notes = tuple(Note(k * 0.5, 0.5, int(p), 80) for k, p in enumerate(rng.integers(55, 75, 64)))
    piece = Piece((Part("x", "melody", "", notes),), TempoMap(((0, 500_000), (16, 800_000))))
    played = perform(piece, profile("despair"), seed=1)
    assert len(played.phrases) >= 1 and played.seconds == pytest.approx(piece.seconds, abs=0.02)
    assert len(played.tempo.changes) > 8


def test_drums_alone_are_played():
    part = Part("a", "percussion", "brushes", (Note(0, 1, 60, 60), Note(3, 1, 60, 90)))
    played = perform(Piece((part,), TempoMap.steady(60)), profile("longing"), seed=1)
    assert len(played.parts[0].notes) == 2 and played.seconds == pytest.approx(4, abs=0.01)


@settings(max_examples=40)
@given(piece=pieces)
def test_no_piece_breaks_it(piece):
    played = perform(piece, profile("longing"), seed=1)
    assert sum(len(p.notes) for p in played.parts) <= sum(len(p.notes) for p in piece.parts)
    assert played.seconds == pytest.approx(piece.seconds, abs=0.05)
