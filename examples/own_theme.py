"""A tune of yours as the theme of a song: python examples/own_theme.py [--theme tune.mid] OUT

Without --theme a tune of seven notes is written first, so that there is something to sing.
"""

import argparse
from pathlib import Path

import melancholia as mel
from melancholia.piece import TempoMap

ask = argparse.ArgumentParser(description=__doc__)
ask.add_argument("out", type=Path)
ask.add_argument("--theme", type=Path)
ask.add_argument("--seconds", type=float, default=60)
asked = ask.parse_args()

if asked.theme is None:
    asked.theme = asked.out.with_suffix(".mid")
    sung = ((0, 1.5, 69), (1.5, 0.5, 71), (2, 2, 72), (4, 1.5, 76), (5.5, 0.5, 74), (6, 1, 72), (7, 1, 71))
    notes = tuple(mel.Note(start, length, pitch, 70) for start, length, pitch in sung)
    mel.save_midi(mel.Piece((mel.Part("tune", "melody", "", notes),), TempoMap.steady(60)), asked.theme)

motif = mel.load_motif(asked.theme)
print(f"{len(motif.notes)} notes in {motif.key}, {motif.metre[0]}/{motif.metre[1]}")
song = mel.make("longing", theme=str(asked.theme), seconds=asked.seconds, seed=5)
print(song.score)
print("written to", song.save(asked.out))
