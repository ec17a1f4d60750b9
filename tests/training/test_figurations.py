"""Figures of pianists are read as tones of their chords, and kept where several composers wrote them."""

from dataclasses import replace

import numpy as np
import pytest

from melancholia.cli import run
from melancholia.composition import compose
from melancholia.composition.coding import BESIDE
from melancholia.composition.composers import FIGURATIONS, LINES, MELODY, TUNES, composer_of
from melancholia.composition.figurations import COUNT, MINOR, SONGS, SUNG, load_bank
from melancholia.errors import InputError
from melancholia.profile import profile
from melancholia.training import read_corpus, save_corpus
from melancholia.training.corpus import Corpus
from melancholia.training.figurations import Bar, Hand, bars_of, figurations, hand_of, runs, song_of
from melancholia.training.lines import Chords, bass_of, beside, is_figure
from melancholia.training.model import Recipe, sides_of, train
from tests.training.scores import song
from tests.training.test_corpus import other_tune
from tests.training.test_works import quartet


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    for k in range(40):
        data = song(other_tune(k, 80), shift=k % 5, bpm=60 + k, composer=f"Composer {k % 3}")
        (folder / f"{k:02}.musicxml").write_bytes(data)
    return read_corpus([folder], jobs=1)


def chords(*classes):
    tones = np.zeros((1, 12))
    tones[0, list(classes)] = 3 / len(classes)
    return Chords(np.array([0, 192]), tones)


def notes(*rows):
    return np.array(rows, np.int64).reshape(-1, 3)


def test_a_hand_is_read_as_tones_of_its_chord():
    broken = notes((0, 48, 45), (48, 48, 52), (96, 48, 57), (144, 48, 60))
    found = hand_of(broken, 0, 192, chords(9, 0, 4))
    assert found.figure == ((0, 0, 0), (48, 1, 0), (96, 2, 0), (144, 3, 0))
    assert found.low == 45 and found.gaps == (7, 5, 3) and found.lengths == (48,) * 4
    higher = hand_of(broken + np.array([0, 0, 3]), 0, 192, chords(0, 3, 7))
    assert higher.figure == found.figure  # in another key the same
    turned = hand_of(notes((0, 48, 57), (48, 24, 59), (72, 24, 57)), 0, 192, chords(9, 0, 4))
    assert turned.figure == ((0, 0, 0), (48, 0, 1), (72, 0, 0))  # a neighbour above
    assert hand_of(notes((0, 48, 57), (48, 48, 62)), 0, 192, chords(9, 0)) is None  # too far from any tone
    assert hand_of(notes(), 0, 192, chords(9, 0, 4)) == Hand((), (), -1, ())
    later = Chords(np.array([0, 96, 192]), np.concatenate([chords(9, 0, 4).tones, chords(0, 4, 7).tones]))
    both = hand_of(notes((0, 72, 57), (72, 24, 60), (96, 90, 48), (186, 6, 52)), 0, 192, later)
    assert dict(zip(both.figure, both.lengths, strict=True)) == {
        (0, 0, 0): 72, (72, 1, 0): 24, (96, 0, 0): 90, (186, 1, 0): 6,
    }  # fmt: skip
    long = hand_of(notes((0, 900, 57)), 0, 192, chords(9, 0, 4))
    assert long.lengths == (384,)  # two bars at most


def test_bars_of_a_song_have_two_hands(corpus):
    work = corpus.works[0]
    found = bars_of(work)
    assert len(found) == len(work.bars) and all(bar is None or bar.sung for bar in found)
    whole = [bar for bar in found if bar]
    assert whole and all(bar.metre == (4, 4) and len(bar.hands[1].figure) == 2 for bar in whole)


def test_runs_are_of_shared_figures_in_one_metre():
    hand = Hand(((0, 0, 0),), (48,), 60, ())
    four, three = Bar((hand, hand), (4, 4), True), Bar((hand, hand), (3, 4), True)
    number = {((4, 4), hand.figure): 0, ((3, 4), hand.figure): 1}
    assert list(runs([four] * 9, number)) == [(0, 4), (4, 8)]
    assert list(runs([four, four, None, four, three, three], number)) == [(0, 2), (4, 6)]
    assert list(runs([four] * 3, {})) == []


def test_what_one_composer_wrote_is_left_out(corpus):
    bank = figurations(corpus.works)
    assert len(bank.figures) >= 2 and set(bank.stretches[:, COUNT].tolist()) <= {2, 3, 4}
    assert (bank.stretches[:, SUNG] == 1).all() and (bank.stretches[:, MINOR] == 1).all()
    assert bank.about["composers"] == 3 and bank.songs.shape == (
        39,
        len(SONGS),
    )  # one has the usual tempo, and says none
    for who in ("left hand", "right hand"):
        alone = [replace(work, lines={k: v for k, v in work.lines.items() if k != who}) for work in corpus.works]
        with pytest.raises(InputError, match="two composers"):
            figurations(alone)
    with pytest.raises(InputError, match="two composers"):
        figurations([replace(work, composer="One") for work in corpus.works])


def test_what_a_song_is_like(corpus):
    work = corpus.works[3]
    said = dict(zip(SONGS, song_of(work), strict=True))
    assert said["minor"] == 1 and np.exp(said["pace"]) == pytest.approx(work.bpm)
    assert np.exp(said["fullness"]) == pytest.approx(work.bpm / 60, rel=0.05)  # a tune in quarters
    assert said["height"] == pytest.approx(work.melody.notes[:, 2].mean()) and said["ground"] < said["height"]
    assert 0 <= said["peak"] <= 1


# Lines beside a tune


def test_a_bass_is_told_from_the_figure_above_it(corpus):
    figure = notes(
        *((24 * k, 24, (40, 52, 56, 52)[k % 4]) for k in range(8)), *((192 + 48 * k, 48, 45 - k) for k in range(4))
    )
    work = replace(corpus.works[0], lines={**corpus.works[0].lines, "left hand": figure})
    found = bass_of(work)
    assert found[:, 2].tolist() == [40, 40, 45, 44, 43, 42]
    assert found[:2, 1].tolist() == [96, 96]  # held under its figure
    assert is_figure(figure[:8]) and not is_figure(figure[8:])


def test_lines_beside_a_tune_are_coded_with_it(tmp_path):
    (tmp_path / "q.musicxml").write_bytes(quartet())
    work = read_corpus([tmp_path], jobs=1).works[0]
    lines = {int(np.argmax(line.cues[0][0, BESIDE.at["voice"]])): line for line in beside(work)}
    assert set(lines) == {0, 1, 2}  # second violin, viola, cello
    for voice, line in lines.items():
        cues = line.told(0, meant=True)
        assert cues.shape == (len(line.choices), BESIDE.width) and np.isfinite(cues).all()
        assert cues[:, BESIDE.at["low_state"]][:, 2].all() == (voice != 2)  # a bass is not told itself
        assert cues[:, BESIDE.at["tune"]].sum(axis=1).max() == 1
        blind = BESIDE.hidden(cues, BESIDE.soft)
        assert not blind[:, BESIDE.at["known"]].any() and not blind[:, BESIDE.at["together"]].any()


@pytest.mark.long
def test_a_model_of_lines_learns(corpus):
    recipe = Recipe(width=16, layers=1, context=24, stretches=4, steps=120)
    found = train(corpus, recipe, layout=BESIDE)
    assert found.about["what"] == "lines" and found.about["last_loss"] < found.about["first_loss"] - 1
    assert {"test, no tune", "test, no bass", "test, no chords"} <= set(found.about["nats"])
    assert len(sides_of(corpus.works, BESIDE).train) > 20


@pytest.mark.long
def test_one_command_trains_a_composer_that_composes(corpus, tmp_path, capsys):
    save_corpus(corpus, tmp_path / "songs.npz")
    mine = tmp_path / "mine"
    asked = ["learn", "composer", str(tmp_path / "songs.npz"), "-o", str(mine), "--steps", "8", "-q"]
    assert run(asked) == 0
    out = capsys.readouterr().out
    assert "figures that two composers or more wrote" in out and "tunes of" in out
    assert out.count("nats a note  test, chords heard") == 2
    assert sorted(path.name for path in mine.iterdir()) == sorted([MELODY, LINES, FIGURATIONS, TUNES])
    found = composer_of(mine)
    assert found.tunes.about["what"] == "tunes" and found.lines.about["what"] == "lines"
    piece = compose(profile("longing"), seconds=20, seed=1, composer=mine)
    assert piece.with_role("melody")[0].notes and piece != compose(
        profile("longing"), seconds=20, seed=1, composer="learned"
    )
    before = (mine / MELODY).read_bytes()
    (mine / LINES).unlink()  # as where it was stopped between the two
    assert run(asked) == 0 and (mine / LINES).exists() and (mine / MELODY).read_bytes() == before
    assert capsys.readouterr().out.count("nats a note  test, chords heard") == 1
    assert run([*asked[:-2], "9", "-q"]) == 2  # trained otherwise
    assert "exists already" in capsys.readouterr().err
    single = tmp_path / "bank.npz"
    assert run(["learn", "figurations", str(tmp_path / "songs.npz"), "-o", str(single)]) == 0
    assert np.array_equal(load_bank(single).notes, found.bank.notes)
    lines = tmp_path / "lines.npz"
    assert run(["learn", "lines", str(tmp_path / "songs.npz"), "-o", str(lines), "--steps", "2"]) == 0
    assert run(["learn", "lines", str(tmp_path / "songs.npz"), "-o", str(single), "--steps", "2", "--force"]) == 2
    assert run(["compose", "longing", "--composer", str(lines), "-o", str(tmp_path / "x.mid")]) == 2
    assert "is a model of lines" in capsys.readouterr().err


def test_a_corpus_without_two_hands_makes_no_bank(corpus, tmp_path, capsys):
    alone = [replace(work, lines={"voice": work.lines["voice"]}) for work in corpus.works]
    save_corpus(Corpus(tuple(alone)), tmp_path / "songs.npz")
    assert run(["learn", "figurations", str(tmp_path / "songs.npz"), "-o", str(tmp_path / "bank.npz")]) == 2
    assert "two hands" in capsys.readouterr().err and not (tmp_path / "bank.npz").exists()
