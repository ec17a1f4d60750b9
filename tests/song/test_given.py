"""A song of notes that were given: one's own, or a song's own that were edited."""

import json
from dataclasses import replace

import mido
import pytest

import melancholia as mel
from melancholia.cli import run
from melancholia.recipe import file_hash

WITH = {"seconds": 15, "seed": 31, "composer": "planned"}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return mel.make("longing", **WITH).save(tmp_path_factory.mktemp("given") / "first", report=False)


def made_by(folder):
    return json.loads((folder / "recipe.json").read_text())


@pytest.fixture(scope="module")
def tune(tmp_path_factory):
    """Of another maker: one channel of a piano, no plan, no player."""
    path = tmp_path_factory.mktemp("tune") / "tune.mid"
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    for low, high in ((45, 72), (41, 69), (43, 71), (45, 69)):
        for kind, time in (("note_on", 0), ("note_off", 960)):
            track.append(mido.Message(kind, note=low, velocity=60, time=time))
            track.append(mido.Message(kind, note=low + 12, velocity=60, time=0))
            track.append(mido.Message(kind, note=high, velocity=80, time=0))
    file.save(path)
    return path


def test_what_was_edited_is_what_sounds(first, tmp_path):
    score = mel.load_midi(first / "score.mid")
    (singer,) = score.with_role("melody")
    lowest = min(note.pitch for note in singer.notes)
    edited = replace(singer, notes=tuple(replace(n, pitch=n.pitch + (n.pitch == lowest)) for n in singer.notes))
    mel.save_midi(replace(score, parts=tuple(edited if p is singer else p for p in score.parts)), tmp_path / "mine.mid")
    command = ["make", "longing", "--notes", str(tmp_path / "mine.mid"), "--seed", "31", "-o", str(tmp_path / "song")]
    assert run([*command, "--no-report", "-q"]) == 0
    assert mel.load_midi(tmp_path / "song" / "score.mid").with_role("melody") == (edited,)
    recipe, before = made_by(tmp_path / "song"), made_by(first)
    assert recipe["notes"] == file_hash(tmp_path / "mine.mid") and recipe["composer"] is None
    assert not any(name.startswith("models/") for name in recipe["sources"])
    assert recipe["maker"].endswith("from notes that were given to it") and before["maker"].startswith("composed")
    verdict = json.loads((tmp_path / "song" / "score.json").read_text())
    assert {attempt["take"] for attempt in verdict["attempts"]} == {0}


def test_what_was_not_edited_is_played_as_before(first, tmp_path):
    again = mel.make("longing", notes=first / "score.mid", seed=31).save(tmp_path / "again", report=False)
    recipe, before = made_by(again)["made"], made_by(first)["made"]
    assert {n: h for n, h in recipe.items() if n != "score.json"} == {
        n: h for n, h in before.items() if n in recipe and n != "score.json"
    }


def test_a_tune_of_ones_own_gets_the_players_of_the_mood(tune):
    song = mel.make("solitude", notes=tune, seed=4)
    players = {player.instrument for one in mel.profile("solitude").writing.orchestrations for player in one.players}
    assert {part.instrument for part in song.written.parts} <= players
    assert sorted(n.pitch for part in song.written.parts for n in part.notes) == sorted(
        n.pitch for part in mel.load_midi(tune).parts for n in part.notes
    )
    assert song.recipe.seconds == pytest.approx(4.0) and song.recipe.notes == file_hash(tune)
    assert not song.score.matched and song.attempts[-1].then == "nothing: the notes were given"
    assert mel.make("solitude", notes=mel.load_midi(tune), seed=4).recipe.made == song.recipe.made


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seconds": 30}, "seconds and notes were both given"),
        ({"key": "A minor"}, "key and notes"),
        ({"bpm": 60}, "bpm and notes"),
        ({"metre": "3/4"}, "metre and notes"),
        ({"theme": "tune.mid"}, "theme and notes"),
        ({"composer": "planned"}, "composer and notes"),
        ({"setting": "film"}, "setting is 'film'; allowed with notes: song or background"),
        ({"setting": "loop"}, "setting is 'loop'"),
    ],
)
def test_what_notes_decide_is_not_asked_for_beside_them(tune, asked, said):
    with pytest.raises(mel.InputError, match=said):
        mel.make("longing", notes=tune, **asked)


def test_notes_that_nobody_could_listen_to_are_refused(tune, tmp_path):
    piece = mel.load_midi(tune)
    slow = replace(piece, tempo=type(piece.tempo)(((0.0, 16_000_000),)))
    far = [replace(part, notes=tuple(replace(n, start=8 * n.start) for n in part.notes)) for part in slow.parts]
    with pytest.raises(mel.InputError, match="length of the notes is .* s; allowed: 0 to 600 s"):
        mel.make("longing", notes=replace(slow, parts=tuple(far)))
    assert run(["make", "longing", "--notes", str(tmp_path / "none.mid"), "-o", str(tmp_path / "song")]) == 2
    assert not (tmp_path / "song").exists()
