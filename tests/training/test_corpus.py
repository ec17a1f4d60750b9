"""A corpus: read from anywhere, kept and read again, split so that what belongs together stays together, described."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melancholia.cli import run
from melancholia.composition import compose
from melancholia.composition.figures import hashes
from melancholia.errors import InputError
from melancholia.midi import save_midi
from melancholia.profile import profile
from melancholia.training import GROUPS, describe, load_corpus, read_corpus, save_corpus, split
from melancholia.training.split import SIDES, families, side_of
from tests.training.scores import TUNE, song

CORPORA = Path(__file__).parents[3] / "shared" / "data" / "corpora"


def other_tune(seed, size=40):
    rng = np.random.default_rng(seed)
    scale = [57, 59, 60, 62, 64, 65, 67, 69, 68]
    at, tune = 4, []
    for _ in range(size):
        at = int(np.clip(at + rng.choice([-2, -1, -1, 1, 1, 2]), 0, 8))
        tune.append(scale[at])
    return [*tune[:-1], 57]


@pytest.fixture
def folder(tmp_path):
    for who, names in {"Lang": "abc", "Franz": "de"}.items():
        (tmp_path / "music" / who).mkdir(parents=True)
        for name in names:
            text = song(other_tune(ord(name)), composer="", shift=ord(name) % 5)
            (tmp_path / "music" / who / f"{name}.musicxml").write_bytes(text)
    (tmp_path / "music" / "broken.mxl").write_bytes(b"PK broken")
    (tmp_path / "music" / "short.xml").write_bytes(song(TUNE[:12]))
    (tmp_path / "music" / "notes.txt").write_text("not music")
    save_midi(compose(profile("longing"), seconds=60, seed=2), tmp_path / "music" / "ours.mid")
    return tmp_path / "music"


def test_a_folder_a_zip_and_files_are_read_alike(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_LZMA) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, f"scores/{path.relative_to(folder)}")
    one, two = read_corpus([folder]), read_corpus([tmp_path / "all.zip"], jobs=2)
    assert [w.name for w in one.works] == [w.name for w in two.works] != []
    assert one.refused == two.refused
    assert {w.composer for w in one.works} == {"Lang", "Franz", ""}  # the folder says whose it is
    assert {r.name: r.why for r in one.refused} == {
        "broken.mxl": "is a damaged compressed score.", "short.xml": "has a tune of 12 notes; allowed: 24 or more.",
    }  # fmt: skip
    alone = read_corpus([folder / "Lang" / "a.musicxml"])
    assert alone.works[0].lines["voice"].tolist() == one.works[2].lines["voice"].tolist()


def test_a_corpus_is_kept_and_read_again_exactly(folder, tmp_path):
    made = read_corpus([folder])
    save_corpus(made, tmp_path / "corpus.npz")
    found = load_corpus(tmp_path / "corpus.npz")
    assert found.refused == made.refused
    for a, b in zip(made.works, found.works, strict=True):
        assert (a.name, a.composer, a.words, list(a.lines)) == (b.name, b.composer, b.words, list(b.lines))
        assert all(np.array_equal(a.lines[who], b.lines[who]) for who in a.lines)
        assert all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("bars", "keys", "homes", "tempos"))
    first = (tmp_path / "corpus.npz").read_bytes()
    save_corpus(made, tmp_path / "corpus.npz", force=True)
    assert (tmp_path / "corpus.npz").read_bytes() == first
    with pytest.raises(InputError, match="exists already"):
        save_corpus(made, tmp_path / "corpus.npz")


def test_what_is_no_corpus_is_refused(folder, tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    save_corpus(read_corpus([folder]), tmp_path / "corpus.npz")
    whole = (tmp_path / "corpus.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name, said in (("none", "does not exist"), ("other", "is no corpus"), ("cut", "is no corpus")):
        with pytest.raises(InputError, match=said):
            load_corpus(tmp_path / f"{name}.npz")
    with pytest.raises(InputError, match="is not a corpus"):
        save_corpus(read_corpus([folder]), tmp_path / "other.npz", force=True)


def works_of(tmp_path, tunes):
    for k, (name, tune) in enumerate(tunes.items()):
        (tmp_path / f"{name}.musicxml").write_bytes(song(tune, shift=k % 4))
    return read_corpus([tmp_path]).works


def test_works_that_share_a_long_run_stand_on_one_side(tmp_path):
    tunes = {f"t{k:02}": other_tune(k) for k in range(30)}
    tunes["t30"] = other_tune(90, 12) + tunes["t04"][:24]  # quotes another, in another key
    tunes["t31"] = [57, 59, 60, 62, 64, 65, 64, 62, 60, 59] * 4  # scales are everybody's
    tunes["t32"] = [57, 59, 60, 62, 64, 65, 64, 62, 60, 59] * 4 + [57]
    works = works_of(tmp_path, tunes)
    groups = dict(zip([w.name for w in works], families(works), strict=True))
    assert groups["t30.musicxml"] == groups["t04.musicxml"]
    assert len(set(groups.values())) == len(works) - 1
    sides = dict(zip([w.name for w in works], split(works), strict=True))
    assert sides["t30.musicxml"] == sides["t04.musicxml"]
    fewer = dict(zip([w.name for w in works[:20]], split(works[:20]), strict=True))
    assert all(sides[name] == side for name, side in fewer.items())  # more works move none


@given(st.lists(st.text(min_size=1), min_size=1, max_size=20))
def test_a_side_follows_from_the_name_alone(names):
    assert [side_of(name) for name in names] == [side_of(f"{name.partition('#')[0]}#2") for name in names]


def test_sides_have_their_shares():
    sides = [side_of(f"work {k}") for k in range(4000)]
    assert all(abs(sides.count(side) / 4000 - share) < 0.02 for side, share in SIDES.items())


figures = st.lists(st.tuples(st.integers(30, 90), st.sampled_from([12, 24, 48, 96])), min_size=6, max_size=30)


@given(figures, st.integers(-12, 12), st.integers(1, 4))
def test_figures_know_neither_key_nor_tempo(line, shift, slower):
    pitches, gaps = (np.array(column) for column in zip(*line, strict=True))
    onsets = np.concatenate([[0], np.cumsum(gaps)[:-1]])
    for rhythm in (True, False):
        one = hashes(pitches, onsets, 5, rhythm=rhythm)
        assert np.array_equal(one, hashes(pitches + shift, 7 + slower * onsets, 5, rhythm=rhythm))
        assert len(one) == len(line) - 4


def test_figures_differ_where_moves_or_rhythm_do():
    base = hashes([60, 62, 64, 60, 67], [0, 1, 2, 3, 5], 5)
    assert base != hashes([60, 62, 63, 60, 67], [0, 1, 2, 3, 5], 5)
    assert base != hashes([60, 62, 64, 60, 67], [0, 1, 2, 3, 4], 5)
    assert hashes([60, 62, 64, 60, 67], [0, 1, 2, 3, 4], 5, rhythm=False) == hashes(
        [60, 62, 64, 60, 67], [0, 1, 2, 3, 5], 5, rhythm=False
    )
    pitches = np.random.default_rng(0).integers(50, 80, 20_000)
    moves = np.clip(np.diff(pitches), -12, 12)
    different = {tuple(moves[k : k + 7]) for k in range(len(moves) - 6)}
    assert len(np.unique(hashes(pitches, np.arange(20_000), 8))) == len(different)  # no two share a number by chance


def test_figures_of_a_corpus_have_known_answers(folder):
    works = read_corpus([folder]).works
    spreads, shares = describe([w for w in works if "voice" in w.lines])
    assert [len(spreads[0].values[g]) for g in GROUPS] == [5, 0, 5]
    by_name = {s.name: s for s in spreads}
    assert by_name["tempo"].quantiles("minor") == (60,) * 5
    assert by_name["tune: tones a second"].quantiles("minor")[2] == pytest.approx(1)
    assert by_name["phrases that start on the downbeat"].quantiles("minor")[0] == 1
    assert np.isnan(by_name["tempo"].quantiles("major")).all()
    for one in shares:
        assert one.values["minor"].sum() == pytest.approx(1) or one.name.startswith("keys gone to")
    lengths = {s.name: s for s in shares}["tune: lengths of notes, in quarters"]
    assert dict(zip(lengths.labels, lengths.values["minor"], strict=True))["1"] == 1


def test_the_command_reads_keeps_and_shows(folder, tmp_path, capsys):
    kept, page = tmp_path / "corpus.npz", tmp_path / "page.html"
    assert run(["learn", "corpus", str(folder), "-o", str(kept), "--page", str(page), "--jobs", "1"]) == 0
    said = capsys.readouterr()
    assert "6 works by 2 composers" in said.out and "refused  broken.mxl" in said.out
    assert f"kept in {kept}" in said.err
    text = page.read_text()
    assert "short.xml" in text and "tune: tones a second" in text and "<script" not in text
    assert run(["learn", "corpus", str(kept), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["works"]) == 6 and told["of works"]["tempo"]["minor"][2] > 0
    assert run(["learn", "corpus", str(kept), "--page", str(page)]) == 2  # stands there already
    assert run(["learn", "corpus", str(kept), "--page", str(page), "--force", "-q"]) == 0
    assert run(["learn", "corpus", str(kept), "--page", str(folder / "notes.txt"), "--force"]) == 2
    assert (folder / "notes.txt").read_text() == "not music"


NOTHING = {"nothing": "does not exist", "music/notes.txt": "is no score", "empty": "no score and no MIDI"}


@pytest.mark.parametrize("what", NOTHING)
def test_nothing_to_read_is_one_line(folder, tmp_path, capsys, what):
    (tmp_path / "empty").mkdir()
    assert run(["learn", "corpus", str(tmp_path / what)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and NOTHING[what] in lines[0]


@pytest.mark.shared_data
@pytest.mark.skipif(not CORPORA.exists(), reason="needs the corpora")
def test_songs_of_the_corpus_are_what_they_are_known_to_be(tmp_path):
    wanted = ("911/1_Gute_Nacht", "911/24_Der_Leiermann", "Op.48/7_Ich_grolle", "Op.48/4_Wenn", "Op.15/1_Unterm")
    with zipfile.ZipFile(CORPORA / "openscore-lieder.zip") as packed:
        for name in packed.namelist():
            for number, part in enumerate(wanted):
                if part in name:
                    (tmp_path / f"{number}.musicxml").write_bytes(packed.read(name))
    corpus = read_corpus([tmp_path])
    night, organ, grudge, eyes = corpus.works
    assert [(w.composer.split()[-1], w.tonic, w.minor, w.metre) for w in corpus.works] == [
        ("Schubert", 2, True, (2, 4)), ("Schubert", 9, True, (3, 4)), ("Schumann", 0, False, (4, 4)),
        ("Schumann", 7, False, (3, 4)),
    ]  # fmt: skip
    assert all(list(w.lines) == ["voice", "right hand", "left hand"] for w in corpus.works)
    assert {(2, 0), (2, 1)} == set(map(tuple, night.homes.tolist()))  # its last strophe turns to major
    assert len(organ.melody.phrases()) > 10 and organ.bpm < 100
    assert [(r.name, "in no key" in r.why) for r in corpus.refused] == [("4.musicxml", True)]  # Schoenberg's
    assert max(np.diff(np.unique(grudge.of_role("harmony")[:, 0]))) <= 96 < eyes.end  # eighths without end
