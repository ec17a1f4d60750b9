"""Parts without pitch: beds of sound, a slow pulse, brushes, the air. Their notes say when, how long and how loud.

All but the air leave room: a bed leaves whole sections, a pulse comes in chosen ones, brushes leave gaps.
"""

from collections.abc import Callable

import numpy as np

from melancholia.composition.form import Form, PhrasePlan
from melancholia.orchestra import facts_of
from melancholia.piece import Note

PRESENT = 0.7  # of the sections have their bed, at most so many in a row
LONGEST_BED_BARS = 16
PULSING = 0.4  # of the phrases have a heartbeat; never those of the coda's last bars
SECOND_BEAT = 0.5  # quarters from the first to the second, softer stroke of a heart
BRUSHED = 0.6  # of the phrases are brushed
GAP = 0.18  # of the beats are left out, and the last two of a phrase


def sections_of(form: Form, active: set[int]) -> list[tuple[int, int]]:
    """Neighbouring phrases of one letter as (first bar, end), where the part may sound and no longer than a bed."""
    found: list[tuple[int, int]] = []
    letter = ""
    for phrase in form.phrases:
        if phrase.bar not in active:
            letter = ""
            continue
        if letter == phrase.letter and phrase.end - found[-1][0] <= LONGEST_BED_BARS:
            found[-1] = (found[-1][0], phrase.end)
        else:
            found.append((phrase.bar, phrase.end))
        letter = phrase.letter
    return found


def bed(form: Form, active: set[int], pitch: int, velocity: float, rng: np.random.Generator) -> list[Note]:
    """One long note a section, each a little louder or softer than the one before; some sections go without."""
    sections = sections_of(form, active)
    kept = [s for s in sections if rng.random() < PRESENT] or sections[:1]
    if len(kept) == len(form.phrases) > 1:
        kept = kept[:-1]
    notes: list[Note] = []
    level = velocity
    for first, end in kept:
        wanted = velocity + 14 * (form.tension((first + end) / 2) - 0.45)
        level += float(np.clip(wanted - level, -6, 6))  # rain does not jump
        start = first * form.bar_quarters
        notes.append(Note(start, form.end_of(end) - start, pitch, loud(level)))
    return notes


def air(form: Form, active: set[int], pitch: int, velocity: float, rng: np.random.Generator) -> list[Note]:
    """One note from the first beat to the last: the room is there whether anybody plays or not."""
    return [Note(0.0, form.quarters, pitch, loud(velocity))]


def chosen(form: Form, active: set[int], share: float, rng: np.random.Generator) -> list[PhrasePlan]:
    """About a share of the phrases in which a part may sound, at least one, never all where there are several."""
    options = [p for p in form.phrases if p.bar in active]
    found = [p for p in options if rng.random() < share * (1.5 if p.kind == "climax" else 1.0)]
    if not found and options:
        found = [max(options, key=lambda p: form.tension(p.bar + p.bars / 2))]
    return found[:-1] if len(found) == len(form.phrases) > 1 else found


def heartbeat(form: Form, active: set[int], pitch: int, velocity: float, rng: np.random.Generator) -> list[Note]:
    """Two strokes, the second softer, at the head of each bar or of every second one; it fades at a phrase's end."""
    notes: list[Note] = []
    for phrase in chosen(form, active, PULSING, rng):
        every = 1 if form.bar_quarters * 60 / form.bpm > 2.5 or rng.random() < 0.5 else 2
        bars = range(phrase.bar, phrase.end, every)
        for number, bar in enumerate(bars):
            start = bar * form.bar_quarters
            level = velocity + 20 * (form.tension(bar) - 0.45) - (8 if number == len(bars) - 1 and number else 0)
            notes.append(Note(start, SECOND_BEAT * 0.8, pitch, loud(level + rng.normal(0, 2))))
            notes.append(Note(start + SECOND_BEAT, SECOND_BEAT * 0.8, pitch, loud(level - 9 + rng.normal(0, 2))))
    return notes


def brushes(form: Form, active: set[int], pitch: int, velocity: float, rng: np.random.Generator) -> list[Note]:
    """A swirl on every beat, the weak ones a little louder, with beats left out; silent before the next phrase."""
    beat = 1.5 if form.metre[1] == 8 else 1.0
    notes: list[Note] = []
    for phrase in chosen(form, active, BRUSHED, rng):
        beats = round(phrase.bars * form.bar_quarters / beat)
        for k in range(max(1, beats - 2)):
            if k and rng.random() < GAP:
                continue
            start = phrase.bar * form.bar_quarters + k * beat
            level = velocity + 16 * (form.tension(start / form.bar_quarters) - 0.45) + (3 if k % 2 else -2)
            notes.append(Note(start, 0.9 * beat, pitch, loud(level + rng.normal(0, 2))))
    return notes


def loud(level: float) -> int:
    return int(min(110.0, max(8.0, level)))


Writer = Callable[[Form, set[int], int, float, np.random.Generator], list[Note]]
# By a word in the instrument's name; what has none of these is a bed, or as percussion a heartbeat.
WAYS: dict[str, Writer] = {"room": air, "heart": heartbeat, "drum": heartbeat, "brush": brushes}


def way_of(instrument: str, role: str) -> Writer:
    """How a noise instrument is written for."""
    named = next((way for word, way in WAYS.items() if word in instrument), None)
    return named or (heartbeat if role == "percussion" else bed)


def never_rests(instrument: str, role: str) -> bool:
    """Whether it goes on where everybody stops: the air of a room."""
    return not facts_of(instrument).pitched and way_of(instrument, role) is air
