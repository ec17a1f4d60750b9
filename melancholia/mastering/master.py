"""The master as it is written: the plan's gain, dither, a coder where the format has one, and what came of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from melancholia.audio import Audio, Samples, Source, called
from melancholia.channels import mask_of
from melancholia.encoding import AUDIO, COMPANDED, Encoding, encode, encoding, fitted, unsaid
from melancholia.encoding import written as written_as
from melancholia.errors import InputError, in_range, unknown
from melancholia.files import check_output, writing
from melancholia.interrupts import unfinished
from melancholia.mastering.dither import Dither, quantised
from melancholia.mastering.loudness import Energies, Loudness, PeakMeter, loudness_of, measure
from melancholia.mastering.plan import MasterPlan, Nodes, aimed, plan_for, plan_master, planned
from melancholia.mastering.series import Series
from melancholia.mastering.targets import CEILINGS_DBTP, LOUDNESSES_LUFS
from melancholia.metadata import carried
from melancholia.recordings import Recording, recording, source
from melancholia.streams import check_seed

BITS = {  # of integers, also of those that are packed
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32,
    "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32,
}  # fmt: skip
TRIES = 4
A_LITTLE = 0.997  # lower than need be, where it was over
CODERS = ("mp3", "ogg", "opus")
LOSSY_SLACK_DB = 0.1  # over the ceiling, after decoding
OFF_LU = 0.05  # from the loudness planned
ROUNDING = 1.0006  # what dither may add where the limiter rests
LOSSY_STEP = 0.7  # what is softer overshoots less: .6 to .8 of the excess was right for Vorbis, Opus and MP3


@overload
def master(
    sound: Audio | Source | Path | str,
    *,
    lufs: float = ...,
    ceiling_dbtp: float = ...,
    out: None = ...,
    subtype: str | None = ...,
    plan: MasterPlan | None = ...,
    codecs: Sequence[str] = ...,
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
    codecs: Sequence[str] = ...,
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
    codecs: Sequence[str] = (),
    seed: int = 0,
    force: bool = False,
    progress: Callable[[float, str], None] | None = None,
) -> Audio | Recording:
    """Master a recording: in memory as float, or streamed to `out` at the depth of its source, with dither.

    Parameters
    ----------
    sound : Audio, Recording, Stems' source or path
        One to eight channels.
    lufs, ceiling_dbtp : float
        Integrated loudness (LUFS) and true peak (dBTP).
    out : path, optional
        The file to write; its suffix says the format. Never one of the sources.
    subtype : str, optional
        soundfile's name. Left out, the depth of the source is kept where the format has it: 8, 16, 24 or 32 bits or
        floats. Sound in memory and what was coded with a loss have none and become 24 bits; mu-law, A-law and ADPCM,
        whose 4 to 14 bits stand for 16, become 16.
    plan : MasterPlan, optional
        From `plan_master`, when it is known already.
    codecs : sequence of "mp3", "ogg", "opus"
        Coders that the file will meet: what they make of it keeps the ceiling, too.
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
        check_plan(plan, sound)
        if codecs or subtype:
            raise InputError("codecs or a subtype were given without out; allowed: with the file that has them.")
        samples = np.concatenate(list(limited(sound, plan)), axis=1)
        return Audio(np.ascontiguousarray(samples), sound.rate)
    return deliver(
        sound, plan, Path(out), ceiling_dbtp=ceiling_dbtp, subtype=subtype, codecs=codecs, seed=seed,
        force=force, progress=progress,
    ).recording  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivered:
    """A master as it was written: the file, its true peak (dBTP) and loudness (LUFS) when decoded, and its plan.

    `coded` are the true peaks (dBTP) that the file has after each coder that was asked about.
    """

    recording: Recording
    true_peak_dbtp: float
    lufs: float
    plan: MasterPlan
    coded: Mapping[str, float] = field(default_factory=dict)


def deliver(
    sound: Source | Path | str,
    plan: MasterPlan,
    out: Path | str,
    *,
    ceiling_dbtp: float,
    format_: str | None = None,
    subtype: str | None = None,
    codecs: Sequence[str] = (),
    seed: int = 0,
    force: bool = False,
    tags_of: Source | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Delivered:
    """Write a master as planned; what is written is measured as people will hear it, and made anew where it is off.

    Integers are measured as they are dithered: where a block stands above the ceiling (by the rounding of dither, or
    between the nodes) the curve is lowered. A limiter that bends low notes makes them a little softer or louder than
    the plan has it, and a coder overshoots, and takes away, by its own means: the plan is made anew for as much more
    or less, under a ceiling as much lower. The latter holds for `codecs` that the file will meet later, too. What the
    source says of itself (tags, chunks), or `tags_of` where that is another sound, goes with it.

    Parameters
    ----------
    sound : Source or path
        What the plan was made for.
    plan : MasterPlan
    out : path
        The file to write; its suffix, or `format_` (another one), says the format.
    ceiling_dbtp : float
        True peak (dBTP, -20 to 0).
    subtype, codecs, seed, force, progress :
        As in `master`.

    Returns
    -------
    Delivered
        What is still off after `TRIES` tries, and what could not be kept, is said in its recording's `notes`.

    Raises
    ------
    InputError
        Something stands at `out`, the format or a coder cannot take this sound, or the plan is for another one.
    MelancholiaError
        The disk refused.
    """
    sound, out = source(sound), Path(out)
    over = AUDIO if force else None
    in_range("ceiling", ceiling_dbtp, *CEILINGS_DBTP, "dBTP")
    check_plan(plan, sound)
    check_output(out, *((sound.path,) if isinstance(sound, Recording) else ()), over=over)
    was = subtype_of(tags_of or sound)
    kind = encoding(out, format_=format_, delivered=True, like=was, subtype=subtype)
    kind = fitted(kind, out, rate=sound.rate, channels=sound.channels, frames=sound.frames)
    coders = check_codecs(codecs, sound, out)
    whole = tags_of is None and BITS.get(was, 99) <= BITS.get(kind.subtype, 0)
    way = Way(kind, () if kind.lossy else coders, check_seed(seed), whole, ceiling_dbtp)
    first, target, aim = plan, plan.reached_lufs, ceiling_dbtp
    with writing(out, over=over) as part:
        for left in reversed(range(TRIES)):
            got = passed(sound, plan, part, way, progress or (lambda fraction, what: None))
            over_db = max(got.coded.values(), default=-np.inf) - ceiling_dbtp
            off_lu = first.reached_lufs - got.loudness.integrated_lufs
            if plan.short or plan.album_lufs is not None or not np.isfinite(off_lu):
                off_lu = 0.0
            if over_db > LOSSY_SLACK_DB or abs(off_lu) > OFF_LU:
                aim -= LOSSY_STEP * over_db if over_db > LOSSY_SLACK_DB else 0.0
                target += off_lu
                better = replanned(plan, target, aim)
            elif not kind.lossy and got.highest > way.allowed * (1 if plan.reduction_db else ROUNDING):
                better = replace(plan, peaks=raised(plan, got.peaks, way.allowed))
            else:
                break
            if not left or better is plan:
                break
            plan = better
        notes = carried(tags_of or sound, part) + unsaid(kind, mask_of(sound), sound.channels)
    loud = got.loudness
    plan = replace(plan, asked_lufs=first.asked_lufs, reached_lufs=loud.integrated_lufs, range_lu=loud.range_lu)
    notes += said_of(got, first, plan, way, was)
    made = written_as(out, kind, rate=sound.rate, channels=sound.channels, frames=sound.frames, notes=notes)
    peak = loud.true_peak_dbtp if kind.lossy else to_db(got.highest)
    return Delivered(made, peak, loud.integrated_lufs, plan, {} if kind.lossy else got.coded)


@dataclass(frozen=True, slots=True)
class Way:
    """How a master is written: its encoding, the coders it will meet, the seed of its dither.

    What is `whole` already, integers of no more bits, has no dither where nothing is changed.
    """

    kind: Encoding
    coders: tuple[tuple[str, Encoding], ...]
    seed: int
    whole: bool
    ceiling_dbtp: float

    @property
    def allowed(self) -> float:
        """The highest true peak, linear."""
        return float(10 ** ((self.ceiling_dbtp + 1e-3) / 20))


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """What a pass came to: the loudness of what is heard, peaks of what was written, true peaks (dBTP) once coded."""

    loudness: Loudness
    peaks: Series
    highest: float
    coded: dict[str, float]


def passed(sound: Source, plan: MasterPlan, part: Path, way: Way, say: Callable[[float, str], None]) -> Passed:
    """Write the sound as planned, and measure it."""
    kind, shape = way.kind, {"rate": sound.rate, "channels": sound.channels}
    near = 10 ** ((way.ceiling_dbtp - 0.5) / 20)
    peaks = PeakMeter(sound.channels, plan.block, sound.frames, near=near, share=1.0)
    energies = Energies(sound)
    with threadpool_limits(1):
        seed = None if way.whole and not plan.changes else way.seed
        samples = written(sound, plan, kind.subtype, seed, (peaks.add, energies.add), say)
        encode(part, samples, kind, **shape, mask=mask_of(sound))
        peaks.finish()
    if kind.lossy:
        loudness = measure(recording(part))
        return Passed(loudness, peaks.peaks, peaks.highest, {kind.subtype: loudness.true_peak_dbtp})
    found = replace(plan.found, energy=energies.energy, peaks=peaks.peaks, highest=peaks.highest)
    coded = {name: as_coded(part, name, coder).true_peak_dbtp for name, coder in way.coders}
    return Passed(loudness_of(found), peaks.peaks, peaks.highest, coded)


def said_of(got: Passed, first: MasterPlan, plan: MasterPlan, way: Way, was: str) -> tuple[str, ...]:
    """What is off about a master, or became another, a line each."""
    kind, ceiling = way.kind, way.ceiling_dbtp
    notes: tuple[str, ...] = ()
    if was in COMPANDED and kind.subtype in BITS:
        notes += (f"its {COMPANDED[was]} is written as integers of {BITS[kind.subtype]} bits",)
    peak = got.loudness.true_peak_dbtp if kind.lossy else to_db(got.highest)
    over = f"over the ceiling of {ceiling:+.1f} dBTP"
    if peak > ceiling + LOSSY_SLACK_DB:
        notes += (f"its true peak is {peak:+.1f} dBTP, {over}",)
    loud = got.loudness.integrated_lufs
    if not plan.short and np.isfinite(loud) and abs(first.reached_lufs - loud) > 2 * OFF_LU:
        decoded = " when decoded" if kind.lossy else ""
        notes += (f"it came to {loud:.1f} LUFS{decoded}, not to {first.reached_lufs:.1f}",)
    if not kind.lossy:
        high = [(name, peak) for name, peak in got.coded.items() if peak > ceiling + LOSSY_SLACK_DB]
        notes += tuple(f"as {name} its true peak is {peak:+.1f} dBTP, {over}" for name, peak in high)
    return notes


def to_db(peak: float) -> float:
    return 20 * float(np.log10(peak)) if peak > 0 else float("-inf")


def check_plan(plan: MasterPlan, sound: Source) -> None:
    """Refuse a plan that is for another sound."""
    if not isinstance(plan, MasterPlan):
        raise InputError(f"plan is {plan!r}; allowed: a MasterPlan, as plan_master gives.")
    if (sound.rate, sound.frames) != (plan.found.rate, plan.found.frames):
        raise InputError(
            f"{called(sound)} has {sound.frames} frames at {sound.rate} Hz, its plan {plan.found.frames} at "
            f"{plan.found.rate}; allowed: the sound that was planned for, or one as long, as its stems."
        )


def check_codecs(codecs: Sequence[str], sound: Source, out: Path) -> tuple[tuple[str, Encoding], ...]:
    """The coders that a file will meet, by their suffixes; refused where one cannot take this sound."""
    if isinstance(codecs, str) or not isinstance(codecs, Sequence):
        raise InputError(f"codecs are {codecs!r}; allowed: a list of {', '.join(CODERS)}.")
    found = []
    for name in codecs:
        if name not in CODERS:
            raise unknown("codec", str(name), CODERS)
        kind = encoding(Path(f"x.{name}"))
        found.append((name, fitted(kind, out, rate=sound.rate, channels=sound.channels, frames=sound.frames)))
    return tuple(found)


def as_coded(part: Path, name: str, coder: Encoding) -> Loudness:
    """What a file that was written comes to when a coder has had it."""
    first, file = recording(part), part.with_name(f"{part.stem}.{name}.part")
    with unfinished(file):
        try:
            encode(file, first.blocks(), coder, rate=first.rate, channels=first.channels, mask=first.mask)
            return measure(recording(file))
        finally:
            file.unlink(missing_ok=True)


def replanned(plan: MasterPlan, lufs: float, ceiling_dbtp: float) -> MasterPlan:
    """The plan for another loudness and ceiling, as near as they may lie.

    On an album the gain stays what it is: the same plan where the limiter would have to go deeper than it may.
    """
    lower = max(ceiling_dbtp, CEILINGS_DBTP[0])
    if plan.album_lufs is None:
        lowest, loudest = LOUDNESSES_LUFS
        return plan_for(plan.found, min(max(lufs, lowest), loudest), lower, plan.max_reduction_db)
    other = planned(plan.found, plan.gain_db, aimed(lower), plan.max_reduction_db, plan.lead, plan.tail)
    if other.reduction_db > plan.max_reduction_db:
        return plan
    return replace(other, asked_lufs=plan.asked_lufs, short=plan.short, album_lufs=plan.album_lufs)


def subtype_of(sound: Source) -> str:
    """How the samples of a recording are coded, by soundfile's name; "" where that is not known."""
    return str(getattr(sound, "subtype", ""))


def limited(sound: Source, plan: MasterPlan) -> Iterator[Samples]:
    """The sound times the plan's gain, block by block."""
    check_plan(plan, sound)
    if not plan.changes:
        yield from sound.blocks()
        return
    done, gains = 0, Nodes(plan)
    for block in sound.blocks():
        nodes, first = gains.over(done, block.shape[1])
        yield block * between(nodes, plan.block)[done - first :][: block.shape[1]]
        done += block.shape[1]


def between(nodes: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """The gain of each frame: from node to node in a line."""
    ramp = np.arange(block, dtype=np.float32) / np.float32(block)
    return (nodes[:-1, None] + np.diff(nodes)[:, None] * ramp).ravel()


def written(
    sound: Source,
    plan: MasterPlan,
    subtype: str | None,
    seed: int | None,
    listeners: Sequence[Callable[[Samples], None]],
    say: Callable[[float, str], None],
) -> Iterator[NDArray[Any]]:
    """What goes into the file: integers, with dither where there is a seed, or floats where the format has none.

    Listeners are called with each block as it will be heard.
    """
    done, bits = 0, BITS.get(subtype or "", 24)
    dither = None if seed is None else Dither(bits, sound.channels, seed)
    for samples in limited(sound, plan):
        block: NDArray[Any] = samples
        if subtype in BITS:
            block = quantised(samples, bits) if dither is None else dither.add(samples)
            samples = block.astype(np.float32)
            samples *= np.float32(2.0**-31)
        for heard in listeners:
            heard(samples)
        yield block
        done += samples.shape[1]
        say(done / sound.frames, "mastering")


def raised(plan: MasterPlan, written: Series, allowed: float) -> Series:
    """The plan's peaks, higher where a written block stands over what is allowed: its gain becomes lower."""
    out, at, gains, least = Series(), 0, Nodes(plan), np.float32(allowed * A_LITTLE)
    for own, peak in zip(plan.peaks.pieces(), written.pieces(), strict=True):
        nodes, _ = gains.over(at * plan.block, len(own) * plan.block)
        gain = np.maximum(nodes[:-1], nodes[1:])
        over = peak / least
        out.add(np.where(peak > allowed, np.maximum(own, np.float32(plan.ceiling) * over / gain), own))
        at += len(own)
    return out
