"""Every stage by itself, with a change of your own between: python examples/stage_by_stage.py [--seconds 60] OUT"""

import argparse
from pathlib import Path

import melancholia as mel

ask = argparse.ArgumentParser(description=__doc__)
ask.add_argument("out", type=Path)
ask.add_argument("--seconds", type=float, default=60)
asked = ask.parse_args()
asked.out.mkdir(parents=True)

profile = mel.profile("melancholy", intensity=0.6)
piece = mel.compose(profile, seconds=asked.seconds, seed=3)
piece = mel.transposed(piece, -2, fold=True)  # a tone lower
mel.save_midi(piece, asked.out / "score.mid")  # to be edited by hand; mel.load_midi reads it back

played = mel.perform(piece, profile, seed=3)  # another seed plays the same notes another way
dry = mel.render(played)
wet = mel.apply(dry, rack="melancholy", profile=profile, timeline=played)  # the rack moves as the piece does
mix = mel.bus(mel.mix(wet), rack="melancholy", profile=profile, timeline=played)
master = mel.master(mix, lufs=-16, ceiling_dbtp=-1, out=asked.out / "master.wav")
print(mel.score(master, profile))
