"""What one piece is among those of its mood: its own pace, fullness, height and climax, as a song that somebody wrote.

A mood is a region of what people do. Each piece takes from one slow song how far it lies from the middle of slow songs
in its mode, in all respects at once, and lies as far from the middle of its mood.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from melancholia.composition.figurations import SONGS, Bank
from melancholia.orchestra import facts_of
from melancholia.writing import WRITING_RANGES, Player, Writing

SLOW = math.log(80)  # quarters a minute
LEAST = 40  # slow songs to draw from; all of the mode where there are fewer
REGION = (0.03, 0.97)  # the quantiles of songs that a piece stays between
# Sadness that the listener hears for each unit of the logarithm of these (90 pieces), and how far it may go gladly;
# for fuller pieces the mode makes up, by so much of the mode index for each unit, and so much at most.
BY_STIR, BY_FULLNESS, GLADLY, MOST_OF_SONGS = -0.12, -0.06, 0.15, 0.1
DARKER, MOST_DARKER = 0.12, 0.05
FURTHER = 2.3  # the stir of a piece is that of all parts, the slow ones among them
BUSIEST = 3.0  # onsets a second of all parts; the accompaniments of four of five slow songs in minor have fewer
CLIMAX = (0.2, 0.85)  # of the piece
# The sadness that notes have: that of a writing whose figures are 1, and what each unit of these adds that is asked for
# (384 drafts of six moods, intensities 0 to 1, 30 to 120 s; it tells 70 % of the variance, and is .08 off).
SADNESS, BY_MODE = 0.97, 0.14
BY_LOG = {"onset_rate": -0.087, "melody_rate": -0.061, "bpm": -0.126}
# What a piece is to be sadder, all becomes slower by: for each unit that the logarithm of its onsets falls, that of the
# tune's falls by less, which has fewer tones than are played beside it, and that of the tempo by little. The mode index
# rises by as much as the sadness shall.
SLOWER, MOST_SADDER = {"onset_rate": 1.0, "melody_rate": 0.3, "bpm": 0.08}, 0.35
BASSLESS, THINNED, OTHER = 0.35, 0.25, 0.4  # pieces without a deep bass, without a texture, with another second voice


@dataclass(frozen=True, slots=True)
class Character:
    """Ratios of the tempo and of the onsets a second of tune (`fullness`) and accompaniment (`stir`), semitones that
    tune (`height`) and accompaniment (`ground`) lie higher, and where the climax is, 0 to 1; `sadder` is the sadness
    that its notes are to have beyond what the mood asks for."""

    pace: float
    fullness: float
    stir: float
    height: float
    ground: float
    climax: float
    sadder: float = 0.0

    def of(self, writing: Writing) -> Writing:
        """What a mood asks for, as this piece has it."""
        sadder = float(np.clip(self.sadder, -MOST_SADDER, MOST_SADDER))
        falls = sadder * (1 - BY_MODE) / sum(BY_LOG[name] * share for name, share in SLOWER.items())
        slower = {name: math.exp(falls * share) for name, share in SLOWER.items()}
        darker = float(np.clip(DARKER * math.log(self.stir), -MOST_DARKER, MOST_DARKER))
        busiest = max(writing.onset_rate, BUSIEST)
        asked = {
            "bpm": writing.bpm * self.pace * slower["bpm"],
            "melody_rate": writing.melody_rate * self.fullness * slower["melody_rate"],
            "onset_rate": min(writing.onset_rate * self.stir, busiest) * slower["onset_rate"],
            "mode_index": writing.mode_index + sadder + darker,
            "melody_mean": writing.melody_mean + self.height,
        }
        found = {name: float(np.clip(value, *WRITING_RANGES[name][:2])) for name, value in asked.items()}
        return replace(writing, **found)  # type: ignore[arg-type]


def promised(writing: Writing, bpm: float | None = None) -> float:
    """The sadness, 0 to 1, that notes of such a writing are likely to have, at a tempo that is given or at its own."""
    asked = writing if bpm is None else replace(writing, bpm=bpm)
    logs = sum(share * math.log(getattr(asked, name)) for name, share in BY_LOG.items())
    return float(np.clip(SADNESS + BY_MODE * writing.mode_index + logs, 0, 1))


def draw_character(bank: Bank, mode: str, rng: np.random.Generator, sadder: float = 0.0) -> Character:
    """The character of a piece, from one of the songs in its mode; gladly from one that is as much sadder than others,
    by its fullness and stir, as the piece shall be, but at most by `MOST_OF_SONGS`."""
    at = {name: k for k, name in enumerate(SONGS)}
    rows = bank.songs[bank.songs[:, at["minor"]] == (mode == "minor")]
    slow = rows[rows[:, at["pace"]] <= SLOW]
    rows = slow if len(slow) >= LEAST else rows if len(rows) else bank.songs
    low, middle, high = np.quantile(rows, (REGION[0], 0.5, REGION[1]), axis=0)
    apart = np.clip(rows, low, high) - middle
    heard = BY_STIR * FURTHER * apart[:, at["stir"]] + BY_FULLNESS * apart[:, at["fullness"]]
    wanted = float(np.clip(sadder, -MOST_OF_SONGS, MOST_OF_SONGS))
    likely = np.exp(-(((heard - wanted) / GLADLY) ** 2) / 2)
    number = int(rng.choice(len(rows), p=likely / likely.sum()))
    away, peak = dict(zip(SONGS, apart[number].tolist(), strict=True)), float(rows[number, at["peak"]])
    return Character(
        pace=math.exp(away["pace"]), fullness=math.exp(away["fullness"]), stir=math.exp(FURTHER * away["stir"]),
        height=away["height"], ground=away["ground"], climax=float(np.clip(peak, *CLIMAX)),
    )  # fmt: skip


def varied(players: tuple[Player, ...], writing: Writing, rng: np.random.Generator) -> tuple[Player, ...]:
    """An orchestration as one piece has it: its bass or its texture left out, another second voice of the mood's."""
    found = list(players)
    without_bass, without_texture, other = rng.random(3) < (BASSLESS, THINNED, OTHER)
    if without_bass:
        found = [p for p in found if p.role != "bass" or not facts_of(p.instrument).deep]
    textures = [p for p in found if p.role == "texture" and facts_of(p.instrument).pitched]
    if without_texture and textures and len(found) > 3:
        found.remove(textures[-1])
    counters = [k for k, p in enumerate(found) if p.role == "counter"]
    used = {p.instrument for p in found}
    fresh = [p for o in writing.orchestrations for p in o.players if p.role == "counter" and p.instrument not in used]
    if other and counters and fresh:
        found[counters[0]] = fresh[int(rng.integers(len(fresh)))]
    return tuple(found)
