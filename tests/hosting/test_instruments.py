"""Plugins as players: every message at its frame, expression, release, state, latency, and a song with one."""

import json
import shutil

import numpy as np
import pytest

import melancholia as mel
from melancholia import takes
from melancholia.cli import run
from melancholia.hosting import qualification
from melancholia.instruments import vst3
from melancholia.instruments.events import Events

RATE = 48_000


def played(onsets, releases, pitches, velocities=None, curves=None):
    as_ints = [np.array(x, np.int64) for x in (pitches, velocities or [127] * len(onsets))]
    return Events(np.array(onsets, float), np.array(releases, float), *as_ints, curves or {})


def sound(zoo, events, rate=RATE, seconds=2.0, more=""):
    plugin = vst3.parse(f"vst3:{zoo['Synth']}{more}")
    return vst3.rendered(plugin, events, rate, int(seconds * rate))[0]


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_every_note_begins_and_ends_at_its_frame(zoo, rate):
    rng = np.random.default_rng(5)
    frames = np.sort(rng.choice(np.arange(1, 12 * rate), 60, replace=False)) + 4000 * np.arange(60)
    for piece in (frames, frames + 65_536 - frames[0]):  # the first across the edge of what goes through at once
        onsets, releases = piece / rate, (piece + 1200) / rate
        made = sound(zoo, played(onsets, releases, [69] * 60), rate, seconds=(piece[-1] + 9000) / rate)
        found = [k for k in np.flatnonzero(made == np.float32(0.2)) if abs(made[k - 1]) < 0.1]
        assert found == piece.tolist()
        for at in piece[:10]:  # at its peak until the end of the key, lower from then on
            tone = np.cos(2 * np.pi * 440 * np.arange(2400) / rate) * 0.2
            apart = np.abs(made[at : at + 2400] - tone)
            assert apart[:1200].max() < 1e-5 and apart[1200:1500].max() > 1e-3


def test_a_key_struck_again_before_it_was_let_go_sounds_on(zoo):
    events = played([0.0, 0.5], [1.0, 1.5], [60, 60])
    said = [(at, kind) for at, (kind, *_) in vst3.messages(events, RATE)]
    assert said == [(0, vst3.ON), (24_000, vst3.OFF), (24_000, vst3.ON), (72_000, vst3.OFF)]
    assert np.abs(sound(zoo, events)[50_000:70_000]).max() == pytest.approx(0.2, rel=0.01)


def test_expression_is_heard_and_the_pedal_is_sent(zoo):
    curve = {
        "expression": (np.array([0.0, 1.0]), np.array([127.0, 32.0])),
        "pedal": (np.array([0.5]), np.array([127.0])),
    }
    events = played([0.0], [2.0], [69], curves=curve)
    made = sound(zoo, events)
    loud, soft = np.abs(made[:40_000]).max(), np.abs(made[50_000:90_000]).max()
    assert soft / loud == pytest.approx(32 / 127, abs=1 / 127)  # plugins get controllers as shares, and may round down
    controls = [tuple(message[1:]) for _, message in vst3.messages(events, RATE) if message[0] == vst3.CONTROL]
    assert controls == [(1, 127), (11, 127), (64, 127), (1, 32), (11, 32)]


def test_it_rings_out_and_a_state_is_kept(zoo, tmp_path):
    from melancholia.hosting import Hosted, Plugin

    usual = vst3.tail_s(f"vst3:{zoo['Synth']}")
    assert usual == pytest.approx(0.1 * 80 / 60, abs=0.05)  # 60 dB in the time that the knob says
    long = Plugin(zoo["Synth"], params=(("release", (2.0, 2.0)),))
    with Hosted(long, RATE, 0.0, plays=True) as hosted:
        (tmp_path / "long.state").write_bytes(hosted.state())
    assert vst3.tail_s(f"vst3:{zoo['Synth']}#{tmp_path / 'long.state'}") > 10 * usual


def test_a_piece_is_played_by_it_and_the_song_says_what_with(zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Synth.vst3").symlink_to(zoo["Synth"])
    profile = mel.profile("longing")
    piece = mel.with_instrument(mel.compose(profile, seconds=15, seed=3), "melody", "vst3:Synth.vst3")
    stems = mel.render(mel.perform(piece, profile, seed=3), only="melody")
    ((name, stem),) = stems.items()
    assert name.endswith("-melody-Synth") and stem.instrument == "vst3:Synth.vst3"
    assert np.abs(stem.sound.samples).max() > 0.01
    assert "vst3:Synth.vst3" in {part.instrument for part in round_trip(piece, tmp_path).parts}


def round_trip(piece, folder):
    mel.save_midi(piece, folder / "x.mid")
    return mel.load_midi(folder / "x.mid")


def test_an_instrument_that_is_replaced_is_refused(zoo, tmp_path):
    shutil.copytree(zoo["Synth"], tmp_path / "Synth.vst3")
    plugin = vst3.parse(f"vst3:{tmp_path / 'Synth.vst3'}")
    code = next((tmp_path / "Synth.vst3").rglob("*.so"))
    code.write_bytes(code.read_bytes() + b"\0")
    with pytest.raises(mel.PluginError, match="Synth .instrument. was replaced on the disk"):
        vst3.rendered(plugin, played([0.0], [1.0], [60]), RATE, RATE)


def test_make_takes_one_by_name(zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(takes, "ROUNDS", 0)
    synth = f"vst3:{zoo['Synth']}"
    line = ["make", "longing", "--seconds", "15", "--seed", "2", "--no-report", "-q", "-o", "out"]
    assert run([*line, "--instruments", f"{synth},felt_piano"]) == 0
    assert "Synth is not qualified; melancholia plugins qualify" in capsys.readouterr().err
    recipe = json.loads((tmp_path / "out" / "recipe.json").read_text())
    assert "Synth.so" in recipe["sources"]
    assert recipe["plugins"][synth] == {"plugin": "Synth", "rate": 48_000, "block": 256, "verdict": "not qualified"}
    assert list((tmp_path / "out" / "stems" / "dry").glob("*-Synth.wav"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vst3:Nobody", "instrument is 'vst3:Nobody', which is not in"),
        ("vst3:{Synth}#none.state", "none.state is no file"),
        ("vst3:{Gain}", "is an effect; allowed: an instrument"),
        ("vst:x", "Unknown instrument 'vst:x'"),
    ],
)
def test_what_is_no_instrument_is_refused(zoo, name, said):
    with pytest.raises(mel.InputError, match=said):
        note = mel.Note(0, 1, 60, 80)
        mel.render(mel.Piece((mel.Part("a", "melody", name.format_map(zoo), (note,)),), mel.TempoMap.steady(60)))


def test_an_instrument_is_no_effect(zoo, tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(f'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:{zoo["Synth"]}"\n')
    with pytest.raises(mel.InputError, match="Synth .insert.any 1 of x.toml. is an instrument; allowed: an effect"):
        mel.apply(mel.audio(np.zeros((2, 4800), np.float32), RATE), rack=path)


@pytest.mark.usefixtures("brief")
def test_an_instrument_is_qualified_by_what_it_plays(zoo):
    report = qualification.qualify(zoo["Synth"])
    assert report.verdict == "good" and report.facts["instrument"]
    assert "1 of 1 knobs change its sound" in {check.said for check in report.checks}
