"""What the composer learns from music people wrote: a corpus of works, read, split and described."""

from melancholia.training.corpus import CORPUS, Corpus, Refused, is_corpus, load_corpus, read_corpus, save_corpus
from melancholia.training.page import PAGE, summary, write_page
from melancholia.training.split import split
from melancholia.training.statistics import GROUPS, QUANTILES, describe
from melancholia.training.works import Work

__all__ = [
    "CORPUS",
    "GROUPS",
    "PAGE",
    "QUANTILES",
    "Corpus",
    "Refused",
    "Work",
    "describe",
    "is_corpus",
    "load_corpus",
    "read_corpus",
    "save_corpus",
    "split",
    "summary",
    "write_page",
]
