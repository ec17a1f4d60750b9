"""Racks over sound: stems by role with their share of every send, finished recordings through everything."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import overload

import numpy as np

from melancholia.audio import BLOCK_FRAMES, Audio, Samples, Source, Stem, Stems
from melancholia.errors import InputError, in_range
from melancholia.files import FLOAT_SUBTYPE, Recording, check_output, source, write_audio
from melancholia.profile import Profile
from melancholia.racks.chain import Chain, Timeline
from melancholia.racks.rack import ANY, Rack
from melancholia.racks.rack import rack as find
from melancholia.racks.sends import Convolver, folded
from melancholia.racks.sends import tail_s as rack_tail_s
from melancholia.tables import Ramp

CHUNK = 12 * BLOCK_FRAMES  # long transforms are cheap for long responses
Progress = Callable[[float, str], None]
Arc = Sequence[tuple[float, float]]
Sections = Sequence[tuple[str, float, float]]


def intensity_of(profile: Profile | None, intensity: float) -> float:
    return profile.intensity if profile is not None else in_range("intensity", intensity, 0, 1)


def timeline(sound: Source, arc: Arc, sections: Sections) -> Timeline:
    return Timeline(tuple(arc), tuple(sections), sound.frames / sound.rate)


@overload
def apply(
    sound: Stems,
    *,
    rack: Rack | Path | str,
    intensity: float = ...,
    profile: Profile | None = ...,
    arc: Arc = ...,
    sections: Sections = ...,
    tail_s: float | None = ...,
    out: None = ...,
    folder: Path | None = ...,
    jobs: int = ...,
    progress: Progress | None = ...,
) -> Stems: ...
@overload
def apply(
    sound: Audio | Source | Path | str,
    *,
    rack: Rack | Path | str,
    intensity: float = ...,
    profile: Profile | None = ...,
    arc: Arc = ...,
    sections: Sections = ...,
    tail_s: float | None = ...,
    out: Path | None = ...,
    folder: None = ...,
    jobs: int = ...,
    progress: Progress | None = ...,
) -> Audio | Recording: ...
def apply(
    sound: Stems | Audio | Source | Path | str,
    *,
    rack: Rack | Path | str,
    intensity: float = 0.7,
    profile: Profile | None = None,
    arc: Arc = (),
    sections: Sections = (),
    tail_s: float | None = None,
    out: Path | None = None,
    folder: Path | None = None,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Stems | Audio | Recording:
    """Send stems or a finished recording through a rack.

    Parameters
    ----------
    sound : Stems, Audio, Recording or path
        Stems get their role's inserts, then ``insert.any``, the role's level and place, and their own share of every
        send's return: the wet stems sum to the mix. A recording (one or two channels) gets ``insert.any``, sends at
        ``gain_db.any`` and the bus; one channel becomes two.
    rack : Rack, name or path
    intensity : float
        0 to 1; that of `profile` where one is given.
    arc, sections : sequences
        What automation follows: (seconds, 0..1), and (name, start s, end s).
    tail_s : float, optional
        How long the result goes on behind the end of the sound; as long as the rack rings when left out.
    out : Path, optional
        For a recording: stream into this file.
    folder : Path, optional
        For stems: write each there as 32-bit float WAV, and keep only the file.

    Returns
    -------
    Stems for stems; for a recording an Audio, or the Recording that `out` became.
    """
    chain = find(rack)
    level = intensity_of(profile, intensity)
    if isinstance(sound, Stems):
        return apply_stems(sound, chain, level, arc, sections, tail_s, folder, jobs, progress)
    opened = source(sound)
    if opened.channels > 2:
        raise InputError(f"sound has {opened.channels} channels; allowed: one or two.")
    tail = rack_tail_s(chain, intensity=level, rate=opened.rate) if tail_s is None else tail_s
    line = timeline(opened, arc, sections)
    wet = through(opened, chain, ANY, level, line, tail, bus=True)
    return gathered(wet, opened, tail, out, progress)


def apply_stems(
    stems: Stems,
    rack: Rack,
    intensity: float,
    arc: Arc,
    sections: Sections,
    tail_s: float | None,
    folder: Path | None,
    jobs: int,
    progress: Progress | None,
) -> Stems:
    tail = rack_tail_s(rack, intensity=intensity, rate=stems.rate) if tail_s is None else tail_s
    if stems.channels > 2:
        raise InputError(f"stems have {stems.channels} channels; allowed: one or two.")
    wet: dict[str, Stem] = {}
    folded(rack, ANY, stems.rate, intensity)  # measure the sends once, before the threads

    def one(name: str) -> None:
        stem = stems[name]
        line = timeline(stem.sound, arc, sections)
        blocks = through(stem.sound, rack, stem.role, intensity, line, tail, bus=False)
        path = folder / f"{name}.wav" if folder is not None else None
        sound = gathered(blocks, stem.sound, tail, path, None, FLOAT_SUBTYPE)
        wet[name] = Stem(stem.role, stem.instrument, sound)
        if progress is not None:
            progress(len(wet) / len(stems), f"effects on {stem.role}")

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for future in [pool.submit(one, name) for name in stems]:
            future.result()
    return Stems({name: wet[name] for name in stems})


def through(
    sound: Source, rack: Rack, role: str, intensity: float, line: Timeline, tail_s: float, *, bus: bool
) -> Iterator[Samples]:
    """The sound and its tail through inserts, level and sends of a role (and the bus), block by block."""
    places = (role, ANY) if role != ANY else (ANY,)
    slots = [slot for place in places for slot in rack.inserts.get(place, ())]
    chain = Chain(slots, sound.rate, intensity, line)
    sends = folded(rack, role, sound.rate, intensity)
    convolver = Convolver(sends, CHUNK) if sends is not None else None
    after = Chain(rack.bus if bus else (), sound.rate, intensity, line)
    gain = sides(rack, role, intensity)
    for block in chunks(sound, tail_s):
        direct = chain.process(block) * gain
        wet = direct + convolver.process(direct) if convolver is not None else direct
        yield after.process(np.ascontiguousarray(wet, np.float32))


def sides(rack: Rack, role: str, intensity: float) -> Samples:
    """Gain (2, 1) of a role, left and right: its level, and its place by constant power."""
    level = 10 ** (rack.level_db.get(role, Ramp(0, 0)).at(intensity) / 20)
    pan = rack.pan.get(role, 0.0)
    angle = (1 + pan) * np.pi / 4
    return np.array([[level * np.sqrt(2) * np.cos(angle)], [level * np.sqrt(2) * np.sin(angle)]], np.float32)


def chunks(sound: Source, tail_s: float) -> Iterator[Samples]:
    """The sound as stereo and `tail_s` of silence behind it, in chunks of one size, only the last one shorter."""
    total = sound.frames + int(round(tail_s * sound.rate))
    held = np.zeros((2, CHUNK), np.float32)
    filled, done = 0, 0
    for block in sound.blocks():
        at = 0
        while at < block.shape[1]:
            count = min(CHUNK - filled, block.shape[1] - at)
            held[:, filled : filled + count] = block[:, at : at + count]  # one channel fills both
            filled, at = filled + count, at + count
            if filled == CHUNK:
                yield held.copy()
                done, filled = done + CHUNK, 0
    while done < total:
        held[:, filled:] = 0
        count = min(CHUNK, total - done)
        yield np.ascontiguousarray(held[:, :count])
        done, filled = done + count, 0


def gathered(
    blocks: Iterator[Samples],
    sound: Source,
    tail_s: float,
    out: Path | None,
    progress: Progress | None,
    subtype: str | None = None,
) -> Audio | Recording:
    """Blocks as an Audio, or streamed into a file."""
    total = sound.frames + int(round(tail_s * sound.rate))

    def told() -> Iterator[Samples]:
        done = 0
        for block in blocks:
            done += block.shape[1]
            if progress is not None:
                progress(done / total, "effects")
            yield block

    if out is not None:
        check_output(out, *((sound.path,) if isinstance(sound, Recording) else ()))
        wanted = subtype or (FLOAT_SUBTYPE if out.suffix.lower() == ".wav" else None)
        return write_audio(out, told(), rate=sound.rate, channels=2, subtype=wanted)
    samples = np.empty((2, total), np.float32)
    at = 0
    for block in told():
        samples[:, at : at + block.shape[1]] = block
        at += block.shape[1]
    return Audio(samples, sound.rate)


def mix(stems: Stems, *, out: Path | None = None) -> Audio | Recording:
    """The stems summed sample by sample, in float64, in memory or streamed to a 32-bit float WAV."""

    def summed() -> Iterator[Samples]:
        for blocks in zip(*(stem.sound.blocks() for stem in stems.values()), strict=True):
            yield np.ascontiguousarray(np.sum(blocks, axis=0, dtype=np.float64), np.float32)

    if out is not None:
        return write_audio(check_output(out), summed(), rate=stems.rate, channels=stems.channels, subtype=FLOAT_SUBTYPE)
    return Audio(np.ascontiguousarray(np.concatenate(list(summed()), axis=1)), stems.rate)


def bus(
    sound: Audio | Source | Path | str,
    *,
    rack: Rack | Path | str,
    intensity: float = 0.7,
    profile: Profile | None = None,
    arc: Arc = (),
    sections: Sections = (),
    out: Path | None = None,
) -> Audio | Recording:
    """The rack's bus over a mix: its length stays."""
    chain, opened = find(rack), source(sound)
    line = timeline(opened, arc, sections)
    after = Chain(chain.bus, opened.rate, intensity_of(profile, intensity), line)
    return gathered((after.process(block) for block in chunks(opened, 0.0)), opened, 0.0, out, None, FLOAT_SUBTYPE)
