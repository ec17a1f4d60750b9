"""Composition: a profile becomes a written piece. Form, harmony, arrangement and notes are separate parts."""

from melancholia.composition.compose import compose

__all__ = ["compose"]
