from tests.hosting.conftest import own_cache, zam

__all__ = ["own_cache", "zam"]
