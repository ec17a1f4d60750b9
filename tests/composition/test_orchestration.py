"""Music of others is given to players: nothing is lost, and everybody has what suits them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.composition import compose, orchestrate
from melancholia.errors import InputError
from melancholia.orchestra import facts_of, without_beds
from melancholia.piece import Note, Part, Piece, TempoMap
from melancholia.profile import moods, profile
from melancholia.reading import is_played
from tests.strategies import pieces

MOODS = moods()
PEDAL = {"pedal": tuple((k * 2 + d, v) for k in range(16) for d, v in ((0, 0), (0.1, 127)))}


def nocturne(*, tune_up=0, tune_velocity=80):
    """Eight bars for one piano: a tune, a bass on the half bars, broken chords between, all pedalled."""
    notes = []
    for half in range(16):
        root = (45, 41, 38, 40)[half // 2 % 4]
        notes.append(Note(half * 2, 0.5, root, 60))
        notes += [Note(half * 2 + 0.5 * k, 0.5, root + up, 48) for k, up in ((1, 12), (2, 15), (3, 19))]
        notes.append(Note(half * 2, 1.75, (76, 74, 72, 71, 69, 71, 72, 69)[half % 8] + tune_up, tune_velocity))
    return Piece((Part("Piano", "melody", "", tuple(notes), PEDAL),), TempoMap(((0, 900_000), (16, 1_100_000))))


def sounding(piece):
    return sorted((n.start, n.pitch % 12) for p in piece.parts if p.role != "percussion" for n in p.notes)


@given(piece=pieces, seed=st.integers(0, 3), mood=st.sampled_from(MOODS), asked=st.booleans())
@settings(max_examples=15)
def test_every_note_sounds_once_and_where_it_can(piece, seed, mood, asked):
    left = [p for p in piece.parts if not (asked and p.role == "percussion")]  # drums are for who is asked to play them
    piece = replace(piece, parts=tuple(replace(p, instrument="") for p in left))
    found = orchestrate(piece, profile(mood), seed=seed, instruments=["strings", "felt_piano"] if asked else None)
    if piece.end:
        assert sounding(found) == sounding(piece) and found.tempo == piece.tempo
        for part in (p for p in found.parts if p.notes):
            facts = facts_of(part.instrument)
            assert part.instrument and all(facts.low <= n.pitch <= facts.high for n in part.notes)


@pytest.mark.parametrize("tune", [(), (Note(0, 1, 60, 50),)])
def test_drums_beside_little_or_nothing_are_played(tune):
    piece = Piece(
        (
            Part("a", "melody", "", tune),
            Part("b", "percussion", "", (Note(0, 1, 38, 70),)),
        ),
        TempoMap.steady(66),
    )
    found = orchestrate(piece, profile("despair"), seed=0)
    assert [len(part.notes) for part in found.parts if part.role == "percussion"] == [1]


def test_a_piano_is_taken_apart_into_tune_bass_and_what_is_between():
    piece = nocturne()
    found = orchestrate(piece, profile("longing"), seed=1)
    assert [p.name for p in found.parts] == ["Piano melody", "Piano", "Piano bass"]
    tune, inner, bass = found.parts
    assert (tune.role, inner.role, bass.role) == ("melody", "harmony", "bass")
    assert [n.pitch % 12 for n in tune.notes] == [n.pitch % 12 for n in piece.parts[0].notes if n.pitch > 68]
    assert {n.pitch for n in bass.notes} == {45, 41, 38, 40} and len(inner.notes) == 48


@pytest.mark.parametrize("mood", MOODS)
def test_a_tune_that_is_hidden_in_a_piano_is_found(mood):
    """Our own pieces, played by one piano: most of the tune is the tune again."""
    hits, wrong, sung = 0, 0, 0
    for seed in (1, 2, 3):
        written = compose(profile(mood, 0.5), seconds=60, seed=seed, composer="planned")
        heard = [p for p in written.parts if p.role in ("melody", "harmony")]
        one = Part("Piano", "harmony", "", tuple(n for p in heard for n in p.notes))
        found = orchestrate(replace(written, parts=(one,), chords=(), phrases=(), arc=()), profile(mood))
        was, now = ({(n.start, n.pitch % 12) for p in x.with_role("melody") for n in p.notes} for x in (written, found))
        hits, wrong, sung = hits + len(was & now), wrong + len(now - was), sung + len(was)
    assert hits > 0.75 * sung and wrong < 0.5 * sung  # of despair, which has most around the tune, .4 to .47


def test_a_line_and_its_chords_keep_their_names_and_roles():
    voice = Part("Voice", "harmony", "", tuple(Note(k, 1, 69 + k % 5, 70) for k in range(16)))
    chords = tuple(Note(k, 4, p, 60) for k in range(0, 16, 4) for p in (57, 60, 64))
    deep = Part("Low", "harmony", "", tuple(Note(k, 2, 40 - k % 3, 70) for k in range(0, 16, 2)))
    piece = Piece((Part("Chords", "melody", "", chords), deep, voice), TempoMap.steady(60))
    found = {p.name: p.role for p in orchestrate(piece, profile("despair")).parts}
    assert found == {"Voice": "melody", "Chords": "texture", "Low": "bass"}


@pytest.mark.parametrize("height", [57, 64, 81])
def test_a_voice_leads_even_between_the_hands_of_its_piano(height):
    voice = Part("Voice", "harmony", "", tuple(Note(k, 1, height + (0, 2, 3, 2)[k % 4], 70) for k in range(32)))
    found = orchestrate(replace(nocturne(), parts=(*nocturne().parts, voice)), profile("longing"), seed=1)
    assert [p.name for p in found.with_role("melody")] == ["Voice"]


def test_the_pedal_stays_with_the_piano_and_is_written_out_for_the_others():
    found = orchestrate(nocturne(), profile("longing"), instruments=["cello", "felt_piano"])
    for part in found.parts:
        if part.instrument == "felt_piano":
            assert dict(part.curves) == dict(nocturne().parts[0].curves)
        else:
            assert not part.curves
    tune = found.with_role("melody")[0].notes
    assert all(a.end == b.start for a, b in zip(tune, tune[1:], strict=False))


@pytest.mark.parametrize("up", [0, 12, 24])
def test_who_cannot_play_it_is_not_asked_or_folds_it(up):
    found = orchestrate(nocturne(tune_up=up), profile("longing"), instruments=["cello"])
    tune = found.with_role("melody")[0]
    assert max(n.pitch for n in tune.notes) <= 81
    steps = np.diff([n.pitch for n in tune.notes])
    assert set(steps) <= {-2, -1, 1, 2, -3, 7}  # it moved as a whole


def test_named_instruments_stay_unless_others_are_asked_for():
    written = compose(profile("longing"), seconds=20, seed=1)
    assert orchestrate(written, profile("despair"), seed=9) == written
    found = orchestrate(written, profile("longing"), instruments=["felt_piano", "strings"])
    assert {p.instrument for p in found.parts} <= {"felt_piano", "strings"}
    voices = without_beds(written.parts)
    assert sorted((p.role, len(p.notes)) for p in found.parts) == sorted((p.role, len(p.notes)) for p in voices)
    assert found.phrases == written.phrases and found.chords == written.chords


def test_drums_go_to_brushes_and_are_left_out_where_others_are_asked():
    kit = Part("Kit", "percussion", "", (Note(0, 0.25, 36, 90),))
    piece = replace(nocturne(), parts=(*nocturne().parts, kit))
    found = orchestrate(piece, profile("longing"))
    assert [p.instrument for p in found.with_role("percussion")] == ["brushes"]
    asked = orchestrate(piece, profile("longing"), instruments=["strings", "felt_piano"])
    assert not asked.with_role("percussion")


def test_levels_are_the_moods_with_the_dynamics_that_were_played():
    wanted = profile("longing")
    found = orchestrate(nocturne(tune_velocity=100), wanted, seed=1)
    mean = {p.role: np.mean([n.velocity for n in p.notes]) for p in found.parts}
    assert mean["melody"] > mean["bass"] > mean["harmony"] > wanted.writing.velocity - 15
    flat = {n.velocity for n in found.with_role("melody")[0].notes}
    assert len(flat) > 1  # the arc gives what the writer left out


def test_a_recorded_performance_keeps_its_timing():
    piece, rng = nocturne(), np.random.default_rng(1)
    assert not is_played(piece) and not orchestrate(piece, profile("longing")).fixed_tempo
    loose = tuple(replace(n, start=n.start + float(rng.uniform(0, 0.9))) for n in piece.parts[0].notes)
    played = replace(piece, parts=(replace(piece.parts[0], notes=loose),))
    assert is_played(played) and orchestrate(played, profile("longing")).fixed_tempo


def test_another_seed_may_draw_other_players():
    drawn = {tuple(p.instrument for p in orchestrate(nocturne(), profile("longing"), seed=s).parts) for s in range(8)}
    assert len(drawn) > 1
    assert orchestrate(nocturne(), profile("longing"), seed=3) == orchestrate(nocturne(), profile("longing"), seed=3)


def test_an_unknown_player_is_said():
    with pytest.raises(InputError, match="Did you mean 'cello'"):
        orchestrate(nocturne(), profile("longing"), instruments=["chello"])
