"""A motif is the line that sings in a MIDI file, short enough to be remembered."""

import pytest

from melancholia.errors import InputError
from melancholia.midi import save_midi
from melancholia.motif import Motif, load_motif, skyline
from melancholia.piece import Key, Note, Part, Piece, TempoMap

TUNE = (Note(3, 1, 69, 70), Note(4, 2, 76, 80), Note(6, 1, 74, 70), Note(7, 1, 72, 70), Note(8, 4, 71, 60))


@pytest.fixture
def saved(tmp_path):
    def save(*parts, **said):
        save_midi(Piece(parts, TempoMap.steady(60), **said), tmp_path / "motif.mid")
        return tmp_path / "motif.mid"

    return save


def test_a_tune_is_read_from_its_first_note_with_its_place_in_the_bar(saved):
    chords = Part("c", "harmony", "", tuple(Note(0, 12, p, 50) for p in (45, 57, 60)))
    found = load_motif(saved(Part("t", "melody", "", TUNE), chords))
    assert found == Motif(tuple(Note(n.start - 3, n.duration, n.pitch, n.velocity) for n in TUNE), (4, 4), Key(9), 3)


def test_of_chords_the_top_is_sung_and_tails_are_cut():
    played = (Note(0, 1.1, 72, 60), Note(0, 1, 64, 60), Note(1, 1, 71, 60), Note(1.5, 0.25, 60, 60))
    assert skyline(played) == (Note(0, 1, 72, 60), Note(1, 1, 71, 60))


@pytest.mark.parametrize(("tonic", "mode"), [(t, m) for t in range(12) for m in ("minor", "major")])
def test_the_key_is_heard_whatever_is_written(saved, tonic, mode):
    scale = (0, 2, 3, 5, 7, 8, 11) if mode == "minor" else (0, 2, 4, 5, 7, 9, 11)
    order = (0, 1, 2, 3, 4, 3, 2, 4, 5, 4, 6, 0)
    notes = tuple(Note(k, 2 if d in (0, 2, 4) else 1, 60 + tonic + scale[d], 70) for k, d in enumerate(order))
    assert load_motif(saved(Part("t", "melody", "", notes), key=Key((tonic + 6) % 12))).key == Key(tonic, mode)


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ((Note(0, 1, 60, 60),), "sings 1 note; allowed: 2 to 32"),
        (tuple(Note(k / 2, 0.5, 60 + k % 3, 60) for k in range(40)), "sings 40 notes; allowed"),
        ((Note(0, 1, 60, 60), Note(36, 1, 62, 60)), "9.25 bars long; allowed: at most 8"),
    ],
)
def test_what_is_no_motif_is_said(saved, notes, said):
    with pytest.raises(InputError, match=said):
        load_motif(saved(Part("t", "melody", "", notes)))


def test_a_file_of_drums_sings_nothing(saved):
    with pytest.raises(InputError, match=r"\.mid holds no pitched note; allowed: one or more"):
        load_motif(saved(Part("d", "percussion", "", TUNE)))
