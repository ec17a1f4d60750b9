"""A song is listened to, and what is not as asked is tried again: the nearest take is the song."""

import json
import sys
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

import melancholia as mel
from melancholia import takes, written
from melancholia.bands import Band, around
from melancholia.cues import CUES
from melancholia.errors import InputError
from melancholia.racks import MOST_TONE_DB, bus, toned
from melancholia.racks import rack as rack_named
from melancholia.scoring import Row, Score
from melancholia.setting import setting
from melancholia.takes import Notes, Order, Take, next_notes, noted, tone_for
from tests.some import later, some_moods

LONGING = mel.profile("longing", 0.7)


def row(name, value, low, high, weight=0.2):
    band = Band(low, high, weight, "a test")
    outside = max(low - value, value - high, 0) / (2 * CUES[name].tolerance)
    return Row(name, value, CUES[name].unit, band, max(0.0, 1 - outside), 0.0, "")


def verdict(*rows, sadness=0.6, wanted=0.6, matched=False):
    return Score(
        mood="longing", intensity=0.7, sadness=sadness, uncertainty=0.1, music=sadness, valence=0.2, arousal=0.2,
        kinds=MappingProxyType({}), matched=matched, cues=tuple(rows), curve=(), wanted=around(wanted, "a test"),
    )  # fmt: skip


def order(**changed):
    asked = {
        "wanted": LONGING, "rack": rack_named("longing"), "setting": setting("song"), "seconds": 30.0, "seed": 3,
        "key": None, "bpm": None, "metre": None, "instruments": None, "theme": None, "rate": 48_000,
    }  # fmt: skip
    return Order(**{**asked, "composer": "planned", **changed})


DARK = row("brightness", 800, 1000, 2500)
DULL = row("high_energy", -26, -18, -8)


# ------------------------------------------------------------------------------------------- the tone


def test_the_tone_brings_the_highs_into_their_bands():
    assert tone_for(verdict(DARK, row("high_energy", -14, -18, -8))) == pytest.approx(
        np.log(1.25) / 0.041 + 0.5, abs=0.1
    )
    assert tone_for(verdict(row("brightness", 1500, 1000, 2500), DULL)) == MOST_TONE_DB
    bright = row("brightness", 3000, 1000, 2500)
    assert tone_for(verdict(bright, row("high_energy", -14, -18, -8))) == pytest.approx(-4.9, abs=0.1)


def test_the_tone_leaves_alone_what_it_cannot_mend():
    fine = row("high_energy", -14, -18, -8)
    assert tone_for(verdict(row("brightness", 1500, 1000, 2500), fine)) == 0  # nothing is off
    assert tone_for(verdict(DARK, fine, sadness=0.3)) == 0  # it is not as sad as asked
    assert tone_for(verdict(DARK, fine, row("register", 40, 60, 70))) == 0  # and something else is off
    assert tone_for(verdict(DARK, row("high_energy", -4, -18, -8))) == 0  # what helps one hurts the other


@pytest.mark.parametrize("gain_db", [-6.0, -2.5, 3.0, 6.0])
def test_a_toned_rack_lifts_what_lies_above_and_nothing_below(gain_db):
    time = np.arange(48_000) / 48_000
    for hertz, expected in ((100, 0.0), (8000, gain_db)):
        sound = mel.audio(np.repeat((0.05 * np.sin(2 * np.pi * hertz * time))[None], 2, axis=0), 48_000)
        plain, other = (bus(sound, rack=toned(rack_named("longing"), gain), intensity=0.5) for gain in (0.0, gain_db))
        level = [20 * np.log10(np.sqrt((one.samples[:, 24_000:] ** 2).mean())) for one in (plain, other)]
        assert level[1] - level[0] == pytest.approx(expected, abs=0.4)


def test_a_tone_has_its_limits():
    assert toned(rack_named("loss"), 0.0) == rack_named("loss")
    with pytest.raises(InputError, match="tone is 7; allowed: -6 to 6"):
        toned(rack_named("loss"), 7.0)


# ------------------------------------------------------------------------------------------- the notes


@pytest.mark.parametrize("mood", mel.moods())
@pytest.mark.parametrize("intensity", [0.0, 1.0, *later(0.5)])
def test_notes_promise_the_sadness_that_is_wanted(mood, intensity):
    wanted = mel.profile(mood, intensity)
    found = noted(order(wanted=wanted, seed=77), 0, wanted.sadness.middle, lambda fraction, what: None)
    assert found.promised == pytest.approx(wanted.sadness.middle, abs=0.06)
    assert found.promised == pytest.approx(written.sadness(found.played) - takes.OPTIMISM)
    assert found.astray == written.astray(found.played, wanted.bands)
    assert mood != "nostalgia" or max(found.astray) > 0.01
    if mood == "longing":
        assert found == noted(order(wanted=wanted, seed=77), 0, wanted.sadness.middle, lambda fraction, what: None)


@pytest.mark.parametrize("mood", some_moods())
def test_learned_notes_promise_it_as_well(mood, monkeypatch):
    monkeypatch.setattr(sys.modules["melancholia.composition.compose"], "COMPARED_LEARNED", 3)
    wanted = mel.profile(mood, 0.6)
    found = noted(order(wanted=wanted, seed=78, composer="learned"), 0, wanted.sadness.middle, lambda *said: None)
    assert found.promised == pytest.approx(wanted.sadness.middle, abs=0.08)


def test_what_a_take_lacks_the_next_is_composed_for(monkeypatch):
    """Half of it, after what playing usually takes; the nearest is kept, and the search ends where one is near."""
    composed = []

    def playing(promises):
        left = iter(promises)

        def composing(order, take, aim, composed_for):
            composed.append((take, round(composed_for, 3)))
            return Notes(take, aim, None, None, next(left))

        return composing

    monkeypatch.setattr(takes, "composed", playing([0.5, 0.52, 0.7, 0.55, 0.53, 0.51]))
    assert noted(order(), 4, 0.6, lambda *said: None).promised == 0.55
    assert composed == [(4, 0.61), (5, 0.66), (6, 0.7), (7, 0.65), (8, 0.675), (9, 0.71)]
    composed.clear()
    monkeypatch.setattr(takes, "composed", playing([0.5, 0.51, 0.52]))
    assert noted(replace(order(), seconds=120.0), 0, 0.6, lambda *said: None).take == 2 and len(composed) == 3
    composed.clear()
    monkeypatch.setattr(takes, "composed", playing([0.58]))
    assert noted(order(), 0, 0.6, lambda *said: None).promised == 0.58 and len(composed) == 1


@pytest.mark.parametrize(("mode", "bpm", "expected"), [("minor", 30, (1, 0)), ("minor", 400, (0, 1)),
                                                       ("major", 95, (0, 1)), ("minor", 95, (0, 0))])  # fmt: skip
def test_notes_say_on_which_side_mode_and_pace_go_astray(mode, bpm, expected):
    """Slow is too sad and fast too little so, as major is; what no band of weight asks for goes nowhere astray."""
    steps = (0, 3, 7, 3, 8, 7, 3, 2) if mode == "minor" else (0, 4, 7, 4, 9, 7, 4, 2)
    tune = tuple(mel.Note(float(k), 1.0, 57 + steps[k % 8], 70) for k in range(64))
    piece = mel.Piece((mel.Part("tune", "melody", "felt_piano", tune),), mel.TempoMap.steady(bpm))
    bands = {"event_rate": Band(0.75, 1.95, 0.2, "a test"), "mode": Band(0.05, 2, 0.2, "a test")}
    assert written.astray(piece, bands) == pytest.approx(expected, abs=0.35)
    light = {name: replace(band, weight=0.05) for name, band in bands.items()}
    assert written.astray(piece, light) == written.astray(piece, {}) == (0, 0)


def test_of_takes_as_sad_the_one_whose_mode_and_pace_are_likely_is_played(monkeypatch):
    offered = {0: (0.6, (0.9, 0)), 1: (0.57, (0.6, 0)), 2: (0.54, (0, 0.4)), 3: (0.6, (0.1, 0))}
    composed_for = []

    def composing(order, take, aim, meant):
        composed_for.append(round(meant, 3))
        return Notes(take, aim, None, None, *offered[take])

    monkeypatch.setattr(takes, "composed", composing)
    assert noted(order(), 0, 0.6, lambda *said: None).take == 2  # likely enough: no other is looked at
    less = [0.61, 0.5965, 0.5965]  # for mode and pace are too sad
    assert composed_for == pytest.approx(less, abs=1e-3)
    offered |= {2: (0.66, (0.1, 0)), 3: (0.6, (0.8, 0)), 4: (0.61, (0.7, 0)), 5: (0.6, (0.5, 0.8))}
    assert noted(order(), 0, 0.6, lambda *said: None).take == 2  # as sad as asked, it may be so by another way
    offered[2] = (0.8, (0.1, 0))
    assert noted(order(), 0, 0.6, lambda *said: None).take == 1


def test_an_aim_moves_the_notes():
    low, high = (mel.compose(LONGING, seconds=45, seed=9, aim=aim) for aim in (0.45, 0.75))
    assert written.sadness(low) < written.sadness(high) - 0.05
    assert mel.compose(LONGING, seconds=45, seed=9, take=1) != mel.compose(LONGING, seconds=45, seed=9)


@pytest.mark.parametrize(("given", "said"), [({"aim": 1.5}, "aim is 1.5"), ({"take": -1}, "take is -1")])
def test_an_aim_that_cannot_be_is_refused(given, said):
    with pytest.raises(InputError, match=said):
        mel.compose(LONGING, seconds=20, seed=1, **given)


def taken(sadness, promised=0.6, take=0, *rows):
    notes = Notes(take, 0.6, None, None, promised)
    return Take(notes, None, 0.0, verdict(*rows, sadness=sadness))


def test_the_next_aim_makes_good_half_of_what_was_missed(monkeypatch):
    aims = []

    def promised(order, take, aim, say):
        aims.append((take, round(aim, 3)))
        return Notes(take, aim, None, None, aim)

    monkeypatch.setattr(takes, "noted", promised)
    wanted = replace(LONGING, sadness=around(0.6, "a test"))
    for sadness in (0.5, 0.65, 0.2):
        heard = taken(sadness, take=2)
        assert next_notes(order(wanted=wanted), heard, heard, lambda fraction, what: None) is not None
    assert aims == [(3, 0.65), (3, 0.575), (3, 0.65)]  # what is missed by much is a mishap, and counts as a tenth


def test_of_two_takes_that_do_not_match_the_one_that_fits_better_is_nearer():
    assert takes.nearness(taken(0.5)) < takes.nearness(taken(0.53))
    off = row("register", 40, 60, 70)
    assert takes.nearness(taken(0.6, 0.6, 0, off)) < takes.nearness(taken(0.6, 0.6, 0, row("register", 65, 60, 70)))


def test_notes_that_promise_nothing_better_are_not_played(monkeypatch):
    """As of a song in a tempo that was given: it cannot be sadder."""
    monkeypatch.setattr(takes, "noted", lambda order, take, aim, say: Notes(take, aim, None, None, 0.3))
    wanted = replace(LONGING, sadness=around(0.6, "a test"))
    heard = taken(0.35, promised=0.35)
    assert next_notes(order(wanted=wanted), heard, heard, lambda fraction, what: None) is None
    for sadness in (0.6, 0.35):  # something else is off as well
        other = taken(sadness, sadness, 0, row("register", 40, 60, 70))
        assert next_notes(order(wanted=wanted), other, other, lambda fraction, what: None) is not None


# ------------------------------------------------------------------------------------------- the whole


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def impossible(**changed):
    """A profile that no song matches."""
    bands = dict(LONGING.bands) | {name: Band(*ends, 0.3, "a test") for name, ends in changed.items()}
    return replace(LONGING, bands=MappingProxyType(bands))


@pytest.mark.long
def test_a_song_that_cannot_be_is_the_nearest_of_four_attempts(tmp_path):
    song = mel.make(impossible(register=(100, 110)), seconds=15, seed=5)
    assert not song.score.matched and "Register lies outside its band" in song.score.why
    assert len(song.attempts) == takes.ROUNDS + 1 and not any(one.matched for one in song.attempts)
    assert all(one.then.startswith("another take") for one in song.attempts[:-1])
    assert song.attempts[-1].then == "nothing: 3 times are enough"
    assert sum(one.kept for one in song.attempts) == 1
    assert len({one.take for one in song.attempts}) == len(song.attempts)
    assert {path.split("/")[0] for path in files_of(song.folder)} == {"master.wav", "mix.wav", "stems"}
    saved = song.save(tmp_path / "song", report=False)
    told = json.loads((saved / "score.json").read_text())
    assert told["attempts"] == [one.to_dict() for one in song.attempts] and told["matched"] is False
    found = mel.score(song.master, song.profile, dry=song.dry, notes=song.played)
    assert found.sadness == song.score.sadness and found.match == max(found.match, song.score.match)


def test_what_is_too_dark_is_mastered_again_from_the_same_mix():
    any_sadness = Band(LONGING.sadness.low - 0.3, LONGING.sadness.high + 0.3, 1, "a test")  # aimed at as before
    any_brightness = MappingProxyType({"brightness": Band(0, 20_000, 0.5, "a test")})
    free = replace(LONGING, sadness=any_sadness, bands=any_brightness)
    plain = mel.make(free, seconds=15, seed=5)
    value = next(row.value for row in plain.score.cues if row.name == "brightness")
    brighter_band = Band(1.06 * value, 3 * value, 0.5, "a test")
    wanted = replace(free, bands=MappingProxyType({"brightness": brighter_band}))
    song = mel.make(wanted, seconds=15, seed=5)
    first, second, *_ = song.attempts
    assert first.tone_db == 0 and first.then == f"the same mix, its highs {second.tone_db:+.1f} dB"
    assert second.tone_db > 1 and second.take == first.take and second.matched and song.score.matched
    assert {path.split("/")[0] for path in files_of(song.folder)} == {"master.wav", "mix.wav", "stems"}
    brighter = next(row.value for row in song.score.cues if row.name == "brightness")
    assert brighter > 1.02 * value


def test_a_matched_song_is_not_tried_again():
    wanted = replace(LONGING, sadness=Band(0, 1, 1, "a test"), bands=MappingProxyType({}))
    song = mel.make(wanted, seconds=15, seed=5)
    assert len(song.attempts) == 1 and song.attempts[0].matched and song.attempts[0].then == ""
