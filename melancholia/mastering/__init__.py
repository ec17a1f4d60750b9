"""Mastering: loudness as broadcasters measure it, and a limiter that cannot overshoot."""

from melancholia.mastering.loudness import Loudness, measure, short_term
from melancholia.mastering.master import CODERS, Delivered, deliver, master
from melancholia.mastering.plan import MasterPlan, plan_album, plan_master
from melancholia.mastering.stems import master_stem, null_dbfs
from melancholia.mastering.targets import CEILINGS_DBTP, LOUDNESSES_LUFS, TARGETS, USUAL, Target, target
from melancholia.mastering.tone import Balance, Spectrum, balance, reference_lufs, spectrum

__all__ = [
    "CEILINGS_DBTP",
    "CODERS",
    "LOUDNESSES_LUFS",
    "TARGETS",
    "USUAL",
    "Balance",
    "Delivered",
    "Loudness",
    "MasterPlan",
    "Spectrum",
    "Target",
    "balance",
    "deliver",
    "master",
    "master_stem",
    "measure",
    "null_dbfs",
    "plan_album",
    "plan_master",
    "reference_lufs",
    "short_term",
    "spectrum",
    "target",
]
