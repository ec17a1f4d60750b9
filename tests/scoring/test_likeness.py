"""A profile like notes aims at what their tune and chords are like."""

from dataclasses import replace

import numpy as np
import pytest

from melancholia.composition import compose, measures
from melancholia.midi import load_midi, save_midi
from melancholia.piece import Chord, Key, Note, Part, Phrase, Piece, TempoMap
from melancholia.profile import profile
from melancholia.scoring import profile_like

BARS = 16


def reference(bar=(69, 71, 69, 65), tones=1.0, bpm=60.0, chord_bars=1):
    """Sixteen bars of 4/4: the same pitches in each, so many quarters apart, over A minor chords of so many bars."""
    count = round(4 / tones)
    tune = tuple(Note(4 * k + i * tones, tones, bar[i % len(bar)], 64) for k in range(BARS) for i in range(count))
    below = tuple(
        Note(4.0 * k, 4.0 * chord_bars, pitch, 50) for k in range(0, BARS, chord_bars) for pitch in (45, 57, 60, 64)
    )
    return Piece(
        (Part("voice", "melody", "", tune), Part("piano", "harmony", "felt_piano", below)),
        TempoMap.steady(bpm), (4, 4), Key(9, "minor"),
        chords=tuple(Chord(4.0 * k, 4.0 * chord_bars, "i", (9, 0, 4), 9) for k in range(0, BARS, chord_bars)),
        phrases=tuple(Phrase(16.0 * k, 16.0 * k + 16, 16.0 * k + 4, "half") for k in range(BARS // 4)),
        arc=((0.0, 0.2), (40.0, 0.8), (64.0, 0.2)),
    )  # fmt: skip


def test_what_the_notes_say_is_aimed_at_as_it_is():
    """Of 15 moves in a phrase eight are steps and eight fall; every second tone is foreign to its chord."""
    writing = profile_like(reference()).writing
    assert (writing.bpm, writing.melody_rate, writing.melody_mean, writing.melody_span) == (60, 1.0, 68.5, 6)
    assert (writing.step_share, writing.falling_share) == pytest.approx((8 / 15, 8 / 15))
    assert (writing.harmonic_rhythm, writing.dissonances) == pytest.approx((1.0, (0.5 - 0.15) / 0.12))
    assert profile_like(reference(chord_bars=4)).writing.harmonic_rhythm == 0.25


def test_a_midi_file_is_read_as_the_piece_in_it(tmp_path):
    save_midi(reference(), tmp_path / "song.mid")
    assert profile_like(str(tmp_path / "song.mid")) == profile_like(load_midi(tmp_path / "song.mid"))
    assert profile_like(tmp_path / "song.mid").writing.step_share == pytest.approx(8 / 15)


def test_what_no_mood_may_write_is_the_nearest_that_one_may():
    writing = profile_like(reference(bar=(89, 91, 89, 89), bpm=200.0)).writing
    assert (writing.bpm, writing.melody_mean, writing.melody_span, writing.melody_rate) == (120, 80, 5, 3)


def test_notes_in_which_nothing_sings_keep_the_tune_of_the_mood():
    piece = reference()
    alone = replace(piece, parts=piece.parts[1:])
    like = profile_like(alone)
    near = profile(like.mood.removeprefix("like "), like.intensity).writing
    kept = ("melody_span", "step_share", "falling_share", "dissonances", "harmonic_rhythm")
    assert all(getattr(like.writing, name) == getattr(near, name) for name in kept)


def test_new_music_follows_the_notes_it_is_like():
    """Steps under slow chords, and leaps under quick ones: three pieces each."""
    found = []
    for bar, chord_bars in (((69, 71, 72, 71), 4), ((69, 76, 64, 72), 1)):
        like = profile_like(reference(bar, chord_bars=chord_bars))
        pieces = [compose(like, seconds=40, seed=seed) for seed in (1, 2, 3)]
        found.append(
            [
                (measures.step_share(piece), measures.span(piece), len(piece.chords) / piece.end * piece.bar_quarters)
                for piece in pieces
            ]
        )
    steps, leaps = np.mean(found, axis=1)
    assert steps[0] > leaps[0] + 0.15 and steps[1] < leaps[1] - 1 and steps[2] < leaps[2]
