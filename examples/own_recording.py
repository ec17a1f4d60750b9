"""A recording of yours through a rack: python examples/own_recording.py [--take take.wav] OUT

Without --take a piano is recorded first, so that there is something to work on.
"""

import argparse
from pathlib import Path

import melancholia as mel

ask = argparse.ArgumentParser(description=__doc__)
ask.add_argument("out", type=Path)
ask.add_argument("--take", type=Path)
ask.add_argument("--seconds", type=float, default=20)
asked = ask.parse_args()
asked.out.mkdir(parents=True)

if asked.take is None:
    mood = mel.profile("longing")
    piece = mel.compose(mood, seconds=asked.seconds, seed=1, instruments=["felt_piano"])
    asked.take = asked.out / "take.wav"
    mel.mix(mel.render(mel.perform(piece, mood)), out=asked.take)

print("before:", mel.score(asked.take))
wet = mel.apply(asked.take, rack="despair", intensity=0.8)
mel.master(wet, lufs=-16, ceiling_dbtp=-1, out=asked.out / "master.wav")
print("after:", mel.score(asked.out / "master.wav"))
