"""The drawings of a report say what is there."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from melancholia.audio import audio
from melancholia.bands import sad_recordings
from melancholia.cues import CUES
from melancholia.encoding import write_audio
from melancholia.meter import integrated_lufs
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from melancholia.previews import RATE, mixed_down, mp3
from melancholia.report import curve_png, write_report
from melancholia.report.pictures import (
    HIGHEST_HZ,
    LOWEST_HZ,
    ROWS,
    curve_drawing,
    roll_drawing,
    spectrogram,
    spectrogram_drawing,
    tempo_drawing,
    time_ticks,
    waveform_drawing,
)
from melancholia.report.report import digits, of_piece, raise_to, readable, scale, standing, wanted

TONE = audio(np.tile(0.5 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000), (2, 1)), 48_000)
PIECE = Piece(
    (Part("a", "melody", "cello", (Note(0, 1, 60, 60), Note(1, 1, 64, 90))), Part("b", "bass", "sub_bass", ())),
    TempoMap(((0, 900_000), (1, 1_000_000))),
)


def numbers(path):
    return [float(number) for number in re.findall(r"-?\d+\.\d+", path)]


def test_a_spectrogram_shows_a_tone_where_it_is():
    picture = spectrogram(TONE)
    wanted = np.log(440 / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ) * ROWS
    assert abs(int(picture[:, 400].argmax()) - wanted) <= 1.5


def test_a_spectrogram_as_png_keeps_its_rows_and_says_its_frequencies():
    from PIL import Image

    drawn = spectrogram_drawing(TONE)
    light = np.asarray(Image.open(io.BytesIO(drawn.png)).convert("L"))
    assert light[:, 400].argmax() == ROWS - 1 - spectrogram(TONE)[:, 400].argmax()
    assert [tick.label for tick in drawn.ticks] == ["100 Hz", "1 kHz", "5 kHz"]
    assert drawn.ticks[1].at == pytest.approx(np.log(1000 / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ))


def test_a_roll_shows_each_note_when_and_where_it_sounds():
    drawn = roll_drawing(PIECE)
    boxes = [(shape.kind, shape.opacity, numbers(shape.path)) for shape in drawn.shapes]
    assert [kind for kind, _, _ in boxes] == ["melody", "melody"]
    (_, soft, first), (_, loud, second) = boxes
    assert first[0] == 0 and first[2] == 0.9 and second[0] == 0.9 and second[2] == 1.0  # start and length in seconds
    assert second[1] < first[1] and soft < loud  # higher lies further up, softer is paler
    assert [tick.label for tick in drawn.ticks] == ["C4"]
    room = Part("room", "texture", "room_tone", (Note(0, 4, 60, 60),))
    assert roll_drawing(Piece((*PIECE.parts, room), PIECE.tempo)) == drawn  # a bed has no pitch


def test_a_roll_of_nothing_is_empty():
    assert roll_drawing(Piece((Part("b", "bass", "sub_bass", ()),), TempoMap.steady(60))).shapes == ()


def test_tempo_is_drawn_where_it_moves():
    assert tempo_drawing(Piece(PIECE.parts, TempoMap.steady(60))) is None
    drawn = tempo_drawing(PIECE)
    assert [tick.label for tick in drawn.ticks] == ["60", "67"]
    points = np.array(numbers(drawn.shapes[0].path)).reshape(-1, 2)
    assert points[:, 0].tolist() == [0, 0.9, 0.9, 1.9] and points[0, 1] < points[2, 1]  # it slows: the line falls


def test_tempo_ends_with_the_last_note():
    drawn = tempo_drawing(Piece(PIECE.parts, TempoMap((*PIECE.tempo.changes, (900, 400_000)))))
    points = np.array(numbers(drawn.shapes[0].path)).reshape(-1, 2)
    assert points[:, 0].max() == 1.9 and [tick.label for tick in drawn.ticks] == ["60", "67"]


def test_a_waveform_is_as_tall_as_the_sound():
    heights = np.array(numbers(waveform_drawing(TONE).shapes[0].path))[1::2]
    assert heights.min() == pytest.approx(25, abs=0.1) and heights.max() == pytest.approx(75, abs=0.1)


def test_a_curve_is_drawn_from_0_to_1():
    assert curve_drawing([[1, 0.5], [3, 1.0]]).shapes[0].path == "M1.00 50.00L3.00 0.00"
    assert curve_png([[1, 0.5]]).startswith(b"\x89PNG")


@given(st.floats(0.5, 40_000))
def test_times_are_round_and_few(seconds):
    ticks = time_ticks(seconds)
    assert 1 <= len(ticks) <= 12 and ticks[0].at == 0 and all(tick.at < 0.95 for tick in ticks)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1266.4, "1266"),
        (0.0678, "0.0678"),
        (-0.00478, "-0.00478"),
        (0, "0.00"),
        (-0.0, "0.00"),
        (71.63, "71.6"),
        (9.996, "10.00"),
    ],
)
def test_numbers_have_three_places_and_no_exponent(value, said):
    assert digits(value) == said


def test_a_cue_stands_among_recordings_that_people_call_sad():
    shares, values = sad_recordings()
    row = values["register"]
    cue = {"name": "register", "target": [row[1], row[4]], "value": row[3], "weight": 0.1}
    assert scale(cue) == pytest.approx((shares[1], shares[4], shares[3]))
    assert wanted(cue) == f"{row[1]:.1f} to {row[4]:.1f}"
    far = {**cue, "target": [row[1], CUES["register"].high], "value": 300}
    assert scale(far)[1:] == (1, 1) and wanted(far) == f"at least {row[1]:.1f}"


@pytest.mark.parametrize(("value", "at"), [(0.0, 1 / 3), (1.0, 2 / 3), (0.5, 0.5), (-5, 0.0), (9, 1.0)])
def test_of_what_they_do_not_tell_the_band_is_the_middle_third(value, at):
    cue = {"name": "loudness", "target": [0.0, 1.0], "value": value, "weight": 0.1}
    assert scale(cue) == pytest.approx((1 / 3, 2 / 3, at))


def test_facts_are_words():
    facts = {"seed": 7, "key": None, "hits": [], "sections": {}, "versions": {"python": "3.13", "numpy": "2"},
             "intensity": ((0.0, 0.2), (1.0, 0.9)), "theme": [[0, 1, 60]] * 20}  # fmt: skip
    facts |= {"instruments": ["felt_piano", "soundfont:/home/me/my_fonts/a_b.sf2#0,1"] + ["harp"] * 12}
    facts |= {"dialogue": [[8.0, 12.0], [14.5, 15.0]], "hits": ["6", "14!"], "rack": "/home/me/racks/mine.toml"}
    found = dict(readable(facts))
    assert found == {
        "seed": "7", "made with": "python 3.13, numpy 2", "intensity": "0:0.2, 1:0.9", "theme": "20 notes",
        "instruments asked for": ", ".join(["felt piano", "a_b.sf2#0,1"] + ["harp"] * 12),
        "dialogue": "8-12, 14.5-15", "hits": "6, 14!", "rack": "mine.toml",
    }  # fmt: skip
    assert dict(readable({"intensity": 0.7})) == {"intensity": "0.7"}


def test_what_was_drawn_is_said():
    piece = Piece(PIECE.parts, TempoMap.steady(72.5), (6, 8), Key(9))
    assert of_piece(piece) == [("key", "A minor"), ("metre", "6/8"), ("quarters a minute", "72.5 at the start")]
    assert of_piece(None) == []


@pytest.mark.parametrize(
    ("value", "match", "said"), [(0.2, 1.0, "yes"), (1.0, 1.0, "yes"), (1.2, 0.8, "near"), (3.0, 0.1, "no")]
)
def test_a_cue_is_in_its_band_near_it_or_neither(value, match, said):
    assert standing({"target": [0.0, 1.0], "value": value, "match": match}) == said


def test_stems_and_master_are_raised_to_one_integrated_lufs():
    half = audio(TONE.samples * 0.5, 48_000)
    aim = integrated_lufs(mixed_down([TONE], channels=2))
    assert raise_to(aim, mixed_down([half])) == pytest.approx(2.0, rel=0.01)
    assert raise_to(aim, audio(np.zeros(RATE), RATE)) == 1.0


@pytest.mark.parametrize("peaky", [False, True])
def test_all_that_can_be_played_is_as_loud_and_none_of_it_clips(tmp_path, peaky):
    """Stems that are clicks peak far over a steady master of their loudness: then all is turned down alike."""
    rng = np.random.default_rng(5)
    steady = rng.uniform(-0.3, 0.3, 4 * RATE)
    clicks = np.where(np.arange(4 * RATE) % 4000 == 0, 0.9, 0.0)
    made = {"master": steady, "stems/wet/a": 0.2 * steady, "stems/wet/b": clicks if peaky else 0.1 * steady,
            "stems/dry/a": 0.4 * steady, "stems/dry/b": 0.1 * steady}  # fmt: skip
    for name, samples in made.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_audio(tmp_path / f"{name}.wav", audio(samples, RATE).blocks(), rate=RATE, channels=1)
    score = {"sadness": 0.5, "matched": None, "cues": [], "curve": []}
    page = write_report(
        tmp_path,
        title="t",
        score={**score, "rating": 4.0, "uncertainty": 0.1},
        stems=[("a", "bass", "x"), ("b", "bass", "y")],
        facts={},
    )
    assert "would rate it 4.0 of 7" in page.read_text()
    sides = {"master": 0.0, "stem": 0.0, "dry": 0.0}
    pattern = r'class="track" data-kind="(\w+)" data-name="\w*" data-gain="([\d.]+)">([^<]+)<'
    for kind, gain, sound in re.findall(pattern, page.read_text()):
        samples, _ = soundfile.read(io.BytesIO(base64.b64decode(sound)), always_2d=True)
        sides[kind] = sides[kind] + float(gain) * samples.mean(axis=1)
    assert max(np.abs(samples).max() for samples in sides.values()) < 1.0
    found = [integrated_lufs(audio(samples, RATE)) for samples in sides.values()]
    assert max(found) - min(found) < 1.5  # MP3 at 48 kbit/s keeps no more of noise and clicks
    assert (found[0] < integrated_lufs(audio(steady, RATE)) - 3) == peaky


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_preview_sounds_as_its_source(rate, channels):
    tones = np.tile(0.3 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate), (channels, 1))
    mixed = mixed_down([audio(tones, rate), audio(tones, rate)], channels=min(channels, 2))
    assert mixed.rate == RATE and mixed.channels == min(channels, 2) and mixed.frames == RATE
    assert np.abs(mixed.samples[:, 4000:-4000]).max() == pytest.approx(0.6, rel=0.01)
    kbps = 48 * mixed.channels
    content, undo = mp3(mixed, kbps=kbps)
    decoded, _ = soundfile.read(io.BytesIO(content), always_2d=True)
    assert len(decoded) == RATE and len(content) == pytest.approx(kbps * 125, rel=0.2)
    wrong = (decoded.T * undo - mixed.samples)[:, 4000:-4000]
    assert np.sqrt(np.mean(wrong**2)) < 0.002


def test_a_preview_may_stop_early():
    assert mixed_down([TONE], longest_s=0.5).seconds == pytest.approx(0.5, abs=1e-3)
