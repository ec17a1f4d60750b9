"""How the library behaves in a program: values that travel, paths as text, files that stay while they are held."""

import base64
import copy
import gc
import inspect
import io
import os
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import melancholia as mel

RATE = 48_000
TONE = 0.1 * np.sin(np.arange(2 * RATE) / 30)


@pytest.fixture(scope="module")
def song():
    return mel.make("longing", seconds=15, seed=1, rate=8000)


def test_a_recording_keeps_the_files_that_it_reads():
    master, wet = (lambda song: (song.master, song.wet))(mel.make("longing", seconds=15, seed=1, rate=8000))
    gc.collect()
    assert master.read().frames == master.frames == wet.frames
    folder = master.path.parent
    del master, wet
    gc.collect()
    assert not folder.exists()


VALUES = {
    "profile": lambda song: mel.profile("longing"),
    "blend": lambda song: mel.blend({"loss": 1, "despair": 2}),
    "piece": lambda song: song.written,
    "stems": lambda song: song.dry,
    "analysis": lambda song: mel.analyse(song.master),
    "score": lambda song: song.score,
    "rack": lambda song: mel.rack("longing"),
    "setting": lambda song: mel.setting("film", hits="3"),
    "recording": lambda song: song.master,
    "audio": lambda song: song.master.read(),
    "stem": lambda song: next(iter(song.dry.values())),
    "song": lambda song: song,
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_every_value_copies(song, name, travel):
    value = VALUES[name](song)
    assert type(travel(value)) is type(value) and repr(travel(value))[:200] == repr(value)[:200]


@pytest.mark.parametrize("name", [name for name in VALUES if name not in ("song", "stems", "stem", "recording")])
def test_every_value_pickles(song, name):
    value = VALUES[name](song)
    assert repr(pickle.loads(pickle.dumps(value)))[:200] == repr(value)[:200]


def test_stems_and_recordings_pickle_by_their_files(tmp_path, song):
    saved = song.save(tmp_path / "song", report=False)
    stems = mel.Stems({"a": mel.Stem("melody", "cello", mel.recording(saved / "master.wav"))})
    again = pickle.loads(pickle.dumps(stems))
    assert again.frames == stems.frames and again["a"].sound.read().frames == stems.frames


def test_a_pickled_song_is_handed_over():
    song = mel.make("longing", seconds=15, seed=1, rate=8000)
    packed = pickle.dumps(song)
    del song
    gc.collect()
    again = pickle.loads(packed)
    assert again.master.read().frames and again.score.sadness is not None
    folder = again.folder
    del again
    gc.collect()
    assert not folder.exists()


def test_paths_may_be_text(tmp_path, monkeypatch, song):
    monkeypatch.chdir(tmp_path)
    sound = mel.audio(np.stack([TONE, TONE]), RATE)
    assert mel.master(sound, out="a.wav").frames == len(TONE)
    assert mel.apply("a.wav", rack="longing", out="b.flac").rate == RATE
    assert mel.bus("a.wav", rack="longing", out="c.wav").channels == 2
    assert mel.mix(song.wet, out="d.wav").frames == song.wet.frames
    mel.save_midi(song.written, "e.mid")
    mel.render(mel.load_midi("e.mid"), rate=8000, folder=".")
    for again in (lambda: mel.master(sound, out="a.wav"), lambda: mel.save_midi(song.written, "e.mid")):
        with pytest.raises(mel.InputError, match="exists already"):
            again()
    assert mel.master(sound, out="a.wav", force=True).frames == len(TONE)
    assert {"a.wav", "b.flac", "c.wav", "d.wav", "e.mid"} <= set(os.listdir("."))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, bool])
@pytest.mark.parametrize("shape", [(1000,), (1, 1000), (2, 1000)])
def test_any_array_of_numbers_is_sound(dtype, shape):
    found = mel.audio(np.ones(shape, dtype), RATE)
    assert found.samples.dtype == np.float32 and found.frames == 1000


def test_frames_before_channels_are_known_for_what_they_are():
    with pytest.raises(mel.InputError, match=r"as samples\.T"):
        mel.audio(np.zeros((48_000, 2)), RATE)
    with pytest.raises(mel.InputError, match="48000 channels"):
        mel.Audio(np.zeros((48_000, 2), np.float32), RATE)


def test_an_array_has_no_rate():
    with pytest.raises(mel.InputError, match=r"ndarray; allowed: .*mel\.audio\(samples, rate\)"):
        mel.score(np.zeros(48_000))


def test_open_files_are_read(tmp_path):
    soundfile.write(handle := io.BytesIO(), np.stack([TONE, TONE], axis=1), RATE, format="FLAC")
    handle.seek(0)
    assert mel.analyse(handle).seconds == pytest.approx(2)
    (tmp_path / "a.flac").write_bytes(handle.getvalue())
    with open(tmp_path / "a.flac", "rb") as file:
        assert mel.recording(file).frames == len(TONE)


def test_a_saved_song_is_a_folder_like_others(tmp_path, song):
    (tmp_path / "other").mkdir()
    saved = song.save(tmp_path / "song", report=False)
    assert saved.stat().st_mode == (tmp_path / "other").stat().st_mode


def doors():
    return [name for name in mel.__all__ if inspect.isfunction(getattr(mel, name))]


@pytest.mark.parametrize("name", doors())
def test_every_door_says_what_it_takes_gives_and_refuses(name):
    door = getattr(mel, name)
    said = inspect.getdoc(door)
    assert "Returns\n-------" in said
    if inspect.signature(door).parameters:
        assert "Parameters\n----------" in said and "Raises\n------" in said
        taken = said.split("Parameters\n----------")[1].split("Returns\n-------")[0]
        for parameter in inspect.signature(door).parameters:
            assert re.search(rf"\b{parameter}\b", taken), parameter


PROGRAM = Path(__file__).with_name("typed_program.py")
CHECKERS = {
    "mypy": lambda folder: ("-m", "mypy", "--strict", "--cache-dir", folder / "cache", "--follow-imports=silent",
                            folder / "program.py"),
    "pyright": lambda folder: ("-m", "basedpyright", "--pythonpath", sys.executable, "--project", folder),
}  # fmt: skip


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_typed_program_is_checked_strictly(tmp_path, children, checker):
    (tmp_path / "pyrightconfig.json").write_text('{"include": ["program.py"], "typeCheckingMode": "strict"}')
    program = PROGRAM.read_text()
    for text, passes in ((program, True), (program.replace("song.save(", "song.safe("), False)):
        (tmp_path / "program.py").write_text(text)
        done = children.run(sys.executable, *CHECKERS[checker](tmp_path), cwd=PROGRAM.parents[2])
        assert (done.returncode == 0) == passes, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["song", "stems", "stem", "recording", "audio", "score"])
def test_a_notebook_shows_what_it_plays(song, name):
    """Stems one player each, the verdict as text."""
    value = VALUES[name](song)
    html = value._repr_html_()
    players = re.findall(r'<audio controls src="data:audio/mpeg;base64,([^"]+)"', html)
    assert len(players) == {"stems": len(song.stems), "score": 0}.get(name, 1)
    for content in players:
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(content)), always_2d=True)
        assert len(samples) / rate == pytest.approx(song.master.seconds, abs=0.01)
    if name in ("song", "score"):
        assert f"{song.score.sadness:.2f}" in html and "longing" in html


def test_a_notebook_keeps_five_minutes_of_a_long_sound_at_its_own_level():
    sound = mel.audio(np.tile(TONE, 200)[np.newaxis], RATE)
    html = sound._repr_html_()
    assert "400.0 s" in html and "the first 300 s" in html
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(html.split("base64,")[1].split('"')[0])))
    assert len(samples) / rate == pytest.approx(300, abs=0.01) and np.abs(samples).max() == pytest.approx(0.1, rel=0.1)


def test_a_name_in_a_notebook_is_text(tmp_path):
    soundfile.write(tmp_path / "<b>&.wav", TONE, RATE)
    assert "&lt;b&gt;&amp;.wav" in mel.recording(tmp_path / "<b>&.wav")._repr_html_()


def test_the_package_says_its_version():
    assert mel.__version__[0].isdigit()
