"""A song in ten lines: python examples/ten_lines.py [--seconds 60] OUT"""

import argparse

import melancholia as mel

ask = argparse.ArgumentParser(description=__doc__)
ask.add_argument("out")
ask.add_argument("--seconds", type=float, default=60)
asked = ask.parse_args()

song = mel.make("longing", intensity=0.7, seconds=asked.seconds, seed=7)
print(song.score)
print("written to", song.save(asked.out))
