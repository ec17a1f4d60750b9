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

from melancholia.piece import Key, Piece


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


SIGNED_MARGIN = 0.05  # of correlation: so much better must another key fit than the one that is written


def found_key(piece: Piece) -> Key:
    """The key that a piece is heard in, by its pitch classes; the written one where that fits nearly as well."""
    weight = np.zeros(12)
    for part in piece.parts:
        if part.role != "percussion":
            for note in part.notes:
                weight[note.pitch % 12] += note.duration
    fit = (standard(weight) @ KEYS.T / 12).reshape(2, 12)  # major, minor; by tonic
    fit[("major", "minor").index(piece.key.mode), piece.key.tonic] += SIGNED_MARGIN
    mode, tonic = np.unravel_index(int(fit.argmax()), fit.shape)
    return Key(int(tonic), ("major", "minor")[mode])


# a mode is heard in 3 s, or in as many tones where they are slow
WINDOW_S, WINDOW_TONES, LONGEST_WINDOW_S = 3.0, 12, 12.0
TOGETHER_S = 0.06  # tones that begin closer together are one event: chords are spread, players are not exact


def from_piece(piece: Piece, *, window_s: float = WINDOW_S) -> dict[str, float]:
    """The cues that notes carry: mode, event rate, register; with the melody's rate, height and legato beside them.

    `window_s` is how long a moment is in which the mode is read; the moments overlap by half.
    """
    notes = [(part.role, note) for part in piece.parts for note in part.notes]
    if not notes:
        return {}
    start = piece.tempo.seconds([n.start for _, n in notes])
    end = piece.tempo.seconds([n.end for _, n in notes])
    pitch = np.array([n.pitch for _, n in notes])
    length = float(end.max())
    chroma = []
    for at in np.arange(0, max(length - window_s, 0) + 1e-6, window_s / 2):
        inside = np.clip(np.minimum(end, at + window_s) - np.maximum(start, at), 0, None)
        if inside.sum() > 0:
            chroma.append(np.bincount(pitch % 12, inside, 12))
    mode, clarity = key_strength(np.array(chroma)) if chroma else (np.zeros(1), np.zeros(1))
    sung = np.array([role == "melody" for role, _ in notes])
    held = end - start
    onsets = 0
    last = -np.inf
    for at in np.sort(start):
        if at > last + TOGETHER_S:
            onsets, last = onsets + 1, at
    found = {
        "mode": float(mode.mean()),
        "tonal_clarity": float(clarity.mean()),
        "event_rate": onsets / length,
        "register": float((pitch * held).sum() / held.sum()),
    }
    if sung.any():
        found["melody_rate"] = float(sung.sum()) / length
        found["melody_register"] = float((pitch[sung] * held[sung]).sum() / held[sung].sum())
        found["legato"] = legato(start[sung], end[sung])
    return found


def legato(start: NDArray[np.float64], end: NDArray[np.float64]) -> float:
    """How much of the way to the next tone a tone sounds, 0 to 1, in the mean; rests of a second are none of it."""
    order = np.argsort(start)
    way = np.diff(start[order])
    near = (way > TOGETHER_S) & (way < end[order][:-1] - start[order][:-1] + 1.0)
    share = (end[order][:-1] - start[order][:-1])[near] / way[near]
    return float(np.clip(share, 0, 1).mean()) if len(share) else 1.0


# rating of sadness (1..7) = 2.641 + 1.677 minor - 0.639 log2(notes/s) - 0.009 (register - 62) + 0.798 legato (0..1)
INTERCEPT, MINOR_WEIGHT, RATE_WEIGHT, REGISTER_WEIGHT, LEGATO_WEIGHT = 2.641, 1.677, -0.639, -0.009, 0.798


def written_sadness(piece: Piece) -> float:
    """Sadness 0..1 of notes by the regression on the factorial data (R^2 .895), scaled from its 1..7."""
    found = from_piece(piece)
    if not found:
        return 0.0
    if WINDOW_TONES / found["event_rate"] > WINDOW_S:
        found = from_piece(piece, window_s=min(WINDOW_TONES / found["event_rate"], LONGEST_WINDOW_S))
    minor = 1 / (1 + np.exp(-15 * found["mode"]))
    rate = np.log2(max(found["event_rate"], 0.25))
    height = found.get("melody_register", found["register"]) - 62
    rating = INTERCEPT + MINOR_WEIGHT * minor + RATE_WEIGHT * rate + REGISTER_WEIGHT * height
    rating += LEGATO_WEIGHT * found.get("legato", 1.0)
    return float(np.clip((rating - 1) / 6, 0, 1))
