"""Music that somebody wrote, given to players: parts get roles by what they do, roles get instruments by the mood.

Every note that was written sounds once, at its onset and in its pitch class. What is chosen is who plays it, in which
octave where an instrument lacks its own, how loud it stands among the others, and how long a tone is held where a
pedal or the line holds it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from melancholia.audio import ROLES
from melancholia.composition.arrangement import choose_players
from melancholia.composition.parts import LEVELS
from melancholia.edits import folded, is_drums, ringing, seated_drums
from melancholia.motif import skyline
from melancholia.orchestra import INSTRUMENTS, Instrument, check_instrument, facts_of
from melancholia.piece import Note, Part, Piece
from melancholia.profile import Profile
from melancholia.reading import found_arc, found_chords, found_phrases
from melancholia.streams import check_seed, generator
from melancholia.writing import Writing
from melancholia.written import found_key

CHORDAL = 0.1  # of the notes with another beside them: above, a part is no line
FIGURE_LEAP, FIGURE_STEP = 4, 0.67  # semitones and quarters: a line that leaps so far so often is an accompaniment
LEADING = 0.35  # of the top line being its own makes a line the melody, and so does not lying as deep as the chords
GROUND = 0.25  # of the tones of the chords: a line that lies as deep as they is a bass
SUNG_DEPTH = 10  # semitones under the tune about it: what lies lower is accompaniment that shows in a rest
LOUD_HEIGHT = 0.5  # semitones for each unit of velocity above the mean
BASS_DEPTH, BASS_GAP, BASS_TOP = 4, 5, 55  # semitones above the lowest, to the next voice; mean pitch at most
HELD_S = 2.5  # tones that last so long want an instrument that holds them
QUICK_RATE = 4.0  # tones a second that want a quick one
PLACES = np.array([0, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 5 / 6, 1])  # in a beat, as people write
PLACE_WIDTH, WRITTEN_SHARE = 0.04, 0.8
FLAT_SD, WIDEST_SD, ARC_VELOCITY = 3.0, 14.0, 20.0  # velocities that say nothing, that say too much, that an arc gives


@dataclass(frozen=True, slots=True)
class Voice:
    """Some notes with the part that they come from."""

    name: str
    role: str
    source: Part
    notes: tuple[Note, ...]


def orchestrate(piece: Piece, profile: Profile, *, seed: int = 0, instruments: Sequence[str] | None = None) -> Piece:
    """The piece for the players of a mood.

    Parts that name an instrument keep it, and a piece in which all do stays as it is, unless `instruments` are given.
    The others are taken apart by what they do: a piano's notes into the tune, the bass where it lies apart, and what
    is between. Key, chords, phrases and arc are found where the piece names none. Levels become those of the mood,
    with the dynamics that were played; a piece whose onsets lie off the beat, as when somebody recorded it, keeps its
    timing. Drums go to brushes, and are left out where
    others are asked to play.

    Parameters
    ----------
    piece : Piece
        Of any maker, as `load_midi` reads it.
    profile : Profile
        Its orchestrations say who may play; its `writing.velocity` how loud it is.
    seed : int
        0 to 2**32 - 1; draws the orchestration.
    instruments : sequence of str, optional
        Who plays instead.

    Returns
    -------
    Piece
        Every part with the instrument that plays it; every note that was written sounds once.

    Raises
    ------
    InputError
        An instrument is unknown, or the seed lies outside its range.
    """
    check_seed(seed)
    for name in instruments or ():
        check_instrument(name)
    piece = seated_drums(piece)
    anonymous = [part for part in piece.parts if not part.instrument]
    if not piece.end or (not anonymous and not instruments):
        return piece
    if anonymous:
        piece = planned(piece)
    drums = [part for part in piece.parts if is_drums(part)]
    named = [part for part in piece.parts if part.instrument and part not in drums]
    if instruments and not any("percussion" in facts_of(name).suits for name in instruments):
        drums = []
    voices = parted(anonymous, piece)
    if instruments:
        voices += [Voice(part.name, part.role, part, part.notes) for part in named]
        named = []
    seats = seated(voices, piece, profile.writing, seed, instruments)
    parts = [*seats, *named, *drums]
    if anonymous:
        parts = [balanced(part, piece, profile.writing) for part in parts]
    return replace(piece, parts=tuple(unique_names(sorted(parts, key=lambda p: ROLES.index(p.role)))))


def planned(piece: Piece) -> Piece:
    """The piece with its key, chords, phrases and arc, found where it has none."""
    home = found_key(piece)
    return replace(
        piece,
        key=home,
        chords=piece.chords or found_chords(piece, home),
        phrases=piece.phrases or found_phrases(piece),
        arc=piece.arc or found_arc(piece),
        fixed_tempo=piece.fixed_tempo or is_played(piece),
    )


def is_played(piece: Piece) -> bool:
    """Whether the onsets lie off the beat, as when somebody recorded it without one."""
    onsets = np.unique([note.start for part in piece.parts for note in part.notes])
    off = np.abs(np.mod(onsets, 1)[:, None] - PLACES).min(axis=1)
    return bool((off <= PLACE_WIDTH).mean() < WRITTEN_SHARE)


# Roles


def parted(parts: Iterable[Part], piece: Piece) -> list[Voice]:
    """Voices with roles: lines as a whole, chords and figures taken apart for the tune and the bass they hold."""
    full = [part for part in parts if part.notes]
    if not full:
        return []
    lines = [part for part in full if is_line(part)]
    pool = [part for part in full if part not in lines]
    top = {(n.start, n.pitch) for n in skyline(n for part in full for n in part.notes)}

    def leads(part: Part) -> float:
        return sum((n.start, n.pitch) in top for n in part.notes) / max(1, len(top))

    voices: list[Voice] = []
    heights = [n.pitch for part in pool for n in part.notes]
    depth = float(np.quantile(heights, GROUND)) if pool else 127.0
    high = [line for line in lines if not pool or mean_pitch(line) > depth or leads(line) >= LEADING]
    singer = max(high, key=leads, default=None)
    if singer is not None:
        lines.remove(singer)
        voices.append(Voice(singer.name, "melody", singer, singer.notes))
        tune = []
    else:
        tune = sung([n for part in pool for n in part.notes], piece.bar_quarters)
    floor = min(lines, key=mean_pitch, default=None)
    ground: list[Note] = []
    if floor is not None and mean_pitch(floor) < min(BASS_TOP, depth):
        lines.remove(floor)
        voices.append(Voice(floor.name, "bass", floor, floor.notes))
    else:
        taken = {(n.start, n.pitch) for n in tune}
        rest = [n for part in pool for n in part.notes if (n.start, n.pitch) not in taken]
        ground = low_line(rest, piece.bar_quarters)
    voices += [Voice(part.name, "counter", part, part.notes) for part in lines]
    return voices + split(pool, {"melody": tune, "bass": ground}, piece)


def is_line(part: Part) -> bool:
    """Whether a part is one line: hardly ever two tones at once, and no broken chords."""
    notes = part.notes
    beside = [
        a.end - b.start > 0.5 * min(a.duration, b.duration) for a, b in zip(notes, notes[1:], strict=False)
    ]  # a tail that overlaps is legato, no chord
    if np.mean(beside or [False]) > CHORDAL:
        return False
    leaps, steps = np.abs(np.diff([n.pitch for n in notes])), np.diff([n.start for n in notes])
    return not len(leaps) or not (np.median(leaps) >= FIGURE_LEAP and np.median(steps) <= FIGURE_STEP)


def mean_pitch(part: Part) -> float:
    return float(np.mean([n.pitch for n in part.notes]))


def sung(notes: Sequence[Note], bar: float) -> list[Note]:
    """The tune among some notes: the line that stands out, without what lies far under the tune of the bars about it.

    A tone stands out by its height, and by how loud it is played (`LOUD_HEIGHT` semitones for each unit of velocity).
    """
    loud = np.array([n.velocity for n in notes], float)
    weight = LOUD_HEIGHT if len(notes) and loud.std() >= FLAT_SD else 0.0
    height = np.clip(np.round([n.pitch for n in notes] + weight * (loud - loud.mean())), 0, 127).astype(int)
    lifted = {(n.start, h): n for n, h in sorted(zip(notes, height.tolist(), strict=True))}
    line = skyline(replace(n, pitch=h) for (_, h), n in lifted.items())
    for _ in range(2):
        start, top = np.array([n.start for n in line]), np.array([n.pitch for n in line])
        first = np.searchsorted(start, start - bar)
        last = np.searchsorted(start, start + bar, side="right")
        about = [np.quantile(top[a:b], 0.75) for a, b in zip(first, last, strict=True)]
        line = tuple(n for n, tune in zip(line, about, strict=True) if n.pitch >= tune - SUNG_DEPTH)
    tune = [lifted[n.start, n.pitch] for n in line]
    return list(carried(tune, 0.0))


def low_line(notes: Sequence[Note], bar: float) -> list[Note]:
    """The bass among some notes, where it lies apart from the others; nothing where it does not."""
    mirrored = skyline(replace(n, pitch=127 - n.pitch) for n in notes)
    line = [replace(n, pitch=127 - n.pitch) for n in mirrored]
    if not line:
        return []
    start, height = np.array([n.start for n in line]), np.array([n.pitch for n in line])
    first = np.searchsorted(start, start - bar / 2, side="right")
    last = np.searchsorted(start, start + bar / 2)
    floor = [height[a:b].min() for a, b in zip(first, np.maximum(last, first + 1), strict=True)]
    bass = [n for n, low in zip(line, floor, strict=True) if n.pitch <= low + BASS_DEPTH]
    taken = {(n.start, n.pitch) for n in bass}
    others = [n for n in notes if (n.start, n.pitch) not in taken]
    onsets, pitches = np.array([n.start for n in others]), np.array([n.pitch for n in others])
    gaps = []
    for note in bass:
        near = (onsets >= note.start - 1e-6) & (onsets < note.start + bar / 2)
        if near.any():
            gaps.append(pitches[near].min() - note.pitch)
    apart = bool(gaps) and np.median(gaps) >= BASS_GAP
    return bass if apart and np.mean([n.pitch for n in bass]) < BASS_TOP else []


def split(pool: Sequence[Part], lines: dict[str, list[Note]], piece: Piece) -> list[Voice]:
    """The voices of some parts: the lines found in them, and what is left of each; every note in one voice."""
    owner = {role: {(n.start, n.pitch): n for n in line} for role, line in lines.items()}
    taken: set[tuple[str, float, int]] = set()
    kept: dict[str, dict[str, list[Note]]] = {part.name: {} for part in pool}
    for part in pool:
        for note in part.notes:
            role = next((r for r in lines if (note.start, note.pitch) in owner[r]), "")
            place = (role, note.start, note.pitch)
            if role and place not in taken:
                taken.add(place)
                note = owner[role][note.start, note.pitch]
            else:
                role = ""
            kept[part.name].setdefault(role, []).append(note)
    voices = []
    for role in lines:
        notes = [n for found in kept.values() for n in found.get(role, [])]
        if notes:
            source = max(pool, key=lambda p, role=role: len(kept[p.name].get(role, [])))  # type: ignore[misc]
            whole = len(kept[source.name]) == 1
            voices.append(Voice(source.name if whole else f"{source.name} {role}", role, source, tuple(notes)))
    for part in pool:
        rest = tuple(kept[part.name].get("", []))
        if rest:
            length = piece.tempo.seconds([n.end for n in rest]) - piece.tempo.seconds([n.start for n in rest])
            voices.append(Voice(part.name, "texture" if np.median(length) >= HELD_S else "harmony", part, rest))
    return voices


# Instruments


def seated(
    voices: Sequence[Voice], piece: Piece, writing: Writing, seed: int, instruments: Sequence[str] | None
) -> list[Part]:
    """Each voice with the instrument that costs least, the leading voices first."""
    if instruments:
        wishes = {role: {name: float(reluctance(name, role)) for name in instruments} for role in ROLES}
    else:
        wishes = preferences(writing, seed)
    parts: list[Part] = []
    for voice in sorted(voices, key=lambda v: (ROLES.index(v.role), -len(v.notes))):
        used = [part.instrument for part in parts]
        costs = {
            name: wish + unfitness(voice, facts_of(name), piece, asked=bool(instruments)) + used.count(name)
            for name, wish in wishes[voice.role].items()
        }
        parts.append(played_by(voice, min(costs, key=lambda name: costs[name]), piece.end))
    return parts


def reluctance(name: str, role: str) -> int:
    suits = facts_of(name).suits
    return suits.index(role) if role in suits else 5


def preferences(writing: Writing, seed: int) -> dict[str, dict[str, float]]:
    """What each instrument costs in each role: little in the orchestration that is drawn, more elsewhere."""
    drawn = choose_players(writing, generator(seed, "orchestration"), None)
    cost = {
        role: {name: 3.0 + reluctance(name, role) for name, row in INSTRUMENTS.items() if row.pitched} for role in ROLES
    }
    for price, players in ((1.0, [p for o in writing.orchestrations for p in o.players]), (0.0, drawn)):
        for player in players:
            if facts_of(player.instrument).pitched:
                cost[player.role][player.instrument] = price
    return cost


def unfitness(voice: Voice, facts: Instrument, piece: Piece, *, asked: bool) -> float:
    """What speaks against an instrument for a voice: tones it lacks, chords on a solo, haste and length."""
    pitch = np.array([n.pitch for n in voice.notes])
    outside = float(((pitch < facts.low) | (pitch > facts.high)).mean())
    unsuited = float(((pitch < facts.written[0]) | (pitch > facts.written[1])).mean())
    start, end = (piece.tempo.seconds([getattr(n, at) for n in voice.notes]) for at in ("start", "end"))
    chordal = not is_line(Part(voice.name, voice.role, "", voice.notes))
    steps = np.diff(np.unique(start))
    quick = len(steps) > 0 and float(np.median(steps)) < 1 / QUICK_RATE
    held = float(np.median(end - start)) >= HELD_S
    cost = 2.0 * (outside > 0) + 20 * outside + 2 * unsuited
    cost += 10.0 * (facts.kind == "solo" and chordal) + 3.0 * (facts.sustains and quick)
    cost += 1.5 * (not facts.sustains and held) + 12.0 * (facts.deep and not asked)
    return cost


def played_by(voice: Voice, instrument: str, until: float) -> Part:
    """A voice as an instrument's part: in its range, and with what a pedal or the line held written out."""
    facts, notes, curves = facts_of(instrument), voice.notes, dict(voice.source.curves)
    if instrument in INSTRUMENTS and "pedal" not in facts.curves:
        notes = ringing(notes, curves.pop("pedal", ()), until=until)
    if any(not facts.low <= n.pitch <= facts.high for n in notes):
        notes = folded(notes, facts.low, facts.high)
    if facts.sustains and voice.role in ("melody", "bass"):
        notes = carried(notes, 4.0 if voice.role == "bass" else 0.5)
    return Part(voice.name, voice.role, instrument, notes, curves)


def carried(notes: Iterable[Note], most: float) -> tuple[Note, ...]:
    """A line as one voice holds it: each tone to the next at the latest, and over a gap of at most `most` quarters."""
    line = sorted(notes)
    found = []
    for note, after in zip(line, [*line, None][1:], strict=True):
        until = note.end
        if after and note.start < after.start and after.start - note.end <= most:
            until = after.start
        found.append(replace(note, duration=until - note.start))
    return tuple(found)


def balanced(part: Part, piece: Piece, writing: Writing) -> Part:
    """A part at the level of its role in the mood, with its own dynamics; the piece's arc where it has none."""
    if not part.notes:
        return part
    played = np.array([n.velocity for n in part.notes], float)
    own = played - played.mean()
    if own.std() < FLAT_SD and piece.arc:  # drums alone have no arc
        tension = np.interp([n.start for n in part.notes], *np.array(piece.arc).T)
        own = own + ARC_VELOCITY * (tension - tension.mean())
    own *= min(1.0, WIDEST_SD / max(float(own.std()), 1e-9))
    level = np.clip(np.round(writing.velocity + LEVELS[part.role] + own), 8, 120)
    notes = tuple(replace(n, velocity=int(v)) for n, v in zip(part.notes, level, strict=True))
    return replace(part, notes=notes)


def unique_names(parts: Iterable[Part]) -> list[Part]:
    found: list[Part] = []
    for part in parts:
        name, copy = part.name, 2
        while any(other.name == name for other in found):
            name, copy = f"{part.name} {copy}", copy + 1
        found.append(replace(part, name=name))
    return found
