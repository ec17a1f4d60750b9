"""What the learned composer must keep, in every mood: its plan, its player, its theme, its seed."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.cli.compose import compose as compose_command
from melancholia.cli.make import make as make_command
from melancholia.composition import compose, measures, singing
from melancholia.composition.character import MOST_SADDER, draw_character
from melancholia.composition.coding import GAPS, LENGTHS, TICKS, TUNE, Compass, in_bar, nearest
from melancholia.composition.composers import MELODY, MODELS, shipped
from melancholia.composition.continuing import GRID, MOST_REPEATS, Ground, Line, Must, go_on, reachable
from melancholia.composition.dialects import BROKEN, CADENCES, CADENCES_MAJOR
from melancholia.composition.form import OPEN, plan_form
from melancholia.composition.harmony import plan_harmony
from melancholia.composition.numerals import parsed
from melancholia.composition.singing import cut
from melancholia.composition.ways import SUNG
from melancholia.errors import InputError
from melancholia.orchestra import facts_of
from melancholia.profile import moods, profile
from melancholia.written import sadness
from tests.composition.test_theme import OTHER, SIGH, UPBEAT, WALTZ, motif, tune_of
from tests.some import later

CASES = [*((mood, 0.7, 52) for mood in moods()), ("loss", 1, 53), *later(("despair", 1, 53), ("nostalgia", 1, 53))]


@pytest.fixture(scope="module", params=CASES, ids=str)
def made(request):
    mood, intensity, seed = request.param
    return compose(profile(mood, intensity), seconds=60, seed=seed, composer="learned")


def test_the_model_is_small_and_says_what_it_is():
    card = shipped().tunes.about
    assert (MODELS / MELODY).stat().st_size <= 8_000_000 and card["works"] > 1000 and card["notes"] > 100_000
    assert card["nats"]["test, cues of the pilot"]["sum"] <= 2.97  # what a second pilot came to with more cues: 3.02
    nats = {name: found["sum"] for name, found in card["nats"].items()}
    assert min(nats["test, no chords"], nats["test, no phrases"]) > nats["test, chords heard"] + 0.1
    assert {"4/4", "3/4", "6/8"} <= set(card["phrases"])


def phrases_of(piece):
    notes = measures.melody(piece)
    return [(p, [n for n in notes if p.start - 1e-6 <= n.start < p.end - 1e-6]) for p in piece.phrases]


def test_every_note_is_playable_and_no_two_sound_at_once(made):
    part = made.with_role("melody")[0]
    low, high = facts_of(part.instrument).written
    assert all(low <= n.pitch <= high for n in part.notes)
    assert all(a.end <= b.start + 1e-9 for a, b in zip(part.notes, part.notes[1:], strict=False))
    assert all(n.duration >= 0.1 for n in part.notes)


def test_phrases_end_as_planned_and_breathe(made):
    for phrase, notes in phrases_of(made)[:-1]:
        if not notes or phrase.cadence not in CADENCES:
            continue
        last = notes[-1]
        chord = next(c for c in made.chords if c.start - 1e-6 <= last.start < c.end - 1e-6)
        _, key, mode = parsed(chord.numeral, made.key.mode)
        degrees = (CADENCES if mode == "minor" else CADENCES_MAJOR)[phrase.cadence][1]
        assert last.pitch % 12 in chord.pitch_classes
        if not key:
            wanted = {(made.key.tonic + degree) % 12 for degree in degrees} & set(chord.pitch_classes)
            assert not wanted or last.pitch % 12 in wanted
        after = [n.start for n in measures.melody(made) if n.start > last.start]
        assert not after or after[0] - last.end >= 0.5 - 1e-6


def test_no_breath_is_longer_than_singers_have(made):
    """Between two rests of songs in minor nine of ten stretches last 15 s at most; of 90 pieces 99 of 100 do."""
    line = measures.melody(made)
    rests = [k for k, (a, b) in enumerate(zip(line, line[1:], strict=False)) if b.start - a.end >= 0.5 - 1e-6]
    firsts, lasts = [line[0], *(line[k + 1] for k in rests)], [*(line[k] for k in rests)]
    seconds = [float(np.diff(made.tempo.seconds([a.start, b.end]))[0]) for a, b in zip(firsts, lasts, strict=False)]
    assert max(seconds) <= 20 and 2 <= np.median(seconds) <= 12


def test_a_song_settles_where_it_goes():
    """In the key of a phrase that leaves home most close, and its tonic is heard in it."""
    wanted = profile("longing").writing
    open_ends, tonic = {}, {}
    for ways in (SUNG, replace(SUNG, settled=0.0)):
        away, major = [], []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            form = plan_form(wanted, rng, seconds=80, bpm=None, metre=None, ways=ways)
            away += [p.cadence in OPEN for p in form.phrases if p.visit == 0 and p.local_key and p.kind != "coda"]
            sung = [s for s in plan_harmony(form, wanted, rng) if form.phrase_at(s.bar).kind != "interlude"]
            major += [(s.bars, s.pitch_classes(0)[0] == s.local_key) for s in sung if s.local_key and s.mode == "major"]
        open_ends[ways.settled] = np.mean(away)
        tonic[ways.settled] = sum(bars for bars, own in major if own) / sum(bars for bars, _ in major)
    assert open_ends[SUNG.settled] < 0.35 < 0.6 < open_ends[0.0]
    assert tonic[SUNG.settled] > 1.5 * tonic[0.0]


def test_no_tone_four_times_beyond_what_returns(made):
    pitches = [n.pitch for n in measures.melody(made)]
    runs = [sum(1 for _ in group) for group in np.split(pitches, np.flatnonzero(np.diff(pitches)) + 1)]
    assert Counter(min(run, MOST_REPEATS + 4) for run in runs)[MOST_REPEATS + 4] == 0
    moves = [(a.pitch, b.pitch) for _, notes in phrases_of(made) for a, b in zip(notes, notes[1:], strict=False)]
    assert len({(a, b) for a, b in moves if abs(b - a) > 12}) <= max(1, 0.02 * len(moves))  # one may return


# What goes with the tune


LINE_ROLES = ("bass", "counter", "texture")


def pitched(piece):
    return [part for part in piece.parts if facts_of(part.instrument).pitched]


def test_every_part_is_playable_and_strikes_no_tone_that_it_holds(made):
    for part in pitched(made):
        facts = facts_of(part.instrument)
        assert all(facts.low <= n.pitch <= facts.high and n.duration > 0 for n in part.notes), part.name
        assert all(n.end <= made.end + 1e-6 for n in part.notes)
        ends = {}
        for note in sorted(part.notes):
            assert note.start >= ends.get(note.pitch, 0) - 1e-6, (part.name, note)
            ends[note.pitch] = note.end


def test_lines_are_lines(made):
    for part in pitched(made):
        if part.role in LINE_ROLES:
            assert all(a.end <= b.start + 1e-6 for a, b in zip(part.notes, part.notes[1:], strict=False)), part.name


def test_accompaniments_sound_the_chords_of_the_plan(made):
    inside = whole = 0.0
    for part in pitched(made):
        if part.role == "melody":
            continue
        for note in part.notes:
            for chord in made.chords:
                held = min(note.end, chord.end) - max(note.start, chord.start)
                if held > 1e-6:
                    whole += held
                    inside += held * (note.pitch % 12 in chord.pitch_classes)
    assert not whole or 0.7 <= inside / whole  # some tones pass, all of them belong to a chord that is meant


def test_the_accompaniment_seldom_rubs_against_the_tune(made):
    tune = np.array([(n.start, n.duration, n.pitch) for n in measures.melody(made)])
    rubbing = 0.0
    for start, length, pitch in tune:
        near = [
            min(n.end, start + length) - max(n.start, start)
            for part in pitched(made)
            if part.role != "melody"
            for n in part.notes
            if abs(n.pitch - pitch) == 1
        ]
        rubbing += min(length, sum(max(0.0, held) for held in near))
    assert rubbing / tune[:, 1].sum() <= 0.2


def test_close_tones_stay_out_of_the_depth(made):
    for part in pitched(made):
        if part.role == "harmony" and not facts_of(part.instrument).sustains:
            by_start = {}
            for n in part.notes:
                by_start.setdefault(n.start, []).append(n.pitch)
            low = [sorted(p)[:2] for p in by_start.values() if len(p) > 1 and min(p) < 43]
            assert all(b - a >= 5 for a, b in low), part.name


def test_the_same_seed_is_the_same_piece_and_another_is_another():
    first, again_, other = (compose(profile("loss"), seconds=30, seed=s, composer="learned") for s in (5, 5, 6))
    assert first == again_ and first != other
    assert first != compose(profile("loss"), seconds=30, seed=5, composer="planned")


@pytest.mark.parametrize("metre", ["4/4", "3/4", "6/8", "2/4", "12/8", "5/4"])
def test_every_metre_is_sung(metre):
    piece = compose(profile("longing"), seconds=30, seed=3, metre=metre, composer="learned")
    assert piece.metre == tuple(map(int, metre.split("/"))) and len(measures.melody(piece)) > 8
    assert sum(len(p.notes) for p in piece.parts if p.role == "harmony") > 8


@pytest.mark.parametrize("seconds", [15, 240])
def test_every_length_is_sung(seconds):
    piece = compose(profile("melancholy"), seconds=seconds, seed=2, composer="learned")
    assert piece.seconds == pytest.approx(seconds, rel=0.005)
    assert measures.melody_rate(piece) == pytest.approx(profile("melancholy").writing.melody_rate, rel=0.5)


THEMES = dict(zip(moods(), (SIGH, UPBEAT, WALTZ) * len(moods()), strict=False))


@pytest.mark.parametrize("mood", moods())
def test_a_theme_is_stated_exactly_and_returns(mood):
    theme = THEMES[mood]
    piece = compose(profile(mood), seconds=100, seed=4, theme=theme, composer="learned")
    found = measures.returns_of(tune_of(theme, piece.key), piece)
    assert found[0][1] == 1 and len(found) >= 2  # 45 of 48 pieces say it three times or more
    section = next(s for s in piece.sections if s.name.startswith("A"))
    pickup = theme.metre[0] - theme.place if theme.place else 0
    assert found[0][0] == pytest.approx(section.bar * piece.bar_quarters - pickup)
    assert len(measures.returns_of(OTHER.notes, piece)) == 0


@pytest.mark.parametrize("bars", [1, 4, 8])
def test_a_theme_as_long_as_its_phrase_is_stated(bars):
    theme = motif(*((2, 69 + (0, 2, 3, 7, 5, 3, 2, 0)[k % 8]) for k in range(2 * bars)))
    piece = compose(profile("longing"), seconds=90, seed=4, theme=theme, composer="learned")
    assert measures.returns_of(tune_of(theme, piece.key), piece)[0][1] == 1


@pytest.mark.parametrize("composer", ["lerned", "mine.wav", Path("no.npz")])
def test_an_unknown_composer_is_refused(composer):
    with pytest.raises(InputError, match="learned|does not exist"):
        compose(profile("longing"), composer=composer)


# What is asked for is what is sung


def ground(bars, chord=(0, 3, 7)):
    at = np.arange(0, bars * 4 * TICKS + TICKS, GRID)
    rows = np.zeros((len(at), TUNE.width), np.float32)
    rows[:, TUNE.at["chord"].start + np.array(chord)] = 1
    rows[:, TUNE.at["mode"].start + 1] = 1
    rows[:, TUNE.at["bar"].start : TUNE.at["on_beat"].stop] = in_bar(at % (4 * TICKS), 4 * TICKS, TICKS)
    return Ground(0, rows)


def line_at(pitch, at=-48):
    compass = Compass.about(9, 64)
    pitch_class, octave = compass.coded([pitch])
    choices = np.column_stack([nearest(GAPS, [48]), pitch_class, octave, nearest(LENGTHS, [48])])
    return Line(np.array([[at, 48, pitch]]), choices, ground(1).cues[:1], 0.0), compass


musts = st.lists(
    st.builds(
        Must,
        st.integers(0, 15).map(lambda k: 48 * k),
        st.sampled_from([(), (0,), (3, 7)]),
        st.one_of(st.none(), st.integers(57, 72)),
        st.one_of(st.none(), st.sampled_from([24, 48])),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda must: must.at,
).map(lambda found: sorted(found, key=lambda must: must.at))


@settings(max_examples=25)
@given(musts, st.integers(0, 2**32 - 1))
def test_what_must_be_is_and_what_is_free_keeps_its_bounds(musts, seed):
    line, compass = line_at(64)
    until = musts[-1].at + 48
    found = go_on(
        shipped().tunes, line, ground(4), musts, compass, low=55, high=74, until=until, count=4,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    for one in found:
        onsets, lengths, pitches = one.notes.T
        by_onset = {int(at): k for k, at in enumerate(onsets)}
        assert [by_onset[m.at] for m in musts] == sorted(by_onset[m.at] for m in musts) and onsets[-1] == musts[-1].at
        assert (onsets[:-1] + lengths[:-1] <= onsets[1:]).all() and onsets[-1] + lengths[-1] <= until
        for number, must in enumerate(musts):
            k = by_onset[must.at]
            if must.pitch is not None:
                assert pitches[k] == must.pitch
            elif must.classes:
                assert (pitches[k] - compass.middle) % 12 in must.classes
            assert must.length in (None, lengths[k])
            if must.straight:
                assert k == (by_onset[musts[number - 1].at] + 1 if number else 0)
        fixed = {by_onset[m.at] for m in musts if m.pitch is not None}
        assert all(55 <= p <= 74 for k, p in enumerate(pitches.tolist()) if k not in fixed)
        assert one.cues.shape == (len(onsets), TUNE.width) and np.isfinite(one.nats)


def test_every_even_distance_from_a_sixteenth_on_is_reached_but_one():
    ways = reachable()
    unreached = [2 * k for k in range(3, 500) if not ways[k]]
    assert unreached == [10]


def spoken(**more):
    """Mean over 24 lines of what a cue asks for, low and high."""
    base = {"density": 0.0, "register": 0.0, "leaps": 0.0, "dissonance": 0.0}
    under = ground(8)
    for name, value in (base | more).items():
        under.cues[:, TUNE.at[name]] = value
    under.cues[:, TUNE.at["known"]] = 1
    line, compass = line_at(64)
    return go_on(
        shipped().tunes, line, under, [Must(0, straight=True), Must(29 * 48, (0, 3, 7))], compass, low=48, high=84,
        until=30 * 48, count=24, rng=np.random.default_rng(3),
    )  # fmt: skip


SAYS = {
    "density": lambda one: len(one.notes),
    "register": lambda one: one.notes[:, 2].mean(),
    "leaps": lambda one: np.abs(np.diff(one.notes[:, 2])).mean(),
    "dissonance": lambda one: np.mean(~np.isin((one.notes[:, 2] - 9) % 12, (0, 3, 7))),
}


@pytest.mark.parametrize("name", SAYS)
def test_a_cue_is_followed(name):
    found = [np.mean([SAYS[name](one) for one in spoken(**{name: value})]) for value in (-1.2, 0.0, 1.2)]
    assert found[0] < found[1] < found[2], found


@pytest.mark.long
def test_a_mood_that_asks_for_it_cries_out(monkeypatch):
    """Grief is highest once, well above its other phrases, and further up than it would be without."""

    def reached():
        pieces = [compose(profile("loss", 1.0), seconds=45, seed=seed) for seed in range(300, 310)]
        tops = [sorted(max((n.pitch for n in notes), default=0) for _, notes in phrases_of(piece)) for piece in pieces]
        return np.array([top[-2:] for top in tops])

    crying = reached()
    apart = crying[:, 1] - crying[:, 0]
    assert (apart > 0).sum() >= 8 and apart.mean() >= 4
    monkeypatch.setattr(singing, "CRY", np.inf)
    assert crying[:, 1].mean() > reached()[:, 1].mean() + 0.5


def test_a_cry_cuts_what_was_to_last_beyond_it():
    musts = [Must(0, length=30), Must(24, pitch=70), Must(48, length=12), Must(72, length=24)]
    assert [must.length for must in cut(musts)] == [24, None, 12, 24] and cut([]) == []


@pytest.mark.long
def test_a_line_that_reaches_upward_is_highest_later():
    writing = profile("longing").writing
    wanted = [replace(profile("longing"), writing=replace(writing, reach=reach)) for reach in (0.0, 1.0)]
    places = []
    for one in wanted:
        found = []
        for seed in range(16):
            piece = compose(one, seconds=45, seed=seed)
            for phrase in piece.phrases:
                inside = [n for n in measures.melody(piece) if phrase.start <= n.start < phrase.end]
                if len(inside) > 3:
                    top = max(inside, key=lambda n: n.pitch)
                    found.append((top.start - inside[0].start) / (inside[-1].start - inside[0].start))
        places.append(np.mean(found))
    assert places[1] > places[0] + 0.1


def test_an_ending_that_breaks_off_leaves_the_tune_unsaid():
    wanted = profile("loss")
    wanted = replace(wanted, writing=replace(wanted.writing, endings={BROKEN: 1}))
    for seed in range(4):
        piece = compose(wanted, seconds=40, seed=seed)
        assert measures.melody(piece)[-1].end <= piece.end - 1


def test_it_writes_where_nothing_else_is_said():
    asked = {"seconds": 20, "seed": 5}
    assert compose(profile("loss"), **asked) == compose(profile("loss"), composer="learned", **asked)
    for command in (compose_command, make_command):
        (option,) = (p for p in command.params if p.name == "composer")
        assert option.default == "learned"


def test_what_a_piece_is_to_be_sadder_makes_it_slower_and_darker():
    writing = profile("longing").writing
    character = draw_character(shipped().bank, "minor", np.random.default_rng(3))
    plain, sad, merry = (replace(character, sadder=more).of(writing) for more in (0.0, 0.1, -0.1))
    assert sad.mode_index > plain.mode_index > merry.mode_index
    for name in ("onset_rate", "melody_rate", "bpm"):
        assert getattr(sad, name) < getattr(plain, name) < getattr(merry, name)
    assert replace(character, sadder=9.0).of(writing) == replace(character, sadder=MOST_SADDER).of(writing)
    slower = [np.log(getattr(sad, name) / getattr(plain, name)) for name in ("melody_rate", "onset_rate")]
    assert slower[0] > 0.5 * slower[1]  # the tune less than what is played beside it


@pytest.mark.parametrize("mood", ["longing", *later("despair")])
def test_notes_that_are_aimed_at_more_sadness_are_sadder(mood):
    wanted = profile(mood)
    low, high = (
        np.mean([sadness(compose(wanted, seconds=30, seed=seed, aim=aim)) for seed in range(6)]) for aim in (0.5, 0.75)
    )
    assert high - low > 0.08
