"""Sadness over time as a picture that stands alone."""

import io
from collections.abc import Sequence

import numpy as np

INK, PAPER, ACCENT = "#c9c4bb", "#17161a", "#d98e5f"


def curve_png(curve: Sequence[Sequence[float]]) -> bytes:
    """Sadness 0..1 over time as PNG, from (seconds, sadness) points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(10, 1.8), dpi=100, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(made)
    axes = made.add_subplot()
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=INK, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color("#44424a")
    at, value = np.array(curve, float).reshape(-1, 2).T
    axes.plot(at, value, color=ACCENT, linewidth=1.6, marker="o", markersize=3)
    axes.set_ylim(0, 1)
    axes.set_xlabel("seconds", color=INK, fontsize=8)
    axes.set_ylabel("sadness", color=INK, fontsize=8)
    axes.grid(color="#2c2a31", linewidth=0.6)
    out = io.BytesIO()
    made.savefig(out, format="png", facecolor=PAPER, metadata={"Software": None})
    return out.getvalue()
