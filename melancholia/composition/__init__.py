"""Composition: a profile becomes a written piece. Form, harmony, arrangement and notes are separate parts."""

from melancholia.composition.compose import compose
from melancholia.composition.form import check_asked
from melancholia.composition.orchestration import orchestrate

__all__ = ["check_asked", "compose", "orchestrate"]
