"""Lines as the model goes on: what must be is there; what is kept of its reading is what reading anew would give."""

import numpy as np
import pytest

from melancholia.composition import continuing
from melancholia.composition.asks import ground_of
from melancholia.composition.coding import TICKS, Compass
from melancholia.composition.composers import shipped
from melancholia.composition.continuing import Must, go_on, opening, picked
from melancholia.composition.decoder import read, read_on, side_by_side
from melancholia.composition.form import plan_form
from melancholia.composition.harmony import plan_harmony
from melancholia.composition.ways import SUNG
from melancholia.profile import profile

LOW, HIGH = 55, 79


@pytest.fixture(scope="module")
def scene():
    """A plan, what lies under it, and how a line begins over it."""
    writing = profile("longing").writing
    form = plan_form(writing, np.random.default_rng(1), seconds=60, bpm=60, metre="4/4", mode="minor", ways=SUNG)
    slots = plan_harmony(form, writing, np.random.default_rng(2), None)
    ground = ground_of(form, slots, 9)
    compass = Compass.about(9, 67.0)
    return ground, compass, opening(compass, 67.0, 4 * TICKS, ground.cues[0])


def lines(scene, musts, count=12, seed=3, until=None):
    ground, compass, before = scene
    until = musts[-1].at + TICKS if until is None else until
    rng = np.random.default_rng(seed)
    return go_on(shipped().tunes, before, ground, musts, compass, low=LOW, high=HIGH, until=until, count=count, rng=rng)


def test_no_tone_comes_four_times_and_no_move_is_wider_than_an_octave(scene):
    for line in lines(scene, [Must(0), Must(40 * TICKS)], count=24):
        pitches = line.notes[:, 2]
        assert np.abs(np.diff(pitches)).max() <= continuing.WIDEST
        assert not any(len(set(pitches[k : k + 4])) == 1 for k in range(len(pitches) - 3))


def test_a_given_tone_may_be_said_again_and_lie_outside_the_range(scene):
    musts = [Must(k * TICKS, pitch=50, length=TICKS, straight=True) for k in range(6)]
    told = scene[1].coded([50])
    for line in lines(scene, musts, count=3):
        assert line.notes[:, 2].tolist() == [50] * 6
        assert (line.choices[:, 1:3] == np.column_stack(told)).all()  # and the model is told so


def test_the_likelier_is_drawn_more_often_and_less_so_in_heat():
    """Classes of probability 8/15, 4/15, 2/15 and 1/15; with heat 2 as their square roots; each at its cost in nats."""
    logits = np.log(np.tile(np.array([1.0, 8.0, 2.0, 4.0], np.float32), (40_000, 1)))
    for heat, power in ((1.0, 1.0), (2.0, 0.5)):
        share = np.array([1.0, 8.0, 2.0, 4.0]) ** power
        share /= share.sum()
        found, nats = picked(logits, np.random.default_rng(5), heat)
        assert np.allclose(np.bincount(found, minlength=4) / len(found), share, atol=0.01)
        assert np.allclose(nats, -np.log(share[found]), atol=1e-5)


def test_the_least_likely_are_never_drawn():
    """Of .6 and .385 both are kept, of .6 and .37 a third beside them: as many as come to .98."""
    logits = np.log(np.tile(np.array([0.6, 0.385, 0.01, 0.005], np.float32), (20_000, 1)))
    assert set(picked(logits, np.random.default_rng(6), 1.0)[0].tolist()) == {0, 1}
    logits = np.log(np.tile(np.array([0.6, 0.37, 0.02, 0.01], np.float32), (20_000, 1)))
    assert set(picked(logits, np.random.default_rng(6), 1.0)[0].tolist()) == {0, 1, 2}


def test_of_a_line_longer_than_the_model_sees_the_last_notes_are_read_anew(scene, monkeypatch):
    """Those of the lines that still go on, each with its own, and what came before them."""
    anew = []

    def reading(model, choices, cues):
        anew.append((choices, cues))
        return read(model, choices, cues)

    monkeypatch.setattr(continuing, "read", reading)
    musts = [Must(k * TICKS // 2) for k in range(150)]
    found = lines(scene, musts, count=6)
    before = scene[2]
    room = shipped().tunes.context // 2 - 2
    assert len(anew) > 2 and len({len(line.notes) for line in found}) > 1
    for choices, cues in anew[1:]:
        assert choices.shape[1] == cues.shape[1] == room and len(choices) <= len(found)
        for row, told in zip(choices, cues, strict=True):
            assert any(ends_in(row, told, before, line) for line in found)


def ends_in(row, told, before, line):
    """Whether some beginning of a line, and what was before it, ends in these choices and cues."""
    choices, cues = np.concatenate([before.choices, line.choices]), np.concatenate([before.cues, line.cues])
    ends = range(len(row), len(choices) + 1)
    return any(
        np.array_equal(choices[end - len(row) : end], row) and np.array_equal(cues[end - len(row) : end], told)
        for end in ends
    )


def test_lines_that_end_leave_the_others_as_they_were():
    """What is kept of a reading whose lines end one by one is that of the others read alone."""
    model = shipped().tunes
    rng = np.random.default_rng(0)
    width = model.weights["cue.weight"].shape[0]
    choices = np.stack([rng.integers(0, 5, (4, 12)) for _ in range(4)], axis=2)
    cues = rng.normal(size=(4, 12, width)).astype(np.float32)
    reading = side_by_side(read(model, choices[:1, :6], cues[:1, :6]), 4)
    kept = np.arange(4)
    for k in range(6, 12):
        read_on(model, reading, choices[kept, k], cues[kept, k])
        if k in (7, 9):
            going = np.arange(len(kept)) != (1 if k == 7 else 0)
            reading.only(going)
            kept = kept[going]
    assert kept.tolist() == [2, 3] and reading.notes == 12
    for row, line in enumerate(kept):
        shared = np.concatenate([choices[:1, :6], choices[line : line + 1, 6:]], axis=1)
        told = np.concatenate([cues[:1, :6], cues[line : line + 1, 6:]], axis=1)
        assert np.allclose(reading.last[row], read(model, shared, told).last[0], atol=1e-4)


def test_what_lies_far_back_is_forgotten():
    before = np.arange(5)
    more = np.arange(10, 16).reshape(2, 3)
    assert continuing.behind(before, more, 6).tolist() == [[2, 3, 4, 10, 11, 12], [2, 3, 4, 13, 14, 15]]
    assert continuing.behind(before, more[:, 1:], 2).tolist() == [[11, 12], [14, 15]]
    assert continuing.behind(before[:0], more, 6).tolist() == more.tolist()
