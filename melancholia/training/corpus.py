"""A corpus: the works of folders, of zip files and of files, with what was refused and why; kept as one file.

Read in processes side by side; the order, and all that follows from it, is that of the names.
"""

import json
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.packed import holds
from melancholia.errors import InputError, MelancholiaError, one_line
from melancholia.files import Kind, writing
from melancholia.midi import SUFFIXES as MIDI_SUFFIXES
from melancholia.midi import parse_midi
from melancholia.parallel import in_processes
from melancholia.training.musicxml import needs_lxml, read_scores
from melancholia.training.works import PLAYERS, Work, work_of_piece, work_of_score

SCORE_SUFFIXES = (".musicxml", ".mxl", ".xml")
SCHEMA = 1
MEMBER = "melancholia-corpus.json"  # inside the file: what is no array
ARRAYS = ("bars", "keys", "homes", "tempos")


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read: its name in the corpus, the file or archive that holds it, and its name in there."""

    name: str
    path: Path
    member: str = ""

    @property
    def folder(self) -> str:
        """The first folder of its name: whose it is, where the file does not say."""
        parts = PurePosixPath(self.name).parts
        return parts[0].replace("_", " ") if len(parts) > 1 else ""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was not taken, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Works in order of their names, and what was refused."""

    works: tuple[Work, ...]
    refused: tuple[Refused, ...] = ()


def sources(paths: Sequence[Path]) -> list[Source]:
    """The scores and MIDI files in folders (whatever lies in them), zip files, and files; in order of their names.

    Raises
    ------
    InputError
        A path is none of these, or nothing of the kind is in any of them.
    """
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if is_music(p.name) and p.is_file())
            found += [Source(p.relative_to(path).as_posix(), p) for p in files]
        elif not path.is_file():
            raise InputError(f"{path} does not exist; allowed: a folder, a zip file, a score or a MIDI file.")
        elif path.suffix.lower() == ".zip":
            try:
                with zipfile.ZipFile(path) as packed:
                    names = sorted(name for name in packed.namelist() if is_music(name))
            except zipfile.BadZipFile as error:
                raise InputError(f"{path} is a damaged zip file: {error}.") from error
            shared = shared_folder(names)
            found += [Source(name.removeprefix(shared), path, name) for name in names]
        elif is_music(path.name):
            found.append(Source(path.name, path))
        else:
            kinds = ", ".join((*SCORE_SUFFIXES, *MIDI_SUFFIXES))
            raise InputError(f"{path} is no score; allowed: a folder, a zip file, or a file in {kinds}.")
    if not found:
        raise InputError(f"{', '.join(map(str, paths))}: no score and no MIDI file; allowed: one or more.")
    return found


def is_music(name: str) -> bool:
    return name.lower().endswith((*SCORE_SUFFIXES, *MIDI_SUFFIXES)) and not PurePosixPath(name).name.startswith(".")


def shared_folder(names: Sequence[str]) -> str:
    """The folders that all names begin with, with a slash at the end."""
    parts = [PurePosixPath(name).parts[:-1] for name in names]
    shared = 0
    while parts and all(len(p) > shared and p[shared] == parts[0][shared] for p in parts):
        shared += 1
    return "".join(f"{part}/" for part in parts[0][:shared]) if parts else ""


def read_corpus(
    paths: Sequence[Path], *, jobs: int = 1, progress: Callable[[float, str], None] | None = None
) -> Corpus:
    """Read everything there is.

    Parameters
    ----------
    paths : sequence of path
        Folders, zip files, scores (MusicXML, plain or compressed), MIDI files.
    jobs : int
        How many processes read side by side.
    progress : callable, optional
        Called with a share 0..1 and a name.

    Raises
    ------
    InputError
        There is nothing to read.
    MelancholiaError
        There are scores, and lxml is missing.
    """
    listed = sources(paths)
    if any(not source.name.lower().endswith(MIDI_SUFFIXES) for source in listed):
        needs_lxml()
    groups = [listed[k : k + 8] for k in range(0, len(listed), 8)]  # an archive is opened once for each
    works: list[Work] = []
    refused: list[Refused] = []
    if jobs > 1 and len(groups) > 1:
        results = in_processes(read_group, groups, jobs=jobs)
    else:
        results = (read_group(group) for group in groups)
    with closing(results):
        for k, (good, bad) in enumerate(results, 1):
            works += good
            refused += bad
            if progress is not None:
                progress(k / len(groups), groups[k - 1][-1].name)
    return Corpus(tuple(works), tuple(refused))


def read_group(group: Sequence[Source]) -> tuple[list[Work], list[Refused]]:
    works: list[Work] = []
    refused: list[Refused] = []
    with ExitStack() as stack:
        archives: dict[Path, zipfile.ZipFile] = {}
        for source in group:
            try:
                if source.member:
                    if source.path not in archives:
                        archives[source.path] = stack.enter_context(zipfile.ZipFile(source.path))
                    data = archives[source.path].read(source.member)
                else:
                    data = source.path.read_bytes()
                made = read_source(source, data)
            except MelancholiaError as error:
                refused.append(Refused(source.name, one_line(error)))
                continue
            except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
                refused.append(Refused(source.name, f"cannot be read: {one_line(error) or type(error).__name__}."))
                continue
            for name, work in made.items():
                try:
                    works.append(work())
                except InputError as error:
                    refused.append(Refused(name, one_line(error)))
    return works, refused


def read_source(source: Source, data: bytes) -> dict[str, Callable[[], Work]]:
    """What makes each work of a file, by its name: one fails without the others."""
    if source.name.lower().endswith(MIDI_SUFFIXES):
        piece = parse_midi(data, source.name).piece
        return {source.name: partial(work_of_piece, piece, source.name, source.folder)}
    scores = read_scores(data)
    names = [source.name] if len(scores) == 1 else [f"{source.name}#{k}" for k in range(1, len(scores) + 1)]
    return {name: partial(work_of_score, score, name, source.folder) for score, name in zip(scores, names, strict=True)}


# One file


def is_corpus(path: Path) -> bool:
    """Whether a path is a file that `save_corpus` wrote."""
    return holds(path, MEMBER)


CORPUS = Kind("a corpus", is_corpus)


def save_corpus(corpus: Corpus, path: Path, *, force: bool = False) -> None:
    """Write a corpus as one file (NumPy's npz with a JSON inside), atomically."""
    said = {
        "schema": SCHEMA,
        "works": [
            {"name": w.name, "composer": w.composer, "words": w.words, "lines": {n: len(r) for n, r in w.lines.items()}}
            for w in corpus.works
        ],
        "refused": [{"name": r.name, "why": r.why} for r in corpus.refused],
    }
    arrays: dict[str, NDArray[np.generic]] = {
        "notes": joined([rows for w in corpus.works for rows in w.lines.values()], 3).astype(np.int32),
        "sizes": np.array([[len(getattr(w, name)) for name in ARRAYS] for w in corpus.works], np.int32),
    }
    for name in ARRAYS:
        rows = joined([getattr(w, name) for w in corpus.works], 5 if name == "bars" else 2)
        arrays[name] = rows if name == "tempos" else rows.astype(np.int32)
    with writing(path, over=CORPUS if force else None) as part:
        with part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(zipfile.ZipInfo(MEMBER), json.dumps(said))


def joined(rows: Sequence[NDArray[np.generic]], columns: int) -> NDArray[np.float64]:
    return np.concatenate([np.zeros((0, columns)), *rows])


def load_corpus(path: Path) -> Corpus:
    """A corpus that `save_corpus` wrote.

    Raises
    ------
    InputError
        There is no such file, or it is none.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; allowed: a corpus that was read before.")
    if not is_corpus(path):
        raise InputError(f"{path} is no corpus; allowed: what 'melancholia learn corpus' wrote.")
    try:
        with zipfile.ZipFile(path) as packed:
            said = json.loads(packed.read(MEMBER))
        if said.get("schema") != SCHEMA:
            raise InputError(f"{path} is a corpus of schema {said.get('schema')}; allowed: {SCHEMA}; read it anew.")
        with np.load(path, allow_pickle=False) as arrays:
            whole = {name: np.asarray(arrays[name]) for name in ("notes", "sizes", *ARRAYS)}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise InputError(f"{path} is a damaged corpus: {one_line(error)}.") from error
    works = []
    at = dict.fromkeys(("notes", *ARRAYS), 0)

    def take(name: str, count: int) -> NDArray[np.generic]:
        at[name] += count
        return whole[name][at[name] - count : at[name]]

    for row, sizes in zip(said["works"], whole["sizes"].tolist(), strict=True):
        lines = {who: take("notes", count).astype(np.int64) for who, count in row["lines"].items() if who in PLAYERS}
        bars, keys, homes, tempos = (take(name, size) for name, size in zip(ARRAYS, sizes, strict=True))
        works.append(
            Work(
                row["name"], row["composer"], row["words"], lines, bars.astype(np.int64), keys.astype(np.int64),
                homes.astype(np.int64), tempos.astype(np.float64),
            )
        )  # fmt: skip
    return Corpus(tuple(works), tuple(Refused(r["name"], r["why"]) for r in said["refused"]))
