"""MusicXML as people engrave it, read into bars and notes by lxml; a file of several movements is several scores.

Times are in ticks of 1/48 quarter, which holds halves, thirds and sixths of a beat and 64ths; what lies between is
snapped. What does not sound by itself is left out: grace notes, cue notes, rests. A tied note is one note. A bar that
is written in two measures, as around a repeat sign, keeps its places; a pickup lies at the end of its bar.
"""

import importlib.util
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import TICKS
from melancholia.errors import InputError, MelancholiaError

Element = Any  # lxml's, which carries no types

EXTRA = "melancholia[train]"
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
LARGEST_BYTES = 64_000_000  # of a score, unpacked; the largest quartet here has 8 million
START, LENGTH, PITCH, STAFF, SUNG = range(5)  # columns of a part's notes
PLACE, BEATS, UNIT = 2, 3, 4  # columns of bars behind START and LENGTH


@dataclass(frozen=True, slots=True, eq=False)
class ScorePart:
    """One part: its name, and its notes as rows of start and length in ticks, MIDI pitch, staff, whether sung."""

    name: str
    notes: NDArray[np.int64]

    @property
    def syllables(self) -> int:
        return int(self.notes[:, SUNG].sum())


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One movement.

    `bars` are rows of start and length in ticks, place of its first tick in the bar (not 0 in a pickup and in the
    second measure of a bar that is written as two), beats and unit of the metre. `tempos` are (tick, quarters a
    minute), `signatures` (tick, fifths: sharps, or flats below 0), `words` what is written over its first bars.
    """

    title: str
    composer: str
    parts: tuple[ScorePart, ...]
    bars: NDArray[np.int64]
    tempos: tuple[tuple[int, float], ...]
    signatures: tuple[tuple[int, int], ...]
    words: str

    @property
    def end(self) -> int:
        """In ticks."""
        return int(self.bars[-1, START] + self.bars[-1, LENGTH])


@dataclass(slots=True)
class Measure:
    """One measure of one part while it is read; times in quarters from its start."""

    number: int | None
    notes: list[tuple[Fraction, Fraction, int, int, bool, bool]] = field(default_factory=list)
    length: Fraction = Fraction(0)
    fifths: int | None = None
    metre: tuple[int, int] | None = None
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def read_scores(data: bytes) -> tuple[Score, ...]:
    """The movements of a MusicXML file, plain or compressed (.mxl).

    Raises
    ------
    InputError
        It is no MusicXML, or none that is written part by part, or has no metre.
    """
    root = parse(unpacked(data))
    if root.tag == "score-timewise":
        raise InputError("is written measure by measure (score-timewise); allowed: score-partwise.")
    if root.tag != "score-partwise":
        raise InputError(f"is XML of the kind {root.tag!r}; allowed: score-partwise.")
    names = {part.get("id"): part.findtext("part-name") or "" for part in root.findall("part-list/score-part")}
    parts = [(names.get(part.get("id"), ""), list(measures(part))) for part in root.findall("part")]
    if not parts or not min(len(found) for _, found in parts):
        raise InputError("has no measures.")
    title = (root.findtext("work/work-title") or root.findtext("movement-title") or "").strip()
    composer = (root.findtext("identification/creator[@type='composer']") or "").strip()
    count = min(len(found) for _, found in parts)
    carry_on([found for _, found in parts])
    edges = [*movements(parts[0][1][:count]), count]
    return tuple(
        movement(title, composer, [(name, found[first:last]) for name, found in parts])
        for first, last in zip(edges, edges[1:], strict=False)
    )


def carry_on(parts: list[list[Measure]]) -> None:
    """Give each measure the metre and the signature that hold in it: those of the measure before, where it has none.

    A part that names none before another does has that one's.
    """
    metre = next((m.metre for row in zip(*parts, strict=False) for m in row if m.metre), None)
    fifths = next((m.fifths for row in zip(*parts, strict=False) for m in row if m.fifths is not None), 0)
    if metre is None:
        raise InputError("has no metre.")
    for measures in parts:
        here = metre, fifths
        for measure in measures:
            here = measure.metre or here[0], here[1] if measure.fifths is None else measure.fifths
            measure.metre, measure.fifths = here


def unpacked(data: bytes) -> bytes:
    """The score inside a compressed MusicXML file, or the data as they are."""
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            inside = parse(packed.read("META-INF/container.xml")).find(".//{*}rootfile")
            name = inside.get("full-path") if inside is not None else None
            if name is None:
                raise InputError("is a compressed score that does not name its file.")
            if packed.getinfo(name).file_size > LARGEST_BYTES:
                raise InputError(f"is over {LARGEST_BYTES / 1e6:.0f} MB unpacked.")
            return packed.read(name)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError) as error:
        raise InputError("is a damaged compressed score.") from error


def needs_lxml() -> None:
    """Refuse to read scores where lxml is missing, before many are refused one by one."""
    if importlib.util.find_spec("lxml") is None:
        raise MelancholiaError(f"scores in MusicXML need the extra 'train' (pip install '{EXTRA}').")


def parse(data: bytes) -> Element:
    from lxml import etree

    if len(data) > LARGEST_BYTES:
        raise InputError(f"is over {LARGEST_BYTES / 1e6:.0f} MB.")
    try:
        return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise InputError(f"is no XML: {error}.") from error


def movements(measures: list[Measure]) -> list[int]:
    """Where movements begin: at the first measure, and where the numbers begin anew."""
    found, last = [0], 0
    for k, measure in enumerate(measures):
        if measure.number is None:
            continue
        if measure.number <= 1 and last > 1:
            found.append(k)
        last = measure.number
    return found


def measures(part: Element) -> Iterator[Measure]:
    """The measures of a part, one after the other."""
    divisions, shift = 1, 0
    for node in part.findall("measure"):
        number = node.get("number") or ""
        measure = Measure(int(number) if number.isdigit() else None)
        at = last = Fraction(0)
        for child in node:
            if child.tag == "note":
                if child.find("grace") is not None:
                    continue
                length = duration(child, divisions)
                start = last if child.find("chord") is not None else at
                note = sounding(child, shift)
                if note is not None:
                    measure.notes.append((start, length, *note))
                if child.find("chord") is None:
                    last, at = at, at + length
            elif child.tag == "backup":
                at = max(Fraction(0), at - duration(child, divisions))
            elif child.tag == "forward":
                at += duration(child, divisions)
            elif child.tag == "attributes":
                divisions = whole(child.findtext("divisions")) or divisions
                shift = transposition(child, shift)
                read_marks(child, measure)
            elif child.tag in ("direction", "sound"):
                measure.words += [text.strip() for text in child.itertext("words") if text and text.strip()]
                sound = child if child.tag == "sound" else child.find("sound")
                tempo = number_of(sound.get("tempo")) if sound is not None else 0.0
                if tempo > 0:
                    measure.tempos.append((at, tempo))
            measure.length = max(measure.length, at)
        yield measure


def whole(text: str | None) -> int | None:
    """A whole number above 0, or None."""
    return int(text) if text and text.strip().isdigit() and int(text) > 0 else None


def number_of(text: str | None) -> float:
    """A number, or 0 for what is none."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def duration(node: Element, divisions: int) -> Fraction:
    """In quarters."""
    return Fraction(whole(node.findtext("duration")) or 0, divisions)


def sounding(note: Element, shift: int) -> tuple[int, int, bool, bool] | None:
    """Pitch, staff, whether it is sung, whether it goes on with a tie; None for what does not sound a pitch here."""
    pitch = note.find("pitch")
    if pitch is None or note.find("cue") is not None:
        return None
    step, octave = pitch.findtext("step"), pitch.findtext("octave")
    if step not in STEPS or not (octave or "").strip().isdigit():
        return None
    height = 12 * (int(octave or 0) + 1) + STEPS[step] + round(number_of(pitch.findtext("alter"))) + shift
    if not 0 <= height <= 127:
        return None
    tied = any(tie.get("type") == "stop" for tie in note.findall("tie"))
    return height, whole(note.findtext("staff")) or 1, note.find("lyric") is not None, tied


def transposition(attributes: Element, before: int) -> int:
    """Semitones from written to sounding pitch."""
    node = attributes.find("transpose")
    if node is None:
        return before
    return round(number_of(node.findtext("chromatic")) + 12 * number_of(node.findtext("octave-change")))


def read_marks(attributes: Element, measure: Measure) -> None:
    fifths = attributes.findtext("key/fifths")
    if fifths and fifths.strip().lstrip("-").isdigit():
        measure.fifths = int(fifths)
    beats, unit = whole(attributes.findtext("time/beats")), whole(attributes.findtext("time/beat-type"))
    if beats and unit:
        measure.metre = (beats, unit)


def movement(title: str, composer: str, parts: list[tuple[str, list[Measure]]]) -> Score:
    """One movement of a score, its parts' measures laid end to end."""
    bars: list[tuple[int, int, int, int, int]] = []
    starts: list[Fraction] = []
    at = filled = Fraction(0)
    tempos: list[tuple[int, float]] = []
    signatures: list[tuple[int, int]] = []
    metre = (0, 1)
    for number, row in enumerate(zip(*(found for _, found in parts), strict=False)):
        length = max(m.length for m in row)
        metre = metre_of(row, length, metre)
        bar = Fraction(4 * metre[0], metre[1])
        if number == 0 and 0 < length < bar:
            filled = bar - length
        elif not 0 < filled < bar or filled + length > bar:
            filled = Fraction(0)
        starts.append(at)
        bars.append((ticks(at), ticks(at + length) - ticks(at), ticks(filled), *metre))
        tempos += [(ticks(at + when), bpm) for m in row for when, bpm in m.tempos]
        fifths = row[0].fifths or 0
        if not signatures or signatures[-1][1] != fifths:
            signatures.append((ticks(at), fifths))
        at, filled = at + length, filled + length
    made = tuple(ScorePart(name.strip(), notes_of(found, starts)) for name, found in parts)
    words = " ".join(word for m in parts[0][1][:2] for word in m.words)
    kept = np.array([bar for bar in bars if bar[LENGTH]] or bars[:1], np.int64)
    return Score(title, composer, made, kept, tuple(sorted(set(tempos))), tuple(signatures), words)


def metre_of(row: Sequence[Measure], length: Fraction, before: tuple[int, int]) -> tuple[int, int]:
    """The metre of a measure in which parts may differ: the one that its length fills, the one before if it may be."""
    named = [m.metre for m in row if m.metre]
    filled = [metre for metre in named if Fraction(4 * metre[0], metre[1]) == length]
    return next((metre for metre in (before, *filled) if metre in filled), named[0])


def ticks(quarters: Fraction) -> int:
    return round(quarters * TICKS)


def notes_of(measures: list[Measure], starts: list[Fraction]) -> NDArray[np.int64]:
    """A part's notes in order; one that is tied to what sounds in its pitch until then lengthens it."""
    rows: list[list[int]] = []
    until: dict[tuple[int, int], int] = {}  # pitch and staff to the row that sounded last
    for measure, at in zip(measures, starts, strict=True):
        for start, length, pitch, staff, sung, tied in sorted(measure.notes):
            first, end = ticks(at + start), ticks(at + start + length)
            before = until.get((pitch, staff))
            if tied and before is not None and rows[before][START] + rows[before][LENGTH] == first:
                rows[before][LENGTH] = end - rows[before][START]
            elif end > first:
                until[pitch, staff] = len(rows)
                rows.append([first, end - first, pitch, staff, sung])
    found = np.array(rows, np.int64).reshape(-1, 5)
    return np.asarray(found[np.lexsort((found[:, PITCH], found[:, START]))])
