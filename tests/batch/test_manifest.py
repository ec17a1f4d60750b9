"""The manifest: rows come back as they were written, a torn line goes, the last row of a source counts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melancholia.batch import Row, read_manifest
from melancholia.batch.rows import DONE, FAILED, MANIFEST, Manifest
from melancholia.errors import InputError

words = st.text(st.characters(exclude_categories=()), max_size=8)  # names of files hold lone surrogates, too
values = st.dictionaries(words, st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))


@given(
    st.builds(
        Row,
        words,
        st.sampled_from([DONE, FAILED]),
        words | st.none(),
        words | st.none(),
        words,
        values,
        values,
        values,
        values,
        st.lists(words).map(tuple),
        values,
    )
)
def test_a_row_comes_back_as_it_was(row):
    line = row.line()
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and Row.read(line) == row


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}",
        b"[]",
        b"1",
        b'{"input"',
        b"[" * 100_000,
        b'{"input": 3, "status": "done"}',
        b'{"input": "a", "status": "x"}',
        b'{"input": "a", "status": "done", "source": null}',
        b'{"input": "a", "status": "done", "figures": []}',
        b'{"input": "a", "status": "done", "seconds": "x"}',
        b'{"input": "a", "status": "done", "notes": [3]}',
        b'{"input": "a", "status": "done", "figures": {"lufs": NaN}}',
    ],
    ids=range(14),
)
def test_what_is_no_row_is_none(line):
    assert Row.read(line) is None


def test_fields_of_later_versions_do_no_harm():
    assert Row.read(json.dumps({"input": "a", "status": "done", "mood": "later"}).encode()) == Row("a", DONE)


@given(cut=st.integers(0, 400))
def test_a_torn_end_is_taken_off(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("torn")
    rows = [Row(name, DONE) for name in "abc"]
    whole = b"".join(row.line() for row in rows)
    (folder / MANIFEST).write_bytes(whole[: max(0, len(whole) - cut)])
    with Manifest(folder) as manifest:
        stay = [row for row in rows if manifest.before(row.input) == row]
        manifest.add(Row("d", DONE))
    assert list(read_manifest(folder)) == [*stay, Row("d", DONE)]
    assert len(stay) == max(0, len(whole) - cut) // len(rows[0].line())


def test_one_row_a_source_is_left_the_last(tmp_path):
    with Manifest(tmp_path) as manifest:
        for row in (Row("a", FAILED, error="no"), Row("b", DONE)):
            manifest.add(row)
    with Manifest(tmp_path) as manifest:
        manifest.add(Row("a", DONE))
        assert manifest.before("a") == Row("a", FAILED, error="no")
        assert len(list(read_manifest(tmp_path))) == 3
        manifest.settle()
    assert list(read_manifest(tmp_path)) == [Row("b", DONE), Row("a", DONE)]


def test_a_line_that_somebody_spoiled_goes_and_the_rest_stays(tmp_path):
    (tmp_path / MANIFEST).write_bytes(Row("a", DONE).line() + b"spoiled\n" + Row("b", DONE).line())
    with Manifest(tmp_path) as manifest:
        manifest.settle()
    assert list(read_manifest(tmp_path)) == [Row("a", DONE), Row("b", DONE)]
    assert b"spoiled" not in (tmp_path / MANIFEST).read_bytes()


def test_a_folder_without_one_says_so(tmp_path):
    with pytest.raises(InputError, match="does not exist; allowed: a folder that a batch wrote into"):
        list(read_manifest(tmp_path))
