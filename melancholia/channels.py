"""Channels by their place: which speaker each is, what it weighs in loudness, who stands side by side, Vorbis' order.

A mask says which speakers there are, a bit each, lowest first, as WAVEFORMATEXTENSIBLE has it: that order is ours.
Vorbis and Opus have one of their own from three channels on (Vorbis I, 4.3.9; RFC 7845, 5.1.1.2).
"""

from melancholia.audio import Source

FRONT_LEFT, FRONT_RIGHT, CENTRE, LFE, BACK_LEFT, BACK_RIGHT, LEFT_OF_CENTRE, RIGHT_OF_CENTRE = (
    1 << k for k in range(8)
)
BACK_CENTRE, SIDE_LEFT, SIDE_RIGHT = (1 << k for k in range(8, 11))
PAIRS = (
    (FRONT_LEFT, FRONT_RIGHT),
    (LEFT_OF_CENTRE, RIGHT_OF_CENTRE),
    (BACK_LEFT, BACK_RIGHT),
    (SIDE_LEFT, SIDE_RIGHT),
)
USUAL = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}  # where a file does not say
MOST = max(USUAL)
AT_THE_SIDE = 1.41  # BS.1770-5, table of positions: 60 to 120 degrees; the LFE counts nothing
# for each place of WAV, which channel of Vorbis stands there
VORBIS = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}


def mask_of(sound: Source) -> int:
    """The speakers of a sound, as its file says, or as so many channels usually are; 0 where nobody knows."""
    mask = int(getattr(sound, "mask", 0))
    return mask if mask.bit_count() == sound.channels else USUAL.get(sound.channels, 0)


def speakers(mask: int) -> tuple[int, ...]:
    """The bits of a mask in the order of the channels."""
    return tuple(1 << k for k in range(32) if mask >> k & 1)


def weights(mask: int) -> tuple[float, ...]:
    """What each channel weighs in loudness. The back pair stands at the side where no other does."""
    sides = (SIDE_LEFT, SIDE_RIGHT) if mask & SIDE_LEFT else (BACK_LEFT, BACK_RIGHT)
    return tuple(0.0 if bit == LFE else AT_THE_SIDE if bit in sides else 1.0 for bit in speakers(mask))


def groups(mask: int) -> tuple[tuple[int, ...], ...]:
    """Which channels stand side by side, by their numbers: pairs, and single ones; the LFE is in none."""
    there = [bit for bit in speakers(mask) if bit != LFE]
    paired = [pair for pair in PAIRS if pair[0] in there and pair[1] in there]
    alone = [(bit,) for bit in there if not any(bit in pair for pair in paired)]
    number = {bit: k for k, bit in enumerate(speakers(mask))}
    return tuple(tuple(number[bit] for bit in group) for group in (*paired, *alone))


def lfe(mask: int) -> int | None:
    """The number of the LFE's channel."""
    return speakers(mask).index(LFE) if mask & LFE else None


def from_vorbis(channels: int) -> tuple[int, ...]:
    """Which channel of a Vorbis or Opus stream stands at each place of WAV; empty where the orders agree."""
    return VORBIS.get(channels, ())


def to_vorbis(channels: int) -> tuple[int, ...]:
    """The way back: which place of WAV each channel of a Vorbis or Opus stream takes."""
    order = from_vorbis(channels)
    return tuple(order.index(place) for place in range(len(order)))
