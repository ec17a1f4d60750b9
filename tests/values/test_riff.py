"""Chunks are walked whatever is broken about them, and put behind others without touching these."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melancholia import riff


def chunk(name, body, order="<"):
    return name + struct.pack(order + "I", len(body)) + body + bytes(len(body) % 2)


def file_of(*chunks, form=b"RIFF", kind=b"WAVE"):
    inner = kind + b"".join(chunks)
    return io.BytesIO(form + struct.pack(riff.BYTE_ORDERS[form] + "I", len(inner)) + inner)


def walked(file):
    return [(found.id, found.start, found.size) for found in riff.chunks(file)]


@pytest.mark.parametrize(("form", "kind"), [(b"RIFF", b"WAVE"), (b"RIFX", b"WAVE"), (b"FORM", b"AIFF")])
def test_chunks_are_found_in_either_byte_order(form, kind):
    order = riff.BYTE_ORDERS[form]
    file = file_of(chunk(b"abcd", b"123", order), chunk(b"e f ", b"", order), form=form, kind=kind)
    assert walked(file) == [(b"abcd", 20, 3), (b"e f ", 32, 0)]


def test_a_forgotten_pad_byte_is_noticed():
    assert walked(file_of(b"abcd" + struct.pack("<I", 3) + b"123", chunk(b"LIST", b"xx"))) == [
        (b"abcd", 20, 3),
        (b"LIST", 31, 2),
    ]


def test_a_cut_chunk_says_what_it_claims_and_what_is_there():
    (found,) = riff.chunks(file_of(b"data" + struct.pack("<I", 4_000_000_000) + b"12345"))
    assert (found.claimed, found.size, found.is_whole) == (4_000_000_000, 5, False)


def ds64(data_bytes, *rows, count=None):
    table = b"".join(struct.pack("<4sQ", *row) for row in rows)
    return chunk(b"ds64", struct.pack("<QQQI", 0, data_bytes, 0, len(rows) if count is None else count) + table)


@pytest.mark.parametrize("form", [b"RF64", b"BW64"])
def test_sizes_of_64_bits_are_those_of_ds64(form):
    behind = chunk(b"LIST", b"INFO")
    long = (name + b"\xff\xff\xff\xff" + bytes(size) for name, size in ((b"data", 10), (b"axml", 6)))
    file = file_of(ds64(10, (b"axml", 6), count=4_000_000_000), *long, behind, form=form)
    assert [(found.id, found.claimed) for found in riff.chunks(file)][1:] == [
        (b"data", 10),
        (b"axml", 6),
        (b"LIST", 4),
    ]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0AVI LIST", b"OggS" + bytes(100), bytes(100)])
def test_what_is_no_sound_has_no_chunks(content):
    assert walked(io.BytesIO(content)) == []


@given(
    form=st.sampled_from([b"RIFF", b"RIFX", b"RF64", b"FORM"]),
    rest=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([b"data", b"ds64", b"LIST", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x80"]),
        ),
        max_size=30,
    ),
)
def test_any_bytes_end_and_lie_within_the_file(form, rest):
    content = form + b"\0\0\0\0" + (b"AIFF" if form == b"FORM" else b"WAVE") + b"".join(rest)
    for found in riff.chunks(io.BytesIO(content)):
        assert 0 <= found.size <= found.claimed and found.start + found.size <= len(content)


@given(bodies=st.lists(st.binary(max_size=9), max_size=5), form=st.sampled_from([b"RIFF", b"RIFX", b"FORM"]))
def test_what_is_appended_is_walked(bodies, form):
    kind = b"AIFF" if form == b"FORM" else b"WAVE"
    file = file_of(b"data" + struct.pack(riff.BYTE_ORDERS[form] + "I", 3) + b"123", form=form, kind=kind)
    assert riff.append(file, [(b"abcd", body) for body in bodies]) == ()
    content = file.getvalue()
    assert [content[at : at + size] for _, at, size in walked(file)] == [b"123", *bodies]
    assert struct.unpack_from(riff.BYTE_ORDERS[form] + "I", content, 4)[0] == len(content) - 8


def test_rf64_keeps_its_size_in_ds64():
    file = file_of(ds64(2), b"data\xff\xff\xff\xff12", form=b"RF64")
    before = file.getvalue()
    assert riff.append(file, [(b"LIST", b"INFO")]) == ()
    content = file.getvalue()
    assert content[4:8] == before[4:8] and struct.unpack_from("<Q", content, 20)[0] == len(content) - 8


def test_a_form_of_32_bits_ends_at_4_gb(tmp_path):
    path = tmp_path / "long.wav"
    with path.open("wb+") as file:
        size = 2**32 - 100
        file.write(b"RIFF" + struct.pack("<I", size + 12) + b"WAVEdata" + struct.pack("<I", size))
        file.truncate(20 + size)  # sparse
        assert riff.append(file, [(b"long", bytes(100)), (b"tiny", b"123456")]) == (b"long",)
        assert [found.id for found in riff.chunks(file)] == [b"data", b"tiny"]
        file.seek(4)
        assert int.from_bytes(file.read(4), "little") == path.stat().st_size - 8


def test_a_form_that_nothing_fits_into_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(riff, "ELSEWHERE", 40)
    file = file_of(chunk(b"data", bytes(20)))
    before = file.getvalue()
    assert riff.append(file, [(b"tiny", b"")]) == (b"tiny",) and file.getvalue() == before
