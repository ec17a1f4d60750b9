"""Rows that scripts hear once, in several processes, and keep as JSON lines."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def rows_of(listen: Callable[[Any], Any], tasks: Iterable[Any], *, jobs: int, output: Path | None) -> list[Any]:
    """What `listen` says of each task, in their order; kept in `output`, a JSON line each."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        rows = pool.map(listen, list(tasks), chunksize=2)
    if output:
        output.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]
