"""A rack over surround sound: each pair of channels through a rack of its own, the LFE through none."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import BLOCK_FRAMES, Audio, Samples, Source, called
from melancholia.channels import MOST, groups, lfe, mask_of
from melancholia.errors import InputError


@dataclass(frozen=True, slots=True)
class Picked:
    """Some channels of a sound."""

    sound: Source
    picks: tuple[int, ...]

    @property
    def rate(self) -> int:
        return self.sound.rate

    @property
    def channels(self) -> int:
        return len(self.picks)

    @property
    def frames(self) -> int:
        return self.sound.frames

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
        for block in self.sound.blocks(frames):
            yield np.ascontiguousarray(block[list(self.picks)])

    def read(self) -> Audio:
        return Audio(np.ascontiguousarray(np.concatenate(list(self.blocks()), axis=1)), self.rate)


class Taken:
    """A sound of one channel, taken in pieces of any length; silence behind its end."""

    def __init__(self, sound: Source) -> None:
        self.blocks, self.held = sound.blocks(), np.zeros(0, np.float32)

    def take(self, frames: int) -> NDArray[np.float32]:
        while len(self.held) < frames:
            block = next(self.blocks, None)
            more = np.zeros(frames - len(self.held), np.float32) if block is None else block[0]
            self.held = np.concatenate([self.held, more])
        taken, self.held = self.held[:frames], self.held[frames:]
        return taken


def around(sound: Source, wet: Callable[[Source], Iterator[Samples]]) -> Iterator[Samples]:
    """All channels in blocks: pairs as `wet` makes them of two, a single one as the middle of the two it makes.

    Raises
    ------
    InputError
        Nobody knows where so many channels stand.
    """
    mask = mask_of(sound)
    if not mask:
        raise InputError(f"{called(sound)} has {sound.channels} channels; allowed: 1 to {MOST}.")
    together, bass = groups(mask), lfe(mask)
    low = Taken(Picked(sound, (bass,))) if bass is not None else None
    for blocks in zip(*(wet(Picked(sound, group)) for group in together), strict=True):
        whole = np.zeros((sound.channels, blocks[0].shape[1]), np.float32)
        for group, block in zip(together, blocks, strict=True):
            whole[list(group)] = block if len(group) == 2 else block.mean(axis=0, keepdims=True)
        if low is not None:
            whole[bass] = low.take(whole.shape[1])
        yield whole
