"""Is minor told from major in public scores with annotated keys, played by our instruments?

    python -m tests.modes schubert_winterreise grieg_lyric_pieces [...]

Each argument is a checkout of an annotated corpus of DCMLab (its `notes` and `harmonies` as TSV; read, and not kept).
Windows of 25 quarters at 80 a minute lie in one annotated key; as many are in minor as in major. Half are played by the
felt piano, half by strings. Printed is how well the cue `key_mode` tells them, from the sound and from the notes.
"""

import argparse
import csv
import multiprocessing
import os
import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from melancholia.analysis import analyse
from melancholia.instruments import render
from melancholia.orchestra import INSTRUMENTS
from melancholia.piece import Note, Part, Piece, TempoMap
from melancholia.racks import mix
from melancholia.written import from_piece
from tools.fit_listener import auc

QUARTERS, BPM, EACH = 25.0, 80.0, 120


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def number(text):
    return float(Fraction(text)) if text else None


def windows(folder):
    """(is minor, rows of onset, length and pitch) of every stretch in one key that is long enough."""
    for path in sorted((folder / "harmonies").glob("*.tsv")):
        notes_path = folder / "notes" / re.sub(r"harmonies", "notes", path.name)
        if not notes_path.exists():
            continue
        notes = [
            (number(n["quarterbeats"]), float(n["duration_qb"]), int(n["midi"]))
            for n in table(notes_path)
            if n["quarterbeats"] and n["duration_qb"] and n["midi"]
        ]
        rows = [r for r in table(path) if r["quarterbeats"]]
        start, key = None, None
        for row in [*rows, None]:
            at = number(row["quarterbeats"]) if row else max(n[0] for n in notes)
            now = (row["globalkey"], row["localkey"], row["localkey_is_minor"]) if row else None
            if now != key:
                while start is not None and key[2] in ("0", "1") and at - start >= QUARTERS:
                    inside = [(s - start, d, p) for s, d, p in notes if start <= s < start + QUARTERS]
                    if len(inside) > 8:
                        yield key[2] == "1", inside
                    start += 2 * QUARTERS
                start, key = at, now


def listen(task):
    number_, minor, rows = task
    name = ("felt_piano", "strings")[number_ % 2]
    low, high = INSTRUMENTS[name].low, INSTRUMENTS[name].high
    notes = tuple(
        sorted(
            Note(s, min(max(d, 0.1), QUARTERS - s + 1), p, 60) for s, d, p in rows if low <= p <= high and s < QUARTERS
        )
    )
    piece = Piece((Part("all", "harmony", name, notes),), TempoMap.steady(BPM))
    heard = analyse(mix(render(piece, seed=number_, tail_s=0.5, jobs=1))).values
    return minor, name, heard["key_mode"], from_piece(piece, window_s=30.0)["mode"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    every = [window for folder in asked.folders for window in windows(folder)]
    rng = np.random.default_rng(0)
    chosen = []
    for side in (True, False):
        own = [rows for minor, rows in every if minor == side]
        chosen += [(side, own[k]) for k in rng.permutation(len(own))[:EACH]]
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
        rows = pool.map(listen, [(k, minor, notes) for k, (minor, notes) in enumerate(chosen)], chunksize=4)
    minor, names, heard, written = (np.array(column) for column in zip(*rows, strict=True))
    print(f"{minor.sum()} windows in minor, {(~minor).sum()} in major")
    for what, inside in (("all", names != ""), ("felt_piano", names == "felt_piano"), ("strings", names == "strings")):
        sound, notes = auc(heard[inside], minor[inside]), auc(written[inside], minor[inside])
        print(f"{what:<12} AUC from the sound {sound:.3f}, from the notes {notes:.3f}")


if __name__ == "__main__":
    main()
