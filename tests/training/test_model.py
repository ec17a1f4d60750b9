"""A model is trained, goes on where it stopped, and is the same network in NumPy as in torch."""

import json
from dataclasses import replace

import numpy as np
import pytest

from melancholia.cli import run
from melancholia.composition import compose
from melancholia.composition.coding import FIELDS, GAPS, LENGTHS, OCTAVES, TUNE, Compass, nearest
from melancholia.composition.decoder import gap_logits, load_decoder, read, read_on, side_by_side, tone
from melancholia.errors import Cancelled, InputError, MelancholiaError
from melancholia.profile import profile
from melancholia.training import read_corpus, save_corpus
from melancholia.training.lines import tune_of
from melancholia.training.model import EVERY, Recipe, Trained, nats, save_model, sides_of, train
from melancholia.training.phrases import phrase_tables
from tests.training.scores import song
from tests.training.test_corpus import other_tune

SMALL = Recipe(width=16, layers=1, context=24, stretches=4, steps=2 * EVERY)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    for k in range(40):
        (folder / f"{k:02}.musicxml").write_bytes(song(other_tune(k, 48), shift=k % 5, bpm=60 + k))
    return read_corpus([folder])


@pytest.fixture(scope="module")
def trained(corpus):
    return train(corpus, SMALL)


def test_a_line_is_coded_as_it_is_written(corpus):
    work = corpus.works[7]
    line, found = work.melody.notes, tune_of(work)
    gap, pitch_class, octave, length = found.choices.T
    assert (GAPS[gap[1:]] == np.diff(line[:, 0])).all() and (LENGTHS[length] == line[:, 1]).all()
    compass = Compass.about(work.tonic, float(np.median(line[:, 2])))
    assert (compass.pitch(pitch_class, octave) == line[:, 2]).all()
    assert (np.isclose(found.heard.sum(axis=1), 3) & np.isclose(found.meant.sum(axis=1), 3)).all()
    assert found.heard[0].argmax() in (0, 3, 7)  # an A minor chord, from A
    cues = found.told(0, meant=True)
    assert cues[-1, TUNE.at["last"]] == 1 and (np.diff(cues[:, TUNE.at["left"]][:, 0]) <= 0).all()
    assert cues[:, TUNE.at["mode"]].tolist() == [[0, 1]] * len(line)
    blind = TUNE.hidden(cues, TUNE.soft)
    known, density = TUNE.at["known"], TUNE.at["density"]
    assert not blind[:, known].any() and not blind[:, density].any() and cues[:, known].all()


@pytest.mark.parametrize("tonic", range(12))
def test_a_compass_holds_its_median_in_the_middle(tonic):
    for median in (50, 61.5, 70):
        compass = Compass.about(tonic, median)
        pitches = np.arange(int(median) - 20, int(median) + 20)
        assert (compass.pitch(*compass.coded(pitches)) == pitches).all()
        assert compass.coded([int(median)])[1] == OCTAVES // 2 and compass.middle % 12 == tonic


def test_the_loss_falls_and_the_best_is_kept(trained, corpus):
    card = trained.about
    assert card["last_loss"] < card["first_loss"] - 1.5 and card["steps"] == SMALL.steps
    assert card["works"] == 40 and card["notes"] > 1000
    told = {name: found["sum"] for name, found in card["nats"].items()}
    assert told["test, no chords"] > 0 and set(card["nats"]["test, chords heard"]) == {"sum", *FIELDS}
    assert told["test, chords heard"] < 6.5


def test_a_training_that_was_stopped_goes_on_to_the_same_end(trained, corpus, tmp_path):
    kept = tmp_path / "kept"

    def stop(share, what):
        if share > 0.7:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        train(corpus, SMALL, kept=kept, progress=stop)
    assert kept.exists()
    again = train(corpus, SMALL, kept=kept)
    assert all(np.array_equal(again.weights[name], found) for name, found in trained.weights.items())
    with pytest.raises(InputError, match="of another recipe"):
        train(corpus, replace(SMALL, seed=1), kept=kept)
    kept.write_bytes(b"PK what is this")
    with pytest.raises(InputError, match="no training that is under way"):
        train(corpus, SMALL, kept=kept)


def test_numpy_and_torch_say_the_same(trained, corpus, tmp_path):
    import torch

    from melancholia.training.network import network_of

    save_model(trained, tmp_path / "model.npz")
    model = load_decoder(tmp_path / "model.npz")
    line = sides_of(corpus.works, TUNE).test[0]
    choices, cues = line.choices[:20], line.told(0, meant=False)[:20]
    with torch.no_grad():
        network = network_of(trained.weights, SMALL.layers)
        wanted = network(torch.from_numpy(choices)[None], torch.from_numpy(cues)[None])
    wanted = {name: found[0].numpy() for name, found in wanted.items()}
    reading = side_by_side(read(model, choices[None, :5], cues[None, :5]), 3)
    for k in range(5, 20):
        assert np.allclose(gap_logits(model, reading)[2], wanted["gap"][k - 1], atol=1e-4)
        following = tone(model, reading, np.repeat(cues[k : k + 1], 3, axis=0))
        for column, name in enumerate(FIELDS):
            if name != "gap":
                assert np.allclose(following.logits(name)[1], wanted[name][k - 1], atol=1e-4), name
            if name != "length":
                following.chosen(name, np.repeat(choices[k, column], 3))
        read_on(model, reading, np.repeat(choices[k : k + 1], 3, axis=0), np.repeat(cues[k : k + 1], 3, axis=0))
    assert reading.notes == 20


def test_nats_are_those_of_each_note_once(trained, corpus):
    from melancholia.training.network import network_of

    network = network_of(trained.weights, SMALL.layers)
    lines = sides_of(corpus.works, TUNE).test
    whole = nats(network, lines, meant=False)
    counts = [len(line.choices) - 1 for line in lines]
    each = [sum(nats(network, [line], meant=False).values()) for line in lines]
    assert sum(whole.values()) == pytest.approx(np.average(each, weights=counts), rel=1e-5)


def test_the_command_trains_a_composer_that_composes(corpus, tmp_path, capsys):
    save_corpus(corpus, tmp_path / "songs.npz")
    model = tmp_path / "mine.npz"
    assert run(["learn", "melody", str(tmp_path / "songs.npz"), "-o", str(model), "--steps", "12"]) == 0
    assert "nats a note  test, chords heard" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.training"))
    piece = compose(profile("longing"), seconds=20, seed=1, composer=str(model))
    assert piece != compose(profile("longing"), seconds=20, seed=1) and piece.with_role("melody")[0].notes
    assert run(["learn", "melody", str(tmp_path / "songs.npz"), "-o", str(model), "--steps", "12"]) == 2
    assert "exists already" in capsys.readouterr().err


def test_too_few_works_are_refused(corpus, tmp_path):
    few = replace(corpus, works=corpus.works[:8])
    with pytest.raises(InputError, match="allowed: 20"):
        train(few, SMALL)


def test_what_is_no_model_is_refused(trained, tmp_path):
    (tmp_path / "other.npz").write_bytes(b"PK nothing")
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    old = Trained(trained.weights, {**trained.about, "cues": TUNE.width + 1})
    save_model(old, tmp_path / "old.npz")
    for name, said in (
        ("none", "does not exist"),
        ("other", "is no model"),
        ("arrays", "is no model"),
        ("old", "train it"),
    ):
        with pytest.raises(InputError, match=said):
            load_decoder(tmp_path / f"{name}.npz")
        with pytest.raises(InputError):
            compose(profile("longing"), composer=tmp_path / f"{name}.npz")


def test_a_card_is_json_and_says_where_phrases_lie(trained, corpus):
    assert json.loads(json.dumps(trained.about)) == trained.about
    found = phrase_tables(corpus.works)
    assert found == {} or all(abs(sum(t.values()) - 1) < 0.01 for tables in found.values() for t in tables.values())


def test_times_go_to_the_nearest_class_by_ratio():
    assert GAPS[nearest(GAPS, [48, 47, 50, 5, 1000])].tolist() == [48, 48, 48, 6, 384]


def test_what_is_not_installed_is_named(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "a.musicxml").write_bytes(song())
    for work in (lambda: train(corpus, SMALL), lambda: read_corpus([tmp_path])):
        with pytest.raises(MelancholiaError, match=r"pip install 'melancholia\[train\]'"):
            work()
