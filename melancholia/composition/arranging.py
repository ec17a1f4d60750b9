"""The parts of a learned composer: accompaniments out of a bank of figures, lines that a model writes beside the tune.

First who plays the bass, then accompaniments over it, then second voices and inner ones, each led against all that are
there already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from melancholia.composition.accompanying import accompany
from melancholia.composition.arrangement import Cast, singer_of
from melancholia.composition.asks import ground_of, ticks
from melancholia.composition.beside import Scene, Voice, write_line
from melancholia.composition.coding import TICKS
from melancholia.composition.composers import Composer
from melancholia.composition.continuing import Rows
from melancholia.composition.form import Form
from melancholia.composition.harmony import Slot
from melancholia.composition.held import NEVER, Held, Like, There
from melancholia.composition.leading import pair
from melancholia.composition.noise import way_of
from melancholia.composition.parts import LEVELS, answering, as_notes, doubled, led_apart
from melancholia.composition.tones import Tone
from melancholia.orchestra import facts_of
from melancholia.piece import Key, Note
from melancholia.streams import generator
from melancholia.writing import Player, Writing

AGAIN = 0.95  # of the returns of a letter bring back the lines that went with it, as long as the chords are the same
ROOTS = 0.4  # of the letters have a deep bass under them; that of the climax always
NOTHING_THERE: Mapping[str, Held] = MappingProxyType({})
NOTHING: Rows = np.zeros((0, 3), np.int64)
# Mean move, share of tones outside their chord, share that begin with the tune. In 102 slow movements of quartets the
# medians are 2.5, .22, .58 (second violin), 2.6, .21, .56 (viola), 2.7, .20, .56 (cello), and from the 10th to the 90th
# percentile 1.7 to 3.7, .07 to .34, .42 to .77. Ours begin with the tune more often: each onset more is heard less sad.
SECOND = {"leaps": 2.6, "foreign": 0.25, "together": 0.65}
INNER = {"leaps": 2.2, "foreign": 0.2, "together": 0.65}
BASS = {"leaps": 3.4, "foreign": 0.15, "together": 0.6}
LEANING = 0.5  # of how much higher accompaniments lie, lines do
BELOW = 8  # semitones by which a second voice lies under the tune; over it, where that is too low
ELSEWHERE = 4.0  # semitones that a part which is written anew may lie off, to go with the tune
LOWEST_INNER = 50  # MIDI pitch
LIGHT, LIGHTEST = 5, 71  # semitones by which a texture lies over the tune, and the MIDI pitch that it reaches for
OF_ALL = {"bass": 0.45, "inner": 0.6, "counter": 0.5, "texture": 0.6}  # of the onsets of a piece, that a line has
INSIDE = 0.7  # of the onsets of chords, that one of their voices has
RATES = (0.12, 2.0)  # notes a quarter, of a line
LEVEL_OF_TENSION = 24


def arrange(
    author: Composer,
    cast: Cast,
    form: Form,
    slots: tuple[Slot, ...],
    melody: list[list[Tone]],
    writing: Writing,
    home: Key,
    seed: int,
    ground: float,
    there: Mapping[str, Held] = NOTHING_THERE,
) -> dict[str, list[Note]]:
    """The notes of every player; accompaniments lie `ground` semitones higher than usual.

    Of the players named in `there` some notes stay, or all.
    """
    sung = [note for phrase in melody for note in as_notes(phrase, form, writing)]
    singer = singer_of(cast.players)
    if singer.name in there:
        sung = there[singer.name].joined(sung)
    rng = generator(seed, "again")
    again = frozenset(p.bar for p in form.phrases if p.visit and rng.random() < AGAIN)
    scene = Scene(form, slots, ground_of(form, slots, home.tonic), home.tonic, rows_of(sung), again)
    stand = Stand(author, cast, scene, writing, seed, ground, there, {}, {})
    done = {player.name for player in cast.players if player.name in there and not there[player.name].open}
    for player in cast.players:
        if player.name in done and player != singer:
            stand.settle(player, [])
    for player in sorted(cast.players, key=order):
        facts = facts_of(player.instrument)
        low, high = facts.written
        if player == singer:
            stand.notes[player.name] = sung
        elif player.name in done:
            continue
        elif player.role == "melody":
            stand.notes[player.name] = stand.joined(player, doubled(sung, low, high))
        elif not facts.pitched:
            way, level = way_of(player.instrument, player.role), writing.velocity + LEVELS[player.role]
            rng = generator(seed, "part", player.name)
            found = way(form, cast.bars[player.name], (low + high) // 2, level, rng)
            stand.notes[player.name] = stand.joined(player, found)
        elif player.role == "bass":
            stand.bass(player)
        elif player.role == "harmony":
            stand.harmony(player)
        elif player.role == "counter":
            stand.counter(player, melody, home)
        else:
            stand.texture(player)
    return led_apart({player.name: stand.notes[player.name] for player in cast.players}, cast.players, there)


def order(player: Player) -> int:
    """Who writes first: a bass that is heard as a line, then who accompanies, then lines."""
    roles = ("melody", "bass", "harmony", "counter", "texture", "percussion")
    return roles.index(player.role)


def rows_of(notes: list[Note]) -> Rows:
    return np.array([(ticks(n.start), ticks(n.duration), n.pitch) for n in sorted(notes)], np.int64).reshape(-1, 3)


def bottom(notes: Rows) -> Rows:
    """The lowest tone that sounds after each onset of an accompaniment, as a line."""
    if not len(notes):
        return notes
    starts = np.unique(notes[:, 0])
    ends = np.append(starts[1:], notes[:, :2].sum(axis=1).max())
    sounding = (notes[None, :, 0] <= starts[:, None]) & (notes[None, :, :2].sum(axis=2) > starts[:, None])
    return np.column_stack([starts, ends - starts, np.where(sounding, notes[None, :, 2], 128).min(axis=1)])


@dataclass(slots=True, eq=False)
class Stand:
    """The parts that are written so far: `notes` of players, and as they are `played`, a line or an accompaniment;
    what was `there` before."""

    author: Composer
    cast: Cast
    scene: Scene
    writing: Writing
    seed: int
    ground: float
    there: Mapping[str, Held]
    notes: dict[str, list[Note]]
    played: dict[str, Rows]

    def bass(self, player: Player) -> None:
        """A line of its own; a deep one says the roots, and not everywhere."""
        low, high = facts_of(player.instrument).written
        rng, active = generator(self.seed, "part", player.name), self.cast.bars[player.name]
        if facts_of(player.instrument).deep:
            self.keep(player, self.roots(active, low, high, rng))
            return
        voice = Voice(
            "bass", low, high, self.centre(player, float(np.clip(low + 12, low + 5, high - 7))),
            self.rate(OF_ALL["bass"], player), **BASS,
        )  # fmt: skip
        self.keep(player, self.line(voice, active, rng, self.there_of(player)))

    def roots(self, active: set[int], low: int, high: int, rng: np.random.Generator) -> Rows:
        """The bass of each chord, as deep as it goes, under some of the letters."""
        rows = []
        letters = {p.letter: True for p in self.scene.form.phrases if p.kind == "climax"}
        for phrase in self.scene.form.phrases:
            here = letters.setdefault(phrase.letter, bool(rng.random() < ROOTS))
            if phrase.bar not in active or not here:
                continue
            for first, until, slot in self.scene.chords(phrase):
                pitch = next(p for p in range(low, low + 12) if p % 12 == slot.bass(self.scene.tonic))
                if pitch <= high:
                    rows.append((first, until - first, pitch))
        return np.array(rows, np.int64).reshape(-1, 3)

    def harmony(self, player: Player) -> None:
        """Figures of pianists for what dies away; inner voices, with a bass where none is, for what holds its tones."""
        facts = facts_of(player.instrument)
        low, high = facts.written
        rng, active = generator(self.seed, "part", player.name), self.cast.bars[player.name]
        if not facts.sustains:
            found = accompany(
                self.author.bank, self.scene, active, rng, low=low, high=high, bass=self.bass_line, over=self.ground,
                rate=None if self.like(player) is None else self.rate(1.0, player),
            )  # fmt: skip
            self.keep(player, found)
            return
        voices = []
        there = self.there_of(player)
        there = there and replace(there, held=replace(there.held, notes=()))  # which of them a tone was, nobody knows
        if not len(self.bass_line):
            deep = Voice("bass", low, high, float(low + 14), self.rate(OF_ALL["bass"], player, INSIDE), **BASS)
            voices.append(self.line(deep, active, rng, there))
            self.played[f"{player.name} 0"] = voices[0]
        for number, below in enumerate((7, 14), 1):
            centre = self.place(-below if self.mean - below >= LOWEST_INNER else 12 - below, low, high)
            voices.append(
                self.line(
                    Voice("inner", low, high, centre, self.rate(OF_ALL["inner"], player, INSIDE), **INNER),
                    active,
                    rng,
                    there,
                )
            )
            self.played[f"{player.name} {number}"] = voices[-1]
        self.notes[player.name] = self.joined(player, self.as_notes(np.concatenate(voices), player))
        if there is not None:
            self.played[player.name] = rows_of(list(self.there[player.name].notes))

    def counter(self, player: Player, melody: list[list[Tone]], home: Key) -> None:
        """A second voice, that in some phrases does what the mood names with the tune."""
        low, high = facts_of(player.instrument).written
        rng, active = generator(self.seed, "part", player.name), self.cast.bars[player.name]
        centre = self.place(-BELOW if self.mean - BELOW >= LOWEST_INNER else BELOW - 1, low, high)
        centre = self.centre(player, centre)
        low, high = max(low, round(centre) - 10), min(high, round(centre) + 10)
        found = self.line(
            Voice("counter", low, high, centre, self.rate(OF_ALL["counter"], player), **SECOND),
            active,
            rng,
            self.there_of(player),
        )
        form, slots = self.scene.form, self.scene.slots
        own = self.as_notes(found, player)
        notes = answering(own, active, melody, slots, form, self.writing, home, low, high, rng, by_letter=True)
        like = self.like(player)
        elsewhere = like is not None and notes and abs(Like.of(notes).centre - like.centre) > ELSEWHERE
        if elsewhere or pair(rows_of(notes), self.low).fifths > pair(found, self.low).fifths:
            notes = own  # what it does with the tune must fit, and lie where the part lay
        self.settle(player, notes)

    def texture(self, player: Player) -> None:
        """One slow line above the tune, where there is light; under it where the instrument does not reach so far."""
        low, high = facts_of(player.instrument).written
        rng, active = generator(self.seed, "part", player.name), self.cast.bars[player.name]
        centre = self.centre(player, self.place(max(LIGHT, LIGHTEST - self.mean), low, high))
        voice = Voice("inner", low, high, centre, self.rate(OF_ALL["texture"], player), **INNER)
        self.keep(player, self.line(voice, active, rng, self.there_of(player)))

    def line(self, voice: Voice, active: set[int], rng: np.random.Generator, there: There | None) -> Rows:
        """A line of the model, led against all that is there."""
        return write_line(
            self.author.lines, self.scene, voice, active, rng, low=self.low, others=list(self.played.values()),
            there=there,
        )  # fmt: skip

    def there_of(self, player: Player) -> There | None:
        """What is there of a player, phrase by phrase."""
        if player.name not in self.there:
            return None
        spans = [(phrase.bar * self.scene.bar, phrase.end * self.scene.bar) for phrase in self.scene.form.phrases]
        spans[-1] = (spans[-1][0], NEVER)
        return There(self.there[player.name], tuple(spans))

    @property
    def bass_line(self) -> Rows:
        """What is played as a bass by who is heard as one."""
        heard = [p.name for p in self.cast.players if p.role == "bass" and not facts_of(p.instrument).deep]
        return next((self.played[name] for name in heard if name in self.played), NOTHING)

    @property
    def low(self) -> Rows:
        """The lowest of all that is there, the tune apart."""
        return bottom(np.concatenate([NOTHING, *self.played.values()]))

    @property
    def mean(self) -> float:
        """Of the tune."""
        tune = self.scene.tune
        return float(tune[:, 2].mean()) if len(tune) else self.writing.melody_mean

    def place(self, over: float, low: int, high: int) -> float:
        """The middle of a line so far over the tune, where the instrument has room about it."""
        return float(np.clip(self.mean + over + LEANING * self.ground, low + 6, max(low + 6, high - 6)))

    def like(self, player: Player) -> Like | None:
        """What a player's part was like that is written on."""
        return self.there[player.name].like if player.name in self.there else None

    def rate(self, share: float, player: Player, part: float = 1.0) -> float:
        """Notes a quarter of a line: as many as it had, or such a `part`; of a new one, such a share of all onsets."""
        like = self.like(player)
        wanted = part * like.density if like else share * self.writing.onset_rate * 60 / self.scene.form.bpm
        return float(np.clip(wanted, *RATES))

    def centre(self, player: Player, usual: float) -> float:
        """Where a line lies: where it did, or as usual."""
        like = self.like(player)
        return like.centre if like else usual

    def keep(self, player: Player, found: Rows) -> None:
        if player.name in self.there:
            self.settle(player, self.as_notes(found, player))
            return
        self.notes[player.name] = self.as_notes(found, player)
        self.played[player.name] = found

    def settle(self, player: Player, notes: list[Note]) -> None:
        """A player's notes, with those that were there before."""
        self.notes[player.name] = self.joined(player, notes)
        self.played[player.name] = rows_of(self.notes[player.name])

    def joined(self, player: Player, notes: list[Note]) -> list[Note]:
        return self.there[player.name].joined(notes) if player.name in self.there else notes

    def as_notes(self, found: Rows, player: Player) -> list[Note]:
        """Rows as notes of a player, louder where the plan is tense."""
        form, level = self.scene.form, self.writing.velocity + LEVELS[player.role]
        return [
            Note(
                start / TICKS, length / TICKS, pitch,
                int(np.clip(level + LEVEL_OF_TENSION * (form.tension(start / self.scene.bar) - 0.45), 12, 112)),
            )
            for start, length, pitch in found.tolist()
        ]  # fmt: skip
