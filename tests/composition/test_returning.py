"""What a phrase brings back, and how it takes up its own beginning."""

import numpy as np

from melancholia.composition import compose, singing
from melancholia.composition.chords import SCALES
from melancholia.composition.coding import TICKS
from melancholia.composition.continuing import Must
from melancholia.composition.returning import again, answered, before, by_steps, frame, returned
from melancholia.composition.singing import joined, scale_of
from melancholia.composition.themes import Manner
from melancholia.profile import profile


def test_a_sequence_goes_by_the_steps_of_the_key():
    scale = scale_of(9, "minor")  # A minor: 60 is its third
    assert [by_steps(p, -1, scale) for p in (60, 62, 64, 69)] == [59, 60, 62, 67]
    for mode in SCALES:
        for pitch in scale_of(2, mode)[30:37].tolist():
            assert (by_steps(pitch, 2, scale_of(2, mode)) - 2) % 12 in SCALES[mode]
    assert by_steps(61, 1, scale) - 61 == by_steps(60, 1, scale) - 60 and by_steps(61, 0, scale) == 61


ROWS = [(0, 48, 60), (48, 24, 62), (72, 24, 63), (96, 96, 65), (192, 48, 63), (240, 144, 62)]


def test_what_returns_is_whole_in_rhythm_or_a_frame():
    literal, free = Manner(literal=1.0), Manner(literal=0.0)
    assert [(m.at, m.pitch, m.length) for m in again(ROWS, 100, pitched=True, moved=2)][:2] == [
        (100, 62, 48),
        (148, 64, 24),
    ]
    assert all(m.pitch is None and m.straight for m in again(ROWS, 0, pitched=False))
    assert [m.at for m in frame(ROWS, 0, 48)] == [0, 96, 192, 240]
    assert before(ROWS, 200)[-1] == (192, 8, 63)
    seen = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = returned(ROWS, 1000, 1000, 1384, 192, 48, rng, literal if seed % 2 else free)
        seen.add((len(found), any(m.pitch is None for m in found), any(m.straight for m in found)))
        assert all(1000 <= m.at < 1384 for m in found)
        more = answered(ROWS, 1000, 1768, 384, scale_of(9, "minor"), rng, literal if seed % 2 else free)
        assert all(1384 <= m.at < 1768 for m in more) and [m.at for m in more] == sorted(m.at for m in more)
    assert len(seen) >= 4


def test_an_answer_leaves_room_for_the_close():
    """Of a half of two bars half a bar, of one a quarter of it."""
    for half in (384, 192):
        rows = [(0, half // 4, 60), (half // 2, half // 2, 62), (3 * half // 4 + 1, half // 8, 64)]
        found = [
            answered(rows, 0, 2 * half, half, scale_of(9, "minor"), np.random.default_rng(k), Manner(literal=1.0))
            for k in range(9)
        ]
        assert {tuple(m.at for m in musts) for musts in found if musts} == {(half, 3 * half // 2)}
        assert {musts[-1].length for musts in found if musts} == {half // 4}


def test_a_phrase_takes_up_its_first_two_bars_or_one_where_it_has_no_four(monkeypatch):
    halves = {False: set(), True: set()}

    def seen(rows, start, last, half, *rest):
        halves[(last - start) / bar >= 3].add(half / bar)
        return answered(rows, start, last, half, *rest)

    monkeypatch.setattr(singing, "answered", seen)
    bar = 4 * TICKS
    for seed in (1, 2, 3):
        compose(profile("longing"), seconds=50, seed=seed, metre="4/4")
    assert halves == {False: {1}, True: {2}}


def test_nothing_sounds_before_a_phrase_begins_whatever_it_brings_back():
    found = joined(Must(96, straight=True), frame(ROWS, 96, 48), Must(480, (0,)))
    assert found[0].at == 96 and found[0].straight and found[0].pitch == 60 and found[-1] == Must(480, (0,))
    assert joined(Must(96, straight=True), [], Must(480))[0] == Must(96, straight=True)
