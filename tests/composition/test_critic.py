"""The critic prefers what people write: sung lines over shuffled ones, led chords over parallels, songs over loops."""

import numpy as np
import pytest

from melancholia.composition import compose, critic
from melancholia.composition.moves import TURNS, kind_of, surprise
from melancholia.piece import Chord, Key, Note, Part, Phrase, Piece, TempoMap
from melancholia.profile import profile

# "Dona nobis pacem", "Greensleeves", a chorale tune ("Herzlich tut mich verlangen"): old tunes that belong to nobody.
SUNG = (
    (65, 60, 69, 65, 72, 70, 69, 67, 74, 72, 72, 70, 69, 67, 65, 64, 65),
    (69, 72, 74, 76, 77, 76, 74, 71, 67, 69, 71, 72, 69, 69, 68, 69, 71, 68, 64),
    (64, 69, 67, 65, 64, 62, 64, 71, 72, 72, 71, 71, 69),
)


@pytest.mark.parametrize("line", SUNG)
def test_a_sung_line_surprises_less_than_its_tones_in_another_order(line):
    rng = np.random.default_rng(5)
    shuffled = [float(surprise(rng.permutation(line))) for _ in range(200)]
    assert float(surprise(np.array(line))) < np.percentile(shuffled, 10)
    assert critic.line_faults(line) < np.mean([critic.line_faults(rng.permutation(line)) for _ in range(200)])


def test_a_transposed_line_surprises_as_much():
    lines = np.array([SUNG[2], [p + 7 for p in SUNG[2]]])
    assert np.ptp(surprise(lines)) == pytest.approx(0)


def test_kinds_of_moves_are_in_order():
    assert kind_of(np.array([-7, -4, -2, 0, 1, 3, 12])).tolist() == list(range(7)) and TURNS.shape == (7, 7)


LED = ((48, 55, 64, 72), (53, 57, 65, 72), (55, 59, 62, 74), (48, 60, 64, 72))
PARALLEL = ((48, 55, 64, 72), (50, 57, 65, 74), (52, 59, 67, 76), (53, 60, 69, 77))


def test_led_chords_cost_less_than_parallel_ones():
    assert critic.leading_faults(LED) < 0.5 * critic.leading_faults(PARALLEL)
    assert critic.leading_faults((LED[0], LED[0])) == 0


def piece_of(notes, others=(), bars=8):
    chords = tuple(Chord(4.0 * k, 4.0, "i", (9, 0, 4), 9) for k in range(bars))
    phrases = tuple(Phrase(8.0 * k, 8.0 * k + 8, 8.0 * k + 2, "open") for k in range(bars // 2))
    parts = (Part("tune", "melody", "felt_piano", tuple(notes)), Part("bass", "bass", "cello", tuple(others)))
    arc = tuple((4.0 * k, 0.2 + 0.1 * min(k, 8 - k)) for k in range(bars + 1))
    return Piece(parts[: 1 + bool(others)], TempoMap.steady(60), key=Key(9), chords=chords, phrases=phrases, arc=arc)


def test_a_loop_and_a_wandering_line_are_faults():
    loop = piece_of([Note(k, 1, (69, 71, 72, 71)[k % 4], 60) for k in range(32)])
    lost = piece_of([Note(k, 1 if k % 3 else 0.5, 60 + (7 * k * k) % 23, 60) for k in range(32)])
    assert critic.returns(loop) > 0.3 and critic.returns(lost) > 0.1


def test_a_phrase_without_an_event_can_be_guessed():
    plain = piece_of([Note(k, 1, (69, 71, 72, 71)[k % 4], 60) for k in range(32)])
    eventful = piece_of([Note(k, 1, (69, 76, 74, 72)[k % 4], 60) for k in range(32)])
    assert critic.guessable(eventful) == 0 < critic.guessable(plain) + 0.01
    steps = piece_of([Note(2 * k, 2, (69, 72)[k % 2], 60) for k in range(16)])
    assert critic.guessable(steps) == 1


def test_outer_voices_in_fifths_are_heard():
    melody = [Note(4 * k, 4, 76 + 2 * (k % 3), 60) for k in range(8)]
    assert critic.parallels(piece_of(melody, [Note(4 * k, 4, 45 + 2 * (k % 3), 60) for k in range(8)])) == 1
    assert critic.parallels(piece_of(melody, [Note(4 * k, 4, 45 - 2 * (k % 3), 60) for k in range(8)])) == 0


def test_strain_is_least_at_home():
    def bar(*pitches):
        return critic.strain(piece_of([Note(0, 4, p, 60) for p in pitches], bars=1))[0]

    home, subdominant, dominant, neapolitan = bar(69, 72, 76), bar(69, 74, 77), bar(68, 71, 76), bar(70, 74, 77)
    assert home < subdominant < neapolitan and home < dominant < neapolitan


def test_of_the_drafts_the_one_with_fewest_faults_is_kept():
    wanted = profile("melancholy", 0.7)
    piece = compose(wanted, seconds=40, seed=11)
    found = critic.critique(piece, wanted)
    assert set(found) == set(critic.WEIGHTS) and all(fault >= 0 for fault in found.values())
    assert critic.cost(piece, wanted) == pytest.approx(sum(critic.WEIGHTS[k] * v for k, v in found.items()))
