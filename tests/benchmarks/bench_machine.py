"""How fast this machine is at this moment: shared ones differ threefold by the hour, and every figure with them."""

import time


def figures():
    times = []
    for _ in range(5):
        began, total = time.process_time(), 0
        for number in range(3_000_000):
            total += number
        times.append(time.process_time() - began)
    yield {
        "what": "this machine: 3 million additions in Python",
        "budget": None, "figure": sorted(times)[2], "unit": "s CPU", "better": "lower",
    }  # fmt: skip
