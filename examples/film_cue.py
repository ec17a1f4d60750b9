"""A cue for a film, with hits on the picture: python examples/film_cue.py OUT [--seconds 20] [--hits 6 10.5]"""

import argparse

import melancholia as mel

ask = argparse.ArgumentParser(description=__doc__)
ask.add_argument("out")
ask.add_argument("--seconds", type=float, default=20)
ask.add_argument("--hits", type=float, nargs="+", default=[6.0, 10.5], help="seconds from the start")
asked = ask.parse_args()

song = mel.make("melancholy", setting="film", hits=tuple(asked.hits), seconds=asked.seconds, seed=2)
onsets = sorted(float(song.played.tempo.seconds(note.start)) for part in song.played.parts for note in part.notes)
for hit in asked.hits:
    nearest = min(onsets, key=lambda at: abs(at - hit))
    print(f"hit at {hit:.2f} s: a note begins at {nearest:.2f} s")
print(song.score)
print("written to", song.save(asked.out))
