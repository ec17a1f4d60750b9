"""Rendering: stems line up, live on disk when asked, and refuse what cannot be played."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from melancholia.convolution import add_convolved
from melancholia.errors import InputError, MelancholiaError
from melancholia.instruments import about, check, names, render
from melancholia.instruments.kernels import bow, ring, strike
from melancholia.piece import Note, Part, Piece, TempoMap

FONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
PIECE = Piece(
    (
        Part("a", "melody", "cello", (Note(0, 2, 60, 70), Note(2, 1, 62, 70))),
        Part("b", "harmony", "felt_piano", (Note(1, 1, 48, 60),), {"pedal": ((0, 127), (3, 0))}),
    ),
    TempoMap(((0, 1_000_000), (1, 500_000))),
)


def test_stems_are_named_and_of_one_length():
    made = render(PIECE)
    assert list(made) == ["01-melody-cello", "02-harmony-felt_piano"]
    assert made.frames == int(np.ceil((PIECE.seconds + 5.0) * 48_000))
    assert [s.role for s in made.values()] == ["melody", "harmony"]


def test_a_tempo_map_moves_onsets():
    x = render(PIECE)["02-harmony-felt_piano"].sound.samples
    assert not x[:, :48_000].any() and np.abs(x[:, 48_000:50_000]).max() > 0


def test_stems_on_disk_are_those_in_memory(tmp_path):
    kept, on_disk = render(PIECE, tail_s=2), render(PIECE, tail_s=2, folder=tmp_path)
    for name, stem in kept.items():
        assert np.array_equal(on_disk[name].sound.read().samples, stem.sound.samples)
    assert sorted(os.listdir(tmp_path)) == sorted(f"{n}.wav" for n in kept)


def test_the_pedal_holds_and_lets_go():
    def level(curves):
        part = Part("p", "melody", "felt_piano", (Note(0, 0.3, 60, 80),), curves)
        x = next(iter(render(Piece((part,), TempoMap.steady(60)), tail_s=5).values())).sound.samples
        return [float(np.abs(x[:, int(t * 48_000) :][:, :4800]).max()) for t in (1.5, 3.5)]

    dry, wet = level({}), level({"pedal": ((0, 127), (3, 0))})
    assert wet[0] > 10 * dry[0] and wet[1] < 0.05 * wet[0]


@pytest.mark.parametrize("name", names())
def test_an_instrument_says_what_it_is(name):
    check(name)
    assert len(about(name)) > 10


def test_unknown_names_and_pitches_are_refused():
    with pytest.raises(InputError, match="Did you mean 'felt_piano'"):
        check("felt_pinao")
    low = Piece((Part("a", "bass", "cello", (Note(0, 1, 20, 60),)),), TempoMap.steady(60))
    with pytest.raises(InputError, match="asks cello for pitch 20; allowed: 36 to 81"):
        render(low)
    with pytest.raises(InputError, match="holds no note"):
        render(Piece((Part("a", "bass", "cello", ()),), TempoMap.steady(60)))


@pytest.mark.parametrize("name", ["soundfont:/none.sf2#0,0", "soundfont:{}#0,x", "soundfont:{}#0,200"])
def test_a_soundfont_that_is_none_is_refused(name, tmp_path):
    path = tmp_path / "not.sf2"
    path.write_text("no font at all")
    with pytest.raises(InputError, match="sf2|bank"):
        check(name.format(path))


def needs_fluidsynth():
    if not FONT.exists():
        pytest.skip("no SoundFont here")
    pytest.importorskip("fluidsynth", exc_type=ImportError)


def test_a_soundfont_really_plays(capfd):
    needs_fluidsynth()
    part = Part("a", "melody", f"soundfont:{FONT}#0,0", (Note(0.5, 1, 69, 90),))
    x = render(Piece((part,), TempoMap.steady(60)), rate=44_100)["01-melody-soundfont"].sound.samples
    assert np.abs(x[:, : 44_100 // 2 - 100]).max() < 1e-4 and np.abs(x).max() > 0.01
    spectrum = np.abs(np.fft.rfft(x[0, 30_000:60_000] * np.hanning(30_000)))
    hertz = np.fft.rfftfreq(30_000, 1 / 44_100)
    near = (hertz > 400) & (hertz < 480)
    assert abs(hertz[near][spectrum[near].argmax()] - 440) < 6
    assert capfd.readouterr().err == ""


def test_a_broken_soundfont_is_refused_by_the_player(tmp_path, capfd):
    needs_fluidsynth()
    broken = tmp_path / "broken.sf2"
    broken.write_bytes(FONT.read_bytes()[:2000])
    part = Part("a", "melody", f"soundfont:{broken}#0,0", (Note(0, 1, 69, 90),))
    with pytest.raises((InputError, MelancholiaError), match=r"broken\.sf2"):
        render(Piece((part,), TempoMap.steady(60)))
    assert capfd.readouterr().err == "" and shutil.which("true")


def test_ring_is_its_closed_form():
    rng = np.random.default_rng(0)
    count, frames = 9, 4800
    omega, sigma = rng.uniform(0.01, 1.2, count), rng.uniform(1e-4, 1e-3, count)
    left, right = (rng.normal(size=count) + 1j * rng.normal(size=count) for _ in range(2))
    out = np.zeros((2, frames), np.float32)
    ring(out, omega, sigma, left.real.copy(), left.imag.copy(), right.real.copy(), right.imag.copy(),
         np.full(count, frames))  # fmt: skip
    t = np.arange(frames)
    wanted = [(a[:, None] * np.exp((1j * omega - sigma)[:, None] * t)).real.sum(axis=0) for a in (left, right)]
    assert np.abs(out - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_strike_keeps_momentum_and_lets_go():
    omega, sigma = 2 * np.pi * 262 * np.arange(1, 40.0), np.full(39, 1.5)
    shape = np.sin(np.arange(1, 40) * np.pi / 8)
    step = 1 / 132_300
    q, p, last, force = strike(omega, sigma, shape, 0.0039, 0.003, 1e9, 2.5, 1.5, step, 2646)
    assert 0 < last < 2646 and force.max() > 1 and force[-1] == 0
    impulse = force.sum() * step
    assert 0.003 * 1.5 < impulse < 2 * 0.003 * 1.5  # the hammer turns back, slower than it came
    assert np.isfinite(q).all() and np.isfinite(p).all()


def test_bow_is_its_table():
    size, frames, block = 4096, 3200, 32
    cycle = np.sin(2 * np.pi * np.arange(size + 1) / size)
    table = np.ascontiguousarray(np.stack([cycle, 0.5 * cycle], axis=1), np.float32)
    track, points = np.zeros(frames, np.float32), frames // block + 2
    ones = np.ones(points)
    bow(track, 0, frames, table, 0.01, ones, ones, 0 * ones, np.zeros(8, np.float32), 0, 0 * ones, False, block, 0.0)
    assert np.abs(track - np.sin(2 * np.pi * 0.01 * np.arange(frames))).max() < 1e-4
    half = np.zeros(frames, np.float32)
    bow(half, 0, frames, table, 0.01, ones, ones, ones, np.zeros(8, np.float32), 0, 0 * ones, False, block, 0.0)
    assert np.abs(half - 0.5 * track).max() < 1e-4


def test_convolution_is_convolution():
    from scipy.signal import fftconvolve

    rng = np.random.default_rng(1)
    track, response = rng.normal(size=400_000).astype(np.float32), rng.normal(size=(2, 5000)) / 70
    out = np.zeros((2, 400_000), np.float32)
    add_convolved(out, [track, track], [response, 0.5 * response])
    wanted = 1.5 * np.stack([fftconvolve(track, r)[:400_000] for r in response])
    assert np.abs(out - wanted).max() < 1e-4 * np.abs(wanted).max()
