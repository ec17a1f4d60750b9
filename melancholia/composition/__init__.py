"""Composition: a profile becomes a written piece. Form, harmony, arrangement and notes are separate parts."""

from melancholia.composition.compose import compose
from melancholia.composition.composers import LEARNED, beside_songs, check_composer, model_files
from melancholia.composition.form import check_asked
from melancholia.composition.harmonising import harmonise
from melancholia.composition.orchestration import orchestrate
from melancholia.composition.rewriting import continued, infill, vary

__all__ = [
    "LEARNED", "beside_songs", "check_asked", "check_composer", "compose", "continued", "harmonise", "infill",
    "model_files", "orchestrate", "vary",
]  # fmt: skip
