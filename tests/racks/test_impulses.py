"""Rooms: the files are what their maker says, and what they do in a rack is known."""

import hashlib

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, fftconvolve, sosfiltfilt

from melancholia.audio import Stem, Stems, audio
from melancholia.errors import InputError
from melancholia.racks import apply, rack
from melancholia.racks.impulse import impulses, response, room_of
from tools.make_impulses import OCTAVES_HZ, RATE, ROOMS, main


def heard(name):
    x, rate = soundfile.read(impulses()[name], always_2d=True)
    assert rate == RATE
    return x.T


def rt60_s(x, centre_hz, rate=RATE, *, low=-35):
    """By octave, from -5 dB of the energy to come on."""
    sos = butter(4, [centre_hz / 2**0.5, centre_hz * 2**0.5], "bandpass", fs=rate, output="sos")
    left = np.cumsum((sosfiltfilt(sos, x, axis=1) ** 2).sum(axis=0)[::-1])[::-1]
    level = 10 * np.log10(left / left[0] + 1e-30)
    first, last = np.argmax(level < -5), np.argmax(level < low)
    return -60 / np.polyfit(np.arange(first, last) / rate, level[first:last], 1)[0]


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_decays_as_it_says(name):
    x = heard(name)
    for centre_hz, wanted in zip(OCTAVES_HZ, ROOMS[name].rt60_s, strict=True):
        assert rt60_s(x, centre_hz) == pytest.approx(wanted, rel=0.15), centre_hz


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_is_whole_wide_even_and_wet(name):
    x = heard(name)
    info = soundfile.info(impulses()[name])
    assert info.subtype == "PCM_24" and info.channels == 2 and impulses()[name].stat().st_size < 1e6
    level = np.sqrt((x**2).mean(axis=1))
    assert abs(20 * np.log10(level[0] / level[1])) < 0.5
    assert abs(x[:, 0]).max() < 0.01 * np.abs(x).max(), "the direct sound is in it"
    assert np.abs(x[:, -RATE // 100 :]).max() < 1e-3 * np.abs(x).max(), "it stops before it ends"
    late = x[:, RATE // 10 :]
    assert abs(np.corrcoef(late)[0, 1]) < 0.35
    lows = sosfiltfilt(butter(4, 120, fs=RATE, output="sos"), late, axis=1)
    assert np.corrcoef(lows)[0, 1] > 0.3
    dense = [x[0, start : start + RATE // 50] for start in range(int(0.12 * RATE), int(0.3 * RATE), RATE // 50)]
    assert all((np.abs(part) > part.std()).mean() > 0.7 * 0.317 for part in dense), "single echoes"


def test_the_rooms_are_few_bytes_and_all_are_made_by_the_script():
    assert set(impulses()) == set(ROOMS)
    assert sum(path.stat().st_size for path in impulses().values()) < 4e6


def test_the_script_makes_the_same_bytes_again(tmp_path, monkeypatch, capsys):
    small = {"wooden_room": ROOMS["wooden_room"]}
    monkeypatch.setattr("tools.make_impulses.ROOMS", small)
    hashes = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        main(folder)
        hashes.append(hashlib.sha256((folder / "wooden_room.flac").read_bytes()).hexdigest())
    assert hashes[0] == hashes[1] and "RT60" in capsys.readouterr().out
    made, _ = soundfile.read(tmp_path / "a" / "wooden_room.flac")
    kept, _ = soundfile.read(impulses()["wooden_room"])
    assert np.abs(made - kept).max() < 1e-6  # another machine may round the last bit elsewhere


@pytest.mark.parametrize("name", ROOMS)
@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_pink_noise_comes_back_as_loud_as_it_went_in(name, rate):
    white = np.fft.rfft(np.random.default_rng(0).standard_normal(8 * rate))
    hertz = np.fft.rfftfreq(8 * rate, 1 / rate)
    white *= (hertz > 50) * (hertz < 12_000) / np.sqrt(np.maximum(hertz, 1))
    pink = np.fft.irfft(white)
    found = response(room_of(impulses()[name]), rate, 0.0, 1.0)
    left, right = (fftconvolve(pink, found[0, c] + found[1, c]) for c in range(2))
    assert 10 * np.log10((left**2).sum() / (pink**2).sum()) == pytest.approx(0, abs=1.5)
    assert 10 * np.log10((right**2).sum() / (left**2).sum()) == pytest.approx(0, abs=1.0)


def test_decay_shortens_and_predelay_waits():
    whole = response(room_of(impulses()["church"]), RATE, 0.0, 1.0)
    for decay in (0.3, 0.6):
        short = response(room_of(impulses()["church"]), RATE, 0.0, decay)
        ratio = rt60_s(short[0], 707, low=-25) / rt60_s(whole[0], 707, low=-25)
        assert ratio == pytest.approx(decay, rel=0.12)
    late = response(room_of(impulses()["church"]), RATE, 100.0, 1.0)
    assert not late[:, :, : RATE // 10].any() and np.allclose(late[:, :, RATE // 10 :], whole)


def test_a_side_keeps_its_first_reflections_and_loses_its_tail():
    found = response(room_of(impulses()["hall"]), RATE, 0.0, 1.0).astype(np.float64)
    early, late = slice(0, int(0.02 * RATE)), slice(int(0.1 * RATE), None)
    energy = (found**2)[0]
    assert energy[0, early].sum() > 10 * energy[1, early].sum()
    assert energy[0, late].sum() == pytest.approx(energy[1, late].sum(), rel=0.15)


def made(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text('schema = 1\nname = "mine"\n' + text)
    return rack(path)


def sound(seconds=1.0, rate=RATE):
    return audio(np.random.default_rng(0).normal(0, 0.1, (2, int(seconds * rate))), rate)


SEND = """[send.far.gain_db]
melody = -6
[[send.far.chain]]
effect = "Impulse"
impulse = "{impulse}"
params = {{ gain_db = 2, predelay_ms = 10 }}
"""


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_send_through_a_room_is_its_convolution(tmp_path, rate):
    found = made(tmp_path, SEND.format(impulse="hall"))
    dry = Stems({"m": Stem("melody", "x", sound(rate=rate))})
    wet = apply(dry, rack=found, tail_s=4.0)["m"].sound.samples
    hall = response(room_of(impulses()["hall"]), rate, 10.0, 1.0)
    padded = np.pad(dry["m"].sound.samples, ((0, 0), (0, 4 * rate))).astype(np.float64)
    wanted = padded.copy()
    for out in range(2):
        returned = sum(fftconvolve(padded[side], hall[side, out])[: padded.shape[1]] for side in range(2))
        wanted[out] += 10 ** (-4 / 20) * returned
    assert np.abs(wet - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_as_an_insert_it_is_the_same_room(tmp_path):
    text = '[[insert.any]]\neffect = "Impulse"\nimpulse = "chamber"\nmix = 0.5\n'
    wet = apply(sound(7.0), rack=made(tmp_path, text), tail_s=1.0).samples
    chamber = response(room_of(impulses()["chamber"]), RATE, 0.0, 1.0)
    dry = np.pad(sound(7.0).samples, ((0, 0), (0, RATE)))
    for out in range(2):
        whole = sum(fftconvolve(dry[side], chamber[side, out])[: dry.shape[1]] for side in range(2))
        wanted = 0.5 * dry[out] + 0.5 * whole
        assert np.abs(wet[out] - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_a_room_of_ones_own_stands_beside_the_rack(tmp_path):
    spike = np.zeros(2000)
    spike[480] = 0.5
    soundfile.write(tmp_path / "bath.wav", spike, RATE, subtype="FLOAT")
    middle = audio(np.stack([sound().samples[0]] * 2), RATE)
    rack_file = made(tmp_path, SEND.format(impulse="bath.wav"))
    wet = apply(Stems({"m": Stem("melody", "x", middle)}), rack=rack_file)["m"].sound.samples
    late = 480 + 480  # in the file, and by predelay_ms
    wanted = middle.samples[:, late:] + 10 ** (-4 / 20) * middle.samples[:, :-late]
    assert np.abs(wet[:, late : middle.frames] - wanted).max() < 1e-5


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda path: path.write_text("no sound"), "cannot be read as audio"),
        (lambda path: soundfile.write(path, np.zeros((4800, 3)), RATE), "3 channels; allowed: one or two"),
        (lambda path: soundfile.write(path, np.zeros(13 * 8000), 8000), "lasts 13.0 s; allowed: up to 12 s"),
    ],
)
def test_what_is_no_room_is_refused_with_its_line(tmp_path, make, said):
    make(tmp_path / "bath.wav")
    with pytest.raises(InputError, match=rf"mine.toml:7: send.far.chain.impulse is 'bath.wav'.*{said}"):
        made(tmp_path, SEND.format(impulse="bath.wav"))
