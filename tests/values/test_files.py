"""Reading refuses what is broken; writing is whole or not at all."""

import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from melancholia.audio import audio
from melancholia.errors import InputError, MelancholiaError
from melancholia.files import check_output, recording, write_audio, write_behind, write_text, writing, writing_folder


@pytest.fixture
def noise():
    return audio(np.random.default_rng(0).normal(0, 0.1, (2, 20_000)), 48_000)


def write(path, sound, **how):
    return write_audio(path, sound.blocks(4096), rate=sound.rate, channels=sound.channels, **how)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.ogg", "a.opus", "a.mp3", "a.w64", "a.caf"])
def test_every_format_by_its_suffix(tmp_path, noise, name):
    write(tmp_path / name, noise)
    back = recording(tmp_path / name).read()
    assert back.rate == 48_000 and back.channels == 2 and abs(back.frames - 20_000) < 2400
    assert os.listdir(tmp_path) == [name]


def test_float_wav_is_exact(tmp_path, noise):
    write(tmp_path / "a.wav", noise, subtype="FLOAT")
    assert np.array_equal(recording(tmp_path / "a.wav").read().samples, noise.samples)


def test_the_same_sound_is_the_same_bytes_at_another_time(tmp_path, noise):
    write(tmp_path / "a.wav", noise, subtype="FLOAT")
    time.sleep(1.1)
    write(tmp_path / "b.wav", noise, subtype="FLOAT")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_six_channels_of_wav_say_which(tmp_path):
    write(tmp_path / "a.wav", audio(np.zeros((6, 100)), 48_000))
    assert soundfile.info(tmp_path / "a.wav").format == "WAVEX"


@pytest.mark.parametrize("content", [b"", b"text", b"RIFF\0\0\0\0WAVE", bytes(1000)])
def test_what_is_no_audio_is_refused(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.wav"):
        list(recording(path).blocks())


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        recording(tmp_path / "a.wav")
    with pytest.raises(InputError, match="is a folder"):
        recording(tmp_path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3"])
def test_a_cut_file_is_refused(tmp_path, noise, name):
    path = tmp_path / name
    write(path, audio(np.tile(noise.samples, 5), 48_000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=name):
        list(recording(path).blocks())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(tmp_path, value):
    samples = np.zeros((1000, 2), np.float32)
    samples[500] = value
    soundfile.write(tmp_path / "a.wav", samples, 48_000, subtype="FLOAT")
    with pytest.raises(InputError, match="NaN or infinity"):
        recording(tmp_path / "a.wav").read()


def test_a_failure_leaves_the_old_file(tmp_path, noise):
    path = tmp_path / "a.wav"
    path.write_text("old")

    def blocks():
        yield from noise.blocks(4096)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_audio(path, blocks(), rate=48_000, channels=2)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.wav"]


def test_a_failure_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError), writing_folder(tmp_path / "song") as part:
        (part / "x").write_text("x")
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_a_folder_is_replaced_only_when_asked(tmp_path):
    for replace in (False, True):
        with writing_folder(tmp_path / "song", replace=replace) as part:
            (part / f"{replace}").write_text("x")
    assert os.listdir(tmp_path / "song") == ["True"] and os.listdir(tmp_path) == ["song"]
    with pytest.raises(InputError, match="exists already"), writing_folder(tmp_path / "song"):
        pass


def test_an_old_folder_stays_when_the_new_one_cannot_take_its_place(tmp_path):
    (tmp_path / "song").mkdir()
    (tmp_path / "song" / "old").write_text("x")
    with pytest.raises(MelancholiaError, match="song cannot be written"):
        with writing_folder(tmp_path / "song", replace=True) as part:
            shutil.rmtree(part)
    assert os.listdir(tmp_path) == ["song"] and os.listdir(tmp_path / "song") == ["old"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("comes_back", [True, False])
def test_an_old_folder_is_never_lost_between_the_two_renames(tmp_path, monkeypatch, error, comes_back):
    """Interrupted there, or refused, even when what was moved aside cannot be moved back."""
    (tmp_path / "song").mkdir()
    (tmp_path / "song" / "old").write_text("x")
    rename = Path.rename

    def refused(self, target):
        if self.name.endswith(".old.part"):
            return rename(self, target) if comes_back else refuse()
        return refuse() if Path(target).name == "song" else rename(self, target)

    def refuse():
        raise error

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises((KeyboardInterrupt, OSError, MelancholiaError)):
        with writing_folder(tmp_path / "song", replace=True) as part:
            (part / "new").write_text("y")
    (kept,) = tmp_path.iterdir()
    assert (kept / "old").read_text() == "x" and (kept.name == "song") == comes_back


class Slow:
    """A file whose writes take their time; it writes down what happens to it."""

    def __init__(self, refuses_to_close=False):
        self.said, self.refuses_to_close = [], refuses_to_close

    def write(self, block):
        time.sleep(0.05)
        self.said.append("written")

    def close(self):
        self.said.append(f"closed in {threading.current_thread().name}")
        if self.refuses_to_close:
            raise OSError(28, "No space left on device")


def test_a_file_is_closed_behind_its_last_write_by_who_writes(noise):
    def blocks():
        yield from noise.blocks(8192)
        raise KeyboardInterrupt

    file = Slow()
    with pytest.raises(KeyboardInterrupt):
        write_behind(file, blocks())
    assert file.said[:-1] == ["written"] * 3 and "ThreadPool" in file.said[-1]


def test_a_disk_that_is_full_when_the_file_is_closed_is_noticed(noise):
    with pytest.raises(OSError, match="No space left"):
        write_behind(Slow(refuses_to_close=True), noise.blocks())


def test_a_source_is_never_its_own_output(tmp_path):
    (tmp_path / "a.wav").write_text("x")
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    with pytest.raises(InputError, match="is the source itself"):
        check_output(tmp_path / "link.wav", tmp_path / "a.wav")


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_folder_that_is_missing_is_said(tmp_path, noise, kind):
    path = tmp_path / "none" / "a.wav"
    with pytest.raises(MelancholiaError, match=r"a\.wav cannot be written"):
        write(path, noise) if kind == "audio" else write_text(path, "x")


def test_an_unknown_suffix_is_refused(tmp_path, noise):
    with pytest.raises(InputError, match="unknown suffix"):
        write(tmp_path / "a.xyz", noise)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_nothing(tmp_path, children):
    """A limit on file size stands for the full disk: writes fail with an OSError half-way."""
    code = (
        "import resource, signal, sys, numpy as np\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from pathlib import Path\nfrom melancholia.audio import audio\nfrom melancholia.files import write_audio\n"
        "sound = audio(np.zeros((2, 480_000)), 48_000)\n"
        "try: write_audio(Path(sys.argv[1]), sound.blocks(), rate=48_000, channels=2, subtype='FLOAT')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = children.python(code, tmp_path / "a.wav")
    assert "a.wav cannot be written" in done.stdout, done
    assert os.listdir(tmp_path) == []


def test_writing_is_under_another_name_until_it_is_whole(tmp_path):
    with writing(tmp_path / "a.txt") as part:
        part.write_text("x")
        assert not (tmp_path / "a.txt").exists() and part.name.endswith(".part")
    assert (tmp_path / "a.txt").read_text() == "x"
