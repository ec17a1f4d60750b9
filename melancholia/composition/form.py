"""The plan of a piece before any note: how many bars, which sections, where phrases end, how tension runs.

Sections follow one another as statement, departure, return, climax and dissolution; their count follows the length.
The tension curve rises to a climax at 0.62 to 0.7 of the piece and falls to rest (average course of 273 minor songs:
rise to 0.3-0.7, in the last tenth 30 % fewer notes and the lowest tension).
"""

from dataclasses import dataclass

import numpy as np

from melancholia.errors import InputError, in_range
from melancholia.profile import Writing

SHORTEST_S, LONGEST_S = 15.0, 600.0
SLOWEST_BPM, FASTEST_BPM = 30.0, 160.0
BEND = 0.06  # how far the tempo may leave the mood's own to fit whole bars
METRES = {"4/4": (4, 4), "3/4": (3, 4), "6/8": (6, 8), "5/4": (5, 4), "2/4": (2, 4), "12/8": (12, 8)}

# letters of the body by how many phrases it has; the climax stands in the letter marked *
BODIES: dict[int, tuple[str, ...]] = {
    1: ("A",),
    2: ("A", "A*"),
    3: ("A", "B*", "A"),
    4: ("A", "A", "B*", "A"),
    5: ("A", "A", "B", "B*", "A"),
    6: ("A", "A", "B", "B*", "A", "A"),
    7: ("A", "A", "B", "B", "C*", "A", "A"),
    8: ("A", "A", "B", "B", "C", "C*", "A", "A"),
}


@dataclass(frozen=True, slots=True)
class PhrasePlan:
    """One phrase: its letter (same letter, same tune), first bar, bars, cadence, key offset and part in the form."""

    letter: str
    visit: int
    bar: int
    bars: int
    cadence: str
    local_key: int
    kind: str  # intro, body, climax, coda


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
    writing: Writing, rng: np.random.Generator, *, seconds: float, bpm: float | None, metre: str | None
) -> Form:
    """Bars, tempo and phrases for a length.

    Without a tempo given, the bars are chosen so that the mood's tempo need bend by `BEND` at most, and the last
    release falls on the last bar line. With one, the last chord is held until `seconds`.
    """
    in_range("seconds", seconds, SHORTEST_S, LONGEST_S, "s")
    signature = parse_metre(metre if metre is not None else draw(rng, dict(writing.metres)))
    bar_quarters = 4 * signature[0] / signature[1]
    if bpm is not None:
        in_range("bpm", bpm, SLOWEST_BPM, FASTEST_BPM, "quarters a minute")
        quarters = seconds * bpm / 60
        bars = max(2, int(quarters / bar_quarters + 1e-9))
        tempo = bpm
    else:
        wanted = writing.bpm * float(rng.uniform(0.96, 1.04))
        bars = max(2, round(seconds * wanted / 60 / bar_quarters))
        quarters = bars * bar_quarters
        tempo = quarters * 60 / seconds
    climax = float(rng.uniform(0.62, 0.70))
    phrases = plan_phrases(writing, rng, bars, climax)
    return Form(signature, bars, tempo, quarters, phrases, climax, bpm is not None)


def plan_phrases(writing: Writing, rng: np.random.Generator, bars: int, climax: float) -> tuple[PhrasePlan, ...]:
    intro = 0 if bars < 7 else 1 if bars < 13 else 2 if bars < 60 else 4
    coda = 0 if bars < 9 else 2 if bars < 22 else 3 if bars < 40 else 4
    body = bars - intro - coda
    lengths = phrase_lengths(rng, body)
    letters, kinds = body_letters(len(lengths), intro, bars, lengths, climax)
    plans, bar = [], 0
    if intro:
        plans.append(PhrasePlan("intro", 0, 0, intro, "open", 0, "intro"))
        bar = intro
    visits: dict[str, int] = {}
    away = int(rng.choice([5, 5, 7, 0]))  # iv twice as likely as v; or stay
    for number, (length, letter, kind) in enumerate(zip(lengths, letters, kinds, strict=True)):
        visits[letter] = visits.get(letter, -1) + 1
        last = number == len(lengths) - 1
        cadence = phrase_cadence(writing, rng, number, len(lengths), last)
        local = away if letter == "B" and bars >= 22 and not last else 0
        plans.append(PhrasePlan(letter, visits[letter], bar, length, cadence, local, kind))
        bar += length
    if coda:
        plans.append(PhrasePlan("coda", 0, bar, coda, "close", 0, "coda"))
    return tuple(plans)


def phrase_lengths(rng: np.random.Generator, body: int) -> list[int]:
    """Phrases of mostly four bars, some of three, five or six, that fill the body exactly."""
    lengths: list[int] = []
    left = body
    while left > 7:
        size = int(rng.choice([4, 4, 4, 3, 5, 6], p=[0.25, 0.25, 0.2, 0.1, 0.12, 0.08]))
        if left - size in (1, 2):
            size = 4 if left - 4 not in (1, 2) else 5
        lengths.append(size)
        left -= size
    if left > 5:
        lengths += [left // 2, left - left // 2]
    elif left:
        lengths.append(left)
    return lengths


def body_letters(count: int, intro: int, bars: int, lengths: list[int], climax: float) -> tuple[list[str], list[str]]:
    """Letters for `count` phrases, and which of them holds the climax: the one that stands at its place."""
    if count <= 8:
        letters = [letter.rstrip("*") for letter in BODIES[max(1, count)]]
    else:
        rest = count - 4
        middle = [("B", "C", "A", "D", "E")[(k // 2) % 5] for k in range(rest)]
        letters = ["A", "A", *middle, "A", "A"]
    ends = np.cumsum(lengths) + intro
    at = int(np.searchsorted(ends, climax * bars, side="right"))
    kinds = ["climax" if k == min(at, count - 1) and count > 1 else "body" for k in range(count)]
    return letters[:count], kinds


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
