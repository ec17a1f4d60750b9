"""A given theme is stated as it was given, comes back developed, and no other theme is heard instead."""

import numpy as np
import pytest

from melancholia.composition import compose, measures
from melancholia.composition.statement import given, in_key, tune_of
from melancholia.errors import InputError
from melancholia.midi import save_midi
from melancholia.motif import Motif, load_motif
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from melancholia.profile import profile
from tests.some import some_moods


def motif(*rows, metre=(4, 4), key=Key(9), place=0.0):  # noqa: B008 (keys are frozen)
    starts = np.cumsum([0, *(length for length, _ in rows)])
    notes = tuple(Note(float(s), d, p, 64) for s, (d, p) in zip(starts, rows, strict=False))
    return Motif(notes, metre, key, place)


SIGH = motif((1.5, 69), (0.5, 71), (1, 72), (1, 76), (2, 74), (1, 72), (1, 71))
UPBEAT = motif((1, 64), (1, 69), (0.5, 71), (0.5, 72), (1, 71), (2, 69), (1, 68), (1, 69), place=3.0)
WALTZ = motif((2, 69), (1, 76), (1, 74), (0.5, 72), (0.5, 71), (2, 69), metre=(3, 4))
BRIGHT = motif((1, 60), (1, 64), (1, 67), (1, 69), (2, 67), (1, 64), (1, 62), key=Key(0, "major"))
OTHER = motif((0.5, 76), (0.5, 64), (3, 71), (0.5, 79), (0.5, 66), (1, 74), (2, 61))


@pytest.mark.parametrize("bars", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("mood", some_moods(6))
def test_a_theme_of_any_length_is_stated(mood, bars):
    """A longer one than the first phrase takes the room of those after it."""
    pitches = [69 + (0, 2, 3, 7, 5, 3, 2, 0)[k % 8] + k // 8 for k in range(2 * bars)]
    theme = motif(*((2, pitch) for pitch in pitches))
    piece = compose(profile(mood), seconds=90, seed=4, theme=theme)
    first = next(s for s in piece.sections if s.name.startswith("A")).bar * piece.bar_quarters
    sung = [n for n in piece.with_role("melody")[0].notes if first <= n.start < first + 4 * bars]
    above = sung[0].pitch - in_key(theme, piece.key)[0]
    assert [n.pitch - above for n in sung] == list(in_key(theme, piece.key))
    assert [n.start - first for n in sung] == [2 * k for k in range(2 * bars)]


def test_a_theme_may_be_a_file(tmp_path):
    part = Part("tune", "melody", "cello", SIGH.notes)
    save_midi(Piece((part,), TempoMap.steady(60), key=SIGH.key), tmp_path / "tune.mid")
    asked = {"seconds": 30, "seed": 2}
    from_file = compose(profile("longing"), theme=tmp_path / "tune.mid", **asked)
    assert from_file == compose(profile("longing"), theme=load_motif(tmp_path / "tune.mid"), **asked)


@pytest.mark.parametrize("theme", [SIGH, UPBEAT, WALTZ, BRIGHT], ids=["sigh", "upbeat", "waltz", "bright"])
@pytest.mark.parametrize("mood", some_moods(6))
def test_a_theme_is_stated_exactly_and_returns_developed(mood, theme):
    piece = compose(profile(mood), seconds=100, seed=4, theme=theme)
    assert piece.metre == theme.metre
    said = tune_of(theme, piece.key)
    found = measures.returns_of(said, piece)
    # the statement comes first; where bars are long, or a mood is sparse, there is room for one return
    assert found[0][1] == 1 and len(found) >= 2
    section = next(s for s in piece.sections if s.name.startswith("A"))
    pickup = theme.metre[0] - theme.place if theme.place else 0
    assert found[0][0] == pytest.approx(section.bar * piece.bar_quarters - pickup)
    assert len(measures.returns_of(OTHER.notes, piece)) == 0


def test_a_theme_keeps_its_mode_where_the_moods_is_the_same_and_bends_where_it_is_not():
    assert np.diff(in_key(SIGH, Key(2))).tolist() == np.diff([n.pitch for n in SIGH.notes]).tolist()
    assert [p - 60 for p in in_key(BRIGHT, Key(0))] == [0, 3, 7, 8, 7, 3, 2]
    assert [p - 60 for p in in_key(SIGH, Key(9, "major"))] == [9, 11, 13, 16, 14, 13, 11]


def test_a_theme_lies_where_the_instrument_is():
    found = given(SIGH, Key(4), bar_quarters=4, mean=52, low=36, high=76)
    pitches = [p for _, _, p in found.tones]
    assert 46 <= np.mean(pitches) <= 58 and pitches[0] % 12 == 4
    assert found.places == ((0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2)) and found.bars == 2
    assert given(UPBEAT, Key(9), bar_quarters=4, mean=64, low=36, high=84).places[0] == (0, -1)


def test_a_theme_too_wide_or_too_long_is_refused_in_one_line():
    wide = motif((1, 30), (1, 69), (1, 100))
    with pytest.raises(InputError, match="spans 70 semitones"):
        compose(profile("longing"), seconds=60, seed=1, theme=wide)
    long = motif(*[(4, 60 + k % 3) for k in range(8)])
    with pytest.raises(InputError, match="8 bars long"):
        compose(profile("longing"), seconds=20, seed=1, theme=long)


def test_the_metre_asked_for_wins_and_one_that_is_not_written_is_refused():
    assert compose(profile("longing"), seconds=40, seed=1, theme=SIGH, metre="3/4").metre == (3, 4)
    with pytest.raises(InputError, match="allowed: 4/4"):
        compose(profile("longing"), seconds=40, seed=1, theme=motif((1, 60), (1, 62), metre=(7, 8)))


def test_likeness_knows_its_answers():
    notes = SIGH.notes
    up = [Note(n.start, n.duration, n.pitch + 5, 50) for n in notes]
    assert measures.likeness(notes, up) == 1
    turned = [Note(n.start, n.duration, 138 - n.pitch, 50) for n in notes]
    assert 0.3 < measures.likeness(notes, turned) < 0.8
    assert measures.likeness(notes, OTHER.notes) < 0.4
    assert measures.likeness(notes, notes[:-1]) == pytest.approx(5 / 6)
