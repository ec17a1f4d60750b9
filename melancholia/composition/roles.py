"""Roles in music that names none: the tune, the bass, and what is between, told apart by what notes do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from melancholia.motif import skyline
from melancholia.piece import Note, Part, Piece

CHORDAL = 0.1  # of the notes with another beside them: above, a part is no line
FIGURE_LEAP, FIGURE_STEP = 4, 0.67  # semitones and quarters: a line that leaps so far so often is an accompaniment
LEADING = 0.35  # of the top line being its own makes a line the melody, and so does not lying as deep as the chords
GROUND = 0.25  # of the tones of the chords: a line that lies as deep as they is a bass
SUNG_DEPTH = 10  # semitones under the tune about it: what lies lower is accompaniment that shows in a rest
LOUD_HEIGHT = 0.5  # semitones for each unit of velocity above the mean
BASS_DEPTH, BASS_GAP, BASS_TOP = 4, 5, 55  # semitones above the lowest, to the next voice; mean pitch at most
HELD_S = 2.5  # tones that last so long want an instrument that holds them
FLAT_SD = 3.0  # of velocities that say nothing


@dataclass(frozen=True, slots=True)
class Voice:
    """Some notes with the part that they come from."""

    name: str
    role: str
    source: Part
    notes: tuple[Note, ...]


def parted(parts: Iterable[Part], piece: Piece) -> list[Voice]:
    """Voices with roles: lines as a whole, chords and figures taken apart for the tune and the bass they hold."""
    full = [part for part in parts if part.notes]
    if not full:
        return []
    lines = [part for part in full if is_line(part)]
    pool = [part for part in full if part not in lines]
    top = {(n.start, n.pitch) for n in skyline(n for part in full for n in part.notes)}

    def leads(part: Part) -> float:
        return sum((n.start, n.pitch) in top for n in part.notes) / max(1, len(top))

    voices: list[Voice] = []
    heights = [n.pitch for part in pool for n in part.notes]
    depth = float(np.quantile(heights, GROUND)) if pool else 127.0
    high = [line for line in lines if not pool or mean_pitch(line) > depth or leads(line) >= LEADING]
    singer = max(high, key=leads, default=None)
    if singer is not None:
        lines.remove(singer)
        voices.append(Voice(singer.name, "melody", singer, singer.notes))
        tune = []
    else:
        tune = sung([n for part in pool for n in part.notes], piece.bar_quarters)
    floor = min(lines, key=mean_pitch, default=None)
    ground: list[Note] = []
    if floor is not None and mean_pitch(floor) < min(BASS_TOP, depth):
        lines.remove(floor)
        voices.append(Voice(floor.name, "bass", floor, floor.notes))
    else:
        taken = {(n.start, n.pitch) for n in tune}
        rest = [n for part in pool for n in part.notes if (n.start, n.pitch) not in taken]
        ground = low_line(rest, piece.bar_quarters)
    voices += [Voice(part.name, "counter", part, part.notes) for part in lines]
    return voices + split(pool, {"melody": tune, "bass": ground}, piece)


def is_line(part: Part) -> bool:
    """Whether a part is one line: hardly ever two tones at once, and no broken chords."""
    notes = part.notes
    beside = [
        a.end - b.start > 0.5 * min(a.duration, b.duration) for a, b in zip(notes, notes[1:], strict=False)
    ]  # a tail that overlaps is legato, no chord
    if np.mean(beside or [False]) > CHORDAL:
        return False
    leaps, steps = np.abs(np.diff([n.pitch for n in notes])), np.diff([n.start for n in notes])
    return not len(leaps) or not (np.median(leaps) >= FIGURE_LEAP and np.median(steps) <= FIGURE_STEP)


def mean_pitch(part: Part) -> float:
    return float(np.mean([n.pitch for n in part.notes]))


def sung(notes: Sequence[Note], bar: float) -> list[Note]:
    """The tune among some notes: the line that stands out, without what lies far under the tune of the bars about it.

    A tone stands out by its height, and by how loud it is played (`LOUD_HEIGHT` semitones for each unit of velocity).
    """
    loud = np.array([n.velocity for n in notes], float)
    weight = LOUD_HEIGHT if len(notes) and loud.std() >= FLAT_SD else 0.0
    height = np.clip(np.round([n.pitch for n in notes] + weight * (loud - loud.mean())), 0, 127).astype(int)
    lifted = {(n.start, h): n for n, h in sorted(zip(notes, height.tolist(), strict=True))}
    line = skyline(replace(n, pitch=h) for (_, h), n in lifted.items())
    for _ in range(2):
        start, top = np.array([n.start for n in line]), np.array([n.pitch for n in line])
        first = np.searchsorted(start, start - bar)
        last = np.searchsorted(start, start + bar, side="right")
        about = [np.quantile(top[a:b], 0.75) for a, b in zip(first, last, strict=True)]
        line = tuple(n for n, tune in zip(line, about, strict=True) if n.pitch >= tune - SUNG_DEPTH)
    tune = [lifted[n.start, n.pitch] for n in line]
    return list(carried(tune, 0.0))


def low_line(notes: Sequence[Note], bar: float) -> list[Note]:
    """The bass among some notes, where it lies apart from the others; nothing where it does not."""
    mirrored = skyline(replace(n, pitch=127 - n.pitch) for n in notes)
    line = [replace(n, pitch=127 - n.pitch) for n in mirrored]
    if not line:
        return []
    start, height = np.array([n.start for n in line]), np.array([n.pitch for n in line])
    first = np.searchsorted(start, start - bar / 2, side="right")
    last = np.searchsorted(start, start + bar / 2)
    floor = [height[a:b].min() for a, b in zip(first, np.maximum(last, first + 1), strict=True)]
    bass = [n for n, low in zip(line, floor, strict=True) if n.pitch <= low + BASS_DEPTH]
    taken = {(n.start, n.pitch) for n in bass}
    others = [n for n in notes if (n.start, n.pitch) not in taken]
    onsets, pitches = np.array([n.start for n in others]), np.array([n.pitch for n in others])
    gaps = []
    for note in bass:
        near = (onsets >= note.start - 1e-6) & (onsets < note.start + bar / 2)
        if near.any():
            gaps.append(pitches[near].min() - note.pitch)
    apart = bool(gaps) and np.median(gaps) >= BASS_GAP
    return bass if apart and np.mean([n.pitch for n in bass]) < BASS_TOP else []


def split(pool: Sequence[Part], lines: dict[str, list[Note]], piece: Piece) -> list[Voice]:
    """The voices of some parts: the lines found in them, and what is left of each; every note in one voice."""
    owner = {role: {(n.start, n.pitch): n for n in line} for role, line in lines.items()}
    taken: set[tuple[str, float, int]] = set()
    kept: dict[str, dict[str, list[Note]]] = {part.name: {} for part in pool}
    for part in pool:
        for note in part.notes:
            role = next((r for r in lines if (note.start, note.pitch) in owner[r]), "")
            place = (role, note.start, note.pitch)
            if role and place not in taken:
                taken.add(place)
                note = owner[role][note.start, note.pitch]
            else:
                role = ""
            kept[part.name].setdefault(role, []).append(note)
    voices = []
    for role in lines:
        notes = [n for found in kept.values() for n in found.get(role, [])]
        if notes:
            source = max(pool, key=lambda p, role=role: len(kept[p.name].get(role, [])))  # type: ignore[misc]
            whole = len(kept[source.name]) == 1
            voices.append(Voice(source.name if whole else f"{source.name} {role}", role, source, tuple(notes)))
    for part in pool:
        rest = tuple(kept[part.name].get("", []))
        if rest:
            length = piece.tempo.seconds([n.end for n in rest]) - piece.tempo.seconds([n.start for n in rest])
            voices.append(Voice(part.name, "texture" if np.median(length) >= HELD_S else "harmony", part, rest))
    return voices


def carried(notes: Iterable[Note], most: float) -> tuple[Note, ...]:
    """A line as one voice holds it: each tone to the next at the latest, and over a gap of at most `most` quarters."""
    line = sorted(notes)
    found = []
    for note, after in zip(line, [*line, None][1:], strict=True):
        until = note.end
        if after and note.start < after.start and after.start - note.end <= most:
            until = after.start
        found.append(replace(note, duration=until - note.start))
    return tuple(found)
