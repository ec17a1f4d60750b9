"""``report.html``: the verdict, drawings and one player of a song's folder, on one page that needs no network."""

import base64
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melancholia.audio import Audio
from melancholia.bands import Band, share_of_recordings
from melancholia.cues import CUES
from melancholia.files import ANY_FILE, write_text
from melancholia.meter import SILENT_LUFS, integrated_lufs
from melancholia.midi import load_midi
from melancholia.orchestra import short_name
from melancholia.parallel import in_threads
from melancholia.piece import Piece
from melancholia.previews import data_uri, mixed_down, mp3
from melancholia.recordings import recording
from melancholia.report.pictures import (
    Drawing,
    clock,
    curve_drawing,
    roll_drawing,
    spectrogram_drawing,
    tempo_drawing,
    time_ticks,
    waveform_drawing,
)
from melancholia.scoring import PASSING

TEMPLATES = Path(__file__).parent
STEM_KBPS, MASTER_KBPS = 48, 80
LOUDEST = 0.98  # that anything on the page plays at, of full scale
BOTH_SIDES_DB = 10 * math.log10(2)  # that one channel from two loudspeakers is louder
MOST_JOBS = 4


@dataclass(frozen=True, slots=True)
class Track:
    """What the player plays: MP3 as base64, and the factor to play it at."""

    kind: str
    name: str
    sound: str
    gain: float


@dataclass(frozen=True, slots=True)
class Lane:
    """A drawing over time with its name, what it shows in words, and its height in rem."""

    name: str
    says: str
    drawing: Drawing
    tall: float


def write_report(
    folder: Path,
    *,
    title: str,
    score: Mapping[str, Any],
    stems: Sequence[tuple[str, str, str]],
    facts: Mapping[str, Any],
) -> Path:
    """Write ``report.html`` into a song's folder and return its path.

    Parameters
    ----------
    folder : Path
        Holds ``master.wav``, ``stems/dry`` and ``stems/wet`` with a WAV for each stem and, where there is one,
        ``piece.mid``.
    score : mapping
        What ``score.json`` holds.
    stems : sequence of (name, role, instrument)
    facts : mapping
        What ``recipe.json`` holds.
    """
    import matplotlib  # noqa: F401  (what the threads need is imported before they start)
    import soundfile  # noqa: F401
    import soxr  # noqa: F401
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from PIL import Image

    Image.preinit()  # imports what saves pictures
    master = mixed_down([recording(folder / "master.wav")], channels=2)
    mixed = mixed_down([recording(folder / "stems" / "wet" / f"{name}.wav") for name, _, _ in stems])
    dry = mixed_down([recording(folder / "stems" / "dry" / f"{name}.wav") for name, _, _ in stems])
    aim = integrated_lufs(master)
    raised = {"master": 1.0, "stem": raise_to(aim, mixed), "dry": raise_to(aim, dry)}
    loudest = max(peak(master), raised["stem"] * peak(mixed), raised["dry"] * peak(dry))
    level = min(1.0, LOUDEST / max(loudest, 1e-9))

    def track(kind: str, name: str, sound: Audio) -> Track:
        content, undo = mp3(sound, kbps=MASTER_KBPS if kind == "master" else STEM_KBPS)
        return Track(kind, name, base64.b64encode(content).decode("ascii"), round(undo * raised[kind] * level, 6))

    def stem(name: str) -> tuple[Track, Lane]:
        sound = mixed_down([recording(folder / "stems" / "wet" / f"{name}.wav")])
        return track("stem", name, sound), Lane(name, f"Spectrogram of {name}", spectrogram_drawing(sound), 4.5)

    jobs = min(MOST_JOBS, os.cpu_count() or 1)
    whole = in_threads(lambda one: track(*one), [("master", "", master), ("dry", "", dry)], jobs=jobs)
    made = in_threads(stem, [name for name, _, _ in stems], jobs=jobs)
    notes = folder / "piece.mid"
    piece = load_midi(notes) if notes.exists() else None
    lanes = over_time(master, piece, score)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {
        "data_uri": data_uri,
        "clock": clock,
        "digits": digits,
        "scale": scale,
        "standing": standing,
        "wanted": wanted,
    }
    page = environment.get_template("report.html.jinja")
    html = page.render(
        title=title,
        score=score,
        seconds=master.seconds,
        lanes=lanes,
        stems=[
            {"name": name, "role": role, "instrument": short_name(instrument), "lane": lane}
            for (name, role, instrument), (_, lane) in zip(stems, made, strict=True)
        ],
        tracks=[*whole, *(one for one, _ in made)],
        times=time_ticks(master.seconds),
        sections=[section for section in score.get("sections", ()) if section["start"] < master.seconds],
        facts=[*of_piece(piece), *readable(facts)],
        maker=facts.get("maker", ""),
    )
    write_text(folder / "report.html", html, over=ANY_FILE)
    return folder / "report.html"


def over_time(master: Audio, piece: Piece | None, score: Mapping[str, Any]) -> list[Lane]:
    """The lanes of the whole, one above the other."""
    lanes = [Lane("Waveform", "Waveform of the master", waveform_drawing(master), 4.5)]
    if score["curve"]:
        lanes.append(Lane("Sadness", "Sadness over time, 0 to 1", curve_drawing(score["curve"]), 5.0))
    if piece is not None:
        lanes.append(Lane("Notes", "Piano roll of all parts, coloured by role", roll_drawing(piece), 12.0))
        tempo = tempo_drawing(piece)
        if tempo is not None:
            lanes.append(Lane("Tempo, quarters a minute", "Tempo over time", tempo, 3.5))
    lanes.append(Lane("Master", "Spectrogram of the master", spectrogram_drawing(master), 7.0))
    return lanes


def raise_to(lufs: float, sound: Audio) -> float:
    """The factor that makes a sound as loud: what is compared by ear is heard at one loudness.

    A mono preview sounds from both sides.
    """
    found = integrated_lufs(sound)
    if min(found, lufs) <= SILENT_LUFS:
        return 1.0
    return float(10 ** ((lufs - found - (BOTH_SIDES_DB if sound.channels == 1 else 0.0)) / 20))


def peak(sound: Audio) -> float:
    return float(abs(sound.samples).max(initial=0.0))


def scale(cue: Mapping[str, Any]) -> tuple[float, float, float]:
    """Where a cue's band begins and ends and where its value stands, 0 to 1, among recordings that people call sad.

    Of what they say nothing of, the band is the middle third.
    """
    known = CUES[cue["name"]]
    low, high = cue["target"]
    found = [share_of_recordings(known, at) for at in (low, high, cue["value"])]
    if None not in found:
        return tuple(at for at in found if at is not None)  # type: ignore[return-value]
    return 1 / 3, 2 / 3, min(1.0, max(0.0, (1 + (cue["value"] - low) / ((high - low) or 1.0)) / 3))


def wanted(cue: Mapping[str, Any]) -> str:
    """A cue's band in words."""
    low, high = cue["target"]
    return Band(low, high, cue["weight"]).wanted(CUES[cue["name"]])


def standing(cue: Mapping[str, Any]) -> str:
    """How a cue stands to its band: inside, near enough to match, or neither."""
    low, high = cue["target"]
    if low <= cue["value"] <= high:
        return "yes"
    return "near" if cue["match"] is not None and cue["match"] >= PASSING else "no"


def digits(value: float) -> str:
    """A number to three places that count, without an exponent."""
    before_point = math.floor(math.log10(abs(value))) if value else 0
    return f"{value + 0.0:.{max(0, 2 - before_point)}f}"  # + 0: there is no minus nothing


LABELS = {
    "mood": "mood", "intensity": "intensity", "seconds": "length asked for, s", "seed": "seed", "key": "key asked for",
    "bpm": "quarters a minute asked for", "metre": "metre asked for", "instruments": "instruments asked for",
    "theme": "theme", "composer": "composer", "notes": "notes given, SHA-256",
    "rate": "sample rate, Hz", "rack": "rack", "lufs": "loudness, LUFS", "ceiling_dbtp": "ceiling, dBTP",
    "sections": "moods of sections", "setting": "setting", "hits": "hits",
    "dialogue": "dialogue", "versions": "made with", "machine": "machine",
}  # fmt: skip


def of_piece(piece: Piece | None) -> list[tuple[str, str]]:
    """What was drawn, or asked for: key, metre and tempo of the notes."""
    if piece is None:
        return []
    metre = "/".join(map(str, piece.metre))
    return [("key", str(piece.key)), ("metre", metre), ("quarters a minute", f"{piece.tempo.bpm:.4g} at the start")]


def readable(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was asked for and made with, as labels and words; without what was left open.

    Files of the user's own are called by their names: where they lie is nobody's business.
    """
    found = ((name, label, facts.get(name)) for name, label in LABELS.items())
    return [(label, SAID.get(name, in_words)(value)) for name, label, value in found if value not in (None, {}, (), [])]


def in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else str(value)


def pairs(value: Any, between: str) -> str:
    """Pairs of numbers as they are asked for: a curve of intensity, spans of dialogue."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return in_words(value)
    return ", ".join(between.join(f"{number:g}" for number in one) for one in value)


SAID = {
    "intensity": lambda value: pairs(value, ":"),
    "dialogue": lambda value: pairs(value, "-"),
    "instruments": lambda value: ", ".join(map(short_name, value)),
    "theme": lambda value: f"{len(value)} notes",
}
