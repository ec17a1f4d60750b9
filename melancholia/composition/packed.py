"""Arrays and a card in one file: NumPy's npz, with a JSON inside that says what it is."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.errors import InputError
from melancholia.files import Kind, writing


def holds(path: Path, card: str) -> bool:
    """Whether a path is a file that has a card of this name."""
    try:
        with zipfile.ZipFile(path) as packed:
            return card in packed.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def pack(
    path: Path, card: str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[np.generic]], over: Kind | None
) -> None:
    """Write arrays and a card, atomically; what stands there is replaced where it is of the kind `over`."""
    with writing(path, over=over) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, values in arrays.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, values)
            packed.writestr(zipfile.ZipInfo(f"{name}.npy"), data.getvalue(), zipfile.ZIP_DEFLATED)
        packed.writestr(zipfile.ZipInfo(card), json.dumps(about, indent=1), zipfile.ZIP_DEFLATED)


def unpack(path: Path, card: str, what: str, maker: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The card and the arrays of a file; `what` it should be and its `maker` are named where it is none.

    Raises
    ------
    InputError
        There is no such file, or it has no such card.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; allowed: {what} that was made before.")
    try:
        with zipfile.ZipFile(path) as packed:
            about = json.loads(packed.read(card))
            arrays = {
                name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(packed.read(name)))
                for name in packed.namelist()
                if name.endswith(".npy")
            }
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise InputError(f"{path} is no {what.partition(' ')[2]}; allowed: what '{maker}' wrote.") from error
    return about, arrays
