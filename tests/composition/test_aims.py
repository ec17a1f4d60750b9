"""What the profile asks for is what pieces measure, on seeds that nothing was tuned on."""

from functools import partial

import numpy as np
import pytest

from melancholia.composition import compose as compose_by
from melancholia.composition import measures
from melancholia.profile import moods, profile
from melancholia.training.evaluate.kinship import mean_pairwise
from melancholia.training.evaluate.songs import song_of_piece
from melancholia.written import from_piece

compose = partial(compose_by, composer="planned")  # its rules are what is tested here
pytestmark = pytest.mark.long  # hundreds of pieces

SEEDS = range(7300, 7310)


def mean_pitch(piece, *roles):
    return np.mean([n.pitch for part in piece.parts if part.role in roles for n in part.notes])


def sounding(piece, start, end):
    """How many parts sound between two shares of the piece."""
    return sum(any(n.end > start * piece.end and n.start < end * piece.end for n in p.notes) for p in piece.parts)


MEASURED = {
    "mode_index": lambda p: from_piece(p)["mode"],
    "melody_mean": lambda p: mean_pitch(p, "melody"),
    "melody_span": measures.span,
    "step_share": measures.step_share,
    "falling_share": measures.falling_share,
    "onset_rate": measures.onset_rate,
    "melody_rate": measures.melody_rate,
    "dissonances": measures.dissonances,
    "chromaticism": measures.chromatic_share,
    "harmonic_rhythm": lambda p: len(p.chords) / (p.end / p.bar_quarters),
    "bpm": lambda p: p.tempo.bpm,
    "velocity": lambda p: np.mean([n.velocity for n in measures.all_notes(p)]),
    "rests": lambda p: measures.silent_share(p),
}
# How far the mean over seeds may lie from what is asked: a share of it, and an amount.
WITHIN = {
    "mode_index": (0, 0.03),
    "melody_mean": (0, 1.8), "melody_span": (0.27, 0), "step_share": (0, 0.075), "falling_share": (0, 0.055),
    "onset_rate": (0.15, 0), "melody_rate": (0.15, 0.05), "dissonances": (0.45, 0.12), "chromaticism": (0.45, 0.03),
    "harmonic_rhythm": (0.3, 0), "bpm": (0.03, 0), "velocity": (0.02, 0),
    "rests": (0.15, 0.025),
}  # fmt: skip


@pytest.fixture(scope="module")
def pieces():
    return {mood: [compose(profile(mood, 0.7), seconds=90, seed=seed) for seed in SEEDS] for mood in moods()}


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("mood", moods())
def test_a_preference_is_obeyed(pieces, mood, name):
    asked = getattr(profile(mood, 0.7).writing, name)
    found = np.mean([MEASURED[name](piece) for piece in pieces[mood]])
    share, amount = WITHIN[name]
    assert abs(found - asked) <= share * asked + amount, f"asked {asked:.3f}, found {found:.3f}"


def test_the_moods_lie_apart(pieces):
    found = {mood: {name: np.mean([f(p) for p in ps]) for name, f in MEASURED.items()} for mood, ps in pieces.items()}
    low, middle, high = (found[mood] for mood in ("despair", "melancholy", "longing"))
    assert low["melody_mean"] + 4 < middle["melody_mean"] < high["melody_mean"] - 3
    assert low["chromaticism"] > 1.3 * high["chromaticism"] and low["onset_rate"] < middle["onset_rate"]
    assert middle["melody_span"] + 4 < min(low["melody_span"], high["melody_span"])
    assert high["dissonances"] > 1.2 * middle["dissonances"]
    low, middle, high = (
        np.mean([mean_pitch(p, "harmony", "counter", "bass") for p in pieces[mood]])
        for mood in ("despair", "melancholy", "longing")
    )
    assert max(low, middle) < high - 1


@pytest.mark.parametrize("mood", moods())
def test_intensity_makes_it_slower_sparser_and_lower(mood):
    mild, deep = ([compose(profile(mood, i), seconds=45, seed=s) for s in SEEDS[:3]] for i in (0.1, 1.0))
    for name in ("bpm", "onset_rate", "melody_rate", "melody_mean", "velocity"):
        assert np.mean([MEASURED[name](p) for p in deep]) < np.mean([MEASURED[name](p) for p in mild]), name
    darker = np.mean([MEASURED["mode_index"](p) for p in deep]) - np.mean([MEASURED["mode_index"](p) for p in mild])
    assert darker > 0.03


@pytest.mark.parametrize("mood", moods())
def test_pieces_measure_as_songs_do(pieces, mood):
    found = pieces[mood]
    lowest = 2.4 if len(found[0].parts) > 2 else 2.1  # one or two voices that hardly move have fewer tones
    assert lowest <= np.mean([measures.pitch_entropy(p) for p in found]) <= 3.0  # 10th to 90th percentile of 273 songs
    assert 0.70 <= np.mean([measures.groove_similarity(p) for p in found]) <= 0.93
    assert 0.33 <= np.mean([measures.voice_rhythm_repeated(p) for p in found]) <= 0.84
    assert 0.04 <= np.mean([measures.voice_bars_repeated(p) for p in found]) <= 0.5
    assert 0.55 <= np.mean([measures.accompaniment_rhythm_repeated(p) for p in found]) <= 0.93
    assert np.mean([measures.answered_leaps(p) for p in found]) >= 0.8


@pytest.mark.parametrize("mood", moods())
def test_no_two_pieces_are_alike(pieces, mood):
    found = pieces[mood]
    pairs = [(a, b) for k, a in enumerate(found) for b in found[:k]]
    assert max(measures.shared_bars(a, b) for a, b in pairs) < 5
    assert max(measures.figure_overlap(a, b) for a, b in pairs) <= 0.05


def test_pieces_of_a_mood_share_as_few_figures_as_songs_of_one_composer(pieces):
    """Two songs of one composer share .0027 of their 5-note figures (five composers of 50 songs and more)."""
    assert np.mean([mean_pairwise([song_of_piece(p) for p in found]) for found in pieces.values()]) <= 0.0027
