"""Tape, tremolo, width and rides: what they do is known, they stream, and nobody is late."""

import numpy as np
import pytest
from scipy.signal import hilbert, lfilter

from melancholia.audio import Stem, Stems, audio
from melancholia.orchestra import INSTRUMENTS, Instrument
from melancholia.racks import apply, bus, rack
from melancholia.racks.chain import Chain
from melancholia.racks.course import Course
from melancholia.racks.effects import EFFECTS
from melancholia.racks.movement import PHASES, SHARES, SLOWER, Tape, Tremolo, Width, tape_latency
from melancholia.racks.slots import Slot
from melancholia.tables import Ramp
from melancholia.timeline import Timeline

RATE = 48_000
OWN = {
    "Tape": {"wow_cents": (3, 12), "flutter_cents": (0, 3), "drive_db": (-6, 9), "cutoff_frequency_hz": (9000, 4000)},
    "Tremolo": {"depth": (0.1, 0.8), "phase_degrees": (0, 120), "rate_hz": (2, 6)},
    "Width": {"width": (0.2, 1.7)},
}  # fmt: skip


def noise(seconds=1.0, seed=0, rate=RATE):
    return np.random.default_rng(seed).normal(0, 0.1, (2, int(seconds * rate))).astype(np.float32)


def error_db(found, wanted):
    return 20 * np.log10(np.abs(found - wanted).max() / np.abs(wanted).max() + 1e-12)


def tape_twin(x, tape):
    """Tape by NumPy: Pade's tanh, two one-poles, six-point Lagrange at the delay that four sines give."""
    drive, pole = 10 ** (tape.drive_db / 20), tape.targets()[5]
    v = np.clip(drive * x.astype(np.float64), -3, 3)
    v = v * (27 + v**2) / (27 + 9 * v**2) / drive
    v = lfilter([1 - pole], [1, -pole], lfilter([1 - pole], [1, -pole], v, axis=1), axis=1)
    n = np.arange(x.shape[1])
    swings = zip(tape.targets()[:4], tape.turns(), PHASES, strict=True)
    late = tape.latency + sum(amplitude * np.sin(turn * n + phase) for amplitude, turn, phase in swings)
    whole = np.floor(late).astype(int)
    d, read = late - whole, np.arange(x.shape[1]) - whole
    out = np.zeros_like(v)
    places = range(-2, 4)
    for k in places:
        weight = np.prod([(d - m) / (k - m) for m in places if m != k], axis=0)
        at = read - k
        out += weight * np.where(at >= 0, v[:, np.maximum(at, 0)], 0)
    return out


def test_tape_is_its_twin():
    settings = dict(wow_cents=12, wow_hz=0.7, flutter_cents=3, flutter_hz=9, drive_db=12, cutoff_frequency_hz=5000)
    assert error_db(Tape(RATE, **settings).process(noise()), tape_twin(noise(), Tape(RATE, **settings))) < -110


def test_tremolo_is_its_twin():
    t = np.arange(RATE) / RATE
    swing = 2 * np.pi * 3 * t + np.array([[0], [np.pi / 2]])
    wanted = noise() * (1 - 0.6 * (0.5 - 0.5 * np.cos(swing)))
    assert error_db(Tremolo(RATE, rate_hz=3, depth=0.6, phase_degrees=90).process(noise()), wanted) < -110


def test_width_is_its_twin():
    left, right = noise().astype(np.float64)
    for width in (0.0, 0.5, 1.0, 2.0):
        middle, side = (left + right) / 2, width * (left - right) / 2
        wanted = np.stack([middle + side, middle - side])
        assert error_db(Width(RATE, width=width).process(noise()), wanted) < -120


@pytest.mark.parametrize("name", OWN)
def test_blocks_of_any_size_equal_the_whole(name):
    made = {"Tape": Tape, "Tremolo": Tremolo, "Width": Width}[name]
    settings = {key: high for key, (_, high) in OWN[name].items()}
    whole, parts = made(RATE, **settings), made(RATE, **settings)
    cuts = [0, 1, 300, 301, 5000, 20_000, RATE]
    pieces = [parts.process(np.ascontiguousarray(noise()[:, a:b])) for a, b in zip(cuts, cuts[1:], strict=False)]
    assert np.array_equal(whole.process(noise()), np.concatenate(pieces, axis=1))


@pytest.mark.parametrize("name", OWN)
def test_what_moves_it_is_smooth_and_streams(name):
    params = tuple((key, Ramp(*ends, log=EFFECTS[name].parameters[key].log)) for key, ends in OWN[name].items())
    slot = Slot(name, params, Ramp(0.2, 0.9), False, "", tuple((key, "arc") for key in (*OWN[name], "mix")))
    line = Course(Timeline(arc=((0.0, 0.0), (1.0, 1.0), (2.0, 0.0))), seconds=2.0)
    t = np.arange(2 * RATE) / RATE
    tone = np.ascontiguousarray(0.3 * np.sin(2 * np.pi * 220 * t + [[0.0], [0.7]]), np.float32)
    whole = Chain([slot], RATE, 1.0, line).process(tone)
    parts = Chain([slot], RATE, 1.0, line)
    pieces = [parts.process(np.ascontiguousarray(tone[:, a : a + 2560])) for a in range(0, tone.shape[1], 2560)]
    assert np.array_equal(whole, np.concatenate(pieces, axis=1))
    heard = whole[:, 2 * parts.latency :]
    assert np.abs(np.diff(heard, n=2)).max() < 3 * np.abs(np.diff(tone, n=2)).max()


def made(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text('schema = 1\nname = "mine"\n' + text)
    return rack(path)


STILL = "params = { wow_cents = 0, flutter_cents = 0, drive_db = -24, cutoff_frequency_hz = 20000 }\n"


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("mix", [0.5, 1.0])
def test_tape_does_not_shift_a_stem(tmp_path, rate, mix):
    """A tape that does nothing gives back what went in at its time: mixed with it, nothing cancels."""
    x = audio(lfilter([0.1], [1, -0.9], noise(rate=rate), axis=1), rate)
    text = f'[[insert.melody]]\neffect = "Tape"\nmix = {mix}\n' + STILL
    dry = Stems({"a": Stem("melody", "x", x), "b": Stem("harmony", "x", x)})
    wet = apply(dry, rack=made(tmp_path, text), tail_s=0.2)
    assert wet["a"].sound.frames == wet["b"].sound.frames == x.frames + round(0.2 * rate)
    a, b = (wet[name].sound.samples[0].astype(np.float64) for name in "ab")
    turned = np.angle(np.fft.rfft(a) * np.conj(np.fft.rfft(b)))
    hertz = np.fft.rfftfreq(len(a), 1 / rate)
    frames = turned[1:] / (2 * np.pi * hertz[1:]) * rate
    assert abs(np.median(frames[hertz[1:] < 2000])) < 0.5
    assert error_db(a, b) < -14  # what is left are the highs that tape loses


def test_tape_on_the_bus_and_on_a_recording_keeps_time_and_length(tmp_path):
    click = np.zeros((2, RATE), np.float32)
    click[:, 20_000] = 0.5
    found = made(tmp_path, '[[insert.any]]\neffect = "Tape"\n' + STILL + '[[bus]]\neffect = "Tape"\n' + STILL)
    heard = apply(audio(click, RATE), rack=found, tail_s=0.0)
    assert heard.frames == RATE and np.abs(heard.samples).argmax() % RATE in (20_000, 20_001)
    heard = bus(audio(click, RATE), rack=found)
    assert heard.frames == RATE and np.abs(heard.samples).argmax() % RATE in (20_000, 20_001)


def test_wow_is_as_deep_as_it_says():
    rate = 16_000
    t = np.arange(40 * rate) / rate
    tone = np.ascontiguousarray(np.stack([np.sin(2 * np.pi * 1000 * t)] * 2), np.float32)
    settings = dict(wow_hz=0.8, flutter_cents=0, drive_db=-24, cutoff_frequency_hz=7000)
    heard = Tape(rate, wow_cents=10, **settings).process(tone)[0, rate:].astype(np.float64)
    phase = np.unwrap(np.angle(hilbert(heard)))
    cents = 1200 * np.log2(np.diff(phase[::160]) / 160 * rate / 2 / np.pi / 1000)[20:-20]
    assert 8 < np.abs(cents).max() < 10.3 and abs(cents.mean()) < 0.3


def test_no_wow_swings_beyond_the_mean_delay():
    limits = EFFECTS["Tape"].parameters
    for rate in (8_000, 44_100, 48_000, 96_000, 192_000):
        widest = Tape(
            rate,
            wow_cents=limits["wow_cents"].high,
            wow_hz=limits["wow_hz"].low,
            flutter_cents=limits["flutter_cents"].high,
            flutter_hz=limits["flutter_hz"].low,
        )
        assert widest.targets()[:4].sum() < tape_latency(rate) - 4
    assert sum(SHARES) == 1 and SLOWER < 1


def test_saturation_rounds_what_is_loud_and_leaves_what_is_soft():
    t = np.arange(RATE) / RATE
    for level, third_db in ((0.01, -70), (0.8, -18)):
        x = np.ascontiguousarray(np.stack([level * np.sin(2 * np.pi * 200 * t)] * 2), np.float32)
        tape = Tape(RATE, wow_cents=0, flutter_cents=0, drive_db=9, cutoff_frequency_hz=20_000)
        heard = np.abs(np.fft.rfft(tape.process(x)[0, RATE // 2 :] * np.hanning(RATE // 2)))
        third = 20 * np.log10(heard[300] / heard[100])
        assert third < -55 if third_db == -70 else third > -25


RIDE = """[[ride.melody]]
gain_db = [-12, 0]
automate = [[0, 0], [0.5, 0], [0.75, 1], [1, 1]]
[[ride.any]]
gain_db = [0, -6]
automate = "arc"
"""


@pytest.mark.parametrize("tape", ["", '[[insert.melody]]\neffect = "Tape"\n' + STILL])
def test_a_ride_moves_the_level_smoothly_and_in_time(tmp_path, tape):
    t = np.arange(4 * RATE) / RATE
    tone = audio(np.stack([0.3 * np.sin(2 * np.pi * 200 * t)] * 2), RATE)
    arc = ((0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (4.0, 1.0))
    stems = Stems({"m": Stem("melody", "x", tone), "h": Stem("harmony", "x", tone)})
    wet = apply(stems, rack=made(tmp_path, RIDE + tape), intensity=1.0, timeline=Timeline(arc), tail_s=0.0)
    for name, wanted in (("m", (-12, -12, -18, -12, -6)), ("h", (0, 0, -6, -6, -6))):
        heard = wet[name].sound.samples
        for at, db in zip((0.5, 1.0, 2.0, 2.5, 3.6), wanted, strict=True):
            level = np.abs(heard[:, int((at - 0.01) * RATE) : int((at + 0.01) * RATE)]).max()
            assert 20 * np.log10(level / 0.3) == pytest.approx(db, abs=0.4), (name, at)
        assert np.abs(np.diff(heard[:, RATE // 10 :], n=2)).max() < 1.05 * np.abs(np.diff(tone.samples, n=2)).max()


def test_a_ride_follows_intensity_and_goes_over_recordings(tmp_path):
    x = audio(noise(), RATE)
    found = made(tmp_path, "[[ride.any]]\ngain_db = [0, -12]\nautomate = [[0, 1], [1, 1]]\n")
    for intensity, db in ((0.0, 0), (0.5, -6), (1.0, -12)):
        heard = apply(x, rack=found, intensity=intensity, tail_s=0.0).samples
        assert np.allclose(heard, 10 ** (db / 20) * x.samples, atol=1e-6)


def test_a_texture_without_pitch_has_a_place_of_its_own(tmp_path, monkeypatch):
    rain = Instrument("rain", "", 0, 127, (40, 84), 1.0, "noise", (), ("texture",))
    monkeypatch.setitem(INSTRUMENTS, "rain", rain)
    x = audio(noise(), RATE)
    stems = Stems({"pad": Stem("texture", "pad", x), "rain": Stem("texture", "rain", x)})

    def level_db(text, name):
        heard = apply(stems, rack=made(tmp_path, text), tail_s=0.0)[name].sound.samples
        return 20 * np.log10(np.abs(heard).max() / np.abs(x.samples).max())

    both = "[level]\ntexture = -6\nnoise = -26\n"
    assert level_db(both, "pad") == pytest.approx(-6, abs=0.01)
    assert level_db(both, "rain") == pytest.approx(-26, abs=0.01)
    assert level_db("[level]\ntexture = -6\n", "rain") == pytest.approx(-6, abs=0.01)
    insert = '[[insert.noise]]\neffect = "Gain"\nparams = { gain_db = -10 }\n'
    assert level_db(insert, "rain") == pytest.approx(-10, abs=0.01) and level_db(insert, "pad") == pytest.approx(0)
    send = '[[send.a.chain]]\neffect = "Gain"\nparams = { gain_db = 0 }\n[send.a.gain_db]\ntexture = 0\n'
    assert level_db(send, "rain") == pytest.approx(6.02, abs=0.01)
    assert level_db(send + "noise = -80\n", "rain") == pytest.approx(0, abs=1e-6)
