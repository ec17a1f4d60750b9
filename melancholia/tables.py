"""TOML files a person writes: each value is checked, and refused with file, line, key and what is allowed.

A number is itself; ``[a, b]`` runs from a at intensity 0 to b at intensity 1, linearly or (``log=True``: for Hz,
seconds, rates and tempos) by equal ratios.
"""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melancholia.errors import InputError, nearest


@dataclass(frozen=True, slots=True)
class Ramp:
    """A value that follows intensity from `low` at 0 to `high` at 1."""

    low: float
    high: float
    log: bool = False

    def at(self, intensity: float) -> float:
        if self.low == self.high:
            return self.low
        if self.log:
            return float(self.low ** (1 - intensity) * self.high**intensity)
        return self.low + (self.high - self.low) * intensity


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a TOML file, which knows the file and where in it the table stands."""

    path: Path
    text: str
    data: dict[str, Any]
    where: tuple[str | int, ...] = ()

    def fail(self, key: str | None, message: str) -> InputError:
        """The error for `key` of this table: file, line, key and `message`."""
        names = ".".join(str(part) for part in self.where if isinstance(part, str))
        named = ".".join(filter(None, (names, key)))
        return InputError(f"{self.path}:{self.line(key)}: {f'{named} {message}'.strip()}")

    def line(self, key: str | None) -> int:
        """The line of `key`, as near as the text shows it (tomllib keeps no line numbers)."""
        at, names = 0, []
        for part in self.where:
            if isinstance(part, str):
                names.append(part)
                header = re.search(rf"^\s*\[+\s*{re.escape('.'.join(names))}\s*\]+", self.text[at:], re.M)
                inner = re.search(rf"^\s*{re.escape(part)}\s*=", self.text[at:], re.M)
                found = header or inner
                at += found.start() if found else 0
            else:
                heads = [
                    found.start()
                    for found in re.finditer(rf"^\s*\[\[\s*{re.escape('.'.join(names))}\s*\]\]", self.text, re.M)
                ]
                at = heads[part] if part < len(heads) else at
        if key is not None:
            own = re.search(rf"^\s*\[+\s*{re.escape('.'.join([*names, key]))}\s*[\].]", self.text, re.M)
            if own:
                lead = len(own.group()) - len(own.group().lstrip())
                return self.text.count("\n", 0, own.start() + lead) + 1
            found = re.search(rf"(?:^|[\s{{,])(?=\"?{re.escape(key)}\"?\s*[=.\]])", self.text[at:], re.M)
            at += found.end() if found else 0
        lead = len(self.text[at:]) - len(self.text[at:].lstrip())
        return self.text.count("\n", 0, at + lead) + 1

    def only(self, allowed: Collection[str]) -> "Table":
        """This table, refused when it has a key that is not allowed."""
        for key in self.data:
            if key not in allowed:
                raise self.fail(key, f"is no key here; known: {', '.join(sorted(allowed))}.{nearest(key, allowed)}")
        return self

    def need(self, key: str) -> Any:
        if key not in self.data:
            raise self.fail(None, f"lacks {key!r}, which is required.")
        return self.data[key]

    def words(self, key: str, *, default: str | None = None) -> str:
        """A string."""
        value = self.need(key) if default is None else self.data.get(key, default)
        if not isinstance(value, str):
            raise self.fail(key, f"is {value!r}; allowed: text in quotes.")
        return value

    def choice(self, key: str, allowed: Collection[str], *, default: str | None = None) -> str:
        value = self.words(key, default=default)
        if value not in allowed:
            raise self.fail(key, f"is {value!r}; known: {', '.join(sorted(allowed))}.{nearest(value, allowed)}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"is {value!r}; allowed: true or false.")
        return value

    def ramp(
        self, key: str, low: float, high: float, *, log: bool = False, unit: str = "", default: float | None = None
    ) -> Ramp:
        """A number or ``[a, b]``, both in `low` to `high`."""
        value = self.need(key) if default is None else self.data.get(key, default)
        pair = value if isinstance(value, list) else [value, value]
        if len(pair) != 2 or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in pair):
            raise self.fail(key, f"is {value!r}; allowed: a number, or [at intensity 0, at intensity 1].")
        for v in pair:
            if not low <= v <= high:
                raise self.fail(key, f"is {v:g}; allowed: {span(low, high, unit)}.")
        if log and min(pair) <= 0 and pair[0] != pair[1]:
            raise self.fail(key, f"is {value!r}; allowed: numbers above 0, for it moves by ratios.")
        return Ramp(float(pair[0]), float(pair[1]), log)

    def number(self, key: str, low: float, high: float, *, unit: str = "", default: float | None = None) -> float:
        """A single number in `low` to `high`."""
        given = self.need(key) if default is None else self.data.get(key, default)
        if not isinstance(given, int | float) or isinstance(given, bool):
            raise self.fail(key, f"is {given!r}; allowed: one number.")
        return self.ramp(key, low, high, unit=unit, default=default).low

    def table(self, key: str, *, required: bool = True) -> "Table":
        """The table under `key`; an empty one when it may be missing."""
        value = self.need(key) if required else self.data.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, f"is {value!r}; allowed: a table.")
        return Table(self.path, self.text, value, (*self.where, key))

    def tables(self, key: str) -> "list[Table]":
        """The array of tables under `key`, empty when missing."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.fail(key, "must be an array of tables, written with two brackets.")
        return [Table(self.path, self.text, item, (*self.where, key, n)) for n, item in enumerate(value)]

    def weights(self, key: str, allowed: Collection[str] | None = None, *, intensity: float = 0.0) -> dict[str, float]:
        """A table of names with weights >= 0, at least one above 0, e.g. ``metre = { "4/4" = [3, 1], "3/4" = 1 }``."""
        inner = self.table(key)
        if allowed is not None:
            inner.only(allowed)
        found = {name: inner.ramp(name, 0, 1000).at(intensity) for name in inner.data}
        if not any(found.values()):
            raise self.fail(key, "has no weight above 0; allowed: at least one.")
        return found


def span(low: float, high: float, unit: str) -> str:
    """What is allowed: "0 to 1 dB", or with what the numbers mean in parentheses."""
    numbers = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return f"{numbers} ({unit})" if ":" in unit else f"{numbers} {unit}".strip()


def read_table(path: Path) -> Table:
    """The whole of a TOML file.

    Raises
    ------
    InputError
        There is no such file, or it is no TOML; the line says where.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return Table(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is no TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no TOML: it is not UTF-8 text.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
