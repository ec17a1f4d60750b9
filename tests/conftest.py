"""What holds for every test: nothing is skipped in CI, and no process, no thread and no thread's import is left behind.

In CI nothing may be missing: a skip fails there, but for tests marked `shared_data`.
"""

import os
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from tests.children import LET_GO_S, Children, hear_interrupts

TESTS = Path(__file__).parent
STAYS = "multiprocessing.resource_tracker"  # ends with the process that it watches

# Files that take longest, the longest first: begun last, one of them would keep one of two workers waiting.
FIRST = (
    "instruments/test_contract.py", "song/test_front_door.py", "cli/test_interrupts.py", "composition/test_course.py",
    "song/test_song.py", "report/test_page.py", "composition/test_aims.py", "examples/test_examples.py",
    "analysis/test_analyse.py", "composition/test_sung.py", "hosting/test_faults.py", "song/test_takes.py",
    "composition/test_contract.py", "batch/test_command.py", "racks/test_racks.py", "composition/test_rewriting.py",
    "training/test_evaluate.py", "training/test_model.py", "cli/test_listening.py", "song/test_settings.py",
)  # fmt: skip


class ImportsInThreads:
    """Writes down what is imported anywhere but in the main thread: together with an interrupt that can deadlock."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            self.found.append(f"{name} in {threading.current_thread().name}")


IMPORTS = ImportsInThreads()


def pytest_collection_modifyitems(items):
    places = {str(TESTS / name): place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(str(item.path), len(places)))


# A limit on the time of an example would fail on a machine that is busy.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")


def pytest_configure(config):
    hear_interrupts()
    sys.meta_path.insert(0, IMPORTS)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.skipped and os.environ.get("CI") == "true" and not item.get_closest_marker("shared_data"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be missing: {report.longrepr}"


@pytest.fixture
def children(tmp_path_factory):
    """Starts processes; a test that leaves one alive fails, and what it left is killed."""
    made = Children(tmp_path_factory.mktemp("children"))
    yield made
    left = made.end()
    assert not left, f"processes were left: {left}"


@pytest.fixture(autouse=True)
def nothing_is_left():
    """A test that leaves a thread or a process behind, or imports in a thread, fails."""
    threads, processes = set(threading.enumerate()), set(psutil.Process().children(recursive=True))
    IMPORTS.found.clear()
    yield
    until = time.monotonic() + LET_GO_S
    while (left := left_since(threads, processes)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not left, f"still there after the test: {left}"
    assert not IMPORTS.found, f"imported in a thread: {IMPORTS.found}"


def left_since(threads, processes):
    """Names of the threads and processes that are there now and were not before."""
    left = [thread.name for thread in threading.enumerate() if thread not in threads]
    for process in psutil.Process().children(recursive=True):
        if process in processes:
            continue
        try:
            line = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and STAYS not in line:
                left.append(f"{process.pid} {line}")
        except psutil.NoSuchProcess:
            continue
    return left
