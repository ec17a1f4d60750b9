"""The table of cues is whole, and notes carry what they must."""

import numpy as np
import pytest

from melancholia import written
from melancholia.cues import CUES, TABLE, key_strength
from melancholia.piece import Note, Part, Piece, TempoMap


@pytest.mark.parametrize("cue", TABLE, ids=lambda cue: cue.name)
def test_every_cue_has_unit_range_direction_and_source(cue):
    assert cue.unit and cue.low < cue.high and cue.direction in (-1, 1) and cue.tolerance > 0
    assert len(cue.source) > 3 and len(cue.about) > 8


def test_no_cue_twice():
    assert len(CUES) == len(TABLE)


def piece(third, *, seconds_a_note=0.5, up=0):
    notes = [Note(k, 1, 57 + up + (0, third, 7, 12, 7, third, 0, 5)[k % 8], 60) for k in range(32)]
    return Piece((Part("m", "melody", "cello", tuple(notes)),), TempoMap.steady(60 / seconds_a_note))


def test_notes_tell_mode_rate_and_height():
    minor, major = written.from_piece(piece(3)), written.from_piece(piece(4))
    assert minor["mode"] > 0 > major["mode"]
    assert minor["event_rate"] == pytest.approx(2) and minor["register"] == pytest.approx(57 + 37 / 8, abs=0.1)


def test_tones_struck_together_are_one_event():
    spread = [Note(k + 0.02 * voice, 1, 57 + 4 * voice, 60) for k in range(16) for voice in range(3)]
    found = written.from_piece(Piece((Part("m", "melody", "cello", tuple(spread)),), TempoMap.steady(60)))
    assert found["event_rate"] == pytest.approx(1, rel=0.05)


def test_minor_and_slow_is_sadder_in_notes():
    sad = written.sadness(piece(3, seconds_a_note=1.0))
    assert sad > written.sadness(piece(4, seconds_a_note=1.0)) + 0.1
    assert sad > written.sadness(piece(3, seconds_a_note=0.4)) + 0.05


def test_a_key_is_known_in_every_transposition():
    chroma = np.array([np.roll([5, 0, 3, 4, 0, 3, 0, 5, 2, 0, 1, 2], k) for k in range(12)], float)
    index, clarity = key_strength(chroma)
    assert np.ptp(index) < 1e-9 and index[0] > 0.05 and (clarity > 0.8).all()
