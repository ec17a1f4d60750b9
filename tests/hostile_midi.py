"""MIDI files that are damaged on purpose, the same for the same seed.

    python -m tests.hostile_midi FOLDER [COUNT]

writes them as files, to be rendered one by one.
"""

import io
import random
import sys
from pathlib import Path

from melancholia.midi import to_midi
from melancholia.piece import Chord, Key, Note, Part, Phrase, Piece, Section, TempoMap
from tests.midi_bytes import FOUR, event, meta, named, off, on, riff, row_of_notes, smf, track, vlq

OURS = Piece(
    (
        Part("voice", "melody", "cello", tuple(Note(k, 1, 60 + k, 70) for k in range(4)), {"vibrato": ((0, 90),)}),
        Part("left", "harmony", "felt_piano", (Note(0, 2, 48, 50), Note(2, 2, 45, 50)), {"pedal": ((0, 127), (2, 0))}),
    ),
    TempoMap(((0, 800_000), (2, 900_000))),
    key=Key(9),
    sections=(Section("A", 0, 1),),
    chords=(Chord(0, 4, "i", (9, 0, 4), 9),),
    phrases=(Phrase(0, 4, 2, "half"),),
    arc=((0, 0.2), (4, 0.8)),
)


def ours():
    to_midi(OURS).save(file=(data := io.BytesIO()))
    return data.getvalue()


def valid():
    """Small files of several makers."""
    running = on(0, 60) + vlq(240) + bytes([60, 0]) + vlq(0) + bytes([64, 80]) + vlq(240) + bytes([64, 0])
    head = track(named("Song"), meta(0, 0x51, b"\7\xa1\x20"), meta(0, 0x58, b"\3\2\x18\x08"), meta(0, 0x59, b"\xfd\1"))
    return (
        ours(),
        smf(track(row_of_notes()), kind=0),
        smf(head, track(named("Piano"), event(0, 0xB0, 64, 127), row_of_notes()), track(row_of_notes(FOUR, channel=9))),
        smf(track(running, event(0, 0xC0, 5), event(0, 0xE0, 0, 64), vlq(0) + b"\xf0\5\x7e\x7f\x09\x01\xf7")),
        smf(track(on(0, 64), on(0, 67), off(2000, 64), off(0, 67)), division=(256 - 25) << 8 | 40),
        riff((b"data", smf(track(row_of_notes())))),
    )


def flipped(data, rng):
    for _ in range(rng.randint(1, 12)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def overwritten(data, rng):
    at = rng.randrange(len(data))
    data[at : at + rng.randint(1, 8)] = rng.randbytes(rng.randint(1, 8))


def inserted(data, rng):
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(
        [rng.randbytes(rng.randint(1, 200)), b"\xff" * 9, b"\x80" * 30, b"MTrk", b"MThd", b"\0" * 40]
    )


def removed(data, rng):
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 20)]


def cut_off(data, rng):
    del data[rng.randrange(len(data)) :]


def strange_header(data, rng):
    at = max(data.find(b"MThd"), 0)
    field = at + rng.choice([4, 8, 10, 12])
    data[field : field + 2] = rng.choice([b"\0\0", b"\xff\xff", b"\x80\0", b"\xe7\x28", rng.randbytes(2)])


def a_track(data, rng):
    """Where the name of one of the tracks stands."""
    found = [at for at in range(len(data)) if data[at : at + 4] == b"MTrk"]
    return rng.choice(found) if found else len(data)


def strange_length(data, rng):
    at = a_track(data, rng)
    data[at + 4 : at + 8] = rng.choice([bytes(4), b"\xff" * 4, b"\0\0\0\3", rng.randbytes(4)])


def strange_event(data, rng):
    """An event put where a track may begin: absurd tempi, metres, keys, deltas, hanging notes, texts that are none."""
    at = a_track(data, rng) + 8
    data[at:at] = rng.choice(
        [
            meta(0, 0x51, rng.choice([b"\0\0\0", b"\0\0\1", b"\xff\xff\xff", b"\1", b""])),
            meta(0, 0x58, bytes([rng.choice([0, 4, 255]), rng.choice([0, 6, 200]), 24, 8])),
            meta(0, 0x59, rng.randbytes(2)),
            meta(rng.choice([0, 480, 2**20, 2**28 - 1]), rng.randrange(128), rng.randbytes(rng.randint(0, 9))),
            on(rng.choice([0, 480, 100_000, 2**28 - 1]), rng.randrange(128), rng.randint(0, 127), rng.randrange(16)),
            named(rng.choice([b"a|melody|lute", b"\xff\xfe", b"\x82\xa0", b"||", b"x|bass|soundfont:/none.sf2"])),
            meta(
                0, 1, b"melancholia " + rng.choice([b"{", b"{}", b"[]", b"[" * 5000, b'{"chords":[[0,1,"i",[99],1]]}'])
            ),
        ]
    )


HARMS = (flipped, overwritten, inserted, removed, cut_off, strange_header, strange_length, strange_event)


def hostile(seed):
    """One damaged file."""
    rng = random.Random(seed)
    data = bytearray(rng.choice(valid()))
    for _ in range(rng.choice([1, 1, 2, 3])):
        if data:
            rng.choice(HARMS)(data, rng)
    return bytes(data)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(int(sys.argv[2]) if len(sys.argv) > 2 else 100):
        (folder / f"{seed:04d}.mid").write_bytes(hostile(seed))
