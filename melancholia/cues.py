"""The cues of sadness: the one table that composition aims at, analysis measures and scoring judges.

`TABLE` holds what ears judge a recording by; `from_piece` reads the same from notes, where notes carry it.
Directions and sources: Eerola, Friberg & Bresin 2013 (Front. Psychol. 4:487: 200 melodies in which mode, rate, level,
register, articulation and timbre were varied independently) where it varied the cue; else the medians of 900 clips
labelled by mood (Panda, Malheiro & Paiva 2018, "4QAED"), or the reviews of Juslin & Laukka 2003 ("J&L").
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.piece import Piece


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing that ears judge by: `low` to `high` in `unit`; `direction` +1 when more of it is sadder, -1 when less.

    `tolerance` is how far outside its band a value may lie and still pass, in the cue's unit.
    """

    name: str
    unit: str
    low: float
    high: float
    direction: int
    tolerance: float
    about: str
    source: str


FACTORIAL = "Eerola, Friberg & Bresin 2013"  # with the share of variance that the cue explains
CLIPS = "4QAED, sad against the rest"
TABLE = (
    Cue("mode", "index", -2, 2, 1, 0.03, "minor against major, in windows of 3 s", f"{FACTORIAL}: .535"),
    Cue("event_rate", "onsets/s", 0, 20, -1, 0.1, "how many tones begin in a second", f"{FACTORIAL}: .213"),
    Cue("register", "MIDI pitch", 20, 110, -1, 1.0, "mean height of what sounds", f"{FACTORIAL}: .006"),
    Cue("brightness", "Hz", 0, 11_025, -1, 60, "centroid of the spectrum", f"{FACTORIAL}: .012"),
    Cue("articulation", "dB", 0, 60, -1, 2.0, "how far the level falls between tones", f"{FACTORIAL}: .037"),
    Cue("fast_modulation", "share", 0, 1, -1, 0.02, "movement of the level at 8 to 20 Hz", f"{CLIPS}: AUC .76"),
    Cue("slow_modulation", "share", 0, 1, 1, 0.04, "movement of the level slower than 1 Hz", f"{CLIPS}: AUC .70"),
    Cue("flux", "ratio", 0, 2, -1, 0.004, "how much of the spectrum is new in each frame", f"{CLIPS}: low is sad"),
    Cue("contrast", "dB", 0, 80, 1, 2.5, "peaks over valleys, 200 to 400 Hz", f"{CLIPS}: AUC .78"),
    Cue("high_energy", "dB", -100, 0, -1, 3.0, "energy above 2 kHz of the whole", f"{CLIPS}: -13.0 dB"),
    Cue("peaks", "count", 0, 500, -1, 2.0, "partials that stand out at once", f"{CLIPS}: AUC .73"),
    Cue("level_range", "dB", 0, 80, 1, 3.0, "soft to loud inside the piece (P5 to P95)", f"{CLIPS}: AUC .67"),
    Cue("chord_clarity", "cosine", 0, 1, 1, 0.04, "how plainly chords are heard", f"{CLIPS}: AUC .75"),
    Cue("chroma_entropy", "nats", 0, 2.485, -1, 0.12, "how many tones of the scale are in use", f"{CLIPS}: AUC .71"),
    Cue("tonal_clarity", "correlation", -1, 1, -1, 0.06, "how surely a key is heard", "EMOPIA: AUC .34 against calm"),
    Cue("roughness", "index", 0, 1, -1, 0.01, "beating of close partials", f"{CLIPS}: tense, not sad, .69"),
    Cue("space", "s", 0, 30, 1, 0.8, "how long sound takes to die away (60 dB)", "J&L; a cue of mood"),
    Cue("stereo_width", "dB", -120, 20, 1, 0.6, "side against middle", "a cue of mood"),
    Cue("loudness", "LUFS", -120, 20, -1, 1.0, "integrated loudness", "ITU-R BS.1770"),
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


WINDOW_S = 3.0
WINDOW_STEP_S = 1.5


def from_piece(piece: Piece) -> dict[str, float]:
    """The cues that notes carry: mode, event rate, register; with the melody's rate and height beside them."""
    notes = [(part.role, note) for part in piece.parts for note in part.notes]
    if not notes:
        return {}
    start = piece.tempo.seconds([n.start for _, n in notes])
    end = piece.tempo.seconds([n.end for _, n in notes])
    pitch = np.array([n.pitch for _, n in notes])
    length = float(end.max())
    chroma = []
    for at in np.arange(0, max(length - WINDOW_S, 0) + 1e-6, WINDOW_STEP_S):
        inside = np.clip(np.minimum(end, at + WINDOW_S) - np.maximum(start, at), 0, None)
        if inside.sum() > 0:
            chroma.append(np.bincount(pitch % 12, inside, 12))
    mode, clarity = key_strength(np.array(chroma)) if chroma else (np.zeros(1), np.zeros(1))
    sung = np.array([role == "melody" for role, _ in notes])
    held = end - start
    onsets = len(np.unique(np.round(start, 2)))
    found = {
        "mode": float(mode.mean()),
        "tonal_clarity": float(clarity.mean()),
        "event_rate": onsets / length,
        "register": float((pitch * held).sum() / held.sum()),
    }
    if sung.any():
        found["melody_rate"] = float(sung.sum()) / length
        found["melody_register"] = float((pitch[sung] * held[sung]).sum() / held[sung].sum())
    return found


# rating of sadness (1..7) = 2.641 + 1.677 minor - 0.639 log2(notes/s) - 0.009 (register - 62) + 0.798 (legato = 1)
INTERCEPT, MINOR_WEIGHT, RATE_WEIGHT, REGISTER_WEIGHT, LEGATO_WEIGHT = 2.641, 1.677, -0.639, -0.009, 0.798


def written_sadness(piece: Piece) -> float:
    """Sadness 0..1 of notes by the regression on the factorial data (R^2 .895), scaled from its 1..7."""
    found = from_piece(piece)
    if not found:
        return 0.0
    minor = 1 / (1 + np.exp(-15 * found["mode"]))
    rate = np.log2(max(found.get("melody_rate", found["event_rate"]), 0.25))
    height = found.get("melody_register", found["register"]) - 62
    rating = INTERCEPT + MINOR_WEIGHT * minor + RATE_WEIGHT * rate + REGISTER_WEIGHT * height + LEGATO_WEIGHT
    return float(np.clip((rating - 1) / 6, 0, 1))
