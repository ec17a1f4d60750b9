"""What is there stays to the tick; what is new goes from it to it, on its plan, playable by who plays it."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.composition import compose, continued, harmonise, infill, vary
from melancholia.composition.held import Held, Like, merged
from melancholia.composition.outline import by_tunes, outline_of, tune
from melancholia.composition.rewriting import at_home, thinned
from melancholia.errors import InputError
from melancholia.midi import load_midi, save_midi
from melancholia.orchestra import facts_of
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from melancholia.profile import moods, profile
from tests.tunes import sung

SEEDS = {mood: 900 + number for number, mood in enumerate(moods())}


@pytest.fixture(scope="module", params=moods()[::2])  # half of the moods tells; tunes are harmonised in all
def made(request):
    wanted = profile(request.param)
    return compose(wanted, seconds=45, seed=SEEDS[request.param], composer="learned"), wanted


def inside(notes, first, end):
    return [note for note in notes if first - 1e-9 <= note.start < end - 1e-9]


def outside(notes, first, end):
    return [note for note in notes if not first - 1e-9 <= note.start < end - 1e-9]


def playable(piece, before=None):
    """Every note in its player's range, or in that of what was there; a melody is one line."""
    for part in piece.parts:
        low, high = facts_of(part.instrument).low, facts_of(part.instrument).high
        assert all(low <= note.pitch <= high for note in part.notes)
        if part.role == "melody":
            assert all(a.end <= b.start + 1e-9 for a, b in zip(part.notes, part.notes[1:], strict=False))
    return True


# Bars and parts written anew


def test_other_bars_stay_to_the_tick(made):
    piece, wanted = made
    first, last = 4, min(7, round(piece.end / piece.bar_quarters) - 1)
    found = infill(piece, wanted, bars=(first, last), seed=1)
    start, end = (first - 1) * piece.bar_quarters, last * piece.bar_quarters
    assert playable(found)
    for part in piece.parts:
        assert outside(part.notes, start, end) == outside(found.part(part.name).notes, start, end)
    assert inside(tune(piece), start, end) != inside(tune(found), start, end)
    assert inside(tune(found), start, end)
    assert (found.chords, found.tempo, found.key) == (piece.chords, piece.tempo, piece.key)
    assert found.sections == piece.sections
    assert found.end == pytest.approx(piece.end)


def test_a_part_is_written_anew_and_no_other(made):
    piece, wanted = made
    for role in sorted({part.role for part in piece.parts}):
        names = {part.name for part in piece.with_role(role)}
        found = infill(piece, wanted, parts=[role], seed=2)
        assert all(found.part(part.name) == part for part in piece.parts if part.name not in names)
        assert playable(found) and found.end == pytest.approx(piece.end)
        if any(len(part.notes) > 8 and facts_of(part.instrument).pitched for part in piece.with_role(role)):
            assert any(found.part(name).notes != piece.part(name).notes for name in names)


def test_a_part_stays_as_full_as_it_was(made):
    piece, wanted = made
    for part in piece.parts:
        if part.role in ("harmony", "counter", "bass", "texture") and facts_of(part.instrument).pitched:
            found = infill(piece, wanted, parts=[part.name], seed=6).part(part.name).notes
            if len(part.notes) >= 12 and found:
                assert 0.45 <= Like.of(found).density / Like.of(part.notes).density <= 2.2
                if part.role != "harmony":
                    assert abs(Like.of(found).centre - Like.of(part.notes).centre) <= 5


def test_some_bars_of_one_part(made):
    piece, wanted = made
    found = infill(piece, wanted, bars=(3, 6), parts=["melody"], seed=3)
    start, end = 2 * piece.bar_quarters, 6 * piece.bar_quarters
    assert [part for part in found.parts if part.role != "melody"] == [p for p in piece.parts if p.role != "melody"]
    assert outside(tune(found), start, end) == outside(tune(piece), start, end)


def test_new_notes_begin_over_their_chords(made):
    """As often as those of a piece do, or nearly: they are written for the chords that stay."""
    piece, wanted = made

    def fitting(which):
        held = [n for part in which.parts for n in part.notes if facts_of(part.instrument).pitched]
        chord = [next(c for c in which.chords if n.start < c.end - 1e-9) for n in held]
        return np.mean([n.pitch % 12 in c.pitch_classes for n, c in zip(held, chord, strict=True)])

    found = infill(piece, wanted, parts=[part.name for part in piece.parts], seed=4)
    assert fitting(found) >= min(fitting(piece), 0.9) - 0.12


def test_what_is_not_there_is_refused(made):
    piece, wanted = made
    count = outline_of(piece, wanted).form.bars
    for given_, said in (
        ({}, "nothing is to be written anew"),
        ({"bars": (0, 4)}, f"first bar is 0; allowed: 1 to {count}"),
        ({"bars": (2, count + 1)}, f"last bar is {count + 1}; allowed: 1 to {count}"),
        ({"bars": (5, 3)}, "bars are 5 to 3"),
        ({"parts": ["drums"]}, "Unknown part 'drums'"),
        ({"bars": 3}, r"bars is 3; allowed: the first and the last, as \(5, 8\)"),
        ({"bars": (1, 2, 3)}, r"bars is \(1, 2, 3\); allowed: the first and the last"),
        ({"parts": "melody"}, "parts is 'melody'; allowed: names in a list"),
        ({"bars": (2, 3), "composer": "planned"}, "composer is planned"),
    ):
        with pytest.raises(InputError, match=said):
            infill(piece, wanted, **given_)


# Variations


def test_the_more_it_varies_the_less_stays(made):
    piece, wanted = made
    line = {(note.start, note.pitch) for note in tune(piece)}
    assert vary(piece, wanted, 0) == piece
    kept = []
    for amount in (0.15, 0.5, 1.0):
        found = vary(piece, wanted, amount, seed=5)
        assert playable(found) and found.chords == piece.chords and found.end == pytest.approx(piece.end)
        kept.append(len(line & {(note.start, note.pitch) for note in tune(found)}) / len(line))
    assert 1 > kept[0] > kept[1] > kept[2] and kept[0] >= 0.8 and kept[2] < 0.5


def test_edges_of_phrases_stay_where_it_varies_a_little(made):
    piece, wanted = made
    outline = outline_of(piece, wanted)
    held = thinned(piece.with_role("melody")[0], 0.25, outline, np.random.default_rng(1))
    stays = set(held.notes)
    for first, end in outline.spans():
        own = [note for note in piece.with_role("melody")[0].notes if first <= round(note.start * 48) < end]
        if len(own) >= 8:
            assert own[0] in stays and own[-1] in stays


def test_seeds_differ_and_each_repeats(made):
    piece, wanted = made
    assert vary(piece, wanted, 0.5, seed=6) == vary(piece, wanted, 0.5, seed=6) != vary(piece, wanted, 0.5, seed=7)


# Further


def test_what_goes_on_was_there_and_brings_its_tune_back(made):
    piece, wanted = made
    found = continued(piece, wanted, seconds=30, seed=8)
    playable(found)
    assert found.seconds == pytest.approx(piece.seconds + 30, abs=0.5)
    for part in piece.parts:
        assert found.part(part.name).notes[: len(part.notes)] == part.notes
        later = found.part(part.name).notes[len(part.notes) :]  # a last tone may ring into it, half a bar at most
        assert all(note.start >= piece.end - piece.bar_quarters / 2 - 1e-9 for note in later)
    assert found.sections[: len(piece.sections)] == piece.sections
    before = found.chords[: len(piece.chords)]
    assert before[:-1] == piece.chords[:-1]  # the last one ends where the next begins, if that is in its ringing
    assert 0 < before[-1].duration <= piece.chords[-1].duration
    assert all(found.chords[k].end <= found.chords[k + 1].start + 1e-9 for k in range(len(found.chords) - 1))
    assert found.chords[-1].end == pytest.approx(found.end, abs=1e-3)  # a tick of MIDI
    later = [section.name.rstrip("'") for section in found.sections[len(piece.sections) :]]
    assert "A" in later
    assert len({section.name for section in found.sections}) == len(found.sections)
    assert inside(tune(found), piece.end, found.end)


def test_what_goes_on_behind_bars_that_were_emptied_has_nothing_of_their_plan(made):
    """A plan may outlast its notes: who deletes the end of a piece and goes on has one chord, phrase and section at a
    time all the same."""
    piece, wanted = made
    cut = piece.bar_quarters * (round(piece.end / piece.bar_quarters) - 3)
    kept = replace(piece, parts=tuple(replace(p, notes=tuple(outside(p.notes, cut, 1e9))) for p in piece.parts))
    found = continued(kept, wanted, seconds=20, seed=8)
    assert all(chord.duration > 0 for chord in found.chords)
    assert all(a.end <= b.start + 1e-9 for a, b in itertools.pairwise(found.chords))
    assert all(a.start < b.start for a, b in itertools.pairwise(found.phrases))
    assert all(a.bar < b.bar for a, b in itertools.pairwise(found.sections))


def test_a_letter_that_comes_back_stands_in_its_key(made):
    piece, wanted = made
    head = outline_of(piece, wanted).form
    away = replace(head, phrases=tuple(replace(p, local_key=5, mode="minor") for p in head.phrases))
    tail = replace(head, phrases=(*head.phrases, replace(head.phrases[-1], letter="X", local_key=3, mode="major")))
    keys = [(p.letter, p.local_key, p.mode) for p in at_home(tail, away).phrases]
    assert keys == [*((p.letter, 5, "minor") for p in head.phrases), ("X", 3, "major")]


@pytest.mark.long
def test_a_continuation_returns_to_the_home_tune():
    """In half of the seeds or more the head of the home tune is heard again in its rhythm, or whole."""
    wanted = profile("longing")
    alike = []
    for seed in range(8):
        piece = compose(wanted, seconds=40, seed=30 + seed, composer="learned")
        found = continued(piece, wanted, seconds=40, seed=seed)
        bars = [next(s.bar for s in piece.sections if s.name == "A")]
        bars += [s.bar for s in found.sections[len(piece.sections) :] if s.name.startswith("A")]
        heads = [
            {round(n.start - bar * piece.bar_quarters, 3) for n in inside(tune(found), *span(bar, piece))}
            for bar in bars
        ]
        alike.append(max(len(heads[0] & head) / len(heads[0]) for head in heads[1:]))
    assert sum(share >= 0.8 for share in alike) >= 4, alike


def span(bar, piece):
    return bar * piece.bar_quarters, (bar + 2) * piece.bar_quarters


# Anybody's music

PIANO = Piece(
    (
        Part("Piano", "harmony", "", tuple(
            note
            for bar in range(12)
            for note in (
                Note(4 * bar, 2, 76 - bar % 4, 80), Note(4 * bar + 2, 1, 72 + bar % 3, 80),
                Note(4 * bar + 3, 1, 74, 80),
                *(Note(4 * bar + k, 1, pitch, 55) for k, pitch in enumerate((45, 52, 57, 52))),
            )
        )),
    ),
    TempoMap.steady(66),
)  # fmt: skip


@pytest.mark.parametrize("bars, start, end", [((5, 6), 16, 24), ((12, 12), 44, 99), ((1, 2), 0, 8)])
def test_a_piano_of_anybody_stays_a_piano(bars, start, end):
    """What is new of its tune, bass and chords goes into the part they are in, and all else is untouched."""
    found = infill(PIANO, profile("melancholy"), bars=bars, seed=1)
    assert outside(found.parts[0].notes, start, end) == outside(PIANO.parts[0].notes, start, end)
    assert len(inside(found.parts[0].notes, start, end)) >= 4 * (bars[1] - bars[0] + 1)
    assert replace(found, parts=()) == replace(PIANO, parts=()) and [p.name for p in found.parts] == ["Piano"]


def band():
    """Tracks of somebody else's, in 4/4: lead, chords, a bass on every beat, drums, with a pedal and velocities."""
    lead = tuple(Note(k, 1, 69 + (0, 2, 3, 5, 3, 2)[k % 6], 60 + k) for k in range(32))
    chords = tuple(Note(4 * k, 3.9, pitch, 50 + k) for k in range(8) for pitch in ((57, 60, 64), (53, 57, 60))[k % 2])
    bass = tuple(Note(k, 0.95, (33, 29)[k // 4 % 2], 81) for k in range(32))
    drums = tuple(Note(k / 2, 0.25, 38, 90) for k in range(64))
    return Piece(
        (
            Part("Lead", "harmony", "", lead), Part("Keys", "harmony", "", chords, {"pedal": ((0, 127), (3.5, 0))}),
            Part("Bass", "harmony", "", bass), Part("Kit", "percussion", "", drums),
        ),
        TempoMap(((0, 600_000), (8, 700_000))),
        key=Key(2, "minor"),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_no_part_falls_silent_where_it_is_written_anew(seed):
    theirs, wanted = band(), profile("longing")
    found = infill(theirs, wanted, bars=(3, 4), seed=seed)
    assert replace(found, parts=()) == replace(theirs, parts=())
    for before, after in zip(theirs.parts, found.parts, strict=True):
        assert (before.name, before.instrument, before.curves) == (after.name, after.instrument, after.curves)
        assert outside(before.notes, 8, 16) == outside(after.notes, 8, 16)
        assert len(inside(after.notes, 8, 16)) >= (2 if before.name != "Bass" else 3)
    assert found.part("Kit") == theirs.part("Kit")  # it has no pitch, and was not named
    for name in ("Keys", "Bass"):
        one = infill(theirs, wanted, bars=(3, 4), parts=[name], seed=seed)
        assert [p for p in one.parts if p.name != name] == [p for p in theirs.parts if p.name != name]
    assert vary(theirs, wanted, 0, seed=seed) == theirs
    assert vary(theirs, wanted, 0.01, seed=seed) == theirs


def test_empty_bars_are_filled():
    theirs, wanted = band(), profile("longing")
    gap = replace(theirs, parts=tuple(replace(p, notes=tuple(outside(p.notes, 8, 24))) for p in theirs.parts))
    found = infill(gap, wanted, bars=(3, 6), seed=2)
    for part in found.parts:
        if part.name != "Kit":
            assert len({note.start // 4 for note in inside(part.notes, 8, 24)}) >= 3, part.name


def test_what_goes_on_is_heard_though_what_was_faded(made):
    piece, wanted = made
    fading = tuple((at, 127 - 2 * at) for at in range(int(piece.end)) if at < 60)
    part = replace(piece.parts[0], curves={"expression": fading, "pedal": ((0, 127),)})
    found = continued(replace(piece, parts=(part, *piece.parts[1:])), wanted, seconds=20, seed=1).parts[0]
    assert found.curves["pedal"][-1] == (piece.end, 0)
    assert found.curves["expression"][-1] == (piece.end, int(np.median([value for _, value in fading])))


def test_a_legato_tune_keeps_its_overlaps_and_its_loudness():
    over = Piece(
        (Part("v", "melody", "", tuple(Note(k, 1.2, 69 + k % 4, 50 + k) for k in range(24))),), TempoMap.steady(60)
    )
    found = harmonise(over, profile("loss"), instruments=["solo_violin", "harp"], seed=1)
    assert found.with_role("melody")[0].notes == over.parts[0].notes
    assert str(harmonise(over, profile("loss"), key="D minor", seed=1).key) == "D minor"


ODD = [(7, 8), (6, 16), (1, 4), (11, 8), (3, 2), (12, 8)]


@pytest.mark.parametrize("metre", ODD)
def test_odd_metres(metre):
    rng = np.random.default_rng(metre[0])
    pitches = np.clip(69 + np.cumsum(rng.choice([-2, -1, 1, 2], 24)), 57, 79)
    given_ = sung(rng.choice([1.0, 2.0, 3.0], 24), [int(p) for p in pitches], metre=metre)
    wanted = profile("solitude")
    for found in (
        harmonise(given_, wanted, seed=1), vary(given_, wanted, 0.5, seed=1),
        continued(given_, wanted, seconds=15, seed=1),
    ):  # fmt: skip
        playable(found)
        assert found.metre == metre


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_tune_of_one_note_or_a_few(count):
    few = sung([4] * count, [69, 72, 71][:count], metre=(4, 4))
    wanted = profile("loss")
    assert len(tune(harmonise(few, wanted, seed=1))) == count
    assert continued(few, wanted, seconds=15, seed=1).seconds > 15
    assert tune(infill(few, wanted, bars=(1, 1), seed=1))


@pytest.mark.parametrize(("eighths", "bars"), [([16, 16], 4), ([32], 4), ([8, 8.6], 2), ([8, 2], 2), ([8, 9.2], 3)])
def test_bars_go_to_where_the_last_note_ends(eighths, bars):
    """A little beyond a bar line is its bar still; of our own plans a last note that is held makes no bars."""
    held = sung(eighths, [69, 72][: len(eighths)], metre=(4, 4))
    wanted = profile("loss")
    assert outline_of(held, wanted).form.bars == bars
    with pytest.raises(InputError, match=f"last bar is 99; allowed: 1 to {bars}\\."):
        infill(held, wanted, bars=(1, 99))
    if bars == 4:
        written = harmonise(held, wanted, seed=2)
        assert len({chord.start for chord in written.chords}) > 1
        assert any(note.start >= 8 for part in written.parts if part.role != "melody" for note in part.notes)


def test_no_tune_is_one_line():
    drums = Piece((Part("kit", "percussion", "", (Note(0, 1, 36, 80),)),), TempoMap.steady(80))
    empty = Piece((Part("x", "melody", "", ()),), TempoMap.steady(80))
    for nothing in (drums, empty):
        for way in (
            lambda p, w: infill(p, w, bars=(1, 1)), lambda p, w: vary(p, w, 0.5), harmonise,
            lambda p, w: continued(p, w, seconds=20),
        ):  # fmt: skip
            with pytest.raises(InputError, match="holds no (tune|pitched note)"):
                way(nothing, profile("loss"))


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(40, 90)), min_size=1, max_size=30),
    st.sampled_from([(4, 4), (3, 4), (7, 8)]),
    st.integers(30, 200),
)
def test_whatever_is_there_stays(rows, metre, bpm):
    """Tunes off every grid, with gaps, in any order of pitches."""
    at, notes = 0.0, []
    for gap, length, pitch in rows:
        notes.append(Note(at, length / 7, pitch, 64))
        at += max(length / 7, gap / 5)
    given_ = Piece((Part("tune", "melody", "felt_piano", tuple(notes)),), TempoMap.steady(bpm), metre)
    wanted = profile("longing")
    found = vary(given_, wanted, 0.4, seed=1, parts=["tune"])
    bars = outline_of(found, wanted).form.bars
    assert bars >= 1
    first = (bars // 2) * given_.bar_quarters
    filled = infill(given_, wanted, bars=(bars // 2 + 1, bars // 2 + 1), seed=2) if bars // 2 + 1 <= bars else given_
    kept = outside(given_.parts[0].notes, first, first + given_.bar_quarters)
    assert set(kept) <= set(filled.parts[0].notes)


def test_a_written_file_can_be_edited_and_written_on(tmp_path, made):
    piece, wanted = made
    save_midi(piece, tmp_path / "score.mid")
    read = load_midi(tmp_path / "score.mid")
    assert infill(read, wanted, bars=(2, 4), seed=3) == infill(piece, wanted, bars=(2, 4), seed=3)


# Plans that are read


def test_an_outline_is_the_plan(made):
    piece, wanted = made
    found = outline_of(piece, wanted)
    assert [p.bar for p in found.form.phrases] == sorted({p.bar for p in found.form.phrases})
    assert found.form.phrases[-1].end == found.form.bars
    assert [slot.pitch_classes(piece.key.tonic) for slot in found.slots] == [c.pitch_classes for c in piece.chords]
    assert {s.name.rstrip("'") for s in piece.sections} == {p.letter for p in found.form.phrases}
    assert sum(p.kind == "climax" for p in found.form.phrases) <= 1


def test_phrases_that_say_the_same_have_one_letter():
    head = [Note(k, 1, p, 60) for k, p in enumerate((69, 71, 72, 71, 69))]
    other = [Note(8 + k, 1, p, 60) for k, p in enumerate((76, 69, 77, 64, 76))]
    back = [replace(note, start=note.start + 16) for note in head]
    assert by_tunes([*head, *other, *back], [0, 8, 16]) == ["A", "B", "A"]


def test_spans_are_joined():
    assert merged([(5, 8), (0, 3), (3, 4), (7, 9), (2, 2)]) == ((0, 4), (5, 9))
    held = Held((Note(0, 1, 60, 40), Note(2, 1, 62, 60)), ((48, 96),))
    assert held.is_open(48) and not held.is_open(96) and not held.is_open(47)
    assert [must.straight for must in held.musts()] == [True, False]
    assert Held((Note(0, 3.142708, 60, 40),), ()).rows.tolist() == [[0, 152, 60]]  # none begins before it is over
    long = Held((Note(0, 3, 60, 50),), ((48, 96),))
    assert long.joined([Note(1, 1, 60, 50), Note(1.5, 1, 64, 50)]) == [Note(0, 3, 60, 50), Note(1.5, 1, 64, 50)]
    new = [Note(0.5, 1, 70, 90), Note(1, 1, 71, 90), Note(2, 1, 72, 90)]
    assert held.joined(new) == [Note(0, 1, 60, 40), Note(1, 1, 71, 50), Note(2, 1, 62, 60)]
