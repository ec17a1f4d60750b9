"""A written piece as somebody plays it: one tempo for all, each part with its own touch."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melancholia.motif import skyline
from melancholia.orchestra import facts_of
from melancholia.performance import curves, ensemble, touch
from melancholia.performance.gestures import phrase_lengths
from melancholia.performance.line import at_steps, chord_factors, onset_intervals_ms, tone_factors
from melancholia.performance.playings import Playings
from melancholia.performance.timing import beat_lengths, capped, tempo_map
from melancholia.piece import TICKS, Chord, Curve, Note, Part, Phrase, Piece, TempoMap, on_grid
from melancholia.profile import Profile
from melancholia.reading import found_phrases
from melancholia.streams import check_seed, generator

LEAD_MS_PER_VELOCITY = 35 / 25  # a melody that is 25 louder speaks 35 ms earlier, by its harder stroke (Goebl 2001)
FERMATA = 0.5  # how much longer the last chord is held, at a ritard to nothing
SLOWEST = 0.9  # of the tempo where the ritard ends: whatever else slows down there, it goes no further
SHORTEST_S = 0.05  # of a tone
REPEATED_PAUSE_MS, PHRASE_PAUSE_MS = 35.0, 60.0


def perform(piece: Piece, profile: Profile, *, seed: int = 0) -> Piece:
    """The piece as it is played in this mood.

    The last release stays where it is written (in seconds, to a millisecond or so). Where `piece.fixed_tempo` is set,
    tempo and onsets stay on the grid; touch alone is played. `piece.hits` are met in time to the moment by all who play
    there. Each phrase is played as `Profile.at` says of its place.

    Parameters
    ----------
    piece : Piece
        Written, on the grid; parts name their instruments.
    profile : Profile
        Its playing says how time, touch and dynamics move.
    seed : int
        0 to 2**32 - 1; another one plays the same notes another way.

    Returns
    -------
    Piece
        The same notes off the grid, with their velocities, under a tempo map.

    Raises
    ------
    InputError
        The seed lies outside its range.
    """
    check_seed(seed)
    if piece.end <= 0:
        return piece
    in_one_breath = (Phrase(0.0, piece.end, 0.6 * piece.end, ""),)  # drums alone have no phrases to find
    piece = replace(piece, phrases=piece.phrases or found_phrases(piece) or in_one_breath)
    playings = Playings(piece, profile)
    tempo = piece.tempo if piece.fixed_tempo else rubato(piece, playings, seed)
    timed = replace(piece, tempo=tempo)
    parts = tuple(play_part(part, timed, playings, seed) for part in piece.parts)
    return exact_end(replace(timed, parts=parts), piece)


def rubato(piece: Piece, playings: Playings, seed: int) -> TempoMap:
    """The tempo map of the performance: its own tempo changes bent by the rules, its length kept, and its hits.

    Nowhere is it slower than `SLOWEST` of where the ritard ends, as a share of the written tempo.
    """
    end = piece.end
    cell = 0.5 if piece.bar_quarters <= 4 else 1.0
    beats = np.append(np.arange(0, end - 1e-6, cell), end)
    pace = piece.seconds / end
    sung = skyline(n for part in piece.with_role("melody") for n in part.notes)
    factor = beat_lengths(
        phrase_lengths(piece, sung, beats, playings.phrase("arch"), seed),
        beats,
        1000 * pace,
        ritard_end=playings.last("ritard_end"),
        ritard_quarters=min(2 * piece.bar_quarters, end / 4),
        noise_k=playings.mean("noise"),
        rng=generator(seed, "clock"),
    )
    tones = tone_factors(
        sung,
        [chord_at(piece.chords, n.start) for n in sung],
        onset_intervals_ms(sung, piece.tempo),
        contrast_k=playings.at("contrast", [n.start for n in sung]),
        charge_k=playings.at("melodic_charge", [n.start for n in sung]),
    )
    onsets = np.array([n.start for n in sung])
    changes = np.array([chord.start for chord in piece.chords])
    hold = max(n.start for part in piece.parts for n in part.notes)  # the last onset: what follows only sounds
    given = np.array([at for at, _ in piece.tempo.changes])
    hits = np.array([at for at in piece.hits if 0 < at < end])
    grid = np.unique(np.round(np.concatenate([beats, onsets, changes, given, hits, [hold]]) * TICKS)) / TICKS
    grid = grid[grid < end - 0.5 / TICKS]
    harmony = chord_factors(piece.chords, piece.key, k=playings.at("harmonic_charge", changes))
    bent = at_steps(grid, beats[:-1], factor) * at_steps(grid, onsets, tones) * at_steps(grid, changes, harmony)
    ending = playings.last("ritard_end")
    bent[grid >= hold - 1e-6] *= 1 + FERMATA * (1 - ending)
    grid = np.append(grid, end)
    written_s = np.diff(piece.tempo.seconds(grid))
    edges = [0, *np.searchsorted(grid, hits - 0.5 / TICKS).tolist(), len(bent)]
    for a, b in pairwise(edges):  # between two hits as long as it is written
        bent[a:b] = capped(bent[a:b], written_s[a:b], most=1 / (SLOWEST * ending))
    return tempo_map(grid, bent * written_s / np.diff(grid), 1e6)


def play_part(part: Part, piece: Piece, playings: Playings, seed: int) -> Part:
    """One part with its levels, lengths, micro-timing and curves."""
    if not part.notes:
        return part
    rng = generator(seed, "touch", part.name)
    notes = part.notes
    starts = np.array([n.start for n in notes])
    level = levels_db(part, piece, playings, rng)
    if facts_of(part.instrument).kind in ("struck", "plucked"):
        voicing, k = playings.mean("voicing"), playings.mean("noise")
        level = level + ensemble.hand_db(part, piece, voicing=voicing, k=k, seed=seed)
    velocity = np.clip(np.round([n.velocity for n in notes] + touch.VELOCITY_PER_DB * level), 8, 120).astype(int)
    seconds = piece.tempo.seconds(starts)
    shift = np.zeros(len(notes)) if piece.fixed_tempo else shifts_ms(part, piece, playings, velocity, seed, rng)
    shift[np.isin(starts, piece.hits)] = 0.0
    begins = np.clip(seconds + shift / 1000, 0.0, np.maximum(seconds, piece.seconds - SHORTEST_S))
    ends = releases(part, piece, playings, begins, ensemble.breaths_s(piece.phrases, seed))
    # a last chord is released together
    last = np.array([n.end for n in notes]) >= piece.end - 1e-6
    ends[last] = piece.seconds
    quarters = starts if piece.fixed_tempo else piece.tempo.quarters(begins)
    until = piece.tempo.quarters(np.maximum(ends, np.minimum(begins + SHORTEST_S, piece.seconds)))
    played = tuple(
        Note(float(q), float(e - q), n.pitch, int(v))
        for n, q, e, v in zip(notes, quarters, until, velocity, strict=True)
    )
    return Part(part.name, part.role, part.instrument, played, dict(draw_curves(part, played, piece, playings, seed)))


def levels_db(part: Part, piece: Piece, playings: Playings, rng: np.random.Generator) -> NDArray[np.float64]:
    """Level of each note in dB against what is written, mean 0 (the dynamics of the whole are the composer's)."""
    notes = part.notes
    starts = np.array([n.start for n in notes])
    pitch = np.array([n.pitch for n in notes], float)
    level = playings.at("high_loud", starts) * touch.high_loud_db(pitch, k=1)
    level *= 0.5 if part.role == "melody" else 0.15
    for phrase, playing in zip(piece.phrases, playings.by_phrase, strict=True):
        inside = (starts >= phrase.start) & (starts < phrase.end)
        level[inside] += touch.arch_db(phrase, starts[inside], k=playing.arch, amp=playing.arch_level) * 0.6
    charged = touch.harmonic_curve_db(piece.chords, piece.key, starts, k=1)
    level += 0.5 * playings.at("harmonic_charge", starts) * charged
    if part.role in ("melody", "counter"):
        level += playings.at("melodic_charge", starts) * [
            touch.melodic_charge_db(n.pitch, chord_at(piece.chords, n.start), k=1) for n in notes
        ]
        gaps = np.append(np.diff(starts), notes[-1].duration)
        level += playings.at("contrast", starts) * touch.contrast_db(1000 * gaps * 60 / piece.tempo.bpm, k=1)
    level += playings.at("noise", starts) * touch.noise_db(len(notes), k=1, rng=rng)
    return np.asarray(level - level.mean())


def chord_at(chords: tuple[Chord, ...], at: float) -> Chord | None:
    found = None
    for chord in chords:
        if chord.start > at + 1e-6:
            break
        found = chord
    return found


def shifts_ms(
    part: Part, piece: Piece, playings: Playings, velocity: NDArray[np.int64], seed: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Displacement of each onset in ms: motor noise, entries of held tones, hands, the lead of a louder melody."""
    notes = part.notes
    starts = np.array([n.start for n in notes])
    noise = playings.mean("noise")
    shift = playings.at("noise", starts) * touch.motor_ms(len(notes), k=1, rng=rng)
    player = facts_of(part.instrument)
    if player.sustains:
        return 0.7 * shift + ensemble.entries_ms(part, piece.phrases, k=noise, seed=seed)
    if not player.pitched:
        return shift
    shift = 0.7 * shift + ensemble.player_ms(part.instrument, starts, piece.end, k=noise, seed=seed)
    shift = shift + ensemble.rolls_ms(part, piece.tempo.seconds(starts), k=noise, seed=seed)
    if part.role == "melody":
        others = [n.velocity for p in piece.parts if p.role == "harmony" for n in p.notes]
        louder = max(0.0, min(25.0, float(velocity.mean()) - float(np.mean(others)))) if others else 0.0
        top = np.array([place == size - 1 for place, size in ensemble.places_in_chords(notes)])
        return shift - LEAD_MS_PER_VELOCITY * louder * top
    return shift


def releases(
    part: Part, piece: Piece, playings: Playings, begins: NDArray[np.float64], breaths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """When each note is let go, in seconds: legato into the next tone of a line, a gap before a repeated one.

    At the end of a phrase a line is lifted; all who hold tones breathe there together.
    """
    notes, player = part.notes, facts_of(part.instrument)
    ends = piece.tempo.seconds([n.end for n in notes])
    line = part.role in ("melody", "counter", "bass")
    breathes = player.sustains and not player.deep
    legato = playings.at("legato", [n.start for n in notes])
    begin_of = {on_grid(p.start): k for k, p in enumerate(piece.phrases) if p.start > 0}
    next_same: dict[int, float] = {}
    for k in range(len(notes) - 1, -1, -1):
        phrase = begin_of.get(notes[k].end)
        if phrase is not None and (breathes or part.role in ensemble.RIGHT):
            ends[k] -= breaths[phrase] if breathes else PHRASE_PAUSE_MS / 1000
        elif line and k + 1 < len(notes) and notes[k + 1].start <= notes[k].end + 1e-6:
            interval = 1000 * (begins[k + 1] - begins[k])
            if interval > 0 and notes[k + 1].pitch != notes[k].pitch:
                ends[k] = begins[k + 1] + float(touch.legato_ms(np.array([interval]), k=float(legato[k]))[0]) / 1000
        same = next_same.get(notes[k].pitch)
        if same is not None:
            ends[k] = min(ends[k], same - REPEATED_PAUSE_MS / 1000)
        next_same[notes[k].pitch] = float(begins[k])
    return np.asarray(np.minimum(ends, piece.seconds))


def draw_curves(
    part: Part, notes: tuple[Note, ...], piece: Piece, playings: Playings, seed: int
) -> list[tuple[str, Curve]]:
    """The player's curves; one that is written and moves is played as it is."""
    swells = np.array(playings.phrase("swell")) * (0.75 if part.role in ("melody", "counter") else 0.45)
    known = {
        "expression": lambda: curves.expression(piece, notes, swell_db=swells.tolist()),
        "vibrato": lambda: curves.vibrato(piece, notes, cents=playings.at("vibrato", [n.start for n in notes])),
        "pedal": lambda: curves.pedal(piece, notes, seed=seed),
    }
    found = []
    for name in facts_of(part.instrument).curves:
        written = part.curves.get(name, ())
        found.append((name, written if len({value for _, value in written}) > 1 else known[name]()))
    return found


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
