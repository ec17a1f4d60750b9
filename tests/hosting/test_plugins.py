"""Plugins as effects in a chain: layouts, latency, parameters, state, and chunks that equal the whole."""

import base64
import shutil
import sys
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
import soxr

import melancholia as mel
from melancholia.audio import audio
from melancholia.hosting import bundles
from melancholia.hosting.bundles import bundle
from melancholia.hosting.plugin import Hosted, Place, Plugin, slug
from melancholia.hosting.rates import at_work
from melancholia.hosting.worker import settable

RATE = 48_000
RNG = np.random.default_rng(1)
NOISE = audio(RNG.normal(0, 0.1, (2, 2 * RATE)).astype(np.float32), RATE)


def plugin(path, state=None, rate=None, **params):
    ends = tuple((name, value if isinstance(value, tuple) else (value, value)) for name, value in params.items())
    return Plugin(path, params=ends, state=state, rate=rate, where="insert.any 1 of x.toml")


def through(hosted, sound, sizes):
    parts, at = [], 0
    for size in sizes:
        parts.append(hosted.process(np.ascontiguousarray(sound[:, at : at + size])))
        at += size
    return np.concatenate(parts, axis=1)


def test_a_gain_is_exact_and_chunks_are_the_whole(zoo):
    with Hosted(plugin(zoo["Gain"], gain=-6.0), RATE, 0.5) as hosted:
        whole = through(hosted, NOISE.samples, [65_536])
    with Hosted(plugin(zoo["Gain"], gain=-6.0), RATE, 0.5) as hosted:
        parts = through(hosted, NOISE.samples, [256, 4096, 1024, 60_160])
    assert np.array_equal(whole, parts)
    assert whole == pytest.approx(NOISE.samples[:, :65_536] * 10 ** (-6 / 20), abs=1e-7)


def test_latency_is_made_good_to_the_frame(zoo, tmp_path):
    path = tmp_path / "late.toml"
    path.write_text(
        f'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:{zoo["Late"]}"\nmix = 0.5\n'
        f'[[bus]]\nplugin = "vst3:{zoo["Late"]}"\n'
    )
    found = mel.apply(NOISE, rack=path, tail_s=0)
    assert found.samples == pytest.approx(mel.apply(NOISE, rack=gain(tmp_path, zoo), tail_s=0).samples, abs=1e-7)


def gain(folder, zoo, more=""):
    path = folder / "gain.toml"
    path.write_text(f'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:{zoo["Gain"]}"\n{more}\n')
    return path


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_layout_goes_through(zoo, tmp_path, channels):
    sound = audio(RNG.normal(0, 0.1, (channels, RATE)).astype(np.float32), RATE)
    found = mel.apply(sound, rack=gain(tmp_path, zoo, "params = { gain = -6 }"), tail_s=0)
    assert found.samples.shape == sound.samples.shape
    kept = [k for k in range(channels) if channels < 6 or k != 3]  # the LFE goes through no rack
    assert found.samples[kept] == pytest.approx(sound.samples[kept] * 10 ** (-6 / 20), abs=1e-6)


def test_a_parameter_may_be_a_number_words_or_a_place_and_follow_intensity(zoo):
    for given in (-18.0, "-18.00", Place(42 / 84)):
        with Hosted(plugin(zoo["Gain"], Gain=given), RATE, 0.5) as hosted:
            assert hosted.places["Gain"][0] == pytest.approx(0.5, abs=1e-6)
    with Hosted(plugin(zoo["Gain"], gain=(-18.0, 24.0)), RATE, 0.5) as hosted:
        assert hosted.places["gain"] == pytest.approx((0.5, 1.0))
        found = hosted.process(NOISE.samples[:, :512])
    assert found == pytest.approx(NOISE.samples[:, :512] * 10 ** (3 / 20), abs=1e-6)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"gian": 0.0}, "no parameter 'gian'; known: gain. Did you mean 'gain'?"),
        ({"gain": 30.0}, "gain is 30; allowed: -60"),
        ({"gain": "loud"}, "gain shows nothing as 'loud'; allowed: -60 to 24"),
        ({"gain": 0.0, "Gain": 1.0}, "is told twice where gain stands"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(zoo, params, said):
    with pytest.raises(mel.InputError, match=said.replace("?", r"\?").replace("(", r"\(")):
        Hosted(plugin(zoo["Gain"], **params), RATE, 0.5)


@pytest.mark.parametrize(("name", "knob"), [
    ("Threshold", True), ("Output Level", True), ("Peak", True), ("Program", True), ("P12", True),
    ("Gain Reduction", False), ("gain reduction 2", False), ("Level Meter L", False), ("MIDI Ch. 1 CC 0", False),
    ("MIDI CC 7|3", False), ("P012", False), ("Buffer Size", False), ("Sample Rate", False), ("Latency", False),
    ("Current Program", False),
])  # fmt: skip
def test_meters_and_what_is_the_hosts_are_no_knobs(name, knob):
    assert settable(SimpleNamespace(name=name, is_automatable=True)) == knob
    assert not settable(SimpleNamespace(name=name, is_automatable=False))


@pytest.mark.parametrize("name", ["ZamEQ2", "ZaMultiCompX2", "ZamGrains"])
def test_a_knob_shows_what_was_asked_however_it_is_curved(zam, name):
    with Hosted(plugin(zam / f"{name}.vst3"), RATE, 0.5) as hosted:
        for knob in hosted.shown():
            low, high = float(knob["low"]), float(knob["high"])
            at = hosted.knobs[knob["name"]]

            def shown(raw, at=at):
                return float(hosted.worker.ask("shows", 5, index=at, raw=raw)["text"])

            steps = {shown(raw) for raw in np.linspace(0, 1, 41)}
            whole = all(value == round(value) for value in steps)  # some count in whole numbers, or are switches
            for share in (0.0, 0.123, 0.6, 1.0):
                asked = low + share * (high - low)
                off = abs(shown(hosted.place(knob["name"], asked)) - asked)
                assert off <= (0.501 if whole else 0.006 * max(1, abs(asked))), (knob["name"], asked)


def test_knobs_that_move_make_no_step(zoo, tmp_path):
    moving = gain(tmp_path, zoo, "params = { gain = [-40, 0] }\nautomate = { gain = [[0, 0], [1, 1]] }")
    found = mel.apply(NOISE, rack=moving, intensity=1, tail_s=0).samples
    level = [20 * np.log10(part.std() / 0.1) for part in np.array_split(found, 8, axis=1)]
    assert np.all(np.diff(level) > 3) and level[0] == pytest.approx(-37.5, abs=1)


def test_names_are_compared_by_their_letters():
    assert slug("Gain Reduction (dB)") == slug("gain_reduction_db") == "gain_reduction_db"


def test_a_bundle_is_found_by_path_beside_the_chain_or_by_name(zoo, tmp_path, monkeypatch):
    monkeypatch.setitem(bundles.FOLDERS, "linux", (str(zoo["Gain"].parent),))
    assert bundle("vst3:Gain", tmp_path) == zoo["Gain"]
    (tmp_path / "Own.vst3").symlink_to(zoo["Gain"])
    assert bundle("vst3:Own.vst3", tmp_path) == tmp_path / "Own.vst3"
    for said, words in (
        ("vst3:Gian", "Did you mean 'Gain'"),
        ("vst3:no/x.vst3", "does not exist"),
        ("Gain", "allowed"),
    ):
        with pytest.raises(mel.InputError, match=words):
            bundle(said, tmp_path)


@pytest.mark.parametrize(("said", "machine", "words"), [
    (b"\x7fELF\x01", None, "code of 32 bits"),
    (b"MZ\x90\x00\x03", None, "code for win32"),
    (b"\xcf\xfa\xed\xfe\x07", None, "code for darwin"),
    (b"hello", None, "no code"),
    (b"", "MacOS", "is made for MacOS"),
    (b"", "i386-linux", "is made for i386-linux"),
])  # fmt: skip
def test_a_bundle_for_another_system_is_refused(zoo, tmp_path, said, machine, words):
    home = tmp_path / "X.vst3" / "Contents" / (machine or next((zoo["Gain"] / "Contents").iterdir()).name)
    home.mkdir(parents=True)
    (home / "X.so").write_bytes(said)
    with pytest.raises(mel.InputError, match=words):
        bundle("vst3:X.vst3", tmp_path)


def test_a_bundle_keeps_its_makers_name_but_may_be_linked(zoo, tmp_path):
    shutil.copytree(zoo["Gain"], tmp_path / "Other.vst3")
    with pytest.raises(mel.InputError, match="Other.vst3 holds Gain.so; allowed: Other.so"):
        bundle("vst3:Other.vst3", tmp_path)
    (tmp_path / "Link.vst3").symlink_to(zoo["Gain"])
    with Hosted(plugin(bundle("vst3:Link.vst3", tmp_path)), RATE, 0.5) as hosted:
        assert hosted.knobs
    for said in ("vst3:~nobody-here/x.vst3", "vst3:gone.vst3"):
        with pytest.raises(mel.InputError, match="does not exist"):
            bundle(said, tmp_path)


def test_a_wide_plugin_gives_the_mean_for_one_channel(zam):
    mono = np.ascontiguousarray(NOISE.samples[:1, :16_384])
    with Hosted(plugin(zam / "ZamVerb.vst3", wet_dry=100.0), RATE, 0.5, channels=1) as hosted:
        one = hosted.process(mono)
    with Hosted(plugin(zam / "ZamVerb.vst3", wet_dry=100.0), RATE, 0.5, channels=2) as hosted:
        both = hosted.process(np.repeat(mono, 2, axis=0))
    assert not np.allclose(both[0], both[1], atol=1e-4)
    assert one[0] == pytest.approx(both.mean(axis=0), abs=1e-7)


def test_a_tail_rings_out(zam, tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:ZamDelay"\n')
    found = mel.apply(NOISE, rack=path).samples[:, NOISE.frames :]
    assert 0.1 * RATE < found.shape[1] < 2 * RATE and np.abs(found[:, : RATE // 10]).max() > 1e-3


def test_a_wrong_block_is_refused(zoo):
    with Hosted(plugin(zoo["Gain"]), RATE, 0.5) as hosted:
        assert hosted.process(np.zeros((2, 0), np.float32)).shape == (2, 0)
        with pytest.raises(mel.InputError, match="block is .3, 256.; allowed: .2, frames."):
            hosted.process(np.zeros((3, 256), np.float32))
        with pytest.raises(mel.InputError, match="no parameter 'nope'"):
            hosted.process(np.zeros((2, 256), np.float32), [(0, {"nope": 0.5})])


def test_a_plugin_is_named_by_its_place_in_chains_inside_chains(zoo, tmp_path):
    branches = "".join(
        f'[[insert.any.branch]]\n[[insert.any.branch.chain]]\nplugin = "vst3:{zoo["Gain"]}"\n' for _ in range(2)
    )
    path = tmp_path / "x.toml"
    path.write_text(f'schema = 1\nname = "x"\n[[insert.any]]\n{branches}params = {{ gain = 99 }}\n')
    with pytest.raises(mel.InputError, match="Gain .insert.any 1, branch 2, chain 1 of x.toml. .* gain is 99; allowed"):
        mel.apply(NOISE, rack=path)


def test_of_bundles_of_one_name_the_first_folder_has_its_own(zoo, tmp_path, monkeypatch):
    own, everybodys = tmp_path / "own", tmp_path / "everybody's"
    for place in (own, everybodys / "a", everybodys / "b"):
        place.mkdir(parents=True)
        (place / "Gain.vst3").symlink_to(zoo["Gain"])
    monkeypatch.setitem(bundles.FOLDERS, "linux", (str(own), str(everybodys)))
    assert bundle("vst3:Gain", tmp_path) == own / "Gain.vst3"
    (own / "Gain.vst3").unlink()
    with pytest.raises(mel.InputError, match="may be .*/a/Gain.vst3 and .*/b/Gain.vst3; allowed"):
        bundle("vst3:Gain", tmp_path)


def test_a_path_may_have_blanks_and_letters_of_any_language(zoo, tmp_path):
    folder = tmp_path / "Plug-ins für später \u6c34"
    folder.mkdir()
    shutil.copytree(zoo["Gain"], folder / "Gain.vst3")
    found = mel.apply(NOISE, rack=gain(folder, {"Gain": folder / "Gain.vst3"}), tail_s=0)
    assert np.array_equal(found.samples, NOISE.samples)


@pytest.mark.parametrize(("rate", "own"), [(48_000, 44_100), (44_100, 96_000), (96_000, 48_000)])
@pytest.mark.parametrize("kind", ["Gain", "Late"])
def test_a_plugin_runs_at_its_own_rate_and_in_time(zoo, rate, own, kind):
    sound = RNG.normal(0, 0.1, (2, rate)).astype(np.float32)
    sound[:, -rate // 4 :] = 0
    with closing(at_work(plugin(zoo[kind], rate=own), rate, 0.5)) as effect:
        made = through(
            effect, np.pad(sound, ((0, 0), (0, effect.latency))), [*[2560] * 8, rate - 20_480, effect.latency]
        )
    there_and_back = soxr.resample(soxr.resample(sound.T, rate, own, quality="HQ"), own, rate, quality="HQ").T
    assert made[:, effect.latency :][:, : rate - 4096] == pytest.approx(there_and_back[:, : rate - 4096], abs=1e-6)


def test_knobs_move_in_time_at_another_rate(zoo, tmp_path):
    plain = gain(tmp_path, zoo, "params = { gain = [-40, 0] }\nautomate = { gain = [[0, 0], [1, 1]] }")
    here = mel.apply(NOISE, rack=plain, intensity=1, tail_s=0).samples
    other = gain(tmp_path, zoo, "params = { gain = [-40, 0] }\nautomate = { gain = [[0, 0], [1, 1]] }\nrate = 96000")
    there = mel.apply(NOISE, rack=other, intensity=1, tail_s=0).samples
    level = [20 * np.log10(part.std()) for sound in (here, there) for part in np.array_split(sound, 20, axis=1)]
    apart = np.subtract(level[:20], level[20:])  # the noise loses its highest octave's end on the way
    assert apart == pytest.approx(np.full(20, np.median(apart)), abs=0.05) and 0 < apart[0] < 0.5


def test_a_send_with_a_plugin_runs_for_each_stem_and_in_time(zoo, tmp_path):
    text = 'schema = 1\nname = "x"\n[send.room.gain_db]\nany = {}\n[[send.room.chain]]\nplugin = "vst3:{}"\n'
    path = tmp_path / "send.toml"
    for kind in ("Gain", "Late"):
        path.write_text(text.format(-6, zoo[kind]))
        found = mel.apply(NOISE, rack=path, tail_s=0).samples
        assert found == pytest.approx(NOISE.samples * (1 + 10 ** (-6 / 20)), abs=1e-6)
    path.write_text(text.format(-80, zoo["CrashOnLoad"]))
    assert np.array_equal(mel.apply(NOISE, rack=path, tail_s=0).samples, NOISE.samples)  # nothing goes there
    path.write_text(text.format("[-30, 0]", zoo["Late"]) + 'effect = "Gain"\n')
    with pytest.raises(mel.InputError, match="effect is no key here"):
        mel.apply(NOISE, rack=path)


def test_a_knob_takes_a_state_and_gives_it_by_its_sound(zam, tmp_path):
    comp = zam / "ZamComp.vst3"
    loud = NOISE.samples[:, :65_536] * 5

    def sound(**how):
        with Hosted(plugin(comp, **how), RATE, 0.5) as hosted:
            return hosted.process(loud), hosted.state()

    set_, state = sound(threshold=-35.0, ratio=8.0)
    plain, _ = sound()
    assert not np.allclose(plain, set_, atol=1e-3)
    assert np.array_equal(sound(state=state)[0], set_)
    (tmp_path / "comp.state").write_bytes(state)
    assert np.array_equal(sound(state=tmp_path / "comp.state")[0], set_)
    with pytest.raises(mel.InputError, match="does not know the state given"):
        with Hosted(plugin(zam / "ZamEQ2.vst3", state=state), RATE, 0.5):
            pass


PRESET = """
import sys, numpy as np
from melancholia.hosting import worker
plugin = worker.opened(sys.argv[1], None)
worker.turn(plugin, [(p.index, p.get_raw_value_for_text("-35")) for p in plugin._parameters if p.name == "Threshold"])
plugin(np.zeros((1, 256), np.float32), 48000)
open(sys.argv[2], "wb").write(plugin.preset_data)
"""


def test_a_preset_of_other_hosts_is_taken(zam, tmp_path, children):
    comp, preset = zam / "ZamComp.vst3", tmp_path / "comp.vstpreset"
    assert children.run(sys.executable, "-c", PRESET, comp, preset).returncode == 0
    loud = NOISE.samples[:, :65_536] * 5
    with Hosted(plugin(comp, threshold=-35.0), RATE, 0.5) as hosted:
        wanted = hosted.process(loud)
    with Hosted(plugin(comp, state=preset), RATE, 0.5) as hosted:
        assert np.array_equal(hosted.process(loud), wanted)
    for other in (zam / "ZamEQ2.vst3", zam / "ZamVerb.vst3"):
        with pytest.raises(mel.InputError, match="does not know the state comp.vstpreset"):
            Hosted(plugin(other, state=preset), RATE, 0.5)
    (tmp_path / "torn.vstpreset").write_bytes(preset.read_bytes()[:100])
    (tmp_path / "none.vstpreset").write_bytes(b"")
    for bad in ("torn.vstpreset", "none.vstpreset"):
        with pytest.raises(mel.InputError, match="does not know the state"):
            Hosted(plugin(comp, state=tmp_path / bad), RATE, 0.5)


def test_a_state_may_stand_in_the_chain(zam, tmp_path):
    with Hosted(plugin(zam / "ZamComp.vst3", threshold=-35.0), RATE, 0.5) as hosted:
        state = base64.b64encode(hosted.state()).decode()
    path = tmp_path / "inline.toml"
    text = 'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:ZamComp"\n'
    path.write_text(text + f'state = "base64:{state}"\n')
    inline = mel.apply(NOISE, rack=path, tail_s=0).samples
    path.write_text(text + "params = { threshold = -35 }\n")
    assert np.array_equal(inline, mel.apply(NOISE, rack=path, tail_s=0).samples)
    path.write_text(text + 'state = "base64:!!"\n')
    with pytest.raises(mel.InputError, match="inline.toml:5.*is no base64"):
        mel.apply(NOISE, rack=path)


EVERY = [(rate, channels) for rate in (44_100, 48_000, 96_000) for channels in (1, 2, 6)]


@pytest.mark.parametrize(("name", "layouts"), [
    ("ZamEQ2", EVERY),  # one channel
    ("ZaMaximX2", EVERY),  # two, and late
    ("ZamVerb", [(44_100, 1), (96_000, 2)]),  # two, and slow to load; all nine in the soak
])  # fmt: skip
def test_debians_plugins_run_on_every_layout_and_rate(zam, tmp_path, name, layouts):
    path = tmp_path / "chain.toml"
    path.write_text(f'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:{name}"\n')
    for rate, channels in layouts:
        sound = audio(RNG.normal(0, 0.1, (channels, rate // 2)).astype(np.float32), rate)
        found = mel.apply(sound, rack=path, tail_s=0.1)
        assert found.samples.shape == (channels, rate // 2 + rate // 10)
        assert np.isfinite(found.samples).all() and found.samples.std() > 1e-3


def test_dry_and_wet_are_mixed_to_the_bit(zoo, tmp_path):
    for share in (0.0, 0.25):
        found = mel.apply(
            NOISE, rack=gain(tmp_path, zoo, f"params = {{ gain = -60 }}\nmix = {share}"), tail_s=0
        ).samples
        wet = NOISE.samples * np.float32(10 ** (-60 / 20))
        assert found == pytest.approx(NOISE.samples + np.float32(share) * (wet - NOISE.samples), abs=1e-8)
    left_out = gain(tmp_path, zoo, "params = { gain = -60 }\nbypass = true")
    assert np.array_equal(mel.apply(NOISE, rack=left_out, tail_s=0).samples, NOISE.samples)


TONE = audio(0.5 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE) * np.ones((2, 1), np.float32), RATE)


def largest_step(samples):
    """From one frame to the next, as a multiple of the tone's own."""
    return np.abs(np.diff(samples)).max() / np.abs(np.diff(TONE.samples)).max()


@pytest.mark.parametrize("moves", ["[[0, 0], [1, 1]]", "[[0, 1], [0.5, 1], [0.5, 0], [1, 0]]"])
def test_what_moves_makes_no_step_however_fast(zoo, tmp_path, moves):
    knob = f'plugin = "vst3:{zoo["Gain"]}"\nparams = {{ gain = [-12, 0] }}\nautomate = {{ gain = {moves} }}\n'
    ours = f'effect = "Gain"\nparams = {{ gain_db = [-12, 0] }}\nautomate = {{ gain_db = {moves} }}\n'
    wet = f'plugin = "vst3:{zoo["Gain"]}"\nparams = {{ gain = -12 }}\nmix = [0, 1]\nautomate = {{ mix = {moves} }}\n'
    for slot, most in ((ours, 1.01), (wet, 1.01), (knob, 2.5)):
        path = tmp_path / "moves.toml"
        path.write_text(f'schema = 1\nname = "x"\n[[insert.any]]\n{slot}')
        found = mel.apply(TONE, rack=path, intensity=1, tail_s=0).samples
        assert largest_step(found) < most
        assert np.abs(found[:, :480]).max() != pytest.approx(np.abs(found[:, -480:]).max(), rel=0.5)
