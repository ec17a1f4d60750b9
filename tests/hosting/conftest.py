from pathlib import Path

import pytest

from melancholia.hosting import process, qualification
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


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """What is found out about plugins stays with the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def impatient(monkeypatch):
    """What hangs is waited for a moment only."""
    for name, seconds in (("BLOCK_S", 2.0), ("TIMES", 0.5)):
        monkeypatch.setattr(process, name, seconds)


@pytest.fixture
def brief(monkeypatch):
    """Fewer instances, rates and blocks in a qualification."""
    for name, value in (("FRESH", 3), ("RATES", (44_100, 48_000)), ("SIZES", (64, 16_384)), ("LEAK_S", 4.0)):
        monkeypatch.setattr(qualification, name, value)
