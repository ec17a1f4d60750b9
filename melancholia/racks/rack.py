"""A rack file as a value: inserts by role, sends, a bus, levels, and what the master shall come to.

What is said by place is said of a role, of `noise` (a texture without pitch: rain, hiss) or of `any`:

    [level]  [pan]                 dB, -1..1, of a role or of noise
    [[ride.melody]]                gain_db = [-6, 0], automate = "arc": a level in time, added to the others; `any` too
    [[insert.melody]]              an effect of its own; insert.any comes after it, on every stem and on recordings
    [send.hall.gain_db]            what goes into a shared room: -80 is nothing, `any` is for whom is not named
    [[send.hall.chain]]            effect = "Impulse", impulse = "hall" (one of ours) or "bath.wav" (beside the file)
    [[bus]]                        effects on the sum
    plugin = "vst3:NAME"           in the place of `effect`: a plugin of the user's, its knobs in `params`
    [[bus.branch]]                 in its place, too: chains side by side, summed; the effects in [[bus.branch.chain]]
    [[bus.mid]]  [[bus.side]]      in its place, too: a chain for what both sides share, one for what parts them

How near or far a role stands is said by how much of it goes where, by what its room waits (predelay_ms), and by the
highs that its inserts take. `automate` follows "arc", a section's name, or breakpoints [[0, 0], [0.8, 1], ...] in
shares of the sound; where it stands, times the intensity, is the way from the first end to the second.
"""

import base64
import binascii
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from melancholia.audio import ROLES
from melancholia.errors import InputError, in_range, unknown
from melancholia.files import data_folder
from melancholia.hosting.bundles import bundle, library
from melancholia.hosting.plugin import Place, Plugin, Setting
from melancholia.hosting.process import LOAD_S
from melancholia.hosting.rates import HIGHEST, LOWEST
from melancholia.hosting.reports import code_hash, usable, warning
from melancholia.racks.effects import EFFECTS
from melancholia.racks.impulse import check_impulse, impulses
from melancholia.recipe import file_hash
from melancholia.tables import Ramp, Table, read_table

ANY = "any"
BRANCHES, MID_SIDE = "branches", "mid/side"  # chains inside a chain, by what is done with them
NESTS = (BRANCHES, MID_SIDE)
INLINE = "base64:"
LONGEST_LOAD_S = 600
NOISE = "noise"  # a texture without pitch, as rain or hiss: what is not said of it is what is said of `texture`
OWN = (*ROLES, NOISE)
PLACES = (*OWN, ANY)

T = TypeVar("T")
How = str | tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One effect in a chain: its parameters and dry/wet mix over intensity, and what moves them in time.

    `automate` maps a parameter (or "mix") to "arc", the name of a section, or breakpoints (share of the piece, 0..1
    on the parameter's ramp).
    """

    effect: str
    params: Mapping[str, Ramp]
    mix: Ramp
    bypass: bool
    why: str
    automate: Mapping[str, How]
    impulse: Path | None = None
    plugin: Plugin | None = None
    key: Mapping[str, Ramp] = field(default_factory=dict)  # of a Duck: what it listens to, in dB by place
    chains: tuple[tuple["Slot", ...], ...] = ()  # of BRANCHES; of MID_SIDE those two

    @property
    def within(self) -> tuple["Slot", ...]:
        """Itself, and all that stands inside it."""
        return (self, *(inner for chain in self.chains for slot in chain for inner in slot.within))


@dataclass(frozen=True, slots=True)
class Ride:
    """A hand on a fader: level in dB, added to the others, from its first end to its second as `how` goes."""

    gain_db: Ramp
    how: How
    why: str


@dataclass(frozen=True, slots=True)
class Send:
    """A shared effect: how much of each role goes in (dB), and its chain."""

    name: str
    gain_db: Mapping[str, Ramp]
    chain: tuple[Slot, ...]

    @property
    def live(self) -> bool:
        """Whether it runs for each stem, for a plugin stands in it; any other is linear and fixed in time."""
        return any(inner.plugin is not None for slot in self.chain for inner in slot.within)


@dataclass(frozen=True, slots=True)
class Rack:
    """A whole chain file. What is said by place (a role, `noise` or `any`) is found by `said`."""

    name: str
    about: str
    inserts: Mapping[str, tuple[Slot, ...]]
    sends: tuple[Send, ...]
    bus: tuple[Slot, ...]
    level_db: Mapping[str, Ramp]
    rides: Mapping[str, tuple[Ride, ...]]
    pan: Mapping[str, float]
    lufs: float
    ceiling_dbtp: float
    path: Path

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every effect of it."""
        chains = (*self.inserts.values(), *(send.chain for send in self.sends), self.bus)
        return tuple(inner for chain in chains for slot in chain for inner in slot.within)

    @property
    def impulses(self) -> tuple[Path, ...]:
        """The files of all rooms that it uses."""
        return tuple(sorted({slot.impulse for slot in self.slots if slot.impulse is not None}))

    @property
    def plugins(self) -> tuple[Path, ...]:
        """The files of all plugins that it uses, and of their states."""
        used = [slot.plugin for slot in self.slots if slot.plugin is not None]
        states = {plugin.state for plugin in used if isinstance(plugin.state, Path)}
        return tuple(sorted({library(plugin.path) for plugin in used} | states))

    @property
    def identity(self) -> dict[str, Any]:
        """What the sound depends on: what its file says beside words for people, and hashes of other files."""
        files = [*self.impulses, *self.plugins]
        said = without(read_table(self.path).data, ("about", "why"))
        return {"said": said, "files": [f"{file.name} {file_hash(file)}" for file in files]}

    @property
    def unqualified(self) -> tuple[str, ...]:
        """Its plugins that are not known to be usable, each with what is known of it."""
        return tuple(warning(*one) for one in self.used_plugins if not usable(*one[:2]))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be known of its plugins before they are trusted with work."""
        return tuple(said for said in (warning(*plugin) for plugin in self.used_plugins) if said)

    @property
    def used_plugins(self) -> list[tuple[Path, str | None, str]]:
        """Bundle, name in it, and name for people of each plugin that is not bypassed."""
        used = {(s.plugin.path, s.plugin.name, s.plugin.called) for s in self.slots if s.plugin and not s.bypass}
        return sorted(used, key=str)


def without(data: Any, keys: Collection[str]) -> Any:
    """What a file says, without what stands under some keys."""
    if isinstance(data, dict):
        return {key: without(value, keys) for key, value in data.items() if key not in keys}
    return [without(one, keys) for one in data] if isinstance(data, list) else data


def said(by_place: Mapping[str, T], place: str, default: T) -> T:
    """What is said of a place; noise that is not spoken of is a texture."""
    if place == NOISE and NOISE not in by_place:
        place = "texture"
    return by_place.get(place, default)


def check_qualified(rack: Rack) -> None:
    """Refuse a rack with a plugin that is not known to be fit for work.

    Raises
    ------
    InputError
        It says which, and what is known of it.
    """
    if rack.unqualified:
        raise InputError(f"{rack.unqualified[0]}; allowed: plugins that are qualified, or --unqualified.")


def names() -> tuple[str, ...]:
    """The names of all racks that come with melancholia."""
    return tuple(sorted(path.stem for path in data_folder("chains").glob("*.toml")))


def rack(name: str | Path | Rack) -> Rack:
    """A rack by name, or from a rack file's path.

    Parameters
    ----------
    name : str, path or Rack
        One of `racks.names()`, or the path of a ``.toml`` file; a Rack is itself.

    Returns
    -------
    Rack

    Raises
    ------
    InputError
        There is no such rack, or the file says something that it cannot: with file, line, key, value and range.
    """
    if isinstance(name, Rack):
        return name
    if not isinstance(name, str | Path):
        raise InputError(f"rack is {name!r}; allowed: a rack, its name, or the path of a rack file.")
    if isinstance(name, Path) or name.endswith(".toml"):
        if not Path(name).is_file():
            raise InputError(f"{name} does not exist; allowed: a rack file, or one of {', '.join(names())}.")
        return parse(read_table(Path(name)))
    if name not in names():
        raise unknown("rack", name, names())
    return parse(read_table(data_folder("chains") / f"{name}.toml"))


def parse(table: Table) -> Rack:
    table.only(("schema", "name", "about", "insert", "send", "bus", "level", "ride", "pan", "master"))
    table.number("schema", 1, 1)
    inserts = table.table("insert", required=False).only(PLACES)
    sends = table.table("send", required=False)
    level = table.table("level", required=False).only(OWN)
    rides = table.table("ride", required=False).only(PLACES)
    pan = table.table("pan", required=False).only(OWN)
    master = table.table("master", required=False).only(("lufs", "ceiling_dbtp"))
    return Rack(
        name=table.words("name"),
        about=table.words("about", default=""),
        inserts={place: tuple(slot(item) for item in inserts.tables(place)) for place in inserts.data},
        sends=tuple(send(sends.table(name), name) for name in sends.data),
        bus=tuple(slot(item) for item in table.tables("bus")),
        level_db={role: level.ramp(role, -60, 24, unit="dB") for role in level.data},
        rides={place: tuple(ride(item) for item in rides.tables(place)) for place in rides.data},
        pan={role: pan.number(role, -1, 1) for role in pan.data},
        lufs=master.number("lufs", -40, -5, unit="LUFS", default=-16),
        ceiling_dbtp=master.number("ceiling_dbtp", -20, 0, unit="dBTP", default=-1),
        path=table.path,
    )


TONE_HZ, TONE_Q, MOST_TONE_DB = 1000.0, 0.5, 6.0


def toned(chain: Rack, gain_db: float) -> Rack:
    """The rack with a high shelf of `gain_db` (at most MOST_TONE_DB either way) behind its bus; itself at 0."""
    if gain_db == 0:
        return chain
    in_range("tone", gain_db, -MOST_TONE_DB, MOST_TONE_DB)
    values = {"cutoff_frequency_hz": TONE_HZ, "gain_db": gain_db, "q": TONE_Q}
    shelf = Slot(
        "HighShelfFilter",
        {name: Ramp(value, value) for name, value in values.items()},
        mix=Ramp(1.0, 1.0),
        bypass=False,
        why="brightness: the highs that the mood wants",
        automate={},
    )
    return replace(chain, bus=(*chain.bus, shelf))


def send(table: Table, name: str) -> Send:
    table.only(("gain_db", "chain"))
    gains = table.table("gain_db").only(PLACES)
    chain = tuple(slot(item) for item in table.tables("chain"))
    if not chain:
        raise table.fail("chain", "is empty; allowed: one or more effects.")
    made = Send(name, {role: gains.ramp(role, -80, 12, unit="dB") for role in gains.data}, chain)
    for number, outer in enumerate(() if made.live else chain):
        inner = table.tables("chain")[number]
        for item in outer.within:
            if item.effect not in NESTS and not EFFECTS[item.effect].fixed:
                known = ", ".join(sorted(n for n, e in EFFECTS.items() if e.fixed))
                moves = f"is {item.effect!r}, which moves in time or bends; allowed in a send: {known}."
                raise inner.fail("effect", moves)
            if item.automate:
                raise inner.fail("automate", "stands in a send; allowed: in inserts and on the bus.")
    return made


def ride(table: Table) -> Ride:
    table.only(("gain_db", "automate", "why"))
    gain = table.ramp("gain_db", -60, 12, unit="dB")
    return Ride(gain, moved(table, "automate", table.need("gain_db")), table.words("why", default=""))


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
    params = {
        key: given.ramp(key, known[key].low, known[key].high, log=known[key].log, unit=known[key].unit)
        for key in given.data
    }
    automate = automation(table.table("automate", required=False), given.data, table)
    for key in automate:
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
        key=listened(table) if name == "Duck" else {},
    )


def listened(table: Table) -> dict[str, Ramp]:
    """What a Duck listens to: a place, or several with their levels in dB."""
    value = table.need("key")
    if isinstance(value, str):
        return {table.choice("key", OWN): Ramp(0, 0)}
    given = table.table("key").only(OWN)
    return {place: given.ramp(place, -60, 24, unit="dB") for place in given.data}


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
        params={},
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
        params={},
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


def impulse(table: Table) -> Path:
    """The file of a room: one of ours by name, or, with a suffix, one beside the rack file."""
    name = table.words("impulse")
    if not Path(name).suffix:
        return impulses()[table.choice("impulse", impulses())]
    try:
        return check_impulse(table.path.parent / name)
    except InputError as error:
        raise table.fail("impulse", f"is {name!r}: {error}") from error


def automation(table: Table, params: Mapping[str, object], parent: Table) -> dict[str, How]:
    """What moves in time; each must have two ends, ``[a, b]``, to move between."""
    found: dict[str, How] = {}
    for key in table.only([*params, "mix"]).data:
        found[key] = moved(table, key, params.get(key, parent.data.get(key)))
    return found


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
