"""The plan of a piece before any note: how many bars, which sections, where phrases end, how tension runs.

Sections follow one another as statement, departure, return, climax and dissolution; their count follows the length.
The tension curve rises to a climax at 0.62 to 0.7 of the piece and falls to rest (average course of 273 minor songs:
rise to 0.3-0.7, in the last tenth 30 % fewer notes and the lowest tension).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from melancholia.composition.pacing import METRES, STRETCH, laid_tempo, metre_for, stretches
from melancholia.errors import InputError, in_range
from melancholia.piece import TempoMap
from melancholia.setting import CLIMAX_AT, Setting
from melancholia.writing import Writing

SHORTEST_S, LONGEST_S = 15.0, 600.0
SLOWEST_BPM, FASTEST_BPM = 30.0, 160.0
SILENT = ("intro", "interlude")  # phrases in which the melody waits
SLOW_BAR_S = 4.0  # a bar that lasts longer is slow
BEND = 0.04  # how far the tempo may leave the mood's own to fit whole bars

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
BREAKS = "breaks"  # a phrase that breaks off: all stop for two beats; how often, the mood says
# Where a departure goes, semitones above home and mode, with how often 69 Lieder in minor keys go there (human
# analyses of When-in-Rome); the major home's are by hand.
AWAY: dict[str, tuple[tuple[int, str, float], ...]] = {
    "minor": ((3, "major", 67), (5, "minor", 34), (8, "major", 28), (7, "minor", 24), (0, "minor", 40)),
    "major": ((9, "minor", 5), (2, "minor", 2), (5, "major", 2), (0, "minor", 2)),
}


@dataclass(frozen=True, slots=True)
class Ways:
    """How forms are laid out, and how much of a tune's harmony returns with it.

    `sizes` are bars of phrases, the usual first, with how often; `slow_sizes` those of slow bars. A piece of fewer
    bars or seconds than `leaves` stays at home; `bright` is the share of its bars that may stand in major, and `been`
    how much likelier a key is where it was. `same_close` of the returns of a letter close as it did; `recalled` of
    them bring its first chords back, so large a `part` of them, and so many the `whole` where that fits. `roaming`:
    the longest phrase goes away, of three phrases always one; what returns is as long as it was, and an interlude stays
    in the key that it follows. So many phrases that are the first in another key close in it: `settled`. So many stay
    in another key where the piece has been for less than `SETTLED_BARS`: `lingers`.
    """

    sizes: tuple[tuple[int, ...], tuple[float, ...]]
    slow_sizes: tuple[tuple[int, ...], tuple[float, ...]]
    leaves: tuple[int, float]
    bright: float
    been: float
    same_close: float
    recalled: float
    part: float
    whole: float
    roaming: bool
    settled: float
    lingers: float


COUNTED = Ways(
    ((4, 3, 5, 6), (0.56, 0.12, 0.2, 0.12)), ((4, 3, 5, 6), (0.56, 0.12, 0.2, 0.12)), (20, 0.0), bright=0.2, been=0.2,
    same_close=0.0, recalled=0.85, part=0.85, whole=0.0, roaming=False, settled=0.0, lingers=0.0,
)  # fmt: skip
# As songs are: a phrase lasts 8 to 14 s, whatever a bar lasts, and a short song leaves home, too.
SUNG = Ways(
    ((4, 2, 6, 3, 5), (0.32, 0.22, 0.2, 0.13, 0.13)), ((3, 2, 5, 4), (0.25, 0.35, 0.22, 0.18)), (0, 40.0), bright=0.35,
    been=0.05, same_close=0.75, recalled=0.95, part=0.95, whole=0.95, roaming=True, settled=1.0, lingers=0.9,
)  # fmt: skip
OPEN = ("half", "deceptive")  # cadences that do not reach their tonic
SHORTEST_BARS = 2  # of a phrase
SETTLED_BARS = 5  # in another key: there it is heard as home
ROAMING_BODIES = {3: ("ABA",)}


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
    writings: tuple[Writing, ...]  # what each phrase aims at
    tempo: TempoMap
    hits: tuple[int, ...] = ()  # bars on whose first beat something must begin
    loops: bool = False
    ways: Ways = COUNTED

    def writing_of(self, phrase: PhrasePlan) -> Writing:
        return self.writings[self.phrases.index(phrase)]

    def seconds_of(self, phrase: PhrasePlan) -> float:
        start, end = self.tempo.seconds([phrase.bar * self.bar_quarters, phrase.end * self.bar_quarters])
        return float(end - start)

    @property
    def bar_quarters(self) -> float:
        return 4 * self.metre[0] / self.metre[1]

    def tension(self, bar: float) -> float:
        """Planned tension 0..1 at a bar: the arc of the piece and a small arch in each phrase."""
        x = bar / self.bars
        c, rest = self.climax, 0.15 if self.loops else 0.1
        turns = (0, min(0.15, 0.25 * c), min(0.4, 0.65 * c), c, max(0.82, c + 0.4 * (1 - c)), 1)
        arc = float(np.interp(x, turns, (0.15, 0.35, 0.45, 0.9, 0.5, rest)))
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


def phrase_weight(phrase: PhrasePlan, form: Form, coda: float) -> float:
    """How many of the melody's tones a phrase takes, relative to others; a coda as many as so many bars."""
    if phrase.kind in SILENT:
        return 0.0
    if phrase.kind == "coda":
        return coda
    return (phrase.bars - 0.4) * (0.85 + 0.35 * form.tension(phrase.bar + phrase.bars / 2))


def parse_metre(text: str | tuple[int, int]) -> tuple[int, int]:
    """A metre by its name; one that is numbers already may be any."""
    if isinstance(text, tuple):
        return text
    if text not in METRES:
        raise InputError(f"metre is {text!r}; allowed: {', '.join(METRES)}.")
    return METRES[text]


def check_asked(seconds: float, *, bpm: float | None, metre: str | tuple[int, int] | None, setting: Setting) -> None:
    """Refuse what no form can have, whatever the mood: a length, tempo, metre or setting outside what is allowed."""
    in_range("seconds", seconds, SHORTEST_S, LONGEST_S, "s")
    setting.check(seconds)
    if bpm is not None:
        in_range("bpm", bpm, SLOWEST_BPM, FASTEST_BPM, "quarters a minute")
    if metre is not None:
        parse_metre(metre)


def draw(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """One of the names, by weight."""
    names = sorted(weights)
    share = np.array([weights[name] for name in names], float)
    return names[int(rng.choice(len(names), p=share / share.sum()))]


Local = Callable[..., Writing]  # (share of the piece 0..1, *names of the section) to what is aimed at there


def plan_form(
    writing: Writing,
    rng: np.random.Generator,
    *,
    seconds: float,
    bpm: float | None,
    metre: str | tuple[int, int] | None,
    mode: str = "minor",
    intensity: float = 0.7,
    setting: Setting = Setting(),  # noqa: B008
    local: Local | None = None,
    named: Sequence[str] = (),
    climax: float | None = None,
    ways: Ways = COUNTED,
    goes_on: bool = False,
) -> Form:
    """Bars, tempo and phrases for a length.

    Without a tempo given, whole bars are chosen and the tempo bends to them, by `BEND` at most where the piece is
    long enough; what is left over lengthens the last chord. With one, the last chord is held until `seconds`. A loop
    has whole bars alone; between the hits of a film whole bars are bent to its seconds. `local` is what the mood aims
    at in each place, `named` are sections that the form must have, `climax` is where it is, as a share of the piece.
    One that `goes_on` has no beginning: its home tune was there before.
    """
    check_asked(seconds, bpm=bpm, metre=metre, setting=setting)
    here: Local = local or (lambda share, *names: writing)
    drawn = draw(rng, dict(writing.metres)) if metre is None else metre
    places = (np.arange(64) + 0.5) / 64
    mean_bpm = 1 / float(np.mean([1 / here(share).bpm for share in places])) if local else writing.bpm
    wanted = mean_bpm if bpm is None else bpm
    end = setting.end_s(seconds)
    marks = [0.0, *setting.hits, end]
    if setting.hits and metre is None and isinstance(drawn, str):
        drawn = metre_for(marks, wanted, drawn, [*writing.metres, "2/4"])
    signature = parse_metre(drawn)
    bar_quarters = 4 * signature[0] / signature[1]
    exact = end * wanted / 60 / bar_quarters
    if setting.hits:
        counts, held, bend = stretches(marks, wanted, bar_quarters)
        if bend > STRETCH:
            raise InputError(
                f"hits leave {np.diff(marks).min():.3g} s between two of them, which bars of "
                f"{60 * bar_quarters / wanted:.3g} s do not meet; allowed: other hits, bpm or metre."
            )
        bars = sum(counts)
        quarters = (bars + held) * bar_quarters
        tempo = quarters * 60 / end
    elif setting.loops:
        counts = [bars := max(2, round(exact))]
        tempo = wanted if bpm is not None else bars * bar_quarters * 60 / end
        marks = [0.0, bars * bar_quarters * 60 / tempo]
    elif bpm is None:
        bars = max(2, round(exact))
        tempo = float(np.clip(wanted * bars / exact, wanted * (1 - BEND), wanted * (1 + BEND)))
        if tempo * end / 60 < bars * bar_quarters - 1e-9:
            bars = max(2, int(tempo * end / 60 / bar_quarters + 1e-9))
        counts = [bars]
    else:
        bars, tempo = max(2, int(exact + 1e-9)), wanted
        counts = [bars]
    if not setting.hits:
        quarters = bars * bar_quarters if setting.loops else end * tempo / 60
    edges = [0, *np.cumsum(counts).tolist()]
    usual = float(rng.uniform(0.62, 0.70))
    climax = usual if climax is None else climax
    chief = None
    if setting.hits:
        at = setting.climax if setting.climax is not None else min(setting.hits, key=lambda t: abs(t - CLIMAX_AT * end))
        chief = edges[marks.index(at)]
        climax = (chief + 0.5) / bars
    phrases, writings = plan_phrases(
        here, rng, edges, climax, mode, intensity, named=named, setting=setting, chief=chief,
        ways=ways, bar_s=bar_quarters * 60 / tempo, seconds=seconds, goes_on=goes_on,
    )  # fmt: skip
    steady = bpm is not None or setting.loops
    paces = [1.0 if steady else tempo / w.bpm for p, w in zip(phrases, writings, strict=True) for _ in range(p.bars)]
    if local and not steady and not named:
        paces = [tempo / here((bar + 0.5) / bars).bpm for bar in range(bars)]
    map_ = laid_tempo(paces, edges, marks, bar_quarters, quarters)
    return Form(
        signature,
        bars,
        tempo,
        quarters,
        phrases,
        climax,
        steady,
        writings,
        map_,
        tuple(edges[1:-1]),
        setting.loops,
        ways,
    )


def plan_phrases(
    here: Local,
    rng: np.random.Generator,
    edges: Sequence[int],
    climax: float,
    mode: str,
    intensity: float,
    *,
    named: Sequence[str] = (),
    setting: Setting = Setting(),  # noqa: B008
    chief: int | None = None,
    ways: Ways = COUNTED,
    bar_s: float = 3.0,
    seconds: float = 90.0,
    goes_on: bool = False,
) -> tuple[tuple[PhrasePlan, ...], tuple[Writing, ...]]:
    """Phrases between the edges (bars; each inner one is where a phrase begins), and what each aims at.

    `chief` is the edge at which the climax begins, where it is not left to the form. A bar lasts `bar_s` seconds, the
    whole `seconds`.
    """
    bars, first, final = edges[-1], edges[1], edges[-1] - edges[-2]
    met = len(edges) > 2
    intro = 0 if bars < 7 else 1 if bars < 13 else int(rng.choice([1, 2, 2])) if bars < 40 else int(rng.choice([2, 4]))
    coda = 0 if bars < 9 else 2 if bars < 22 else 3 if bars < 40 else 4
    pause = 0 if bars < 18 or met else int(rng.choice([0, 1, 1, 2]))
    if setting.loops:
        intro = coda = pause = 0
    elif setting.name == "background" or goes_on:  # it is there, and does not begin
        intro = pause = 0
    if met:
        intro = min(intro, 2) if first >= intro + 3 and edges[1] != chief else 0
        coda = min(coda, final - 2) if final >= 4 else 0
    lengths: list[int] = []
    for start, end in zip(edges, edges[1:], strict=False):
        lengths += phrase_lengths(
            rng, end - start - intro * (start == 0) - (coda + pause) * (end == bars), slow=bar_s > SLOW_BAR_S, ways=ways
        )
    paused = int(rng.integers(1, len(lengths))) if pause and len(lengths) > 1 else 0
    plan = body_plan(rng, len(lengths) + goes_on, named, ways)[int(goes_on) :]
    if goes_on:
        plan[-1] = "A"  # it ends with the tune that it went on from
    if ways.roaming and not met:
        away = next((k for k, letter in enumerate(plan[:-1]) if letter != "A"), 0)
        longest = int(np.argmax(lengths))
        lengths[away], lengths[longest] = lengths[longest], lengths[away]
        lengths = returning_alike(lengths, plan)
    ends = intro + np.cumsum(lengths) + pause * (np.arange(len(lengths)) >= paused)
    at = int(np.searchsorted(ends, climax * bars, side="right"))
    letters, kinds = plan, ["climax" if k == min(at, len(plan) - 1) else "body" for k in range(len(plan))]
    there = {"intro": intro, "coda": coda, "interlude": pause, "climax": 1, **dict.fromkeys(letters, 1)}
    for name in named:
        if not there.get(name):
            said = ", ".join(n for n in there if there[n])
            raise InputError(f"section {name!r} is not in this form; it has {said}. A longer piece has more.")
    plans: list[PhrasePlan] = []
    aims: list[Writing] = []

    def lay(plan: PhrasePlan, aim: Writing) -> None:
        plans.append(plan)
        aims.append(aim)

    def aim_of(start: int, size: int, *names: str) -> Writing:
        return here((start + size / 2) / bars, *names)

    if intro:
        lay(PhrasePlan("intro", 0, 0, intro, "open", 0, mode, "intro", "none"), aim_of(0, intro, "intro"))
    bar = intro
    visits: dict[str, int] = {}
    keys: dict[str, tuple[int, str]] = {}
    cadences: dict[str, str] = {}
    before = ""
    bright = 0  # bars away in major: too many, and the piece is no longer in minor
    for number, (length, letter, kind) in enumerate(zip(lengths, letters, kinds, strict=True)):
        if pause and number == paused:
            aim = aim_of(bar, pause, "interlude")
            key = (plans[-1].local_key, plans[-1].mode) if ways.roaming else (0, mode)
            lay(PhrasePlan("interlude", 0, bar, pause, "open", *key, "interlude", "none"), aim)
            bar += pause
        writing = aim_of(bar, length, *(["climax"] if kind == "climax" else []), letter)
        visits[letter] = visits.get(letter, -1) + 1
        last = number == len(lengths) - 1
        cadence = phrase_cadence(writing, rng, number, len(lengths), last)
        if letter in cadences and not last and ways.same_close and rng.random() < ways.same_close:
            cadence = cadences[letter]
        cadences.setdefault(letter, cadence)
        cadence = "half" if setting.loops and last else cadence
        if letter not in keys:
            stays = letter == "A" or last or bars < ways.leaves[0] or seconds < ways.leaves[1]
            visiting = sum(size for size, name in zip(lengths, letters, strict=True) if name == letter)
            darker = bright + visiting > ways.bright * bars
            if stays:
                keys[letter] = (0, mode)
            elif ways.lingers and 0 < away_so_far(plans, mode) < SETTLED_BARS and rng.random() < ways.lingers:
                keys[letter] = (plans[-1].local_key, plans[-1].mode)
            else:
                keys[letter] = departure(rng, mode, intensity, set(keys.values()), darker=darker, been_share=ways.been)
            if {letter, kind} & set(named) and not writing.modes.get(mode):  # a mood that does not know this mode
                keys[letter] = (0, "major" if mode == "minor" else "minor")
            bright += visiting if keys[letter][1] == "major" else 0
            if ways.settled and keys[letter] != (0, mode) and cadence in OPEN and rng.random() < ways.settled:
                cadence = cadences[letter] = "imperfect"
        event = draw(rng, {name: weight for name, weight in EVENTS.items() if name != before})
        if writing.breaking and kind == "body" and not last and rng.random() < writing.breaking:
            event = BREAKS
        if bar in edges[1:-1] and event in ("upbeat", "late"):
            event = "hold"
        before = event
        lay(PhrasePlan(letter, visits[letter], bar, length, cadence, *keys[letter], kind, event), writing)
        bar += length
    if coda:
        lay(PhrasePlan("coda", 0, bar, coda, "close", 0, mode, "coda", "none"), aim_of(bar, coda, "coda"))
    return tuple(plans), tuple(aims)


def away_so_far(plans: Sequence[PhrasePlan], mode: str) -> int:
    """How many bars the piece has stood in the key of its last phrase, where that is not home."""
    if not plans:
        return 0
    here, bars = (plans[-1].local_key, plans[-1].mode), 0
    for plan in reversed(plans):
        if (plan.local_key, plan.mode) != here or here == (0, mode):
            break
        bars += plan.bars
    return bars


def departure(
    rng: np.random.Generator,
    mode: str,
    intensity: float,
    been: set[tuple[int, str]],
    *,
    darker: bool,
    been_share: float,
) -> tuple[int, str]:
    """A key to go to; the sadder, the less likely a major one, and one where the piece has been counts little."""
    options = {
        (key, there): share
        * (1.25 - intensity if there == "major" else 1)
        * (been_share if (key, there) in been else 1)
        for key, there, share in AWAY[mode]
        if mode == "major" or there == "minor" or not darker
    }
    names, share = list(options), np.array(list(options.values()))
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def phrase_lengths(rng: np.random.Generator, body: int, *, slow: bool = False, ways: Ways = COUNTED) -> list[int]:
    """Phrases of mostly the usual length that fill the body exactly."""
    lengths: list[int] = []
    left = body
    sizes, share = ways.slow_sizes if slow else ways.sizes
    usual = sizes[0]
    while left > usual + 3:
        size = int(rng.choice(sizes, p=share))
        if left - size in (1, 2):
            size = usual if left - usual not in (1, 2) else usual + 1
        lengths.append(size)
        left -= size
    if left > usual + 1:
        lengths += [left // 2, left - left // 2]
    elif left:
        lengths.append(left)
    return lengths


def returning_alike(lengths: Sequence[int], letters: Sequence[str]) -> list[int]:
    """The same bars in all, such that what comes back is as long as it was. What cannot be shared out goes to phrases
    that come once, none of which gets longer than the longest; the rest to a visit inside the piece (of two, the
    first)."""
    found = list(lengths)
    once = [k for k, letter in enumerate(letters) if list(letters).count(letter) == 1]
    for letter in sorted(set(letters)):
        places = [k for k, other in enumerate(letters) if other == letter]
        size, spare = divmod(sum(lengths[k] for k in places), len(places))
        if len(places) == 1 or size < SHORTEST_BARS:
            continue
        for place in places:
            found[place] = size
        for _ in range(spare):
            room = [k for k in once if found[k] < max(lengths)]
            found[min(room, key=lambda k: found[k]) if room else places[1 if len(places) > 2 else 0]] += 1
    return found


def body_plan(rng: np.random.Generator, count: int, named: Sequence[str], ways: Ways = COUNTED) -> list[str]:
    """Letters for `count` phrases, those `named` among them where a plan has them."""
    if count not in BODIES:
        middle = [("B", "C", "A", "D", "B", "E")[(k // 3) % 6] for k in range(count - 5)]
        return ["A", "A", *middle, "A", "A", "A"]
    asked = {name for name in named if len(name) == 1}
    known = (ROAMING_BODIES if ways.roaming else {}).get(count, BODIES[count])
    plans = [plan for plan in known if asked <= set(plan)] or known
    return list(plans[int(rng.integers(len(plans)))])


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
