"""The tonal balance of a recording, brought to that of another: what a reference track is for.

Both are compared in octaves, over what is not quiet in each; the difference, within limits, is an equaliser of
linear phase. What holds no music is never lifted: bands far below the loudest, below 30 Hz and above 16 kHz stay.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import BLOCK_FRAMES, Audio, Samples, Source, called
from melancholia.channels import lfe, mask_of
from melancholia.errors import InputError
from melancholia.mastering.loudness import measure
from melancholia.mastering.plan import SHORTEST_S
from melancholia.mastering.targets import LOUDNESSES_LUFS
from melancholia.recordings import source

BANDS_HZ = 31.25 * 2 ** (np.arange(55) / 6)  # 31.25 Hz to 16 kHz, six an octave
WIDTH = 1.0  # octaves to either side of a band, less and less: narrower ones would lift and cut single notes
NARROW = 1 / 3  # where it is asked whether anything is there
SMOOTH = (0.25, 0.5, 0.25)  # over neighbours
NOTHING = 1e-30
MOST_DB, MOST_SIDE_DB = 6.0, 3.0
HEARD_DB = 50.0  # below the loudest band: what lies lower is noise, or nothing
SLOPE_DB = 3.0  # an octave: bands of one width in octaves hold more of what falls
GATE_DB, SILENT_DB = 10, -70
LOUDNESSES = np.arange(SILENT_DB, 13)  # dB, mean square of a frame: frames are gathered by it, and gated at the end
ROUNDS = 5

Curve = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Mean power of a sound's middle and sides at each frequency of a transform, over what is not quiet."""

    hertz: Curve
    middle: Curve
    sides: Curve


@dataclass(frozen=True, slots=True, eq=False)
class Balance:
    """An equaliser that brings a sound to the tonal balance of another: gain in dB at `hertz`.

    The sides have the gain of the middle and their own beside it, where both sounds have two channels.
    """

    hertz: Curve
    middle_db: Curve
    sides_db: Curve

    @property
    def limited(self) -> int:
        """How many bands go as far as they may."""
        return int((np.abs(self.middle_db) >= MOST_DB).sum())

    @property
    def note(self) -> str:
        """A word where the reference is not reached."""
        return f"{self.limited} of {len(self.hertz)} bands lie further from the reference than {MOST_DB:g} dB."

    def over(self, sound: Source) -> "Equalised":
        """The sound through the equaliser, block by block, as long as it was."""
        return Equalised(sound, self)

    def gain_db(self, hertz: Curve, *, sides: bool = False) -> Curve:
        """Its gain at any frequency: in a line over octaves, and none outside its bands."""
        db = self.middle_db + self.sides_db if sides else self.middle_db
        at = np.concatenate([[self.hertz[0] / 2], self.hertz, [self.hertz[-1] * 2 ** (1 / 6)]])
        return np.asarray(np.interp(np.log2(np.maximum(hertz, 1)), np.log2(at), np.concatenate([[0], db, [0]])))


@dataclass(frozen=True, slots=True, eq=False)
class Equalised:
    """A sound through an equaliser of linear phase; the LFE goes by it."""

    sound: Source
    balance: Balance

    @property
    def path(self) -> str:
        """What messages call it: the file of its sound, where it has one."""
        return called(self.sound)

    @property
    def mask(self) -> int:
        return mask_of(self.sound)

    @property
    def subtype(self) -> str:
        return str(getattr(self.sound, "subtype", ""))

    @property
    def rate(self) -> int:
        return self.sound.rate

    @property
    def channels(self) -> int:
        return self.sound.channels

    @property
    def frames(self) -> int:
        return self.sound.frames

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
        from melancholia.convolution import Convolver

        middle, sides = (response(self.balance, self.rate, sides=which) for which in (False, True))
        late = len(middle) // 2
        convolver = Convolver(routed(middle, sides, self.sound))
        drop, left = late, self.frames
        for block in chain(self.sound.blocks(frames), (np.zeros((self.channels, late), np.float32),)):
            wet = convolver.process(block)[:, drop:][:, :left]
            drop = max(0, drop - block.shape[1])
            left -= wet.shape[1]
            if wet.shape[1]:
                yield np.ascontiguousarray(wet)

    def read(self) -> Audio:
        return Audio(np.ascontiguousarray(np.concatenate(list(self.blocks()), axis=1)), self.rate)


def routed(middle: Curve, sides: Curve, sound: Source) -> NDArray[np.float32]:
    """The responses from each channel into each (inputs, outputs, taps)."""
    out = np.zeros((sound.channels, sound.channels, len(middle)), np.float32)
    if sound.channels == 2:
        out[0, 0] = out[1, 1] = (middle + sides) / 2
        out[0, 1] = out[1, 0] = (middle - sides) / 2
        return out
    unchanged = np.zeros(len(middle))
    unchanged[len(middle) // 2] = 1
    for channel in range(sound.channels):
        out[channel, channel] = unchanged if channel == lfe(mask_of(sound)) else middle
    return out


def response(balance: Balance, rate: int, *, sides: bool) -> Curve:
    """The equaliser as a response of linear phase, odd in length, 85 ms long."""
    size = 2 ** round(np.log2(rate * 0.085))
    gain = 10 ** (balance.gain_db(np.fft.rfftfreq(size, 1 / rate), sides=sides) / 20)
    taps = np.roll(np.fft.irfft(gain, size), size // 2)
    return np.asarray(np.append(taps, 0.0) * np.hanning(size + 1))


def balance(sound: Audio | Source | Path | str, reference: Audio | Source | Path | str | Spectrum) -> Balance:
    """The equaliser that brings a sound to the tonal balance of a reference.

    Parameters
    ----------
    sound, reference : Audio, Recording or path
        Of any rates and channels; of more than two, all have one curve, and the LFE none. Of a reference for many
        sounds the `spectrum` will do.

    Returns
    -------
    Balance
        Within 6 dB of its own middle, the sides within 3 dB of that. A band that lies more than 50 dB below the
        loudest is not lifted.

    Raises
    ------
    InputError
        One of them cannot be read.
    """
    sound = source(sound)
    own, other = spectrum(sound), reference if isinstance(reference, Spectrum) else spectrum(reference)
    there = BANDS_HZ < 0.9 * min(own.hertz[-1], other.hertz[-1])
    ours, theirs = (smoothed(one.middle, one.hertz) for one in (own, other))
    level = smoothed(own.middle, own.hertz, NARROW) + SLOPE_DB * np.log2(BANDS_HZ)
    heard = there & (level > level[there].max() - HEARD_DB)
    flat = Balance(BANDS_HZ, np.zeros(len(BANDS_HZ)), np.zeros(len(BANDS_HZ)))
    if not own.middle.any() or not other.middle.any():
        return flat
    lowest = (theirs + SLOPE_DB * np.log2(BANDS_HZ))[there].max() - HEARD_DB - SLOPE_DB * np.log2(BANDS_HZ)
    aim = np.maximum(theirs, lowest)  # a reference without highs does not take them all
    aim = aim + np.median((ours - aim)[heard])
    middle = np.where(there, settled(own, aim, heard, sound.rate), 0.0)
    sides = np.zeros(len(BANDS_HZ))
    if own.sides.any() and other.sides.any():
        width, theirs_width = (smoothed(one.sides, one.hertz) - smoothed(one.middle, one.hertz) for one in (own, other))
        wide = heard & (width > -HEARD_DB) & (theirs_width > -HEARD_DB)
        sides = np.where(wide, np.clip(theirs_width - width, -MOST_SIDE_DB, MOST_SIDE_DB), 0.0)
    return Balance(BANDS_HZ, middle, sides)


def reference_lufs(reference: Source | Path | str) -> float:
    """The integrated loudness of a reference, as far as a master may have it (LUFS).

    Raises
    ------
    InputError
        It is silent, or cannot be read.
    """
    sound = source(reference)
    if sound.frames < SHORTEST_S * sound.rate:
        raise InputError(f"{called(sound)} is {sound.frames / sound.rate:.2f} s long; allowed: 0.4 s or more.")
    found = measure(sound).integrated_lufs
    if not np.isfinite(found):
        raise InputError(f"{called(sound)} is silent; allowed as a reference: music.")
    lowest, loudest = LOUDNESSES_LUFS
    return min(max(found, lowest), loudest)


def settled(own: Spectrum, aim: Curve, heard: NDArray[np.bool_], rate: int) -> Curve:
    """Gains at the bands under which the smoothed spectrum is as aimed: an equaliser's bands overlap."""
    gains, flat = np.zeros(len(BANDS_HZ)), np.zeros(len(BANDS_HZ))
    for _ in range(ROUNDS):
        taps = response(Balance(BANDS_HZ, gains, flat), rate, sides=False)
        passed = np.abs(np.fft.rfft(taps, 2 * len(own.hertz) - 2)) ** 2
        off = aim - smoothed(own.middle * passed, own.hertz)
        gains = np.convolve(np.pad(gains + off, 1, "edge"), SMOOTH, "valid")
        gains = np.clip(gains, -MOST_DB, MOST_DB)
        gains = np.where(heard, gains, np.minimum(gains, 0.0))
    return gains


def smoothed(power: Curve, hertz: Curve, width: float = WIDTH) -> Curve:
    """Mean power about each band, so many octaves to either side, in dB."""
    octaves = np.log2(np.maximum(hertz, 1e-3))
    weights = np.maximum(0.0, 1 - np.abs(octaves - np.log2(BANDS_HZ)[:, None]) / width)
    return np.asarray(10 * np.log10(np.maximum(weights @ power / np.maximum(weights.sum(axis=1), NOTHING), NOTHING)))


def spectrum(sound: Audio | Source | Path | str) -> Spectrum:
    """The mean spectrum of what is not quiet: frames within 10 dB of the mean of those that are not silent.

    Parameters
    ----------
    sound : Audio, Recording or path

    Raises
    ------
    InputError
        It cannot be read.
    """
    sound = source(sound)
    size = 2 ** round(np.log2(sound.rate * 0.17))
    window = np.hanning(size).astype(np.float32)
    sums = np.zeros((2, len(LOUDNESSES), size // 2 + 1))
    count, power = np.zeros(len(LOUDNESSES)), np.zeros(len(LOUDNESSES))
    low = lfe(mask_of(sound))
    for frames in framed(sound, size):
        heard = frames if low is None else np.delete(frames, low, axis=0)
        square = np.mean(heard**2, axis=(0, 2))
        at = np.round(10 * np.log10(np.maximum(square, 1e-12))).astype(int) - SILENT_DB
        kept = at >= 0
        at = np.minimum(at[kept], len(LOUDNESSES) - 1)
        np.add.at(count, at, 1)
        np.add.at(power, at, square[kept])
        parts = [heard[0] + heard[1], heard[0] - heard[1]] if sound.channels == 2 else [heard]
        for row, part in zip(sums, parts, strict=False):
            bins = np.abs(np.fft.rfft(part[..., kept, :] * window, axis=-1)) ** 2
            np.add.at(row, at, bins if bins.ndim == 2 else bins.sum(axis=0))
    hertz = np.fft.rfftfreq(size, 1 / sound.rate)
    if not count.any():
        return Spectrum(hertz, sums[0, 0], sums[1, 0])
    loud = LOUDNESSES >= 10 * np.log10(power.sum() / count.sum()) - GATE_DB
    middle, sides = sums[:, loud].sum(axis=1) / max(count[loud].sum(), 1)
    return Spectrum(hertz, middle, sides)


def framed(sound: Source, size: int) -> Iterator[NDArray[np.float32]]:
    """A stream in frames (channels, frames, size) that overlap by half; the last is filled up with silence."""
    held, hop = np.zeros((sound.channels, 0), np.float32), size // 2
    for block in chain(sound.blocks(), (None,)):
        rest = (-held.shape[1]) % hop + hop if block is None else 0
        more = np.zeros((sound.channels, rest), np.float32) if block is None else block
        held = np.concatenate([held, more], axis=1)
        if held.shape[1] >= size:
            frames = np.lib.stride_tricks.sliding_window_view(held, size, axis=1)[:, ::hop]
            yield frames
            held = held[:, frames.shape[1] * hop :]
