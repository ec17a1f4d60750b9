"""The verdict: each cue against the band that its profile wants, and how sad the whole is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from melancholia.analysis import Analysis, analyse
from melancholia.audio import Source, Stems
from melancholia.bands import HEAVY, Band, plain
from melancholia.cues import CUES
from melancholia.errors import InputError
from melancholia.listener import WRITTEN_RATE, heard, kinds, rating, share_of_own, side, squeeze, uncertainty
from melancholia.midi import load_midi
from melancholia.orchestra import is_bed
from melancholia.piece import Piece
from melancholia.profile import Profile
from melancholia.scoring.fits import PASSING, MoodFit, fit, fits, matching, within
from melancholia.scoring.house import PLAIN, House
from melancholia.scoring.sentences import sentence, why_not
from melancholia.written import from_piece

SPOKEN = 3  # cues that are named for and against


@dataclass(frozen=True, slots=True)
class Row:
    """One cue: its value, the band wanted (None without a profile), how well it fits, and what that means."""

    name: str
    value: float
    unit: str
    band: Band | None
    match: float | None
    contribution: float
    sentence: str

    @property
    def weight(self) -> float:
        return self.band.weight if self.band else 0.0

    @property
    def failed(self) -> bool:
        """Whether it decides and does not match."""
        return self.match is not None and self.match < PASSING and self.weight >= HEAVY

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": round(self.value, 5),
            "unit": self.unit,
            "target": [self.band.low, self.band.high] if self.band else None,
            "source": self.band.source if self.band else None,
            "match": self.match,
            "weight": self.weight,
            "contribution": round(self.contribution, 4),
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Score:
    """How sad a recording sounds, what it could be taken for, and how well it is what a profile asked for.

    `sadness` 0..1 needs no profile: it is the `rating`, 1 to 7, that listeners would give, as 0 to 1, give or take
    `uncertainty` (one standard deviation). The contributions of `cues` and a base add up to it; near 0 and 1 the sum is
    pressed back. `matched` says whether it lies where the profile wants it (`wanted`) and
    every heavy cue lies in its band. `moods` are all moods, the one that fits best first, each at the intensity that
    wants this sadness. `music` is the sadness that the music alone comes to, with sound that says
    nothing; what is left is what the sound adds. `kinds` are shares of sad, tender, tense and joyful, from `valence`
    and `arousal` (0..1). `curve` is the sadness over time as (seconds, 0..1), every 2 s from the first tone to where
    the last has rung; in the mean it is the sadness of the whole. `mood`, `intensity` and `matched` are None where no
    profile was given. What is no music (silence, noise, speech, one tone, less than 5 s) has no sadness: those figures
    are None then, and `matched` is not True. `why` says so, or which heavy cues do not match.
    """

    mood: str | None
    intensity: float | None
    sadness: float | None
    uncertainty: float
    music: float | None
    valence: float | None
    arousal: float | None
    kinds: Mapping[str, float]
    matched: bool | None
    cues: tuple[Row, ...]
    curve: tuple[tuple[float, float], ...]
    why: str = ""
    wanted: Band | None = None
    moods: tuple[MoodFit, ...] = ()

    @property
    def rating(self) -> float | None:
        """The rating, 1 to 7, that listeners would give."""
        return None if self.sadness is None else rating(self.sadness)

    @property
    def sound(self) -> float | None:
        """What the sound adds to the sadness of the music."""
        return None if self.sadness is None or self.music is None else self.sadness - self.music

    @property
    def as_sad_as_asked(self) -> bool:
        """Whether the sadness lies where the profile wants it."""
        return self.sadness is not None and self.wanted is not None and within(self.sadness, self.wanted)

    @property
    def match(self) -> float | None:
        """How well all of it fits the profile, 0 to 1, as of `MoodFit`; None without a profile or sadness."""
        if self.wanted is None or self.sadness is None:
            return None
        return matching(self.sadness, self.wanted, [(row.weight, row.match or 0.0) for row in self.cues])

    def spoken(self, side: int) -> tuple[Row, ...]:
        """The cues that speak most for sadness (side 1) or against it (-1), the loudest first."""
        rows = [row for row in self.cues if side * row.contribution > 0]
        return tuple(sorted(rows, key=lambda row: -side * row.contribution)[:SPOKEN])

    def mean(self, start: float, end: float) -> float | None:
        """Mean sadness of the curve between two times in seconds, the nearest point's where none lies between."""
        inside = [value for at, value in self.curve if start <= at < end]
        if inside:
            return sum(inside) / len(inside)
        if not self.curve:
            return self.sadness
        return min(self.curve, key=lambda point: abs(point[0] - (start + end) / 2))[1]

    def to_dict(self) -> dict[str, Any]:
        """What ``score.json`` holds."""
        return {
            "mood": self.mood,
            "intensity": rounded(self.intensity),
            "sadness": rounded(self.sadness),
            "rating": rounded(self.rating),
            "uncertainty": self.uncertainty,
            "music": rounded(self.music),
            "sound": rounded(self.sound),
            "valence": rounded(self.valence),
            "arousal": rounded(self.arousal),
            "kinds": {name: round(share, 4) for name, share in self.kinds.items()},
            "wanted": [rounded(self.wanted.low), rounded(self.wanted.high)] if self.wanted else None,
            "matched": self.matched,
            "why": self.why,
            "moods": [fit.to_dict() for fit in self.moods],
            "cues": [row.to_dict() for row in self.cues],
            "curve": [[round(at, 2), round(value, 4)] for at, value in self.curve],
        }

    def _repr_html_(self) -> str:
        """The verdict as a notebook shows it."""
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"

    def __str__(self) -> str:
        """The verdict as a table for a terminal."""
        if self.sadness is None or self.music is None or self.sound is None:
            asked = "" if self.mood is None else f"{self.mood} at {self.intensity:g}: not matched, "
            return f"{asked}no sadness: {self.why}"
        rated = f"a rating of {rating(self.sadness):.1f} of 7"
        head = f"sadness {self.sadness:.2f} (give or take {self.uncertainty:.2f}; {rated})"
        if self.mood is not None:
            head = f"{self.mood} at {self.intensity:g}: {'matched' if self.matched else 'not matched'}, {head}"
        taken = ", ".join(f"{name} {share:.2f}" for name, share in self.kinds.items())
        best = "fits best" if self.moods[0].matched else "fits best, though none is matched"
        lines = [
            head,
            *([self.why] if self.why else []),
            f"{best}: {', '.join(map(str, self.moods[:SPOKEN]))}",
            f"the music alone {self.music:.2f}, the sound {self.sound:+.2f}; {taken}",
            *(f"{word}: {named(self.spoken(side))}" for word, side in (("for", 1), ("against", -1))),
            f"{'cue':<16}{'value':>9}  {'wanted':<18}{'match':>6}{'weight':>8}  unit",
        ]
        for row in self.cues:
            wanted = row.band.wanted(CUES[row.name]) if row.band else ""
            match = "" if row.match is None else f"{row.match:.2f}"
            weight = "" if row.match is None else f"{row.weight:.2f}"
            lines.append(f"{row.name:<16}{plain(row.value):>9}  {wanted:<18}{match:>6}{weight:>8}  {row.unit}")
        return "\n".join(lines)


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def named(rows: tuple[Row, ...]) -> str:
    return ", ".join(f"{row.name} {row.contribution:+.2f}" for row in rows) or "nothing"


def score(
    sound: Analysis | Source | Stems | Path | str,
    profile: Profile | None = None,
    *,
    dry: Analysis | Source | Stems | Path | str | None = None,
    notes: Piece | Path | str | None = None,
    house: House = PLAIN,
) -> Score:
    """Judge a recording, or what was heard of it already, against a profile (or on its own).

    Parameters
    ----------
    sound : Analysis, Audio, Recording, Stems or path
    profile : Profile, optional
        Without one nothing is matched: there are cues, sadness, and the moods that fit (`Score.moods`).
    dry : Analysis, Audio, Recording, Stems or path, optional
        The same music without its effects: what is the music's is heard there, so that no effect can change it. Of
        stems, those that lie under the music (rain, hiss, the air of a room) are left out.
    notes : Piece or path, optional
        The same music as notes, or a MIDI file: how many tones begin in a second is read there.
    house : House, optional
        A house's own ears: what `fit_house` found in its ratings.

    Returns
    -------
    Score
        Sadness 0 to 1 and what it is made of; `matched` where there is a profile. What is no music has no sadness.

    Raises
    ------
    InputError
        The sound is shorter than a second, or its file cannot be read.
    """
    if profile is not None and not isinstance(profile, Profile):
        raise InputError(f"profile is {profile!r}; allowed: a Profile, as profile('longing', 0.7) gives.")
    found = heard_in(sound)
    music = dict(found.values if dry is None else heard_in(music_of(dry)).values)
    values = {name: side(name, found.values, music)[name] for name in CUES}
    own = share_of_own(music)
    known = music if notes is None else music | {WRITTEN_RATE: written_rate(notes)}
    adds = house.contributions(found.values, own, known)
    rows = []
    for name, cue in CUES.items():
        value = values[name]
        band = profile.bands.get(name) if profile is not None else None
        rows.append(
            Row(
                name=name,
                value=value,
                unit=cue.unit,
                band=band,
                match=round(fit(value, band, cue.tolerance), 4) if band else None,
                contribution=adds.get(name, 0.0),
                sentence=sentence(cue, value, band, profile.mood if profile else ""),
            )
        )
    if found.no_music:
        return nothing_heard(profile, rows, found.no_music)
    valence, arousal = (heard(verdict, found.values, own=own, music=known) for verdict in ("valence", "arousal"))
    total = sum(adds.values())
    moments = [
        sum(house.contributions({**found.values, **window}, own, {**music, **window}).values())
        for window in found.windows
    ]
    usual = sum(moments) / max(len(moments), 1)
    sadness = squeeze(total)
    best = fits(values, sadness)
    matched = profile is not None and within(sadness, profile.sadness) and not any(row.failed for row in rows)
    return Score(
        mood=profile.mood if profile else None,
        intensity=profile.intensity if profile else None,
        sadness=sadness,
        uncertainty=round(uncertainty(own), 3),
        music=squeeze(sum(value for name, value in adds.items() if name == "base" or CUES[name].of == "music")),
        valence=valence,
        arousal=arousal,
        kinds=MappingProxyType(kinds(valence, arousal)),
        matched=matched if profile else None,
        why=why_not(profile, sadness, outside(rows), best[0]) if profile and not matched else "",
        wanted=profile.sadness if profile else None,
        moods=best,
        cues=tuple(rows),
        curve=tuple((at, squeeze(total + moment - usual)) for at, moment in zip(found.times, moments, strict=True)),
    )


def nothing_heard(profile: Profile | None, rows: list[Row], why: str) -> Score:
    return Score(
        mood=profile.mood if profile else None,
        intensity=profile.intensity if profile else None,
        sadness=None,
        uncertainty=0.0,
        music=None,
        valence=None,
        arousal=None,
        kinds=MappingProxyType({}),
        matched=False if profile else None,
        cues=tuple(replace(row, contribution=0.0) for row in rows),
        curve=(),
        why=f"{why}.",
        wanted=profile.sadness if profile else None,
    )


def written_rate(notes: Piece | Path | str) -> float:
    """Tones that begin in a second of a piece."""
    piece = notes if isinstance(notes, Piece) else load_midi(notes)
    return from_piece(piece)["event_rate"]


def heard_in(sound: Analysis | Source | Stems | Path | str) -> Analysis:
    return sound if isinstance(sound, Analysis) else analyse(sound)


def music_of(dry: Analysis | Source | Stems | Path | str) -> Analysis | Source | Stems | Path | str:
    """What is played: stems without the beds that lie under them, unless there is nothing else."""
    if not isinstance(dry, Stems):
        return dry
    played = {name: stem for name, stem in dry.items() if not is_bed(stem.role, stem.instrument)}
    return Stems(played) if played else dry


def outside(rows: list[Row]) -> list[str]:
    """The heavy cues that do not match, the worst first."""
    return [row.name for row in sorted(rows, key=lambda row: row.match or 0.0) if row.failed]
