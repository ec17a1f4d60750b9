"""Where plugins lie, and which is meant by a name."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from melancholia.errors import InputError, nearest

FOLDERS = {
    "linux": ("~/.vst3", "/usr/lib/vst3", "/usr/local/lib/vst3"),
    "darwin": ("~/Library/Audio/Plug-Ins/VST3", "/Library/Audio/Plug-Ins/VST3"),
    "win32": ("%COMMONPROGRAMFILES%/VST3", "%LOCALAPPDATA%/Programs/Common/VST3"),
}
CODE = {
    "linux": ("Contents/{}-linux/*.so",),
    "darwin": ("Contents/MacOS/*",),
    "win32": ("Contents/{}-win/*.vst3", "Contents/x86_64-win/*.vst3"),
}
KINDS = (  # how files of code begin, and the system that they are for
    (b"\x7fELF", "linux"),
    (b"MZ", "win32"),
    (b"\xcf\xfa\xed\xfe", "darwin"),
    (b"\xce\xfa\xed\xfe", "darwin"),
    (b"\xca\xfe\xba\xbe", "darwin"),
)
ELF_32 = 1  # elf.h: ELFCLASS32, the fifth byte
SCHEME = "vst3:"
SUFFIX = ".vst3"


def folders() -> tuple[Path, ...]:
    """Where VST3 plugins are looked for on this system, the user's own first."""
    return tuple(Path(os.path.expandvars(os.path.expanduser(at))) for at in FOLDERS.get(sys.platform, ()))


def installed(places: Sequence[Path] | None = None) -> tuple[Path, ...]:
    """Every bundle in those folders, or in others, by name, of one name the user's own first; none is looked into."""
    found: list[Path] = []
    for folder in dict.fromkeys(folders() if places is None else places):
        if folder.suffix == SUFFIX:
            found.append(folder)
            continue
        for at, names, files in os.walk(folder, followlinks=False):
            bundles = sorted(name for name in (*names, *files) if name.endswith(SUFFIX))
            found += [Path(at) / name for name in bundles]
            names[:] = sorted(name for name in names if name not in bundles)
    return tuple(sorted(found, key=lambda path: path.stem.lower()))


def library(path: Path) -> Path:
    """The file of a bundle that holds the code for this system; the bundle itself where it is one file.

    Raises
    ------
    InputError
        It has none for this system.
    """
    here = f"{platform.machine()} {sys.platform}"
    if not path.exists():
        raise InputError(f"{path} does not exist; allowed: a {SUFFIX} bundle.")
    path = path.resolve()
    if path.is_file():
        found = [path]
    else:
        found = [at for pattern in CODE[sys.platform] for at in sorted(path.glob(pattern.format(platform.machine())))]
    if not found:
        others = sorted(at.name for at in path.glob("Contents/*") if at.is_dir())
        what = f"is made for {', '.join(others)}" if others else "holds no plugin"
        raise InputError(f"{path} {what}; allowed: a plugin for {here}.")
    code = next((at for at in found if at.stem == path.stem), None)
    if code is None and sys.platform == "linux":  # there the format says so
        raise InputError(f"{path} holds {found[0].name}; allowed: {path.stem}.so, for a bundle keeps its maker's name.")
    code = code or found[0]
    kind = made_for_another(code)
    if kind:
        raise InputError(f"{path} holds {kind}; allowed: a plugin for {here}.")
    return code


def made_for_another(code: Path) -> str:
    """What a file is where it cannot be code for this system: another one's, or 32 bits wide; else nothing."""
    with code.open("rb") as file:
        head = file.read(5)
    kind = next((kind for mark, kind in KINDS if head.startswith(mark)), None)
    if kind is None:
        return "no code"
    if kind != sys.platform:
        return f"code for {kind}"
    return "code of 32 bits" if kind == "linux" and head[4] == ELF_32 else ""


def bundle(said: str, beside: Path) -> Path:
    """The bundle that ``vst3:NAME`` or ``vst3:PATH`` means; a path that is not absolute lies beside a file.

    Of bundles of one name, that in the first of `folders` is meant.

    Raises
    ------
    InputError
        There is none, several in one folder are called so, or it is made for another system.
    """
    name = said.removeprefix(SCHEME)
    if not said.startswith(SCHEME) or not name:
        raise InputError(f'is {said!r}; allowed: "{SCHEME}" and a name or a path.')
    if "/" in name or os.sep in name or name.endswith(SUFFIX):
        path = beside / os.path.expanduser(name)
        if not path.exists():
            raise InputError(f"is {said!r}, and {path} does not exist; allowed: a {SUFFIX} bundle.")
        library(path)
        return path
    known = installed()
    found = [path for path in known if path.stem == name]
    if not found:
        names = sorted({path.stem for path in known})
        where = ", ".join(map(str, folders()))
        raise InputError(f"is {said!r}, which is not in {where}; allowed: a path, or a name.{nearest(name, names)}")
    first = next(folder for folder in folders() if folder in found[0].parents)
    rivals = [path for path in found if first in path.parents]
    if len(rivals) > 1:
        paths = " and ".join(map(str, rivals))
        raise InputError(f"is {said!r}, which may be {paths}; allowed: {SCHEME} and one of these paths.")
    library(found[0])
    return found[0]


def meant(said: str) -> Path:
    """The bundle that a name, or a path from here on, means."""
    try:
        return bundle(said if said.startswith(SCHEME) else SCHEME + said, Path.cwd())
    except InputError as error:
        raise InputError(f"plugin {error}") from error
