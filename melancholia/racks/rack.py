"""A rack file as a value: inserts by role, sends, a bus, levels, and what the master shall come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from melancholia.audio import ROLES
from melancholia.errors import InputError, unknown
from melancholia.files import data_folder
from melancholia.racks.effects import EFFECTS
from melancholia.tables import Ramp, Table, read_table

ANY = "any"
PLACES = (*ROLES, ANY)


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
    automate: Mapping[str, str | tuple[tuple[float, float], ...]]


@dataclass(frozen=True, slots=True)
class Send:
    """A shared effect: how much of each role goes in (dB), and its chain, which is linear and fixed in time."""

    name: str
    gain_db: Mapping[str, Ramp]
    chain: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Rack:
    """A whole chain file."""

    name: str
    about: str
    inserts: Mapping[str, tuple[Slot, ...]]
    sends: tuple[Send, ...]
    bus: tuple[Slot, ...]
    level_db: Mapping[str, Ramp]
    pan: Mapping[str, float]
    lufs: float
    ceiling_dbtp: float
    path: Path


def names() -> tuple[str, ...]:
    """The names of all racks that come with melancholia."""
    return tuple(sorted(path.stem for path in data_folder("chains").glob("*.toml")))


def rack(name: str | Path | Rack) -> Rack:
    """A rack by name, or from a rack file's path.

    Raises
    ------
    InputError
        There is no such rack, or the file says something that it cannot: with file, line, key, value and range.
    """
    if isinstance(name, Rack):
        return name
    if isinstance(name, Path) or name.endswith(".toml"):
        if not Path(name).is_file():
            raise InputError(f"{name} does not exist; allowed: a rack file, or one of {', '.join(names())}.")
        return parse(read_table(Path(name)))
    if name not in names():
        raise unknown("rack", name, names())
    return parse(read_table(data_folder("chains") / f"{name}.toml"))


def parse(table: Table) -> Rack:
    table.only(("schema", "name", "about", "insert", "send", "bus", "level", "pan", "master"))
    table.number("schema", 1, 1)
    inserts = table.table("insert", required=False).only(PLACES)
    sends = table.table("send", required=False)
    level = table.table("level", required=False).only(ROLES)
    pan = table.table("pan", required=False).only(ROLES)
    master = table.table("master", required=False).only(("lufs", "ceiling_dbtp"))
    return Rack(
        name=table.words("name"),
        about=table.words("about", default=""),
        inserts={place: tuple(slot(item) for item in inserts.tables(place)) for place in inserts.data},
        sends=tuple(send(sends.table(name), name) for name in sends.data),
        bus=tuple(slot(item) for item in table.tables("bus")),
        level_db={role: level.ramp(role, -60, 24, unit="dB") for role in level.data},
        pan={role: pan.number(role, -1, 1) for role in pan.data},
        lufs=master.number("lufs", -40, -5, unit="LUFS", default=-16),
        ceiling_dbtp=master.number("ceiling_dbtp", -20, 0, unit="dBTP", default=-1),
        path=table.path,
    )


def send(table: Table, name: str) -> Send:
    table.only(("gain_db", "chain"))
    gains = table.table("gain_db").only(PLACES)
    chain = tuple(slot(item) for item in table.tables("chain"))
    if not chain:
        raise table.fail("chain", "is empty; allowed: one or more effects.")
    for number, item in enumerate(chain):
        inner = table.tables("chain")[number]
        if not EFFECTS[item.effect].fixed:
            known = ", ".join(sorted(n for n, e in EFFECTS.items() if e.fixed))
            raise inner.fail("effect", f"is {item.effect!r}, which moves in time or bends; allowed in a send: {known}.")
        if item.automate:
            raise inner.fail("automate", "stands in a send; allowed: in inserts and on the bus.")
    return Send(name, {role: gains.ramp(role, -80, 12, unit="dB") for role in gains.data}, chain)


def slot(table: Table) -> Slot:
    if "plugin" in table.data:
        raise table.fail("plugin", "asks for a plugin; allowed: effect = one of pedalboard's own.")
    table.only(("effect", "params", "mix", "bypass", "why", "automate"))
    name = table.choice("effect", EFFECTS)
    known = EFFECTS[name].parameters
    given = table.table("params", required=False).only(known)
    params = {
        key: given.ramp(key, known[key].low, known[key].high, log=known[key].log, unit=known[key].unit)
        for key in given.data
    }
    return Slot(
        effect=name,
        params=params,
        mix=table.ramp("mix", 0, 1, default=1.0),
        bypass=table.flag("bypass"),
        why=table.words("why", default=""),
        automate=automation(table.table("automate", required=False), given.data, table),
    )


def automation(
    table: Table, params: Mapping[str, object], parent: Table
) -> dict[str, str | tuple[tuple[float, float], ...]]:
    """What moves in time; each must have two ends, ``[a, b]``, to move between."""
    found: dict[str, str | tuple[tuple[float, float], ...]] = {}
    for key in table.only([*params, "mix"]).data:
        value = params.get(key, parent.data.get(key))
        if not isinstance(value, list):
            raise table.fail(key, f"moves {value!r}; allowed: a value with two ends, [a, b], to move between.")
        how = table.data[key]
        if isinstance(how, str):
            found[key] = how
        elif isinstance(how, list) and len(how) >= 2 and all(is_point(point) for point in how):
            found[key] = tuple((float(x), float(y)) for x, y in how)
        else:
            raise table.fail(key, f'is {how!r}; allowed: "arc", a section, or [[0, 0], [0.5, 1], ...].')
    return found


def is_point(point: object) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= 1 for v in point)
    )
