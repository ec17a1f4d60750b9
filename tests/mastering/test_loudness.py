"""The meter reads EBU's signals (Tech 3341 and 3342) as it must, and agrees with libebur128."""

import tarfile
from pathlib import Path

import numpy as np
import pyebur128
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.audio import Audio, audio
from melancholia.errors import InputError
from melancholia.mastering import measure, short_term
from melancholia.mastering.loudness import Energies, PeakMeter, between_samples, power_in, scan
from melancholia.meter import KWeighting, k_weighting, to_lufs
from melancholia.recordings import recording

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


@pytest.mark.parametrize("rate", RATES)
def test_minus_33_is_read_as_such(rate):
    """3341-2"""
    found = measure(sine(rate, [(-33, 20)]))
    assert found.integrated_lufs == pytest.approx(-33, abs=0.1)
    assert found.max_momentary_lufs == pytest.approx(-33, abs=0.1)
    assert found.max_short_term_lufs == pytest.approx(-33, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
def test_surround_channels_weigh_more_and_lfe_nothing(rate):
    """3341-6, and the same with an LFE at full scale."""
    gains = 10 ** (np.array([-28, -28, -24, 0, -30, -30]) / 20)
    five = sine(rate, [(0, 20)], gains=gains[[0, 1, 2, 4, 5]])
    six = sine(rate, [(0, 20)], gains=gains)
    assert measure(five).integrated_lufs == pytest.approx(-23, abs=0.1)
    assert measure(six).integrated_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
def test_short_term_is_steady_where_it_must_be(rate):
    """3341-9"""
    found = list(short_term(sine(rate, [(-20, 1.34), (-30, 1.66)] * 5)))
    assert all(lufs == pytest.approx(-23, abs=0.1) for at, lufs in found if at >= 3)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("i", [0, 1, 7, 13, 19])
def test_maximum_short_term_and_momentary(i, rate):
    """3341-10 and 3341-13"""
    long = measure(sine(rate, [(None, 0.15 * i), (-23, 3), (None, 1)]))
    short = measure(sine(rate, [(None, 0.02 * i), (-23, 0.4), (None, 1)]))
    assert long.max_short_term_lufs == pytest.approx(-23, abs=0.1)
    assert short.max_momentary_lufs == pytest.approx(-23, abs=0.1)


def momentary(sound, window, step):
    """Loudness of each window of so many hops of 10 ms, every so many."""
    found = scan(sound)
    power = power_in(window, found.energy, np.diff(found.edges(np.arange(len(found.energy) + 1))))
    return to_lufs(power[::step])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("window_s", "step_s"), [(3, 0.15), (0.4, 0.02)], ids=["3341-11", "3341-14"])
def test_a_live_meter_reads_each_of_twenty_steps(rate, window_s, step_s):
    steps = []
    for i in range(20):
        steps += [(None, step_s * i), (-38 + i, window_s), (None, window_s - step_s * i)]
    read = momentary(sine(rate, steps), round(100 * window_s), 1)
    for i in range(20):
        start = round(200 * window_s * i)  # until the next one begins
        assert read[start : start + round(100 * window_s)].max() == pytest.approx(-38 + i, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
def test_momentary_is_steady_where_it_must_be(rate):
    """3341-12"""
    read = momentary(sine(rate, [(-20, 0.18), (-30, 0.22)] * 25), 40, 10)
    assert read[6:] == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("offset", range(4), ids=["3341-20", "3341-21", "3341-22", "3341-23"])
@pytest.mark.parametrize("rate", RATES)
def test_a_burst_between_the_samples_is_read_at_its_peak(rate, offset):
    """Made at four times the rate: eight cycles of fs/6 under a window, band-limited so; the peak is 0 dBTP."""
    n = np.arange(-2400, 2400)
    burst = np.cos(2 * np.pi * n / 24) * np.where(np.abs(n) < 96, 0.5 + 0.5 * np.cos(np.pi * n / 96), 0)
    assert -0.4 <= measure(audio(burst[offset::4], rate)).true_peak_dbtp <= 0.2


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


@settings(max_examples=25)
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


@settings(max_examples=20)
@given(size=st.integers(700, 70_000), seed=st.integers(0, 99))
def test_blocks_of_any_size_read_the_same(size, seed):
    sound = audio(np.random.default_rng(seed).normal(0, 0.2, (2, 40_000)), 44_100)

    class Blocks:
        rate, channels, frames = 44_100, 2, 40_000

        def blocks(self, frames=None):
            return sound.blocks(size)

    found, whole = measure(Blocks()), measure(sound)
    assert found.integrated_lufs == pytest.approx(whole.integrated_lufs, abs=1e-5)  # products in float32
    assert found.true_peak_dbtp == pytest.approx(whole.true_peak_dbtp, abs=1e-4)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.integers(1, 9000), min_size=1, max_size=6),
    rate=st.sampled_from([8_000, 44_100, 192_000]),
)
def test_the_weighting_is_its_filters_in_blocks_of_any_size(seed, sizes, rate):
    from scipy.signal import sosfilt

    x = np.random.default_rng(seed).normal(0, 0.3, (2, sum(sizes))).astype(np.float32)
    weighting = KWeighting(rate, 2)
    found = np.concatenate([weighting.add(block) for block in np.split(x, np.cumsum(sizes)[:-1], axis=1)], axis=1)
    assert np.allclose(found, sosfilt(k_weighting(rate), x.astype(np.float64)), atol=1e-5)


@pytest.mark.parametrize("rate", [11_025, 22_050, 44_100, 48_000])
def test_energy_is_summed_in_each_hop(rate):
    x = np.random.default_rng(1).normal(0, 1, (3, 5000)).astype(np.float32)
    energies, weighting = Energies(Audio(x, rate)), KWeighting(rate, 3)
    for start, stop in ((0, 1700), (1700, 1701), (1701, 5000)):
        energies.add(x[:, start:stop].copy())
    hops = -(-5000 * 100 // rate)
    edges = [min(5000, int(k * rate / 100 + 0.5)) for k in range(hops)] + [5000]
    power = (weighting.add(x).astype(np.float64) ** 2).sum(axis=0)
    wanted = [power[low:high].sum() for low, high in zip(edges, edges[1:], strict=False)]
    assert np.allclose(energies.energy, wanted, rtol=1e-5)


def test_a_peak_that_only_its_neighbours_make_is_found():
    """Between the last sample of a step and the first of the next, both of which are loud, in a step that is not."""
    x = np.zeros((1, 960), np.float32)
    x[0, 320:352:2], x[0, 321:352:2] = 0.5, -0.5
    x[0, 352:384] = np.where(np.arange(32) % 2, 0.01, -0.01)
    x[0, 384:416:2], x[0, 385:416:2] = -0.5, 0.5
    near, all_of_it = PeakMeter(1, 32, 960, share=0.9), PeakMeter(1, 32, 960, share=0.0)
    for meter in (near, all_of_it):
        meter.add(x)
        meter.finish()
    exact = all_of_it.peaks.part(0, 30)
    loud = exact > 0.9 * exact.max()
    assert np.allclose(near.peaks.part(0, 30)[loud], exact[loud]) and near.highest == exact.max()


@pytest.mark.parametrize("block", [32, 64, 128])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_peaks_are_those_of_the_interpolation_as_far_as_they_are_looked_at(block, share):
    rng = np.random.default_rng(2)
    x = (rng.normal(0, 0.3, (2, 3000)) * np.repeat(rng.random(30), 100)).astype(np.float32)
    meter = PeakMeter(2, block, 3000, share=share)
    for start in range(0, 3000, 700):
        meter.add(x[:, start : start + 700])
    meter.finish()
    padded = np.pad(x.astype(np.float64), ((0, 0), (15, 16)))
    between = np.stack([[np.correlate(one, row, "valid") for row in between_samples()] for one in padded])
    true = np.maximum(np.abs(between).max(axis=1), np.abs(x)).max(axis=0)
    wanted = np.pad(true, (0, -3000 % block)).reshape(-1, block).max(axis=1)
    found = meter.peaks.part(0, 10_000)
    assert len(found) == len(wanted) and meter.highest == found.max()
    assert found.max() == pytest.approx(wanted.max(), rel=1e-5)
    matters = wanted > share * wanted.max()
    assert np.allclose(found[matters], wanted[matters], atol=1e-5) and (found <= wanted + 1e-5).all()


RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "4qaed" / "4qaed-720-opus.tar"


@pytest.mark.shared_data
@pytest.mark.skipif(not RECORDINGS.exists(), reason="needs the recordings of 4QAED")
def test_it_agrees_with_libebur128_on_fifty_recordings(tmp_path):
    modes = pyebur128.MeasurementMode
    off = []
    with tarfile.open(RECORDINGS) as tar:
        members = [one for one in tar.getmembers() if one.name.endswith(".opus")][::14][:50]
        for member in members:
            (tmp_path / "x.opus").write_bytes(tar.extractfile(member).read())
            sound = recording(tmp_path / "x.opus").read()
            state = pyebur128.R128State(sound.channels, sound.rate, modes.MODE_I | modes.MODE_LRA)
            state.add_frames(np.ascontiguousarray(sound.samples.T).astype(np.float64).ravel(), sound.frames)
            found = measure(sound)
            off.append(abs(found.integrated_lufs - pyebur128.get_loudness_global(state)))
    assert len(off) == 50 and max(off) <= 0.1
