"""Every budget of the house beside its figure; `python -m tests.benchmarks` prints the table."""

import time


def median_cpu(work, count=5):
    """Median CPU seconds of `count` calls, after one that warms up."""
    work()
    times = []
    for _ in range(count):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return sorted(times)[count // 2]
