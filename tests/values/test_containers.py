"""Files as people have them: read in full whatever their headers say, and never shorter than they were in silence."""

import io
import os
import struct
import threading

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from melancholia import recordings
from melancholia.containers import mpeg
from melancholia.errors import InputError
from melancholia.recordings import recording

RATE = 48_000
FRAMES = 60_000
T = np.arange(FRAMES) / RATE
SOUND = np.stack([0.2 * np.sin(2 * np.pi * 220 * T), 0.1 * np.sin(2 * np.pi * 331 * T) * np.exp(-T)], axis=1)


def coded(format_, subtype=None, sound=SOUND, rate=RATE):
    soundfile.write(handle := io.BytesIO(), sound, rate, format=format_, subtype=subtype)
    return handle.getvalue()


def put(data, at, value):
    return data[:at] + value + data[at + len(value) :]


def heard(folder, data, name):
    """The recording in a file of these bytes, and its samples (channels, frames)."""
    path = folder / name
    path.write_bytes(data)
    found = recording(path)
    return found, found.read().samples


def same(samples, tolerance=1e-4):
    return samples.shape == (2, FRAMES) and np.abs(samples - SOUND.T).max() < tolerance


# --------------------------------------------------------------------------------------------- sizes in headers


def sized(name, size):
    """A file of a container whose sound, so its header says, has `size` bytes; None: as many as there are."""
    if name in ("wav", "rifx"):
        data = coded("WAV", "PCM_16")
        at = data.index(b"data") + 4
        if name == "rifx":
            soundfile.write(handle := io.BytesIO(), SOUND, RATE, format="WAV", subtype="PCM_16", endian="BIG")
            data = handle.getvalue()
            at = data.index(b"data") + 4
        return data if size is None else put(data, at, struct.pack("<I" if name == "wav" else ">I", size))
    if name == "rf64":
        data = coded("RF64", "PCM_16")
        return data if size is None else put(data, data.index(b"ds64") + 16, struct.pack("<Q", size))
    if name == "w64":
        data = coded("W64", "PCM_16")
        return data if size is None else put(data, data.index(b"data\xf3") + 16, struct.pack("<Q", size + 24))
    if name == "aiff":
        data = coded("AIFF", "PCM_16")
        return data if size is None else put(data, data.index(b"SSND") + 4, struct.pack(">I", size + 8))
    if name == "au":
        data = coded("AU", "PCM_16")
        return data if size is None else put(data, 8, struct.pack(">I", size))
    data = coded("CAF", "PCM_16")
    return data if size is None else put(data, data.index(b"data") + 4, struct.pack(">q", size + 4))


CHUNKED = ("wav", "rifx", "rf64", "w64", "aiff", "au", "caf")
BYTES = FRAMES * 4


@pytest.mark.parametrize("name", CHUNKED)
@pytest.mark.parametrize(
    "claim", [0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF - 44, BYTES + 8, BYTES + 44, BYTES + 1000]
)
def test_a_header_that_was_never_finished_or_slipped_is_put_right_with_a_word(tmp_path, name, claim):
    found, samples = heard(tmp_path, sized(name, claim), f"a.{name}")
    assert found.frames == FRAMES and same(samples) and len(found.notes) == 1
    assert "read to the end of the file" in found.notes[0]


@pytest.mark.parametrize("name", CHUNKED)
def test_a_header_that_is_right_needs_no_word(tmp_path, name):
    found, samples = heard(tmp_path, sized(name, None), f"a.{name}")
    assert same(samples) and not found.notes and not found.found.views


@pytest.mark.parametrize("name", CHUNKED)
def test_a_size_of_all_ones_is_not_known(tmp_path, name):
    """-1 in CAF, 2**32 - 1 in AU: both are in the standards, and in unfinished WAVs."""
    claim = {"rf64": 2**64 - 1, "w64": 2**64 - 25, "caf": -5, "aiff": 2**32 - 9}.get(name, 2**32 - 1)
    found, samples = heard(tmp_path, sized(name, claim), f"a.{name}")
    assert found.frames == FRAMES and same(samples)


@pytest.mark.parametrize("name", CHUNKED)
def test_sound_that_is_missing_is_said(tmp_path, name):
    path = tmp_path / f"a.{name}"
    path.write_bytes(sized(name, None)[: -BYTES // 3])
    with pytest.raises(InputError, match=rf"a\.{name} is cut off: \d+ bytes of its sound are missing"):
        recording(path)


WHOLE = {
    "a.wav": coded("WAV", "PCM_24"),
    "a.aiff": coded("AIFF", "PCM_24"),
    "a.flac": coded("FLAC", "PCM_24"),
    "a.ogg": coded("OGG", "VORBIS"),
    "a.opus": coded("OGG", "OPUS"),
    "a.mp3": coded("MP3"),
    "a.w64": coded("W64", "PCM_16"),
    "a.rf64": coded("RF64", "PCM_16"),
    "a.caf": coded("CAF", "PCM_16"),
    "a.au": coded("AU", "PCM_16"),
}
LENGTH = {name: soundfile.info(io.BytesIO(data)).frames for name, data in WHOLE.items()}


@pytest.mark.parametrize("name", WHOLE)
@given(share=st.floats(0.02, 0.999))
def test_no_file_gets_shorter_in_silence(tmp_path_factory, name, share):
    """Cut anywhere: refused in a line that names it, or read with a word, or nothing of the sound was lost."""
    data = WHOLE[name][: int(len(WHOLE[name]) * share)]
    try:
        found, samples = heard(tmp_path_factory.mktemp("cut"), data, name)
    except InputError as error:
        assert name in str(error) and "\n" not in str(error)
    else:
        assert found.notes or samples.shape[1] == found.frames == LENGTH[name]


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"RIFF", b"RF64", b"FORM", b"riff", b"caff", b".snd", b"fLaC", b"OggS", b"ID3", b"\xff\xfb\x90", b""]
    ),
)
def test_bytes_of_any_kind_are_refused_in_one_line(tmp_path_factory, data, magic):
    folder = tmp_path_factory.mktemp("any")
    try:
        heard(folder, magic + data, "a.wav")
    except InputError as error:
        assert "a.wav" in str(error) and "\n" not in str(error)


# --------------------------------------------------------------------------------------------- FLAC


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("tail", [b"", b"TAG" + bytes(125)])
def test_flac_from_a_pipe_is_read_in_full(tmp_path, subtype, tail):
    """0 samples in its header, no sum: what encoders write that cannot go back."""
    data = coded("FLAC", subtype)
    found, samples = heard(tmp_path, put(data, 21, bytes([data[21] & 0xF0]) + bytes(20)) + tail, "a.flac")
    assert found.frames == FRAMES and same(samples) and "does not say how long it is" in found.notes[0]


def test_flac_from_a_pipe_that_broke_says_so(tmp_path):
    data = coded("FLAC", "PCM_16")
    data = put(data, 21, bytes([data[21] & 0xF0]) + bytes(20))
    found, samples = heard(tmp_path, data[: len(data) * 2 // 3], "a.flac")
    assert FRAMES // 3 < found.frames < FRAMES and samples.shape[1] == found.frames
    assert any("incomplete" in note for note in found.notes)


@pytest.mark.parametrize("tail", [b"", b"APETAGEX" + bytes(500), b"TAG" + bytes(125), bytes(3000)])
def test_flac_behind_and_before_tags_is_whole(tmp_path, tail):
    found, samples = heard(tmp_path, b"ID3\3\0\0\0\0\0\x0a" + bytes(10) + coded("FLAC", "PCM_24") + tail, "a.flac")
    assert same(samples) and not found.notes


def test_a_cut_flac_is_refused_before_it_is_read(tmp_path):
    data = coded("FLAC", "PCM_24")
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(
        InputError, match=r"a\.flac is cut off: it promises 60000 frames and holds \d+, 0\.\d s are missing"
    ):
        recording(tmp_path / "a.flac")


def test_flacs_behind_each_other_are_read_as_one(tmp_path):
    found, samples = heard(tmp_path, 2 * coded("FLAC", "PCM_16"), "a.flac")
    assert found.frames == 2 * FRAMES and "2 recordings" in found.notes[0]
    assert np.array_equal(samples[:, FRAMES:], samples[:, :FRAMES])


def test_mp3s_of_two_kinds_behind_each_other_are_refused(tmp_path):
    for other in ("MPEG 2", "mono"):
        (tmp_path / "a.mp3").write_bytes(
            b"".join(mp3_frames(KINDS["constant rate"])[1:] + mp3_frames(KINDS[other])[1:])
        )
        with pytest.raises(InputError, match="different kinds behind each other"):
            recording(tmp_path / "a.mp3")


def test_a_wav_whose_header_promises_too_little_says_so(tmp_path):
    data = coded("WAV", "PCM_16")
    found, samples = heard(tmp_path, put(data, data.index(b"data") + 4, struct.pack("<I", 2 * FRAMES)), "a.wav")
    assert samples.shape[1] == FRAMES // 2 and "at its end are no chunk" in found.notes[0]


# --------------------------------------------------------------------------------------------- Ogg


def pages(data):
    at = 0
    while at < len(data):
        length = 27 + data[at + 26] + sum(data[at + 27 : at + 27 + data[at + 26]])
        yield data[at : at + length]
        at += length


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_that_ends_inside_a_page_is_refused(tmp_path, subtype):
    (tmp_path / "a.ogg").write_bytes(coded("OGG", subtype)[:-5])
    with pytest.raises(InputError, match=r"a\.ogg is cut off: at least 5 bytes"):
        recording(tmp_path / "a.ogg")


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_without_its_last_page_says_so(tmp_path, subtype):
    found, _ = heard(tmp_path, b"".join(list(pages(coded("OGG", subtype)))[:-1]), "a.ogg")
    assert "ends early" in found.notes[0]


def test_ogg_of_which_a_page_is_there_twice_is_read_to_know_its_length(tmp_path, monkeypatch):
    """So is music of a game that Debian has: libsndfile takes such a page for the end, or does not."""
    each = list(pages(coded("OGG", "VORBIS")))
    plain, _ = heard(tmp_path, b"".join(each), "a.ogg")
    found, samples = heard(tmp_path, b"".join([*each[:-1], *each[-2:]]), "a.ogg")
    assert found.found.count and not plain.found.count and found.frames == samples.shape[1]
    decoded = recordings.raw_blocks
    monkeypatch.setattr(recordings, "raw_blocks", lambda *what: (block[:-480] for block in decoded(*what)))
    found = recording(tmp_path / "a.ogg")
    assert found.frames == found.read().frames == FRAMES - 480
    assert found.notes == ("its last 0.01 s cannot be decoded",)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_recordings_behind_each_other_are_read_as_one(tmp_path, subtype):
    """Radio streams are saved so: libsndfile stops behind the first."""
    found, samples = heard(tmp_path, 3 * coded("OGG", subtype), "a.ogg")
    assert found.frames == samples.shape[1] == 3 * FRAMES and "3 recordings" in found.notes[0]
    assert np.abs(samples[:, 2 * FRAMES :] - samples[:, :FRAMES]).max() < 1e-3


def test_recordings_of_two_rates_behind_each_other_are_refused(tmp_path):
    (tmp_path / "a.ogg").write_bytes(coded("OGG", "VORBIS") + coded("OGG", "VORBIS", rate=44_100))
    with pytest.raises(InputError, match="recordings that differ"):
        recording(tmp_path / "a.ogg")


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.flac", "a.wav", "a.caf"])
def test_each_channel_comes_back_from_its_own_place(tmp_path, channels, name):
    from melancholia.encoding import write_audio

    hz = 200 + 100 * np.arange(channels)
    if channels >= 6:
        hz[3] = 60  # the LFE, of which coders keep no more
    sound = (0.2 * np.sin(2 * np.pi * hz[:, None] * T)).astype(np.float32)
    write_audio(tmp_path / name, [np.ascontiguousarray(sound)], rate=RATE, channels=channels)
    spectrum = np.abs(np.fft.rfft(recording(tmp_path / name).read().samples[:, :RATE], axis=1))
    assert np.abs(spectrum.argmax(axis=1) - hz).max() <= 1


def test_ogg_that_we_write_stands_in_the_order_of_vorbis(tmp_path):
    """L C R Ls Rs LFE, as any other player expects it."""
    from melancholia.encoding import write_audio

    hz = np.array([300, 400, 500, 60, 700, 800])
    sound = (0.2 * np.sin(2 * np.pi * hz[:, None] * T)).astype(np.float32)
    write_audio(tmp_path / "a.ogg", [sound], rate=RATE, channels=6)
    raw, _ = soundfile.read(tmp_path / "a.ogg")
    assert list(np.abs(np.fft.rfft(raw[:RATE], axis=0)).argmax(axis=0)) == [300, 500, 400, 700, 800, 60]


MASKS = {"2.1": (3, 0x0B), "4.0": (4, 0x107), "5.1 side": (6, 0x60F), "7.1": (8, 0x63F), "7.1 wide": (8, 0xFF)}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("work", ["master", "apply"])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_the_speakers_stay_what_they_were(tmp_path, name, work, suffix):
    from melancholia.mastering import master
    from melancholia.racks import apply

    channels, mask = MASKS[name]
    sound = np.tile(SOUND[:, :1], (1, channels))
    soundfile.write(tmp_path / "in.wav", sound, RATE, format="WAVEX")
    data = (tmp_path / "in.wav").read_bytes()
    (tmp_path / "in.wav").write_bytes(put(data, data.index(b"fmt ") + 28, struct.pack("<I", mask)))
    out = tmp_path / f"out.{suffix}"
    master(tmp_path / "in.wav", out=out) if work == "master" else apply(tmp_path / "in.wav", rack="longing", out=out)
    assert recording(tmp_path / "in.wav").mask == mask
    assert recording(out).mask == (mask if suffix == "wav" or name not in ("7.1",) else 0)


def test_the_lfe_is_no_loudness_wherever_it_stands(tmp_path):
    from melancholia.analysis import analyse
    from melancholia.mastering import measure

    sound = np.stack([0.05 * SOUND[:, 0], 0.05 * SOUND[:, 0], SOUND[:, 0]], axis=1)
    soundfile.write(tmp_path / "a.wav", sound, RATE, format="WAVEX", subtype="FLOAT")
    data = (tmp_path / "a.wav").read_bytes()
    louder = measure(tmp_path / "a.wav").integrated_lufs
    (tmp_path / "a.wav").write_bytes(put(data, data.index(b"fmt ") + 28, struct.pack("<I", 0x0B)))
    without = measure(tmp_path / "a.wav").integrated_lufs
    assert louder - without > 20 and abs(analyse(tmp_path / "a.wav").values["loudness"] - without) < 0.05


@pytest.mark.parametrize("suffix", ["aiff", "caf", "au", "w64"])
def test_a_format_that_cannot_say_the_speakers_is_said(tmp_path, suffix):
    from melancholia.mastering import master

    soundfile.write(tmp_path / "in.wav", np.tile(SOUND[:, :1], (1, 6)), RATE, format="WAVEX")
    made = master(tmp_path / "in.wav", out=tmp_path / f"out.{suffix}")
    assert "which speaker each channel is for" in made.notes[-1]


# --------------------------------------------------------------------------------------------- MP3


def mp3_frames(data):
    """The frames of an MP3 by libsndfile, the first of which is a Xing frame."""
    found = mpeg.row(io.BytesIO(data), 0, len(data))
    (start, end), frames = found.runs[0], []
    while start < end:
        length = mpeg.header(int.from_bytes(data[start : start + 4], "big")).length
        frames.append(data[start : start + length])
        start += length
    return frames


def mp3(sound=SOUND, rate=RATE, **how):
    handle = io.BytesIO()
    with soundfile.SoundFile(handle, "w", rate, sound.shape[1], format="MP3", **how) as file:
        file.write(sound)
    return handle.getvalue()


KINDS = {
    "constant rate": mp3(bitrate_mode="CONSTANT", compression_level=0.3),
    "variable rate": mp3(bitrate_mode="VARIABLE", compression_level=0.7),
    "MPEG 2": mp3(sound=SOUND[::2], rate=24_000),
    "mono": mp3(sound=SOUND[:, :1]),
    "44.1 kHz, where frames are padded": mp3(rate=44_100, bitrate_mode="CONSTANT", compression_level=0.5),
}
DECODER_DELAY = 529  # samples that libmpg123 leaves out at the start
ID3 = b"ID3\3\0\0\0\0\7\x68" + bytes(1000)


@pytest.mark.parametrize("kind", KINDS)
def test_mp3_without_a_xing_frame_is_read_in_full(tmp_path, kind):
    whole, _ = heard(tmp_path, KINDS[kind], "whole.mp3")
    bare = b"".join(mp3_frames(KINDS[kind])[1:])
    found, samples = heard(tmp_path, bare, "bare.mp3")
    spf = 576 if kind == "MPEG 2" else 1152
    assert samples.shape[1] == found.frames == spf * (len(mp3_frames(KINDS[kind])) - 1) - DECODER_DELAY
    assert not found.notes and 0 <= found.frames - whole.frames <= 3 * spf


@pytest.mark.parametrize("kind", KINDS)
def test_tags_before_and_behind_are_no_sound(tmp_path, kind):
    bare = b"".join(mp3_frames(KINDS[kind])[1:])
    plain, samples = heard(tmp_path, bare, "bare.mp3")
    tagged, again = heard(
        tmp_path, ID3 + ID3 + bare + b"APETAGEX" + bytes(200) + b"TAG" + b"Night".ljust(125), "tagged.mp3"
    )
    assert tagged.frames == plain.frames and np.array_equal(samples, again)


def test_junk_between_the_frames_is_passed_over_with_a_word(tmp_path):
    frames = mp3_frames(KINDS["constant rate"])[1:]
    plain, samples = heard(tmp_path, b"".join(frames), "bare.mp3")
    junk = np.random.default_rng(1).bytes(5000).replace(b"\xff", b"\xfe")
    found, again = heard(tmp_path, junk + b"".join(frames[:20]) + junk + b"".join(frames[20:]), "junk.mp3")
    assert found.frames == plain.frames and np.array_equal(samples, again)
    assert found.notes == ("5000 bytes between its frames are no sound, and were passed over",)


def test_two_mp3s_in_one_file_are_both_read(tmp_path):
    """The Xing frame of the first knows of its own frames alone."""
    one, _ = heard(tmp_path, KINDS["variable rate"], "one.mp3")
    two, _ = heard(tmp_path, 2 * KINDS["variable rate"], "two.mp3")
    assert two.frames > 2 * one.frames - 2400 and "its header promises" in two.notes[0]


def test_a_cut_mp3_that_knows_its_length_is_refused(tmp_path):
    (tmp_path / "a.mp3").write_bytes(KINDS["constant rate"][: len(KINDS["constant rate"]) * 6 // 10 - 5])
    with pytest.raises(InputError, match=r"a\.mp3 is cut off: it promises 5\d frames and holds 31, 0\.6 s are missing"):
        recording(tmp_path / "a.mp3")


def test_a_cut_mp3_that_does_not_know_it_is_read_with_a_word(tmp_path):
    bare = b"".join(mp3_frames(KINDS["constant rate"])[1:])
    found, _ = heard(tmp_path, bare[: len(bare) * 6 // 10 - 5], "a.mp3")
    assert found.notes == ("its last frame is incomplete, and was left out",)


def test_mp3_inside_a_wav_is_read(tmp_path):
    bare = b"".join(mp3_frames(KINDS["constant rate"])[1:])
    fmt = struct.pack("<HHIIHHHHIHHH", 0x55, 2, RATE, 16_000, 1, 0, 12, 1, 2, 384, 1, 1393)
    inner = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(bare)) + bare
    found, _ = heard(tmp_path, b"RIFF" + struct.pack("<I", len(inner)) + inner, "a.wav")
    assert found.frames == 1152 * (len(mp3_frames(KINDS["constant rate"])) - 1) - DECODER_DELAY


# --------------------------------------------------------------------------------------------- pipes and names


def test_a_pipe_is_read_as_often_as_wanted(tmp_path):
    os.mkfifo(tmp_path / "live.wav")
    data = coded("WAV", "PCM_16")
    writer = threading.Thread(target=(tmp_path / "live.wav").write_bytes, args=(data,))
    writer.start()
    found = recording(tmp_path / "live.wav")
    writer.join()
    assert same(found.read().samples) and same(found.read().samples)
    both = zip(found.blocks(1000), found.blocks(1000), strict=True)
    assert all(np.array_equal(a, b) for a, b in both)


def test_a_name_may_be_any_bytes(tmp_path):
    path = tmp_path / os.fsdecode(b"bad\xff\xfe.wav")
    path.write_bytes(coded("WAV", "PCM_16"))
    assert same(recording(path).read().samples)


def test_nan_is_said_to_the_moment(tmp_path):
    sound = np.tile(SOUND, (2, 1)).astype(np.float32)
    sound[2 * RATE + 7, 1] = np.nan  # in the second block that is read
    path = tmp_path / "a.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    with pytest.raises(InputError, match=r"NaN or infinity from 2\.00 s"):
        recording(path).read()
