"""Tunes that people sing."""

from melancholia.piece import Note, Part, Piece, TempoMap


def sung(eighths, pitches, metre=(6, 8), bpm=60, upbeat=0.0):
    at, notes = upbeat, []
    for length, pitch in zip(eighths, pitches, strict=True):
        notes.append(Note(at, length / 2, pitch, 64))
        at += length / 2
    return Piece((Part("tune", "melody", "", tuple(notes)),), TempoMap.steady(bpm), metre)


# Greensleeves, whose first strain goes over i VII i V, i VII i-V i, and its second over III VII i V, III VII i-V i.
STRAIN = (
    ((2, 72), (1, 74), (1.5, 76), (0.5, 78), (1, 76)), ((2, 74), (1, 71), (1.5, 67), (0.5, 69), (1, 71)),
    ((2, 72), (1, 69), (1.5, 69), (0.5, 68), (1, 69)), ((2, 71), (1, 68), (2, 64), (1, 69)),
)  # fmt: skip
CLOSE = (((1.5, 72), (0.5, 71), (1, 69), (1.5, 68), (0.5, 66), (1, 68)), ((3, 69), (3, 69)))
REFRAIN = (((3, 79), (1.5, 79), (0.5, 78), (1, 76)),)
BARS = (*STRAIN, *STRAIN[:2], *CLOSE, *REFRAIN, *STRAIN[1:4], *REFRAIN, STRAIN[1], *CLOSE)
GREENSLEEVES = sung([n for bar in BARS for n, _ in bar], [p for bar in BARS for _, p in bar])
