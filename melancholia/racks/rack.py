"""A rack file as a value: inserts by role, sends, a bus, levels, and what the master shall come to.

What is said by place is said of a role, of `noise` (a texture without pitch: rain, hiss) or of `any`:

    [balance]                      LU of a role or of noise beside the melody's, each stem by its own loudness;
                                   clear_db: how far the melody stands over all others in its own bands (`balance`);
                                   rest_db: LU beside it to which they come forward, all together, where it rests
    [level]  [pan]                 dB more, -1..1, of a role or of noise
    [[ride.melody]]                gain_db = [-6, 0], automate = "arc": a level in time, added to the others; `any` too
    [[insert.melody]]              an effect of its own (`slots`); insert.any comes after it, on every stem and on
                                   recordings
    [send.hall.gain_db]            what goes into a shared room: -80 is nothing, `any` is for whom is not named
    [[send.hall.chain]]            its effects
    [[bus]]                        effects on the sum

How near or far a role stands is said by how much of it goes where, by what its room waits (predelay_ms), and by the
highs that its inserts take.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from melancholia.audio import Stem
from melancholia.errors import InputError, in_range, unknown
from melancholia.files import data_folder
from melancholia.hosting.bundles import library
from melancholia.hosting.reports import usable, warning
from melancholia.orchestra import is_bed
from melancholia.racks.effects import EFFECTS
from melancholia.racks.slots import NESTS, NOISE, OWN, How, Slot, moved, slot
from melancholia.recipe import file_hash
from melancholia.tables import Ramp, Table, read_table

ANY = "any"
CLEAR, REST = "clear_db", "rest_db"
PLACES = (*OWN, ANY)

T = TypeVar("T")


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
    balance: Mapping[str, Ramp]
    clear_db: Ramp | None
    rest_db: Ramp | None
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
        return tuple(sorted({slot.impulse.path for slot in self.slots if slot.impulse is not None}))

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


def place_of(stem: Stem) -> str:
    """Where a rack looks a stem up: at its role, or at `noise` when it is a texture that has no pitch."""
    return NOISE if is_bed(stem.role, stem.instrument) else stem.role


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
    table.only(("schema", "name", "about", "insert", "send", "bus", "balance", "level", "ride", "pan", "master"))
    table.number("schema", 1, 1)
    inserts = table.table("insert", required=False).only(PLACES)
    sends = table.table("send", required=False)
    balance = table.table("balance", required=False).only((*OWN, CLEAR, REST))
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
        balance={role: balance.ramp(role, -60, 24, unit="LU") for role in balance.data if role in OWN},
        clear_db=balance.ramp(CLEAR, 0, 24, unit="dB") if CLEAR in balance.data else None,
        rest_db=balance.ramp(REST, -24, 0, unit="LU") if REST in balance.data else None,
        level_db={role: level.ramp(role, -60, 24, unit="dB") for role in level.data},
        rides={place: tuple(ride(item) for item in rides.tables(place)) for place in rides.data},
        pan={role: pan.number(role, -1, 1) for role in pan.data},
        lufs=master.number("lufs", -40, -5, unit="LUFS", default=-16),
        ceiling_dbtp=master.number("ceiling_dbtp", -20, 0, unit="dBTP", default=-1),
        path=table.path,
    )


TONE_HZ, TONE_Q, MOST_TONE_DB = 1000.0, 0.5, 6.0


def toned(rack: Rack, gain_db: float) -> Rack:
    """The rack with a high shelf of `gain_db` (at most MOST_TONE_DB either way) behind its bus; itself at 0."""
    if gain_db == 0:
        return rack
    in_range("tone", gain_db, -MOST_TONE_DB, MOST_TONE_DB)
    values = {"cutoff_frequency_hz": TONE_HZ, "gain_db": gain_db, "q": TONE_Q}
    shelf = Slot(
        "HighShelfFilter",
        tuple((name, Ramp(value, value)) for name, value in values.items()),
        mix=Ramp(1.0, 1.0),
        bypass=False,
        why="brightness: the highs that the mood wants",
    )
    return replace(rack, bus=(*rack.bus, shelf))


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
