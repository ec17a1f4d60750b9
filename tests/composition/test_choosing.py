"""What is kept of many continuations: tunes with quick and coloured tones, lines that neither march nor stand still."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from melancholia.composition import beside, choosing, stretches
from melancholia.composition.asks import Ask, ground_of, manner_of_peak
from melancholia.composition.beside import Scene, Voice
from melancholia.composition.choosing import Sung, coloured, quick
from melancholia.composition.coding import BESIDE, TICKS, TUNE
from melancholia.composition.composers import shipped
from melancholia.composition.continuing import GRID, Ground, Line
from melancholia.composition.figurations import SUNG as SUNG_COLUMN
from melancholia.composition.figurations import Bank
from melancholia.composition.form import plan_form
from melancholia.composition.stretches import from_the_fullest
from melancholia.composition.ways import SUNG
from melancholia.profile import profile

NOTHING = np.zeros((0, 3), np.int64)


def line(*notes):
    """A line of (quarters, quarters, pitch) in C, as if it had cost the model 2.5 nats a note."""
    rows = np.array([(round(at * TICKS), round(length * TICKS), pitch) for at, length, pitch in notes])
    choices = np.column_stack([np.zeros(len(rows), int), rows[:, 2] % 12, rows[:, 2] // 12, np.zeros(len(rows), int)])
    return Line(rows, choices, np.zeros((len(rows), 1), np.float32), 2.5)


def ground(layout=TUNE, mode="minor"):
    cues = np.zeros((16 * TICKS // GRID, layout.width), np.float32)
    cues[:, layout.at["chord"]] = np.isin(np.arange(12), [0, 3, 7])
    if layout is TUNE:
        cues[:, TUNE.at["mode"].start + int(mode == "minor")] = 1
    return Ground(0, cues, layout)


EVEN = line(*((k, 1, pitch) for k, pitch in enumerate((60, 62, 63, 65, 67, 65, 63, 62))))


def test_tones_outside_the_home_key_are_counted():
    notes = line((0, 1, 60), (1, 1, 63), (2, 1, 64), (3, 1, 70), (4, 1, 71), (5, 1, 66))
    assert coloured(notes, ground()) == 2  # E and F sharp: minor has both sevenths
    assert coloured(notes, ground(mode="major")) == 3  # E flat, B flat and F sharp


def test_quick_onsets_are_counted():
    assert quick(EVEN) == 0
    assert quick(line((0, 0.75, 60), (0.75, 0.25, 62), (1, 0.5, 63), (1.5, 0.5, 62), (2, 1, 60))) == 1


ASK = Ask(0, 7 * TICKS, 8 * TICKS, (0,), 1.0, 63.0, 2.0, 0.3, 0.5, 50, 75, summit=False)


def costs(*lines, done=None):
    return [choosing.cost(one, ASK, ground(), done or Sung(), 0.5, 0.8, ()) for one in lines]


def test_a_tune_that_lacks_quick_tones_would_rather_have_some():
    dotted = EVEN.notes.copy()
    dotted[2, 1] += TICKS * 3 // 4 - TICKS  # a dotted figure: its last sixteenth belongs to the next tone
    dotted[3, 0] -= TICKS // 4
    dotted[3, 1] += TICKS // 4
    short = dotted.copy()
    short[3, :2] = short[2, 0] + TICKS // 4, short[3, :2].sum() - short[2, 0] - TICKS // 4
    short[2, 1] = TICKS // 4
    quick_one = replace(EVEN, notes=short)
    before = np.subtract(*costs(EVEN, quick_one))
    sated = np.subtract(*costs(EVEN, quick_one, done=Sung(tones=100, quick=30)))
    assert quick(quick_one) == 1 and before > sated + 0.5


def test_a_tune_that_lacks_colour_would_rather_have_some():
    other = EVEN.notes.copy()
    other[3, 2] = 66
    bent = replace(
        EVEN, notes=other, choices=np.column_stack([EVEN.choices[:, 0], other[:, 2] % 12, EVEN.choices[:, 2:]])
    )
    before = np.subtract(*costs(EVEN, bent))
    sated = np.subtract(*costs(EVEN, bent, done=Sung(tones=100, coloured=30)))
    assert before > sated + 0.5


def test_a_tune_that_stops_and_stops_is_dearer():
    """A breath in six quarters costs nothing, each more does."""

    def breathing(count):
        notes = EVEN.notes.copy()
        notes[: 2 * count : 2, 1] -= TICKS // 2
        return replace(EVEN, notes=notes)

    lines = [breathing(count) for count in range(4)]
    assert [choosing.rests(one) for one in lines] == [0, 1, 2, 3]
    # Lengths enough: little else tells, a clash by how long it lasts.
    varied = Sung(tones=100, gaps=1000, lengths=Counter(dict.fromkeys(range(1, 40), 9)))
    _, one, two, three = costs(*lines, done=varied)
    assert three - two == pytest.approx(choosing.WEIGHTS["chopped"], abs=0.2)
    assert two - one == pytest.approx(choosing.WEIGHTS["chopped"] * (2 - len(EVEN.notes) / choosing.STRETCH), abs=0.2)


def test_a_tune_of_equal_gaps_is_dearer():
    """As many gaps as are like the one before in songs cost nothing, each more does."""
    halves = EVEN.notes.copy()
    halves[1::2, 0] += TICKS // 2  # no gap is as long as the one before
    halves[:, 1] = TICKS // 2
    uneven = replace(EVEN, notes=halves)
    assert (choosing.even(EVEN), choosing.even(uneven)) == (6, 0)
    lines = [replace(one, notes=np.column_stack([one.notes[:, 0], halves[:, 1:]])) for one in (EVEN, uneven)]
    for evenest in (0.2, 0.6):
        of_all = np.subtract(*costs(*lines, done=Sung(evenest=evenest)))
        owed = of_all - np.subtract(*costs(*lines, done=Sung(gaps=1000, evenest=evenest)))
        assert owed == pytest.approx(choosing.WEIGHTS["even"] * (1 - evenest))


def test_the_rhythms_of_bars():
    """Two bars of four quarters are one rhythm twice; a bar that holds one tone longer is another."""
    notes = EVEN.notes.copy()
    assert choosing.rhythms(EVEN, 4 * TICKS) == {((0, 48), (48, 48), (96, 48), (144, 48)): 2}
    assert choosing.unheard(choosing.rhythms(EVEN, 4 * TICKS)) == 0.5
    assert choosing.unheard(choosing.rhythms(EVEN, 2 * TICKS)) == 0.25
    notes[5, 1] = TICKS // 2
    assert choosing.unheard(choosing.rhythms(replace(EVEN, notes=notes), 4 * TICKS)) == 1.0
    upbeat = replace(EVEN, notes=EVEN.notes - np.array([TICKS, 0, 0]))
    assert choosing.rhythms(upbeat, 4 * TICKS).total() == 3 and choosing.unheard(Counter()) == 0


def test_bars_that_no_one_has_heard_are_dearer():
    """A phrase whose bars were all sung before costs nothing; one of new bars what songs repeat of theirs."""
    other = EVEN.notes.copy()
    other[5, 1] = other[1, 1] = TICKS // 2
    other[2, 1] = TICKS // 4
    away = replace(EVEN, notes=other)
    known = choosing.rhythms(EVEN, 4 * TICKS)
    done, sated = Sung(gaps=1000, rhythms=known), Sung(gaps=1000, rhythms=Counter({(): 1000}))
    owed = np.subtract(*costs(away, EVEN, done=done)) - np.subtract(*costs(away, EVEN, done=sated))
    assert owed == pytest.approx(choosing.WEIGHTS["unheard"] * (3 / 4 - 1 + choosing.HEARD))


def test_what_was_sung_counts_for_what_is_lacking():
    done = Sung()
    choosing.count(done, line((0, 0.25, 60), (0.25, 0.75, 64), (1, 1, 66)), 60.0, ground())
    assert (done.quick, done.coloured, done.tones) == (1, 2, 3)
    assert (done.even, done.gaps) == (0, 1)
    choosing.count(done, EVEN, 60.0, ground())
    assert (done.even, done.gaps) == (6, 7)
    assert done.rhythms.total() == 3 and choosing.unheard(done.rhythms) == 2 / 3


# Lines beside the tune

VOICE = Voice("inner", 48, 72, 62.0, 1.0, 2.0, 0.3, 0.5)


FAR = line((-8, 1, 62))  # ended long before


def beside_cost(one, bar=4, before=FAR, low=NOTHING):
    return beside.cost(one, before, VOICE, 1.0, ground(BESIDE), NOTHING, low, (), bar * TICKS)


def test_a_line_that_marches_is_dearer():
    late = replace(EVEN, notes=EVEN.notes + np.array([TICKS // 2, 0, 0]))
    assert beside_cost(EVEN) - beside_cost(late) == pytest.approx(beside.WEIGHTS["marching"] * (1 - beside.MARCHING))


def test_a_line_that_holds_its_tones_for_bars_is_dearer():
    assert beside_cost(EVEN, 1) - beside_cost(EVEN, 2) == pytest.approx(beside.WEIGHTS["held"])


def test_how_alike_bars_strike():
    """Of the places of two bars that follow each other those of both; bars apart are no pair."""
    onsets = np.array([0, 1, 2, 4, 6, 12, 13])  # bars of 4: places 0 1 2, then 0 2, one that is silent, then 0 1
    assert beside.same_places(onsets, 4) == pytest.approx(2 / 3)
    assert beside.same_places(onsets[:3], 4) == 1.0


def test_a_line_that_strikes_elsewhere_in_every_bar_is_dearer():
    other = EVEN.notes.copy()
    other[4:6, 0] += TICKS // 2  # two of the four places of its second bar
    away = replace(EVEN, notes=other)
    ruled = beside.WEIGHTS["marching"] * (0.75 - beside.MARCHING) - beside.WEIGHTS["marching"] * (1 - beside.MARCHING)
    owed = beside.WEIGHTS["restless"] * (beside.SAME_PLACES - 2 / 6)
    assert beside_cost(away) - beside_cost(EVEN) == pytest.approx(owed + ruled)


def test_a_move_from_the_tone_before_counts_beside_the_others():
    """D to C over G to F: parallel fifths at the joint, an octave lower they would be."""
    low = np.array([(-TICKS, TICKS, 55), (0, 8 * TICKS, 53)])
    joined, far = (beside_cost(EVEN, before=before, low=low) for before in (line((-1, 1, 62)), FAR))
    assert joined - far == pytest.approx(beside.WEIGHTS["fifths"], abs=0.5)


def test_a_tune_that_goes_on_in_fifths_from_the_tone_before_is_dearer():
    """EVEN begins on C: D before it over G, then F, are fifths; so is an upbeat of the line itself."""
    bass = [(-2 * TICKS, 7), (0, 5)]
    before = line((-1, 1, 62))
    assert choosing.parallels(EVEN, bass, before) == (1, 0)
    assert choosing.parallels(EVEN, bass) == choosing.parallels(EVEN, bass, line((-2, 1, 62))) == (0, 0)
    upbeat = line((-1, 1, 62), (0, 1, 60))
    assert choosing.parallels(upbeat, bass) == (1, 0)


# Figures


def bank():
    """Two stretches of one bar of 4/4: tones that rise beside the quarters, and a chord held for the bar."""
    off = [(24, 24, 0, 0), (72, 24, 1, 0), (120, 24, 1, 1), (168, 24, 1, 0)]
    held = [(0, 192, 0, 0), (0, 192, 1, 0)]
    bars = [[(0, 40, ()), (1, 60, (4,))], [(2, 40, (7,)), (0, 60, ())]]
    rows = [(0, 1, 4, 4, 76, 1, 1, 0, 4), (1, 1, 4, 4, 76, 1, 1, 1, 1)]
    return Bank.of([[], off, held], bars, rows, [(1, 4.2, 0, 0, 69, 55, 0.5)], {})


def test_what_stretches_do_is_read_from_their_figures():
    assert bank().offbeat.tolist() == [1, 0]
    assert bank().moving.tolist() == [3, 0]
    assert bank().held.tolist() == [0, 1]


def test_stretches_of_several_bars_are_read_whole():
    figures = [[], [(0, 96, 0, 0), (96, 96, 0, 0)], [(0, 48, 1, 0), (24, 48, 0, 0)], [(0, 192, 0, 0)]]
    bars = [[(0, 40, ()), (1, 60, ())], [(0, 40, ()), (2, 60, (3,))], [(3, 40, ()), (1, 60, ())]]
    found = Bank.of(figures, bars, [(0, 3, 4, 4, 76, 1, 1, 0, 6)], [(1, 4.2, 0, 0, 69, 55, 0.5)], {})
    assert found.offbeat.tolist() == [pytest.approx(1 / 6)]
    assert found.moving.tolist() == [pytest.approx(2 / 3)]
    assert found.held.tolist() == [pytest.approx(192 / (192 + 96 + 192 + 192))]


def test_figures_beside_the_beat_that_move_and_are_not_held_are_likelier(monkeypatch):
    whole = shipped().bank
    measured = {"BESIDE_BEAT": (whole.offbeat, 0.001), "MOVES": (whole.moving, 0.05), "HELD": (-whole.held, 0.002)}
    drawn = stretch_weights(whole)
    for name, (values, least) in measured.items():
        with monkeypatch.context() as patch:
            patch.setattr(stretches, name, 0.0)
            assert float((values * (drawn - stretch_weights(whole))).sum()) > least


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (6, 8), (2, 4)])
def test_no_figure_is_everybodys(metre):
    share = stretch_weights(shipped().bank, metre)
    assert np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()) > 10


def test_a_bar_before_a_song_is_the_fullest_of_its_stretch():
    bars = [bank().hands(0), bank().hands(1)]
    assert from_the_fullest(bars) == bars and from_the_fullest(bars[::-1]) == bars
    whole = shipped().bank
    wanted = profile("melancholy").writing
    form = plan_form(wanted, np.random.default_rng(1), seconds=60, bpm=None, metre="4/4", ways=SUNG)
    scene = Scene(form, (), ground_of(form, (), 0), 0, NOTHING)
    for seed in range(20):
        found = stretches.drawn(whole, scene, np.random.default_rng(seed))["intro", False]
        strikes = [len({at for hand in bar for at in hand.figure[:, 0].tolist()}) for bar in found]
        assert strikes[0] == max(strikes) > 1


def test_where_nobody_sings_it_is_as_full_as_people_play_there():
    """However little a mood asks for: seldom under its tune, but before it as often as pianists do there."""
    whole = shipped().bank
    usual = stretches.usual_alone(whole)
    assert usual == pytest.approx(np.median(whole.rate[whole.stretches[:, SUNG_COLUMN] == 0])) and 0.6 < usual < 1.2
    few = replace(profile("melancholy").writing, onset_rate=0.3, melody_rate=0.2)
    sung, alone = (float(stretch_weights(whole, wanted=few, letter=letter) @ whole.rate) for letter in ("A", "intro"))
    assert sung < 0.6 * usual and 0.8 * usual < alone < 1.3 * usual
    many = replace(few, onset_rate=4.0)
    assert float(stretch_weights(whole, wanted=many, letter="intro") @ whole.rate) > 1.5 * usual
    asked = float(stretch_weights(whole, wanted=many, letter="intro", rate=0.3) @ whole.rate)
    assert asked < 0.7 * usual  # a profile of somebody's music says how full all of it is


def stretch_weights(whole, metre=(4, 4), *, wanted=None, letter="A", rate=None):
    wanted = wanted or profile("melancholy").writing
    name = f"{metre[0]}/{metre[1]}"
    form = plan_form(wanted, np.random.default_rng(1), seconds=60, bpm=None, metre=name, ways=SUNG)
    phrase = next(p for p in form.phrases if p.letter == letter)
    scene = Scene(form, (), ground_of(form, (), 0), 0, NOTHING)
    found = stretches.weights(whole, metre, scene, phrase, wanted, set(), (), rate)
    return found / found.sum()


def test_a_climax_has_no_rival():
    def cost(done, **asked):
        return choosing.cost(EVEN, replace(ASK, **asked), ground(), done, 0.5, 0.8, ())

    rivalled = choosing.WEIGHTS["rivalled"]
    before = {"top": 68, "summit": True}  # EVEN's highest tone is 67
    assert cost(Sung(high=67), **before) - cost(Sung(high=66), **before) == pytest.approx(rivalled)
    assert cost(Sung(summit=67, high=70)) - cost(Sung(summit=68, high=70)) == pytest.approx(rivalled)


def test_a_phrase_is_highest_where_it_was_asked_to_be():
    """EVEN is highest at its fifth of eight onsets, four sevenths of its way."""
    there, early = (choosing.cost(EVEN, replace(ASK, peak=at), ground(), Sung(), 0.5, 0.8, ()) for at in (4 / 7, 0.0))
    assert early - there == pytest.approx(choosing.WEIGHTS["peak"] * 4 / 7)


def test_phrases_that_reach_upward_are_to_be_highest_later():
    wanted = profile("melancholy").writing
    form = plan_form(wanted, np.random.default_rng(1), seconds=60, bpm=None, metre="4/4", ways=SUNG)
    phrase = next(p for p in form.phrases if p.kind == "body")
    rng = np.random.default_rng(2)
    early, late = (np.mean([manner_of_peak(phrase, reach, rng) for _ in range(500)]) for reach in (0.0, 1.0))
    assert early < 0.3 and late > 0.55
