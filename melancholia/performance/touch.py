"""Touch: how loud each note is and how long it is held.

Levels are in dB until the end, where a dB is `VELOCITY_PER_DB` of MIDI velocity. Sources: KTH rules as in Director
Musices (high-loud, melodic and harmonic charge, duration contrast, legato, noise); see each function.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.piece import Chord, Key, Phrase

VELOCITY_PER_DB = 3.2  # an instrument's 20-odd dB between velocity 30 and 105
MELODIC_CHARGE = np.array([0, 6.5, 2, 4.5, 4, 2.5, 6, 1, 5.5, 3, 3.5, 5])  # by semitones above the chord's root
HARMONIC_CHARGE = {  # by the chord's root above the tonic
    "minor": np.array([0.3, 8, 2.5, 7, 3, 3.5, 7, 2, 6.5, 1.5, 6, 5.5]),
    "major": np.array([0, 7, 4, 3.5, 6, 3, 7.5, 1.5, 4, 6, 3.5, 7]),
}
DIMINISHED_CHARGE = 5.0
MOTOR_SD_MS = 6.8  # sum of three uniforms, white
LEVEL_SD_DB = 1.0


def contrast_ms(ioi_ms: NDArray[np.float64], *, k: float) -> NDArray[np.float64]:
    """Change of an interval's length in ms: at negative k short notes grow a little (30 to 600 ms only)."""
    d = np.asarray(ioi_ms, float)
    short = -(11 / 170) * (d - 30)
    middle = -(4 / 200) * (400 - d) - 7
    long = -(7 / 200) * (600 - d)
    delta = np.where(d < 200, short, np.where(d < 400, middle, long))
    return np.asarray(np.where((d > 30) & (d < 600), 1.5 * k * delta, 0.0))


def contrast_db(ioi_ms: NDArray[np.float64], *, k: float) -> NDArray[np.float64]:
    """Level change that goes with `contrast_ms`."""
    return np.asarray(0.075 * contrast_ms(ioi_ms, k=k) / 1.5)


def legato_ms(ioi_ms: NDArray[np.float64], *, k: float) -> NDArray[np.float64]:
    """How long a tone sounds into the next, in ms, for intervals in ms; k 0 (none) to 5; never negative."""
    d = np.asarray(ioi_ms, float)
    if k <= 0:
        return np.zeros_like(d)
    if k <= 1:
        overlap = d * ((-0.0043 * k - 0.0066) * d + 5.8533 * k + 11.315) / 100
    else:
        overlap = d * ((0.00005 * k - 0.011) * d + 1.105 * k + 16.063) / 100
    return np.asarray(np.maximum(overlap, 0.0))


def high_loud_db(pitch: NDArray[np.float64], *, k: float) -> NDArray[np.float64]:
    """3 dB an octave about the part's mean, for k = 1."""
    return np.asarray(k * (pitch - pitch.mean()) / 4) if len(pitch) else np.zeros(0)


def melodic_charge_db(pitch: int, chord: Chord | None, *, k: float) -> float:
    """Tones far from the chord's root are stressed."""
    if chord is None:
        return 0.0
    return 0.2 * k * float(MELODIC_CHARGE[(pitch - chord.pitch_classes[0]) % 12])


def harmonic_charge(chord: Chord, home: Key) -> float:
    """How remarkable a chord is in a key, by the distance of its root."""
    if "°" in chord.numeral or "ø" in chord.numeral:
        return DIMINISHED_CHARGE
    return float(HARMONIC_CHARGE[home.mode][(chord.pitch_classes[0] - home.tonic) % 12])


def harmonic_curve_db(chords: Sequence[Chord], home: Key, at: NDArray[np.float64], *, k: float) -> NDArray[np.float64]:
    """Level at times `at`: swells toward remarkable chords, 1.5 k sqrt(charge) dB."""
    if not chords:
        return np.zeros(len(at))
    starts = np.array([c.start for c in chords])
    level = np.array([1.5 * k * np.sqrt(harmonic_charge(c, home)) for c in chords])
    return np.asarray(np.interp(at, starts, level - level.mean()))


def arch_db(phrase: Phrase, at: NDArray[np.float64], *, k: float, amp: float) -> NDArray[np.float64]:
    """Level in a phrase: -0.5 k amp dB at its start, 0 at its peak, -k amp dB at its end."""
    long = max(phrase.end - phrase.start, 1e-9)
    turn = np.clip((phrase.peak - phrase.start) / long, 0.25, 0.7)
    u = (np.asarray(at, float) - phrase.start) / long
    rise = -0.5 * k * amp * np.clip(1 - u / turn, 0, 1) ** 2
    fall = -1.0 * k * amp * np.clip((u - turn) / (1 - turn), 0, 1) ** 2
    return np.asarray(rise + fall)


def motor_ms(count: int, *, k: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Displacements of onsets in ms: three uniforms summed, SD 6.8 ms at k = 1."""
    width = MOTOR_SD_MS * 2
    return np.asarray(k * rng.uniform(-width / 2, width / 2, (3, count)).sum(axis=0))


def noise_db(count: int, *, k: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Uneven levels, SD 1 dB at k = 1."""
    return np.asarray(k * LEVEL_SD_DB * rng.uniform(-1, 1, (3, count)).sum(axis=0))
