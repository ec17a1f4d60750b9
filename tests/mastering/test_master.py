"""The master is as loud as asked, under the ceiling, whatever comes in."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from melancholia.audio import audio
from melancholia.encoding import write_audio
from melancholia.errors import InputError
from melancholia.mastering import (
    deliver,
    master,
    master_stem,
    measure,
    null_dbfs,
    plan_album,
    plan_master,
    target,
)
from melancholia.mastering.dither import Dither, quantised
from melancholia.mastering.limiter import curve_pieces
from melancholia.mastering.series import Series
from melancholia.recordings import recording

RATE = 48_000
N = np.arange(6 * RATE)


def music(seed=0, seconds=6):
    """Decaying chords with hits: loud and soft, with a crest."""
    rng = np.random.default_rng(seed)
    n = np.arange(int(seconds * RATE))
    x = np.zeros((2, len(n)))
    for start in range(0, len(n), RATE // 2):
        t = (n[start:] - start) / RATE
        for hertz in rng.uniform(80, 900, 4):
            x[:, start:] += rng.uniform(0.02, 0.2) * np.exp(-2 * t) * np.sin(2 * np.pi * hertz * t + rng.random())
    x[:, RATE * 2 :: RATE] += 0.3
    return audio(x * np.linspace(0.3, 1, len(n)), RATE)


HOSTILE = {
    "noise": lambda: np.random.default_rng(0).normal(0, 0.3, (2, len(N))),
    "fs/4 bursts": lambda: np.stack([np.sin(np.pi * N / 2 + np.pi / 4) * ((N // 3000) % 7 == 0)] * 2),
    "18 kHz, hard edges": lambda: np.stack([np.sin(2 * np.pi * 18_000 * N / RATE) * ((N // 2000) % 9 == 0)] * 2),
    "impulses": lambda: (np.random.default_rng(1).random((2, len(N))) > 0.9995) * 1.0,
    "square": lambda: np.stack([np.sign(np.sin(2 * np.pi * 997 * N / RATE)) * ((N // 9000) % 5 == 0)] * 2),
    "fs/6 bursts": lambda: np.stack([np.sin(np.pi * N / 3 + np.pi / 3) * ((N // 4000) % 5 == 0)] * 2),
}


@pytest.mark.parametrize("reduction_db", [3, 6, 12])
@pytest.mark.parametrize("name", HOSTILE)
def test_the_ceiling_holds_at_eight_times_oversampling(name, reduction_db, tmp_path):
    sound = audio(HOSTILE[name](), RATE)
    before = measure(sound)
    asked = float(np.clip(before.integrated_lufs - before.true_peak_dbtp - 1 + reduction_db, -40, -5))
    plan = plan_master(sound, lufs=asked, max_reduction_db=reduction_db)
    written = master(sound, plan=plan, out=tmp_path / "out.wav").read()
    assert measure(written).true_peak_dbtp <= -1 + 0.002
    assert 20 * np.log10(np.abs(resample_poly(written.samples, 8, 1, axis=1)).max()) <= -1 + 0.05


@pytest.mark.parametrize("lufs", [-23, -16, -12])
def test_the_loudness_is_reached(lufs, tmp_path):
    written = master(music(), lufs=lufs, out=tmp_path / "out.flac")
    assert measure(written).integrated_lufs == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize("suffix", ["ogg", "opus", "mp3"])
@pytest.mark.parametrize("lufs", [-9, -15, -27])
def test_the_loudness_of_a_lossy_file_is_reached_as_it_is_decoded(suffix, lufs, tmp_path):
    """Dense sound up to 20 kHz, of which coders take something away."""
    rng = np.random.default_rng(3)
    sound = audio(rng.normal(0, 0.05, (1, 4 * 48_000)).astype(np.float32) * np.linspace(0.5, 1, 4 * 48_000), 48_000)
    plan = plan_master(sound, lufs=lufs)
    made = deliver(sound, plan, tmp_path / f"x.{suffix}", ceiling_dbtp=-1)
    heard = measure(recording(tmp_path / f"x.{suffix}"))
    off = abs(heard.integrated_lufs - plan.reached_lufs)
    assert off <= 0.1 if lufs < -9 else f"limiting; reached {heard.integrated_lufs:.1f} LUFS" in made.plan.note
    assert (made.lufs, made.true_peak_dbtp) == (heard.integrated_lufs, heard.true_peak_dbtp)
    assert heard.true_peak_dbtp <= -0.9


def low_notes(kind):
    t = np.arange(6 * RATE) / RATE
    if kind == "kick":  # a limiter that bends one takes away more than its gain says
        return audio(np.sin(2 * np.pi * 45 * t) * np.exp(-8 * (t % 0.5)) + 1e-3 * np.sin(5000 * t), RATE)
    return audio(0.8 * np.sin(2 * np.pi * 30 * t) * (t < 1) + 0.02 * np.sin(2 * np.pi * 900 * t), RATE)


@pytest.mark.parametrize("kind", ["kick", "boom"])
@pytest.mark.parametrize("under_db", [0.5, 2, 6])
def test_the_loudness_is_what_was_written_also_where_low_notes_are_limited(kind, under_db, tmp_path):
    sound = low_notes(kind)
    most = plan_master(sound, lufs=-5).reached_lufs
    plan = plan_master(sound, lufs=most - under_db)
    made = deliver(sound, plan, tmp_path / "out.wav", ceiling_dbtp=-1)
    found = measure(tmp_path / "out.wav")
    assert made.lufs == pytest.approx(found.integrated_lufs, abs=1e-4)
    assert made.plan.range_lu == pytest.approx(found.range_lu, abs=1e-3)
    assert found.integrated_lufs == pytest.approx(most - under_db, abs=0.1) or made.plan.short


@pytest.mark.parametrize("lufs", [-20, -32, -40])
def test_of_eight_bits_the_noise_counts(lufs, tmp_path):
    made = deliver(music(), plan_master(music(), lufs=lufs), tmp_path / "x.wav", ceiling_dbtp=-1, subtype="PCM_U8")
    found = measure(tmp_path / "x.wav")
    assert made.lufs == pytest.approx(found.integrated_lufs, abs=1e-3)
    assert made.true_peak_dbtp == pytest.approx(found.true_peak_dbtp, abs=1e-3)
    said = any("it came to" in note for note in made.recording.notes)
    assert abs(found.integrated_lufs - lufs) <= 0.1 or said


def test_six_db_more_going_in_is_the_same_coming_out():
    quiet, loud = music(), audio(music().samples * 2, RATE)
    a, b = master(quiet), master(loud)
    assert np.abs(a.samples - b.samples).max() < 2e-4


def test_a_target_out_of_reach_is_said_and_not_forced():
    clicks = np.zeros((2, RATE * 4))
    clicks[:, :: RATE // 2] = 0.9
    plan = plan_master(audio(clicks, RATE), lufs=-9)
    assert plan.reduction_db <= 6.01 and "more than 6 dB of limiting" in plan.note


def test_silence_stays_silence(tmp_path):
    sound = audio(np.zeros((2, RATE)), RATE)
    assert "silence" in plan_master(sound).note
    assert not master(sound, out=tmp_path / "out.wav").read().samples.any()


def test_what_is_too_short_or_out_of_range_is_refused():
    with pytest.raises(InputError, match="0.20 s long"):
        plan_master(audio(np.ones((2, RATE // 5)), RATE))
    for wrong in ({"lufs": -4}, {"lufs": -50}, {"ceiling_dbtp": 1}):
        with pytest.raises(InputError, match="allowed"):
            plan_master(music(), **wrong)


@pytest.mark.parametrize(("channels", "rate"), [(1, 44_100), (2, 96_000), (6, 48_000), (1, 8_000)])
def test_any_channels_and_rates(channels, rate, tmp_path):
    sound = audio(np.random.default_rng(3).normal(0, 0.05, (channels, rate * 2)), rate)
    found = measure(master(sound, out=tmp_path / "out.wav"))
    assert found.integrated_lufs == pytest.approx(-16, abs=0.1) and found.true_peak_dbtp <= -0.99


def test_wav_and_flac_hold_the_same_integers(tmp_path):
    for name in ("a.wav", "a.flac"):
        master(music(), out=tmp_path / name)
    a, b = (soundfile.read(tmp_path / name, dtype="int32")[0] for name in ("a.wav", "a.flac"))
    assert np.array_equal(a, b) and (a & 0xFF == 0).all()


def test_a_file_in_blocks_is_the_sound_in_memory(tmp_path):
    sound = music()
    write_audio(tmp_path / "in.wav", sound.blocks(), rate=RATE, channels=2, subtype="FLOAT")
    a = master(recording(tmp_path / "in.wav"), out=tmp_path / "a.wav", subtype="PCM_24").read()
    b = master(sound, out=tmp_path / "b.wav").read()
    assert np.array_equal(a.samples, b.samples)


def test_a_source_is_not_overwritten(tmp_path):
    write_audio(tmp_path / "in.wav", music().blocks(), rate=RATE, channels=2)
    with pytest.raises(InputError, match="is the source itself"):
        master(tmp_path / "in.wav", out=tmp_path / "in.wav")


def test_stems_times_the_curve_sum_to_the_master():
    parts = [music(1), music(2), music(3)]
    whole = audio(np.sum([p.samples for p in parts], axis=0), RATE)
    plan = plan_master(whole, lufs=-12)
    total = np.sum([master(p, plan=plan).samples for p in parts], axis=0)
    assert np.abs(total - master(whole, plan=plan).samples).max() < 10 ** (-110 / 20)


def curve_of(peaks, gain, nodes_a_second=1500, **sides):
    series = Series()
    series.add(peaks)
    pieces = list(curve_pieces(series, gain, nodes_a_second, **sides))
    curve = np.concatenate([piece for _, piece in pieces])
    assert [first for first, _ in pieces] == list(np.cumsum([0, *(len(piece) for _, piece in pieces)])[:-1])
    assert len(curve) == len(peaks) + 1
    return curve


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), nodes=st.integers(400, 4000), gain=st.floats(0.2, 8))
def test_the_curve_meets_every_block(seed, nodes, gain):
    peaks = np.random.default_rng(seed).gamma(0.3, 0.5, 300).astype(np.float32)
    curve = curve_of(peaks, gain, nodes)
    need = 20 * np.log10(np.maximum(peaks * gain, 1))
    assert (np.minimum(curve[:-1], curve[1:]) >= need - 1e-4).all()
    assert curve.max() <= need.max() + 1e-4


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 299), gain=st.floats(0.5, 8))
def test_a_limiter_runs_through_a_cut_as_if_there_were_none(seed, cut, gain):
    peaks = np.random.default_rng(seed).gamma(0.3, 0.5, 300).astype(np.float32)
    whole = curve_of(peaks, gain)
    assert np.allclose(curve_of(peaks[:cut], gain, tail=peaks[cut:]), whole[: cut + 1], atol=1e-5)
    assert np.allclose(curve_of(peaks[cut:], gain, lead=peaks[:cut]), whole[cut:], atol=1e-5)


def test_the_curve_does_not_move_without_need():
    assert not curve_of(np.full(100, 0.5, np.float32), 1.1).any()


def test_the_curve_is_smooth_and_comes_back():
    peaks = np.full(4000, 0.1, np.float32)
    peaks[1500] = 2.0
    curve = curve_of(peaks, 1.1)
    assert np.abs(np.diff(curve)).max() < 2.5 and curve[1400] == 0 and curve[3900] < 0.2


def test_a_long_series_lies_on_disk_and_is_the_same(monkeypatch):
    from melancholia.mastering import series

    peaks = np.random.default_rng(3).gamma(0.3, 0.5, 200_000).astype(np.float32)
    short = curve_of(peaks, 2.0)
    monkeypatch.setattr(series, "IN_MEMORY_BYTES", 1000)
    assert np.array_equal(curve_of(peaks, 2.0), short)
    many = Series()
    for part in np.split(peaks, [100, 5000, 5001, 90_000]):
        many.add(part)
        assert np.array_equal(many.part(0, 10), peaks[:10])
    assert np.array_equal(np.concatenate(list(many.pieces(777))), peaks)


def test_what_is_over_full_scale_is_cut_off_and_never_wrapped():
    x = np.array([[1.0, 1.5, -1.0, -1.5, 1 - 2**-16]], np.float32)
    for bits in (8, 16, 24):
        for out in (Dither(bits, 1, 3).add(x), quantised(x, bits)):
            assert (np.sign(out) == np.sign(x)).all() and abs(out[0, 1] / 2**31 - 1) < 2.0 ** (2 - bits)


def test_a_block_that_stands_too_high_in_the_file_is_lowered(tmp_path):
    """At 8 bits dither lifts peaks that the plan has at the ceiling."""
    plan = plan_master(music(), lufs=-12)
    made = deliver(music(), plan, tmp_path / "x.wav", ceiling_dbtp=-1, subtype="PCM_U8")
    assert plan.reduction_db > 1 and measure(made.recording).true_peak_dbtp <= -0.998


@pytest.mark.parametrize("bits", [16, 24])
def test_dither_is_triangular_and_silence_silent(bits):
    x = np.full((2, 200_000), 0.25, np.float32)
    x[:, 100_000:] = 0
    out = Dither(bits, 2, 5).add(x)
    assert not out[:, 100_000:].any()
    error = out[:, :100_000] / 2.0 ** (32 - bits) - 0.25 * 2.0 ** (bits - 1)
    assert abs(error.mean()) < 0.02 and error.std() == pytest.approx(0.5, abs=0.01)
    assert abs(np.corrcoef(error)[0, 1]) < 0.02 and abs(np.corrcoef(error[0, 1:], error[0, :-1])[0, 1]) < 0.02
    in_parts = Dither(bits, 2, 5)
    assert np.array_equal(np.concatenate([in_parts.add(x[:, :999]), in_parts.add(x[:, 999:])], axis=1), out)
    assert not np.array_equal(Dither(bits, 2, 6).add(x), out)


def test_what_is_wrong_is_one_line_from_python(tmp_path):
    """Whatever is given where something else belongs."""
    sound, out = music(seconds=2), tmp_path / "out.wav"
    plan = plan_master(sound)
    wrong = {
        "plan is 3": lambda: master(sound, plan=3),
        "plan is None": lambda: deliver(sound, None, out, ceiling_dbtp=-1),
        "ceiling is nan": lambda: deliver(sound, plan, out, ceiling_dbtp=float("nan")),
        "ceiling is 400": lambda: master(sound, plan=plan, ceiling_dbtp=400, out=out),
        "seed is -1": lambda: master(sound, out=out, seed=-1),
        "seed is 1.5": lambda: master(sound, out=out, seed=1.5),
        "codecs are 'mp3'": lambda: master(sound, out=out, codecs="mp3"),
        "codecs are None": lambda: master(sound, out=out, codecs=None),
        "Unknown codec 'aac'": lambda: master(sound, out=tmp_path / "x.mp3", codecs=("aac",)),
        "without out": lambda: master(sound, codecs=("mp3",)),
        "stems; allowed": lambda: null_dbfs([], sound),
        "in rate, channels or length": lambda: null_dbfs([audio(sound.samples[:1], RATE)], sound),
        "tracks are": lambda: plan_album(tmp_path / "a.wav"),
        "its plan 96000": lambda: master_stem(music(seconds=3), plan, out),
        "target is None": lambda: target(None),
    }
    for words, work in wrong.items():
        with pytest.raises(InputError, match=words):
            work()
    assert not list(tmp_path.iterdir())
