"""Bowed strings: a section of five players a note, each with a violin's or a cello's body."""

import numpy as np
from numpy.typing import NDArray

from melancholia.convolution import add_convolved
from melancholia.instruments.bodies import body, evenness
from melancholia.instruments.events import Events
from melancholia.instruments.noise import noise_band
from melancholia.instruments.wavetables import Voice, add_note, changes
from melancholia.streams import generator

PLAYERS = 5
TRIM = 0.2
DESKS = (-0.55, 0.0, 0.55)  # left, middle, right
LOWEST_VIOLIN = 57  # below, cellos play
LATE_SD_S, TUNED_SD_CENTS, NOTE_SD_CENTS = 0.018, 6.0, 1.5
BOW = [(60, -3), (300, 0), (3000, -1), (9000, -6), (12_000, -40)]
VOICE = Voice(
    soft_corner_hz=(280.0, 0.55),
    loud_corner_hz=(3400.0, 1.6),
    soft_slope=3.0,
    loud_slope=2.0,
    comb=0.25,
    attack_s=0.16,
    release_s=0.22,
    vibrato_hz=5.2,
    vibrato_cents=9.0,
    vibrato_delay_s=0.15,
    drift_cents=1.8,
    scoop_cents=6.0,
    noise_db=-41.0,
    slip=True,
    velocity_db=26.0,
    change_s=(0.1, 0.22),
    sway=0.05,
)


def opposed(cents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Desk partners lean to opposite sides, the last player to none: each body, and the section, stays in tune."""
    out = cents.copy()
    out[1::2] = -out[: len(out) - 1 : 2]
    out[-1] = 0.0
    return out


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    tracks: dict[tuple[str, int], NDArray[np.float32]] = {}
    noise = noise_band(2**18, generator(seed, "strings", "noise"), BOW, rate)
    tuned = opposed(generator(seed, "strings", "players").normal(0, TUNED_SD_CENTS, PLAYERS))
    changing = changes(played, VOICE)
    come = {change.to: change for change in changing.values()}
    for k in range(len(played)):
        pitch = int(played.pitch[k])
        kind = "cello" if pitch < LOWEST_VIOLIN else "violin"
        note = generator(seed, "strings", "note", k)
        late = np.abs(note.normal(0, LATE_SD_S, PLAYERS))
        late[0] = 0.0
        own = opposed(note.normal(0, NOTE_SD_CENTS, PLAYERS))
        for player in range(PLAYERS):
            rng = generator(seed, "strings", "stroke", k, player)
            desk = player * len(DESKS) // PLAYERS
            if (kind, desk) not in tracks:
                tracks[kind, desk] = np.zeros(frames, np.float32)
            gain = TRIM / np.sqrt(PLAYERS) * evenness(kind, desk, seed, rate, pitch)
            add_note(
                tracks[kind, desk], played, k, VOICE, noise, rng, rate=rate, seed=seed, gain=gain,
                cents=float(tuned[player] + own[player]), late_s=float(late[player]),
                speed=float(rng.uniform(0.85, 1.15)), change=changing.get(k), changed=come.get(k),
            )  # fmt: skip
    responses = []
    for kind, desk in tracks:
        angle = (1 + DESKS[desk]) * np.pi / 4
        sides = np.array([np.cos(angle), np.sin(angle)])[:, None] * np.sqrt(2)
        responses.append(body(kind, desk, seed, rate) * sides)
    add_convolved(out, list(tracks.values()), responses)
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out
