"""A piece is changed in one thing, and in nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia import edits
from melancholia.edits import folded, retimed, ringing, seated_drums, transposed, with_instrument
from melancholia.errors import InputError
from melancholia.orchestra import Instrument
from melancholia.piece import Chord, Key, Note, Part, Piece, TempoMap
from tests.strategies import notes, pieces

PEDAL = {"pedal": ((0, 127), (2, 0))}
SONG = Piece(
    (
        Part("voice", "melody", "cello", (Note(0, 1, 60, 70), Note(1, 1, 81, 70))),
        Part("left", "harmony", "felt_piano", (Note(0, 1, 45, 50), Note(0, 0.5, 52, 50)), PEDAL),
        Part("kit", "percussion", "", (Note(0, 0.25, 36, 90), Note(0, 0.25, 38, 90))),
    ),
    TempoMap(((0, 1_000_000), (1, 500_000))),
    chords=(Chord(0, 2, "i", (9, 0, 4), 9),),
)  # fmt: skip


@given(piece=pieces, semitones=st.integers(-48, 48))
@settings(max_examples=50)
def test_transposing_there_and_back_is_nothing(piece, semitones):
    piece = replace(piece, parts=tuple(replace(p, instrument="") for p in piece.parts))
    if all(0 <= n.pitch + semitones <= 127 for p in piece.parts for n in p.notes):
        assert transposed(transposed(piece, semitones), -semitones) == piece


def test_transposing_moves_notes_key_and_chords_and_no_drums():
    found = transposed(SONG, -2)
    assert [n.pitch for n in found.part("voice").notes] == [58, 79]
    assert found.key == Key(7) and found.chords[0].pitch_classes == (7, 10, 2) and found.chords[0].bass == 7
    assert found.part("kit") == SONG.part("kit") and found.tempo == SONG.tempo


def test_a_range_that_is_left_is_named_and_folding_stays_inside():
    with pytest.raises(InputError, match=r"'voice' would reach 63 to 84, cello plays 36 to 81"):
        transposed(SONG, 3)
    assert [n.pitch for n in transposed(SONG, 3, fold=True).part("voice").notes] == [51, 72]


@given(line=st.lists(notes, max_size=12), low=st.integers(0, 60), wide=st.integers(60, 67))
def test_folding_keeps_every_onset_and_pitch_class(line, low, wide):
    line = Part("x", "harmony", "", tuple(line)).notes
    found = folded(line, low, low + wide)
    assert all(low <= n.pitch <= low + wide for n in found)
    assert sorted((n.start, n.pitch % 12) for n in found) == sorted((n.start, n.pitch % 12) for n in line)
    assert len({(n.start, n.pitch) for n in found}) == len(line)


@given(piece=pieces, pace=st.floats(0.5, 2))
@settings(max_examples=50)
def test_retiming_moves_seconds_alone(piece, pace):
    found = retimed(piece, pace)
    assert found.seconds == pytest.approx(piece.seconds / pace, abs=1e-3) and found.parts == piece.parts


def test_an_instrument_is_changed_by_name_or_role():
    found = with_instrument(SONG, "melody", "strings")
    assert found == with_instrument(SONG, "voice", "strings") and found.part("voice").instrument == "strings"
    assert found.parts[1:] == SONG.parts[1:] and found.part("voice").notes == SONG.part("voice").notes


def test_what_the_pedal_held_is_written_out_for_one_without_pedal():
    found = with_instrument(SONG, "left", "warm_pad")
    assert {n.end for n in found.part("left").notes} == {2.0}
    assert with_instrument(SONG, "left", "felt_piano").part("left") == SONG.part("left")


@pytest.mark.parametrize(
    ("part", "instrument", "said"),
    [
        ("vioce", "cello", "Did you mean 'voice'"),
        ("voice", "chello", "Did you mean 'cello'"),
        ("voice", "sub_bass", "sub_bass plays 24 to 48"),
    ],
)
def test_what_cannot_be_is_said(part, instrument, said):
    with pytest.raises(InputError, match=said):
        with_instrument(SONG, part, instrument)


def test_a_role_that_several_have_is_refused():
    twice = replace(SONG, parts=(*SONG.parts, replace(SONG.parts[0], name="other voice")))
    with pytest.raises(InputError, match="2 parts are melody; allowed: one of 'voice', 'other voice'"):
        with_instrument(twice, "melody", "strings")


def test_a_pedal_holds_what_is_let_go_while_it_is_down():
    pedal = ((0.5, 127), (2, 0), (3, 127), (4, 0))
    held = (Note(0, 0.25, 60, 60), Note(0, 1, 64, 60), Note(2, 0.5, 67, 60), Note(2.5, 1, 69, 60), Note(5, 1, 71, 60))
    assert [n.end for n in ringing(held, pedal, until=9)] == [0.25, 2, 2.5, 4, 6]
    assert [n.end for n in ringing(held, pedal, until=1.5)] == [0.25, 1.5, 2.5, 3.5, 6]


def test_drums_take_an_instrument_of_noise_or_are_left_out(monkeypatch):
    noise = Instrument("brushes", "", 60, 65, (60, 65), 1.0, "noise", (), ("percussion",))
    monkeypatch.setattr(edits, "INSTRUMENTS", {"brushes": noise})
    kit = seated_drums(SONG).part("kit")
    assert kit.instrument == "brushes" and [n.pitch for n in kit.notes] == [60, 62]
    monkeypatch.setattr(edits, "INSTRUMENTS", {})
    assert [p.name for p in seated_drums(SONG).parts] == ["voice", "left"]
