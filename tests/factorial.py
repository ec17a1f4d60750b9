"""The 200 stimuli of a controlled experiment played by our instruments: does the listener hear what people heard?

    python -m tests.factorial ../shared/data/eerola2013 [--others] [--accompanied] [-o rows.jsonl]

Mode, rate, level, articulation, timbre, register and melody are set as in the design of Eerola, Friberg & Bresin 2013;
the four melodies are ours (a sinking one of steps, a springing one of chord tones, one of semitones and tritones, a
gentle arch), and so are the timbres: solo violin for the trumpet, clarinet for the horn, flute (below its range, the
clarinet) for the flute. `--others` takes four other melodies of the same kinds, which no fit has heard; `--accompanied`
puts held chords of the felt piano and strings under them. Printed is how far what is heard agrees with the mean ratings
of sadness of 46 listeners, and how alike the ten cells of mode and rate are ordered.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from melancholia import written
from melancholia.analysis import Analysis, analyse
from melancholia.audio import Audio
from melancholia.instruments import render
from melancholia.orchestra import INSTRUMENTS
from melancholia.piece import Note, Part, Piece, TempoMap
from melancholia.racks import balance, rack
from melancholia.scoring import score
from tests.rows import read as kept
from tests.rows import rows_of
from tools.fit_cue_weights import LEVEL_DB, NOTES_A_SECOND, REGISTER, SOUNDING, read
from tools.fit_scale import agreement

# Degrees of the scale; the third melody is in semitones above the tonic
MELODIES = {
    1: (4, 3, 2, 1, 2, 1, 0, -1, 0, 2, 1, 0, 4, 2, 1, 0),
    2: (0, 2, 4, 7, 4, 2, 0, 4, 5, 4, 2, 4, 7, 4, 2, 0),
    3: (0, 1, 0, 6, 7, 6, 3, 0, -1, 0, 3, 2, 3, 7, 6, 0),
    4: (0, 2, 4, 3, 2, 4, 5, 4, 2, 1, 0, 1, 2, 4, 2, 0),
}
OTHERS = {  # of the same kinds and as sure of their key, heard by no fit
    1: (7, 6, 5, 4, 3, 2, 1, 0, 2, 1, 0, -1, 0, 2, 1, 0),
    2: (0, 2, 4, 2, 0, 4, 7, 4, 5, 4, 2, 0, 4, 2, 7, 0),
    3: (0, 1, 0, 3, 6, 7, 6, 7, 3, 0, 1, 0, -1, 0, 3, 0),
    4: (0, 1, 2, 4, 5, 4, 2, 0, 4, 3, 2, 1, 2, 4, 2, 0),
}
CHORDS = ((0, 2, 4), (3, 5, 7), (4, 6, 8), (0, 2, 4))  # degrees under each quarter of a melody
SCALES = {1: (0, 2, 4, 5, 7, 9, 11), 2: (0, 2, 3, 5, 7, 8, 11)}
TIMBRES = {1: "solo_violin", 2: "flute", 3: "clarinet"}
LEAST_S = 12.0


def stimulus(row, melodies=MELODIES, *, accompanied=False) -> Piece:
    melody, mode = int(row["Melody"]), int(row["Mode"])
    rate, sounding = NOTES_A_SECOND[int(row["Tempo"]) - 1], SOUNDING[int(row["Articulation"]) - 1]
    scale = SCALES[mode]
    steps = melodies[melody]
    if melody == 3:  # the third above the tonic is the mode's, whatever else it touches
        pitches = np.array([s + (s % 12 == 3 and mode == 1) for s in steps])
    else:
        pitches = np.array([scale[s % 7] + 12 * (s // 7) for s in steps])
    tonic = round(REGISTER[int(row["Register"]) - 1] - float(pitches.mean()))
    pitches = pitches + tonic
    rounds = max(1, int(np.ceil(LEAST_S * rate / len(pitches))))
    velocity = round(64 + 3 * LEVEL_DB[int(row["Soundlevel"]) - 1])
    name = TIMBRES[int(row["Timbre"])]
    if not INSTRUMENTS[name].low <= pitches.min() <= pitches.max() <= INSTRUMENTS[name].high:
        name = next(
            n for n in ("clarinet", "solo_violin", "cello", "flute")
            if INSTRUMENTS[n].low <= pitches.min() and pitches.max() <= INSTRUMENTS[n].high
        )  # fmt: skip
    notes = tuple(
        Note(float(k), sounding, int(pitch), velocity) for k, pitch in enumerate(np.tile(pitches, rounds).tolist())
    )
    parts = (Part("melody", "melody", name, notes),)
    if accompanied:
        quarter = len(pitches) // 4
        bass = 45 + (tonic - 45) % 12
        for instrument, above in (("felt_piano", 0), ("strings", 12)):
            held = tuple(
                Note(float(k * quarter), float(quarter), bass + scale[d % 7] + 12 * (d // 7) + above, velocity - 16)
                for k in range(4 * rounds)
                for d in CHORDS[k % 4]
            )
            parts += (Part(instrument, "harmony", instrument, held),)
    return Piece(parts, TempoMap.steady(60 * rate))


def sound_of(piece: Piece, seed: int) -> Audio:
    """The piece dry; with others beside the melody, each at its place in a mix."""
    stems = render(piece, seed=seed, tail_s=0.5, jobs=1)
    gains = balance(stems, rack("melancholy"), 0.5).gain_db if len(stems) > 1 else dict.fromkeys(stems, 0.0)
    made = [10 ** (gains[name] / 20) * stem.sound.read().samples for name, stem in stems.items()]
    return Audio(np.sum(made, axis=0, dtype=np.float32), stems.rate)


def heard(task):
    row, others, accompanied = task
    piece = stimulus(row, OTHERS if others else MELODIES, accompanied=accompanied)
    found = analyse(sound_of(piece, int(row["Nro"]))).values
    return {**row, "values": dict(found), "notes": written.from_piece(piece), "written": written.sadness(piece)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--accompanied", action="store_true")
    parser.add_argument("--read", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    ratings = {row["Nro"]: row for row in read(asked.data / "mean_emotion_ratings.csv")}
    if asked.read:
        rows = kept(asked.read)
    else:
        tasks = [(row, asked.others, asked.accompanied) for row in read(asked.data / "design_matrix.csv")]
        rows = rows_of(heard, tasks, jobs=asked.jobs, output=asked.output)
    sad = np.array([(ratings[row["Nro"]]["Sad"] - 1) / 6 for row in rows])
    verdicts = [score(Analysis.from_values(row["values"])) for row in rows]
    for name, said in (
        ("audio: sadness", [v.sadness for v in verdicts]),
        ("notes: written sadness", [row["written"] for row in rows]),
        ("mode heard", [row["values"]["mode"] for row in rows]),
        ("key mode heard", [row["values"]["key_mode"] for row in rows]),
        ("mode of the notes", [row["notes"]["mode"] for row in rows]),
    ):
        rng = np.random.default_rng(0)
        draws = [rng.integers(0, len(sad), len(sad)) for _ in range(400)]
        low, high = np.percentile([np.corrcoef(np.array(said)[d], sad[d])[0, 1] for d in draws], (2.5, 97.5))
        print(f"{name:<24} r {np.corrcoef(said, sad)[0, 1]:.3f} ({low:.2f} to {high:.2f})")
    said = np.array([v.sadness for v in verdicts])
    print(agreement(said, sad))
    cells = [(row["Mode"], row["Tempo"]) for row in rows]
    means = [[x[[c == cell for c in cells]].mean() for cell in sorted(set(cells))] for x in (said, sad)]
    print("cells of mode and rate, heard:", " ".join(f"{m:.2f}" for m in means[0]))
    print("                        rated:", " ".join(f"{m:.2f}" for m in means[1]))
    print(f"order of the cells: Spearman {spearmanr(*means).statistic:.3f}")


if __name__ == "__main__":
    main()
