"""Lines as the model goes on: what must be is there; what is kept of its reading is what reading anew would give."""

import sys

import numpy as np
import pytest

from melancholia.composition import compose as composing
from melancholia.composition import continuing
from melancholia.composition.asks import ground_of
from melancholia.composition.coding import TICKS, Compass
from melancholia.composition.composers import shipped
from melancholia.composition.continuing import Must, go_on, opening
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


def test_what_must_be_is_there(scene):
    _, compass, _ = scene
    musts = [
        Must(0, straight=True), Must(2 * TICKS, (0, 3, 7)), Must(4 * TICKS, pitch=72, length=TICKS // 2),
        Must(6 * TICKS, straight=True), Must(12 * TICKS, (0,)),
    ]  # fmt: skip
    for line in lines(scene, musts):
        notes = {start: (length, pitch) for start, length, pitch in line.notes.tolist()}
        assert {must.at for must in musts} <= set(notes)
        assert (notes[2 * TICKS][1] - compass.middle) % 12 in (0, 3, 7)
        assert notes[4 * TICKS] == (TICKS // 2, 72)
        assert not any(4 * TICKS < start < 6 * TICKS for start in notes)
        assert max(notes) == 12 * TICKS and (notes[12 * TICKS][1] - compass.middle) % 12 == 0
        assert notes[12 * TICKS][0] <= TICKS


def test_lines_stay_in_range_go_forward_and_say_no_tone_four_times(scene):
    for line in lines(scene, [Must(0), Must(40 * TICKS)], count=24):
        starts, lengths, pitches = line.notes.T
        assert (np.diff(starts) >= lengths[:-1]).all() and (lengths > 0).all()
        assert ((pitches >= LOW) & (pitches <= HIGH)).all() and np.abs(np.diff(pitches)).max() <= continuing.WIDEST
        assert not any(len(set(pitches[k : k + 4])) == 1 for k in range(len(pitches) - 3))


def test_a_given_tone_may_be_said_again_and_lie_outside_the_range(scene):
    musts = [Must(k * TICKS, pitch=50, length=TICKS, straight=True) for k in range(6)]
    assert all(line.notes[:, 2].tolist() == [50] * 6 for line in lines(scene, musts, count=3))


def test_a_line_longer_than_the_model_sees_goes_on(scene):
    musts = [Must(k * TICKS // 2, straight=True) for k in range(120)]
    assert len(musts) > shipped().tunes.context
    assert all(len(line.notes) == 120 and np.isfinite(line.nats) for line in lines(scene, musts, count=3))


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


@pytest.mark.parametrize(("found", "written"), [(([], []), 2), ((["x"], []), 2), ((["x"], ["x"], []), 3)])
def test_as_many_drafts_are_written_as_are_compared(found, written, monkeypatch):
    """An unfit draft counts among them, as long as one is fit."""
    drafts = []
    left = iter(found)

    def writing(*args):
        drafts.append(original(*args))
        return drafts[-1]

    module = sys.modules["melancholia.composition.compose"]
    original = module.write
    monkeypatch.setattr(module, "COMPARED_LEARNED", 2)
    monkeypatch.setattr(module, "write", writing)
    monkeypatch.setattr(module, "faults", lambda *args, **named: next(left))
    piece = composing(profile("longing"), seconds=15, seed=4)
    assert len(drafts) == written and piece in drafts
