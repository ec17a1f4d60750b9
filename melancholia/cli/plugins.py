"""``melancholia plugins``: which plugins there are, what one can be set to, and whether it may be trusted with work."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from melancholia.cli import completion, options
from melancholia.errors import InputError, MelancholiaError

named: options.Option = click.option("--name", help="One of several plugins in a bundle.")
patience: options.Option = click.option(
    "--load-s", type=click.FloatRange(1, 600), default=20, show_default=True, help="Seconds that it may take to load."
)


@click.group()
def plugins() -> None:
    """Use plugins of your own (VST3) in racks: list, show and test them.

    \b
    A rack file names one by its bundle, in the place of an effect:
        [[insert.any]]
        plugin = "vst3:ZamComp"          or a path, as "vst3:/home/me/Comp.vst3"
        params = { threshold = -18 }
    """


@plugins.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@options.as_json
def scan(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the plugins in FOLDERS, or where the system keeps them, with what is known of each.

    \b
    Linux    ~/.vst3, /usr/lib/vst3, /usr/local/lib/vst3
    macOS    ~/Library/Audio/Plug-Ins/VST3, /Library/Audio/Plug-Ins/VST3
    Windows  %COMMONPROGRAMFILES%\\VST3, %LOCALAPPDATA%\\Programs\\Common\\VST3

    Each is asked for its names in a process of its own; one that crashes at that is in quarantine, and not asked again.
    """
    from melancholia.hosting.bundles import folders as usual
    from melancholia.hosting.bundles import installed

    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder; allowed: folders that hold plugins.")
    rows = [row for path in installed(folders or usual()) for row in found(path)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        why = f": {row['why']}" if row["why"] else ""
        click.echo(f"{row['name']:<{width}}  {row['path']}  {row['verdict']}{why}")
    if not rows:
        options.talk(f"no plugins in {', '.join(map(str, folders or usual()))}")


def found(path: Path) -> list[dict[str, str]]:
    """A row for each plugin of a bundle, by the bundle's name, and its own where there are several."""
    from melancholia.hosting.qualification import names
    from melancholia.hosting.reports import known

    try:
        held = names(path)
    except MelancholiaError as error:
        report = None if isinstance(error, InputError) else known(path)
        verdict, why = (report.verdict, report.why) if report is not None else ("unusable", str(error))
        return [{"name": path.stem, "path": str(path), "verdict": verdict, "why": why}]
    rows = []
    for name in held:
        report = known(path, name)
        verdict, why = (report.verdict, report.why) if report is not None else ("not qualified", "")
        called = path.stem if len(held) == 1 else f"{path.stem}: {name}"
        if shadowed(path):
            why = f"{why}; another comes first by this name" if why else "another comes first by this name"
        rows.append({"name": called, "path": str(path), "verdict": verdict, "why": why})
    return rows


def shadowed(path: Path) -> bool:
    """Whether its name means another bundle."""
    from melancholia.hosting.bundles import SCHEME, bundle, folders

    if not any(folder in path.parents for folder in folders()):
        return False
    try:
        return bundle(f"{SCHEME}{path.stem}", Path.cwd()) != path
    except InputError:
        return True


@plugins.command()
@click.argument("plugin", shell_complete=completion.plugins)
@named
@click.option("--state", type=click.Path(path_type=Path), help="As it stands in this state, or .vstpreset.")
@patience
@options.as_json
def show(plugin: str, name: str | None, state: Path | None, load_s: float, as_json: bool) -> None:
    """Show what PLUGIN, a name or a path, can be set to, how a rack names it, and what is known of it."""
    from melancholia.hosting.bundles import meant
    from melancholia.hosting.plugin import Hosted, Plugin
    from melancholia.hosting.reports import known

    path = meant(plugin)
    if state is not None and not state.is_file():
        raise InputError(f"{state} does not exist; allowed: a state of the plugin.")
    with Hosted(Plugin(path, name, state=state, where=str(path), load_s=load_s), RATE, 0.0, plays=None) as hosted:
        knobs, latency = hosted.shown(), hosted.latency
    report = known(path, name)
    if as_json:
        facts = {"plugin": name or path.stem, "path": str(path), "latency": latency, "parameters": knobs}
        click.echo(json.dumps({**facts, "report": None if report is None else asdict(report)}))
        return
    said = plugin if plugin.startswith("vst3:") else f"vst3:{plugin}"
    click.echo(f"plugin = {json.dumps(said, ensure_ascii=False)}")
    if name is not None:
        click.echo(f"name = {json.dumps(name, ensure_ascii=False)}")
    for row in table(knobs):
        click.echo(f"  {row}")
    click.echo(f"{latency} frames late; {'not qualified' if report is None else report}")


RATE = 48_000


def table(knobs: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each knob: its name, from where to where it goes, and where it stands."""
    from melancholia.hosting.worker import plain

    columns = [
        (knob["name"], f"{plain(knob['low'])} to {plain(knob['high'])} {knob['unit']}".strip(), plain(knob["text"]))
        for knob in knobs
    ]
    widths = [max((len(row[k]) for row in columns), default=0) for k in range(2)]
    return [f"{name:<{widths[0]}}  {span:<{widths[1]}}  now {text}" for name, span, text in columns]


@plugins.command()
@click.argument("wanted", nargs=-1, metavar="[PLUGIN]...", shell_complete=completion.plugins)
@named
@click.option("--all", "everything", is_flag=True, help="Every plugin that scan finds.")
@click.option("--again", is_flag=True, help="Ask anew what is known already.")
@patience
@options.as_json
@options.quiet
def qualify(
    wanted: tuple[str, ...],
    name: str | None,
    everything: bool,
    again: bool,
    load_s: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Try out PLUGINs, names or paths, in processes of their own, and keep what was found for this version of each.

    \b
    good          does what a plugin should
    limited       may be used; what is said should be known
    refused       a check fails: its sound is not finite, not repeatable, not in time, or never changes
    quarantined   crashed or hung

    A plugin whose file changes is another plugin. Exit 1 where one is refused or in quarantine.
    """
    from melancholia.hosting.bundles import installed, meant
    from melancholia.hosting.reports import USABLE

    if bool(wanted) == everything:
        raise click.UsageError("allowed: the names or paths of plugins, or --all.")
    if name is not None and len(wanted) != 1:
        raise click.UsageError("--name belongs to one bundle.")
    paths = installed() if everything else tuple(meant(plugin) for plugin in wanted)
    reports, failed = [], []
    for path in paths:
        try:
            for each in (name,) if name is not None else held(path, again, load_s):
                reports.append(tried(path, each, again, load_s, None if as_json else shown, quiet))
        except InputError as error:
            if not everything:
                raise
            failed.append(path)
            options.talk(f"error: {error}")
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports]))
    bad = [report.plugin for report in reports if report.verdict not in USABLE] + [path.stem for path in failed]
    if bad:
        raise MelancholiaError(f"{len(bad)} of {len(reports) + len(failed)} not fit for work: {', '.join(bad)}.")


def held(path: Path, again: bool, load_s: float) -> tuple[str | None, ...]:
    """The plugins in a bundle, None where it cannot be asked: there is a report on that."""
    from melancholia.hosting.plugin import PluginError
    from melancholia.hosting.qualification import names

    try:
        return names(path, load_s=load_s, again=again)
    except PluginError:
        return (None,)


def tried(
    path: Path, name: str | None, again: bool, load_s: float, show: Callable[[Any], None] | None, quiet: bool
) -> Any:
    """The report on a plugin, made where there is none."""
    from melancholia.hosting.qualification import qualify
    from melancholia.hosting.reports import known

    report = None if again else known(path, name)
    if report is None:
        with options.progress(quiet) as progress:
            report = qualify(path, name, load_s=load_s, progress=lambda at, what: progress(at, f"{path.stem}: {what}"))
    if show is not None:
        show(report)
    return report


def shown(report: Any) -> None:
    click.echo(f"{report.plugin}: {report.verdict}")
    width = max((len(check.name) for check in report.checks), default=0)
    for check in report.checks:
        click.echo(f"  {check.grade:<5}  {check.name:<{width}}  {check.said}")
