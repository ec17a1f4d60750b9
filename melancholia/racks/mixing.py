"""From wet stems to the mix, and the mix through the rack's bus."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np

from melancholia.audio import Audio, Samples, Source, Stems
from melancholia.encoding import AUDIO, FLOAT, write_audio
from melancholia.files import check_output
from melancholia.hosting.plugin import resumed
from melancholia.piece import Piece
from melancholia.profile import Profile
from melancholia.racks.apply import in_time, intensity_of
from melancholia.racks.chain import Chain
from melancholia.racks.course import course
from melancholia.racks.gathered import gathered
from melancholia.racks.rack import Rack
from melancholia.racks.rack import rack as find
from melancholia.racks.surround import around
from melancholia.recordings import Recording, source
from melancholia.timeline import Timeline


@overload
def mix(stems: Stems, *, out: None = ..., force: bool = ...) -> Audio: ...
@overload
def mix(stems: Stems, *, out: Path | str, force: bool = ...) -> Recording: ...
def mix(stems: Stems, *, out: Path | str | None = None, force: bool = False) -> Audio | Recording:
    """The stems summed sample by sample, in float64, in memory or streamed to a 32-bit float WAV.

    Parameters
    ----------
    stems : Stems
        Of one rate, length and channel count.
    out : path, optional
        Stream into this file.
    force : bool
        Replace an audio file that stands there.

    Returns
    -------
    Audio, or the Recording that `out` became.

    Raises
    ------
    InputError
        Something stands at `out` already.
    MelancholiaError
        The disk refused.
    """
    if out is not None:
        over = AUDIO if force else None
        return write_audio(
            check_output(Path(out), over=over),
            stems.blocks(),
            rate=stems.rate,
            channels=stems.channels,
            frames=stems.frames,
            subtype=FLOAT,
            over=over,
        )
    return Audio(np.ascontiguousarray(np.concatenate(list(stems.blocks()), axis=1)), stems.rate)


@overload
def bus(
    sound: Audio | Source | Path | str,
    *,
    rack: Rack | Path | str,
    intensity: float = ...,
    profile: Profile | None = ...,
    timeline: Timeline | Piece | None = ...,
    out: None = ...,
    force: bool = ...,
) -> Audio: ...
@overload
def bus(
    sound: Audio | Source | Path | str,
    *,
    rack: Rack | Path | str,
    intensity: float = ...,
    profile: Profile | None = ...,
    timeline: Timeline | Piece | None = ...,
    out: Path | str,
    force: bool = ...,
) -> Recording: ...
def bus(
    sound: Audio | Source | Path | str,
    *,
    rack: Rack | Path | str,
    intensity: float = 0.7,
    profile: Profile | None = None,
    timeline: Timeline | Piece | None = None,
    out: Path | str | None = None,
    force: bool = False,
) -> Audio | Recording:
    """The rack's bus over a mix: its length stays.

    Parameters
    ----------
    sound : Audio, Recording or path
        The mix; one channel becomes two, of surround each pair goes through a bus of its own, the LFE through none.
    rack : Rack, name or path
    intensity, profile, timeline :
        As in `apply`.
    out : path, optional
        Stream into this file.
    force : bool
        Replace an audio file that stands there.

    Returns
    -------
    Audio, or the Recording that `out` became.

    Raises
    ------
    InputError
        There is no such rack, or something stands at `out` already.
    MelancholiaError
        An effect gives no finite sound, or the disk refused.
    """
    rack, opened = find(rack), source(sound)
    along = course(opened, timeline, profile)

    def stream(part: Source) -> Iterator[Samples]:
        with closing(Chain(rack.bus, opened.rate, intensity_of(profile, intensity), along)) as after:
            yield from in_time(after.process, part, 0, after.latency)

    def wet(part: Source) -> Iterator[Samples]:
        return resumed(partial(stream, part))

    made = partial(around, opened, wet) if opened.channels > 2 else partial(wet, opened)
    return gathered(made, opened, max(2, opened.channels), 0.0, out, None, force=force)
