"""Streams of noise and short tones, piece by piece."""

import numpy as np
import pytest

from melancholia.instruments import beds
from melancholia.instruments.events import Events
from melancholia.instruments.kernels import scatter
from melancholia.streams import generator

RATE = 48_000


def events(*notes):
    onset, release, velocity = (np.array(column) for column in zip(*notes, strict=True))
    return Events(onset, release, np.full(len(notes), 60), velocity, {})


def test_a_short_tone_is_its_closed_form():
    out = np.zeros((2, 4800), np.float32)
    one = [np.array([value]) for value in (0.5, 0.25, 2000.0, 30_000.0, 400.0, 0.001)]
    scatter(out, np.array([100]), *one, RATE)
    t = np.arange(900) / RATE
    wanted = np.minimum(t / 0.001, 1) * np.exp(-400 * t) * np.sin(2 * np.pi * (2000 * t + 15_000 * t**2))
    assert np.abs(out[:, 100:1000] - np.outer([0.5, 0.25], wanted)).max() < 1e-5
    assert not out[:, :100].any() and not out[:, 1200:].any()


def test_tones_over_the_top_of_the_rate_are_left_out():
    out = np.zeros((2, 4800), np.float32)
    one = np.ones(1)
    beds.add_grains(out, np.array([0]), one, 0 * one, hz=23_000 * one, chirp=0 * one, decay=100 * one,
                    rise=0.001 * one, rate=RATE)  # fmt: skip
    assert not out.any()


def test_a_note_opens_holds_and_closes():
    gain = beds.opened(events((1.0, 9.0, 127)), RATE, 14 * RATE)
    at = lambda s: gain[int(s * RATE)]  # noqa: E731 - read as a formula
    assert at(0.99) == 0 and at(1.0 + beds.FADE_S / 2) == pytest.approx(0.5, abs=1e-3)
    assert at(5.0) == pytest.approx(1) and at(9.0 + beds.FADE_S / 2) == pytest.approx(0.5, abs=1e-3)
    assert at(9.01 + beds.FADE_S) == 0


def test_notes_that_touch_hold_one_level():
    gain = beds.opened(events((0.0, 5.0, 90), (5.0, 10.0, 90)), RATE, 14 * RATE)
    steady = gain[3 * RATE : 10 * RATE]
    assert np.ptp(steady) < 1e-5 and steady[0] == pytest.approx(10 ** ((90 / 127 - 1) * beds.LEVEL_DB / 20))


def test_a_colour_is_what_its_points_say():
    points = [(100.0, -20.0), (1000.0, 0.0), (10_000.0, -12.0)]
    gain = np.abs(np.fft.rfft(beds.colour(points, RATE), RATE))
    for hz, db in points:
        assert 20 * np.log10(gain[int(hz)] / gain[1000]) == pytest.approx(db, abs=1.5)
    assert gain[0] < 1e-6 * gain.max()


def test_noise_has_the_width_asked_for():
    out = np.zeros((2, 10 * RATE), np.float32)
    gain = np.ones(10 * RATE, np.float32)
    beds.add_noise(out, [(gain, [(100.0, 0.0), (10_000.0, 0.0)], 0.5)], generator(1, "test"), RATE)
    mid, side = out[0] + out[1], out[0] - out[1]
    assert 20 * np.log10(side.std() / mid.std()) == pytest.approx(-6, abs=0.2)
    assert out.std() == pytest.approx(np.sqrt(1.25), rel=0.02)


def test_a_drift_wanders_round_one():
    walk = beds.drift(300 * RATE, RATE, generator(2, "test"), every_s=1.0, sd=0.15)
    assert abs(walk.mean() - 1) < 0.05 and 0.1 < walk.std() < 0.2 and walk.min() >= 0.2
    assert np.abs(np.diff(walk)).max() < 1e-4


def test_moments_come_as_often_as_asked():
    found = beds.moments(600 * RATE, RATE, generator(3, "test"), per_s=20.0)
    assert abs(len(found) / 600 - 20) < 1 and (np.diff(found) >= 0).all()
    gaps = np.diff(found) / RATE
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)  # a Poisson process
