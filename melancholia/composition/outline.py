"""The plan of a piece that is there: its phrases and chords as a composer plans them, so that it can go on.

A piece of ours brings its plan. Of anybody else's, phrases, chords and arc are those that a reader finds
(`reading`), and phrases that say the same tune have one letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from melancholia.composition.asks import ticks
from melancholia.composition.chords import HARMONIES
from melancholia.composition.form import SILENT, Form, PhrasePlan
from melancholia.composition.harmony import Slot
from melancholia.composition.held import NEVER
from melancholia.composition.measures import likeness
from melancholia.composition.numerals import parsed
from melancholia.composition.statement import renumbered
from melancholia.composition.ways import SUNG
from melancholia.motif import skyline
from melancholia.piece import Chord, Note, Phrase, Piece
from melancholia.profile import Profile
from melancholia.writing import WRITING_RANGES, Writing
from melancholia.written import from_piece

ALIKE = 0.75  # of its tones, that a phrase shares with an earlier one whose letter it has
BEYOND = 0.1  # of a bar, by which a last note may pass a bar line and make no bar of its own
OPEN = "open"  # the cadence of a phrase whose end nobody named
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NARROWEST = 5.0  # semitones, of the span of a melody


@dataclass(frozen=True, slots=True)
class Outline:
    """A piece as a plan; `starts` are the ticks at which its phrases begin, in their upbeats."""

    form: Form
    slots: tuple[Slot, ...]
    starts: tuple[int, ...]

    @property
    def bar(self) -> int:
        return ticks(self.form.bar_quarters)

    def spans(self) -> list[tuple[int, int]]:
        """First and end of each phrase, in ticks."""
        return list(zip(self.starts, [*self.starts[1:], NEVER], strict=True))


def tune(piece: Piece) -> tuple[Note, ...]:
    """What the melody sings, one tone at a time."""
    return skyline(note for part in piece.with_role("melody") for note in part.notes)


def outline_of(piece: Piece, profile: Profile) -> Outline:
    """The plan of a piece.

    Parameters
    ----------
    piece : Piece
        With roles, phrases, chords and arc, as we compose it or `orchestrate` leaves it.
    profile : Profile
        The mood in which it shall go on: what the notes do not say of pace, fullness and height is the mood's.
    """
    length = piece.bar_quarters
    bars = bars_of(piece)
    line = tune(piece)
    starts = [phrase.start for phrase in piece.phrases] or [0.0]
    firsts = first_bars(piece.phrases, length, bars)
    kept = [k for k, (a, b) in enumerate(zip(firsts, [*firsts[1:], bars], strict=True)) if b > a]
    firsts, starts = [firsts[k] for k in kept], [starts[k] for k in kept]
    ends = [*firsts[1:], bars]
    peak = max(piece.arc, key=lambda at: at[1])[0] / length if piece.arc else 0.66 * bars
    letters = named(piece, firsts) or by_tunes(line, starts)
    phrases = []
    for first, end, start, until, letter in zip(firsts, ends, starts, [*starts[1:], piece.end], letters, strict=True):
        sung = any(start - 1e-6 <= note.start < until - 1e-6 for note in line)
        kind = letter if letter in (*SILENT, "coda") else "climax" if first <= peak < end else "body"
        kind = kind if sung or kind in SILENT else "interlude" if first else "intro"
        if sung and kind in SILENT:
            kind = "body"
        key, mode = local_key(piece, first * length, end * length)
        cadence = next((p.cadence for p in piece.phrases if p.start == start and p.cadence), OPEN)
        phrases.append(PhrasePlan(letter, 0, first, end - first, cadence, key, mode, kind, "none"))
    if not any(phrase.kind == "climax" for phrase in phrases):
        body = [k for k, phrase in enumerate(phrases) if phrase.kind == "body"]
        if body:
            nearest = min(body, key=lambda k: abs(phrases[k].bar + phrases[k].bars / 2 - peak))
            phrases[nearest] = replace(phrases[nearest], kind="climax")
    plan = tuple(renumbered(tuple(phrases)))
    share = [(phrase.bar + phrase.bars / 2) / bars for phrase in plan]
    form = Form(
        metre=piece.metre, bars=bars, bpm=60 * piece.end / piece.seconds, quarters=max(piece.end, bars * length),
        phrases=plan, climax=float(np.clip(peak / bars, 0.05, 0.95)), fixed_tempo=piece.fixed_tempo,
        writings=tuple(like(profile.at(at).writing, piece) for at in share), tempo=piece.tempo, loops=piece.loops,
        ways=SUNG,
    )  # fmt: skip
    return Outline(form, slots_of(piece, form), tuple(ticks(at) // 2 * 2 for at in starts))


def bars_of(piece: Piece) -> int:
    """Whole bars: of a plan up to the one in which the last note begins, and what is held beyond lengthens it; of
    anybody else's piece up to where the last note ends, a little beyond a bar line left out."""
    last = max((note.start for part in piece.parts for note in part.notes), default=0.0)
    bars = int(last / piece.bar_quarters + 1e-6) + 1
    planned = any(phrase.cadence for phrase in piece.phrases)
    return bars if planned else max(bars, int(np.ceil(piece.end / piece.bar_quarters - BEYOND)))


def first_bars(phrases: Sequence[Phrase], length: float, bars: int) -> list[int]:
    """The bar of each phrase: the one that its upbeat leads to, as planned, or the nearest where that was found."""
    found = []
    for phrase in phrases:
        at = phrase.start / length
        bar = int(np.ceil(at - 1e-6)) if phrase.cadence else int(at + 0.5)
        found.append(min(bar, bars))
    return [0, *np.maximum.accumulate(found[1:]).tolist()] if found else [0]


def named(piece: Piece, firsts: Sequence[int]) -> list[str]:
    """The letter of each phrase, by the section it lies in; none where sections do not say."""
    if not piece.sections:
        return []
    found = []
    for first in firsts:
        inside = [section.name for section in piece.sections if section.bar <= first]
        found.append((inside[-1] if inside else piece.sections[0].name).rstrip("'"))
    return found if "A" in found else []


def by_tunes(line: Sequence[Note], starts: Sequence[float]) -> list[str]:
    """Letters for phrases by what they sing: one that says an earlier tune again has its letter."""
    known: list[tuple[str, list[Note]]] = []
    found = []
    for start, until in zip(starts, [*starts[1:], np.inf], strict=True):
        own = [note for note in line if start - 1e-6 <= note.start < until - 1e-6]
        letter = next((name for name, other in known if len(own) > 2 and likeness(other, own) >= ALIKE), "")
        if not letter:
            letter = LETTERS[len(known) % len(LETTERS)] * (1 + len(known) // len(LETTERS))
            known.append((letter, own))
        found.append(letter)
    return found


def local_key(piece: Piece, start: float, end: float) -> tuple[int, str]:
    """The key of a stretch by its chords' names, in semitones above home, and its mode."""
    away: dict[tuple[int, str], float] = {}
    for chord in piece.chords:
        together = min(chord.end, end) - max(chord.start, start)
        if together > 1e-6:
            _, above, mode = parsed(chord.numeral, piece.key.mode)
            away[above, mode] = away.get((above, mode), 0.0) + together
    return max(away, key=lambda key: away[key]) if away else (0, piece.key.mode)


def slots_of(piece: Piece, form: Form) -> tuple[Slot, ...]:
    """The chords of a piece as slots, end to end over its bars."""
    length = piece.bar_quarters
    chords = [chord for chord in piece.chords if chord.start < form.bars * length - 1e-6]
    if not chords:
        return (Slot("i" if piece.key.mode == "minor" else "I", 0.0, float(form.bars), 0, piece.key.mode),)
    edges = [0.0, *(chord.start / length for chord in chords[1:]), float(form.bars)]
    found = []
    for chord, start, end in zip(chords, edges, edges[1:], strict=False):
        if end - start > 1e-6:
            phrase = form.phrase_at(start)
            found.append(slot_of(chord, start, end - start, piece.key.tonic, phrase))
    return tuple(found)


def slot_of(chord: Chord, bar: float, bars: float, tonic: int, phrase: PhrasePlan) -> Slot:
    """A chord as we name chords: by its own name where we know it, else the nearest by its tones and its bass."""
    name, key, mode = parsed(chord.numeral, phrase.mode)
    above = tuple(sorted({(pc - tonic) % 12 for pc in chord.pitch_classes}))
    if name in HARMONIES:
        own = Slot(name, bar, bars, key, mode)
        if tuple(sorted({(pc - tonic) % 12 for pc in own.pitch_classes(tonic)})) == above:
            return own
    numeral, key = nearest_harmony(above, (chord.bass - tonic) % 12, phrase.local_key)
    return Slot(numeral, bar, bars, key, phrase.mode)


@cache
def nearest_harmony(above: tuple[int, ...], bass: int, key: int) -> tuple[str, int]:
    """The numeral, and the key (semitones above home) that it stands in, of a chord by its tones above home."""
    tones = set(above)

    def far(option: tuple[str, int]) -> tuple[int, bool, bool]:
        name, there = option
        harmony = HARMONIES[name]
        own = {(pc + there) % 12 for pc in harmony.pitch_classes}
        return len(own ^ tones), there != key, (harmony.bass + there) % 12 != bass

    return min(((name, there) for there in range(12) for name in HARMONIES), key=far)


def like(writing: Writing, piece: Piece) -> Writing:
    """What a mood asks for, with the pace, fullness and height that a piece has already."""
    line = tune(piece)
    found = {"bpm": 60 * piece.end / piece.seconds, "onset_rate": from_piece(piece)["event_rate"]}
    if line:
        pitches = [note.pitch for note in line]
        found["melody_rate"] = len(line) / piece.seconds
        found["melody_mean"] = float(np.average(pitches, weights=[note.duration for note in line]))
        found["melody_span"] = max(NARROWEST, float(max(pitches) - min(pitches)))
    clipped = {name: float(np.clip(value, *WRITING_RANGES[name][:2])) for name, value in found.items()}
    return replace(writing, **clipped)  # type: ignore[arg-type]
