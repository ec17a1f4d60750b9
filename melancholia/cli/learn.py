"""``melancholia learn``: what the composer learns from, out of scores of your own."""

import json
from collections.abc import Sequence
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


sources = click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
steps = click.option(
    "--steps", type=int, default=4500, show_default=True, help="How long it learns, in steps of 32 stretches."
)
minutes = click.option("--minutes", type=float, help="Stop after so many, wherever it is.")
seed = click.option("--seed", type=int, default=0, show_default=True, help="Another seed, another model.")
jobs = click.option("--jobs", type=int, help="How many files are read side by side; one for each core when left out.")


@learn.command()
@sources
@options.output("The folder to write, for `compose --composer`.")
@steps
@minutes
@seed
@jobs
@options.force
@options.quiet
def composer(
    sources: tuple[Path, ...],
    output: Path,
    steps: int,
    minutes: float | None,
    seed: int,
    jobs: int | None,
    force: bool,
    quiet: bool,
) -> None:
    """Train a composer on SOURCES: a corpus that was kept, or folders, zip files and scores.

    Into one folder go a model of melodies, a model of the lines beside them, a bank of figurations, and the table of
    tunes that what it writes is compared with; 45 minutes of one core for a thousand songs. What is under way lies
    there too; where it was stopped it goes on, and what was trained on the same works in the same way is left as it is.
    """
    from melancholia.composition.composers import FIGURATIONS, LINES, MELODY, TUNES
    from melancholia.composition.figurations import is_bank
    from melancholia.composition.originality import is_table
    from melancholia.errors import InputError

    check_asked(steps, minutes)
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is no folder; allowed: a folder, or a new name.")
    if not output.exists():
        check_place(output, sources, force)
    found = read(sources, jobs, quiet)
    output.mkdir(exist_ok=True)
    for path in (output / MELODY, output / LINES):
        if not force and is_done(path, found, steps, seed):
            options.talk(f"{path} is trained", quiet=quiet)
            continue
        check_place(path, sources, force)
        train_model(found, path, path.stem, steps, minutes, seed, force, quiet)
    bank = output / FIGURATIONS
    if not is_bank(bank):
        check_place(bank, sources, force, bank=True)
    keep_figurations(found, bank, force=force or is_bank(bank))
    table = output / TUNES
    keep_tunes(found, table, force=force or is_table(table))
    options.talk(
        f"kept in {output}; use it with: melancholia compose longing --composer {output} -o piece.mid", quiet=quiet
    )


@learn.command()
@sources
@options.output("The model to write, for `compose --composer`.")
@steps
@minutes
@seed
@jobs
@options.force
@options.quiet
def melody(
    sources: tuple[Path, ...],
    output: Path,
    steps: int,
    minutes: float | None,
    seed: int,
    jobs: int | None,
    force: bool,
    quiet: bool,
) -> None:
    """Train a model of melodies on SOURCES: a corpus that was kept, or folders, zip files and scores.

    It takes one core, 20 minutes for a thousand songs. What is under way lies beside the model in a file that ends in
    .training; where that stands already, the training goes on from it.
    """
    check_asked(steps, minutes)
    check_place(output, sources, force)
    train_model(read(sources, jobs, quiet), output, "melody", steps, minutes, seed, force, quiet)
    options.talk(
        f"kept in {output}; use it with: melancholia compose longing --composer {output} -o piece.mid", quiet=quiet
    )


@learn.command()
@sources
@options.output("The model to write, as lines.npz in a composer's folder.")
@steps
@minutes
@seed
@jobs
@options.force
@options.quiet
def lines(
    sources: tuple[Path, ...],
    output: Path,
    steps: int,
    minutes: float | None,
    seed: int,
    jobs: int | None,
    force: bool,
    quiet: bool,
) -> None:
    """Train a model of the lines beside a melody: second voices, inner ones, basses; as `learn melody` does."""
    check_asked(steps, minutes)
    check_place(output, sources, force)
    train_model(read(sources, jobs, quiet), output, "lines", steps, minutes, seed, force, quiet)
    options.talk(f"kept in {output}", quiet=quiet)


@learn.command()
@sources
@options.output("The bank to write, as figurations.npz in a composer's folder.")
@jobs
@options.force
@options.quiet
def figurations(sources: tuple[Path, ...], output: Path, jobs: int | None, force: bool, quiet: bool) -> None:
    """Collect how pianists accompany, in SOURCES with two staves under a voice: what two composers or more wrote."""
    check_place(output, sources, force, bank=True)
    keep_figurations(read(sources, jobs, quiet), output, force)
    options.talk(f"kept in {output}", quiet=quiet)


@learn.command()
@sources
@options.output("The table to write, as tunes.npz in a composer's folder.")
@jobs
@options.force
@options.quiet
def tunes(sources: tuple[Path, ...], output: Path, jobs: int | None, force: bool, quiet: bool) -> None:
    """Note the figures of the tunes in SOURCES, so that a composer that learned from them does not write them again."""
    from melancholia.composition.originality import TABLE
    from melancholia.files import check_output

    check_output(output, *sources, over=TABLE if force else None)
    keep_tunes(read(sources, jobs, quiet), output, force)
    options.talk(f"kept in {output}", quiet=quiet)


def check_asked(steps: int, minutes: float | None) -> None:
    """Refuse a training that cannot be, before anything is read."""
    from melancholia.errors import in_range
    from melancholia.training.model import needs_torch

    needs_torch()
    in_range("steps", steps, 1, 1_000_000)
    if minutes is not None:
        in_range("minutes", minutes, 0.01, 10_000)


def check_place(path: Path, sources: Sequence[Path], force: bool, *, bank: bool = False) -> None:
    """Refuse to write where something else is."""
    from melancholia.composition.figurations import BANK
    from melancholia.files import check_output
    from melancholia.training.model import MODEL

    check_output(path, *sources, over=(BANK if bank else MODEL) if force else None)


def is_done(path: Path, found: "Corpus", steps: int, seed: int) -> bool:
    """Whether a model stands there that such a training would make."""
    from dataclasses import asdict

    from melancholia.composition.coding import BESIDE, TUNE
    from melancholia.composition.composers import LINES
    from melancholia.composition.decoder import load_decoder
    from melancholia.training.model import Recipe, fingerprint, is_model, learned_from

    if not is_model(path):
        return False
    about, layout = load_decoder(path).about, BESIDE if path.name == LINES else TUNE
    same_works = about["corpus"] == fingerprint(learned_from(found.works, layout))
    return bool(
        same_works and about["what"] == layout.name and about["recipe"] == asdict(Recipe(steps=steps, seed=seed))
    )


def train_model(
    found: "Corpus",
    output: Path,
    what: str,
    steps: int,
    minutes: float | None,
    seed: int,
    force: bool,
    quiet: bool,
) -> None:
    """Train one model, and say what it is worth."""
    from melancholia.composition.coding import BESIDE, TUNE
    from melancholia.streams import check_seed
    from melancholia.training.model import Recipe, save_model, train

    under_way = output.with_name(output.name + ".training")
    with options.progress(quiet) as progress:
        trained = train(
            found, Recipe(steps=steps, seed=check_seed(seed)), layout=BESIDE if what == "lines" else TUNE,
            seconds=60 * minutes if minutes else None, kept=under_way, progress=progress,
        )  # fmt: skip
    save_model(trained, output, force=force)
    under_way.unlink(missing_ok=True)
    card = trained.about
    click.echo(
        f"{card['works']} works, {card['notes']} notes to learn from, {card['steps']} steps in {card['seconds']:.0f} s"
    )
    for name, nats in card["nats"].items():
        click.echo(f"{nats['sum']:.3f} nats a note  {name}")


def keep_figurations(found: "Corpus", output: Path, force: bool) -> None:
    from melancholia.composition.figurations import save_bank
    from melancholia.training.figurations import figurations as figurations_of

    bank = figurations_of(found.works)
    save_bank(bank, output, force=force)
    click.echo(
        f"{len(bank.figures)} figures that two composers or more wrote, in {len(bank.stretches)} stretches of "
        f"{bank.about['works']} works"
    )


def keep_tunes(found: "Corpus", output: Path, force: bool) -> None:
    from melancholia.composition.originality import save_tunes
    from melancholia.training.tunes import tunes as tunes_of

    table = tunes_of(found.works)
    save_tunes(table, output, force=force)
    click.echo(f"figures of {table.about['works']} tunes of {table.about['composers']} composers")


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
