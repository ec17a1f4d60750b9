"""Make fresh pieces, listen to them, and print how many match their mood and how many others are rejected.

    python -m tests.judge --seeds 5000-5009 --twins -o pieces.jsonl
    python -m tests.judge --read pieces.jsonl --known development.jsonl
    python -m tests.judge --seeds 6000-6019 --every-intensity -o climb.jsonl

Each piece is made whole (composed, performed, rendered, mixed, mastered) and analysed from its samples. Its twins are
the same performance with other notes or another pace: in parallel major at 1.6 times the tempo, in parallel major,
and slowed to three quarters, to 1 in 1.6 and to a half. Sadness is judged from the master alone, and with the notes and
the dry sound beside it ("known"). With `--known`, a plain classifier learns the moods from the cues of those pieces and
names the mood of these; where pieces stand at several intensities, it is said how their sadness rises.
"""

import argparse
import json
import multiprocessing
import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from melancholia.analysis import Analysis, analyse
from melancholia.composition import compose
from melancholia.cues import CUES
from melancholia.instruments import render
from melancholia.listener import WRITTEN_RATE, contributions, share_of_own, squeeze
from melancholia.mastering import master
from melancholia.performance import perform
from melancholia.piece import Note, Piece, TempoMap
from melancholia.profile import moods, profile
from melancholia.racks import apply, bus, mix, rack
from melancholia.scoring import score
from melancholia.scoring.fits import within
from melancholia.written import from_piece

TO_MAJOR = {3: 4, 8: 9, 10: 11}  # degrees of minor, in semitones above the tonic, and their major neighbours
INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
UNTOLD = ("loudness",)  # cues that the master fixes: no classifier is given them
TWINS = {
    "": (False, 1.0),
    "major 1.6x": (True, 1.6),
    "major": (True, 1.0),
    "slow": (False, 0.75),
    "slower": (False, 0.625),
    "half": (False, 0.5),
}


def twin(piece: Piece, *, major: bool, pace: float) -> Piece:
    """The same performance in parallel major, or at `pace` times its tempo, or both."""

    def moved(note: Note) -> Note:
        degree = (note.pitch - piece.key.tonic) % 12
        return replace(note, pitch=note.pitch + TO_MAJOR.get(degree, degree) - degree if major else note.pitch)

    tempo = TempoMap(tuple((at, round(us / pace)) for at, us in piece.tempo.changes))
    parts = tuple(replace(part, notes=tuple(map(moved, part.notes)), curves=dict(part.curves)) for part in piece.parts)
    return replace(piece, parts=parts, tempo=tempo)


def played(mood: str, intensity: float, seconds: float, seed: int, composer: str) -> Piece:
    wanted = profile(mood, intensity)
    return perform(compose(wanted, seconds=seconds, seed=seed, composer=composer), wanted, seed=seed)


def sounded(piece: Piece, mood: str, intensity: float, seed: int):
    """The performed piece dry and as a master, in memory."""
    chain = rack(profile(mood, intensity).rack)
    follow = {"rack": chain, "intensity": intensity, "timeline": piece}
    stems = render(piece, seed=seed, jobs=1)
    wet = apply(stems, **follow, jobs=1)
    return mix(stems), master(bus(mix(wet), **follow), lufs=chain.lufs, ceiling_dbtp=chain.ceiling_dbtp)


def listen(task: tuple[str, float, float, int, str, str]) -> dict[str, object]:
    mood, intensity, seconds, seed, kind, composer = task
    major, pace = TWINS[kind]
    piece = twin(played(mood, intensity, seconds, seed, composer), major=major, pace=pace)
    dry, master = (analyse(sound) for sound in sounded(piece, mood, intensity, seed))
    said = {"mood": mood, "intensity": intensity, "seconds": seconds, "seed": seed, "twin": kind}
    return {**said, "notes": from_piece(piece), "values": dict(master.values), "dry": dict(dry.values)}


def tasks(options: argparse.Namespace) -> list[tuple[str, float, float, int, str, str]]:
    low, _, high = options.seeds.partition("-")
    seeds = range(int(low), int(high or low) + 1)
    kinds = TWINS if options.twins else [""]
    every = options.every_intensity
    return [
        (mood, intensity, options.seconds, seed, kind, options.composer)
        for seed in seeds
        for mood in options.moods
        for intensity in (INTENSITIES if every else [options.intensities[seed % len(options.intensities)]])
        for kind in kinds
    ]


def collect(options: argparse.Namespace) -> list[dict[str, object]]:
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    rows = []
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for row in pool.imap_unordered(listen, tasks(options)):
            rows.append(row)
            if options.output:
                with options.output.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    return rows


def verdict(row: dict[str, object], mood: str):
    """The verdict on a piece as `make` comes to it: with the dry sound and the notes beside the master."""
    music = Analysis.from_values({**row["dry"], WRITTEN_RATE: row["notes"]["event_rate"]})
    return score(Analysis.from_values(row["values"]), profile(mood, row["intensity"]), dry=music)


def heard(row: dict[str, object]) -> float:
    """Sadness from the master alone."""
    return score(Analysis.from_values(row["values"])).sadness


def heard_and_known(row: dict[str, object]) -> float:
    """Sadness from the master with the dry sound and the notes beside it."""
    music = {**row["dry"], WRITTEN_RATE: row["notes"]["event_rate"]}
    return squeeze(sum(contributions(row["values"], own=share_of_own(row["dry"]), music=music).values()))


def judge(rows: list[dict[str, object]]) -> dict[str, object]:
    """Rates, all in 0..1: matched and others rejected by mood, twins rejected, twins sadder by 0.10 or more."""
    plain = [row for row in rows if not row["twin"]]
    known = sorted({str(row["mood"]) for row in plain})
    by_key = {(r["mood"], r["seed"], r["intensity"], r["twin"]): r for r in rows}
    rates: dict[str, object] = {}
    misses = defaultdict(int)
    for mood in known:
        own = [verdict(row, mood) for row in plain if row["mood"] == mood]
        rates[f"{mood}: matched"] = share(s.matched for s in own)
        for found in own:
            for row in found.cues:
                if row.failed:
                    misses[f"{mood}: {row.name} {row.value:.3g}, wanted {row.band.wanted(CUES[row.name])}"] += 1
            if not within(found.sadness, found.wanted):
                misses[
                    f"{mood} at {found.intensity:g}: sadness {found.sadness:.2f}, wanted {found.wanted.low:.2f} up"
                ] += 1
        rates[f"{mood}: others rejected"] = share(
            not verdict(row, mood).matched for row in plain if row["mood"] != mood
        )
        rates[f"{mood}: twins in major at 1.6x rejected"] = share(
            not verdict(row, mood).matched for row in rows if row["twin"] == "major 1.6x" and row["mood"] == mood
        )
    for kind, sign in (("major", 1), ("slow", -1), ("slower", -1), ("half", -1), ("major 1.6x", 1)):
        twins = [(by_key[r["mood"], r["seed"], r["intensity"], ""], r) for r in rows if r["twin"] == kind]
        for how, said in (("heard", heard), ("known", heard_and_known)):
            pairs = [sign * (said(plain) - said(other)) for plain, other in twins]
            rates[f"twin '{kind}', {how}: sadness apart by 0.10 or more, the right way"] = share(
                p >= 0.10 for p in pairs
            )
            if pairs:
                rates[f"twin '{kind}', {how}: mean difference"] = sum(pairs) / len(pairs)
    rates["misses"] = dict(misses)
    return rates


def rises(rows: list[dict[str, object]]) -> dict[str, object]:
    """How sadness goes with intensity: mean at each level, and Spearman's rho over the single pieces, by mood."""
    from scipy.stats import spearmanr

    found: dict[str, object] = {}
    for mood in sorted({str(row["mood"]) for row in rows}):
        own = [row for row in rows if row["mood"] == mood and not row["twin"]]
        levels = sorted({row["intensity"] for row in own})
        if len(levels) < 3:
            continue
        means = [np.mean([heard_and_known(row) for row in own if row["intensity"] == level]) for level in levels]
        found[f"{mood}: mean sadness at {', '.join(f'{x:g}' for x in levels)}"] = " ".join(f"{x:.2f}" for x in means)
        found[f"{mood}: rises at every level"] = float(all(np.diff(means) > 0))
        rho = spearmanr([row["intensity"] for row in own], [heard_and_known(row) for row in own]).statistic
        found[f"{mood}: Spearman of intensity and sadness over {len(own)} pieces"] = float(rho)
    return found


def told_apart(rows: list[dict[str, object]], known: list[dict[str, object]]) -> dict[str, object]:
    """How often a linear discriminant that learned from `known` names the mood of `rows` by their cues alone."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    heard = [row["values"] for row in (*rows, *known)]
    names = [name for name in CUES if name not in UNTOLD and all(name in values for values in heard)]

    def table(given):
        plain = [row for row in given if not row["twin"]]
        return np.array([[row["values"][n] for n in names] for row in plain]), [row["mood"] for row in plain]

    x, y = table(known)
    middle, spread = x.mean(axis=0), x.std(axis=0)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit((x - middle) / spread, y)
    x, y = table(rows)
    said = model.predict((x - middle) / spread)
    found: dict[str, object] = {"moods told apart by a plain classifier": float(np.mean(said == np.array(y)))}
    for mood in sorted(set(y)):
        own = said[np.array(y) == mood]
        found[f"  {mood} named {mood}"] = float(np.mean(own == mood))
    return found


def share(flags) -> float | None:
    found = [bool(flag) for flag in flags]
    return sum(found) / len(found) if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="5000-5009")
    parser.add_argument("--moods", type=lambda text: text.split(","), default=list(moods()))
    parser.add_argument("--intensities", type=lambda t: [float(x) for x in t.split(",")], default=[0.7])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--composer", default="learned")
    parser.add_argument("--twins", action="store_true")
    parser.add_argument("--every-intensity", action="store_true")
    parser.add_argument("--known", type=Path, nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--read", type=Path, nargs="*")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    if options.read:
        rows = read(options.read)
    else:
        rows = collect(options)
    found = judge(rows) | rises(rows)
    if options.known:
        found |= told_apart(rows, read(options.known))
    for name, rate in found.items():
        if isinstance(rate, dict):
            for miss, count in sorted(rate.items()):
                print(f"  missed {count}x  {miss}")
        elif rate is not None:
            print(f"{name:<70} {rate if isinstance(rate, str) else f'{rate:.2f}'}")


def read(paths: list[Path]) -> list[dict[str, object]]:
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


if __name__ == "__main__":
    main()
