"""Can effects make happy music sad? Happy clips and happy pieces of ours through every rack, judged from the wet file.

    python -m tests.gaming ../shared/data [--clips 100] [--pieces 50] [--intensity 0.7] [--tone -6] [-o heard.jsonl]
    python -m tests.gaming ../shared/data --read heard.jsonl

Clips are of the first quadrant of 4QAED, by half of its artists; the listener that judges them is fitted on the other
half alone. Pieces are our own in parallel major at 1.6 times their tempo, dry, seeds that nothing was tuned on. Printed
is how far the whole verdict, and the part of it that is the music's, moves from the dry to the wet file. With --tone
the rack ends in the shelf that `make` may put there, of so many dB.
"""

import argparse
import csv
import io
import tarfile
from pathlib import Path

import numpy as np

from melancholia import listener
from melancholia.analysis import Analysis, analyse
from melancholia.audio import audio
from melancholia.instruments import render
from melancholia.profile import moods
from melancholia.racks import MOST_TONE_DB, apply, mix, names, rack, toned
from melancholia.scoring import score
from tests.judge import played, twin
from tests.rows import read, rows_of
from tools.fit_listener import (
    ANCHORS,
    CUES,
    PROBABILITIES,
    happy_and_sad,
    labels_of,
    listened,
    quantiles,
    ranked,
    scaled_sum,
)

FIRST_SEED, SECONDS = 10_600, 30.0
LIMITS = {"music, mean": 0.05, "whole, mean": 0.10, "whole, 95 %": 0.20}


def heard(task):
    """Cue values of a sound dry and behind each rack."""
    kind, name, sound, intensity, tone_db = task
    if kind == "piece":
        piece = twin(played(name[0], 0.7, SECONDS, name[1]), major=True, pace=1.6)
        sound = mix(render(piece, seed=name[1], jobs=1))
    elif sound.channels == 1:
        sound = audio(np.repeat(sound.samples, 2, axis=0), sound.rate)
    said = {"kind": kind, "name": str(name)}
    rows = [{**said, "rack": "", "values": dict(analyse(sound).values)}]
    for name in names():
        wet = apply(sound, rack=toned(rack(name), tone_db), intensity=intensity)
        rows.append({**said, "rack": name, "values": dict(analyse(wet).values)})
    return rows


def clips(folder, count):
    """Happy clips of the artists with odd numbers, in order of their ids."""
    import soundfile

    with (folder / "labels.csv").open(newline="") as file:
        labels = {row["id"]: row for row in csv.DictReader(file)}
    wanted = [k for k, r in sorted(labels.items()) if r["quadrant"] == "Q1" and r["split"] == "fit" and odd(r)][:count]
    with tarfile.open(next(folder.glob("*.tar"))) as tar:
        members = {Path(m.name).stem: m for m in tar}
        for name in wanted:
            data = tar.extractfile(members[name]).read()
            x, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
            yield name, audio(x.T, rate)


def odd(row):
    return int(row["artist_group"]) % 2 == 1


def fitted_on_the_others(folder, kept):
    """The listener of found mixes, from the artists with even numbers."""
    rows = [row for row in listened(folder, kept) if not odd(row)]
    table = quantiles(rows)
    x, labels = ranked(rows, table), labels_of(rows)
    anchors = ANCHORS | {"sadness": happy_and_sad(folder.parent / "eerola2013")}
    sums = {}
    for verdict in listener.VERDICTS:
        base, weights, bends = scaled_sum(verdict, x, labels, anchors[verdict])
        sums[verdict] = listener.Sum(base, dict(zip(CUES, weights, strict=True)), bends)
    return listener.Kind(PROBABILITIES, table, sums, {}, {}, {})


def moves(rows):
    """Changes (music, whole) from dry to wet, a row a sound and rack."""
    dry = {r["name"]: score(Analysis.from_values(r["values"])) for r in rows if not r["rack"]}
    wet = [(r, score(Analysis.from_values(r["values"]))) for r in rows if r["rack"]]
    return np.array([(s.music - dry[r["name"]].music, s.sadness - dry[r["name"]].sadness) for r, s in wet])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder that holds 4qaed/")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--pieces", type=int, default=50)
    parser.add_argument("--intensity", type=float, default=0.7)
    parser.add_argument("--tone", type=float, default=0.0, help=f"dB, at most {MOST_TONE_DB:g} either way")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cues", type=Path, help="what tools/fit_listener.py kept")
    parser.add_argument("--read", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    if asked.read:
        rows = [row for found in read(asked.read) for row in found]
    else:
        by = asked.intensity, asked.tone
        tasks = [("clip", name, sound, *by) for name, sound in clips(asked.data / "4qaed", asked.clips)]
        tasks += [("piece", (moods()[k % len(moods())], FIRST_SEED + k), None, *by) for k in range(asked.pieces)]
        rows = [row for found in rows_of(heard, tasks, jobs=asked.jobs, output=asked.output) for row in found]
    others = fitted_on_the_others(asked.data / "4qaed", asked.cues)
    shipped = listener.kind
    listener.kind = lambda name: others if name == "mixes" else shipped(name)
    for kind in ("clip", "piece"):
        found = moves([row for row in rows if row["kind"] == kind])
        said = found[:, 0].mean(), found[:, 1].mean(), np.quantile(found[:, 1], 0.95)
        print(kind, len(found), " · ".join(f"{n} {v:+.3f} (< {LIMITS[n]})" for n, v in zip(LIMITS, said, strict=True)))
        for name in names():
            one = moves([r for r in rows if r["kind"] == kind and r["rack"] in ("", name)])
            print(f"  {name:<12} music {one[:, 0].mean():+.3f} whole {one[:, 1].mean():+.3f}")


if __name__ == "__main__":
    main()
