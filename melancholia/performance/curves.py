"""Curves that a player draws over the notes: the pedal of a piano, the bow of a string, the depth of vibrato."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from melancholia.piece import Chord, Curve, Note, Phrase, Piece, TempoMap

PEDAL_DOWN_MS = 100.0  # after the chord's onset: the old chord rings over it, then is cleared
STEP_QUARTERS = 0.25
FULL_DB = 36.0  # expression 0 is this far below 127
ARC_DB = 3.5  # of the piece's arc from rest to climax
FADE_S = 3.0


def pedal(chords: Sequence[Chord], notes: Sequence[Note], tempo: TempoMap, bar_quarters: float) -> Curve:
    """Legato pedalling: up at each change of chord (or bar, where no chords are known), down a moment later."""
    if not notes:
        return ()
    end = max(n.end for n in notes)
    starts = [c.start for c in chords] or list(np.arange(0, end, bar_quarters))
    points: list[tuple[float, int]] = []
    for start in starts:
        if start >= end:
            break
        down = float(tempo.quarters(tempo.seconds(start) + PEDAL_DOWN_MS / 1000))
        points += [(start, 0), (down, 127)]
    return (*points, (end, 0))


def expression(piece: Piece, notes: Sequence[Note], *, swell_db: Sequence[float]) -> Curve:
    """How strongly the bow is drawn, 0..127: a swell in each phrase, the piece's arc, a fade under the last tone.

    `swell_db` has one entry a phrase; a piece that loops does not fade.
    """
    if not notes:
        return ()
    end = max(n.end for n in notes)
    times = np.arange(0, end, STEP_QUARTERS)
    level = np.zeros(len(times))
    for phrase, swell in zip(piece.phrases or (Phrase(0, end, 0.6 * end, ""),), swell_db, strict=True):
        inside = (times >= phrase.start) & (times < phrase.end)
        turn = np.clip((phrase.peak - phrase.start) / max(phrase.end - phrase.start, 1e-9), 0.25, 0.7)
        u = (times[inside] - phrase.start) / max(phrase.end - phrase.start, 1e-9)
        shape = np.where(u < turn, u / turn, 1 - (u - turn) / (1 - turn))
        level[inside] = swell * (np.sin(0.5 * np.pi * np.clip(shape, 0, 1)) - 1)
    if piece.arc:
        at, tension = np.array(piece.arc).T
        level += ARC_DB * (np.interp(times, at, tension) - 0.9)
    smooth = np.convolve(np.pad(level, 4, mode="edge"), np.hanning(9) / np.hanning(9).sum(), "valid")
    seconds = piece.tempo.seconds(times)
    closing = np.clip((float(piece.tempo.seconds(end)) - seconds) / FADE_S, 0, 1)
    smooth = smooth if piece.loops else smooth + 14 * (closing**0.5 - 1)
    value = 127 * (1 + np.clip(smooth, -FULL_DB, 0) / FULL_DB)
    return tuple((float(t), int(round(v))) for t, v in zip(times, value, strict=True))


def vibrato(piece: Piece, notes: Sequence[Note], *, cents: ArrayLike) -> Curve:
    """Depth of vibrato, 64 where the instrument plays its own (16 cents): more on long and on tense tones.

    `cents` has one entry a note, or is one for all.
    """
    points = []
    for note, wide in zip(notes, np.broadcast_to(np.asarray(cents, float), len(notes)), strict=True):
        seconds = float(piece.tempo.seconds(note.end) - piece.tempo.seconds(note.start))
        tension = np.interp(note.start, *np.array(piece.arc).T) if piece.arc else 0.5
        depth = wide / 16 * (0.55 + 0.7 * float(tension)) * (0.35 if seconds < 0.35 else min(1.0, 0.5 + seconds / 3))
        points.append((note.start, int(np.clip(round(64 * depth), 0, 127))))
    return tuple(points)
