"""Of many cases every second one (or every so many) tells, and the others when there is time."""

from collections.abc import Iterable

import pytest

from melancholia.profile import moods


def some(cases: Iterable[object], every: int = 2) -> list[object]:
    """All of them, as parameters of a test; all but one in so many are long."""
    return [case if k % every == 0 else later(case)[0] for k, case in enumerate(cases)]


def later(*cases: object) -> list[object]:
    """Cases of a test that are long."""
    return [pytest.param(case, marks=pytest.mark.long) for case in cases]


def some_moods(every: int = 2) -> list[object]:
    """All moods, as parameters of a test; all but one in so many are long."""
    return some(moods(), every)
