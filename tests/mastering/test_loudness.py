"""The meter reads EBU's signals (Tech 3341 and 3342) as it must, and agrees with libebur128."""

import numpy as np
import pyebur128
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.audio import Audio, audio
from melancholia.errors import InputError
from melancholia.mastering import measure, short_term
from melancholia.mastering.kernels import block_peaks, k_weight_energy
from melancholia.mastering.loudness import INTERPOLATOR, TAPS, k_filter

RATES = (44_100, 48_000, 96_000)


def sine(rate, steps, *, hertz=1000.0, channels=2, gains=None):
    """A phase-continuous sine in steps of (dBFS, seconds), the same in all channels times their gains."""
    level = np.concatenate([np.full(round(s * rate), 0.0 if db is None else 10 ** (db / 20)) for db, s in steps])
    wave = level * np.sin(2 * np.pi * hertz * np.arange(len(level)) / rate)
    return audio(np.outer(gains if gains is not None else np.ones(channels), wave), rate)


INTEGRATED = {
    "3341-1": [(-23, 20)],
    "3341-3": [(-36, 10), (-23, 60), (-36, 10)],
    "3341-4": [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
    "3341-5": [(-26, 20), (-20, 20.1), (-26, 20)],
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("case", INTEGRATED)
def test_integrated_loudness_of_the_ebu_signals(case, rate):
    assert measure(sine(rate, INTEGRATED[case])).integrated_lufs == pytest.approx(-23, abs=0.1)


def test_minus_33_is_read_as_such():
    found = measure(sine(48_000, [(-33, 20)]))
    assert found.integrated_lufs == pytest.approx(-33, abs=0.1)
    assert found.max_momentary_lufs == pytest.approx(-33, abs=0.1)
    assert found.max_short_term_lufs == pytest.approx(-33, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
def test_surround_channels_weigh_more_and_lfe_nothing(rate):
    gains = 10 ** (np.array([-28, -28, -24, 0, -30, -30]) / 20)
    five = sine(rate, [(0, 20)], gains=gains[[0, 1, 2, 4, 5]])
    six = sine(rate, [(0, 20)], gains=gains)
    assert measure(five).integrated_lufs == pytest.approx(-23, abs=0.1)
    assert measure(six).integrated_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
def test_short_term_is_steady_where_it_must_be(rate):
    found = list(short_term(sine(rate, [(-20, 1.34), (-30, 1.66)] * 5)))
    assert all(lufs == pytest.approx(-23, abs=0.1) for at, lufs in found if at >= 3)


@pytest.mark.parametrize("i", [0, 1, 7, 13, 19])
def test_maximum_short_term_and_momentary(i):
    long = measure(sine(48_000, [(None, 0.15 * i), (-23, 3), (None, 1)]))
    short = measure(sine(48_000, [(None, 0.02 * i), (-23, 0.4), (None, 1)]))
    assert long.max_short_term_lufs == pytest.approx(-23, abs=0.1)
    assert short.max_momentary_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("steps", "range_lu"),
    [([(-20, 20), (-30, 20)], 10), ([(-20, 20), (-15, 20)], 5), ([(-40, 20), (-20, 20)], 20),
     ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15)],
)  # fmt: skip
@pytest.mark.parametrize("rate", RATES)
def test_loudness_range(steps, range_lu, rate):
    assert measure(sine(rate, steps)).range_lu == pytest.approx(range_lu, abs=1)


def faded(x, rate):
    n = rate // 100
    x[:n] *= np.linspace(0, 1, n)
    x[-n:] *= np.linspace(1, 0, n)
    return x


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("divisor", "amplitude", "degrees", "dbtp"),
    [(4, 0.5, 0, -6), (4, 0.5, 45, -6), (6, 0.5, 60, -6), (8, 0.5, 67.5, -6), (4, 1.41, 45, 3)],
)
def test_true_peak_of_the_ebu_signals(divisor, amplitude, degrees, dbtp, rate):
    n = np.arange(rate)
    x = faded(amplitude * np.sin(2 * np.pi * n / divisor + np.radians(degrees)), rate)
    assert dbtp - 0.4 <= measure(audio(x, rate)).true_peak_dbtp <= dbtp + 0.2


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), rate=st.sampled_from(RATES), channels=st.sampled_from([1, 2]))
def test_it_agrees_with_libebur128(seed, rate, channels):
    rng = np.random.default_rng(seed)
    envelope = np.repeat(10 ** (rng.uniform(-50, -6, 12) / 20), rate // 2)
    x = (rng.standard_normal((channels, len(envelope))) * envelope).astype(np.float32)
    found = measure(Audio(x, rate))
    state = pyebur128.R128State(channels, rate, pyebur128.MeasurementMode.MODE_I | pyebur128.MeasurementMode.MODE_LRA)
    state.add_frames(np.ascontiguousarray(x.T).astype(np.float64).ravel(), x.shape[1])
    assert found.integrated_lufs == pytest.approx(pyebur128.get_loudness_global(state), abs=0.02)


def test_silence_is_minus_infinity():
    found = measure(audio(np.zeros((2, 48_000)), 48_000))
    assert found.integrated_lufs == found.true_peak_dbtp == -np.inf and found.range_lu == 0


def test_nine_channels_are_refused():
    with pytest.raises(InputError, match="9 channels; allowed: 1 to 8"):
        measure(audio(np.zeros((9, 48_000)), 48_000))


@settings(deadline=None, max_examples=20)
@given(size=st.integers(700, 70_000), seed=st.integers(0, 99))
def test_blocks_of_any_size_read_the_same(size, seed):
    sound = audio(np.random.default_rng(seed).normal(0, 0.2, (2, 40_000)), 44_100)

    class Blocks:
        rate, channels, frames = 44_100, 2, 40_000

        def blocks(self, frames=None):
            return sound.blocks(size)

    found, whole = measure(Blocks()), measure(sound)
    assert found.integrated_lufs == pytest.approx(whole.integrated_lufs, abs=1e-9)
    assert found.true_peak_dbtp == pytest.approx(whole.true_peak_dbtp, abs=1e-6)


def test_the_weighting_kernel_is_its_filters():
    from scipy.signal import lfilter

    x = np.random.default_rng(1).normal(0, 1, 5000).astype(np.float32)
    c, state = k_filter(48_000), np.zeros(5)
    k_weight_energy(x, c, state)
    y = lfilter(c[5:8], [1, *c[8:]], lfilter(c[:3], [1, *c[3:5]], x.astype(np.float64)))
    assert state[4] == pytest.approx((y**2).sum(), rel=1e-9)


def test_the_peak_kernel_is_its_interpolation():
    x = np.random.default_rng(2).normal(0, 0.3, 320 + TAPS - 1).astype(np.float32)
    peaks = np.zeros(10, np.float32)
    block_peaks(x, INTERPOLATOR, peaks, 32, np.float32(0))
    between = np.stack([np.correlate(x.astype(np.float64), row, "valid") for row in INTERPOLATOR])
    own = np.abs(x[TAPS // 2 - 1 :][:320])
    wanted = np.maximum(np.abs(between[:, :320]).max(axis=0), own).reshape(10, 32).max(axis=1)
    assert np.allclose(peaks, wanted, atol=1e-5)
