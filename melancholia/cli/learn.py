"""``melancholia learn``: what the composer learns from, out of scores of your own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melancholia.cli import options

if TYPE_CHECKING:
    from melancholia.training import Corpus


@click.group()
def learn() -> None:
    """Learn from music people wrote."""


@learn.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.output("The file to keep what was read in.", required=False)
@click.option("--page", type=click.Path(path_type=Path), help="A web page with its statistics.")
@click.option("--jobs", type=int, help="How many files are read side by side; one for each core when left out.")
@options.as_json
@options.force
@options.quiet
def corpus(
    sources: tuple[Path, ...],
    output: Path | None,
    page: Path | None,
    jobs: int | None,
    as_json: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Read SOURCES, folders, zip files and single scores (MusicXML, MIDI), and say what is in them.

    Of each work the lines and who has them, bars, keys and tempo are kept; what nobody could learn from is refused and
    listed. A file that -o wrote is read again at once.
    """
    from melancholia.files import check_output
    from melancholia.training import CORPUS, PAGE, save_corpus, write_page

    for path, kind in ((output, CORPUS), (page, PAGE)):
        if path is not None:
            check_output(path, *sources, over=kind if force else None)
    found = read(sources, jobs, quiet)
    if output is not None:
        save_corpus(found, output, force=force)
    if page is not None:
        write_page(found, page, force=force)
    say(found, as_json)
    for path in (output, page):
        if path is not None:
            options.talk(f"kept in {path}", quiet=quiet)


def read(sources: tuple[Path, ...], jobs: int | None, quiet: bool) -> "Corpus":
    """One corpus of ours, or whatever is in folders and files."""
    import os

    from melancholia.errors import in_range
    from melancholia.training import is_corpus, load_corpus, read_corpus

    if len(sources) == 1 and is_corpus(sources[0]):
        return load_corpus(sources[0])
    if jobs is not None:
        in_range("jobs", jobs, 1, 256)
    with options.progress(quiet) as progress:
        return read_corpus(sources, jobs=jobs or os.cpu_count() or 1, progress=progress)


def say(found: "Corpus", as_json: bool) -> None:
    from melancholia.training import GROUPS, QUANTILES, describe, summary

    if as_json:
        spreads, shares = describe(found.works)
        said = {
            "works": [{"name": w.name, "composer": w.composer, "lines": sorted(w.lines)} for w in found.works],
            "refused": [{"name": r.name, "why": r.why} for r in found.refused],
            "quantiles": list(QUANTILES),
            "of works": {s.name: {g: [None if v != v else v for v in s.quantiles(g)] for g in GROUPS} for s in spreads},
            "shares": {
                s.name: {g: dict(zip(s.labels, s.values[g].tolist(), strict=True)) for g in GROUPS} for s in shares
            },
        }
        click.echo(json.dumps(said))
        return
    for line in summary(found):
        click.echo(line)
    for row in found.refused:
        click.echo(f"refused  {row.name}  {row.why}")
