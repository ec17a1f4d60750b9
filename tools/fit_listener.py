"""Fit the listener for found mixes on people's words, judge it by cross-validation, and write its file.

    python tools/fit_listener.py ../shared/data -o assets/listener/mixes.toml [--cues clips.jsonl]

The clips of 4QAED (its split "fit" alone) are listened to, each cue is ranked among them, and three small logistic
models are fitted: for clips with two sad words or more, for negative valence, for high arousal. Each is taken with
SHARE of the weights that controlled experiments give (assets/listener/prior.toml). Sadness stands on the scale of the
experiment's listeners: the median of happy clips where they put its melodies in major, that of clips with a sad word
where they put those in minor. Printed are areas under the curve, cross-validated by artist, with 95 % intervals by
drawing artists again. `--cues` keeps what was heard, and reads it where it stands already. The same data gives the
same file, bit for bit.
"""

import argparse
import csv
import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from melancholia.analysis import analyse
from melancholia.audio import audio
from melancholia.listener import normal_score, prior, stretch
from tools.fit_cue_weights import read

PROBABILITIES = (0.02, 0.10, 0.25, 0.50, 0.75, 0.90, 0.98)
CUES = (
    "mode", "event_rate", "fast_modulation", "contrast", "brightness", "peaks", "register", "chord_clarity",
    "diminished", "harmonic_change", "chroma_entropy", "glides", "high_energy",
)  # fmt: skip
RANKED = ("flux", "level_range")  # no verdict uses them: they tell sparse sound from mixes
BENT = ("brightness", "peaks")
RIDGE = 0.01  # inverse strength, as in C of scikit-learn
SHARE = {"sadness": 0.35, "valence": 0.2, "arousal": 0.2}  # of the prior
FOLDS, SHUFFLES, DRAWS = 5, 3, 400
ANCHORS = {"valence": (0.30, 0.70), "arousal": (0.25, 0.75)}


def listened(folder: Path, kept: Path | None):
    """Labels and cue values of every clip of the fit split, in order of their ids."""
    if kept is not None and kept.exists():
        rows = [json.loads(line) for line in kept.read_text().splitlines()]
        return sorted((row for row in rows if row["split"] == "fit"), key=lambda row: row["id"])
    import soundfile

    with (folder / "labels.csv").open(newline="") as file:
        labels = {row["id"]: row for row in csv.DictReader(file)}
    rows = []
    with tarfile.open(next(folder.glob("*.tar"))) as tar:
        for member in tar:
            label = labels.get(Path(member.name).stem)
            if label is not None and label["split"] == "fit":
                x, rate = soundfile.read(io.BytesIO(tar.extractfile(member).read()), dtype="float32", always_2d=True)
                rows.append({**label, "values": dict(analyse(audio(x.T, rate)).values)})
    if kept is not None:
        kept.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return sorted(rows, key=lambda row: row["id"])


def quantiles(rows):
    return {
        cue: tuple(float(f"{v:.4g}") for v in np.quantile([r["values"][cue] for r in rows], PROBABILITIES))
        for cue in (*CUES, *RANKED)
    }


def ranked(rows, table):
    """Normal scores (clips, cues), and behind them the squares of the bent ones less one."""
    z = np.array([[normal_score(row["values"][cue], table[cue], PROBABILITIES) for cue in CUES] for row in rows])
    return np.column_stack([z, z[:, [CUES.index(cue) for cue in BENT]] ** 2 - 1])


def logistic(x, y):
    """Weights of a ridge logistic, classes balanced, by Newton's method; the bias is not shrunk and not returned."""
    weight = np.where(y, len(y) / (2 * y.sum()), len(y) / (2 * (~y).sum()))
    rows = np.column_stack([x, np.ones(len(x))])
    shrink = np.diag([*np.full(x.shape[1], 1 / RIDGE), 0.0])
    found = np.zeros(rows.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (weight * (p - y)) + shrink @ found
        bend = (rows * (weight * p * (1 - p))[:, None]).T @ rows + shrink
        found = found - np.linalg.solve(bend, slope)
    return found[:-1]


def summed(x, y, verdict):
    """Weights of a verdict: the logistic and SHARE of the prior, each on a scale of its own spread among the clips."""
    words = logistic(x, y)
    cause = np.zeros(x.shape[1])
    for cue, value in prior(verdict).items():
        cause[CUES.index(cue)] = value
    share = SHARE[verdict]
    return (1 - share) * words / (x @ words).std() + share * cause / (x @ cause).std()


def happy_and_sad(folder):
    """Mean rating of sadness, 0 to 1, of the experiment's melodies in major and of those in minor."""
    rated = {row["Nro"]: (row["Sad"] - 1) / 6 for row in read(folder / "mean_emotion_ratings.csv")}
    design = read(folder / "design_matrix.csv")
    return tuple(float(np.mean([rated[row["Nro"]] for row in design if row["Mode"] == mode])) for mode in (1, 2))


def auc(scores, labels):
    order = np.argsort(np.argsort(scores)) + 1.0
    positive = labels.sum()
    return float((order[labels].sum() - positive * (positive + 1) / 2) / (positive * (~labels).sum()))


def cross_validated(rows, y, verdict):
    """Scores of each clip by models that did not hear its artist, one row a shuffle."""
    artist = np.array([row["artist_group"] for row in rows])
    names = np.unique(artist)
    found = np.empty((SHUFFLES, len(rows)))
    for shuffle in range(SHUFFLES):
        order = np.random.default_rng(shuffle).permutation(len(names))
        fold = dict(zip(names[order], np.arange(len(names)) % FOLDS, strict=True))
        folds = np.array([fold[name] for name in artist])
        for k in range(FOLDS):
            train = [row for row, f in zip(rows, folds, strict=True) if f != k]
            table = quantiles(train)
            x, held = ranked(train, table), ranked([r for r, f in zip(rows, folds, strict=True) if f == k], table)
            weights = summed(x, y[folds != k], verdict)
            found[shuffle, folds == k] = held @ weights / (x @ weights).std()
    return found


def interval(scores, labels, inside, artist):
    """Mean AUC over the shuffles among the clips `inside`, with its 95 % interval by drawing artists again."""
    value = float(np.mean([auc(row[inside], labels[inside]) for row in scores]))
    rng, names, drawn = np.random.default_rng(0), np.unique(artist), []
    places = {name: np.flatnonzero((artist == name) & inside) for name in names}
    for _ in range(DRAWS):
        at = np.concatenate([places[name] for name in rng.choice(names, len(names))])
        drawn.append(auc(scores[0][at], labels[at]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{value:.3f} ({low:.2f} to {high:.2f})"


def labels_of(rows):
    """For each verdict: what is fitted, and which clips shall come to the lower and to the upper of ANCHORS."""
    quadrant = np.array([row["quadrant"] for row in rows])
    words = np.array([int(row["sad_words"]) for row in rows])
    negative, excited = np.isin(quadrant, ["Q2", "Q3"]), np.isin(quadrant, ["Q1", "Q2"])
    return {
        "sadness": (words >= 2, quadrant == "Q1", words > 0),
        "valence": (~negative, negative, ~negative),
        "arousal": (excited, ~excited, excited),
    }


def scaled_sum(verdict, x, labels, anchors):
    """Base, weights and bends of a verdict, so scaled that its medians meet `anchors`."""
    y, low, high = labels[verdict]
    weights = summed(x, y, verdict)
    scores = x @ weights
    ends = np.median(scores[low]), np.median(scores[high])
    wanted = [stretch(share) for share in anchors]
    slope = (wanted[1] - wanted[0]) / (ends[1] - ends[0])
    bends = dict(zip(BENT, slope * weights[len(CUES) :], strict=True))
    return wanted[0] - slope * ends[0], slope * weights[: len(CUES)], bends


def table_of(verdict, x, labels, anchors):
    base, weights, bends = scaled_sum(verdict, x, labels, anchors)
    lines = [f"[{verdict}]", f"base = {base:.4f}", "", f"[{verdict}.weights]"]
    lines += [f"{cue} = {weight:.4f}" for cue, weight in zip(CUES, weights, strict=True)]
    return [*lines, "", f"[{verdict}.bends]", *(f"{cue} = {bend:.4f}" for cue, bend in bends.items()), ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder that holds 4qaed/ and eerola2013/")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cues", type=Path)
    asked = parser.parse_args()
    rows = listened(asked.data / "4qaed", asked.cues)
    quadrant = np.array([row["quadrant"] for row in rows])
    words = np.array([int(row["sad_words"]) for row in rows])
    artist = np.array([row["artist_group"] for row in rows])
    labels = labels_of(rows)
    every = np.ones(len(rows), bool)
    scores = {verdict: cross_validated(rows, y, verdict) for verdict, (y, _, _) in labels.items()}
    for what, verdict, y, inside in (
        ("sad quadrant against the rest", "sadness", quadrant == "Q3", every),
        ("any sad word against none", "sadness", words > 0, every),
        ("sad against tense", "sadness", quadrant == "Q3", np.isin(quadrant, ["Q2", "Q3"])),
        ("sad against calm", "sadness", quadrant == "Q3", np.isin(quadrant, ["Q3", "Q4"])),
        ("high arousal against low", "arousal", labels["arousal"][0], every),
        ("positive valence against negative", "valence", labels["valence"][0], every),
    ):
        print(f"{what:<36} AUC {interval(scores[verdict], y, inside, artist)}")
    for what, y in (("any sad word", words > 0), ("calm quadrant", quadrant == "Q4")):
        print(f"r of sadness with {what:<18} {np.mean([np.corrcoef(row, y)[0, 1] for row in scores['sadness']]):.3f}")
    table = quantiles(rows)
    x = ranked(rows, table)
    anchors = ANCHORS | {"sadness": happy_and_sad(asked.data / "eerola2013")}
    print(f"happy clips at {anchors['sadness'][0]:.3f}, clips with a sad word at {anchors['sadness'][1]:.3f}")
    lines = [
        "# Found mixes: how cues are spread over 660 clips of 20 s (the fit split of 4QAED), and three sums fitted to",
        "# their words with a share of the controlled experiments' weights. Made by tools/fit_listener.py; aggregate",
        "# figures only, see assets/SOURCES.toml. Cross-validated by artist: tests/RESULTS.md.",
        'about = "Found mixes of all genres."',
        f"quantiles = [{', '.join(map(str, PROBABILITIES))}]",
        "",
        "[values]",
        *(f"{cue} = [{', '.join(f'{v:.4g}' for v in points)}]" for cue, points in table.items()),
        "",
        *(line for verdict in labels for line in table_of(verdict, x, labels, anchors[verdict])),
    ]
    asked.output.write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
