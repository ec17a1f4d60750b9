"""Who plays when: the orchestration is drawn first, then each part enters, falls silent and returns by the form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from melancholia.audio import ROLES
from melancholia.composition.form import Form, PhrasePlan
from melancholia.errors import InputError
from melancholia.orchestra import facts_of, short_name
from melancholia.writing import Player, Writing

TOGETHER_AGAIN = 0.95  # of the returns of a letter have the players that it had
UNDER_OPENER = 0.8  # of the beginnings have a texture under whoever opens, where the music has one


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
    """Roles for instruments in the order given: each takes the first role that suits it and is free; one must sing.

    Where the first suits the melody it sings; a lone instrument that has a pitch also accompanies itself.

    Raises
    ------
    InputError
        None of them has a pitch.
    """
    first = next((name for name in instruments if facts_of(name).pitched), None)
    if first is None:
        raise InputError(f"instruments are {', '.join(instruments)}: none has a pitch; allowed: one that has, too.")
    taken: list[tuple[str, str]] = []

    def free(role: str) -> bool:
        return all(role != held for held, _ in taken)

    for number, name in enumerate(instruments):
        suits = facts_of(name).suits
        if number == 0 and "melody" in suits:
            role = "melody"
        else:
            role = next((r for r in suits if free(r)), suits[0])
        taken.append((role, name))
    if free("melody"):
        singer = next((k for k, (_, name) in enumerate(taken) if "melody" in facts_of(name).suits), None)
        if singer is None:
            taken.insert(0, ("melody", first))
        else:
            taken[singer] = ("melody", taken[singer][1])
    if free("harmony") and free("texture"):
        taken.append(("harmony", first))
    players: list[Player] = []
    for role, name in sorted(taken, key=lambda pair: ROLES.index(pair[0])):
        said = f"{short_name(name).split('#')[0]} {role}"
        copies = sum(p.name == said or p.name.startswith(f"{said} ") for p in players)
        players.append(Player(f"{said} {copies + 1}" if copies else said, role, name))
    return tuple(players)


def singer_of(players: Sequence[Player]) -> Player:
    """Who has the melody."""
    return next((p for p in players if p.role == "melody"), players[0])


def cast(form: Form, writing: Writing, rng: np.random.Generator, players: tuple[Player, ...]) -> Cast:
    """The bars of each player: layers enter one at a time, all meet at the climax, the end is thin."""
    bars: dict[str, set[int]] = {player.name: set() for player in players}
    roles = {player.role for player in players}
    layers = [str(role) for role in rng.permutation(sorted(roles - {"melody", "harmony"}))]
    first = layers[0] if layers and layers[0] != "bass" else "harmony"
    opener = first if rng.random() < 0.4 else "harmony"
    if opener not in roles:
        opener = max(layers, key=lambda role: role != "bass", default="melody")
    # drawn beside the rest, so that who opens changes nothing of what comes after
    opening = {opener, "texture"} if rng.spawn(1)[0].random() < UNDER_OPENER else {opener}
    leaving = [str(role) for role in rng.permutation(sorted(roles - {"melody", "harmony"}))] if writing.breaking else []
    body = [p for p in form.phrases if p.kind in ("body", "climax")]
    alone = int(rng.integers(1, max(2, len(body) - 1))) if len(body) > 3 and rng.random() < 0.4 else -1
    for phrase in form.phrases:
        order = body.index(phrase) if phrase in body else -1
        for player in players:
            role = player.role
            if phrase.kind == "intro":
                on = role in opening
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
            if on and role not in gone(leaving, phrase, form, writing.breaking):
                bars[player.name] |= set(range(phrase.bar, phrase.end))
    for player in players:  # nobody sits through the whole piece
        if not bars[player.name] and body:
            peak = max(body, key=lambda p: form.tension(p.bar + p.bars / 2))
            bars[player.name] |= set(range(peak.bar, peak.end))
    return Cast(players, bars)


def brought_back(cast: Cast, form: Form, rng: np.random.Generator) -> Cast:
    """The same, where most letters that return bring back who played with them the first time."""
    first: dict[str, PhrasePlan] = {}
    bars = {name: set(own) for name, own in cast.bars.items()}
    for phrase in form.phrases:
        known = first.setdefault(phrase.letter, phrase)
        if known is phrase or phrase.kind == "climax" or rng.random() >= TOGETHER_AGAIN:
            continue
        here = set(range(phrase.bar, phrase.end))
        for own in bars.values():
            if known.bar in own:
                own |= here
            elif own - here:
                own -= here
    return Cast(cast.players, bars)


def gone(leaving: Sequence[str], phrase: PhrasePlan, form: Form, breaking: float) -> Sequence[str]:
    """The roles that have left for good by this phrase: one after another behind the climax, `breaking` of them all."""
    after = max((p.end for p in form.phrases if p.kind == "climax"), default=0)
    if phrase.bar < after:
        return ()
    far = 1.0 if phrase.kind == "coda" else (phrase.bar - after + 1) / max(1, form.bars - after)
    return leaving[: round(breaking * len(leaving) * min(1.0, far + 0.25))]
