"""Work over many files: each is done once, whatever happens between; one row a file says what became of it."""

from melancholia.batch.attempt import Outcome
from melancholia.batch.catalogue import Making, songs
from melancholia.batch.cluster import Cluster, cluster
from melancholia.batch.driver import Heard, Summary, planned, run
from melancholia.batch.gate import Gate, gate
from melancholia.batch.jobs import Job, Made
from melancholia.batch.listening import Listening, scores
from melancholia.batch.mastering import Mastering, masters
from melancholia.batch.playing import Playing, stems
from melancholia.batch.rows import Row, read_manifest
from melancholia.batch.summary import Spread, check_page, spreads, write_page

__all__ = [
    "Cluster",
    "Gate",
    "Heard",
    "Job",
    "Listening",
    "Made",
    "Making",
    "Mastering",
    "Outcome",
    "Playing",
    "Row",
    "Spread",
    "Summary",
    "check_page",
    "cluster",
    "gate",
    "masters",
    "planned",
    "read_manifest",
    "run",
    "scores",
    "songs",
    "spreads",
    "stems",
    "write_page",
]
