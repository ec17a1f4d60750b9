"""Bands of a mood's cues from pieces of development seeds: prints the [cues] table of each mood.

    python tools/calibrate_bands.py pieces.jsonl [...]      rows of `python -m tests.judge -o`

Each cue is fitted by a line over intensity; what is accepted (band and tolerance together) reaches REACH standard
deviations of the residual to either side, NARROW toward a mood that is in sight, and BEYOND the OUTERMOST on that
side: orchestrations differ, and spreads are lopsided. Mode and rate weigh most, as in the
controlled experiments; the other heavy cues (0.1 or more) are those that tell our moods apart best; the rest hardly
count.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from melancholia.cues import CUES

REACH, NARROW = 2.8, 2.5  # standard deviations: where nobody is near; toward another mood that is in sight
NEAREST, FURTHEST = 1.6, 4.0  # of that other mood: nearer it cannot be told by this cue, further it is anyway
BEYOND, OUTERMOST = 1.1, (0.02, 0.98)
FEWEST_LEVELS = 3  # of intensity, for a line over it
USUAL = 0.7  # the intensity at which moods are compared
WEIGHTS = {
    "mode": 0.20, "event_rate": 0.15, "stereo_width": 0.12, "flux": 0.12, "contrast": 0.10, "brightness": 0.10,
    "space": 0.03, "peaks": 0.05, "persistence": 0.08, "register": 0.02, "level_range": 0.01, "roughness": 0.01,
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


def lines(found):
    """For each mood and cue: slope over intensity, value at 0, standard deviation and outermost of the residual."""
    fitted = {}
    for mood, rows in found.items():
        at = np.array([row["intensity"] for row in rows])
        if len(set(at)) < FEWEST_LEVELS:
            sys.exit(
                f"{mood}: pieces of {len(set(at))} intensities; needed: {FEWEST_LEVELS} or more (--every-intensity)"
            )
        for name in WEIGHTS:
            value = np.array([row["values"][name] for row in rows])
            slope, base = np.polyfit(at, value, 1)
            left = value - slope * at - base
            spread = left.std() * np.sqrt(len(value) / (len(value) - 2))
            fitted[mood, name] = slope, base, spread, *np.quantile(left, OUTERMOST)
    return fitted


def reach(fitted, mood, name, side):
    """Standard deviations that a band reaches to one side: less where another mood lies there, in sight."""
    slope, base, spread, *_ = fitted[mood, name]
    middle = slope * USUAL + base
    others = [s * USUAL + b for (other, cue), (s, b, *_) in fitted.items() if cue == name and other != mood]
    apart = [side * (value - middle) / max(spread, 1e-12) for value in others]
    in_sight = any(NEAREST <= distance <= FURTHEST for distance in apart)
    return NARROW if in_sight and WEIGHTS[name] >= 0.1 else REACH


def main(paths):
    found = rows_of(paths)
    fitted = lines(found)
    for mood, rows in sorted(found.items()):
        print(f"# {mood}: {len(rows)} pieces\n[cues]")
        for name, weight in WEIGHTS.items():
            if name == "loudness":
                print(f"loudness = {{ low = -17, high = -15, weight = {weight} }}")
                continue
            cue, (slope, base, spread, *extremes) = CUES[name], fitted[mood, name]
            ends = []
            for side, extreme in zip((-1, 1), extremes, strict=True):
                accepted = max(reach(fitted, mood, name, side) * spread, BEYOND * abs(extreme))
                half = max(accepted - cue.tolerance, 0.3 * spread)
                ends += [np.clip(base + slope * i + side * half, cue.low, cue.high) for i in (0, 1)]
            low0, low1, high0, high1 = (f"{float(f'{e:.4g}'):g}" for e in ends)
            print(f"{name} = {{ low = [{low0}, {low1}], high = [{high0}, {high1}], weight = {weight} }}")
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
