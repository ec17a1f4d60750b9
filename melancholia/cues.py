"""The cues of sadness: the one table that composition aims at, analysis measures and scoring judges.

`TABLE` holds what ears judge a recording by; `written` reads from notes what notes carry of it.
Directions and sources: Eerola, Friberg & Bresin 2013 (Front. Psychol. 4:487: 200 melodies in which mode, rate, level,
register, articulation and timbre were varied independently) where it varied the cue; else the medians of 900 clips
labelled by mood (Panda, Malheiro & Paiva 2018, "4QAED"), or the reviews of Juslin & Laukka 2003 ("J&L").
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing that ears judge by: `low` to `high` in `unit`; `direction` +1 when more of it is sadder, -1 when less.

    `tolerance` is how far outside its band a value may lie and still pass, in the cue's unit. `of` says whether it is
    the music's or the sound's.
    """

    name: str
    unit: str
    low: float
    high: float
    direction: int
    tolerance: float
    about: str
    source: str
    of: str = "sound"


FACTORIAL = "Eerola, Friberg & Bresin 2013"  # with the share of variance that the cue explains
CLIPS = "4QAED, sad against the rest"
TABLE = (
    Cue("mode", "index", -2, 2, 1, 0.03, "minor against major, moment by moment", f"{FACTORIAL}: .535", "music"),
    Cue("event_rate", "onsets/s", 0, 20, -1, 0.1, "how many tones begin in a second", f"{FACTORIAL}: .213", "music"),
    Cue("stroke_rate", "rises/s", 0, 30, -1, 0.3, "how often the spectrum rises", f"{CLIPS}: AUC .74", "music"),
    Cue("register", "MIDI pitch", 20, 110, -1, 1.0, "mean height of what sounds", f"{FACTORIAL}: .006", "music"),
    Cue("brightness", "Hz", 0, 11_025, -1, 60, "centroid of the spectrum", f"{FACTORIAL}: .012"),
    Cue("articulation", "dB", 0, 60, 1, 2.0, "how far the level falls between tones", f"{CLIPS}: 3.4 dB, happy 1.5"),
    Cue("legato", "share", 0, 1, 1, 0.03, "how much of the time tones fill", f"{FACTORIAL}: .037", "music"),
    Cue("fast_modulation", "share", 0, 1, -1, 0.02, "movement of the level at 8 to 20 Hz", f"{CLIPS}: AUC .76"),
    Cue("slow_modulation", "share", 0, 1, 1, 0.04, "movement of the level slower than 1 Hz", f"{CLIPS}: AUC .70"),
    Cue("persistence", "s", 0, 30, 1, 0.15, "how long a moment of the music lasts", "r -.7 with our rates", "music"),
    Cue("flux", "ratio", 0, 2, -1, 0.004, "how much of the spectrum is new in each frame", f"{CLIPS}: low is sad"),
    Cue("contrast", "dB", 0, 80, 1, 2.5, "peaks over valleys, 200 to 400 Hz", f"{CLIPS}: AUC .78"),
    Cue("high_energy", "dB", -100, 0, -1, 3.0, "energy above 2 kHz of the whole", f"{CLIPS}: -13.0 dB"),
    Cue("peaks", "count", 0, 500, -1, 2.0, "partials that stand out at once", f"{CLIPS}: AUC .73"),
    Cue("level_range", "dB", 0, 80, 1, 3.0, "soft to loud inside the piece (P5 to P95)", f"{CLIPS}: AUC .67"),
    Cue("chord_clarity", "cosine", 0, 1, 1, 0.04, "how plainly chords are heard", f"{CLIPS}: AUC .75", "music"),
    Cue("chroma_entropy", "nats", 0, 2.485, -1, 0.12, "how many tones are in use", f"{CLIPS}: AUC .71", "music"),
    Cue("tonal_clarity", "correlation", -1, 1, -1, 0.06, "how surely a key is heard", "EMOPIA: AUC .34", "music"),
    Cue("roughness", "index", 0, 1, -1, 0.01, "beating of close partials", f"{CLIPS}: tense, not sad, .69"),
    Cue("space", "s", 0, 30, 1, 0.8, "how long sound takes to die away (60 dB)", "J&L; a cue of mood"),
    Cue("stereo_width", "dB", -120, 20, 1, 0.6, "side against middle", "a cue of mood"),
    Cue("loudness", "LUFS", -120, 20, -1, 1.0, "integrated loudness", "ITU-R BS.1770"),
    Cue("key_mode", "index", -2, 2, 1, 0.05, "minor against major, in windows of 30 s", "scores: AUC .92", "music"),
    Cue("diminished", "share", 0, 1, 1, 0.03, "diminished chords of all", f"{CLIPS}: against calm .63", "music"),
    Cue("harmonic_change", "distance", 0, 3, 1, 0.02, "harmony against 0.1 s ago", f"{CLIPS}: AUC .73", "music"),
    Cue("pulse_clarity", "correlation", -1, 1, -1, 0.08, "how plainly a beat is heard", f"{CLIPS}: AUC .62", "music"),
    Cue("tremor", "share", 0, 1, -1, 0.02, "movement of the level at 4 to 8 Hz", f"{CLIPS}: AUC .74"),
    Cue("attack", "ms", 0, 400, 1, 10, "how long tones take to rise", f"{CLIPS}: AUC .63"),
    Cue("slope", "dB/octave", -40, 20, -1, 1.0, "fall of the spectrum toward the highs", f"{CLIPS}: AUC .69"),
    Cue("percussiveness", "log ratio", -5, 5, -1, 0.1, "strokes against held tones", f"{CLIPS}: AUC .71"),
    Cue("pitch_range", "semitones", 0, 60, -1, 1.0, "how far pitch goes up and down", "EMOPIA: 10.3 of 11.5", "music"),
    Cue("vibrato", "cents", 0, 200, 1, 5.0, "how far tones sway", "J&L: slow vibrato"),
    Cue("glides", "share", 0, 1, 1, 0.03, "how often tones slide", "Huron, Anderson & Shanahan 2014", "music"),
)  # fmt: skip
CUES: Mapping[str, Cue] = {cue.name: cue for cue in TABLE}

# Bellman-Budge key profiles, C major and C minor: they tell minor best (AUC .946 on rendered scores)
MAJOR = np.array([16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57])
MINOR = np.array([18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21])


def standard(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = rows - rows.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.maximum(np.sqrt((centred**2).mean(axis=-1, keepdims=True)), 1e-12))


KEYS = standard(np.array([np.roll(profile, k) for profile in (MAJOR, MINOR) for k in range(12)]))


def key_strength(chroma: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mode index (best minor minus best major correlation) and tonal clarity (the best of all) of chroma (n, 12)."""
    found = standard(np.asarray(chroma, np.float64)) @ KEYS.T / 12
    major, minor = found[:, :12].max(axis=1), found[:, 12:].max(axis=1)
    return minor - major, np.maximum(minor, major)


TONES_HEARD, WINDOWS_S = 8.0, (3.0, 12.0)  # of a mode's window: tones that begin in it, and its bounds in s


def mode_window_s(rate: float) -> float:
    """How long a moment in which the mode is read is: three seconds, or eight tones where fewer begin in them.

    People hear the colour of the moment, not the key of the piece; but a single line tells its mode in as many tones,
    not seconds. A window that goes with the pace holds as many chords when the same music is played slower.
    """
    return float(np.clip(TONES_HEARD / max(rate, 1e-3), *WINDOWS_S))
