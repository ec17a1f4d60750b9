"""Keys of written music: the home that it begins and ends in, and the key of each bar on the way.

Home is one of the two keys of the signature (as 91 of 95 songs with human analyses agree); each bar then stands in the
key that explains the tones of the bars about it best, where every change of key costs. Both read notes alone.
"""

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.measures import MAJOR, MINOR
from melancholia.cues import KEYS
from melancholia.piece import MODES, Key
from melancholia.reading import steadiest

PROFILES = np.array([MAJOR, MINOR])  # share of each degree
LAST_BASS = 0.25  # of correlation, for the key whose tonic the last bass note is
SOFT = 0.6  # power of a profile's shares: tones of a bar are not independent of one another
CHANGE = 4.0  # nats that a change of key must be worth
AT_HOME, SIGNED = 0.9, 0.2  # nats a bar for the home key, and for the keys of its signature


def home_key(notes: NDArray[np.int64], fifths: int) -> Key:
    """The key that a stretch with this signature (sharps, or flats below 0) is in: major, or its relative minor.

    `notes` are rows of start, length and pitch, the last of them the end.
    """
    weight = np.asarray(np.bincount(notes[:, 2] % 12, notes[:, 1], 12), np.float64)
    end = notes[:, 0] + notes[:, 1]
    last = int(notes[end >= end.max() - 6, 2].min()) % 12
    major = 7 * fifths % 12
    minor = (major + 9) % 12
    fits = [
        correlation(KEYS[number * 12 + tonic], weight) + LAST_BASS * (last == tonic)
        for number, tonic in ((0, major), (1, minor))
    ]
    return Key(major, "major") if fits[0] >= fits[1] else Key(minor, "minor")


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(other) > 0 else 0.0


def keys_of_bars(chroma: NDArray[np.float64], homes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The key of each bar as (tonic, 0 major or 1 minor), shape (bars, 2).

    Parameters
    ----------
    chroma : array (bars, 12)
        Time of each pitch class in each bar.
    homes : array (bars, 2)
        Home at each bar (it changes where the signature does), as the result.
    """
    share = chroma / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-9)
    log = np.log(PROFILES / PROFILES.sum(axis=1, keepdims=True))
    states = np.array([np.roll(log[mode], tonic) for mode in range(2) for tonic in range(12)])
    fit = SOFT * 12 * share @ states.T
    bars = np.arange(len(chroma))
    tonic, mode = homes[:, 0], homes[:, 1]
    relative = (tonic + np.where(mode == 1, 3, 9)) % 12
    fit[bars, mode * 12 + tonic] += AT_HOME + SIGNED
    fit[bars, (1 - mode) * 12 + relative] += SIGNED
    path = np.array(steadiest(fit, CHANGE), np.int64)
    return np.column_stack([path % 12, path // 12])


def as_pair(key: Key) -> tuple[int, int]:
    """A key as the rows of `keys_of_bars` say it."""
    return key.tonic, int(key.mode == MODES[0])
