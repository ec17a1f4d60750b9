from pathlib import Path

import pytest

from tests.hosting.zoo import built, can_be_built

ZAM = Path("/usr/lib/vst3")


@pytest.fixture(scope="session")
def zoo(request, tmp_path_factory):
    if not can_be_built():
        pytest.skip("needs g++ and Debian's dpf-source")
    cache = getattr(request.config, "cache", None)
    return built(cache.mkdir("zoo") if cache is not None else tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="session")
def zam():
    if not (ZAM / "ZamComp.vst3").is_dir():
        pytest.skip("needs Debian's zam-plugins")
    return ZAM
