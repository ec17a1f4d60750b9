"""Sound and notes as drawings without any words: a page stretches them to its width and sets the words itself."""

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Source
from melancholia.orchestra import without_beds
from melancholia.piece import Piece

COLUMNS, ROWS = 900, 150
LOWEST_HZ, HIGHEST_HZ = 30.0, 16_000.0
WINDOW = 4096
RANGE_DB = 90.0
COLOURS = 64  # of a spectrogram
TICKS_HZ = (100, 1000, 5000)
LEAST_SEMITONES = 12  # of a piano roll's height
TEMPO_ROOM = 5.0  # quarters a minute above the fastest and below the slowest


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a share of a drawing's height, from its bottom; or of its width, from its left."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A path of SVG, x in seconds, y from 0 (top) to 100, and the class that colours it."""

    kind: str
    path: str
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stands over the time of a song: shapes, or a picture as PNG; and the labels of its height."""

    ticks: tuple[Tick, ...]
    shapes: tuple[Shape, ...] = ()
    png: bytes = b""


def spectrogram(sound: Source) -> NDArray[np.float64]:
    """Level (ROWS, COLUMNS) in dB below the loudest: rows at equal ratios of Hz, columns over the whole length."""
    window = np.hanning(WINDOW).astype(np.float32)
    hertz = np.fft.rfftfreq(WINDOW, 1 / sound.rate)
    edges = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, sound.rate / 2), ROWS + 1)
    low = np.searchsorted(hertz, edges[:-1])
    high = np.maximum(np.searchsorted(hertz, edges[1:]), low + 1)
    out = np.zeros((ROWS, COLUMNS))
    wanted = np.linspace(0, max(sound.frames - WINDOW, 0), COLUMNS).astype(np.int64)
    held, start, column = np.zeros(0, np.float32), 0, 0
    for block in sound.blocks():
        held = np.concatenate([held, block.mean(axis=0)])
        while column < COLUMNS and wanted[column] + WINDOW <= start + len(held):
            at = int(wanted[column]) - start
            power = np.abs(np.fft.rfft(held[at : at + WINDOW] * window)) ** 2
            total = np.concatenate([[0.0], np.cumsum(power)])
            out[:, column] = (total[np.minimum(high, len(power))] - total[np.minimum(low, len(power) - 1)]) / (
                high - low
            )
            column += 1
        keep = int(wanted[min(column, COLUMNS - 1)]) - start
        if keep > 0:
            held, start = held[keep:], start + keep
    level = 10 * np.log10(np.maximum(out, 1e-20))
    return np.asarray(np.maximum(level - level.max(), -RANGE_DB))


def spectrogram_drawing(sound: Source) -> Drawing:
    """A spectrogram over the whole length, frequency by equal ratios, as a PNG of 64 colours."""
    import matplotlib
    from PIL import Image

    share = spectrogram(sound)[::-1] / RANGE_DB + 1
    picture = Image.fromarray(np.round(share * (COLOURS - 1)).astype(np.uint8), "L")
    palette = np.round(255 * matplotlib.colormaps["magma"](np.linspace(0, 1, COLOURS))[:, :3]).astype(np.uint8)
    picture.putpalette(palette.tobytes())
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    top = min(HIGHEST_HZ, sound.rate / 2)
    ticks = [
        Tick(float(np.log(hz / LOWEST_HZ) / np.log(top / LOWEST_HZ)), f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz")
        for hz in TICKS_HZ
        if hz < top
    ]
    return Drawing(tuple(ticks), png=out.getvalue())


def waveform_drawing(sound: Source) -> Drawing:
    """The highest level of either sign over time, about the middle."""
    edges = np.linspace(0, sound.frames, COLUMNS + 1).astype(np.int64)
    peaks = np.abs(sound.read().samples).max(axis=0)
    heights = np.maximum.reduceat(peaks, np.minimum(edges[:-1], sound.frames - 1))
    seconds = (edges[:-1] + edges[1:]) / 2 / sound.rate
    over = zip(seconds, 50 - 50 * heights, strict=True)
    under = zip(seconds[::-1], 50 + 50 * heights[::-1], strict=True)
    return Drawing((), (Shape("wave", line([*over, *under]) + "z"),))


def roll_drawing(piece: Piece) -> Drawing:
    """The notes of all parts, coloured by role, paler when softer; beds, as rain, are none."""
    parts = without_beds(piece.parts)
    pitches = [note.pitch for part in parts for note in part.notes] or [60]
    low, high = min(pitches) - 1.0, max(pitches) + 2.0
    if high - low < LEAST_SEMITONES:
        low, high = (low + high - LEAST_SEMITONES) / 2, (low + high + LEAST_SEMITONES) / 2
    tall = 100 / (high - low)
    shapes = []
    for part in parts:
        starts = piece.tempo.seconds([n.start for n in part.notes])
        ends = piece.tempo.seconds([n.end for n in part.notes])
        by_level: dict[int, list[str]] = {}
        for note, start, end in zip(part.notes, starts, ends, strict=True):
            top = (high - note.pitch - 0.95) * tall
            box = f"M{start:.2f} {top:.2f}h{end - start:.2f}v{0.9 * tall:.2f}H{start:.2f}z"
            by_level.setdefault(note.velocity // 32, []).append(box)
        shapes += [Shape(part.role, "".join(boxes), 0.45 + 0.18 * level) for level, boxes in sorted(by_level.items())]
    octaves = [pitch for pitch in range(12, 128, 12) if low < pitch < high]
    ticks = [Tick((pitch + 0.5 - low) / (high - low), f"C{pitch // 12 - 1}") for pitch in octaves]
    return Drawing(tuple(ticks), tuple(shapes))


def tempo_drawing(piece: Piece) -> Drawing | None:
    """Quarters a minute over time; None where the tempo does not change."""
    if len(piece.tempo.changes) < 2:
        return None
    end = max([note.end for part in piece.parts for note in part.notes], default=0.0)
    kept = [(quarters, 60e6 / us) for quarters, us in piece.tempo.changes if quarters <= end]
    times = piece.tempo.seconds([*(quarters for quarters, _ in kept), end])
    low, high = min(bpm for _, bpm in kept) - TEMPO_ROOM, max(bpm for _, bpm in kept) + TEMPO_ROOM
    points = []
    for at, until, (_, bpm) in zip(times[:-1], times[1:], kept, strict=True):
        height = 100 * (high - bpm) / (high - low)
        points += [(at, height), (until, height)]
    marks = {round(high - TEMPO_ROOM), round(low + TEMPO_ROOM)}
    return Drawing(
        tuple(Tick((bpm - low) / (high - low), f"{bpm}") for bpm in sorted(marks)), (Shape("tempo", line(points)),)
    )


def curve_drawing(curve: Sequence[Sequence[float]]) -> Drawing:
    """Sadness 0..1 over time, from (seconds, sadness) points."""
    points = [(at, 100 - 100 * value) for at, value in curve]
    return Drawing((Tick(0.0, "0"), Tick(0.5, "½"), Tick(1.0, "1")), (Shape("curve", line(points)),))


def line(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def time_ticks(seconds: float) -> tuple[Tick, ...]:
    """At most eight round times, as minutes and seconds."""
    step = next((s for s in (5, 10, 15, 30, 60, 120, 300, 600) if seconds / s <= 7), 3600)
    times = range(0, math.floor(seconds * 0.92) + 1, step)  # the last has room for its words
    return tuple(Tick(at / seconds, clock(at)) for at in times)


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
