"""A master before it is made: one gain to the loudness asked for, and a limiter whose gain is a curve known before it
is applied.

The curve follows from block peaks alone, so the gain for a loudness is solved without touching the sound again: the
loudness after limiting is that of the hop energies times the curve.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Audio, Source, called
from melancholia.errors import InputError, in_range
from melancholia.mastering.limiter import NONE, Peaks, curve_pieces
from melancholia.mastering.loudness import (
    Loudness,
    Scan,
    loudness_of,
    loudness_range,
    momentary_power,
    scan,
)
from melancholia.mastering.series import Series
from melancholia.mastering.targets import CEILINGS_DBTP, LOUDNESSES_LUFS
from melancholia.meter import gated
from melancholia.recordings import source

LEAD_S = 10.0  # after which the limiter has forgotten what was before
AIM_DB = 0.05  # below the ceiling: what other meters' kernels read more
SHORTEST_S = 0.4
MOST_REDUCTION_DB = 6.0
CLOSE_LU, SHORT_LU = 0.002, 0.05  # of a loudness: reached, and not
STEP = 1.05  # limiting takes some of a gain away
AS_ASKED_LU = 0.01  # so near, sound is left as it is


@dataclass(frozen=True, slots=True, eq=False)
class MasterPlan:
    """A master before it is made: the gain, the deepest reduction (dB), and what it comes to.

    `nodes` are its linear gains. It is `short` where the loudness that was asked for needs more limiting than is
    allowed; `note` says so. Where the gain is shared by an album, that comes to `album_lufs`, and `lead` and `tail` are
    peaks before and after it: the limiter does not start anew at a cut.
    """

    gain_db: float
    found: Scan
    peaks: Series
    ceiling: float
    reduction_db: float
    reached_lufs: float
    range_lu: float
    before: Loudness
    max_reduction_db: float
    asked_lufs: float
    short: bool = False
    lead: Peaks = field(default_factory=lambda: NONE)
    tail: Peaks = field(default_factory=lambda: NONE)
    album_lufs: float | None = None

    @property
    def block(self) -> int:
        """Frames from one node to the next."""
        return self.found.block

    @property
    def note(self) -> str:
        """What there is to know of it, in a line; "" where all is as asked."""
        if not np.isfinite(self.before.integrated_lufs):
            return "silence: left as it is."
        if not self.short:
            return ""
        needs = f"{round(self.asked_lufs, 1):g} LUFS needs more than {self.max_reduction_db:g} dB of limiting"
        return f"{needs}; reached {self.reached_lufs if self.album_lufs is None else self.album_lufs:.1f} LUFS."

    @property
    def changes(self) -> bool:
        """Whether any sample becomes another."""
        return self.gain_db != 0 or self.reduction_db != 0

    @property
    def nodes(self) -> NDArray[np.float32]:
        """The whole gain curve (blocks + 1,): linear gains every `block` frames, the static gain among them."""
        return np.concatenate(list(self.node_pieces()))

    def node_pieces(self) -> Iterator[NDArray[np.float32]]:
        """The same, in pieces."""
        found = self.found
        gain = 10 ** (self.gain_db / 20) / self.ceiling
        for _, curve in curve_pieces(self.peaks, gain, found.rate / found.block, self.lead, self.tail):
            yield (10 ** ((np.float32(self.gain_db) - curve) / np.float32(20))).astype(np.float32)


class Nodes:
    """The nodes of a plan, read forwards."""

    def __init__(self, plan: MasterPlan) -> None:
        self.pieces, self.block = plan.node_pieces(), plan.block
        self.held, self.first = next(self.pieces), 0

    def over(self, frame: int, count: int) -> tuple[NDArray[np.float32], int]:
        """The nodes on both sides of so many frames from `frame` on, and the frame at which the first stands."""
        low, high = frame // self.block, -(-(frame + count) // self.block) + 1
        while self.first + len(self.held) < high:
            kept = self.held[max(0, low - self.first) :]
            self.first += len(self.held) - len(kept)
            self.held = np.concatenate([kept, next(self.pieces)])
        return self.held[low - self.first : high - self.first], low * self.block


def plan_master(
    sound: Audio | Source | Path | str,
    *,
    lufs: float = -16.0,
    ceiling_dbtp: float = -1.0,
    max_reduction_db: float = MOST_REDUCTION_DB,
) -> MasterPlan:
    """Solve gain and limiter for a loudness under a ceiling.

    Parameters
    ----------
    sound : Audio, Recording or path
        One to eight channels, 0.4 s or longer.
    lufs, ceiling_dbtp : float
        Integrated loudness (LUFS, -40 to -5) and true peak (dBTP, -20 to 0).
    max_reduction_db : float
        The deepest that the limiter may go (dB, 0 to 24): a loudness that needs more is not reached, and the `note`
        says so.

    Returns
    -------
    MasterPlan

    Raises
    ------
    InputError
        A target lies outside its range, or the sound is shorter than 0.4 s, where loudness is undefined.
    """
    check_targets(lufs, ceiling_dbtp, max_reduction_db)
    return plan_for(scanned(sound, max_reduction_db), lufs, ceiling_dbtp, max_reduction_db)


def plan_album(
    sounds: Sequence[Audio | Source | Path | str],
    *,
    lufs: float = -16.0,
    ceiling_dbtp: float = -1.0,
    max_reduction_db: float = MOST_REDUCTION_DB,
) -> tuple[MasterPlan, ...]:
    """One gain for many tracks, so that all of them as one programme have a loudness: what is soft among them stays so.

    Where neighbours have one rate the limiter runs through the cut between them, as through one recording.

    Parameters
    ----------
    sounds : sequence of Audio, Recording or path
        The tracks, in order; the rest as in `plan_master`.

    Returns
    -------
    tuple of MasterPlan
        One a track; each `reached_lufs` is the track's own.

    Raises
    ------
    InputError
        As `plan_master`; or there is no track.
    """
    check_targets(lufs, ceiling_dbtp, max_reduction_db)
    if isinstance(sounds, str | Path) or not hasattr(sounds, "__iter__"):
        raise InputError(f"tracks are {sounds!r}; allowed: a list of sounds or paths.")
    tracks = [scanned(sound, max_reduction_db) for sound in sounds]
    if not tracks:
        raise InputError("there are no tracks; allowed: one or more.")
    beside = [between(tracks, k) for k in range(len(tracks))]
    aim = aimed(ceiling_dbtp)

    def programme(gain_db: float) -> float:
        limited = (limited_energy(one, gain_db, aim, *sides)[0] for one, sides in zip(tracks, beside, strict=True))
        return gated(np.concatenate([momentary_power(one, got) for one, got in zip(tracks, limited, strict=True)]))

    before = gated(np.concatenate([momentary_power(one, one.energy) for one in tracks]))
    highest = most_gain_db(max(one.highest for one in tracks), aim, max_reduction_db)
    gain_db, reached = solved(programme, before, lufs, highest, max_reduction_db)
    album = programme(gain_db)
    plans = (planned(one, gain_db, aim, max_reduction_db, *sides) for one, sides in zip(tracks, beside, strict=True))
    return tuple(replace(plan, asked_lufs=lufs, short=not reached, album_lufs=album) for plan in plans)


def check_targets(lufs: float, ceiling_dbtp: float, max_reduction_db: float) -> None:
    in_range("loudness", lufs, *LOUDNESSES_LUFS, "LUFS")
    in_range("ceiling", ceiling_dbtp, *CEILINGS_DBTP, "dBTP")
    in_range("max_reduction_db", max_reduction_db, 0, 24, "dB")


def scanned(sound: Audio | Source | Path | str, max_reduction_db: float) -> Scan:
    sound = source(sound)
    if sound.frames < SHORTEST_S * sound.rate:
        raise InputError(
            f"{called(sound)} is {sound.frames / sound.rate:.2f} s long; allowed: 0.4 s or more, to have a loudness."
        )
    return scan(sound, exact_db=max_reduction_db)


def plan_for(found: Scan, lufs: float, ceiling_dbtp: float, max_reduction_db: float) -> MasterPlan:
    """The plan for what a scan found, which may be made anew for other targets."""
    aim = aimed(ceiling_dbtp)

    def loudness(gain_db: float) -> float:
        return gated(momentary_power(found, limited_energy(found, gain_db, aim)[0]))

    highest = most_gain_db(found.highest, aim, max_reduction_db)
    gain_db, reached = solved(loudness, gated(momentary_power(found, found.energy)), lufs, highest, max_reduction_db)
    return replace(planned(found, gain_db, aim, max_reduction_db), asked_lufs=lufs, short=not reached)


def planned(
    found: Scan, gain_db: float, aim: float, max_reduction_db: float, lead: Peaks = NONE, tail: Peaks = NONE
) -> MasterPlan:
    """The plan of a gain: what it comes to is what was asked for."""
    if gain_db == 0:
        aim = max(aim, found.highest)  # it is left as it is: its peaks may lie between the aim and the ceiling
    energy, deepest = limited_energy(found, gain_db, aim, lead, tail)
    got, spread = gated(momentary_power(found, energy)), loudness_range(found, energy)
    return MasterPlan(
        gain_db, found, found.peaks, aim, deepest, got, spread, loudness_of(found), max_reduction_db, got, False,
        lead, tail,
    )  # fmt: skip


def aimed(ceiling_dbtp: float) -> float:
    return float(10 ** ((ceiling_dbtp - AIM_DB) / 20))


def most_gain_db(highest: float, aim: float, max_reduction_db: float) -> float:
    """The gain at which the limiter goes as deep as it may."""
    return 20 * float(np.log10(aim / max(highest, 1e-9))) + max_reduction_db


def solved(
    loudness: Callable[[float], float], before: float, lufs: float, highest: float, max_reduction_db: float
) -> tuple[float, bool]:
    """The gain (dB), `highest` at most, that brings the loudness to `lufs`; and whether it does."""
    gain_db = lufs - before
    if not np.isfinite(before):  # silence
        return 0.0, True
    if abs(gain_db) <= AS_ASKED_LU and highest >= max_reduction_db - AIM_DB:
        return 0.0, True
    low, high = gain_db, max(highest, gain_db)
    gain_db = min(gain_db, highest)
    for _ in range(40):
        got = loudness(gain_db)
        if abs(got - lufs) < CLOSE_LU:
            return float(gain_db), True
        if gain_db >= highest and got < lufs:
            return float(highest), got >= lufs - SHORT_LU
        low, high = (gain_db, high) if got < lufs else (low, gain_db)
        step = gain_db + (lufs - got) * STEP
        gain_db = step if low < step < high else high if step >= high == highest else 0.5 * (low + high)
    return float(gain_db), True


def between(tracks: Sequence[Scan], k: int) -> tuple[Peaks, Peaks]:
    """The peaks of a track's neighbours that its limiter hears: the end of the one before, the start of the next."""
    here = tracks[k]
    blocks = round(LEAD_S * here.rate / here.block)
    lead = tail = NONE
    if k and tracks[k - 1].rate == here.rate:
        other = tracks[k - 1].peaks
        lead = other.part(len(other) - blocks, len(other))
    if k + 1 < len(tracks) and tracks[k + 1].rate == here.rate:
        tail = tracks[k + 1].peaks.part(0, blocks)
    return lead, tail


def limited_energy(
    found: Scan, gain_db: float, ceiling: float, lead: Peaks = NONE, tail: Peaks = NONE
) -> tuple[NDArray[np.float64], float]:
    """The energy of each hop after gain and limiter, and the deepest reduction in dB."""
    energy = found.energy * 10 ** (gain_db / 10)
    deepest, last, done = 0.0, np.zeros(1, np.float32), 0
    gain = 10 ** (gain_db / 20) / ceiling
    if found.highest * gain <= 1 and not len(lead) and not len(tail):
        return energy, 0.0
    for first, curve in curve_pieces(found.peaks, gain, found.rate / found.block, lead, tail):
        deepest = max(deepest, float(curve.max()))
        reach = (first + len(curve) - 1) * found.block
        hops = np.arange(done, min(len(energy), reach * 100 // found.rate + 2) + 1)
        edges = found.edges(hops)
        middle = (edges[1:] + edges[:-1]) / 2
        inside = int(np.searchsorted(middle, reach, "right"))
        if curve.any() or last[0]:
            at = np.arange(first - 1, first + len(curve))
            db = np.interp(middle[:inside] / found.block, at, np.concatenate([last, curve]))
            energy[done : done + inside] *= 10 ** (-db / 10)
        done += inside
        last = curve[-1:]
    return energy, deepest
