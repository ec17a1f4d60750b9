"""MIDI that people rated, played dry by our felt piano: does the verdict agree with them?

    python -m tests.rated_notes emopia ../shared/data/emopia.zip [--seed 5] [--each 75] [-o rows.jsonl]
    python -m tests.rated_notes vgmidi ../shared/data/vgmidi.zip [-o rows.jsonl]

EMOPIA: clips of piano, labelled by quadrant (20 s of each; `--each` of every quadrant, drawn by `--seed`). VGMIDI: 200
pieces of games, whose quadrant is the sign of what 30 people rated (30 s). Both check and are fitted into nothing.
Printed are areas under the curve with 95 % intervals by drawing pieces again, and the mean sadness of each quadrant,
from the sound and from the notes.
"""

import argparse
import csv
import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from melancholia import written
from melancholia.analysis import Analysis, analyse
from melancholia.instruments import render
from melancholia.midi import load_midi
from melancholia.orchestra import INSTRUMENTS
from melancholia.piece import Note, Part, Piece, TempoMap
from melancholia.racks import mix
from melancholia.scoring import score
from tests.rows import read, rows_of
from tools.fit_listener import auc

SECONDS = {"emopia": 20.0, "vgmidi": 30.0}
QUADRANTS = ("Q1", "Q2", "Q3", "Q4")


def emopia(archive, each, seed):
    names = sorted(n for n in archive.namelist() if n.endswith(".mid"))
    rng = np.random.default_rng(seed)
    for quadrant in QUADRANTS:
        own = [n for n in names if Path(n).name.startswith(f"{quadrant}_")]
        for k in sorted(rng.permutation(len(own))[:each]):
            yield own[k], quadrant


def vgmidi(archive):
    with archive.open("vgmidi/labels.csv") as file:
        for row in csv.DictReader(io.TextIOWrapper(file, "utf-8")):
            yield f"vgmidi/midi/{row['file']}", row["quadrant"]


def on_piano(data, seconds):
    """The first seconds of a MIDI file, all its notes by the felt piano."""
    with tempfile.NamedTemporaryFile(suffix=".mid") as file:
        file.write(data)
        file.flush()
        piece = load_midi(file.name)
    low, high = INSTRUMENTS["felt_piano"].low, INSTRUMENTS["felt_piano"].high
    rows = []
    for part in piece.parts:
        for note in part.notes if part.role != "percussion" else ():
            start, end = piece.tempo.seconds([note.start, note.end])
            rows.append((float(start), float(end), note.pitch, note.velocity))
    first = min(row[0] for row in rows)
    notes = tuple(
        sorted(
            Note(start - first, max(min(end, first + seconds) - start, 0.05), pitch, velocity)
            for start, end, pitch, velocity in rows
            if start - first < seconds and low <= pitch <= high
        )
    )
    return Piece((Part("piano", "harmony", "felt_piano", notes),), TempoMap.steady(60))


def listen(task):
    name, quadrant, data, seconds = task
    piece = on_piano(data, seconds)
    heard = analyse(mix(render(piece, seed=1, tail_s=0.5, jobs=1)))
    said = {"name": name, "quadrant": quadrant, "written": written.sadness(piece), "notes": written.from_piece(piece)}
    return {**said, "values": dict(heard.values)}


def interval(said, labels):
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(said), len(said)) for _ in range(400)]
    low, high = np.percentile([auc(said[d], labels[d]) for d in draws if 0 < labels[d].sum() < len(d)], (2.5, 97.5))
    return f"{auc(said, labels):.3f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=SECONDS)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--each", type=int, default=75)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--read", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    if asked.read:
        rows = read(asked.read)
    else:
        with zipfile.ZipFile(asked.archive) as archive:
            chosen = emopia(archive, asked.each, asked.seed) if asked.which == "emopia" else vgmidi(archive)
            tasks = [(name, quadrant, archive.read(name), SECONDS[asked.which]) for name, quadrant in chosen]
        rows = rows_of(listen, tasks, jobs=asked.jobs, output=asked.output)
    quadrant = np.array([row["quadrant"] for row in rows])
    calm = np.isin(quadrant, ["Q3", "Q4"])
    heard = np.array([score(Analysis.from_values(row["values"])).sadness for row in rows])
    for how, said in (("sound", heard), ("notes", np.array([row["written"] for row in rows]))):
        print(f"{how}: sad quadrant against the rest {interval(said, quadrant == 'Q3')}, ", end="")
        print(f"against calm {interval(said[calm], quadrant[calm] == 'Q3')}; ", end="")
        print("means " + " ".join(f"{name} {said[quadrant == name].mean():.2f}" for name in QUADRANTS))


if __name__ == "__main__":
    main()
