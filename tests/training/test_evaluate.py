"""What compares composers: songs as measures see them, overlaps of distributions, what is shared, what is asked."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from melancholia.composition import compose, measures
from melancholia.composition.coding import TICKS
from melancholia.composition.composers import shipped
from melancholia.errors import InputError
from melancholia.piece import Key, Phrase
from melancholia.profile import moods, profile
from melancholia.training import read_corpus, save_corpus
from melancholia.training.evaluate.control import closing, control, ends
from melancholia.training.evaluate.kinship import longest_among, mean_pairwise, taken
from melancholia.training.evaluate.overlaps import (
    between_halves,
    bins_of,
    entropy,
    groove,
    overlap,
    phrases,
    reached,
    repeated,
)
from melancholia.training.evaluate.sadness import LEVELS, Asked, Heard, every, means, of_notes, rising, told_apart
from melancholia.training.evaluate.songs import Song, song_of_piece, song_of_work, songs_of
from melancholia.training.evaluate.table import COLUMNS, Row, Sizes, evaluated
from melancholia.training.evaluate.unguided import unguided
from tests.training import scores
from tests.training.test_corpus import other_tune


def song(pitches, lengths=None, rest_after=()):
    lengths = lengths or [1.0] * len(pitches)
    rows, at = [], 0.0
    for k, (pitch, length) in enumerate(zip(pitches, lengths, strict=True)):
        rows.append((at, length, pitch))
        at += length + (1.0 if k in rest_after else 0.0)
    notes = np.array(rows)
    return Song(notes, notes, 4.0, 1.0, 60.0)


def test_measures_of_songs_know_their_answers():
    loop = song([69, 71, 72, 74] * 6)
    assert repeated(loop, pitched=True) == pytest.approx(5 / 6) and entropy(loop, 1) == 2 and groove(loop) == 1
    assert repeated(song([69, 71, 72, 74, 60, 62, 64, 65]), pitched=False) == 0.5
    assert [len(p) for p in phrases(song([60, 62, 64, 65, 67], rest_after=(1,)))] == [2, 3]


def test_overlap_is_one_with_itself_and_nothing_with_what_lies_elsewhere():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 5000)
    edges = bins_of(values)
    assert overlap(values, values, edges) == pytest.approx(1) and len(edges) == 27
    assert overlap(values, values + 100, edges) < 0.03
    assert len(bins_of(rng.integers(0, 5, 500).astype(float))) == 8  # a bin a value and two tails
    songs = [rng.normal(0, 1, 20) for _ in range(80)]
    between = between_halves(songs, 40, edges, rng)
    more = overlap(np.concatenate([rng.normal(0, 1, 20) for _ in range(40)]), np.concatenate(songs), edges)
    assert between == pytest.approx(more, abs=0.06) and between_halves(songs, 4, edges, rng) < between - 0.1


def test_shared_figures_are_those_that_two_have():
    rng = np.random.default_rng(1)
    other = song(rng.integers(50, 80, 40).tolist(), rng.choice([0.5, 1.0, 2.0], 40).tolist())
    tune = song([60, 62, 65, 64, 60, 67, 65, 62], [1, 0.5, 0.5, 2, 1, 1, 0.5, 1.5])
    moved = song([67, 69, 72, 71, 67, 74, 72, 69], [2, 1, 1, 4, 2, 2, 1, 3])
    assert mean_pairwise([tune, moved]) == 1 and mean_pairwise([tune, other]) == 0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    for k in range(40):
        (folder / f"{k:02}.musicxml").write_bytes(scores.song(other_tune(k, 48), shift=k % 5, bpm=60 + k))
    return read_corpus([folder])


def test_what_is_taken_is_found(corpus):
    lines = [work.melody.notes[:, [0, 2]].astype(float) for work in corpus.works[:3]]
    assert taken(lines[:1], corpus.works) == (1.0, len(lines[0]))
    assert taken([np.array([(k, 60 + 5 * (k % 3) - 7 * (k % 2)) for k in range(30)], float)], corpus.works) == (0.0, 0)


def test_a_work_lies_on_its_bars_up_to_its_first_change(corpus):
    work = corpus.works[0]
    found = song_of_work(work)
    assert found.bar == 4 and found.beat == 1 and found.minor == work.minor and found.bpm == work.bpm
    assert (found.voice[:, 2] == work.melody.notes[:, 2]).all() and len(found.notes) == len(work.everything)
    assert (found.voice[:, 0] == np.arange(len(found.voice))).all()  # quarters, from the first bar line on
    bars = work.bars.copy()
    bars[3:, 3:] = (3, 4)
    cut = song_of_work(replace(work, bars=bars))
    assert cut.bars == 3 and (cut.voice == found.voice[:12]).all()
    pickup = work.bars.copy()
    pickup[0, 1:3] = TICKS, 3 * TICKS  # one beat, the last of its bar
    pickup[1:, 0] -= 3 * TICKS
    late = song_of_work(replace(work, bars=pickup))
    assert late.voice[0, 0] == 3 and late.voice[1, 0] == 4


def test_a_piece_lies_on_its_bars():
    piece = compose(profile("loss"), seconds=20, seed=3, metre="6/8")
    found = song_of_piece(piece)
    assert (found.bar, found.beat) == (3.0, 1.5) and len(found.voice) == len(measures.melody(piece))
    assert found.bars == int(np.ceil(max(n.start for part in piece.parts for n in part.notes) / 3 + 1e-6))


def test_songs_overlap_with_songs_and_noise_does_not(corpus):
    songs = songs_of(corpus.works)
    rng = np.random.default_rng(3)
    noise = []
    for _ in range(20):
        starts = np.sort(rng.uniform(0, 48, 60))
        rows = np.column_stack([starts, rng.uniform(0.1, 0.2, 60), rng.integers(30, 100, 60)])
        noise.append(Song(rows, rows, 4.0, 1.0, 60.0))
    own, other = (np.mean(list(reached(some, songs[1::2]).values())) for some in (songs[::2], noise))
    assert other < own / 2


def test_a_run_that_an_earlier_piece_has_is_found():
    piece, other = (compose(profile("longing"), seconds=20, seed=seed) for seed in (1, 2))
    assert longest_among([piece]) == 0 and longest_among([piece, other]) < 9
    assert longest_among([other, piece, piece]) >= len(measures.melody(piece)) - 1


def test_a_model_that_is_told_nothing_sings_from_the_same_place_to_the_same_end():
    piece = compose(profile("despair"), seconds=30, seed=5, composer="learned")
    found = unguided(piece, shipped().tunes, 1)
    before, after = measures.melody(piece), measures.melody(found)
    assert (before[0].start, before[-1].start) == (after[0].start, after[-1].start) and before != after
    assert [part for part in found.parts if part.role != "melody"] == [p for p in piece.parts if p.role != "melody"]
    assert unguided(piece, shipped().tunes, 1) == found != unguided(piece, shipped().tunes, 2)


def test_what_is_asked_is_what_steers():
    """Over sixteen lines: a model that is told nothing does not know what was asked."""
    with threadpool_limits(1, "blas"):
        guided, free = (control(shipped().tunes, 16, guided=told) for told in (True, False))
    assert min(guided["density"], guided["register"]) > 0.8
    assert all(abs(value) < 0.6 for value in free.values())


def test_phrases_that_end_elsewhere_are_counted():
    piece = compose(profile("melancholy"), seconds=40, seed=8, composer="learned")
    assert ends([piece]) == (1.0, 1.0)
    (singer,) = piece.with_role("melody")
    moved = replace(singer, notes=tuple(replace(n, pitch=n.pitch + 1) for n in singer.notes))
    right, breathing = ends([replace(piece, parts=tuple(moved if p is singer else p for p in piece.parts))])
    assert right < 0.5 and breathing == 1
    held = tuple(replace(a, duration=b.start - a.start) for a, b in zip(singer.notes, singer.notes[1:], strict=False))
    breathless = replace(piece, parts=tuple(replace(p, notes=held) if p is singer else p for p in piece.parts))
    assert ends([breathless])[1] == 0


@pytest.mark.parametrize(("numeral", "classes", "may"), [("i6", (2, 5, 9), {5, 9}), ("I", (2, 6, 9), {6, 9})])
def test_a_close_of_the_parallel_key_ends_on_what_its_chord_holds(numeral, classes, may):
    """An imperfect close in D minor, of a piece in D major, may end on F: its chord is named i."""
    piece = compose(profile("melancholy"), seconds=40, seed=8, composer="learned")
    chord = replace(piece.chords[0], start=0.0, duration=4.0, numeral=numeral, pitch_classes=classes)
    other = replace(piece, key=Key(2, "major"), chords=(chord,))
    assert closing(other, Phrase(0.0, 4.0, 1.0, "imperfect"), 3.0) == may


def heard(how):
    rng = np.random.default_rng(5)
    return [how(asked, rng) for asked in every(range(6), "learned")]


def test_sadness_that_rises_is_told_from_sadness_that_does_not():
    rises = heard(lambda asked, rng: Heard(asked, 0.4 + 0.3 * asked.intensity + rng.normal(0, 0.01)))
    flat = heard(lambda asked, rng: Heard(asked, 0.5 + rng.normal(0, 0.05)))
    assert rising(rises)[0] == len(moods()) and rising(rises)[1] > 0.95
    assert rising(flat)[0] < len(moods()) and rising(flat)[1] < 0.5
    assert means(rises, "loss") == pytest.approx([0.4 + 0.3 * level for level in LEVELS], abs=0.02)


def test_moods_that_sound_alike_are_not_told_apart():
    def sounding(apart):
        def how(asked, rng):
            number = moods().index(asked.mood)
            return Heard(asked, 0.5, True, (("register", 60 + apart * number + rng.normal()), ("loudness", number)))

        return heard(how)

    assert told_apart(sounding(10.0)) > 0.95
    assert told_apart(sounding(0.0)) < 0.4  # the loudness would tell, and does not count


def test_notes_are_asked_for_as_make_asks():
    low, high = (of_notes(Asked("despair", level, 4, "planned")).sadness for level in (0.0, 1.0))
    assert high > low + 0.15


@pytest.mark.long
def test_the_table_has_a_column_for_each(corpus, tmp_path, children):
    """As the command prints it, in two processes."""
    save_corpus(corpus, tmp_path / "songs.npz")
    few = [
        f"--{name}={count}" for name, count in {"pieces": 2, "lines": 2, "alike": 2, "seeds": 0, "masters": 0}.items()
    ]
    command = [sys.executable, "-m", "melancholia.training.evaluate", str(tmp_path / "songs.npz"), *few, "--length=30"]
    done = children.run(*command, "--seconds=15")
    assert done.returncode == 0, done.stderr
    head, line, *rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in done.stdout.splitlines()]
    assert head == ["what", "asked", *COLUMNS] and all(len(row) == len(head) for row in (line, *rows))
    said = {row[0]: dict(zip(COLUMNS, row[2:], strict=True)) for row in rows}
    assert all(said["overlap with songs, mean"].values())
    assert said["phrases that end on a degree of their cadence"]["learned"] == "1.000"
    assert float(said["phrases that end on a degree of their cadence"]["told nothing"]) < 1
    assert [name for name, cell in said["seconds to compose 15 s"].items() if cell] == ["learned", "planned"]
    with pytest.raises(InputError, match="composer is planned"):
        evaluated(tmp_path / "songs.npz", "planned", Sizes())


def test_a_cell_that_nobody_has_is_empty():
    assert str(Row("runs", "< 9", {"learned": 3.0}, ".0f")) == "| runs | < 9 | 3 |  |  |  |"
