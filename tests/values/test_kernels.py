"""Every kernel is compiled for one signature when it is imported: nothing compiles in a thread, and processes that
compile at the same time write the same."""

from importlib import import_module
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import melancholia

HOME = Path(melancholia.__file__).parent
KERNELS = [
    (f"melancholia.{path.parent.name}.kernels", name)
    for path in sorted(HOME.glob("*/kernels.py"))
    for name, value in vars(import_module(f"melancholia.{path.parent.name}.kernels")).items()
    if isinstance(value, Dispatcher)
]


@pytest.mark.parametrize(("module", "name"), KERNELS)
def test_a_kernel_has_one_signature_and_takes_no_other(module, name):
    kernel = getattr(import_module(module), name)
    assert len(kernel.signatures) == 1 and not kernel._can_compile and kernel.targetoptions.get("nogil")


def test_kernels_stand_in_no_other_file():
    found = [path for path in HOME.rglob("*.py") if "njit" in path.read_text() and path.name != "kernels.py"]
    assert len(KERNELS) >= 8 and not found
