"""The instruments as everybody knows them: what they can play, who writes for them, and what a player draws over notes.

Composition, performance and rendering read this one table; how an instrument sounds is a module of the room
`instruments` that bears its name. To add one: that module, and one line here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from melancholia.errors import in_list, unknown

# struck and plucked tones die away by themselves; a solo and an ensemble hold theirs (an ensemble is several players,
# in tune together to 3 cents instead of 1); noise has no pitch: its notes say when, how long and how loud
KINDS = ("struck", "plucked", "solo", "ensemble", "noise")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument.

    `low` to `high` can be played, `written` (lowest, highest) is what suits it; `tail_s` is how long it rings after
    the last release (to -80 dB); `curves` are what its player draws (names of `piece.CURVES`); `suits` are the roles
    that it takes, the likeliest first; `gain_db` brings it to the loudness of all others: a scale at velocity 60 in the
    middle of what suits it, -37 LUFS.
    """

    name: str
    about: str
    low: int
    high: int
    written: tuple[int, int]
    tail_s: float
    kind: str
    curves: tuple[str, ...]
    suits: tuple[str, ...]
    gain_db: float = 0.0

    @property
    def sustains(self) -> bool:
        """Whether a tone lasts as long as it is held."""
        return self.kind in ("solo", "ensemble")

    @property
    def deep(self) -> bool:
        """Whether it stands under everybody: what it plays is felt as roots, not heard as a line."""
        return self.written[1] < 48

    @property
    def pitched(self) -> bool:
        return self.kind != "noise"


ANY_ROLE = ("melody", "harmony", "counter", "texture", "bass")
BOW = ("expression", "vibrato")

TABLE = (
    Instrument(
        "felt_piano",
        "an upright with felt between hammers and strings",
        21,
        108,
        (28, 96),
        5.0,
        "struck",
        ("pedal",),
        ("harmony", "melody", "counter"),
        gain_db=-0.8,
    ),
    Instrument(
        "strings",
        "a section of bowed strings, five players a note",
        36,
        96,
        (36, 88),
        1.2,
        "ensemble",
        BOW,
        ("counter", "harmony", "melody", "texture"),
        gain_db=-3.8,
    ),
    Instrument(
        "cello", "one cello, near", 36, 81, (36, 76), 1.0, "solo", BOW, ("melody", "counter", "bass"), gain_db=-8.3
    ),
    Instrument(
        "warm_pad",
        "four slow voices, dark and wide",
        36,
        84,
        (43, 80),
        2.8,
        "ensemble",
        ("expression",),
        ("texture", "harmony"),
        gain_db=-6.5,
    ),
    Instrument(
        "sub_bass",
        "almost a sine, under everything",
        24,
        48,
        (28, 45),
        0.6,
        "solo",
        ("expression",),
        ("bass",),
        gain_db=-10.8,
    ),
    Instrument(
        "nylon_guitar",
        "a classical guitar, plucked with the flesh of the finger",
        40,
        88,
        (40, 79),
        2.5,
        "plucked",
        ("pedal",),
        ("harmony", "melody", "counter"),
        gain_db=0.1,
    ),
    Instrument(
        "harp",
        "a concert harp; its strings ring on until the hands return",
        28,
        100,
        (31, 91),
        4.0,
        "plucked",
        ("pedal",),
        ("harmony", "counter", "melody"),
        gain_db=-2.6,
    ),
    Instrument(
        "solo_violin", "one violin, near", 55, 93, (57, 84), 1.0, "solo", BOW, ("melody", "counter"), gain_db=-7.1
    ),
    Instrument(
        "clarinet",
        "a clarinet played softly, low and hollow",
        50,
        86,
        (50, 74),
        0.8,
        "solo",
        BOW,
        ("melody", "counter", "harmony"),
        gain_db=-13.2,
    ),
    Instrument(
        "flute",
        "a flute played softly, with breath",
        60,
        96,
        (60, 86),
        0.8,
        "solo",
        BOW,
        ("melody", "counter"),
        gain_db=-11.5,
    ),
    Instrument(
        "celesta",
        "steel bars under felt hammers, far off and sweet",
        60,
        108,
        (60, 100),
        1.6,
        "struck",
        ("pedal",),
        ("counter", "melody"),
        gain_db=-3.4,
    ),
    Instrument(
        "music_box",
        "a comb of steel tines on a small box",
        60,
        103,
        (64, 96),
        5.5,
        "struck",
        (),
        ("melody", "counter"),
        gain_db=-1.9,
    ),
    Instrument("rain", "rain, near and far", 0, 127, (60, 60), 3.0, "noise", (), ("texture",), gain_db=-4.8),
    Instrument(
        "vinyl",
        "an old record: crackle, surface, rumble",
        0,
        127,
        (60, 60),
        3.0,
        "noise",
        (),
        ("texture",),
        gain_db=6.7,
    ),
    Instrument(
        "tape_hiss", "the breath of a worn tape", 0, 127, (60, 60), 3.0, "noise", (), ("texture",), gain_db=-6.9
    ),
    Instrument("room_tone", "the air of a quiet room", 0, 127, (60, 60), 3.0, "noise", (), ("texture",), gain_db=-4.4),
    Instrument(
        "heartbeat", "lub and dub through a chest", 0, 127, (60, 60), 1.2, "noise", (), ("percussion",), gain_db=3.2
    ),
    Instrument(
        "brushes",
        "a snare under brushes: short notes tap, long ones swirl",
        0,
        127,
        (60, 60),
        1.0,
        "noise",
        (),
        ("percussion",),
        gain_db=-1.6,
    ),
    Instrument(
        "choir",
        "six singers a note, without words",
        41,
        84,
        (45, 79),
        1.6,
        "ensemble",
        BOW,
        ("texture", "harmony", "counter", "melody"),
        gain_db=-2.9,
    ),
    Instrument(
        "bowed_glass",
        "rims of glass under a slow bow, ringing on",
        48,
        96,
        (55, 88),
        5.0,
        "ensemble",
        ("expression",),
        ("texture", "harmony"),
        gain_db=-4.3,
    ),
)
INSTRUMENTS: Mapping[str, Instrument] = {row.name: row for row in TABLE}

GUESSED = "felt_piano"  # plays a part that names no instrument

# What is known of an instrument that is not ours, as a SoundFont: a range that most have.
UNKNOWN = Instrument("", "", 0, 127, (40, 84), 6.0, "struck", (), ANY_ROLE)


FOREIGN = ("soundfont:/path.sf2#bank,program", "vst3:NAME#STATE")  # how instruments of the user's are named


def is_foreign(name: str) -> bool:
    """Whether a name is that of a SoundFont or a plugin."""
    return name.startswith(tuple(said.partition(":")[0] + ":" for said in FOREIGN))


def check_instrument(name: str) -> str:
    """The name itself, when it is in the table or one of the user's own."""
    if name not in INSTRUMENTS and not is_foreign(name):
        raise unknown("instrument", name, [*INSTRUMENTS, *FOREIGN])
    return name


def check_cast(instruments: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names themselves, when each is an instrument; None where none are asked for."""
    return tuple(check_instrument(name) for name in in_list("instruments", instruments)) or None


def short_name(name: str) -> str:
    """A name for people: of a SoundFont its file and preset, of a plugin its bundle."""
    if not is_foreign(name):
        return name.replace("_", " ")
    kind, _, place = name.partition(":")
    return Path(place).name if kind == "soundfont" else Path(place.partition("#")[0]).stem


def facts_of(name: str) -> Instrument:
    """The facts of an instrument by name; those of `UNKNOWN` for one that is not in the table."""
    return INSTRUMENTS.get(name, UNKNOWN)


def is_bed(role: str, instrument: str) -> bool:
    """Whether a part lies under the music and is none: a texture without pitch, as rain, hiss or the air of a room."""
    return role == "texture" and not facts_of(instrument).pitched


def has_pitch(role: str, instrument: str) -> bool:
    """Whether what is written as the pitch of a part's notes is heard as one: not of drums, nor of rain."""
    return role != "percussion" and facts_of(instrument).pitched


class Played(Protocol):
    """What has a role and a player: a part, a stem."""

    @property
    def role(self) -> str: ...

    @property
    def instrument(self) -> str: ...


P = TypeVar("P", bound=Played)


def without_beds(parts: Iterable[P]) -> tuple[P, ...]:
    """The parts that are music: a bed has no tones, and that it goes on is no sound of theirs."""
    return tuple(part for part in parts if not is_bed(part.role, part.instrument))


def with_pitch(parts: Iterable[P]) -> tuple[P, ...]:
    """The parts in whose notes mode, height and chords are read."""
    return tuple(part for part in parts if has_pitch(part.role, part.instrument))


def told(stem: str) -> tuple[str, str]:
    """Role and instrument as the name of a stem's file tells them (``05-texture-room_tone``); else a melody, by ""."""
    role, _, name = stem.partition("-")[2].partition("-")
    roles = {role for row in INSTRUMENTS.values() for role in row.suits}
    return (role, name) if role in roles and name in INSTRUMENTS else ("melody", "")
