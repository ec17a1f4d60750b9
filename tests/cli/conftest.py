"""What holds for a song holds whoever of the drafts it was made of: here the first that is fit."""

import sys

import pytest

import melancholia.composition  # noqa: F401


@pytest.fixture(scope="module", autouse=True)
def one_draft():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["melancholia.composition.compose"], "COMPARED_LEARNED", 1)
        patch.setattr(sys.modules["melancholia.composition.rewriting"], "DRAFTS", 1)
        yield
