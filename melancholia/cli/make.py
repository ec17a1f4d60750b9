"""``melancholia make``: a song from a mood."""

import json
from pathlib import Path

import click

from melancholia.cli import many, options


@click.command()
@options.mood_wanted
@options.course
@options.section
@click.option(
    "--seconds", type=float, help="To the last note's release, 15 to 600 (90); of a film or loop, of every file."
)
@click.option("--seed", type=int, help="0 to 4294967295; drawn, printed and recorded when left out.")
@click.option("--key", help="As 'A minor'; drawn from the mood when left out.")
@click.option("--bpm", type=float, help="Quarters a minute; a tempo given is a grid that does not bend.")
@click.option("--metre", help="As 4/4, 3/4, 6/8.")
@options.players
@options.rack
@options.theme
@click.option(
    "--notes",
    type=click.Path(path_type=Path),
    help="A MIDI file (- is stdin) with the whole song's notes, as an edited score.mid: nothing is composed.",
)
@options.composer
@options.setting
@options.hits
@click.option("--dialogue", help="Of a film: spans in seconds that leave room for speech, as 20-30,45-52.")
@click.option("--sample-rate", type=int, default=48_000, show_default=True, help="Of every file, in Hz.")
@click.option("--no-report", is_flag=True, help="Leave report.html out.")
@click.option("--strict", is_flag=True, help="Exit 1 when the song is not what was asked for.")
@options.output("The folder to write; mood and seed when left out.", required=False)
@options.force
@options.as_json
@options.quiet
def make(
    mood: str,
    intensity: str,
    sections: tuple[str, ...],
    seconds: float | None,
    seed: int | None,
    key: str | None,
    bpm: float | None,
    metre: str | None,
    instruments: str | None,
    rack: str | None,
    theme: Path | None,
    notes: Path | None,
    composer: str,
    setting: str,
    hits: str | None,
    dialogue: str | None,
    sample_rate: int,
    no_report: bool,
    strict: bool,
    output: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a song: stems, mix, master, notes, verdict and report in one folder.

    MOOD is a name that `moods` lists, or a blend of several, as nostalgia:0.6,despair:0.4. The song is listened to;
    where it is not as sad as asked, or a cue lies outside its band, another tone or other notes are tried, three times
    at most.
    """
    from melancholia.instruments import warning
    from melancholia.midi import read_midi
    from melancholia.profile import as_name, profile
    from melancholia.racks import rack as find_rack
    from melancholia.song import make_folder
    from melancholia.streams import check_seed, draw_seed

    seed = draw_seed() if seed is None else check_seed(seed)
    folder = output or Path(f"{as_name(mood)}-{seed}")
    players = split_names(instruments)
    if rack is not None or mood.endswith(".toml"):
        found = find_rack(rack or profile(mood).rack)
        many.notes(found.path, found.warnings)
    for player in players or ():
        many.notes(Path(player), tuple(filter(None, [warning(player)])))
    given = None if notes is None else read_midi(notes)
    if notes is not None and given is not None:
        many.notes(notes, given.notes)
    with options.progress(quiet) as progress:
        song = make_folder(
            folder,
            mood,
            report=not no_report,
            force=force,
            progress=progress,
            intensity=intensity,
            seconds=seconds,
            seed=seed,
            key=key,
            bpm=bpm,
            metre=metre,
            instruments=players,
            rack=rack,
            theme=theme,
            notes=given,
            composer=composer,
            sections=options.named_moods(sections),
            setting=setting,
            hits=hits,
            dialogue=dialogue,
            rate=sample_rate,
        )
    if as_json:
        tried = [attempt.to_dict() for attempt in song.attempts]
        click.echo(json.dumps({"folder": str(folder), "seed": seed, **song.score.to_dict(), "attempts": tried}))
    else:
        click.echo(str(song.score))
        if len(song.attempts) > 1:
            number = next(k for k, attempt in enumerate(song.attempts, 1) if attempt.kept)
            options.talk(f"{len(song.attempts)} attempts, kept is number {number}; score.json says why", quiet=quiet)
        options.talk(
            f"seed {seed}; written to {folder}{'' if no_report else f'; open {folder}/report.html'}", quiet=quiet
        )
    if strict and not song.score.matched:
        raise click.exceptions.Exit(1)


def split_names(text: str | None) -> tuple[str, ...] | None:
    """Names parted by commas; the comma inside ``soundfont:path#bank,program`` belongs to its name."""
    if text is None:
        return None
    names: list[str] = []
    for piece in text.split(","):
        if names and names[-1].startswith("soundfont:") and "#" in names[-1] and piece.strip().isdigit():
            names[-1] += "," + piece.strip()
        else:
            names.append(piece.strip())
    return tuple(names)
