"""The line that tells the pace of our own sound from what is heard: prints the [pace] table of own.toml.

    python tools/fit_pace.py pieces.jsonl [...]      rows of `tests.judge --twins -o` and of tests.played_songs

Least squares with a small ridge, from cues heard in the master to the logarithm of the onsets a second that were
written; how a piece differs from its own slower and faster twins counts six times. No rating is in it.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from melancholia.scoring.listener import PACE, pace_terms

RIDGE, TWINS_COUNT = 2.0, 6.0


def fit(rows):
    """Weights by cue, the constant, and r with what was written."""
    heard = np.array([list(pace_terms(row["values"]).values()) for row in rows])
    written = np.log([row["written"]["event_rate"] for row in rows])
    spread, middle = heard.std(axis=0), heard.mean(axis=0)
    z, y = (heard - middle) / spread, written - written.mean()
    known = {(r["mood"], r["seed"], r["intensity"], r["twin"]): k for k, r in enumerate(rows) if "twin" in r}
    pairs = [
        (known[mood, seed, intensity, ""], k)
        for (mood, seed, intensity, twin), k in known.items()
        if twin in ("slow", "slower", "major 1.6x") and (mood, seed, intensity, "") in known
    ]
    a, b = np.array(pairs, int).reshape(-1, 2).T
    left = np.vstack([z, TWINS_COUNT * (z[b] - z[a])])
    right = np.concatenate([y, TWINS_COUNT * (y[b] - y[a])])
    found = np.linalg.solve(left.T @ left + RIDGE * np.eye(len(PACE)), left.T @ right)
    weights = found / spread
    return dict(zip(PACE, weights, strict=True)), written.mean() - weights @ middle, np.corrcoef(z @ found, y)[0, 1]


def main(paths):
    weights, constant, r = fit([json.loads(line) for path in paths for line in Path(path).read_text().splitlines()])
    print(f"[pace]  # r {r:.2f}\nconstant = {constant:.3f}")
    for name, weight in weights.items():
        print(f"{name} = {weight:.4f}")


if __name__ == "__main__":
    main(sys.argv[1:])
