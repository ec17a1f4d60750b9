"""The melody's own time: lengths of its tones that all parts follow.

Rules of the KTH system as in Director Musices: duration contrast, melodic charge, tones about leaps, harmonic charge.
Each changes the time from one onset of the melody to the next; as factors of the tempo they move everybody alike, so
the others stay with the melody.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melancholia.performance.touch import MELODIC_CHARGE, contrast_ms, harmonic_charge
from melancholia.piece import Chord, Key, Note, TempoMap

LONGER_BY_CHARGE = 150.0  # a charge of 6.5 lengthens by 4 % at k = 1
LEAP = 3  # semitones: the least that is a leap
UP_MS, DOWN_MS, BEFORE_DOWN_MS = 4.2, -4.2, 2.4  # of the tone leapt to, and of the one before a fall; times sqrt(leap)
LONGER_BY_HARMONY = 0.018  # under the square root, for each dB that a chord is stressed by
LEAST, MOST = 0.8, 1.25  # of a tone's length, whatever the rules add up to


def tone_factors(
    line: Sequence[Note],
    chords: Sequence[Chord | None],
    ioi_ms: NDArray[np.float64],
    *,
    contrast_k: ArrayLike,
    charge_k: ArrayLike,
) -> NDArray[np.float64]:
    """Length factor of each tone of a line, by its interval to the next onset in ms and the chord it stands in.

    `contrast_k` and `charge_k` have one entry a tone, or are one for all.
    """
    if not line:
        return np.ones(0)
    charge_k = np.broadcast_to(np.asarray(charge_k, float), len(line))
    added = np.broadcast_to(np.asarray(contrast_k, float), len(line)) * contrast_ms(ioi_ms, k=1)
    leaps = np.diff([n.pitch for n in line])
    size = charge_k[1:] * np.sqrt(np.abs(leaps)) * (np.abs(leaps) >= LEAP)
    added[1:] += size * np.where(leaps > 0, UP_MS, DOWN_MS)
    added[:-1] += size * np.where(leaps > 0, -UP_MS, BEFORE_DOWN_MS)
    charge = np.array(
        [
            0.0 if chord is None else MELODIC_CHARGE[(note.pitch - chord.pitch_classes[0]) % 12]
            for note, chord in zip(line, chords, strict=True)
        ]
    )
    factor = (1 + added / np.maximum(ioi_ms, 1.0)) * (1 + charge_k * charge / LONGER_BY_CHARGE)
    return np.asarray(np.clip(factor, LEAST, MOST))


def chord_factors(chords: Sequence[Chord], home: Key, *, k: ArrayLike) -> NDArray[np.float64]:
    """Length factor of the time of each chord: remarkable ones are given a little more."""
    stress_db = 1.5 * np.asarray(k, float) * np.sqrt([harmonic_charge(chord, home) for chord in chords])
    return np.asarray(np.sqrt(1 + LONGER_BY_HARMONY * stress_db))


def onset_intervals_ms(line: Sequence[Note], tempo: TempoMap) -> NDArray[np.float64]:
    """Time from each onset of a line to the next in ms; the last tone's is its length."""
    if not line:
        return np.zeros(0)
    return np.asarray(1000 * np.diff(tempo.seconds([*(n.start for n in line), line[-1].end])))


def at_steps(
    times: NDArray[np.float64], starts: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values that hold from each start to the next, at some times; 1 before the first."""
    if not len(starts):
        return np.ones(len(times))
    k = np.searchsorted(starts, times + 1e-6, side="right") - 1
    return np.asarray(np.where(k >= 0, values[np.maximum(k, 0)], 1.0))
