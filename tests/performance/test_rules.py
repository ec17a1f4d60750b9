"""Each rule against its formula, with numbers worked out by hand or taken from the source."""

import numpy as np
import pytest

from melancholia.performance.timing import arch, beat_lengths, clock, pink, ritard, tempo_map
from melancholia.performance.touch import (
    arch_db,
    contrast_ms,
    harmonic_charge,
    high_loud_db,
    legato_ms,
    melodic_charge_db,
    motor_ms,
    noise_db,
)
from melancholia.piece import Chord, Key, Phrase

RNG = np.random.default_rng


def test_a_phrase_is_broad_at_its_ends():
    """k = 1.5: 15 % longer at the start, 30 % at the end; nominal at the turn."""
    u = np.array([0.0, 0.4, 1.0])
    assert np.allclose(arch(u, k=1.5, turn=0.4), [1.15, 1, 1.30])
    assert np.allclose(arch(u, k=0, turn=0.4), 1)


@pytest.mark.parametrize(("end", "stretch"), [(0.7, 1.16), (0.6, 1.22), (0.5, 1.29), (0.4, 1.35), (0.3, 1.40)])
def test_the_final_ritard_brakes_evenly(end, stretch):
    x = (np.arange(10_000) + 0.5) / 10_000
    tempo = ritard(x, end=end)
    assert (1 / tempo).mean() == pytest.approx(stretch, abs=0.006)
    assert (np.diff(tempo) < 0).all() and tempo[-1] == pytest.approx(end, abs=1e-3)


@pytest.mark.parametrize(
    ("k", "ms"), [(1, (36, 59, 67, 63, 12)), (3, (42, 70, 84, 85, 47)), (5, (47, 81, 101, 108, 82))]
)
def test_legato_overlaps_as_measured_pianists_do(k, ms):
    assert np.allclose(legato_ms(np.array([250, 500, 750, 1000, 1500.0]), k=k), ms, atol=1)


def test_no_legato_without_k():
    assert not legato_ms(np.array([500.0]), k=0).any()


@pytest.mark.parametrize(("ioi", "ms"), [(115, -11 / 2), (300, -9), (500, -3.5), (20, 0), (700, 0)])
def test_duration_contrast(ioi, ms):
    assert contrast_ms(np.array([ioi]), k=1)[0] == pytest.approx(1.5 * ms, abs=0.01)
    assert contrast_ms(np.array([ioi]), k=-2)[0] == pytest.approx(-3 * ms, abs=0.02)


def test_high_is_loud_by_three_db_an_octave():
    level = high_loud_db(np.array([60.0, 72.0]), k=1)
    assert level[1] - level[0] == pytest.approx(3)


def test_charges():
    dominant = Chord(0, 1, "V", (4, 8, 11), 4)
    assert melodic_charge_db(5, dominant, k=1) == pytest.approx(1.3)  # a semitone over the root: 6.5
    assert melodic_charge_db(4, dominant, k=1) == 0 and melodic_charge_db(5, None, k=1) == 0
    assert harmonic_charge(dominant, Key(9)) == 2 and harmonic_charge(Chord(0, 1, "ii°6", (11, 2, 5), 2), Key(9)) == 5
    assert harmonic_charge(dominant, Key(9, "major")) == 1.5


def test_a_phrase_swells_to_its_peak():
    phrase = Phrase(4, 12, 8, "")
    level = arch_db(phrase, np.array([4.0, 8.0, 12.0]), k=2, amp=1.5)
    assert np.allclose(level, [-1.5, 0, -3])


@pytest.mark.parametrize(("ioi", "share"), [(300, 0.014), (500, 0.015), (1000, 0.019)])
def test_the_clock_is_as_uneven_as_a_person(ioi, share):
    found = [clock(np.full(200, float(ioi)), k=1, rng=RNG(s)).std() / ioi for s in range(30)]
    assert np.mean(found) == pytest.approx(share, rel=0.35)
    assert clock(np.full(200, 2000.0), k=1, rng=RNG(0)).std() <= 0.0251 * 2000


def test_noise_has_its_size_and_its_colour():
    assert motor_ms(50_000, k=1, rng=RNG(0)).std() == pytest.approx(6.8, rel=0.02)
    assert noise_db(50_000, k=1, rng=RNG(0)).std() == pytest.approx(1, rel=0.02)
    assert not motor_ms(10, k=0, rng=RNG(0)).any()
    spectrum = np.mean([np.abs(np.fft.rfft(pink(1024, RNG(s)))) ** 2 for s in range(40)], axis=0)
    low, high = spectrum[4:12].mean(), spectrum[256:512].mean()
    assert 15 < low / high < 120  # 1/f from bin 8 to bin 360: about 45


def test_beats_keep_their_mean():
    beats, shape = np.arange(0, 33.0), np.tile([1.1, 1.0, 0.9, 1.2], 8)
    factor = beat_lengths(shape, beats, 1000, ritard_end=0.4, ritard_quarters=8, noise_k=1, rng=RNG(0))
    assert factor.mean() == pytest.approx(1) and factor[-1] == factor.max()


def test_rounding_of_tempo_does_not_add_up():
    beats = np.arange(0, 2001.0)
    factor = RNG(0).uniform(0.8, 1.2, 2000)
    tempo = tempo_map(beats, factor, 1_000_000.37)
    exact = np.cumsum(factor) * 1.00000037
    assert np.abs(tempo.seconds(beats[1:]) - exact).max() < 2e-6
