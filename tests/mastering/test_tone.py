"""A reference's tonal balance: found, applied within limits, and never where there is no music."""

import numpy as np
import pytest

from melancholia.audio import audio
from melancholia.errors import InputError
from melancholia.mastering import balance, measure, reference_lufs
from melancholia.mastering.tone import BANDS_HZ, MOST_DB, Balance, smoothed, spectrum
from tests.mastering.test_master import RATE, music

FLAT = np.zeros(len(BANDS_HZ))
MIDDLE = (BANDS_HZ > 60) & (BANDS_HZ < 10_000)


def pink(seed=0, seconds=12, rate=RATE, channels=2):
    """Noise that falls by 3 dB an octave, as long-term music nearly does, with movement in level."""
    rng = np.random.default_rng(seed)
    frames = int(seconds * rate)
    spectra = np.fft.rfft(rng.normal(0, 1, (channels, frames)))
    x = np.fft.irfft(spectra / np.sqrt(np.maximum(np.fft.rfftfreq(frames, 1 / rate), 20)), frames)
    level = np.repeat(10 ** (rng.uniform(-12, 0, 2 * seconds) / 20), rate // 2)[:frames]
    return audio(0.2 * x / np.abs(x).max() * level, rate)


def bell(hertz, gain_db, octaves=1.0):
    return gain_db * np.exp(-0.5 * (np.log2(BANDS_HZ / hertz) / octaves) ** 2)


CURVES = {"dark": bell(8000, -5, 1.5), "bright": bell(6000, 5), "no lows": bell(60, -5), "nose": bell(1000, 4, 0.8)}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_a_balance_that_was_put_in_is_found(name, rate):
    sound = pink(1, rate=rate)
    reference = Balance(BANDS_HZ, CURVES[name], FLAT).over(pink(2, seconds=9)).read()
    found = balance(sound, reference).middle_db
    off = (found - CURVES[name])[MIDDLE & (BANDS_HZ > 200)]  # below, noise of 12 s has a balance of its own
    assert np.abs(off - np.median(off)).max() < 1.0


@pytest.mark.parametrize("name", CURVES)
def test_twice_is_once(name):
    reference = Balance(BANDS_HZ, CURVES[name], FLAT).over(pink(2)).read()
    once = balance(pink(1), reference).over(pink(1)).read()
    left = np.abs(balance(once, reference).middle_db)
    assert left[MIDDLE & (BANDS_HZ > 100)].max() <= 0.3 and left[MIDDLE].max() <= 0.5


@pytest.mark.parametrize("sound", [pink(3), pink(3, channels=1), music(1)], ids=["noise", "mono", "music"])
def test_a_sound_matched_to_itself_is_left_alone(sound):
    found = balance(sound, sound)
    assert np.abs(found.middle_db).max() <= 0.1 and np.abs(found.sides_db).max() <= 0.1
    assert np.abs(found.over(sound).read().samples - sound.samples).max() < 1e-6


def test_an_equalised_sound_is_as_long_and_stands_where_it_stood():
    x = np.zeros((2, 30_001))
    x[0, 10_000] = x[1, 10_000] = 0.5
    sound = audio(x, RATE)
    made = Balance(BANDS_HZ, CURVES["nose"], FLAT).over(sound)
    whole = np.concatenate(list(made.blocks(777)), axis=1)
    assert (made.rate, made.channels, made.frames) == (RATE, 2, 30_001) and whole.shape == (2, 30_001)
    assert np.abs(whole).argmax() == 10_000 and np.allclose(whole, made.read().samples, atol=1e-6)
    spectra = 20 * np.log10(np.abs(np.fft.rfft(whole[0])) / 0.5)
    at = np.fft.rfftfreq(30_001, 1 / RATE)
    for hertz in (200, 1000, 3000):
        heard = spectra[np.argmin(np.abs(at - hertz))]
        assert heard == pytest.approx(float(made.balance.gain_db(np.array([hertz]))[0]), abs=0.15)


def test_the_sides_are_brought_along_within_their_limit():
    wide, near = pink(1), pink(2)
    mid, side = near.samples.sum(axis=0) / 2, (near.samples[0] - near.samples[1]) / 2
    narrow = audio(np.stack([mid + 0.5 * side, mid - 0.5 * side]), RATE)
    found = balance(wide, narrow).sides_db[MIDDLE]
    assert (found < -2).mean() > 0.9 and found.min() >= -3
    mono = audio(near.samples[:1], RATE)
    assert not balance(wide, mono).sides_db.any() and not balance(mono, wide).sides_db.any()


def test_what_holds_no_music_is_not_lifted():
    """Highs that lie 80 dB down are a noise floor; a reference that is bright does not pull them up."""
    dull, n = pink(1), pink(1).frames
    spectra = np.fft.rfft(dull.samples, axis=1)
    spectra[:, np.fft.rfftfreq(n, 1 / RATE) > 5000] *= 1e-4
    found = balance(audio(np.fft.irfft(spectra, n), RATE), pink(2))
    assert found.middle_db[BANDS_HZ > 7000].max() <= 0 and found.middle_db.max() <= MOST_DB
    assert np.abs(found.gain_db(np.array([10.0, 15.0, 20_000.0]))).max() == 0


def test_a_reference_far_away_is_said_to_be():
    tilted = Balance(BANDS_HZ, 12 * np.log2(BANDS_HZ / 700) / 4, FLAT).over(pink(2)).read()
    found = balance(pink(1), tilted)
    assert np.abs(found.middle_db).max() == MOST_DB and found.limited > 5
    assert f"{found.limited} of 55 bands" in found.note


def test_a_reference_of_a_lower_rate_says_nothing_about_what_it_lacks():
    found = balance(pink(1), pink(2, rate=16_000))
    assert not found.middle_db[BANDS_HZ > 8000].any()


def test_of_surround_all_have_one_curve_and_the_lfe_none():
    six = audio(np.repeat(pink(1, channels=1).samples, 6, axis=0), RATE)
    made = Balance(BANDS_HZ, CURVES["dark"], FLAT).over(six).read().samples
    assert np.allclose(made[0], made[4], atol=1e-6) and np.allclose(made[3], six.samples[3], atol=1e-6)
    assert np.abs(made[0] - six.samples[0]).max() > 0.01


def test_the_loudness_of_a_reference():
    assert reference_lufs(music(1)) == measure(music(1)).integrated_lufs
    with pytest.raises(InputError, match="sound is silent"):
        reference_lufs(audio(np.zeros((2, RATE)), RATE))
    silent = balance(music(1), audio(np.zeros((2, RATE)), RATE))
    assert not silent.middle_db.any() and not silent.sides_db.any()


def test_the_spectrum_is_of_what_is_not_quiet():
    x = pink(4)
    long_silence = audio(np.concatenate([x.samples, np.zeros((2, 10 * RATE)), 1e-3 * x.samples], axis=1), RATE)
    a, b = (smoothed(one.middle, one.hertz) for one in (spectrum(x), spectrum(long_silence)))
    assert np.abs(a - b)[MIDDLE].max() < 0.6
