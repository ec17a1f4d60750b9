"""The cues of sadness: the one table that composition aims at, analysis measures and scoring judges."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing that ears judge by: `low` to `high` in `unit`; `direction` +1 when more of it is sadder, -1 when less.

    `tolerance` is how far outside its band a value may lie and still pass, in the cue's unit.
    """

    name: str
    unit: str
    low: float
    high: float
    direction: int
    tolerance: float
    about: str
    source: str


TABLE = (
    Cue(
        "mode",
        "index",
        -1,
        1,
        1,
        0.08,
        "minor against major, in windows of three seconds",
        "Eerola, Friberg & Bresin 2013; Bellman-Budge profiles",
    ),
    Cue("event_rate", "onsets/s", 0, 20, -1, 0.4, "how many tones begin in a second", "Eerola, Friberg & Bresin 2013"),
    Cue("loudness", "LUFS", -70, 0, -1, 1.0, "integrated loudness", "ITU-R BS.1770"),
)
CUES = {cue.name: cue for cue in TABLE}
