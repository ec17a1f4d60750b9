"""Each texture is what its name says, in every metre."""

from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from melancholia.composition import compose as compose_by
from melancholia.composition import measures
from melancholia.composition.form import plan_form
from melancholia.composition.harmony import Slot
from melancholia.composition.lines import CONSONANT, HEAD, IN_CANON, LINES, following, in_sixths
from melancholia.composition.melody import Tone
from melancholia.composition.pacing import METRES
from melancholia.composition.textures import ALONE, TEXTURES
from melancholia.profile import profile

compose = partial(compose_by, composer="planned")  # its rules are what is tested here


def with_texture(mood="melancholy", seconds=60, seed=5, metre="4/4", **weights):
    wanted = profile(mood)
    return compose(
        replace(wanted, writing=replace(wanted.writing, textures=weights)), seconds=seconds, seed=seed, metre=metre
    )


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_sounds_in_every_metre_inside_the_piece(name):
    for metre in METRES:
        piece = with_texture(seconds=30, metre=metre, **{name: 1.0})
        notes = [n for part in piece.with_role("harmony") for n in part.notes]
        assert (notes or name in ALONE) and all(n.end <= piece.end + 1e-6 for n in notes)


def inside(piece, role):
    """The notes of a role in the body of the piece."""
    start, end = piece.phrases[1].start, piece.phrases[-2].end
    return [n for part in piece.with_role(role) for n in part.notes if start <= n.start < end]


def test_a_chorale_moves_with_the_melody_under_it():
    piece = with_texture(chorale=1.0)
    tune, chords = inside(piece, "melody"), inside(piece, "harmony")
    beats = [n for n in tune if n.start % 1 == 0]
    together = [any(abs(c.start - n.start) < 1e-6 for c in chords) for n in beats]
    assert np.mean(together) > 0.9
    under = [c.pitch < n.pitch for n in beats for c in chords if abs(c.start - n.start) < 1e-6]
    assert np.mean(under) > 0.9


def test_a_bell_and_a_pedal_hold_one_tone():
    for name in ("bell", "pedal"):
        notes = inside(with_texture(**{name: 1.0}), "harmony")
        edge = (max if name == "bell" else min)(notes, key=lambda n: n.pitch).pitch
        again = [n for n in notes if abs(n.pitch - edge) <= 12 and n.pitch % 12 == edge % 12]
        assert len(again) >= 4, name


def test_a_bell_that_rings_into_the_last_chord_is_a_tone_of_it():
    """Some pieces end on the subdominant, which lacks the fifth."""
    wanted = profile("loss")
    writing = replace(wanted.writing, textures={"bell": 1.0}, endings={"breaks-off": 1.0})
    for seed in range(24):
        piece = compose(replace(wanted, writing=writing), seconds=40, seed=seed)
        last = {n.pitch % 12 for n in piece.with_role("harmony")[0].notes if n.end == piece.end}
        assert piece.chords[-1].numeral == "iv64" and last <= set(piece.chords[-1].pitch_classes)


def test_a_hocket_hands_over_and_a_solo_is_alone():
    hocket = sorted(inside(with_texture(hocket=1.0), "harmony"))
    overlaps = [b.start < a.end - 0.3 for a, b in zip(hocket, hocket[1:], strict=False) if b.start > a.start]
    assert np.mean(overlaps) < 0.35
    solo, held = (with_texture(seconds=90, seed=3, **w) for w in ({"solo": 9.0, "held": 1.0}, {"held": 1.0}))
    assert len(inside(solo, "harmony")) <= len(inside(held, "harmony"))


def test_an_ostinato_says_the_same_while_chords_move():
    piece = with_texture(ostinato=1.0)
    notes = [n for n in sorted(inside(piece, "harmony")) if n.duration <= 1]
    pitches = Counter(n.pitch % 12 for n in notes)
    assert sum(count for _, count in pitches.most_common(4)) > 0.75 * len(notes)  # a few tones go round
    assert len({c.numeral for c in piece.chords}) > 4


TUNE = tuple(Tone(at, 1.0, pitch) for at, pitch in enumerate((69, 72, 71, 69, 76, 74, 72, 69)))
SLOTS = (Slot("i", 0, 4, 0, "minor"),)
WHERE = {"tonic": 9, "low": 48, "high": 72}


def plain_form():
    return plan_form(profile("longing").writing, np.random.default_rng(1), seconds=40, bpm=None, metre="4/4")


@pytest.mark.parametrize("head, count", [(False, 8), (True, HEAD)])
def test_a_canon_says_the_melody_after_it_and_an_imitation_its_head(head, count):
    found = following(list(TUNE), SLOTS, plain_form(), 16.0, velocity=50, head=head, **WHERE)
    assert len(found) == count and found[0].start in (2.0, 4.0, 8.0)
    assert np.diff([n.pitch for n in found]).tolist() == np.diff([n.pitch for n in TUNE[:count]]).tolist()


def test_a_canon_is_consonant_or_not_sung():
    rng, sung = np.random.default_rng(2), 0
    for _ in range(40):
        tune = [Tone(at, 1.0, int(p)) for at, p in enumerate(rng.choice([69, 71, 72, 74, 76, 77, 79], 10))]
        found = following(tune, SLOTS, plain_form(), 16.0, velocity=50, head=False, **WHERE)
        above = {t.start: t.pitch for t in tune}
        fits = [
            n.pitch % 12 in (9, 0, 4) or (above.get(n.start, n.pitch + 1) - n.pitch) % 12 in CONSONANT for n in found
        ]
        assert not found or np.mean(fits) >= IN_CANON
        sung += bool(found)
    assert 0 < sung < 40


def test_sixths_are_sixths_or_thirds_below():
    found = in_sixths(list(TUNE), SLOTS, plain_form(), velocity=50, **WHERE)
    assert [n.start for n in found] == [t.start for t in TUNE]
    assert all((t.pitch - n.pitch) % 12 in (3, 4, 8, 9) for t, n in zip(TUNE, found, strict=True))


@pytest.mark.parametrize("name", LINES)
def test_a_mood_that_names_a_line_gets_it(name):
    changed = 0
    for seed in range(4):
        plain, named = (with_texture("longing", seed=seed, broken=1.0, **w) for w in ({}, {name: 500.0}))
        changed += plain.with_role("counter") != named.with_role("counter")
    assert changed >= 2


def test_answers_come_where_the_melody_holds_or_rests():
    apart = []
    for seed in range(8):
        piece = compose(profile("longing"), seconds=60, seed=seed)
        sung = {n.start for n in measures.melody(piece)}
        slots = {c.start for c in piece.chords}
        for part in piece.with_role("counter"):
            apart += [n.start not in sung for n in part.notes if n.start not in slots]
    assert np.mean(apart) > 0.3
