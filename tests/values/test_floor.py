"""The values refuse what they cannot hold, and say it in one line."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import melancholia as mel
from melancholia.audio import Audio, Stem, Stems, audio
from melancholia.errors import InputError
from melancholia.piece import Key, Note, Part, Piece, TempoMap, key
from melancholia.profile import mood_path, moods, profile
from melancholia.streams import check_seed, generator
from melancholia.tables import Ramp, Table


def test_audio_is_frozen_but_not_its_maker():
    made = np.zeros((2, 8), np.float32)
    sound = Audio(made, 48_000)
    made[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        sound.samples[0, 0] = 2


def test_audio_comes_back_from_a_pickle_frozen():
    back = pickle.loads(pickle.dumps(audio(np.arange(4), 8000)))
    assert not back.samples.flags.writeable and back.samples.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros((2, 4)), "float64"),
        (np.zeros(4, np.float32), "shape"),
        (np.full((1, 2), np.nan, np.float32), "NaN"),
        (np.zeros((0, 4), np.float32), "0 channels"),
    ],
)
def test_audio_refuses(samples, said):
    with pytest.raises(InputError, match=said):
        Audio(samples, 48_000)


@given(frames=st.integers(1, 300), size=st.integers(1, 64))
def test_blocks_are_the_whole(frames, size):
    sound = audio(np.arange(2 * frames).reshape(2, frames), 48_000)
    assert np.array_equal(np.concatenate(list(sound.blocks(size)), axis=1), sound.samples)


def test_stems_have_one_length():
    stems = {n: Stem("bass", "sub_bass", audio(np.zeros(n), 48_000)) for n in (4, 5)}
    with pytest.raises(InputError, match="differ in frames: 4 4, 5 5"):
        Stems(stems)


def test_a_stem_has_a_known_role():
    with pytest.raises(InputError, match="Did you mean 'melody'"):
        Stem("melodie", "cello", audio(np.zeros(4), 48_000))


def test_streams_depend_on_their_names_alone():
    first = generator(7, "piano", 1).random(4)
    generator(7, "other").random(100)
    assert np.array_equal(first, generator(7, "piano", 1).random(4))
    assert not np.array_equal(first, generator(7, "piano", 2).random(4))
    assert not np.array_equal(first, generator(8, "piano", 1).random(4))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_has_its_range(seed):
    with pytest.raises(InputError, match="seed is"):
        check_seed(seed)


@given(
    changes=st.lists(st.tuples(st.floats(0.1, 100), st.integers(300_000, 1_500_000)), max_size=8),
    at=st.lists(st.floats(0, 200), min_size=1, max_size=20),
)
def test_seconds_and_quarters_are_inverse(changes, at):
    tempo = TempoMap(((0, 1_000_000), *changes))
    assert np.allclose(tempo.quarters(tempo.seconds(at)), at, atol=1e-9)


def test_a_struck_key_ends_its_earlier_note():
    part = Part("p", "melody", "felt_piano", (Note(0, 4, 60, 50), Note(1, 1, 60, 60), Note(1, 1, 62, 60)))
    assert [(n.start, n.duration, n.pitch) for n in part.notes] == [(0, 1, 60), (1, 1, 60), (1, 1, 62)]


@pytest.mark.parametrize(
    ("text", "found"),
    [("A minor", Key(9)), ("Am", Key(9)), ("f# minor", Key(6)), ("Bb major", Key(10, "major")), ("E", Key(4))],
)
def test_keys_are_read_as_musicians_write_them(text, found):
    assert key(text) == found


@pytest.mark.parametrize("text", ["", "H minor", "A lydian", "A minor please"])
def test_a_strange_key_is_refused(text):
    with pytest.raises(InputError, match="allowed: a tonic"):
        key(text)


def test_parts_have_a_name_each():
    part = Part("p", "melody", "cello", ())
    with pytest.raises(InputError, match="share a name"):
        Piece((part, part), TempoMap.steady(60))


@pytest.mark.parametrize("mood", moods())
@pytest.mark.parametrize("intensity", [0, 0.5, 1])
def test_every_mood_is_whole(mood, intensity):
    found = profile(mood, intensity)
    assert found.about and found.mood == mood
    assert sum(band.weight for band in found.bands.values()) > 0


@pytest.mark.parametrize("intensity", [-0.1, 1.2, float("nan")])
def test_intensity_has_its_range(intensity):
    with pytest.raises(InputError, match="allowed: 0 to 1"):
        profile("longing", intensity)


def test_an_unknown_mood_names_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'melancholy'"):
        profile("melancoly")


@given(low=st.floats(0.1, 100), high=st.floats(0.1, 100), at=st.floats(0, 1), log=st.booleans())
def test_a_ramp_runs_between_its_ends(low, high, at, log):
    ramp = Ramp(low, high, log)
    assert ramp.at(0) == pytest.approx(low) and ramp.at(1) == pytest.approx(high)
    assert min(low, high) * 0.999 <= ramp.at(at) <= max(low, high) * 1.001


def table(tmp_path, text) -> Table:
    from melancholia.tables import read_table

    path = tmp_path / "file.toml"
    path.write_text(text)
    return read_table(path)


def test_a_file_of_notepad_is_read(tmp_path):
    """It puts a mark before the text."""
    assert table(tmp_path, "\ufeffa = 1\n").number("a", 0, 2) == 1


def test_a_typo_is_said_with_file_line_and_nearest_key(tmp_path):
    found = table(tmp_path, "a = 1\n\n[inner]\nlow = 1\nhihg = 2\n").table("inner")
    with pytest.raises(InputError, match=r"file.toml:5: inner.hihg is no key here.*Did you mean 'high'"):
        found.only(("low", "high"))


def test_a_value_out_of_range_is_said_with_its_range(tmp_path):
    found = table(tmp_path, "[[send]]\nx = 1\n[[send]]\nx = [1, 9]\n").tables("send")[1]
    with pytest.raises(InputError, match=r"file.toml:4: send.x is 9; allowed: 0 to 5 dB"):
        found.ramp("x", 0, 5, unit="dB")


def test_no_toml_is_said(tmp_path):
    with pytest.raises(InputError, match="is no TOML"):
        table(tmp_path, "a = [1,\n")


def test_a_mood_is_read_from_a_file_of_ones_own(tmp_path):
    text = mood_path("longing").read_text().replace('name = "longing"', 'name = "waiting"')
    (tmp_path / "mine.toml").write_text(text)
    found, known = profile(tmp_path / "mine.toml", 0.4), profile("longing", 0.4)
    assert found.mood == "waiting" and found.writing == known.writing
    (tmp_path / "mine.toml").write_text(text.replace("legato = 5", "legato = 6"))
    with pytest.raises(InputError, match=r"mine.toml:\d+: .*legato is 6; allowed: 0 to 5"):
        profile(str(tmp_path / "mine.toml"))
    with pytest.raises(InputError, match="none.toml cannot be read"):
        profile(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "given",
    [
        {"intensity": None}, {"seconds": "20"}, {"seconds": [20]}, {"seed": "x"}, {"seed": 1.5}, {"key": 3},
        {"instruments": "cello"},
    ],
)  # fmt: skip
def test_what_has_another_type_is_refused_in_a_line(given):
    with pytest.raises(InputError, match=next(iter(given))):
        mel.make("longing", **{"seconds": 15, "seed": 1, **given})
