"""How phrases lie in their bars: where they begin, where their last tone does; counted by metre."""

from collections import Counter
from collections.abc import Sequence

from melancholia.composition.coding import TICKS
from melancholia.training.musicxml import BEATS, UNIT
from melancholia.training.works import Work

BREATH = TICKS  # of a quarter or more ends a phrase that a plan would know
LEAST = 4  # notes of such a phrase
RARE = 0.01  # of the phrases of a metre: what is rarer is left out
FEWEST = 40  # phrases that tell of a metre


def phrase_tables(works: Sequence[Work]) -> dict[str, dict[str, dict[str, float]]]:
    """By metre: shares of `starts` (ticks behind a bar line) and `ends` (last onset behind its bar line).

    What starts in the last third of a bar is an upbeat, so many ticks before a bar line.
    """
    found: dict[str, dict[str, Counter[int]]] = {}
    for work in works:
        for phrase in work.melody.phrases(BREATH):
            if len(phrase) < LEAST:
                continue
            ends = phrase[[0, -1], 0]
            (first, last), bars = work.place_of(ends).tolist(), work.bars[work.bar_of(ends)]
            beats, unit = bars[0, [BEATS, UNIT]].tolist()
            size = beats * 4 * TICKS // unit
            tables = found.setdefault(f"{beats}/{unit}", {"starts": Counter(), "ends": Counter()})
            tables["starts"][first - size if first >= 2 / 3 * size else first] += 1
            tables["ends"][last] += 1
    return {
        metre: {name: shares(counts) for name, counts in tables.items()}
        for metre, tables in sorted(found.items())
        if sum(tables["starts"].values()) >= FEWEST
    }


def shares(counts: Counter[int]) -> dict[str, float]:
    """Shares of what is not rare, by name, the commonest first."""
    total = sum(counts.values())
    kept = {tick: count for tick, count in counts.most_common() if count >= RARE * total}
    return {str(tick): round(count / sum(kept.values()), 4) for tick, count in kept.items()}
