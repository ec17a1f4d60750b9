"""The melody as the model sings it: phrase after phrase over the plan, many continuations of each, the best kept.

`asks` says what each phrase shall be, `returning` what it brings back; the model (`continuing`) writes the notes
between, and `choosing` keeps the continuation that does best what its phrase is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from melancholia.composition.asks import (
    BREATH,
    CLIMBING,
    LEANING,
    ROOM,
    STOPS,
    WAVERING,
    Ask,
    endings,
    evenly,
    ground_of,
    last_onset,
    manner_of_peak,
    planned_foreign,
    planned_leaps,
    starts,
    ticks,
    under,
)
from melancholia.composition.choosing import EVEN, Sung, cost, count, foreign
from melancholia.composition.chords import SCALES
from melancholia.composition.coding import TICKS, Compass, beat_ticks
from melancholia.composition.continuing import Ground, Line, Must, as_line, go_on, opening
from melancholia.composition.decoder import Decoder
from melancholia.composition.form import Form, PhrasePlan, phrase_weight
from melancholia.composition.harmony import Slot
from melancholia.composition.held import NEVER, WIDE_OPEN, Held, There
from melancholia.composition.originality import MOST, MOST_PITCHES, Tunes, originality
from melancholia.composition.returning import BORROWED, Rows, again, answered, before, returned
from melancholia.composition.statement import Given
from melancholia.composition.themes import Manner, draw_manner
from melancholia.composition.tones import Tone
from melancholia.writing import Writing

CANDIDATES = 24
CHANCE = 0.15  # of the choice among continuations that do nearly as well
HALF = 2  # bars of a phrase's first half; one where the phrase has no four
OCTAVE = 12
CODA = 0.5  # bars that count for the few tones of a coda
# Seconds of a phrase that is sung in one breath always, and never, and what lies before and behind one at least. In 142
# slow songs in minor half of what lies between two rests lasts 6 s and more, a quarter 10, a tenth 15, and a tenth 2.6
# or less.
EASY_S, HARD_S, LEAST_S = 8.0, 28.0, 2.6
HEARINGS = 3  # of a theme that was given, at least
TAKEN_UP = 0.7  # of the other phrases take up a theme that was given
CRY = 18.0  # semitones of span; nine of ten slow songs have less, and where a mood asks for more, its climax cries out


def sing(
    form: Form,
    slots: tuple[Slot, ...],
    rng: np.random.Generator,
    *,
    model: Decoder,
    tonic: int,
    low: int,
    high: int,
    given: Given | None = None,
    there: There | None = None,
    known: Tunes | None = None,
) -> list[list[Tone]]:
    """The melody, a list of tones for each phrase of the form (empty where it is silent).

    Parameters
    ----------
    form, slots : Form, tuple of Slot
        The plan: phrases, what the mood asks of each, chords.
    rng : Generator
    model : Decoder
        Its card holds the tables of how phrases lie in their bars.
    tonic : int
        Pitch class of the home key.
    low, high : int
        The instrument's range, MIDI pitches.
    given : Given, optional
        A theme, in the home key: stated by the first home phrase as it is, and taken up by others.
    there : There, optional
        What is sung already and stays.
    known : Tunes, optional
        Songs of which no phrase may have more than chance gives.
    """
    stage = Stage.of(form, slots, rng, model, tonic, low, high, given, there, known)
    aims = list(zip(form.phrases, form.writings, strict=True))
    rate = float(np.average([w.melody_rate for _, w in aims], weights=[p.bars for p, _ in aims]))
    wanted = stage.manner.fullness * rate * form.quarters * 60 / form.bpm
    weights = [phrase_weight(p, form, CODA) * w.melody_rate for p, w in aims]
    written: list[list[Tone]] = []
    with threadpool_limits(1, "blas"):  # its products are small
        for k, (phrase, aim) in enumerate(aims):
            own = there.of(k) if there is not None else WIDE_OPEN
            if not own.open:
                written.append(stage.stay(phrase, own))
                continue
            share = (wanted - stage.done.tones) * weights[k] / max(1e-9, sum(weights[k:]))
            ask = stage.ask(k, phrase, aim, share)
            if ask is None:
                written.append([])
                continue
            ask = about(own, ask)
            here = under(stage.ground, ask, stage.middle)
            found = stage.best(between(own, ask, stage.bar), stage.line, ask, here, aim) if own.notes else None
            found = found or stage.breathing(stage.phrase(phrase, ask, here, aim), here, phrase)
            stage.add(phrase, found, ask.mean, here)
            written.append(tones(found, foreign(found, here), form, closing=k + 1 == len(aims)))
    return written


@dataclass(slots=True, eq=False)
class Stage:
    """What is sung on: the plan in ticks, and the melody so far (its line, the notes of each letter, its figures)."""

    form: Form
    slots: tuple[Slot, ...]
    rng: np.random.Generator
    model: Decoder
    tonic: int
    low: int
    high: int
    given: Rows
    manner: Manner
    middle: float
    compass: Compass
    ground: Ground
    firsts: list[int | None]
    line: Line
    known: Tunes | None
    letters: dict[str, list[tuple[int, int, int]]]
    done: Sung
    hearings: int = 1  # of a theme that was given: its statement

    @classmethod
    def of(
        cls,
        form: Form,
        slots: tuple[Slot, ...],
        rng: np.random.Generator,
        model: Decoder,
        tonic: int,
        low: int,
        high: int,
        given: Given | None,
        there: There | None,
        known: Tunes | None,
    ) -> "Stage":
        means = [mean_of(w, low, high) for w in form.writings]
        middle = float(np.average(means, weights=[p.bars for p in form.phrases]))
        compass, manner = Compass.about(tonic, middle), draw_manner(rng)
        ground = ground_of(form, slots, tonic)
        firsts = starts(form, model.about["phrases"], rng)
        rows = [(ticks(at), ticks(length), pitch) for at, length, pitch in given.tones] if given is not None else []
        bar = ticks(form.bar_quarters)
        if rows:
            firsts = [
                max(0, p.bar * bar + rows[0][0]) if at is not None and stated(p) else at
                for p, at in zip(form.phrases, firsts, strict=True)
            ]
        if there is not None:
            firsts = [begun(there.of(k), first) for k, first in enumerate(firsts)]
        line = opening(compass, middle, bar, ground.cues[0])
        return cls(
            form, slots, rng, model, tonic, low, high, rows, manner, middle, compass, ground, firsts, line, known, {},
            Sung(bar, EVEN[0] * float(np.exp(rng.normal(0, EVEN[1])))),
        )  # fmt: skip

    @property
    def bar(self) -> int:
        return ticks(self.form.bar_quarters)

    @property
    def beat(self) -> int:
        return beat_ticks(self.form.metre)

    def ask(self, number: int, phrase: PhrasePlan, aim: Writing, share: float) -> Ask | None:
        """What a phrase shall be, that has so many tones for its share; None where the melody waits."""
        first, rng = self.firsts[number], self.rng
        if first is None:
            return None
        following = next((at for at in self.firsts[number + 1 :] if at is not None), None)
        until = self.form.bars * self.bar if following is None else min(phrase.end * self.bar, following - BREATH)
        if phrase.event in STOPS:
            until = min(until, phrase.end * self.bar - STOPS[phrase.event] * self.beat)
        if self.done.tones and not (self.given and stated(phrase)):
            first = max(first, int(self.line.notes[-1, :2].sum()) + BREATH)
        last = last_onset(phrase, self.form, first, until, self.model.about["phrases"], rng)
        slot = next((s for s in self.slots if last / self.bar < s.end - 1e-6), self.slots[-1])
        options = endings(phrase, slot, self.tonic)
        wish = options[int(rng.integers(len(options)))]
        mean, span, climax = mean_of(aim, self.low, self.high), aim.melody_span, phrase.kind == "climax"
        reach = max(0.6 * span + 1, OCTAVE / 2 + ROOM)  # every pitch class has a place
        bottom = max(self.low, min(round(mean - reach), self.high - OCTAVE - ROOM))
        top = min(self.high, max(round(mean + reach), self.low + OCTAVE + ROOM))
        tension = self.form.tension(phrase.bar + phrase.bars / 2)
        height = mean + LEANING * (tension - 0.45) + (CLIMBING if climax else rng.normal(0, WAVERING))
        return Ask(
            first, last, until, (wish, *(d for d in options if d != wish)),
            density=float(np.clip(share / max(1.0, (last - first) / TICKS + 1), 0.2, 3.0)) * evenly(self.manner, rng),
            mean=float(np.clip(height, bottom + 3, max(bottom + 3, top - 3))), leaps=planned_leaps(aim),
            foreign=planned_foreign(aim), peak=manner_of_peak(phrase, aim.reach, rng), bottom=bottom,
            top=top if climax else top - ROOM, summit=climax,
        )  # fmt: skip

    def phrase(self, phrase: PhrasePlan, ask: Ask, here: Ground, aim: Writing) -> Line:
        """The notes of a phrase: what it brings back, and the model's own between."""
        start = phrase.bar * self.bar
        if self.given and stated(phrase):
            musts = again(self.given, start, pitched=True)
            if musts[-1].at + self.beat >= ask.last:  # it is as long as the phrase
                return self.best(musts, self.line, ask, here, aim)
            return self.best([*musts, Must(ask.last, ask.degrees)], self.line, ask, here, aim)
        cry = self.cry(ask, aim)
        recalled = [must for must in self.recalled(phrase, ask) if all(abs(must.at - c.at) >= self.beat for c in cry)]
        recalled = cut(sorted([*recalled, *cry], key=lambda must: must.at))
        closing = Must(ask.last, ask.degrees)
        found = self.best(joined(Must(ask.first, straight=True), recalled, closing), self.line, ask, here, aim)
        half = self.bar * (HALF if phrase.bars >= 2 * HALF else 1)
        if recalled or phrase.bars < 2 or phrase.kind not in ("body", "climax"):
            return found
        head = found.notes[:, 0] < start + half + min(0, ask.first - start)
        if not head.any():
            return found
        kept = Line(found.notes[head], found.choices[head], found.cues[head], found.nats)
        rows = behind(kept.notes, start)
        scale = scale_of((self.tonic + phrase.local_key) % 12, phrase.mode)
        musts = self.playable(answered(rows, start, ask.last, half, scale, self.rng, self.manner))
        musts = [must for must in musts if must.at > kept.notes[-1, 0]]
        return kept.and_then(self.best([*musts, closing], self.line.and_then(kept), ask, here, aim)) if musts else found

    def recalled(self, phrase: PhrasePlan, ask: Ask) -> list[Must]:
        """What a phrase brings back: of a given theme, of its letter, or of the home tune."""
        start, home, rng = phrase.bar * self.bar, self.letters.get("A", []), self.rng
        latest = ask.last - self.beat
        if phrase.kind == "coda":
            found = again(before(home, self.bar), start, pitched=True)
        elif self.given and (self.hearings < HEARINGS or rng.random() < TAKEN_UP):
            self.hearings += 1
            moved = (phrase.local_key + 5) % 12 - 5
            found = again(self.given, start, pitched=True, moved=moved)
        elif phrase.letter in self.letters:
            known = self.letters[phrase.letter]
            found = returned(known, start, ask.first, ask.last, self.bar, self.beat, rng, self.manner)
        elif home and rng.random() < BORROWED:
            found = again(before(home, self.bar), start, pitched=False)
        else:
            return []
        return self.playable([must for must in found if ask.first <= must.at < latest])

    def cry(self, ask: Ask, aim: Writing) -> list[Must]:
        """The one high tone of a climax, of its chord, where the mood asks for one, or a film is to meet it."""
        if not ask.summit or (aim.melody_span <= CRY and not self.form.hits):
            return []
        at = round((ask.first + ask.peak * (ask.last - ask.first)) / self.beat) * self.beat
        if not ask.first + self.beat <= at <= ask.last - self.beat:
            return []
        slot = next((s for s in self.slots if at / self.bar < s.end - 1e-6), self.slots[-1])
        own, key = slot.pitch_classes(self.tonic), scale_of((self.tonic + slot.local_key) % 12, slot.mode)
        chord = [pitch for pitch in range(ask.top, 0, -1) if pitch % 12 in own]
        beyond = [*chord, *key[key <= ask.top][::-1].tolist()]  # a tone of the key where the chord has none so high
        return [Must(at, pitch=next((pitch for pitch in beyond if pitch > self.done.high), chord[0]))]

    def playable(self, musts: Sequence[Must]) -> list[Must]:
        """The same, but for pitches that the instrument lacks: those are left to the model."""
        return [
            must if must.pitch is None or self.low <= must.pitch <= self.high else replace(must, pitch=None)
            for must in musts
        ]

    def best(self, musts: Sequence[Must], line: Line, ask: Ask, here: Ground, aim: Writing) -> Line:
        """The continuation that does best what the phrase is for."""
        found = go_on(
            self.model, line, here, musts, self.compass, low=ask.bottom, high=ask.top, until=ask.until,
            count=CANDIDATES, rng=self.rng,
        )  # fmt: skip
        bass = [(round(s.bar * self.bar), s.bass(self.tonic)) for s in self.slots]
        sounding = max((at for at, _ in bass if at <= ask.first), default=ask.first)  # when an upbeat begins
        bass = [at for at in bass if sounding <= at[0] <= ask.last + self.bar]
        costs = [cost(one, ask, here, self.done, aim.falling_share, aim.step_share, bass, line) for one in found]
        order: list[int] = np.argsort(np.array(costs) + self.rng.gumbel(0, CHANCE, len(costs))).tolist()
        return found[next((k for k in order if not self.is_taken(line, found[k])), order[0])]

    def breathing(self, found: Line, here: Ground, phrase: PhrasePlan) -> Line:
        """A phrase that is long for one breath, with a breath behind one of its longer tones; none where one is."""
        chance = (self.form.seconds_of(phrase) - EASY_S) / (HARD_S - EASY_S)
        notes = found.notes
        ends = notes[:-1, :2].sum(axis=1)
        if self.rng.random() >= chance or (self.given and stated(phrase)) or (notes[1:, 0] - ends >= BREATH).any():
            return found
        least = LEAST_S * self.form.bpm / 60 * TICKS
        inside = (ends - notes[0, 0] >= least) & (notes[-1, :2].sum() - ends >= least)
        weights = np.where((notes[:-1, 1] >= 2 * BREATH) & inside, notes[:-1, 1] ** 2.0, 0.0)
        if not weights.any():
            return found
        rows = notes.copy()
        rows[self.rng.choice(len(weights), p=weights / weights.sum()), 1] -= BREATH
        return as_line(rows, self.line, here, self.compass)

    def stay(self, phrase: PhrasePlan, own: Held) -> list[Tone]:
        """A phrase is sung already."""
        rows = own.rows
        if not len(rows):
            return []
        found = as_line(rows, self.line, self.ground, self.compass)
        self.add(phrase, found, float(rows[:, 2].mean()), self.ground)
        return tones(found, foreign(found, self.ground), self.form, closing=False)

    def is_taken(self, before: Line, one: Line) -> bool:
        """Whether a continuation, with what it goes on from, has more of one song than chance gives."""
        if self.known is None:
            return False
        notes = np.concatenate([before.notes[1:][-MOST_PITCHES:], one.notes])
        found = originality(notes[:, 2].tolist(), notes[:, 0].tolist(), self.known)
        return found.run >= MOST or found.pitches >= MOST_PITCHES

    def add(self, phrase: PhrasePlan, found: Line, mean: float, here: Ground) -> None:
        """A phrase has been sung, that was to lie at `mean`."""
        self.line = self.line.and_then(found)
        count(self.done, found, mean, here)
        if phrase.kind == "climax":
            self.done.summit = float(found.notes[:, 2].max())
        if phrase.kind != "coda":
            self.letters.setdefault(phrase.letter, behind(found.notes, phrase.bar * self.bar))


def cut(musts: Sequence[Must]) -> list[Must]:
    """Each as long as there is room before the next."""
    found = list(musts)
    for k, (must, following) in enumerate(zip(musts, musts[1:], strict=False)):
        if must.length is not None:
            found[k] = replace(must, length=min(must.length, following.at - must.at))
    return found


def begun(own: Held, drawn: int | None) -> int | None:
    """When a phrase begins of which some notes stay: where the first of them does, or as drawn where it is open."""
    rows = own.rows
    if len(rows) and not own.between(-NEVER, int(rows[0, 0])):
        return int(rows[0, 0])
    if not own.open or drawn is None:
        return None
    first, end = own.open[0]
    return drawn if first <= drawn < end else first


def about(own: Held, ask: Ask) -> Ask:
    """What a phrase shall be of which some notes stay: it ends with the last of them where nothing is open behind."""
    if not own.notes:
        return ask
    at, length, _ = own.rows[-1].tolist()
    if not own.between(at, NEVER):
        return replace(ask, last=at, until=at + length)
    last = max(ask.last, at + max(length, TICKS))
    return replace(ask, last=last, until=max(ask.until, last + TICKS))


def between(own: Held, ask: Ask, bar: int) -> list[Must]:
    """All that must be in a phrase of which some notes stay: those, where it begins, and how it ends; and something
    in each gap of a bar or more."""
    musts = own.musts()
    for first, end in own.open:
        at = -(-first // bar) * bar
        sounding = any(must.at <= at < must.at + (must.length or 0) or must.at == at for must in musts)
        if min(end, ask.last) - at >= bar and at > ask.first and not sounding:
            musts.append(Must(at))
    musts.sort(key=lambda must: must.at)
    if ask.first < musts[0].at:
        musts = [Must(ask.first, straight=True), *musts]
    return musts if ask.last <= musts[-1].at else [*musts, Must(ask.last, ask.degrees)]


def scale_of(tonic: int, mode: str) -> NDArray[np.int64]:
    """All pitches of a key, rising."""
    return np.array([pitch for pitch in range(128) if (pitch - tonic) % 12 in SCALES[mode]])


def mean_of(aim: Writing, low: int, high: int) -> float:
    """How high the melody lies, where an instrument has room about it."""
    return float(np.clip(aim.melody_mean, low + 5, max(low + 5, high - 7)))


def stated(phrase: PhrasePlan) -> bool:
    """Whether a phrase is the one that states the home tune."""
    return phrase.letter == "A" and phrase.visit == 0 and phrase.kind != "coda"


def behind(notes: NDArray[np.int64], start: int) -> list[tuple[int, int, int]]:
    """Notes as they lie behind a bar line."""
    return [(int(at) - start, int(length), int(pitch)) for at, length, pitch in notes]


def joined(first: Must, middle: Sequence[Must], last: Must) -> list[Must]:
    """All that must be, in order, each time once.

    What is recalled wins over a bare beginning; nothing sounds before that.
    """
    found = {first.at: first} | {must.at: must for must in middle if first.at <= must.at < last.at}
    found[first.at] = replace(found[first.at], straight=True)
    return [*(found[at] for at in sorted(found)), last]


def tones(line: Line, outside: NDArray[np.bool_], form: Form, *, closing: bool) -> list[Tone]:
    """A phrase's tones in quarters; the last of a piece is held to its end."""
    peak = int(line.notes[:, 2].argmax())
    beat = beat_ticks(form.metre)
    rough = outside & (line.notes[:, 0] % beat == 0) & (line.notes[:, 1] >= TICKS // 2)
    final = len(line.notes) - 1
    found = [
        Tone(start / TICKS, length / TICKS, pitch, k == peak, bool(rough[k]), k == final)
        for k, (start, length, pitch) in enumerate(line.notes.tolist())
    ]
    if closing:
        found[-1] = replace(found[-1], duration=form.quarters - found[-1].start)
    return found
