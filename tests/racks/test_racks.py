"""Every rack keeps its promises: it says why, rings out, adds up, and follows intensity."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from melancholia.audio import ROLES, Audio, Stem, Stems, audio
from melancholia.encoding import write_audio
from melancholia.errors import InputError
from melancholia.profile import profile
from melancholia.racks import apply, bus, mix, names, rack, tail_s
from melancholia.racks.chain import Chain
from melancholia.racks.course import Course
from melancholia.racks.effects import EFFECTS
from melancholia.racks.impulse import impulses, room_of
from melancholia.racks.sends import response
from melancholia.racks.slots import Slot
from melancholia.recordings import recording
from melancholia.tables import Ramp
from melancholia.timeline import Timeline, timeline
from tests.some import later

RATE = 48_000
CLIPS = Path(__file__).parents[3] / "shared" / "data" / "4qaed" / "4qaed-720-opus.tar"


def noise(seconds=2.0, rate=RATE, seed=0, channels=2):
    x = np.random.default_rng(seed).normal(0, 0.1, (channels, int(seconds * rate)))
    return audio(x * np.hanning(x.shape[1]), rate)


def stems(rate=RATE):
    return Stems({f"{k:02d}-{role}": Stem(role, "x", noise(rate=rate, seed=k)) for k, role in enumerate(ROLES)})


def slots(found):
    yield from (slot for chain in found.inserts.values() for slot in chain)
    yield from (slot for send in found.sends for slot in send.chain)
    yield from found.bus


@pytest.mark.parametrize("name", names())
def test_a_rack_says_what_and_why(name):
    found = rack(name)
    assert found.name == name and len(found.about) > 20
    assert all(len(slot.why) > 3 for slot in slots(found))
    used = {slot.effect for slot in slots(found)}
    assert {"LowpassFilter", "Chorus"} <= used and used & {"Reverb", "Impulse"} and len(found.sends) >= 2


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("intensity", [0, 1, *later(0.5)])
def test_stems_sum_to_the_mix_and_ring_out(name, intensity):
    dry = stems()
    wet = apply(dry, rack=name, intensity=intensity)
    total = np.sum([s.sound.read().samples.astype(np.float64) for s in wet.values()], axis=0)
    assert np.abs(total - mix(wet).samples).max() < 10 ** (-120 / 20)
    end = total[:, -RATE // 20 :]
    assert np.abs(end).max() < 1e-4 * np.abs(total).max()
    assert 0.5 < tail_s(rack(name), intensity=intensity, rate=RATE) <= 12
    assert all(np.array_equal(dry[k].sound.samples, noise(seed=n).samples) for n, k in enumerate(dry))


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("rate", [96_000, *later(44_100)])
def test_other_rates_sound_alike(name, rate):
    """The same clicks of 100 ms at another rate have the same energy, to a dB."""
    levels = []
    for r in (RATE, rate):
        t = np.arange(2 * r) / r
        tone = audio(np.stack([np.sin(2 * np.pi * 440 * t) * (t < 1)] * 2), r)
        wet = apply(tone, rack=name, intensity=0.7).read().samples
        levels.append(10 * np.log10((wet**2).sum() / r))
    assert abs(levels[0] - levels[1]) < 1.0


@pytest.mark.parametrize("name", names())
def test_same_input_same_output_and_silence_stays(name):
    a, b = (apply(noise(), rack=name).samples for _ in range(2))
    assert np.array_equal(a, b)
    assert not apply(audio(np.zeros((2, RATE)), RATE), rack=name).samples.any()


@pytest.mark.parametrize("name", names())
def test_intensity_is_heard(name):
    def centroid(x):
        power = np.abs(np.fft.rfft(x.mean(axis=0))) ** 2
        return (power * np.arange(len(power))).sum() / power.sum() / len(power)

    soft, deep = (apply(noise(), rack=name, intensity=i, tail_s=8.0).samples for i in (0.0, 1.0))
    assert centroid(deep) < 0.9 * centroid(soft)

    def late(x):
        return (x[:, int(2.2 * RATE) :] ** 2).sum() / (x**2).sum()

    assert late(deep) > 1.3 * late(soft)


@pytest.mark.parametrize("name", names())
def test_stems_do_not_depend_on_each_other_or_on_threads(name):
    alone = Stems({"00-melody": stems()["00-melody"]})
    a = apply(alone, rack=name, jobs=1)["00-melody"].sound.read().samples
    b = apply(stems(), rack=name, jobs=2)["00-melody"].sound.read().samples
    assert np.array_equal(a, b)


@pytest.mark.parametrize("name", names())
def test_nothing_is_added_below_100_hz_by_the_sends(name):
    """A send must not fill the cellar: what it returns of 50 Hz is weak."""
    for send in rack(name).sends:
        found = response(send.chain, RATE, 0.7)
        spectrum = np.abs(np.fft.rfft(found[0, 0], 2**19))
        hertz = np.fft.rfftfreq(2**19, 1 / RATE)
        low = np.sqrt((spectrum[(hertz > 30) & (hertz < 60)] ** 2).mean())
        middle = np.sqrt((spectrum[(hertz > 400) & (hertz < 1500)] ** 2).mean())
        assert 20 * np.log10(low / middle) < -8


def test_a_file_streams_as_the_sound_in_memory(tmp_path):
    long = noise(20.0)
    write_audio(tmp_path / "in.wav", long.blocks(), rate=RATE, channels=2, subtype="FLOAT")
    made = apply(tmp_path / "in.wav", rack="longing", out=tmp_path / "out.wav")
    assert np.array_equal(made.read().samples, apply(long, rack="longing").samples)
    folder = tmp_path / "wet"
    folder.mkdir()
    on_disk = apply(stems(), rack="longing", folder=folder)
    kept = apply(stems(), rack="longing")
    assert all(np.array_equal(on_disk[n].sound.read().samples, kept[n].sound.samples) for n in kept)


def test_one_channel_becomes_two_and_nine_are_refused():
    assert apply(noise(channels=1), rack="longing").channels == 2
    assert apply(noise(channels=3), rack="longing").channels == bus(noise(channels=3), rack="longing").channels == 3
    with pytest.raises(InputError, match="9 channels; allowed: 1 to 8"):
        apply(noise(channels=9), rack="longing")


def test_a_source_is_not_overwritten(tmp_path):
    write_audio(tmp_path / "in.wav", noise().blocks(), rate=RATE, channels=2)
    with pytest.raises(InputError, match="is the source itself"):
        apply(tmp_path / "in.wav", rack="longing", out=tmp_path / "in.wav")


def test_the_bus_keeps_the_length():
    assert bus(noise(), rack="despair").frames == noise().frames


def made(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text('schema = 1\nname = "mine"\n' + text)
    return rack(path)


def test_a_send_is_its_chain(tmp_path):
    """The response that is measured once equals the chain run over the sound."""
    import pedalboard

    text = """[send.hall.gain_db]
melody = -6
[[send.hall.chain]]
effect = "HighpassFilter"
params = { cutoff_frequency_hz = 200 }
[[send.hall.chain]]
effect = "Reverb"
params = { room_size = 0.6, damping = 0.4 }
"""
    found = made(tmp_path, text)
    dry = Stems({"m": Stem("melody", "x", noise())})
    wet = apply(dry, rack=found, intensity=0.3, tail_s=3.0)["m"].sound.samples
    padded = np.pad(noise().samples, ((0, 0), (0, 3 * RATE)))
    board = pedalboard.Pedalboard(
        [pedalboard.HighpassFilter(200), pedalboard.Reverb(0.6, damping=0.4, wet_level=1.0, dry_level=0.0)]
    )
    wanted = padded + 10 ** (-6 / 20) * board(padded, RATE, buffer_size=256)
    assert np.abs(wet - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_an_insert_is_pedalboards_own(tmp_path):
    import pedalboard

    text = '[[insert.any]]\neffect = "Chorus"\nparams = { rate_hz = 0.5, depth = 0.1 }\n'
    wet = apply(noise(), rack=made(tmp_path, text), tail_s=0.0).samples
    wanted = pedalboard.Chorus(rate_hz=0.5, depth=0.1)(noise().samples, RATE, buffer_size=256)
    assert np.array_equal(wet, wanted)


def test_automation_follows_the_arc_without_clicks(tmp_path):
    text = '[[insert.any]]\neffect = "LowpassFilter"\nparams = { cutoff_frequency_hz = [300, 8000] }\n'
    text += 'automate = { cutoff_frequency_hz = "arc" }\n'
    t = np.arange(4 * RATE) / RATE
    tone = audio(np.stack([0.5 * np.sin(2 * np.pi * 200 * t)] * 2), RATE)
    arc = ((0.0, 0.0), (2.0, 1.0), (4.0, 0.0))
    found = made(tmp_path, text)
    wet = apply(tone, rack=found, intensity=1.0, timeline=Timeline(arc), tail_s=0.0).samples
    assert np.abs(np.diff(wet)).max() < 1.3 * np.abs(np.diff(tone.samples)).max()
    hiss = apply(noise(4.0), rack=found, intensity=1.0, timeline=Timeline(arc), tail_s=0.0).samples
    high = np.abs(np.fft.rfft(hiss[0].reshape(4, -1) / (1e-3 + np.hanning(4 * RATE).reshape(4, -1))))[:, 5000:]
    assert (high**2).sum(axis=1)[1] > 5 * (high**2).sum(axis=1)[0]


def test_mix_blends_dry_and_wet(tmp_path):
    text = '[[insert.any]]\neffect = "Gain"\nparams = { gain_db = -60 }\nmix = 0.25\n'
    wet = apply(noise(), rack=made(tmp_path, text), tail_s=0.0).samples
    assert np.allclose(wet, noise().samples * (0.75 + 0.25 * 0.001), atol=1e-6)


def test_bypass_leaves_an_effect_out(tmp_path):
    text = '[[insert.any]]\neffect = "Gain"\nparams = { gain_db = -60 }\nbypass = true\n'
    assert np.array_equal(apply(noise(), rack=made(tmp_path, text), tail_s=0.0).samples, noise().samples)


BROKEN = {
    "impulse": (
        '[[insert.any]]\neffect = "Impulse"\nimpulse = "churhc"\n',
        r"mine.toml:5: insert.any.impulse .*Did you mean 'church'",
    ),
    "no impulse": ('[[insert.any]]\neffect = "Impulse"\n', r"lacks 'impulse'"),
    "impulse file": (
        '[[insert.any]]\neffect = "Impulse"\nimpulse = "bath.wav"\n',
        r"mine.toml:5: insert.any.impulse is 'bath.wav': .*bath.wav does not exist",
    ),
    "impulse of a gain": ('[[insert.any]]\neffect = "Gain"\nimpulse = "hall"\n', r"mine.toml:5.*impulse is no key"),
    "impulse that moves": (
        '[[insert.any]]\neffect = "Impulse"\nimpulse = "hall"\n'
        'params = { decay = [0.5, 1] }\nautomate = { decay = "arc" }\n',
        r"mine.toml:7: insert.any.automate.decay moves, which Impulse cannot; allowed: mix",
    ),
    "decay": (
        '[[insert.any]]\neffect = "Impulse"\nimpulse = "hall"\nparams = { decay = 2 }\n',
        r"mine.toml:6.*decay is 2; allowed: 0.1 to 1",
    ),
    "wow": (
        '[[insert.any]]\neffect = "Tape"\nparams = { wow_cents = 50 }\n',
        r"mine.toml:5.*wow_cents is 50; allowed: 0 to 40 cents",
    ),
    "tremolo": (
        '[[insert.any]]\neffect = "Tremolo"\nparams = { rate_hz = 30 }\n',
        r"mine.toml:5.*rate_hz is 30; allowed: 0.05 to 12 Hz",
    ),
    "width": ('[[insert.any]]\neffect = "Width"\nparams = { width = 3 }\n', r"toml:5.*width is 3; allowed: 0 to 2"),
    "ride": ('[[ride.melody]]\ngain_db = -3\nautomate = "arc"\n', r"mine.toml:5: ride.melody.automate moves -3.*ends"),
    "balance": ("[balance]\nmelody = 0\nvoice = -3\n", r"mine.toml:5: balance.voice .*melody"),
    "rest range": ("[balance]\nrest_db = 3\n", r"mine.toml:4: balance.rest_db is 3; allowed: -24 to 0 LU"),
    "balance range": ("[balance]\nclear_db = 40\n", r"mine.toml:4: balance.clear_db is 40; allowed: 0 to 24 dB"),
    "ride range": ('[[ride.any]]\ngain_db = [0, 20]\nautomate = "arc"\n', r"toml:4.*20; allowed: -60 to 12 dB"),
    "ride of nothing": ('[[ride.drums]]\ngain_db = [0, 2]\n', r"mine.toml:3.*drums is no key here"),
    "effect": ('[[insert.any]]\neffect = "Reverbb"\n', r"mine.toml:4: insert.any.effect .*Did you mean 'Reverb'"),
    "parameter": ('[[insert.any]]\neffect = "Reverb"\nparams = { room = 1 }\n', r"mine.toml:5.*room.*room_size"),
    "range": ('[[insert.any]]\neffect = "Chorus"\nparams = { depth = 3 }\n', r"toml:5.*depth is 3; allowed: 0 to 1"),
    "role": ('[[insert.melodie]]\neffect = "Gain"\n', r"mine.toml:3.*Did you mean 'melody'"),
    "plugin": ('[[insert.any]]\nplugin = "vst3:Nobody"\n', r"mine.toml:4.*plugin is 'vst3:Nobody', which is not in"),
    "send": ('[send.a.gain_db]\nany = 0\n[[send.a.chain]]\neffect = "Chorus"\n', r"mine.toml:6.*moves in time"),
    "automate": ('[[insert.any]]\neffect = "Gain"\nparams = { gain_db = 1 }\nautomate = { gain_db = "arc" }\n', "ends"),
    "key": ("buss = 1\n", r"mine.toml:3: buss is no key here.*Did you mean 'bus'"),
    "lufs": ("[master]\nlufs = 3\n", r"mine.toml:4: master.lufs is 3; allowed: -40 to -5 LUFS"),
    "type": ('[[insert.any]]\neffect = "Gain"\nparams = { gain_db = "loud" }\n', "allowed: a number"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_said_with_its_line(name, tmp_path):
    text, said = BROKEN[name]
    with pytest.raises(InputError, match=said):
        made(tmp_path, text)


def slot_of(name, **values):
    """A slot with these values."""
    room = room_of(impulses()["hall"]) if name == "Impulse" else None
    return Slot(name, tuple((key, Ramp(v, v)) for key, v in values.items()), Ramp(1, 1), False, "", (), room)


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_takes_the_ends_of_its_ranges(name):
    for end in ("low", "high"):
        slot = slot_of(name, **{key: getattr(p, end) for key, p in EFFECTS[name].parameters.items()})
        out = Chain([slot], RATE, 0.5, Course()).process(np.ascontiguousarray(noise(0.2).samples))
        assert out.shape == (2, int(0.2 * RATE)) and np.isfinite(out).all()


@pytest.mark.parametrize("name", [n for n, e in EFFECTS.items() if e.fixed])
def test_what_may_stand_in_a_send_is_linear_and_fixed(name):
    slot = slot_of(name, **{k: p.low + 0.3 * (p.high - p.low) for k, p in EFFECTS[name].parameters.items()})

    def run(x):
        return Chain([slot], RATE, 0.0, Course()).process(np.ascontiguousarray(x, np.float32))

    x, y = noise(0.5, seed=1).samples, noise(0.5, seed=2).samples
    scale = np.abs(run(x)).max() + 1e-6
    assert np.abs(run(x + y) - run(x) - run(y)).max() < 1e-4 * scale
    shifted = run(np.pad(x, ((0, 0), (512, 0))))[:, 512:]
    assert np.abs(shifted - run(x)).max() < 1e-4 * scale


@pytest.mark.shared_data
@pytest.mark.parametrize("name", names())
def test_it_works_on_real_recordings(name, tmp_path):
    if not CLIPS.exists():
        pytest.skip("no recordings here")
    with tarfile.open(CLIPS) as tar:
        member = tar.getmembers()[17]
        x, rate = soundfile.read(io.BytesIO(tar.extractfile(member).read()), dtype="float32", always_2d=True)
    wet = apply(audio(x.T, rate), rack=name, intensity=0.8, out=tmp_path / "out.flac")
    heard = recording(tmp_path / "out.flac").read()
    assert wet.rate == rate and heard.channels == 2 and np.abs(heard.samples).max() > 0.01


def test_audio_values_are_what_comes_back():
    assert isinstance(apply(noise(), rack="longing"), Audio)


class InPieces:
    """A sound that hands itself out in odd blocks, as a strange file might."""

    def __init__(self, whole):
        self.whole, self.rate, self.channels, self.frames = whole, whole.rate, whole.channels, whole.frames

    def blocks(self, frames=0):
        return self.whole.blocks(10_007)

    def read(self):
        return self.whole


@pytest.mark.parametrize("name", names())
def test_the_size_of_a_sources_blocks_is_not_heard(name):
    whole = noise(3.0)
    assert np.array_equal(apply(InPieces(whole), rack=name).samples, apply(whole, rack=name).samples)


def test_automation_follows_the_piece_that_is_played(tmp_path):
    """Arc and sections in seconds under the piece's tempo: given the piece itself, a gain moves as by hand."""
    from melancholia.piece import Piece, Section, TempoMap

    sections = (Section("A", 0, 1), Section("B", 1, 1))
    piece = Piece((), TempoMap.steady(120), metre=(4, 4), sections=sections, arc=((0.0, 0.0), (4.0, 1.0), (8.0, 0.0)))
    line = timeline(piece)
    assert line == Timeline(((0.0, 0.0), (2.0, 1.0), (4.0, 0.0)), (("A", 0.0, 2.0), ("B", 2.0, 4.0)))
    assert line.repeated(4.0, 2).arc[3:] == ((4.0, 0.0), (6.0, 1.0), (8.0, 0.0))
    assert line.repeated(4.0, 2).sections[2:] == (("A", 4.0, 6.0), ("B", 6.0, 8.0))
    gain = '[[{}]]\neffect = "Gain"\nparams = {{ gain_db = [-12, 0] }}\nautomate = {{ gain_db = "{}" }}\nwhy = "x"\n'
    found = made(tmp_path, gain.format("insert.melody", "arc") + gain.format("bus", "B"))
    whole = audio(np.full((2, 4 * RATE), 0.1), RATE)
    stems = Stems({"a": Stem("melody", "cello", whole)})
    wet = apply(stems, rack=found, intensity=1.0, timeline=piece, tail_s=0.0)["a"].sound.read().samples[0]
    level = 20 * np.log10(wet[[RATE // 10, 2 * RATE, RATE * 39 // 10]] / 0.1)
    assert level == pytest.approx([-11.4, 0, -11.4], abs=0.1)
    summed = bus(whole, rack=found, intensity=1.0, timeline=piece).samples[0]
    assert 20 * np.log10(summed[[RATE // 4, 3 * RATE]] / 0.1) == pytest.approx([-12, 0], abs=0.1)


SENT = """
[level]
melody = [0, -12]

[send.echo]
gain_db = { any = -6, melody = [-20, 0] }

[[send.echo.chain]]
effect = "Delay"
params = { delay_seconds = [0.1, 0.3], feedback = 0, mix = 1 }
why = "an echo"
"""


def test_sends_and_levels_follow_a_curve_of_intensity(tmp_path):
    """Clicks where intensity is 0 and where it is 1 return as they do there, and one in between as both."""
    path = made(tmp_path, SENT)
    clicks = np.zeros((2, RATE * 4), np.float32)
    clicks[:, [RATE // 2, RATE * 2, RATE * 7 // 2]] = 0.5
    dry = Stems({"01-melody": Stem("melody", "x", Audio(clicks, RATE))})
    follow = {"rack": path, "profile": profile("longing", "0:0,0.25:0,0.75:1,1:1")}
    found = apply(dry, timeline=Timeline(((0.0, 1.0), (4.0, 1.0))), **follow)["01-melody"].sound.read().samples[0]
    mild, deep = (apply(dry, rack=path, intensity=i)["01-melody"].sound.read().samples[0] for i in (0, 1))
    assert found[: RATE * 3 // 4] == pytest.approx(mild[: RATE * 3 // 4], abs=1e-5)
    assert found[RATE * 13 // 4 : RATE * 4] == pytest.approx(deep[RATE * 13 // 4 : RATE * 4], abs=1e-5)
    half = RATE * 2
    assert found[half] == pytest.approx(0.5 * 10 ** (-6 / 20), rel=0.02)
    near, far = found[half + RATE // 10], found[half + RATE * 3 // 10]
    assert near == pytest.approx(found[half] * 0.5 * 0.1, rel=0.05)
    assert far == pytest.approx(found[half] * 0.5, rel=0.05)
    steady = apply(dry, rack=path, profile=profile("longing", "0:0.4,1:0.4"))["01-melody"].sound.read().samples
    assert np.abs(steady - apply(dry, rack=path, intensity=0.4)["01-melody"].sound.read().samples).max() < 1e-6
