"""How the listener's cues are spread over a kind of recording: the table of ``assets/listener/*.toml``.

    python tools/listener_quantiles.py own pieces.jsonl [...]          rows of `python -m tests.judge -o`
    python tools/listener_quantiles.py mixes ../shared/data/4qaed      clips with labels (its split "fit" alone)

Prints quantiles of each cue that the kind has quantiles of, and the offset and slope of the scale: the medians of happy
and of sad recordings come to the ANCHORS of their kind. Happy and sad are, of our own, the twins in major at 1.6 times
the tempo and the pieces as they are; of clips, the first quadrant and those with a sad word.
"""

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
from melancholia.scoring.listener import Kind, kind, prior, stretch

PROBABILITIES = (0.02, 0.10, 0.25, 0.50, 0.75, 0.90, 0.98)
ANCHORS = {"mixes": (0.15, 0.70), "own": (0.019, 0.35)}


def clips(folder: Path):
    import soundfile

    with (folder / "labels.csv").open(newline="") as file:
        labels = {row["id"]: row for row in csv.DictReader(file)}
    with tarfile.open(next(folder.glob("*.tar"))) as tar:
        for member in tar:
            label = labels.get(Path(member.name).stem)
            if label is None or label["split"] != "fit":
                continue
            x, rate = soundfile.read(io.BytesIO(tar.extractfile(member).read()), dtype="float32", always_2d=True)
            found = analyse(audio(x.T, rate)).values
            yield found, label["quadrant"] == "Q1", int(label["sad_words"]) > 0


def pieces(paths):
    for path in paths:
        for line in Path(path).read_text().splitlines():
            row = json.loads(line)
            yield row["values"], row["twin"] == "major 1.6x", row["twin"] == ""


def reading(known, cue, values):
    return known.rate(values) if cue == "event_rate" else values[cue]


def main(name, given):
    rows = list(clips(Path(given[0])) if name == "mixes" else pieces(given))
    known = kind(name)
    table = {
        cue: tuple(float(v) for v in np.quantile([reading(known, cue, v) for v, _, _ in rows], PROBABILITIES))
        for cue in known.quantiles
    }
    fresh = Kind(PROBABILITIES, table, known.logistic, known.bias, 0.0, 1.0, known.pace, known.shares, known.spreads)
    half = 0.5 if known.logistic else 1.0

    def raw(values):
        total = (1 - half) * known.bias
        for cue in {*prior(), *known.logistic}:
            weight = half * prior().get(cue, 0.0) + (1 - half) * known.logistic.get(cue, 0.0)
            total += weight * fresh.score(cue, values)
        return total

    happy = np.median([raw(values) for values, is_happy, _ in rows if is_happy])
    sad = np.median([raw(values) for values, _, is_sad in rows if is_sad])
    low, high = map(stretch, ANCHORS[name])
    slope = (high - low) / (sad - happy)
    print("[values]")
    for cue, points in table.items():
        print(f"{cue} = [{', '.join(f'{p:.4g}' for p in points)}]")
    print(f"\n[scale]\noffset = {low - slope * happy:.3f}\nslope = {slope:.3f}")
    scores = np.array([raw(values) for values, _, _ in rows])
    labels = np.array([is_sad for _, _, is_sad in rows])
    print(f"# {len(rows)} recordings; AUC sad against the rest {auc(scores, labels):.3f}")


def auc(scores, labels):
    order = scores.argsort().argsort() + 1
    positive = labels.sum()
    return (order[labels].sum() - positive * (positive + 1) / 2) / (positive * (~labels).sum())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
