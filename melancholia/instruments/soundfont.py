"""A user's SoundFont as an instrument: ``soundfont:/path/font.sf2#bank,program``, by the fluidsynth library."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.errors import InputError, MelancholiaError
from melancholia.instruments.events import Events

PREFIX = "soundfont:"
TAIL_S = 6.0
GAIN = 0.5
BLOCK = 64


def parse(name: str) -> tuple[Path, int, int]:
    """Path, bank and program of a name; refuses what is no SoundFont."""
    path_text, _, place = name.removeprefix(PREFIX).partition("#")
    path = Path(path_text)
    numbers = (place or "0,0").split(",")
    if len(numbers) != 2 or not all(n.strip().isdigit() for n in numbers):
        raise InputError(f"instrument {name!r} names no bank and program; allowed: {PREFIX}/path.sf2#bank,program.")
    bank, program = (int(n) for n in numbers)
    if bank > 16_383 or program > 127:
        raise InputError(f"instrument {name!r}: bank {bank}, program {program}; allowed: 0 to 16383 and 0 to 127.")
    if not path.is_file():
        raise InputError(f"{path} does not exist; allowed: a SoundFont file.")
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"sfbk":
        raise InputError(f"{path} is no SoundFont (no RIFF sfbk header); allowed: an .sf2 file.")
    return path, bank, program


def files(name: str) -> tuple[Path, ...]:
    return (parse(name)[0],)


def tail_s(name: str) -> float:
    return TAIL_S


def library() -> Any:
    try:
        import fluidsynth
    except (ImportError, OSError) as error:
        raise MelancholiaError(
            "SoundFonts need the extra 'soundfont' (pip install 'melancholia[soundfont]') and the fluidsynth library."
        ) from error
    return fluidsynth


@contextmanager
def silent_stderr() -> Iterator[None]:
    """The C library talks on stderr; nobody shall hear it."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def play_as(name: str) -> Any:
    """The player of a SoundFont's name, for the table's signature."""

    def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
        return rendered(played, rate, frames, *parse(name))

    return play


def rendered(played: Events, rate: int, frames: int, path: Path, bank: int, program: int) -> NDArray[np.float32]:
    """The stem (2, frames): events at the nearest sample, reverb and chorus off, float all the way."""
    fluidsynth = library()
    with silent_stderr():
        synth = fluidsynth.Synth(gain=GAIN, samplerate=float(rate))
        synth.setting("synth.reverb.active", 0)
        synth.setting("synth.chorus.active", 0)
        font = synth.sfload(str(path))
        if font < 0:
            raise InputError(f"{path} cannot be loaded as a SoundFont.")
        if synth.program_select(0, font, bank, program) < 0:
            raise InputError(f"{path} has no bank {bank}, program {program}.")
    changes: list[tuple[int, int, int, int]] = []
    for onset, release, pitch, velocity in zip(
        played.onset_s, played.release_s, played.pitch, played.velocity, strict=True
    ):
        changes.append((round(onset * rate), 1, int(pitch), int(velocity)))
        changes.append((max(round(release * rate), round(onset * rate) + 1), 0, int(pitch), 0))
    for curve, controller in (("pedal", 64), ("expression", 11)):
        if curve in played.curves:
            times, value = played.curves[curve]
            changes += [(round(t * rate), 2, controller, int(v)) for t, v in zip(times, value, strict=True)]
    out = np.zeros((2, frames), np.float32)
    write = synth_writer(fluidsynth, synth)
    now = 0
    for at, kind, number, amount in sorted(changes):
        now = advance(write, out, now, min(at, frames))
        if kind == 1:
            synth.noteon(0, number, amount)
        elif kind == 0:
            synth.noteoff(0, number)
        else:
            synth.cc(0, number, amount)
    advance(write, out, now, frames)
    synth.delete()
    fade = min(frames, int(0.25 * rate))
    out[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return out


def advance(write: Any, out: NDArray[np.float32], now: int, until: int) -> int:
    while now < until:
        count = min(until - now, 65_536)
        write(count, out[0, now : now + count], out[1, now : now + count])
        now += count
    return max(now, until)


def synth_writer(fluidsynth: Any, synth: Any) -> Any:
    """`fluid_synth_write_float`: pyfluidsynth's own `get_samples` rounds to 16 bits."""
    function = fluidsynth._fl.fluid_synth_write_float
    pointer = ctypes.c_void_p
    integer = ctypes.c_int
    function.argtypes = [pointer, integer, pointer, integer, integer, pointer, integer, integer]

    def write(count: int, left: NDArray[np.float32], right: NDArray[np.float32]) -> None:
        function(synth.synth, count, left.ctypes.data, 0, 1, right.ctypes.data, 0, 1)

    return write
