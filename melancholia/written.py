"""The cues as notes carry them: what a composer can know of a piece before anybody plays it."""

import math
from collections.abc import Iterator, Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from melancholia.bands import HEAVY, Band
from melancholia.cues import KEYS, key_strength, mode_window_s, standard
from melancholia.listener import WRITTEN_RATE, contributions, squeeze
from melancholia.orchestra import facts_of, has_pitch, with_pitch, without_beds
from melancholia.piece import Key, Note, Part, Piece

# What the cues of notes come to where the song is heard: offset, slope and SD (270 songs of a minute, six moods).
HEARD = {"mode": (0.016, 1.05, 0.052), "event_rate": (-0.367, 0.73, 0.305)}
RATES = ("event_rate",)  # by their logarithms; and the more of it, the less sad
SIGNED_MARGIN = 0.05  # of correlation: so much better must another key fit than the one that is written


def found_key(piece: Piece) -> Key:
    """The key that a piece is heard in, by its pitch classes; the written one where that fits nearly as well."""
    weight = np.zeros(12)
    for _, note in pitched(piece):
        weight[note.pitch % 12] += note.duration
    fit = (standard(weight) @ KEYS.T / 12).reshape(2, 12)  # major, minor; by tonic
    fit[("major", "minor").index(piece.key.mode), piece.key.tonic] += SIGNED_MARGIN
    mode, tonic = np.unravel_index(int(fit.argmax()), fit.shape)
    return Key(int(tonic), ("major", "minor")[mode])


WINDOW_S = 3.0  # in which a mode is read where nothing else is asked
TOGETHER_S = 0.06  # tones that begin closer together are one event: chords are spread, players are not exact


def from_piece(piece: Piece, *, window_s: float = WINDOW_S) -> dict[str, float]:
    """The cues that notes carry: mode, event rate, register; with the melody's rate, height and legato beside them.

    `window_s` is how long a moment is in which the mode is read; the moments overlap by half.
    """
    notes = [(part, note) for part in without_beds(piece.parts) for note in part.notes]
    tone = np.array([has_pitch(part.role, part.instrument) for part, _ in notes], bool)
    if not tone.any():
        return {}
    start = piece.tempo.seconds([n.start for _, n in notes])
    end = piece.tempo.seconds([n.end for _, n in notes])
    pitch = np.array([n.pitch for _, n in notes])
    length = float(end.max())
    chroma = []
    for at in np.arange(0, max(length - window_s, 0) + 1e-6, window_s / 2):
        inside = tone * np.clip(np.minimum(end, at + window_s) - np.maximum(start, at), 0, None)
        if inside.sum() > 0:
            chroma.append(np.bincount(pitch % 12, inside, 12))
    mode, clarity = key_strength(np.array(chroma)) if chroma else (np.zeros(1), np.zeros(1))
    sung = np.array([part.role == "melody" for part, _ in notes])
    held = end - start
    found = {
        "mode": float(mode.mean()),
        "tonal_clarity": float(clarity.mean()),
        "event_rate": onsets(start) / length,
        "register": float((pitch * held)[tone].sum() / held[tone].sum()),
    }
    if sung.any():
        found["melody_rate"] = float(sung.sum()) / length
        found["melody_register"] = float((pitch[sung] * held[sung]).sum() / held[sung].sum())
        found["legato"] = legato(start[sung], end[sung])
    return found


def onsets(start: NDArray[np.float64]) -> int:
    """How many events begin: tones that begin together are one."""
    found, last = 0, -np.inf
    for at in np.sort(start):
        if at > last + TOGETHER_S:
            found, last = found + 1, float(at)
    return found


def legato(start: NDArray[np.float64], end: NDArray[np.float64]) -> float:
    """How much of the way to the next tone a tone sounds, 0 to 1, in the mean; rests of a second are none of it."""
    order = np.argsort(start)
    way = np.diff(start[order])
    near = (way > TOGETHER_S) & (way < end[order][:-1] - start[order][:-1] + 1.0)
    share = (end[order][:-1] - start[order][:-1])[near] / way[near]
    return float(np.clip(share, 0, 1).mean()) if len(share) else 1.0


FRAME_S = 0.1
HEARD_RATE = 0.7  # of the tones that begin, so many are heard to (180 pieces and 240 songs by others)
FADES_S, RINGS_S = 3.0, 0.3  # struck and plucked tones fall to 1/e in so long; what is let go rings so long
USUAL_BRIGHTNESS = 900.0  # Hz, of our own sound: it weighs little, and no note tells it


def heard_mode(piece: Piece) -> float:
    """The mode index that ears will find: each tone weighs as it sounds, struck ones less and less.

    As `Analysis` reads it: the shares of the pitch classes in each frame, their means over half-overlapping moments of
    `mode_window_s`, the mean of the moments' indices. Of 300 pieces heard dry it tells the mode with r .92.
    """
    tones = list(pitched(piece))
    if not tones:
        return 0.0
    start = piece.tempo.seconds([note.start for _, note in tones])
    end = piece.tempo.seconds([note.end for _, note in tones])
    count = int(end.max() / FRAME_S) + 1
    middle = (np.arange(count) + 0.5) * FRAME_S
    chroma = np.zeros((count, 12))
    for (part, note), begins, ends in zip(tones, start, end, strict=True):
        frames = slice(int(begins / FRAME_S), min(count, int((ends + RINGS_S) / FRAME_S) + 1))
        level = np.exp(-np.maximum(middle[frames] - ends, 0) / RINGS_S)
        if not facts_of(part.instrument).sustains:
            level *= np.exp(-np.maximum(middle[frames] - begins, 0) / FADES_S)
        chroma[frames, note.pitch % 12] += note.velocity * level
    chroma /= np.maximum(chroma.sum(axis=1, keepdims=True), 1e-12)
    rate = HEARD_RATE * onsets(start) / float(end.max())
    size = max(2, int(mode_window_s(rate) / FRAME_S))
    moments = np.array([chroma[at : at + size].mean(axis=0) for at in range(0, max(count - size, 0) + 1, size // 2)])
    return float(key_strength(moments[moments.sum(axis=1) > 0])[0].mean())


def pitched(piece: Piece) -> Iterator[tuple[Part, Note]]:
    return ((part, note) for part in with_pitch(piece.parts) for note in part.notes)


def sadness(piece: Piece) -> float:
    """Sadness 0..1 that the listener will hear in these notes, played dry by our instruments."""
    found = from_piece(piece)
    if not found:
        return 0.0
    values = {
        "mode": heard_mode(piece),
        WRITTEN_RATE: found["event_rate"],
        "legato": found.get("legato", 1.0),
        "brightness": USUAL_BRIGHTNESS,
    }
    return squeeze(sum(contributions(values, own=1.0).values()))


def astray(piece: Piece, bands: Mapping[str, Band]) -> tuple[float, float]:
    """The chances, 0 to 1, that a cue which notes carry and which decides is heard outside its band: on the sadder side
    (slower, more minor), and on the other."""
    found = from_piece(piece)
    sadder, other = 1.0, 1.0  # that none is
    for name, (offset, slope, spread) in HEARD.items():
        if name not in found or name not in bands or bands[name].weight < HEAVY:
            continue
        value, low, high = found[name], bands[name].low, bands[name].high
        if name in RATES:
            value, low, high = (math.log(max(x, 1e-6)) for x in (value, low, high))
        heard = NormalDist(offset + slope * value, spread)
        under, over = heard.cdf(low), 1 - heard.cdf(high)
        sadder *= 1 - (under if name in RATES else over)
        other *= 1 - (over if name in RATES else under)
    return 1 - sadder, 1 - other
