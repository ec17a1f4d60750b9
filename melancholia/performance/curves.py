"""Curves that a player draws over the notes: the pedal of a piano, the bow of a string, the depth of vibrato."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from melancholia.piece import Curve, Note, Phrase, Piece
from melancholia.streams import generator

DOWN_S = {True: 0.15, False: 0.1}  # after the chord's onset the pedal begins to go down, where all is cleared and not
RISE_S = 0.09  # that it takes to go down
HALF = (34, 52)  # how far it is lifted halfway: dampers touch the strings (`instruments.events`)
DEEP = (84, 116)  # how deep it goes: people's pedals are seldom at an end (92 % of their values lie between 10 and 117)
LONGEST_S = 2.2  # under one pedal: people lift it 42 times a minute
STEP_QUARTERS = 0.25
FULL_DB = 36.0  # expression 0 is this far below 127
ARC_DB = 3.5  # of the piece's arc from rest to climax
FADE_S = 3.0


def pedal(piece: Piece, notes: Sequence[Note], *, seed: int) -> Curve:
    """Legato pedalling: up where the harmony changes, and down again a moment later.

    At a change of the bass the dampers fall; where the bass stays and the chord moves over it, or one chord lasts for
    more than `LONGEST_S`, the pedal is lifted halfway, which clears what is high and leaves what is low.
    How deep it goes, how far it is lifted and how long that takes is the foot's own each time, the same in all parts.
    """
    if not notes:
        return ()
    seconds, quarters, rng = piece.tempo.seconds, piece.tempo.quarters, generator(seed, "pedal")
    end = float(seconds(max(n.end for n in notes)))
    points: list[tuple[float, int]] = []
    for at, whole in pedal_changes(piece, notes):
        start = float(seconds(at))
        if start >= end:
            break
        low = int(rng.integers(0, 12)) if whole else int(rng.integers(*HALF))
        deep = int(rng.integers(*DEEP))
        late, rise = DOWN_S[whole] * rng.uniform(0.7, 1.4), RISE_S * rng.uniform(0.8, 1.3)
        held = points[-1][1] if points else 0
        moves = [(start, (held + low) // 2 if points else low), (start + 0.025, low)]
        moves += [(start + late + share * rise, round(low + share * (deep - low))) for share in (0.3, 0.65, 1.0)]
        while points and points[-1][0] >= start - 1e-6:  # what came too soon for it
            points.pop()
        points += moves
    points = [*(point for point in points if point[0] < end), (end, 0)]
    return tuple(
        (float(at), value) for at, value in zip(quarters([s for s, _ in points]), (v for _, v in points), strict=True)
    )


def pedal_changes(piece: Piece, notes: Sequence[Note]) -> list[tuple[float, bool]]:
    """Where the pedal is changed, in quarters, and whether wholly: at chords, and between them where one lasts."""
    last = max(n.end for n in notes)
    starts = [c.start for c in piece.chords] or np.arange(0, last, piece.bar_quarters).tolist()
    basses = [c.bass for c in piece.chords] or list(range(len(starts)))
    found: list[tuple[float, bool]] = []
    for n, start in enumerate(starts):
        after = starts[n + 1] if n + 1 < len(starts) else last
        found.append((start, n == 0 or basses[n] != basses[n - 1]))
        lasting = float(piece.tempo.seconds(after) - piece.tempo.seconds(start))
        parts = int(np.ceil(lasting / LONGEST_S))
        found += [(start + (after - start) * k / parts, False) for k in range(1, parts)]
    return found


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
