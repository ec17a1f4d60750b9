"""``report.html``: the verdict, pictures and players of a song's folder on one page that needs no network."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from melancholia.files import ANY_FILE, write_text
from melancholia.midi import load_midi
from melancholia.report.pictures import curve_png, piano_roll_png, spectrogram_png

TEMPLATE = Path(__file__).with_name("report.html.jinja")
LONG_FACTS = ("sources", "made", "maker")


def embedded(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")


def write_report(
    folder: Path,
    *,
    title: str,
    score: Mapping[str, Any],
    stems: Sequence[str],
    master: str,
    facts: Mapping[str, Any],
) -> Path:
    """Write ``report.html`` into a song's folder and return its path.

    Parameters
    ----------
    folder : Path
        Holds `master`, the `stems` (paths relative to it) and, where there is one, ``piece.mid``.
    score : mapping
        What ``score.json`` holds.
    facts : mapping
        What ``recipe.json`` holds.
    """
    from jinja2 import Environment, StrictUndefined

    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(TEMPLATE.read_text(encoding="utf-8"))
    notes = folder / "piece.mid"
    html = page.render(
        title=title,
        score=score,
        master=master,
        master_picture=embedded(spectrogram_png(folder / master)),
        roll=embedded(piano_roll_png(load_midi(notes))) if notes.exists() else None,
        curve=embedded(curve_png(score["curve"])) if score["curve"] else None,
        stems=[
            {"name": Path(path).stem, "path": path, "picture": embedded(spectrogram_png(folder / path))}
            for path in stems
        ],
        facts={name: value for name, value in facts.items() if name not in LONG_FACTS and value is not None},
        maker=facts.get("maker", ""),
    )
    write_text(folder / "report.html", html, over=ANY_FILE)
    return folder / "report.html"
