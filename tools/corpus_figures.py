"""Read songs that people wrote, and keep the notes that `tests.played_songs` lets our instruments play.

    python tools/corpus_figures.py ../shared/data/corpora/openscore-lieder.zip -o /tmp/lieder.npz

Of each song with a vocal line the notes of voice and accompaniment are kept up to its first change of key or metre, on
a grid of 48 ticks a quarter on which bar lines fall at multiples of the bar (a pickup lies at the end of its bar, two
short measures that make one bar are one). The mode, which MusicXML here mostly lacks, is found among the two keys of
the signature (Krumhansl profiles, and the last bass note). Nothing is written but the file named by -o.
"""

import argparse
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from lxml import etree

TICKS = 48  # a quarter; holds 1/3, 1/6 and 1/16 of it
STEP = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])  # Krumhansl & Kessler 1982
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
LAST_BASS = 0.25  # in favour of the key whose tonic the last bass note is
LEAST_LYRICS, LEAST_NOTES = 20, 24


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of one part: (position, length in quarters, pitch, tie stops, has words), its length and marks."""

    notes: list[tuple[Fraction, Fraction, int, bool, bool]]
    length: Fraction
    fifths: int | None
    time: tuple[int, int] | None
    tempo: float | None


def read_measure(node, divisions):
    notes, fifths, time, tempo = [], None, None, None
    at = last = longest = Fraction(0)
    for child in node:
        tag = child.tag
        if tag == "attributes":
            divisions = int(child.findtext("divisions") or divisions)
            fifths = int(child.findtext("key/fifths")) if child.find("key/fifths") is not None else fifths
            if child.find("time/beats") is not None and child.findtext("time/beats").isdigit():
                time = (int(child.findtext("time/beats")), int(child.findtext("time/beat-type")))
        elif tag in ("backup", "forward"):
            step = Fraction(int(child.findtext("duration")), divisions)
            at = at - step if tag == "backup" else at + step
        elif tag == "note" and child.find("grace") is None:
            length = Fraction(int(child.findtext("duration") or 0), divisions)
            start = last if child.find("chord") is not None else at
            pitch = child.find("pitch")
            if pitch is not None and child.find("cue") is None:
                key = 12 * (int(pitch.findtext("octave")) + 1) + STEP[pitch.findtext("step")]
                key += int(float(pitch.findtext("alter") or 0))
                stops = any(tie.get("type") == "stop" for tie in child.findall("tie"))
                notes.append((start, length, key, stops, child.find("lyric") is not None))
            if child.find("chord") is None:
                last, at = at, at + length
        sound = child if tag == "sound" else child.find("sound")
        if tempo is None and sound is not None and sound.get("tempo"):
            tempo = float(sound.get("tempo"))
        longest = max(longest, at)
    return Measure(notes, longest, fifths, time, tempo), divisions


def read_parts(root):
    parts = []
    for part in root.findall("part"):
        divisions, measures = 1, []
        for node in part.findall("measure"):
            measure, divisions = read_measure(node, divisions)
            measures.append(measure)
        parts.append(measures)
    return parts


def bar_starts(lengths, bar):
    """Where each measure begins on a grid whose bar lines are multiples of `bar`."""
    starts, filled, begun = [], Fraction(0), Fraction(0)  # `filled` of the bar that began at `begun`
    for number, length in enumerate(lengths):
        if number == 0 and length < bar:
            filled = bar - length
        elif filled >= bar or filled + length > bar:
            begun += bar * max(1, -(-filled // bar))
            filled = Fraction(0)
        starts.append(begun + filled)
        filled += length
    return starts


def joined(notes):
    """Notes (start, length, pitch, tie stops, words) with tied ones made one."""
    found, sounding = [], {}
    for start, length, pitch, stops, words in sorted(notes):
        before = sounding.get(pitch)
        if stops and before is not None and found[before][0] + found[before][1] == start:
            found[before][1] += length
            continue
        sounding[pitch] = len(found)
        found.append([start, length, pitch, words])
    return found


def key_of(fifths, notes):
    """Tonic and whether minor, among the two keys of a signature."""
    weight = np.zeros(12)
    for _, length, pitch, _ in notes:
        weight[pitch % 12] += float(length)
    end = max(start + length for start, length, _, _ in notes)
    bass = min((n for n in notes if n[0] + n[1] >= end - Fraction(1, 8)), key=lambda n: n[2])[2] % 12
    major = 7 * fifths % 12
    minor = (major + 9) % 12
    fits = [
        np.corrcoef(np.roll(profile, tonic), weight)[0, 1] + LAST_BASS * (bass == tonic)
        for profile, tonic in ((MAJOR, major), (MINOR, minor))
    ]
    return (major, False) if fits[0] >= fits[1] else (minor, True)


def read_song(data):
    """One song as (bar in quarters, beat in quarters, tempo, tonic, minor, notes) or None where it has no line.

    Notes are rows (start, length in ticks, pitch, whether sung).
    """
    parts = read_parts(etree.fromstring(data))
    words = [sum(note[4] for measure in part for note in measure.notes) for part in parts]
    if not parts or max(words) < LEAST_LYRICS:
        return None
    voice = int(np.argmax(words))
    count = min(map(len, parts))
    first = parts[voice]
    if first[0].time is None or first[0].fifths is None:
        return None
    (beats, unit), fifths = first[0].time, first[0].fifths
    for number in range(1, count):
        if first[number].time not in (None, (beats, unit)) or first[number].fifths not in (None, fifths):
            count = number
            break
    bar = Fraction(4 * beats, unit)
    starts = bar_starts([max(part[k].length for part in parts) for k in range(count)], bar)
    rows, everything = [], []
    for number, part in enumerate(parts):
        notes = joined([(starts[k] + n[0], *n[1:]) for k in range(count) for n in part[k].notes])
        everything += notes
        if number == voice:
            top = {}
            for note in notes:
                if note[0] not in top or top[note[0]][2] < note[2]:
                    top[note[0]] = note
            notes = [top[start] for start in sorted(top)]
        rows += [(round(s * TICKS), max(1, round(d * TICKS)), p, number == voice) for s, d, p, _ in notes]
    if sum(row[3] for row in rows) < LEAST_NOTES:
        return None
    tonic, minor = key_of(fifths, everything)
    tempo = next((m.tempo for part in parts for m in part[:count] if m.tempo), 92.0)
    beat = 1.5 if unit == 8 and beats % 3 == 0 else 4 / unit
    return float(bar), beat, tempo, tonic, minor, sorted(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip")
    parser.add_argument("-o", "--output", required=True)
    asked = parser.parse_args()
    columns, notes = defaultdict(list), []
    with zipfile.ZipFile(asked.zip) as packed:
        for name in sorted(n for n in packed.namelist() if n.endswith(".musicxml")):
            song = read_song(packed.read(name))
            if song is None:
                continue
            *facts, rows = song
            for column, value in zip(("bar", "beat", "bpm", "tonic", "minor"), facts, strict=True):
                columns[column].append(value)
            columns["composer"].append(name.split("/")[1])
            columns["size"].append(len(rows))
            notes += rows
    np.savez_compressed(asked.output, notes=np.array(notes, np.int32), **columns)
    print(f"{len(columns['size'])} songs ({sum(columns['minor'])} in minor) of {asked.zip}, {len(notes)} notes")


if __name__ == "__main__":
    main()
