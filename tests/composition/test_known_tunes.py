"""No tune is somebody else's: a song is found in any key and at any tempo, what is nobody's is not held against it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.cli import run
from melancholia.composition import beside_songs, compose
from melancholia.composition.composers import MODELS, TUNES, songs
from melancholia.composition.originality import (
    FIGURE,
    MOST,
    MOST_PITCHES,
    PITCHES,
    load_tunes,
    of_piece,
    originality,
    save_tunes,
    sung,
    tunes_of,
)
from melancholia.errors import InputError
from melancholia.profile import moods, profile

LINE = [60, 63, 62, 67, 65, 63, 68, 67, 62, 60, 58, 63, 65, 70, 68, 65, 67, 62, 64, 60]
AT = np.cumsum([0, 1, 0.5, 0.5, 2, 1, 1, 0.5, 1.5, 1, 2, 1, 1, 0.5, 0.5, 1, 3, 1, 0.5, 1.5]).tolist()
OTHER = [72, 71, 74, 69, 77, 76, 71, 79, 72, 74, 69, 70]
OTHER_AT = np.cumsum([0, 1.5, 1, 0.25, 0.75, 2, 1, 1, 0.5, 0.5, 3, 1]).tolist()


def known(*lines, composers=None):
    """A table of tunes, one a song, each of its own composer."""
    names = [f"song {k}" for k in range(len(lines))]
    return tunes_of(lines, names, composers or names, {})


@settings(max_examples=40)
@given(st.integers(-20, 20), st.floats(0.2, 4), st.integers(FIGURE, len(LINE)))
def test_a_tune_is_found_in_any_key_and_tempo(semitones, factor, count):
    found = originality(
        [p + semitones for p in LINE[:count]], [t * factor for t in AT[:count]], known((OTHER, OTHER_AT), (LINE, AT))
    )
    assert (found.run, found.run_of, found.shared) == (count, "song 1", 1.0)
    assert found.pitches == (count if count >= PITCHES else 0)
    assert found.taken


@pytest.mark.parametrize("count", [MOST - 1, MOST])
def test_so_many_notes_in_a_row_are_too_many(count):
    pitches, onsets = [*OTHER, *LINE[:count], *OTHER[::-1]], [*OTHER_AT]
    for gap in (*np.diff([0, *AT[:count]]), *np.diff([0, *OTHER_AT])):
        onsets.append(onsets[-1] + gap + 0.25)
    onsets[len(OTHER) : len(OTHER) + count] = [onsets[len(OTHER)] + t for t in AT[:count]]
    shift = onsets[len(OTHER) + count - 1] + 0.3 - onsets[len(OTHER) + count]
    onsets[len(OTHER) + count :] = [t + max(shift, 0) for t in onsets[len(OTHER) + count :]]
    found = originality(pitches, onsets, known((LINE, AT)))
    assert found.run == count and (found.run >= MOST) == (count == MOST) and found.shared < 0.2
    assert found.taken is (count == MOST)


def test_pitches_alone_count_from_thirteen_on():
    even = list(range(len(LINE)))
    table = known((LINE, AT))
    for count, taken in ((MOST_PITCHES - 1, False), (MOST_PITCHES, True)):
        found = originality(LINE[:count], even[:count], table)
        assert (found.pitches, found.run >= MOST, found.taken) == (count, False, taken)


def test_what_three_composers_have_is_nobodys():
    lines = [(LINE, AT)] * 3
    assert originality(LINE, AT, known(*lines)).run == 0
    assert originality(LINE, AT, known(*lines, composers=["a", "a", "b"])).run == len(LINE)


def test_scales_and_tones_said_again_are_nobodys():
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79]  # whole tones and semitones alone
    at = list(range(len(scale)))
    for pitches in (scale, [60] * 12, [60, 67] * 6):
        found = originality(pitches, at, known((pitches, at)))
        assert (found.run, found.pitches) == (0, 0)


def test_a_line_too_short_for_a_figure_is_its_own():
    for count in range(FIGURE):
        found = originality(LINE[:count], AT[:count], known((LINE, AT)))
        assert (found.run, found.pitches, found.shared, found.taken) == (0, 0, 0.0, False)


def test_a_table_is_kept_and_read(tmp_path):
    table = replace(known((LINE, AT), (OTHER, OTHER_AT)), about={"works": 2})
    save_tunes(table, tmp_path / "tunes.npz")
    assert originality(LINE, AT, load_tunes(tmp_path / "tunes.npz")) == originality(LINE, AT, table)
    with pytest.raises(InputError, match="stands there already|exists"):
        save_tunes(table, tmp_path / "tunes.npz")
    (tmp_path / "x.npz").write_bytes(b"no table")
    with pytest.raises(InputError, match="is no table of tunes; allowed: what 'melancholia learn tunes' wrote"):
        load_tunes(tmp_path / "x.npz")


def test_ours_is_small_and_names_its_songs():
    assert (MODELS / TUNES).stat().st_size <= 4_000_000
    table = songs()
    assert table.about["works"] == len(table.names) >= 1400 and table.about["composers"] >= 150
    assert len(table.figures.keys) > 100_000 and 0.03 < table.figures.common.mean() < 0.1


@pytest.mark.parametrize(
    ("mood", "composer"), [(mood, ("planned", "learned")[k % 2]) for k, mood in enumerate(moods())]
)
def test_no_piece_has_a_song_in_it(mood, composer):
    piece = compose(profile(mood), seconds=45, seed=77, composer=composer)
    found = beside_songs(piece, composer)
    assert not found.taken and found.run < MOST and found.pitches < MOST_PITCHES


def test_what_somebody_wrote_is_written_otherwise(tmp_path):
    """The same seed, where its own piece is one of the songs."""
    wanted = profile("longing")
    piece = compose(wanted, seconds=40, seed=5, composer="learned")
    theirs = known(sung(piece))
    assert of_piece(piece, theirs).run == len(sung(piece)[0]) > MOST_PITCHES
    (tmp_path / "mine").mkdir()
    save_tunes(replace(theirs, about={}), tmp_path / "mine" / TUNES)
    again = compose(wanted, seconds=40, seed=5, composer=tmp_path / "mine")
    found = of_piece(again, theirs)
    assert found.run < MOST and found.pitches < MOST_PITCHES


def test_the_command_makes_a_table(tmp_path, capsys):
    from tests.training.scores import song

    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "song.musicxml").write_bytes(song())
    asked = ["learn", "tunes", str(tmp_path / "scores"), "-o", str(tmp_path / "tunes.npz")]
    assert run(asked) == 0 and capsys.readouterr().out == "figures of 1 tunes of 1 composers\n"
    assert load_tunes(tmp_path / "tunes.npz").about["works"] == 1
    assert run(asked) == 2 and run([*asked, "--force"]) == 0


def test_a_song_says_how_original_it_is(tmp_path):
    assert (
        run(["make", "solitude", "--seconds", "15", "--seed", "2", "--no-report", "-q", "-o", str(tmp_path / "s")]) == 0
    )
    said = json.loads((tmp_path / "s" / "score.json").read_text())["originality"]
    assert set(said) == {"run", "run_of", "pitches", "pitches_of", "shared", "allowed"}
    assert said["run"] <= said["allowed"]["run"] == MOST - 1 and 0 <= said["shared"] <= 0.2
