"""The model that is asked nothing: neither chords, nor mode, nor phrases, nor what they shall be."""

from dataclasses import replace

import numpy as np

from melancholia.composition import measures
from melancholia.composition.coding import TICKS, TUNE, Compass, beat_ticks, in_bar
from melancholia.composition.continuing import GRID, Ground, Must, go_on, opening
from melancholia.composition.decoder import Decoder
from melancholia.orchestra import facts_of
from melancholia.piece import Note, Piece
from melancholia.streams import generator

TONES = 3.0  # what a row of chroma adds up to


def untold(ground: Ground) -> Ground:
    """The same bars, where every pitch class is as likely, and all that is asked is unknown."""
    rows = TUNE.hidden(ground.cues, TUNE.soft)
    rows[:, TUNE.at["chord"]] = TONES / 12
    rows[:, TUNE.at["mode"]] = 0.5
    return replace(ground, cues=rows)


def bars_alone(piece: Piece) -> Ground:
    """A ground that tells a piece's bars and nothing else."""
    bar = round(piece.bar_quarters * TICKS)
    at = np.arange(0, round(piece.end * TICKS) + TICKS, GRID)
    rows = np.zeros((len(at), TUNE.width), np.float32)
    rows[:, TUNE.at["bar"].start : TUNE.at["on_beat"].stop] = in_bar(at % bar, bar, beat_ticks(piece.metre))
    return untold(Ground(0, rows))


def unguided(piece: Piece, model: Decoder, seed: int) -> Piece:
    """A piece whose melody the model sings again, from where it began to where it ended, asked nothing."""
    notes, singers = measures.melody(piece), piece.with_role("melody")
    singer = max(singers, key=lambda part: len(part.notes))
    low, high = facts_of(singer.instrument).written
    middle = float(np.median([note.pitch for note in notes]))
    compass, ground = Compass.about(piece.key.tonic, middle), bars_alone(piece)
    line = opening(compass, middle, round(piece.bar_quarters * TICKS), ground.cues[0])
    first, last = (round(note.start * TICKS) // GRID * GRID for note in (notes[0], notes[-1]))
    (found,) = go_on(
        model, line, ground, [Must(first, straight=True), Must(max(first + TICKS, last))], compass, low=low, high=high,
        until=round(piece.end * TICKS), count=1, rng=generator(seed, "unguided"),
    )  # fmt: skip
    sung = tuple(Note(start / TICKS, length / TICKS, pitch, 64) for start, length, pitch in found.notes.tolist())
    parts = tuple(
        replace(part, notes=sung if part is singer else ()) if part in singers else part for part in piece.parts
    )
    return replace(piece, parts=tuple(part for part in parts if part.notes))
