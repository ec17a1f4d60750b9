"""Anybody's MIDI file as it shall be played: by whom, in which mood, how high, how fast; and what is left out."""

from dataclasses import dataclass

from melancholia.composition import orchestrate
from melancholia.edits import retimed, seated_drums, transposed, with_guessed, with_instrument, within_reach
from melancholia.errors import in_range
from melancholia.instruments import check as check_instrument
from melancholia.instruments import warning
from melancholia.midi import check_length, parse_midi
from melancholia.performance import perform
from melancholia.piece import Piece
from melancholia.profile import Profile


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is asked of a MIDI file.

    `wanted` is the mood to orchestrate and perform it in, as written where there is none; `instruments` who plays then.
    `swaps` are (part or role, instrument); `transpose` is in semitones, `fold` brings back by octaves what leaves an
    instrument's range; `tempo` is a factor, `bpm` the tempo at the start in quarters a minute.
    """

    wanted: Profile | None = None
    instruments: tuple[str, ...] | None = None
    swaps: tuple[tuple[str, str], ...] = ()
    transpose: int = 0
    fold: bool = False
    tempo: float | None = None
    bpm: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Arranged:
    """The piece as it is played, a line for whatever was left out or is odd, and the SHA-256 of its file."""

    piece: Piece
    notes: tuple[str, ...]
    origin: str


def arranged(data: bytes, name: str, asked: Arrangement) -> Arranged:
    """A MIDI file, arranged.

    Parameters
    ----------
    data : bytes
        The file's content; `name` is what messages call it.
    asked : Arrangement

    Returns
    -------
    Arranged

    Raises
    ------
    InputError
        It is no MIDI, is too long, or asks for what cannot be played.
    """
    read = parse_midi(data, name)
    piece, said, tempo = read.piece, read.notes, asked.tempo
    if asked.bpm is not None:
        now = piece.tempo.bpm
        tempo = in_range("bpm", asked.bpm, round(now / 4, 1), round(now * 4, 1), "quarters a minute") / now
    seated = seated_drums(piece)
    lost = [part.name for part in piece.parts if part.name not in {p.name for p in seated.parts}]
    if lost:
        said += (f"left out, for no instrument plays drums: {', '.join(lost)}",)
    piece = with_players(seated if tempo is None else retimed(seated, tempo), asked)
    if asked.wanted is None and not asked.swaps and not asked.transpose:
        piece, out = (transposed(with_guessed(piece), 0, fold=True), ()) if asked.fold else within_reach(piece)
        said += out
    check_length(piece, name)
    for player in dict.fromkeys(part.instrument for part in piece.parts if part.instrument):
        check_instrument(player)
        said += tuple(filter(None, [warning(player)]))
    if asked.wanted is not None:
        piece = perform(piece, asked.wanted, seed=asked.seed)
    return Arranged(piece, said, read.sha256)


def with_players(piece: Piece, asked: Arrangement) -> Piece:
    """The piece with the players and the pitch that were asked for."""
    transpose = asked.transpose
    open_ = asked.instruments is not None or any(not part.instrument for part in piece.parts)
    if transpose and open_:  # before the players are chosen: they are chosen by what they can reach
        piece = transposed(piece, transpose, fold=asked.fold or asked.instruments is not None)
        transpose = 0
    if asked.wanted is not None:
        piece = orchestrate(piece, asked.wanted, seed=asked.seed, instruments=asked.instruments)
    for part, name in asked.swaps:
        piece = with_instrument(piece, part, name, fold=asked.fold)
    return transposed(piece, transpose, fold=asked.fold) if transpose else piece
