"""A piece from a profile: form, harmony, arrangement, then the notes of every part."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from melancholia.composition.arrangement import brought_back, cast, choose_players, singer_of
from melancholia.composition.arranging import arrange
from melancholia.composition.assembly import LATEST_START_S, as_piece, opened
from melancholia.composition.character import MOST_OF_SONGS, Character, draw_character, promised, varied
from melancholia.composition.composers import LEARNED, Composer, composer_of, songs
from melancholia.composition.critic import SADNESS_NEAR, cost, sadder
from melancholia.composition.dialects import BROKEN, CADENCES, DIALECTS, ENDINGS
from melancholia.composition.dynamics import at_level, terraced, terraces
from melancholia.composition.figurations import Bank
from melancholia.composition.form import check_asked, draw, plan_form
from melancholia.composition.harmony import plan_harmony
from melancholia.composition.lines import LINES
from melancholia.composition.measures import all_notes, longest_hole_s, longest_return, minorness
from melancholia.composition.melody import write_melody
from melancholia.composition.noise import never_rests
from melancholia.composition.originality import Tunes, of_piece
from melancholia.composition.parts import same, write_parts
from melancholia.composition.silence import PAUSES, broken_off, silences, with_silences
from melancholia.composition.singing import sing
from melancholia.composition.statement import given, heard, tune_of, with_room
from melancholia.composition.textures import TEXTURES
from melancholia.composition.ways import COUNTED, SUNG
from melancholia.errors import in_range, unknown
from melancholia.motif import Motif, load_motif
from melancholia.orchestra import check_cast, facts_of
from melancholia.piece import Key, Part, Piece
from melancholia.piece import key as parse_key
from melancholia.profile import Profile
from melancholia.setting import Setting
from melancholia.setting import setting as setting_named
from melancholia.streams import check_seed, generator
from melancholia.writing import Writing

SONG = Setting()
DRAFTS = 16  # of a take, at most, until enough are fit
COMPARED, LONG_S = 10, 240.0  # fit drafts of which the critic keeps one; of a piece longer than this there are fewer
COMPARED_LONG, MOST_TAKES = 4, 1000
# Of a learned composer's, whose phrases are chosen one by one: fit or not, one of them fit; of longer pieces one less.
COMPARED_LEARNED, SHORT_S = 3, 90.0
LEAST_MINOR, LONGEST_RETURN, LONGEST_HOLE_S = 0.02, 0.2, 4.0  # what a draft must keep, with room to what ears allow
CLIMAX_BARS = 11  # a piece of fewer bars cannot be held to it
CLIMAX = (0.6, 0.72)  # where the planned tension is highest, as a share of the piece
EDGE = 0.03  # of the sadness that is wanted: so far inside its band a piece stays
# Of what a draft lacks the next is to have so large a part more, for one draft says little of another, and so much at
# most; where a place is aimed at, more.
HEEDED, MOST_MORE, MOST_AIMED = 0.25, 0.05, 0.25
# Where none is aimed at, a piece is like songs that people wrote, and those of sad moods like songs that are sadder by
# what the mood wants beyond this.
BY_ITSELF = 0.62
DILUTED = 0.05  # of the mode index is lost where lines move beside their chords (72 pieces)


def compose(
    profile: Profile,
    *,
    seconds: float = 90.0,
    seed: int = 0,
    key: str | Key | None = None,
    bpm: float | None = None,
    metre: str | None = None,
    instruments: Sequence[str] | None = None,
    theme: Motif | Path | str | None = None,
    setting: Setting | str = SONG,
    aim: float | None = None,
    take: int = 0,
    composer: str | Path = LEARNED,
) -> Piece:
    """A written piece on the grid.

    Parameters
    ----------
    profile : Profile
        The mood and intensity; its `writing` is what the piece aims at, or that of `Profile.at` phrase by phrase.
    seconds : float
        When the last note is released, 15 to 600; of a film and of a loop, the length of the whole.
    seed : int
        0 to 2**32 - 1.
    key : str or Key, optional
        As "A minor" or "Eb major"; drawn, with the mode, from the mood when left out.
    bpm : float, optional
        Quarters a minute, 30 to 160; fixes the grid.
    metre : str, optional
        "4/4", "3/4", "6/8", "5/4", "2/4", "12/8".
    instruments : sequence of str, optional
        Who plays; the mood's orchestrations when left out.
    theme : Motif or path, optional
        A tune, or a MIDI file that holds it, to build on: stated literally (in the home key; bent to its mode where
        that differs) by the first home phrase, then developed. Its metre is the piece's where `metre` is left out.
    setting : Setting or str
        "song", "film", "loop" or "background"; hits of a film by `melancholia.setting.setting`.
    aim : float, optional
        The sadness, 0 to 1, that the notes should be heard to have; what the profile wants when left out. Of several
        drafts the one is kept that comes near to it and has few faults otherwise.
    take : int
        0 to 1000; each take of a seed draws its key anew and has other drafts.
    composer : str or path
        Who writes the notes: "learned" (models that read 1400 songs and 120 string quartets), "planned" (tables and
        rules), a folder of models of one's own, as ``melancholia learn`` writes them, or the file of one of tunes.

    Returns
    -------
    Piece
        Notes on the grid in quarters, with key, metre, tempo, sections, phrases, chords and arc. The same arguments
        give the same piece.

    Raises
    ------
    InputError
        A value lies outside its range.
    """
    check_seed(seed)
    in_range("take", take, 0, MOST_TAKES)
    if aim is not None:
        in_range("aim", aim, 0, 1)
    instruments = check_cast(instruments)
    check_names(profile.writing)
    if isinstance(theme, Path | str):
        theme = load_motif(theme)
    plan = setting_named(setting) if isinstance(setting, str) else setting
    check_asked(seconds, bpm=bpm, metre=metre, setting=plan)
    if plan.name == "background" and not profile.background:
        profile = profile.hushed()
    author = composer_of(composer)
    first = take * DRAFTS
    home = choose_key(profile.writing, generator(seed + first * 2**32, profile.mood, "key")) if key is None else key
    if not isinstance(home, Key):
        home = parse_key(home)
    if theme is not None and metre is None:
        metre = "/".join(map(str, theme.metre))
    drafts: list[tuple[int, float, Piece]] = []
    compared = COMPARED if seconds <= LONG_S else COMPARED_LONG
    if author is not None:
        compared = COMPARED_LEARNED if seconds <= SHORT_S else COMPARED_LEARNED - 1
    said = tune_of(theme, home) if theme is not None else ()
    near = SADNESS_NEAR  # a mood is a region: where no place in it is aimed at, any of it will do
    if author is not None and aim is None:
        near = max(near, (profile.sadness.high - profile.sadness.low) / 2 - EDGE)
    aimed = profile.sadness.middle if aim is None else aim
    most = MOST_MORE if aim is None else MOST_AIMED
    more = 0.0
    for draft in range(first, first + DRAFTS):
        number = seed + draft * 2**32
        wanted, character = profile, None
        if author is not None:
            # One for all drafts, else the one would be kept that lies nearest to the middle; but a theme needs room.
            drawn = seed + first * 2**32 if theme is None else number
            rng = generator(drawn, profile.mood, "character")
            character = character_for(author.bank, profile, home, bpm, aim, rng)
            character = replace(character, sadder=character.sadder + more)
            wanted = replace(profile, writing=character.of(profile.writing))
        piece = write(wanted, home, seconds, bpm, metre, instruments, theme, plan, number, author, character)
        more = float(np.clip(more + HEEDED * sadder(piece, aimed, near), -most, most))
        known = songs() if author is None else author.known
        drafts.append(
            (
                len(faults(piece, known if theme is None else None, planned=author is None)),
                cost(piece, wanted, said, aim, near),
                piece,
            )
        )
        fit = sum(found == 0 for found, *_ in drafts)
        if fit and (fit if author is None else len(drafts)) >= compared:
            break
    return min(drafts, key=lambda draft: draft[:2])[2]


def character_for(
    bank: Bank, profile: Profile, home: Key, bpm: float | None, aim: float | None, rng: np.random.Generator
) -> Character:
    """A piece's own character, and how much sadder its notes are to be than such a writing's are.

    Where a place is aimed at, by what the writing promises too little, first of the mood, then of the song that was
    drawn; where none is, by what the mood is sadder than songs and a sadder song does not make up.
    """
    if aim is None:
        owed = max(0.0, profile.sadness.middle - BY_ITSELF)
        return replace(draw_character(bank, home.mode, rng, owed), sadder=max(0.0, owed - MOST_OF_SONGS))
    found = draw_character(bank, home.mode, rng, aim - promised(profile.writing, bpm))
    return replace(found, sadder=aim - promised(found.of(profile.writing), bpm))


def check_names(writing: Writing) -> None:
    """Refuse what a mood names and nobody here knows: a typo in its file."""
    known = {
        "dialect": (writing.dialects, DIALECTS),
        "texture": (writing.textures, (*TEXTURES, *LINES)),
        "cadence": (writing.cadences, CADENCES),
        "ending": (writing.endings, {name for endings in ENDINGS.values() for name in endings}),
    }
    for kind, (named, allowed) in known.items():
        for name in named:
            if name not in allowed:
                raise unknown(kind, name, allowed)


def faults(piece: Piece, known: Tunes | None, *, planned: bool) -> list[str]:
    """What makes a draft unfit: the other mode, circles, a hole, a late start, a climax elsewhere, a doubled part, a
    tune of one of the songs that are `known`."""
    checks = {
        "in major": piece.key.mode == "minor" and minorness(piece) < LEAST_MINOR,
        "in minor": piece.key.mode == "major" and minorness(piece) > -LEAST_MINOR,
        "a loop": longest_return(piece) > LONGEST_RETURN,
        "a hole": longest_hole_s(piece) > LONGEST_HOLE_S,
        "a late start": piece.tempo.seconds(min(n.start for n in all_notes(piece))) > LATEST_START_S,
        "an early or late climax": planned
        and len(piece.arc) > CLIMAX_BARS
        and not CLIMAX[0] <= max(piece.arc, key=lambda at: at[1])[0] / piece.end <= CLIMAX[1],
        "a doubled part": doubled(piece),
        "a tune that is there": known is not None and of_piece(piece, known).taken,
    }
    return [name for name, failed in checks.items() if failed]


def doubled(piece: Piece) -> bool:
    """Whether an accompaniment is another part as well; lines that would be are led apart where they can."""
    return any(
        "harmony" in (one.role, other.role) and same(one.notes, other.notes)
        for k, one in enumerate(piece.parts)
        for other in piece.parts[:k]
    )


def write(
    profile: Profile,
    home: Key,
    seconds: float,
    bpm: float | None,
    metre: str | None,
    instruments: Sequence[str] | None,
    theme: Motif | None,
    setting: Setting,
    seed: int,
    author: Composer | None,
    character: Character | None,
) -> Piece:
    """One draft of the piece; `seed` may lie beyond a caller's range for later drafts."""
    writing, name = profile.writing, profile.mood

    def local(share: float, *names: str) -> Writing:
        found = profile.at(share, *names).writing
        return found if character is None or found is writing else character.of(found)

    form = plan_form(
        writing, generator(seed, name, "form"), seconds=seconds, bpm=bpm, metre=metre, mode=home.mode,
        intensity=profile.intensity, setting=setting, named=tuple(profile.sections),
        local=local if profile.varies else None, climax=None if character is None else character.climax,
        ways=SUNG if author is not None and theme is None else COUNTED,  # a theme needs phrases with room for it
    )  # fmt: skip
    chosen = choose_players(writing, generator(seed, name, "players"), instruments)
    if character is not None and instruments is None:
        chosen = varied(chosen, writing, generator(seed, name, "varied"))
    low, high = facts_of(singer_of(chosen).instrument).written
    tune = None
    if theme is not None:
        mean = float(np.clip(writing.melody_mean, low + 5, high - 7))
        tune = given(theme, home, bar_quarters=form.bar_quarters, mean=mean, low=low, high=high - 1)
        form = with_room(form, tune)
    known = heard(tune, form, home) if tune is not None else None
    meant = form
    if author is not None:
        meant = replace(form, writings=tuple(replace(w, mode_index=w.mode_index + DILUTED) for w in form.writings))
    slots = plan_harmony(meant, writing, generator(seed, name, "harmony"), known)
    players = cast(form, writing, generator(seed, name, "cast"), chosen)
    if author is not None:
        players = brought_back(players, form, generator(seed, name, "brought back"))
    if author is None:
        melody = write_melody(
            form, slots, writing, generator(seed, name, "melody"), tonic=home.tonic, low=low, high=high, given=tune
        )
    else:
        melody = sing(
            form, slots, generator(seed, name, "sung"), model=author.tunes, tonic=home.tonic, low=low, high=high,
            given=tune, known=author.known if tune is None else None,
        )  # fmt: skip
    if slots[-1].numeral == ENDINGS[home.mode][BROKEN]:
        melody = broken_off(melody)
    if author is None or character is None:
        notes = write_parts(players, form, slots, melody, writing, home, seed)
    else:
        notes = arrange(author, players, form, slots, melody, writing, home, seed, character.ground)
    stops = silences(form, writing, melody, pause=bool(generator(seed, name, "pause").random() < PAUSES))
    if tune is not None:  # nobody stops while it is stated
        first = next(p.bar for p in form.phrases if p.letter == "A") * form.bar_quarters
        stops = [stop for stop in stops if stop[1] <= first + tune.tones[0][0] or stop[0] >= first + tune.end]
    steps = terraces(form, generator(seed, name, "terraces"))
    flowing = {p.name for p in players.players if never_rests(p.instrument, p.role)}
    notes = {part: found if part in flowing else with_silences(found, stops) for part, found in notes.items()}
    notes = {part: terraced(found, steps) for part, found in notes.items()}
    notes = at_level(notes, form)
    parts = tuple(Part(p.name, p.role, p.instrument, tuple(notes[p.name])) for p in players.players if notes[p.name])
    return as_piece(form, slots, melody, opened(parts, form), home)


def choose_key(writing: Writing, rng: np.random.Generator) -> Key:
    """A key in one of the mood's modes, those (of minor) with few accidentals a little likelier."""
    tonics = np.array([9, 2, 4, 7, 0, 5, 11, 10, 3, 6, 1, 8])
    weights = np.array([4, 4, 3, 3, 4, 3, 3, 2, 3, 2, 2, 2], float)
    tonic = int(rng.choice(tonics, p=weights / weights.sum()))
    mode = draw(rng, dict(writing.modes))
    return Key((tonic + 3) % 12 if mode == "major" else tonic, mode)
