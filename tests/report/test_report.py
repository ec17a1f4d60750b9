"""The report shows a song's folder on one page that needs nothing else."""

import re

import numpy as np
import pytest

from melancholia.audio import audio
from melancholia.encoding import write_audio
from melancholia.midi import save_midi
from melancholia.piece import Note, Part, Piece, Section, TempoMap
from melancholia.report import curve_png, piano_roll_png, spectrogram_png, write_report
from melancholia.report.pictures import HIGHEST_HZ, LOWEST_HZ, ROWS, spectrogram

TONE = audio(np.tile(0.5 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000), (2, 1)), 48_000)
PIECE = Piece(
    (Part("a", "melody", "cello", (Note(0, 1, 60, 60), Note(1, 1, 64, 90))), Part("b", "bass", "sub_bass", ())),
    TempoMap(((0, 900_000), (1, 1_000_000))), sections=(Section("A", 0, 1),),
)  # fmt: skip
CUES = [
    {"name": "mode", "value": 0.1, "unit": "index", "target": [0.0, 0.2], "match": 1.0, "weight": 1, "sentence": "Ok."},
    {"name": "<b>", "value": 2.0, "unit": "x", "target": None, "match": None, "weight": 0.0, "sentence": "Free."},
]  # fmt: skip
SCORE = {"mood": "longing", "intensity": 0.7, "sadness": 0.61, "uncertainty": 0.1, "matched": True, "cues": CUES,
         "curve": [[6.0, 0.5], [12.0, 0.7]]}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "stems").mkdir()
    for name in ("master", "stems/01-melody-cello"):
        write_audio(tmp_path / f"{name}.wav", TONE.blocks(), rate=48_000, channels=2)
    save_midi(PIECE, tmp_path / "piece.mid")
    return tmp_path


def page(folder):
    facts = {"seed": 7, "key": None, "maker": "melancholia"}
    path = write_report(
        folder, title="longing", score=SCORE, stems=["stems/01-melody-cello.wav"], master="master.wav", facts=facts
    )
    return path.read_text()


def test_the_page_needs_no_network_and_shows_all(folder):
    html = page(folder)
    assert "http" not in re.sub(r"data:image/png;base64,[^\"]*", "", html)
    assert html.count("<audio") == 2 and html.count("<img") == 4 and 'src="stems/01-melody-cello.wav"' in html
    assert "matches longing" in html and "0.61" in html and "&lt;b&gt;" in html and "<b>" not in html


def test_every_picture_says_what_it_shows(folder):
    images = re.findall(r"<img[^>]*>", page(folder))
    assert images and all(re.search(r'alt="[^"]{8,}"', image) for image in images)


def test_a_spectrogram_shows_a_tone_where_it_is():
    picture = spectrogram(TONE)
    wanted = np.log(440 / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ) * ROWS
    assert abs(int(picture[:, 400].argmax()) - wanted) <= 1.5


@pytest.mark.parametrize(
    "draw", [lambda: spectrogram_png(TONE), lambda: piano_roll_png(PIECE), lambda: curve_png([[1, 0.5]])]
)
def test_pictures_are_png(draw):
    assert draw().startswith(b"\x89PNG")
