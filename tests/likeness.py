"""Does a piece made for the profile of a reference land nearer to it than pieces made for any mood?

    python -m tests.likeness reference.wav [...] [--seconds 30] [--seed 10700]
    python -m tests.likeness --clips ../shared/data/4qaed        ten sad and calm clips that no fit has heard

How near a piece lies is how far its cues lie from the middles of the reference's bands, in half bands, weighted as the
bands are.
"""

import argparse
import csv
import io
import multiprocessing
import os
import tarfile
from pathlib import Path

from melancholia.analysis import Analysis, analyse
from melancholia.audio import audio
from melancholia.composition import compose
from melancholia.instruments import render
from melancholia.mastering import master
from melancholia.performance import perform
from melancholia.profile import moods, profile
from melancholia.racks import apply, bus, mix, rack
from melancholia.recordings import recording
from melancholia.scoring import profile_like


def distance(values, wanted):
    """How far cues lie from the middles of a profile's bands, in half bands, weighted."""
    far = {name: abs(values[name] - band.middle) / (band.high - band.low) * 2 for name, band in wanted.bands.items()}
    return sum(band.weight * min(far[name], 4.0) for name, band in wanted.bands.items())


def values_of(task):
    """Cue values of a piece made for a mood, or like what was heard."""
    mood, heard, seconds, seed = task
    wanted = profile(mood, 0.7) if heard is None else profile_like(Analysis.from_values(heard))
    played = perform(compose(wanted, seconds=seconds, seed=seed), wanted, seed=seed)
    chain = rack(wanted.rack)
    follow = {"rack": chain, "profile": wanted, "timeline": played}
    wet = apply(render(played, seed=seed, jobs=1), **follow, jobs=1)
    made = master(bus(mix(wet), **follow), lufs=chain.lufs, ceiling_dbtp=chain.ceiling_dbtp)
    return mood, dict(analyse(made).values)


def clips(folder, count):
    import soundfile

    with (folder / "labels.csv").open(newline="") as file:
        labels = [r for r in csv.DictReader(file) if r["split"] == "tune" and r["quadrant"] in ("Q3", "Q4")]
    wanted = [row["id"] for row in sorted(labels, key=lambda row: row["id"])][:count]
    with tarfile.open(next(folder.glob("*.tar"))) as tar:
        members = {Path(m.name).stem: m for m in tar}
        for name in wanted:
            x, rate = soundfile.read(io.BytesIO(tar.extractfile(members[name]).read()), dtype="float32", always_2d=True)
            yield name, dict(analyse(audio(x.T, rate)).values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=10_700)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    heard = [(str(path), dict(analyse(recording(path)).values)) for path in asked.files]
    heard += clips(asked.clips, 10) if asked.clips else []
    targets = {name: profile_like(Analysis.from_values(values)) for name, values in heard}
    tasks = [(mood, None, asked.seconds, asked.seed) for mood in moods()]
    tasks += [(name, values, asked.seconds, asked.seed) for name, values in heard]
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
        made = dict(pool.imap(values_of, tasks))
    won = 0
    for name, target in targets.items():
        own = distance(made[name], target)
        others = {mood: distance(made[mood], target) for mood in moods()}
        best = min(others, key=others.get)
        won += own < others[best]
        print(f"{name} ({target.mood} at {target.intensity:g}): {own:.2f}, nearest mood {best} {others[best]:.2f}")
    print(f"nearer than any mood: {won} of {len(targets)}")


if __name__ == "__main__":
    main()
