"""What an interrupt removes, what it waits for, and who has the last word."""

import signal
import sys
import threading
import time

from melancholia import interrupts
from melancholia.files import write_text, writing_folder

SLOW_END = """
import sys, time
from melancholia import interrupts
interrupts.remove = lambda name: time.sleep(60)
interrupts.watch()
with interrupts.unfinished("x"):
    print("here", flush=True)
    time.sleep(60)
"""
LAST_WORD = """
import melancholia.__main__ as command
from melancholia import interrupts
end = command.os._exit
command.os._exit = lambda code: (print("held" if interrupts.ENDING.locked() else "open", flush=True), end(code))
command.main()
"""


def test_what_is_finished_is_forgotten(tmp_path):
    write_text(tmp_path / "a.txt", "a")
    with writing_folder(tmp_path / "song"):
        assert len(interrupts.UNFINISHED) == 1
    assert not interrupts.UNFINISHED


def test_a_folder_is_removed_while_somebody_writes_into_it(tmp_path):
    folder = tmp_path / "part"
    folder.mkdir()

    def write():
        for number in range(3_000):  # more than can be written while it is removed
            try:
                (folder / f"{number}").write_text("x")
            except OSError:
                return

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    time.sleep(0.05)
    interrupts.remove(str(folder))
    for writer in writers:
        writer.join(5)
    assert not any(writer.is_alive() for writer in writers) and not list(tmp_path.iterdir())


def test_a_link_is_removed_and_not_what_it_points_to(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    interrupts.remove(str(tmp_path / "link"))
    assert (tmp_path / "mine").is_dir() and not (tmp_path / "link").is_symlink()


def test_a_second_signal_does_not_wait_for_the_removal(children, tmp_path):
    child = children.start(sys.executable, "-c", SLOW_END, cwd=tmp_path)
    until = time.monotonic() + 30
    while "here" not in child.out.read_text() and time.monotonic() < until:
        time.sleep(0.01)
    child.send(signal.SIGINT)
    time.sleep(0.3)
    assert child.process.poll() is None
    child.send(signal.SIGINT)
    assert child.wait(1).returncode == interrupts.INTERRUPTED


def test_no_interrupt_is_acted_on_once_a_command_has_ended(children):
    assert children.run(sys.executable, "-c", LAST_WORD, "moods").stdout.splitlines()[-1] == "held"
