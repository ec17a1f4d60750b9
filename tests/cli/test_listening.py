"""Many recordings at once, a house's own ears, and what goes wrong on the way."""

import csv
import json

import numpy as np
import pytest

import melancholia as mel
from melancholia import takes
from melancholia.audio import audio
from melancholia.cli import run
from tests.analysis.test_analyse import MAJOR, MINOR, melody


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    top = tmp_path_factory.mktemp("listening")
    for k in range(14):
        sound = melody((MINOR, MAJOR)[k % 2], pace=1.0 + k % 3, seconds=5, seed=k, rate=22_050)
        mel.write_audio(top / f"{k:02d}.wav", sound.blocks(), rate=sound.rate, channels=2)
    return top


def test_many_are_scored_in_their_order(folder, capsys):
    names = [str(folder / f"{k:02d}.wav") for k in (3, 0, 1)]
    assert run(["score", *names, "--json", "--jobs", "2"]) == 0
    together = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in together] == names
    assert run(["score", names[1], "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone == together[1]
    assert sum(alone["kinds"].values()) == pytest.approx(1, abs=1e-3)
    assert alone["sadness"] == pytest.approx(alone["music"] + alone["sound"], abs=1e-3)


def test_one_that_cannot_be_heard_does_not_stop_the_others(folder, tmp_path, capsys):
    (tmp_path / "none.wav").write_bytes(b"no sound at all")
    assert run(["score", str(tmp_path / "none.wav"), str(folder / "00.wav"), "--csv", "--jobs", "1"]) == 1
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 1 and rows[0]["file"].endswith("00.wav") and 0 < float(rows[0]["music"]) < 1
    assert err.count("\n") == 1 and "none.wav cannot be read" in err


def test_the_dry_file_says_what_the_music_is(folder, tmp_path, capsys):
    dry = melody(MINOR, seconds=8, rate=22_050)
    wet = mel.apply(dry, rack="despair", intensity=1.0)
    for name, sound in (("dry", dry), ("wet", wet)):
        mel.write_audio(tmp_path / f"{name}.wav", sound.blocks(), rate=sound.rate, channels=2)
    said = {}
    for name, more in (("dry", []), ("wet", ["--dry", str(tmp_path / "dry.wav")])):
        assert run(["score", str(tmp_path / f"{name}.wav"), "--json", *more]) == 0
        said[name] = {cue["name"]: cue["value"] for cue in json.loads(capsys.readouterr().out)["cues"]}
    assert said["wet"]["mode"] == said["dry"]["mode"] and said["wet"]["space"] != said["dry"]["space"]


def test_notes_beside_the_file_say_its_pace(folder, tmp_path, capsys):
    mel.save_midi(mel.compose(mel.profile("solitude", intensity=1.0), seconds=15, seed=1), tmp_path / "sparse.mid")
    mel.save_midi(mel.compose(mel.profile("longing", intensity=0.0), seconds=15, seed=1), tmp_path / "busy.mid")
    said = {}
    for name in ("sparse", "busy"):
        assert run(["score", str(folder / "00.wav"), "--json", "--notes", str(tmp_path / f"{name}.mid")]) == 0
        said[name] = json.loads(capsys.readouterr().out)
    assert said["sparse"]["sadness"] > said["busy"]["sadness"] + 0.1
    assert said["sparse"]["cues"][0]["value"] == said["busy"]["cues"][0]["value"]
    assert run(["score", str(folder / "00.wav"), "--notes", str(tmp_path / "none.mid")]) == 2
    assert "none.mid" in capsys.readouterr().err
    two = [str(folder / "00.wav"), str(folder / "01.wav")]
    assert run(["score", *two, "--notes", str(tmp_path / "busy.mid")]) == 2
    assert "--notes belong to one file" in capsys.readouterr().err


def test_a_house_is_fitted_on_music_alone(folder, tmp_path, capsys):
    noise = audio(np.random.default_rng(0).normal(0, 0.1, (1, 6 * 22_050)), 22_050)
    mel.write_audio(tmp_path / "noise.wav", noise.blocks(), rate=noise.rate, channels=1)
    (tmp_path / "ratings.csv").write_text("file,rating\n" + "noise.wav,0.5\n" * 12)
    assert run(["listener", "fit", str(tmp_path / "ratings.csv")]) == 2
    err = capsys.readouterr().err
    assert "noise.wav is no music: it has no tones" in err and err.count("\n") == 1


def rated(folder, path, ratings):
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["file", "rating"])
        out.writerows((str(folder / f"{k:02d}.wav"), r) for k, r in enumerate(ratings))


def test_ratings_of_a_spreadsheet_of_the_west_are_read(tmp_path):
    from melancholia.cli.listener import read

    (tmp_path / "ratings.csv").write_bytes(b"file,rating\r\nm\xe9lodie.wav,0.5\r\n")
    assert read(tmp_path / "ratings.csv") == [(tmp_path / "m\u00e9lodie.wav", 0.5)]


def test_a_house_is_fitted_kept_and_used(folder, tmp_path, capsys):
    plain = [mel.score(folder / f"{k:02d}.wav").sadness for k in range(14)]
    rated(folder, tmp_path / "ratings.csv", np.clip(np.array(plain) * 0.5 + 0.4, 0, 1))
    assert run(["listener", "fit", str(tmp_path / "ratings.csv"), "-o", str(tmp_path / "house.toml")]) == 0
    said = capsys.readouterr().out
    before, after = (float(line.split()[1]) for line in said.splitlines()[1:])
    assert after < before
    assert run(["score", str(folder / "02.wav"), "--json", "--house", str(tmp_path / "house.toml")]) == 0
    own = json.loads(capsys.readouterr().out)["sadness"]
    wanted = plain[2] * 0.5 + 0.4
    assert abs(own - wanted) < abs(plain[2] - wanted)


def test_a_house_without_gain_is_not_kept(folder, tmp_path, capsys):
    rated(folder, tmp_path / "ratings.csv", [mel.score(folder / f"{k:02d}.wav").sadness for k in range(14)])
    assert run(["listener", "fit", str(tmp_path / "ratings.csv"), "-o", str(tmp_path / "house.toml")]) == 1
    assert "gains nothing" in capsys.readouterr().err and not (tmp_path / "house.toml").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,rating\n00.wav,0.5\n", "allowed: file and rating"),
        ("file,rating\n00.wav,loud\n", "ratings.csv:2: the rating is 'loud'"),
        ("file,rating\nmissing.wav,0.5\n", "missing.wav does not exist"),
        ("file,rating\n00.wav,0.5\n", "1 ratings; allowed: 12 or more"),
    ],
)
def test_bad_ratings_get_one_line(folder, tmp_path, capsys, text, says):
    for name in ("00.wav",):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "ratings.csv").write_text(text)
    assert run(["listener", "fit", str(tmp_path / "ratings.csv")]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_hours_are_heard_like_minutes_but_from_the_disk(monkeypatch):
    from melancholia.analysis import analyse, spectra

    sound = audio(np.tile(melody(MINOR, seconds=6).samples, 12), 48_000)
    plain = analyse(sound).values
    monkeypatch.setattr(spectra, "IN_MEMORY", 1000)
    assert analyse(sound).values == plain


def test_without_a_mood_the_moods_are_ranked(folder, capsys):
    assert run(["score", str(folder / "00.wav")]) == 0
    said = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("fits best"))
    assert sum(mood in said for mood in mel.moods()) == 3
    assert run(["score", str(folder / "00.wav"), "--json"]) == 0
    ranked = json.loads(capsys.readouterr().out)["moods"]
    assert {one["mood"] for one in ranked} == set(mel.moods()) and f": {ranked[0]['mood']} at" in said


def test_a_strict_make_fails_where_the_song_is_not_as_asked(tmp_path, capsys, monkeypatch):
    """In major it cannot be as sad; what is made stays, and says why."""
    monkeypatch.setattr(takes, "ROUNDS", 0)
    asked = ["make", "despair", "--intensity", "1", "--key", "C major", "--seconds", "15", "--seed", "1", "--no-report"]
    assert run([*asked, "-o", str(tmp_path / "strict"), "--strict"]) == 1
    assert "not matched" in capsys.readouterr().out and (tmp_path / "strict" / "master.wav").exists()
    for seed in range(2, 12):
        easy = f"make longing --composer planned --seconds 15 --seed {seed} --no-report --strict"
        fine = run([*easy.split(), "-o", str(tmp_path / str(seed))]) == 0
        assert fine == (": matched" in capsys.readouterr().out)
        if fine:
            break
    assert fine


def test_the_folder_of_a_song_is_judged_as_make_did(tmp_path, capsys):
    song = tmp_path / "song"
    assert run(["make", "longing", "--seconds", "15", "--seed", "2", "--no-report", "--json", "-o", str(song)]) == 0
    made = json.loads(capsys.readouterr().out)
    kept = json.loads((song / "score.json").read_text())
    assert made["attempts"] == kept["attempts"] and [one["kept"] for one in kept["attempts"]].count(True) == 1
    for given in ([], ["--dry", str(song / "stems" / "dry"), "--notes", str(song / "piece.mid")]):
        assert run(["score", str(song / "master.wav" if given else song), "--mood", "longing", "--json", *given]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["sadness"] == pytest.approx(kept["sadness"], abs=0.002) and found["cues"] == kept["cues"]
    assert run(["score", str(song), "--dry", str(tmp_path)]) == 2
    assert "holds no stems" in capsys.readouterr().err


def test_what_says_nothing_is_refused(folder, tmp_path, capsys):
    assert run(["score", str(folder / "00.wav"), "--intensity", "0.5"]) == 2
    assert "--intensity needs --mood" in capsys.readouterr().err
    still = audio(np.zeros((2, 80_000), np.float32), 8000)
    mel.write_audio(tmp_path / "still.wav", still.blocks(), rate=8000, channels=2)
    assert run(["score", str(tmp_path / "still.wav"), "--plot", str(tmp_path / "x.png")]) == 2
    assert "has no sadness to draw: it is silent" in capsys.readouterr().err and not (tmp_path / "x.png").exists()
    assert run(["score", str(tmp_path / "still.wav"), "--json"]) == 0
    assert not any(cue["contribution"] for cue in json.loads(capsys.readouterr().out)["cues"])
