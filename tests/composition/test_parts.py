"""The composer's parts, each against what must hold whatever is drawn."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.composition import compose as compose_by
from melancholia.composition import measures
from melancholia.composition.chords import HARMONIES, scale_for
from melancholia.composition.dialects import (
    CADENCES,
    CADENCES_MAJOR,
    CHORALE,
    COLOURED,
    COLOURED_MAJOR,
    ENDINGS,
    LAMENTS,
    LIED,
    LOOPS,
    MAJOR,
)  # fmt: skip
from melancholia.composition.form import plan_form
from melancholia.composition.harmony import plan_harmony
from melancholia.composition.lattice import NEVER, draw_lines
from melancholia.composition.pacing import METRES
from melancholia.composition.rhythms import bar_rhythms
from melancholia.composition.textures import rhythms_of
from melancholia.composition.voicing import lead, lead_bass
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from melancholia.profile import moods, profile

compose = partial(compose_by, composer="planned")  # its rules are what is tested here

TABLES = {"lied": LIED, "chorale": CHORALE, "major": MAJOR}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_leads_only_to_chords_that_lead_on(name):
    table = TABLES[name]
    assert set(table) <= set(HARMONIES)
    assert all(after in table for row in table.values() for after in row)


def test_closes_grounds_and_endings_are_made_of_known_chords():
    closes = [chords for table in (CADENCES, CADENCES_MAJOR) for chords, _ in table.values()]
    closes += [chords for table in (COLOURED, COLOURED_MAJOR) for chords in table.values()]
    names = {name for chords in closes for chord in chords for name in chord}
    names |= {name for ground in (*LAMENTS, *LOOPS) for name, _ in ground}
    names |= {name for table in ENDINGS.values() for name in table.values()}
    assert names <= set(HARMONIES)


@pytest.mark.parametrize("metre", METRES.values(), ids=str)
def test_every_rhythm_fills_its_bar(metre):
    assert all(sum(map(abs, cell)) == pytest.approx(4 * metre[0] / metre[1]) for cell in bar_rhythms(metre))
    assert all(r[0] == 0 and r[-1] < 12 for r in rhythms_of(12))


@pytest.mark.parametrize("name", HARMONIES)
def test_a_scale_holds_its_chord_in_one_of_the_modes(name):
    chord = HARMONIES[name]
    held = [
        sum(pc in {t % 12 for t in scale_for(chord, mode)} for pc in chord.pitch_classes) for mode in ("minor", "major")
    ]
    assert max(held) >= len(chord.pitch_classes) - 1 and chord.bass in chord.pitch_classes


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), mood=st.sampled_from(moods()), intensity=st.floats(0, 1))
def test_a_harmony_plan_tiles_the_form_and_closes_as_planned(seed, mood, intensity):
    wanted, rng = profile(mood, intensity).writing, np.random.default_rng(seed)
    form = plan_form(wanted, rng, seconds=60, bpm=None, metre=None, intensity=intensity)
    slots = plan_harmony(form, wanted, rng)
    assert slots[0].bar == 0 and abs(slots[-1].end - form.bars) < 1e-9
    assert all(abs(a.end - b.bar) < 1e-9 for a, b in zip(slots, slots[1:], strict=False))
    for phrase in form.phrases:
        last = max((s for s in slots if s.bar < phrase.end - 1e-9), key=lambda s: s.bar)
        if phrase.cadence == "half":
            assert last.numeral in ("V", "V7", "Vb9")
        if phrase.cadence == "authentic" and phrase.end < form.bars:
            assert last.numeral in ("i", "I")


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_voices_are_led_without_parallels(seed):
    rng = np.random.default_rng(seed)
    name, names = "i", []
    for _ in range(12):
        names.append(name)
        row = {k: v for k, v in CHORALE[name].items()}
        name = list(row)[int(rng.choice(len(row), p=np.array(list(row.values())) / sum(row.values())))]
    basses = lead_bass([HARMONIES[n].bass for n in names], low=36, high=52, start=43)
    voices = lead(
        [(HARMONIES[n].pitch_classes, b, 11) for n, b in zip(names, basses, strict=True)], low=48, high=74, centre=60
    )
    parallels = 0
    for (b0, v0), (b1, v1) in zip(
        zip(basses, voices, strict=True), list(zip(basses, voices, strict=True))[1:], strict=False
    ):
        x, y = (b0, *v0), (b1, *v1)
        for i in range(4):
            for j in range(i + 1, 4):
                perfect = (x[j] - x[i]) % 12 == (y[j] - y[i]) % 12 == 7 or (x[j] - x[i]) % 12 == (y[j] - y[i]) % 12 == 0
                parallels += perfect and x[i] != y[i] and x[j] != y[j]
    assert parallels <= 1
    for bass, voice in zip(basses, voices, strict=True):
        assert bass < voice[0] < voice[1] < voice[2]
        assert sum(p % 12 == 11 for p in (bass, *voice)) <= 1  # a leading tone is never doubled


@pytest.mark.parametrize("dominant, tonic", [("V7", "i"), ("V", "i"), ("V65", "i"), ("vii°7", "i")])
def test_a_leading_tone_in_the_upper_voice_goes_home(dominant, tonic):
    names = ["i", dominant, tonic]
    basses = lead_bass([HARMONIES[n].bass for n in names], low=36, high=52, start=43)
    _, before, after = lead(
        [(HARMONIES[n].pitch_classes, b, 11) for n, b in zip(names, basses, strict=True)], low=48, high=74, centre=60
    )
    leading = [p for p in before if p % 12 == 11]
    assert all(p + 1 in after for p in leading)


def test_lines_are_drawn_by_their_weights():
    states = np.log(np.array([[0.5, 0.5], [0.2, 0.8]]))
    moves = np.zeros((1, 2, 2))
    moves[0, 0, 1] = NEVER  # from the first pitch the second cannot be reached
    lines = draw_lines(states, moves, np.random.default_rng(0), 20_000)
    share = {pair: np.mean((lines == pair).all(axis=1)) for pair in ((0, 0), (0, 1), (1, 0), (1, 1))}
    total = 0.1 + 0.1 + 0.4
    assert share[0, 1] == 0
    assert share[0, 0] == pytest.approx(0.1 / total, abs=0.02) and share[1, 1] == pytest.approx(0.4 / total, abs=0.02)


def tune(*pitches, role="melody"):
    notes = tuple(Note(k, 1, pitch, 60) for k, pitch in enumerate(pitches))
    return Piece((Part(role, role, "felt_piano", notes),), TempoMap.steady(60), key=Key(9))


def test_measures_know_their_answers():
    loop = tune(*[69, 71, 72, 74] * 8)
    assert measures.longest_return(loop) > 0.8 and measures.voice_bars_repeated(loop) == 7 / 8
    assert measures.onset_rate(loop) == 1 and measures.longest_hole_s(loop) == 0
    assert measures.shared_bars(loop, loop) == 8 and measures.figure_overlap(loop, loop) == 1
    assert measures.shared_bars(loop, tune(*range(40, 72))) == 0
    assert measures.pitch_entropy(loop) == 2 and measures.groove_similarity(loop) == 1
    assert measures.minorness(tune(69, 72, 76, 69, 76, 72)) > 0.1 > measures.minorness(tune(69, 73, 76, 69, 76, 73))


def test_the_weights_of_a_profile_decide():
    from dataclasses import replace

    wanted = profile("longing")
    only = replace(wanted, writing=replace(wanted.writing, metres={"3/4": 1.0}, endings={"fifth": 1.0}))
    pieces = [compose(only, seconds=40, seed=seed) for seed in range(4)]
    assert all(p.metre == (3, 4) and p.chords[-1].numeral == "i5" for p in pieces)
