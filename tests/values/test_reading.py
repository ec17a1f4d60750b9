"""What a reader finds in bare notes is what they were written to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from melancholia.composition import compose
from melancholia.orchestra import with_pitch
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from melancholia.profile import profile
from melancholia.reading import found_arc, found_chords, found_phrases, numeral
from tests.some import some_moods
from tests.strategies import pieces


def bare(piece):
    return replace(piece, chords=(), phrases=(), arc=(), sections=())


@pytest.fixture(scope="module", params=some_moods())
def written(request):
    """Four pieces of a mood: one alone may hide its phrases, the mood may not."""
    return [compose(profile(request.param, 0.5), seconds=60, seed=seed, composer="planned") for seed in range(4, 8)]


def chords_alike(piece):
    """The share of quarters at which found and planned chord have two tones of their triads in common."""
    found = found_chords(bare(piece), piece.key)
    alike = []
    for at in np.arange(0.5, piece.end):
        one, other = (next((c for c in cs if at < c.end), cs[-1]) for cs in (found, piece.chords))
        alike.append(len(set(one.pitch_classes[:3]) & set(other.pitch_classes[:3])) >= 2)
    return np.mean(alike)


def phrases_met(piece):
    """The share of planned phrases that one found begins within a quarter of."""
    found = [p.start for p in found_phrases(bare(piece))]
    assert len(found) <= 2.5 * len(piece.phrases)
    return np.mean([min(abs(p.start - at) for at in found) <= 1 for p in piece.phrases])


def test_chords_are_those_that_were_planned(written):
    assert np.mean([chords_alike(piece) for piece in written]) > 0.75


def test_phrases_begin_where_they_were_planned(written):
    assert np.mean([phrases_met(piece) for piece in written]) >= 0.55


def test_the_arc_rises_where_it_was_planned_to(written):
    alike = []
    for piece in written:
        at = np.arange(0.5, piece.end)
        found, planned = (np.interp(at, *np.array(arc).T) for arc in (found_arc(bare(piece)), piece.arc))
        alike.append(np.corrcoef(found, planned)[0, 1])
    assert np.mean(alike) > 0.5


@settings(max_examples=60)
@given(piece=pieces)
def test_phrases_and_chords_follow_each_other_over_the_whole(piece):
    if not any(p.notes for p in with_pitch(piece.parts)):
        assert found_phrases(piece) == found_chords(piece, piece.key) == found_arc(piece) == ()
        return
    phrases, chords = found_phrases(piece), found_chords(piece, piece.key)
    for found in (phrases, chords):
        assert all(a.end == pytest.approx(b.start) for a, b in zip(found, found[1:], strict=False))
        assert found[0].start >= 0 and found[-1].end == pytest.approx(piece.end)
    assert all(p.start <= p.peak <= p.end for p in phrases)
    assert all(0 <= tension <= 1 for _, tension in found_arc(piece))


@pytest.mark.parametrize(
    ("root", "quality", "home", "name"),
    [
        (9, "m", Key(9), "i"),
        (4, "7", Key(9), "V7"),
        (11, "ø7", Key(9), "iiø7"),
        (8, "°7", Key(9), "vii°7"),
        (5, "", Key(9), "VI"),
        (10, "", Key(9), "bII"),
        (2, "m7", Key(0, "major"), "ii7"),
        (5, "maj7", Key(0, "major"), "IVmaj7"),
    ],
)
def test_chords_are_named_by_degree_and_kind(root, quality, home, name):
    assert numeral(root, quality, home) == name


def test_a_long_rest_parts_phrases():
    line = tuple(Note(k * 0.5 + (k >= 12) * 2, 0.5, 60 + k % 4, 60) for k in range(24))
    piece = Piece((Part("x", "melody", "", line),), TempoMap.steady(60))
    assert 8.0 in [p.start for p in found_phrases(piece)]
