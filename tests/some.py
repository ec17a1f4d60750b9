"""Moods of which every second one tells, and the others when there is time."""

import pytest

from melancholia.profile import moods


def some_moods() -> list[object]:
    """All moods, as parameters of a test; every second one is long."""
    return [mood if k % 2 == 0 else pytest.param(mood, marks=pytest.mark.long) for k, mood in enumerate(moods())]
