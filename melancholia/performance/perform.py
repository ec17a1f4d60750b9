"""A written piece as somebody plays it: one tempo for all, each part with its own touch."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from melancholia.performance import curves, touch
from melancholia.performance.timing import beat_lengths, tempo_map
from melancholia.piece import Chord, Curve, Note, Part, Phrase, Piece, TempoMap
from melancholia.profile import Playing, Profile
from melancholia.streams import check_seed, generator

SUSTAINED = ("cello", "strings", "warm_pad", "sub_bass")
LEAD_MS_PER_VELOCITY = 35 / 25  # a melody that is 25 louder speaks 35 ms earlier, by its harder stroke (Goebl 2001)
SECTION_SPREAD_MS = 14.0
ROLL_MS = 14.0  # between the tones of a chord in one hand
BREATH_MS = 90.0
PEAK_AGOGIC = 0.10
REPEATED_PAUSE_MS = 35.0


def perform(piece: Piece, profile: Profile, *, seed: int = 0) -> Piece:
    """The piece as it is played in this mood.

    The last release stays where it is written (in seconds, to a millisecond or so). Where `piece.fixed_tempo` is set,
    tempo and onsets stay on the grid; touch alone is played.
    """
    check_seed(seed)
    if piece.end <= 0:
        return piece
    phrases = piece.phrases or guessed_phrases(piece)
    piece = replace(piece, phrases=phrases)
    tempo = piece.tempo if piece.fixed_tempo else rubato(piece, profile.playing, seed)
    timed = replace(piece, tempo=tempo)
    parts = tuple(play_part(part, timed, profile.playing, seed) for part in piece.parts)
    return exact_end(replace(timed, parts=parts), piece)


def guessed_phrases(piece: Piece) -> tuple[Phrase, ...]:
    """Phrases of a piece that names none: its leading part, cut where it rests or holds for half a bar."""
    leading = next(iter(piece.with_role("melody")), None) or max(piece.parts, key=lambda p: len(p.notes), default=None)
    if leading is None or not leading.notes:
        return ()
    found: list[Phrase] = []
    group: list[Note] = [leading.notes[0]]
    for note in leading.notes[1:]:
        gap = note.start - max(n.end for n in group)
        if note.start - group[0].start >= piece.bar_quarters and (gap >= 0.5 or group[-1].duration >= 2):
            found.append(as_phrase(group))
            group = []
        group.append(note)
    return (*found, as_phrase(group))


def as_phrase(notes: list[Note]) -> Phrase:
    peak = max(notes, key=lambda n: n.pitch)
    return Phrase(notes[0].start, max(n.end for n in notes), peak.start, "")


def rubato(piece: Piece, playing: Playing, seed: int) -> TempoMap:
    """The tempo map of the performance: its own tempo changes bent by the rules, its length kept."""
    end = piece.end
    cell = 0.5 if piece.bar_quarters <= 4 else 1.0
    grid = np.unique(
        np.concatenate([np.arange(0, end, cell), [at for at, _ in piece.tempo.changes if at < end], [end]])
    )
    grid = grid[np.concatenate([np.diff(grid) > 1e-6, [True]])]
    nominal = np.diff(piece.tempo.seconds(grid))
    pace = float(nominal.sum() / end)
    factor = beat_lengths(
        piece.phrases,
        grid,
        1000 * pace,
        arch_k=playing.arch,
        ritard_end=playing.ritard_end,
        ritard_quarters=min(2 * piece.bar_quarters, end / 4),
        noise_k=playing.noise,
        rng=generator(seed, "clock"),
    )
    factor = breathe(factor, grid, piece.phrases, pace)
    local = nominal / np.diff(grid) / pace
    factor = factor * local
    factor *= np.diff(grid).sum() / (factor * np.diff(grid)).sum()
    return tempo_map(grid, factor, 1e6 * pace)


def breathe(
    factor: NDArray[np.float64], grid: NDArray[np.float64], phrases: tuple[Phrase, ...], pace: float
) -> NDArray[np.float64]:
    """A little time before each new phrase, and on its peak."""
    out = factor.copy()
    for phrase in phrases:
        before = int(np.searchsorted(grid, phrase.start - 1e-6)) - 1
        if 0 <= before < len(out):
            out[before] *= 1 + BREATH_MS / 1000 / (pace * (grid[before + 1] - grid[before]))
        at = int(np.searchsorted(grid, phrase.peak + 1e-6)) - 1
        if 0 <= at < len(out):
            out[at] *= 1 + PEAK_AGOGIC
    return out


def play_part(part: Part, piece: Piece, playing: Playing, seed: int) -> Part:
    """One part with its levels, lengths, micro-timing and curves."""
    if not part.notes:
        return part
    rng = generator(seed, "touch", part.name)
    notes = part.notes
    starts = np.array([n.start for n in notes])
    level = levels_db(part, piece, playing, rng)
    velocity = np.clip(np.round([n.velocity for n in notes] + touch.VELOCITY_PER_DB * level), 8, 120).astype(int)
    seconds = piece.tempo.seconds(starts)
    shift = np.zeros(len(notes)) if piece.fixed_tempo else shifts_ms(part, piece, playing, velocity, rng)
    begins = np.maximum(seconds + shift / 1000, 0.0)
    ends = releases(part, piece, playing, begins)
    # a last chord is released together
    last = np.array([n.end for n in notes]) >= piece.end - 1e-6
    ends[last] = piece.seconds
    quarters = starts if piece.fixed_tempo else piece.tempo.quarters(begins)
    until = piece.tempo.quarters(np.maximum(ends, begins + 0.05))
    played = tuple(
        Note(float(q), float(e - q), n.pitch, int(v))
        for n, q, e, v in zip(notes, quarters, until, velocity, strict=True)
    )
    return Part(part.name, part.role, part.instrument, played, dict(draw_curves(part, played, piece, playing)))


def levels_db(part: Part, piece: Piece, playing: Playing, rng: np.random.Generator) -> NDArray[np.float64]:
    """Level of each note in dB against what is written, mean 0 (the dynamics of the whole are the composer's)."""
    notes = part.notes
    starts = np.array([n.start for n in notes])
    pitch = np.array([n.pitch for n in notes], float)
    level = touch.high_loud_db(pitch, k=playing.high_loud) * (0.5 if part.role == "melody" else 0.15)
    for phrase in piece.phrases:
        inside = (starts >= phrase.start) & (starts < phrase.end)
        level[inside] += touch.arch_db(phrase, starts[inside], k=playing.arch, amp=playing.arch_level) * 0.6
    level += 0.5 * touch.harmonic_curve_db(piece.chords, piece.key.tonic, starts, k=playing.harmonic_charge)
    if part.role in ("melody", "counter"):
        level += [
            touch.melodic_charge_db(n.pitch, chord_at(piece.chords, n.start), k=playing.melodic_charge) for n in notes
        ]
        gaps = np.append(np.diff(starts), notes[-1].duration)
        level += touch.contrast_db(1000 * gaps * 60 / piece.tempo.bpm, k=playing.contrast)
    level += touch.noise_db(len(notes), k=playing.noise, rng=rng)
    return np.asarray(level - level.mean())


def chord_at(chords: tuple[Chord, ...], at: float) -> Chord | None:
    found = None
    for chord in chords:
        if chord.start > at + 1e-6:
            break
        found = chord
    return found


def shifts_ms(
    part: Part, piece: Piece, playing: Playing, velocity: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Displacement of each onset in ms: motor noise, spread of chords, the lead of a louder melody."""
    notes = part.notes
    shift = touch.motor_ms(len(notes), k=playing.noise, rng=rng)
    if part.instrument in SUSTAINED:
        return shift + rng.normal(0, SECTION_SPREAD_MS * (part.instrument == "strings"), len(notes))
    if part.role == "melody":
        others = [n.velocity for p in piece.parts if p.role == "harmony" for n in p.notes]
        louder = max(0.0, min(25.0, float(velocity.mean()) - float(np.mean(others)))) if others else 0.0
        return shift - LEAD_MS_PER_VELOCITY * louder
    order = np.zeros(len(notes))
    for k in range(1, len(notes)):  # a chord is rolled a little, upward
        order[k] = order[k - 1] + 1 if notes[k].start == notes[k - 1].start else 0
    return shift * 0.7 + ROLL_MS * order


def releases(part: Part, piece: Piece, playing: Playing, begins: NDArray[np.float64]) -> NDArray[np.float64]:
    """When each note is let go, in seconds: legato into the next tone of a line, a gap before a repeated one."""
    notes = part.notes
    ends = piece.tempo.seconds([n.end for n in notes])
    line = part.role in ("melody", "counter", "bass")
    next_same: dict[int, float] = {}
    for k in range(len(notes) - 1, -1, -1):
        if line and k + 1 < len(notes) and notes[k + 1].start <= notes[k].end + 1e-6:
            interval = 1000 * (begins[k + 1] - begins[k])
            if interval > 0 and notes[k + 1].pitch != notes[k].pitch:
                ends[k] = begins[k + 1] + float(touch.legato_ms(np.array([interval]), k=playing.legato)[0]) / 1000
        same = next_same.get(notes[k].pitch)
        if same is not None:
            ends[k] = min(ends[k], same - REPEATED_PAUSE_MS / 1000)
        next_same[notes[k].pitch] = float(begins[k])
    return np.asarray(np.minimum(ends, piece.seconds))


def draw_curves(part: Part, notes: tuple[Note, ...], piece: Piece, playing: Playing) -> list[tuple[str, Curve]]:
    if part.instrument in SUSTAINED:
        swell = playing.swell * (0.75 if part.role in ("melody", "counter") else 0.45)
        drawn = [("expression", curves.expression(piece, notes, swell_db=swell))]
        if part.instrument in ("cello", "strings"):
            drawn.append(("vibrato", curves.vibrato(piece, notes, cents=playing.vibrato)))
        return drawn
    if part.instrument == "felt_piano":
        return [("pedal", curves.pedal(piece.chords, notes, piece.tempo, piece.bar_quarters))]
    return []


def exact_end(played: Piece, written: Piece) -> Piece:
    """The last release exactly where it was written: the longest note is stretched to it."""
    end = float(played.tempo.quarters(written.seconds))
    latest = max((n.end for p in played.parts for n in p.notes), default=0.0)
    if not played.parts or abs(latest - end) < 1e-3:
        return played
    parts = tuple(
        Part(p.name, p.role, p.instrument,
             tuple(Note(n.start, end - n.start, n.pitch, n.velocity) if n.end == latest and end > n.start else n
                   for n in p.notes), dict(p.curves))
        for p in played.parts
    )  # fmt: skip
    return replace(played, parts=parts)
