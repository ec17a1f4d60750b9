"""A work has its lines, who has them, its keys and its time; what nobody could learn from is refused, and why."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.composition import compose
from melancholia.composition.coding import TICKS
from melancholia.errors import InputError
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from melancholia.profile import profile
from melancholia.training.keys import as_pair, home_key, keys_of_bars
from melancholia.training.musicxml import read_scores
from melancholia.training.works import PLAYERS, chroma_of, in_order, top_line, work_of_piece, work_of_score
from tests.training.scores import TUNE, attributes, bars, measure, note, score, song

SCALES = {"minor": (0, 2, 3, 5, 7, 8, 11), "major": (0, 2, 4, 5, 7, 9, 11)}
CADENCE = {
    "minor": ((0, 3, 7), (5, 8, 0), (7, 11, 2), (0, 3, 7)),
    "major": ((0, 4, 7), (5, 9, 0), (7, 11, 2), (0, 4, 7)),
}


def read(data, name="a/b.musicxml"):
    return work_of_score(read_scores(data)[0], name, "")


def quartet(names=("Violin", "Violin", "Viola", "Violoncello")):
    lines = [TUNE, [p - 5 for p in TUNE], [p - 12 for p in TUNE], [p - 24 for p in TUNE]]
    parts = [bars([p + 12 for p in line], 4, 1) for line in lines]
    return score(*parts, names=names)


def test_a_song_has_a_voice_and_two_hands():
    work = read(song())
    assert list(work.lines) == ["voice", "right hand", "left hand"]
    assert work.melody.notes[:, 2].tolist() == TUNE[:24] and (work.tonic, work.minor) == (9, True)
    assert (work.composer, work.words, work.bpm, work.metre) == ("Nobody", "Langsam", 60.0, (4, 4))
    assert work.seconds == 24 and len(work.of_role("harmony")) == 12 and len(work.of_role("bass")) == 6


def test_four_strings_are_a_quartet_and_four_of_anything_are_told_by_what_they_do():
    assert list(read(quartet()).lines) == ["violin 1", "violin 2", "viola", "cello"]
    others = read(quartet(names=("Flute", "Oboe", "Horn", "Tuba")))
    assert {"melody", "bass"} <= set(others.lines)
    assert others.melody.notes[:, 2].tolist() == [p + 12 for p in TUNE[:24]]


def test_a_piece_of_ours_keeps_its_roles():
    piece = compose(profile("longing"), seconds=60, seed=2)
    work = work_of_piece(piece, "ours.mid", "")
    roles = {part.role for part in piece.parts if part.notes and part.role != "percussion"}
    assert set(work.lines) == roles and set(work.lines) <= set(PLAYERS)
    sung = sorted(n.pitch for part in piece.with_role("melody") for n in part.notes)
    assert sorted(work.lines["melody"][:, 2].tolist()) == sung
    assert work.seconds == pytest.approx(piece.seconds, abs=4 * 60 / piece.tempo.bpm)


def refused(data, **more):
    with pytest.raises(InputError) as error:
        read(data, **more)
    return str(error.value)


def test_what_nobody_could_learn_from_is_refused_and_why():
    assert "a tune of 20 notes; allowed: 24" in refused(song(TUNE[:20]))
    assert "no tune" in refused(song([p + 14 * (k % 2) for k, p in enumerate(TUNE)]))
    assert "do not hold what their metre says" in refused(score(bars(TUNE, 4, 0.7)))
    assert "between the places of a beat" in refused(score(bars(TUNE, 5, 0.8)))
    rest = [measure(1, attributes((4, 4), 0), note(None, 4))]
    assert "no notes" in refused(score(rest))


def test_twelve_tones_are_in_no_key():
    rng = np.random.default_rng(5)
    rows = [rng.permutation(12) + 60 for _ in range(8)]
    assert "in no key" in refused(score(bars(np.concatenate(rows), 12, 0.25, (3, 4))))


def test_what_was_played_is_not_what_was_written():
    rng = np.random.default_rng(0)
    notes = tuple(Note(float(k + rng.uniform(0.06, 0.4)), 0.5, 60 + k % 5, 60) for k in range(60))
    with pytest.raises(InputError, match="is played, not written"):
        work_of_piece(Piece((Part("a", "melody", "cello", notes),), TempoMap.steady(60)), "a.mid", "")


@pytest.mark.parametrize("mode", SCALES)
@pytest.mark.parametrize("tonic", range(0, 12, 5))
def test_the_keys_of_bars_follow_a_modulation(mode, tonic):
    """Four bars at home, eight a fifth higher, four at home."""
    chords = []
    for key in (tonic, tonic + 7, tonic + 7, tonic):
        for chord in CADENCE[mode]:
            chroma = np.zeros(12)
            chroma[[(key + step) % 12 for step in chord]] = 4
            chroma[[(key + step) % 12 for step in SCALES[mode]]] += 1
            chords.append(chroma)
    minor = int(mode == "minor")
    homes = np.tile((tonic, minor), (16, 1))
    found = keys_of_bars(np.array(chords), homes)
    assert found[0].tolist() == [tonic, minor] and found[-1].tolist() == [tonic, minor]
    away = (found == ((tonic + 7) % 12, minor)).all(axis=1)
    assert away[6:11].all() and not away[:3].any() and not away[13:].any()


@pytest.mark.parametrize("mode", SCALES)
@pytest.mark.parametrize("tonic", range(12))
def test_home_is_found_in_its_signature(mode, tonic):
    tones = [tonic + step for chord in CADENCE[mode] for step in chord]
    notes = np.array([(k // 3 * TICKS, TICKS, 60 + p % 12) for k, p in enumerate(tones)])
    notes[-3:, 2] = [48 + tonic, 64, 67]
    major = tonic if mode == "major" else tonic + 3
    fifths = (7 * major + 5) % 12 - 5
    assert as_pair(home_key(notes, fifths)) == (tonic, int(mode == "minor"))
    assert as_pair(Key(3, "major")) == (3, 0)


rows = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 300), st.integers(30, 90)), min_size=1, max_size=30).map(
    lambda found: in_order([np.array(found, np.int64)])
)


@settings(max_examples=80)
@given(rows)
def test_chroma_is_time_and_a_top_line_has_one_note_at_a_time(notes):
    edges = np.arange(0, 801, 100)
    chroma = chroma_of(notes, edges)
    assert chroma.sum() == notes[:, 1].sum()
    for tick in (50, 350):
        k = tick // 100
        for pc in range(12):
            of = notes[notes[:, 2] % 12 == pc]
            inside = np.minimum(of[:, 0] + of[:, 1], edges[k + 1]) - np.maximum(of[:, 0], edges[k])
            assert chroma[k, pc] == np.maximum(inside, 0).sum()
    line = top_line(notes)
    assert (np.diff(line[:, 0]) >= line[:-1, 1]).all() and (line[:, 1] > 0).all()
    assert set(line[:, 0]) == set(notes[:, 0])
    assert all(row[2] == notes[notes[:, 0] == row[0], 2].max() for row in line)
