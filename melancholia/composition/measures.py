"""What a written piece measures: the figures that composition is held to, all read from the notes of a `Piece`.

Bars are compared as (place in the bar, length, pitch above the home tonic); figures as intervals with ratios of
inter-onset times, so that neither transposition nor tempo hides a likeness.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.chords import BELONGING, HARMONIES, is_chromatic
from melancholia.composition.numerals import parsed
from melancholia.orchestra import with_pitch, without_beds
from melancholia.piece import Chord, Key, Note, Piece

# Bellman-Budge key profiles, index 0 the tonic
MAJOR = (16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57)
MINOR = (18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21)
RATIOS = np.array([1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4])
STEPS_A_QUARTER = 4  # groove is read on sixteenths


def all_notes(piece: Piece) -> list[Note]:
    """All notes but those of beds."""
    return sorted(note for part in without_beds(piece.parts) for note in part.notes)


def pitched_notes(piece: Piece) -> list[Note]:
    """All notes but those of parts that have no pitch."""
    return sorted(note for part in with_pitch(piece.parts) for note in part.notes)


def melody(piece: Piece) -> tuple[Note, ...]:
    """The notes of the parts that sing."""
    return tuple(sorted(note for part in piece.with_role("melody") for note in part.notes))


def onset_rate(piece: Piece) -> float:
    """Different onset times of the whole texture in a second."""
    return len({note.start for note in all_notes(piece)}) / piece.seconds


def melody_rate(piece: Piece) -> float:
    """Melody notes in a second, over the whole piece."""
    return len(melody(piece)) / piece.seconds


def melody_mean(piece: Piece) -> float:
    """Mean MIDI pitch of the melody's notes."""
    return float(np.mean([note.pitch for note in melody(piece)]))


def span(piece: Piece) -> float:
    """Semitones between the 3rd and the 97th percentile of the melody's notes."""
    pitches = [note.pitch for note in melody(piece)]
    return float(np.subtract(*np.percentile(pitches, (97, 3))))


def intervals(piece: Piece) -> NDArray[np.int64]:
    """Semitones between the melody's successive notes inside phrases."""
    notes = melody(piece)
    ends = np.array([p.end for p in piece.phrases])
    phrase = np.searchsorted(ends, [n.start for n in notes], side="right")
    steps = np.diff([n.pitch for n in notes])
    return np.asarray(steps[np.diff(phrase) == 0], np.int64)


def step_share(piece: Piece) -> float:
    """Share of the melody's moves that are one or two semitones; repeats are no moves, and of none all are steps."""
    moves = intervals(piece)
    return share_of(np.abs(moves[moves != 0]) <= 2, 1.0)


def falling_share(piece: Piece) -> float:
    """Share of the melody's moves that fall; a half where nothing moves."""
    moves = intervals(piece)
    return share_of(moves[moves != 0] < 0, 0.5)


def share_of(found: NDArray[np.bool_], of_none: float) -> float:
    return float(found.mean()) if len(found) else of_none


def chord_at(piece: Piece, quarters: float) -> tuple[int, ...]:
    starts = [chord.start for chord in piece.chords]
    at = int(np.searchsorted(starts, quarters + 1e-6, side="right")) - 1
    return piece.chords[max(0, at)].pitch_classes


def dissonances(piece: Piece) -> float:
    """Melody and counter tones foreign to their chord that resolve by step down (or semitone up), a bar."""
    count = 0
    for part in (*piece.with_role("melody"), *piece.with_role("counter")):
        for now, after in pairwise(part.notes):
            if after.pitch - now.pitch not in (-2, -1, 1) or now.duration < 0.5 or now.end < after.start - 0.26:
                continue
            times = [now.start, *(c.start for c in piece.chords if now.start < c.start < now.end)]
            foreign = [t for t in times if now.pitch % 12 not in chord_at(piece, t)]
            resolved = after.pitch % 12 in chord_at(piece, after.start)
            count += bool(foreign and resolved and on_beat(piece, foreign[0]))
    return count / (piece.end / piece.bar_quarters)


def on_beat(piece: Piece, quarters: float) -> bool:
    beat = 1.5 if piece.metre[1] == 8 and piece.metre[0] % 3 == 0 else 1.0
    return abs(quarters / beat - round(quarters / beat)) < 1e-6


def chromatic_share(piece: Piece) -> float:
    """Share of chords that are chromatic in the key in which they stand."""
    return float(np.mean([is_outside(chord, piece.key) for chord in piece.chords]))


def is_outside(chord: Chord, home: Key) -> bool:
    """Whether a chord has a tone outside the key in which it stands, or is augmented."""
    numeral, above, mode = parsed(chord.numeral, home.mode)
    if numeral in HARMONIES:
        return is_chromatic(numeral, mode)
    return any((pc - home.tonic - above) % 12 not in BELONGING[mode] for pc in chord.pitch_classes)


def minorness(piece: Piece) -> float:
    """Best minor less best major correlation of the duration-weighted pitch classes (Bellman-Budge profiles)."""
    weight = np.zeros(12)
    for note in pitched_notes(piece):
        weight[note.pitch % 12] += note.duration
    best = [max(np.corrcoef(np.roll(p, k), weight)[0, 1] for k in range(12)) for p in (MINOR, MAJOR)]
    return float(best[0] - best[1])


def longest_hole_s(piece: Piece) -> float:
    """The longest time in which nothing sounds, in seconds."""
    notes = all_notes(piece)
    starts, ends = piece.tempo.seconds([n.start for n in notes]), piece.tempo.seconds([n.end for n in notes])
    until = np.concatenate([[0.0], np.maximum.accumulate(ends)[:-1]])
    return float(max(0.0, (starts - until).max()))


def silent_share(piece: Piece) -> float:
    """The share of the written piece in which nobody sounds."""
    silent, until = 0.0, 0.0
    for note in all_notes(piece):
        silent, until = silent + max(0.0, note.start - until), max(until, note.end)
    return silent / piece.end


def top_line(piece: Piece) -> list[int]:
    """The highest pitch that begins at each onset, over all parts."""
    top: dict[float, int] = {}
    for note in pitched_notes(piece):
        top[note.start] = max(note.pitch, top.get(note.start, 0))
    return [top[start] for start in sorted(top)]


def longest_return(piece: Piece) -> float:
    """The longest run of intervals of the top line that occurs twice, as a share of the line."""
    steps = np.diff(top_line(piece)).tolist()
    low, high = 0, len(steps) - 1
    while low < high:
        size = (low + high + 1) // 2
        seen = Counter(tuple(steps[k : k + size]) for k in range(len(steps) - size + 1))
        low, high = (size, high) if max(seen.values()) > 1 else (low, size - 1)
    return low / max(1, len(steps))


Bar = tuple[tuple[float, float, int], ...]


def bars(piece: Piece, notes: Iterable[Note], *, what: Callable[[Note], int]) -> list[Bar]:
    """Each bar's notes as (place, length, `what` of the note), place and length in quarters."""
    length = piece.bar_quarters
    found: list[list[tuple[float, float, int]]] = [[] for _ in range(max(1, int(np.ceil(piece.end / length - 1e-6))))]
    for note in notes:
        bar = min(int(note.start / length + 1e-6), len(found) - 1)
        found[bar].append((round(note.start - bar * length, 3), round(note.duration, 3), what(note)))
    return [tuple(sorted(bar)) for bar in found]


def shared_bars(one: Piece, other: Piece) -> int:
    """The longest run of successive bars, not all empty, that two pieces have in common over all parts."""
    a, b = (bars(p, all_notes(p), what=lambda n, p=p: n.pitch - p.key.tonic) for p in (one, other))  # type: ignore[misc]
    best, row = 0, np.zeros(len(b) + 1, int)
    for bar in a:
        same = np.array([bool(bar) and bar == there for there in b])
        row = np.concatenate([[0], np.where(same, row[:-1] + 1, 0)])
        best = max(best, int(row.max()))
    return best


def figures(notes: Sequence[Note], size: int) -> Counter[tuple[float, ...]]:
    """Figures of `size` notes: intervals clipped to an octave, and ratios of inter-onset times from the second on."""
    if len(notes) < size:
        return Counter()
    leaps = np.clip(np.diff([n.pitch for n in notes]), -12, 12)
    gaps = np.maximum(np.diff([n.start for n in notes]), 1e-6)
    ratios = gaps[1:] / gaps[:-1]
    snapped = RATIOS[np.abs(np.log(ratios[:, None] / RATIOS)).argmin(axis=1)] if len(ratios) else ratios
    return Counter(
        (*leaps[k : k + size - 1].tolist(), *snapped[k : k + size - 2].tolist()) for k in range(len(notes) - size + 1)
    )


def figure_overlap(one: Piece, other: Piece, size: int = 6) -> float:
    """O_n: share of the figures in the melody of `one` that occur in the melody of `other`."""
    mine, theirs = figures(melody(one), size), figures(melody(other), size)
    return sum(count for figure, count in mine.items() if figure in theirs) / max(1, sum(mine.values()))


def likeness(pattern: Sequence[Note], line: Sequence[Note]) -> float:
    """How like a tune two lines are, 0 to 1, by the cheapest alignment of their intervals and lengths.

    A step of the alignment costs up to a half for the interval (full from four semitones on) and a half for another
    length; a tone too many or too few costs one.
    """
    (a, b), (x, y) = ((np.diff([n.pitch for n in notes]), [n.duration for n in notes]) for notes in (pattern, line))
    row = np.arange(len(x) + 1, dtype=float)
    for k in range(len(a)):
        above, row = row, np.concatenate([[k + 1.0], np.zeros(len(x))])
        for m in range(len(x)):
            apart = 0.5 * min(1.0, abs(int(a[k]) - int(x[m])) / 4) + 0.5 * (abs(b[k] - y[m]) > 0.01)
            row[m + 1] = min(above[m] + apart, above[m + 1] + 1, row[m] + 1)
    return float(max(0.0, 1 - row[-1] / max(1, len(a))))


def returns_of(pattern: Sequence[Note], piece: Piece, least: float = 0.7) -> list[tuple[float, float]]:
    """Where a tune is heard in the melody, as (start in quarters, likeness), the places not overlapping."""
    line = melody(piece)
    found = []
    for k in range(len(line) - len(pattern) + 1):
        like = likeness(pattern, line[k : k + len(pattern)])
        if like >= least:
            found.append((like, k))
    taken: list[tuple[int, float]] = []
    for like, k in sorted(found, key=lambda pair: (-pair[0], pair[1])):
        if all(abs(k - other) >= len(pattern) for other, _ in taken):
            taken.append((k, like))
    return sorted((line[k].start, like) for k, like in taken)


def repeated_bars(found: Sequence[Bar]) -> float:
    """Share of the bars with notes that repeat an earlier bar."""
    full = [bar for bar in found if bar]
    return 1 - len(set(full)) / max(1, len(full))


def voice_bars_repeated(piece: Piece) -> float:
    return repeated_bars(bars(piece, melody(piece), what=lambda n: n.pitch))


def voice_rhythm_repeated(piece: Piece) -> float:
    return repeated_bars(bars(piece, melody(piece), what=lambda n: 0))


def accompaniment_rhythm_repeated(piece: Piece) -> float:
    notes = [note for part in without_beds(piece.parts) if part.role != "melody" for note in part.notes]
    onsets = bars(piece, notes, what=lambda n: 0)
    return repeated_bars([tuple((at, 0.0, 0) for at in sorted({place for place, _, _ in bar})) for bar in onsets])


def pitch_entropy(piece: Piece, window: int = 4) -> float:
    """H_n: entropy of pitch classes in bits, mean over sliding windows of `window` bars."""
    count = max(1, int(np.ceil(piece.end / piece.bar_quarters - 1e-6)))
    chroma = np.zeros((count, 12))
    for note in pitched_notes(piece):
        chroma[min(int(note.start / piece.bar_quarters + 1e-6), count - 1), note.pitch % 12] += 1
    found = []
    for k in range(max(1, count - window + 1)):
        share = chroma[k : k + window].sum(axis=0)
        share = share[share > 0] / share.sum()
        found.append(float(-(share * np.log2(share)).sum()))
    return float(np.mean(found))


def groove_similarity(piece: Piece) -> float:
    """GS: mean over pairs of bars of the share of sixteenths that agree in having an onset or none."""
    count, length = max(1, int(np.ceil(piece.end / piece.bar_quarters - 1e-6))), piece.bar_quarters
    grid = np.zeros((count, round(length * STEPS_A_QUARTER)), bool)
    for note in all_notes(piece):
        bar = min(int(note.start / length + 1e-6), count - 1)
        grid[bar, min(int((note.start - bar * length) * STEPS_A_QUARTER + 1e-6), grid.shape[1] - 1)] = True
    same = 1 - (grid[:, None, :] ^ grid[None, :, :]).mean(axis=2)
    return float(same[np.triu_indices(count, 1)].mean()) if count > 1 else 1.0


def answered_leaps(piece: Piece) -> float:
    """Share of the melody's leaps of a fourth or more that are answered by a move the other way within two notes."""
    notes = melody(piece)
    pitches = np.array([n.pitch for n in notes])
    asked = answered = 0
    for k in range(1, len(pitches) - 1):
        leap = pitches[k] - pitches[k - 1]
        if abs(leap) >= 5 and notes[k].start - notes[k - 1].end < 0.5:
            asked += 1
            answered += any(
                np.sign(pitches[j + 1] - pitches[j]) == -np.sign(leap) for j in range(k, min(k + 2, len(pitches) - 1))
            )
    return answered / asked if asked else 1.0


def thinning(piece: Piece) -> float:
    """Share of bars in which fewer than all parts sound."""
    length = piece.bar_quarters
    count = max(1, int(np.ceil(piece.end / length - 1e-6)))
    parts = without_beds(piece.parts)
    sounding = np.zeros((len(parts), count), bool)
    for row, part in zip(sounding, parts, strict=True):
        for note in part.notes:
            row[int(note.start / length + 1e-6) : int(np.ceil(note.end / length - 1e-6))] = True
    return float((~sounding.all(axis=0)).mean())
