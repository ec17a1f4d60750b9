"""Make songs as a user does and print how many are what was asked for, after how many attempts, and why the rest fail.

    python -m tests.reached --seeds 20000-20003 --seconds 30,60,120,240 -o songs.jsonl
    python -m tests.reached --read songs.jsonl

Every mood, at five intensities; printed are the shares that match at once and in the end, with 95 % intervals (Wilson),
by mood, intensity and length, how sadness rises with intensity, and how long a song takes beside its first attempt.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from melancholia.profile import moods, profile
from melancholia.scoring.fits import fit_of
from tests.judge import INTENSITIES
from tests.rows import read, rows_of


def one(task):
    mood, intensity, seconds, seed, composer = task
    from melancholia.scoring import score
    from melancholia.song import make_folder
    from melancholia.written import from_piece

    with tempfile.TemporaryDirectory() as place:
        marks = [time.monotonic()]
        song = make_folder(
            Path(place) / "song", mood, intensity=intensity, seconds=seconds, seed=seed, composer=composer, report=False
        )
        took = time.monotonic() - marks[0]
        alone = score(song.master, song.profile)
    said = {"mood": mood, "intensity": intensity, "seconds": seconds, "seed": seed, "took_s": round(took, 2)}
    verdict = song.score
    return {
        **said,
        "twin": "",
        "sadness": verdict.sadness,
        "matched": verdict.matched,
        "why": verdict.why,
        "failed": [row.name for row in verdict.cues if row.failed],
        "values": {row.name: row.value for row in verdict.cues},
        "alone": [alone.sadness, alone.matched],
        "notes": from_piece(song.played),
        "attempts": [attempt.to_dict() for attempt in song.attempts],
    }


def interval(hits, count, z=1.96):
    """Wilson's 95 % interval of a share."""
    if not count:
        return (0.0, 1.0)
    share, square = hits / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z / (1 + square / count) * np.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return middle - half, middle + half


def told(name, rows):
    first = sum(row["attempts"][0]["matched"] for row in rows)
    hits = sum(row["matched"] for row in rows)
    low, high = interval(hits, len(rows))
    attempts = np.mean([len(row["attempts"]) for row in rows])
    print(
        f"{name:<24} {len(rows):>4} songs: at once {first / len(rows):.2f}, in the end {hits / len(rows):.3f} "
        f"({low:.3f} to {high:.3f}), attempts {attempts:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="20000-20003")
    parser.add_argument("--seconds", type=lambda text: [float(x) for x in text.split(",")], default=[30, 60, 120, 240])
    parser.add_argument("--moods", type=lambda text: text.split(","))
    parser.add_argument("--composer", default="learned")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--read", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    if asked.read:
        rows = read(asked.read)
    else:
        low, _, high = asked.seeds.partition("-")
        seeds = range(int(low), int(high or low) + 1)
        named = asked.moods or moods()
        tasks = [
            (m, i, s, seed, asked.composer) for s in asked.seconds for seed in seeds for m in named for i in INTENSITIES
        ]
        rows = rows_of(one, tasks, jobs=asked.jobs, output=asked.output)
    told("all", rows)
    for key in ("mood", "intensity", "seconds"):
        for value in sorted({row[key] for row in rows}):
            told(f"{key} {value}", [row for row in rows if row[key] == value])
    for seconds in sorted({row["seconds"] for row in rows}):
        took = [(row["took_s"], len(row["attempts"])) for row in rows if row["seconds"] == seconds]
        all_s, once_s = np.median([s for s, _ in took]), np.median([s for s, count in took if count == 1])
        print(f"{seconds:g} s take {all_s:.1f} s in the median, {all_s / once_s:.2f} x those that match at once")
    for mood in moods():
        wanted = {at: profile(mood, at) for at in INTENSITIES}
        others = [row for row in rows if row["mood"] != mood]
        taken = sum(fit_of(wanted[row["intensity"]], row["values"], row["sadness"]).matched for row in others)
        if others:
            print(f"{mood:<11} of {len(others)} songs of other moods {1 - taken / len(others):.2f} are refused")
    alone = [(*row["alone"], row["sadness"]) for row in rows if row["matched"] and "alone" in row]
    if alone:
        off = np.array([heard - made for heard, _, made in alone])
        kept = np.mean([matched for _, matched, _ in alone])
        print(
            f"from the master alone they are {off.mean():+.3f} sadder, {np.abs(off).mean():.3f} off; {kept:.2f} match"
        )
    missed = Counter(name for row in rows for name in (row["failed"] or ["sadness"]) if not row["matched"])
    print("what the rest miss:", dict(missed))
    means = {
        mood: [np.mean([r["sadness"] for r in rows if (r["mood"], r["intensity"]) == (mood, i)]) for i in INTENSITIES]
        for mood in sorted({row["mood"] for row in rows})
    }
    for mood, found in means.items():
        own = [row for row in rows if row["mood"] == mood]
        rho = spearmanr([row["intensity"] for row in own], [row["sadness"] for row in own]).statistic
        said = " ".join(f"{x:.2f}" for x in found)
        print(f"{mood:<11} sadness by intensity {said}, rises {all(np.diff(found) > 0)}, Spearman {rho:.2f}")


if __name__ == "__main__":
    main()
