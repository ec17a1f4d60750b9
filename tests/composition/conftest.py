"""What holds for every piece holds for every draft that is fit: most tests here look at the best of three."""

import sys

import pytest

import melancholia.composition.compose  # noqa: F401
from tests.composition import test_aims, test_contract, test_course, test_moods, test_originality

WHOLE = {
    module.__name__ for module in (test_aims, test_contract, test_course, test_moods, test_originality)
}  # the best of all


@pytest.fixture(scope="module", autouse=True)
def few_drafts(request):
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__ not in WHOLE:
            composing = sys.modules["melancholia.composition.compose"]
            patch.setattr(composing, "COMPARED", 3)
            patch.setattr(composing, "COMPARED_LONG", 2)
            patch.setattr(composing, "COMPARED_LEARNED", 2)
            patch.setattr(sys.modules["melancholia.composition.rewriting"], "DRAFTS", 1)
        yield
