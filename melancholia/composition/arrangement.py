"""Who plays when: the orchestration is drawn first, then each part enters, falls silent and returns by the form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from melancholia.composition.form import Form
from melancholia.profile import Player, Writing

# lowest and highest pitch that is written for each instrument; others (SoundFonts) get a range that most have
RANGES = {"felt_piano": (28, 96), "cello": (36, 76), "strings": (36, 88), "warm_pad": (43, 80), "sub_bass": (28, 45)}
DEFAULT_RANGE = (40, 84)
SUSTAINED = ("cello", "strings", "warm_pad", "sub_bass")


def range_of(instrument: str) -> tuple[int, int]:
    return RANGES.get(instrument, DEFAULT_RANGE)


@dataclass(frozen=True, slots=True)
class Cast:
    """The players, and for each the bars in which it may sound."""

    players: tuple[Player, ...]
    bars: dict[str, set[int]]


def choose_players(writing: Writing, rng: np.random.Generator, instruments: Sequence[str] | None) -> tuple[Player, ...]:
    """The mood's orchestration, or the given instruments in the roles that suit them."""
    if instruments:
        return assign(tuple(instruments))
    weights = np.array([o.weight for o in writing.orchestrations])
    return writing.orchestrations[int(rng.choice(len(weights), p=weights / weights.sum()))].players


def assign(instruments: tuple[str, ...]) -> tuple[Player, ...]:
    """Roles for instruments in the order given: the first sings; low ones take the bass, pads the texture."""
    order = ["melody", "harmony", "counter", "texture", "bass"]
    taken: dict[str, str] = {}
    for name in instruments:
        wish = {"sub_bass": "bass", "warm_pad": "texture"}.get(name)
        free = [role for role in order if role not in taken]
        role = wish if wish in free and len(instruments) > 1 else next((r for r in free if r != "bass"), "counter")
        if role not in taken:
            taken[role] = name
        else:
            taken[f"{role} {len(taken)}"] = name
    if "melody" not in taken:
        taken["melody"] = instruments[0]
    if "harmony" not in taken and "texture" not in taken:
        taken["harmony"] = instruments[0]
    if len(taken) < 4 and "bass" not in taken and instruments[-1] == "sub_bass":
        taken["bass"] = instruments[-1]
    players = []
    for role, instrument in taken.items():
        plain = instrument.split("#")[0].rsplit("/", 1)[-1] if instrument.startswith("soundfont:") else instrument
        players.append(Player(f"{plain.replace('_', ' ')} {role}", role.split()[0], instrument))
    return tuple(sorted(players, key=lambda p: order.index(p.role)))


def cast(form: Form, writing: Writing, rng: np.random.Generator, instruments: Sequence[str] | None) -> Cast:
    """Players and their bars: layers enter one at a time, all meet at the climax, the end is thin."""
    players = choose_players(writing, rng, instruments)
    bars: dict[str, set[int]] = {player.name: set() for player in players}
    roles = {player.role for player in players}
    layers = [str(role) for role in rng.permutation(sorted(roles - {"melody", "harmony"}))]
    opener = layers[0] if layers and rng.random() < 0.4 and layers[0] != "bass" else "harmony"
    body = [p for p in form.phrases if p.kind in ("body", "climax")]
    alone = int(rng.integers(1, max(2, len(body) - 1))) if len(body) > 3 and rng.random() < 0.4 else -1
    for phrase in form.phrases:
        order = body.index(phrase) if phrase in body else -1
        for player in players:
            role = player.role
            if phrase.kind == "intro":
                on = role == opener or (role == "harmony" and opener not in roles)
            elif phrase.kind == "interlude":
                on = role in ("harmony", "texture", "counter")
            elif phrase.kind == "coda":
                on = role in ("melody", "harmony", "texture") or (role == "bass" and rng.random() < 0.6)
            elif role in ("melody", "harmony"):
                on = True
            elif phrase.kind == "climax" or len(body) == 1:
                on = True
            elif order == alone:
                on = role == layers[-1] and rng.random() < 0.5  # one phrase where nearly everyone is silent
            else:
                entry = min(layers.index(role), 1 + (len(body) > 5))
                on = order >= entry and rng.random() < 0.92
            if on:
                bars[player.name] |= set(range(phrase.bar, phrase.end))
    for player in players:  # nobody sits through the whole piece
        if not bars[player.name] and body:
            peak = max(body, key=lambda p: form.tension(p.bar + p.bars / 2))
            bars[player.name] |= set(range(peak.bar, peak.end))
    return Cast(players, bars)
