"""Scores are read as they sound: bars, pickups, ties, chords, movements, transpositions; what is none is refused."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.composition.coding import TICKS
from melancholia.errors import InputError
from melancholia.training.musicxml import PLACE, read_scores
from tests.training.scores import attributes, backup, measure, note, score, tempo


def read(*measures, **more):
    (found,) = read_scores(score(list(measures), **more))
    return found


def rows(part):
    return [(start / TICKS, length / TICKS, pitch) for start, length, pitch in part.notes[:, :3].tolist()]


def test_notes_chords_and_voices_stand_where_they_sound():
    one = measure(1, attributes((4, 4), 0), note(60, 1), note(64, 1, chord=True), note(62, 3), backup(4), note(48, 4))
    two = measure(2, note(None, 2), note(67, 2))
    found = read(one, two)
    assert rows(found.parts[0]) == [(0, 4, 48), (0, 1, 60), (0, 1, 64), (1, 3, 62), (6, 2, 67)]
    assert found.bars.tolist() == [[0, 192, 0, 4, 4], [192, 192, 0, 4, 4]] and found.end == 8 * TICKS


def test_tied_notes_are_one_and_others_are_two():
    ends = [measure(2, note(60, 4, tie=("stop",))), measure(2, note(60, 4))]
    found = [read(measure(1, attributes((4, 4), 0), note(60, 4, tie=("start",))), end) for end in ends]
    assert rows(found[0].parts[0]) == [(0, 8, 60)] and rows(found[1].parts[0]) == [(0, 4, 60), (4, 4, 60)]


def test_what_does_not_sound_by_itself_is_left_out():
    grace = "<note><grace/><pitch><step>D</step><octave>4</octave></pitch><voice>1</voice></note>"
    cue = note(72, 1, extra="<cue/>")
    drum = "<note><unpitched><display-step>E</display-step></unpitched><duration>240</duration></note>"
    found = read(measure(1, attributes((4, 4), 0), grace, note(60, 1), cue, drum, note(62, 1)))
    assert rows(found.parts[0]) == [(0, 1, 60), (3, 1, 62)]


def test_a_pickup_lies_at_the_end_of_its_bar_and_a_bar_in_two_measures_is_one():
    bars = [measure(0, attributes((4, 4), 0), note(64, 1)), measure(1, note(60, 4)), measure(2, note(60, 3))]
    bars += [measure(3, note(62, 1)), measure(4, note(60, 4))]
    found = read(*bars)
    assert found.bars[:, PLACE].tolist() == [3 * TICKS, 0, 0, 3 * TICKS, 0]


def test_transposing_parts_sound_where_they_sound():
    up = "<transpose><chromatic>-2</chromatic></transpose>"
    down = "<transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    bars = [measure(1, attributes((4, 4), 0, up), note(62, 4)), measure(2, attributes(more=down), note(62, 4))]
    assert rows(read(*bars).parts[0]) == [(0, 4, 60), (4, 4, 50)]


def test_movements_are_scores_and_go_on_in_metre_and_key():
    first = [measure(k, attributes((3, 4), -3) if k == 1 else "", note(60, 3)) for k in (1, 2, 3)]
    second = [measure(k, note(62, 3)) for k in (1, 2)]
    third = [measure(1, attributes((4, 4), 2), note(62, 4))]
    found = read_scores(score(first + second + third))
    assert [len(s.bars) for s in found] == [3, 2, 1]
    assert [s.bars[0, 3:].tolist() for s in found] == [[3, 4], [3, 4], [4, 4]]
    assert [s.signatures for s in found] == [((0, -3),), ((0, -3),), ((0, 2),)]


def test_of_two_metres_at_once_the_one_that_is_filled_counts():
    """A song in 4/4 over an accompaniment in 12/8, as composers write it for the triplets."""
    voice = [measure(k, attributes((4, 4), 0) if k == 1 else "", note(60, 6)) for k in (1, 2)]
    piano = [measure(k, attributes((12, 8), 0) if k == 1 else "", note(48, 6)) for k in (1, 2)]
    (found,) = read_scores(score(voice, piano))
    assert found.bars[:, 3:].tolist() == [[12, 8], [12, 8]]


def test_tempos_words_names_and_who_wrote_it():
    head = '<work><work-title>Song</work-title></work><identification><creator type="composer">She</creator>'
    one = measure(1, attributes((4, 4), 0), tempo(72, "Langsam"), note(60, 4))
    found = read(one, measure(2, tempo(60.5), note(60, 4)), names=("Voice",), head=f"{head}</identification>")
    assert (found.title, found.composer, found.words) == ("Song", "She", "Langsam")
    assert found.tempos == ((0, 72.0), (4 * TICKS, 60.5)) and found.parts[0].name == "Voice"


def packed(data, name="score.xml", container=None):
    made = io.BytesIO()
    inside = f'<container><rootfiles><rootfile full-path="{name}"/></rootfiles></container>'
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("META-INF/container.xml", inside if container is None else container)
        file.writestr("score.xml", data)
    return made.getvalue()


ONE = score([measure(1, attributes((4, 4), 0), note(60, 4))])


def test_a_compressed_score_is_the_score():
    assert rows(read_scores(packed(ONE))[0].parts[0]) == rows(read_scores(ONE)[0].parts[0])


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
BAD = {
    "nothing": (b"", "is no XML"),
    "text": (b"hello", "is no XML"),
    "cut off": (ONE[: len(ONE) // 2], "is no XML"),
    "other XML": (b"<svg/>", "'svg'; allowed: score-partwise"),
    "timewise": (b"<score-timewise/>", "measure by measure"),
    "no parts": (b"<score-partwise/>", "has no measures"),
    "no measures": (score([]), "has no measures"),
    "no metre": (score([measure(1, note(60, 4))]), "has no metre"),
    "a metre of nothing": (score([measure(1, attributes((0, 4), 0), note(60, 4))]), "has no metre"),
    "damaged package": (packed(ONE)[:-40], "damaged compressed score"),
    "package of nothing": (packed(ONE, "other.xml"), "damaged compressed score"),
    "package that names nothing": (packed(ONE, container="<container/>"), "does not name its file"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_score_is_refused_in_a_line(name):
    data, said = BAD[name]
    with pytest.raises(InputError, match=said) as error:
        read_scores(data)
    assert "\n" not in str(error.value)


def test_nothing_outside_of_a_score_is_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    entity = f'<!DOCTYPE x [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]>'.encode()
    named = ONE.replace(b"<part-list>", b"<work><work-title>&s;</work-title></work><part-list>")
    assert "secret" not in read_scores(entity + named)[0].title
    assert len(read_scores(BOMB.encode() + named.replace(b"&s;", b"&b;"))[0].title) < 200


numbers = st.sampled_from(["-1", "0", "x", "", "1e9", "4.5", "99999999999"])


@settings(max_examples=60)
@given(numbers, numbers, numbers, numbers)
def test_strange_numbers_are_refused_or_read_but_never_break(divisions, length, octave, beats):
    text = ONE.decode().replace("<divisions>240", f"<divisions>{divisions}", 1)
    text = text.replace("<duration>960", f"<duration>{length}").replace("<octave>4", f"<octave>{octave}")
    try:
        found = read_scores(text.replace("<beats>4", f"<beats>{beats}").encode())
    except InputError:
        return
    for part in found[0].parts:
        assert (part.notes[:, 1] > 0).all() and ((part.notes[:, 2] >= 0) & (part.notes[:, 2] <= 127)).all()


tones = st.tuples(st.one_of(st.none(), st.integers(40, 90)), st.sampled_from([0.25, 0.5, 1, 1.5, 1 / 3]))


@settings(max_examples=60)
@given(st.lists(tones, min_size=1))
def test_what_is_written_is_read(line):
    bars, at, want = [], 0.0, []
    for pitch, length in line:
        bars.append(note(pitch, length))
        if pitch is not None:
            want.append((round(at * TICKS), round(length * TICKS), pitch))
        at += length
    found = read(measure(1, attributes((4, 4), 0), *bars))
    assert found.parts[0].notes[:, :3].tolist() == [list(row) for row in want]
    assert np.all(np.diff(found.parts[0].notes[:, 0]) >= 0)
