"""Pictures of sound and notes as PNG, drawn by matplotlib without a screen."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.audio import Source
from melancholia.piece import Piece
from melancholia.recordings import recording

INK, PAPER, ACCENT = "#c9c4bb", "#17161a", "#d98e5f"
ROLE_COLOURS = {
    "melody": "#e8a87c", "counter": "#7fb7be", "harmony": "#8d86c9", "bass": "#c38d9e", "texture": "#6b7a8f",
    "percussion": "#a0a083",
}  # fmt: skip
COLUMNS, ROWS = 900, 150
LOWEST_HZ, HIGHEST_HZ = 30.0, 16_000.0
WINDOW = 4096
RANGE_DB = 90.0


def figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=100, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(made)
    axes = made.add_subplot()
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=INK, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color("#44424a")
    return made, axes


def png(made: Any) -> bytes:
    out = io.BytesIO()
    made.savefig(out, format="png", facecolor=PAPER, metadata={"Software": None})
    return out.getvalue()


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


def spectrogram_png(sound: Source | Path | str) -> bytes:
    """A spectrogram over the whole length, frequency by equal ratios."""
    opened = recording(sound) if isinstance(sound, str | Path) else sound
    made, axes = figure(10, 2.2)
    seconds = opened.frames / opened.rate
    axes.imshow(spectrogram(opened), origin="lower", aspect="auto", cmap="magma", vmin=-RANGE_DB, vmax=0,
                extent=(0, seconds, 0, 1))  # fmt: skip
    top = min(HIGHEST_HZ, opened.rate / 2)
    ticks = [hz for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10_000) if hz < top]
    axes.set_yticks(
        [np.log(hz / LOWEST_HZ) / np.log(top / LOWEST_HZ) for hz in ticks],
        [f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz" for hz in ticks],
    )
    axes.set_xlabel("seconds", color=INK, fontsize=8)
    return png(made)


def piano_roll_png(piece: Piece) -> bytes:
    """The notes over time in seconds, coloured by role, darker when softer, with sections and tempo."""
    made, axes = figure(10, 3.2)
    for part in piece.parts:
        if not part.notes:
            continue
        start = piece.tempo.seconds([n.start for n in part.notes])
        length = piece.tempo.seconds([n.end for n in part.notes]) - start
        pitch = [n.pitch for n in part.notes]
        colours = [(ROLE_COLOURS[part.role], 0.35 + 0.65 * n.velocity / 127) for n in part.notes]
        axes.barh(pitch, length, left=start, height=0.85, color=colours, label=part.name, linewidth=0)
    for section in piece.sections:
        at = float(piece.tempo.seconds(section.bar * piece.bar_quarters))
        axes.axvline(at, color="#44424a", linewidth=0.8)
        axes.annotate(section.name, (at, 1.0), xycoords=("data", "axes fraction"), color=INK, fontsize=8,
                      xytext=(3, 2), textcoords="offset points")  # fmt: skip
    if len(piece.tempo.changes) > 1:
        tempo = axes.twinx()
        times = piece.tempo.seconds([q for q, _ in piece.tempo.changes])
        tempo.step(times, [60e6 / us for _, us in piece.tempo.changes], where="post", color=ACCENT, linewidth=0.8)
        tempo.tick_params(colors=ACCENT, labelsize=8)
        tempo.set_ylabel("quarters a minute", color=ACCENT, fontsize=8)
    axes.set_xlabel("seconds", color=INK, fontsize=8)
    axes.set_ylabel("MIDI pitch", color=INK, fontsize=8)
    axes.legend(fontsize=7, facecolor=PAPER, edgecolor="#44424a", labelcolor=INK, loc="upper right", ncols=3)
    return png(made)


def curve_png(curve: Sequence[Sequence[float]]) -> bytes:
    """Sadness 0..1 over time, from (seconds, sadness) points."""
    made, axes = figure(10, 1.8)
    at, value = np.array(curve, float).reshape(-1, 2).T
    axes.plot(at, value, color=ACCENT, linewidth=1.6, marker="o", markersize=3)
    axes.set_ylim(0, 1)
    axes.set_xlabel("seconds", color=INK, fontsize=8)
    axes.set_ylabel("sadness", color=INK, fontsize=8)
    axes.grid(color="#2c2a31", linewidth=0.6)
    return png(made)
