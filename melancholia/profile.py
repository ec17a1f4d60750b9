"""What is wanted: a mood at an intensity, as targets for the cues and as preferences for writing and playing.

A mood is one TOML file in ``assets/moods``; a `Profile` is that file, or several of them mixed, read at one intensity:
every ``[a, b]`` has become a number. Composition and performance read `writing` and `playing`, scoring reads `bands`.
Where intensity follows a curve, or a section has a mood of its own, `Profile.at` is what holds at a place of the piece.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from melancholia.bands import Band, mixed, mixed_sadness, read_bands, read_sadness, sadder, scaled
from melancholia.errors import InputError, in_range, unknown
from melancholia.files import data_folder
from melancholia.tables import Table, read_table
from melancholia.writing import Playing, Writing, mixed_playing, mixed_writing, read_playing, read_writing

SECTIONS = ("intro", "A", "B", "C", "D", "E", "interlude", "climax", "coda")  # what may have a mood of its own
MOST = 1000  # the largest weight of a mood in a blend

Curve = tuple[tuple[float, float], ...]  # (share of the piece 0..1, intensity 0..1), in order


@dataclass(frozen=True, slots=True)
class Profile:
    """A mood, or a blend of moods, at an intensity: everything that the rooms above ask for.

    `sadness` is how sad the whole should be heard, 0 to 1, and `bands` where each cue should lie. `shares` are the
    moods in it, adding up to 1. Where `curve` is not empty, intensity moves along it and `intensity`
    is its mean, at which the rest is read; `sections` are moods (or blends) of sections, by name.
    """

    mood: str
    intensity: float
    about: str
    rack: str
    sadness: Band
    bands: Mapping[str, Band]
    writing: Writing
    playing: Playing
    shares: Mapping[str, float] = field(default_factory=dict)
    curve: Curve = ()
    sections: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    background: bool = False

    @classmethod
    def blend(cls, shares: Mapping[str, float], intensity: "float | Sequence[tuple[float, float]]" = 0.7) -> "Profile":
        """Several moods mixed by weight, as ``{"nostalgia": 0.6, "despair": 0.4}``; see `profile`."""
        return profile(shares, intensity)

    @property
    def varies(self) -> bool:
        """Whether intensity or mood change within the piece."""
        return bool(self.curve or self.sections)

    def hushed(self) -> "Profile":
        """The same as a background."""
        return hushed(self)

    def intensity_at(self, share: float) -> float:
        """The intensity at a share 0..1 of the piece."""
        return float(np.interp(share, *np.array(self.curve).T)) if self.curve else self.intensity

    def at(self, share: float, *names: str) -> "Profile":
        """What holds at a share 0..1 of the piece, in a section called by any of `names` (the first that has a mood).

        It is this profile itself where neither intensity nor mood changes.
        """
        own = next((self.sections[name] for name in names if name in self.sections), None)
        if own is None and not self.curve:
            return self
        mixed = self.shares if own is None else own
        return steady(tuple(mixed.items()), self.intensity_at(share), self.background)


def moods() -> tuple[str, ...]:
    """The names of all moods.

    Returns
    -------
    tuple of str
        In alphabetical order.
    """
    return tuple(sorted(path.stem for path in (data_folder("assets") / "moods").glob("*.toml")))


def profile(
    mood: str | Path | Mapping[str, float],
    intensity: float | str | Sequence[tuple[float, float]] = 0.7,
    *,
    sections: Mapping[str, str | Mapping[str, float]] | None = None,
    background: bool = False,
) -> Profile:
    """The profile of a mood.

    Parameters
    ----------
    mood : str, path or mapping
        One of `moods()`, the path of a mood file (``*.toml``), or several with weights: ``{"nostalgia": 0.6,
        "despair": 0.4}``, as text
        "nostalgia:0.6,despair:0.4".
    intensity : float, or sequence of (share, intensity)
        0 (barely) to 1 (wholly); or a curve over the piece, as ``[(0, 0.2), (0.6, 1), (1, 0.4)]`` or text
        "0:0.2,0.6:1,1:0.4", straight between its points.
    sections : mapping, optional
        Moods of sections, by name: one of `SECTIONS`. Their writing and playing are the other mood's.
    background : bool
        Few events, a sparse melody and narrow dynamics.

    Returns
    -------
    Profile
        A band and weight for each cue, and how the mood writes, plays and sounds, at that intensity.

    Raises
    ------
    InputError
        There is no such mood or section, or a weight or intensity lies outside its range.
    """
    shares, points = shares_of(mood), curve_of(intensity)
    own = {}
    for name, other in (sections or {}).items():
        if name not in SECTIONS:
            raise unknown("section", name, SECTIONS)
        own[name] = MappingProxyType(shares_of(other))
    found = steady(tuple(shares.items()), mean_of(points), background)
    return replace(found, curve=points if len(points) > 1 else (), sections=MappingProxyType(own))


def is_path(mood: str) -> bool:
    return mood.endswith(".toml")


def as_name(mood: str) -> str:
    """A mood, the path of its file, or a blend, as a name for a folder."""
    return Path(mood).stem if mood.endswith(".toml") else re.sub(r"[^A-Za-z0-9.]+", "-", mood)


def mood_path(mood: str) -> Path:
    """Where a mood is written: the file that it names by a path, or the one that ships."""
    if is_path(mood):
        return Path(mood)
    if mood not in moods():
        raise unknown("mood", mood, moods())
    return data_folder("assets") / "moods" / f"{mood}.toml"


def blend(shares: Mapping[str, float], intensity: float | Sequence[tuple[float, float]] = 0.7) -> Profile:
    """Several moods mixed by weight, as ``{"nostalgia": 0.6, "despair": 0.4}``; see `profile`.

    Parameters
    ----------
    shares : mapping
        Weights by mood, 0 to 1000; their sum does not matter.
    intensity : float, or sequence of (share, intensity)
        0 to 1, or a curve over the piece.

    Returns
    -------
    Profile
        Bands, weights and numbers between those of the moods; what is no number is drawn by the weights.

    Raises
    ------
    InputError
        There is no such mood, or a weight or intensity lies outside its range.
    """
    return profile(shares, intensity)


def shares_of(mood: str | Path | Mapping[str, float]) -> dict[str, float]:
    """Moods with weights that add up to 1, from a name, a mapping, or text as "nostalgia:0.6,despair:0.4"."""
    if isinstance(mood, Path) or isinstance(mood, str) and is_path(mood):
        return {str(mood): 1.0}
    given: dict[str, float] = {}
    pairs = [part.partition(":") for part in mood.split(",")] if isinstance(mood, str) else None
    for name, weight in [(n.strip(), w if sep else 1) for n, sep, w in pairs] if pairs else dict(mood).items():  # type: ignore[arg-type]
        mood_path(name)
        if name in given:
            raise InputError(f"mood {name!r} stands twice in a blend; allowed: once.")
        given[name] = in_range(f"weight of {name}", number(f"weight of {name}", weight), 0, MOST)
    total = sum(given.values())
    if not total:
        raise InputError("a blend has no weight above 0; allowed: at least one.")
    return {name: weight / total for name, weight in given.items() if weight}


def number(thing: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{thing} is {value!r}; allowed: a number.") from None


def curve_of(intensity: float | str | Sequence[tuple[float, float]]) -> Curve:
    """The points of a curve of intensity: one for a number, or those given, in order."""
    if isinstance(intensity, str) and ":" not in intensity or not hasattr(intensity, "__iter__"):
        return ((0.0, in_range("intensity", number("intensity", intensity), 0, 1)),)
    pairs = [p.split(":") for p in intensity.split(",")] if isinstance(intensity, str) else list(intensity)
    points: list[tuple[float, float]] = []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise InputError(f"intensity holds {pair!r}; allowed: points of share and intensity, as 0:0.2,0.6:1.")
        share = in_range("share of the piece", number("share of the piece", pair[0]), 0, 1)
        if points and share <= points[-1][0]:
            raise InputError(f"intensity goes back to the share {share:g}; allowed: points in order.")
        points.append((share, in_range("intensity", number("intensity", pair[1]), 0, 1)))
    if not points:
        raise InputError("intensity has no point; allowed: a number, or points of share and intensity.")
    return tuple(points)


def mean_of(points: Curve) -> float:
    """The mean over the piece of the curve through the points, level before the first and behind the last."""
    if len(points) == 1:
        return points[0][1]
    at, value = (np.array(row) for row in zip((0.0, points[0][1]), *points, (1.0, points[-1][1]), strict=True))
    return float(np.trapezoid(value, at))


def steady(shares: tuple[tuple[str, float], ...], intensity: float, background: bool) -> Profile:
    """The profile of moods with their shares at one intensity."""
    found = [(share, read_mood(mood_table(mood), intensity)) for mood, share in shares]
    mixed = replace(found[0][1] if len(found) == 1 else mix(found), shares=MappingProxyType(dict(shares)))
    return hushed(mixed) if background else mixed


def mix(parts: Sequence[tuple[float, Profile]]) -> Profile:
    """Profiles mixed by share: numbers by (where they move so, geometric) means, choices and players by weight."""
    heaviest = max(parts, key=lambda part: part[0])[1]
    return Profile(
        mood=" + ".join(f"{p.mood} {f'{s:.2g}'.lstrip('0')}" for s, p in parts),
        intensity=heaviest.intensity,
        about=" ".join(p.about for _, p in parts),
        rack=heaviest.rack,
        sadness=mixed_sadness([(s, p.sadness) for s, p in parts]),
        bands=MappingProxyType(mixed([(s, p.bands) for s, p in parts])),
        writing=mixed_writing([(s, p.writing) for s, p in parts]),
        playing=mixed_playing([(s, p.playing) for s, p in parts]),
    )


FEWER, FEWER_SUNG = 0.6, 0.5  # events, and tones of the melody, of a background against a song's
NARROWER = 0.35  # its dynamics
SADDER = 0.1  # so much do fewer events add to its sadness, by the listener's weight of the pace


def hushed(wanted: Profile) -> Profile:
    """The profile as a background: fewer events, a sparse melody, narrow dynamics; bands and sadness follow."""
    bands = dict(wanted.bands)
    for name, factor in (("event_rate", FEWER), ("level_range", 0.8)):
        if name in bands:
            bands[name] = scaled(bands[name], factor, max(factor, 0.9))
    w, p = wanted.writing, wanted.playing
    return replace(
        wanted,
        background=True,
        sadness=sadder(wanted.sadness, SADDER),
        bands=MappingProxyType(bands),
        writing=replace(
            w, onset_rate=FEWER * w.onset_rate, melody_rate=FEWER_SUNG * w.melody_rate, dynamics=NARROWER * w.dynamics
        ),
        playing=replace(
            p, arch_level=NARROWER * p.arch_level, high_loud=NARROWER * p.high_loud, swell=NARROWER * p.swell,
            voicing=NARROWER * p.voicing,
            harmonic_charge=NARROWER * p.harmonic_charge, melodic_charge=NARROWER * p.melodic_charge,
        ),
    )  # fmt: skip


@cache
def shipped(path: Path) -> Table:
    return read_table(path)


def mood_table(mood: str) -> Table:
    """The table of a mood; a file of one's own is read each time, for it may change."""
    path = mood_path(mood)
    return read_table(path) if is_path(mood) else shipped(path)


def read_mood(table: Table, intensity: float) -> Profile:
    """The mood file `table` at an intensity; refuses unknown keys and values out of range."""
    table.only(("schema", "name", "about", "rack", "sources", "sadness", "cues", "writing", "playing", "orchestration"))
    table.number("schema", 1, 1)
    if not table.words("name").strip():
        raise table.fail("name", "is empty; allowed: a name.")
    return Profile(
        mood=table.words("name"),
        intensity=intensity,
        about=table.words("about"),
        rack=table.words("rack"),
        sadness=read_sadness(table.table("sadness"), intensity),
        bands=MappingProxyType(read_bands(table.table("cues"), intensity)),
        writing=read_writing(table, intensity),
        playing=read_playing(table.table("playing"), intensity),
    )
