"""Composition: a profile becomes a written piece. Form, harmony, arrangement and notes are separate parts."""

from melancholia.composition.compose import compose
from melancholia.composition.composers import PLANNED, check_composer, model_files
from melancholia.composition.form import check_asked
from melancholia.composition.orchestration import orchestrate

__all__ = ["PLANNED", "check_asked", "check_composer", "compose", "model_files", "orchestrate"]
