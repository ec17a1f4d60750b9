"""Songs people wrote, played by our instruments from slow to fast, dry and in our racks: how our sound reads any music.

    python tools/corpus_figures.py ../shared/data/corpora/openscore-lieder.zip -o /tmp/lieder.npz
    python -m tests.played_songs /tmp/lieder.npz [--songs 240] -o songs.jsonl

Rows for tools/fit_scale.py: 20 s of each song at 0.6 to 1.6 times its tempo, the voice by a solo instrument, the rest
by the felt piano; three of five in a rack of ours at any intensity.
"""

import argparse
import json
import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from melancholia.analysis import analyse
from melancholia.audio import Audio
from melancholia.instruments import render
from melancholia.orchestra import INSTRUMENTS
from melancholia.piece import Note, Part, Piece, TempoMap
from melancholia.racks import apply, bus, mix, names, rack
from melancholia.written import from_piece
from tools.corpus_figures import TICKS

SECONDS, RATE = 20, 48_000
PACES = (0.6, 0.8, 1.0, 1.3, 1.6)
VOICES = ("clarinet", "cello", "solo_violin", "flute", "felt_piano")
RACKED = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """Notes as rows (start, length in quarters, pitch), those that are sung among them, and quarters a minute."""

    voice: np.ndarray
    notes: np.ndarray
    bpm: float


def songs_of(path):
    packed = np.load(path)
    ends = np.cumsum(packed["size"])
    every, tempos = packed["notes"], packed["bpm"]
    found = []
    for size, end, bpm in zip(packed["size"], ends, tempos, strict=True):
        rows = every[end - size : end]
        notes = np.column_stack([rows[:, 0] / TICKS, rows[:, 1] / TICKS, rows[:, 2]])
        found.append(Song(notes[rows[:, 3] == 1], notes, float(bpm)))
    return found


def excerpt(song, rng) -> Piece:
    """SECONDS of a song from anywhere, with a voice and a pace drawn."""
    bpm = float(np.clip(song.bpm * rng.choice(PACES), 30, 220))
    length = SECONDS * bpm / 60
    start = float(rng.uniform(0, max(0.0, song.notes[:, 0].max() - length)))
    voice = str(rng.choice(VOICES))
    velocity = int(rng.integers(40, 80))
    sung = {tuple(row) for row in song.voice}

    def notes(rows, instrument, loud):
        low, high = INSTRUMENTS[instrument].low, INSTRUMENTS[instrument].high
        inside = [r for r in rows if start <= r[0] < start + length - 0.1 and low <= r[2] <= high]
        strokes = np.clip(loud + rng.normal(0, 6, len(inside)), 20, 110).astype(int)
        return tuple(
            sorted(
                Note(float(at - start), float(min(held, start + length - at)), int(pitch), int(v))
                for (at, held, pitch), v in zip(inside, strokes, strict=True)
            )
        )

    parts = (
        Part("voice", "melody", voice, notes([r for r in song.notes if tuple(r) in sung], voice, velocity + 8)),
        Part(
            "piano",
            "harmony",
            "felt_piano",
            notes([r for r in song.notes if tuple(r) not in sung], "felt_piano", velocity),
        ),
    )
    return Piece(tuple(part for part in parts if part.notes), TempoMap.steady(bpm))


def listen(task):
    number, song = task
    rng = np.random.default_rng([7, number])
    piece = excerpt(song, rng)
    if sum(len(part.notes) for part in piece.parts) < 4:
        return None
    stems = render(piece, seed=number, tail_s=1.0, jobs=1)
    sound = mix(stems)
    if rng.random() < RACKED:
        chain, intensity = rack(str(rng.choice(names()))), float(rng.uniform(0, 1))
        sound = bus(mix(apply(stems, rack=chain, intensity=intensity, jobs=1)), rack=chain, intensity=intensity)
    heard = analyse(Audio(np.ascontiguousarray(sound.samples[:, : SECONDS * RATE]), RATE)).values
    return {"song": number, "values": dict(heard), "notes": from_piece(piece)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="what tools/corpus_figures.py wrote")
    parser.add_argument("--songs", type=int, default=240)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    songs = songs_of(asked.corpus)
    chosen = np.random.default_rng(77).permutation(len(songs))[: asked.songs]
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool, asked.output.open("w") as file:
        for row in pool.imap(listen, enumerate(songs[k] for k in chosen)):
            if row is not None:
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
