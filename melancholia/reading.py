"""What a reader finds in notes that come without a plan: phrases, chords and an arc.

Music of others names none of them, and performance and orchestration act by them. (`written.found_key` finds the key,
`motif.skyline` the line on top.)
"""

import numpy as np
from numpy.typing import NDArray

from melancholia.motif import singing, skyline
from melancholia.orchestra import with_pitch
from melancholia.piece import Chord, Key, Note, Phrase, Piece

# A phrase: the length that is likeliest (as people breathe), and what speaks for a new one, in like units.
PHRASE_S = 12.0
REST_WEIGHT, BAR_WEIGHT, LENGTH_WEIGHT = 0.7, 0.5, 1.0
LONGEST_REST = 2.0  # quarters; a longer rest says no more

# Chords by their pitch classes above the root, and how much a tone more must be worth
QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "°": (0, 3, 6),
    "+": (0, 4, 8),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "ø7": (0, 3, 6, 10),
    "°7": (0, 3, 6, 9),
}
RARE = {"+": 0.15, "°": 0.06, "m7": 0.03, "maj7": 0.03, "ø7": 0.05, "°7": 0.05, "7": 0.02}
FOREIGN = 0.8  # weight of tones outside the chord against those inside
BASS_BONUS, DIATONIC_BONUS, CHANGE_COST = 0.12, 0.06, 0.15
NUMERALS = ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII")
IN_MINOR = {3: "III", 8: "VI", 10: "VII", 4: "#III", 9: "#VI", 11: "VII"}  # by semitones above a minor tonic

PLACES = np.array([0, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 5 / 6, 1])  # in a beat, as people write
PLACE_WIDTH, WRITTEN_SHARE = 0.04, 0.8

ARC_LOW, ARC_HIGH = 0.15, 0.95
ARC_BARS = 3  # over which the arc is smoothed


def notes_of(piece: Piece) -> list[Note]:
    """All pitched notes in order."""
    return sorted(note for part in with_pitch(piece.parts) for note in part.notes)


def is_played(piece: Piece) -> bool:
    """Whether the onsets lie off the beat, as when somebody recorded it without one."""
    onsets = np.unique([note.start for part in piece.parts for note in part.notes])
    off = np.abs(np.mod(onsets, 1)[:, None] - PLACES).min(axis=1)
    return bool((off <= PLACE_WIDTH).mean() < WRITTEN_SHARE)


def found_phrases(piece: Piece) -> tuple[Phrase, ...]:
    """Phrases one after the other over the whole piece, cut where its leading line rests or holds, near 12 s each.

    The cuts are the best of all by dynamic programming: each is worth the rest and the long note before it, and
    phrases of unlikely length cost.
    """
    if not notes_of(piece):
        return ()
    line = skyline(singing(piece).notes)
    start = np.array([n.start for n in line])
    bar, pace = piece.bar_quarters, piece.seconds / piece.end
    likely = bar * max(1, 2 ** round(np.log2(max(PHRASE_S / (bar * pace), 1))))
    worth = cut_worth(line, bar)
    best, back = np.full(len(line) + 1, -np.inf), np.zeros(len(line) + 1, int)
    best[0] = 0.0
    ends = np.append(start, piece.end)
    for k in range(1, len(line) + 1):
        first = min(int(np.searchsorted(start, ends[k] - 4 * likely)), k - 1)
        before = np.arange(first, k)
        cost = LENGTH_WEIGHT * np.log2(np.maximum(ends[k] - start[before], 1e-3) / likely) ** 2
        values = best[before] - cost
        back[k] = before[int(values.argmax())]
        best[k] = values.max() + (worth[k] if k < len(line) else 0.0)
    cuts = [len(line)]
    while cuts[-1] > 0:
        cuts.append(int(back[cuts[-1]]))
    cuts.reverse()
    found = []
    if start[0] >= bar:
        found.append(Phrase(0.0, float(start[0]), float(start[0]) / 2, ""))
    for a, b in zip(cuts, cuts[1:], strict=False):
        peak = max(line[a:b], key=lambda n: (n.pitch, n.duration))
        begins = float(start[a]) if a or found else 0.0
        found.append(Phrase(begins, float(ends[b]), peak.start, ""))
    return tuple(found)


def cut_worth(line: tuple[Note, ...], bar: float) -> NDArray[np.float64]:
    """What speaks for a new phrase at each note of a line: a long way from the note before, a rest, a bar line."""
    start, end = np.array([n.start for n in line]), np.array([n.end for n in line])
    way = np.diff(start, prepend=start[0] - 1)
    rest = np.clip(start - np.concatenate([[start[0]], end[:-1]]), 0, LONGEST_REST)
    on_bar = np.abs(start / bar - np.round(start / bar)) < 0.05
    return np.asarray(np.log2(np.maximum(way / np.median(way), 0.25)) + REST_WEIGHT * rest + BAR_WEIGHT * on_bar)


def found_chords(piece: Piece, home: Key) -> tuple[Chord, ...]:
    """The likeliest chord of each bar, or half bar where bars are long: by tones inside and outside, bass and key."""
    notes = notes_of(piece)
    if not notes:
        return ()
    width = piece.bar_quarters / (2 if piece.bar_quarters >= 4 else 1)
    count = max(1, int(np.ceil(piece.end / width - 1e-6)))
    tones, bass = np.zeros((count, 12)), np.zeros((count, 12))
    for k, inside in enumerate(by_span(notes, width, count)):
        for note in inside:
            held = min(note.end, (k + 1) * width) - max(note.start, k * width)
            tones[k, note.pitch % 12] += held
        if inside:
            bass[k, min(n.pitch for n in inside) % 12] = 1
    total = tones.sum(axis=1, keepdims=True)
    names = [(root, quality) for quality in QUALITIES for root in range(12)]
    fit = chord_fit(tones / np.maximum(total, 1e-9), bass, names, home) * (total > 0)
    path = steadiest(fit, CHANGE_COST)
    found: list[Chord] = []
    for k, state in enumerate(path):
        root, quality = names[state]
        lowest = int(bass[k].argmax()) if bass[k].any() else root
        end = min((k + 1) * width, piece.end)
        if found and k and path[k - 1] == state:
            last = found.pop()
            found.append(Chord(last.start, end - last.start, last.numeral, last.pitch_classes, last.bass))
        else:
            pitch_classes = tuple((root + step) % 12 for step in QUALITIES[quality])
            found.append(Chord(k * width, end - k * width, numeral(root, quality, home), pitch_classes, lowest))
    return tuple(found)


def by_span(notes: list[Note], width: float, count: int) -> list[list[Note]]:
    """The notes that sound in each span of `width` quarters."""
    spans: list[list[Note]] = [[] for _ in range(count)]
    for note in notes:
        last = int(np.ceil(note.end / width - 1e-6))
        for k in range(int(note.start / width + 1e-6), min(last, count)):
            spans[k].append(note)
    return spans


def chord_fit(
    tones: NDArray[np.float64], bass: NDArray[np.float64], names: list[tuple[int, str]], home: Key
) -> NDArray[np.float64]:
    """How well each chord (root, quality) explains each span's share of pitch classes (n, 12) and its bass."""
    steps = (0, 2, 3, 5, 7, 8, 10, 11) if home.mode == "minor" else (0, 2, 4, 5, 7, 9, 11)
    scale = {(home.tonic + step) % 12 for step in steps}
    fit = np.empty((len(tones), len(names)))
    for k, (root, quality) in enumerate(names):
        inside = np.zeros(12)
        inside[[(root + step) % 12 for step in QUALITIES[quality]]] = 1
        even = np.minimum(tones, 0.34) @ inside  # one long tone alone is no chord
        fit[:, k] = even - FOREIGN * tones @ (1 - inside) - RARE.get(quality, 0.0) + BASS_BONUS * bass[:, root]
        fit[:, k] += DIATONIC_BONUS * all((root + step) % 12 in scale for step in QUALITIES[quality])
    return fit


def steadiest(fit: NDArray[np.float64], cost: float) -> list[int]:
    """The states (columns) that fit best from row to row, where each change costs (Viterbi)."""
    value, back = fit[0].copy(), np.zeros(fit.shape, int)
    for k in range(1, len(fit)):
        leader = int(value.argmax())
        changed = value[leader] - cost
        back[k] = np.where(value >= changed, np.arange(fit.shape[1]), leader)
        value = np.maximum(value, changed) + fit[k]
    path = [int(value.argmax())]
    for k in range(len(fit) - 1, 0, -1):
        path.append(int(back[k, path[-1]]))
    return path[::-1]


def numeral(root: int, quality: str, home: Key) -> str:
    """A chord's degree in the key: capitals for major and augmented, small letters for minor and diminished."""
    above = (root - home.tonic) % 12
    degree = IN_MINOR.get(above, NUMERALS[above]) if home.mode == "minor" else NUMERALS[above]
    sign = degree[: len(degree) - len(degree.lstrip("b#"))]
    small = quality.startswith(("m7", "°", "ø")) or quality == "m"
    letters = degree[len(sign) :].lower() if small else degree[len(sign) :]
    return sign + letters + quality.removeprefix("m" if quality in ("m", "m7") else "")


def found_arc(piece: Piece) -> tuple[tuple[float, float], ...]:
    """Tension 0.15 to 0.95 at each bar: how dense, how high and how loud it is, against the rest of the piece."""
    notes = notes_of(piece)
    if not notes:
        return ()
    bar = piece.bar_quarters
    count = max(1, int(np.ceil(piece.end / bar - 1e-6)))
    spans = by_span(notes, bar, count)
    figures = np.array(
        [
            (
                sum(n.start >= k * bar - 1e-6 for n in inside),
                float(np.mean([n.pitch for n in inside])) if inside else np.nan,
                float(np.mean([n.velocity for n in inside])) if inside else np.nan,
            )
            for k, inside in enumerate(spans)
        ]
    )
    figures[:, 0] = np.log2(1 + figures[:, 0])
    figures = np.where(np.isnan(figures), np.nanmin(figures, axis=0), figures)
    spread = figures.std(axis=0)
    height = ((figures - figures.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)).sum(axis=1)
    window = min(ARC_BARS, count) | 1
    smooth = np.convolve(np.pad(height, window // 2, mode="edge"), np.ones(window) / window, "valid")[:count]
    wide = float(np.ptp(smooth))
    level = 0.5 + 0 * smooth if wide < 1e-9 else ARC_LOW + (ARC_HIGH - ARC_LOW) * (smooth - smooth.min()) / wide
    at = [*(float(k * bar) for k in range(count)), piece.end]
    return tuple(zip(at, [*(round(float(v), 4) for v in level), round(float(level[-1]), 4)], strict=True))
