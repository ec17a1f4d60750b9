"""A mood's rack with a reverb and a compressor of your own: python examples/own_plugins.py [--seconds 60] OUT"""

import argparse
import re
from pathlib import Path

import melancholia as mel
from melancholia.racks import rack

ask = argparse.ArgumentParser(description=__doc__)
ask.add_argument("out", type=Path)
ask.add_argument("--seconds", type=float, default=60)
ask.add_argument("--reverb", default="ZamVerb", help="a VST3 with a knob wet_dry (melancholia plugins show NAME)")
ask.add_argument("--compressor", default="ZamCompX2", help="a VST3 with knobs threshold and ratio")
asked = ask.parse_args()

text = rack("longing").path.read_text(encoding="utf-8")
for slot, plugin, params in (  # what stood there, and what stands there now
    ('effect = "Impulse"\nimpulse = "hall"', asked.reverb, "{ wet_dry = 100 }"),
    ('effect = "Compressor"', asked.compressor, "{ threshold = [-24, -28], ratio = 2.2 }"),
):
    text, found = re.subn(rf"{slot}\nparams = .*", f'plugin = "vst3:{plugin}"\nparams = {params}', text)
    assert found == 1, slot
mine = asked.out.with_suffix(".toml")
mine.write_text(text, encoding="utf-8")

song = mel.make("longing", rack=mine, seconds=asked.seconds, seed=4)
print(song.score)
print("written to", song.save(asked.out))
