"""Parts without pitch leave room: no bed, pulse or brush sounds all the time."""

from dataclasses import replace

import numpy as np
import pytest

from melancholia.composition import compose
from melancholia.composition.assembly import struck
from melancholia.composition.form import plan_form
from melancholia.composition.measures import (
    accompaniment_rhythm_repeated,
    longest_hole_s,
    onset_rate,
    silent_share,
    thinning,
)
from melancholia.composition.noise import air, bed, brushes, heartbeat, sections_of, way_of
from melancholia.orchestra import without_beds
from melancholia.piece import Note, Part
from melancholia.profile import profile
from melancholia.reading import found_chords
from melancholia.written import found_key, from_piece


def form_of(seed, metre="4/4"):
    return plan_form(profile("loss").writing, np.random.default_rng(seed), seconds=90, bpm=None, metre=metre)


@pytest.mark.parametrize("write", [bed, heartbeat, brushes])
@pytest.mark.parametrize("metre", ["4/4", "6/8", "5/4"])
def test_it_sounds_but_never_all_the_time(write, metre):
    for seed in range(6):
        form = form_of(seed, metre)
        notes = write(form, set(range(form.bars)), 60, 45.0, np.random.default_rng(seed))
        silent = form.quarters - sum(n.duration for n in notes)
        assert notes and silent > form.bar_quarters - 1e-6
        assert all(n.end <= form.quarters + 1e-6 and n.pitch == 60 for n in notes)
        assert all(a.end <= b.start + 1e-6 for a, b in zip(notes, notes[1:], strict=False))


def test_a_bed_is_one_note_a_section_that_changes_slowly():
    form = form_of(3)
    active = set(range(form.bars))
    notes = bed(form, active, 60, 45.0, np.random.default_rng(1))
    assert {n.start / form.bar_quarters for n in notes} <= {first for first, _ in sections_of(form, active)}
    assert max(np.abs(np.diff([n.velocity for n in notes])), default=0) <= 7


def test_a_heart_beats_twice_the_second_time_softer():
    form = form_of(2)
    notes = heartbeat(form, set(range(form.bars)), 60, 45.0, np.random.default_rng(0))
    first, second = notes[::2], notes[1::2]
    assert all(b.start - a.start == 0.5 for a, b in zip(first, second, strict=True))
    assert np.mean([a.velocity - b.velocity for a, b in zip(first, second, strict=True)]) > 5
    assert all(a.start % form.bar_quarters == 0 for a in first)


def test_it_keeps_to_the_bars_in_which_it_may_sound():
    form = form_of(4)
    first = form.phrases[1]
    active = set(range(first.bar, first.end))
    for write in (bed, heartbeat, brushes):
        notes = write(form, active, 60, 45.0, np.random.default_rng(0))
        assert all(first.bar <= n.start / form.bar_quarters < first.end for n in notes)


def test_the_air_of_a_room_is_there_from_the_first_beat_to_the_last():
    form = form_of(3)
    (note,) = air(form, {2, 3}, 60, 45.0, np.random.default_rng(0))
    assert (note.start, note.end, note.velocity) == (0.0, form.quarters, 45)


def test_names_and_roles_say_how_to_write():
    assert way_of("room_tone", "texture") is air
    assert way_of("rain", "texture") is bed and way_of("brushes", "percussion") is brushes
    assert way_of("heartbeat", "percussion") is heartbeat and way_of("anything", "percussion") is heartbeat


def test_the_air_goes_on_where_everybody_stops():
    """Solitude stops at the end of every gesture; the room does not."""
    for seed in range(4):
        piece = compose(profile("solitude"), seconds=40, seed=seed)
        (room,) = [p for p in piece.parts if p.instrument == "room_tone"] or [None]
        if room is not None:
            assert [(n.start, n.end) for n in room.notes] == [(0.0, pytest.approx(piece.end))]
            break
    else:
        pytest.fail("no seed of four has a room")


def test_a_bed_changes_nothing_that_is_read_in_the_notes():
    """Rain on middle C is no C: mode, pace, holes and chords are those of the players."""
    for mood in ("loss", "nostalgia"):
        piece = compose(profile(mood), seconds=40, seed=3)
        bare = replace(piece, parts=without_beds(piece.parts))
        assert len(bare.parts) == len(piece.parts) - 1
        assert from_piece(piece) == from_piece(bare) and found_key(piece) == found_key(bare)
        assert found_chords(piece, piece.key) == found_chords(bare, piece.key)
        for measure in (longest_hole_s, silent_share, onset_rate, thinning, accompaniment_rhythm_repeated):
            assert measure(piece) == measure(bare), measure


def test_drums_have_a_pace_and_no_pitch():
    piece = compose(profile("longing"), seconds=30, seed=3)
    beats = tuple(Note(k, 0.5, 60, 60) for k in range(int(piece.end)))
    drummed = from_piece(replace(piece, parts=(*piece.parts, Part("heart", "percussion", "heartbeat", beats))))
    bare = from_piece(piece)
    assert {k for k in bare if drummed[k] != bare[k]} <= {"event_rate"} and drummed["event_rate"] > bare["event_rate"]
    assert from_piece(replace(piece, parts=(Part("heart", "percussion", "heartbeat", beats),))) == {}


def test_a_hit_strikes_players_and_no_bed():
    form = replace(form_of(4), hits=(2,))
    at = 2 * form.bar_quarters
    held, room = (
        Part("p", "harmony", "strings", (Note(0, 2 * at, 60, 60),)),
        Part("r", "texture", "room_tone", (Note(0, 2 * at, 60, 60),)),
    )
    struck_, still = struck((held, room), form)
    assert [n.start for n in struck_.notes] == [0, at] and still == room
    rain = Part("rain", "texture", "rain", (Note(at, at, 60, 60), Note(at + 1, 1, 60, 60)))
    later = Part("p", "harmony", "strings", (Note(0, 1, 60, 60), Note(at + 2, 1, 62, 60)))
    moved, still = struck((later, rain), form)
    assert [n.start for n in moved.notes] == [0, at] and still == rain
