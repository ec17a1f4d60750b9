"""What a master is asked for: its ranges, and the deliveries that have a name."""

from dataclasses import dataclass

from melancholia.errors import InputError, in_range, unknown

LOUDNESSES_LUFS = -40.0, -5.0
CEILINGS_DBTP = -20.0, 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """Integrated loudness (LUFS), true peak (dBTP), and who asks for them."""

    lufs: float
    ceiling_dbtp: float
    source: str


TARGETS = {
    "streaming": Target(-14.0, -1.0, "what Spotify and YouTube play at; AES77 for the loudest track of an album"),
    "apple": Target(-16.0, -1.0, "what Apple Music plays at with Sound Check; AES77 for single tracks"),
    "podcast": Target(-16.0, -1.0, "Apple Podcasts' requirements"),
    "ebu-r128": Target(-23.0, -1.0, "EBU R 128"),
    "atsc-a85": Target(-24.0, -2.0, "ATSC A/85"),
}
USUAL = Target(-16.0, -1.0, "the racks that come with melancholia")


def target(asked: str) -> Target:
    """A delivery by its name, or a loudness by its number, under the usual ceiling.

    Raises
    ------
    InputError
        No delivery is called so, or the number lies outside its range.
    """
    if not isinstance(asked, str):
        raise InputError(f"target is {asked!r}; allowed: a loudness in LUFS, or {', '.join(TARGETS)}.")
    if asked in TARGETS:
        return TARGETS[asked]
    try:
        lufs = float(asked)
    except ValueError:
        raise unknown("target", asked, (*TARGETS, "a loudness in LUFS")) from None
    return Target(in_range("loudness", lufs, *LOUDNESSES_LUFS, "LUFS"), USUAL.ceiling_dbtp, "asked for")
