"""A mood of your own from a copy of one that ships: python examples/new_mood.py [--seconds 60] OUT"""

import argparse
import re
from pathlib import Path

import melancholia as mel
from melancholia.profile import mood_path

ask = argparse.ArgumentParser(description=__doc__)
ask.add_argument("out", type=Path)
ask.add_argument("--seconds", type=float, default=60)
asked = ask.parse_args()

text = mood_path("longing").read_text(encoding="utf-8")
for key, value in {  # slower, and it never quite gives up
    "name": '"waiting"',
    "about": '"Longing that has grown slow: the same voice, years later."',
    "bpm": "[56, 44]",
}.items():
    text = re.sub(rf"^{key} = .*", f"{key} = {value}", text, count=1, flags=re.MULTILINE)
mine = asked.out.with_suffix(".toml")
mine.write_text(text, encoding="utf-8")

song = mel.make(str(mine), seconds=asked.seconds, seed=4)
print(song.score)
print("written to", song.save(asked.out))
