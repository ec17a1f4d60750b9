"""Files as a batch meets them at their worst: cut, flipped, misnamed, empty, lying about their length, full of NaN.

`make test` sends sixty through the command, `make soak` five hundred. Each becomes a whole output or one row that says
why not; whoever is well among them comes out as ever.
"""

import io
import json
import struct
from pathlib import Path

import numpy as np
import soundfile

from tests.batch.works import settle
from tests.children import CLI, Children

RATE = 44_100
GOOD = "good"


def coded(sound, kind, subtype=None):
    soundfile.write(file := io.BytesIO(), sound, RATE, format=kind, subtype=subtype)
    return file.getvalue()


def wave_ext(sound, mask, valid_bits, claim=None):
    """24 valid bits in 32, or all 32, under any mask, with any length claimed."""
    body = (sound * 2**31).astype("<i4").tobytes()
    channels, size = sound.shape[1], len(body) if claim is None else claim
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, channels, RATE, RATE * channels * 4, channels * 4, 32, 22, valid_bits, mask)
    return struct.pack("<4sI8sI", b"RIFF", min(2**32 - 1, 60 + size), b"WAVEfmt ", 40) + fmt + guid + struct.pack(
        "<4sI", b"data", size
    ) + body  # fmt: skip


def harmed(rng: np.random.Generator, sound) -> tuple[str, bytes]:
    """A file's suffix and what is in it."""
    kinds = [("wav", "WAV", "PCM_16"), ("wav", "WAV", "FLOAT"), ("wav", "WAV", "ULAW"), ("wav", "RF64", "PCM_24"),
             ("flac", "FLAC", "PCM_24"), ("ogg", "OGG", "VORBIS"), ("mp3", "MP3", None), ("aiff", "AIFF", "PCM_24"),
             ("caf", "CAF", "PCM_24"), ("au", "AU", "ULAW")]  # fmt: skip
    suffix, kind, subtype = kinds[int(rng.integers(len(kinds)))]
    data = coded(sound, kind, subtype)
    harm = int(rng.integers(8))
    if harm == 0:  # cut
        return suffix, data[: int(rng.integers(0, len(data)))]
    if harm in (1, 2):  # flipped, anywhere or in the head
        array = np.frombuffer(data, "u1").copy()
        at = rng.integers(0, len(array) if harm == 1 else min(120, len(array)), int(rng.integers(1, 20)))
        np.bitwise_xor.at(array, at, np.uint8(1) << rng.integers(0, 8, len(at), dtype="u1"))
        return suffix, array.tobytes()
    if harm == 3:  # named for another
        return kinds[int(rng.integers(len(kinds)))][0], data
    if harm == 4:
        return suffix, [b"", bytes(5000), rng.bytes(5000), b"The quick brown fox\n" * 99][int(rng.integers(4))]
    if harm == 5:  # numbers that are none
        bad = sound.copy()
        bad[int(rng.integers(len(bad)))] = [np.nan, np.inf, 1e30, -1e-40][int(rng.integers(4))]
        return "wav", coded(bad, "WAV", "FLOAT")
    if harm == 6:
        return "wav", wave_ext(sound, int(rng.choice([0, 3, 0x3F, 0x40001, 0xFFFFFFFF])), int(rng.choice([24, 32, 13])))
    return "wav", wave_ext(sound, 3, 32, int(rng.choice([0, 1, 2**31, 2**32 - 1])))


def written(folder: Path, count: int, seed: int) -> Path:
    """`count` of them beside three good files."""
    rng = np.random.default_rng(seed)
    (folder / GOOD).mkdir(parents=True)
    tone = 0.2 * np.sin(np.arange(RATE) / 30)[:, None] + rng.normal(0, 1e-3, (RATE, 2))
    for k in range(3):
        soundfile.write(folder / GOOD / f"{k}.wav", tone, RATE, subtype="PCM_24")
    for k in range(count):
        suffix, data = harmed(rng, tone.astype("float32"))
        (folder / f"{k:04d}.{suffix}").write_bytes(data)
    for path in folder.rglob("*.*"):
        settle(path)
    return folder


def wrongs(children: Children, home: Path, count: int, seed: int) -> list[str]:
    """All that is wrong after a batch went over them."""
    source, out = written(home / "in", count, seed), home / "out"
    done = children.run(*CLI, "batch", source, "--rack", "longing", "-o", out, "--jobs", 2, timeout=110 + count)
    wrong = [f"exit {done.returncode}"] if done.returncode != 1 else []
    wrong += ["a traceback"] if "Traceback" in done.stderr + done.stdout else []
    rows = {row["input"]: row for row in map(json.loads, (out / "manifest.jsonl").read_text().splitlines())}
    for path in sorted(source.rglob("*.*")):
        row = rows.pop(str(path), None)
        if row is None:
            wrong.append(f"{path.name} has no row")
        elif row["status"] == "failed":
            if (
                path.parent.name == GOOD
                or not row["error"]
                or "\n" in row["error"]
                or "a fault of ours" in row["error"]
            ):
                wrong.append(f"{path.name}: {row['error']}")
            if list((out / path.relative_to(source).parent).glob(f"{path.stem}.*")):
                wrong.append(f"{path.name} failed and left an output")
        else:
            sound, _ = soundfile.read(out / row["output"], always_2d=True)
            if not len(sound) or not np.isfinite(sound).all() or sound.shape[1] != soundfile.info(path).channels:
                wrong.append(f"{path.name}: {sound.shape} came out")
    wrong += [f"a row for {name}" for name in rows]
    return wrong + [f"left {path}" for path in out.rglob("*.part")]
