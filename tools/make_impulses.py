"""The rooms of the racks as impulse responses: writes assets/impulses/NAME.flac (24 bit, 48 kHz, stereo, wet only).

    python tools/make_impulses.py [folder]           same script, same bytes

A room is a late tail and an early part. The tail is Gaussian noise whose every STFT frame is multiplied by
exp(-6.908 t / RT60(f)); below 250 Hz both sides share it. The early part are the image sources of a shoebox up to the
eighth order, heard by two cardioids, each image a windowed sinc at its true fractional delay, dulled by one pole a
reflection. The direct sound is left out: frame 0 is the moment when it would arrive. A plate has no images.

Allen & Berkley 1979, J. Acoust. Soc. Am. 65:943 (image sources); ISO 3382-1 (RT60 from -5 to -35 dB).
"""

import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

sys.path.insert(0, str(Path(__file__).parents[1]))

from melancholia.encoding import write_audio
from melancholia.streams import generator

RATE = 48_000
OCTAVES_HZ = np.array([125.0, 250, 500, 1000, 2000, 4000, 8000])
SPEED_OF_SOUND = 343.0  # m/s
ORDER = 8
SINC_TAPS = 32
FRAME, HOP = 2048, 512
PEAK = 10 ** (-20 / 20)
SHARED_BELOW_HZ = 250.0
LOW_CUT_HZ = 70.0  # images add up in phase at the bottom: without this a small room booms
EARLY_SHARE = 0.18  # of the energy
AIR = 0.6  # RT60 at 16 kHz over that at 8 kHz
SEED = 1


@dataclass(frozen=True, slots=True)
class Room:
    """A room: its size in m (none: a plate), RT60 in s in the octaves 125 Hz to 8 kHz, where its tail stands in full
    (ms after the direct sound), and how long its file is (s)."""

    size_m: tuple[float, float, float] | None
    rt60_s: tuple[float, ...]
    predelay_ms: float
    seconds: float


ROOMS = {
    "wooden_room": Room((5.6, 4.3, 2.8), (0.46, 0.44, 0.42, 0.39, 0.35, 0.29, 0.23), 9, 0.7),
    "chamber": Room((7.2, 5.4, 3.3), (0.75, 0.70, 0.62, 0.55, 0.48, 0.40, 0.30), 18, 1.0),
    "plate": Room(None, (2.10, 2.05, 1.95, 1.75, 1.40, 0.95, 0.55), 2, 2.6),
    "hall": Room((28, 17, 12), (3.2, 3.2, 3.1, 2.8, 2.2, 1.5, 0.85), 45, 4.4),
    "crypt": Room((16, 9, 4.6), (2.8, 3.0, 3.2, 3.0, 2.4, 1.5, 0.8), 26, 4.2),
    "church": Room((38, 19, 16), (4.7, 4.7, 4.6, 4.1, 3.0, 1.9, 0.95), 60, 6.3),
    "cavern": Room((44, 31, 23), (5.6, 5.6, 5.4, 4.6, 3.0, 1.6, 0.75), 80, 7.4),
}  # fmt: skip


def octave_gain(hertz, centre_hz):
    """Gain of an octave band: flat in the middle, raised cosine of a third at its edges, in log frequency."""
    away = np.abs(np.log2(np.maximum(hertz, 1) / centre_hz))
    return np.clip(0.5 + 0.5 * np.cos(np.pi * np.clip((away - 1 / 3) * 3, 0, 1)), 0, 1)


def rt60_of(response):
    """RT60 in s of a response (2, taps) in each octave, by the line through -5 to -35 dB of the energy to come."""
    spectrum = np.fft.rfft(response, 2 * response.shape[1])
    hertz = np.fft.rfftfreq(2 * response.shape[1], 1 / RATE)
    found = []
    for centre_hz in OCTAVES_HZ:
        band = np.fft.irfft(spectrum * octave_gain(hertz, centre_hz))[:, : response.shape[1]]
        level = 10 * np.log10(np.cumsum((band**2).sum(axis=0)[::-1])[::-1] + 1e-30)
        level -= level[0]
        first, last = np.argmax(level < -5), np.argmax(level < -35)
        found.append(-60 / np.polyfit(np.arange(first, last) / RATE, level[first:last], 1)[0])
    return np.array(found)


def tail(white, rt60_s, start_s):
    """Noise (2, taps) that decays with RT60 by octave, from full at `start_s` on."""
    taps = white.shape[1] - FRAME
    window = np.hanning(FRAME + 1)[:-1]
    hertz = np.maximum(np.fft.rfftfreq(FRAME, 1 / RATE), 1)
    octaves, decays = np.append(OCTAVES_HZ, 16_000), np.append(rt60_s, AIR * rt60_s[-1])
    rate_of_decay = 6.908 / np.exp(np.interp(np.log(hertz), np.log(octaves), np.log(decays)))
    out = np.zeros_like(white)
    for at in range(0, taps, HOP):
        frame = np.fft.rfft(white[:, at : at + FRAME] * window)
        frame *= np.exp(-rate_of_decay * max(at + FRAME / 2 - start_s * RATE, 0) / RATE)
        out[:, at : at + FRAME] += np.fft.irfft(frame, FRAME) * window
    return out[:, :taps]


def noise(name, taps):
    """White noise (2, taps), one and the same on both sides below 250 Hz."""
    white = generator(SEED, "impulses", name).standard_normal((2, taps))
    spectrum = np.fft.rfft(white)
    hertz = np.fft.rfftfreq(taps, 1 / RATE)
    shared = 1 / (1 + (hertz / SHARED_BELOW_HZ) ** 4)
    middle = spectrum.mean(axis=0) * np.sqrt(2)
    return np.fft.irfft(spectrum * np.sqrt(1 - shared**2) + middle * shared, taps)


def images(room, taps):
    """The early part (2, taps): every image but the direct sound, at its time after the direct sound."""
    size = np.array(room.size_m)
    source, ear = size * (0.29, 0.46, 0.42), size * (0.71, 0.52, 0.38)
    volume, surface = size.prod(), 2 * (size[0] * size[1] + size[0] * size[2] + size[1] * size[2])
    beta = np.exp(-0.5 * 0.161 * volume / (surface * room.rt60_s[3]))  # Eyring: sqrt(1 - absorption)
    direct_m = np.linalg.norm(source - ear)
    by_order = np.zeros((ORDER + 1, 2, taps + SINC_TAPS))
    offsets = np.arange(SINC_TAPS) - SINC_TAPS // 2 + 1
    for cell in product(range(-ORDER, ORDER + 1), repeat=3):
        order = sum(map(abs, cell))
        if not 1 <= order <= ORDER:
            continue
        mirrored = np.where(np.array(cell) % 2, size - source, source)
        way = np.array(cell) * size + mirrored - ear
        metres = np.linalg.norm(way)
        frames = (metres - direct_m) / SPEED_OF_SOUND * RATE
        if frames + SINC_TAPS >= taps:
            continue
        whole, rest = int(frames), frames % 1
        kernel = np.sinc(offsets - rest) * np.cos(np.pi * (offsets - rest) / (SINC_TAPS + 1)) ** 2
        for side, turn in enumerate((1, -1)):  # two cardioids, 110 degrees apart, that look at the source
            forward, left = -way[0] / metres, turn * way[1] / metres
            pattern = 0.5 + 0.5 * (forward * np.cos(np.radians(55)) + left * np.sin(np.radians(55)))
            at = whole + SINC_TAPS // 2 + offsets
            by_order[order, side, at[at >= 0]] += (kernel * pattern * beta**order * direct_m / metres)[at >= 0]
    dulled = np.zeros((2, taps + SINC_TAPS))
    for order in range(ORDER, 0, -1):  # each reflection takes a little of the highs
        dulled = lfilter([0.72], [1, -0.28], dulled + by_order[order])
    return dulled[:, SINC_TAPS // 2 : SINC_TAPS // 2 + taps]


def balanced(part):
    """Both sides equally strong, 1 in energy together."""
    return part / np.sqrt(2 * (part**2).sum(axis=1, keepdims=True))


def impulse(name):
    """The response (2, taps) of a room, its highest sample at -20 dBFS."""
    room = ROOMS[name]
    taps, start_s = int(room.seconds * RATE), room.predelay_ms / 1000
    white = noise(name, taps + FRAME)
    t = np.arange(taps) / RATE
    rise = np.clip((t / start_s - 0.2) / 0.9, 0, 1)
    rise = 0.5 - 0.5 * np.cos(np.pi * rise)
    early = np.zeros((2, taps))
    if room.size_m is not None:
        leave = np.clip((t - 1.5 * start_s) / (2 * start_s), 0, 1)
        early = balanced(images(room, taps) * (0.5 + 0.5 * np.cos(np.pi * leave))) * np.sqrt(EARLY_SHARE)
    share = 1 - EARLY_SHARE if room.size_m is not None else 1.0
    target = np.array(room.rt60_s)
    asked = target.copy()
    for _ in range(4):  # the early part and the width of the octaves bend the slope: ask for what gives the target
        made = early + balanced(tail(white, asked, start_s) * rise) * np.sqrt(share)
        asked *= np.clip(target / rt60_of(made), 0.7, 1.4)
    made = sosfilt(butter(2, LOW_CUT_HZ, "highpass", fs=RATE, output="sos"), made)
    fade = taps // 12
    made[:, -fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    return made * PEAK / np.abs(made).max()


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ROOMS:
        made = impulse(name)
        path = folder / f"{name}.flac"
        write_audio(path, [np.ascontiguousarray(made, np.float32)], rate=RATE, channels=2, subtype="PCM_24")
        said = " ".join(f"{value:.2f}" for value in rt60_of(made))
        print(f"{name}: {path.stat().st_size / 1e6:.2f} MB, RT60 {said} s from 125 Hz to 8 kHz")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "assets" / "impulses")
