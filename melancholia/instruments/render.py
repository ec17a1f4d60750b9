"""A piece as dry stems: each part by its instrument, two at a time, in memory or on disk."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from melancholia.audio import BLOCK_FRAMES, Audio, Source, Stem, Stems, check_rate
from melancholia.edits import parts_named
from melancholia.encoding import AUDIO, write_audio
from melancholia.errors import InputError, in_range
from melancholia.hosting.plugin import Plugin
from melancholia.instruments import soundfont, vst3
from melancholia.instruments.events import Events, events
from melancholia.orchestra import GUESSED, INSTRUMENTS, check_instrument, facts_of, is_foreign, short_name
from melancholia.parallel import in_threads
from melancholia.piece import Part, Piece
from melancholia.streams import check_seed

Play = Callable[[Events, int, int, int], NDArray[np.float32]]  # (notes and curves, rate, seed, frames): (2, frames)


def names() -> tuple[str, ...]:
    """The names of all own instruments."""
    return tuple(sorted(INSTRUMENTS))


def about(name: str) -> str:
    """One line about an instrument."""
    check(name)
    if name in INSTRUMENTS:
        return INSTRUMENTS[name].about
    return f"the {'SoundFont' if name.startswith(soundfont.PREFIX) else 'plugin'} {short_name(name)}"


def check(name: str) -> None:
    """Refuse a name that is no instrument, and a SoundFont or plugin that is none."""
    check_instrument(name)
    if is_foreign(name):
        of(name).parse(name)


def files(name: str) -> tuple[Path, ...]:
    """The user's files that an instrument is made of."""
    return of(name).files(name) if is_foreign(name) else ()


def plugin(name: str) -> Plugin | None:
    """The plugin of the user's that an instrument is, if it is one."""
    return vst3.parse(name) if is_foreign(name) and of(name) is vst3 else None


def warning(name: str) -> str:
    """What should be known of an instrument before it is trusted with work; nothing where all is well."""
    return vst3.warning(name) if plugin(name) is not None else ""


def of(name: str) -> ModuleType:
    """The module that plays instruments of the user's."""
    return soundfont if name.startswith(soundfont.PREFIX) else vst3


def tail_s(name: str) -> float:
    """Seconds that an instrument rings on after its last release, to -80 dB."""
    return INSTRUMENTS[name].tail_s if name in INSTRUMENTS else float(of(name).tail_s(name))


def player(part: Part) -> Play:
    """Who plays a part; notes outside the instrument's range are refused."""
    name = part.instrument or GUESSED
    check(name)
    if name not in INSTRUMENTS:
        foreign: Play = of(name).play_as(name)
        return foreign
    row = INSTRUMENTS[name]
    for note in part.notes:
        if not row.low <= note.pitch <= row.high:
            raise InputError(
                f"part {part.name!r} asks {name} for pitch {note.pitch}; allowed: {row.low} to {row.high}."
            )
    play: Play = import_module(f"melancholia.instruments.{name}").play
    return play


def stem_name(number: int, part: Part) -> str:
    """``01-melody-cello``; a SoundFont's path is no name, a plugin has that of its bundle."""
    name = part.instrument or GUESSED
    plain = "soundfont" if name.startswith(soundfont.PREFIX) else re.sub(r"[^\w-]+", "_", short_name(name))
    return f"{number:02d}-{part.role}-{plain}"


def render(
    piece: Piece,
    *,
    rate: int = 48_000,
    seed: int = 0,
    tail_s: float | None = None,
    folder: Path | str | None = None,
    force: bool = False,
    jobs: int = 2,
    only: str | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Stems:
    """Play a piece: one stereo stem a part, dry, all of one length.

    Parameters
    ----------
    piece : Piece
        Written or performed; each part names its instrument (felt piano where it names none).
    rate : int
        Sample rate in Hz, 8000 to 192000.
    seed : int
        Of everything that two takes would differ in.
    tail_s : float, optional
        Seconds after the last release, 0 to 60; what the slowest instrument needs when left out.
    folder : Path, optional
        Write each stem there at once as 32-bit float WAV, and keep only the file.
    force : bool
        Replace stems that lie there.
    jobs : int
        Stems that are played side by side; the samples do not depend on it.
    only : str, optional
        The part of that name, or the parts of that role, alone: the same stems, of the same names and length.
    progress : callable, optional
        Called with a fraction 0..1 and what is being done; may raise `Cancelled`.

    Returns
    -------
    Stems
        Named ``NN-role-instrument``, in the order of the parts; files in `folder` where that is given.

    Raises
    ------
    InputError
        An instrument is unknown or cannot play a pitch, or a SoundFont is none.
    """
    check_rate(rate)
    in_range("sample rate", rate, 8000, 192_000, "Hz")
    check_seed(seed)
    parts = [part for part in piece.parts if part.notes]
    if not parts:
        raise InputError("the piece holds no note; allowed: one or more.")
    wanted = parts if only is None else [part for part in parts_named(piece, only) if part.notes]
    chosen = [k for k, part in enumerate(parts) if any(part is one for one in wanted)]
    if not chosen:
        raise InputError(f"part {only!r} holds no note; allowed: a part that plays.")
    players = {k: player(parts[k]) for k in chosen}
    if tail_s is None:
        tail_s = max(tail_of(part) for part in parts)
    in_range("tail", tail_s, 0, 60, "s")
    frames = int(np.ceil((piece.seconds + tail_s) * rate))
    order = sorted(chosen, key=lambda k: -len(parts[k].notes))
    done: dict[int, Source] = {}

    def one(k: int) -> None:
        samples = players[k](events(parts[k], piece), rate, seed, frames)
        samples *= np.float32(10 ** (facts_of(parts[k].instrument or GUESSED).gain_db / 20))
        fade = min(frames, rate // 20)
        samples[:, frames - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        sound = Audio(samples, rate)
        if folder is None:
            done[k] = sound
        else:
            path = Path(folder) / f"{stem_name(k + 1, parts[k])}.wav"
            done[k] = write_audio(
                path, sound.blocks(BLOCK_FRAMES), rate=rate, channels=2, frames=frames, over=AUDIO if force else None
            )
        if progress is not None:
            progress(len(done) / len(chosen), f"playing {parts[k].instrument or GUESSED}")

    with threadpool_limits(1):
        in_threads(one, order, jobs=jobs)
    return Stems(
        {stem_name(k + 1, parts[k]): Stem(parts[k].role, parts[k].instrument or GUESSED, done[k]) for k in chosen}
    )


def tail_of(part: Part) -> float:
    return tail_s(part.instrument or GUESSED)
