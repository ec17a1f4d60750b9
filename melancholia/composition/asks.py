"""What each phrase of a melody shall be, before any note: when it begins and ends, on what, how full, high and rough.

Where phrases begin in their bars and where their last tones lie is drawn from tables of songs, which the model brings
with it (`training.phrases`): most songs begin before the bar, and end on a downbeat that is held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from melancholia.composition.coding import TICKS, TUNE, beat_ticks, in_bar, told
from melancholia.composition.continuing import GRID, Ground
from melancholia.composition.dialects import CADENCES, CADENCES_MAJOR
from melancholia.composition.form import BREAKS, SILENT, Form, PhrasePlan
from melancholia.composition.harmony import Slot
from melancholia.composition.themes import Manner
from melancholia.writing import Writing

BREATH = TICKS // 2  # that stays silent, at least, before the next phrase
SHORTEST = TICKS // 2  # of a phrase's last tone
# How much likelier than in songs phrases begin before their bar: of what songs sing between two rests .36 begins in the
# last 30 % of a bar, in the median, and what begins behind a rest inside our phrases seldom does.
UPBEATS = 2.8
STOPS = {"silence": 1, BREAKS: 2}  # beats at a phrase's end in which nobody sounds
LEANING = 4.0  # semitones that a phrase lies higher for a tension of 1
CLIMBING = 2.0  # and the climax above that
UNEVEN = 0.3  # spread of the logarithm of how full phrases are
WAVERING = 1.2  # spread, in semitones, of how high they lie
ROOM = 2  # semitones under the top of the piece that phrases leave to the climax
# Moves of songs by the share of their steps: mean size in semitones, repeats among them (1437 songs, r -.58).
LEAPS_PLAIN, LEAPS_FALL = 3.8, 2.5
FOREIGN_LEAST, FOREIGN_MORE = 0.15, 0.12  # share of foreign tones: for none, and for each dissonance a bar

Tables = Mapping[str, Mapping[str, Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One phrase. Times in ticks: `first` and `last` onset, and `until` when its last tone may sound. `degrees` above
    home are those that it may end on, the wanted one first. `density` is in notes a quarter, `mean` a MIDI pitch,
    `leaps` the mean size of a move, `foreign` the share of tones outside their chord. `peak` (0 to 1) is where it is
    highest, `bottom` and `top` how low and high it may go; `summit`: it goes to the top."""

    first: int
    last: int
    until: int
    degrees: tuple[int, ...]
    density: float
    mean: float
    leaps: float
    foreign: float
    peak: float
    bottom: int
    top: int
    summit: bool


def ticks(quarters: float) -> int:
    return round(quarters * TICKS)


def ground_of(form: Form, slots: Sequence[Slot], tonic: int) -> Ground:
    """The cues under the whole piece, but for those of phrases."""
    bar = ticks(form.bar_quarters)
    end = form.bars * bar
    at = np.arange(0, end + TICKS, GRID)
    rows = np.zeros((len(at), TUNE.width), np.float32)
    sounding = np.zeros((len(at), 12))
    for slot in slots:
        classes = [(pc - tonic) % 12 for pc in slot.pitch_classes(tonic)]
        sounding[round(slot.bar * bar) // GRID : -(-round(slot.end * bar) // GRID), classes] = 3 / len(classes)
    sounding[end // GRID :] = sounding[end // GRID - 1]
    total = np.concatenate([np.zeros((1, 12)), np.cumsum(sounding, axis=0)])
    until = np.minimum(np.arange(len(at)) + TICKS // GRID, len(at))
    rows[:, TUNE.at["chord"]] = (total[until] - total[: len(at)]) / (until - np.arange(len(at)))[:, None]
    mode = form.phrases[0].mode
    rows[:, TUNE.at["mode"].start + int(mode == "minor")] = 1
    rows[:, TUNE.at["bar"].start : TUNE.at["on_beat"].stop] = in_bar(at % bar, bar, beat_ticks(form.metre))
    return Ground(0, rows)


def under(ground: Ground, ask: Ask, median: float) -> Ground:
    """The ground of a phrase, with what it shall be."""
    rows = ground.cues.copy()
    rows[:, TUNE.at["degree"].start + ask.degrees[0]] = 1
    figures = {
        "density": ask.density, "register": ask.mean - median, "leaps": ask.leaps, "dissonance": ask.foreign,
    }  # fmt: skip
    for name, value in figures.items():
        rows[:, TUNE.at[name]] = told(name, value)
    rows[:, TUNE.at["known"]] = 1
    return Ground(ground.start, rows)


def table(tables: Tables, name: str, metre: tuple[int, int]) -> dict[int, float]:
    """Shares by tick for a metre; those of the nearest that is known: as many beats, then as compound."""
    bar, beat = 4 * TICKS * metre[0] // metre[1], beat_ticks(metre)

    def far(other: str) -> tuple[bool, float]:
        beats, unit = (int(part) for part in other.split("/"))
        size = 4 * TICKS * beats // unit
        return beat_ticks((beats, unit)) % 3 != beat % 3 or beat_ticks((beats, unit)) != beat, abs(np.log(size / bar))

    if not tables:
        return {0: 1.0}
    nearest = min(tables, key=far)
    found = {int(tick): share for tick, share in tables[nearest][name].items()}
    return {tick: share for tick, share in found.items() if -bar < tick < bar} or {0: 1.0}


def drawn(rng: np.random.Generator, shares: Mapping[int, float]) -> int:
    names = list(shares)
    weights = np.array([shares[name] for name in names], float)
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def starts(form: Form, tables: Tables, rng: np.random.Generator) -> list[int | None]:
    """The first onset of each phrase, None where the melody waits; a letter begins at its own place in the bar."""
    bar = ticks(form.bar_quarters)
    known = {tick: share * (UPBEATS if tick < 0 else 1) for tick, share in table(tables, "starts", form.metre).items()}
    places: dict[str, int] = {}
    found: list[int | None] = []
    for before, phrase in zip((None, *form.phrases), form.phrases, strict=False):
        if phrase.kind in SILENT:
            found.append(None)
            continue
        kept = known
        if phrase.event in ("upbeat", "late"):
            kept = {tick: share for tick, share in known.items() if (tick < 0) == (phrase.event == "upbeat") and tick}
        place = drawn(rng, kept or known)
        letter = phrase.letter if phrase.kind != "coda" else "A"
        if phrase.event not in ("upbeat", "late"):
            place = places.setdefault(letter, place)
        if phrase.bar in form.hits:
            place = 0
        if before is not None and before.event in STOPS:
            place = max(0, place)
        found.append(max(0, phrase.bar * bar + place))
    return found


def last_onset(phrase: PhrasePlan, form: Form, first: int, until: int, tables: Tables, rng: np.random.Generator) -> int:
    """When a phrase's last tone begins: in its last bar, early enough to sound."""
    bar, beat = ticks(form.bar_quarters), beat_ticks(form.metre)
    if phrase.kind == "coda":
        at = (phrase.end - (2 if phrase.bars > 2 else 1)) * bar
    else:
        at = (phrase.end - 1) * bar + drawn(rng, table(tables, "ends", form.metre))
    while at > until - SHORTEST and at - beat > first:
        at -= beat
    return max(at, first + GRID * 6)


def endings(phrase: PhrasePlan, slot: Slot, tonic: int) -> list[int]:
    """The degrees above home on which a phrase may end: those of its cadence that its chord holds."""
    minor = phrase.mode == "minor"
    cadence = (CADENCES if minor else CADENCES_MAJOR).get(phrase.cadence)
    wanted = cadence[1] if cadence is not None else (0, 3, 7) if minor else (0, 4, 7)
    chord = [(pc - tonic) % 12 for pc in slot.pitch_classes(tonic)]
    return [d for d in ((degree + phrase.local_key) % 12 for degree in wanted) if d in chord] or chord


def planned_leaps(writing: Writing) -> float:
    """The mean size of a move where so many of them are steps."""
    return LEAPS_PLAIN - LEAPS_FALL * writing.step_share


def planned_foreign(writing: Writing) -> float:
    return FOREIGN_LEAST + FOREIGN_MORE * writing.dissonances


def dissonances_of(foreign: float) -> float:
    """How many dissonances a bar are asked for where such a share of a tune's tones is outside its chords."""
    return (foreign - FOREIGN_LEAST) / FOREIGN_MORE


def manner_of_peak(phrase: PhrasePlan, reach: float, rng: np.random.Generator) -> float:
    """Where a phrase is highest: early mostly, as in songs (median .35), the climax and what reaches upward later."""
    if phrase.kind == "climax":
        return float(rng.beta(2.0, 1.6))
    return float(rng.beta(1.1 * (0.5 + reach), 1.8 * (1.5 - reach)))


def evenly(manner: Manner, rng: np.random.Generator) -> float:
    """How much fuller or emptier than its share a phrase is."""
    return float(np.exp(rng.normal(0, UNEVEN + 0.2 * (manner.uneven - 0.45))))
