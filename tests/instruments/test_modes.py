"""Modes ring by their closed form, until a damper falls."""

import numpy as np
import pytest

from melancholia.instruments.modes import Modes, damping, note, response

RATE = 48_000
TWO = Modes(np.array([220.0, 445.0]), np.array([1.5, 4.0]), np.array([[1 + 0.5j, 0.2], [0.4, 0.3j]]))


def closed_form(modes, frames):
    t = np.arange(frames) / RATE
    turning = np.exp((2j * np.pi * modes.hz - modes.decay)[:, None] * t)
    return (modes.amplitude @ turning).real


def test_a_response_is_its_closed_form():
    found = response(TWO, 0.5, RATE)
    assert np.abs(found - closed_form(TWO, found.shape[1])).max() < 1e-4


def test_a_note_rises_rings_and_is_damped():
    found = note(TWO, held_s=0.5, damper_t60_s=0.2, rise_s=0.01, floor=1e-5, rate=RATE, room=10 * RATE)
    free = closed_form(TWO, found.shape[1])
    assert not found[:, 0].any()
    assert np.abs(found[:, 481:24_000] - free[:, 481:24_000]).max() < 1e-4
    assert np.abs(found[:, 24_000:40_000] - free[:, 24_000:40_000] * damping(0.2, RATE)[:16_000]).max() < 1e-4
    assert np.abs(found[:, int(0.8 * RATE) :]).max() < 1e-3 and not found[:, -1].any()


def test_a_note_that_nothing_damps_rings_to_the_floor():
    found = note(TWO, held_s=0.01, damper_t60_s=None, rise_s=0.001, floor=1e-3, rate=RATE, room=20 * RATE)
    assert found.shape[1] / RATE == pytest.approx(np.log(1.118 / (1e-3 * 1.318)) / 1.5, abs=0.01)


@pytest.mark.parametrize("room", [1, 31, 500, 48_000])
def test_a_note_keeps_to_the_room_that_is_left(room):
    found = note(TWO, held_s=3.0, damper_t60_s=0.2, rise_s=0.01, floor=1e-5, rate=RATE, room=room)
    assert 0 < found.shape[1] <= room


@pytest.mark.parametrize("t60_s", [0.15, 0.5, 1.1])
def test_a_damper_takes_60_db_in_its_time(t60_s):
    gain = damping(t60_s, RATE)
    assert gain[0] == 1 and (np.diff(gain) <= 0).all()
    assert abs(20 * np.log10(gain[int(RATE * (t60_s + 0.02))]) + 60) < 0.5


def test_two_sets_of_modes_are_their_sum():
    one, other = (Modes(TWO.hz[k : k + 1], TWO.decay[k : k + 1], TWO.amplitude[:, k : k + 1]) for k in (0, 1))
    assert np.array_equal(response(one.and_also(other), 0.1, RATE), response(TWO, 0.1, RATE))
