"""librosa, imported so that no two processes fill numba's cache at once.

librosa compiles some of its functions, for several types each, when it is first imported, and numba keeps the result
on disk. Two processes that do so at the same time can leave an index that names the code for one type as that for
another: from then on every process that imports librosa crashes. So the first to come compiles and the others wait;
afterwards a note of how the cache was left lets everybody pass without waiting.
"""

import hashlib
import json
import os
import platform
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from filelock import FileLock, Timeout

from melancholia.files import cache_folder

LONGEST_WAIT_S = 180.0  # for another process' first use; then go on rather than never
COMPILING = ("core", "util", "onset", "feature")  # parts of librosa that compile when they are imported


@cache
def librosa() -> ModuleType:
    """librosa, all that the listener uses of it imported; call it before threads are started."""
    note = cache_folder() / f"{facts()}.json"
    if left_as_noted(note):
        return imported()
    lock = FileLock(note.with_suffix(".lock"))
    try:
        with lock.acquire(LONGEST_WAIT_S):
            found = imported()
            note.write_text(json.dumps(state_of_cache()), encoding="utf-8")
            return found
    except Timeout:
        return imported()


def imported() -> ModuleType:
    for name in COMPILING:
        import_module(f"librosa.{name}")
    return import_module("librosa")


def facts() -> str:
    """A name for everything that decides which cache is meant: this machine, this Python, this librosa."""
    said = (platform.node(), platform.python_version(), str(home()), os.environ.get("NUMBA_CACHE_DIR", ""))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def home() -> Path:
    """Where librosa is installed."""
    spec = find_spec("librosa")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def state_of_cache() -> dict[str, int]:
    """The folders where numba may keep the code, and when anything was last added to them or taken away (ns)."""
    folders = [home() / name / "__pycache__" for name in ("core", "util")]
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        folders += [Path(given), *(path for path in sorted(Path(given).glob("*")) if path.is_dir())]
    return {str(folder): folder.stat().st_mtime_ns for folder in folders if folder.is_dir()}


def left_as_noted(note: Path) -> bool:
    """Whether the cache is as a process left it that had compiled all."""
    try:
        return bool(json.loads(note.read_text(encoding="utf-8")) == state_of_cache())
    except (OSError, ValueError):
        return False
