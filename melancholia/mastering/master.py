"""The master: one gain to the loudness asked for, and a limiter whose gain is a curve known before it is applied.

The curve follows from block peaks alone, so the gain for a loudness is solved without touching the sound again: the
loudness after limiting is that of the hop energies times the curve.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Audio, Samples, Source, called
from melancholia.channels import mask_of
from melancholia.encoding import AUDIO, encode, encoding, fitted, unsaid
from melancholia.encoding import written as written_as
from melancholia.errors import InputError, in_range
from melancholia.files import check_output, writing
from melancholia.mastering import kernels
from melancholia.mastering.loudness import Loudness, PeakMeter, Scan, integrated, loudness_of, measure, scan
from melancholia.metadata import carried
from melancholia.recordings import Recording, recording, source

LOOK_AHEAD_S = 0.005
FAST_S, SLOW_ATTACK_S, SLOW_RELEASE_S = 0.080, 0.120, 0.600
AIM_DB = 0.05  # below the ceiling: what other meters' kernels read more
SHORTEST_S = 0.4
LOUDNESSES_LUFS = -40.0, -5.0
CEILINGS_DBTP = -20.0, 0.0
BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_S8": 8}
TRIES = 4
LOSSY_SLACK_DB = 0.1  # over the ceiling, after decoding
LOSSY_OFF_LU = 0.05  # from the loudness planned, after decoding
LOSSY_STEP = 0.7  # what is softer overshoots less: .6 to .8 of the excess was right for Vorbis, Opus and MP3


@dataclass(frozen=True, slots=True, eq=False)
class MasterPlan:
    """A master before it is made: the gain, the reduction at each node (dB), what it comes to, and what to know of it.

    `nodes` are linear gains at every `block` frames, the static gain among them.
    """

    gain_db: float
    nodes: NDArray[np.float32]
    block: int
    reduction_db: float
    reached_lufs: float
    before: Loudness
    note: str = ""


def plan_master(
    sound: Audio | Source | Path | str,
    *,
    lufs: float = -16.0,
    ceiling_dbtp: float = -1.0,
    max_reduction_db: float = 6.0,
) -> MasterPlan:
    """Solve gain and limiter for a loudness (LUFS, -40 to -5) under a ceiling (dBTP, -20 to 0).

    Raises
    ------
    InputError
        A target lies outside its range, or the sound is shorter than 0.4 s, where loudness is undefined.
    """
    in_range("loudness", lufs, *LOUDNESSES_LUFS, "LUFS")
    in_range("ceiling", ceiling_dbtp, *CEILINGS_DBTP, "dBTP")
    sound = source(sound)
    if sound.frames < SHORTEST_S * sound.rate:
        raise InputError(
            f"{called(sound)} is {sound.frames / sound.rate:.2f} s long; allowed: 0.4 s or more, to have a loudness."
        )
    return plan_for(scan(sound), lufs, ceiling_dbtp, max_reduction_db)


def plan_for(found: Scan, lufs: float, ceiling_dbtp: float, max_reduction_db: float) -> MasterPlan:
    before = loudness_of(found)
    ceiling = 10 ** ((ceiling_dbtp - AIM_DB) / 20)
    if not np.isfinite(before.integrated_lufs):
        nodes = np.ones(len(found.peaks) + 1, np.float32)
        return MasterPlan(0.0, nodes, found.block, 0.0, float("-inf"), before, "silence: left as it is.")
    note = ""
    gain_db = lufs - before.integrated_lufs
    highest = 20 * np.log10(ceiling / max(float(found.peaks.max()), 1e-9)) + max_reduction_db
    low, high = gain_db - 1, highest
    if gain_db > highest or reached(found, high, ceiling)[0] < lufs - 0.05:
        gain_db = highest
        note = f"{lufs:g} LUFS needs more than {max_reduction_db:g} dB of limiting; "
    else:
        low, high = gain_db, max(highest, gain_db)
        for _ in range(40):
            got = reached(found, gain_db, ceiling)[0]
            if abs(got - lufs) < 0.002:
                break
            low, high = (gain_db, high) if got < lufs else (low, gain_db)
            step = gain_db + (lufs - got) * 1.05
            gain_db = step if low < step < high else 0.5 * (low + high)
    got, curve = reached(found, gain_db, ceiling)
    nodes = (10 ** ((gain_db - curve) / 20)).astype(np.float32)
    if note:
        note += f"reached {got:.1f} LUFS."
    return MasterPlan(float(gain_db), nodes, found.block, float(curve.max(initial=0.0)), got, before, note)


def reached(found: Scan, gain_db: float, ceiling: float) -> tuple[float, NDArray[np.float32]]:
    """Integrated loudness after gain and limiter, and the limiter's curve in dB."""
    nodes_a_second = found.rate / found.block
    curve = kernels.reduction_curve(
        found.peaks,
        10 ** (gain_db / 20),
        ceiling,
        max(2, int(LOOK_AHEAD_S * nodes_a_second)),
        float(np.exp(-1 / (FAST_S * nodes_a_second))),
        1 - float(np.exp(-1 / (SLOW_ATTACK_S * nodes_a_second))),
        1 - float(np.exp(-1 / (SLOW_RELEASE_S * nodes_a_second))),
    )
    middle = np.cumsum(found.hop_frames) - found.hop_frames / 2
    at = np.clip(middle / found.block, 0, len(curve) - 1)
    db = np.interp(at, np.arange(len(curve)), curve) if curve.any() else 0.0
    return integrated(found, found.energy * 10 ** ((gain_db - db) / 10)), curve


@overload
def master(
    sound: Audio | Source | Path | str,
    *,
    lufs: float = ...,
    ceiling_dbtp: float = ...,
    out: None = ...,
    subtype: str | None = ...,
    plan: MasterPlan | None = ...,
    seed: int = ...,
    force: bool = ...,
    progress: Callable[[float, str], None] | None = ...,
) -> Audio: ...
@overload
def master(
    sound: Audio | Source | Path | str,
    *,
    lufs: float = ...,
    ceiling_dbtp: float = ...,
    out: Path | str,
    subtype: str | None = ...,
    plan: MasterPlan | None = ...,
    seed: int = ...,
    force: bool = ...,
    progress: Callable[[float, str], None] | None = ...,
) -> Recording: ...
def master(
    sound: Audio | Source | Path | str,
    *,
    lufs: float = -16.0,
    ceiling_dbtp: float = -1.0,
    out: Path | str | None = None,
    subtype: str | None = None,
    plan: MasterPlan | None = None,
    seed: int = 0,
    force: bool = False,
    progress: Callable[[float, str], None] | None = None,
) -> Audio | Recording:
    """Master a recording: in memory as float, or streamed to `out` as 24-bit with dither (where the format can).

    Parameters
    ----------
    sound : Audio, Recording, Stems' source or path
        One to eight channels.
    lufs, ceiling_dbtp : float
        Integrated loudness (LUFS) and true peak (dBTP).
    out : path, optional
        The file to write; its suffix says the format. Never one of the sources.
    subtype : str, optional
        soundfile's name; 24 bits where the format has them.
    plan : MasterPlan, optional
        From `plan_master`, when it is known already.
    seed : int
        Of the dither.
    force : bool
        Replace an audio file that stands at `out`.
    progress : callable, optional
        Called with a fraction 0..1 and what is being done; may raise `Cancelled`.

    Returns
    -------
    Audio, or the Recording that `out` became; its `notes` say what is over the ceiling or could not be kept.

    Raises
    ------
    InputError
        A target lies outside its range, the sound is shorter than 0.4 s or of unknown channels, or something stands at
        `out` already.
    MelancholiaError
        The disk refused.

    References
    ----------
    ITU-R BS.1770-5 for loudness and true peak; the limiter is a curve over blocks, see the module.
    """
    sound = source(sound)
    if plan is None:
        plan = plan_master(sound, lufs=lufs, ceiling_dbtp=ceiling_dbtp)
    if out is None:
        samples = np.concatenate(list(limited(sound, plan)), axis=1)
        return Audio(np.ascontiguousarray(samples), sound.rate)
    return deliver(
        sound, plan, Path(out), lufs=lufs, ceiling_dbtp=ceiling_dbtp, subtype=subtype, seed=seed,
        force=force, progress=progress,
    ).recording  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivered:
    """A master as it was written: the file, its true peak (dBTP) and loudness (LUFS) when decoded, and its plan."""

    recording: Recording
    true_peak_dbtp: float
    lufs: float
    plan: MasterPlan


def deliver(
    sound: Source,
    plan: MasterPlan,
    out: Path,
    *,
    lufs: float,
    ceiling_dbtp: float,
    format_: str | None = None,
    subtype: str | None = None,
    seed: int = 0,
    force: bool = False,
    tags_of: Source | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Delivered:
    """Write a master as planned; what is written is measured as people will hear it, and made anew if it is too high.

    Integers are measured as they are dithered: where a block stands above the ceiling (by the rounding of dither, or
    between the nodes) the curve is lowered. A coder overshoots, and takes away, by its own means: what it made is
    decoded, the ceiling lowered and the gain raised by as much. What the source says of itself (tags, chunks), or
    `tags_of` where that is another sound, goes with it. What is still over after `TRIES`, and what could not be kept,
    is said in the recording's `notes`.
    """
    over = AUDIO if force else None
    check_output(out, *((sound.path,) if isinstance(sound, Recording) else ()), over=over)
    shape = {"rate": sound.rate, "channels": sound.channels}
    kind = fitted(encoding(out, format_=format_, delivered=True, subtype=subtype), out, **shape, frames=sound.frames)
    say = progress or (lambda fraction, what: None)
    aim, note, planned = ceiling_dbtp, plan.note, plan.reached_lufs
    target = planned
    with writing(out, over=over) as part:
        for tries in range(TRIES):
            peaks = np.zeros(len(plan.nodes) - 1, np.float32)
            meter = PeakMeter(sound.channels, peaks, plan.block, 10 ** ((ceiling_dbtp - 0.5) / 20))
            frames = encode(
                part, written(sound, plan, kind.subtype, seed, meter, say), kind, **shape, mask=mask_of(sound)
            )
            last = tries == TRIES - 1
            if kind.lossy:
                heard = measure(recording(part))
                peak, loud = heard.true_peak_dbtp, heard.integrated_lufs
                over_db, off_lu = peak - ceiling_dbtp, planned - loud if np.isfinite(loud) else 0.0
                if over_db <= LOSSY_SLACK_DB and abs(off_lu) <= LOSSY_OFF_LU or last:
                    break
                aim -= LOSSY_STEP * over_db if over_db > LOSSY_SLACK_DB else 0.0
                target += off_lu
                lowest, loudest = LOUDNESSES_LUFS
                wanted = min(max(target, lowest), loudest)
                plan = replace(plan_master(sound, lufs=wanted, ceiling_dbtp=max(aim, CEILINGS_DBTP[0])), note=note)
            else:
                loud = plan.reached_lufs
                high = peaks / 10 ** ((ceiling_dbtp + 1e-3) / 20)
                peak = plan.before.true_peak_dbtp + plan.gain_db  # where the limiter rests, not all peaks are looked at
                if plan.reduction_db:
                    peak = 20 * np.log10(max(float(peaks.max(initial=0.0)), 1e-10))
                if high.max(initial=0.0) <= 1 or plan.reduction_db == 0 and high.max() <= 1.0006 or last:
                    break
                plan = tightened(plan, high)
        notes = carried(tags_of or sound, part) + unsaid(kind, mask_of(sound), sound.channels)
        if peak > ceiling_dbtp + LOSSY_SLACK_DB:
            notes += (f"its true peak is {peak:+.1f} dBTP, over the ceiling of {ceiling_dbtp:+.1f} dBTP",)
        if kind.lossy and np.isfinite(loud) and abs(planned - loud) > 2 * LOSSY_OFF_LU:
            notes += (f"it came to {loud:.1f} LUFS when decoded, not to {planned:.1f}",)
    made = written_as(out, kind, **shape, frames=frames, notes=notes)
    return Delivered(made, float(peak), float(loud), plan)


def limited(sound: Source, plan: MasterPlan) -> Iterator[Samples]:
    """The sound times the plan's gain, block by block."""
    done = 0
    for block in sound.blocks():
        samples = block.copy()
        kernels.apply_gain(samples, plan.nodes, done, plan.block)
        done += samples.shape[1]
        yield samples


def written(
    sound: Source,
    plan: MasterPlan,
    subtype: str | None,
    seed: int,
    meter: PeakMeter,
    say: Callable[[float, str], None],
) -> Iterator[Samples]:
    """What goes into the file: integers with dither, or floats where the format is none of integers."""
    done = 0
    for samples in limited(sound, plan):
        if subtype in BITS:
            integers = kernels.dithered(samples, BITS[subtype], done, np.uint64(seed))
            meter.add((integers * np.float32(2.0**-31)).astype(np.float32))
            yield integers
        else:
            meter.add(samples)
            yield samples
        done += samples.shape[1]
        say(done / sound.frames, "mastering")
    meter.finish()


def tightened(plan: MasterPlan, over: NDArray[np.float32]) -> MasterPlan:
    """The same plan with the gain lowered, within a look-ahead, where the written file stood too high."""
    down = np.ones(len(plan.nodes), np.float32)
    for b in np.flatnonzero(over > 1):
        low, high = max(0, b - 8), min(len(down), b + 10)
        down[low:high] = np.minimum(down[low:high], 1 / over[b])
    return replace(plan, nodes=plan.nodes * down)
