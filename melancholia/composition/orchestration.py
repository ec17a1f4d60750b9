"""Music that somebody wrote, given to players: parts get roles by what they do, roles get instruments by the mood.

Every note that was written sounds once, at its onset and in its pitch class. What is chosen is who plays it, in which
octave where an instrument lacks its own, how loud it stands among the others, and how long a tone is held where a
pedal or the line holds it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from melancholia.audio import ROLES
from melancholia.composition.arrangement import choose_players
from melancholia.composition.parts import LEVELS
from melancholia.composition.roles import FLAT_SD, HELD_S, Voice, carried, is_line, parted
from melancholia.edits import folded, is_drums, ringing, seated_drums
from melancholia.orchestra import INSTRUMENTS, Instrument, check_cast, facts_of
from melancholia.piece import Part, Piece
from melancholia.profile import Profile
from melancholia.reading import found_arc, found_chords, found_phrases, is_played
from melancholia.streams import check_seed, generator
from melancholia.writing import Writing
from melancholia.written import found_key

QUICK_RATE = 4.0  # tones a second that want a quick one
WIDEST_SD, ARC_VELOCITY = 14.0, 20.0  # velocities that say too much, that an arc gives


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
    instruments = check_cast(instruments)
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
