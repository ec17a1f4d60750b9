"""Loudness as form: steps that belong to phrases, and the level that the mood asks for."""

import numpy as np

from melancholia.composition.form import Form
from melancholia.piece import Note

SUBITO, ECHO = 9.0, 6.0  # velocities: all at once quiet behind the climax; a phrase that is said again


def terraces(form: Form, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Steps of loudness that belong to the form, as (start, end in quarters, velocity): what is said twice is softer
    the second time, or louder; after the climax all at once it is quiet.
    """
    found: list[tuple[float, float, float]] = []
    for before, phrase in zip(form.phrases, form.phrases[1:], strict=False):
        start, end = phrase.bar * form.bar_quarters, form.end_of(phrase.end)
        if before.kind == "climax" and rng.random() < 0.5:
            found.append((start, end, -SUBITO))
        elif phrase.kind == "body" and phrase.letter == before.letter and rng.random() < 0.6:
            found.append((start, end, ECHO if rng.random() < 0.3 else -ECHO))
    return found


def terraced(notes: list[Note], steps: list[tuple[float, float, float]]) -> list[Note]:
    """The notes with each step's velocity added to those that begin in it."""
    for start, end, change in steps:
        notes = [
            Note(n.start, n.duration, n.pitch, int(np.clip(n.velocity + change, 8, 120)))
            if start - 1e-6 <= n.start < end - 1e-6
            else n
            for n in notes
        ]
    return notes


def at_level(notes: dict[str, list[Note]], form: Form) -> dict[str, list[Note]]:
    """All parts moved alike, so that the mean velocity is the wanted one, its spread about it as wide as wanted."""
    mean = float(np.mean([n.velocity for part in notes.values() for n in part]))
    ends = [phrase.end * form.bar_quarters - 1e-6 for phrase in form.phrases[:-1]]

    def moved(note: Note) -> Note:
        here = form.writings[int(np.searchsorted(ends, note.start, side="right"))]
        level = here.velocity + here.dynamics * (note.velocity - mean)
        return Note(note.start, note.duration, note.pitch, int(np.clip(round(level), 8, 120)))

    return {name: list(map(moved, part)) for name, part in notes.items()}
