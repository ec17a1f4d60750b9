"""An interrupt ends a command within two seconds, at any moment, under load, and leaves nothing half-written."""

import os
import pty
import signal
import sys
import time

import pytest

from tests.children import CLI, Children, all_said
from tests.interrupts import COMMANDS, LONGEST_S, folder_to_work_in, interrupts, until_it_listens
from tests.some import later


@pytest.fixture(scope="module", autouse=True)
def compiled(tmp_path_factory):
    """The first run ever compiles kernels, which would be most of what is interrupted."""
    home = tmp_path_factory.mktemp("compiled")
    assert Children(home / "children").run(*CLI, *COMMANDS["make"], "--no-report", cwd=home).returncode == 0


def stems_under_way(folder):
    return [path for path in folder.rglob(".melancholia-*.part") if path.is_file()]


@pytest.fixture
def folder(tmp_path):
    return folder_to_work_in(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_at_any_moment_ends_it_and_leaves_nothing(folder, children, command):
    many, longest = (1, 8.0) if command == "make" else (2, None)  # 200 each, over all of it, in the soak
    found = interrupts(children, folder, command, many, seed=1, longest=longest)
    assert not [ended for ended in found if ended.faults]
    assert max(ended.took_s for ended in found) <= LONGEST_S


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.long)])
def test_what_is_being_written_is_removed(folder, children, number):
    asked = "make longing --seconds 30 --seed 1 --composer planned -o out".split()
    child = children.start(*CLI, *asked, cwd=folder)
    until = time.monotonic() + 60
    while not stems_under_way(folder) and time.monotonic() < until:
        time.sleep(0.005)
    assert stems_under_way(folder)
    child.send(number)
    done = child.wait(LONGEST_S)
    assert done.returncode == 130 and done.stderr == "melancholia: interrupted; nothing was left half-written.\n"
    assert os.listdir(folder) == ["long.wav"]


def test_a_second_interrupt_ends_it_at_once(folder, children):
    child = children.start(*CLI, *COMMANDS["make"], cwd=folder)
    until_it_listens(child)
    time.sleep(1)
    child.send(signal.SIGINT)
    child.send(signal.SIGTERM)
    assert child.wait(1).returncode == 130


def test_several_files_are_scored_by_processes_that_end_too(folder, children):
    (folder / "other.wav").write_bytes((folder / "long.wav").read_bytes())
    child = children.start(*CLI, "score", "long.wav", "other.wav", "--jobs", "2", cwd=folder)
    until = time.monotonic() + 60
    while len(child.others()) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: everybody hears it
    done = child.wait(LONGEST_S)
    assert done.returncode == 130 and len(done.stderr.splitlines()) == 1
    while child.others() and time.monotonic() < until:
        time.sleep(0.01)
    assert not child.others()


def test_workers_end_with_a_parent_that_is_killed(folder, children):
    (folder / "other.wav").write_bytes((folder / "long.wav").read_bytes())
    child = children.start(*CLI, "score", "long.wav", "other.wav", "--jobs", "2", cwd=folder)
    until = time.monotonic() + 60
    while len([p for p in child.others() if p.num_threads() > 1]) < 2 and time.monotonic() < until:
        time.sleep(0.01)  # until both are at work
    child.send(signal.SIGKILL)
    assert child.wait(10).returncode == -signal.SIGKILL
    gone = time.monotonic() + LONGEST_S
    while child.others() and time.monotonic() < gone:
        time.sleep(0.01)
    assert not child.others()


@pytest.mark.parametrize("command", ["moods", "loudness long.wav --csv", *later("score long.wav --csv")])
def test_what_cannot_be_said_is_a_failure(folder, children, command):
    """Nothing is lost in silence: a result that a full disk does not take is exit 1."""
    told = f"{sys.executable} -m melancholia {command} > /dev/full"
    done = children.run("sh", "-c", told, cwd=folder)
    assert done.returncode == 1 and done.stderr == "melancholia: stdout cannot be written: No space left on device.\n"


def test_a_terminal_gets_its_cursor_back(folder, children):
    ours, theirs = pty.openpty()
    child = children.start(*CLI, *COMMANDS["make"], cwd=folder, stderr=theirs)
    os.close(theirs)
    until_it_listens(child)
    said = b""
    while b"\x1b[?25l" not in said:  # the bar is there, the cursor hidden
        said += os.read(ours, 4096)
    child.send(signal.SIGINT)
    assert child.wait(LONGEST_S).returncode == 130
    said += all_said(ours)
    assert said.count(b"\x1b[?25h") == 1 and said.rstrip().endswith(b"nothing was left half-written.")


def test_signals_that_are_ignored_stay_ignored(folder, children):
    """Under nohup a closed terminal ends nothing."""
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\nfrom melancholia.__main__ import main\nmain()"
    child = children.start(sys.executable, "-c", code, *COMMANDS["master"], cwd=folder)
    time.sleep(0.5)
    child.send(signal.SIGHUP)
    assert child.wait().returncode == 0 and (folder / "out.wav").exists()


def test_a_program_that_uses_the_library_gets_its_keyboard_interrupt(folder, children):
    """What is under way is waited for, what has not begun is not begun, and nothing is left."""
    code = (
        "import pathlib, tempfile, threading, melancholia as mel\n"
        "tempfile.tempdir = '.'\n"
        "print('here', flush=True)\n"
        "try: mel.make('longing', seconds=30, seed=1, composer='planned').save('out')\n"
        "except KeyboardInterrupt: print('caught', threading.active_count())\n"
    )
    child = children.start(sys.executable, "-c", code, cwd=folder)
    until = time.monotonic() + 60
    while not stems_under_way(folder) and time.monotonic() < until:
        time.sleep(0.01)
    child.send(signal.SIGINT)
    done = child.wait(60)
    assert done.stdout == "here\ncaught 1\n" and done.returncode == 0, done
    assert os.listdir(folder) == ["long.wav"]


@pytest.mark.parametrize("what", ["coder", "stems"])
def test_what_lies_beside_a_master_under_way_is_removed_too(folder, children, what):
    """A file that a coder makes, a folder between bus and master, a folder that was made for the output."""
    (folder / "other.wav").write_bytes((folder / "long.wav").read_bytes())
    (folder / "between").mkdir()
    asked = {
        "coder": ("long.wav", "-o", "out/a.wav", "--codec-headroom", "ogg"),
        "stems": ("long.wav", "other.wav", "--as", "stems", "--rack", "longing", "-o", "out/"),
    }
    if what == "coder":
        (folder / "out").mkdir()
    child = children.start(*CLI, "master", *asked[what], cwd=folder, env={"TMPDIR": str(folder / "between")})
    looked = folder / ("out" if what == "coder" else "between")
    until = time.monotonic() + 60
    while not list(looked.rglob("*.ogg.part" if what == "coder" else "sum.wav")) and time.monotonic() < until:
        assert child.process.poll() is None
        time.sleep(0.002)
    child.send(signal.SIGINT)
    assert child.wait(LONGEST_S).returncode == 130
    assert not os.listdir(folder / "between")
    assert not os.listdir(folder / "out") if what == "coder" else not (folder / "out").exists()
