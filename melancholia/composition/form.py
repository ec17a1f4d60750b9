"""The plan of a piece before any note: how many bars, which sections, where phrases end, how tension runs.

Sections follow one another as statement, departure, return, climax and dissolution; their count follows the length.
The tension curve rises to a climax at 0.62 to 0.7 of the piece and falls to rest (average course of 273 minor songs:
rise to 0.3-0.7, in the last tenth 30 % fewer notes and the lowest tension).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.errors import InputError, in_range
from melancholia.profile import Writing

SHORTEST_S, LONGEST_S = 15.0, 600.0
SLOWEST_BPM, FASTEST_BPM = 30.0, 160.0
BRIGHT = 0.2  # of a minor piece's bars may stand in a major key
BEND = 0.04  # how far the tempo may leave the mood's own to fit whole bars
METRES = {"4/4": (4, 4), "3/4": (3, 4), "6/8": (6, 8), "5/4": (5, 4), "2/4": (2, 4), "12/8": (12, 8)}

# letters of the body by how many phrases it has: ternary, rondo, bar form, arch, through-composed return
BODIES: dict[int, tuple[str, ...]] = {
    1: ("A",),
    2: ("AA", "AB"),
    3: ("ABA", "AAB", "AAA"),
    4: ("AABA", "ABBA", "ABCA", "AABB"),
    5: ("AABBA", "ABACA", "AABCA", "ABABA"),
    6: ("AABBAA", "AABCAA", "ABACBA", "AABBCA"),
    7: ("AABBCAA", "ABACABA", "AABBACA"),
    8: ("AABBCCAA", "AABBAACA", "ABACABCA", "AABCBBAA"),
    9: ("AABBACCAA", "AABBCCBAA"),
}

# One thing in each phrase that could not be guessed from the rest, and how often.
EVENTS: dict[str, float] = {
    "upbeat": 2,  # begins before its bar, inside the breath of the phrase before
    "late": 1.5,  # lets the first beat go by in silence
    "sigh": 3,  # closes on a dissonance that resolves within the last bar
    "leap": 2,  # reaches its peak by a sixth or more
    "hold": 1.5,  # stays on its peak, past the bar line
    "echo": 2,  # its last tones are answered in another part
    "silence": 1,  # everyone stops for a beat before the next phrase
    "colour": 2,  # a chord from outside the key
}
# Where a departure goes, semitones above home and mode, with how often 69 Lieder in minor keys go there (human
# analyses of When-in-Rome); the major home's are by hand.
AWAY: dict[str, tuple[tuple[int, str, float], ...]] = {
    "minor": ((3, "major", 67), (5, "minor", 34), (8, "major", 28), (7, "minor", 24), (0, "minor", 40)),
    "major": ((9, "minor", 5), (2, "minor", 2), (5, "major", 2), (0, "minor", 2)),
}


@dataclass(frozen=True, slots=True)
class PhrasePlan:
    """One phrase: its letter (same letter, same tune), first bar, bars, cadence, key offset and part in the form."""

    letter: str
    visit: int
    bar: int
    bars: int
    cadence: str
    local_key: int  # semitones above the home tonic
    mode: str  # minor or major
    kind: str  # intro, body, climax, interlude, coda
    event: str  # what one would not have guessed here: a name of EVENTS, or none

    @property
    def end(self) -> int:
        return self.bar + self.bars


@dataclass(frozen=True, slots=True)
class Form:
    """The whole plan; bars count from 0, tempo in quarters a minute."""

    metre: tuple[int, int]
    bars: int
    bpm: float
    quarters: float
    phrases: tuple[PhrasePlan, ...]
    climax: float
    fixed_tempo: bool

    @property
    def bar_quarters(self) -> float:
        return 4 * self.metre[0] / self.metre[1]

    def tension(self, bar: float) -> float:
        """Planned tension 0..1 at a bar: the arc of the piece and a small arch in each phrase."""
        x = bar / self.bars
        arc = float(np.interp(x, (0, 0.15, 0.4, self.climax, 0.82, 1), (0.15, 0.35, 0.45, 0.9, 0.5, 0.1)))
        for phrase in self.phrases:
            if phrase.bar <= bar < phrase.bar + phrase.bars:
                u = (bar - phrase.bar) / phrase.bars
                arc += 0.12 * (1 - abs(u - 0.5) / 0.5) - 0.05
        return min(1.0, max(0.0, arc))

    def end_of(self, bar: float) -> float:
        """Quarters at the end of a stretch that ends before `bar`; the last bar lasts until the piece's end."""
        return self.quarters if bar >= self.bars - 1e-9 else bar * self.bar_quarters

    def phrase_at(self, bar: float) -> PhrasePlan:
        for phrase in self.phrases:
            if bar < phrase.bar + phrase.bars:
                return phrase
        return self.phrases[-1]


def parse_metre(text: str) -> tuple[int, int]:
    if text not in METRES:
        raise InputError(f"metre is {text!r}; allowed: {', '.join(METRES)}.")
    return METRES[text]


def draw(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """One of the names, by weight."""
    names = sorted(weights)
    share = np.array([weights[name] for name in names], float)
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def plan_form(
    writing: Writing,
    rng: np.random.Generator,
    *,
    seconds: float,
    bpm: float | None,
    metre: str | None,
    mode: str = "minor",
    intensity: float = 0.7,
) -> Form:
    """Bars, tempo and phrases for a length.

    Without a tempo given, whole bars are chosen and the tempo bends to them, by `BEND` at most where the piece is
    long enough; what is left over lengthens the last chord. With one, the last chord is held until `seconds`.
    """
    in_range("seconds", seconds, SHORTEST_S, LONGEST_S, "s")
    signature = parse_metre(metre if metre is not None else draw(rng, dict(writing.metres)))
    bar_quarters = 4 * signature[0] / signature[1]
    wanted = writing.bpm if bpm is None else in_range("bpm", bpm, SLOWEST_BPM, FASTEST_BPM, "quarters a minute")
    exact = seconds * wanted / 60 / bar_quarters
    if bpm is None:
        bars = max(2, round(exact))
        tempo = float(np.clip(wanted * bars / exact, wanted * (1 - BEND), wanted * (1 + BEND)))
        if tempo * seconds / 60 < bars * bar_quarters - 1e-9:
            bars = max(2, int(tempo * seconds / 60 / bar_quarters + 1e-9))
    else:
        bars, tempo = max(2, int(exact + 1e-9)), wanted
    climax = float(rng.uniform(0.62, 0.70))
    phrases = plan_phrases(writing, rng, bars, climax, mode, intensity)
    return Form(signature, bars, tempo, seconds * tempo / 60, phrases, climax, bpm is not None)


def plan_phrases(
    writing: Writing, rng: np.random.Generator, bars: int, climax: float, mode: str, intensity: float
) -> tuple[PhrasePlan, ...]:
    intro = 0 if bars < 7 else 1 if bars < 13 else int(rng.choice([1, 2, 2])) if bars < 40 else int(rng.choice([2, 4]))
    coda = 0 if bars < 9 else 2 if bars < 22 else 3 if bars < 40 else 4
    pause = 0 if bars < 18 else int(rng.choice([0, 1, 1, 2]))
    lengths = phrase_lengths(rng, bars - intro - coda - pause)
    paused = int(rng.integers(1, len(lengths))) if pause and len(lengths) > 1 else 0
    ends = intro + np.cumsum(lengths) + pause * (np.arange(len(lengths)) >= paused)
    letters, kinds = body_letters(rng, len(lengths), ends, bars, climax)
    plans: list[PhrasePlan] = []
    if intro:
        plans.append(PhrasePlan("intro", 0, 0, intro, "open", 0, mode, "intro", "none"))
    bar = intro
    visits: dict[str, int] = {}
    keys: dict[str, tuple[int, str]] = {}
    before = ""
    bright = 0  # bars away in major: too many, and the piece is no longer in minor
    for number, (length, letter, kind) in enumerate(zip(lengths, letters, kinds, strict=True)):
        if pause and number == paused:
            plans.append(PhrasePlan("interlude", 0, bar, pause, "open", 0, mode, "interlude", "none"))
            bar += pause
        visits[letter] = visits.get(letter, -1) + 1
        last = number == len(lengths) - 1
        cadence = phrase_cadence(writing, rng, number, len(lengths), last)
        if letter not in keys:
            stays = letter == "A" or bars < 20 or last
            visiting = sum(size for size, name in zip(lengths, letters, strict=True) if name == letter)
            darker = bright + visiting > BRIGHT * bars
            keys[letter] = (0, mode) if stays else departure(rng, mode, intensity, set(keys.values()), darker=darker)
            bright += visiting if keys[letter][1] == "major" else 0
        event = draw(rng, {name: weight for name, weight in EVENTS.items() if name != before})
        before = event
        plans.append(PhrasePlan(letter, visits[letter], bar, length, cadence, *keys[letter], kind, event))
        bar += length
    if coda:
        plans.append(PhrasePlan("coda", 0, bar, coda, "close", 0, mode, "coda", "none"))
    return tuple(plans)


def departure(
    rng: np.random.Generator, mode: str, intensity: float, been: set[tuple[int, str]], *, darker: bool
) -> tuple[int, str]:
    """A key to go to; the sadder, the less likely a major one, and one where the piece has been counts little."""
    options = {
        (key, there): share * (1.25 - intensity if there == "major" else 1) * (0.2 if (key, there) in been else 1)
        for key, there, share in AWAY[mode]
        if mode == "major" or there == "minor" or not darker
    }
    names, share = list(options), np.array(list(options.values()))
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def phrase_lengths(rng: np.random.Generator, body: int) -> list[int]:
    """Phrases of mostly four bars, some of three, five or six, that fill the body exactly."""
    lengths: list[int] = []
    left = body
    while left > 7:
        size = int(rng.choice([4, 3, 5, 6], p=[0.56, 0.12, 0.2, 0.12]))
        if left - size in (1, 2):
            size = 4 if left - 4 not in (1, 2) else 5
        lengths.append(size)
        left -= size
    if left > 5:
        lengths += [left // 2, left - left // 2]
    elif left:
        lengths.append(left)
    return lengths


def body_letters(
    rng: np.random.Generator, count: int, ends: NDArray[np.int64], bars: int, climax: float
) -> tuple[list[str], list[str]]:
    """Letters for `count` phrases, and which of them holds the climax: the one that stands at its place."""
    if count in BODIES:
        plans = BODIES[count]
        letters = list(plans[int(rng.integers(len(plans)))])
    else:
        middle = [("B", "C", "A", "D", "B", "E")[(k // 3) % 6] for k in range(count - 5)]
        letters = ["A", "A", *middle, "A", "A", "A"]
    at = min(int(np.searchsorted(ends, climax * bars, side="right")), count - 1)
    return letters, ["climax" if k == at else "body" for k in range(count)]


def phrase_cadence(writing: Writing, rng: np.random.Generator, number: int, count: int, last: bool) -> str:
    if last:
        return "authentic" if rng.random() < 0.8 else "plagal"
    weights = dict(writing.cadences)
    if number % 2 == 0:
        weights["half"] = weights.get("half", 0) * 2
        weights["authentic"] = weights.get("authentic", 0) * 0.4
    found = draw(rng, weights)
    if found == "authentic" and rng.random() < 0.5:
        found = "imperfect"
    return found
