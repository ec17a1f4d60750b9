"""Mastering: loudness as broadcasters measure it, and a limiter that cannot overshoot."""

from melancholia.mastering.loudness import Loudness, measure, short_term
from melancholia.mastering.master import MasterPlan, master, plan_master

__all__ = ["Loudness", "MasterPlan", "master", "measure", "plan_master", "short_term"]
