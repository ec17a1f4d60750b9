"""Which files a batch takes, and what their outputs are called."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melancholia.batch.sources import fits, found, outputs
from melancholia.errors import InputError


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "in/a.wav",
        "in/b.flac",
        "in/cover.jpg",
        "in/x/a.wav",
        "in/x/y/c.MP3",
        "in/x/.hidden.wav",
        "in/.git/d.wav",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def names(*patterns, **options):
    here = found(patterns, **options)
    return [file.relative_to(here.root).as_posix() for file in here.files]


@pytest.mark.parametrize(
    "patterns, wanted",
    [
        (["in/**/*"], ["a.wav", "b.flac", "cover.jpg", "x/a.wav", "x/y/c.MP3"]),
        (["in/**/*.wav"], ["a.wav", "x/a.wav"]),
        (["in/*"], ["a.wav", "b.flac", "cover.jpg"]),
        (["in/*/?.wav"], ["x/a.wav"]),
        (["in/[ab].*"], ["a.wav", "b.flac"]),
        (["in"], ["a.wav", "b.flac", "x/a.wav", "x/y/c.MP3"]),
        (["in/x/.*"], [".hidden.wav"]),
        (["in/a.wav"], ["a.wav"]),
        (["in/a.wav", "in/x/a.wav", "in/a*"], ["a.wav", "x/a.wav"]),
        (["**/a.wav"], ["in/a.wav", "in/x/a.wav"]),
    ],
)
def test_what_fits(here, patterns, wanted):
    assert names(*patterns) == wanted
    assert names(*[here / pattern for pattern in patterns]) == wanted


@given(st.data())
def test_globs_are_those_of_the_standard_library(tmp_path_factory, data):
    """On a tree without links and hidden files, where they agree."""
    folder = tmp_path_factory.mktemp("tree")
    part = st.text("ab.", min_size=1, max_size=2).filter(lambda name: name[0] != ".")
    for parts in data.draw(st.lists(st.lists(part, min_size=1, max_size=3), max_size=6)):
        path = folder.joinpath(*parts)
        if not any(parent.is_file() for parent in path.parents) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
    glob = data.draw(st.lists(st.sampled_from(["**", "*", "a*", "?", "[ab]", "b.a"]), min_size=1, max_size=3))
    glob.append("*")
    theirs = {path for path in folder.glob("/".join(glob)) if path.is_file()}
    ours = {path for path in folder.rglob("*") if path.is_file() and fits(path.relative_to(folder).parts, glob)}
    assert ours == theirs


def test_what_is_in_the_output_folder_is_no_source(here):
    assert names("**/*.wav", out=Path("in/x")) == ["in/a.wav"]


def test_links_to_files_are_followed_and_links_to_folders_are_not(here):
    Path("in/ring").symlink_to(here)
    Path("in/link.wav").symlink_to(here / "in/a.wav")
    Path("in/loop.wav").symlink_to("loop.wav")
    assert names("in/**/*.wav") == ["a.wav", "link.wav", "loop.wav", "x/a.wav"]  # that a loop is no file, its row says


def test_a_name_that_looks_like_a_glob_is_itself(here):
    Path("in/[a].wav").write_bytes(b"")
    assert names("in/[a].wav") == ["[a].wav"]


@pytest.mark.parametrize(
    "pattern, said",
    [
        ("nowhere/*.wav", "nowhere is no folder"),
        ("in/nothing.wav", "in/nothing.wav does not exist"),
        ("in/*.ogg", "in/*.ogg fits no file"),
    ],
)
def test_what_is_nothing_is_said(here, pattern, said):
    with pytest.raises(InputError, match=said.replace("*", r"\*")):
        found([pattern])


def test_the_tree_is_mirrored_from_the_root(here):
    sources = found(["in/x/**/*"], root=Path("in"))
    assert outputs(sources) == ["x/a.wav", "x/y/c.MP3"]
    with pytest.raises(InputError, match="lies outside"):
        found(["in/*"], root=Path("in/x"))


def test_outputs_keep_their_format_where_it_is_written(here):
    for name in ("in/d.m4a", "in/e", "in/f.xyz"):
        Path(name).write_bytes(b"")
    sources = found(["in/[a-f]*"])
    assert outputs(sources) == ["a.wav", "b.flac", "cover.jpg.wav", "d.wav", "e.wav", "f.xyz.wav"]
    assert outputs(sources, format_="mp3")[:4] == ["a.mp3", "b.mp3", "cover.jpg.mp3", "d.mp3"]


@pytest.mark.parametrize(
    "one, other, format_",
    [
        ("c.wav", "c.flac", "wav"),
        ("c.wav", "c.m4a", None),
        ("c.wav", "C.wav", None),
        (unicodedata.normalize("NFC", "é.wav"), unicodedata.normalize("NFD", "é.wav"), None),
    ],
)
def test_two_sources_of_one_output_are_refused(here, one, other, format_):
    if os.path.exists(here / "in/A.WAV"):
        pytest.skip("this file system takes upper and lower case for the same")
    for name in (one, other):
        (here / "new" / name).parent.mkdir(exist_ok=True)
        (here / "new" / name).write_bytes(b"")
    with pytest.raises(InputError, match="would both become"):
        outputs(found(["new/*"]), format_=format_)


def test_an_output_that_would_be_a_folder_is_refused(here):
    for name in ("new/a.m4a", "new/a.wav/b.wav"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(b"")
    with pytest.raises(InputError, match="is a folder of others"):
        outputs(found(["new/**/*"]))
