"""An album is one gain over many tracks; stems are the gain of their sum, and add up to it."""

import numpy as np
import pytest

from melancholia.audio import Audio, Stem, Stems, audio
from melancholia.errors import InputError
from melancholia.mastering import (
    TARGETS,
    deliver,
    master,
    master_stem,
    measure,
    null_dbfs,
    plan_album,
    plan_master,
    target,
)
from melancholia.recordings import recording
from tests.mastering.test_master import RATE, music


def softer(sound, db):
    return audio(sound.samples * 10 ** (db / 20), sound.rate)


TRACKS = [music(1), softer(music(2), -9), softer(music(3), -4)]


@pytest.mark.parametrize("lufs", [-23, -16])
def test_an_album_has_the_loudness_and_its_tracks_keep_their_distances(lufs):
    plans = plan_album(TRACKS, lufs=lufs)
    assert len({plan.gain_db for plan in plans}) == 1 and all(plan.album_lufs == plans[0].album_lufs for plan in plans)
    made = [master(track, plan=plan) for track, plan in zip(TRACKS, plans, strict=True)]
    joined = audio(np.concatenate([one.samples for one in made], axis=1), RATE)
    assert measure(joined).integrated_lufs == pytest.approx(lufs, abs=0.15)
    assert plans[0].album_lufs == pytest.approx(lufs, abs=0.01) and not any(plan.note for plan in plans)
    before, after = ([measure(one).integrated_lufs for one in some] for some in (TRACKS, made))
    assert np.diff(after) == pytest.approx(np.diff(before), abs=0.1 if lufs < -20 else 1.5)
    assert [plan.reached_lufs for plan in plans] == pytest.approx(after, abs=0.05)


def test_a_cut_between_tracks_is_not_heard():
    whole = music(4, seconds=12)
    cut = 5 * RATE + 7
    tracks = [audio(whole.samples[:, :cut], RATE), audio(whole.samples[:, cut:], RATE)]
    plans = plan_album(tracks, lufs=-10)
    assert max(plan.reduction_db for plan in plans) > 2
    joined = np.concatenate([master(one, plan=plan).samples for one, plan in zip(tracks, plans, strict=True)], axis=1)
    gain = joined / np.where(np.abs(whole.samples) > 1e-4, whole.samples, np.nan)
    near = gain[:, cut - 40 : cut + 40]
    assert np.nanmax(np.abs(np.diff(20 * np.log10(near), axis=1))) < 0.2
    alone = [plan_master(one, lufs=plan.reached_lufs) for one, plan in zip(tracks, plans, strict=True)]
    assert abs(alone[0].nodes[-1] - alone[1].nodes[0]) > 2 * abs(plans[0].nodes[-1] - plans[1].nodes[0])


def test_an_album_as_opus_keeps_its_one_gain(tmp_path):
    plans = plan_album(TRACKS, lufs=-14)
    for k, (track, plan) in enumerate(zip(TRACKS, plans, strict=True)):
        made = deliver(track, plan, tmp_path / f"{k}.opus", ceiling_dbtp=-1)
        assert made.plan.gain_db == plans[0].gain_db and made.true_peak_dbtp <= -0.9


def test_on_an_album_no_coder_makes_the_limiter_go_deeper_than_it_may(tmp_path):
    rng = np.random.default_rng(5)
    hits = audio(rng.normal(0, 0.3, (2, RATE * 3)) * (np.arange(RATE * 3) % 6000 < 900), RATE)
    plans = plan_album([hits, softer(music(2), -9)], lufs=-5)
    made = deliver(hits, plans[0], tmp_path / "x.wav", ceiling_dbtp=-1, codecs=("mp3", "ogg"))
    assert plans[0].short and made.plan.gain_db == plans[0].gain_db and made.plan.reduction_db <= 6.01


def test_an_album_out_of_reach_says_so_once_for_all():
    clicks = np.zeros((2, RATE * 4))
    clicks[:, :: RATE // 2] = 0.9
    plans = plan_album([audio(clicks, RATE), music(1)], lufs=-6)
    assert max(plan.reduction_db for plan in plans) <= 6.01 and len({plan.note for plan in plans}) == 1
    assert "more than 6 dB of limiting; reached -" in plans[0].note
    with pytest.raises(InputError, match="no tracks"):
        plan_album([])


def test_silence_on_an_album_stays_silence():
    plans = plan_album([audio(np.zeros((2, RATE)), RATE), music(1)])
    assert not plans[0].reduction_db and plans[0].reached_lufs == -np.inf
    assert plan_album([audio(np.zeros((2, RATE)), RATE)])[0].gain_db == 0


# ------------------------------------------------------------------------------------------- stems


@pytest.mark.parametrize(("subtype", "null"), [("FLOAT", -120), ("PCM_24", -110)])
def test_mastered_stems_add_up_to_their_master(subtype, null, tmp_path):
    parts = {"low": music(1), "high": softer(music(2), -6), "far": softer(music(3), -12)}
    mix = Stems({name: Stem("melody", "", sound) for name, sound in parts.items()})
    plan = plan_master(mix, lufs=-11)
    assert plan.reduction_db > 2
    made = deliver(mix, plan, tmp_path / "master.wav", ceiling_dbtp=-1, subtype=subtype)
    stems = [
        master_stem(sound, made.plan, tmp_path / f"{name}.wav", subtype=subtype, seed=k)
        for k, (name, sound) in enumerate(parts.items())
    ]
    assert null_dbfs(stems, made.recording) < null
    assert null_dbfs(stems[1:], made.recording) > -40
    assert {recording(path).subtype for path in tmp_path.iterdir()} == {subtype}


def test_a_stem_over_full_scale_is_whole_in_floats_and_said_in_integers(tmp_path):
    """Two that take each other away nearly wholly: the sum is soft, each is loud."""
    loud = music(1)
    parts = [softer(loud, 6), Audio(np.ascontiguousarray(loud.samples * np.float32(-1.8)), RATE)]
    plan = plan_master(Stems({name: Stem("melody", "", one) for name, one in zip("ab", parts, strict=True)}), lufs=-16)
    whole = master_stem(parts[0], plan, tmp_path / "a.wav", subtype="FLOAT")
    cut = master_stem(parts[0], plan, tmp_path / "b.wav", subtype="PCM_24")
    assert measure(whole).true_peak_dbtp > 3 and not whole.notes
    assert any("cut off at full scale" in note for note in cut.notes)


def test_a_sound_of_another_length_is_no_stem(tmp_path):
    plan = plan_master(music(1))
    with pytest.raises(InputError, match="its plan 288000"):
        master_stem(music(1, seconds=5), plan, tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize("name", TARGETS)
def test_a_delivery_by_its_name(name):
    found = target(name)
    assert -24 <= found.lufs <= -14 and -2 <= found.ceiling_dbtp <= -1 and len(found.source) > 8
    assert target(str(found.lufs)).lufs == found.lufs


def test_a_delivery_that_nobody_knows():
    with pytest.raises(InputError, match="Unknown target 'ebu-r218'.*Did you mean 'ebu-r128'"):
        target("ebu-r218")
    with pytest.raises(InputError, match="loudness is 3 LUFS"):
        target("3")
