"""How far the verdict moves when a recording is changed in ways that do, and do not, change how sad it is.

python -m tests.robust ../shared/data/4qaed [--clips 60]      the clips kept out of every fit (split "tune")
"""

import argparse
import csv
import io
import multiprocessing
import os
import tarfile
from pathlib import Path

import numpy as np
from scipy import signal

from melancholia.analysis import analyse
from melancholia.audio import audio
from melancholia.scoring import score

LIMITS = {  # mean of the absolute change, or of the change itself where it must rise
    "gain +12 dB": 0.03, "gain -12 dB": 0.03, "44.1 kHz": 0.03, "96 kHz": 0.03, "1 s of silence before": 0.03,
    "polarity": 0.03, "MP3, 96 kbit/s": 0.03, "Opus": 0.03, "low-pass 2.5 kHz": 0.07, "reverb 2.5 s": 0.07,
    "slowed to 75 %": 0.10,
}  # fmt: skip


def coded(x, rate, kind):
    import soundfile

    file = io.BytesIO()
    options = {"compression_level": 0.42, "bitrate_mode": "CONSTANT"} if kind == "MP3" else {}
    soundfile.write(
        file, x, rate, format="MP3" if kind == "MP3" else "OGG", subtype=None if kind == "MP3" else "OPUS", **options
    )
    file.seek(0)
    return soundfile.read(file, dtype="float32")


def reverberated(x, rate):
    rng = np.random.default_rng(0)
    t = np.arange(int(2.5 * rate)) / rate
    tail = rng.normal(size=len(t)) * np.exp(-6.908 * t / 2.5)
    wet = signal.fftconvolve(x, tail)[: len(x)]
    return x + wet * (10 ** (-3 / 20) * np.sqrt((x**2).mean() / max((wet**2).mean(), 1e-12)))


def changed(x, rate):
    """Each change by name: samples and rate."""
    from melancholia.analysis.first_use import librosa

    low = signal.butter(2, 2500, fs=rate, output="sos")
    return {
        "gain +12 dB": (4 * x, rate),
        "gain -12 dB": (x / 4, rate),
        "44.1 kHz": (signal.resample_poly(x, 147, 80), rate * 147 // 80),
        "96 kHz": (signal.resample_poly(x, 4, 1), rate * 4),
        "1 s of silence before": (np.concatenate([np.zeros(rate, np.float32), x]), rate),
        "polarity": (-x, rate),
        "MP3, 96 kbit/s": coded(x, rate, "MP3"),
        "Opus": coded(x, rate, "Opus"),
        "low-pass 2.5 kHz": (signal.sosfilt(low, x), rate),
        "reverb 2.5 s": (reverberated(x, rate), rate),
        "slowed to 75 %": (librosa().effects.time_stretch(x, rate=0.75), rate),
    }


def moves(task):
    x, rate = task

    def sadness(samples, rate):
        found = score(analyse(audio(np.asarray(samples, np.float32)[None], int(rate)))).sadness
        return np.nan if found is None else found

    plain = sadness(x, rate)
    return {name: sadness(*sound) - plain for name, sound in changed(x, rate).items()}


def main() -> None:
    import soundfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with (asked.data / "labels.csv").open(newline="") as file:
        wanted = sorted(row["id"] for row in csv.DictReader(file) if row["split"] == "tune")[: asked.clips]
    tasks = []
    with tarfile.open(next(asked.data.glob("*.tar"))) as tar:
        members = {Path(m.name).stem: m for m in tar}
        for name in wanted:
            tasks.append(soundfile.read(io.BytesIO(tar.extractfile(members[name]).read()), dtype="float32"))
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
        rows = pool.map(moves, tasks, chunksize=2)
    for name, limit in LIMITS.items():
        found = np.array([row[name] for row in rows])
        lost = int(np.isnan(found).sum())
        found = found[~np.isnan(found)]
        asked_for = f"rises by {limit}" if name.startswith("slowed") else f"moves less than {limit}"
        size = np.abs(found)
        print(
            f"{name:<24} mean {found.mean():+.3f}, mean size {size.mean():.3f}, 95 % {np.quantile(size, 0.95):.3f}"
            f" ({asked_for}); {lost} of {len(rows)} no music, before or after"
        )


if __name__ == "__main__":
    main()
