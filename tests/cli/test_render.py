"""A MIDI file is played as it is, in a mood, or changed in one thing; what is not asked for stays byte by byte."""

import os

import mido
import numpy as np
import pytest
import soundfile

from melancholia.cli import run
from melancholia.midi import save_midi
from melancholia.piece import Note, Part, Piece, TempoMap
from tests.children import CLI
from tests.midi_bytes import event, meta, named, off, on, row_of_notes, smf, track

PIECE = Piece(
    (
        Part("voice", "melody", "cello", tuple(Note(k, 1, 60 + k % 3, 70) for k in range(4))),
        Part("left", "harmony", "felt_piano", (Note(0, 2, 48, 50), Note(2, 2, 45, 50))),
        Part("air", "texture", "strings", (Note(0, 4, 64, 40),)),
    ),
    TempoMap.steady(120),
)
RATE = ["--sample-rate", "8000", "-q"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_midi(PIECE, "piece.mid")
    file = mido.MidiFile(ticks_per_beat=480)
    piano = mido.MidiTrack([mido.Message("control_change", control=64, value=127, time=0)])
    for pitch in (76, 74, 72, 71):
        piano += [mido.Message("note_on", note=p, velocity=70, time=0) for p in (pitch, 60, 45)]
        piano += [mido.Message("note_off", note=p, time=480 * (k == 0)) for k, p in enumerate((pitch, 60, 45))]
    kit = mido.MidiTrack([mido.Message("note_on", channel=9, note=36, velocity=90, time=0)])
    file.tracks += [piano, kit]
    file.save("theirs.mid")
    assert run(["render", "piece.mid", "-o", "stems", *RATE]) == 0
    return tmp_path


def held(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.wav"))}


def test_one_stem_is_played_anew_and_no_other_touched(here):
    before, times = held(here / "stems"), {p.name: p.stat().st_mtime_ns for p in (here / "stems").glob("*.wav")}
    assert run(["render", "piece.mid", "-o", "stems", "--only", "voice", "--seed", "5", "-q"]) == 0
    after = held(here / "stems")
    assert [n for n in before if before[n] != after[n]] == ["01-melody-cello.wav"] and before.keys() == after.keys()
    assert [n for n, t in times.items() if (here / "stems" / n).stat().st_mtime_ns != t] == ["01-melody-cello.wav"]
    assert run(["render", "piece.mid", "-o", "stems", "--only", "melody", "-q"]) == 0
    assert held(here / "stems") == before


def test_another_player_takes_the_stem_of_one_part(here):
    before = held(here / "stems")
    args = ["render", "piece.mid", "-o", "stems", "--only", "melody", "--instrument", "melody=strings", "-q"]
    assert run(args) == 0
    after = held(here / "stems")
    assert after.keys() == (before.keys() - {"01-melody-cello.wav"}) | {"01-melody-strings.wav"}
    assert all(after[n] == before[n] for n in after.keys() & before.keys())
    assert len({soundfile.info(p).frames for p in (here / "stems").glob("*.wav")}) == 1
    assert run(["render", "piece.mid", "-o", "new", "--instrument", "voice=strings", *RATE]) == 0
    assert held(here / "new") == after


def test_another_tempo_and_another_pitch(here):
    assert run(["render", "piece.mid", "-o", "slow", "--bpm", "60", *RATE]) == 0
    assert run(["render", "piece.mid", "-o", "slow2", "--tempo", "0.5", *RATE]) == 0
    assert held(here / "slow") == held(here / "slow2")
    frames = [soundfile.info(here / f / "02-harmony-felt_piano.wav").frames for f in ("stems", "slow")]
    assert frames[1] - frames[0] == 2 * 8000
    assert run(["render", "piece.mid", "-o", "up", "--transpose", "12", *RATE]) == 0
    low, high = (soundfile.read(here / f / "03-texture-strings.wav")[0][4000:12000, 0] for f in ("stems", "up"))
    peaks = [np.argmax(np.abs(np.fft.rfft(x * np.hanning(len(x))))) for x in (low, high)]
    assert peaks[1] / peaks[0] == pytest.approx(2, rel=0.02)


def test_anybodys_file_is_orchestrated_in_a_mood(here, capfd):
    args = ["render", "theirs.mid", "--mood", "longing", "--seed", "1", "--sample-rate", "8000", "-o", "out"]
    assert run(args) == 0
    out, err = capfd.readouterr()
    names = [line.rsplit("/", 1)[1] for line in out.splitlines()]
    assert [n.split("-")[1] for n in names[:2]] == ["melody", "harmony"] and "bass" in names[2]
    from melancholia.orchestra import INSTRUMENTS

    if not any(not row.pitched and "percussion" in row.suits for row in INSTRUMENTS.values()):
        assert err.splitlines() == ["theirs.mid: left out, for no instrument plays drums: track 1"]
    assert run([*args[:-1], "other", "--instruments", "strings,felt_piano", "-q"]) == 0
    assert {n.stem.split("-")[2] for n in (here / "other").glob("*.wav")} <= {"strings", "felt_piano"}


def test_without_a_mood_it_sounds_as_written_without_drums(here, capfd):
    assert run(["render", "theirs.mid", "-o", "out", "--sample-rate", "8000", "-q"]) == 0
    assert "01-melody-felt_piano.wav" in held(here / "out")


BAD = {
    "range": (["--transpose", "30"], "'voice' would reach 90 to 92, cello plays 36 to 81; allowed"),
    "no such part": (["--instrument", "vioce=cello"], "Did you mean 'voice'?"),
    "no such player": (["--instrument", "voice=chello"], "Did you mean 'cello'?"),
    "no equals sign": (["--instrument", "voice"], "allowed: PART=NAME"),
    "both tempi": (["--tempo", "2", "--bpm", "60"], "one is enough"),
    "tempo": (["--tempo", "9"], "tempo factor is 9; allowed: 0.25 to 4"),
    "bpm": (["--bpm", "900"], "bpm is 900 quarters a minute; allowed: 30 to 480"),
    "players without a mood": (["--instruments", "cello"], "--instruments needs --mood"),
    "only what is": (["--only", "harp"], "Unknown part 'harp'"),
    "only into nothing": (["--only", "voice"], "allowed with --only"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_one_line(here, capfd, name):
    args, said = BAD[name]
    assert run(["render", "piece.mid", "-o", "none", *args]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0], lines
    assert not (here / "none").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--tempo", "0.25"], "the piece lasts 8.00 s"),
        (["--sample-rate", "44100"], "allowed with --only: 8000 Hz"),
        (["--instrument", "left=strings"], "stems lacks 02-harmony-strings.wav"),
    ],
)
def test_only_keeps_to_the_stems_that_lie_there(here, capfd, args, said):
    before = held(here / "stems")
    assert run(["render", "piece.mid", "-o", "stems", "--only", "voice", *args]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0] and held(here / "stems") == before


def rendered(data, here, *more):
    (here / "in.mid").write_bytes(data)
    return run(["render", "in.mid", "-o", "played", "--sample-rate", "8000", *more])


def test_what_is_left_out_of_a_file_is_said(here, capfd):
    low = track(named("Key switch"), on(0, 16), off(240, 16))
    assert rendered(smf(track(meta(0, 0x59, b"\x08\0"), row_of_notes()), low), here) == 0
    assert capfd.readouterr().err.splitlines() == [
        "in.mid: ignored, a key that does not exist: 8 sharps",
        "in.mid: left out: 1 note below A0 in 'Key switch' (felt_piano plays A0 to C8)",
    ]
    assert list(held(here / "played")) == ["01-melody-felt_piano.wav"]
    assert rendered(smf(track(row_of_notes()), low), here, "-q", "--force") == 0
    assert "left out: 1 note" in capfd.readouterr().err  # what comes out lacks it: never kept quiet
    assert rendered(smf(low), here, "--force") == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "no note is left that its player can reach" in line
    assert rendered(smf(track(row_of_notes()), low), here, "--force", "--fold") == 0
    assert len(held(here / "played")) == 2


def test_who_is_refused_reads_one_line(here, capfd):
    """Whatever else is odd about the file."""
    lost = track(named("tune|melody|soundfont:/none.sf2#0,0"), event(0, 0xC0, 42), row_of_notes())
    assert rendered(smf(lost), here) == 2
    assert capfd.readouterr().err == "melancholia: /none.sf2 does not exist; allowed: a SoundFont file.\n"


def test_no_more_than_eight_lines_are_said_of_a_file(here, capfd):
    parts = [track(named(f"part {k}"), row_of_notes(), on(0, 1), off(9, 1)) for k in range(12)]
    assert rendered(smf(*parts), here) == 0
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 9 and lines[-1] == "in.mid: and 4 more"


def test_a_file_comes_through_stdin(here, children):
    data = smf(track(row_of_notes()))
    (here / "given.mid").write_bytes(data)
    (here / "none.mid").write_bytes(b"no MIDI")
    args = [*CLI, "render", "-", *RATE]
    assert children.start(*args, "-o", "piped", cwd=here, stdin=here / "given.mid").wait().returncode == 0
    assert rendered(data, here) == 0 and held(here / "piped") == held(here / "played")
    done = children.start(*args, "-o", "none", cwd=here, stdin=here / "none.mid").wait()
    assert done.returncode == 2 and done.stderr.startswith("melancholia: stdin cannot be read as MIDI")


def test_a_theme_comes_through_stdin(here, children):
    (here / "tune.mid").write_bytes(smf(track(row_of_notes())))
    asked = [*CLI, "compose", "longing", "--seconds", "15", "--seed", "1"]
    assert children.run(*asked, "--theme", "tune.mid", "-o", "named.mid", cwd=here).returncode == 0
    piped = children.start(*asked, "--theme", "-", "-o", "piped.mid", cwd=here, stdin=here / "tune.mid").wait()
    assert piped.returncode == 0 and (here / "piped.mid").read_bytes() == (here / "named.mid").read_bytes()
    done = children.start(*asked, "--theme", "-", "-o", "none.mid", cwd=here).wait()
    assert done.returncode == 2 and done.stderr.startswith("melancholia: stdin cannot be read as MIDI")


def test_a_name_is_bytes(here, capfd):
    name = os.fsdecode(b"b\xff\xfed.mid")
    try:
        (here / name).write_bytes(smf(track(row_of_notes())))
    except (OSError, UnicodeError):
        pytest.skip("this disk holds only names in Unicode")
    assert run(["render", name, "-o", "out", *RATE]) == 0
    assert list(held(here / "out")) == ["01-melody-felt_piano.wav"]
    (here / name).write_bytes(b"no MIDI")
    assert run(["render", name, "-o", "none"]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_slow_tempo_makes_no_piece_too_long(here, capfd):
    assert rendered(smf(track(on(0, 60), off(1_000_000, 60))), here, "--tempo", "0.25") == 2
    assert capfd.readouterr().err == "melancholia: in.mid lasts 1.16 h; allowed: up to 30 min.\n"


def test_a_tempo_at_the_edge_of_what_midi_can_say_is_performed(here):
    """16.8 s a quarter: a performance bends it, and what is beyond the edge stays at it."""
    slowest = b"\0\xff\x51\3\xff\xff\xff"
    data = smf(track(slowest, on(0, 60), off(240, 60), on(0, 62), off(240, 62)))
    assert rendered(data, here, "--mood", "longing", "--sample-rate", "8000") == 0
