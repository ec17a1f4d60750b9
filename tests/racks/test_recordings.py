"""A finished recording through a rack sounds like the mood: darker, longer, whole, and unlike the others."""

import io
import tarfile
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile

from melancholia.audio import audio
from melancholia.racks import apply, names

RATE = 48_000
CLIPS = Path(__file__).parents[3] / "shared" / "data" / "4qaed" / "4qaed-720-opus.tar"
LAST_S = 4.0  # when the last chord of our recording is struck


@cache
def recording():
    """Bass, chords and a bright line over soft noise, as a mix might be, -12 dBFS at most; it ends after 5 s."""
    t = np.arange(5 * RATE) / RATE
    x = np.zeros((2, len(t)))
    for k, root in enumerate((110.0, 87.3, 130.8, 98.0, 110.0)):
        local = t - k
        sounding = (local >= 0) * np.exp(-3.0 * np.maximum(local, 0)) * (1 - np.exp(-400 * np.maximum(local, 0)))
        for n, ratio in enumerate((1, 2, 2.4, 3, 4, 6, 8)):
            for partial in range(1, 9):
                angle = 0.25 + 0.5 * ((n * 3 + partial) % 5) / 4
                tone = np.sin(2 * np.pi * root * ratio * partial * t + n) * sounding / partial**0.7 / (1 + n) ** 0.5
                x += tone * np.array([[np.cos(angle * np.pi / 2)], [np.sin(angle * np.pi / 2)]])
    x += 0.05 * np.random.default_rng(3).normal(size=x.shape) * np.exp(-3.0 * (t % 1.0))
    x[:, -RATE // 50 :] *= np.linspace(1, 0, RATE // 50)
    return audio(0.25 * x / np.abs(x).max(), RATE)


@cache
def heard(name):
    return apply(recording(), rack=name, intensity=0.8).samples


def spectrum(x, bands=24):
    """Power in dB by band, 60 Hz to 15 kHz, of the whole."""
    power = (np.abs(np.fft.rfft(x)) ** 2).sum(axis=0)
    hertz = np.fft.rfftfreq(x.shape[1], 1 / RATE)
    edges = np.geomspace(60, 15_000, bands + 1)
    found = np.array([power[(hertz >= a) & (hertz < b)].sum() for a, b in zip(edges, edges[1:], strict=False)])
    return 10 * np.log10(found / found.sum())


def centroid_hz(x, rate=RATE):
    """Of the magnitudes up to 11 kHz, as listeners' features take it."""
    magnitude = np.abs(np.fft.rfft(x)).sum(axis=0)[: int(11_000 * x.shape[1] / rate)]
    hertz = np.fft.rfftfreq(x.shape[1], 1 / rate)[: len(magnitude)]
    return (magnitude * hertz).sum() / magnitude.sum()


def decay_s(x):
    """Seconds from the end of the dry sound until the energy to come has fallen by 30 dB."""
    energy = (x[:, int(LAST_S * RATE) :].astype(np.float64) ** 2).sum(axis=0)
    left = np.cumsum(energy[::-1])[::-1]
    return (left > 1e-3 * left[0]).sum() / RATE


def wide_db(x):
    return 10 * np.log10(((x[0] - x[1]) ** 2).sum() / ((x[0] + x[1]) ** 2).sum())


@pytest.mark.parametrize("name", names())
def test_a_recording_becomes_darker_and_longer_and_stays_whole(name):
    dry, wet = recording().samples, heard(name)
    assert centroid_hz(wet) < 0.9 * centroid_hz(dry)
    assert decay_s(wet) > decay_s(dry) + 0.05
    assert np.isfinite(wet).all() and np.abs(wet).max() < 0.5
    level = 10 * np.log10((wet**2).sum() / (dry**2).sum())
    assert -8 < level < 3
    sides = 10 * np.log10((wet[0] ** 2).sum() / (wet[1] ** 2).sum())
    assert abs(sides - 10 * np.log10((dry[0] ** 2).sum() / (dry[1] ** 2).sum())) < 1.0


@pytest.mark.parametrize("one, other", list(combinations(names(), 2)))
def test_no_two_racks_sound_the_same(one, other):
    """Colour by 1.5 dB a band, decay by a quarter, width by 2 dB: each alone is enough, and so are all by 0.6."""
    a, b = heard(one), heard(other)
    colour = np.sqrt(np.mean((spectrum(a) - spectrum(b)) ** 2)) / 1.5
    decay = np.log(decay_s(a) / decay_s(b)) / np.log(1.25)
    wide = (wide_db(a) - wide_db(b)) / 2
    assert np.hypot(np.hypot(colour, decay), wide) > 1, (colour, decay, wide)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", names())
def test_a_real_recording_becomes_darker_and_rings_on(name):
    if not CLIPS.exists():
        pytest.skip("no recordings here")
    with tarfile.open(CLIPS) as tar:
        data = tar.extractfile(tar.getmembers()[17]).read()
    x, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True, frames=10 * 24_000)
    dry = audio(0.5 * x.T / np.abs(x).max(), rate)
    wet = apply(dry, rack=name, intensity=0.8).samples
    assert np.isfinite(wet).all() and 0.05 < np.abs(wet).max() < 1.0
    assert centroid_hz(wet, rate) < 0.97 * centroid_hz(dry.samples, rate)
    assert (wet[:, dry.frames + rate // 10 :] ** 2).sum() > 1e-6 * (wet**2).sum()
