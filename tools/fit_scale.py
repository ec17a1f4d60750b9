"""Fit the listener of our own sound on a controlled experiment that our instruments play, and write its file.

    python -m tests.factorial ../shared/data/eerola2013 -o stimuli.jsonl
    python -m tests.judge --seeds 12000-12002 --seconds 30 --every-intensity --twins -o pieces.jsonl
    python -m tests.played_songs lieder.npz -o songs.jsonl
    python tools/fit_scale.py ../shared/data/eerola2013 stimuli.jsonl pieces.jsonl songs.jsonl -o own.toml

First the pace: a line from what is heard to the logarithm of the tones a second, by least squares on sounds whose notes
are known: the 200 stimuli, our pieces and their twins as masters and dry, songs by others. No rating is in it. Then
the scale: the mean ratings of sadness of the 200 melodies, as 0 to 1, by least squares on the cues that are heard of
them. What errors of reading take from its spread is given back, so that its spread is that of the ratings. Printed are
r, slope and mean error, in the fit and with each of the four melodies left out of it.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from melancholia.listener import PACE, Kind, Spread, pace_terms, squeeze, stretch
from tools.fit_cue_weights import read

RIDGE = 1.0
STEEPNESS = 6.0  # of the step from major to minor: with 5 to 15, r of the fit changes by less than .01
BY_RATIOS = {"event_rate": True, "legato": False, "register": False, "brightness": True}
CUES = ("mode", "event_rate", "legato", "brightness")
HEAD = """\
# The listener of sound as sparse as our own. Made by tools/fit_scale.py from the mean ratings of Eerola, Friberg &
# Bresin 2013 (200 melodies, 46 listeners), played by our instruments; see assets/SOURCES.toml and tests/RESULTS.md.
about = "Our own sound, on the scale of the listeners of a controlled experiment."
"""
OTHERS = """
[valence]                              # as the experiment has them: the middle of each cue is the middle of the verdict
base = 0
slope = 1

[arousal]
base = 0
slope = 1
"""


def with_dry(rows):
    """Rows, and after each that was heard dry as well a row of that."""
    for row in rows:
        yield row
        if "dry" in row:
            yield {**row, "values": row["dry"]}


def fit_pace(rows):
    """Weights by term and the constant, of the logarithm of the pace; r with what was written."""
    x = np.array([list(pace_terms(row["values"]).values()) for row in rows])
    y = np.log([row["notes"]["event_rate"] for row in rows])
    middle, spread, mean = x.mean(axis=0), x.std(axis=0), y.mean()
    z = (x - middle) / spread
    weights = np.linalg.solve(z.T @ z + RIDGE * np.eye(len(PACE)), z.T @ (y - mean))
    pace = dict(zip(PACE, weights / spread, strict=True)) | {"constant": mean - (weights / spread) @ middle}
    return {name: round(float(pace[name]), 4) for name in ("constant", *PACE)}, np.corrcoef(z @ weights, y)[0, 1]


def spreads_of(stimuli, pace):
    """How the cues that are heard of the stimuli are spread: middle and standard deviation, some of the logarithm."""
    own = Kind((), {}, {}, pace, {}, {})
    found = {}
    for cue, log in BY_RATIOS.items():
        values = np.array([own.rate(r["values"]) if cue == "event_rate" else r["values"][cue] for r in stimuli])
        at = np.log(values) if log else values
        middle = np.exp(at.mean()) if log else at.mean()
        found[cue] = Spread(float(f"{middle:.4g}"), float(f"{at.std():.4g}"), log)
    return found


def heard(rows, pace, spreads):
    """Normal scores of CUES of each row, and a column of ones."""
    own = Kind((), {}, {}, pace, {"mode": STEEPNESS}, spreads)
    return np.array([[*(own.score(cue, row["values"]) for cue in CUES), 1.0] for row in rows])


def fit_ratings(x, sad):
    """Weights of the sum that `squeeze` makes a sadness of: least squares, then spread as the ratings are."""
    wanted = np.array([stretch(s) for s in sad])
    found, *_ = np.linalg.lstsq(x, wanted, rcond=None)
    for _ in range(20):
        ratio = sad.std() / squeezed(x @ found).std()
        found = found * ratio
        found[-1] += wanted.mean() - (x @ found).mean()
    return found


def squeezed(totals):
    return np.array([squeeze(float(total)) for total in totals])


def agreement(said, sad):
    return (
        f"r {np.corrcoef(said, sad)[0, 1]:.3f}, slope {np.polyfit(sad, said, 1)[0]:.2f} "
        f"(of the ratings on it {np.polyfit(said, sad, 1)[0]:.2f}), mean error {np.abs(said - sad).mean():.3f}, "
        f"SD of the error {(said - sad).std():.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ratings", type=Path, help="the folder eerola2013/")
    parser.add_argument("stimuli", type=Path)
    parser.add_argument("pieces", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    stimuli, *pieces = (
        [json.loads(line) for line in path.read_text().splitlines()] for path in (asked.stimuli, *asked.pieces)
    )
    rated = {row["Nro"]: row["Sad"] for row in read(asked.ratings / "mean_emotion_ratings.csv")}
    sad = np.array([(rated[row["Nro"]] - 1) / 6 for row in stimuli])
    pace, r = fit_pace([*stimuli, *(row for rows in pieces for row in with_dry(rows))])
    print(f"pace: r {r:.3f}")
    spreads = spreads_of(stimuli, pace)
    x = heard(stimuli, pace, spreads)
    weights = fit_ratings(x, sad)
    print(f"in the fit: {agreement(squeezed(x @ weights), sad)}")
    melody = np.array([row["Melody"] for row in stimuli])
    left_out = np.empty(len(sad))
    for one in np.unique(melody):
        left_out[melody == one] = squeezed(x[melody == one] @ fit_ratings(x[melody != one], sad[melody != one]))
    print(f"melodies left out: {agreement(left_out, sad)}")
    lines = [HEAD, "[sadness]", f"base = {weights[-1]:.4f}", "", "[sadness.weights]"]
    lines += [f"{cue} = {weight:.4f}" for cue, weight in zip(CUES, weights[:-1], strict=True)]
    lines += [
        OTHERS,
        "# Tones a second of our own sound: a line fitted to notes that are known; no rating is in it",
        "[pace]",
    ]
    lines += [f"{name} = {value:.4f}" for name, value in pace.items()]
    lines += [
        "",
        "# People hear minor or major; an index heard in a mix is unsure",
        "[shares]",
        f"mode = {STEEPNESS:g}",
        "",
    ]
    lines += [
        "# How the cues are spread over the melodies of the experiment: their middle, and one standard deviation",
        "[spreads]",
    ]
    lines += [
        f"{cue} = {{ centre = {s.centre:g}, spread = {s.spread:g}, log = {str(s.log).lower()} }}"
        for cue, s in spreads.items()
    ]
    asked.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
