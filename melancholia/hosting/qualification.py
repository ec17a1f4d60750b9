"""What a plugin does, asked before it is trusted with work: each check in workers of its own, and a report.

A plugin is put into quarantine before the first check and let out after the last: where this process or the machine
goes down with it, the verdict stands.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from melancholia.errors import InputError
from melancholia.hosting.bundles import meant
from melancholia.hosting.plugin import TAIL_S, Hosted, Place, Plugin, PluginError, one_of
from melancholia.hosting.process import LOAD_S, STATE_S, Died, Worker
from melancholia.hosting.reports import (
    FAILS,
    GOOD,
    LIMITED,
    NOTE,
    OK,
    QUARANTINED,
    REFUSED,
    Check,
    Report,
    code_hash,
    keep,
    keep_names,
    known,
    names_of,
    on_trial,
)
from melancholia.hosting.worker import BLOCK, CHANNELS, Samples

RATE = 48_000
RATES = (44_100, 48_000, 88_200, 96_000)
SIZES = (64, 1024, 8192, 16_384)  # frames of other hosts' blocks
FRESH = 6  # instances that must give the same
KNOBS, KNOBS_S = 128, 20.0  # of those that are turned to both ends, and for how long
SAME_DB = -100.0  # below which two sounds are one, where rounding may differ
SLOW = 1.0  # times real time
LOUD_LOG, LARGE_LEAK = 1e6, 50.0  # bytes, MB a minute
LEAK_S = 20.0
SILENT = 1e-6
ON, OFF, PITCHES = 0x90, 0x80, (60, 67, 48, 72)  # that an instrument plays
ASKING = "names"  # the check that comes before all others
SURE = 0.95  # correlation at which a lag is one

Progress = Callable[[float, str], None]


def names(path: Path, *, load_s: float = LOAD_S, again: bool = False) -> tuple[str, ...]:
    """The plugins in a bundle; its code is asked in a worker, once unless `again`.

    Raises
    ------
    PluginError
        It crashed or hung at that, now or before, and is in quarantine.
    """
    sha256 = code_hash(path)
    found = None if again else names_of(sha256)
    if found is not None:
        return found
    before = None if again else known(path)
    if before is None or before.checks[0].name != ASKING:
        try:
            with closing(Worker()) as worker:
                found = tuple(worker.ask("names", load_s, path=str(path.resolve()))["names"])
        except Died as error:
            failed = Check(ASKING, FAILS, f"could not be asked what is in it: {error}")
            before = Report(path.stem, str(path), sha256, REFUSED if error.refused else QUARANTINED, (failed,))
            keep(before, None)
        else:
            keep_names(sha256, found)
            return found
    raise PluginError(f"{path.stem} {before.why}.")


def qualify(
    plugin: Path | str, name: str | None = None, *, load_s: float = LOAD_S, progress: Progress | None = None
) -> Report:
    """Run a plugin through every check, and keep the report by the hash of its code.

    Parameters
    ----------
    plugin : Path or str
        Its bundle, or its name.
    name : str, optional
        One of several in it.
    load_s : float
        Seconds that it may take to load.
    progress : callable, optional
        Called with a fraction 0..1 and what is being asked.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        There is no such bundle, it holds several plugins and none is named, or none of this name; or it is for
        another system.
    """
    path = plugin if isinstance(plugin, Path) else meant(plugin)
    sha256 = code_hash(path)
    try:
        held = names(path, load_s=load_s, again=True)
    except PluginError:
        report = known(path)
        assert report is not None
        return report
    try:
        called = one_of(held, name)
    except InputError as error:
        raise InputError(f"{path.stem} {error}") from error
    keys, title = ({called, None}, path.stem) if len(held) == 1 else ({called}, f"{path.stem}: {called}")
    unended = Check("end", FAILS, "its qualification did not come to an end")
    with on_trial(Report(title, str(path), sha256, QUARANTINED, (unended,)), *keys):
        report = tried(Trial(Plugin(path, called, load_s=load_s)), title, sha256, progress)
        keep(report, *keys)
    return report


def tried(trial: "Trial", title: str, sha256: str, progress: Progress | None) -> Report:
    """All checks, but those that mean nothing after one that failed."""
    found: list[Check] = []
    died = False
    for number, (what, ask) in enumerate(CHECKS.items()):
        if what in COMPARING and not trial.facts["repeatable"]:
            continue
        if progress is not None:
            progress(number / len(CHECKS), what)
        try:
            grade, said = ask(trial)
        except PluginError as error:
            died = trial.died(error)
            grade, said = FAILS, str(error.__cause__ or error)
        found.append(Check(what, grade, said))
        if died or what in ("load", "finite") and grade == FAILS:
            break
    grades = {check.grade for check in found}
    verdict = QUARANTINED if died else REFUSED if FAILS in grades else LIMITED if NOTE in grades else GOOD
    return Report(title, str(trial.plugin.path), sha256, verdict, tuple(found), trial.facts)


@dataclass(slots=True)
class Trial:
    """A plugin on trial, and what was found so far."""

    plugin: Plugin
    facts: dict[str, Any] = field(default_factory=dict)
    usual: Samples = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @contextmanager
    def hosted(
        self, rate: int = RATE, channels: int = CHANNELS, *, block: int = BLOCK, **settings: Any
    ) -> Iterator[Hosted]:
        plugin = replace(self.plugin, **settings)
        with Hosted(plugin, rate, 0.0, channels, block, plays=None) as found:
            yield found

    @staticmethod
    def died(error: PluginError) -> bool:
        """Whether its worker crashed or hung, and did not merely say no."""
        return not (isinstance(error.__cause__, Died) and error.__cause__.refused)

    def sound(self, given: Samples, rate: int = RATE, *, block: int = BLOCK, **settings: Any) -> Samples:
        """What a fresh instance makes of a sound."""
        with self.hosted(rate, len(given), block=block, **settings) as hosted:
            return heard(hosted, given)


Answer = tuple[str, str]


def load(trial: Trial) -> Answer:
    began = time.monotonic()
    with trial.hosted() as hosted:
        seconds = time.monotonic() - began
        trial.facts |= {"load_s": round(seconds, 2), "parameters": len(hosted.knobs)}
        trial.facts["instrument"] = hosted.plays
        trial.facts["accepts"] = [] if hosted.plays else hosted.worker.ask("accepts", STATE_S)["accepts"]
    return OK, f"loads in {seconds:.1f} s"


def layouts(trial: Trial) -> Answer:
    if trial.facts["instrument"]:
        return OK, "is an instrument"
    for channels in (1, 2):
        trial.sound(noise(0.2, channels=channels))
    accepts = trial.facts["accepts"]
    how = {(1,): "takes one channel: an instance a channel", (2,): "takes two channels: of one it gives the mean"}
    return OK, how.get(tuple(accepts), f"takes {' or '.join(map(str, accepts))} channels")


def sounds(trial: Trial) -> Answer:
    if np.abs(trial.sound(noise(1.0))).max() > SILENT:
        return OK, "sounds"
    if trial.facts["instrument"]:
        return NOTE, "is silent as it comes, and may need a state"
    return FAILS, "is silent"


def rates(trial: Trial) -> Answer:
    well: list[int] = []
    ill: list[int] = []
    late: dict[str, int] = {}
    for rate in RATES:
        try:
            with trial.hosted(rate) as hosted:
                late[str(rate)] = hosted.latency
                made = heard(hosted, noise(0.5, rate=rate))
            (well if np.isfinite(made).all() else ill).append(rate)
        except PluginError:
            ill.append(rate)
    trial.facts |= {"rates": well, "not_rates": ill, "latency": late}
    if not well:
        return FAILS, "runs at no rate"
    return (NOTE, f"runs at {listed(well)} Hz, not at {listed(ill)}") if ill else (OK, f"runs at {listed(well)} Hz")


def finite(trial: Trial) -> Answer:
    square = np.sign(np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)) * np.ones((2, 1))
    given = {
        "noise": noise(2.0), "silence": np.zeros((2, RATE)), "full scale": square,
        "a constant": np.full((2, RATE), 0.5), "what is all but silent": noise(0.5) * 1e-39,
    }  # fmt: skip
    bad = [what for what, x in given.items() if not np.isfinite(trial.sound(np.asarray(x, np.float32))).all()]
    return (FAILS, f"gives no finite sound of {' and of '.join(bad)}") if bad else (OK, "gives finite sound")


def repeatable(trial: Trial) -> Answer:
    given = noise(1.0)
    first = trial.usual = trial.sound(given)
    worst = max(apart(trial.sound(given), first) for _ in range(FRESH - 1))
    trial.facts["repeatable"] = worst == -np.inf
    if worst > -np.inf:
        return FAILS, f"is not repeatable: the same sound twice differs by {worst:.0f} dB"
    return OK, f"{FRESH} fresh instances give the same"


def restarts(trial: Trial) -> Answer:
    with trial.hosted() as hosted:
        first = heard(hosted, noise(1.0))
        try:
            hosted.worker.ask("reset", STATE_S)
        except Died as error:
            raise hosted.failed(error) from error
        worst = apart(heard(hosted, noise(1.0)), first)
    return OK, "starts anew as if fresh" if worst == -np.inf else "does not start anew as if fresh; is loaded each time"


def chunks(trial: Trial) -> Answer:
    given = noise(1.0)[:, : 180 * BLOCK]
    with trial.hosted() as hosted:
        whole = heard(hosted, given)
    for size in (BLOCK, 7 * BLOCK):
        with trial.hosted() as hosted:
            parts = [
                heard(hosted, np.ascontiguousarray(given[:, at : at + size]), at)
                for at in range(0, given.shape[1], size)
            ]
        if not np.array_equal(np.concatenate(parts, axis=1), whole):
            return FAILS, "gives another sound in pieces than whole"
    return OK, "gives the same in pieces as whole"


def blocks(trial: Trial) -> Answer:
    given = noise(1.0)
    worst = -np.inf
    usual = trial.sound(given)
    fatal = []
    for size in SIZES:
        try:
            worst = max(worst, apart(trial.sound(given, block=size), usual))
        except PluginError as error:
            if not trial.died(error):
                raise
            fatal.append(size)
    said = [f"sounds otherwise in blocks of other sizes ({worst:.0f} dB)"] if worst > SAME_DB else []
    said += [f"crashes or hangs in blocks of {listed(fatal)} frames"] if fatal else []
    trial.facts["fatal_blocks"] = fatal
    return (
        (NOTE, f"{' and '.join(said)}; here they have {BLOCK}") if said else (OK, "is the same in blocks of any size")
    )


def knobs(trial: Trial) -> Answer:
    """Every knob at both ends: whether it stays finite, and whether anything that may be set changes anything."""
    given, began = noise(1.0 if trial.facts["instrument"] else 0.25), time.monotonic()
    dry = trial.usual.size > 0 and apart(trial.usual, noise(1.0)) == -np.inf
    moved = asked = 0
    with trial.hosted() as hosted:
        try:
            places = {p["index"]: p["raw"] for p in hosted.worker.ask("parameters", STATE_S)["parameters"]}
            usual = after_reset(hosted, given, [])
            for name, index in list(hosted.knobs.items())[:KNOBS]:
                made = [after_reset(hosted, given, [[index, end]]) for end in (0.0, 1.0)]
                hosted.worker.ask("settle", STATE_S, values=[[index, places[index]]])
                if not all(np.isfinite(x).all() for x in made):
                    return FAILS, f"gives no finite sound with {name} at an end"
                moved += any(apart(x, usual) > SAME_DB for x in made)
                asked += 1
                if time.monotonic() - began > KNOBS_S:
                    break
        except Died as error:
            raise hosted.failed(error) from error
    trial.facts["moving"] = moved
    if not moved and (dry or asked):
        grade = NOTE if trial.facts["instrument"] else FAILS
        return grade, "gives back what it gets, whatever is set" if dry else "gives the same whatever is set"
    return OK, f"{moved} of {asked} knobs change its sound" if asked else "has no knobs"


def states(trial: Trial) -> Answer:
    rng = np.random.default_rng(3)
    given = noise(0.5)
    with trial.hosted() as hosted:
        turned = {name: Place(float(rng.uniform(0.2, 0.8))) for name in list(hosted.knobs)[:KNOBS]}
    with trial.hosted(params=tuple((name, (at, at)) for name, at in turned.items())) as hosted:
        state = hosted.state()
    with trial.hosted(params=tuple((name, (at, at)) for name, at in turned.items())) as hosted:
        first = heard(hosted, given)
    try:
        worst = apart(trial.sound(given, state=state), first)
    except ValueError:
        return NOTE, "does not take its own state"
    if worst > SAME_DB:
        return NOTE, f"does not sound the same from its own state ({worst:.0f} dB)"
    return OK, "sounds the same from its own state"


def latency(trial: Trial) -> Answer:
    if trial.facts["instrument"]:
        return OK, f"says it is {trial.facts['latency'][str(RATE)]} frames late"
    given = noise(1.0, gated=False)[:, : 160 * BLOCK]
    with trial.hosted() as hosted:
        told = hosted.latency
        made = heard(hosted, given)
    lag, sure = lag_of(made[0], given[0])
    if sure < SURE:
        return OK, f"says it is {told} frames late, which its sound of noise does not tell"
    if lag < told:
        return FAILS, f"says it is {told} frames late, and is {lag}"
    if lag > told:
        return NOTE, f"says it is {told} frames late, and is {lag}"
    return OK, f"is {told} frames late, as it says"


def speed(trial: Trial) -> Answer:
    given = noise(4.0)
    with trial.hosted() as hosted:
        heard(hosted, given)
        began = time.monotonic()
        heard(hosted, given)
        times = 4.0 / (time.monotonic() - began)
        trial.facts["tail_s"] = round(hosted.tail_s(), 2)
    trial.facts["speed"] = round(times, 1)
    said = f"{times:.0f} times real time, rings on {trial.facts['tail_s']:g} s"
    if trial.facts["tail_s"] >= TAIL_S:
        return NOTE, f"does not stop ringing in {TAIL_S:.0f} s"
    return (NOTE, f"is slower than real time ({times:.1g} times)") if times < SLOW else (OK, said)


def manners(trial: Trial) -> Answer:
    """What it prints, and how its memory grows."""
    given = noise(LEAK_S / 2)
    with trial.hosted() as hosted:
        heard(hosted, given)
        before, printed = memory(hosted), hosted.worker.log.bytes
        heard(hosted, given)
        grown, printed = memory(hosted) - before, hosted.worker.log.bytes - printed
    minute = 60 / (LEAK_S / 2)
    trial.facts |= {"printed": int(printed * minute), "grown": round(max(0.0, grown * minute), 1)}
    found = [f"prints {printed * minute / 1e6:.0f} MB a minute"] if printed * minute > LOUD_LOG else []
    found += [f"takes {grown * minute:.0f} MB more memory a minute"] if grown * minute > LARGE_LEAK else []
    return (NOTE, " and ".join(found)) if found else (OK, "prints little and keeps its memory")


CHECKS: Mapping[str, Callable[[Trial], Answer]] = {
    "load": load, "layouts": layouts, "finite": finite, "sounds": sounds, "rates": rates, "repeatable": repeatable,
    "restarts": restarts, "chunks": chunks, "blocks": blocks, "knobs": knobs, "state": states, "latency": latency,
    "speed": speed, "manners": manners,
}  # fmt: skip
COMPARING = ("restarts", "chunks", "blocks", "state")  # checks that compare two runs


def noise(seconds: float, *, channels: int = CHANNELS, rate: int = RATE, gated: bool = True) -> Samples:
    """Noise, in bursts of a quarter second where gated; the channels differ."""
    frames = int(seconds * rate) // BLOCK * BLOCK
    made = np.random.default_rng(1).normal(0, 0.1, (channels, frames))
    if gated:
        made *= np.arange(frames) * 4 // rate % 2 == 0
    return np.ascontiguousarray(made, np.float32)


def heard(hosted: Hosted, given: Samples, start: int = 0) -> Samples:
    """What a plugin makes of the next sound; an instrument plays quarter seconds for as long, from `start` on."""
    if not hosted.plays:
        return hosted.process(given)
    frames, step = given.shape[1], hosted.rate // 4
    notes = [
        (at, (ON if k % 2 == 0 else OFF, PITCHES[k // 2 % len(PITCHES)], 40 + 9 * k % 80))
        for k, at in enumerate(range(0, start + frames, step))
    ]
    return hosted.play(frames, [(at - start, message) for at, message in notes if at >= start])


def apart(x: Samples, y: Samples) -> float:
    """How far two sounds lie apart, in dB below the louder one's peak; minus infinity where they are the same."""
    if np.array_equal(x, y):
        return -np.inf
    with np.errstate(invalid="ignore", divide="ignore"):
        found = 20 * np.log10(np.abs(x - y).max() / max(np.abs(x).max(), np.abs(y).max()))
    return float(found) if np.isfinite(found) else 0.0


def lag_of(made: Samples, given: Samples) -> tuple[int, float]:
    """By how many frames one channel is later than another, and the correlation at that lag."""
    size = 2 * len(given)
    spectrum = np.fft.rfft(made, size) * np.conj(np.fft.rfft(given, size))
    found = np.fft.irfft(spectrum, size)[: len(given)]
    lag = int(np.argmax(np.abs(found)))
    late, early = made[lag:].astype(np.float64), given[: len(given) - lag].astype(np.float64)
    scale = float(np.linalg.norm(late) * np.linalg.norm(early))
    return lag, abs(float(late @ early)) / scale if scale else 0.0


def after_reset(hosted: Hosted, given: Samples, values: Sequence[Sequence[float]]) -> Samples:
    if values:
        hosted.worker.ask("settle", STATE_S, values=values)
    hosted.worker.ask("ready", STATE_S)
    return heard(hosted, given)


def memory(hosted: Hosted) -> float:
    """The most that its worker had, in MB."""
    return float(hosted.worker.ask("taken", STATE_S)["mb"])


def listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
