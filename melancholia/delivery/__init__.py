"""Delivery: what a setting makes of the sound: a film's exact length, its room for speech, a loop without a seam."""

from melancholia.delivery.delivery import Delivery, delivery

__all__ = ["Delivery", "delivery"]
