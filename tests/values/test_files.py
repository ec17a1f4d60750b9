"""Reading refuses what is broken; writing is whole or not at all."""

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from melancholia import renames
from melancholia.audio import audio
from melancholia.encoding import AUDIO, write_audio, write_behind
from melancholia.errors import InputError, MelancholiaError
from melancholia.files import ANY_FILE, PNG, check_output, write_text, writing, writing_folder
from melancholia.recipe import SONG, file_hash
from melancholia.recordings import recording


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
    write(path, noise)
    before = path.read_bytes()

    def blocks():
        yield from noise.blocks(4096)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_audio(path, blocks(), rate=48_000, channels=2, over=AUDIO)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.wav"]


def test_a_failure_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError), writing_folder(tmp_path / "song") as part:
        (part / "x").write_text("x")
        raise RuntimeError
    assert os.listdir(tmp_path) == []


# --------------------------------------------------------------------------------------------- whose the place is


@pytest.fixture(params=["in one step", "in several"])
def system(request, monkeypatch):
    """Renames as this system has them, and as on one that cannot do them in one step."""
    if request.param == "in several":
        monkeypatch.setattr(renames, "system_call", lambda: None)


def ours(folder, *names):
    """A folder of ours with these files, by its recipe."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text("old")
    made = {name: file_hash(folder / name) for name in names}
    recipe = {"versions": {"melancholia": "1"}, "mood": "longing", "made": made}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    return folder


def filled(path, *, over=None):
    with writing_folder(path, over=over) as part:
        (part / "new").write_text("new")


def written(path, *, over=None):
    write_text(path, "new", over=over)


def test_a_name_that_is_taken_is_refused(tmp_path, system):
    (tmp_path / "a.txt").write_text("mine")
    ours(tmp_path / "song")
    for write_to, name in ((written, "a.txt"), (filled, "song")):
        with pytest.raises(InputError, match=f"{name} exists already; allowed: a new name, or --force"):
            write_to(tmp_path / name)
    assert (tmp_path / "a.txt").read_text() == "mine" and sorted(os.listdir(tmp_path)) == ["a.txt", "song"]


@pytest.mark.parametrize("write_to, name", [(written, "a.txt"), (filled, "song")])
@pytest.mark.parametrize("over", [None, ANY_FILE, SONG])
def test_what_appears_meanwhile_stays(tmp_path, system, write_to, name, over):
    """Whose the place is is asked when it is taken: a stranger's folder or file came while we worked."""

    def stranger():
        if name == "song":
            (tmp_path / "song").mkdir()
            (tmp_path / "song" / "thesis.txt").write_text("mine")
        else:
            (tmp_path / "a.txt").mkdir() if over is ANY_FILE else (tmp_path / "a.txt").write_text("mine")

    def slowly(path):
        with writing(path, over=over) if name == "a.txt" else writing_folder(path, over=over) as part:
            (part / "new").write_text("new") if name == "song" else part.write_text("new")
            stranger()

    with pytest.raises(InputError, match="exists already" if over is None else "is not a "):
        slowly(tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (
        (tmp_path / "song" / "thesis.txt").read_text() == "mine"
        if name == "song"
        else "new" not in str(list(tmp_path.rglob("*")))
    )


def test_only_its_own_kind_is_replaced(tmp_path, system):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    (tmp_path / "a.txt").write_text("mine")
    song = ours(tmp_path / "song", "master.wav")
    filled(song, over=SONG)
    assert os.listdir(song) == ["new"]
    written(tmp_path / "a.txt", over=ANY_FILE)
    assert (tmp_path / "a.txt").read_text() == "new"
    for write_to, name, over in (
        (filled, "thesis", SONG),
        (filled, "a.txt", SONG),
        (written, "thesis", ANY_FILE),
        (written, "a.txt", PNG),
    ):
        with pytest.raises(InputError, match=f"{name} is not a "):
            write_to(tmp_path / name, over=over)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "song", "thesis"]


def test_a_song_that_somebody_put_work_into_is_not_replaced(tmp_path, system):
    song = ours(tmp_path / "song", "master.wav")
    (song / ".DS_Store").write_text("left by a system")
    filled(song, over=SONG)
    song = ours(tmp_path / "second", "master.wav")
    (song / "project.rpp").write_text("my arrangement")
    with pytest.raises(InputError, match="second is not a song of ours alone \\(it also holds project.rpp\\)"):
        filled(song, over=SONG)
    assert (song / "project.rpp").read_text() == "my arrangement" and (song / "master.wav").exists()
    song = ours(tmp_path / "third", "score.mid", "master.wav")
    (song / "score.mid").write_text("what I wrote into it")
    with pytest.raises(InputError, match="also holds score.mid, changed since"):
        filled(song, over=SONG)


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"made": {"thesis.txt": ""}}', '{"made": 3, "versions": 4}'])
def test_another_programs_recipe_makes_no_folder_ours(tmp_path, text):
    (tmp_path / "cake").mkdir()
    (tmp_path / "cake" / "recipe.json").write_text(text)
    with pytest.raises(InputError, match="no recipe.json of melancholia"):
        filled(tmp_path / "cake", over=SONG)


def test_an_empty_folder_is_nobodys_work(tmp_path, system):
    (tmp_path / "song").mkdir()
    filled(tmp_path / "song", over=SONG)
    assert os.listdir(tmp_path / "song") == ["new"]


def test_what_cannot_be_encoded_is_said_by_the_files_name(tmp_path, noise, monkeypatch):
    def refused(file, block):
        raise soundfile.LibsndfileError(1, "it broke: ")

    monkeypatch.setattr(soundfile.SoundFile, "write", refused)
    with pytest.raises(MelancholiaError, match=r"/a\.wav cannot be encoded: it broke"):
        write(tmp_path / "a.wav", noise)
    assert os.listdir(tmp_path) == []


def test_a_link_is_followed_and_stays(tmp_path, system):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "disk" / "real.txt")
    with pytest.raises(InputError, match=r"link.txt exists already \(a link to .*real.txt\)"):
        written(tmp_path / "link.txt")
    written(tmp_path / "link.txt", over=ANY_FILE)
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "disk" / "real.txt").read_text() == "new"
    assert os.listdir(tmp_path / "disk") == ["real.txt"]


def test_a_link_to_nothing_is_said(tmp_path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "gone.txt")
    with pytest.raises(InputError, match="a link to"):
        written(tmp_path / "link.txt")


def test_an_old_folder_stays_when_the_new_one_cannot_take_its_place(tmp_path, system):
    ours(tmp_path / "song", "old")
    with pytest.raises(MelancholiaError, match="song cannot be written"):
        with writing_folder(tmp_path / "song", over=SONG) as part:
            shutil.rmtree(part)
    assert os.listdir(tmp_path) == ["song"] and (tmp_path / "song" / "old").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("refused", ["the first", "the second", "the way back"])
def test_an_old_folder_is_never_lost_between_two_renames(tmp_path, monkeypatch, error, refused):
    """Interrupted there, or refused, even when what was moved aside cannot be moved back."""
    monkeypatch.setattr(renames, "system_call", lambda: None)
    ours(tmp_path / "song", "old")
    rename = Path.rename

    def unwilling(self, target):
        target = Path(target)
        first = self.name == "song" and target.name.endswith(".old")
        second = target.name == "song" and not self.name.endswith(".old")
        back = target.name == "song" and self.name.endswith(".old")
        if first and refused == "the first" or second and refused != "the first" or back and refused == "the way back":
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", unwilling)
    with pytest.raises((KeyboardInterrupt, OSError, MelancholiaError)):
        filled(tmp_path / "song", over=SONG)
    (kept,) = tmp_path.iterdir()
    assert (kept / "old").read_text() == "old" and (kept.name == "song") == (refused != "the way back")


def test_of_three_that_race_for_one_name_one_wins(tmp_path, children):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom melancholia.files import writing, writing_folder\n"
        "from melancholia.errors import InputError\n"
        "path, kind = Path(sys.argv[1]), sys.argv[2]\n"
        "time.sleep(max(0, float(sys.argv[3]) - time.time()))\n"
        "try:\n"
        "  with (writing if kind == 'file' else writing_folder)(path) as part:\n"
        "    (part if kind == 'file' else part / 'x').write_text(sys.argv[4])\n"
        "    time.sleep(0.2)\n"
        "  print('won')\n"
        "except InputError as error: print(error)\n"
    )
    for kind in ("file", "folder"):
        at = time.time() + 1.5
        racing = [children.start(sys.executable, "-c", code, tmp_path / kind, kind, at, k) for k in range(3)]
        said = [child.wait(20).stdout.strip() for child in racing]
        assert sorted(word == "won" for word in said) == [False, False, True], said
        assert sum("exists already" in word for word in said) == 2
        held = tmp_path / kind if kind == "file" else tmp_path / kind / "x"
        assert held.read_text() == str([word == "won" for word in said].index(True))
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


# --------------------------------------------------------------------------------------------- what killed runs left


KILLED = (
    "import os, sys, time\nfrom pathlib import Path\nfrom melancholia.files import writing, writing_folder\n"
    "with (writing if sys.argv[2] == 'file' else writing_folder)(Path(sys.argv[1])) as part:\n"
    "  (part if sys.argv[2] == 'file' else part / 'x').write_text('half')\n"
    "  if sys.argv[3] == 'dies': os.kill(os.getpid(), 9)\n"
    "  while not os.path.exists(sys.argv[3]): time.sleep(0.01)\n"
)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path, children, kind):
    children.python(KILLED, tmp_path / "a", kind, "dies")
    assert len(os.listdir(tmp_path)) == 1
    write_text(tmp_path / "b", "x")
    assert os.listdir(tmp_path) == ["b"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_somebody_is_writing_is_left_alone(tmp_path, children, kind):
    here = tmp_path / "here"
    here.mkdir()
    child = children.start(sys.executable, "-c", KILLED, here / "a", kind, tmp_path / "go on")
    until = time.monotonic() + 20
    while not os.listdir(here) and time.monotonic() < until:
        time.sleep(0.01)
    write_text(here / "b", "x")
    filled(here / "c")
    assert len(os.listdir(here)) == 3
    (tmp_path / "go on").write_text("")
    assert child.wait(20).returncode == 0
    assert sorted(os.listdir(here)) == ["a", "b", "c"]


HAMMER = (
    "import sys\nfrom concurrent.futures import ThreadPoolExecutor\nfrom pathlib import Path\n"
    "from melancholia.files import write_text, writing_folder\n"
    "def one(k):\n"
    "  write_text(Path(sys.argv[1]) / f'{sys.argv[2]}-{k}', 'x')\n"
    "  with writing_folder(Path(sys.argv[1]) / f'{sys.argv[2]}-{k}-folder') as part: (part / 'x').write_text('x')\n"
    "with ThreadPoolExecutor(4) as pool: list(pool.map(one, range(150)))\n"
    "print('done')\n"
)


def test_many_who_write_into_one_folder_do_not_clear_each_other_away(tmp_path, children):
    """What was made and is not yet locked looks abandoned for a moment."""
    started = [children.start(sys.executable, "-c", HAMMER, tmp_path, k) for k in range(3)]
    for done in [child.wait(60) for child in started]:
        assert done.stdout == "done\n", done.stderr[-2000:]
    assert len(os.listdir(tmp_path)) == 3 * 300


def test_a_strangers_part_is_left_alone(tmp_path):
    for name in ("mine.part", ".melancholia-notes.txt", ".mine.part"):
        (tmp_path / name).write_text("mine")
    write_text(tmp_path / "b", "x")
    assert len(os.listdir(tmp_path)) == 4


def test_a_name_may_be_as_long_as_the_system_takes(tmp_path, noise):
    write(tmp_path / ("z" * 251 + ".wav"), noise)
    filled(tmp_path / ("y" * 255))
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no such device here")
def test_a_device_is_written_through_and_stays(tmp_path):
    write_text(Path("/dev/null"), "x")
    assert not Path("/dev/null").is_file()
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_text()))
    reader.start()
    write_text(tmp_path / "pipe", "through")
    reader.join()
    assert got == ["through"] and (tmp_path / "pipe").is_fifo()


# --------------------------------------------------------------------------------------------- writing sound


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


FULL_SWEEP = """
import os, resource, signal, sys
import numpy as np
from pathlib import Path
from melancholia.audio import audio
from melancholia.encoding import write_audio
from melancholia.errors import MelancholiaError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
sound = audio(np.random.default_rng(0).normal(0, 0.1, (2, 96_000)), 48_000)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for name in sys.argv[2:]:
    path = folder / name
    write = lambda: write_audio(path, sound.blocks(20_000), rate=48_000, channels=2)
    write()
    need = path.stat().st_size
    path.unlink()
    for less in (1, 100, 3000, need // 20, need // 3, need - 50):
        resource.setrlimit(resource.RLIMIT_FSIZE, (need - less, hard))
        try:
            write()
            print(name, "ended well with", less, "bytes less")
        except MelancholiaError as error:
            if "cannot be written" not in str(error): print(name, error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        for left in os.listdir(folder): print(name, "left", left)
print("done")
"""
TEN = ("a.wav", "a.flac", "a.aiff", "a.ogg", "a.opus", "a.mp3", "a.w64", "a.rf64", "a.caf", "a.au")


def test_a_full_disk_is_noticed_in_every_format(tmp_path, children):
    """A limit on file size stands for the full disk, just below the need or far: a broken file is never called done."""
    done = children.python(FULL_SWEEP, tmp_path, *TEN)
    assert done.stdout == "done\n", done


def test_writing_is_under_another_name_until_it_is_whole(tmp_path):
    with writing(tmp_path / "a.txt") as part:
        part.write_text("x")
        assert not (tmp_path / "a.txt").exists() and part.name.endswith(".part")
    assert (tmp_path / "a.txt").read_text() == "x"
