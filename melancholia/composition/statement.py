"""A theme that somebody gives: brought into the piece's key and mode, given room in the form, laid out for a phrase.

It is stated literally in the first phrase of the home tune; what returns of it is recalled, moved by steps, broken into
its head or said in twice its lengths.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np

from melancholia.composition.chords import SCALES
from melancholia.composition.form import Form, PhrasePlan
from melancholia.composition.rhythms import Cell
from melancholia.errors import InputError
from melancholia.motif import Motif
from melancholia.piece import Key, Note

# Semitones above the tonic that change where a major tune is sung in minor, and the other way.
BENT = {("major", "minor"): {4: 3, 9: 8, 11: 10}, ("minor", "major"): {3: 4, 8: 9, 10: 11}}


@dataclass(frozen=True, slots=True)
class Given:
    """A theme in the piece's key: tones as (quarters from its first bar line, negative in a pickup; length; pitch).

    `steps` are the scale steps from each tone to the next.
    """

    tones: tuple[tuple[float, float, int], ...]
    steps: tuple[int, ...]
    bar_quarters: float

    @property
    def end(self) -> float:
        return max(at + length for at, length, _ in self.tones)

    @property
    def bars(self) -> int:
        """Bars from its first bar line to its end."""
        return max(1, int(np.ceil(self.end / self.bar_quarters - 1e-6)))

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Each tone's name, as themes name theirs: its bar and its number in it, negative in a pickup."""
        pickup = sum(at < -1e-6 for at, _, _ in self.tones)
        found: list[tuple[int, int]] = []
        for k, (at, _, _) in enumerate(self.tones):
            bar = int(max(0.0, at) / self.bar_quarters + 1e-6)
            found.append((0, k - pickup) if k < pickup else (bar, sum(b == bar and p >= 0 for b, p in found)))
        return tuple(found)

    def cells(self) -> tuple[Cell, ...]:
        """Its bars as rhythms; a tone over a bar line ends there, and the bar after begins with a rest."""
        rows: list[Cell] = []
        for bar in range(self.bars):
            at, end = bar * self.bar_quarters, (bar + 1) * self.bar_quarters
            cell: list[float] = []
            for start, length, _ in self.tones:
                if at - 1e-6 <= start < end - 1e-6:
                    cell += [-(start - at)] if start > at + 1e-6 else []
                    cell.append(min(start + length, end) - start)
                    at = start + cell[-1]
            rows.append((*cell, -(end - at)) if end > at + 1e-6 else tuple(cell))
        return tuple(rows)


def in_key(theme: Motif, home: Key) -> list[int]:
    """The theme's pitches over the home tonic, bent to the home mode; a leading tone on its way to the tonic stays."""
    above = [note.pitch - theme.key.tonic for note in theme.notes]
    bent = BENT.get((theme.key.mode, home.mode), {})
    found = []
    for k, pitch in enumerate(above):
        leads = pitch % 12 == 11 and k + 1 < len(above) and above[k + 1] == pitch + 1
        found.append(pitch if leads else pitch - pitch % 12 + bent.get(pitch % 12, pitch % 12))
    return [pitch + home.tonic for pitch in found]


def tune_of(theme: Motif, home: Key) -> tuple[Note, ...]:
    """The theme as the piece says it: its own lengths, in the home key and mode, near the octave it was given in."""
    pitches = in_key(theme, home)
    octave = 12 * round((theme.notes[0].pitch - pitches[0]) / 12)
    return tuple(replace(n, pitch=int(np.clip(p + octave, 0, 127))) for n, p in zip(theme.notes, pitches, strict=True))


def given(theme: Motif, home: Key, *, bar_quarters: float, mean: float, low: int, high: int) -> Given:
    """The theme in the home key, in the octave nearest to `mean` that an instrument from `low` to `high` has.

    Raises
    ------
    InputError
        The theme is wider than the instrument.
    """
    pitches = in_key(theme, home)
    octaves = [12 * k for k in range(-10, 11) if low <= min(pitches) + 12 * k and max(pitches) + 12 * k <= high]
    if not octaves:
        raise InputError(
            f"theme spans {max(pitches) - min(pitches)} semitones; allowed: what fits into {low} to {high}, the"
            " melody instrument's range, in some octave."
        )
    octave = min(octaves, key=lambda k: abs(float(np.mean(pitches)) + k - mean))
    upbeat = theme.place > bar_quarters / 2 + 1e-6
    first = theme.place % bar_quarters - (bar_quarters if upbeat else 0.0)
    tones = tuple((first + n.start, n.duration, p + octave) for n, p in zip(theme.notes, pitches, strict=True))
    degrees = [degree(p - home.tonic, home.mode) for p in pitches]
    return Given(tones, tuple(int(b - a) for a, b in zip(degrees, degrees[1:], strict=False)), bar_quarters)


def degree(above: int, mode: str) -> int:
    """Scale steps above the tonic of a pitch, those between two counted as the upper one's neighbour below."""
    return 7 * (above // 12) + int(np.searchsorted(SCALES[mode], above % 12, side="right")) - 1


def with_room(form: Form, theme: Given) -> Form:
    """The form with a first home phrase that holds the theme: joined with those after it where it is too short.

    Raises
    ------
    InputError
        The piece is shorter than the theme.
    """
    first = next(k for k, p in enumerate(form.phrases) if p.letter == "A")
    found = form.phrases[first]
    last = first
    while found.bars < theme.bars:
        last += 1
        if last == len(form.phrases) or form.phrases[last].kind == "coda":
            raise InputError(f"theme is {theme.bars} bars long; allowed: up to {found.bars} in a piece of this length.")
        more = form.phrases[last]
        kind = "climax" if "climax" in (found.kind, more.kind) else found.kind
        cadence = more.cadence if more.kind != "interlude" else found.cadence
        found = replace(found, bars=found.bars + more.bars, cadence=cadence, kind=kind)
    found = replace(found, event="none")
    phrases = renumbered((*form.phrases[:first], found, *form.phrases[last + 1 :]))
    return replace(form, phrases=tuple(phrases), writings=(*form.writings[: first + 1], *form.writings[last + 1 :]))


def renumbered(phrases: tuple[PhrasePlan, ...]) -> list[PhrasePlan]:
    """The phrases with their visits counted anew."""
    seen: dict[str, int] = {}
    found = []
    for phrase in phrases:
        seen[phrase.letter] = seen.get(phrase.letter, -1) + 1
        found.append(replace(phrase, visit=seen[phrase.letter]))
    return found


@dataclass(frozen=True, slots=True)
class Heard:
    """What of a tune is known where chords are chosen: (start bar, end bar, semitones above home), tone after tone."""

    tones: tuple[tuple[float, float, int], ...]

    def suits(self, pitch_classes: tuple[int, ...], bar: float, bars: float) -> float:
        """Share of what is sung over a chord's time that belongs to it; a half where nothing is."""
        sung = self.chroma(bar, bars)
        total = sum(sung)
        return sum(sung[pc] for pc in pitch_classes) / total if total else 0.5

    def chroma(self, bar: float, bars: float) -> list[float]:
        """Bars for which each pitch class above home is sung in some bars."""
        found = [0.0] * 12
        first = max(0, bisect_right(self.tones, (bar, np.inf, 0)) - 1)
        for start, end, above in self.tones[first:]:
            if start >= bar + bars:
                break
            found[above % 12] += max(0.0, min(end, bar + bars) - max(start, bar))
        return found


def heard(theme: Given, form: Form, home: Key) -> Heard:
    """Where the theme is stated."""
    at = next(p.bar for p in form.phrases if p.letter == "A")
    length = form.bar_quarters
    return Heard(tuple((at + s / length, at + (s + d) / length, (p - home.tonic) % 12) for s, d, p in theme.tones))
