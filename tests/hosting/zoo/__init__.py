"""Plugins that misbehave, built once from `plugin.cpp` on Debian's dpf-source: the bundle's name says how."""

import hashlib
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock

HERE = Path(__file__).parent
DPF = Path("/usr/share/dpf/distrho")
KINDS = (
    "Gain", "CrashOnLoad", "CrashOnBlock", "CrashOnce", "HangOnLoad", "Hang", "Flood", "Leak", "NaN", "Lying", "Late",
    "Clock", "Exit",
)  # fmt: skip


def can_be_built() -> bool:
    return DPF.is_dir() and shutil.which("g++") is not None and platform.system() == "Linux"


def built(folder: Path) -> dict[str, Path]:
    """Every kind as a bundle in a folder; what was built there from the same source stays."""
    sources = [HERE / "DistrhoPluginInfo.h", HERE / "plugin.cpp"]
    place = folder / hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    with FileLock(f"{place}.lock"):
        if not place.is_dir():
            half = Path(tempfile.mkdtemp(dir=folder))
            library = compiled(half / "library.so")
            for kind in KINDS:
                home = half / f"{kind}.vst3" / "Contents" / f"{platform.machine()}-linux"
                home.mkdir(parents=True)
                shutil.copy(library, home / f"{kind}.so")
            half.rename(place)
    return {kind: place / f"{kind}.vst3" for kind in KINDS}


def compiled(path: Path) -> Path:
    options = "-std=gnu++14 -O2 -fPIC -shared -fvisibility=hidden -DDISTRHO_PLUGIN_TARGET_VST3 -DNDEBUG".split()
    places = [f"-I{place}" for place in (HERE, DPF, DPF / "src")]
    files = [str(HERE / "plugin.cpp"), str(DPF / "DistrhoPluginMain.cpp")]
    command = ["g++", *options, *places, *files, "-o", str(path), "-Wl,--no-undefined", "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    return path
