"""Does `matched` accept recordings that people call sad, and refuse happy ones?

    python -m tests.accepted ../shared/data/4qaed/labels.csv clips.jsonl

`clips.jsonl` is what `tools/fit_listener.py --cues` keeps. Accepted is what matches some mood at one of the intensities
0.25, 0.5, 0.75 and 1. The bands are shares of the sad recordings as a whole; so that none is judged by itself alone,
each half is judged, beside that, by bands read from the other half.
"""

import argparse
import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np

from melancholia import bands
from melancholia.listener import sadness
from melancholia.profile import moods, profile
from melancholia.scoring.fits import fit_of
from tests.reached import interval
from tools.sad_recordings import acoustic

INTENSITIES = (0.25, 0.5, 0.75, 1.0)


def accepted(values, wanted):
    """The moods that a recording matches."""
    sad = sadness(values)
    return {one.mood for one in wanted if fit_of(one, values, sad).matched}


def told(name, rows, wanted):
    found = [accepted(row["values"], wanted) for row in rows]
    hits = sum(map(bool, found))
    low, high = interval(hits, len(rows))
    by_mood = dict(Counter(mood for one in found for mood in one).most_common())
    print(f"{name}: {hits} of {len(rows)} match some mood, {hits / len(rows):.3f} ({low:.3f} to {high:.3f}); {by_mood}")
    return hits


def profiles():
    return [profile(mood, intensity) for mood in moods() for intensity in INTENSITIES]


def read_from(rows):
    """Make the bands shares of these recordings."""
    shares, values = bands.sad_recordings()
    found = {name: tuple(np.quantile([row["values"][name] for row in rows], shares)) for name in values}
    bands.sad_recordings = lambda: (shares, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("clips", type=Path)
    asked = parser.parse_args()
    with asked.labels.open() as file:
        labels = {row["id"]: row for row in csv.DictReader(file)}
    clips = [{**labels[row["id"]], **row} for row in map(json.loads, asked.clips.read_text().splitlines())]
    sad = [row for row in clips if int(row["sad_words"]) > 0 and acoustic(row)]
    happy = [row for row in clips if row["quadrant"] == "Q1"]
    told("sad acoustic recordings", sad, profiles())
    told("happy recordings", happy, profiles())
    told("happy acoustic recordings", [row for row in happy if acoustic(row)], profiles())
    order = np.random.default_rng(0).permutation(len(sad))
    halves = [[sad[k] for k in order[first::2]] for first in (0, 1)]
    for mine, other in (halves, halves[::-1]):
        read_from(other)
        told("half of the sad ones, by bands of the other half", mine, profiles())


if __name__ == "__main__":
    main()
