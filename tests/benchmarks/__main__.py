"""Run each `bench_*.py` in a process of its own and print its figures as a table.

A benchmark is a module with `figures()`, which yields dicts: `what`, `budget`, `figure`, `unit`, and `better`
("higher" or "lower"). A budget of None is a figure to compare with. Exit 1 when a budget is missed.
"""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path


def held(row):
    if row["budget"] is None:
        return None
    return row["figure"] >= row["budget"] if row["better"] == "higher" else row["figure"] <= row["budget"]


def main(wanted):
    names = wanted or sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    missed = 0
    print(f"{'':5} {'what':<72} {'budget':>10} {'figure':>10}  unit")
    for name in names:
        done = subprocess.run([sys.executable, "-m", "tests.benchmarks", "--one", name], stdout=subprocess.PIPE)
        missed += done.returncode != 0
        for line in done.stdout.decode().splitlines():
            row = json.loads(line)
            ok = held(row)
            missed += ok is False
            mark = {None: "", True: "ok", False: "MISS"}[ok]
            budget = "" if row["budget"] is None else f"{row['budget']:g}"
            print(f"{mark:<5} {row['what']:<72} {budget:>10} {row['figure']:>10.3g}  {row['unit']}", flush=True)
    return missed > 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        for row in import_module(f"tests.benchmarks.{sys.argv[2]}").figures():
            print(json.dumps(row), flush=True)
    else:
        sys.exit(main(sys.argv[1:]))
