"""``melancholia compose``: a written piece as a MIDI file."""

from pathlib import Path

import click

from melancholia.cli import options
from melancholia.cli.make import split_names


@click.command()
@options.mood_wanted
@options.course
@options.section
@click.option("--seconds", type=float, default=90, show_default=True, help="To the last note's release, 15 to 600.")
@click.option("--seed", type=int, help="0 to 4294967295; drawn and printed when left out.")
@click.option("--key", help="As 'A minor'.")
@click.option("--bpm", type=float, help="Quarters a minute.")
@click.option("--metre", help="As 4/4, 3/4, 6/8.")
@options.players
@options.theme
@options.composer
@options.setting
@options.hits
@click.option("--performed", is_flag=True, help="Write the performance instead of the score on the grid.")
@options.output("The MIDI file to write; - is stdout.")
@options.force
@options.quiet
def compose(
    mood: str,
    intensity: str,
    sections: tuple[str, ...],
    seconds: float,
    seed: int | None,
    key: str | None,
    bpm: float | None,
    metre: str | None,
    instruments: str | None,
    theme: Path | None,
    composer: str,
    setting: str,
    hits: str | None,
    performed: bool,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Compose a piece and write it as MIDI."""
    from melancholia import composition
    from melancholia.files import MIDI, check_output, check_suffix
    from melancholia.instruments import check
    from melancholia.midi import SUFFIXES, save_midi
    from melancholia.motif import load_motif
    from melancholia.performance import perform
    from melancholia.profile import profile
    from melancholia.setting import setting as setting_named
    from melancholia.streams import check_seed, draw_seed

    check_suffix(output, *SUFFIXES)
    check_output(output, *([theme] if theme is not None else []), over=MIDI if force else None)
    seed = draw_seed() if seed is None else check_seed(seed)
    plan, players = setting_named(setting, hits=hits), split_names(instruments)
    background = plan.name == "background"
    wanted = profile(mood, intensity, sections=options.named_moods(sections), background=background)
    for name in players or ():
        check(name)
    tune = load_motif(theme) if theme is not None else None
    piece = composition.compose(
        wanted, seconds=seconds, seed=seed, key=key, bpm=bpm, metre=metre, instruments=players, theme=tune,
        setting=plan, composer=composer,
    )  # fmt: skip
    save_midi(perform(piece, wanted, seed=seed) if performed else piece, output, force=force)
    following = "" if str(output) == "-" else f"; next: melancholia render {output} -o stems"
    options.talk(f"{piece.key}, {len(piece.parts)} parts, seed {seed}{following}", quiet=quiet)
