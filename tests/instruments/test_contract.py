"""One contract over every instrument: range, tuning, silence before, ring-out after, no DC, no click, dynamics."""

from functools import lru_cache

import numpy as np
import pytest
from scipy import signal

from melancholia.instruments import names, render, tail_s
from melancholia.instruments.events import hertz
from melancholia.instruments.table import TABLE
from melancholia.piece import Note, Part, Piece, TempoMap

RATE = 48_000
ENSEMBLES = [name for name in names() if TABLE[name].kind == "ensemble"]
STRUCK = [name for name in names() if TABLE[name].kind == "struck"]
ONSET_S = 0.25


def pitches(name, count=3):
    row = TABLE[name]
    return [round(p) for p in np.linspace(row.low + 3, min(row.high, row.low + 45) - 3, count)]


def piece(name, notes, curves=None):
    """Notes as (start s, length s, pitch, velocity) at 60 quarters a minute."""
    part = Part("p", "melody", name, tuple(Note(*n) for n in notes), curves or {})
    return Piece((part,), TempoMap.steady(60))


@lru_cache(maxsize=128)
def note(name, pitch, velocity=75, length=2.5, rate=RATE, seed=1):
    made = render(piece(name, [(ONSET_S, length, pitch, velocity)]), rate=rate, seed=seed)
    return next(iter(made.values())).sound.samples


def db(x):
    return 20 * np.log10(max(float(x), 1e-12))


def rms(x):
    return float(np.sqrt((x.astype(np.float64) ** 2).mean()))


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("velocity", [1, 64, 127])
@pytest.mark.parametrize("length", [0.02, 0.4, 3.0])
def test_every_key_sounds_at_every_touch(name, velocity, length):
    row = TABLE[name]
    keys = range(row.low, row.high + 1, 9)
    made = render(piece(name, [(4 * k, length, p, velocity) for k, p in enumerate(keys)]), seed=2)
    x = next(iter(made.values())).sound.samples
    assert np.isfinite(x).all()
    for k in range(len(keys)):
        assert rms(x[:, 4 * k * RATE : int((4 * k + 1) * RATE)]) > 1e-7


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_silence_before_and_after(name, rate):
    x = note(name, pitches(name)[1], rate=rate)
    onset = round(ONSET_S * rate)
    assert not x[:, :onset].any() and x[:, onset : onset + rate // 10].any()
    assert x.shape[1] == int(np.ceil((ONSET_S + 2.5 + tail_s(name)) * rate))
    peak = np.abs(x).max()
    assert db(np.abs(x[:, -rate // 10 : -rate // 20]).max() / peak) < -75
    assert db(np.abs(x[:, -rate // 20 :]).max() / peak) < -80


@pytest.mark.parametrize("name", names())
def test_no_dc(name):
    for pitch in pitches(name):
        x = note(name, pitch)
        assert max(db(abs(c.mean()) / np.abs(x).max()) for c in x.astype(np.float64)) < -75


def heterodyned(x, f0, rate, start, end):
    """Cents of the strongest partial near f0 by phase slope, iterated."""
    f = f0
    t = np.arange(len(x)) / rate
    for _ in range(3):
        z = x * np.exp(-2j * np.pi * f * t)
        width = int(8 * rate / f0)
        z = np.convolve(z, np.hanning(width) / np.hanning(width).sum(), "same")
        a, b = int(start * rate), int(end * rate)
        step = max(1, width // 8)
        phase = np.unwrap(np.angle(z[a:b:step]))
        weight = np.abs(z[a:b:step]) ** 2
        slope = np.polyfit(t[a:b:step], phase, 1, w=np.sqrt(weight))[0]
        f += slope / (2 * np.pi)
    return 1200 * np.log2(f / f0)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("name", STRUCK)
def test_the_piano_is_in_tune_with_its_strings(name, rate):
    from melancholia.instruments.felt_piano import inharmonicity

    for pitch in (36, 48, 60, 72, 84):
        x, b = note(name, pitch, rate=rate).mean(axis=0), inharmonicity(pitch)
        cents = []
        for n in range(1, 7):
            f = n * hertz(pitch) * np.sqrt((1 + b * n * n) / (1 + b))
            if f < 4000:
                cents.append(heterodyned(x, f, rate, ONSET_S + 0.08, ONSET_S + 0.88))
        assert abs(np.median(cents)) < 1, (pitch, cents)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("name", [n for n in names() if n not in STRUCK])
def test_sustained_notes_are_in_tune(name, rate):
    bound = 3 if name in ENSEMBLES else 1
    for pitch in pitches(name, 2):
        x = note(name, pitch, length=10.0, rate=rate).mean(axis=0)[int(0.75 * rate) : int(10.2 * rate)]
        if name not in ENSEMBLES:
            cents = heterodyned(x, hertz(pitch), rate, 0.2, len(x) / rate - 0.2)
            assert abs(cents) < bound, pitch
            continue
        spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 2**21)) ** 2
        hz = np.fft.rfftfreq(2**21, 1 / rate)
        near = np.abs(1200 * np.log2(np.maximum(hz, 1) / hertz(pitch))) < 50
        mean = (spectrum[near] * hz[near]).sum() / spectrum[near].sum()
        assert abs(1200 * np.log2(mean / hertz(pitch))) < bound, pitch


@pytest.mark.parametrize("name", names())
def test_a_harder_touch_is_louder(name):
    a, b = (0.0, 0.5) if name in STRUCK else (0.6, 2.4)
    for pitch in pitches(name):
        soft, loud = (note(name, pitch, v)[:, int((ONSET_S + a) * RATE) : int((ONSET_S + b) * RATE)] for v in (30, 105))
        assert 12 <= db(rms(loud)) - db(rms(soft)) <= 30, pitch


def centroid(x, start=0.02):
    """Magnitude-weighted, bins under -60 dB of the largest left out."""
    part = x.mean(axis=0)[int((ONSET_S + start) * RATE) :][: RATE // 2]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 2**16))
    hz = np.fft.rfftfreq(2**16, 1 / RATE)
    kept = (hz > 30) & (hz < 16_000) & (spectrum > spectrum.max() / 1000)
    return (spectrum[kept] * hz[kept]).sum() / spectrum[kept].sum()


@pytest.mark.parametrize("pitch", [36, 42, 48, 54, 60, 66, 72, 78, 84, 90])
def test_a_harder_stroke_of_the_piano_is_brighter(pitch):
    ratio = centroid(note("felt_piano", pitch, 105)) / centroid(note("felt_piano", pitch, 30))
    assert ratio >= (1.40 if pitch <= 72 else 1.10), ratio


@pytest.mark.parametrize("name", ["strings", "cello"])
def test_the_bow_is_brighter_when_drawn_harder(name):
    for pitch in pitches(name):
        notes, found = [(ONSET_S, 2.5, pitch, 100)], []
        for drawn in (60, 127):
            made = render(piece(name, notes, {"expression": ((0, drawn),)}), seed=3)
            x = next(iter(made.values())).sound.samples
            found.append((centroid(x, 1.0), db(rms(x))))
        assert found[1][0] > 1.15 * found[0][0] and found[1][1] > found[0][1] + 8, pitch


@pytest.mark.parametrize("name", [n for n in names() if n not in (*STRUCK, "sub_bass")])
def test_sustained_notes_hold_no_static_loop(name):
    for pitch in pitches(name, 2):
        x = np.diff(note(name, pitch, length=6.0).mean(axis=0).astype(np.float64))[int(1.5 * RATE) : int(6 * RATE)]
        x = x[::2]
        size, found = int(0.3 * RATE / 2), []
        for start in range(0, len(x) - 2 * RATE, RATE // 2):
            window = x[start : start + size]
            later = x[start + int(0.06 * RATE) : start + int(1.5 * RATE)]
            dot = signal.fftconvolve(later, window[::-1], "valid")
            energy = np.convolve(later**2, np.ones(size), "valid")
            found.append((dot / np.sqrt(energy * (window**2).sum())).max())
        assert np.median(found) <= 0.98 and max(found) < 0.995, (pitch, found)


@pytest.mark.parametrize("name", names())
def test_width_is_there_and_survives_mono(name):
    for pitch in pitches(name):
        x = note(name, pitch)[:, int(ONSET_S * RATE) :][:, : 2 * RATE].astype(np.float64)
        side, mid = rms(x[0] - x[1]), rms(x[0] + x[1])
        if name == "sub_bass":
            assert side == 0
        else:
            assert -22 < db(side / mid) < -3, (pitch, db(side / mid))
            assert abs(db(rms(x[0]) / rms(x[1]))) < 6


@pytest.mark.parametrize("name", names())
def test_no_click(name):
    """1 ms peaks over 16 kHz against the median of their 100 ms, away from the onset."""
    high = signal.butter(8, 16_000, "highpass", fs=RATE, output="sos")
    for pitch in pitches(name):
        x = np.abs(signal.sosfilt(high, note(name, pitch).mean(axis=0).astype(np.float64)))
        x = x[int((ONSET_S + 0.1) * RATE) :]
        peaks = x[: len(x) // 4800 * 4800].reshape(-1, 100, 48).max(axis=2)
        over = 20 * np.log10(np.maximum(peaks, 1e-9) / np.maximum(np.median(peaks, axis=1, keepdims=True), 1e-9))
        assert over[peaks > 1e-5].max(initial=0) < 28, pitch


@pytest.mark.parametrize("name", names())
def test_same_seed_same_bytes_whatever_the_threads(name):
    notes = [(0.3 * k, 0.8, pitches(name)[k % 3], 60 + k) for k in range(6)]
    one = piece(name, notes)
    both = Piece((*one.parts, Part("q", "bass", name, one.parts[0].notes)), one.tempo)
    a, b = (render(both, seed=5, jobs=jobs) for jobs in (1, 2))
    assert all(np.array_equal(a[k].sound.samples, b[k].sound.samples) for k in a)
    other = render(both, seed=6)
    first = next(iter(a))
    assert name == "sub_bass" or not np.array_equal(a[first].sound.samples, other[first].sound.samples)


@pytest.mark.parametrize("name", [n for n in names() if n != "sub_bass"])
def test_a_repeated_note_is_not_a_copy(name):
    length = 6.0
    made = render(piece(name, [(0, 2.0, 55, 70), (length, 2.0, 55, 70)]), seed=4)
    x = next(iter(made.values())).sound.samples
    a, b = x[:, : 2 * RATE], x[:, int(length * RATE) :][:, : 2 * RATE]
    assert db(rms(a - b) / rms(a)) > -45 and abs(db(rms(a)) - db(rms(b))) < 1.5


@pytest.mark.parametrize("name", names())
def test_full_force_peaks_near_minus_nine(name):
    peaks = [db(np.abs(note(name, pitch, 127)).max()) for pitch in pitches(name, 5)]
    assert -16 < np.median(peaks) < -5, peaks


@pytest.mark.parametrize("name", names())
def test_keys_are_even(name):
    low, high = TABLE[name].low, TABLE[name].high
    keys = range(low + 4, min(high, low + 48), 5)
    levels = [db(rms(note(name, p, 100)[:, int(ONSET_S * RATE) :][:, : 2 * RATE])) for p in keys]
    trend = np.polyval(np.polyfit(list(keys), levels, 2), list(keys))
    assert np.abs(np.array(levels) - trend).max() < 5, np.round(np.array(levels) - trend, 1)


def between_partials(x, partials):
    """Noise between partials: the median bin of each gap's middle, scaled to the gap, over all energy, dB."""
    part = x.mean(axis=0)[int((ONSET_S + 0.4) * RATE) : int((ONSET_S + 1.4) * RATE)].astype(np.float64)
    power = np.abs(np.fft.rfft(part * signal.windows.blackmanharris(len(part)))) ** 2
    total = 0.0
    for low, high in zip(partials[:-1], partials[1:], strict=True):
        a, b = int(low + 0.3 * (high - low)), int(low + 0.7 * (high - low))
        total += np.median(power[a:b]) * (high - low)
    return 10 * np.log10(total / power.sum())


@pytest.mark.parametrize(("name", "pitch", "floor"), [("felt_piano", 36, -62), ("felt_piano", 48, -62),
                         ("felt_piano", 60, -66), ("strings", 67, -58), ("cello", 50, -58)])  # fmt: skip
def test_there_is_life_between_the_partials(name, pitch, floor):
    """Sampled pianos hold -30 to -50 dB there, bowed strings -32 to -62; a bare bank of modes -96 or less."""
    from melancholia.instruments.felt_piano import inharmonicity

    b = inharmonicity(pitch) if name == "felt_piano" else 0.0
    n = np.arange(1, 16)
    found = between_partials(note(name, pitch), n * hertz(pitch) * np.sqrt((1 + b * n * n) / (1 + b)))
    assert floor < found < -18, found
