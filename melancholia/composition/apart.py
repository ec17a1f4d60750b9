"""Anybody's piece as its voices, and back: a piano's tune, bass and chords are written on as voices of their own.

Players are not asked for: what names no instrument goes on naming none, and its notes, curves and names stay its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from melancholia.composition.orchestration import planned, unique_names
from melancholia.composition.roles import Voice, parted
from melancholia.edits import is_drums, parts_named
from melancholia.errors import InputError
from melancholia.motif import skyline
from melancholia.piece import Note, Part, Piece


@dataclass(frozen=True, slots=True)
class Apart:
    """A piece as it was given, the same with a role for every part and a plan, and the part that each voice is from."""

    given: Piece
    piece: Piece
    sources: Mapping[str, str]

    def named(self, name: str) -> set[str]:
        """The voices of a part of the piece that was given, else those of that name or role."""
        own = {voice for voice, source in self.sources.items() if source == name}
        return own or {part.name for part in parts_named(self.piece, name)}

    def together(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """Voices as parts again; a note that was there is itself, whatever a voice has of it."""
        found = []
        for part in self.given.parts:
            voices = [voice for voice in parts if self.sources.get(voice.name) == part.name]
            if len(voices) == 1 and voices[0].name == part.name and part.instrument:
                found.append(voices[0])
                continue
            before = {(note.start, note.pitch): note for note in part.notes}
            notes = {
                before.get((n.start, n.pitch), n) if n in stayed else n
                for voice in voices
                for stayed in [set(self.piece.part(voice.name).notes)]
                for n in voice.notes
            }
            curves = dict(part.curves)
            for voice in voices:
                curves |= voice.curves
            found.append(replace(part, notes=clear(notes, set(part.notes)), curves=curves))
        return tuple(found)


def clear(notes: set[Note], own: set[Note]) -> tuple[Note, ...]:
    """The notes without those, not among one's `own`, that would cut one of these short."""
    held: dict[int, list[Note]] = {}
    for note in notes & own:
        held.setdefault(note.pitch, []).append(note)
    return tuple(
        sorted(n for n in notes if n in own or not any(k.start <= n.start < k.end for k in held.get(n.pitch, ())))
    )


def apart(piece: Piece) -> Apart:
    """The voices of a piece.

    Raises
    ------
    InputError
        Nothing in it sings.
    """
    anonymous = [part for part in piece.parts if not part.instrument and not is_drums(part)]
    voices = parted(anonymous, piece)
    if len(anonymous) == 1 and len(skyline(anonymous[0].notes)) == len(anonymous[0].notes) > 0:  # one line, all of it
        voices = [Voice(anonymous[0].name, "melody", anonymous[0], anonymous[0].notes)]
    parts = unique_names(
        [*(part for part in piece.parts if part not in anonymous),
         *(Part(v.name, v.role, "", v.notes, v.source.curves if v.name == v.source.name else {}) for v in voices)]
    )  # fmt: skip
    sources = {part.name: part.name for part in piece.parts if part not in anonymous}
    sources |= {part.name: voice.source.name for part, voice in zip(parts[len(sources) :], voices, strict=True)}
    found = replace(piece, parts=tuple(parts))
    if not any(part.notes for part in found.with_role("melody")):
        raise InputError("the piece holds no tune; allowed: one with a pitched part.")
    whole = piece.chords and piece.phrases and piece.arc
    return Apart(piece, found if whole else planned(found), sources)
