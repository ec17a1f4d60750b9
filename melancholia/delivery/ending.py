"""Where a song ends: when nothing sounds any more, and not when the longest room could have rung out."""

import struct
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from melancholia.meter import integrated_lufs
from melancholia.recordings import Recording
from melancholia.riff import Chunk, chunks

FLOOR_DB = -82.0  # dBFS of the master; of dry stems as they are
AFTER_S = 0.25  # goes on behind the last of it, and fades


def end_of_sound(mixed: Recording, dry: Iterable[Recording], *, lufs: float) -> int:
    """Frames until nothing sounds: neither in the mix, at the loudness that its master will have, nor in a dry stem."""
    loudest = integrated_lufs(mixed)
    floor = 10 ** ((FLOOR_DB - max(0.0, lufs - loudest)) / 20)
    last = max(last_over(mixed, floor), *(last_over(stem, 10 ** (FLOOR_DB / 20)) for stem in dry))
    return min(mixed.frames, last + round(AFTER_S * mixed.rate))


def last_over(recording: Recording, floor: float) -> int:
    """The frame behind the last one whose peak lies over `floor`, in a float WAV of ours."""
    samples = mapped(recording, "r")
    step = recording.rate
    for start in range(recording.frames - 1 - (recording.frames - 1) % step, -1, -step):
        loud = np.flatnonzero(np.abs(samples[start : start + step]).max(axis=1) > floor)
        if len(loud):
            return start + int(loud[-1]) + 1
    return 0


def shortened(recording: Recording, frames: int) -> Recording:
    """A float WAV of ours cut to `frames` where it lies, its last quarter second faded; itself if it is no longer."""
    if frames >= recording.frames:
        return recording
    samples = mapped(recording, "r+")
    fade = min(frames, round(AFTER_S * recording.rate))
    samples[frames - fade : frames] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    del samples  # writes it back
    size = frames * recording.channels * 4
    with recording.path.open("rb+") as file:
        found = {chunk.id: chunk for chunk in chunks(file)}
        data = found[b"data"]
        file.truncate(data.start + size)
        for at, value in ((4, data.start + size - 8), (data.start - 4, size)):
            file.seek(at)
            file.write(struct.pack("<I", value))
        if b"fact" in found:
            file.seek(found[b"fact"].start)
            file.write(struct.pack("<I", frames))
    return replace(recording, frames=frames)


def mapped(recording: Recording, mode: str) -> NDArray[np.float32]:
    """The samples (frames, channels) of a float WAV, as they lie on disk."""
    shape = recording.frames, recording.channels
    return np.memmap(recording.path, "<f4", mode, sound_chunk(recording).start, shape)  # type: ignore[call-overload, no-any-return]


def sound_chunk(recording: Recording) -> Chunk:
    with recording.path.open("rb") as file:
        return next(chunk for chunk in chunks(file) if chunk.id == b"data")
