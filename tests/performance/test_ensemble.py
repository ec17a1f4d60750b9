"""Players beside each other: one tempo for all, two hands that differ, strings that breathe as one."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from melancholia.composition import compose
from melancholia.performance import perform
from melancholia.performance.ensemble import accent_db, hand_db, places_in_chords, rolls_ms
from melancholia.performance.line import chord_factors, tone_factors
from melancholia.performance.timing import capped
from melancholia.piece import Chord, Key, Note, Part, Phrase, Piece, TempoMap
from melancholia.profile import moods, profile

MOODS = moods()
COMMON = Piece((), TempoMap.steady(60))  # in 4/4


def playing(mood="longing", **changed):
    wanted = profile(mood)
    return replace(wanted, playing=replace(wanted.playing, **changed))


def still(**changed):
    """A profile that plays nothing but what is asked for."""
    names = profile("longing").playing.__slots__
    return playing(**dict.fromkeys(names, 0.0) | {"ritard_end": 1.0} | changed)


@cache
def composed(mood):
    return compose(profile(mood), seconds=40, seed=2)


def onsets_s(piece, name):
    return piece.tempo.seconds([n.start for n in piece.part(name).notes])


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("seed", [1, pytest.param(5, marks=pytest.mark.long)])
def test_nowhere_is_it_slower_than_the_ritard_allows(mood, seed):
    wanted = profile(mood, 1.0)
    written = compose(wanted, seconds=40, seed=seed)
    played = perform(written, wanted, seed=seed)
    pace = np.array([us for _, us in played.tempo.changes]) / written.tempo.changes[0][1]
    assert pace.max() <= 1 / (0.9 * wanted.playing.ritard_end) + 1e-3
    assert pace[-1] >= pace.max() - 1e-3  # the last chord is held longest


def test_what_is_capped_goes_to_the_others():
    factor, weight = np.array([1.0, 1, 1, 5, 4]), np.array([1.0, 2, 1, 1, 1])
    found = capped(factor, weight, most=1.5)
    assert found.max() == pytest.approx(1.5) and (found * weight).sum() == pytest.approx(weight.sum())
    assert found[0] == found[1] == found[2] == pytest.approx(0.75)


@pytest.mark.parametrize("mood", MOODS)
def test_another_seed_moves_time_and_no_pitch_and_ends_at_the_same_moment(mood):
    wanted = profile(mood)
    written = composed(mood)
    one, other = (perform(written, wanted, seed=s) for s in (1, 2))
    for a, b in zip(one.parts, other.parts, strict=True):
        assert sorted(n.pitch for n in a.notes) == sorted(n.pitch for n in b.notes)
        assert onsets_s(one, a.name).tolist() != onsets_s(other, b.name).tolist()
    assert one.seconds == pytest.approx(written.seconds, abs=2e-3) == other.seconds


@pytest.mark.parametrize("mood", MOODS)
def test_another_player_changes_nothing_in_the_other_parts(mood):
    wanted = profile(mood)
    written = composed(mood)
    plain = perform(written, wanted, seed=3)
    for part in written.parts:
        swapped = replace(part, instrument="felt_piano" if part.instrument != "felt_piano" else "strings")
        parts = tuple(swapped if p is part else p for p in written.parts)
        other = perform(replace(written, parts=parts), wanted, seed=3)
        assert other.tempo == plain.tempo
        assert [p for p in other.parts if p.name != part.name] == [p for p in plain.parts if p.name != part.name]


def test_short_notes_are_longer_when_contrast_is_softened():
    """k = -2 at 300 ms: each grows by 27 ms against the long notes between."""
    line = tuple(Note(b + k, d, 60, 60) for b in range(0, 32, 4) for k, d in ((0, 0.3), (0.3, 0.3), (0.6, 3.4)))
    piece = Piece((Part("x", "melody", "felt_piano", line),), TempoMap.steady(60), phrases=(Phrase(0, 32, 16, ""),))
    ratio = []
    for k in (0.0, -2.0):
        played = perform(piece, still(contrast=k))
        times = onsets_s(played, "x")
        ratio.append(np.diff(times)[0::3].mean() / np.diff(times)[2::3].mean())
    assert ratio[1] / ratio[0] == pytest.approx(1.09, abs=0.015)


def test_tones_have_the_lengths_that_the_rules_say():
    line = (Note(0, 1, 60, 60), Note(1, 1, 69, 60), Note(2, 1, 64, 60))
    ioi = np.full(3, 1000.0)
    found = tone_factors(line, [None] * 3, ioi, contrast_k=-2, charge_k=1)
    assert np.allclose(1000 * (found - 1), [-12.6, 12.6 + 2.4 * 5**0.5, -4.2 * 5**0.5])
    charged = tone_factors(line, [Chord(0, 3, "V", (11, 3, 6), 11)] * 3, ioi, contrast_k=0, charge_k=1)
    assert charged[0] / found[0] == pytest.approx(1 + 6.5 / 150)
    dominant = (Chord(0, 1, "V", (4, 8, 11), 4),)
    assert chord_factors(dominant, Key(9), k=1)[0] == pytest.approx((1 + 0.018 * 1.5 * 2**0.5) ** 0.5)


def chords(role, every=2.0, tones=(45, 57, 64)):
    notes = tuple(Note(k * every, every, p, 60) for k in range(16) for p in tones)
    return Part(role, role, "felt_piano", notes)


def rolled(part, k=0.0, seed=1):
    return rolls_ms(part, np.array([n.start for n in part.notes]), k=k, seed=seed).reshape(16, -1)


def test_what_no_hand_grips_is_rolled_when_there_is_time():
    assert not rolled(chords("harmony", tones=(36, 58, 72))).any()  # one finger below, two above
    wide = rolled(chords("harmony", tones=(36, 53, 70, 88)))
    steps = np.diff(wide, axis=1)
    assert (steps >= 35).all() and np.ptp(steps, axis=1).max() < 1e-6 and wide.max() <= 240.001
    assert not rolled(chords("harmony", every=0.5, tones=(36, 53, 70, 88)))[:-1].any()  # no time
    many = rolled(chords("harmony", tones=(24, 40, 56, 72, 88, 104)))
    assert many.max() == pytest.approx(240, abs=65) and (np.diff(many, axis=1) > 0).all()


def test_chords_are_struck_together_in_no_order():
    """Of people's chords 3 % are strictly upward (half of what three tones in no order are), and lie within 33 ms."""
    late = np.concatenate([rolled(chords("harmony"), k=1, seed=s) for s in range(40)])
    spread, upward = np.ptp(late, axis=1), (np.diff(late, axis=1) > 0).all(axis=1)
    assert 15 < np.median(spread) < 35 and upward.mean() < 0.35
    assert (np.diff(late, axis=1) < 0).all(axis=1).mean() > 0.08
    alone = Part("h", "harmony", "felt_piano", tuple(Note(k, 1, 60, 60) for k in range(16)))
    assert not rolled(alone, k=1).any()  # who plays one tone waits for no finger


def test_the_hands_differ_in_level_voicing_and_unevenness():
    left, right = (hand_db(chords(role), COMMON, voicing=1, k=1, seed=1) for role in ("harmony", "melody"))
    assert right.mean() > left.mean()
    places = np.array(places_in_chords(chords("melody").notes))[:, 0]
    calm = hand_db(chords("harmony"), COMMON, voicing=1, k=0, seed=1)
    top, ground, inner = (calm[places == k].mean() for k in (2, 0, 1))
    assert top > ground > inner and top - (ground + inner) / 2 == pytest.approx(4.4)  # 14 of velocity
    assert abs(np.corrcoef(left[places == 1], right[places == 1])[0, 1]) < 0.9


@pytest.mark.parametrize(
    ("metre", "accents"),
    [
        ((4, 4), {0: 1.2, 2: 0.4, 1: -0.2, 3: -0.2, 0.5: -1.2}),
        ((3, 4), {0: 1.2, 1: -0.2, 2: -0.2, 1.5: -1.2}),
        ((6, 8), {0: 1.2, 1.5: 0.4, 1: -1.2, 0.5: -1.2}),
        ((12, 8), {0: 1.2, 3: 0.4, 1.5: -0.2, 4.5: -0.2, 2: -1.2}),
        ((5, 4), {0: 1.2, 2.5: -1.2, 3: -0.2}),
    ],
)
def test_the_bar_has_its_accents(metre, accents):
    assert {at: accent_db(at, metre) for at in accents} == accents
    assert accent_db(7 * 4 * metre[0] / metre[1], metre) == 1.2


def test_the_upper_voice_alone_leads():
    tune = Part("m", "melody", "felt_piano", tuple(Note(2 * k, 2, p, 85) for k in range(16) for p in (64, 72)))
    piece = Piece((tune, chords("harmony")), TempoMap.steady(60))
    times = onsets_s(perform(piece, still()), "m").reshape(16, 2)  # in order of onset: the lead first
    assert np.allclose(np.diff(times, axis=1), 0.035, atol=2e-3) or (np.diff(times, axis=1)[1:] > 0.02).all()


def strings(count=12):
    notes = tuple(Note(2 * k, 2, 60 + k % 5, 60) for k in range(count))
    parts = tuple(Part(f"s{n}", role, "strings", notes) for n, role in enumerate(("harmony", "texture", "counter")))
    phrases = tuple(Phrase(4 * k, 4 * k + 4, 4 * k + 2, "") for k in range(count // 2))
    return Piece(parts, TempoMap.steady(60), phrases=phrases)


def test_strings_enter_together_and_breathe_together():
    played = perform(strings(48), still(noise=1), seed=1)
    late = np.array([onsets_s(played, f"s{n}") - played.tempo.seconds(np.arange(0, 96, 2)) for n in range(3)])
    by_phrase = late[:, 2:].reshape(3, -1, 2).mean(axis=2)
    assert np.corrcoef(by_phrase)[np.triu_indices(3, 1)].min() > 0.6
    gaps = []
    for n in range(3):
        ends = played.tempo.seconds([note.end for note in played.part(f"s{n}").notes])
        gaps.append(played.tempo.seconds(np.arange(4, 96, 4)) - ends[1:-1:2])
    assert np.allclose(gaps[0], gaps[1], atol=2e-3) and 0.055 < np.min(gaps) and np.max(gaps) < 0.125


def test_a_pedal_that_is_written_is_played():
    pedal = tuple((k + d, v) for k in range(8) for d, v in ((0, 0), (0.3, 100)))
    part = replace(chords("harmony"), curves={"pedal": pedal})
    piece = Piece((part,), TempoMap.steady(60))
    assert perform(piece, profile("longing")).parts[0].curves["pedal"] == part.curves["pedal"]
    flat = replace(part, curves={"pedal": ((0, 127),)})
    assert len(perform(replace(piece, parts=(flat,)), profile("longing")).parts[0].curves["pedal"]) > 1
