"""Where intensity moves or a section has another mood, what is measured there follows; hits and loops are met."""

from dataclasses import replace

import numpy as np
import pytest

from melancholia.composition import compose, measures
from melancholia.errors import InputError
from melancholia.midi import from_midi, to_midi
from melancholia.performance import perform
from melancholia.profile import moods, profile
from melancholia.setting import setting
from tests.some import later, some

SEEDS = range(500, 505)


def inside(piece, start, end, role=None):
    """Notes of the parts of a role that begin between two shares of the piece."""
    return [
        n for part in piece.parts if role in (None, part.role) for n in part.notes if start <= n.start / piece.end < end
    ]


def rate(piece, start, end, role=None):
    times = piece.tempo.seconds([start * piece.end, end * piece.end])
    return len({n.start for n in inside(piece, start, end, role)}) / float(np.diff(times)[0])


def height(piece, start, end):
    return np.mean([n.pitch for n in inside(piece, start, end, "melody")])


@pytest.mark.parametrize("mood", ["melancholy", *later("nostalgia")])
def test_rate_register_level_and_tempo_follow_the_curve(mood):
    rising, falling = profile(mood, "0:0,0.3:0,0.6:1,1:1"), profile(mood, "0:1,0.3:1,0.6:0,1:0")
    up = [compose(rising, seconds=80, seed=s, composer="planned") for s in SEEDS[:2]]
    down = [compose(falling, seconds=80, seed=s, composer="planned") for s in SEEDS[:2]]
    for at, sign in (((0.08, 0.4), 1), ((0.68, 0.92), -1)):
        mild, deep = (up, down) if sign > 0 else (down, up)
        assert np.mean([rate(p, *at) for p in mild]) > 1.1 * np.mean([rate(p, *at) for p in deep])
        if sign > 0:  # later the tune that returns keeps its rhythm and its height
            sung = [np.mean([rate(p, *at, "melody") for p in found]) for found in (mild, deep)]
            assert sung[0] > 1.3 * sung[1]
            if mood != "nostalgia":  # its singers have little room below
                assert np.mean([height(p, *at) for p in mild]) > np.mean([height(p, *at) for p in deep]) + 1
        loud = [np.mean([n.velocity for p in found for n in inside(p, *at)]) for found in (mild, deep)]
        assert loud[0] > loud[1] + 1
    for piece in up:
        pace = [us for _, us in piece.tempo.changes]
        slow, fast = profile(mood, 1.0).writing.bpm, profile(mood, 0.0).writing.bpm
        assert pace[-1] / pace[0] == pytest.approx(fast / slow, rel=0.05)
        assert piece.seconds == pytest.approx(80, rel=0.005)


def test_what_is_learned_follows_the_curve():
    """Each piece has its own pace; along it the curve slows, thins and darkens as it does what is planned."""
    rising = profile("melancholy", "0:0,0.3:0,0.6:1,1:1")
    found = [compose(rising, seconds=60, seed=s) for s in SEEDS]
    assert np.mean([rate(p, 0.08, 0.4) for p in found]) > 1.15 * np.mean([rate(p, 0.68, 0.92) for p in found])
    assert np.mean([height(p, 0.08, 0.4) for p in found]) > np.mean([height(p, 0.68, 0.92) for p in found])
    slow, fast = (profile("melancholy", at).writing.bpm for at in (1.0, 0.0))
    for piece in found:
        pace = [us for _, us in piece.tempo.changes]
        assert pace[-1] / pace[0] == pytest.approx(fast / slow, rel=0.05)


def test_playing_follows_the_curve():
    wanted = profile("despair", "0:0,0.4:0,0.5:1,1:1")
    wide = []
    for seed in SEEDS[:3]:
        played = perform(compose(wanted, seconds=60, seed=seed, composer="planned"), wanted, seed=seed)
        for part in played.parts:
            if "vibrato" in part.curves:
                at = np.array([t for t, _ in part.curves["vibrato"]]) / played.end
                depth = np.array([v for _, v in part.curves["vibrato"]])
                first, second = depth[at < 0.35], depth[(at > 0.55) & (at < 0.9)]
                if len(first) and len(second):
                    wide.append((first.mean(), second.mean()))
    early, late = np.mean(wide, axis=0)
    assert late > 1.25 * early


def test_a_section_is_written_and_played_as_its_own_mood():
    plain, mixed = profile("longing", 0.5), profile("longing", 0.5, sections={"B": "despair"})
    heights = {"A": [], "B": []}
    for seed in SEEDS:
        piece = compose(
            mixed, seconds=100, seed=seed, composer="planned", instruments=("cello", "felt_piano", "strings")
        )
        assert piece.key.mode == "minor"
        for section in piece.sections:
            letter = section.name.rstrip("'")
            start, end = (bar * piece.bar_quarters for bar in (section.bar, section.bar + section.bars))
            if letter in heights:
                sung = [n.pitch for n in measures.melody(piece) if start <= n.start < end]
                heights[letter].append(np.mean(sung))
                here = mixed.at(0.5, letter).writing.bpm
                pace = piece.tempo.seconds(end - 1) - piece.tempo.seconds(start)
                assert pace / (end - 1 - start) == pytest.approx(60 / here, rel=0.12)
        assert perform(piece, mixed, seed=seed) != perform(piece, plain, seed=seed)
    assert np.mean(heights["A"]) > np.mean(heights["B"]) + 1.5


def test_a_section_in_another_mode_is_in_that_mode():
    wanted = profile("nostalgia", 0.5, sections={"B": "despair"})
    piece = compose(wanted, seconds=100, seed=4, key="C major")
    b = next(s for s in piece.sections if s.name == "B")
    span = [c for c in piece.chords if b.bar <= c.start / piece.bar_quarters < b.bar + b.bars]
    third = (piece.key.tonic + 3) % 12
    assert piece.key.mode == "major" and any(third in c.pitch_classes for c in span)
    assert not any(c.numeral in ("I", "Imaj7", "Iadd9") for c in span), [c.numeral for c in span]


def test_a_section_that_the_form_lacks_is_refused():
    with pytest.raises(InputError, match="'C' is not in this form"):
        compose(profile("longing", sections={"C": "despair"}), seconds=15, seed=1)


HITS = [(12.5, 31, 47.2), (8.3, 40.0), (20.0,), (6.1, 13.7, 22.4, 33.3, 50.9)]


TWO_EACH = some((mood, HITS[(k + n) % 4]) for k, mood in enumerate(moods()) for n in (0, 2))


@pytest.mark.parametrize("case", TWO_EACH, ids=str)
def test_hits_are_met_by_form_and_by_players(case):
    mood, hits = case
    wanted, film = profile(mood), setting("film", hits=hits)
    piece = compose(wanted, seconds=66, seed=7, setting=film)
    assert piece.seconds == pytest.approx(60, abs=0.01)
    starts = {p.start for p in piece.phrases} | {s.bar * piece.bar_quarters for s in piece.sections}
    played = perform(piece, wanted, seed=7)
    assert from_midi(to_midi(played)) == played and played.seconds == pytest.approx(60, abs=0.05)
    for at, hit in zip(hits, piece.hits, strict=True):
        assert piece.tempo.seconds(hit) == pytest.approx(at, abs=1e-3)
        assert any(0 <= hit - start < piece.bar_quarters for start in starts)  # a pickup may lead to it
        assert any(n.start == hit for part in piece.parts for n in part.notes)
        struck = [played.tempo.seconds(n.start) for part in played.parts for n in part.notes]
        assert np.abs(np.array(struck) - at).min() < 0.002
    pace = [us for _, us in piece.tempo.changes]
    assert max(pace) < 1.6 * min(pace)


def test_the_climax_begins_at_the_hit_that_is_marked():
    for hits, at in (("10,30,44", 44), ("10,30!,44", 30), ("20!,44", 20)):
        piece = compose(profile("longing"), seconds=66, seed=2, setting=setting("film", hits=hits))
        top = max(measures.melody(piece), key=lambda n: n.pitch)
        phrase = next(p for p in piece.phrases if p.start <= top.start < p.end)
        bar = piece.bar_quarters * 60 / piece.tempo.bpm
        assert -0.01 <= at - piece.tempo.seconds(phrase.start) < bar  # a pickup may lead to it


@pytest.mark.parametrize("mood", moods())
@pytest.mark.parametrize("bpm", [None, *later(66)])
def test_a_loop_is_whole_bars_that_lead_to_their_start(mood, bpm):
    piece = compose(profile(mood), seconds=32, seed=4, bpm=bpm, setting="loop")
    bars = piece.end / piece.bar_quarters
    assert bars == round(bars) and len(piece.tempo.changes) == 1 and piece.fixed_tempo and piece.loops
    assert bpm is not None or piece.seconds == pytest.approx(32, abs=1e-3)
    assert not {"intro", "coda", "interlude"} & {s.name for s in piece.sections}
    dominant = {(piece.key.tonic + 7) % 12, (piece.key.tonic + 11) % 12}
    assert dominant <= set(piece.chords[-1].pitch_classes)
    assert perform(piece, profile(mood), seed=4).tempo == piece.tempo


RATES = (measures.onset_rate, measures.melody_rate)


def test_a_background_has_fewer_events_and_narrow_dynamics():
    """Of each mood fewer, in the mean by an eighth and more: songs of sad moods are sparse by themselves."""
    ratios = []
    for mood in moods()[::3]:
        wanted = profile(mood, background=True)
        song = [compose(profile(mood), seconds=60, seed=s, composer="planned") for s in SEEDS[:3]]
        asked = {"seconds": 60, "setting": "background", "composer": "planned"}
        quiet = [compose(wanted, seed=s, **asked) for s in SEEDS[:3]]
        rates = [[np.mean(list(map(rate, found))) for found in (quiet, song)] for rate in RATES]
        ratios.append([few / many for few, many in rates])
        spread = [
            np.mean([np.std([n.velocity for n in measures.all_notes(p)]) for p in found]) for found in (song, quiet)
        ]
        assert spread[1] < 0.5 * spread[0]
    assert np.max(ratios) < 1 and np.all(np.mean(ratios, axis=0) < 0.875)


@pytest.mark.long
def test_a_learned_background_is_sparser():
    """Of three moods and four seeds together, counting moments in which something begins: pieces differ by more."""

    def moments(mood, seed, named):
        piece = compose(profile(mood, background=named == "background"), seconds=30, seed=seed, setting=named)
        return len({n.start for n in measures.all_notes(piece)})

    asked = [(mood, seed) for mood in moods()[::2] for seed in (301, 302, 303, 304)]
    song, quiet = (sum(moments(*one, named) for one in asked) for named in ("song", "background"))
    assert quiet < 0.9 * song


def test_dynamics_are_the_spread_of_loudness():
    wanted = profile("longing")
    found = []
    for dynamics in (0.0, 0.5, 1.0):
        changed = replace(wanted, writing=replace(wanted.writing, dynamics=dynamics))
        piece = compose(changed, seconds=40, seed=3)
        found.append(np.std([n.velocity for n in measures.all_notes(piece)]))
    assert found[0] == 0 and found[1] == pytest.approx(found[2] / 2, rel=0.1)
