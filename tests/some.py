"""Moods of which every second one (or every so many) tells, and the others when there is time."""

import pytest

from melancholia.profile import moods


def some_moods(every: int = 2) -> list[object]:
    """All moods, as parameters of a test; all but one in so many are long."""
    return [mood if k % every == 0 else pytest.param(mood, marks=pytest.mark.long) for k, mood in enumerate(moods())]
