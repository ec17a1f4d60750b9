"""What holds for every piece holds for every draft that is fit: most tests here look at the best of three."""

import sys

import pytest

import melancholia.composition  # noqa: F401
from tests.composition import test_aims, test_contract, test_course, test_moods, test_theme

DRAFTS = {test_aims: 10, test_contract: 10, test_course: 10, test_moods: 6}


@pytest.fixture(scope="module", autouse=True)
def few_drafts(request):
    with pytest.MonkeyPatch.context() as patch:
        composing = sys.modules["melancholia.composition.compose"]
        patch.setattr(composing, "COMPARED", DRAFTS.get(request.module, 3))
        patch.setattr(composing, "COMPARED_LONG", 2)
        patch.setattr(composing, "COMPARED_LEARNED", 3 if request.module is test_theme else 2)
        patch.setattr(sys.modules["melancholia.composition.rewriting"], "DRAFTS", 1)
        yield
