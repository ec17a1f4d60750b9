"""A critic: what is wrong with a piece, in numbers of which 0 is best, so that of several drafts the best can be kept.

It hears what no single rule of the composer holds to: whether the line moves as sung lines move, whether outer voices
run in parallel, whether strain follows the planned tension, whether as much returns as in songs, whether every phrase
has something that could not be guessed, and whether the whole came out as the mood asked.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from melancholia.composition import measures
from melancholia.composition.chords import SCALES
from melancholia.composition.moves import surprise
from melancholia.composition.voicing import MOTION, PARALLEL_FIFTH, PARALLEL_OCTAVE
from melancholia.piece import Note, Piece
from melancholia.profile import Profile
from melancholia.writing import Writing
from melancholia.written import from_piece, sadness

# Between the 10th and the 90th percentile of songs in minor (OpenScore Lieder): nats a move, shares of bars.
SUNG = (2.17, 2.67)
BARS_REPEATED, RHYTHMS_REPEATED, ACCOMPANIMENT_REPEATED = (0.04, 0.5), (0.33, 0.84), (0.55, 0.93)
MODE_OFF, PACE_OFF = 0.04, 0.15  # of the mode index, and of the logarithm of onsets a second
# Of the sadness that ears will find: so near is as good as there, so much further is one off, so many the worst
SADNESS_NEAR, SADNESS_OFF, MOST_OFF = 0.02, 0.04, 4.0
LEAP = 5  # semitones: from a fourth on a move is an event
# Weight of each fault in the cost of a piece.
WEIGHTS = {
    "asked": 1.0, "sadness": 3.0, "mood": 1.0, "sung": 2.0, "returns": 3.0, "parallels": 1.5, "tension": 0.6,
    "guessable": 0.8, "commonplace": 4.0, "forgotten": 3.0,
}  # fmt: skip
# What a mood asks for, how it is measured, and what counts as one off: a share of it, an amount.
ASKED: dict[str, tuple[Callable[[Piece], float], float, float]] = {
    "melody_mean": (measures.melody_mean, 0, 1.5),
    "melody_span": (measures.span, 0.2, 0),
    "step_share": (measures.step_share, 0, 0.1),
    "falling_share": (measures.falling_share, 0, 0.05),
    "melody_rate": (measures.melody_rate, 0.2, 0),
    "onset_rate": (measures.onset_rate, 0.2, 0),
    "dissonances": (measures.dissonances, 0.35, 0.1),
    "chromaticism": (measures.chromatic_share, 0.45, 0.02),
    "rests": (measures.silent_share, 0, 0.03),
}


def outside(value: float, band: tuple[float, float]) -> float:
    return max(0.0, band[0] - value, value - band[1])


def asked(piece: Piece, writing: Writing) -> float:
    """Mean distance from what the mood asks for, each in units of what counts as one off, at most 3."""
    found = [
        min(3.0, abs(measure(piece) - getattr(writing, name)) / (share * getattr(writing, name) + amount))
        for name, (measure, share, amount) in ASKED.items()
    ]
    return float(np.mean(found))


def mood(piece: Piece, writing: Writing) -> float:
    """How far the piece is from the two things that sadness hangs on, mode and pace; 1 for as much as ears let pass."""
    found = from_piece(piece)
    mode = abs(found["mode"] - writing.mode_index) / MODE_OFF
    pace = abs(np.log(found["event_rate"] / writing.onset_rate)) / PACE_OFF
    return float(min(mode, 3.0) + min(pace, 3.0))


def sadder(piece: Piece, aim: float, near: float = SADNESS_NEAR) -> float:
    """How much sadder a piece would have to be to come so near to what is aimed at; below 0, less sad."""
    off = aim - sadness(piece)
    return off - float(np.clip(off, -near, near))


def sadness_off(piece: Piece, aim: float, near: float = SADNESS_NEAR) -> float:
    """How far the sadness that the listener will hear is from what is aimed at."""
    return min(MOST_OFF, max(0.0, abs(sadness(piece) - aim) - near) / SADNESS_OFF)


def line_faults(pitches: Sequence[int]) -> float:
    """How far a line is from how sung lines move, in nats a move beyond the songs' band."""
    return outside(float(surprise(np.asarray(pitches, np.int64))), SUNG)


def sung(piece: Piece) -> float:
    """`line_faults` of the phrases of the melody, by their tones."""
    lines = phrases_of(piece)
    total = sum(map(len, lines))
    nats = sum(len(line) * float(surprise(np.array([n.pitch for n in line]))) for line in lines) / max(1, total)
    return outside(nats, SUNG)


def phrases_of(piece: Piece) -> list[list[Note]]:
    notes = measures.melody(piece)
    found = [[n for n in notes if p.start - 1e-6 <= n.start < p.end - 1e-6] for p in piece.phrases]
    return [line for line in found if len(line) > 1]


def returns(piece: Piece) -> float:
    """How far the shares of bars that return lie outside those of songs."""
    return (
        outside(measures.voice_bars_repeated(piece), BARS_REPEATED)
        + outside(measures.voice_rhythm_repeated(piece), RHYTHMS_REPEATED)
        + outside(measures.accompaniment_rhythm_repeated(piece), ACCOMPANIMENT_REPEATED)
    )


def leading_faults(chords: Sequence[Sequence[int]]) -> float:
    """Mean cost of going from chord to chord, voices in one order: their motion, parallel fifths and octaves."""
    total = 0.0
    for before, after in zip(chords, chords[1:], strict=False):
        moves = np.subtract(after, before)
        total += float(MOTION[np.minimum(np.abs(moves), 59)].sum())
        for i in range(len(before)):
            for j in range(i + 1, len(before)):
                old, new = (before[j] - before[i]) % 12, (after[j] - after[i]) % 12
                if moves[i] and moves[j] and old == new:
                    total += PARALLEL_FIFTH * (new == 7) + PARALLEL_OCTAVE * (new == 0)
    return total / max(1, len(chords) - 1)


def parallels(piece: Piece) -> float:
    """Share of the changes of chord at which melody and bass go on in parallel fifths or octaves."""
    top = measures.melody(piece)
    deep = sorted(n for part in piece.parts if part.role in ("bass", "harmony") for n in part.notes)
    pairs = []
    for chord in piece.chords:
        high = [n.pitch for n in top if n.start <= chord.start + 1e-6 < n.end]
        low = [n.pitch for n in deep if n.start <= chord.start + 1e-6 < n.end]
        pairs.append((high[0], min(low)) if high and low else None)
    moved = bad = 0
    for before, after in zip(pairs, pairs[1:], strict=False):
        if before and after and before[0] != after[0] and before[1] != after[1]:
            moved += 1
            old, new = (before[0] - before[1]) % 12, (after[0] - after[1]) % 12
            bad += old == new and new in (0, 7)
    return bad / max(1, moved)


# Chew's spiral array: pitch classes above the tonic on the line of fifths, a quarter turn and RISE a fifth.
FIFTHS = np.array([0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5])
RISE = 0.4
SHARES = np.array([0.536, 0.274, 0.190])  # of root, fifth and third in a chord, of the chords in a key
DARK = 0.75  # share of the major dominant and of the minor subdominant in a minor key


def spiral(fifths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Places (n, 3) of tones on the line of fifths."""
    return np.column_stack([np.sin(fifths * np.pi / 2), np.cos(fifths * np.pi / 2), RISE * fifths])


def chord_place(root: int, *, minor: bool) -> NDArray[np.float64]:
    return np.asarray(SHARES @ spiral(np.array([root, root + 1, root - 3 if minor else root + 4])))


def key_place(*, minor: bool) -> NDArray[np.float64]:
    """Where a key lies whose tonic is at 0."""
    if not minor:
        return np.asarray(SHARES @ np.array([chord_place(k, minor=False) for k in (0, 1, -1)]))
    fifth, fourth = (
        DARK * chord_place(k, minor=first) + (1 - DARK) * chord_place(k, minor=not first)
        for k, first in ((1, False), (-1, True))
    )
    return np.asarray(SHARES @ np.array([chord_place(0, minor=True), fifth, fourth]))


def strain(piece: Piece) -> NDArray[np.float64]:
    """Tensile strain of each bar: how far the centre of its tones lies from the key's, in the spiral array."""
    count = max(1, int(np.ceil(piece.end / piece.bar_quarters - 1e-6)))
    weight = np.zeros((count, 12))
    for note in measures.pitched_notes(piece):
        bar = min(int(note.start / piece.bar_quarters + 1e-6), count - 1)
        weight[bar, (note.pitch - piece.key.tonic) % 12] += note.duration
    centre = weight @ spiral(FIFTHS) / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    away = np.linalg.norm(centre - key_place(minor=piece.key.mode == "minor"), axis=1)
    return np.where(weight.sum(axis=1) > 0, away, 0.0)


def tension(piece: Piece) -> float:
    """0 where strain and number of onsets by bar follow the planned arc, 1 where they have nothing to do with it."""
    found = strain(piece)
    count = len(found)
    onsets = np.zeros(count)
    for start in {note.start for note in measures.all_notes(piece)}:
        onsets[min(int(start / piece.bar_quarters + 1e-6), count - 1)] += 1
    plan = np.interp(np.arange(count) + 0.5, [q / piece.bar_quarters for q, _ in piece.arc], [t for _, t in piece.arc])
    smooth = np.convolve(standard(found) + standard(onsets), np.ones(3) / 3, mode="same")
    if count < 4 or smooth.std() < 1e-9 or plan.std() < 1e-9:
        return 0.5
    return float(np.clip(1 - np.corrcoef(smooth, plan)[0, 1], 0, 1))


def standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / max(1e-9, float(values.std())))


def guessable(piece: Piece) -> float:
    """Share of phrases without one event: a leap of a fourth or more, a dissonance on a beat, a tone out of the key."""
    own = {(tone + piece.key.tonic) % 12 for tone in SCALES[piece.key.mode]}
    plain = []
    for line in phrases_of(piece):
        leaps = any(abs(b.pitch - a.pitch) >= LEAP for a, b in zip(line, line[1:], strict=False))
        clash = any(
            n.duration >= 0.5 and measures.on_beat(piece, n.start)
            and n.pitch % 12 not in measures.chord_at(piece, n.start)
            for n in line
        )  # fmt: skip
        plain.append(not (leaps or clash or any(n.pitch % 12 not in own for n in line)))
    return float(np.mean(plain)) if plain else 0.0


def commonplace(piece: Piece) -> float:
    """Share of the melody's 5-note figures that are nobody's own: equal lengths, at most two different intervals."""
    found = measures.figures(measures.melody(piece), 5)
    plain = sum(count for f, count in found.items() if len(set(f[:4])) <= 2 and set(f[4:]) == {1.0})
    return plain / max(1, sum(found.values()))


RETURNS = 3  # times a given theme is heard, its statement among them


def forgotten(piece: Piece, theme: Sequence[Note]) -> float:
    """How many returns of a given theme are lacking."""
    return float(max(0, RETURNS - len(measures.returns_of(theme, piece)))) if theme else 0.0


def critique(
    piece: Piece,
    wanted: Profile,
    theme: Sequence[Note] = (),
    aim: float | None = None,
    near: float = SADNESS_NEAR,
) -> dict[str, float]:
    """Every fault of a piece by its name, 0 where there is none; `theme` is the one that was given, if any.

    `aim` is the sadness that it should have, what the profile wants where it is left out; so `near` is as good.
    """
    writing = wanted.writing
    return {
        "forgotten": forgotten(piece, theme),
        "sadness": sadness_off(piece, wanted.sadness.middle if aim is None else aim, near),
        "asked": asked(piece, writing),
        "mood": mood(piece, writing),
        "sung": sung(piece),
        "returns": returns(piece),
        "parallels": parallels(piece),
        "tension": tension(piece),
        "guessable": guessable(piece),
        "commonplace": commonplace(piece),
    }


def cost(
    piece: Piece,
    wanted: Profile,
    theme: Sequence[Note] = (),
    aim: float | None = None,
    near: float = SADNESS_NEAR,
) -> float:
    """All faults of a piece in one number."""
    return sum(WEIGHTS[name] * fault for name, fault in critique(piece, wanted, theme, aim, near).items())
