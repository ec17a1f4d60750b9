"""What people wrote about a recording goes on with its sound, or is named; the sound stays as it is."""

import struct
import wave

import mutagen.apev2
import mutagen.id3
import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mutagen.flac import FLAC
from mutagen.flac import Picture as Block

from melancholia import riff
from melancholia.metadata import Metadata, Picture, read_metadata, write_metadata
from tests.values.test_riff import chunk

RATE = 48_000
FORMATS = {  # soundfile's format and subtype
    "wav": ("WAV", "PCM_24"),
    "float": ("WAV", "FLOAT"),
    "wavex": ("WAVEX", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "aiff": ("AIFF", "PCM_24"),
    "aifc": ("AIFF", "FLOAT"),
    "flac": ("FLAC", "PCM_16"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
MUTE = {"w64": ("W64", "PCM_16"), "caf": ("CAF", "PCM_16"), "au": ("AU", "PCM_16")}
COVER = Picture(b"\xff\xd8\xff" + bytes(range(256)) * 8, "image/jpeg", 3, "front")
TAGS = {
    "title": ("Night",),
    "artist": ("Someone", "Someone else"),
    "album": ("Größe ♫",),
    "date": ("2024-05-01",),
    "genre": ("Ambient",),
    "tracknumber": ("3",),
    "tracktotal": ("12",),
    "comment": ("a / b; c",),
    "isrc": ("DEAB12400001",),
    "organization": ("Label",),
    "lyrics": ("one\ntwo",),
    "our own": ("kept",),
}


def written(folder, name, frames=3001):
    """A file as libsndfile leaves it, of an odd number of frames, under a name that tells nothing."""
    path = folder / f".{name}.part"
    format_, subtype = {**FORMATS, **MUTE}[name]
    sound = np.random.default_rng(0).normal(0, 0.1, (frames, 1))
    soundfile.write(path, sound, RATE, format=format_, subtype=subtype)
    return path


def sound_of(path):
    return soundfile.read(path, dtype="float64")[0]


def put(path, metadata):
    """Write, and see that the sound is the same."""
    before = sound_of(path)
    dropped = write_metadata(path, metadata)
    assert np.array_equal(sound_of(path), before)
    return dropped


def wav(*behind, before=(), form=b"RIFF", frames=101):
    order = riff.BYTE_ORDERS[form]
    fmt = struct.pack(order + "HHIIHH", 1, 1, RATE, RATE * 3, 3, 24)
    data = chunk(b"data", bytes(range(101)) * 3, order)
    inner = b"WAVE" + b"".join((*before, chunk(b"fmt ", fmt, order), data, *behind))
    return form + struct.pack(order + "I", len(inner)) + inner


def chunks_of(path):
    with path.open("rb") as file:
        found = [(piece.id, piece.start, piece.size) for piece in riff.chunks(file)]
    content = path.read_bytes()
    return {name: content[at : at + size] for name, at, size in found}


def source(folder, content):
    (folder / "source").write_bytes(content)
    return read_metadata(folder / "source")


def info(*pairs, order="<"):
    return chunk(b"LIST", b"INFO" + b"".join(chunk(name, text, order) for name, text in pairs), order)


def bext(version=1, loudness=bytes(10)):
    head = b"take 7".ljust(256, b"\0") + b"Recorder".ljust(32, b"\0") + b"REF1".ljust(32, b"\0") + b"2024-05-0110:11:12"
    return head + struct.pack("<QH", 3600 * RATE, version) + bytes(64) + loudness + bytes(180) + b"A=PCM\r\n"


CUES = struct.pack("<I", 2) + b"".join(
    struct.pack("<II4sIII", i, at, b"data", 0, 0, at) for i, at in ((1, 50), (2, 90))
)
ADTL = b"adtl" + chunk(b"labl", struct.pack("<I", 1) + b"verse\0") + chunk(b"labl", struct.pack("<I", 2) + b"end\0")
BWF = {
    b"bext": bext(),
    b"iXML": b"<BWFXML><TAKE>7</TAKE></BWFXML>",  # odd
    b"cue ": CUES,
    b"LIST": ADTL,
    b"smpl": bytes(36),
    b"axml": b"<ebuCoreMain/>",
    b"cart": b"0101",
    b"ours": b"12345",
}


# Text and pictures


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("origin", FORMATS)
def test_tags_and_pictures_go_from_any_format_to_any_other(tmp_path, origin, name):
    first = written(tmp_path, origin)
    put(first, Metadata(TAGS, (COVER,)))
    (tmp_path / "second").mkdir()
    second = written(tmp_path / "second", name)
    assert put(second, read_metadata(first)) == ()
    back = read_metadata(second)
    assert back.tags == TAGS and back.pictures == (COVER,) and back.lost == ()


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_written_where_nothing_was_said(tmp_path, name):
    path = written(tmp_path, name)
    before = path.read_bytes()
    assert write_metadata(path, read_metadata(path)) == () and path.read_bytes() == before


@pytest.mark.parametrize("name", MUTE)
def test_formats_that_hold_none_drop_everything_by_name(tmp_path, name):
    metadata = source(tmp_path, wav(*(chunk(*pair) for pair in BWF.items()), info((b"INAM", b"My Song\0"))))
    dropped = put(written(tmp_path, name), metadata)
    assert {"bext", "iXML", "cue", "LIST adtl", "LIST INFO", "title", "smpl", "ours"} <= set(dropped)


@settings(max_examples=60)
@given(
    tags=st.dictionaries(
        st.sampled_from([*TAGS, "bpm", "discnumber", "compilation", "originaldate", "label", "comment:x", "mood"]),
        st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=3),
        max_size=6,
    ),
    name=st.sampled_from([*FORMATS]),
)
@example(tags={"title": ["a\nb"], "artist": ["\x01"]}, name="flac")
@example(tags={"date": ["last spring"], "genre": ["17", "(4)Disco"], "tracknumber": ["3/12"]}, name="mp3")
@example(tags={"tracknumber": ["A1"], "tracktotal": ["2", "3"]}, name="mp3")
@example(tags={"title": ["a\0b", "\ud800"], "lyrics": ["x", "y"]}, name="wav")
def test_any_text_survives(tmp_path_factory, tags, name):
    path = written(tmp_path_factory.mktemp("text"), name, frames=301)
    metadata = Metadata({key: tuple(values) for key, values in tags.items()})
    before = sound_of(path)
    assert write_metadata(path, metadata) == () and np.array_equal(sound_of(path), before)
    assert read_metadata(path).lost == ()
    if name in ("flac", "vorbis", "opus"):
        assert read_metadata(path).tags == metadata.tags


@pytest.mark.parametrize("name", ["flac", "mp3", "wav"])
@pytest.mark.parametrize(
    "tags",
    [
        {"date": ("last spring",), "genre": ("17", "(4)Disco")},
        {"tracknumber": ("A1",), "tracktotal": ("2", "3")},
        {"lyrics": ("x", "y"), "bpm": ("fast",)},
        {"title": ("AC/DC", "3/12"), "discnumber": ("1",), "disctotal": ("2",)},
    ],
)
def test_values_that_id3_would_alter_are_kept(tmp_path, name, tags):
    path = written(tmp_path, name)
    assert put(path, Metadata(tags)) == ()
    assert read_metadata(path).tags == tags


def test_names_that_vorbis_comments_cannot_have_are_named(tmp_path):
    assert put(written(tmp_path, "flac"), Metadata({"größe": ("1",), "a=b": ("2",)})) == ("größe", "a=b")


def test_two_pictures_of_one_description_both_live(tmp_path):
    pictures = (COVER, Picture(b"back", "image/png", 4, "front"))
    path = written(tmp_path, "mp3")
    put(path, Metadata({}, pictures))
    assert {picture.data for picture in read_metadata(path).pictures} == {COVER.data, b"back"}


@pytest.mark.parametrize("name", ["flac", "vorbis", "opus", "mp3", "wav", "aiff"])
def test_a_large_picture_leaves_the_sound(tmp_path, name):
    path = written(tmp_path, name)
    large = Picture(np.random.default_rng(1).bytes(3_000_000))
    assert put(path, Metadata({}, (large,))) == () and read_metadata(path).pictures == (large,)


def test_a_picture_beyond_a_block_of_flac_is_named(tmp_path):
    path = written(tmp_path, "flac")
    assert put(path, Metadata({"title": ("Night",)}, (Picture(bytes(2**24)),))) == ("picture",)
    assert read_metadata(path).tags == {"title": ("Night",)}


def test_plain_text_in_wav_needs_no_id3(tmp_path):
    path = written(tmp_path, "wav")
    put(path, Metadata({"title": ("Night",), "artist": ("Someone",)}))
    assert (
        chunks_of(path)[b"LIST"]
        == b"INFOINAM" + struct.pack("<I", 6) + b"Night\0IART" + struct.pack("<I", 8) + b"Someone\0"
    )
    assert b"id3 " not in chunks_of(path)


def test_libsndfile_reads_the_texts(tmp_path):
    for name in ("wav", "aiff", "flac", "vorbis"):
        path = written(tmp_path, name)
        put(path, Metadata({"title": ("Night",), "artist": ("Someone",)}))
        with soundfile.SoundFile(path) as file:
            assert (file.title, file.artist) == ("Night", "Someone"), name


# WAV


@pytest.mark.parametrize("name", ["wav", "float", "wavex", "rf64"])
@pytest.mark.parametrize("before", [True, False])
def test_chunks_of_wav_are_kept_to_the_byte(tmp_path, name, before):
    pieces = [chunk(*pair) for pair in BWF.items()]
    metadata = source(tmp_path, wav(before=pieces) if before else wav(*pieces))
    path = written(tmp_path, name)
    assert put(path, metadata) == ()
    kept = chunks_of(path)
    assert {piece: kept[piece] for piece in BWF} == BWF


def test_python_and_libsndfile_read_the_wav(tmp_path):
    path = written(tmp_path, "wav")
    put(path, source(tmp_path, wav(*(chunk(*pair) for pair in BWF.items()))))
    with wave.open(str(path)) as file:
        assert file.getnframes() == 3001
    content = path.read_bytes()
    assert struct.unpack_from("<I", content, 4)[0] == len(content) - 8 and len(content) % 2 == 0


def test_what_belongs_to_the_sound_before_is_left(tmp_path):
    room = [chunk(name, bytes(8)) for name in (b"JUNK", b"PAD ", b"FLLR", b"fact", b"PEAK", b"levl")]
    metadata = source(tmp_path, wav(before=room))
    assert metadata.chunks == () and metadata.lost == ()


@pytest.mark.parametrize(("name", "kept"), [("flac", True), ("vorbis", True), ("mp3", True), ("aiff", True)])
def test_chunks_that_another_format_cannot_hold_are_named(tmp_path, name, kept):
    metadata = source(tmp_path, wav(*(chunk(*pair) for pair in BWF.items()), info((b"INAM", b"My Song\0"))))
    path = written(tmp_path, name)
    assert put(path, metadata) == ("bext", "iXML", "cue", "LIST adtl", "smpl", "axml", "cart", "ours")
    assert read_metadata(path).tags == {"comment": ("take 7",), "date": ("2024-05-01",), "title": ("My Song",)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"My Song\0", "My Song"),
        (b"My Song", "My Song"),
        (b"Gr\xf6\xdfe\0\0\0", "Größe"),
        ("Größe".encode(), "Größe"),
        (b"\x81\x8d", "\ufffd\ufffd"),
        (b"one\0rubbish", "one"),
    ],
)
def test_texts_of_info(tmp_path, text, said):
    assert source(tmp_path, wav(info((b"IART", b"a"), (b"INAM", text), (b"IXYZ", b"z")))).tags == {
        "artist": ("a",),
        "title": (said,),
        "ixyz": ("z",),
    }


def test_info_stays_info_and_id3_stays_id3(tmp_path):
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.TIT2(encoding=3, text=["Longer title"]))
    tag.add(mutagen.id3.PRIV(owner="us", data=b"secret"))
    tag.save(tmp_path / "id3", v2_version=3)
    body = (tmp_path / "id3").read_bytes()
    metadata = source(tmp_path, wav(info((b"INAM", b"Longer t")), chunk(b"ID3 ", body)))
    path = written(tmp_path, "wav")
    assert metadata.tags["title"] == ("Longer title",) and put(path, metadata) == ()
    assert chunks_of(path)[b"LIST"].startswith(b"INFOINAM")
    assert chunks_of(path)[b"id3 "][:4] == b"ID3\3" and b"PRIV" in chunks_of(path)[b"id3 "]


def test_a_big_endian_wav_gives_what_has_no_byte_order(tmp_path):
    pieces = (chunk(b"iXML", b"<a/>", ">"), chunk(b"cue ", bytes(4), ">"), info((b"INAM", b"Night"), order=">"))
    pieces = (*pieces[:2], chunk(b"LIST", pieces[2][8:], ">"))
    metadata = source(tmp_path, wav(*pieces, form=b"RIFX"))
    path = written(tmp_path, "wav")
    assert put(path, metadata) == ("cue",)
    assert read_metadata(path).tags == {"title": ("Night",)} and chunks_of(path)[b"iXML"] == b"<a/>"


def test_what_a_plain_wav_has_no_room_for_is_named(tmp_path, monkeypatch):
    path = written(tmp_path, "wav")
    monkeypatch.setattr(riff, "ELSEWHERE", path.stat().st_size + 100)
    assert put(path, source(tmp_path, wav(chunk(b"bext", bext()), chunk(b"ours", b"12")))) == ("bext",)
    assert chunks_of(path)[b"ours"] == b"12"


def test_a_wav_of_unknown_length_is_not_searched_in_its_sound(tmp_path):
    content = wav().replace(b"data" + struct.pack("<I", 303), b"data" + bytes(4) + chunk(b"LIST", b"INFO"))
    assert source(tmp_path, content).chunks == ()


# AIFF and FLAC


def test_chunks_of_aiff_are_kept_to_the_byte(tmp_path):
    mark = struct.pack(">HHI", 1, 1, 50) + b"\5verse"
    pieces = {b"NAME": b"Night", b"ANNO": b"note", b"MARK": mark, b"INST": bytes(20), b"COMT": bytes(2)}
    first = written(tmp_path, "aiff")
    with first.open("rb+") as file:
        riff.append(file, pieces.items())
    second = written(tmp_path, "aifc")
    metadata = read_metadata(first)
    assert metadata.tags == {"title": ("Night",), "comment": ("note",)}
    assert put(second, metadata) == ()
    assert {name: chunks_of(second)[name] for name in pieces} == pieces
    assert put(written(tmp_path, "wav"), metadata) == ("MARK", "INST", "COMT")


def flac_with(path, *blocks):
    file = FLAC(path)
    for kind, body in blocks:
        block = mutagen.flac.MetadataBlock(body)
        block.code = kind
        file.metadata_blocks.append(block)
    file.save()
    return path


def test_blocks_of_flac_stay_in_flac(tmp_path):
    cuesheet = bytes(128) + struct.pack(">QB258xB", 0, 1, 1) + struct.pack(">QB12sB13xB", 3001, 170, bytes(12), 0, 0)
    first = flac_with(written(tmp_path, "flac"), (5, cuesheet), (2, b"ours1234"), (2, b"riffRIFF"))
    metadata = read_metadata(first)
    (tmp_path / "second").mkdir()
    second = written(tmp_path / "second", "flac")
    assert put(second, metadata) == ("riff chunks",)
    assert FLAC(second).cuesheet is not None and read_metadata(second).chunks == metadata.chunks
    assert put(written(tmp_path, "wav"), metadata) == ("riff chunks", "CUESHEET", "APPLICATION")


# Formats that are only read


def test_texts_of_caf_go_on_and_its_chunks_are_named(tmp_path):
    first = written(tmp_path, "caf")
    info = struct.pack(">I", 2) + b"title\0Night\0artist\0Gr\xc3\xb6\xc3\x9fe\0"
    content = first.read_bytes()
    behind = b"info" + struct.pack(">q", len(info)) + info + b"mark" + struct.pack(">q", 4) + bytes(4)
    path = written(tmp_path, "flac")
    assert put(path, source(tmp_path, content[:52] + behind + content[52:])) == ("mark",)
    assert read_metadata(path).tags == {"title": ("Night",), "artist": ("Größe",)}


def test_chunks_of_w64_are_named(tmp_path):
    content = written(tmp_path, "w64").read_bytes()
    body = b"INFO" + chunk(b"INAM", b"Night\0")
    pieces = ((b"bext", bext()), (b"LIST", body), (b"levl", b"1234567"))
    behind = (name + bytes(12) + struct.pack("<Q", 24 + len(b)) + b + bytes(-len(b) % 8) for name, b in pieces)
    path = written(tmp_path, "wav")
    assert put(path, source(tmp_path, content + bytes(-len(content) % 8) + b"".join(behind))) == ("bext",)
    assert read_metadata(path).tags == {"title": ("Night",)}


def test_an_annotation_of_au_is_a_comment(tmp_path):
    content = written(tmp_path, "au").read_bytes()
    assert source(tmp_path, content).tags == {}
    longer = content[:4] + struct.pack(">I", 32) + content[8:24] + b"a note\0\0" + content[24:]
    assert source(tmp_path, longer).tags == {"comment": ("a note",)}


# What processing makes false


def test_replaygain_is_named_and_never_kept(tmp_path):
    first = written(tmp_path, "flac")
    file = FLAC(first)
    file["REPLAYGAIN_TRACK_GAIN"], file["R128_TRACK_GAIN"], file["ENCODER"] = "-3 dB", "0", "Lavf"
    file["TITLE"] = "Night"
    file.save()
    path = written(tmp_path, "vorbis")
    assert put(path, read_metadata(first)) == ("replaygain_track_gain", "r128_track_gain")
    assert read_metadata(path).tags == {"title": ("Night",)}


@pytest.mark.parametrize("version", [3, 4])
def test_levels_in_id3_are_named_and_never_kept(tmp_path, version):
    first, second = written(tmp_path, "mp3"), written(tmp_path, "wav")
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.TIT2(encoding=1, text=["Night"]))
    tag.add(mutagen.id3.TXXX(encoding=1, desc="REPLAYGAIN_TRACK_PEAK", text=["1.0"]))
    tag.add(mutagen.id3.COMM(encoding=1, lang="eng", desc="iTunNORM", text=["0000"]))
    if version == 4:
        tag.add(mutagen.id3.RVA2(desc="track", channel=1, gain=-3, peak=1))
    tag.save(first, v2_version=version)
    dropped = put(second, read_metadata(first))
    assert set(dropped) == {"replaygain_track_peak", "itunnorm"} | ({"RVA2"} if version == 4 else set())
    assert read_metadata(second).tags == {"title": ("Night",)}


def test_gains_of_mp3gain_are_named(tmp_path):
    first = written(tmp_path, "mp3")
    tag = mutagen.apev2.APEv2()
    tag["MP3GAIN_MINMAX"], tag["Title"], tag["Year"] = "100,200", "Night", "1999"
    tag.save(first)
    path = written(tmp_path, "flac")
    assert put(path, read_metadata(first)) == ("mp3gain_minmax",)
    assert read_metadata(path).tags == {"title": ("Night",), "date": ("1999",)}


@pytest.mark.parametrize("version", [1, 2])
def test_loudness_in_bext_is_not_set_any_more(tmp_path, version):
    loudness = struct.pack("<5h", -2300, 500, -100, -1800, -2000)
    path = written(tmp_path, "wav")
    dropped = put(path, source(tmp_path, wav(chunk(b"bext", bext(version, loudness)))))
    assert dropped == (("loudness of bext",) if version == 2 else ())
    kept = b"\xff\x7f" * 5 if version == 2 else loudness
    assert chunks_of(path)[b"bext"] == bext(version, kept)


def test_a_checksum_of_the_sound_is_named(tmp_path):
    content = wav(chunk(b"MD5 ", bytes(16)), chunk(b"iXML", b"<a><LOUDNESS><L>1</L></LOUDNESS><b/></a>"))
    path = written(tmp_path, "wav")
    assert put(path, source(tmp_path, content)) == ("MD5", "loudness of iXML")
    assert chunks_of(path)[b"iXML"] == b"<a><b/></a>"


# What is old, broken or hostile


def test_an_old_tag_takes_what_only_a_newer_one_holds(tmp_path):
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.TIT2(encoding=1, text=["Night"]))
    tag.save(tmp_path / "id3", v2_version=3)
    metadata = Metadata({"mood": ("sad",), "date": ("2024-05",)}, id3=(tmp_path / "id3").read_bytes())
    path = written(tmp_path, "mp3")
    assert put(path, metadata) == ()
    assert read_metadata(path).tags == {"title": ("Night",), "mood": ("sad",), "date": ("2024-05",)}


def test_id3v1_alone_is_read(tmp_path):
    first = written(tmp_path, "mp3")
    tag = (
        b"TAG" + b"Night".ljust(30, b"\0") + b"Someone".ljust(30, b"\0") + bytes(30) + b"1999" + bytes(28) + b"\0\3\x1a"
    )
    first.write_bytes(first.read_bytes() + tag)
    path = written(tmp_path, "flac")
    assert put(path, read_metadata(first)) == ()
    assert read_metadata(path).tags == {
        "title": ("Night",),
        "artist": ("Someone",),
        "date": ("1999",),
        "tracknumber": ("3",),
        "genre": ("Ambient",),
    }


def test_frames_that_nobody_knows_stay_in_id3_when_they_are_whole(tmp_path):
    frames = b"TIT2\0\0\0\6\0\0\3Night" + b"XABC\0\0\0\4\0\0ours" + b"XDEF\0\0\0\4\0\0ours" + b"XRVA\0\0\0\1\0\0x"
    first, second = written(tmp_path, "mp3"), written(tmp_path, "aiff")
    first.write_bytes(b"ID3\4\0\0\0\0\0" + bytes([len(frames)]) + frames + first.read_bytes())
    assert put(second, read_metadata(first)) == ("XRVA",)
    assert b"XABC\0\0\0\4\0\0ours" in chunks_of(second)[b"ID3 "]
    assert put(written(tmp_path, "flac"), read_metadata(first)) == ("XRVA", "XABC", "XDEF")


def test_names_of_what_was_dropped_can_be_printed(tmp_path):
    path = written(tmp_path, "caf")
    assert put(path, Metadata({"a\x1b[2J\n" + "b" * 100: ("1",)})) == ("a?[2j?" + "b" * 54,)


def test_frames_that_are_no_words_are_named_where_they_cannot_be(tmp_path):
    first = written(tmp_path, "mp3")
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.TIT2(encoding=3, text=["Night"]))
    tag.add(mutagen.id3.POPM(email="me", rating=200, count=1))
    tag.save(first)
    assert put(written(tmp_path, "wav"), read_metadata(first)) == ()
    assert put(written(tmp_path, "flac"), read_metadata(first)) == ("POPM",)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25)
@given(data=st.data())
def test_broken_tags_are_read_as_far_as_they_go(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("broken")
    path = written(folder, name, frames=301)
    write_metadata(path, Metadata(TAGS, (COVER,)))
    content = bytearray(path.read_bytes())
    for at, byte in data.draw(st.lists(st.tuples(st.integers(12, len(content) - 1), st.integers(0, 255)), max_size=20)):
        content[at] = byte
    path.write_bytes(content[: data.draw(st.integers(12, len(content)))])
    (folder / "to").mkdir()
    for target in ("wav", "flac"):
        put(written(folder / "to", target, frames=301), read_metadata(path))


def test_a_broken_block_costs_only_itself(tmp_path):
    first = written(tmp_path, "flac")
    block = Block()
    block.data, block.mime = b"ok", "image/png"
    flac_with(first, (6, block.write()))
    content = first.read_bytes()
    rubbish = b"\x04" + (40).to_bytes(3, "big") + b"\xff" * 40  # a second, broken block of comments
    first.write_bytes(content[:42] + rubbish + content[42:])
    metadata = read_metadata(first)
    assert metadata.lost == ("tags",) and [picture.data for picture in metadata.pictures] == [b"ok"]


def test_a_body_of_hundreds_of_megabytes_is_not_read(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.write(wav(b"big " + struct.pack("<I", 500_000_000)))
        file.truncate(file.tell() + 500_000_000)  # sparse
        file.seek(0, 2)
        file.write(chunk(b"ours", b"12"))
    metadata = read_metadata(path)
    assert metadata.lost == ("big",) and metadata.chunks == ((b"ours", b"12"),)


def test_importing_the_package_does_not_load_mutagen(children):
    code = "import sys, melancholia, melancholia.metadata; sys.exit('mutagen' in sys.modules)"
    assert children.python(code).returncode == 0
