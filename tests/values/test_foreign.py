"""Files that libsndfile does not know: read by PyAV where it is there, as all others are; else refused by name."""

import io
import pickle

import av
import mutagen
import numpy as np
import pytest
from mutagen.mp4 import MP4, MP4Cover

from melancholia.analysis import analyse
from melancholia.cli import run
from melancholia.containers import foreign
from melancholia.errors import InputError
from melancholia.metadata import read_metadata
from melancholia.recordings import recording
from tests.children import CLI

RATE, SECONDS = 44_100, 4.0
T = np.arange(round(RATE * SECONDS)) / RATE
COVER = b"\x89PNG\r\n\x1a\n" + bytes(64)
KINDS = {  # suffix: container, coder
    "m4a": ("ipod", "aac"),
    "mov": ("mov", "alac"),
    "mka": ("matroska", "aac"),
    "aac": ("adts", "aac"),
    "wv": ("wv", "wavpack"),
    "oga": ("ogg", "flac"),
}
EXACT = ("mov", "wv", "oga")  # lossless


def tones(channels):
    """A tone of its own for each channel, fading."""
    return np.stack([0.3 * np.sin(2 * np.pi * 440 * (k + 1) * T) * np.exp(-T / 3) for k in range(channels)])


def written(path, *, layouts=("stereo",), tags=(), options=None):
    """A file with a recording for each layout."""
    container, coder = KINDS[path.suffix[1:]]
    with av.open(path, "w", format=container, options=options or {}) as file:
        file.metadata.update(dict(tags))
        streams = [file.add_stream(coder, rate=RATE, layout=layout) for layout in layouts]
        for stream in streams:
            samples = tones(stream.layout.nb_channels).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=stream.layout.name)
            frame.sample_rate = RATE
            size = stream.codec_context.frame_size or 1024
            fit = av.AudioResampler(stream.codec_context.format, stream.layout, RATE, size)
            for piece in [*fit.resample(frame), *fit.resample(None)]:
                file.mux(stream.encode(piece))
            file.mux([packet for packet in stream.encode(None) if packet.size])  # FLAC ends in one that holds nothing
    return path


@pytest.mark.parametrize("suffix", KINDS)
def test_all_of_it_is_read(tmp_path, suffix):
    found = recording(written(tmp_path / f"a.{suffix}"))
    assert (found.rate, found.channels, found.notes) == (RATE, 2, ()) and abs(found.seconds - SECONDS) < 0.1
    samples = found.read().samples
    wanted = tones(2)
    if suffix in EXACT:
        assert found.frames == wanted.shape[1] and np.abs(samples - wanted).max() < 0.005
    for channel, tone in zip(samples, wanted, strict=True):
        length = min(len(channel), len(tone))
        spectrum = np.abs(np.fft.rfft(channel[:length] * np.hanning(length)))
        assert spectrum.argmax() == np.abs(np.fft.rfft(tone[:length] * np.hanning(length))).argmax()
        assert np.sqrt(np.mean(channel**2)) == pytest.approx(np.sqrt(np.mean(tone**2)), rel=0.05)


@pytest.mark.parametrize("frames", [1000, 4096, 65_536])
def test_blocks_are_the_whole_in_order(tmp_path, frames):
    found = recording(written(tmp_path / "a.m4a"))
    blocks = list(found.blocks(frames))
    assert max(block.shape[1] for block in blocks) <= frames
    assert np.array_equal(np.concatenate(blocks, axis=1), found.read().samples)
    assert np.array_equal(pickle.loads(pickle.dumps(found)).read().samples, found.read().samples)


def test_speakers_stand_where_they_belong(tmp_path):
    found = recording(written(tmp_path / "a.m4a", layouts=["5.1"]))
    assert found.channels == 6 and found.mask == 0x3F
    for k, channel in enumerate(found.read().samples):
        if k != 3:  # the LFE's coder leaves only what is low
            loudest = np.abs(np.fft.rfft(channel)).argmax() * RATE / len(channel)
            assert loudest == pytest.approx(440 * (k + 1), abs=2)


@pytest.mark.parametrize("suffix", [suffix for suffix in KINDS if suffix != "aac"])  # which holds no tags
def test_every_kind_says_its_tags(tmp_path, suffix):
    written(tmp_path / f"a.{suffix}", tags={"title": "Tide", "artist": "M. Ebb", "album": "Low"}.items())
    found = read_metadata(tmp_path / f"a.{suffix}")
    assert dict(found.tags) == {"title": ("Tide",), "artist": ("M. Ebb",), "album": ("Low",)} and not found.lost


def test_what_it_says_goes_on(tmp_path):
    path = written(tmp_path / "a.m4a", tags={"title": "Tide", "artist": "M. Ebb", "track": "3"}.items())
    tagged = MP4(path)
    tagged["covr"] = [MP4Cover(COVER, MP4Cover.FORMAT_PNG)]
    tagged.save()
    assert run(["master", str(path), "-o", str(tmp_path / "b.flac"), "-q"]) == 0
    made = mutagen.File(tmp_path / "b.flac")
    assert dict(made.tags) == {"title": ["Tide"], "artist": ["M. Ebb"], "tracknumber": ["3"]}
    assert [picture.data for picture in made.pictures] == [COVER]


def test_it_comes_through_stdin_and_open_files(tmp_path, children, capfd):
    path = written(tmp_path / "a.m4a")
    done = children.start(*CLI, "loudness", "-", stdin=path).wait()
    assert done.returncode == 0 and "LUFS" in done.stdout, done.stderr
    assert recording(io.BytesIO(path.read_bytes())).frames == recording(path).frames


def test_the_listener_hears_the_same(tmp_path):
    exact, lossy = (analyse(written(tmp_path / name)).values for name in ("a.mov", "a.m4a"))
    for cue in ("register", "brightness", "loudness"):
        assert lossy[cue] == pytest.approx(exact[cue], rel=0.05)


def test_of_several_recordings_one_is_read_with_a_word(tmp_path):
    found = recording(written(tmp_path / "a.mka", layouts=["stereo", "mono"]))
    assert found.channels == 2 and found.notes == (
        "it holds 2 recordings: the one that is marked, or the first, is read",
    )


def test_a_cut_file_is_refused_by_what_is_missing(tmp_path):
    path = written(tmp_path / "a.m4a", options={"movflags": "faststart"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"a\.m4a is cut off: \d\.\d s of its 4\.\d s are missing"):
        recording(path)


def test_a_film_without_sound_is_refused(tmp_path):
    with av.open(tmp_path / "a.mp4", "w") as file:
        stream = file.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        for _ in range(10):
            file.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        file.mux(stream.encode(None))
    with pytest.raises(InputError, match="cannot be read as audio: it has no sound"):
        recording(tmp_path / "a.mp4")


@pytest.mark.parametrize("suffix", KINDS)
def test_damage_is_refused_in_a_line_or_read(tmp_path, suffix):
    """Bytes flipped, cut out and cut off anywhere: an error of ours with one line, or sound that can be read."""
    data = written(tmp_path / f"a.{suffix}").read_bytes()
    rng = np.random.default_rng(24)
    for number in range(25):
        hurt = bytearray(data)
        for place in rng.integers(0, len(hurt), int(rng.integers(1, 40))):
            hurt[place] = rng.integers(0, 256)
        start, length = int(rng.integers(0, len(hurt))), int(rng.integers(0, 3000)) * (number % 3 == 1)
        del hurt[start : start + length]
        path = tmp_path / f"hurt.{suffix}"
        path.write_bytes(hurt[: int(rng.integers(1, len(hurt)))] if number % 3 == 2 else hurt)
        try:
            found = recording(path)
            assert found.read().frames == found.frames > 0
        except InputError as error:
            assert "\n" not in str(error) and f"hurt.{suffix}" in str(error)


def test_without_pyav_a_file_is_refused_by_name(tmp_path, monkeypatch):
    paths = [written(tmp_path / f"a.{suffix}") for suffix in ("m4a", "mka", "aac")]
    monkeypatch.setattr(foreign, "is_there", lambda: False)
    for path, name in zip(paths, ("MP4", "Matroska", "AAC"), strict=True):
        with pytest.raises(
            InputError, match=rf"is {name}.*, which needs PyAV; allowed: .*pip install 'melancholia\[media\]'"
        ):
            recording(path)
    with pytest.raises(InputError, match="cannot be read as audio"):
        recording(written(tmp_path / "a.oga"))
