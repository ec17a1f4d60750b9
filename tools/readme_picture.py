"""Draw docs/first-song.png: spectrogram of the master, notes and sadness of a real song.

python tools/readme_picture.py first-song docs/first-song.png
"""

import io
import json
import sys
from pathlib import Path

from melancholia.midi import load_midi
from melancholia.recordings import recording
from melancholia.report import curve_png, piano_roll_png, spectrogram_png


def main(folder: Path, target: Path) -> None:
    from PIL import Image

    verdict = json.loads((folder / "score.json").read_text())
    drawn = [
        spectrogram_png(recording(folder / "master.wav")),
        piano_roll_png(load_midi(folder / "piece.mid")),
        curve_png(verdict["curve"]),
    ]
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data in drawn]
    whole = Image.new("RGB", (max(i.width for i in images), sum(i.height for i in images)))
    at = 0
    for image in images:
        whole.paste(image, (0, at))
        at += image.height
    whole.quantize(128).save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
