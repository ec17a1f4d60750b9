"""A song: from a mood to a folder of stems, a master and a verdict."""

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from melancholia.audio import Stem, Stems, check_rate
from melancholia.composition import LEARNED, beside_songs, check_composer, model_files, orchestrate
from melancholia.errors import InputError, in_list, in_range
from melancholia.files import ANY_FILE, write_text, writing_folder
from melancholia.hosting.rates import how
from melancholia.instruments import check as check_instrument
from melancholia.instruments import files as instrument_files
from melancholia.instruments import plugin as instrument_plugin
from melancholia.midi import ReadMidi, as_read, read_midi, save_midi
from melancholia.motif import Motif, load_motif
from melancholia.piece import Piece
from melancholia.previews import player
from melancholia.profile import Profile, mood_path, profile
from melancholia.racks import Rack
from melancholia.racks import rack as find_rack
from melancholia.recipe import SONG, Recipe, file_hash, hashes
from melancholia.recordings import Recording, recording
from melancholia.scoring import Score, rounded
from melancholia.setting import Setting
from melancholia.setting import setting as setting_named
from melancholia.streams import check_seed, draw_seed
from melancholia.takes import Attempt, Order, Progress, best_take
from melancholia.timeline import timeline

SECONDS = 90.0  # of a song whose length nobody says
PLAYS_GIVEN, LONGEST_GIVEN_S = ("song", "background"), 600.0
Intensity = float | str | Sequence[tuple[float, float]]


class Scratch:
    """A temporary folder that goes when nobody holds it any more.

    Pickled, it is handed over: it goes when whoever unpickles it lets go, and no longer with this one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="melancholia-")) / "song" if path is None else path
        self.path.mkdir(exist_ok=True)  # with the mode that folders have here: the one around it is its owner's alone
        self.end = weakref.finalize(self, shutil.rmtree, self.path.parent, ignore_errors=True)

    def __reduce__(self) -> tuple[type["Scratch"], tuple[Path]]:
        self.end.detach()
        return Scratch, (self.path,)

    def __copy__(self) -> "Scratch":
        return self

    def __deepcopy__(self, memo: object) -> "Scratch":
        return self


@dataclass(frozen=True, slots=True)
class Song:
    """A finished song. Its sound lies in `folder`; `save` gives it a lasting place.

    `attempts` are all that were made, in order, with what was heard of each; `score` is the verdict on the nearest one.
    """

    profile: Profile
    written: Piece
    played: Piece
    stems: tuple[tuple[str, str, str], ...]
    score: Score
    attempts: tuple[Attempt, ...]
    recipe: Recipe
    folder: Path
    scratch: "Scratch | None" = None

    @property
    def master(self) -> Recording:
        return self.recording("master.wav")

    @property
    def mix(self) -> Recording:
        return self.recording("mix.wav")

    @property
    def dry(self) -> Stems:
        return self.read_stems("dry")

    @property
    def wet(self) -> Stems:
        return self.read_stems("wet")

    def read_stems(self, kind: str) -> Stems:
        return Stems(
            {
                name: Stem(role, instrument, self.recording(f"stems/{kind}/{name}.wav"))
                for name, role, instrument in self.stems
            }
        )

    def recording(self, name: str) -> Recording:
        """A file of the song's folder, which stays as long as the recording is held."""
        return replace(recording(self.folder / name), keeps=self.scratch)

    def _repr_html_(self) -> str:
        """Its verdict and its master with a player, where a notebook shows the value."""
        from html import escape

        verdict = str(self.score).partition("\n")[0]
        asked = f"{self.profile.mood}, seed {self.recipe.seed}"
        return f"<p><b>{escape(asked)}</b>: {escape(verdict)}</p>{player(self.master, 'master')}"

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
    mood: str | Mapping[str, float] | Profile,
    *,
    intensity: Intensity = 0.7,
    seconds: float | None = None,
    seed: int | None = None,
    key: str | None = None,
    bpm: float | None = None,
    metre: str | None = None,
    instruments: Sequence[str] | None = None,
    rack: Rack | Path | str | None = None,
    theme: Motif | Path | str | None = None,
    notes: Piece | ReadMidi | Path | str | None = None,
    composer: str | Path = LEARNED,
    sections: Mapping[str, str] | None = None,
    setting: str = "song",
    hits: str | Sequence[float | str] | None = None,
    dialogue: str | Sequence[tuple[float, float]] | None = None,
    rate: int = 48_000,
    progress: Progress | None = None,
) -> Song:
    """Make a song and keep it in a scratch folder that goes with the value; `Song.save` keeps it for good.

    The song is listened to. Where it is not as sad as asked, or a cue that decides lies outside its band, it is
    mastered through another tone or composed anew, three times at most; the nearest attempt is the song.

    Parameters
    ----------
    mood : str, path, mapping or Profile
        One of `moods()`, the path of a mood file, what `profile_like` heard, or a blend: {"nostalgia": 0.6,
        "despair": 0.4}, as text "nostalgia:0.6,despair:0.4".
    intensity : float, or sequence of (share, intensity)
        0 (barely) to 1 (wholly); or a curve over the piece, as [(0, 0.2), (0.6, 1), (1, 0.4)].
    seconds : float, optional
        When the last note is released, 15 to 600, the tail comes after it; of a film and a loop, the files' length; 90
        when left out.
    seed : int, optional
        0 to 2**32 - 1; drawn, and kept in the recipe, when left out.
    key, bpm, metre : optional
        "A minor", quarters a minute (then the grid does not bend), "3/4"; drawn from the mood when left out.
    instruments : sequence of str, optional
        Who plays: names of `instruments.names()`, or "soundfont:/path.sf2#bank,program", or
        "vst3:NAME#STATE"
    rack : Rack, name or path, optional
        The effects; the mood's own when left out.
    theme : Motif or path, optional
        A tune of one's own, or a MIDI file that holds it: the piece states, develops and answers it.
    notes : Piece, ReadMidi or path, optional
        The whole song's notes, of at most 600 s, as a piece or a MIDI file (one's own, or a song's `score.mid` that was
        edited): nothing is composed. Parts without a player get those of the mood, see `orchestrate`. They say what
        `seconds`, `key`, `bpm`, `metre` and `theme` would.
    composer : str or path
        Who writes the notes: "learned", "planned", or a folder or file of models of one's own; see `compose`.
    sections : mapping, optional
        Another mood for a section, by its letter or name: {"B": "despair"}.
    setting : str
        "song", "film", "loop" or "background".
    hits : str or sequence, optional
        Of a film: seconds at which a phrase begins, as "12.5,31!,47.2"; at the one marked ! the climax does.
    dialogue : str or sequence of (start, end), optional
        Of a film: spans in seconds in which the master leaves room for speech, as "20-30,45-52".
    rate : int
        Sample rate of every file in Hz, 8 to 192 kHz.
    progress : callable, optional
        Called with a fraction 0..1 and what is being done; may raise `Cancelled`.

    Returns
    -------
    Song
        Its stems, mix and master as files, its notes, verdict, attempts and recipe. The same arguments and seed make
        the same bytes on the same machine.

    Raises
    ------
    InputError
        Something that was asked for is unknown or lies outside its range.
    MelancholiaError
        The disk refused.
    Cancelled
        `progress` raised it.
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
        rack=rack,
        theme=theme,
        notes=notes,
        composer=composer,
        sections=sections,
        setting=setting,
        hits=hits,
        dialogue=dialogue,
        rate=rate,
        progress=progress,
    )
    return replace(song, scratch=scratch)


def make_folder(
    folder: Path,
    mood: str | Mapping[str, float] | Profile,
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
    with writing_folder(folder, over=SONG if force else None) as part:
        yield part


def make_in(
    folder: Path,
    mood: str | Mapping[str, float] | Profile,
    *,
    intensity: Intensity = 0.7,
    seconds: float | None = None,
    seed: int | None = None,
    key: str | None = None,
    bpm: float | None = None,
    metre: str | None = None,
    instruments: Sequence[str] | None = None,
    rack: Rack | Path | str | None = None,
    theme: Motif | Path | str | None = None,
    notes: Piece | ReadMidi | Path | str | None = None,
    composer: str | Path = LEARNED,
    sections: Mapping[str, str] | None = None,
    setting: str = "song",
    hits: str | Sequence[float | str] | None = None,
    dialogue: str | Sequence[tuple[float, float]] | None = None,
    rate: int = 48_000,
    progress: Progress | None = None,
) -> Song:
    """Take after take, until one is as asked; the sound of the best lies in the (once empty) `folder`."""
    say = progress or (lambda fraction, what: None)
    plan = setting_named(setting, hits=hits, dialogue=dialogue)
    wanted = wanted_of(mood, intensity, sections, background=plan.name == "background")
    rack = find_rack(rack or wanted.rack)
    check_rate(rate)
    for name in in_list("instruments", instruments):
        check_instrument(name)
    number = draw_seed() if seed is None else check_seed(seed)
    decided = {"seconds": seconds, "key": key, "bpm": bpm, "metre": metre, "theme": theme}
    theirs = None if notes is None else given(notes, plan, {**decided, "composer": composer})
    piece = None if theirs is None else as_given(theirs.piece, wanted, number, instruments)
    players = tuple(instruments or ()) if piece is None else tuple({part.instrument: None for part in piece.parts})
    order = Order(
        wanted=wanted,
        rack=rack,
        setting=plan,
        seconds=piece.seconds if piece is not None else SECONDS if seconds is None else seconds,
        seed=number,
        key=key,
        bpm=bpm,
        metre=metre,
        instruments=tuple(instruments) if instruments else None,
        theme=load_motif(theme) if isinstance(theme, Path | str) else theme,
        composer=check_composer(composer),
        rate=rate,
        given=piece,
    )
    take, attempts = best_take(order, folder, say)
    say(0.98, "writing")
    return Song(
        profile=wanted,
        written=take.notes.written,
        played=take.notes.played,
        stems=tuple((name, stem.role, stem.instrument) for name, stem in take.sound.dry.items()),
        score=take.score,
        attempts=attempts,
        recipe=Recipe(
            mood=as_text(mood),
            intensity=wanted.curve or wanted.intensity,
            seconds=order.seconds,
            seed=order.seed,
            key=key,
            bpm=bpm,
            metre=metre,
            instruments=order.instruments,
            theme=tuple((n.start, n.duration, n.pitch) for n in order.theme.notes) if order.theme else None,
            composer=str(order.composer) if theirs is None else None,
            rate=rate,
            rack=rack.name,
            lufs=rack.lufs,
            ceiling_dbtp=rack.ceiling_dbtp,
            sections={name: as_text(other) for name, other in (sections or {}).items()},
            setting=plan.name,
            hits=plan.marked_hits,
            dialogue=plan.dialogue,
            notes=None if theirs is None else theirs.sha256,
            sources=sources(wanted, rack, players, composer if theirs is None else None),
            plugins=plugins(rack, players, rate),
        ),
        folder=folder,
    )


def given(notes: Piece | ReadMidi | Path | str, plan: Setting, decided: Mapping[str, object]) -> ReadMidi:
    """Notes that were given; refused beside what they decide, and in a setting that is composed for."""
    for name, value in decided.items():
        if value is not None and value != LEARNED:
            raise InputError(f"{name} and notes were both given; allowed: one of them, the notes have a {name}.")
    if plan.name not in PLAYS_GIVEN:
        raise InputError(f"setting is {plan.name!r}; allowed with notes: {' or '.join(PLAYS_GIVEN)}.")
    if isinstance(notes, Path | str):
        return read_midi(notes)
    return as_read(notes) if isinstance(notes, Piece) else notes


def as_given(piece: Piece, wanted: Profile, seed: int, instruments: Sequence[str] | None) -> Piece:
    """The piece by the players of the mood where it names none."""
    found = orchestrate(piece, wanted, seed=seed, instruments=instruments)
    in_range("length of the notes", found.seconds, 0, LONGEST_GIVEN_S, "s")
    for part in found.parts:
        check_instrument(part.instrument)
    return found


def wanted_of(
    mood: str | Mapping[str, float] | Profile,
    intensity: Intensity,
    sections: Mapping[str, str] | None,
    *,
    background: bool,
) -> Profile:
    """The profile asked for; one that is given as such brings its own intensity."""
    if not isinstance(mood, Profile):
        return profile(mood, intensity, sections=sections, background=background)
    if sections:
        raise InputError("sections have moods of their own where the mood is named; allowed: a mood, or no sections.")
    return mood.hushed() if background else mood


def as_text(mood: str | Mapping[str, float] | Profile) -> str:
    """A mood or blend as text that `profile` reads; of a profile, its name."""
    if isinstance(mood, Profile):
        return mood.mood
    return mood if isinstance(mood, str) else ",".join(f"{name}:{weight:.12g}" for name, weight in mood.items())


def plugins(rack: Rack, players: Sequence[str], rate: int) -> dict[str, dict[str, Any]]:
    """How each plugin of the user's runs, in the rack and as a player."""
    found = {one.where: how(one, rate) for slot in rack.slots if (one := slot.plugin) and not slot.bypass}
    return found | {name: how(one, rate) for name in players if (one := instrument_plugin(name)) is not None}


def sources(wanted: Profile, rack: Rack, players: Sequence[str], composer: str | Path | None) -> dict[str, str]:
    """Hashes of the files that shaped the sound."""
    moods = dict.fromkeys([*wanted.shares, *(name for shares in wanted.sections.values() for name in shares)])
    files = {f"moods/{Path(mood).stem}.toml": mood_path(mood) for mood in moods}
    files[f"chains/{rack.path.name}"] = rack.path
    files |= {f"impulses/{path.name}": path for path in rack.impulses}
    for path in rack.plugins:
        base = f"plugins/{path.name}"
        copies = sum(name == base or name.startswith(f"{base} ") for name in files)
        files[f"{base} {copies + 1}" if copies else base] = path
    files |= {f"models/{path.name}": path for path in (model_files(composer) if composer is not None else ())}
    for name in players:
        files |= {path.name: path for path in instrument_files(name)}
    return {name: file_hash(path) for name, path in files.items()}


def finish(song: Song, *, report: bool) -> Song:
    """Write everything that is not sound into the song's folder: notes, verdict, report, and last the recipe."""
    folder = song.folder
    save_midi(song.written, folder / "score.mid", force=True)
    save_midi(song.played, folder / "piece.mid", force=True)
    verdict = song.score.to_dict() | {
        "attempts": [one.to_dict() for one in song.attempts],
        "originality": beside_songs(song.written, song.recipe.composer or LEARNED).to_dict(),
        "sections": [
            {
                "name": name,
                "start": round(start, 2),
                "end": round(end, 2),
                "sadness": rounded(song.score.mean(start, end)),
            }
            for name, start, end in timeline(song.played).sections
        ],
    }
    write_text(folder / "score.json", json.dumps(verdict, indent=2) + "\n", over=ANY_FILE)
    if report:
        from melancholia.report import write_report

        write_report(
            folder,
            title=f"{song.profile.mood}, seed {song.recipe.seed}",
            score=verdict,
            stems=song.stems,
            facts=song.recipe.to_dict(),
        )
    recipe = replace(song.recipe, made=hashes(folder))
    write_text(folder / "recipe.json", recipe.to_json(), over=ANY_FILE)
    return replace(song, recipe=recipe)
