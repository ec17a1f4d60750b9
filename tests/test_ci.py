"""`.ci/run` ends, says how, and leaves nothing behind: tried with a suite that is only pretended."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "run"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script is for Debian")


@pytest.fixture
def run(tmp_path, children):
    """Runs the script with a `make` that is `body`, on a machine that has all packages."""

    def run(body, minutes=30):
        programs = tmp_path / "bin"
        programs.mkdir()
        for name, text in (("make", body), ("dpkg", "exit 0")):
            (programs / name).write_text(f"#!/bin/bash\n{text}\n")
            (programs / name).chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        return children.run("bash", SCRIPT, env={"PATH": path, "CI_MINUTES": str(minutes)})

    return run


@pytest.fixture
def naps():
    """Two naps of lengths that no other process on this machine takes."""
    first = 4000 + time.time_ns() % 10**9 / 1e6
    naps = f"sleep {first:.6f}", f"sleep {first + 1000:.6f}"
    yield naps
    for process in psutil.process_iter(["cmdline"]):
        if " ".join(process.info["cmdline"] or ()) in naps:
            process.kill()


def gone(name):
    """No process of this name is left, or will be in a moment."""
    until = time.monotonic() + 3
    while time.monotonic() < until:
        if not any(name in " ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])):
            return True
        time.sleep(0.05)
    return False


def test_a_green_suite_is_exit_0(run):
    done = run('echo "called with $*"; echo "5 passed"')
    assert done.returncode == 0 and "called with test\n5 passed\n== exit 0 after" in done.stdout


def test_a_red_suite_keeps_its_exit_code(run):
    done = run("echo red; exit 3")
    assert done.returncode == 3 and "red\n== exit 3 after" in done.stdout


def test_a_suite_that_reads_meets_the_end_of_its_input(run):
    assert "read nothing" in run('cat; echo "read nothing"').stdout


def test_what_outlives_the_suite_is_named_killed_and_a_failure(run, naps):
    done = run(f"setsid {naps[0]} & exit 0")
    assert done.returncode == 1 and "outlived the suite" in done.stdout and naps[0] in done.stdout
    assert gone(naps[0])


def test_a_suite_that_hangs_is_ended_with_a_list_of_what_ran(run, naps):
    done = run(f"setsid {naps[0]} & {naps[1]}", minutes=0)
    assert done.returncode and "not done after 0 minutes" in done.stdout and naps[0] in done.stdout
    assert gone(naps[0]) and gone(naps[1])
