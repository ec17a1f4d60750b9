"""What people call sad: how the cues of such recordings are spread, and how sad they are heard, by their words.

    python tools/sad_recordings.py ../shared/data/4qaed/labels.csv clips.jsonl -o assets/listener/sad_recordings.toml

`clips.jsonl` is what `tools/fit_listener.py --cues` keeps: a row a clip, with its labels and cue values. Those with a
sad word and an acoustic genre are the recordings that the moods' bands are shares of; printed is how sad each kind of
words is heard to be, which says how far the moods' targets lie apart.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from melancholia.cues import CUES
from melancholia.listener import sadness

ACOUSTIC = {"Classical", "Folk", "Jazz", "New Age", "Vocal", "Stage & Screen", "Easy Listening"}
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
UNTOLD = ("stereo_width", "loudness")  # the clips are in one channel, and levels are their labels' doing
WORDS = {
    "nostalgia": ("nostalgic", "sentimental", "bittersweet"),
    "longing": ("yearning", "plaintive", "poignant"),
    "melancholy": ("melancholy", "autumnal", "wistful"),
    "solitude": ("lonely", "sparse", "quiet", "detached"),
    "despair": ("bleak", "distraught", "anguished", "gloomy", "somber"),
    "loss": ("sad",),
}


def words(row):
    return set(row["moods"].split("|"))


def acoustic(row):
    return bool(ACOUSTIC & set(row["genres"].split("|")))


def text(rows):
    lines = [
        f"# {len(rows)} recordings of acoustic genres that people gave a sad word (Panda, Malheiro & Paiva 2018), as",
        "# they are heard. Made by tools/sad_recordings.py; see assets/SOURCES.toml.",
        'about = "How the cues of sad recordings are spread: of each, the values that these shares of them lie below."',
        f"shares = {list(SHARES)}",
        "",
        "[values]",
    ]
    for name in CUES:
        if name not in UNTOLD and all(name in row["values"] for row in rows):
            found = np.quantile([row["values"][name] for row in rows], SHARES)
            lines.append(f"{name} = [{', '.join(f'{value:.4g}' for value in found)}]")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    with asked.labels.open() as file:
        labels = {row["id"]: row for row in csv.DictReader(file)}
    clips = [json.loads(line) for line in asked.clips.read_text().splitlines()]
    clips = [{**labels[row["id"]], **row} for row in clips]
    sad = [row for row in clips if int(row["sad_words"]) > 0 and acoustic(row)]
    asked.output.write_text(text(sad))
    whole = np.median([sadness(row["values"]) for row in sad])
    print(f"{len(sad)} sad recordings of acoustic genres: median sadness {whole:.2f}")
    for mood, named in WORDS.items():
        for kind, rows in (("acoustic", [row for row in clips if acoustic(row)]), ("all genres", clips)):
            own = [sadness(row["values"]) for row in rows if words(row) & set(named)]
            print(f"{mood:<12} {kind:<11} {len(own):>4} clips: median sadness {np.median(own):.2f}")


if __name__ == "__main__":
    main()
