"""The plan of a piece before any note: how many bars, which sections, where phrases end, how tension runs.

Sections follow one another as statement, departure, return, climax and dissolution; their count follows the length.
The tension curve rises to a climax at 0.62 to 0.7 of the piece and falls to rest (average course of 273 minor songs:
rise to 0.3-0.7, in the last tenth 30 % fewer notes and the lowest tension).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from melancholia.composition.departures import SETTLED_BARS, away_so_far, departure
from melancholia.composition.pacing import METRES, STRETCH, laid_tempo, metre_for, stretches, tempo_for
from melancholia.composition.phrasing import body_plan, phrase_lengths, returning_alike
from melancholia.composition.ways import COUNTED, Ways
from melancholia.errors import InputError, in_range
from melancholia.piece import TempoMap
from melancholia.setting import CLIMAX_AT, Setting
from melancholia.writing import Writing

SHORTEST_S, LONGEST_S = 15.0, 600.0
SLOWEST_BPM, FASTEST_BPM = 30.0, 160.0
SILENT = ("intro", "interlude")  # phrases in which the melody waits
SLOW_BAR_S = 4.0  # a bar that lasts longer is slow
BEND = 0.04  # how far the tempo may leave the mood's own to fit whole bars

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
# For each unit of intensity below 1, of the bars that may stand in major: what is to be saddest stays in minor
# (16 pieces of 120 s at intensity 1: notes were .052 less sad than was aimed at, and are .038).
BRIGHT_BELOW = 4.0
OPEN = ("half", "deceptive")  # cadences that do not reach their tonic


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


def metres_at(writing: Writing, bpm: float, ways: Ways) -> dict[str, float]:
    """A mood's metres, those likelier whose bars last as long at a tempo as those of songs."""
    if ways.bar_s is None:
        return dict(writing.metres)
    middle, spread = ways.bar_s

    def away(metre: str) -> float:
        beats, unit = parse_metre(metre)
        return float(np.log(240 * beats / unit / bpm / middle) / spread)

    return {metre: weight * float(np.exp(-(away(metre) ** 2) / 2)) for metre, weight in writing.metres.items()}


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
    places = (np.arange(64) + 0.5) / 64
    mean_bpm = 1 / float(np.mean([1 / here(share).bpm for share in places])) if local else writing.bpm
    wanted = mean_bpm if bpm is None else bpm
    drawn = draw(rng, metres_at(writing, wanted, ways)) if metre is None else metre
    end = setting.end_s(seconds)
    marks = [0.0, *setting.hits, end]
    if setting.hits:
        allowed = [*writing.metres, "2/4"] if metre is None else [metre]
        wanted = tempo_for(marks, wanted, [parse_metre(one) for one in allowed]) if bpm is None else wanted
        if metre is None and isinstance(drawn, str):
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
            stood = [((plan.local_key, plan.mode), plan.bars) for plan in plans]
            stays = letter == "A" or last or bars < ways.leaves[0] or seconds < ways.leaves[1]
            visiting = sum(size for size, name in zip(lengths, letters, strict=True) if name == letter)
            darker = bright + visiting > ways.bright * min(1.0, BRIGHT_BELOW * (1 - intensity)) * bars
            if stays:
                keys[letter] = (0, mode)
            elif ways.lingers and 0 < away_so_far(stood, (0, mode)) < SETTLED_BARS and rng.random() < ways.lingers:
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
