"""How loud stems stand: each at its role's place by its own loudness, and the melody clear of all others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melancholia.audio import Stem, Stems, audio
from melancholia.meter import integrated_lufs
from melancholia.racks import apply, balance, names, rack
from melancholia.racks.balance import (
    DROWNED,
    FORWARD_DB,
    MELODY_LUFS,
    MOST_DB,
    k_weights,
    loudness,
    made_room,
    presence,
    third_octaves,
)
from melancholia.racks.slots import OWN
from melancholia.tables import Ramp

RATE = 48_000
BALANCE = """
schema = 1
name = "mine"

[balance]
melody = 0
counter = -6
harmony = [-4, -8]
noise = -25
texture = -13
"""


def made(folder, text=BALANCE):
    (folder / "mine.toml").write_text(text)
    return folder / "mine.toml"


def tone(hertz, level=0.1, seconds=4.0, rate=RATE):
    t = np.arange(int(seconds * rate)) / rate
    return audio(np.stack([level * np.sin(2 * np.pi * hertz * t)] * 2), rate)


def pink(level=0.1, seconds=6.0, rate=RATE, seed=0):
    rng = np.random.default_rng(seed)
    n = int(seconds * rate)
    spectrum = np.fft.rfft(rng.normal(size=(2, n)), axis=1) / np.sqrt(np.maximum(1, np.arange(n // 2 + 1)))
    sound = np.fft.irfft(spectrum, n, axis=1)
    return audio(level * sound / sound.std(), rate)


@pytest.mark.parametrize("rate", [8_000, 44_100, RATE])
@pytest.mark.parametrize("kind", [45, 110, 1000, 3500, "pink", "bursts"])
def test_loudness_by_third_octaves_is_that_of_the_standard(kind, rate):
    if isinstance(kind, int):
        sound = tone(kind, rate=rate)
    elif kind == "pink":
        sound = pink(rate=rate)
    else:  # loud for a third of the time: the relative gate takes the rest
        sound = audio(pink(rate=rate).samples * np.repeat([0.01, 1.0, 0.01], 2 * rate), rate)
    found = loudness(third_octaves(sound), k_weights(rate))
    assert found == pytest.approx(integrated_lufs(sound), abs=0.4)


def test_third_octaves_hold_all_the_power_wherever_blocks_end():
    class InPieces:
        def __init__(self, whole):
            self.rate, self.channels, self.frames, self.whole = whole.rate, whole.channels, whole.frames, whole

        def blocks(self, frames=0):
            return self.whole.blocks(9_973)

    sound = pink()
    whole = third_octaves(sound)
    assert whole.shape[0] == 30 and np.allclose(whole, third_octaves(InPieces(sound)))
    inner = whole[:, 2:-2].sum(axis=0).mean()
    low = np.abs(np.fft.rfft(sound.samples, axis=1)) ** 2
    share = low[:, int(20 * 6) :].sum() / low[:, 1:].sum()  # from 20 Hz up
    assert inner == pytest.approx(2 * 0.1**2 * share, rel=0.05)


def test_each_stem_comes_to_its_place(tmp_path):
    stems = Stems(
        {
            "01": Stem("melody", "cello", pink(0.3, seed=1)),
            "02": Stem("harmony", "harp", pink(0.001, seed=2)),
            "03": Stem("counter", "flute", pink(0.05, seed=3)),
            "04": Stem("counter", "strings", pink(0.02, seed=4)),
            "05": Stem("texture", "rain", pink(0.7, seed=5)),
            "06": Stem("bass", "cello", audio(np.zeros((2, 6 * RATE)), RATE)),
            "07": Stem("texture", "strings", pink(0.7, seed=6)),
        }
    )
    wet = apply(stems, rack=made(tmp_path), intensity=0.5, tail_s=0.0)
    heard = {name: integrated_lufs(stem.sound) - MELODY_LUFS for name, stem in wet.items()}
    shared = -6 - 10 * np.log10(2)  # two of one role share its place
    wanted = {"01": 0, "02": -6, "03": shared, "04": shared, "05": -25, "07": -13}
    assert {name: heard[name] for name in wanted} == pytest.approx(wanted, abs=0.4)
    assert not wet["06"].sound.read().samples.any()
    gains = balance(stems, rack(made(tmp_path)), 0.5).gain_db
    assert gains["06"] == 0 and gains["01"] == pytest.approx(MELODY_LUFS - integrated_lufs(stems["01"].sound), abs=0.4)


@settings(max_examples=10)
@given(st.lists(st.floats(-40, 20), min_size=3, max_size=3))
def test_how_loud_stems_were_rendered_is_not_heard(gains_db):
    """Metamorphic: stems turned up or down beforehand stand where they stood."""
    sounds = {"melody": pink(0.1, 1.5), "harmony": pink(0.1, 1.5, seed=1), "bass": tone(55, seconds=1.5)}
    plain = Stems({role: Stem(role, "cello", sound) for role, sound in sounds.items()})
    moved = Stems(
        {
            role: Stem(role, "cello", audio(sound.samples * 10 ** (gain / 20), RATE))
            for (role, sound), gain in zip(sounds.items(), gains_db, strict=True)
        }
    )
    before, after = balance(plain, rack("longing"), 0.7), balance(moved, rack("longing"), 0.7)
    assert before.room_db == after.room_db and np.allclose(before.melody, after.melody)
    found = [before.gain_db[role] - after.gain_db[role] for role in sounds]
    assert found == pytest.approx(gains_db, abs=0.01)


def test_a_rack_without_balance_moves_no_fader(tmp_path):
    stems = Stems({"a": Stem("melody", "clarinet", pink(0.3)), "b": Stem("harmony", "cello", pink(0.3))})
    wet = apply(stems, rack=made(tmp_path, 'schema = 1\nname = "mine"\n'), tail_s=0.0)
    assert all(np.array_equal(wet[name].sound.read().samples, stems[name].sound.samples) for name in stems)


def powers(*hertz_and_level):
    return third_octaves(tone(*hertz_and_level))


def test_who_covers_the_melody_gives_way_and_no_one_else():
    tune = powers(440, 0.1)
    taken = made_room(tune, {"near": powers(450, 0.1), "far": powers(2000, 0.1)}, 11.0)
    assert taken["near"] == pytest.approx(11, abs=0.6) and taken["far"] == 0
    assert made_room(tune, {"near": powers(450, 0.02)}, 11.0) == {"near": 0}
    assert made_room(powers(440, 0.02), {"near": powers(450, 0.5)}, 11.0) == {"near": MOST_DB}  # and no further
    assert made_room(tune, {}, 11.0) == {}


def test_a_melody_that_dies_away_is_not_drowned():
    """In the median it is clear at once; what it lacks is that for most of its time nothing covers it."""
    bands = np.full((30, 100), 1e-12)
    tune, pad = bands.copy(), bands.copy()
    tune[12] = 10.0 ** (-np.arange(100) / 40)  # 25 dB
    pad[12] = 10 ** (-2.0)
    taken = made_room(tune, {"pad": pad}, 5.0)["pad"]
    over = tune[12] / (pad[12] * 10 ** (-taken / 10))
    assert 0 < taken < 4 and (over < 1).mean() <= DROWNED < (tune[12] < pad[12]).mean()


def test_who_gave_way_comes_forward_where_the_melody_rests(tmp_path):
    """A pad under a tune of 4 s, 6 s of rest and 4 s: down by what it gives way, up in the rest, without a step."""
    t = np.arange(14 * RATE) / RATE
    tune = audio(np.stack([0.1 * np.sin(2 * np.pi * 440 * t) * ((t < 4) | (t > 10))] * 2), RATE)
    stems = Stems({"tune": Stem("melody", "cello", tune), "pad": Stem("harmony", "cello", tone(450, 0.1, 14.0))})
    path = made(tmp_path, BALANCE + "clear_db = 11\n")
    faders = balance(stems, rack(path), 0.5)
    assert faders.room_db["pad"] == pytest.approx(5, abs=0.6) and faders.room_db["tune"] == 0
    wet = apply(stems, rack=path, intensity=0.5, tail_s=0.0)["pad"].sound.read().samples[0]
    level = 10 * np.log10((wet.reshape(-1, RATE // 10) ** 2).mean(axis=1))
    assert level[70] - level[20] == pytest.approx(faders.room_db["pad"], abs=0.2)
    assert level[20] == pytest.approx(level[120], abs=0.2) and np.abs(np.diff(level)).max() < 1.2
    assert level[38] == pytest.approx(level[20], abs=0.2)  # not before the melody is over


def in_the_rest(sound):
    """Of 14 s, what sounds in the middle of a rest from 4 to 10 s."""
    return audio(sound.read().samples[:, round(6.5 * RATE) : 9 * RATE], RATE)


@pytest.mark.parametrize(("pad_lu", "rest_db"), [(-13, -8), (-13, -5), (-20, -5), (-6, -12)])
def test_where_the_melody_rests_all_others_stand_beside_it_as_asked(tmp_path, pad_lu, rest_db):
    """A pad and a cello of one role each: together at `rest_db`, never further forward than FORWARD_DB, never back."""
    t = np.arange(14 * RATE) / RATE
    tune = audio(np.stack([0.1 * np.sin(2 * np.pi * 440 * t) * ((t < 4) | (t > 10))] * 2), RATE)
    others = {"texture": tone(1500, seconds=14), "harmony": tone(190, seconds=14), "noise": pink(seconds=14)}
    others |= {"percussion": pink(seconds=14, seed=1), "bass": tone(60, seconds=14)}
    names = dict.fromkeys(others, "cello") | {"noise": "rain", "percussion": "heartbeat"}
    roles = {name: "texture" if name == "noise" else name for name in others}
    stems = Stems(
        {"tune": Stem("melody", "cello", tune)}
        | {name: Stem(roles[name], names[name], sound) for name, sound in others.items()}
    )
    places = f"melody = 0\ntexture = {pad_lu}\nharmony = {pad_lu}\nnoise = -25\npercussion = -20\nbass = -9\n"
    head = 'schema = 1\nname = "mine"\n\n[balance]\n'
    plain = balance(stems, rack(made(tmp_path, head + places)), 0.5)
    assert not any(map(plain.moves, stems))
    path = made(tmp_path, f"{head}{places}rest_db = {rest_db}\n")
    faders = balance(stems, rack(path), 0.5)
    missing = rest_db - (pad_lu + 10 * np.log10(2))
    step = float(np.clip(missing, 0, FORWARD_DB))
    forward = {name: float(faders.ride(name, np.array([7.0]))[0]) for name in stems}
    stay = dict.fromkeys(("tune", "noise", "percussion", "bass"), 0.0)
    assert forward == pytest.approx(dict.fromkeys(("texture", "harmony"), step) | stay, abs=0.4)
    assert not any(faders.ride(name, np.array([3.0, 11.0])).any() for name in stems)
    wet = apply(stems, rack=path, intensity=0.5, tail_s=0.0)
    for name in others:
        heard = integrated_lufs(in_the_rest(wet[name].sound)) - MELODY_LUFS
        wanted = {"noise": -25, "percussion": -20, "bass": -9}.get(name, pad_lu + step)
        assert heard == pytest.approx(wanted, abs=0.6)


def test_a_melody_that_never_rests_and_a_rest_in_which_nobody_plays_bring_nobody_forward(tmp_path):
    path = made(tmp_path, BALANCE + "rest_db = -5\n")
    t = np.arange(14 * RATE) / RATE
    on = (t < 4) | (t > 10)
    tune = tone(440, seconds=14)
    with_rest = audio(tune.samples * on, RATE)
    for melody, pad in ((tune, tone(190, seconds=14)), (with_rest, audio(tone(190, seconds=14).samples * on, RATE))):
        stems = Stems({"tune": Stem("melody", "cello", melody), "pad": Stem("harmony", "cello", pad)})
        faders = balance(stems, rack(path), 0.5)
        assert not faders.ride("pad", np.arange(0, 14, 0.1)).any()


def test_each_rest_brings_forward_what_it_lacks_and_who_gave_way_comes_the_less_forward(tmp_path):
    """Two rests, one with loud players and one with soft ones, of whom one covers the tune and gives way to it."""
    t = np.arange(24 * RATE) / RATE
    on = (t < 4) | ((t > 10) & (t < 14)) | (t > 20)
    tune = audio(tone(440, seconds=24).samples * on, RATE)
    soft = np.where(t > 12, 0.3, 1.0)
    pad = audio(tone(1500, seconds=24).samples * soft, RATE)
    over = audio(tone(440, seconds=24).samples * soft, RATE)
    stems = Stems(
        {
            "tune": Stem("melody", "cello", tune),
            "pad": Stem("texture", "cello", pad),
            "over": Stem("harmony", "cello", over),
        }
    )
    places = "melody = 0\ntexture = -8\nharmony = -8\nclear_db = 14\nrest_db = -3\n"
    faders = balance(stems, rack(made(tmp_path, 'schema = 1\nname = "mine"\n\n[balance]\n' + places)), 0.5)
    first, second = (faders.ride("pad", np.array([at]))[0] for at in (7.0, 17.0))
    assert 0 <= first < 4 and second == pytest.approx(min(first + 10.5, FORWARD_DB), abs=0.5)
    gave = faders.room_db["over"]
    assert 3 < gave < FORWARD_DB and faders.ride("over", np.array([2.0]))[0] == -gave
    assert faders.ride("over", np.array([17.0]))[0] == pytest.approx(FORWARD_DB - gave, abs=0.01)
    steps = np.diff(faders.ride("over", np.arange(0, 24, 0.1)))
    assert np.abs(steps).max() < 1.6


def test_presence_is_whole_in_a_melody_and_in_its_breaths():
    on = np.zeros(100, bool)
    on[30:40] = on[50:60] = True
    found = presence(on)
    assert (found[30:60] == 1).all() and not found[:15].any() and not found[75:].any()
    assert (np.diff(found[14:31]) >= 0).all() and 0.3 < found[22] < 0.7
    on[50:60] = False
    on[65:70] = True
    assert presence(on)[52] < 0.3
    assert not presence(np.zeros(5, bool)).any()


@pytest.mark.parametrize("roles", [("harmony", "bass"), ("melody",)])
def test_without_a_melody_or_others_nobody_gives_way(roles):
    stems = Stems({role: Stem(role, "cello", tone(440)) for role in roles})
    faders = balance(stems, rack("longing"), 0.7)
    assert not any(faders.room_db.values())
    assert not any(faders.ride(name, np.arange(4.0)).any() or faders.moves(name) for name in stems)
    silent = Stems({role: Stem(role, "cello", audio(np.zeros((2, RATE)), RATE)) for role in ("melody", "bass")})
    assert not any(balance(silent, rack("longing"), 0.7).gain_db.values())


@pytest.mark.parametrize("name", names())
def test_every_rack_says_where_every_role_stands(name):
    found = rack(name)
    assert set(found.balance) == set(OWN) and found.clear_db is not None and found.clear_db.at(0) >= 9
    assert found.rest_db is not None and -8 <= found.rest_db.at(0.5) <= -3
    assert found.balance["melody"] == Ramp(0, 0) and all(level.at(0.5) <= 0 for level in found.balance.values())
    assert not found.level_db
