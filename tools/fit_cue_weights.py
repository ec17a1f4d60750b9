"""Fit the weights of the listener's prior on controlled human data, and print them.

    python tools/fit_cue_weights.py ../shared/data/eerola2013

200 melodies whose mode, rate, level, register, articulation and timbre were varied independently, rated for sadness,
happiness, peace and fear (Eerola, Friberg & Bresin 2013): ordinary least squares on the design gives, for each cue, how
many standard deviations of rating one standard deviation of the cue is worth. Because the cues were set by the
experimenters, this is cause, not correlation.
"""

import csv
import sys
from pathlib import Path

import numpy as np

NOTES_A_SECOND = (1.2, 2.0, 2.8, 4.4, 6.0)
REGISTER = (53, 59, 65, 71, 77, 83)
LEVEL_DB = (-10, -5, 0, 5, 10)
SOUNDING = (1.0, 0.75, 0.5, 0.25)


def read(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


VERDICTS = {  # signs of the four ratings
    "sadness": {"Sad": 1},
    "valence": {"Happy": 1, "Peaceful": 1, "Sad": -1, "Scary": -1},
    "arousal": {"Happy": 1, "Scary": 1, "Sad": -1, "Peaceful": -1},
}


def fit(folder: Path, verdict: str = "sadness") -> tuple[dict[str, float], float]:
    """Standardised weights by cue, and R squared."""
    design, ratings = read(folder / "design_matrix.csv"), read(folder / "mean_emotion_ratings.csv")
    rated = {row["Nro"]: sum(sign * row[name] for name, sign in VERDICTS[verdict].items()) for row in ratings}
    y = np.array([rated[row["Nro"]] for row in design])
    columns = {
        "mode": [row["Mode"] - 1 for row in design],
        "rate": [np.log2(NOTES_A_SECOND[int(row["Tempo"]) - 1]) for row in design],
        "register": [REGISTER[int(row["Register"]) - 1] for row in design],
        "level": [LEVEL_DB[int(row["Soundlevel"]) - 1] for row in design],
        "articulation": [SOUNDING[int(row["Articulation"]) - 1] for row in design],
        "flute": [row["Timbre"] == 2 for row in design],
        "horn": [row["Timbre"] == 3 for row in design],
        **{f"melody {k}": [row["Melody"] == k for row in design] for k in (2, 3, 4)},
    }
    x = np.array(list(columns.values()), float).T
    beta, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(y)), x]), y, rcond=None)
    predicted = np.column_stack([np.ones(len(y)), x]) @ beta
    explained = 1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    return dict(zip(columns, beta[1:] * x.std(axis=0) / y.std(), strict=True)), float(explained)


if __name__ == "__main__":
    for verdict in VERDICTS:
        weights, explained = fit(Path(sys.argv[1]), verdict)
        print(f"{verdict}: R squared {explained:.3f}")
        for name, weight in weights.items():
            print(f"  {name:<14} {weight:+.3f}")
