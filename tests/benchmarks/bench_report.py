"""The page of a song of three minutes and seven stems: how long it takes to write, and how much there is to load."""

import json
import tempfile
import time
from pathlib import Path

from tests.benchmarks.bench_song import SEVEN, song


def figures():
    from melancholia.report import write_report

    with tempfile.TemporaryDirectory() as home:
        song(home, "long", 180, "--instruments", SEVEN)
        folder = Path(home) / "long"
        facts, score = (json.loads((folder / name).read_text()) for name in ("recipe.json", "score.json"))
        stems = [(path.stem, *path.stem.split("-", 2)[1:]) for path in sorted((folder / "stems" / "wet").iterdir())]
        began = time.perf_counter()
        page = write_report(folder, title="bench", score=score, stems=stems, facts=facts)
        wall = time.perf_counter() - began
        size = page.stat().st_size / 1e6
        yield {
            "what": "report of 180 s and seven stems",
            "budget": 20,
            "figure": wall,
            "unit": "s wall",
            "better": "lower",
        }
        yield {"what": "  its size", "budget": 15, "figure": size, "unit": "MB", "better": "lower"}
        painted = first_paint(page)
        if painted is not None:
            yield {"what": "  first paint", "budget": 1, "figure": painted, "unit": "s", "better": "lower"}


def first_paint(page):
    """Seconds from the start of loading until Chromium paints anything; None where there is no Chromium."""
    import shutil

    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        shown = browser.new_page()
        shown.goto(page.as_uri())
        shown.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        painted = shown.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000")
        browser.close()
    return painted
