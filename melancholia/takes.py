"""Takes of a song: one pass from notes to a verdict, and what is done where the verdict says that it is not as asked.

The notes are aimed first: `compose` keeps of its drafts the one whose notes promise the sadness that is wanted. What is
heard then decides. Where the highs alone are off, the same mix is mastered again through a shelf; else another take is
composed, its aim moved by half of what the last one was heard to miss. At most ROUNDS times, and the take that came
nearest is the song. Notes that were given stay as they are: nothing but the highs is tried.
"""

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any, TypedDict

import numpy as np

from melancholia import written
from melancholia.audio import Stems
from melancholia.bands import WITHIN
from melancholia.composition import compose
from melancholia.delivery import Delivery, delivery
from melancholia.encoding import PCM_24
from melancholia.instruments import render
from melancholia.instruments import tail_s as ring_s
from melancholia.mastering import master
from melancholia.motif import Motif
from melancholia.performance import perform
from melancholia.piece import Piece
from melancholia.profile import Profile
from melancholia.racks import MOST_TONE_DB, Rack, apply, bus, mix, toned
from melancholia.racks import tail_s as rack_tail_s
from melancholia.recordings import Recording
from melancholia.scoring import Score, rounded, score
from melancholia.setting import Setting
from melancholia.timeline import Timeline, timeline

Progress = Callable[[float, str], None]
LONGEST_TAIL_S = 20.0  # from the last release to the end of every file
ROUNDS = 3  # in which what was heard is made good
# Of the aim, and of the chance that mode and pace are as asked: notes that promise so are taken at once; else the
# likeliest of the takes that make up so many seconds, of so many at least and at most.
NEAR, LIKELY, LOOKED_AT_S, LOOKED_AT = 0.03, 0.5, 400.0, (2, 6)
EASED, MOST_EASED = 0.03, 0.03  # of the aim, where mode or pace are likely to be astray
TOLD = 0.04  # of the sadness: what notes promise and what is heard of them differ by so much (SD of 452 takes)
LOST = 0.01  # of the sadness of notes, in the mean, by playing them: chords are spread, onsets are more (60 pieces)
LEFT = 0.3  # of the progress, for attempts to come
OPTIMISM = 0.025  # what notes that are chosen for their promise are heard to keep less than they promise (183 takes)
MOST_MISSED = 0.1  # of what a take was heard to miss: more is a mishap
CORRECTED = 0.5  # of what a take was heard to miss, or promises too little: the rest is that take's own
# What 1 dB of the tone does: to the logarithm of the brightness, and to the share of highs in dB (27 pieces)
BRIGHTER, HIGHER_DB, INSIDE_DB = 0.041, 0.72, 0.5
TONE = ("brightness", "high_energy")


class Follow(TypedDict):
    """What every stage of a rack goes by."""

    rack: Rack
    profile: Profile
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class Order:
    """What a song is to be made from: everything that was asked for or drawn; `given` are notes that are to be played
    as they are."""

    wanted: Profile
    rack: Rack
    setting: Setting
    seconds: float
    seed: int
    key: str | None
    bpm: float | None
    metre: str | None
    instruments: tuple[str, ...] | None
    theme: Motif | None
    composer: str | Path
    rate: int
    given: Piece | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """A take's notes, written and played, and what they promise of the sadness and of mode and pace."""

    take: int
    aim: float
    written: Piece
    played: Piece
    promised: float
    astray: tuple[float, float] = (0.0, 0.0)  # chances that mode or pace are too sad, and too little so

    @property
    def likely(self) -> float:
        """The chance that mode and pace are as asked."""
        return (1 - self.astray[0]) * (1 - self.astray[1])


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a song: which take, what its notes were aimed at, its tone in dB, and what was heard of it.

    `why` says what did not match, and `then` what was done about it; `kept` is the one that the song became.
    """

    take: int
    aim: float
    promised: float
    tone_db: float
    sadness: float | None
    matched: bool
    why: str
    then: str
    kept: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "take": self.take,
            "aim": rounded(self.aim),
            "promised": rounded(self.promised),
            "tone_db": self.tone_db,
            "sadness": rounded(self.sadness),
            "matched": self.matched,
            "why": self.why,
            "then": self.then,
            "kept": self.kept,
        }


@dataclass(frozen=True, slots=True)
class Sounded:
    """A take up to its mix, in its folder."""

    folder: Path
    cut: Delivery
    follow: Follow
    dry: Stems
    mixed: Recording


@dataclass(frozen=True, slots=True)
class Take:
    """A take that sounds, its master through a tone of so many dB, and the verdict on it."""

    notes: Notes
    sound: Sounded
    tone_db: float
    score: Score

    @property
    def master(self) -> Path:
        return self.sound.folder / master_name(self.tone_db)


def best_take(order: Order, folder: Path, say: Progress) -> tuple[Take, tuple[Attempt, ...]]:
    """Takes until one is as asked, or ROUNDS are over; what is left in `folder` are the files of the nearest one."""
    attempts: list[Attempt] = []
    best: Take | None = None
    notes: Notes | None = noted(order, 0, order.wanted.sadness.middle, say)
    while notes is not None:
        sound = sounded(order, notes, folder / f"take-{notes.take}", stage(say, len(attempts)))
        heard = listened(order, notes, sound, 0.0, stage(say, len(attempts)))
        attempts.append(attempt(heard))
        tone_db = tone_for(heard.score) if len(attempts) <= ROUNDS else 0.0
        if tone_db:
            attempts[-1] = replace(attempts[-1], then=f"the same mix, its highs {tone_db:+.1f} dB")
            other = listened(order, notes, sound, tone_db, stage(say, len(attempts)))
            attempts.append(attempt(other))
            heard = nearer(heard, other)
        best = heard if best is None else nearer(best, heard)
        notes = None if best.score.matched or len(attempts) > ROUNDS else next_notes(order, heard, best, say)
        if notes is not None:
            attempts[-1] = replace(attempts[-1], then=f"another take, its notes aimed at {notes.aim:.2f}")
    assert best is not None
    if not attempts[-1].matched:
        attempts[-1] = replace(attempts[-1], then=f"nothing: {given_up(order, len(attempts))}")
    settle(best, folder)
    kept = best.notes.take, best.tone_db
    return best, tuple(replace(one, kept=(one.take, one.tone_db) == kept) for one in attempts)


def given_up(order: Order, attempts: int) -> str:
    """Why no more is tried."""
    if order.given is not None:
        return "the notes were given"
    return f"{ROUNDS} times are enough" if attempts > ROUNDS else "other notes promise nothing better"


def attempt(heard: Take) -> Attempt:
    notes, verdict = heard.notes, heard.score
    said = bool(verdict.matched), verdict.why, ""
    return Attempt(notes.take, notes.aim, notes.promised, heard.tone_db, verdict.sadness, *said)


def nearer(one: Take, other: Take) -> Take:
    """The take that is nearer to what was asked, the first where both are; the files of the other are taken away."""
    better, worse = (one, other) if nearness(one) >= nearness(other) else (other, one)
    if worse.sound.folder == better.sound.folder:
        worse.master.unlink()
    else:
        shutil.rmtree(worse.sound.folder)
    return better


def nearness(heard: Take) -> tuple[bool, float]:
    return bool(heard.score.matched), heard.score.match or 0.0


def settle(best: Take, folder: Path) -> None:
    """Move the files of the best take to where the song's files lie."""
    own = best.sound.folder
    best.master.replace(own / "master.wav")
    for path in own.iterdir():
        path.replace(folder / path.name)
    own.rmdir()


def next_notes(order: Order, heard: Take, best: Take, say: Progress) -> Notes | None:
    """The next take's notes; None where they were given, or promise nothing better and only the sadness is off."""
    if order.given is not None:
        return None
    wanted, sadness = order.wanted.sadness, heard.score.sadness
    if sadness is None:
        return noted(order, heard.notes.take + 1, wanted.middle, say)
    missed = CORRECTED * float(np.clip(sadness - heard.notes.promised, -MOST_MISSED, MOST_MISSED))
    notes = noted(order, heard.notes.take + 1, min(1.0, max(0.0, wanted.middle - missed)), say)
    if best.score.as_sad_as_asked or best.score.sadness is None or any(row.failed for row in best.score.cues):
        return notes
    likely = abs(notes.promised + missed - wanted.middle)
    return notes if likely < abs(best.score.sadness - wanted.middle) else None


def tone_for(verdict: Score) -> float:
    """Gain of the tone in dB, to a tenth, that brings the highs into their bands.

    It is 0 where none does, and where the highs are not all that is off.
    """
    rows = {row.name: row for row in verdict.cues}
    failed = [row.name for row in verdict.cues if row.failed]
    if not failed or not verdict.as_sad_as_asked or any(name not in TONE for name in failed):
        return 0.0
    least, most = -math.inf, math.inf
    for name in TONE:
        band, value = rows[name].band, rows[name].value
        if band is None:
            continue
        for end, low in ((band.low, True), (band.high, False)):
            off = math.log(max(end, 1) / value) / BRIGHTER if name == "brightness" else (end - value) / HIGHER_DB
            least, most = (max(least, off), most) if low else (least, min(most, off))
    if least > most:
        return 0.0
    inside = min(INSIDE_DB, (most - least) / 2)
    gain = min(max(0.0, least + inside), most - inside)
    return round(min(MOST_TONE_DB, max(-MOST_TONE_DB, gain)), 1)


def stage(say: Progress, number: int) -> Progress:
    """The progress of one attempt: of what is left the greater part."""
    low, high = (1 - LEFT**n for n in (number, number + 1))
    return share(say, 0.02 + 0.95 * low, 0.02 + 0.95 * high)


def share(progress: Progress, low: float, high: float) -> Progress:
    """A progress of one stage, as its share of the whole."""
    return lambda fraction, what: progress(low + (high - low) * fraction, what)


def noted(order: Order, take: int, aim: float, say: Progress) -> Notes:
    """Notes of this take, or of one of the next where those promise more of what was asked.

    What one take, as it is played, lacks of the aim, the next is composed for; where its mode or pace are likely to be
    too sad, or too little so, as far as the mood allows.
    """
    if take == 0:
        say(0.0, "composing")
    if order.given is not None:
        return performed(order, order.given, take, aim)
    found: list[Notes] = []
    owed, eased = LOST, 0.0
    for number in range(take, take + LOOKED_AT[1]):
        found.append(composed(order, number, aim, float(np.clip(aim + owed, 0, 1))))
        near = abs(aim + eased - found[-1].promised) <= NEAR and found[-1].likely >= LIKELY
        if near or len(found) >= max(LOOKED_AT[0], int(LOOKED_AT_S / order.seconds)):
            break
        if found[-1].likely < LIKELY:
            too_sad, too_little = found[-1].astray
            eased = float(np.clip(eased + EASED * (too_little - too_sad), -MOST_EASED, MOST_EASED))
        owed += CORRECTED * (aim + eased - found[-1].promised)
    return max(found, key=lambda notes: notes.likely * as_sad(notes.promised - aim))


def as_sad(lacking: float) -> float:
    """The chance that notes which promise so much more than the aim are heard to be as sad as it wants."""
    heard = NormalDist(lacking, TOLD)
    return heard.cdf(WITHIN) - heard.cdf(-WITHIN)


def composed(order: Order, take: int, aim: float, composed_for: float) -> Notes:
    piece = compose(
        order.wanted,
        seconds=order.seconds,
        seed=order.seed,
        key=order.key,
        bpm=order.bpm,
        metre=order.metre,
        instruments=order.instruments,
        theme=order.theme,
        composer=order.composer,
        setting=order.setting,
        aim=min(1.0, composed_for + OPTIMISM),
        take=take,
    )
    return performed(order, piece, take, aim)


def performed(order: Order, piece: Piece, take: int, aim: float) -> Notes:
    played = perform(piece, order.wanted, seed=order.seed)
    promised = max(0.0, written.sadness(played) - OPTIMISM)
    return Notes(take, aim, piece, played, promised, written.astray(played, order.wanted.bands))


def sounded(order: Order, notes: Notes, folder: Path, say: Progress) -> Sounded:
    """Stems, dry and wet, and their mix, in an own folder."""
    wanted, rack, rate, piece = order.wanted, order.rack, order.rate, notes.played
    given = order.setting.loops and order.bpm is not None
    length = notes.written.end * 60 / order.bpm if given and order.bpm else order.seconds
    cut = delivery(order.setting, seconds=length, rate=rate)
    raw = folder / "raw" if cut.cuts else folder  # what is cut to its length later
    for kind in ("dry", "wet"):
        (folder / "stems" / kind).mkdir(parents=True)
        (raw / "stems" / kind).mkdir(parents=True, exist_ok=True)
    ring = max(ring_s(part.instrument) for part in piece.parts)
    levels = {wanted.intensity, *(level for _, level in wanted.curve)}
    tail = min(ring + max(rack_tail_s(rack, intensity=level, rate=rate) for level in levels), LONGEST_TAIL_S)
    dry = render(
        piece, rate=rate, seed=order.seed, tail_s=tail, folder=raw / "stems" / "dry", progress=share(say, 0.03, 0.55)
    )
    dry = cut.stems(dry, folder / "stems" / "dry", dry=True)
    follow: Follow = {"rack": rack, "profile": cut.heard(wanted), "timeline": cut.along(timeline(piece))}
    wet = apply(cut.fed_stems(dry), **follow, tail_s=0.0, folder=raw / "stems" / "wet", progress=share(say, 0.55, 0.8))
    wet = cut.stems(wet, folder / "stems" / "wet")
    say(0.8, "mixing")
    mixed = mix(wet, out=folder / "mix.wav")
    dry, _, mixed = cut.ended(dry, wet, mixed, lufs=rack.lufs)
    if cut.cuts:
        shutil.rmtree(raw)
    return Sounded(folder, cut, follow, dry, mixed)


def master_name(tone_db: float) -> str:
    return "toned.wav" if tone_db else "master.wav"


def listened(order: Order, notes: Notes, sound: Sounded, tone_db: float, say: Progress) -> Take:
    """The mix through the rack's bus and a tone, mastered into the take's folder, and the verdict on it."""
    folder, cut, rack = sound.folder, sound.cut, order.rack
    say(0.85, "mastering")
    follow: Follow = {**sound.follow, "rack": toned(rack, tone_db)}
    bussed = cut.balanced(bus(cut.fed(sound.mixed), **follow, out=folder / "bus.wav"), folder / "balanced.wav")
    out = folder / master_name(tone_db)
    whole = folder / "rounds.wav" if order.setting.loops else out
    finished = master(
        bussed, lufs=rack.lufs, ceiling_dbtp=rack.ceiling_dbtp, out=whole, subtype=PCM_24, seed=order.seed
    )
    if order.setting.loops:
        finished = cut.cut(finished, out, delivered=True)
    for spent in ("bus.wav", "balanced.wav", "rounds.wav"):
        (folder / spent).unlink(missing_ok=True)
    say(0.92, "listening")
    return Take(notes, sound, tone_db, score(finished, order.wanted, dry=sound.dry, notes=notes.played))
