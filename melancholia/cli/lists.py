"""``melancholia moods``, ``racks`` and ``instruments``: what there is, a line each."""

import json

import click

from melancholia.cli import options


def print_rows(rows: dict[str, str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows))
    else:
        width = max(map(len, rows))
        for name, about in rows.items():
            click.echo(f"{name:<{width}}  {about}")


@click.command()
@options.as_json
def moods(as_json: bool) -> None:
    """List the moods."""
    from melancholia.profile import moods, profile

    print_rows({name: profile(name).about for name in moods()}, as_json)


@click.command()
@options.as_json
def racks(as_json: bool) -> None:
    """List the racks."""
    from melancholia.racks import names, rack

    print_rows({name: rack(name).about for name in names()}, as_json)


@click.command()
@options.as_json
def instruments(as_json: bool) -> None:
    """List the instruments."""
    from melancholia.instruments import about, names

    print_rows({name: about(name) for name in names()}, as_json)
