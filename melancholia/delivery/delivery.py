"""How long each file is, and how it begins and ends.

A song ends when nothing sounds any more, a film is exactly as long as asked, faded inside. A loop is periodic: of the
dry stems the tail is folded onto the start; everything behind them hears two rounds and a little of the third, and the
second is kept, so that rooms, compressors and the limiter are in the same state at both ends. What moves by itself (a
chorus) may stand elsewhere when the loop comes round: over `OVERLAP_S` the third round passes into the second.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from melancholia.audio import BLOCK_FRAMES, Audio, Samples, Source, Stem, Stems
from melancholia.delivery.dialogue import make_room
from melancholia.delivery.ending import end_of_sound, shortened
from melancholia.delivery.leveller import levelled
from melancholia.encoding import write_audio
from melancholia.profile import Profile
from melancholia.recordings import Recording
from melancholia.setting import Setting
from melancholia.timeline import Timeline

OVERLAP_S = 0.25
FADE_S = 1.5


@dataclass(frozen=True, slots=True)
class Delivery:
    """A setting at a length in frames (0: as long as it rings) and a rate."""

    setting: Setting
    frames: int
    rate: int

    @property
    def cuts(self) -> bool:
        """Whether files need to be cut at all."""
        return self.frames > 0

    @property
    def overlap(self) -> int:
        return int(OVERLAP_S * self.rate)

    def fed(self, sound: Source) -> Source:
        """What the next stage hears of a finished file: of a loop two rounds and a little more."""
        return Repeated(sound, 2 * self.frames + self.overlap) if self.setting.loops else sound

    def fed_stems(self, stems: Stems) -> Stems:
        return Stems({name: Stem(s.role, s.instrument, self.fed(s.sound)) for name, s in stems.items()})

    def along(self, line: Timeline) -> Timeline:
        """The timeline of what the next stage hears."""
        return line.repeated(self.frames / self.rate, 3) if self.setting.loops else line

    def heard(self, wanted: Profile) -> Profile:
        """The profile for what the next stage hears: its curve goes round with a loop."""
        if not (self.setting.loops and wanted.curve):
            return wanted
        return replace(wanted, curve=tuple(((share + k) / 3, level) for k in range(3) for share, level in wanted.curve))

    def cut(self, sound: Source, out: Path, *, dry: bool = False, delivered: bool = False) -> Recording:
        """The file as it is delivered, from what a stage made of `fed`; `dry`: from one round and its ring."""
        if not self.setting.loops:
            blocks = faded(sound, self.frames)
        else:
            blocks = folded(sound, self.frames) if dry else second(sound, self.frames, self.overlap)
        return write_audio(
            out, blocks, rate=sound.rate, channels=sound.channels, frames=self.frames, delivered=delivered
        )

    def balanced(self, sound: Source, out: Path) -> Source:
        """The mix before its master, in `out` where it changes: room for dialogue, the levels of a background."""
        if self.setting.name == "background":
            blocks = levelled(sound)
        elif self.setting.dialogue:
            blocks = make_room(sound, self.setting.dialogue)
        else:
            return sound
        return write_audio(out, blocks, rate=sound.rate, channels=sound.channels, frames=sound.frames)

    def ended(self, dry: Stems, wet: Stems, mixed: Recording, *, lufs: float) -> tuple[Stems, Stems, Recording]:
        """Stems and mix cut where nothing sounds any more, all to one length; what has its length already stays."""
        if self.cuts:
            return dry, wet, mixed
        frames = end_of_sound(mixed, recordings_of(dry), lufs=lufs)
        return shortened_stems(dry, frames), shortened_stems(wet, frames), shortened(mixed, frames)

    def stems(self, stems: Stems, folder: Path, *, dry: bool = False) -> Stems:
        """All stems as they are delivered, in `folder`; a song's lie there already."""
        if not self.cuts:
            return stems
        return Stems(
            {
                name: Stem(s.role, s.instrument, self.cut(s.sound, folder / f"{name}.wav", dry=dry))
                for name, s in stems.items()
            }
        )


def recordings_of(stems: Stems) -> list[Recording]:
    return [stem.sound for stem in stems.values() if isinstance(stem.sound, Recording)]


def shortened_stems(stems: Stems, frames: int) -> Stems:
    ends = [shortened(recording, frames) for recording in recordings_of(stems)]
    return Stems({n: replace(stem, sound=end) for (n, stem), end in zip(stems.items(), ends, strict=True)})


def delivery(setting: Setting, *, seconds: float, rate: int) -> Delivery:
    """The delivery of a piece whose files last `seconds` (of a loop: its length) at `rate` in Hz."""
    exact = setting.name in ("film", "loop")
    return Delivery(setting, round(seconds * rate) if exact else 0, rate)


@dataclass(frozen=True, slots=True)
class Repeated:
    """A source played end to end until it has `frames`."""

    sound: Source
    frames: int

    @property
    def rate(self) -> int:
        return self.sound.rate

    @property
    def channels(self) -> int:
        return self.sound.channels

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
        done = 0
        while done < self.frames:
            for block in self.sound.blocks(frames):
                yield np.ascontiguousarray(block[:, : self.frames - done])
                done += min(block.shape[1], self.frames - done)
                if done == self.frames:
                    return

    def read(self) -> Audio:
        return Audio(np.ascontiguousarray(np.concatenate(list(self.blocks()), axis=1)), self.rate)


def between(sound: Source, start: int, end: int) -> Iterator[Samples]:
    """The frames from start to end; silence where the sound is shorter."""
    done = 0
    for block in sound.blocks():
        part = block[:, max(0, start - done) : max(0, end - done)]
        if part.shape[1]:
            yield np.ascontiguousarray(part)
        done += block.shape[1]
        if done >= end:
            return
    if end > max(done, start):
        yield np.zeros((sound.channels, end - max(done, start)), np.float32)


def faded(sound: Source, frames: int) -> Iterator[Samples]:
    """The first `frames`, the last of them faded to silence by a quarter of a cosine."""
    fade = min(frames, int(FADE_S * sound.rate))
    done = 0
    for block in between(sound, 0, frames):
        left = frames - done - np.arange(block.shape[1]) - 1
        gain = np.sin(0.5 * np.pi * np.clip(left / fade, 0, 1)) ** 2
        yield np.ascontiguousarray(block * gain, np.float32)
        done += block.shape[1]


def folded(sound: Source, frames: int) -> Iterator[Samples]:
    """The first `frames`, with all that sounds after them laid over the start."""
    over = np.zeros((sound.channels, frames), np.float32)
    for start in range(frames, sound.frames, frames):
        rest = np.concatenate(list(between(sound, start, min(start + frames, sound.frames))), axis=1)
        over[:, : rest.shape[1]] += rest
    done = 0
    for block in between(sound, 0, frames):
        yield np.ascontiguousarray(block + over[:, done : done + block.shape[1]])
        done += block.shape[1]


def second(sound: Source, frames: int, overlap: int) -> Iterator[Samples]:
    """The second round of three, begun as the third begins."""
    third = np.concatenate(list(between(sound, 2 * frames, 2 * frames + overlap)), axis=1)
    share = np.linspace(0, 1, overlap, endpoint=False, dtype=np.float32)
    done = 0
    for block in between(sound, frames, 2 * frames):
        if done < overlap:
            size = min(block.shape[1], overlap - done)
            s, t = share[done : done + size], third[:, done : done + size]
            block[:, :size] = s * block[:, :size] + (1 - s) * t
        yield block
        done += block.shape[1]
