"""The tunes that a composer learned from, as figures: so that what it writes can be compared with them."""

import datetime
from collections.abc import Sequence

import numpy as np

from melancholia.composition.coding import TUNE
from melancholia.composition.originality import FIGURE, PITCHES, Figures, Tunes, figures_of, keys_of
from melancholia.training.model import fingerprint, learned_from
from melancholia.training.works import Work


def tunes(works: Sequence[Work], *, today: datetime.date | None = None) -> Tunes:
    """The figures of the works that melodies are learned from.

    Raises
    ------
    InputError
        Nothing in the corpus sings.
    """
    sung = learned_from(works, TUNE)
    composers = {name: k for k, name in enumerate(sorted({work.composer for work in sung}))}
    return Tunes(
        tuple(work.name for work in sung),
        collected(sung, composers, FIGURE, rhythm=True),
        collected(sung, composers, PITCHES, rhythm=False),
        {
            "works": len(sung), "composers": len(composers), "corpus": fingerprint(sung),
            "date": str(today or datetime.date.today()),
        },
    )  # fmt: skip


def collected(works: Sequence[Work], composers: dict[str, int], size: int, *, rhythm: bool) -> Figures:
    found = [keys_of(work.melody.notes[:, 2], work.melody.notes[:, 0], size, rhythm=rhythm) for work in works]
    counts = [len(keys) for keys in found]
    return figures_of(
        np.concatenate([np.zeros(0, np.uint32), *found]),
        np.repeat(np.arange(len(works), dtype=np.uint16), counts),
        np.repeat(np.array([composers[work.composer] for work in works], np.int64), counts),
    )
