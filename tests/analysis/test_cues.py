"""Known sounds for each finer cue: what is put in is what is heard."""

import numpy as np
import pytest
from scipy import signal

from melancholia.analysis import analyse
from melancholia.audio import audio
from tests.analysis.test_analyse import RATE, tone


def heard(samples, name):
    return analyse(audio(np.asarray(samples), RATE)).values[name]


def chords(shape, roots, seconds=1.0):
    """Chords of a shape (semitones) on each root, as sums of soft harmonics."""
    t = np.arange(int(seconds * RATE)) / RATE
    swell = np.minimum(1, np.minimum(t, seconds - t) / 0.05)
    parts = []
    for root in roots:
        hertz = [440 * 2 ** ((root + step - 69) / 12) for step in shape]
        parts.append(swell * sum(0.5**k * np.sin(2 * np.pi * f * k * t) for f in hertz for k in (1, 2)))
    return np.concatenate(parts)


def struck(times, seconds, hertz=440.0, decay=8.0):
    x = np.zeros(int((seconds + 1) * RATE))
    for at in times:
        part = tone(hertz, 0.8, decay=decay)
        x[int(at * RATE) :][: len(part)] += part
    return x


@pytest.mark.parametrize("rate", [2.0, 4.0, 6.0])
def test_strokes_are_counted_soft_ones_too(rate):
    times = np.arange(0.5, 20, 1 / rate)
    x = sum(g * struck(times[k::4], 20, f) for k, (g, f) in enumerate(((1, 440), (0.2, 554), (0.25, 660), (0.15, 880))))
    assert heard(x, "stroke_rate") == pytest.approx(len(times) / 21, rel=0.12)


def test_diminished_chords_are_told_from_major_ones():
    roots = (57, 60, 62, 55, 59, 64)
    assert heard(chords((0, 3, 6), roots), "diminished") > 0.8
    assert heard(chords((0, 4, 7), roots), "diminished") < 0.1


def test_harmony_that_moves_is_heard_to_move():
    still, moving = (
        heard(chords((0, 4, 7), roots, 0.5), "harmonic_change") for roots in ([57] * 16, [57, 63, 59, 66] * 4)
    )
    assert moving > 3 * still


def test_a_beat_is_plainer_than_strokes_at_random():
    regular = np.arange(0.5, 24, 0.5)
    ragged = np.sort(np.random.default_rng(4).uniform(0.5, 24, len(regular)))
    assert heard(struck(regular, 24), "pulse_clarity") > heard(struck(ragged, 24), "pulse_clarity") + 0.3


def test_a_tremor_is_heard_at_its_pace():
    t = np.arange(24 * RATE) / RATE
    noise = np.random.default_rng(0).normal(0, 0.1, len(t))
    at = {hz: heard(noise * (1 + 0.8 * np.sin(2 * np.pi * hz * t)), "tremor") for hz in (0.5, 6.0, 14.0)}
    assert at[6.0] > 3 * at[0.5] and at[6.0] > 3 * at[14.0]


@pytest.mark.parametrize("rise_ms", [30, 80, 200])
def test_a_rise_is_timed(rise_ms):
    """The level in dB of a straight rise is at 10 % of its way early: the time is that from a tenth to nine tenths."""
    n = int(rise_ms / 1000 * RATE)
    t = np.arange(int(1.2 * RATE))
    level_db = np.where(t < n, -50 + 50 * t / n, -0.0004 * (t - n))
    wave = np.sin(2 * np.pi * 500 * t / RATE) * 10 ** (level_db / 20)
    assert heard(np.tile(wave, 12), "attack") == pytest.approx(0.8 * rise_ms, rel=0.3, abs=8)


@pytest.mark.parametrize(("power", "slope"), [(0.0, 0.0), (0.5, -3.01), (1.0, -6.02)])
def test_the_slope_of_coloured_noise_is_its_own(power, slope):
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(size=20 * RATE))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1.0) ** power
    assert heard(np.fft.irfft(spectrum), "slope") == pytest.approx(slope, abs=0.3)


def test_strokes_are_more_percussive_than_a_held_chord():
    clicks = np.zeros(10 * RATE)
    clicks[:: RATE // 4] = 1.0
    clicks = signal.lfilter([1], [1, -0.9], clicks)
    assert heard(clicks, "percussiveness") > heard(chords((0, 4, 7), [57], 10), "percussiveness") + 0.3


def test_range_is_how_far_tones_lie_apart():
    narrow, wide = (
        heard(np.concatenate([tone(f, 1.0) for f in hertz] * 6), "pitch_range") for hertz in ((440, 494), (220, 880))
    )
    assert wide > narrow + 5


@pytest.mark.parametrize("cents", [0, 15, 40])
def test_vibrato_is_heard_as_wide_as_it_is(cents):
    t = np.arange(12 * RATE) / RATE
    bend = 2 ** (cents / 1200 * np.sin(2 * np.pi * 5.5 * t))
    wave = np.sin(2 * np.pi * np.cumsum(660 * bend) / RATE)
    assert heard(wave, "vibrato") == pytest.approx(cents, rel=0.3, abs=3)


def test_a_slide_is_heard_and_steps_are_not():
    t = np.arange(RATE) / RATE
    slide = np.sin(2 * np.pi * np.cumsum(440 * 2 ** (np.clip(t - 0.3, 0, 0.4) * 1000 / 1200)) / RATE)
    steps = np.concatenate([tone(f, 0.5, decay=0.5) for f in (440, 554)])
    assert heard(np.tile(slide, 8), "glides") > 0.25 > 0.05 > heard(np.tile(steps, 8), "glides")
