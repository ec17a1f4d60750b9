"""Plugins that misbehave, built once from `plugin.cpp` on Debian's dpf-source: the bundle's name says how."""

import hashlib
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from tests.children import Children

HERE = Path(__file__).parent
DPF = Path("/usr/share/dpf/distrho")
KINDS = (
    "Gain", "CrashOnLoad", "CrashOnBlock", "CrashOnce", "HangOnLoad", "Hang", "Flood", "Leak", "NaN", "Lying", "Late",
    "Clock", "Exit", "Child",
)  # fmt: skip
SHELL, SYNTH = "Shell", "Synth"  # holds two, Zoo and Zoo Two; is an instrument


def can_be_built() -> bool:
    return DPF.is_dir() and shutil.which("g++") is not None and sys.platform == "linux"


def built(folder: Path) -> dict[str, Path]:
    """Every kind as a bundle in a folder; what was built there from the same source stays."""
    sources = [HERE / name for name in ("DistrhoPluginInfo.h", "plugin.cpp", "shell.cpp", "synth.cpp")]
    place = folder / hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    with FileLock(f"{place}.lock"):
        if not place.is_dir():
            half = Path(tempfile.mkdtemp(dir=folder))
            one = compiled(half / "one.so", "plugin.cpp", framework=True)
            for kind in KINDS:
                shutil.copy(one, home(half, kind) / f"{kind}.so")
            shell = home(half, SHELL)
            shutil.copy(one, shell / "One.so")
            compiled(shell / "Two.so", "plugin.cpp", "-DSECOND", framework=True)
            compiled(shell / f"{SHELL}.so", "shell.cpp")
            compiled(home(half, SYNTH) / f"{SYNTH}.so", "synth.cpp", "-DSYNTH", framework=True)
            half.rename(place)
    return {kind: place / f"{kind}.vst3" for kind in (*KINDS, SHELL, SYNTH)}


def home(folder: Path, kind: str) -> Path:
    made = folder / f"{kind}.vst3" / "Contents" / f"{platform.machine()}-linux"
    made.mkdir(parents=True)
    return made


def compiled(path: Path, source: str, *more: str, framework: bool = False) -> Path:
    options = "-std=gnu++14 -O2 -fPIC -shared -fvisibility=hidden -DDISTRHO_PLUGIN_TARGET_VST3 -DNDEBUG".split()
    places = [f"-I{place}" for place in (HERE, DPF, DPF / "src")]
    files = [str(HERE / source), *([str(DPF / "DistrhoPluginMain.cpp")] if framework else [])]
    command = ["g++", *options, *more, *places, *files, "-o", str(path), "-Wl,--no-undefined", "-ldl", "-lpthread"]
    with tempfile.TemporaryDirectory() as folder:
        done = Children(Path(folder)).run(*command)
    assert done.returncode == 0, done.stderr
    return path
