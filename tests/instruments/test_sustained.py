"""What makes each sustained instrument what it is: throats, mouths, breath, glass, and their kernels' twins."""

import numpy as np
import pytest
from scipy import signal

from melancholia.instruments import bowed_glass, choir, clarinet, flute
from melancholia.instruments.events import Events, hertz
from melancholia.instruments.filters import minimum_phase, radiation
from melancholia.instruments.kernels import bow, shimmer
from melancholia.instruments.wavetables import cycles

RATE = 48_000


def one(pitch, held, velocity=90, curves=None):
    return Events(np.array([0.0]), np.array([held]), np.array([pitch]), np.array([velocity]), curves or {})


def db(x):
    return 20 * np.log10(np.maximum(x, 1e-12))


def test_shimmer_is_its_sum_of_tones():
    rng = np.random.default_rng(3)
    frames, block = 5000, 64
    omega = np.array([0.01, 0.07, 0.4])
    left, right = (
        rng.normal(size=(3, frames // block + 2)) + 1j * rng.normal(size=(3, frames // block + 2)) for _ in "ab"
    )
    out = np.zeros((2, frames + 100), np.float32)
    shimmer(out, 40, frames, omega, left, right, block)
    t, edges = np.arange(frames), np.arange(left.shape[1]) * block
    for channel, side in zip(out, (left, right), strict=True):
        wanted = sum(
            ((np.interp(t, edges, a.real) + 1j * np.interp(t, edges, a.imag)) * np.exp(1j * w * t)).real
            for a, w in zip(side, omega, strict=True)
        )
        assert db(np.abs(channel[40 : 40 + frames] - wanted).max() / np.abs(wanted).max()) < -90
        assert not channel[:40].any() and not channel[40 + frames :].any()


@pytest.mark.parametrize("slip", [True, False])
def test_bow_is_its_twin_with_everything_moving(slip):
    rng = np.random.default_rng(4)
    frames, block, step, turned = 3000, 32, 0.0091, 0.37
    cycle = np.cumsum(rng.normal(size=(4096, 2)), axis=0) / 30
    table = np.ascontiguousarray(np.concatenate([cycle, cycle[:1]]), np.float32)
    bend, level, blend, hiss = rng.uniform(0.5, 1, (4, frames // block + 2))
    noise = rng.normal(size=256).astype(np.float32)
    track = np.zeros(frames, np.float32)
    bow(track, 0, frames, table, step, bend, level, blend, noise, 17, hiss, slip, block, turned)
    t, edges = np.arange(frames), np.arange(len(bend)) * block
    inc = step * 0.5 * (bend[1:] + bend[:-1])
    turn = (turned + np.concatenate([[0], np.cumsum(inc) * block])[t // block] + inc[t // block] * (t % block)) % 1
    soft, loud = (np.interp(turn * 4096, np.arange(4097), row) for row in table.T.astype(float))
    level, blend, hiss = (np.interp(t, edges, x) for x in (level, blend, hiss))
    rise = np.minimum(12 * turn, 1)
    burst = 0.3 + 1.5 * (1 - turn) ** 2 * rise**2 * (3 - 2 * rise) if slip else 0.4 + 2.4 * (turn - 0.5) ** 2
    wanted = level * (soft + blend * (loud - soft) + hiss * burst * noise[(17 + t) & 255])
    off = np.abs(track - wanted)
    assert db(np.sqrt((off**2).mean()) / np.abs(wanted).max()) < -70  # float32 steps across a rough table


def test_the_shortest_phase_keeps_the_gains_and_comes_at_once():
    def gain(hz):
        return 1 + 3 / (1 + ((hz - 1000) / 150) ** 2)

    taps = minimum_phase(gain, rate=RATE, taps=4096)
    hz = np.fft.rfftfreq(2**15, 1 / RATE)
    assert np.abs(db(np.abs(np.fft.rfft(taps, 2**15))) - db(gain(hz))).max() < 0.1
    assert (taps[:240] ** 2).sum() > 0.99 * (taps**2).sum()


@pytest.mark.parametrize("name", ["flute", "clarinet"])
def test_near_microphones_differ_alike_on_every_key(name):
    spectrum = np.fft.rfft(radiation(name, 1, RATE), 2**15)
    hz = np.fft.rfftfreq(2**15, 1 / RATE)
    kept = (hz > 150) & (hz < 10_000)
    side, mid = np.abs(spectrum[0] - spectrum[1])[kept], np.abs(spectrum[0] + spectrum[1])[kept]
    assert -16 < db(side / mid).min() and db(side / mid).max() < -11


@pytest.mark.parametrize("vowel", ["oo", "ah"])
def test_a_throat_has_its_formants(vowel):
    spectrum = db(np.abs(np.fft.rfft(choir.throat(vowel, 1.0, RATE), 2**16)))
    hz = np.fft.rfftfreq(2**16, 1 / RATE)
    peaks = hz[signal.find_peaks(spectrum, prominence=1.5)[0]]
    for formant in choir.VOWELS[vowel][0]:
        assert np.abs(peaks - formant).min() < 0.03 * formant, (formant, peaks)


def test_every_desk_of_the_choir_is_in_tune():
    cents = choir.paired(np.random.default_rng(0), 6.0)
    assert cents.reshape(-1, 2).sum(axis=1) == pytest.approx(0) and len(set(np.abs(cents))) == 3


def test_mouths_never_rest_and_open_as_it_grows_louder():
    loud, soft = (
        choir.mouths(one(60, 60, curves={"expression": (np.array([0.0]), np.array([v]))}), 1, 60) for v in (127.0, 20.0)
    )
    opened = loud[1]
    assert 0.3 < opened.min() and opened.max() < 1 and np.ptp(opened) > 0.3
    assert np.abs(np.diff(opened)).max() < 0.06  # 0.05 s apart
    assert (opened - soft[1]).mean() > 0.2


def test_vowels_move_the_upper_formants():
    stem = choir.play(one(55, 12), RATE, 2, 13 * RATE).mean(axis=0).astype(np.float64)
    _, times, power = signal.spectrogram(stem, RATE, nperseg=RATE // 4)
    hz = np.arange(power.shape[0]) * 4.0
    high = 10 * np.log10(power[(hz > 900) & (hz < 1500)].sum(axis=0) / power[(hz > 150) & (hz < 450)].sum(axis=0))
    assert np.ptp(high[(times > 1) & (times < 11)]) > 4


@pytest.mark.parametrize("instrument", [flute, clarinet])
def test_breath_is_even_and_has_no_slips(instrument):
    """Noise that is tied to the period's edges would stand over 16 kHz, period after period."""
    stem = instrument.play(one(67, 2.0), RATE, 1, 3 * RATE).mean(axis=0).astype(np.float64)
    high = signal.sosfilt(signal.butter(8, 16_000, "highpass", fs=RATE, output="sos"), stem)[RATE // 2 : RATE * 2]
    assert db(np.sqrt((high**2).mean() / (stem[RATE // 2 : RATE * 2] ** 2).mean())) < -75
    assert not instrument.VOICE.slip


def test_a_low_clarinet_is_hollow_and_fills_up_above():
    k = np.arange(1, 21)
    soft, loud = db(clarinet.harmonics(hertz(52), k))
    for low in (soft, loud):  # sampled on G3: 29, 16 and 4 dB under the odd ones before them
        assert (low[1:6:2] < low[0:6:2] - (25, 12, 3)).all()
    above = db(clarinet.harmonics(hertz(80), k))[1]
    assert above[7] - above[6] > loud[1] - loud[0] + 10


def test_no_cycle_reaches_half_the_sample_rate():
    for rate in (44_100, 48_000):
        highest = min(14_000.0, 0.45 * rate)
        for pitch in (50, 70, 96):
            spectrum = np.abs(np.fft.rfft(cycles(pitch, flute.VOICE, highest, 1)[:-1].astype(np.float64), axis=0))
            count = int(highest / (1.03 * hertz(pitch)))
            assert spectrum[count + 1 :].max() < 1e-3 * spectrum.max()


def test_glass_rings_on_for_two_to_three_seconds():
    stem = bowed_glass.play(one(67, 4.0), RATE, 1, 10 * RATE).astype(np.float64)
    level = [10 * np.log10((stem[:, int(t * RATE) : int((t + 0.2) * RATE)] ** 2).sum()) for t in (4.3, 5.3)]
    assert 60 / 3.2 < level[0] - level[1] < 60 / 2


@pytest.mark.parametrize("pitch", [50, 64, 90])
def test_the_walk_of_glass_comes_home(pitch):
    """0.75 Hz wide is 10 cents at D3; the mean over a tone stays within one."""
    for seed in (1, 2, 3):
        drive = np.ones((2, 4000))
        left, right = bowed_glass.walks(drive, np.full(2, 0.994), np.random.default_rng(seed))
        first = left[0] + right[0]
        a_second = np.angle((first[1:] * first[:-1].conj()).sum()) * RATE / bowed_glass.BLOCK / (2 * np.pi)
        assert abs(1200 * np.log2(1 + a_second / hertz(pitch))) < 1
        assert np.std(np.abs(first[500:])) > 0.05 * np.abs(first[500:]).mean()
