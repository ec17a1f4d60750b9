"""Which bars of pianists accompany each letter of a form: as full as is wanted, of a kind that the mood names."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.beside import Scene
from melancholia.composition.coding import TICKS, beat_ticks
from melancholia.composition.figurations import BEATS, COUNT, FIRST, MINOR, SUNG, UNIT, WORK, Bank, Hand
from melancholia.composition.form import SILENT, PhrasePlan
from melancholia.writing import Writing

Metre = tuple[int, int]

NEAR_RATE = 0.3  # spread of the logarithm of how often a stretch strikes about what is wanted
SAME_WORK = 8.0  # how much likelier further letters take a stretch from the song of the first
SAME_MODE = 2.0
KEPT_AT_CLIMAX = 0.8  # of the climaxes have the accompaniment that their letter has elsewhere
VAMPS = (0.15, 0.5)  # of the letters go on with one bar of their stretch; of preludes and interludes
RARE = 3.2  # power with which what is rarer is likelier
# Log weights of a stretch whose strikes all lie beside the quarters, and against one whose tones all last a bar; power
# with which one is likelier whose highest tone moves more often, and moves a bar that count in one that never does.
BESIDE_BEAT, HELD, MOVES, FEWEST_MOVES = 4.0, 1.5, 0.6, 0.25
FAVOURED = 0.06  # of the stretches that are as full as is wanted, of the kinds that the mood names: no one is likelier
SELDOM = 0.01  # weight of a kind of accompaniment that the mood does not name
# The kinds of accompaniment that a mood may name, by what stretches show of them.
KINDS = {
    "held": ("held", "fifths", "pedal", "bell", "solo"),
    "broken": ("broken", "nocturne", "falling", "hocket", "ostinato"),
    "offbeat": ("offbeat", "syncopated", "waltz"),
    "chords": ("repeated", "tremolo", "chorale"),
}
HIGHER = 8.0  # semitones between the stretches of two letters, gladly
# Bars that are made of others, and those that any bar can be made of.
DIVIDED: dict[Metre, tuple[Metre, ...]] = {(12, 8): ((6, 8), (6, 8)), (5, 4): ((3, 4), (2, 4))}
COMMON: tuple[Metre, ...] = ((4, 4), (3, 4), (2, 4), (3, 8))
# Of the onsets that a mood asks for the accompaniment strikes what the tune leaves, so much of whose tones is its own;
# where nobody sings it is at least as full as people's.
OF_TUNE, LEAST_FILLING = 0.2, 0.6


def drawn(
    bank: Bank, scene: Scene, rng: np.random.Generator, rate: float | None = None
) -> dict[tuple[str, bool], list[tuple[Hand, Hand]]]:
    """The bars of each letter, and of the climax under a letter: as full as is wanted, those of one song gladly."""
    found: dict[tuple[str, bool], list[tuple[Hand, Hand]]] = {}
    works: set[int] = set()
    heights: list[float] = []
    parts = divided(scene.form.metre, bank)
    for phrase, writing in zip(scene.form.phrases, scene.form.writings, strict=True):
        key = (phrase.letter, phrase.kind == "climax")
        if key in found:
            continue
        other = (phrase.letter, not key[1])
        if other in found and rng.random() < KEPT_AT_CLIMAX:
            found[key] = found[other]
            continue
        chosen = []
        for metre in parts:
            share = weights(bank, metre, scene, phrase, writing, works, heights, rate)
            index = int(rng.choice(len(share), p=share / share.sum()))
            chosen.append(index)
        works = works or {int(index) for index in bank.stretches[chosen, WORK]}
        heights.append(float(np.mean(bank.height[chosen])))
        bars = [[bank.hands(bar) for bar in range(*ends(bank, index))] for index in chosen]
        if phrase.kind in SILENT:  # which is short: it may come no further than the first bar
            bars = [from_the_fullest(stretch) for stretch in bars]
        count = 1 if rng.random() < VAMPS[phrase.kind in SILENT] else len(bars[0])
        found[key] = [joined([one[k % len(one)] for one in bars], parts) for k in range(count)]
    return found


def from_the_fullest(bars: Sequence[tuple[Hand, Hand]]) -> list[tuple[Hand, Hand]]:
    """The same bars, going round from the one that strikes most often."""
    strikes = [len({at for hand in bar for at in hand.figure[:, 0].tolist()}) for bar in bars]
    first = strikes.index(max(strikes))
    return [*bars[first:], *bars[:first]]


def ends(bank: Bank, stretch: int) -> tuple[int, int]:
    first, count = bank.stretches[stretch, [FIRST, COUNT]].tolist()
    return first, first + count


def divided(metre: Metre, bank: Bank) -> tuple[Metre, ...]:
    """The metres of the bars that a bar is made of: a bar of 12/8 is two of 6/8, one of 5/4 three beats and two.

    What songs are not written in is made of bars that they are written in, the longest first; a last one may be cut.
    """
    if metre in DIVIDED:
        return DIVIDED[metre]
    if alike(bank, metre).any():
        return (metre,)
    left = ticks_of(metre)
    found: list[Metre] = []
    while left > 0:
        fits = [known for known in COMMON if ticks_of(known) == left or left - ticks_of(known) >= ticks_of(COMMON[-1])]
        found.append(fits[0] if fits else COMMON[-1])
        left -= ticks_of(found[-1])
    return tuple(found)


def ticks_of(metre: Metre) -> int:
    """Of a bar."""
    return 4 * TICKS * metre[0] // metre[1]


@cache
def usual_alone(bank: Bank) -> float:
    """How often a quarter people strike where nobody sings, in the median."""
    alone = bank.rate[bank.stretches[:, SUNG] == 0]
    return float(np.median(alone)) if len(alone) else 0.0


@cache
def alike(bank: Bank, metre: Metre) -> NDArray[np.bool_]:
    """Which stretches have bars of that length with beats of that length."""
    rows = bank.stretches[:, [BEATS, UNIT]]
    known = {pair: beat_ticks(pair) == beat_ticks(metre) and ticks_of(pair) == ticks_of(metre) for pair in metres(rows)}
    return np.array([known[pair] for pair in metres(rows)])


def metres(rows: NDArray[np.int32]) -> list[Metre]:
    return [(beats, unit) for beats, unit in rows.tolist()]


def weights(
    bank: Bank,
    metre: tuple[int, int],
    scene: Scene,
    phrase: PhrasePlan,
    writing: Writing,
    works: set[int],
    heights: Sequence[float],
    rate: float | None,
) -> NDArray[np.float64]:
    """How likely each stretch is taken for a phrase."""
    rows = bank.stretches
    alone = max(LEAST_FILLING * writing.onset_rate, writing.onset_rate - OF_TUNE * writing.melody_rate)
    wanted = (alone * 60 / scene.form.bpm if rate is None else rate) * (0.8 + 0.45 * scene.form.tension(phrase.bar + 1))
    if phrase.kind in SILENT and rate is None:
        wanted = max(wanted, usual_alone(bank))
    share = np.exp(-((np.log(bank.rate / wanted) / NEAR_RATE) ** 2) / 2) + 1e-9
    named = {kind: sum(writing.textures.get(name, 0) for name in names) for kind, names in KINDS.items()}
    total = max(sum(named.values()), 1e-9)
    share *= np.array([SELDOM + named[kind] / total for kind in bank.kinds])
    same = alike(bank, metre)
    share = np.where(same, share, 0.0) if same.any() else share
    favour = bank.common**-RARE * (FEWEST_MOVES + bank.moving) ** MOVES
    favour *= np.exp(BESIDE_BEAT * bank.offbeat - HELD * bank.held)
    share *= np.minimum(favour, np.quantile(favour[share > share.max() / 2], 1 - FAVOURED))
    share *= np.where(rows[:, MINOR] == (phrase.mode == "minor"), SAME_MODE, 1.0)
    share *= np.where(rows[:, SUNG] == (phrase.kind not in SILENT), SAME_MODE, 1.0)
    if heights:
        share *= np.where(np.isin(rows[:, WORK], list(works)), SAME_WORK, 1.0)
        away = np.abs(bank.height[:, None] - np.array(heights)[None]).min(axis=1)
        share *= 0.3 + np.minimum(away / HIGHER, 1.0)
    return share


def joined(parts: Sequence[tuple[Hand, Hand]], sizes: Sequence[Metre]) -> tuple[Hand, Hand]:
    """Bars one after another as one."""
    if len(parts) == 1:
        return parts[0]
    hands = []
    for side in (0, 1):
        figures, at = [], 0
        for part, metre in zip(parts, sizes, strict=True):
            figure = part[side].figure
            figures.append(figure[figure[:, 0] < ticks_of(metre)] + np.array([at, 0, 0, 0], np.int16))
            at += ticks_of(metre)
        widest = max((part[side] for part in parts), key=lambda hand: hand.tones)
        hands.append(Hand(np.concatenate(figures), widest.low, widest.gaps))
    return hands[0], hands[1]
