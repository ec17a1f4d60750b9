"""The chords of a minor key as numbers: pitch classes above the tonic, root first, and the bass.

A numeral ends in its inversion where that is fixed: ``iv6`` has its third in the bass, ``Cad64`` is the tonic over
the dominant. `strain` 0..1 is how far from rest it lies, after the order of distances in Lerdahl & Krumhansl 2007.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from melancholia.cues import key_strength


@dataclass(frozen=True, slots=True)
class Harmony:
    """One chord: pitch classes above the tonic (root first), bass, strain, and whether it leaves the key."""

    pitch_classes: tuple[int, ...]
    bass: int
    strain: float
    chromatic: bool = False


HARMONIES: dict[str, Harmony] = {
    "i": Harmony((0, 3, 7), 0, 0.05),
    "i6": Harmony((0, 3, 7), 3, 0.2),
    "i7": Harmony((0, 3, 7, 10), 0, 0.3),
    "i42": Harmony((0, 3, 7, 10), 10, 0.4),
    "i9": Harmony((0, 3, 7, 2), 0, 0.15),
    "Cad64": Harmony((0, 3, 7), 7, 0.55),
    "iv": Harmony((5, 8, 0), 5, 0.35),
    "iv6": Harmony((5, 8, 0), 8, 0.4),
    "iv7": Harmony((5, 8, 0, 3), 5, 0.4),
    "iv64": Harmony((5, 8, 0), 0, 0.35),
    "ii°6": Harmony((2, 5, 8), 5, 0.5),
    "iiø7": Harmony((2, 5, 8, 0), 2, 0.55),
    "iiø65": Harmony((2, 5, 8, 0), 5, 0.5),
    "iiø42": Harmony((2, 5, 8, 0), 0, 0.5),
    "V": Harmony((7, 11, 2), 7, 0.6),
    "V6": Harmony((7, 11, 2), 11, 0.6),
    "V7": Harmony((7, 11, 2, 5), 7, 0.7),
    "V65": Harmony((7, 11, 2, 5), 11, 0.7),
    "V43": Harmony((7, 11, 2, 5), 2, 0.65),
    "V42": Harmony((7, 11, 2, 5), 5, 0.7),
    "Vb9": Harmony((7, 11, 2, 5, 8), 7, 0.85),
    "v": Harmony((7, 10, 2), 7, 0.4),
    "v6": Harmony((7, 10, 2), 10, 0.4),
    "VI": Harmony((8, 0, 3), 8, 0.3),
    "VImaj7": Harmony((8, 0, 3, 7), 8, 0.35),
    "VI6": Harmony((8, 0, 3), 0, 0.3),
    "III": Harmony((3, 7, 10), 3, 0.25),
    "III6": Harmony((3, 7, 10), 7, 0.3),
    "III+": Harmony((3, 7, 11), 3, 0.75, True),
    "VII": Harmony((10, 2, 5), 10, 0.35),
    "VII6": Harmony((10, 2, 5), 2, 0.4),
    "vii°7": Harmony((11, 2, 5, 8), 11, 0.85),
    "vii°43": Harmony((11, 2, 5, 8), 5, 0.8),
    "bII6": Harmony((1, 5, 8), 5, 0.75, True),
    "bII": Harmony((1, 5, 8), 1, 0.7, True),
    "It6": Harmony((8, 0, 6), 8, 0.85, True),
    "Ger6": Harmony((8, 0, 3, 6), 8, 0.9, True),
    "V7/iv": Harmony((0, 4, 7, 10), 0, 0.6, True),
    "V65/iv": Harmony((0, 4, 7, 10), 4, 0.65, True),
    "V7/V": Harmony((2, 6, 9, 0), 2, 0.7, True),
    "V65/V": Harmony((2, 6, 9, 0), 6, 0.75, True),
    "vii°7/V": Harmony((6, 9, 0, 3), 6, 0.9, True),
    "IV": Harmony((5, 9, 0), 5, 0.4, True),
    "IV6": Harmony((5, 9, 0), 9, 0.45, True),
    "i(maj7)": Harmony((0, 3, 7, 11), 0, 0.55),
    "i(6)": Harmony((0, 3, 7, 9), 0, 0.45),
    "i5": Harmony((0, 7), 0, 0.1),
    "isus2": Harmony((0, 2, 7), 0, 0.15),
    "I": Harmony((0, 4, 7), 0, 0.05),
    "I6": Harmony((0, 4, 7), 4, 0.2),
    "Iadd9": Harmony((0, 4, 7, 2), 0, 0.15),
    "Imaj7": Harmony((0, 4, 7, 11), 0, 0.3),
    "Cad64M": Harmony((0, 4, 7), 7, 0.5),
    "IV64": Harmony((5, 9, 0), 0, 0.35),
    "IVmaj7": Harmony((5, 9, 0, 4), 5, 0.35),
    "ii": Harmony((2, 5, 9), 2, 0.4),
    "ii6": Harmony((2, 5, 9), 5, 0.4),
    "ii65": Harmony((2, 5, 9, 0), 5, 0.45),
    "iii": Harmony((4, 7, 11), 4, 0.4),
    "vi": Harmony((9, 0, 4), 9, 0.3),
    "vi7": Harmony((9, 0, 4, 7), 9, 0.35),
    "bVI": Harmony((8, 0, 3), 8, 0.6),
    "V7/ii": Harmony((9, 1, 4, 7), 9, 0.65),
    "V7/IV": Harmony((0, 4, 7, 10), 0, 0.5),
}

HOME_CHORD = {"minor": "i", "major": "I"}
SCALES = {"minor": (0, 2, 3, 5, 7, 8, 10), "major": (0, 2, 4, 5, 7, 9, 11)}  # semitones above the tonic
# The minor scale with its leading tone: what counts as belonging to a key.
BELONGING = {"minor": (0, 2, 3, 5, 7, 8, 10, 11), "major": SCALES["major"]}


def is_chromatic(numeral: str, mode: str) -> bool:
    """Whether a chord has a tone outside its key, or is augmented."""
    harmony = HARMONIES[numeral]
    return harmony.chromatic or any(pc not in BELONGING[mode] for pc in harmony.pitch_classes)


HEARD_IN_KEY, BASS = 0.4, 0.5  # the tonic's share of what is heard with a chord; the bass tone's extra weight


@cache
def shade(numeral: str, mode: str) -> float:
    """The mode index of a moment that holds this chord and a memory of the tonic: above 0 it sounds minor.

    The mean of a progression, by length, goes with the mode index of the notes written on it (r .84 over 90 pieces).
    """
    harmony = HARMONIES[numeral]
    weight = np.zeros(12)
    weight[list(harmony.pitch_classes)] += 1
    weight[harmony.bass] += BASS
    tonic = np.isin(np.arange(12), HARMONIES[HOME_CHORD[mode]].pitch_classes)
    heard = (1 - HEARD_IN_KEY) * weight / weight.sum() + HEARD_IN_KEY * tonic / 3
    return float(key_strength(heard[None])[0][0])


def scale_for(harmony: Harmony, mode: str = "minor") -> tuple[int, ...]:
    """The seven tones that a melody uses over this chord: the key's scale, bent to the chord's own tones."""
    plain = SCALES[mode]
    tones = list(plain)
    for step, tone in enumerate(plain):
        for bent in (tone + 1, tone - 1):
            if bent % 12 in harmony.pitch_classes and bent % 12 not in plain and tone not in harmony.pitch_classes:
                tones[step] = bent
                break
    return tuple(tones)
