"""A real dask scheduler with real workers, on loopback: the same outputs as without, whoever dies."""

import os
import re
import signal
import sys
import time

import pytest

from melancholia.batch import read_manifest
from melancholia.batch.cluster import check, facts
from melancholia.errors import InputError
from melancholia.recipe import versions
from tests.batch.kills import hashes, sources
from tests.children import CLI

DASK = (sys.executable, "-m", "distributed.cli.dask_scheduler")
IMPATIENT = """
import sys, melancholia.batch
sys.modules["melancholia.batch.cluster"].LONGEST_WAIT_S = 1.0
from melancholia.cli import run
sys.exit(run(sys.argv[1:]))
"""
WORKER = (sys.executable, "-m", "distributed.cli.dask_worker")


def until(found, seconds=30):
    end = time.monotonic() + seconds
    while not (got := found()) and time.monotonic() < end:
        time.sleep(0.02)
    return got


@pytest.fixture
def scheduler(children):
    child = children.start(*DASK, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
    found = until(lambda: re.search(r"Scheduler at: +(tcp://[\d.:]+)", child.err.read_text() + child.out.read_text()))
    yield found[1]
    child.kill()


@pytest.fixture
def workers(children, scheduler):
    child = children.start(
        *WORKER, scheduler, "--nworkers", "2", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"
    )
    assert until(lambda: child.err.read_text().count("Registered to") >= 2)
    yield child
    child.kill()


def test_a_cluster_does_what_one_machine_does_though_a_worker_is_killed(children, scheduler, workers, tmp_path):
    source = sources(tmp_path / "in", 24, 5)
    assert children.run(*CLI, "batch", source, "-o", tmp_path / "alone").returncode == 0
    child = children.start(*CLI, "batch", source, "-o", tmp_path / "out", "--dask", scheduler)
    assert until(lambda: len(list((tmp_path / "out").glob("?/*.*"))) >= 3)
    at_work = [one for one in workers.others() if any("spawn_main" in word for word in one.cmdline())]
    os.kill(at_work[0].pid, signal.SIGKILL)
    done = child.wait()
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("24 done, 0 failed")
    assert hashes(tmp_path / "out") == hashes(tmp_path / "alone") and len(hashes(tmp_path / "out")) == 24
    assert len(list(read_manifest(tmp_path / "out"))) == 24
    assert not list((tmp_path / "out").rglob("*.part"))


def test_a_scheduler_without_workers_or_none_at_all_is_said(children, scheduler, tmp_path):
    source = sources(tmp_path / "in", 1, 6)
    for address, said in ((scheduler, "has no workers"), ("tcp://127.0.0.1:1", "cannot be reached")):
        done = children.python(IMPATIENT, "batch", source, "-o", tmp_path / "out", "--dask", address)
        assert done.returncode == 2 and f"{address} {said}" in done.stderr and len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_workers_that_would_make_other_sound_are_refused(tmp_path):
    here, away = str(tmp_path), str(tmp_path / "away")
    check({"tcp://a": facts([here])}, [here])
    with pytest.raises(InputError, match="worker tcp://b has numpy 1.0, here it is"):
        check({"tcp://a": facts([here]), "tcp://b": (versions() | {"numpy": "1.0"}, [True])}, [here])
    with pytest.raises(InputError, match=f"worker tcp://a does not find {away}"):
        check({"tcp://a": facts([here, away])}, [here, away])
