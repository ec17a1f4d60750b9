"""Racks: dry stems become wet ones that sum to the mix. Inserts by role, shared sends, a bus; one TOML a rack."""

from melancholia.racks.apply import apply, check_plugins
from melancholia.racks.balance import Faders, balance
from melancholia.racks.mixing import bus, mix
from melancholia.racks.rack import MOST_TONE_DB, Rack, check_qualified, names, rack, toned
from melancholia.racks.sends import tail_s

__all__ = [
    "Faders",
    "MOST_TONE_DB",
    "Rack",
    "apply",
    "balance",
    "bus",
    "check_plugins",
    "check_qualified",
    "mix",
    "names",
    "rack",
    "tail_s",
    "toned",
]
