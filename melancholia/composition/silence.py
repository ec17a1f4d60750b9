"""Silence as material: gestures that breathe, phrases that break off, a beat in which everyone stops."""

import numpy as np

from melancholia.composition.form import BREAKS, Form
from melancholia.composition.tones import Tone
from melancholia.piece import Note
from melancholia.writing import Writing

LONGEST_REST_S = 3.2
LEAST = 0.25  # quarters of a tone that are heard before a silence
PAUSES = 0.45  # of the pieces stop for a beat before the home tune comes back for the last time


def broken_off(melody: list[list[Tone]]) -> list[list[Tone]]:
    """The tune without its last tone, where it has others."""
    return [*melody[:-1], melody[-1][:-1]] if sum(map(len, melody)) > 1 else melody


def silences(
    form: Form, writing: Writing, melody: list[list[Tone]], *, pause: bool = False
) -> list[tuple[float, float]]:
    """When nobody sounds, as (start, end) in quarters: behind phrases that stop or break off, and the mood's rests.

    Rests stand at the end of every gesture of two bars, long enough to come to the wanted share of the piece; none
    takes a tone away that the melody needs. A `pause` stands before the home tune comes back for the last time.
    """
    beat = 1.5 if form.metre[1] == 8 else 1.0
    longest = LONGEST_REST_S * form.bpm / 60
    kept = [tone.start for phrase in melody for tone in needed(phrase)]
    inside = [p for p in form.phrases if p.end < form.bars - 1]
    found = {p.end * form.bar_quarters: beat for p in inside if p.event == "silence"}
    for end in (p.end * form.bar_quarters for p in inside if p.event == BREAKS):
        silent = min(2 * beat, longest)
        found[end] = max(0.5, min([silent, *(end - at - 0.5 for at in kept if end - silent - 1e-6 <= at < end)]))
    homes = [k for k, p in enumerate(form.phrases) if p.letter == "A" and p.visit]
    if pause and homes and form.phrases[homes[-1] - 1].letter != "A":
        at = form.phrases[homes[-1]].bar * form.bar_quarters
        if not any(at - beat - 1e-6 <= tone < at - 1e-6 for tone in kept):
            found.setdefault(at, beat)
    if writing.rests:
        ends = [min(bar + 2, p.end) for p in form.phrases for bar in range(p.bar, p.end, 2)]
        breaths = [end * form.bar_quarters for end in ends if end < form.bars]
        owed = writing.rests * form.quarters - sum(found.values())
        for left, end in zip(range(len(breaths), 0, -1), breaths, strict=True):
            silent = float(np.clip(round(2 * owed / left) / 2, 0, min(longest, form.bar_quarters - beat)))
            while silent and any(end - silent - LEAST + 1e-6 < at < end - 1e-6 for at in kept):
                silent -= 0.5
            if end not in found and silent > 0:
                found[end] = silent
                owed -= silent
    return [(end - silent, end) for end, silent in sorted(found.items())]


def needed(phrase: list[Tone]) -> list[Tone]:
    """The tones that a phrase cannot lose: its peak, its last one, and what resolves a dissonance."""
    pairs = zip(phrase, [None, *phrase], strict=False)
    return [t for t, before in pairs if t.is_peak or t.is_last or before is not None and before.is_dissonance]


def with_silences(notes: list[Note], stops: list[tuple[float, float]]) -> list[Note]:
    """The notes with every stop left empty: what sounds into one is cut, what begins in one, or hardly before, is left
    out."""
    for start, end in stops:
        notes = [n for n in notes if not start - LEAST + 1e-6 < n.start < end - 1e-6]
        notes = [Note(n.start, start - n.start, n.pitch, n.velocity) if n.start < start < n.end else n for n in notes]
    return notes
