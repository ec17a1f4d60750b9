"""Tests start processes through `tests.children` alone, and fork never: what outlives a test can hang the suite."""

import ast
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.children import Children
from tests.conftest import left_since

TESTS = Path(__file__).parent
FREE = {TESTS / "children.py", TESTS / "test_children.py", *(TESTS / "benchmarks").glob("*.py")}
FORBIDDEN = {"subprocess", "Popen", "fork", "forkpty", "preexec_fn", "spawnv", "system", "daemon"}


def words(path):
    """Every name, attribute, keyword and imported module of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_starts_a_process_of_its_own(path):
    if path not in FREE:
        assert not FORBIDDEN & set(words(path))


def test_what_a_test_leaves_running_is_found_and_killed(tmp_path):
    made = Children(tmp_path / "home")
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])"
    child = made.start(sys.executable, "-c", code + "; time.sleep(99)")
    until = time.monotonic() + 30
    while not child.others() and time.monotonic() < until:
        time.sleep(0.02)
    (grandchild,) = child.others()
    assert left_since(set(), set())
    assert len(made.end()) == 2
    assert not psutil.pid_exists(child.pid) and (not grandchild.is_running() or grandchild.status() == "zombie")


def test_what_ends_with_a_process_has_a_moment_to_end(tmp_path):
    made = Children(tmp_path / "home")
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(0.5)'])"
    assert made.python(code).returncode == 0
    assert made.end() == []


def test_one_that_does_not_end_is_killed_and_said(tmp_path):
    made = Children(tmp_path / "home")
    child = made.start(
        sys.executable, "-c", "import sys, time; print('here', file=sys.stderr, flush=True); time.sleep(99)"
    )
    with pytest.raises(AssertionError, match=r"still ran after 1 s; it said: (here)?"):
        child.wait(1)
    assert not psutil.pid_exists(child.pid)
