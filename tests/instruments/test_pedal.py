"""The pedal between up and down: dampers that touch lightly, or for a moment, leave strings sounding."""

import numpy as np
import pytest

from melancholia.instruments import render
from melancholia.instruments.events import HALF_PEDAL, dampers, events
from melancholia.piece import Note, Part, Piece, TempoMap

RATE = 48_000


def played(pitch, pedal, name="felt_piano", held=0.5):
    part = Part("p", "harmony", name, (Note(0.0, held, pitch, 70),), {"pedal": pedal})
    return Piece((part,), TempoMap.steady(60))


def lift(pitch, pedal, held=0.5):
    piece = played(pitch, pedal, held=held)
    return events(piece.parts[0], piece).pedal_lift(float(piece.tempo.seconds(held)), pitch)


def test_dampers_lie_by_degrees():
    assert dampers(np.array([0, 28, 50, 72, 127])).tolist() == [1, 1, 0.5, 0, 0] and HALF_PEDAL == (28, 72)


@pytest.mark.parametrize(
    ("pedal", "low", "high"),
    [
        (((0, 0), (4, 0)), 0.5, 0.5),  # never down: with the key
        (((0, 127), (3, 0), (4, 0)), 3.0, 3.0),  # down, and wholly up: to the moment
        (
            ((0, 127), (2, 0), (2.08, 127), (3, 0), (4, 0)),
            3.0,
            2.0,
        ),  # up for 80 ms: a thin string is damped, not a thick one
        (((0, 127), (2, 50), (2.02, 127), (3, 0), (4, 0)), 3.0, 3.0),  # half for 20 ms: neither
        (((0, 127), (2, 50), (3, 0)), 2.12, 2.05),  # half for long: both in the end, where half has weighed as much
        (((0, 127), (4, 127)), 0.5, 0.5),  # down to the end of the curve: nobody holds it
        (((1, 127), (3, 0)), 0.5, 0.5),  # down after the key was let go
        (((0, 127), (0.3, 0), (0.4, 127), (3, 0), (4, 0)), 3.0, 3.0),  # up while the key holds the damper off
    ],
)
def test_what_is_let_go_sounds_until_dampers_have_touched(pedal, low, high):
    assert (lift(36, pedal), lift(84, pedal)) == pytest.approx((low, high), abs=0.002)


def test_times_lie_in_order_wherever_the_foot_goes():
    rng = np.random.default_rng(0)
    for _ in range(200):
        at = np.sort(rng.uniform(0, 4, 12))
        pedal = tuple(zip(at.tolist(), rng.integers(0, 128, 12).tolist(), strict=True))
        found = [lift(pitch, pedal) for pitch in (36, 48, 60, 72, 84)]
        assert min(found) >= 0.5 - 1e-9 and (np.diff(found) < 1e-9).all()


@pytest.mark.parametrize("name", ["felt_piano", "harp"])
def test_a_half_lift_clears_what_is_high_and_leaves_what_is_low(name):
    """Beside a pedal that stays down: after it is lifted halfway for 100 ms a C6 has gone, a C2 has not."""
    left = {}
    for pitch in (36, 84):
        whole, half = (
            next(iter(render(played(pitch, pedal, name), rate=RATE, seed=1, tail_s=4.0).values())).sound.samples
            for pedal in (((0, 127), (3, 0)), ((0, 127), (1.5, 40), (1.6, 127), (3, 0)))
        )
        after = slice(int(2.2 * RATE), int(2.8 * RATE))
        level = [np.sqrt((x[:, after].astype(float) ** 2).mean()) for x in (whole, half)]
        left[pitch] = 20 * np.log10(level[1] / level[0])
    assert left[36] > -1 and left[84] < -6
