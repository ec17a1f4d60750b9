"""Racks over sound: stems by role with their share of every send, finished recordings through everything."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import BLOCK_FRAMES, Audio, Samples, Source, Stem, Stems
from melancholia.errors import InputError, in_range
from melancholia.hosting.plugin import PluginError, resumed
from melancholia.hosting.rates import at_work
from melancholia.parallel import in_threads
from melancholia.piece import Piece
from melancholia.profile import Profile
from melancholia.racks.balance import Faders, balance
from melancholia.racks.chain import GRID, Chain, load
from melancholia.racks.course import FULL, Course, course
from melancholia.racks.ducking import Envelope, envelope, summed
from melancholia.racks.gathered import Progress, gathered
from melancholia.racks.rack import ANY, Rack, place_of, said
from melancholia.racks.rack import rack as find
from melancholia.racks.returns import Returns
from melancholia.racks.sends import folded
from melancholia.racks.sends import tail_s as rack_tail_s
from melancholia.racks.surround import around
from melancholia.recordings import Recording, source
from melancholia.tables import Ramp
from melancholia.timeline import Timeline

LONGEST_TAIL_S = 30.0
RATE = 48_000  # at which plugins are tried

Level = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # dB at times in s


def check_plugins(rack: Rack, intensity: float) -> None:
    """Load each plugin of a rack once: what it cannot be set to is said before any work is done.

    Raises
    ------
    InputError
        A plugin has no such parameter, setting, state or name.
    """
    for slot in rack.slots:
        if slot.plugin is not None and not slot.bypass:
            with suppress(PluginError):  # one that fails costs each file alone
                at_work(slot.plugin, RATE, intensity).close()


def intensity_of(profile: Profile | None, intensity: float) -> float:
    return profile.intensity if profile is not None else in_range("intensity", intensity, 0, 1)


@overload
def apply(
    sound: Stems,
    *,
    rack: Rack | Path | str,
    intensity: float = ...,
    profile: Profile | None = ...,
    timeline: Timeline | Piece | None = ...,
    tail_s: float | None = ...,
    spread: bool = ...,
    out: None = ...,
    folder: Path | str | None = ...,
    format_: str | None = ...,
    force: bool = ...,
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
    timeline: Timeline | Piece | None = ...,
    tail_s: float | None = ...,
    spread: bool = ...,
    out: None = ...,
    folder: None = ...,
    format_: str | None = ...,
    force: bool = ...,
    jobs: int = ...,
    progress: Progress | None = ...,
) -> Audio: ...
@overload
def apply(
    sound: Audio | Source | Path | str,
    *,
    rack: Rack | Path | str,
    intensity: float = ...,
    profile: Profile | None = ...,
    timeline: Timeline | Piece | None = ...,
    tail_s: float | None = ...,
    spread: bool = ...,
    out: Path | str,
    folder: None = ...,
    format_: str | None = ...,
    force: bool = ...,
    jobs: int = ...,
    progress: Progress | None = ...,
) -> Recording: ...
def apply(
    sound: Stems | Audio | Source | Path | str,
    *,
    rack: Rack | Path | str,
    intensity: float = 0.7,
    profile: Profile | None = None,
    timeline: Timeline | Piece | None = None,
    tail_s: float | None = None,
    spread: bool = True,
    out: Path | str | None = None,
    folder: Path | str | None = None,
    format_: str | None = None,
    force: bool = False,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Stems | Audio | Recording:
    """Send stems or a finished recording through a rack.

    Parameters
    ----------
    sound : Stems, Audio, Recording or path
        Stems are balanced (`racks.balance`), get their role's inserts, then ``insert.any``, the role's level and
        place, and their own share of every
        send's return: the wet stems sum to the mix. A recording gets ``insert.any``, sends at ``gain_db.any`` and the
        bus; one channel becomes two where there are sends, of surround each pair goes through a rack of its own, the
        LFE through none.
    rack : Rack, name or path
    intensity : float
        0 to 1; that of `profile` where one is given.
    profile : Profile, optional
        Its intensity, or its course over the piece.
    timeline : Piece or Timeline, optional
        What automation follows: the arc and the sections of the piece that was played.
    tail_s : float, optional
        How long the result goes on behind the end of the sound; as long as the rack rings when left out.
    spread : bool
        Whether sends may make two channels of one; if not, it is the middle of what they make.
    out : Path, optional
        For a recording: stream into this file; what its format cannot hold over full scale is turned down, and said
        in the `notes` of the Recording.
    folder : Path, optional
        For stems: write each there as 32-bit float WAV, and keep only the file.
    format_ : str, optional
        For a recording: a suffix that says the format of `out`, where its name does not.
    force : bool
        Replace audio files that stand there.
    jobs : int
        Stems that are processed side by side; the samples do not depend on it.
    progress : callable, optional
        Called with a fraction 0..1 and what is being done; may raise `Cancelled`.

    Returns
    -------
    Stems for stems; for a recording an Audio, or the Recording that `out` became.

    Raises
    ------
    InputError
        There is no such rack, its file says something that it cannot, nobody knows where so many channels stand, or
        something stands at `out` already.
    MelancholiaError
        An effect gives no finite sound, or the disk refused.
    """
    rack = find(rack)
    level = intensity_of(profile, intensity)
    if isinstance(sound, Stems):
        return apply_stems(sound, rack, level, timeline, profile, tail_s, folder, force, jobs, progress)
    opened = source(sound)
    along = course(opened, timeline, profile)
    tail = longest_tail_s(rack, level, along, opened.rate) if tail_s is None else tail_s

    def wet(part: Source) -> Iterator[Samples]:
        return through(part, rack, ANY, level, along, tail, bus=True)

    made = partial(around, opened, wet) if opened.channels > 2 else partial(wet, opened)
    channels = max(2, opened.channels)
    if opened.channels == 1 and not (rack.sends and spread):
        made, channels = partial(middles, made), 1
    return gathered(made, opened, channels, tail, out, progress, format_=format_, force=force, carry=True)


def middles(made: Callable[[], Iterator[Samples]]) -> Iterator[Samples]:
    """The middle of two channels."""
    return (np.asarray(block.mean(axis=0, keepdims=True)) for block in made())


def apply_stems(
    stems: Stems,
    rack: Rack,
    intensity: float,
    timeline: Timeline | Piece | None,
    profile: Profile | None,
    tail_s: float | None,
    folder: Path | str | None,
    force: bool,
    jobs: int,
    progress: Progress | None,
) -> Stems:
    along = course(next(iter(stems.values())).sound, timeline, profile)
    tail = longest_tail_s(rack, intensity, along, stems.rate) if tail_s is None else tail_s
    if stems.channels > 2:
        raise InputError(f"stems have {stems.channels} channels; allowed: one or two.")
    wet: dict[str, Stem] = {}
    for end in along.ends(intensity):
        folded(rack, ANY, stems.rate, end)  # measure the sends once, before the threads
    load(rack.slots)
    faders = balance(stems, rack, intensity, jobs=jobs)
    along = replace(along, keys=keys_of(stems, rack, faders))

    def one(name: str) -> None:
        stem = stems[name]
        place, gain_db = place_of(stem), faders.gain_db[name]
        ride = partial(faders.ride, name) if faders.moves(name) else None

        def made() -> Iterator[Samples]:
            return through(stem.sound, rack, place, intensity, along, tail, bus=False, gain_db=gain_db, by_melody=ride)

        path = Path(folder) / f"{name}.wav" if folder is not None else None
        sound = gathered(made, stem.sound, 2, tail, path, None, force=force)
        wet[name] = Stem(stem.role, stem.instrument, sound)
        if progress is not None:
            progress(len(wet) / len(stems), f"effects on {stem.role}")

    in_threads(one, stems, jobs=jobs)
    return Stems({name: wet[name] for name in stems})


def keys_of(stems: Stems, rack: Rack, faders: Faders) -> dict[str, Envelope]:
    """The levels of those stems that a Duck listens to, by place, each as it stands."""
    wanted = {place for slot in rack.slots for place, _ in slot.key}
    found: dict[str, list[Envelope]] = {}
    for name, stem in stems.items():
        if (place := place_of(stem)) in wanted:
            found.setdefault(place, []).append(envelope(stem.sound).times(10 ** (faders.gain_db[name] / 20)))
    return {place: summed(envelopes) for place, envelopes in found.items()}


def longest_tail_s(rack: Rack, intensity: float, along: Course, rate: int) -> float:
    """How long a rack rings on, wherever intensity goes; at most `LONGEST_TAIL_S`, however its echoes feed back."""
    return min(max(rack_tail_s(rack, intensity=end, rate=rate) for end in along.ends(intensity)), LONGEST_TAIL_S)


def through(
    sound: Source,
    rack: Rack,
    place: str,
    intensity: float,
    along: Course,
    tail_s: float,
    *,
    bus: bool,
    gain_db: float = 0.0,
    by_melody: Level | None = None,
) -> Iterator[Samples]:
    """The sound at a gain, moved as `by_melody` says, and its tail through all of a place (and the bus), in blocks."""
    gain = np.float32(10 ** (gain_db / 20))
    own = said(rack.inserts, place, ()) if place != ANY else ()

    def stream() -> Iterator[Samples]:
        with (
            closing(Chain([*own, *rack.inserts.get(ANY, ())], sound.rate, intensity, along)) as chain,
            closing(Returns(rack, place, intensity, along, sound.rate, chain.latency)) as returns,
            closing(Chain(rack.bus if bus else (), sound.rate, intensity, along, returns.late)) as after,
        ):
            fader = Fader(rack, place, intensity, along, sound.rate, chain.latency, by_melody)

            def wet(block: Samples) -> Samples:
                direct = fader.process(chain.process(np.asarray(block * gain) if gain_db else block))
                return after.process(returns.process(np.ascontiguousarray(direct, np.float32)))

            late = chain.latency + returns.latency + after.latency
            yield from in_time(wet, sound, int(round(tail_s * sound.rate)), late, returns.chunk)

    return resumed(stream)


def in_time(
    process: Callable[[Samples], Samples], sound: Source, tail: int, latency: int, chunk: int = BLOCK_FRAMES
) -> Iterator[Samples]:
    """The sound and `tail` frames behind it, processed in chunks; what the process holds back is waited for."""
    ahead = latency
    for block in chunks(sound, sound.frames + tail + latency, chunk):
        done = process(block)
        skipped = min(ahead, done.shape[1])
        ahead -= skipped
        if skipped < done.shape[1]:
            yield np.ascontiguousarray(done[:, skipped:])


class Fader:
    """Level, place and rides of a stem: gain by constant power, and by curves in time, which bend every 256 frames."""

    def __init__(
        self, rack: Rack, place: str, intensity: float, along: Course, rate: int, late: int, by_melody: Level | None
    ) -> None:
        own = said(rack.rides, place, ()) if place != ANY else ()
        self.moving = [(ride.gain_db, ride.how) for ride in (*own, *rack.rides.get(ANY, ()))]
        level = said(rack.level_db, place, Ramp(0, 0))
        if along.curve:
            self.moving.append((level, FULL))
            level = Ramp(0, 0)
        self.sides = sides(level.at(intensity), said(rack.pan, place, 0.0))
        self.intensity, self.along, self.rate, self.done = intensity, along, rate, -late
        self.by_melody = by_melody

    def process(self, block: Samples) -> Samples:
        moved = block * self.sides
        if self.moving or self.by_melody is not None:
            frames = np.arange(0, block.shape[1] + GRID, GRID)
            t = (self.done + frames) / self.rate
            level = np.zeros(len(t)) if self.by_melody is None else self.by_melody(t)
            for gain_db, how in self.moving:
                level = level + self.along.along(gain_db, how, t, self.intensity)
            gain = 10 ** (level / 20)
            moved *= np.interp(np.arange(block.shape[1]), frames, gain).astype(np.float32)
        self.done += block.shape[1]
        return np.asarray(moved)


def sides(level_db: float, pan: float) -> Samples:
    """Gain (2, 1), left and right, of a level and a place from -1 to 1, by constant power."""
    level, angle = 10 ** (level_db / 20), (1 + pan) * np.pi / 4
    return np.array([[level * np.sqrt(2) * np.cos(angle)], [level * np.sqrt(2) * np.sin(angle)]], np.float32)


def chunks(sound: Source, total: int, size: int) -> Iterator[Samples]:
    """The sound as stereo and silence behind it, `total` frames in chunks of one size, only the last one shorter."""
    held = np.zeros((2, size), np.float32)
    filled, done = 0, 0
    for block in sound.blocks():
        at = 0
        while at < block.shape[1]:
            count = min(size - filled, block.shape[1] - at)
            held[:, filled : filled + count] = block[:, at : at + count]  # one channel fills both
            filled, at = filled + count, at + count
            if filled == size:
                yield held.copy()
                done, filled = done + size, 0
    while done < total:
        held[:, filled:] = 0
        count = min(size, total - done)
        yield np.ascontiguousarray(held[:, :count])
        done, filled = done + count, 0
