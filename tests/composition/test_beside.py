"""What goes with a learned tune: lines that keep their plan and their player, figures of pianists over led chords."""

import importlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.composition import compose, measures
from melancholia.composition.accompanying import LAST_CHORDS, accompany, last_chord, one_each, stepped
from melancholia.composition.arranging import Stand, bottom
from melancholia.composition.asks import ground_of
from melancholia.composition.assembly import opened
from melancholia.composition.beside import Scene, recalled
from melancholia.composition.character import BUSIEST, CLIMAX, Character, draw_character, promised, varied
from melancholia.composition.coding import TICKS
from melancholia.composition.composers import FIGURATIONS, LINES, MODELS, composer_of, shipped
from melancholia.composition.continuing import Must
from melancholia.composition.figurations import FIRST, SONGS, Hand, load_bank, save_bank
from melancholia.composition.form import plan_form
from melancholia.composition.hands import Unit, brought_back, narrowest, spaced
from melancholia.composition.harmony import Slot, plan_harmony
from melancholia.composition.leading import meeting, pair
from melancholia.composition.meanwhile import meanwhile
from melancholia.composition.stretches import KINDS, divided, joined
from melancholia.composition.ways import SUNG
from melancholia.errors import InputError
from melancholia.piece import Note, Part, TempoMap
from melancholia.profile import moods, profile
from melancholia.setting import setting
from melancholia.writing import WRITING_RANGES
from tests.composition.test_theme import SIGH


def test_pieces_of_a_mood_differ_in_pace_height_and_stir():
    pieces = [compose(profile("longing"), seconds=30, seed=s, composer="learned") for s in range(700, 710)]
    tempo = np.array([60e6 / p.tempo.changes[0][1] for p in pieces])
    assert tempo.std() / tempo.mean() >= 0.1
    assert np.std([measures.melody_mean(p) for p in pieces]) >= 1
    rates = [len({n.start for q in p.parts if q.role != "melody" for n in q.notes}) / p.seconds for p in pieces]
    assert np.std(np.log(rates)) >= 0.2
    assert len({tuple((q.role, q.instrument) for q in p.parts) for p in pieces}) >= 4


def test_the_same_seed_has_the_same_character_at_every_intensity():
    paces = [
        compose(profile("melancholy", i), seconds=30, seed=9, key="A minor", composer="learned").tempo.changes[0][1]
        for i in (0.1, 0.5, 0.9)
    ]
    assert paces[0] < paces[1] < paces[2]  # microseconds a quarter: the sadder, the slower


# Characters


def test_all_drafts_of_a_take_have_one_character_but_those_on_a_theme(monkeypatch):
    module = importlib.import_module("melancholia.composition.compose")
    drafts = []
    write = module.write

    def written(*args):
        drafts.append(args[-1])
        return write(*args)

    monkeypatch.setattr(module, "write", written)
    for asked in ({}, {"take": 1}, {"theme": SIGH}):
        drafts.clear()
        compose(profile("longing"), seconds=30, seed=3, **asked)
        apart = {replace(draft, sadder=0) for draft in drafts}
        assert len(drafts) >= 2 and len(apart) == (len(drafts) if "theme" in asked else 1)


def test_a_busy_character_stays_within_what_songs_have():
    busy = Character(1.0, 1.0, 4.0, 0.0, 0.0, 0.5)
    calm = profile("longing", 0).writing
    assert busy.of(calm).onset_rate == BUSIEST > calm.onset_rate
    assert busy.of(replace(calm, onset_rate=5.0)).onset_rate == 5.0  # a mood may ask for more
    assert replace(busy, stir=0.5).of(calm).onset_rate == pytest.approx(calm.onset_rate / 2)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["minor", "major"]), st.sampled_from(moods()))
def test_a_character_is_one_that_songs_have(seed, mode, mood):
    found = draw_character(shipped().bank, mode, np.random.default_rng(seed))
    assert CLIMAX[0] <= found.climax <= CLIMAX[1] and abs(found.height) < 7 and 0.5 < found.pace < 2
    writing = found.of(profile(mood).writing)
    for name, (low, high, *_) in WRITING_RANGES.items():
        assert low <= getattr(writing, name) <= high


def test_a_sad_piece_is_like_a_sad_song():
    """What a piece shall be sadder by, songs are that have fewer tones."""

    def drawn(sadder):
        return [draw_character(shipped().bank, "minor", np.random.default_rng(seed), sadder) for seed in range(80)]

    merry, usual, sad = (drawn(sadder) for sadder in (-0.3, 0.0, 0.3))
    stir = [np.mean([np.log(c.stir) for c in some]) for some in (merry, usual, sad)]
    assert stir[0] - 0.3 > stir[1] > stir[2] + 0.3
    assert np.std([np.log(c.stir) for c in usual]) >= 0.5  # people: .64


@pytest.mark.parametrize("mood", moods())
def test_what_a_piece_is_to_be_sadder_its_writing_promises(mood):
    usual = Character(1.0, 1.0, 1.0, 0.0, 0.0, 0.5)
    writing = replace(profile(mood).writing, onset_rate=2.0, melody_rate=1.5, bpm=70, mode_index=0.1)
    for sadder in (-0.1, -0.03, 0.06, 0.12):
        asked = replace(usual, sadder=sadder).of(writing)
        assert promised(asked) - promised(writing) == pytest.approx(sadder, abs=1e-6)
        assert (asked.onset_rate < writing.onset_rate) == (asked.mode_index > writing.mode_index) == (sadder > 0)
    assert promised(writing, bpm=50) > promised(writing) == promised(writing, bpm=70)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(moods()))
def test_a_cast_that_varies_keeps_who_sings(seed, mood):
    writing = profile(mood).writing
    for orchestration in writing.orchestrations:
        found = varied(orchestration.players, writing, np.random.default_rng(seed))
        kept = [p for p in orchestration.players if p.role in ("melody", "harmony", "percussion")]
        assert [p for p in found if p in kept] == kept and len({p.name for p in found}) == len(found)
        assert {p.role for p in found} <= {p.role for p in orchestration.players}


# Voice leading


def rows(*notes):
    return np.array(notes, np.int64)


def test_two_lines_are_heard_together():
    upper = rows((0, 48, 67), (48, 48, 69), (96, 48, 67))
    assert pair(upper, rows((0, 48, 60), (48, 48, 62), (96, 48, 60))).fifths == 2
    assert pair(upper, rows((0, 48, 55), (48, 48, 57), (96, 48, 60))).octaves == 1
    assert pair(upper, rows((0, 48, 60), (48, 96, 60))).fifths == 0  # one of them stays
    rubs = pair(upper, rows((0, 48, 66), (48, 48, 62), (96, 48, 60)))
    assert rubs.rubs == pytest.approx(1 / 3) and rubs.crossed == 0
    assert pair(upper, rows((0, 144, 68))).crossed == pytest.approx(2 / 3)
    assert pair(upper, rows((0, 72, 55))).doubled == pytest.approx(48 / 72)
    assert pair(upper, upper[:0]).rubs == 0
    low = rows((0, 48, 45))
    assert [pair(rows((0, 48, high)), low).rubs for high in (46, 47, 48)] == [1, 1, 0]  # a tone apart under C3 is mud
    assert pair(rows((0, 48, 50)), rows((0, 48, 48))).rubs == 0
    assert [meeting(low, rows((0, 48, high)))[0] for high in (43, 47, 48)] == [1, 1, 0]


def test_a_line_meets_the_notes_of_others():
    line = rows((0, 48, 60), (48, 48, 64))
    assert meeting(line, rows((0, 24, 61), (0, 24, 64), (48, 96, 64))) == (0.25, 0.5)
    assert meeting(line, line[:0]) == (0.0, 0.0)


def test_the_lowest_tones_of_an_accompaniment():
    notes = rows((0, 96, 40), (0, 48, 60), (48, 48, 64), (96, 48, 62))
    assert bottom(notes).tolist() == [[0, 48, 40], [48, 48, 40], [96, 48, 62]]


def test_a_line_is_told_what_the_others_do():
    tune, low = rows((0, 48, 72), (96, 48, 71)), rows((0, 192, 48))
    found = meanwhile(np.array([0, 24, 48, 96]), 60.0, tune, low, "inner")
    assert found["tune"].argmax(axis=1).tolist()[:2] == [0, 0] and not found["tune"][2].any() and found["tune"][3, 11]
    assert found["tune_state"].tolist() == [[1, 0], [0, 0], [0, 1], [1, 0]]
    assert found["tune_move"].ravel().tolist() == [0, 0, 0, -1]
    assert found["tune_height"].ravel().tolist() == pytest.approx([1, 1, 0, 11 / 12])
    assert found["low_state"].tolist() == [[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert found["low_height"].ravel().tolist() == [-1] * 4 and found["voice"].tolist() == [[0, 1, 0]] * 4
    assert "low_state" not in meanwhile(np.array([0]), 60.0, tune, low[:0], "bass")  # unknown


# Figures


@settings(max_examples=60)
@given(
    st.integers(28, 60),
    st.lists(st.integers(1, 14), max_size=5),
    st.integers(1, 6),
    st.sampled_from([(0, 3, 7), (7, 11, 2, 5), (0, 7)]),
)
def test_tones_of_a_hand_rise_and_widen_downward(start, gaps, count, classes):
    found = spaced(start, gaps, count, classes, 96)
    assert found[0] == start and all(p % 12 in classes for p in found[1:])
    assert all(b - a >= narrowest(a) for a, b in zip(found, found[1:], strict=False))


def test_a_chord_is_spaced_as_it_was():
    assert spaced(45, (7, 5, 3), 4, (9, 0, 4), 96) == (45, 52, 57, 60)


def test_a_neighbour_is_the_next_tone_of_the_scale():
    scale = np.array([57, 59, 60, 62])
    assert [stepped(59, step, scale) for step in (-1, 0, 1)] == [57, 59, 60] and stepped(62, 1, scale) == 62


def test_no_tone_is_struck_while_it_sounds():
    found = one_each([(0, 96, 60), (48, 24, 60), (0, 48, 60), (0, 48, 64)])
    assert found.tolist() == [[0, 48, 60], [0, 48, 64], [48, 24, 60]]


def test_long_bars_are_made_of_shorter_ones():
    bank = shipped().bank
    assert divided((4, 4), bank) == ((4, 4),) and divided((12, 8), bank) == ((6, 8), (6, 8))
    assert divided((7, 8), bank) == ((2, 4), (3, 8)) and divided((7, 4), bank) == ((4, 4), (3, 4))
    assert divided((1, 4), bank) == ((3, 8),) and divided((5, 8), bank)[0] == (3, 8)
    hand = Hand(np.array([[0, 48, 0, 0], [48, 48, 2, 0]], np.int16), 48, (7, 5))
    left, right = joined([(hand, hand)] * 2, divided((12, 8), bank))
    assert left.figure[:, 0].tolist() == [0, 48, 144, 192] == right.figure[:, 0].tolist() and left.tones == 3
    late = Hand(np.array([[0, 48, 0, 0], [96, 48, 2, 0]], np.int16), 48, (7, 5))
    left, _ = joined([(late, late)] * 2, ((2, 4), (3, 4)))  # what lies behind the end of a bar is cut
    assert left.figure[:, 0].tolist() == [0, 96, 192]


def test_the_bank_is_what_several_wrote_and_says_so(tmp_path):
    bank = shipped().bank
    assert (MODELS / FIGURATIONS).stat().st_size <= 500_000 and bank.about["composers"] >= 100
    assert len(bank.stretches) > 3000 and len(bank.songs) > 1000 and bank.songs.shape[1] == len(SONGS)
    assert set(bank.kinds) == set(KINDS)
    for stretch in range(0, len(bank.stretches), 97):
        first = int(bank.stretches[stretch, FIRST])
        for hand in bank.hands(first):
            assert hand.tones <= len(hand.gaps) + 1 or not len(hand.figure)
            assert (hand.figure[:, 1] > 0).all() and set(hand.figure[:, 3].tolist()) <= {-1, 0, 1}
    save_bank(bank, tmp_path / "bank.npz")
    again = load_bank(tmp_path / "bank.npz")
    assert np.array_equal(again.notes, bank.notes) and again.about == bank.about


def test_the_model_of_lines_heeds_tune_bass_chords_and_phrases():
    card = shipped().lines.about
    nats = {name: found["sum"] for name, found in card["nats"].items()}
    whole = nats["test, chords heard"]
    assert all(nats[f"test, no {what}"] > whole + 0.02 for what in ("chords", "phrases", "tune", "bass"))
    assert (MODELS / LINES).stat().st_size <= 8_000_000


# Composers


def test_a_composer_of_ones_own_is_a_folder_or_a_file(tmp_path):
    ours = shipped()
    assert composer_of("planned") is None and composer_of("learned") is ours
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="holds no model"):
        composer_of(tmp_path / "mine")
    save_bank(replace(ours.bank, about={"works": 1}), tmp_path / "mine" / FIGURATIONS)
    mine = composer_of(str(tmp_path / "mine"))
    assert mine.bank.about == {"works": 1} and mine.tunes.about == ours.tunes.about
    with pytest.raises(InputError, match="is a model of lines; allowed: one of tunes"):
        composer_of(MODELS / LINES)
    for wrong, said in ((MODELS / LINES, "is no bank"), (tmp_path / "none.npz", "does not exist")):
        with pytest.raises(InputError, match=said):
            load_bank(wrong)


def test_a_bar_that_returns_has_the_tones_that_it_had():
    class Quiet:
        tune = np.zeros((0, 3), np.int64)

    class Rubbing:
        tune = rows((192, 192, 61))

    hand = Hand(np.array([[0, 48, 0, 0]], np.int16), 48, ())
    units = [
        Unit(192 * k, 192 * k, 192 * (k + 1), Slot("i", float(k), 1.0, 0, "minor"), (hand, hand), "A", 0)
        for k in (0, 1)
    ]
    first, other = ((48,), (60,)), ((36,), (64,))
    assert brought_back([first, other], units, Quiet) == [first, first]
    assert brought_back([first, other], units, Rubbing) == [first, other]


@pytest.mark.parametrize("ending", LAST_CHORDS)
@pytest.mark.parametrize("apart", [TICKS, TICKS // 2])
def test_a_last_chord_sounds_whole_to_its_end(ending, apart):
    unit = SimpleNamespace(start=96, end=96 + 6 * TICKS)
    hands = ((41, 48), (57, 60, 65, 69))
    found = last_chord(unit, hands, ending, apart, 2 * TICKS)
    behind = {pitch: start - unit.start for start, _, pitch in found}
    assert sorted(behind) == [41, 48, 57, 60, 65, 69] and {start + length for start, length, _ in found} == {unit.end}
    late = [behind[pitch] for pitch in sorted(behind)]
    if ending == "at once":
        assert set(late) == {0}
    elif ending == "broken":
        assert late == [k * TICKS // 4 for k in range(6)]  # the widest of those in which six fit into two quarters
    else:
        assert late == [0, 0, apart, apart, apart, apart]


def test_who_begins_late_beside_the_tune_holds_its_tone_from_the_start():
    """Rain and the tune are as they were; what begins soon stays."""
    form = SimpleNamespace(tempo=TempoMap.steady(60))
    tune = Part("tune", "melody", "cello", (Note(3, 1, 60, 60),))
    rain = Part("rain", "texture", "rain", (Note(1.75, 2, 60, 60),))
    harp = Part("harp", "harmony", "harp", (Note(2, 1, 48, 60), Note(2, 1, 55, 60), Note(4, 1, 50, 60)))
    found = opened((tune, rain, harp), form)
    assert found[:2] == (tune, rain)
    assert [(n.start, n.end, n.pitch) for n in found[2].notes] == [(0, 3, 48), (0, 3, 55), (4, 5, 50)]
    soon = (tune, replace(harp, notes=(Note(1.5, 1, 48, 60),)))
    assert opened(soon, form) == soon


def test_the_deep_bass_of_a_climax_is_there_whenever_its_tune_is():
    phrases = [
        SimpleNamespace(letter=letter, bar=k, kind="climax" if k == 2 else "body") for k, letter in enumerate("ABAAB")
    ]
    slot = SimpleNamespace(bass=lambda tonic: 9)
    scene = SimpleNamespace(
        form=SimpleNamespace(phrases=phrases), tonic=9, chords=lambda phrase: [(phrase.bar, phrase.bar + 1, slot)]
    )
    there = [
        Stand.roots(SimpleNamespace(scene=scene), {0, 1, 3, 4}, 28, 52, np.random.default_rng(s)) for s in range(40)
    ]
    assert all({0, 3} <= set(rows[:, 0].tolist()) for rows in there)  # where it may sound
    assert {tuple(sorted({1, 4} & set(rows[:, 0].tolist()))) for rows in there} == {(), (1, 4)}


def test_a_right_hand_alone_begins_the_last_chord():
    found = last_chord(SimpleNamespace(start=0, end=96), ((), (60, 64)), "right hand later", TICKS, 96)
    assert {start for start, *_ in found} == {0}


def test_an_accompaniment_leaves_the_middle_to_a_tune_that_lies_there():
    """The same plan under a tune at D5 and at G3: the hands part, and less of what they play lies beside the tune."""
    piece_form, slots = planned()

    def beside_tune(mean):
        tune = rows(*((TICKS * k, TICKS, mean) for k in range(8)))
        scene = Scene(piece_form, slots, ground_of(piece_form, slots, 9), 9, tune)
        found = accompany(
            shipped().bank, scene, set(range(piece_form.bars)), np.random.default_rng(4), low=28, high=96,
            bass=np.zeros((0, 3), np.int64),
        )  # fmt: skip
        return float((found[:, 1] * (np.abs(found[:, 2] - 57) <= 5)).sum() / found[:, 1].sum())

    assert beside_tune(55) < beside_tune(74) - 0.05


def planned():
    """A plan of 60 s in A minor."""
    wanted = profile("despair").writing
    form = plan_form(wanted, np.random.default_rng(1), seconds=60, bpm=None, metre="4/4", ways=SUNG)
    return form, plan_harmony(form, wanted, np.random.default_rng(2), None)


ASKED = {
    "film": {"setting": setting("film", hits="12.5,31!"), "seconds": 45},
    "loop": {"setting": "loop", "seconds": 30},
    "background": {"setting": "background", "seconds": 40},
    "tempo": {"bpm": 60, "seconds": 30},
    "one player": {"instruments": ["felt_piano"], "seconds": 30},
    "strings alone": {"instruments": ["solo_violin", "strings", "cello"], "seconds": 30},
    "a low trio": {"instruments": ["cello", "nylon_guitar", "sub_bass"], "seconds": 30},
    "short": {"seconds": 15},
}


@pytest.mark.parametrize("name", ASKED)
def test_whatever_is_asked_for_is_composed(name):
    asked = {"seed": 6, "composer": "learned", **ASKED[name]}
    piece = compose(profile("longing"), **asked)
    length = setting(asked["setting"]).end_s(asked["seconds"]) if name == "background" else asked["seconds"]
    length = asked["setting"].end_s(length) if name == "film" else length
    assert piece.seconds == pytest.approx(length, rel=0.06 if name == "loop" else 0.01)
    assert all(part.notes for part in piece.parts) and piece.with_role("melody")
    starts = {round(n.start, 6) for part in piece.parts for n in part.notes}
    assert {round(at, 6) for at in piece.hits} <= starts
    if name == "tempo":
        assert piece.fixed_tempo and piece.tempo.changes[0][1] == 1_000_000
    if "instruments" in asked:
        assert {part.instrument for part in piece.parts} == set(asked["instruments"])


@pytest.mark.parametrize("intensity", [[(0, 0.2), (1, 1.0)], 0.0, 1.0])
def test_a_curve_of_intensity_and_both_ends_are_composed(intensity):
    wanted = profile({"nostalgia": 0.5, "despair": 0.5}, intensity)
    piece = compose(wanted, seconds=40, seed=2, composer="learned")
    assert piece.seconds == pytest.approx(40, rel=0.01) and all(part.notes for part in piece.parts)


BAR = 4 * TICKS
LINE = np.array([(0, BAR, 60), (BAR, BAR // 2, 62), (BAR + BAR // 2, BAR // 2, 63)])  # over i and V


def come_back(*numerals, tune=(), low=()):
    """What a line of two bars must hold two bars later, over these chords."""
    first, second = SimpleNamespace(bar=0), SimpleNamespace(bar=2)

    def chords(phrase):
        names = ("i", "V") if phrase is first else numerals
        at = phrase.bar * BAR
        return [
            (at + k * BAR, at + (k + 1) * BAR, SimpleNamespace(numeral=n, local_key=0)) for k, n in enumerate(names)
        ]

    rows = [np.array(notes, np.int64).reshape(-1, 3) for notes in (tune, low)]
    scene = SimpleNamespace(bar=BAR, chords=chords, tune=rows[0])
    return recalled(scene, first, LINE, second, [Must(2 * BAR), Must(3 * BAR, (7,))], rows[1])


def test_a_line_returns_whole_where_the_chords_do():
    found = come_back("i", "V")
    assert [[m.at - 2 * BAR, m.length, m.pitch] for m in found] == LINE.tolist() and all(m.straight for m in found)


def test_a_line_returns_as_far_as_the_chords_do():
    found = come_back("i", "iv")
    assert [(m.at, m.pitch) for m in found] == [(2 * BAR, 60), (3 * BAR, None)]


@pytest.mark.parametrize(
    "others",
    [{"tune": [(2 * BAR, 2 * BAR, 61)]}, {"low": [(2 * BAR, BAR, 53), (3 * BAR, BAR, 55)]}],
    ids=["rub", "fifths"],
)
def test_a_line_that_rubs_or_goes_on_in_fifths_does_not_return_whole(others):
    found = come_back("i", "V", **others)
    assert found[-1].pitch is None and found[-1].at == 3 * BAR
