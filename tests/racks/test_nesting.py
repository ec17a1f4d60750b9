"""Chains inside chains: side by side, middle and side, and stems that make room for others."""

import numpy as np
import pytest

import melancholia as mel
from melancholia.audio import Stem, Stems, audio
from melancholia.racks import apply, mix, rack
from melancholia.racks.ducking import Duck, Envelope, envelope, summed

RATE = 48_000
RNG = np.random.default_rng(4)
NOISE = audio(RNG.normal(0, 0.1, (2, RATE)).astype(np.float32), RATE)


@pytest.fixture
def chain(tmp_path):
    def made(text):
        path = tmp_path / "x.toml"
        path.write_text(f'schema = 1\nname = "x"\n{text}')
        return path

    return made


HALVES = """
[[insert.any]]
[[insert.any.branch]]
[[insert.any.branch]]
[[insert.any.branch.chain]]
effect = "Gain"
params = { gain_db = 6 }
[[insert.any.branch.chain]]
effect = "Invert"
"""


def test_branches_are_summed_and_an_empty_one_is_dry(chain):
    found = apply(NOISE, rack=chain(HALVES), tail_s=0).samples
    assert found == pytest.approx(NOISE.samples * (1 - 10 ** (6 / 20)), abs=1e-6)


def test_a_late_branch_is_waited_for(chain):
    tape = '[[insert.any.branch.chain]]\neffect = "Tape"\nparams = {{ drive_db = -24 }}\nbypass = {}\n'
    text = "[[insert.any]]\n[[insert.any.branch]]\n[[insert.any.branch]]\n" + tape
    late = apply(NOISE, rack=chain(text.format("false")), tail_s=0).samples
    tape_alone = apply(NOISE, rack=chain('[[insert.any]]\neffect = "Tape"\nparams = { drive_db = -24 }\n'), tail_s=0)
    assert late == pytest.approx(NOISE.samples + tape_alone.samples, abs=1e-5)


def test_mid_and_side_are_what_both_share_and_what_parts_them(chain):
    swapped = apply(NOISE, rack=chain('[[insert.any]]\n[[insert.any.side]]\neffect = "Invert"\n'), tail_s=0).samples
    assert swapped == pytest.approx(NOISE.samples[::-1], abs=1e-6)
    quiet = '[[insert.any]]\n[[insert.any.mid]]\neffect = "Gain"\nparams = { gain_db = -60 }\n'
    found = apply(NOISE, rack=chain(quiet), tail_s=0).samples
    side = (NOISE.samples[0] - NOISE.samples[1]) / 2
    assert found == pytest.approx(np.stack([side, -side]), abs=1e-3)


def test_they_nest_and_take_dry_and_wet(chain):
    inner = HALVES.replace("insert.any", "insert.any.mid")
    found = apply(NOISE, rack=chain("[[insert.any]]\nmix = 0.5\n" + inner), tail_s=0).samples
    mid, side = NOISE.samples.mean(axis=0), (NOISE.samples[0] - NOISE.samples[1]) / 2
    wet = np.stack([mid * (1 - 10 ** (6 / 20)) + side, mid * (1 - 10 ** (6 / 20)) - side])
    assert found == pytest.approx((NOISE.samples + wet) / 2, abs=1e-6)


def test_what_is_linear_may_stand_in_a_send(chain):
    send = "[send.a.gain_db]\nany = 0\n" + HALVES.replace("insert.any", "send.a.chain")
    found = apply(NOISE, rack=chain(send), tail_s=0).samples
    assert found == pytest.approx(NOISE.samples * (2 - 10 ** (6 / 20)), abs=1e-5)
    with pytest.raises(mel.InputError, match="'Chorus', which moves in time or bends"):
        rack(chain(send.replace('"Invert"', '"Chorus"')))


@pytest.mark.parametrize(("text", "said"), [
    ("[[insert.any]]\n[[insert.any.branch]]\n", "branch stands alone; allowed: two or more"),
    ("[[insert.any]]\n[[insert.any.branch]]\neffekt = 1\n[[insert.any.branch]]\n", "effekt is no key here"),
    ('[[insert.any]]\n[[insert.any.mid]]\neffect = "Reverbb"\n', "Did you mean 'Reverb'"),
    ('[[insert.any]]\neffect = "Duck"\n', "key"),
    ('[[insert.any]]\neffect = "Duck"\nkey = "melodie"\n', "Did you mean 'melody'"),
    ('[[insert.any]]\neffect = "Duck"\nkey = { melody = 99 }\n', "melody is 99; allowed: -60 to 24"),
    ('[send.a.gain_db]\nany = 0\n[[send.a.chain]]\neffect = "Duck"\nkey = "melody"\n', "which moves in time or bends"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(chain, text, said):
    with pytest.raises(mel.InputError, match=said):
        rack(chain(text))


DUCK = """
[[insert.harmony]]
effect = "Duck"
key = {}
params = {{ threshold_db = -40, ratio = 4, depth_db = 12, attack_ms = 10, release_ms = 100 }}
"""


def song(melody, harmony=None):
    steady = audio(np.full((2, melody.frames), 0.1, np.float32), RATE)
    return Stems({
        "melody": Stem("melody", "cello", melody),
        "harmony": Stem("harmony", "cello", harmony or steady),
    })  # fmt: skip


def test_a_stem_makes_room_while_its_key_sounds(chain):
    on = np.zeros((2, 4 * RATE), np.float32)
    on[:, RATE : 2 * RATE] = 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)  # -20 dB
    dry = song(audio(on, RATE))
    wet = apply(dry, rack=chain(DUCK.format('"melody"')), tail_s=0)
    level = 20 * np.log10(np.abs(wet["harmony"].sound.samples[0]) / 0.1)
    assert level[: RATE - 2400] == pytest.approx(0, abs=1e-3)
    assert level[int(1.2 * RATE) : int(1.9 * RATE)] == pytest.approx(-12, abs=0.1)  # 15 asked, 12 allowed
    at = 2 * RATE + np.arange(0, 12_000, 480)
    assert level[at] == pytest.approx(-12 * np.exp(-(at - 2 * RATE) / RATE / 0.1), abs=0.5)
    assert np.abs(np.diff(wet["harmony"].sound.samples[0])).max() < 5e-4  # no step
    assert np.array_equal(wet["melody"].sound.samples, apply(dry, rack=chain(""), tail_s=0)["melody"].sound.samples)
    summed_up = sum(stem.sound.samples for stem in wet.values())
    assert mix(wet).samples == pytest.approx(summed_up, abs=1e-6)


def test_a_key_may_be_several_at_levels_of_their_own(chain):
    on = audio(np.full((2, RATE), 0.1, np.float32), RATE)  # -20 dB
    wet = apply(song(on), rack=chain(DUCK.format("{ melody = -14, bass = 0 }")), tail_s=0)
    level = 20 * np.log10(wet["harmony"].sound.samples[0, RATE // 2] / 0.1)
    assert level == pytest.approx(-(-34 + 40) * 0.75, abs=0.05)


def test_without_its_key_nothing_is_ducked(chain):
    text = DUCK.format('"melody"').replace("insert.harmony", "insert.any")
    assert np.array_equal(apply(NOISE, rack=chain(text), tail_s=0).samples, NOISE.samples)


def test_an_envelope_does_not_depend_on_blocks_and_powers_add_up():
    class Blocks:
        rate, channels, frames = RATE, 2, RATE

        def blocks(self, frames=1000):
            for at in range(0, RATE, 1000):
                yield NOISE.samples[:, at : at + 1000]

    assert envelope(Blocks()).power == pytest.approx(envelope(NOISE).power)
    assert summed([envelope(NOISE)] * 2).power == pytest.approx(2 * envelope(NOISE).power)
    assert len(summed([]).power) == 0


def test_blocks_of_any_size_are_ducked_alike():
    key = Envelope(RNG.uniform(0, 0.1, 200))
    whole = Duck(key, RATE, 0).process(NOISE.samples)
    pieces = Duck(key, RATE, 0)
    parts = [pieces.process(NOISE.samples[:, at : at + 768]) for at in range(0, RATE, 768)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)
