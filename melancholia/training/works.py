"""A work as it is learned from: its lines with who has them, its bars, its keys; and what makes it unfit for that.

Who has which line is read from the score where it says so (a part with words is sung, a piano has two hands, four
strings are a quartet), and from what the notes do where it does not (`composition.roles`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import TICKS
from melancholia.composition.roles import parted
from melancholia.cues import key_strength
from melancholia.errors import InputError
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from melancholia.reading import is_played
from melancholia.training.keys import as_pair, home_key, keys_of_bars
from melancholia.training.musicxml import BEATS, LENGTH, PITCH, PLACE, STAFF, START, UNIT, Score
from melancholia.written import found_key

# Who may have a line, and the role that it has.
PLAYERS = {
    "voice": "melody", "voice 2": "counter", "right hand": "harmony", "left hand": "bass",
    "violin 1": "melody", "violin 2": "counter", "viola": "harmony", "cello": "bass",
    "melody": "melody", "counter": "counter", "harmony": "harmony", "bass": "bass", "texture": "texture",
}  # fmt: skip
QUARTET = ("violin 1", "violin 2", "viola", "cello")
STRINGS = re.compile(r"viol|cello|vcl?\b|vla?\b|vln?\b|bratsche|geige|alto|basso", re.I)
USUAL_BPM = 92.0  # the median of songs, for a work that names no tempo
REST = TICKS // 2  # a rest of an eighth or more ends a phrase

LEAST_SYLLABLES, LEAST_NOTES, LEAST_BARS = 20, 24, 4
CLEAR_BARS, CLEAREST = 4, 0.55  # tonal clarity over so many bars, in the mean: below, no key to learn
WRONG_BARS = 0.15  # of the bars may hold more or less than their metre says
WIDE, WIDE_MOVES = 12, 0.1  # moves of a tune beyond an octave
UNEVEN = 0.2  # of the notes may lie between the places of a beat


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One breath or more of one player: notes one after the other, rows of start and length in ticks, and pitch."""

    notes: NDArray[np.int64]

    def phrases(self, rest: int = REST) -> list[NDArray[np.int64]]:
        """The line cut where it rests."""
        if not len(self.notes):
            return []
        silent = self.notes[1:, 0] - self.notes[:-1, 0] - self.notes[:-1, 1]
        return np.split(self.notes, np.flatnonzero(silent >= rest) + 1)


@dataclass(frozen=True, eq=False)
class Work:
    """A movement, or a song.

    `lines` are a player's notes by name (of `PLAYERS`): rows of start and length in ticks of 1/48 quarter, and pitch,
    by start; several may begin together. `bars` are as in `Score`; `keys` and `homes` the key of each bar, and the
    home that its signature says, as (tonic, 0 major or 1 minor). `tempos` are (tick, quarters a minute), the first at
    0; `words` what stands over the first bars.
    """

    name: str
    composer: str
    words: str
    lines: Mapping[str, NDArray[np.int64]]
    bars: NDArray[np.int64]
    keys: NDArray[np.int64]
    homes: NDArray[np.int64]
    tempos: NDArray[np.float64]

    @property
    def tonic(self) -> int:
        """Of the home that it begins in."""
        return int(self.homes[0, 0])

    @property
    def minor(self) -> bool:
        """Whether it begins in minor."""
        return bool(self.homes[0, 1])

    @property
    def bpm(self) -> float:
        """Quarters a minute at the start."""
        return float(self.tempos[0, 1])

    @property
    def metre(self) -> tuple[int, int]:
        """The one that holds longest."""
        sizes: dict[tuple[int, int], int] = {}
        for length, beats, unit in self.bars[:, [LENGTH, BEATS, UNIT]].tolist():
            sizes[beats, unit] = sizes.get((beats, unit), 0) + length
        return max(sizes, key=lambda metre: sizes[metre])

    @property
    def end(self) -> int:
        """In ticks."""
        return int(self.bars[-1, START] + self.bars[-1, LENGTH])

    @cached_property
    def seconds(self) -> float:
        return float(self.seconds_at(np.array([self.end]))[0])

    def seconds_at(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds from the start at given ticks."""
        at, pace = self.tempos[:, 0], 60 / (TICKS * self.tempos[:, 1])
        begun = np.concatenate([[0.0], np.cumsum(np.diff(at) * pace[:-1])])
        k = np.clip(np.searchsorted(at, ticks, side="right") - 1, 0, None)
        return np.asarray(begun[k] + (ticks - at[k]) * pace[k])

    def of_role(self, *roles: str) -> NDArray[np.int64]:
        """All notes of the players with these roles, by start."""
        return in_order([notes for who, notes in self.lines.items() if PLAYERS[who] in roles])

    @cached_property
    def everything(self) -> NDArray[np.int64]:
        return in_order(list(self.lines.values()))

    @cached_property
    def melody(self) -> Line:
        """What sings: the highest tone of each onset of the part that has the tune."""
        return Line(top_line(self.of_role("melody")))

    def bar_of(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of `bars` in which each tick lies."""
        return np.clip(np.searchsorted(self.bars[:, START], ticks, side="right") - 1, 0, None)

    def place_of(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many ticks after its bar line each tick lies."""
        bar = self.bar_of(ticks)
        return np.asarray(ticks - self.bars[bar, START] + self.bars[bar, PLACE])


def in_order(groups: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    notes = np.concatenate([np.zeros((0, 3), np.int64), *groups])
    return np.asarray(notes[np.lexsort((notes[:, 2], notes[:, 0]))], np.int64)


def top_line(notes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The highest note of each onset, each cut where the next begins."""
    if not len(notes):
        return notes
    last = np.append(np.diff(notes[:, 0]) > 0, True)  # by start, then pitch: the last of an onset is its highest
    line = notes[last].copy()
    line[:-1, 1] = np.minimum(line[:-1, 1], np.diff(line[:, 0]))
    return np.asarray(line)


def chroma_of(notes: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Time of each pitch class between edges (ticks), shape (edges - 1, 12)."""
    found = np.zeros((len(edges) - 1, 12))
    first = np.clip(np.searchsorted(edges, notes[:, 0], side="right") - 1, 0, len(edges) - 2)
    end = notes[:, 0] + notes[:, 1]
    last = np.clip(np.searchsorted(edges, end, side="left") - 1, 0, len(edges) - 2)
    for reach in range(int((last - first).max(initial=0)) + 1):
        k = first + reach
        here = k <= last
        held = np.minimum(end[here], edges[k[here] + 1]) - np.maximum(notes[here, 0], edges[k[here]])
        np.add.at(found, (k[here], notes[here, 2] % 12), np.maximum(held, 0))
    return found


def work_of_score(score: Score, name: str, composer: str) -> Work:
    """The work that a movement of a score is; refuses what nobody could learn from (`check`)."""
    lines = players_of(score) or roles_of(as_piece(score))
    lines = {who: notes for who, notes in lines.items() if len(notes)}
    everything = in_order(list(lines.values()))
    if not len(everything):
        raise InputError("holds no notes.")
    homes = np.zeros((len(score.bars), 2), np.int64)
    signatures = [*(score.signatures or ((0, 0),)), (score.end, 0)]
    for (at, fifths), (until, _) in zip(signatures, signatures[1:], strict=False):
        inside = everything[(everything[:, 0] >= at) & (everything[:, 0] < until)]
        rows = (score.bars[:, START] >= at) & (score.bars[:, START] < until)
        if rows.any():
            homes[rows] = as_pair(home_key(inside if len(inside) else everything, fifths))
    tempos = np.array([(at, bpm) for at, bpm in score.tempos] or [(0, USUAL_BPM)], np.float64)
    tempos[0, 0] = 0
    keys = keys_of_bars(chroma_of(everything, np.append(score.bars[:, START], score.end)), homes)
    work = Work(name, score.composer or composer, score.words, lines, score.bars, keys, homes, tempos)
    check(work)
    return work


def work_of_piece(piece: Piece, name: str, composer: str) -> Work:
    """The work that a MIDI file holds; refuses what nobody could learn from (`check`)."""
    if is_played(piece):
        raise InputError("is played, not written: its onsets lie off the beat.")
    lines = {who: notes for who, notes in roles_of(piece).items() if len(notes)}
    everything = in_order(list(lines.values()))
    if not len(everything):
        raise InputError("holds no notes that have a pitch.")
    bar = round(piece.bar_quarters * TICKS)
    count = -(-int((everything[:, 0] + everything[:, 1]).max()) // bar)
    bars = np.array([(k * bar, bar, 0, *piece.metre) for k in range(count)], np.int64)
    homes = np.tile(as_pair(found_key(piece)), (count, 1)).astype(np.int64)
    keys = keys_of_bars(chroma_of(everything, np.arange(count + 1) * bar), homes)
    tempos = np.array([(round(at * TICKS), 60e6 / us) for at, us in piece.tempo.changes], np.float64)
    work = Work(name, composer, "", lines, bars, keys, homes, tempos)
    check(work)
    return work


def players_of(score: Score) -> dict[str, NDArray[np.int64]] | None:
    """Who has which line, where the score says so: a voice and a piano, or four strings; None where it does not."""
    rows = (START, LENGTH, PITCH)
    parts = [part for part in score.parts if len(part.notes)]
    sung = sorted((p for p in parts if p.syllables >= LEAST_SYLLABLES), key=lambda p: -p.syllables)
    played = [part for part in parts if not part.syllables]
    if sung:
        left = [p.notes[p.notes[:, STAFF] == 2][:, rows] for p in played]
        right = [p.notes[p.notes[:, STAFF] == 1][:, rows] for p in played]
        return {
            "voice": sung[0].notes[:, rows], "voice 2": in_order([p.notes[:, rows] for p in sung[1:]]),
            "right hand": in_order(right), "left hand": in_order(left),
        }  # fmt: skip
    if len(score.parts) == len(QUARTET) and sum(bool(STRINGS.search(p.name)) for p in parts) >= 3:
        return {who: part.notes[:, rows] for who, part in zip(QUARTET, score.parts, strict=True)}
    return None


def as_piece(score: Score) -> Piece:
    """A movement as a piece, in its first metre and tempo; a staff is a part."""
    parts = [
        Part(f"{number} {staff}", "harmony", "", tuple(Note(s / TICKS, d / TICKS, p, 64) for s, d, p in rows.tolist()))
        for number, part in enumerate(score.parts)
        for staff in sorted(set(part.notes[:, STAFF].tolist()))
        for rows in [part.notes[part.notes[:, STAFF] == staff][:, (START, LENGTH, PITCH)]]
    ]
    tempo = TempoMap.steady(score.tempos[0][1] if score.tempos else USUAL_BPM)
    beats, unit = (int(value) for value in score.bars[0, [BEATS, UNIT]])
    return Piece(tuple(parts), tempo, (beats, unit), Key(0, "major"))


def roles_of(piece: Piece) -> dict[str, NDArray[np.int64]]:
    """Notes by role: as the parts say, and by what they do where they do not."""
    named = [part for part in piece.parts if part.role in PLAYERS and part.instrument]
    others = [part for part in piece.parts if part not in named and part.role != "percussion"]
    found: dict[str, list[tuple[int, int, int]]] = {}
    for role, notes in [(p.role, p.notes) for p in named] + [(v.role, v.notes) for v in parted(others, piece)]:
        found.setdefault(role, []).extend(
            (round(n.start * TICKS), max(1, round(n.end * TICKS) - round(n.start * TICKS)), n.pitch) for n in notes
        )
    return {role: in_order([np.array(rows, np.int64)]) for role, rows in found.items()}


def check(work: Work) -> None:
    """Refuse a work that nobody could learn from, in words that follow its name.

    Raises
    ------
    InputError
        It is too short, has no tune or no key, or its bars or its rhythm are not written as they sound.
    """
    line = work.melody.notes
    if len(line) < LEAST_NOTES:
        raise InputError(f"has a tune of {len(line)} notes; allowed: {LEAST_NOTES} or more.")
    if len(work.bars) < LEAST_BARS:
        raise InputError(f"has {len(work.bars)} bars; allowed: {LEAST_BARS} or more.")
    wrong = wrong_bars(work)
    if wrong > WRONG_BARS:
        raise InputError(f"has {wrong:.0%} of bars that do not hold what their metre says; allowed: {WRONG_BARS:.0%}.")
    wide = float((np.abs(np.diff(line[:, 2])) > WIDE).mean())
    if wide > WIDE_MOVES:
        raise InputError(f"has no tune: {wide:.0%} of its moves go beyond an octave; allowed: {WIDE_MOVES:.0%}.")
    starts = work.everything[:, 0]
    uneven = float(((starts % (TICKS // 16) > 0) & (starts % (TICKS // 12) > 0)).mean())
    if uneven > UNEVEN:
        raise InputError(f"has {uneven:.0%} of notes between the places of a beat; allowed: {UNEVEN:.0%}.")
    clear = clarity(work)
    if clear < CLEAREST:
        raise InputError(f"is in no key: tonal clarity {clear:.2f}; allowed: {CLEAREST:g} or more.")


def wrong_bars(work: Work) -> float:
    """Share of the measures, but the first and the last, that hold another length than their metre says."""
    bars = work.bars[1:-1]
    size = bars[:, BEATS] * 4 * TICKS // bars[:, UNIT]
    filled = bars[:, PLACE] + bars[:, LENGTH]
    split = np.append(bars[1:, PLACE] > 0, False)  # its bar goes on in the next measure
    return float(((filled != size) & ~split).mean()) if len(bars) else 0.0


def clarity(work: Work) -> float:
    """Correlation of the tones of every few bars with the key that fits them best, in the mean."""
    starts = np.append(work.bars[:, START], work.end)
    edges = np.unique(np.append(starts[::CLEAR_BARS], work.end))
    chroma = chroma_of(work.everything, edges)
    chroma = chroma[chroma.sum(axis=1) > 0]
    return float(key_strength(chroma)[1].mean())
