"""The tunes that a composer learned from, as figures: so that what it writes can be compared with them."""

import datetime
from collections.abc import Sequence

from melancholia.composition.coding import TUNE
from melancholia.composition.originality import Tunes, tunes_of
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
    composers = [work.composer for work in sung]
    about = {
        "works": len(sung), "composers": len(set(composers)), "corpus": fingerprint(sung),
        "date": str(today or datetime.date.today()),
    }  # fmt: skip
    lines = [(work.melody.notes[:, 2], work.melody.notes[:, 0]) for work in sung]
    return tunes_of(lines, [work.name for work in sung], composers, about)
