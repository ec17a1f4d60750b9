"""One slot of a chain: an effect, a plugin of the user's, or chains inside it, as a value, read from its table.

    effect = "LowpassFilter"       with `params`, `mix`, `bypass`, `why`, and `automate` for what moves in time
    effect = "Impulse"             impulse = "hall" (one of ours) or "bath.wav" (beside the file)
    effect = "Duck"                key = "melody": what it listens to
    plugin = "vst3:NAME"           in the place of `effect`: a plugin of the user's, its knobs in `params`
    [[bus.branch]]                 in its place, too: chains side by side, summed; the effects in [[bus.branch.chain]]
    [[bus.mid]]  [[bus.side]]      in its place, too: a chain for what both sides share, one for what parts them

`automate` follows "arc", a section's name, or breakpoints [[0, 0], [0.8, 1], ...] in shares of the sound; where it
stands, times the intensity, is the way from the first end to the second.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from melancholia.audio import ROLES
from melancholia.errors import InputError
from melancholia.hosting.bundles import bundle
from melancholia.hosting.plugin import Place, Plugin, Setting
from melancholia.hosting.process import LOAD_S
from melancholia.hosting.rates import HIGHEST, LOWEST
from melancholia.hosting.reports import code_hash
from melancholia.racks.effects import EFFECTS
from melancholia.racks.impulse import Room, impulses, room_of
from melancholia.tables import Ramp, Table

BRANCHES, MID_SIDE = "branches", "mid/side"  # chains inside a chain, by what is done with them
NESTS = (BRANCHES, MID_SIDE)
INLINE = "base64:"
LONGEST_LOAD_S = 600
NOISE = "noise"  # a texture without pitch, as rain or hiss: what is not said of it is what is said of `texture`
OWN = (*ROLES, NOISE)

How = str | tuple[tuple[float, float], ...]
Ramps = tuple[tuple[str, Ramp], ...]  # by name; pairs can be hashed


@dataclass(frozen=True, slots=True)
class Slot:
    """One effect in a chain: its parameters and dry/wet mix over intensity, and what moves them in time.

    `automate` maps a parameter (or "mix") to "arc", the name of a section, or breakpoints (share of the piece, 0..1
    on the parameter's ramp).
    """

    effect: str
    params: Ramps
    mix: Ramp
    bypass: bool
    why: str
    automate: tuple[tuple[str, How], ...] = ()
    impulse: Room | None = None
    plugin: Plugin | None = None
    key: Ramps = ()  # of a Duck: what it listens to, in dB by place
    chains: tuple[tuple["Slot", ...], ...] = ()  # of BRANCHES; of MID_SIDE those two

    @property
    def within(self) -> tuple["Slot", ...]:
        """Itself, and all that stands inside it."""
        return (self, *(inner for chain in self.chains for slot in chain for inner in slot.within))


def slot(table: Table) -> Slot:
    if "plugin" in table.data:
        return hosted_slot(table)
    if "effect" not in table.data and {"branch", "mid", "side"} & set(table.data):
        return nest(table)
    if "effect" not in table.data:
        raise table.fail(None, "says nothing that sounds; allowed: effect, plugin, branch, or mid and side.")
    name = table.choice("effect", EFFECTS)
    own = {"Impulse": ("impulse",), "Duck": ("key",)}.get(name, ())
    table.only(("effect", "params", "mix", "bypass", "why", "automate", *own))
    known = EFFECTS[name].parameters
    given = table.table("params", required=False).only(known)
    params = tuple(
        (key, given.ramp(key, known[key].low, known[key].high, log=known[key].log, unit=known[key].unit))
        for key in given.data
    )
    automate = automation(table.table("automate", required=False), given.data, table)
    for key, _ in automate:
        if key != "mix" and not EFFECTS[name].moves:
            raise table.table("automate").fail(key, f"moves, which {name} cannot; allowed: mix.")
    return Slot(
        effect=name,
        params=params,
        mix=table.ramp("mix", 0, 1, default=1.0),
        bypass=table.flag("bypass"),
        why=table.words("why", default=""),
        automate=automate,
        impulse=impulse(table) if name == "Impulse" else None,
        key=listened(table) if name == "Duck" else (),
    )


def listened(table: Table) -> Ramps:
    """What a Duck listens to: a place, or several with their levels in dB."""
    value = table.need("key")
    if isinstance(value, str):
        return ((table.choice("key", OWN), Ramp(0, 0)),)
    given = table.table("key").only(OWN)
    return tuple((place, given.ramp(place, -60, 24, unit="dB")) for place in given.data)


def nest(table: Table) -> Slot:
    """Chains inside a chain: branches side by side, or one for the middle and one for the sides."""
    if "branch" in table.data:
        table.only(("branch", "mix", "bypass", "why", "automate"))
        chains = tuple(branch(inner) for inner in table.tables("branch"))
        if len(chains) < 2:
            raise table.fail("branch", "stands alone; allowed: two or more, of which one may hold nothing.")
    else:
        table.only(("mid", "side", "mix", "bypass", "why", "automate"))
        chains = tuple(tuple(slot(item) for item in table.tables(side)) for side in ("mid", "side"))
    return Slot(
        effect=BRANCHES if "branch" in table.data else MID_SIDE,
        params=(),
        mix=table.ramp("mix", 0, 1, default=1.0),
        bypass=table.flag("bypass"),
        why=table.words("why", default=""),
        automate=automation(table.table("automate", required=False), {}, table),
        chains=chains,
    )


def branch(table: Table) -> tuple[Slot, ...]:
    table.only(("chain", "why"))
    return tuple(slot(item) for item in table.tables("chain"))


def hosted_slot(table: Table) -> Slot:
    """A plugin of the user's: ``plugin = "vst3:NAME"`` or a path, ``name`` where its bundle holds several."""
    table.only(("plugin", "name", "params", "state", "mix", "bypass", "why", "automate", "rate", "load_s"))
    said = table.words("plugin")
    try:
        path = bundle(said, table.path.parent)
    except InputError as error:
        raise table.fail("plugin", str(error)) from error
    given = table.table("params", required=False)
    params = tuple((key, settings(given, key)) for key in given.data)
    return Slot(
        effect=said,
        params=(),
        mix=table.ramp("mix", 0, 1, default=1.0),
        bypass=table.flag("bypass"),
        why=table.words("why", default=""),
        automate=automation(table.table("automate", required=False), given.data, table),
        plugin=Plugin(
            path=path,
            name=table.words("name") if "name" in table.data else None,
            params=params,
            state=state(table) if "state" in table.data else None,
            where=f"{place_in(table)} of {table.path.name}",
            rate=whole_rate(table) if "rate" in table.data else None,
            load_s=table.number("load_s", 1, LONGEST_LOAD_S, unit="s", default=LOAD_S),
            sha256=code_hash(path),
        ),
    )


def place_in(table: Table) -> str:
    """Where a table stands, as ``insert.any 1, branch 2, chain 1``."""
    said = ""
    for part in table.where:
        said += f" {part + 1}, " if isinstance(part, int) else f"{part}."
    return said.replace(". ", " ").strip(" ,.")


def whole_rate(table: Table) -> int:
    rate = table.number("rate", LOWEST, HIGHEST, unit="Hz")
    if rate != round(rate):
        raise table.fail("rate", f"is {rate:g} Hz; allowed: whole numbers.")
    return round(rate)


def state(table: Table) -> Path | bytes:
    """A plugin's state: a file beside the rack file, or ``base64:`` and the state itself."""
    said = table.words("state")
    if said.startswith(INLINE):
        try:
            return base64.b64decode("".join(said.removeprefix(INLINE).split()), validate=True)
        except binascii.Error as error:
            raise table.fail("state", f"is no base64 ({error}); allowed: {INLINE} and a state, or a file.") from error
    path = table.path.parent / os.path.expanduser(said)
    if not path.is_file():
        raise table.fail("state", f"is {said!r}, and {path} is no file; allowed: a state, or .vstpreset.")
    return path


def settings(table: Table, key: str) -> tuple[Setting, Setting]:
    """What a knob is set to at intensity 0 and 1."""
    value = table.need(key)
    if isinstance(value, list):
        if len(value) != 2:
            raise table.fail(key, f"is {value!r}; allowed: a value, or [at intensity 0, at intensity 1].")
        return setting(table, key, value[0]), setting(table, key, value[1])
    one = setting(table, key, value)
    return one, one


def setting(table: Table, key: str, value: object) -> Setting:
    """A number or words as the plugin shows them, or ``{ raw = 0.5 }``."""
    if isinstance(value, dict) and list(value) == ["raw"]:
        return Place(Table(table.path, table.text, value, (*table.where, key)).number("raw", 0, 1))
    if isinstance(value, str) or isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise table.fail(key, f"is {value!r}; allowed: a number, words in quotes, or {{ raw = 0 to 1 }}.")


def impulse(table: Table) -> Room:
    """The file of a room: one of ours by name, or, with a suffix, one beside the rack file."""
    name = table.words("impulse")
    if not Path(name).suffix:
        return room_of(impulses()[table.choice("impulse", impulses())])
    try:
        return room_of(table.path.parent / name)
    except InputError as error:
        raise table.fail("impulse", f"is {name!r}: {error}") from error


def automation(table: Table, params: Mapping[str, object], parent: Table) -> tuple[tuple[str, How], ...]:
    """What moves in time; each must have two ends, ``[a, b]``, to move between."""
    keys = table.only([*params, "mix"]).data
    return tuple((key, moved(table, key, params.get(key, parent.data.get(key)))) for key in keys)


def moved(table: Table, key: str, value: object) -> How:
    """How `value`, which must have two ends, moves: "arc", the name of a section, or breakpoints."""
    if not isinstance(value, list):
        raise table.fail(key, f"moves {value!r}; allowed: a value with two ends, [a, b], to move between.")
    how = table.need(key)
    if isinstance(how, str):
        return how
    if isinstance(how, list) and len(how) >= 2 and all(is_point(point) for point in how):
        if any(later[0] < earlier[0] for earlier, later in pairwise(how)):
            raise table.fail(key, f"goes back in time: {how!r}; allowed: breakpoints in order.")
        return tuple((float(x), float(y)) for x, y in how)
    raise table.fail(key, f'is {how!r}; allowed: "arc", a section, or [[0, 0], [0.5, 1], ...].')


def is_point(point: object) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= 1 for v in point)
    )
