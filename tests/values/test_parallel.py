"""Work side by side: results in order, failures at once, nothing left."""

import signal
import time

import pytest

from melancholia.parallel import in_processes, in_threads


def test_results_keep_the_order_of_the_items():
    def slow(n):
        time.sleep(0.02 * (5 - n))
        return n * n

    assert in_threads(slow, range(5), jobs=4) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("jobs", [0, 1, 3])
def test_no_more_than_asked_run_at_once(jobs):
    running, most = [], []

    def count(n):
        running.append(n)
        most.append(len(running))
        time.sleep(0.01)
        running.remove(n)

    in_threads(count, range(9), jobs=jobs)
    assert max(most) <= max(1, jobs)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_cancels_what_has_not_begun(error):
    begun = []

    def work(n):
        begun.append(n)
        time.sleep(0.05)
        if n == 1:
            raise error("enough")

    with pytest.raises(error):
        in_threads(work, range(50), jobs=2)
    assert len(begun) < 10


def test_an_interrupt_of_the_caller_cancels_too(children):
    code = (
        "import os, signal, threading, time\n"
        "from melancholia.parallel import in_threads\n"
        "begun = []\n"
        "def work(n): begun.append(n); time.sleep(0.2)\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try: in_threads(work, range(100), jobs=2)\n"
        "except KeyboardInterrupt: print(len(begun) < 10)\n"
    )
    assert children.python(code).stdout == "True\n"


def blocked(_):
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_processes_never_hear_an_interrupt():
    """Not even while they start: Ctrl-C on a terminal goes to all, and is the parent's business."""
    assert list(in_processes(blocked, [1, 2], jobs=2)) == [True, True] and not blocked(0)


def test_processes_give_results_in_order():
    assert list(in_processes(abs, [-3, 2, -1], jobs=2)) == [3, 2, 1]


def test_a_failure_in_a_process_is_raised():
    with pytest.raises(TypeError):
        list(in_processes(abs, ["x", 1], jobs=2))
