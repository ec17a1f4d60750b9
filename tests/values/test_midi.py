"""A piece and its MIDI file say the same."""

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.errors import InputError
from melancholia.midi import from_midi, load_midi, save_midi, to_midi
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from tests.strategies import pieces


@given(piece=pieces)
def test_midi_both_ways_is_exact(piece):
    assert from_midi(to_midi(piece)) == piece


def test_a_file_on_disk_is_exact_too(tmp_path):
    piece = Piece(
        (Part("α cello", "melody", "cello", (Note(0.5, 1, 60, 70),), {"pedal": ((0, 127),)}),),
        TempoMap(((0, 1_000_000), (2, 1_234_567))),
        key=Key(1, "major"),
    )
    save_midi(piece, tmp_path / "a.mid")
    assert load_midi(tmp_path / "a.mid") == piece


def test_nobody_who_opens_a_file_hears_a_tone_of_the_rain(tmp_path):
    """What a bed does stands in the plan: as notes it would be a C that lasts the whole piece."""
    tune = Part("tune", "melody", "cello", (Note(0, 4, 69, 70),))
    rain = Part("rain", "texture", "rain", (Note(0, 2.5, 60, 50), Note(3, 9, 60, 64)))
    brushes = Part("brushes", "percussion", "brushes", (Note(1, 0.5, 60, 60),))
    piece = Piece((rain, tune, brushes), TempoMap.steady(60))
    save_midi(piece, tmp_path / "a.mid")
    tracks = mido.MidiFile(tmp_path / "a.mid").tracks
    assert [[m.note for m in t if m.type == "note_on"] for t in tracks] == [[], [], [69], [60]]
    assert tracks[1].name == "rain|texture|rain"
    assert load_midi(tmp_path / "a.mid") == piece


def test_beds_that_stand_as_notes_are_read_as_they_stand(tmp_path):
    """As files of earlier versions have them, and whoever wrote some into a track of ours."""
    tune = Part("tune", "melody", "cello", (Note(0, 4, 69, 70),))
    file = to_midi(Piece((tune, Part("air", "texture", "room_tone", (Note(0, 8, 60, 40),))), TempoMap.steady(60)))
    own = [mido.Message("note_on", note=60, velocity=33), mido.Message("note_off", note=60, time=960)]
    file.tracks[2][-1:] = [*own, file.tracks[2][-1]]
    assert from_midi(file).parts[1].notes == (Note(0, 1, 60, 33),)
    text = next(m for m in file.tracks[0] if m.type == "text")
    text.text = text.text.replace('"beds"', '"rafts"')
    assert from_midi(file).parts[1].notes == (Note(0, 1, 60, 33),)
    del file.tracks[2][-3:-1]
    assert from_midi(file).parts == (tune, Part("air", "texture", "room_tone", ()))


@pytest.mark.parametrize(("before", "after"), [("room_tone", "felt_piano"), ('"beds":[["air"', '"beds":[["ear"')])
def test_a_bed_that_is_none_any_more_is_not_played_as_one(before, after):
    """Whoever gives its track to a piano in the plan has no notes for it; nor are there any of a part that is not."""
    air = Part("air", "texture", "room_tone", (Note(0, 8, 60, 40),))
    file = to_midi(Piece((Part("tune", "melody", "cello", (Note(0, 4, 69, 70),)), air), TempoMap.steady(60)))
    text = next(m for m in file.tracks[0] if m.type == "text")
    assert before in text.text
    text.text = text.text.replace(before, after)
    assert from_midi(file).parts[1] in (Part("air", "texture", name, ()) for name in ("felt_piano", "room_tone"))


def test_a_bed_stays_where_somebody_adds_a_track():
    """The plan counts other parts then, and who plays stands in the names of the tracks."""
    air = Part("air", "texture", "room_tone", (Note(0, 8, 60, 40),))
    tune = Part("tune", "melody", "cello", (Note(0, 4, 69, 70),))
    file = to_midi(Piece((tune, air), TempoMap.steady(60)))
    own = mido.MidiTrack([mido.MetaMessage("track_name", name="mine"), *file.tracks[1][1:]])
    file.tracks.insert(1, own)
    assert {part.name: part.notes for part in from_midi(file).parts} == {
        "mine": tune.notes, "tune": tune.notes, "air": air.notes
    }  # fmt: skip


def test_a_file_of_another_maker_becomes_parts(tmp_path):
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack(
        [
            mido.Message("note_on", channel=0, note=76, velocity=64, time=0),
            mido.Message("note_on", channel=1, note=40, velocity=64, time=0),
            mido.Message("note_on", channel=0, note=76, velocity=0, time=480),
            mido.Message("note_off", channel=1, note=40, time=480),
        ]
    )
    file.tracks.append(track)
    file.save(tmp_path / "other.mid")
    piece = load_midi(tmp_path / "other.mid")
    assert [(p.role, p.notes) for p in piece.parts] == [
        ("melody", (Note(0, 1, 76, 64),)),
        ("bass", (Note(0, 2, 40, 64),)),
    ]


@settings(max_examples=200)
@given(junk=st.binary(max_size=200), head=st.sampled_from([b"", b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\x20"]))
def test_no_file_breaks_the_reader(tmp_path_factory, junk, head):
    path = tmp_path_factory.mktemp("junk") / "junk.mid"
    path.write_bytes(head + junk)
    try:
        load_midi(path)
    except InputError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("name", ["missing.mid", ".", "null\0byte.mid"])
def test_no_file_at_all_is_said(tmp_path, name):
    with pytest.raises(InputError, match="allowed: a MIDI file"):
        load_midi(tmp_path / name)


def test_a_name_that_no_disk_holds_is_said(tmp_path):
    with pytest.raises(InputError, match="xxx.mid (does not exist|cannot be read)"):
        load_midi(tmp_path / ("x" * 300 + ".mid"))
