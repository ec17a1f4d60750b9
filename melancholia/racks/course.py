"""What automation follows through a sound: a timeline, intensity where it moves, and stems that are listened to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Source
from melancholia.piece import Piece
from melancholia.profile import Profile
from melancholia.racks.ducking import Envelope
from melancholia.racks.slots import How
from melancholia.tables import Ramp
from melancholia.timeline import Timeline, timeline

FADE_S = 1.5  # in and out of a section
JUMP_S = 0.05  # from one breakpoint to another that stands at the same time
FULL = ((0.0, 1.0), (1.0, 1.0))  # automation that stands at its upper end, where intensity alone moves


@dataclass(frozen=True, slots=True)
class Course:
    """A timeline over a sound of so many seconds.

    `curve` is the intensity where that moves: (seconds, 0..1); `keys` are the levels of stems by place, which a Duck
    listens to.
    """

    line: Timeline = Timeline()
    seconds: float = 0.0
    curve: tuple[tuple[float, float], ...] = ()
    keys: Mapping[str, Envelope] = field(default_factory=dict, compare=False)

    def intensity(self, t: NDArray[np.float64], steady: float) -> NDArray[np.float64]:
        """The intensity at times t in seconds."""
        return np.interp(t, *np.array(self.curve).T) if self.curve else np.full(len(t), steady)

    def ends(self, steady: float) -> tuple[float, ...]:
        """The lowest and the highest intensity, or the one that there is."""
        levels = {level for _, level in self.curve} or {steady}
        return tuple(sorted({min(levels), max(levels)}))

    def position(self, how: How, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """0..1 at times t in seconds; sound without an arc stands at its middle. A jump takes JUMP_S."""
        if not isinstance(how, str):
            at, value = np.array(how).T
            return np.asarray(np.interp(t, apart(at * max(self.seconds, 1e-9)), value))
        if how == "arc":
            if not self.line.arc:
                return np.full(len(t), 0.5)
            at, value = np.array(self.line.arc).T
            return np.asarray(np.interp(t, at, value))
        inside = np.zeros(len(t))
        for name, start, end in self.line.sections:
            if name == how:
                inside = np.maximum(inside, np.interp(t, (start - FADE_S, start, end, end + FADE_S), (0, 1, 1, 0)))
        return inside

    def places(self, how: How, t: NDArray[np.float64], intensity: float) -> NDArray[np.float64]:
        """Where on a ramp it is at times t in seconds, 0..1: the further along, and the deeper, the nearer 1."""
        return self.position(how, t) * self.intensity(t, intensity)

    def along(self, ramp: Ramp, how: How, t: NDArray[np.float64], intensity: float) -> NDArray[np.float64]:
        """A ramp's values at times t in seconds."""
        return np.array([ramp.at(float(place)) for place in self.places(how, t, intensity)])


def course(sound: Source, follows: Timeline | Piece | None, profile: Profile | None) -> Course:
    """What automation follows over a sound; the profile's curve of intensity ends where the arc does."""
    line = timeline(follows) if isinstance(follows, Piece) else follows or Timeline()
    seconds = sound.frames / sound.rate
    end = line.arc[-1][0] if line.arc else seconds
    curve = tuple((share * end, level) for share, level in profile.curve) if profile is not None else ()
    return Course(line, seconds, curve)


def apart(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times in seconds, each at least JUMP_S behind the one before."""
    steps = JUMP_S * np.arange(len(at))
    return np.asarray(np.maximum.accumulate(at - steps) + steps)
