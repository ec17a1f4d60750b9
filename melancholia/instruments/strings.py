"""Bowed strings: a section of five players a note, each with a violin's or a cello's body."""

import numpy as np
from numpy.typing import NDArray

from melancholia.instruments.bodies import body, evenness
from melancholia.instruments.convolution import add_convolved, noise_band
from melancholia.instruments.events import Events
from melancholia.instruments.wavetables import Voice, add_note
from melancholia.streams import generator

PLAYERS = 5
TRIM = 0.2
SEATS = (-0.75, -0.35, 0.0, 0.35, 0.75)
BODIES = ("violin", "violin", "cello")  # left, middle, right
LATE_SD_S, TUNED_SD_CENTS, NOTE_SD_CENTS = 0.018, 4.5, 1.0
VOICE = Voice(
    soft_corner_hz=(500.0, 0.8),
    loud_corner_hz=(2600.0, 1.2),
    soft_slope=2.6,
    loud_slope=2.0,
    comb=0.25,
    attack_s=0.16,
    release_s=0.22,
    vibrato_hz=5.2,
    vibrato_cents=9.0,
    vibrato_delay_s=0.15,
    drift_cents=1.8,
    scoop_cents=6.0,
    noise_db=-35.0,
    slip=True,
    velocity_db=26.0,
)


def play(played: Events, rate: int, seed: int, frames: int) -> NDArray[np.float32]:
    """The stem (2, frames) of these notes."""
    out = np.zeros((2, frames), np.float32)
    tracks = [np.zeros(frames, np.float32) for _ in BODIES]
    noise = noise_band(
        2**18, generator(seed, "strings", "noise"), [(500, -30), (900, 0), (9000, 0), (12000, -40)], rate
    )
    tuned = generator(seed, "strings", "players").normal(0, TUNED_SD_CENTS, PLAYERS)
    tuned -= tuned.mean()
    for k in range(len(played)):
        pitch = int(played.pitch[k])
        note = generator(seed, "strings", "note", k)
        late = np.abs(note.normal(0, LATE_SD_S, PLAYERS))
        late[0] = 0.0
        own = note.normal(0, NOTE_SD_CENTS, PLAYERS)
        own -= own.mean()
        for player in range(PLAYERS):
            rng = generator(seed, "strings", "stroke", k, player)
            seat = min(2, player * len(BODIES) // PLAYERS)
            gain = TRIM / np.sqrt(PLAYERS) * evenness(BODIES[seat], seat, seed, rate, pitch, None)
            add_note(
                tracks[seat], played, k, VOICE, noise, rng, rate=rate, seed=seed, gain=gain,
                cents=float(tuned[player] + own[player]), late_s=float(late[player]),
                speed=float(rng.uniform(0.85, 1.15)),
            )  # fmt: skip
    responses = []
    for seat, (kind, pan) in enumerate(zip(BODIES, (-0.55, 0.0, 0.55), strict=True)):
        sides = np.array([np.cos((1 + pan) * np.pi / 4), np.sin((1 + pan) * np.pi / 4)])[:, None] * np.sqrt(2)
        responses.append(body(kind, seat, seed, rate) * sides)
    add_convolved(out, tracks, responses)
    if len(played):
        out[:, : int(played.frames(rate).min())] = 0
    return out
