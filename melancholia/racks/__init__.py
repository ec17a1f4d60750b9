"""Racks: dry stems become wet ones that sum to the mix. Inserts by role, shared sends, a bus; one TOML a rack."""

from melancholia.racks.apply import apply
from melancholia.racks.mixing import bus, mix
from melancholia.racks.rack import Rack, names, rack
from melancholia.racks.sends import tail_s

__all__ = ["Rack", "apply", "bus", "mix", "names", "rack", "tail_s"]
