"""A batch does each file once, says what became of it in one row, and goes on from wherever it ended."""

import errno
import json
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, process
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import pytest

from melancholia import batch
from melancholia.batch import driver
from melancholia.batch import workers as workers_of
from melancholia.batch.rows import MANIFEST
from melancholia.batch.workers import workers
from melancholia.errors import InputError, MelancholiaError
from tests.batch.works import Copied, Counted, Dying, Failing, Growing, Hanging, Here, jobs, settle

NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture
def source(tmp_path):
    (folder := tmp_path / "in").mkdir()
    for name in NAMES:
        (folder / name).write_text(f"sound of {name}")
        settle(folder / name)
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """What is tried again is tried again at once."""
    monkeypatch.setattr(driver, "BACK_OFF_S", (0.02, 0.02, 0.02))


def rows(out):
    return {row.input.rpartition("/")[2]: row for row in batch.read_manifest(out)}


def lines(out):
    return [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]


def stamps(out):
    return {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name in NAMES}


def counts(source):
    return {path.name: path.stat().st_size for path in (source.parent / "counts").iterdir()}


def test_each_file_is_done_and_has_a_row(source, out):
    summary = batch.run(jobs(source, Copied("!")), out, executor=Here())
    assert (summary.done, summary.kept, summary.failures, summary.left) == (5, 0, 0, 0)
    assert {name: (out / name).read_text() for name in NAMES} == {name: f"sound of {name}!" for name in NAMES}
    for row in lines(out):
        name = row["output"]
        assert set(row) == {
            "input",
            "status",
            "output",
            "error",
            "key",
            "source",
            "made",
            "others",
            "figures",
            "notes",
            "verdict",
            "seconds",
        }
        assert row["input"] == str(source / name) and row["status"] == "done" and row["error"] is None
        assert row["made"] == {"bytes": 11, "mtime_ns": (out / name).stat().st_mtime_ns}
        assert row["figures"] == {"bytes": 10}


def test_a_second_run_does_nothing(source, out):
    batch.run(jobs(source, Copied()), out, executor=Here())
    was, said = stamps(out), (out / MANIFEST).read_bytes()
    summary = batch.run(jobs(source, Copied()), out, executor=(idle := Here()))
    assert (summary.done, summary.kept, idle.seen) == (0, 5, [])
    assert stamps(out) == was and (out / MANIFEST).read_bytes() == said


def test_other_settings_do_all_anew_in_place(source, out):
    batch.run(jobs(source, Copied()), out, executor=Here())
    summary = batch.run(jobs(source, Copied("!")), out, executor=Here())
    assert summary.done == 5 and (out / "a").read_text() == "sound of a!" and len(lines(out)) == 5


def test_a_source_that_changed_is_done_anew_and_a_touched_one_is_not(source, out):
    batch.run(jobs(source, Copied()), out, executor=Here())
    was = stamps(out)
    (source / "b").write_text("another")
    for name in ("b", "c"):
        settle(source / name, 30)
    summary = batch.run(jobs(source, Copied()), out, executor=Here())
    assert (summary.done, summary.kept) == (1, 4) and (out / "b").read_text() == "another"
    assert {name for name, stamp in stamps(out).items() if stamp != was[name]} == {"b"}
    assert len(lines(out)) == 5
    assert batch.run(jobs(source, Copied()), out, executor=(idle := Here())).kept == 5 and idle.seen == []


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_an_output_that_is_gone_is_made_again_and_a_changed_one_is_somebodys(source, out, harm):
    batch.run(jobs(source, Copied()), out, executor=Here())
    (out / "a").unlink()
    if harm == "changed":
        (out / "a").write_text("by hand")
    summary = batch.run(jobs(source, Copied()), out, executor=Here())
    assert (summary.done, summary.failures) == ((1, 0) if harm == "gone" else (0, 1))
    assert (out / "a").read_text() == ("sound of a" if harm == "gone" else "by hand")
    assert (rows(out)["a"].status == "failed") is (harm == "changed")


def test_what_stands_there_and_is_nobodys_output_stays_unless_forced(source, out):
    out.mkdir()
    (out / "a").write_text("mine")
    summary = batch.run(jobs(source, Copied()), out, executor=Here())
    assert summary.failures == 1 and (out / "a").read_text() == "mine"
    assert "a is not an output of this batch" in rows(out)["a"].error
    (out / "a").write_bytes(b"")  # an empty file is nobody's work
    assert batch.run(jobs(source, Copied()), out, executor=Here(), force=True).done == 1


def test_a_kill_between_an_output_and_its_row_costs_nothing(source, out):
    batch.run(jobs(source, Copied()), out, executor=Here())
    kept = (out / MANIFEST).read_bytes().splitlines(keepends=True)
    (out / MANIFEST).write_bytes(b"".join(kept[:3]) + kept[3][:40])
    summary = batch.run(jobs(source, Copied()), out, executor=Here())
    assert (summary.done, summary.kept, summary.failures) == (2, 3, 0)
    assert len(lines(out)) == 5 and set(rows(out)) == set(NAMES)


def test_a_bad_file_is_a_row_and_no_reason_to_stop(source, out):
    summary = batch.run(jobs(source, Failing(victim="b", number=errno.EINVAL)), out, executor=Here())
    assert (summary.done, summary.failures) == (4, 1) and not (out / "b").exists()
    assert rows(out)["b"].error == f"{source / 'b'}: Invalid argument." == summary.failed[0].error
    assert counts(source) == {"b": 1}
    assert batch.run(jobs(source, Failing(victim="b")), out, executor=Here()).done == 1  # tried again the next time
    assert len(lines(out)) == 5


def test_a_passing_fault_is_tried_again_three_times(source, out):
    assert batch.run(jobs(source, Failing(victim="b", refusals=3)), out, executor=Here()).done == 5
    summary = batch.run(jobs(source, Failing("!", victim="c", refusals=9)), out, executor=Here())
    assert summary.failures == 1 and counts(source) == {"b": 4, "c": 4}


def test_a_full_disk_is_waited_for(source, out):
    work = Failing(number=errno.ENOSPC, refusals=2)
    assert batch.run(jobs(source, work), out, executor=Here()).done == 5


def test_a_disk_that_stays_full_stops_the_batch_and_no_file_is_blamed(source, out):
    work = Failing(number=errno.ENOSPC, refusals=99)
    summary = batch.run(jobs(source, work), out, executor=Here())
    assert "No space left" in summary.stopped and (summary.failures, summary.left) == (0, 5)
    assert lines(out) == []
    assert batch.run(jobs(source, Copied()), out, executor=Here()).done == 5


def test_a_manifest_that_cannot_be_written_waits_and_tears_no_line(source, out, monkeypatch):
    write, refusals = os.write, iter([True, True, False, True] + [False] * 99)

    def grudging(handle, data):
        if data.startswith(b'{"input"') and next(refusals):
            write(handle, data[:7])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, data)

    monkeypatch.setattr(os, "write", grudging)
    assert batch.run(jobs(source, Copied()), out, executor=Here()).done == 5
    assert len(lines(out)) == 5


def test_a_file_that_grows_is_not_done_half(source, out):
    summary = batch.run(jobs(source, Growing(victim="b", growths=2)), out, executor=Here())
    assert summary.done == 5 and (out / "b").read_text() == "sound of bmoremore"
    summary = batch.run(jobs(source, Growing("!", victim="c", growths=99)), out, executor=Here())
    assert summary.failures == 1 and "c was changed while it was read" in summary.failed[0].error
    assert (out / "c").read_text() == "sound of c"  # the earlier one, whole


def test_a_file_of_this_moment_waits_until_it_has_settled(source, out, monkeypatch):
    monkeypatch.setattr(driver, "SETTLED_S", 0.3)
    settle(source / "a", 0)
    batch.run(jobs(source, Copied()), out, executor=(here := Here()))
    assert here.seen == ["b", "c", "d", "e", "a"]


def test_more_failures_than_allowed_stop_it(source, out):
    work = Failing(number=errno.EINVAL, refusals=99)
    summary = batch.run(jobs(source, work), out, executor=Here(), at_once=1, max_failures=1)
    assert summary.failures == 2 and summary.left == 3 and summary.stopped == "more than 1 files failed"
    assert batch.run(jobs(source, Copied()), out, executor=Here()).done == 5


def test_a_dead_process_costs_its_file_a_second_try_alone(source, out):
    assert batch.run(jobs(source, Dying(victim="b")), out, at_once=2).done == 5
    assert counts(source) == {"b": 2}


def test_a_file_that_kills_whoever_reads_it_is_a_row(source, out):
    summary = batch.run(jobs(source, Dying(victim="b", deaths=9)), out, at_once=2)
    assert (summary.done, summary.failures) == (4, 1) and counts(source) == {"b": 2}
    assert "the process that worked on it died, twice" in rows(out)["b"].error
    assert not list(out.glob(".*.part"))


def test_a_run_waits_until_the_system_has_let_go_of_who_died(source, out, monkeypatch):
    """What a dead process had locked is free a moment after its death is known: only then is it cleared away."""
    there = process._ExecutorManagerThread
    joined = there.join_executor_internals
    monkeypatch.setattr(there, "join_executor_internals", lambda self: (time.sleep(1), joined(self)))
    batch.run(jobs(source, Dying(victim="b", deaths=9)), out, at_once=2)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, there)]


def test_an_output_stays_ours_where_its_next_try_dies_or_is_late(source, out):
    assert batch.run(jobs(source, Copied("1")), out, executor=Here()).done == 5
    assert batch.run(jobs(source, Dying("2", victim="b", deaths=9)), out, at_once=1).failures == 1
    assert rows(out)["b"].others.keys() == {"b"} and (out / "b").read_text()[-1] == "1"
    assert batch.run(jobs(source, Copied("3")), out, executor=Here()).done == 5 and (out / "b").read_text()[-1] == "3"


def test_a_death_after_a_passing_fault_is_the_first(source, out):
    class Unlucky(Here):
        """A passing fault, then a death, then all is well."""

        def submit(self, work, /, *args):
            if args[0].output == "b" and self.seen.count("b") == 1:
                self.seen.append("b")
                future = Future()
                future.set_exception(RuntimeError("died"))
                return future
            return super().submit(work, *args)

    here = Unlucky()
    assert batch.run(jobs(source, Failing(victim="b")), out, executor=here).done == 5
    assert here.seen.count("b") == 3


def test_a_file_that_takes_too_long_is_a_row(source, out):
    summary = batch.run(jobs(source, Hanging(victim="b")), out, at_once=2, deadline_s=5)
    assert (summary.done, summary.failures) == (4, 1)
    assert rows(out)["b"].error == f"{source / 'b'}: took longer than its deadline."
    assert not list(out.glob(".*.part"))


def test_broken_workers_end_it_and_what_was_done_stays_done(source, out):
    class Breaking(Here):
        def submit(self, work, /, *args):
            if len(self.seen) < 2:
                return super().submit(work, *args)
            future = Future()
            future.set_exception(BrokenProcessPool("gone"))
            return future

    with pytest.raises(MelancholiaError, match="the workers are gone: gone"):
        batch.run(jobs(source, Copied()), out, executor=Breaking(), at_once=1)
    assert len(lines(out)) == 2
    assert batch.run(jobs(source, Copied()), out, executor=Here()).kept == 2


def test_workers_that_are_killed_at_rest_are_replaced():
    with workers(lambda *args: 60.0) as own:
        first = [own.submit(os.getpid) for _ in range(2)]
        pids = {future.result(30) for future in first}
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 10
        while multiprocessing.active_children() and time.monotonic() < until:
            time.sleep(0.01)
        others = {own.submit(os.getpid).result(30), own.submit(os.getpid).result(30)}
    assert len(pids) == 2 and not pids & others


def test_a_worker_is_replaced_after_so_many_files(monkeypatch):
    monkeypatch.setattr(workers_of, "FILES_A_PROCESS", 2)
    with workers(lambda *args: 60.0) as own:
        pids = [own.submit(os.getpid).result(30) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_workers_have_one_thread_for_linear_algebra_and_the_rest_stays_as_it_was(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with workers(lambda *args: 60.0) as own:
        found = own.submit(os.getenv, "OMP_NUM_THREADS").result(30)
    assert found == "1" and os.environ["OMP_NUM_THREADS"] == "7" and "NUMBA_NUM_THREADS" not in os.environ


def test_one_run_at_a_time_has_a_folder(source, out):
    refused = []

    class Second(Here):
        def submit(self, work, /, *args):
            with pytest.raises(InputError, match="is being written by another run") as caught:
                batch.run(jobs(source, Copied()), out, executor=Here())
            refused.append(caught.value)
            return super().submit(work, *args)

    assert batch.run(jobs(source, Counted()), out, executor=Second()).done == 5
    assert len(refused) == 5 and counts(source) == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("theirs", ['{"theirs": 1}\n', '{"theirs": 1}', "notes, one line", "{", "x\n"])
def test_a_manifest_of_somebody_else_stays(source, out, theirs):
    out.mkdir()
    (out / MANIFEST).write_text(theirs)
    if theirs != "{":  # as a row of ours may begin
        with pytest.raises(InputError, match="no manifest of ours"):
            batch.run(jobs(source, Copied()), out, executor=Here())
        assert (out / MANIFEST).read_text() == theirs
    else:
        assert batch.run(jobs(source, Copied()), out, executor=Here()).done == 5


@pytest.mark.parametrize("kind", ["folder", "link", "lock", "file"])
def test_what_is_no_folder_for_outputs_is_refused_before_any_work(source, out, tmp_path, kind):
    (tmp_path / "mine").write_text("mine")
    if kind == "file":
        out.write_text("mine")
    else:
        out.mkdir()
    if kind == "folder":
        (out / MANIFEST).mkdir()
    elif kind != "file":
        (out / (driver.LOCK if kind == "lock" else MANIFEST)).symlink_to(tmp_path / "mine")
    with pytest.raises(InputError, match="allowed: a(nother output)? folder"):
        batch.run(jobs(source, Copied()), out, executor=(idle := Here()))
    with pytest.raises(InputError):
        list(batch.planned(jobs(source, Copied()), out))
    assert idle.seen == [] and (tmp_path / "mine").read_text() == "mine"


def test_an_output_stays_ours_through_failures_and_other_names(source, out):
    """A source breaks and is mended; the format changes and changes back; the sources move."""
    assert batch.run(jobs(source, Copied("1")), out, executor=Here()).done == 5
    broken = Failing("2", victim="a", number=errno.EINVAL, refusals=1)
    assert batch.run(jobs(source, broken), out, executor=Here()).failures == 1
    assert rows(out)["a"].others == {"a": {"bytes": 11, "mtime_ns": (out / "a").stat().st_mtime_ns}}
    assert batch.run(jobs(source, Copied("3")), out, executor=Here()).done == 5 and (out / "a").read_text()[-1] == "3"
    other = [replace(job, output=f"{job.output}.x") for job in jobs(source, Copied("4"))]
    assert batch.run(other, out, executor=Here()).done == 5 and rows(out)["a"].others.keys() == {"a"}
    assert batch.run(jobs(source, Copied("5")), out, executor=Here()).done == 5 and (out / "a").read_text()[-1] == "5"
    source.rename(source.parent / "moved")
    assert batch.run(jobs(source.parent / "moved", Copied("6")), out, executor=Here()).done == 5
    assert (out / "a").read_text()[-1] == "6" and (out / "a.x").read_text()[-1] == "4"


def test_a_manifest_that_somebody_removes_stops_it_and_loses_nothing(source, out):
    def heard(outcome, summary):
        if summary.done == 2:
            (out / MANIFEST).unlink()

    with pytest.raises(MelancholiaError, match="was removed while the batch ran"):
        batch.run(jobs(source, Copied()), out, executor=Here(), heard=heard)
    assert batch.run(jobs(source, Copied()), out, executor=Here()).done == 5 and len(lines(out)) == 5


def test_what_others_raise_is_theirs(source, out):
    def heard(outcome, summary):
        raise FileNotFoundError("theirs")

    with pytest.raises(FileNotFoundError, match="theirs"):
        batch.run(jobs(source, Copied()), out, executor=Here(), heard=heard)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"at_once": 0}, "at_once is 0; allowed: 1 to"),
        ({"at_once": "2"}, "at_once is '2'; allowed: a number"),
        ({"deadline_s": float("inf")}, "deadline is inf s"),
        ({"deadline_s": float("nan")}, "deadline is nan s"),
        ({"deadline_s": "2"}, "deadline is '2'"),
        ({"max_failures": -1}, "max_failures is -1"),
    ],
)
def test_wrong_numbers_are_refused(source, out, options, said):
    with pytest.raises(InputError, match=said):
        batch.run(jobs(source, Copied()), out, **options)
    assert not out.exists()


def test_wrong_jobs_are_refused(source, out):
    made = jobs(source, Copied())
    for wrong, said in (([], "no jobs"), ([1], "no jobs"), ("in", "no jobs"), (made + made[:1], "twice")):
        with pytest.raises(InputError, match=said):
            batch.run(wrong, out, executor=Here())
    with pytest.raises(InputError, match="a is the name of an output twice"):
        batch.run([made[0], replace(made[1], output="a")], out, executor=Here())
    assert batch.run(iter(made), out, executor=Here()).done == 5


def test_an_executor_that_was_shut_down_is_said(source, out):
    with ThreadPoolExecutor(1) as pool:
        pass
    with pytest.raises(MelancholiaError, match="the workers are gone: cannot schedule new futures after shutdown"):
        batch.run(jobs(source, Copied()), out, executor=pool)


def test_a_source_is_never_an_output(source):
    with pytest.raises(InputError, match="sources are never overwritten"):
        batch.run(jobs(source, Copied("!")), source, executor=Here())
    assert sorted(path.name for path in source.iterdir()) == list(NAMES)


@pytest.mark.parametrize("link", ["folder", "output"])
def test_nothing_leaves_the_output_folder_through_a_link(source, out, tmp_path, link):
    (away := tmp_path / "away").mkdir()
    (source / "sub").mkdir()
    (source / "a").rename(source / "sub" / "a")
    out.mkdir()
    if link == "folder":
        (out / "sub").symlink_to(away)
    else:
        (out / "sub").mkdir()
        (out / "sub" / "a").symlink_to(away / "a")
    work = Copied()
    job = batch.Job("a", source / "sub" / "a", "sub/a", work, "settings")
    summary = batch.run([job], out, executor=Here())
    assert summary.failures == 1 and "goes through a link" in summary.failed[0].error
    assert not list(away.iterdir())


def test_folders_without_an_output_are_not_left(source, out):
    job = batch.Job("nothing", source / "nothing", "deep/er/nothing", Copied(), "settings")
    assert batch.run([job], out, executor=Here()).failures == 1
    assert [path.name for path in out.iterdir() if path.is_dir()] == []
