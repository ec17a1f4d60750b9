"""Mastering: loudness as broadcasters measure it, and a limiter that cannot overshoot."""

from melancholia.mastering.loudness import Loudness, measure, short_term
from melancholia.mastering.master import (
    CEILINGS_DBTP,
    LOUDNESSES_LUFS,
    Delivered,
    MasterPlan,
    deliver,
    master,
    plan_master,
)

__all__ = [
    "CEILINGS_DBTP",
    "LOUDNESSES_LUFS",
    "Delivered",
    "Loudness",
    "MasterPlan",
    "deliver",
    "master",
    "measure",
    "plan_master",
    "short_term",
]
