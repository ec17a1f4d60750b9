"""The listener hears what is there: known answers, and what must and must not move when the sound is changed."""

import io
import os

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from melancholia.analysis import analyse
from melancholia.analysis.spectra import FINE_HOP, LONG_HOP, QUICK_HOP, hear, spectra
from melancholia.analysis.tonal import LIKENESS
from melancholia.audio import audio
from melancholia.cues import CUES, mode_window_s
from melancholia.encoding import write_audio
from melancholia.errors import InputError
from melancholia.mastering import measure

RATE = 48_000
MINOR, MAJOR = (0, 2, 3, 5, 7, 8, 11), (0, 2, 4, 5, 7, 9, 11)


def tone(hertz, seconds, rate=RATE, decay=1.5):
    t = np.arange(int(seconds * rate)) / rate
    wave = sum(0.6**k * np.sin(2 * np.pi * hertz * (k + 1) * t) for k in range(6))
    return wave * np.exp(-decay * t) * np.minimum(t / 0.01, 1)


def melody(scale, *, pace=2.0, seconds=24, seed=0, tonic=57, rate=RATE):
    """Triads and a walk on a scale, `pace` tones a second."""
    rng = np.random.default_rng(seed)
    x = np.zeros(int((seconds + 2) * rate))
    step, k = 0, 0
    for at in np.arange(0, seconds, 1 / pace):
        step = int(np.clip(step + rng.integers(-2, 3), 0, 9))
        notes = [tonic + 12 + scale[step % 7] + 12 * (step // 7)]
        if k % 4 == 0:
            root = (0, 3, 4, 0)[(k // 4) % 4]
            notes += [tonic + scale[(root + d) % 7] + 12 * ((root + d) // 7) for d in (0, 2, 4)]
        for p in notes:
            part = 0.2 * tone(440 * 2 ** ((p - 69) / 12), 1.6, rate)
            start = int(at * rate)
            x[start : start + len(part)] += part[: len(x) - start]
        k += 1
    return audio(np.stack([x, 0.9 * x]), rate)


def test_every_cue_of_the_table_is_measured():
    found = analyse(melody(MINOR)).values
    assert set(found) == set(CUES) and len(CUES) >= 10
    for name, value in found.items():
        assert CUES[name].low <= value <= CUES[name].high, name


def test_a_constant_that_a_converter_added_is_not_heard():
    plain = audio(melody(MINOR).samples[:, : 24 * RATE], RATE)
    shifted = audio(plain.samples + np.array([[0.08], [-0.03]], np.float32), RATE)
    a, b = analyse(plain).values, analyse(shifted).values
    for name in CUES:
        assert abs(a[name] - b[name]) <= 0.01 * abs(a[name]) + 0.3 * CUES[name].tolerance, name


def test_sides_that_cancel_in_the_middle_are_heard_as_they_sound():
    """One cable reversed: people hear the music all the same."""
    plain = melody(MINOR).samples[:1]
    together, apart = (analyse(audio(np.concatenate([plain, sign * plain]), RATE)).values for sign in (1, -1))
    for name in set(CUES) - {"stereo_width"}:
        assert together[name] == pytest.approx(apart[name], abs=1e-6), name
    assert apart["stereo_width"] > 0 > together["stereo_width"]


@pytest.mark.parametrize("channels", range(1, 9))
def test_the_listener_and_the_master_read_one_loudness(channels):
    noise = (
        np.random.default_rng(channels).normal(0, 0.05, (channels, 5 * RATE)) * np.linspace(0.2, 1, channels)[:, None]
    )
    sound = audio(noise, RATE)
    assert analyse(sound).values["loudness"] == pytest.approx(measure(sound).integrated_lufs, abs=0.02)


@pytest.mark.parametrize(
    "samples", [np.zeros((2, 3 * RATE)), np.full((1, 3 * RATE), 0.25)], ids=["silence", "a constant"]
)
def test_silence_is_known_as_such(samples):
    assert "silent" in analyse(audio(samples, RATE)).no_music


def speech(seconds, seed, rate=22_050):
    """Syllables by two formants over a voice whose pitch never stands still, and pauses between phrases."""
    rng = np.random.default_rng(seed)
    x = np.zeros(int(seconds * rate))
    at = 0
    while at < len(x) - rate:
        for _ in range(int(rng.integers(3, 8))):
            n = int(rng.uniform(0.1, 0.25) * rate)
            pitch = np.linspace(rng.uniform(90, 180), rng.uniform(80, 160), n)
            voice = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) + rng.normal(0, 0.03, n)
            for low, high in ((250, 800), (900, 2400)):
                centre = rng.uniform(low, high)
                b, a = signal.iirpeak(centre, centre / 90, rate)
                voice = voice + signal.lfilter(b, a, voice) * 2
            x[at : at + n] += (voice * np.hanning(n))[: len(x) - at]
            at += n
        at += int(rng.uniform(0.2, 0.7) * rate)
    return x


def noise(seed, colour, seconds=12, rate=22_050):
    white = np.fft.rfft(np.random.default_rng(seed).normal(size=seconds * rate))
    return np.fft.irfft(white * np.maximum(np.arange(len(white)), 1) ** (-colour / 2))


def clicks(seed, rate=22_050):
    x = np.zeros(12 * rate)
    x[np.random.default_rng(seed).integers(0, len(x), 50)] = 1
    return x


def in_a_hall(x, rate=22_050):
    """With two seconds of reverb, half as strong as the sound."""
    rng = np.random.default_rng(7)
    tail = rng.normal(size=2 * rate) * np.exp(-6.9 * np.arange(2 * rate) / (2 * rate))
    wet = signal.fftconvolve(x, tail)[: len(x)]
    return x + 0.5 * wet * x.std() / wet.std()


T = np.arange(12 * 22_050) / 22_050
NO_MUSIC = {
    **{f"speech {seed}": speech(15, seed) for seed in range(6)},
    **{f"speech in a hall {seed}": in_a_hall(speech(15, seed)) for seed in range(6)},
    **{f"noise {colour:g}": noise(colour, colour) for colour in (0, 1, 2)},
    "a sine": np.sin(2 * np.pi * 440 * T),
    "a sine that sways": np.sin(2 * np.pi * 440 * T + 3 * np.sin(2 * np.pi * 5 * T)),
    "a sawtooth": signal.sawtooth(2 * np.pi * 110 * T),
    "mains hum": sum(np.sin(2 * np.pi * 50 * k * T) / k for k in range(1, 8)),
    "beeps": np.sin(2 * np.pi * 800 * T) * (T % 1 < 0.2),
    "a sweep": signal.chirp(T, 100, 12, 4000, method="logarithmic"),
    "clicks": clicks(3),
    "a beat of noise": noise(5, 0) * np.exp(-((T[: 12 * 22_050] % 0.25) * 60)),
}


@pytest.mark.parametrize("name", NO_MUSIC)
def test_what_is_no_music_is_known_as_such(name):
    assert analyse(audio(0.3 * NO_MUSIC[name] / np.abs(NO_MUSIC[name]).max(), 22_050)).no_music


@pytest.mark.parametrize("pace", [1.0, 3.0, 6.0])
@pytest.mark.parametrize("scale", [MINOR, MAJOR])
def test_music_is_music_from_five_seconds_on(scale, pace):
    sound = melody(scale, pace=pace, seconds=8)
    assert not analyse(sound).no_music
    assert "too few" in analyse(audio(sound.samples[:, : 4 * RATE], RATE)).no_music
    for gain_db in (-12, -24):  # music under noise is music
        loud = 0.3 * np.abs(sound.samples).max() * 10 ** (gain_db / 20)
        rough = np.random.default_rng(1).normal(0, loud, sound.samples.shape)
        assert not analyse(audio(0.5 * (sound.samples + rough), RATE)).no_music


def test_what_comes_before_and_after_is_not_judged():
    """Silence before, and a tail that dies away after, change nothing but where the music lies."""
    sound = melody(MINOR, seconds=20).samples
    ends = sound.shape[1]
    fading = np.random.default_rng(0).normal(0, 0.003, (2, 8 * RATE)) * np.exp(-np.arange(8 * RATE) / RATE)
    longer = np.concatenate([np.zeros((2, 3 * RATE)), sound, fading], axis=1)
    plain, found = analyse(audio(sound, RATE)), analyse(audio(longer, RATE))
    assert found.begins == pytest.approx(plain.begins + 3, abs=0.1)
    assert found.ends == pytest.approx(plain.ends + 3, abs=0.3) and found.ends < ends / RATE + 3.5
    for name in ("mode", "event_rate", "legato", "register", "brightness"):
        assert found.values[name] == pytest.approx(plain.values[name], abs=CUES[name].tolerance), name
    assert plain.begins < plain.times[0] and plain.times[-1] < plain.ends
    assert np.allclose(np.diff(plain.times), 2.0) and found.times[0] == pytest.approx(plain.times[0] + 3, abs=0.1)


@pytest.mark.parametrize("held", [1.0, 0.5, 0.25])
def test_legato_is_how_much_tones_fill(held):
    x = np.zeros(RATE * 20)
    for k, at in enumerate(np.arange(0, 20, 0.5)):
        t = np.arange(int(0.5 * held * RATE)) / RATE
        x[int(at * RATE) :][: len(t)] += 0.3 * np.sin(2 * np.pi * (300 + 50 * (k % 4)) * t)
    assert analyse(audio(x, RATE)).values["legato"] == pytest.approx(held, abs=0.12)


@pytest.mark.parametrize(("rate", "seconds"), [(0.2, 12), (1.0, 8), (2.0, 4), (6.0, 3)])
def test_a_moment_of_the_mode_is_eight_tones_long(rate, seconds):
    assert mode_window_s(rate) == seconds


def test_segments_have_each_frame_once():
    """Of two minutes and a half, three segments: as many frames as of one that is as long."""
    sound = audio(np.random.default_rng(0).normal(0, 0.1, (1, 150 * 22_050)), 22_050)
    with hear(sound) as heard:
        parts = list(spectra(heard))
        frames = heard.frames
    assert len(parts) == 3
    for hop, counts in (
        (FINE_HOP, [part.fine.shape[1] for part in parts]),
        (LONG_HOP, [part.long.shape[1] for part in parts]),
        (QUICK_HOP, [len(part.quick_db) for part in parts]),
    ):
        assert sum(counts) == 1 + frames // hop


def test_partials_are_not_taken_for_tones():
    """A scale in minor on tones whose fifth partial, a major third above, is stronger than themselves."""
    x = np.zeros(RATE * 24)
    t = np.arange(int(0.5 * RATE)) / RATE
    for k, at in enumerate(np.arange(0, 23, 0.5)):
        hertz = 220 * 2 ** (MINOR[(k * 3) % 7] / 12)
        tone = sum((1.5 if n == 5 else 1.0) * np.sin(2 * np.pi * n * hertz * t) for n in range(1, 6))
        x[int(at * RATE) :][: len(t)] += tone * np.exp(-2 * t)
    assert analyse(audio(0.1 * x, RATE)).values["key_mode"] > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_minor_is_minor_and_major_major(seed):
    minor, major = (analyse(melody(s, seed=seed)).values["mode"] for s in (MINOR, MAJOR))
    assert minor > 0.03 > -0.03 > major


@pytest.mark.parametrize("cents", [-40, 30])
def test_an_orchestra_out_of_tune_keeps_its_mode(cents):
    sound = melody(MINOR)
    bent = audio(signal.resample_poly(sound.samples, 1000, round(1000 * 2 ** (cents / 1200)), axis=1), RATE)
    assert abs(analyse(bent).values["mode"] - analyse(sound).values["mode"]) < 0.12


@pytest.mark.parametrize("rate", [1.0, 2.0, 3.5])
def test_tones_are_counted(rate):
    x = np.zeros(RATE * 24)
    for at in np.arange(0.5, 23, 1 / rate):
        part = tone(330 + 40 * (at % 3), 0.5, decay=6)
        x[int(at * RATE) :][: len(part)] += part
    assert analyse(audio(x, RATE)).values["event_rate"] == pytest.approx(rate * 22.5 / 24, rel=0.12)


def test_a_soft_player_beside_a_loud_one_is_counted():
    """Of four tones three are 18 dB softer than the first, over a chord that sways."""
    t = np.arange(RATE * 24) / RATE
    x = 0.1 * sum(np.sin(2 * np.pi * f * t + 0.3 * np.sin(2 * np.pi * 5.5 * t)) for f in (110, 165, 220))
    for k, at in enumerate(np.arange(0.5, 23, 0.5)):
        part = tone(660 + 90 * (at % 3), 0.5, decay=6) * (1.0 if k % 4 == 0 else 0.13)
        x[int(at * RATE) :][: len(part)] += part
    assert analyse(audio(x, RATE)).values["event_rate"] == pytest.approx(2 * 22.5 / 24, rel=0.12)


@pytest.mark.parametrize("held", [0.5, 1.0, 2.0])
def test_a_moment_lasts_as_long_as_its_tones(held):
    """Tones all unlike each other: the likeness of the music with itself falls straight to nothing in one tone."""
    t = np.arange(int(held * RATE)) / RATE
    pitches = np.random.default_rng(1).permutation(np.arange(50, 74))
    x = np.concatenate([np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * t) for p in pitches])
    wanted = held * np.exp(np.log(1 - np.array(LIKENESS)).mean())
    assert analyse(audio(x, RATE)).values["persistence"] == pytest.approx(wanted, rel=0.25)


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_the_centroid_of_a_sine_is_its_pitch(hertz):
    x = np.sin(2 * np.pi * hertz * np.arange(RATE * 5) / RATE)
    assert analyse(audio(x, RATE)).values["brightness"] == pytest.approx(hertz, rel=0.03)


def test_the_height_of_a_tone_is_its_pitch():
    found = analyse(audio(np.sin(2 * np.pi * 440 * np.arange(RATE * 5) / RATE), RATE)).values
    assert found["register"] == pytest.approx(69, abs=0.1) and found["peaks"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("hertz", "fast", "slow"), [(12, 0.7, 0.05), (0.4, 0.05, 0.7)])
def test_movement_of_the_level_is_heard_where_it_is(hertz, fast, slow):
    t = np.arange(RATE * 30) / RATE
    noise = np.random.default_rng(0).normal(0, 0.1, len(t))
    found = analyse(audio(noise * (1 + 0.9 * np.sin(2 * np.pi * hertz * t)), RATE)).values
    assert found["fast_modulation"] > fast or found["slow_modulation"] > slow
    assert (found["fast_modulation"] > found["slow_modulation"]) == (hertz > 8)


@pytest.mark.parametrize("t60", [1.0, 4.0])
def test_space_follows_the_time_of_decay(t60):
    t = np.arange(RATE * 6) / RATE
    burst = np.random.default_rng(0).normal(0, 0.3, len(t)) * np.exp(-6.908 * t / t60)
    found = analyse(audio(np.tile(burst, 4), RATE)).values["space"]
    assert found == pytest.approx(t60, rel=0.25)


def test_loudness_is_that_of_the_meter():
    for sound in (melody(MINOR), audio(0.1 * np.random.default_rng(0).normal(size=(1, RATE * 5)), 44_100)):
        assert analyse(sound).values["loudness"] == pytest.approx(measure(sound).integrated_lufs, abs=0.05)


@pytest.mark.parametrize("gain", [0.05, 0.5, 2.0])
def test_gain_moves_the_loudness_alone(gain):
    sound = melody(MINOR)
    a, b = analyse(sound).values, analyse(audio(sound.samples * gain, RATE)).values
    assert b["loudness"] - a["loudness"] == pytest.approx(20 * np.log10(gain), abs=0.05)
    for name in CUES:
        if name != "loudness":
            assert b[name] == pytest.approx(a[name], abs=0.02 * CUES[name].tolerance), name


def test_one_channel_is_heard_as_two_equal_ones():
    sound = melody(MINOR)
    mono = audio(sound.samples.mean(axis=0), RATE)
    a, b = analyse(sound).values, analyse(mono).values
    for name in CUES:
        if name not in ("loudness", "stereo_width"):
            assert b[name] == pytest.approx(a[name], abs=0.05 * CUES[name].tolerance), name
    assert b["stereo_width"] < -100


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
def test_the_sample_rate_hardly_matters(rate):
    a, b = analyse(melody(MINOR)).values, analyse(melody(MINOR, rate=rate)).values
    for name in CUES:
        assert b[name] == pytest.approx(a[name], abs=0.6 * CUES[name].tolerance + 1e-9), name


def test_a_codec_hardly_matters():
    sound = melody(MINOR)
    out = io.BytesIO()
    soundfile.write(out, sound.samples.T, RATE, format="OGG", subtype="VORBIS")
    out.seek(0)
    back, _ = soundfile.read(out, dtype="float32")
    a, b = analyse(sound).values, analyse(audio(back.T, RATE)).values
    for name in ("mode", "event_rate", "register", "level_range", "slow_modulation"):
        assert b[name] == pytest.approx(a[name], abs=CUES[name].tolerance), name


def test_transposing_moves_height_and_no_rate():
    a, b = (analyse(melody(MINOR, tonic=t)).values for t in (55, 60))
    assert b["register"] - a["register"] == pytest.approx(4, abs=2.5)  # partials beyond 2 kHz leave
    assert b["event_rate"] == pytest.approx(a["event_rate"], rel=0.25)
    assert abs(b["mode"] - a["mode"]) < 0.1


@pytest.mark.parametrize("kind", ["silence", "noise", "impulse", "dc"])
def test_what_is_no_music_gives_numbers_too(kind):
    x = {
        "silence": np.zeros(RATE * 3),
        "noise": np.random.default_rng(0).normal(0, 0.1, RATE * 3),
        "impulse": np.eye(1, RATE * 3, 1000)[0],
        "dc": np.full(RATE * 3, 0.5),
    }[kind]
    found = analyse(audio(x, RATE)).values
    assert all(np.isfinite(v) and CUES[n].low <= v <= CUES[n].high for n, v in found.items()), found


@settings(max_examples=15)
@given(seconds=st.floats(1.0, 9.0), seed=st.integers(0, 99), rate=st.sampled_from([8000, 44_100]))
def test_any_short_sound_gives_numbers(seconds, seed, rate):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (2, int(seconds * rate) + 1)) * (rng.random() ** 8)
    assert all(np.isfinite(v) for v in analyse(audio(x, rate)).values.values())


def test_too_short_to_listen_to_is_refused():
    with pytest.raises(InputError, match=r"0\.50 s long; allowed: 1 s or more"):
        analyse(audio(np.zeros(RATE // 2), RATE))


def test_nothing_but_the_samples_is_read(tmp_path, children):
    """From an empty folder, in another process, the figures are the same to the last bit."""
    write_audio(tmp_path / "x.wav", melody(MINOR).blocks(), rate=RATE, channels=2, subtype="PCM_24")
    here = dict(analyse(tmp_path / "x.wav").values)
    code = "import json; from melancholia.analysis import analyse; print(json.dumps(dict(analyse('x.wav').values)))"
    done = children.python(code, cwd=tmp_path)
    import json

    assert json.loads(done.stdout) == here and os.listdir(tmp_path) == ["x.wav"]


def test_a_long_file_is_heard_in_pieces_as_a_whole():
    """Two minutes, longer than one segment, read like the half that they repeat."""
    once = melody(MINOR, seconds=58)
    twice = audio(np.tile(once.samples, 2), RATE)
    a, b = analyse(once).values, analyse(twice).values
    for name in ("mode", "event_rate", "register", "brightness", "peaks", "chord_clarity"):
        assert b[name] == pytest.approx(a[name], abs=CUES[name].tolerance), name
