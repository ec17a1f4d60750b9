"""What was found of a file: a value for whoever decodes it; and the judgement of a promised length."""

from dataclasses import dataclass
from typing import Literal

Order = Literal["little", "big"]
Span = tuple[int, int]  # of the file's bytes, from start to end
View = tuple[bytes | Span, ...]  # bytes of ours and spans of the file, one behind the other

SLIP_BYTES = 1024  # headers that count themselves in, or a frame too many; who lost more lost sound
UNFINISHED_BYTES = 2**16  # how near to 2**31 and 2**32 the sizes lie that writers put in for "not known yet"


class CutOff(ValueError):
    """The file promises more sound than it holds; the message says how much, without the file's name."""


class Mixed(ValueError):
    """The file holds recordings that cannot be read as one; the message says which, without the file's name."""


@dataclass(frozen=True, slots=True)
class Found:
    """`views` are what the decoder shall see, one after the other; none: the file as it is.

    `notes` are to be told to whoever brought the file, a line each. `count`: the decoder's own count of frames is a
    guess, and only reading to the end tells it. `mask` are the speakers that its channels are for (see `channels`); 0
    where it does not say. `foreign`: libsndfile does not know it, PyAV does.
    """

    views: tuple[View, ...] = ()
    notes: tuple[str, ...] = ()
    count: bool = False
    mask: int = 0
    foreign: bool = False


AS_IT_IS = Found()


def judged(claimed: int, held: int, size: int, field: Span, order: Order, *, extra: int = 0) -> Found:
    """A size field against what is there.

    Parameters
    ----------
    claimed, held : int
        Bytes of sound that the header promises, and that lie between its start and the end of the file.
    size : int
        Bytes of the file.
    field : (start, end)
        Where the size stands, so that it can be put right.
    order : "little" or "big"
        Of the field's bytes.
    extra : int
        What the field counts besides the sound, in bytes.

    Raises
    ------
    CutOff
        More than a slip is missing.
    """
    if 0 < claimed <= held:
        return AS_IT_IS
    width = field[1] - field[0]
    right = min(held + extra, 2 ** (8 * width) - 1).to_bytes(width, order)
    view: View = ((0, field[0]), right, (field[1], size))
    if claimed <= 0 or claimed == 2 ** (8 * width) - 1 or never_finished(claimed):
        return Found((view,), ("its header was never finished: read to the end of the file",)) if held else AS_IT_IS
    missing = claimed - held
    if missing > SLIP_BYTES:
        raise CutOff(f"{missing} bytes of its sound are missing")
    return Found((view,), (f"its header promises {missing} bytes more than there are: read to the end of the file",))


def never_finished(claimed: int) -> bool:
    """Whether a size is one of those that writers put in before they know: near 2**31, near 2**32, or beyond sense."""
    return abs(claimed - 2**31) <= UNFINISHED_BYTES or abs(claimed - 2**32) <= UNFINISHED_BYTES or claimed >= 2**60
