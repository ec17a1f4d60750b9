"""Mastering: loudness as broadcasters measure it, and a limiter that cannot overshoot."""

from melancholia.mastering.loudness import Loudness, measure, short_term
from melancholia.mastering.master import Delivered, MasterPlan, deliver, master, plan_master

__all__ = ["Delivered", "Loudness", "MasterPlan", "deliver", "master", "measure", "plan_master", "short_term"]
