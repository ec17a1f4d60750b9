"""What a master keeps: bit depth, every sample where nothing is to be done, the ceiling when coders have had it."""

import numpy as np
import pytest
import soundfile

from melancholia.errors import InputError
from melancholia.mastering import deliver, master, measure, plan_master
from melancholia.recordings import recording
from tests.mastering.test_master import RATE, music

KEPT = {  # of a source so coded in a file of this kind: what its master is in the same kind, in WAV and in FLAC
    ("wav", "PCM_U8"): ("PCM_U8", "PCM_U8", "PCM_S8"),
    ("wav", "PCM_16"): ("PCM_16", "PCM_16", "PCM_16"),
    ("wav", "PCM_24"): ("PCM_24", "PCM_24", "PCM_24"),
    ("wav", "PCM_32"): ("PCM_32", "PCM_32", "PCM_24"),
    ("wav", "FLOAT"): ("FLOAT", "FLOAT", "PCM_24"),
    ("wav", "DOUBLE"): ("FLOAT", "FLOAT", "PCM_24"),
    ("wav", "ULAW"): ("PCM_16", "PCM_16", "PCM_16"),
    ("wav", "ALAW"): ("PCM_16", "PCM_16", "PCM_16"),
    ("wav", "IMA_ADPCM"): ("PCM_16", "PCM_16", "PCM_16"),
    ("wav", "MS_ADPCM"): ("PCM_16", "PCM_16", "PCM_16"),
    ("flac", "PCM_S8"): ("PCM_S8", "PCM_U8", "PCM_S8"),
    ("flac", "PCM_16"): ("PCM_16", "PCM_16", "PCM_16"),
    ("aiff", "PCM_16"): ("PCM_16", "PCM_16", "PCM_16"),
    ("au", "ULAW"): ("PCM_16", "PCM_16", "PCM_16"),
    ("caf", "ALAC_16"): ("ALAC_16", "PCM_16", "PCM_16"),
    ("w64", "PCM_24"): ("PCM_24", "PCM_24", "PCM_24"),
    ("ogg", "VORBIS"): ("VORBIS", "PCM_24", "PCM_24"),
    ("mp3", "MPEG_LAYER_III"): ("MPEG_LAYER_III", "PCM_24", "PCM_24"),
}


@pytest.mark.parametrize(("suffix", "subtype"), KEPT, ids="-".join)
def test_the_depth_of_the_source_is_kept_where_the_format_has_it(suffix, subtype, tmp_path):
    source = tmp_path / f"in.{suffix}"
    soundfile.write(source, music(seconds=2).samples.T, RATE, subtype=subtype)
    assert recording(source).subtype == subtype
    for kind, wanted in zip((suffix, "wav", "flac"), KEPT[suffix, subtype], strict=True):
        out = tmp_path / f"to-{kind}" / f"out.{kind}"
        out.parent.mkdir(exist_ok=True)
        made = master(source, out=out, force=True)
        assert made.subtype == recording(out).subtype == soundfile.info(out).subtype == wanted
        found = measure(made)
        assert found.integrated_lufs == pytest.approx(-16, abs=0.1) and found.true_peak_dbtp <= -0.9
        if not soundfile.info(out).subtype.startswith(("VORBIS", "MPEG")):
            assert found.true_peak_dbtp <= -0.998
        said = "ULAW" in subtype or "ALAW" in subtype or "ADPCM" in subtype
        assert any("is written as integers of 16 bits" in note for note in made.notes) == said


def test_a_depth_that_is_asked_for_wins(tmp_path):
    soundfile.write(tmp_path / "in.wav", music(seconds=2).samples.T, RATE, subtype="PCM_16")
    assert master(tmp_path / "in.wav", out=tmp_path / "a.wav", subtype="FLOAT").subtype == "FLOAT"
    assert master(tmp_path / "in.wav", out=tmp_path / "a.flac", subtype="PCM_U8").subtype == "PCM_S8"
    with pytest.raises(InputError, match="MP3 cannot hold FLOAT"):
        master(tmp_path / "in.wav", out=tmp_path / "a.mp3", subtype="FLOAT")


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("lufs", [-23, -14])
def test_a_master_of_a_master_is_the_same_samples(subtype, lufs, tmp_path):
    soundfile.write(tmp_path / "in.wav", music().samples.T, RATE, subtype=subtype)
    once = master(tmp_path / "in.wav", lufs=lufs, out=tmp_path / "once.wav")
    again = master(once, lufs=lufs, out=tmp_path / "again.flac", seed=9)
    a, b = (soundfile.read(one.path, dtype="int32")[0] for one in (once, again))
    assert np.array_equal(a, b)


@pytest.mark.parametrize("codec", ["mp3", "ogg", "opus"])
def test_what_a_coder_makes_of_a_master_keeps_the_ceiling_too(codec, tmp_path):
    """Hits over dense sound overshoot when they are coded: by this the ceiling is lowered."""
    rng = np.random.default_rng(5)
    hits = rng.normal(0, 0.3, (RATE * 4, 2)) * (np.arange(RATE * 4) % 6000 < 900)[:, None]
    soundfile.write(tmp_path / "in.wav", hits + rng.normal(0, 0.02, hits.shape), RATE, subtype="PCM_24")
    sound = recording(tmp_path / "in.wav")
    plan = plan_master(sound, lufs=-13)
    found = {}
    for name, codecs in (("plain", ()), ("asked", (codec,))):
        made = deliver(sound, plan, tmp_path / f"{name}.wav", ceiling_dbtp=-1, codecs=codecs)
        found[name] = made
        assert not list(tmp_path.glob(".*"))
    assert not found["plain"].coded and list(found["asked"].coded) == [codec]
    assert found["asked"].coded[codec] <= -0.9 and found["asked"].true_peak_dbtp <= found["plain"].true_peak_dbtp


def test_a_master_that_a_coder_would_lift_is_made_anew_with_dither(tmp_path):
    """What is as loud as asked is copied; not where its ceiling has to be lowered for what it will meet."""
    rng = np.random.default_rng(5)
    hits = rng.normal(0, 0.3, (RATE * 2, 2)) * (np.arange(RATE * 2) % 6000 < 900)[:, None] + 0.01
    soundfile.write(tmp_path / "in.wav", hits, RATE, subtype="PCM_24")
    once = master(tmp_path / "in.wav", lufs=-13, out=tmp_path / "once.wav", subtype="PCM_16")
    files = []
    for seed in (1, 2):
        made = deliver(
            once, plan_master(once, lufs=-13), tmp_path / f"{seed}.wav", ceiling_dbtp=-1, codecs=("mp3",), seed=seed
        )
        assert made.coded["mp3"] <= -0.9 and made.plan.changes
        files.append(soundfile.read(made.recording.path, dtype="int16")[0])
    assert not np.array_equal(*files) and np.abs(files[0].astype(int) - files[1]).max() <= 2


def test_a_coder_that_cannot_take_the_sound_is_refused_before_work(tmp_path):
    soundfile.write(tmp_path / "in.wav", music(seconds=2).samples.T, 44_100)
    sound = recording(tmp_path / "in.wav")
    for codecs, words in ((("opus",), "OPUS at 44100 Hz cannot be written"), (("aac",), "Unknown codec 'aac'")):
        with pytest.raises(InputError, match=words):
            deliver(sound, plan_master(sound), tmp_path / "out.wav", ceiling_dbtp=-1, codecs=codecs)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]
