"""The front door opens onto exactly what it lists, and loads nothing until asked."""

import re
from pathlib import Path

import pytest

import melancholia as mel

README = Path(__file__).parents[2] / "README.md"


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


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_python_of_the_readme_runs(number, tmp_path, monkeypatch):
    import numpy as np
    import soundfile

    monkeypatch.chdir(tmp_path)
    soundfile.write("take.flac", 0.1 * np.random.default_rng(0).normal(size=(96_000, 2)), 48_000)
    mel.save_midi(mel.compose(mel.profile("longing"), seconds=15, seed=1), "piece.mid")
    exec(compile(blocks("python")[number], f"README.md, block {number}", "exec"), {})


def commands():
    lines = "\n".join(blocks("sh")).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.startswith("melancholia ")]


def test_the_commands_of_the_readme_run(tmp_path, monkeypatch):
    import shlex

    import numpy as np
    import soundfile

    from melancholia.cli import run

    monkeypatch.chdir(tmp_path)
    soundfile.write("take.flac", 0.1 * np.random.default_rng(0).normal(size=(96_000, 2)), 48_000)
    assert commands()
    for line in commands():
        assert run(shlex.split(line)[1:]) == 0, line
