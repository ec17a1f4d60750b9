"""Long counts: fresh pieces of every mood, judged; the rates go into tests/RESULTS.md between its marks.

make soak
"""

import datetime
import sys
from argparse import Namespace
from pathlib import Path

from melancholia.profile import moods
from tests.judge import collect, judge

RESULTS = Path(__file__).with_name("RESULTS.md")
START, END = "<!-- soak: start -->", "<!-- soak: end -->"


def main(seeds: str = "7000-7019") -> None:
    options = Namespace(
        seeds=seeds,
        moods=list(moods()),
        intensities=[0.7],
        seconds=60.0,
        twins=True,
        every_intensity=False,
        jobs=2,
        output=None,
    )
    rates = judge(collect(options))
    lines = [f"Seeds {seeds}, intensity 0.7, 60 s, {datetime.date.today()}.", "", "| what | rate |", "|---|---|"]
    lines += [f"| {name} | {rate:.2f} |" for name, rate in rates.items() if isinstance(rate, float)]
    text = RESULTS.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    RESULTS.write_text(before + START + "\n" + "\n".join(lines) + "\n" + END + after, encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
