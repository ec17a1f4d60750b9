"""Players beside each other: the two hands of a pianist, and strings that breathe as one.

A hand or a bow looks at nothing but its own part, the phrases and the seed: another player beside it changes nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.performance.timing import pink
from melancholia.piece import Note, Part, Phrase
from melancholia.streams import generator

RIGHT = ("melody", "counter")  # what a pianist's right hand plays; the left hand has the rest
HAND_DB = 0.7  # the right hand above the middle, the left hand below
TOP_DB, INNER_DB, GROUND_DB = 0.0, -2.0, 0.5  # in a chord: its top under the right hand, inner tones, its lowest
DRIFT_DB = 0.6  # how unevenly a hand plays over time, 1/f
COMMON_MS = 5.0  # of a player's own clock, the same in both hands
ROLL_MS, SLOW_ROLL_MS, LONGEST_ROLL_MS = 6.0, 34.0, 140.0  # a tone of a left hand's chord: quick; slow; all in all
SLOW_S, SLOWEST_S = 0.6, 1.8  # time to the next chord where rolling begins, and where it is widest
REACH = 12  # semitones: wider chords are rolled, closer ones hardly
CLOSE = 0.3
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


def hand_db(part: Part, *, k: float, seed: int) -> NDArray[np.float64]:
    """Level of each note of a struck part: the hand's own, its voicing of chords, its slow drift."""
    right = is_right(part)
    level = []
    for place, size in places_in_chords(part.notes):
        top, ground = place == size - 1, place == 0
        level.append(0.0 if size == 1 else TOP_DB if right and top else GROUND_DB if ground and not right else INNER_DB)
    drift = pink(len(part.notes), generator(seed, "hand", part.name))
    return np.asarray((HAND_DB if right else -HAND_DB) + np.array(level) + DRIFT_DB * k * drift)


def rolls_ms(part: Part, onset_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How late each tone of a left hand's chords comes, from below; wide chords with time to them are rolled."""
    notes, places = part.notes, places_in_chords(part.notes)
    times = np.unique(onset_s)
    after = np.append(np.diff(times), SLOWEST_S)[np.searchsorted(times, onset_s)]
    slow = np.clip((after - SLOW_S) / (SLOWEST_S - SLOW_S), 0, 1)
    late = np.zeros(len(notes))
    for k, (place, size) in enumerate(places):
        wide = notes[k - place + size - 1].pitch - notes[k - place].pitch > REACH
        step = ROLL_MS + SLOW_ROLL_MS * slow[k] * (1.0 if wide else CLOSE)
        late[k] = place * min(step, LONGEST_ROLL_MS / max(1, size - 1))
    return late


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
