"""An output disk that fills and is freed, or stays full: 24 MB of memory as a disk, for whoever may mount one."""

import shutil
import threading
from pathlib import Path

from tests.batch.kills import hashes, sources
from tests.children import CLI, Children

SIZE_MB, FILES = 24, 16
FREED_S = 6.0


def wrongs(children: Children, home: Path) -> list[str]:
    """All that is wrong after it was full for a while, then full for good, then freed."""
    source, disk = sources(home / "in", FILES, 8), home / "disk"
    disk.mkdir()
    calm = children.run(*CLI, "batch", source, "--rack", "longing", "-o", home / "calm")
    mounted = children.run("mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", disk)
    if calm.returncode or mounted.returncode:
        return [f"could not begin: {calm.stderr} {mounted.stderr}"]
    ballast, out, wrong = disk / "ballast", disk / "out", []
    call = (*CLI, "batch", source, "--rack", "longing", "-o", out, "--jobs", 2)
    try:
        ballast.write_bytes(bytes((SIZE_MB - 4) * 2**20))
        freed = threading.Timer(FREED_S, ballast.unlink)
        freed.start()
        done = children.run(*call)
        freed.join()
        if done.returncode or hashes(out) != hashes(home / "calm"):
            wrong.append(
                f"freed after {FREED_S:.0f} s: exit {done.returncode}, {len(hashes(out))} outputs, {done.stderr}"
            )
        shutil.rmtree(out)
        ballast.write_bytes(bytes((SIZE_MB - 4) * 2**20))
        stopped = children.run(*call)
        if stopped.returncode != 1 or "No space left on device; the same command goes on" not in stopped.stderr:
            wrong.append(f"full for good: exit {stopped.returncode}, {stopped.stderr}")
        if not set(hashes(out).items()) <= set(hashes(home / "calm").items()) or list(out.rglob("*.part")):
            wrong.append("full for good: something is half-written")
        ballast.unlink()
        again = children.run(*call)
        rows = (out / "manifest.jsonl").read_text().splitlines()
        if again.returncode or hashes(out) != hashes(home / "calm") or len(rows) != FILES:
            wrong.append(f"freed at last: exit {again.returncode}, {len(rows)} rows, {again.stderr}")
    finally:
        children.run("umount", disk)
    return wrong
