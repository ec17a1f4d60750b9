"""Mastered stems: the gain curve of the master over each stem, so that they add up to it."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from melancholia.audio import Source, called
from melancholia.channels import mask_of
from melancholia.encoding import AUDIO, encode, encoding, fitted, unsaid
from melancholia.encoding import written as written_as
from melancholia.errors import InputError
from melancholia.files import check_output, writing
from melancholia.mastering.loudness import PeakMeter
from melancholia.mastering.master import check_plan, subtype_of, written
from melancholia.mastering.plan import MasterPlan
from melancholia.metadata import carried
from melancholia.recordings import Recording, source
from melancholia.streams import check_seed


def master_stem(
    sound: Source | Path | str,
    plan: MasterPlan,
    out: Path | str,
    *,
    subtype: str | None = None,
    seed: int = 0,
    force: bool = False,
    tags_of: Source | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Recording:
    """One stem times the gain curve of the master of all.

    The ceiling holds for the sum: a stem alone may be louder where others take away from it. In floats nothing is lost.

    Parameters
    ----------
    sound : Source or path
        As long as the mix that was planned for, and of its rate.
    plan : MasterPlan
        Of the mix, as from ``plan_master(Stems(...))``.
    out : path
        The file to write.
    subtype : str, optional
        As in `master`; the depth of the stem is kept when left out.
    seed, force, progress :
        As in `master`.
    tags_of : Source, optional
        Whose tags go with it, where that is another sound.

    Returns
    -------
    Recording
        Its `notes` say where it is cut off at full scale, and what could not be kept.

    Raises
    ------
    InputError
        It is not as long as the mix, or something stands at `out`.
    MelancholiaError
        The disk refused.
    """
    sound, out = source(sound), Path(out)
    check_plan(plan, sound)
    over = AUDIO if force else None
    check_output(out, *((sound.path,) if isinstance(sound, Recording) else ()), over=over)
    shape = {"rate": sound.rate, "channels": sound.channels}
    kind = encoding(out, delivered=True, like=subtype_of(tags_of or sound), subtype=subtype)
    kind = fitted(kind, out, **shape, frames=sound.frames)
    meter = PeakMeter(sound.channels, plan.block, sound.frames, share=1.0)
    say = progress or (lambda fraction, what: None)
    seed = check_seed(seed)
    with writing(out, over=over) as part:
        samples = written(sound, plan, kind.subtype, seed, (meter.add,), say)
        frames = encode(part, samples, kind, **shape, mask=mask_of(sound))
        meter.finish()
        notes = carried(tags_of or sound, part) + unsaid(kind, mask_of(sound), sound.channels)
    if kind.bounded and meter.highest >= 1:
        notes += (f"its true peak is {20 * np.log10(meter.highest):+.1f} dBTP: cut off at full scale",)
    return written_as(out, kind, **shape, frames=frames, notes=notes)


def null_dbfs(stems: Iterable[Source | Path | str], master: Source | Path | str) -> float:
    """The highest sample of what stems, added up, differ by from a master, in dB of full scale; -inf where by nothing.

    Parameters
    ----------
    stems : iterable of Source or path
    master : Source or path
        All of one rate, length and channel count.

    Returns
    -------
    float

    Raises
    ------
    InputError
        There are no stems, or one is of another rate, length or channel count.
    """
    whole, parts = source(master), [source(stem) for stem in stems]
    if not parts:
        raise InputError("there are no stems; allowed: one or more.")
    for part in parts:
        if (part.rate, part.channels, part.frames) != (whole.rate, whole.channels, whole.frames):
            raise InputError(
                f"{called(part)} differs from {called(whole)} in rate, channels or length; allowed: as it."
            )
    most = 0.0
    for theirs, *ours in zip(whole.blocks(), *(part.blocks() for part in parts), strict=True):
        most = max(most, float(np.abs(np.sum(ours, axis=0, dtype=np.float64) - theirs).max(initial=0.0)))
    return 20 * float(np.log10(most)) if most else float("-inf")
