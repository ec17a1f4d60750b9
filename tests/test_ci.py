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


def test_what_outlives_the_suite_is_named_killed_and_a_failure(run):
    done = run("setsid sleep 4711.5 & exit 0")
    assert done.returncode == 1 and "outlived the suite" in done.stdout and "sleep 4711.5" in done.stdout
    assert gone("sleep 4711.5")


def test_a_suite_that_hangs_is_ended_with_a_list_of_what_ran(run):
    done = run("setsid sleep 4712.5 & sleep 4713.5", minutes=0)
    assert done.returncode and "not done after 0 minutes" in done.stdout and "sleep 4712.5" in done.stdout
    assert gone("sleep 4712.5") and gone("sleep 4713.5")
