"""Players beside each other: the two hands of a pianist, and strings that breathe as one.

A hand or a bow looks at nothing but its own part, the phrases and the seed: another player beside it changes nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.performance.timing import pink
from melancholia.piece import Note, Part, Phrase, Piece
from melancholia.streams import generator

RIGHT = ("melody", "counter")  # what a pianist's right hand plays; the left hand has the rest
HAND_DB = 1.2  # the right hand above the middle, the left hand below
# In a chord the top is brought out (people: by 15 of velocity over the mean of the rest), then the ground
TOP_DB, INNER_DB, GROUND_DB = 2.6, -2.6, -1.0
BAR_DB, HALF_DB, BEAT_DB, OFF_DB = 1.2, 0.4, -0.2, -1.2  # accents: on the bar, its middle, other beats, between them
FINGER_DB = 1.3  # how uneven fingers are from tone to tone, SD
DRIFT_DB = 0.6  # how unevenly a hand plays over time, 1/f
COMMON_MS = 5.0  # of a player's own clock, the same in both hands
FINGER_MS = 11.0  # SD of the tones of a chord; all of a chord lie within 33 ms in the median (ASAP)
ROLL_MS, LONGEST_ROLL_MS = (35.0, 60.0), 240.0  # from tone to tone of a rolled chord; all in all
SLOW_S, SLOWEST_S = 0.6, 1.8  # time to the next chord where rolling begins, and where it is likeliest
REACH = 15  # semitones that a hand can grip: what is wider for two of them has to be rolled
ROLLED = 0.12  # of chords that could be gripped: rolled all the same, where there is most time
ENTRY_MS, ENTRY_SD_MS, DESK_SD_MS = 6.0, 14.0, 5.0  # how late strings enter a phrase, all alike; and each its own
BREATH_MS = (60.0, 120.0)  # between two phrases of everyone who bows or blows


def is_right(part: Part) -> bool:
    return part.role in RIGHT


def places_in_chords(notes: Sequence[Note]) -> list[tuple[int, int]]:
    """For each note of a part its place in its chord, from below, and how many tones that has."""
    size: dict[float, int] = {}
    place = []
    for note in notes:
        place.append(size.get(note.start, 0))
        size[note.start] = place[-1] + 1
    return [(k, size[note.start]) for k, note in zip(place, notes, strict=True)]


def hand_db(part: Part, piece: Piece, *, voicing: float, k: float, seed: int) -> NDArray[np.float64]:
    """Level of each note of who strikes or plucks.

    It is the hand's own, its voicing of chords, the bar's accents (half in a melody), uneven fingers, and a slow
    drift. `voicing` is how strong the first three are, `k` the others.
    """
    right = is_right(part)
    level = []
    for note, (place, size) in zip(part.notes, places_in_chords(part.notes), strict=True):
        voiced = 0.0 if size == 1 else TOP_DB if place == size - 1 else GROUND_DB if place == 0 else INNER_DB
        level.append(voiced + accent_db(note.start, piece.metre) * (0.5 if part.role == "melody" else 1.0))
    rng = generator(seed, "hand", part.name)
    uneven = DRIFT_DB * pink(len(part.notes), rng) + FINGER_DB * rng.normal(size=len(part.notes))
    return np.asarray(voicing * ((HAND_DB if right else -HAND_DB) + np.array(level)) + k * uneven)


def gripped(pitches: Sequence[int]) -> bool:
    """Whether two hands grip all of some pitches, from below, at once."""
    return any(
        pitches[k - 1] - pitches[0] <= REACH and (k == len(pitches) or pitches[-1] - pitches[k] <= REACH)
        for k in range(1, len(pitches) + 1)
    )


def accent_db(start: float, metre: tuple[int, int]) -> float:
    """How much a note is accented for its place in the bar, in quarters; of 6/8 a beat is three eighths."""
    count, unit = metre
    compound = unit >= 8 and count > 3 and count % 3 == 0
    beat, bar = 4 / unit * (3 if compound else 1), 4 * count / unit
    halves = [(HALF_DB, bar / 2)] if round(bar / beat) % 2 == 0 else []
    for level, step in ((BAR_DB, bar), *halves, (BEAT_DB, beat)):
        if min(start % step, step - start % step) < 1e-3:
            return level
    return OFF_DB


def rolls_ms(part: Part, onset_s: NDArray[np.float64], *, k: float, seed: int) -> NDArray[np.float64]:
    """How late each tone of a part's chords comes: struck together as fingers do it, in no order, or rolled from below.

    What no hand can grip is rolled, of the rest little, and only where there is time.
    """
    notes, places = part.notes, places_in_chords(part.notes)
    times = np.unique(onset_s)
    after = np.append(np.diff(times), SLOWEST_S)[np.searchsorted(times, onset_s)]
    slow = np.clip((after - SLOW_S) / (SLOWEST_S - SLOW_S), 0, 1)
    rng = generator(seed, "rolls", part.name)
    late = k * FINGER_MS * rng.normal(size=len(notes))
    first = 0
    while first < len(notes):
        size = places[first][1]
        chord = notes[first : first + size]
        likely = ROLLED * k if gripped([note.pitch for note in chord]) else 1.0
        rolled, step = rng.random() < likely * slow[first], rng.uniform(*ROLL_MS)
        if rolled and size > 2:
            late[first : first + size] = np.arange(size) * min(step, LONGEST_ROLL_MS / (size - 1))
        elif size == 1:
            late[first] = 0.0
        first += size
    return np.asarray(late)


def player_ms(instrument: str, starts: NDArray[np.float64], end: float, *, k: float, seed: int) -> NDArray[np.float64]:
    """A player's own unevenness at some times in quarters: the same for all that one plays."""
    beats = np.arange(0.0, end + 1.5, 0.5)
    return np.asarray(np.interp(starts, beats, k * COMMON_MS * pink(len(beats), generator(seed, "player", instrument))))


def phrase_of(phrases: Sequence[Phrase], starts: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the phrase in which each time in quarters lies."""
    return np.asarray(np.searchsorted([p.start for p in phrases], starts + 1e-6, side="right") - 1, np.int64)


def entries_ms(part: Part, phrases: Sequence[Phrase], *, k: float, seed: int) -> NDArray[np.float64]:
    """How late each tone of a held part comes: in each phrase all who hold tones alike, and each a little its own."""
    starts = np.array([n.start for n in part.notes])
    common = ENTRY_MS + generator(seed, "entry").normal(0, ENTRY_SD_MS, len(phrases) + 1)
    own = generator(seed, "desk", part.name).normal(0, DESK_SD_MS, len(starts))
    return np.asarray(k * (common[phrase_of(phrases, starts)] + own))


def breaths_s(phrases: Sequence[Phrase], seed: int) -> NDArray[np.float64]:
    """The rest before each phrase in seconds, the same for all who breathe."""
    return np.asarray(generator(seed, "breath").uniform(*BREATH_MS, len(phrases)) / 1000)
