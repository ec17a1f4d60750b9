"""Who composes: the planned composer, by tables and rules, or a learned one, whose models are read from files."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from melancholia.composition.coding import BESIDE, TUNE, Layout
from melancholia.composition.decoder import Decoder, load_decoder
from melancholia.composition.figurations import Bank, load_bank
from melancholia.composition.originality import Originality, Tunes, load_tunes, of_piece
from melancholia.errors import InputError, unknown
from melancholia.files import data_folder
from melancholia.piece import Piece

LEARNED, PLANNED = COMPOSERS = ("learned", "planned")
MODELS = data_folder("assets") / "models"
MELODY, LINES, FIGURATIONS, TUNES = FILES = ("melody.npz", "lines.npz", "figurations.npz", "tunes.npz")


@dataclass(frozen=True, slots=True, eq=False)
class Composer:
    """What a learned composer has: a model of tunes, one of the lines beside them, a bank of figurations, and what is
    known of the tunes that the first one learned from."""

    tunes: Decoder
    lines: Decoder
    bank: Bank
    known: Tunes


def check_composer(composer: str | Path) -> str | Path:
    """`composer` itself, refused where nobody knows it."""
    composer_of(composer)
    return composer


def composer_of(composer: str | Path) -> Composer | None:
    """The composer of a name, None for the planned one; of a file, which holds a model of tunes; of a folder.

    A folder holds `FILES`, as ``melancholia learn`` writes them; what it lacks is ours.

    Raises
    ------
    InputError
        There is no such composer, or no model in that file.
    """
    files = model_files(composer)
    if not files:
        return None
    if files == tuple(MODELS / name for name in FILES):
        return shipped()
    return composed_of(*files)


def model_files(composer: str | Path) -> tuple[Path, ...]:
    """The files that a composer's models are read from, in the order of `FILES`; none of the planned one.

    Raises
    ------
    InputError
        There is no such composer.
    """
    ours = tuple(MODELS / name for name in FILES)
    if isinstance(composer, str) and composer in COMPOSERS:
        return () if composer == PLANNED else ours
    place = Path(composer)
    if place.is_dir():
        own = tuple(place / name if (place / name).exists() else MODELS / name for name in FILES)
        if own == ours:
            raise InputError(f"{place} holds no model; allowed: a folder with {', '.join(FILES[:-1])} or {FILES[-1]}.")
        return own
    if isinstance(composer, Path) or composer.endswith(".npz"):
        return place, *ours[1:]
    raise unknown("composer", composer, [*COMPOSERS, "a model's file (.npz)", "a folder of models"])


def decoder(path: Path, layout: Layout) -> Decoder:
    """The model in a file, of this kind.

    Raises
    ------
    InputError
        It is none, or one of another kind.
    """
    found = load_decoder(path)
    if found.layout is not layout:
        raise InputError(f"{path} is a model of {found.layout.name}; allowed: one of {layout.name}.")
    return found


@cache
def shipped() -> Composer:
    return composed_of(*(MODELS / name for name in FILES))


def composed_of(melody: Path, lines: Path, bank: Path, known: Path) -> Composer:
    return Composer(decoder(melody, TUNE), decoder(lines, BESIDE), load_bank(bank), load_tunes(known))


def beside_songs(piece: Piece, composer: str | Path) -> Originality:
    """The melody of a piece beside the songs that its composer learned from; of the planned one, beside ours."""
    found = composer_of(composer)
    return of_piece(piece, songs() if found is None else found.known)


@cache
def songs() -> Tunes:
    """What is known of the songs that ours learned from: the planned composer is compared with them, too."""
    return load_tunes(MODELS / TUNES)
