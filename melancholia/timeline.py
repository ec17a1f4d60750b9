"""What moves along a piece, in seconds: the arc of its tension, and its sections. Racks automate by it."""

from dataclasses import dataclass

from melancholia.piece import Piece


@dataclass(frozen=True, slots=True)
class Timeline:
    """Of a piece that is played: `arc` as (seconds, 0..1), `sections` as (name, start s, end s)."""

    arc: tuple[tuple[float, float], ...] = ()
    sections: tuple[tuple[str, float, float], ...] = ()

    def repeated(self, seconds: float, times: int) -> "Timeline":
        """The same over rounds of so many seconds, one behind the other."""
        starts = [seconds * k for k in range(times)]
        return Timeline(
            tuple((at + start, tension) for start in starts for at, tension in self.arc),
            tuple((name, first + start, last + start) for start in starts for name, first, last in self.sections),
        )


def timeline(piece: Piece) -> Timeline:
    """The timeline of a piece under its own tempo map."""
    bar, seconds = piece.bar_quarters, piece.tempo.seconds
    edges = [(s.name, seconds([s.bar * bar, (s.bar + s.bars) * bar])) for s in piece.sections]
    return Timeline(
        tuple((float(seconds(at)), tension) for at, tension in piece.arc),
        tuple((name, float(start), float(end)) for name, (start, end) in edges),
    )
