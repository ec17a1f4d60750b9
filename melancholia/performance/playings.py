"""How each phrase of a piece is played, where intensity follows a curve or a section has a mood of its own."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melancholia.piece import Piece
from melancholia.profile import Profile


class Playings:
    """The strength of each rule, by phrase (the piece has one at least) and at any time."""

    def __init__(self, piece: Piece, profile: Profile) -> None:
        summit = max(piece.arc, key=lambda point: point[1])[0] if piece.arc else -1.0
        self.by_phrase = [
            profile.at(
                (p.start + p.end) / 2 / piece.end,
                *(["climax"] if p.start <= summit < p.end else []),
                section_at(piece, (p.start + p.end) / 2),
            ).playing
            for p in piece.phrases
        ]
        self.ends = np.array([p.end for p in piece.phrases])

    def phrase(self, name: str) -> list[float]:
        """The strength of a rule in each phrase."""
        return [float(getattr(playing, name)) for playing in self.by_phrase]

    def mean(self, name: str) -> float:
        """The mean strength of a rule over the phrases."""
        return float(np.mean(self.phrase(name)))

    def last(self, name: str) -> float:
        """The strength of a rule at the end."""
        return self.phrase(name)[-1]

    def at(self, name: str, quarters: ArrayLike) -> NDArray[np.float64]:
        """The strength of a rule at times in quarters."""
        found = np.searchsorted(self.ends, np.asarray(quarters, float) + 1e-9, side="right")
        return np.array(self.phrase(name))[np.minimum(found, len(self.by_phrase) - 1)]


def section_at(piece: Piece, quarters: float) -> str:
    """The section's name at a time, without the marks of its return; empty where there is none."""
    bar = quarters / piece.bar_quarters
    return next((s.name.rstrip("'") for s in piece.sections if s.bar <= bar < s.bar + s.bars), "")
