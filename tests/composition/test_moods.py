"""What sets loss, nostalgia and solitude apart, and what the fields of writing do that only they use."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from melancholia.composition import compose as compose_by
from melancholia.composition import measures
from melancholia.composition.arrangement import cast
from melancholia.composition.dialects import BROKEN, ENDINGS
from melancholia.composition.form import plan_form
from melancholia.errors import InputError
from melancholia.files import data_folder
from melancholia.piece import Key
from melancholia.profile import profile
from melancholia.writing import Player

compose = partial(compose_by, composer="planned")  # its rules are what is tested here
pytestmark = pytest.mark.long  # hundreds of pieces

SEEDS = range(300, 308)


def pieces(mood, intensity=0.7, seconds=75, **changes):
    wanted = profile(mood, intensity)
    wanted = replace(wanted, writing=replace(wanted.writing, **changes))
    return [compose(wanted, seconds=seconds, seed=seed) for seed in SEEDS]


def test_nostalgia_is_in_major_and_darkens_into_minor():
    mild, deep = pieces("nostalgia", 0.0, 40), pieces("nostalgia", 1.0, 40)
    assert all(p.metre in {(3, 4), (6, 8), (4, 4)} for p in [*mild, *deep])
    assert {p.key.mode for p in mild} == {"major"} and {p.key.mode for p in deep} == {"minor"}
    assert {p.key.mode for p in pieces("nostalgia", 0.25, 15)} == {"major", "minor"}
    assert {c.numeral for p in mild for c in p.chords} & {"Imaj7", "Iadd9", "IVmaj7", "vi7"}
    assert {c.numeral for p in mild for c in p.chords} & {"iv", "iiø65", "bVI"}
    assert np.mean([measures.minorness(p) for p in mild]) < 0 < np.mean([measures.minorness(p) for p in deep])


def test_a_key_given_wins_over_the_moods_modes():
    assert compose(profile("nostalgia"), seconds=30, seed=1, key="A minor").key == Key(9)
    assert compose(profile("loss"), seconds=30, seed=1, key="Eb major").key == Key(3, "major")


def test_modes_are_drawn_by_weight():
    found = [p.key.mode for p in pieces("loss", seconds=15, modes={"minor": 1, "major": 1})]
    assert set(found) == {"minor", "major"}


@pytest.mark.parametrize(("mood", "rests"), [("longing", 0.1), ("despair", 0.2), ("nostalgia", 0.1)])
def test_rests_are_the_share_of_silence(mood, rests):
    found = pieces(mood, rests=rests)
    assert np.mean([measures.silent_share(piece) for piece in found]) == pytest.approx(rests, abs=0.035)
    assert max(measures.longest_hole_s(piece) for piece in found) < 4.5


def test_a_piece_of_one_phrase_breathes_as_well():
    found = [measures.silent_share(piece) for piece in pieces("longing", seconds=25, rests=0.1)]
    assert np.mean(found) > 0.05 and np.count_nonzero(found) >= 6


def sounding_at_the_end(piece):
    late = 0.93 * piece.end
    return sum(any(n.end > late for n in part.notes) for part in piece.parts)


def test_breaking_stops_phrases_and_sends_players_away():
    whole, broken = pieces("longing", breaking=0.0), pieces("longing", breaking=1.0)
    assert np.mean(list(map(measures.silent_share, broken))) > np.mean(list(map(measures.silent_share, whole))) + 0.02
    assert np.mean(list(map(sounding_at_the_end, broken))) <= 2 < np.mean(list(map(sounding_at_the_end, whole)))


def test_an_ending_that_breaks_off_leaves_the_tune_and_the_tonic_unsaid():
    for piece in pieces("loss", endings={BROKEN: 1}):
        assert piece.chords[-1].numeral == ENDINGS["minor"][BROKEN] and piece.chords[-1].bass == piece.key.tonic
        assert measures.melody(piece)[-1].end < piece.end - piece.bar_quarters / 2


def test_loss_cries_out_once():
    tops = [sorted(n.pitch for n in measures.melody(p)) for p in pieces("loss", 1.0)]
    assert np.mean([top[-1] for top in tops]) > 76 and max(top[-1] for top in tops) <= 79
    assert np.mean([top[-1] - np.median(top) for top in tops]) > 11


def test_solitude_is_one_or_two_voices_far_apart_and_open():
    found = pieces("solitude", 1.0)
    assert all(len(p.parts) <= 2 for p in found)
    assert np.mean([measures.onset_rate(p) for p in found]) < 0.7
    notes_a_s = [len(measures.all_notes(p)) / p.seconds for p in found]
    assert np.mean(notes_a_s) < 1.1


SUITS = {
    "melody": "clarinet", "counter": "cello", "harmony": "felt_piano", "bass": "sub_bass", "texture": "warm_pad",
}  # fmt: skip


@pytest.mark.parametrize("roles", ["melody texture", "melody counter bass", "melody harmony texture"])
def test_somebody_plays_from_the_first_bar(roles):
    players = tuple(Player(role, role, SUITS[role]) for role in roles.split())
    wanted = profile("solitude").writing
    for seed in range(20):
        form = plan_form(wanted, np.random.default_rng(seed), seconds=90, bpm=None, metre=None)
        bars = cast(form, wanted, np.random.default_rng(seed), players).bars
        assert form.phrases[0].kind == "intro" and any(0 in bars[role] for role in bars if role != "melody")


def test_a_texture_lies_under_most_beginnings():
    """Chords struck alone, a bar each, die away before the next: people lay something under them."""
    roles = ("melody", "harmony", "texture")
    players = tuple(Player(role, role, SUITS[role]) for role in roles)
    wanted = profile("melancholy").writing
    under = 0
    for seed in range(60):
        form = plan_form(wanted, np.random.default_rng(seed), seconds=90, bpm=None, metre=None)
        bars = cast(form, wanted, np.random.default_rng(seed), players).bars
        assert form.phrases[0].kind == "intro" and 0 not in bars["melody"]
        assert 0 in bars["harmony"] or 0 in bars["texture"]
        under += 0 in bars["harmony"] and 0 in bars["texture"]
    assert 30 <= under <= 57


@pytest.mark.parametrize("field", ["dialects", "textures", "cadences", "endings"])
def test_a_name_that_a_mood_mistypes_is_refused(field):
    named = dict(getattr(profile("longing").writing, field))
    name = next(iter(named))
    with pytest.raises(InputError, match=f"Unknown {field[:-1]} '{name}x'.*Did you mean '{name}'"):
        pieces("longing", **{field: {f"{name}x": 1.0, **named}})


def test_an_instrument_that_a_mood_file_mistypes_is_refused(tmp_path):
    text = (data_folder("assets") / "moods" / "longing.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace('instrument = "cello"', 'instrument = "celo"'))
    with pytest.raises(InputError, match=r"mine.toml:\d+: .*'celo'.*Did you mean 'cello'"):
        profile(str(tmp_path / "mine.toml"))
