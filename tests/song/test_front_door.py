"""The front door opens onto exactly what it lists, and loads nothing until asked."""

import glob
import os
import re
import shlex
from pathlib import Path

import pytest

import melancholia as mel
from melancholia import takes

README = Path(__file__).parents[2] / "README.md"
PLUGIN, PLUGINS = "ZamCompX2", Path("/usr/lib/vst3/ZamCompX2.vst3")  # of Debian's zam-plugins


@pytest.mark.parametrize("name", mel.__all__)
def test_every_name_of_the_front_door_opens(name):
    assert getattr(mel, name) is not None


def test_importing_loads_nothing_heavy(children):
    code = "import sys, melancholia; print(*sys.modules)"
    loaded = children.python(code).stdout.split()
    assert not {"numpy", "librosa", "numba", "pedalboard", "rich"} & set(loaded)


def test_profile_stays_a_function_when_its_file_is_imported(children):
    code = "import melancholia.profile, melancholia as mel; print(mel.profile('longing', intensity=0.5).intensity)"
    done = children.python(code)
    assert done.stdout.strip() == "0.5", done.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'maek'"):
        mel.maek  # noqa: B018


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.S)


def steps():
    """What the README shows, in its order: (line, language, text) of each block."""
    text = README.read_text()
    return [
        (text[: found.start()].count("\n") + 1, found[1], found[2])
        for found in re.finditer(r"```(sh|python|toml)\n(.*?)```", text, re.S)
    ]


def commands(block):
    return [line.split("#")[0].strip() for line in block.splitlines() if line.startswith("melancholia ")]


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """One folder for all that the README says, beside a recording and a MIDI file of one's own.

    `make song` is what it is in the Makefile.
    """
    import soundfile

    from melancholia.cli import run
    from tests.analysis.test_analyse import MINOR, melody
    from tests.training.scores import song
    from tests.tunes import GREENSLEEVES

    folder = tmp_path_factory.mktemp("readme")
    soundfile.write(folder / "take.flac", melody(MINOR, seconds=8).samples.T, 48_000)
    mel.save_midi(mel.compose(mel.profile("longing"), seconds=15, seed=1), folder / "piece.mid")
    mel.save_midi(GREENSLEEVES, folder / "tune.mid")
    (folder / "scores").mkdir()
    (folder / "scores" / "song.musicxml").write_bytes(song())
    made = re.search(r"melancholia (make .*first-song.*)", README.with_name("Makefile").read_text())[1]
    made = made.replace("--seconds 60", "--seconds 15").replace("-o first-song", f"-o {folder / 'first-song'}")
    assert run(shlex.split(made)) == 0
    return folder


def as_a_shell_has_it(command):
    """The words of a command; a pattern that is not in quotes is the files that it fits."""
    for word in shlex.split(command, posix=False):
        if "*" in word and word[0] not in "'\"":
            command = command.replace(word, " ".join(sorted(glob.glob(word))))
    return shlex.split(command)


@pytest.mark.parametrize(
    "line, language, block", steps(), ids=lambda value: str(value) if isinstance(value, int) else ""
)
def test_the_readme_can_be_followed_from_top_to_bottom(followed, monkeypatch, line, language, block):
    """A test for each block, in their order; a file that it shows is written under the name in its first line."""
    from melancholia.cli import run

    if PLUGIN in block and not PLUGINS.is_dir() and "CI" not in os.environ:
        pytest.skip("needs Debian's zam-plugins")
    monkeypatch.chdir(followed)
    monkeypatch.setattr(takes, "ROUNDS", 0)  # whether a song is as sad as asked is told elsewhere
    if language == "toml":
        Path(block.splitlines()[0].removeprefix("# ")).write_text(block)
    if language == "python":
        exec(compile("\n" * line + block, "README.md", "exec"), {})
    for command in commands(block):
        assert run(as_a_shell_has_it(command)[1:]) == 0, command


def test_the_readme_shows_python_and_commands_and_names_what_is_there(followed):
    assert [language for _, language, _ in steps()].count("python") >= 5
    assert sum(len(commands(block)) for *_, block in steps()) > 8
    for name in re.findall(r"`(first-song/[\w.]+)`", README.read_text()):
        assert (followed / name).exists(), name


@pytest.mark.parametrize("name", mel.moods())
def test_the_readme_lists_every_mood_as_it_says_of_itself(name):
    assert f"| {name} | {mel.profile(name).about} |" in README.read_text()
