"""What compares pieces with songs: the reader of scores, the overlap of distributions, the figures that are shared."""

import numpy as np
import pytest

from tests.originality import Song, bins_of, compared, entropy, groove, mean_pairwise, overlap, phrases, repeated
from tools.corpus_figures import TICKS, bar_starts, read_song

PITCHES = [("A", 4), ("B", 4), ("C", 5), ("E", 4)]


def measure_of(number, notes, attributes=""):
    return f'<measure number="{number}">{attributes}{"".join(notes)}</measure>'


def note(step, octave, length, more=""):
    return (
        f"<note><pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>{length}</duration>{more}"
        "<lyric><text>la</text></lyric></note>"
    )


def score(measures):
    return f"<score-partwise><part>{''.join(measures)}</part></score-partwise>".encode()


ATTRIBUTES = (
    "<attributes><divisions>2</divisions><key><fifths>0</fifths></key>"
    "<time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
)


def test_a_score_is_read_on_its_bars_with_pickup_tie_and_mode():
    bars = [measure_of(0, [note("E", 4, 2)], ATTRIBUTES)]
    bars += [measure_of(k, [note(*PITCHES[(k + i) % 4], 2) for i in range(4)]) for k in range(1, 7)]
    bars.append(measure_of(7, [note("A", 4, 8, '<tie type="start"/>')]))
    bars.append(measure_of(8, [note("A", 4, 8, '<tie type="stop"/>')]))
    bar, beat, _, tonic, minor, rows = read_song(score(bars))
    assert (bar, beat, tonic, minor) == (4.0, 1, 9, True)
    assert rows[0] == (3 * TICKS, TICKS, 64, True)  # the pickup lies at the end of its bar
    assert rows[-1] == (7 * 4 * TICKS, 8 * TICKS, 69, True)  # two tied tones are one
    assert all(start % TICKS == 0 for start, *_ in rows) and len(rows) == 26


def test_two_short_measures_are_one_bar_and_a_long_one_takes_two():
    assert bar_starts([1, 4, 3, 1, 4], 4) == [3, 4, 8, 11, 12]
    assert bar_starts([4, 6, 4], 4) == [0, 4, 12]


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
    same, reference, half = compared([rng.normal(0, 1, 20) for _ in range(40)], songs, rng)
    assert same == pytest.approx(reference, abs=0.06) and 0 < half < 0.1


def test_shared_figures_are_those_that_two_have():
    rng = np.random.default_rng(1)
    other = song(rng.integers(50, 80, 40).tolist(), rng.choice([0.5, 1.0, 2.0], 40).tolist())
    tune = song([60, 62, 65, 64, 60, 67, 65, 62], [1, 0.5, 0.5, 2, 1, 1, 0.5, 1.5])
    moved = song([67, 69, 72, 71, 67, 74, 72, 69], [2, 1, 1, 4, 2, 2, 1, 3])
    assert mean_pairwise([tune, moved]) == 1 and mean_pairwise([tune, other]) == 0
