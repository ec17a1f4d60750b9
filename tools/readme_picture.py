"""Draw docs/first-song.png: the top of a real song's report, as Chromium shows it.

python tools/readme_picture.py first-song docs/first-song.png
"""

import io
import shutil
import sys
from pathlib import Path

SIZE = {"width": 1000, "height": 1010}


def main(folder: Path, target: Path) -> None:
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto((folder.resolve() / "report.html").as_uri())
        shown = page.screenshot()
        browser.close()
    Image.open(io.BytesIO(shown)).convert("RGB").save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
