"""Composition: a profile becomes a written piece. Form, harmony, arrangement and notes are separate parts."""

from melancholia.composition.compose import MODEL, PLANNED, check_composer, compose, model_path
from melancholia.composition.form import check_asked
from melancholia.composition.orchestration import orchestrate

__all__ = ["MODEL", "PLANNED", "model_path", "check_asked", "check_composer", "compose", "orchestrate"]
