"""Sound as values: `Audio` in memory, and `Stems`, an ordered set of named parts that sound together.

Samples are float32 (channels, frames), C-contiguous, finite, full scale 1.0; rates are in Hz. They are transposed
only where soundfile is called. A stem's sound is an `Audio`, or a `Recording` on disk (see `files`): both are a
`Source`, which can be read whole or block by block, so ten minutes of every stem need not be in memory at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from melancholia.errors import InputError, unknown

Samples = NDArray[np.float32]

ROLES = ("melody", "counter", "harmony", "bass", "texture", "percussion")
LOWEST_RATE, HIGHEST_RATE = 8_000, 384_000
BLOCK_FRAMES = 65_536
MOST_CHANNELS = 64


class Source(Protocol):
    """Sound that can be read from the start as often as wanted."""

    @property
    def rate(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def frames(self) -> int: ...
    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Samples]: ...
    def read(self) -> "Audio": ...


def called(sound: Source) -> str:
    """What a message calls a sound: its file, where it has one."""
    name = str(getattr(sound, "path", "sound"))
    return "stdin" if name == "-" else name


def check_samples(samples: NDArray[Any]) -> None:
    """Refuse anything but finite float32 (channels, frames), C-contiguous."""
    if samples.dtype != np.float32 or samples.ndim != 2 or not samples.flags.c_contiguous:
        raise InputError(
            f"samples are {samples.dtype} of shape {samples.shape}; allowed: C-contiguous float32 (channels, frames)."
        )
    if not 1 <= samples.shape[0] <= MOST_CHANNELS:
        raise InputError(f"samples have {samples.shape[0]} channels; allowed: 1 to {MOST_CHANNELS}.")
    if not np.isfinite(samples).all():
        raise InputError("samples hold NaN or infinity; allowed: finite numbers.")


def check_rate(rate: int) -> int:
    """`rate` itself, refused outside 8 to 384 kHz."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InputError(f"sample rate is {rate} Hz; allowed: {LOWEST_RATE} to {HIGHEST_RATE} Hz.")
    return rate


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Sound in memory: float32 samples (channels, frames), full scale 1.0; rate in Hz."""

    samples: Samples
    rate: int

    def __post_init__(self) -> None:
        check_samples(self.samples)
        check_rate(self.rate)
        view = self.samples.view()  # lock our view, not the caller's array
        view.flags.writeable = False
        object.__setattr__(self, "samples", view)

    def __reduce__(self) -> tuple[Any, ...]:
        return Audio, (np.asarray(self.samples), self.rate)

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        return int(self.samples.shape[1])

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
        """The sound from the start in blocks (channels, <= frames), each C-contiguous."""
        for start in range(0, self.frames, frames):
            yield np.ascontiguousarray(self.samples[:, start : start + frames])

    def read(self) -> "Audio":
        return self

    def _repr_html_(self) -> str:
        """A player, where a notebook shows the value."""
        from melancholia.previews import player

        return player(self)


def audio(samples: NDArray[Any], rate: int) -> Audio:
    """`Audio` from any array of numbers, (frames,) or (channels, frames): cast and made contiguous.

    Parameters
    ----------
    samples : array of numbers
        Full scale 1.0, whatever the type: integers are not scaled.
    rate : int
        In Hz, 8000 to 384000.

    Returns
    -------
    Audio

    Raises
    ------
    InputError
        It has more dimensions, more than `MOST_CHANNELS` channels (is it (frames, channels)?), or is not finite.
    """
    samples = np.asarray(samples)
    if samples.ndim == 2 and samples.shape[0] > MOST_CHANNELS >= samples.shape[1]:
        raise InputError(
            f"samples are of shape {samples.shape}, as (frames, channels); allowed: (channels, frames), as samples.T."
        )
    return Audio(np.ascontiguousarray(np.atleast_2d(samples), dtype=np.float32), rate)


@dataclass(frozen=True, slots=True, eq=False)
class Stem:
    """One part's sound: what it does in the piece (`role`), who plays it (`instrument`), and the sound."""

    role: str
    instrument: str
    sound: Source

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise unknown("role", self.role, ROLES)

    def _repr_html_(self) -> str:
        """A player, where a notebook shows the value."""
        from melancholia.previews import player

        return player(self.sound, f"{self.role}, {self.instrument}")


class Stems(Mapping[str, Stem]):
    """Stems by name, in order, of one rate, one length and one channel count."""

    __slots__ = ("_by_name",)

    def __init__(self, by_name: Mapping[str, Stem]) -> None:
        if not by_name:
            raise InputError("there are no stems; allowed: one or more.")
        for thing, unit in (("rate", "Hz"), ("frames", "frames"), ("channels", "channels")):
            values = {name: getattr(stem.sound, thing) for name, stem in by_name.items()}
            if len(set(values.values())) > 1:
                said = ", ".join(f"{name} {value}" for name, value in values.items())
                raise InputError(f"stems differ in {thing}: {said} {unit}; allowed: one value for all.")
        self._by_name = MappingProxyType(dict(by_name))

    def __getitem__(self, name: str) -> Stem:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"Stems({', '.join(self)}; {self.channels} channels, {self.frames} frames, {self.rate} Hz)"

    @property
    def first(self) -> Source:
        return next(iter(self._by_name.values())).sound

    @property
    def rate(self) -> int:
        return self.first.rate

    @property
    def frames(self) -> int:
        return self.first.frames

    @property
    def channels(self) -> int:
        return self.first.channels

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
        """Their sum, sample by sample in float64, in blocks: stems are a sound themselves."""
        for blocks in zip(*(stem.sound.blocks(frames) for stem in self._by_name.values()), strict=True):
            yield np.ascontiguousarray(np.sum(blocks, axis=0, dtype=np.float64), np.float32)

    def _repr_html_(self) -> str:
        """A player for each, where a notebook shows the value."""
        from melancholia.previews import player

        return "".join(player(stem.sound, name) for name, stem in self.items())
