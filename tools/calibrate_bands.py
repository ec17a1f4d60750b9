"""Bands of a mood's cues from pieces of development seeds: prints the [cues] table of each mood.

    python tools/calibrate_bands.py pieces.jsonl [...]      rows of `python -m tests.judge -o`

Each cue is fitted by a line over intensity; what is accepted (band and tolerance together) reaches REACH standard
deviations of the residual to either side. Mode and rate weigh most, as in the controlled experiments; the other heavy
cues (0.1 or more) are those that tell our moods apart best on pieces that were left out; the rest hardly count.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from melancholia.cues import CUES

REACH = 2.8
WEIGHTS = {
    "mode": 0.20, "event_rate": 0.12, "brightness": 0.12, "peaks": 0.10, "flux": 0.10, "stereo_width": 0.10,
    "high_energy": 0.10, "slow_modulation": 0.10, "register": 0.03, "level_range": 0.01, "roughness": 0.01,
    "loudness": 0.01,
}  # fmt: skip


def rows_of(paths):
    found = defaultdict(list)
    for path in paths:
        for line in Path(path).read_text().splitlines():
            row = json.loads(line)
            if not row["twin"]:
                found[row["mood"]].append(row)
    return found


def main(paths):
    for mood, rows in sorted(rows_of(paths).items()):
        print(f"# {mood}: {len(rows)} pieces\n[cues]")
        at = np.array([row["intensity"] for row in rows])
        for name, weight in WEIGHTS.items():
            cue = CUES[name]
            value = np.array([row["values"][name] for row in rows])
            if name == "loudness":
                print(f"loudness = {{ low = -17, high = -15, weight = {weight} }}")
                continue
            slope, base = np.polyfit(at, value, 1)
            spread = (value - slope * at - base).std() * np.sqrt(len(value) / (len(value) - 2))
            half = max(REACH * spread - cue.tolerance, 0.3 * spread)
            ends = [np.clip(base + slope * i + side * half, cue.low, cue.high) for side in (-1, 1) for i in (0, 1)]
            low0, low1, high0, high1 = (f"{float(f'{e:.4g}'):g}" for e in ends)
            print(f"{name} = {{ low = [{low0}, {low1}], high = [{high0}, {high1}], weight = {weight} }}")
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
