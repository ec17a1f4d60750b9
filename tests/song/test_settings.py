"""What a setting promises, read from the files that `make` writes."""

import json

import numpy as np
import pytest
import soundfile

import melancholia as mel
from melancholia import takes
from melancholia.midi import load_midi

RATE = 24_000
HITS = (6.0, 14.2)
BAND = (1000, 4000)


def sound(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


def files(folder):
    return [folder / "master.wav", folder / "mix.wav", *sorted((folder / "stems").glob("*/*.wav"))]


@pytest.fixture(scope="module", autouse=True)
def once():
    """Whether a song is as sad as asked is told elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(takes, "ROUNDS", 0)
        yield


@pytest.fixture(scope="module")
def folders(once, tmp_path_factory):
    top = tmp_path_factory.mktemp("settings")
    asked = {
        "film": {"setting": "film", "hits": "6,14.2!", "dialogue": "8-12", "instruments": ["felt_piano", "cello"]},
        "silent film": {"setting": "film", "hits": "6,14.2!", "instruments": ["felt_piano", "cello"]},
        "loop": {"setting": "loop"},
        "song": {},
        "background": {"setting": "background"},
    }
    return {
        name: mel.make("longing", **{"seconds": 20, "seed": 12, "rate": RATE} | more).save(top / name, report=False)
        for name, more in asked.items()
    }


@pytest.mark.parametrize("name", ["film", "silent film", "loop"])
def test_every_file_is_exactly_as_long_as_asked(folders, name):
    assert {soundfile.info(path).frames for path in files(folders[name])} == {20 * RATE}
    assert soundfile.info(folders[name] / "master.wav").subtype == "PCM_24"
    assert {p.name for p in folders[name].iterdir()} == {p.name for p in folders["song"].iterdir()}


@pytest.mark.parametrize("name", ["film", "loop", "background"])
def test_the_wet_stems_still_sum_to_the_mix(folders, name):
    total = sum(map(sound, (folders[name] / "stems" / "wet").glob("*.wav")))
    assert np.abs(total - sound(folders[name] / "mix.wav")).max() < 1e-6


@pytest.mark.parametrize("name", ["film", "loop", "background"])
def test_the_master_is_as_loud_as_asked(folders, name):
    found = mel.measure(folders[name] / "master.wav")
    assert abs(found.integrated_lufs + 16) <= 0.15 and found.true_peak_dbtp <= -0.95


def test_the_recipe_says_what_it_was_for(folders):
    recipe = json.loads((folders["film"] / "recipe.json").read_text())
    assert recipe["setting"] == "film" and recipe["hits"] == ["6", "14.2!"] and recipe["dialogue"] == [[8, 12]]
    kept = ("intensity", "seconds", "seed", "instruments", "rate", "setting", "hits", "dialogue")
    again = mel.make(recipe["mood"], **{name: recipe[name] for name in kept})
    assert np.array_equal(again.master.read().samples, mel.recording(folders["film"] / "master.wav").read().samples)


def flux(samples, hop):
    """Rise of the spectrum's square root, summed over bands, at each hop."""
    mono = samples.mean(axis=1)
    frames = np.lib.stride_tricks.sliding_window_view(mono, 1024)[::hop] * np.hanning(1024)
    level = np.sqrt(np.abs(np.fft.rfft(frames)))
    return np.maximum(np.diff(level, axis=0), 0).sum(axis=1), (np.arange(1, len(level)) * hop + 512) / RATE


def test_hits_are_met_in_the_performance_and_in_the_sound(folders):
    played = load_midi(folders["film"] / "piece.mid")
    starts = played.tempo.seconds([n.start for part in played.parts for n in part.notes])
    rise, at = flux(sound(folders["film"] / "master.wav"), 64)
    for hit in HITS:
        assert np.abs(starts - hit).min() < 0.002
        near = np.abs(at - hit) < 0.3
        peak = at[near][rise[near].argmax()]
        assert abs(peak - hit) < 0.05 and rise[near].max() > 2.5 * np.median(rise)


def test_a_film_ends_in_silence_inside(folders):
    for path in files(folders["film"]):
        assert np.abs(sound(path)[-8:]).max() < 1e-4
    assert load_midi(folders["film"] / "piece.mid").seconds < 20 - 2.4


def test_dialogue_has_room_between_one_and_four_kilohertz(folders):
    def level(name, start, end, band):
        part = sound(folders[name] / "master.wav")[int(start * RATE) : int(end * RATE)].mean(axis=1)
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        hz = np.fft.rfftfreq(len(part), 1 / RATE)
        return 10 * np.log10(power[(hz >= band[0]) & (hz < band[1])].sum())

    def change(start, end, band):
        return level("film", start, end, band) - level("silent film", start, end, band)

    assert change(8, 12, BAND) < change(14, 18, BAND) - 4
    assert abs(change(8, 12, (100, 600)) - change(14, 18, (100, 600))) < 0.5


def test_a_loop_has_no_seam(folders):
    piece = load_midi(folders["loop"] / "piece.mid")
    bars = piece.end / piece.bar_quarters
    assert bars == round(bars) and abs(piece.seconds - 20) < 1e-3
    for path in files(folders["loop"]):
        once = sound(path)[:, 0]
        round_ = np.concatenate([once, once])
        steps, bends = np.abs(np.diff(round_)), np.abs(np.diff(round_, n=2))
        seam, inner = len(once) - 1, slice(200, len(once) - 200)
        assert steps[seam] <= np.quantile(steps[inner], 0.999), path.name
        assert bends[seam - 2 : seam + 2].max() <= np.quantile(bends[inner], 0.999), path.name


def linked(samples, at, size):
    """Correlation of the sound before a frame with its own continuation by the best period, behind that frame."""
    before, after = samples[at - 4 * size : at], samples[at : at + size]
    windows = np.lib.stride_tricks.sliding_window_view(before, size)
    norm = np.linalg.norm(windows, axis=1) * np.linalg.norm(after)
    return float((windows @ after / np.maximum(norm, 1e-12)).max())


def test_across_the_seam_a_loop_goes_on_as_at_any_bar_line(folders):
    """At the seam everyone strikes anew: about as alike as the strokes of the few bar lines inside let it be; most cuts
    are less."""
    once = sound(folders["loop"] / "mix.wav")[:, 0]
    piece = load_midi(folders["loop"] / "piece.mid")
    around, size = np.tile(once, 3), RATE // 50
    lines = piece.tempo.seconds(np.arange(1, round(piece.end / piece.bar_quarters)) * piece.bar_quarters)
    inside = [linked(around, len(once) + int(at * RATE), size) for at in lines]
    seam = linked(around, 2 * len(once), size)
    assert seam >= min(inside) - 0.2
    cuts = [linked(np.concatenate([once, once[len(once) * k // 7 :]]), len(once), size) for k in range(1, 7)]
    assert seam > np.median(cuts)


def test_a_loop_is_in_the_same_state_at_both_ends(folders):
    """The room and the limiter do not begin anew: with the first stroke the last chord's ring is there, and no step."""
    mix = sound(folders["loop"] / "mix.wav")
    ends = [np.sqrt((part**2).mean()) for part in (mix[-RATE // 50 :], mix[: RATE // 200])]
    assert 20 * np.log10(ends[1] / ends[0]) > -6
    around = np.concatenate([mix[-RATE // 50 :], mix[: RATE // 50]])
    steps = np.abs(np.diff(around, axis=0))
    assert (steps[RATE // 50 - 1] <= np.delete(steps, RATE // 50 - 1, axis=0).max(axis=0)).all()


def test_a_background_is_evener_than_a_song(folders):
    """That it is sparser, in the mean of several, says `composition/test_course.py`. How long the last chord rings is
    no part of it."""
    both = ("song", "background")
    levels, velocity = {}, {}
    for name in both:
        piece = load_midi(folders[name] / "piece.mid")
        notes = [note for part in piece.parts for note in part.notes]
        until = int(RATE * piece.tempo.seconds(max(note.start for note in notes)))
        halves = sound(folders[name] / "master.wav")[: until // (RATE // 2) * (RATE // 2), 0].reshape(-1, RATE // 2)
        levels[name] = np.ptp(np.percentile(10 * np.log10((halves**2).mean(axis=1)), [10, 90]))
        velocity[name] = np.std([note.velocity for note in notes])
    assert levels["background"] < 0.7 * levels["song"] and velocity["background"] < 0.75 * velocity["song"]


def test_the_rack_follows_the_curve():
    """White noise through a rack whose intensity moves: as bright at both ends as at the curve's own ends."""
    noise = mel.Audio(np.random.default_rng(0).normal(0, 0.05, (2, 8 * RATE)).astype(np.float32), RATE)

    def centroid(sound_, start, end):
        power = np.abs(np.fft.rfft(sound_.samples[0, int(start * RATE) : int(end * RATE)])) ** 2
        return (np.fft.rfftfreq(2 * len(power) - 2, 1 / RATE) * power).sum() / power.sum()

    moving = mel.apply(noise, rack="longing", profile=mel.profile("longing", "0:0,0.4:0,0.6:1,1:1"), tail_s=0.0)
    mild, deep = (mel.apply(noise, rack="longing", profile=mel.profile("longing", x), tail_s=0.0) for x in (0, 1))
    gap = centroid(mild, 1, 3) - centroid(deep, 5, 7)
    assert gap > 100
    assert centroid(moving, 1, 3) - centroid(moving, 5, 7) > 0.4 * gap
