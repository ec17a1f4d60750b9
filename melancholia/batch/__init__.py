"""Work over many files: each is done once, whatever happens between; one row a file says what became of it."""

from melancholia.batch.attempt import Outcome
from melancholia.batch.driver import Heard, Summary, planned, run
from melancholia.batch.jobs import Job, Made, Mastering, masters
from melancholia.batch.rows import Row, read_manifest

__all__ = [
    "Heard",
    "Job",
    "Made",
    "Mastering",
    "Outcome",
    "Row",
    "Summary",
    "masters",
    "planned",
    "read_manifest",
    "run",
]
