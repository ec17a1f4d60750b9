"""A song: every stage in order, from a mood to a folder of stems, a master and a verdict."""

import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from melancholia.analysis import warm
from melancholia.audio import Stem, Stems, check_rate
from melancholia.composition import compose
from melancholia.errors import InputError
from melancholia.files import Recording, data_folder, recording, write_text, writing_folder
from melancholia.instruments import check as check_instrument
from melancholia.instruments import render
from melancholia.instruments import tail_s as ring_s
from melancholia.mastering import master
from melancholia.midi import save_midi
from melancholia.performance import perform
from melancholia.piece import Piece
from melancholia.profile import Profile, profile
from melancholia.racks import apply, bus, mix, rack
from melancholia.racks import tail_s as rack_tail_s
from melancholia.recipe import Recipe, file_hash
from melancholia.scoring import Score, score
from melancholia.streams import check_seed, draw_seed

Progress = Callable[[float, str], None]
LONGEST_TAIL_S = 20.0  # from the last release to the end of every file


class Scratch:
    """A temporary folder that goes when nobody holds it any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="melancholia-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Song:
    """A finished song. Its sound lies in `folder`; `save` gives it a lasting place."""

    profile: Profile
    written: Piece
    played: Piece
    stems: tuple[tuple[str, str, str], ...]
    score: Score
    recipe: Recipe
    folder: Path
    scratch: "Scratch | None" = None

    @property
    def master(self) -> Recording:
        return recording(self.folder / "master.wav")

    @property
    def mix(self) -> Recording:
        return recording(self.folder / "mix.wav")

    @property
    def dry(self) -> Stems:
        return self.read_stems("dry")

    @property
    def wet(self) -> Stems:
        return self.read_stems("wet")

    def read_stems(self, kind: str) -> Stems:
        return Stems(
            {
                name: Stem(role, instrument, recording(self.folder / "stems" / kind / f"{name}.wav"))
                for name, role, instrument in self.stems
            }
        )

    def save(self, folder: Path | str, *, report: bool = True, force: bool = False) -> Path:
        """Write the song as a folder, whole or not at all, and return its path.

        Raises
        ------
        InputError
            Something stands there already; with `force`, something that is no song of ours.
        MelancholiaError
            The disk refused.
        """
        with song_folder(Path(folder), force=force) as part:
            shutil.copytree(self.folder, part, dirs_exist_ok=True)
            finish(replace(self, folder=part), report=report)
        return Path(folder)


def make(
    mood: str,
    *,
    intensity: float = 0.7,
    seconds: float = 90,
    seed: int | None = None,
    key: str | None = None,
    bpm: float | None = None,
    metre: str | None = None,
    instruments: Sequence[str] | None = None,
    rate: int = 48_000,
    progress: Progress | None = None,
) -> Song:
    """Make a song and keep it in a scratch folder that goes with the value; `Song.save` keeps it for good.

    Parameters
    ----------
    mood : str
        One of `moods()`.
    intensity : float
        0 (barely) to 1 (wholly).
    seconds : float
        When the last note is released, 15 to 600; the tail comes after it.
    seed : int, optional
        0 to 2**32 - 1; drawn, and kept in the recipe, when left out.
    key, bpm, metre : optional
        "A minor", quarters a minute (then the grid does not bend), "3/4"; drawn from the mood when left out.
    instruments : sequence of str, optional
        Who plays: names of `instruments.names()`, or "soundfont:/path.sf2#bank,program".
    rate : int
        Sample rate of every file in Hz, 8 to 192 kHz.
    progress : callable, optional
        Called with a fraction 0..1 and what is being done; may raise `Cancelled`.
    """
    scratch = Scratch()
    song = make_in(
        scratch.path,
        mood,
        intensity=intensity,
        seconds=seconds,
        seed=seed,
        key=key,
        bpm=bpm,
        metre=metre,
        instruments=instruments,
        rate=rate,
        progress=progress,
    )
    return replace(song, scratch=scratch)


def make_folder(
    folder: Path,
    mood: str,
    *,
    report: bool = True,
    force: bool = False,
    progress: Progress | None = None,
    **asked: object,
) -> Song:
    """`make` and `Song.save` in one, without a copy: the stems are written where they will stay."""
    with song_folder(folder, force=force) as part:
        song = finish(make_in(part, mood, progress=progress, **asked), report=report)  # type: ignore[arg-type]
    return replace(song, folder=folder)


@contextmanager
def song_folder(folder: Path, *, force: bool) -> Iterator[Path]:
    if folder.exists() and force and not (folder / "recipe.json").is_file():
        raise InputError(f"{folder} is no song of ours (it has no recipe.json); allowed: a new name.")
    with writing_folder(folder, replace=force) as part:
        yield part


def make_in(
    folder: Path,
    mood: str,
    *,
    intensity: float = 0.7,
    seconds: float = 90,
    seed: int | None = None,
    key: str | None = None,
    bpm: float | None = None,
    metre: str | None = None,
    instruments: Sequence[str] | None = None,
    rate: int = 48_000,
    progress: Progress | None = None,
) -> Song:
    """Every stage in order, its sound written into the (empty) `folder`."""
    say = progress or (lambda fraction, what: None)
    wanted = profile(mood, intensity)
    chain = rack(wanted.rack)
    check_rate(rate)
    seed = draw_seed() if seed is None else check_seed(seed)
    for name in instruments or ():
        check_instrument(name)
    listener = threading.Thread(target=warm, daemon=True)
    listener.start()
    say(0.0, "composing")
    written = compose(wanted, seconds=seconds, seed=seed, key=key, bpm=bpm, metre=metre, instruments=instruments)
    say(0.05, "performing")
    played = perform(written, wanted, seed=seed)
    dry_folder, wet_folder = folder / "stems" / "dry", folder / "stems" / "wet"
    dry_folder.mkdir(parents=True)
    wet_folder.mkdir(parents=True)
    ring = max(ring_s(part.instrument) for part in played.parts)
    tail = min(ring + rack_tail_s(chain, intensity=intensity, rate=rate), LONGEST_TAIL_S)
    dry = render(played, rate=rate, seed=seed, tail_s=tail, folder=dry_folder, progress=share(say, 0.08, 0.55))
    arc = tuple((float(played.tempo.seconds(at)), tension) for at, tension in played.arc)
    wet = apply(dry, rack=chain, profile=wanted, arc=arc, tail_s=0.0, folder=wet_folder, progress=share(say, 0.55, 0.8))
    say(0.8, "mixing")
    mixed = mix(wet, out=folder / "mix.wav")
    say(0.85, "mastering")
    bussed = bus(mixed, rack=chain, profile=wanted, arc=arc, out=folder / "bus.wav")
    mastered = master(bussed, lufs=chain.lufs, ceiling_dbtp=chain.ceiling_dbtp, out=folder / "master.wav", seed=seed)
    (folder / "bus.wav").unlink()
    say(0.92, "listening")
    listener.join()
    verdict = score(mastered, wanted)
    say(0.98, "writing")
    return Song(
        profile=wanted,
        written=written,
        played=played,
        stems=tuple((name, stem.role, stem.instrument) for name, stem in dry.items()),
        score=verdict,
        recipe=Recipe(
            mood=mood,
            intensity=intensity,
            seconds=seconds,
            seed=seed,
            key=key,
            bpm=bpm,
            metre=metre,
            instruments=tuple(instruments) if instruments else None,
            rate=rate,
            rack=chain.name,
            lufs=chain.lufs,
            ceiling_dbtp=chain.ceiling_dbtp,
            sources=sources(wanted, instruments or ()),
        ),
        folder=folder,
    )


def share(progress: Progress, low: float, high: float) -> Progress:
    """A progress of one stage, as its share of the whole."""
    return lambda fraction, what: progress(low + (high - low) * fraction, what)


def sources(wanted: Profile, players: Sequence[str]) -> dict[str, str]:
    """Hashes of the files that shaped the sound."""
    files = {
        f"moods/{wanted.mood}.toml": data_folder("assets") / "moods" / f"{wanted.mood}.toml",
        f"chains/{wanted.rack}.toml": data_folder("chains") / f"{wanted.rack}.toml",
    }
    for name in players:
        if name.startswith("soundfont:"):
            path = Path(name.removeprefix("soundfont:").rsplit("#", 1)[0])
            files[path.name] = path
    return {name: file_hash(path) for name, path in files.items()}


def finish(song: Song, *, report: bool) -> Song:
    """Write everything that is not sound into the song's folder: notes, verdict, report, and last the recipe."""
    folder = song.folder
    save_midi(song.written, folder / "score.mid")
    save_midi(song.played, folder / "piece.mid")
    verdict = song.score.to_dict()
    write_text(folder / "score.json", json.dumps(verdict, indent=2) + "\n")
    if report:
        from melancholia.report import write_report

        write_report(
            folder,
            title=f"{song.profile.mood}, seed {song.recipe.seed}",
            score=verdict,
            stems=[f"stems/wet/{name}.wav" for name, _, _ in song.stems],
            master="master.wav",
            facts=song.recipe.to_dict(),
        )
    made = {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "recipe.json"
    }
    recipe = replace(song.recipe, made=made)
    write_text(folder / "recipe.json", recipe.to_json())
    return replace(song, recipe=recipe)
