"""Choir: six singers a note without words, their vowel moving between "oo" and "ah", breath and all.

A singer is a glottis (a cycle of 1/k) through the throat's formants. Three desks of two singers have throats of
different length and a place on the stage; men sing below `LOWEST_WOMAN`, women above. The vowel is the same for all
at a time: it wanders, and opens as they sing louder.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments.events import Events, hertz
from melancholia.instruments.filters import minimum_phase
from melancholia.instruments.noise import noise_band
from melancholia.instruments.portamento import Slide, named, slides
from melancholia.instruments.wavetables import Voice, add_note, harmonic_gains
from melancholia.streams import generator

SINGERS = 6
DESKS = (-0.6, 0.0, 0.6)  # left, middle, right: two singers each
THROATS = (0.97, 1.0, 1.04)  # factor on the formants of each desk
LOWEST_WOMAN, SHORTER_THROAT = 57, 1.12
LATE_SD_S, TUNED_SD_CENTS, NOTE_SD_CENTS = 0.03, 6.0, 1.5
TRIM = 0.1
SLIDING = 0.4  # of a bowed string's chance to slide
VOWEL_EVERY_S, VOWEL_SPAN = 1.7, (0.35, 0.95)  # how often the vowel turns; 0 is "oo", 1 "ah"
MIXED = 2**18  # frames that the vowels are mixed in at a time
OPENING = 0.3  # how much further open at full expression than at none
# formants: Hz, bandwidth in Hz, height in dB
VOWELS = {
    "oo": ((310, 760, 2350, 3300, 4200), (60, 80, 120, 170, 250), (0, -6, -19, -22, -29)),
    "ah": ((680, 1120, 2500, 3350, 4250), (80, 90, 130, 180, 260), (0, -2, -9, -11, -19)),
}
VOICE = Voice(
    soft_corner_hz=(600.0, 0.5),
    loud_corner_hz=(3200.0, 1.0),
    soft_slope=2.4,
    loud_slope=1.6,
    comb=0.0,
    attack_s=0.3,
    release_s=0.3,
    vibrato_hz=5.2,
    vibrato_cents=14.0,
    vibrato_delay_s=0.3,
    drift_cents=3.0,
    scoop_cents=22.0,
    noise_db=-26.0,
    slip=False,
    velocity_db=24.0,
    vibrato_level=0.03,
    block=96,
)
BREATH = ((200, -18), (600, -6), (1500, 0), (6000, -4), (10_000, -36), (12_500, -80))


def formants(vowel: str, throat: float, hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gain of a throat: peaks of two-pole resonators in a row side by side, over a floor."""
    out = np.full(len(hz), 10 ** (-52 / 20))
    for centre, width, height_db in zip(*VOWELS[vowel], strict=True):
        f, b = centre * throat, width * throat
        out += 10 ** (height_db / 20) / np.sqrt(1 + ((hz**2 - f**2) / (b * np.maximum(hz, f / 4))) ** 2)
    rumble = (hz / 70) ** 4 / (1 + (hz / 70) ** 4)
    return np.asarray(out * (rumble + 1e-4))


@lru_cache(maxsize=64)
def throat(vowel: str, length: float, rate: int) -> NDArray[np.float64]:
    """Impulse response (taps,) of a vowel."""
    made = minimum_phase(lambda hz: formants(vowel, length, hz), rate=rate, taps=int(0.085 * rate))
    return np.asarray(made - made.mean())


@lru_cache(maxsize=512)
def evened(pitch: int) -> float:
    """Gain that brings a key, between its two vowels, to one level: a singer's ear does."""
    k = np.arange(1, int(9000 / hertz(pitch)) + 1)
    tone, hz = harmonic_gains(VOICE, hertz(pitch), k)[1], np.asarray(k * hertz(pitch), float)
    length = SHORTER_THROAT if pitch >= LOWEST_WOMAN else 1.0
    power = sum(((tone * formants(vowel, length * size, hz)) ** 2).sum() for vowel in VOWELS for size in THROATS)
    return float(1 / np.sqrt(power / len(THROATS) / (tone**2).sum()))


def mouths(played: Events, seed: int, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in seconds, and how open the mouths are then: 0 "oo" to 1 "ah"; smooth, never still."""
    turns = generator(seed, "choir", "vowel").uniform(*VOWEL_SPAN, int(seconds / VOWEL_EVERY_S) + 3)
    times = np.arange(0, seconds + 0.1, 0.05)
    k = (times / VOWEL_EVERY_S).astype(int)
    ease = 0.5 - 0.5 * np.cos(np.pi * (times / VOWEL_EVERY_S - k))
    wandered = turns[k] + ease * (turns[k + 1] - turns[k])
    return times, np.clip(wandered + OPENING * (played.curve("expression", times) / 127 - 1), 0, 1)


def paired(rng: np.random.Generator, sd: float) -> NDArray[np.float64]:
    """A value a singer, the two of a desk opposed: every desk is in tune."""
    half = rng.normal(0, sd, SINGERS // 2)
    return np.stack([half, -half], axis=1).ravel()


def later(away: Slide | None, late: NDArray[np.float64], singer: int) -> Slide | None:
    """A slide as one singer does it: it ends where that singer begins the next tone."""
    return away and replace(away, arrival_s=away.arrival_s + float(late[away.to, singer]))


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    noise = noise_band(2**18, generator(seed, "choir", "noise"), BREATH, rate)
    women = played.pitch >= LOWEST_WOMAN
    times, opened = mouths(played, seed, frames / rate)
    for woman in (False, True):
        if not (women == woman).any():
            continue
        tracks = glottes(played, np.flatnonzero(women == woman), noise, rate, seed, frames)
        length = SHORTER_THROAT if woman else 1.0
        both = np.zeros((4, frames), np.float32)  # "oo" left and right, "ah" left and right
        add_convolved(both, list(tracks), [desk(k, length, rate) for k in range(len(DESKS))])
        for start in range(0, frames, MIXED):
            here = slice(start, min(start + MIXED, frames))
            ah = np.interp(np.arange(here.start, here.stop) / rate, times, opened).astype(np.float32)
            out[:, here] += both[:2, here] * np.sqrt(1 - ah) + both[2:, here] * np.sqrt(ah)
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out


def desk(number: int, length: float, rate: int) -> NDArray[np.float64]:
    """Impulse responses (4, taps) of a desk's throats in its place: "oo" left and right, "ah" left and right."""
    angle = (1 + DESKS[number]) * np.pi / 4
    sides = np.array([np.cos(angle), np.sin(angle)])[:, None] * np.sqrt(2)
    return np.concatenate([throat(vowel, length * THROATS[number], rate) * sides for vowel in VOWELS])


def glottes(
    played: Events, notes: NDArray[np.int64], noise: NDArray[np.float32], rate: int, seed: int, frames: int
) -> NDArray[np.float32]:
    """What the singers of these notes give their throats: a track (frames,) a desk."""
    tracks = np.zeros((len(DESKS), frames), np.float32)
    tuned = paired(generator(seed, "choir", "singers"), TUNED_SD_CENTS)
    late = np.abs([generator(seed, "choir", "late", k).normal(0, LATE_SD_S, SINGERS) for k in range(len(played))])
    late[:, 0] = 0.0
    sliding = slides(played, named(seed, "choir"), share=SLIDING)
    carried: dict[tuple[int, int], float] = {}
    for k in notes.tolist():
        pitch = int(played.pitch[k])
        own = paired(generator(seed, "choir", "note", k), NOTE_SD_CENTS)
        away = sliding.get(k)
        if away is not None and away.to not in notes:
            away = None  # men and women do not slide into each other
        for singer in range(SINGERS):
            rng = generator(seed, "choir", "breath", k, singer)
            phase = add_note(
                tracks[singer // 2], played, k, VOICE, noise, rng, rate=rate, seed=seed + singer,
                gain=TRIM / np.sqrt(SINGERS) * evened(pitch),
                cents=float(tuned[singer] + own[singer]), late_s=float(late[k, singer]),
                speed=float(rng.uniform(0.85, 1.15)), away=later(away, late, singer), joined=carried.get((k, singer)),
            )  # fmt: skip
            if away is not None:
                carried[away.to, singer] = phase
    return tracks
