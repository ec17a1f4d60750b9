"""Slides: who slides, where they end, what pitch passes by on the way, and that nothing clicks or goes out of tune."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from melancholia.instruments import render
from melancholia.instruments.cello import VOICE
from melancholia.instruments.events import Events, hertz
from melancholia.instruments.portamento import LONGEST_S, SHORTEST_S, Slide, dip, named, slid, slides, slurs
from melancholia.instruments.wavetables import add_note
from melancholia.piece import Note, Part, Piece, TempoMap

RATE = 48_000


def line(pitches, held=1.0, overlap=0.05):
    """A legato line, a tone each `held` seconds."""
    onset = np.arange(len(pitches)) * held
    return Events(onset, onset + held + overlap, np.array(pitches), np.full(len(pitches), 80), {})


def pitch_of(track, low_hz, high_hz):
    """Instantaneous cents (over A4) of the partial between two frequencies, a value a sample."""
    band = signal.butter(4, (low_hz, high_hz), "bandpass", fs=RATE, output="sos")
    turned = np.unwrap(np.angle(signal.hilbert(signal.sosfiltfilt(band, track.astype(np.float64)))))
    return 1200 * np.log2(np.maximum(np.gradient(turned) * RATE / (2 * np.pi), 1) / 440)


def test_a_slide_is_a_logistic_that_ends_on_the_beat():
    slide = Slide(1, 2.0, 0.1, -300.0, -5.0)
    at = np.array([-1.0, -0.1, -0.075, -0.05, -0.025, 0.0, 1.0])
    cents = slid(at, slide)
    steep = 1 / (1 + np.exp(-10 * (np.array([0.25, 0.75]) - 0.5)))
    assert cents[[0, 1]] == pytest.approx([0, 0], abs=1e-9) and cents[[5, 6]] == pytest.approx([-300, -300])
    assert cents[3] == pytest.approx(-150)
    assert cents[[2, 4]] == pytest.approx(-300 * steep, abs=2)
    assert 20 * np.log10(dip(at, slide))[[0, 1, 3, 5, 6]] == pytest.approx([0, 0, -5, 0, 0], abs=1e-9)


def test_slurs_are_tones_that_touch_the_next_and_no_chord_tones():
    held = Events(
        np.array([0.0, 0.0, 1.0, 2.1, 2.1, 3.0]), np.array([4.0, 1.0, 2.0, 3.0, 3.0, 4.0]),
        np.array([48, 64, 62, 60, 55, 59]), np.full(6, 70), {},
    )  # fmt: skip
    assert slurs(held) == [(1, 2), (3, 5)]  # 48 is held on, 2 stops before 3, and 60 is nearer to 59 than 55 is


@pytest.mark.parametrize("seed", range(5))
def test_one_slur_in_three_slides_at_most_and_thirds_fall_sooner_than_steps_rise(seed):
    rng = np.random.default_rng(seed)
    played = line(np.cumsum(rng.choice([-3, 2, -2, 9, -5, 1], 90)) % 24 + 60)
    chosen = slides(played, named(seed, "x"))
    assert 0 < len(chosen) <= 89 // 3
    assert np.diff(sorted(chosen)).min(initial=9) >= 3
    assert all(SHORTEST_S <= s.seconds <= LONGEST_S and -6 <= s.dip_db <= -3 for s in chosen.values())
    assert all(s.to == j + 1 and s.arrival_s == played.onset_s[s.to] for j, s in chosen.items())
    assert slides(played, named(seed, "x")) == chosen
    moves = np.diff(played.pitch)

    def share(interval):
        return np.mean([j in chosen for j in np.flatnonzero(moves == interval)])

    assert share(-3) > 2 * share(2)


def test_detached_and_repeated_tones_never_slide():
    assert not slides(line([60, 57, 66, 63, 60, 57, 54] * 4, overlap=-0.1), named(1, "x"))
    assert not slides(line([60] * 20), named(1, "x"))


def sine(f0, k):
    return np.tile(np.where(k == 1, 1.0, 0.0), (2, 1))


def slid_pair(low, high, slide, **changes):
    """Two tones of a cello's bow without vibrato, drift and noise, the first slid into the second."""
    voice = replace(VOICE, vibrato_cents=0.0, drift_cents=0.0, noise_db=-200.0, **changes)
    played, silent, track = line([low, high]), np.zeros(8, np.float32), np.zeros(3 * RATE, np.float32)
    rng = np.random.default_rng(1)
    phase = add_note(track, played, 0, voice, silent, rng, rate=RATE, seed=1, gain=0.3, away=slide)
    add_note(track, played, 1, voice, silent, rng, rate=RATE, seed=1, gain=0.3, joined=phase)
    return track


@pytest.mark.parametrize(("low", "high"), [(57, 54), (57, 66), (62, 57)])
def test_the_pitch_passes_by_as_the_logistic_says(low, high):
    slide = Slide(1, 1.0, 0.14, 100.0 * (high - low), -4.0)
    track = slid_pair(low, high, slide, harmonics=sine)
    f = sorted((hertz(low), hertz(high)))
    found = pitch_of(track, 0.75 * f[0], 1.3 * f[1])
    since = np.linspace(-0.16, 0.1, 27)
    wanted = 100 * (low - 69) + slid(since, slide)
    off = found[np.round((1 + since) * RATE).astype(int)] - wanted
    assert np.abs(off).max() < 12 and abs(off[0]) < 1 and abs(off[-1]) < 1, np.round(off, 1)


def test_the_level_dips_while_it_slides_and_is_whole_across_the_joint():
    slide = Slide(1, 1.0, 0.14, 400.0, -6.0)
    track = slid_pair(57, 61, slide)
    level = np.sqrt(np.convolve(track.astype(np.float64) ** 2, np.ones(960) / 960, "same"))

    def db(at):
        return 20 * np.log10(level[int(at * RATE)] / level[int(0.8 * RATE)])

    assert -6.5 < db(0.93) < -5
    assert all(abs(db(1 + late)) < 1.2 for late in (0.02, 0.04, 0.06, 0.2))


@pytest.mark.parametrize("name", ["cello", "solo_violin"])
def test_a_sliding_line_does_not_click_and_its_tones_are_in_tune(name):
    pitches = [69, 66, 68, 67, 76, 74, 72, 69, 67, 66] if name == "solo_violin" else [57, 54, 56, 55, 64, 62, 60, 57]
    part = Part("p", "melody", name, tuple(Note(1.5 * k, 1.56, p, 80) for k, p in enumerate(pitches)))
    played = line(pitches, 1.5, 0.06)
    seed = next(s for s in range(50) if len(slides(played, named(s, name))) == (len(pitches) - 1) // 3)
    x = next(iter(render(Piece((part,), TempoMap.steady(60)), seed=seed).values())).sound.samples.mean(axis=0)
    high = np.abs(signal.sosfilt(signal.butter(8, 16_000, "highpass", fs=RATE, output="sos"), x.astype(np.float64)))
    assert high[4800:].max() < 10 ** (-85 / 20)
    for s in slides(played, named(seed, name)).values():
        at = int((s.arrival_s + 0.25) * RATE)
        tone = x[at : at + int(1.1 * RATE)] * np.hanning(int(1.1 * RATE))
        f = hertz(pitches[s.to])
        spectrum = np.abs(np.fft.rfft(tone, 2**19))
        hz = np.fft.rfftfreq(2**19, 1 / RATE)
        near = np.abs(1200 * np.log2(np.maximum(hz, 1) / f)) < 60
        assert abs(1200 * np.log2((spectrum[near] ** 2 @ hz[near]) / (spectrum[near] ** 2).sum() / f)) < 6
