"""The other lines: a counter-melody that speaks where the melody rests, a bass, and held backgrounds."""

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.chords import scale_for
from melancholia.composition.form import Form
from melancholia.composition.harmony import Slot
from melancholia.composition.textures import Voiced
from melancholia.composition.tones import Tone
from melancholia.composition.weights import slot_at
from melancholia.piece import Note


def counter_melody(
    melody: list[list[Tone]],
    slots: tuple[Slot, ...],
    form: Form,
    *,
    active: set[int],
    tonic: int,
    low: int,
    high: int,
    centre: float,
    velocity: float,
    dissonances: float,
    rng: np.random.Generator,
) -> list[Note]:
    """Long tones, one a chord, in contrary motion to the melody, with suspensions; moving where the melody holds.

    `active` are the bars in which the line may sound.
    """
    bar_quarters = form.bar_quarters
    sung = sorted((t for phrase in melody for t in phrase), key=lambda t: t.start)
    times = np.array([t.start for t in sung])
    notes: list[Note] = []
    now, last_melody = round(centre), None
    for k, slot in enumerate(slots):
        start, end = slot.bar * bar_quarters, form.end_of(slot.end)
        if int(slot.bar) not in active or end - start < 0.25:
            continue
        over = int(np.searchsorted(times, start + 1e-6, side="right")) - 1
        above = sung[over].pitch if over >= 0 and sung[over].start + sung[over].duration > start else None
        moved = np.sign(above - last_melody) if above is not None and last_melody is not None else 0
        last_melody = above if above is not None else last_melody
        tones = np.array([p for p in range(low, high + 1) if p % 12 in slot.pitch_classes(tonic)])
        cost = np.abs(tones - now) + 0.22 * np.abs(tones - centre) + 2.0 * (tones == now)
        cost = cost + 1.5 * (np.sign(tones - now) == moved) * (moved != 0)
        if above is not None:
            cost = cost + 4.0 * (np.abs(tones - above) < 3) + 1.0 * ((tones - above) % 12 == 0)
        goal = int(tones[int((cost + rng.gumbel(0, 0.5, len(tones))).argmin())])
        level = velocity + 24 * (form.tension(slot.bar) - 0.45)
        loud = int(np.clip(level, 15, 110))
        suspended = (
            notes
            and notes[-1].end >= start - 1e-6
            and 1 <= now - goal <= 2
            and now % 12 not in (slot.pitch_classes(tonic))
        )
        if suspended and rng.random() < 0.35 + 0.3 * dissonances and end - start >= 1:
            hold = min((end - start) / 2, bar_quarters / 2)
            before = notes.pop()
            notes.append(Note(before.start, before.duration + hold, before.pitch, before.velocity))
            notes.append(Note(start + hold, end - start - hold, goal, max(15, loud - 6)))
        else:
            a, b = widest_gap(times, start, end)
            if b - a >= 1.5 and k + 1 < len(slots) and rng.random() < 0.8:
                notes += [Note(start, a - start, goal, loud)] if a > start + 0.1 else []
                notes += answer(goal, slot, a, b, tonic, low, high, loud, rng)
                if end - b > 0.1:
                    tail = notes[-1]
                    notes[-1] = Note(tail.start, end - tail.start, tail.pitch, tail.velocity)
            else:
                notes.append(Note(start, end - start, goal, loud))
        now = notes[-1].pitch
    return notes


def widest_gap(times: NDArray[np.float64], start: float, end: float) -> tuple[float, float]:
    """The longest time in which no tone begins, on half quarters: where the melody rests or holds."""
    inside = times[(times > start + 0.1) & (times < end - 0.1)]
    edges = np.array([start, *inside, end])
    at = int(np.diff(edges).argmax())
    first = edges[at] + (0.5 if at or np.isclose(times, start).any() else 0.0)
    return float(np.ceil(first * 2 - 1e-6) / 2), float(edges[at + 1])


LINES = ("canon", "imitation", "sixths")  # what a counter part may do with the melody instead of going its own way
CONSONANT = (0, 3, 4, 7, 8, 9)
IN_CANON = 0.75  # of a canon's tones on beats must be consonant with the melody or belong to the chord
LIKE = 0.6  # of its intervals must be those of the melody
HEAD = 5  # tones of the melody that an imitation takes


def following(
    tones: list[Tone],
    slots: tuple[Slot, ...],
    form: Form,
    end: float,
    *,
    tonic: int,
    low: int,
    high: int,
    velocity: float,
    head: bool,
) -> list[Note]:
    """The melody after itself in another part, whole (a canon) or its head alone; empty where it does not fit.

    One to two bars later, an octave or a fifth below: of the ways that fit, the most consonant.
    """
    source = tones[:HEAD] if head else tones
    bar = form.bar_quarters
    best: tuple[float, list[Note]] = (0.0, [])
    for delay in (bar, 2 * bar, bar / 2 if bar in (4.0, 2.0) else bar):
        for shift in (-12, -7, -5, 0):
            notes = []
            fits = []
            for tone in source:
                at = tone.start + delay
                if at >= end - 0.25:
                    break
                slot = slot_at(slots, at / bar)
                pitch = fold(tone.pitch + shift, low, high)
                scale = scale_pitches(slot, tonic, low, high)
                pitch = int(scale[np.abs(scale - pitch).argmin()])
                sounding = [t.pitch for t in tones if t.start <= at + 1e-6 < t.start + t.duration]
                belongs = pitch % 12 in slot.pitch_classes(tonic)
                if abs(at - round(at)) < 1e-6 or tone.duration >= 1:
                    fits.append(belongs or bool(sounding) and (sounding[0] - pitch) % 12 in CONSONANT)
                level = max(12, round(velocity + 24 * (form.tension(at / bar) - 0.45)))
                notes.append(Note(at, min(tone.duration, end - at), pitch, level))
            if len(notes) <= 3 or not fits:
                continue
            exact = float(
                np.mean(np.diff([n.pitch for n in notes]) == np.diff([t.pitch for t in source[: len(notes)]]))
            )
            score = float(np.mean(fits))
            if score >= IN_CANON and exact >= LIKE and score + 0.5 * exact > best[0]:
                best = (score + 0.5 * exact, notes)
    return best[1]


def in_sixths(
    tones: list[Tone], slots: tuple[Slot, ...], form: Form, *, tonic: int, low: int, high: int, velocity: float
) -> list[Note]:
    """The melody doubled a sixth below in the scale of each chord, or a third where only that fits."""
    notes = []
    for tone in tones:
        slot = slot_at(slots, tone.start / form.bar_quarters)
        scale = scale_pitches(slot, tonic, 0, 127)
        at = int(np.abs(scale - tone.pitch).argmin())
        sixth, third = int(scale[max(0, at - 5)]), int(scale[max(0, at - 2)])
        chord = slot.pitch_classes(tonic)
        pitch = third if tone.duration >= 1 and sixth % 12 not in chord and third % 12 in chord else sixth
        level = max(12, round(velocity + 24 * (form.tension(tone.start / form.bar_quarters) - 0.45)))
        notes.append(Note(tone.start, tone.duration, fold(pitch, low, high), level))
    return notes


def scale_pitches(slot: Slot, tonic: int, low: int, high: int) -> NDArray[np.int64]:
    """Pitches of the chord's scale, `low` to `high`, rising."""
    scale = [(tone + tonic + slot.local_key) % 12 for tone in scale_for(slot.harmony, slot.mode)]
    pitches = np.arange(low, high + 1)
    return np.asarray(pitches[np.isin(pitches % 12, scale)])


def fold(pitch: int, low: int, high: int) -> int:
    """The pitch moved by octaves into `low` to `high`, as near to itself as can be."""
    while pitch > high:
        pitch -= 12
    while pitch < low:
        pitch += 12
    return pitch


def echo(tones: list[Tone], slot: Slot, end: float, *, tonic: int, low: int, high: int, velocity: int) -> list[Note]:
    """The last tones of a phrase once more, quicker and lower, in the silence after its close."""
    if len(tones) < 4:
        return []
    last = [t.pitch for t in tones[-3:]]
    scale = scale_pitches(slot, tonic, low, high)
    start = max(tones[-1].start + 1, end - 1.5)
    return [
        Note(start + 0.5 * k, 0.5, int(scale[np.abs(scale - fold(pitch - 12, low, high)).argmin()]), velocity - 2 * k)
        for k, pitch in enumerate(last)
        if start + 0.5 * k < end - 1e-6
    ]


def answer(
    first: int,
    slot: Slot,
    start: float,
    end: float,
    tonic: int,
    low: int,
    high: int,
    velocity: int,
    rng: np.random.Generator,
) -> list[Note]:
    """A short stepwise figure in the melody's silence: a tone held, then two or three steps, mostly down."""
    pitches = scale_pitches(slot, tonic, low, high)
    at = int(np.abs(pitches - first).argmin())
    way = -1 if rng.random() < 0.65 else 1
    count = int(rng.integers(2, 4))
    step = 0.5 if end - start <= 2 else 1.0
    held = end - start - count * step
    if held < step:
        return [Note(start, end - start, first, velocity)]
    notes = [Note(start, held, first, velocity)]
    for k in range(count):
        at = int(np.clip(at + way, 0, len(pitches) - 1))
        notes.append(Note(start + held + k * step, step, int(pitches[at]), max(15, velocity - 4 + 2 * k)))
    return notes


def bass_line(
    voiced: list[Voiced],
    form: Form,
    *,
    active: set[int],
    tonic: int,
    low: int,
    high: int,
    velocity: float,
    moving: bool,
    rng: np.random.Generator,
) -> list[Note]:
    """The planned bass, one long tone a chord, in `low` to `high`; `moving` walks to the next where there is time."""
    notes: list[Note] = []
    for k, v in enumerate(voiced):
        start, end = v.slot.bar * form.bar_quarters, form.end_of(v.slot.end)
        if int(v.slot.bar) not in active or end - start < 0.25:
            continue
        if not moving and v.slot.harmony.bass != v.slot.harmony.pitch_classes[0] and rng.random() < 0.35:
            continue  # a deep bass says roots; under an inversion it often waits
        pitch = fold(v.bass if moving else v.bass - 12, low, high)
        level = int(np.clip(velocity + 22 * (form.tension(v.slot.bar) - 0.45), 15, 110))
        following = voiced[k + 1] if k + 1 < len(voiced) else None
        gap = following.bass - v.bass if following is not None else 0
        if moving and following is not None and end - start >= 3 and 3 <= abs(gap) <= 5 and rng.random() < 0.5:
            scale = {(t + v.slot.local_key + tonic) % 12 for t in scale_for(v.slot.harmony, v.slot.mode)}
            way = 1 if gap > 0 else -1
            steps = [p for p in range(pitch + gap - way, pitch, -way) if p % 12 in scale][:1]
            notes.append(Note(start, end - start - 1, pitch, level))
            notes += [Note(end - 1, 1, p, max(15, level - 6)) for p in steps if low <= p <= high]
        else:
            notes.append(Note(start, end - start, pitch, level))
    return notes


def background(
    voiced: list[Voiced], form: Form, *, active: set[int], low: int, high: int, velocity: float, voices: int
) -> list[Note]:
    """Held tones that tie over as long as a chord keeps them: the upper voices, moved into `low` to `high`."""
    notes: list[Note] = []
    sounding: dict[int, Note] = {}
    for v in voiced:
        start, end = v.slot.bar * form.bar_quarters, form.end_of(v.slot.end)
        if int(v.slot.bar) not in active or end - start < 0.25:
            notes += sounding.values()
            sounding = {}
            continue
        wanted = set()
        for pitch in v.voices[3 - voices :]:
            wanted.add(fold(pitch, low, high))
        level = int(np.clip(velocity + 20 * (form.tension(v.slot.bar) - 0.45), 12, 110))
        kept: dict[int, Note] = {}
        for pitch in sorted(wanted):
            tied = sounding.pop(pitch, None)
            if tied is not None and tied.end >= start - 1e-6 and tied.duration < 4 * form.bar_quarters:
                kept[pitch] = Note(tied.start, end - tied.start, pitch, tied.velocity)
            else:
                notes += [tied] if tied is not None else []
                kept[pitch] = Note(start, end - start, pitch, level)
        notes += sounding.values()
        sounding = kept
    return [*notes, *sounding.values()]
