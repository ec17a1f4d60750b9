"""How loud each stem stands in a mix, set from the stems of this song, as a mixer sets his faders first of all.

Each stem is brought to where its role stands beside a melody (``[balance]`` of the rack), by its own loudness; stems of
one role share their place. Then the melody has to stand clear: in the third octaves in which it sounds, frame by frame,
`clear_db` over all the others together in the median, and drowned by them in hardly any. Where it does not, whoever
covers it most goes back, half a decibel at a time, and comes forward again where the melody rests. Where it rests for
long, as before it and after it, all who play above the bass come forward together, to `rest_db` beside it.

Third octaves go from 20 Hz up, in frames of 0.17 s, each 0.1 s;
loudness is that of ITU-R BS.1770-5, its weighting taken at the middle of each third octave.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from melancholia.audio import Source, Stems
from melancholia.meter import gated, k_weighting
from melancholia.parallel import in_threads
from melancholia.racks.rack import Rack, place_of, said
from melancholia.tables import Ramp

MELODY_LUFS = -26.0  # of a melody that stands at 0 LU, so that a rack's compressors meet every song alike
EDGES_HZ = 20 * 2 ** (np.arange(31) / 3)
FRAME_S, HOP_S = 8192 / 48_000, 0.1
AT_ONCE = 32  # frames
SOUNDS_DB, OWN_DB = 35.0, 15.0  # a melody sounds within so much of its loudest frame; its bands, of a frame's top one
DROWNED = 0.09  # the share of frames in which others may stand over it, dry; .15 is due of what is heard
REST_S, COME_S = 2.0, 1.5  # a rest that is part of the melody; in which others come forward where it is longer
FAR = 10**9  # frames: nowhere
STEP_DB, MOST_DB = 0.5, 12.0  # in which others go back, and how far each at most
STAYING = ("noise", "percussion", "bass")  # who do not come forward: no tones, or tones that are felt
FORWARD_DB = 9.0  # how far they come forward at most, less what they give way by anyway


@dataclass(frozen=True, slots=True)
class Faders:
    """Where stems stand in a mix, by their names.

    `gain_db` is each one's gain, `room_db` what it gives way by while the melody sounds, `most_db` what it comes
    forward by where that rests, at most. `melody` says at times in s how far the melody sounds, 1 in it, falling to 0
    within `COME_S` around it, and what the others lack in the rest that is there, in dB (3, points).
    """

    gain_db: Mapping[str, float]
    room_db: Mapping[str, float]
    most_db: Mapping[str, float]
    melody: NDArray[np.float64]

    def moves(self, name: str) -> bool:
        """Whether a stem's level goes with the melody."""
        return bool(self.room_db[name] or self.most_db[name] and self.melody[2].any())

    def ride(self, name: str, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is added to a stem's gain at times t in s, in dB."""
        at, here, missing = self.melody
        forward = np.interp(t, at, np.minimum(missing, self.most_db[name]) * (1 - here))
        return np.asarray(forward - self.room_db[name] * np.interp(t, at, here))


def balance(stems: Stems, rack: Rack, intensity: float, *, jobs: int = 2) -> Faders:
    """Where stems stand in a rack's mix; where they are, for a rack without balance.

    Parameters
    ----------
    stems : Stems
        Dry, of one or two channels.
    rack : Rack
    intensity : float
        0 to 1.
    jobs : int
        Stems that are measured side by side.
    """
    still = dict.fromkeys(stems, 0.0)
    if not rack.balance:
        return Faders(still, still, still, np.zeros((3, 1)))
    found = in_threads(lambda stem: third_octaves(stem.sound), stems.values(), jobs=jobs)
    weighted = k_weights(stems.rate)
    shares = Counter(map(place_of, stems.values()))
    gains: dict[str, float] = {}
    for (name, stem), bands in zip(stems.items(), found, strict=True):
        place = place_of(stem)
        stands = MELODY_LUFS + said(rack.balance, place, Ramp(0, 0)).at(intensity) - 10 * np.log10(shares[place])
        loud = loudness(bands, weighted)
        gains[name] = stands - loud if np.isfinite(loud) else 0.0
    tunes = [name for name, stem in stems.items() if stem.role == "melody"]
    sounds = {name: bands * 10 ** (gains[name] / 10) for name, bands in zip(stems, found, strict=True)}
    tune = np.sum([sounds.pop(name) for name in tunes], axis=0)
    if not tunes or not tune.any():
        return Faders(gains, still, still, np.zeros((3, 1)))
    here = presence(sounding(tune))
    room = still if rack.clear_db is None else still | made_room(tune, sounds, rack.clear_db.at(intensity))
    most = still
    missing = np.zeros(len(here))
    if rack.rest_db is not None:
        players = {name: bands for name, bands in sounds.items() if place_of(stems[name]) not in STAYING}
        most = still | {name: max(0.0, FORWARD_DB - room[name]) for name in players}
        others = np.sum(list(players.values()), axis=0) if players else np.zeros_like(tune)
        missing = missing_db(weighted @ tune, weighted @ others, here, rack.rest_db.at(intensity))
    times = np.arange(tune.shape[1]) * HOP_S
    return Faders(gains, room, most, np.stack([times, here, missing]))


def sounding(tune: NDArray[np.float64]) -> NDArray[np.bool_]:
    """In which frames a melody sounds, from its powers (bands, frames)."""
    whole = tune.sum(axis=0)
    return np.asarray(whole > whole.max() * 10 ** (-SOUNDS_DB / 10))


def presence(on: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far frames belong to a melody: 1 in it and in short rests, falling to 0 around it by half a cosine."""
    frames = np.arange(len(on))
    before = np.maximum.accumulate(np.where(on, frames, -FAR))
    after = np.minimum.accumulate(np.where(on, frames, FAR)[::-1])[::-1]
    on = on | (after - before <= REST_S / HOP_S)
    away = np.minimum(*(np.abs(frames - edge) for edge in (before, after))) * ~on * HOP_S
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip(away / COME_S, 0, 1)))


def made_room(
    tune: NDArray[np.float64], others: Mapping[str, NDArray[np.float64]], clear_db: float
) -> dict[str, float]:
    """What others give way to a melody, in dB by name, from all their powers (bands, frames) as they would stand."""
    if not others:
        return {}
    on = sounding(tune)
    own = (tune > tune.max(axis=0) * 10 ** (-OWN_DB / 10))[:, on]
    mine = (tune[:, on] * own).sum(axis=0)
    theirs = np.array([(bands[:, on] * own).sum(axis=0) for bands in others.values()])
    taken = np.zeros(len(others))
    while True:
        covering = theirs * 10 ** (-taken / 10)[:, None]
        over = 10 * np.log10(mine / np.maximum(covering.sum(axis=0), 1e-15 * mine))
        if np.median(over) >= clear_db and (over < 0).mean() <= DROWNED:
            break
        covered = over < clear_db
        share = (covering[:, covered] / covering[:, covered].sum(axis=0)).mean(axis=1)
        share[taken >= MOST_DB] = 0.0
        if not share.max() > 0:
            break
        taken[int(share.argmax())] += STEP_DB
    return dict(zip(others, taken.tolist(), strict=True))


def missing_db(
    tune: NDArray[np.float64], others: NDArray[np.float64], here: NDArray[np.float64], rest_db: float
) -> NDArray[np.float64]:
    """What others lack in each rest of a melody, in dB, frame by frame, until they stand at `rest_db` beside it.

    `tune` and `others` are weighted powers a frame, `here` says how far the melody sounds; 0 where none is missing, and
    in rests in which nobody plays.
    """
    found = np.zeros(len(here))
    wanted = momentary(tune) + rest_db
    edges = np.flatnonzero(np.diff(np.concatenate([[0], here < 1, [0]])))
    for first, end in edges.reshape(-1, 2):
        rest = others[first:end][here[first:end] == 0]
        theirs = momentary(rest) if len(rest) else -np.inf
        found[first:end] = max(0.0, wanted - theirs) if np.isfinite(theirs) else 0.0
    return found


def loudness(bands: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """LUFS of powers (bands, frames), through both gates, in windows of 0.4 s; -inf of silence."""
    return momentary(weights @ bands)


def momentary(power: NDArray[np.float64]) -> float:
    """LUFS of weighted powers a frame, through both gates, in windows of 0.4 s; -inf of silence."""
    window = min(4, len(power))
    return gated(np.convolve(power, np.full(window, 1 / window), "valid"))


def k_weights(rate: int) -> NDArray[np.float64]:
    """What each third octave weighs in loudness."""
    turn = np.exp(-2j * np.pi * np.sqrt(EDGES_HZ[:-1] * EDGES_HZ[1:]) / rate)
    gain = np.ones(len(turn))
    for section in k_weighting(rate):
        gain *= np.abs(np.polyval(section[2::-1], turn) / np.polyval(section[:2:-1], turn)) ** 2
    return gain


def third_octaves(sound: Source) -> NDArray[np.float64]:
    """Mean square of each third octave (30, frames), both channels together, every HOP_S."""
    rate = sound.rate
    size, hop = fft.next_fast_len(round(FRAME_S * rate)), round(HOP_S * rate)
    window = np.hanning(size).astype(np.float32)
    hertz = np.arange(size // 2) * rate / size
    within = (hertz[:, None] >= EDGES_HZ[:-1]) & (hertz[:, None] < EDGES_HZ[1:])
    bins = (within / (size * float((window.astype(np.float64) ** 2).sum()))).astype(np.float32)
    held = np.zeros(size // 2, np.complex64)
    found = []

    def measured(frames: NDArray[np.complex64]) -> NDArray[np.float64]:
        spectrum = fft.fft(frames * window, axis=1, overwrite_x=True)
        power = spectrum.real**2 + spectrum.imag**2
        power[:, 1 : size // 2] += power[:, : size // 2 : -1]
        return np.asarray((power[:, : size // 2] @ bins).T, np.float64)

    for block in sound.blocks():
        both = np.empty(block.shape[1], np.complex64)  # left in its real part, right in its imaginary one
        both.real, both.imag = block[0], block[-1]
        held = np.concatenate([held, both])
        while len(held) >= size + (AT_ONCE - 1) * hop:
            found.append(measured(np.lib.stride_tricks.sliding_window_view(held, size)[: AT_ONCE * hop : hop]))
            held = held[AT_ONCE * hop :]
    left = int(np.ceil(max(1, len(held) - size // 2) / hop))
    held = np.concatenate([held, np.zeros(size + left * hop, np.complex64)])
    found.append(measured(np.lib.stride_tricks.sliding_window_view(held, size)[: left * hop : hop]))
    return np.concatenate(found, axis=1)
