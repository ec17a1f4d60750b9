"""What does not sound never stops what does; what is left out is said; what is ambiguous is refused by name."""

import json
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from melancholia.edits import seated_drums, within_reach
from melancholia.errors import InputError
from melancholia.instruments import render
from melancholia.midi import MOST_NOTES, load_midi, parse_midi, read_midi
from melancholia.midi_piece import HANGS_S
from melancholia.piece import Key, Note, Part, Piece, TempoMap
from tests.hostile_midi import OURS, hostile, ours
from tests.midi_bytes import END, FOUR, event, meta, named, off, on, riff, row_of_notes, smf, track, vlq

NOTES = row_of_notes()
ONE = smf(track(NOTES))
PLAYED = tuple(Note(k, 1, pitch, 80) for k, pitch in enumerate(FOUR))
RUNNING = on(0, 60) + b"".join(
    vlq(480) + bytes([p, 0]) + vlq(0) + bytes([q, 80]) for p, q in zip(FOUR, FOUR[1:], strict=False)
)


def broken_in(*events):
    return smf(track(*events, NOTES))


# what stands in the file, and a piece of what is said about it; None where nothing need be said
WHOLE = {
    "as it should be": (ONE, None),
    "riff": (riff((b"data", ONE)), None),
    "riff, a list first": (riff((b"LIST", b"INFOINAM\3\0\0\0MTh\0"), (b"data", ONE)), None),
    "riff, a list behind": (riff((b"data", ONE), (b"LIST", b"INFO" * 7)), None),
    "riff, wrong size": (riff((b"data", ONE), size=3), None),
    "riff, its first chunk tells of MThd": (riff((b"disp", b"MThd in a text..."), (b"data", ONE)), None),
    "macbinary": (bytes(128) + ONE + bytes(70), "128 bytes before the header"),
    "junk before": (b"\xef\xbb\xbfjunk" + ONE, "7 bytes before the header"),
    "zeros behind": (ONE + bytes(512), None),
    "long header": (smf(track(NOTES), more=b"more"), None),
    "header of length 0": (smf(track(NOTES), size=0), None),
    "too many tracks counted": (smf(track(NOTES), count=9), "fewer tracks than the header counts: 1 of 9"),
    "too few tracks counted": (smf(track(named("x")), track(NOTES), count=1), None),
    "no tracks counted": (smf(track(NOTES), count=0), None),
    "alien chunk": (smf(track(named("x")), b"XFKM\0\0\0\4abcd", track(NOTES), count=2), None),
    "alien chunk, wrong length": (
        smf(track(named("x")), b"XFKM\0\0\0\x02abcdef", track(NOTES), count=2),
        "bytes between tracks",
    ),
    "length too long": (smf(track(NOTES, length=9999)), "length is wrong"),
    "length too long, a track behind": (smf(track(NOTES, length=9999), track(named("x"))), "length is wrong"),
    "length over the next track": (smf(track(NOTES, length=len(NOTES) + 4 + 8 + 4), track()), "length is wrong"),
    "length too short": (smf(track(NOTES, length=7)), "length is wrong"),
    "length 0": (smf(track(NOTES, length=0), track(named("x"))), "length is wrong"),
    "no end of track": (smf(track(NOTES, end=False)), None),
    "data behind the end": (smf(track(NOTES, END, on(0, 90), off(480, 90), end=False)), "behind the end of its track"),
    "cut off in the end of track": (ONE[:-2], "cut off"),
    "a second file behind": (ONE + ONE, "a second MIDI file"),
    "type 7": (smf(track(NOTES), kind=7), "unknown type"),
    "type 0 of two tracks": (smf(track(named("x")), track(NOTES), kind=0), None),
    "type 2 of one track": (smf(track(NOTES), kind=2), None),
    "type 2, one plays": (smf(track(named("x")), track(NOTES), kind=2), None),
    "8 sharps": (broken_in(meta(0, 0x59, b"\x08\0")), "key that does not exist: 8 sharps"),
    "9 flats": (broken_in(meta(0, 0x59, b"\xf7\0")), "key that does not exist: 9 flats"),
    "mode 5": (broken_in(meta(0, 0x59, b"\0\5")), "key whose mode"),
    "key of one byte": (broken_in(meta(0, 0x59, b"\0")), "key signature of a wrong length: 1 bytes"),
    "4/64": (broken_in(meta(0, 0x58, b"\4\6\x18\x08")), "taken as 4/4: 4/64"),
    "4/2**200": (broken_in(meta(0, 0x58, b"\4\xc8\x18\x08")), "taken as 4/4: 4/2**200"),
    "0/4": (broken_in(meta(0, 0x58, b"\0\2\x18\x08")), "taken as 4/4: 0/4"),
    "metre of two bytes": (broken_in(meta(0, 0x58, b"\3\2")), "of a wrong length: 2 bytes"),
    "tempo of two bytes": (broken_in(meta(0, 0x51, b"\7\xa1")), "a tempo of a wrong length"),
    "tempo 0": (broken_in(meta(0, 0x51, bytes(3))), "a tempo of 0"),
    "unknown meta events": (broken_in(meta(0, 0x7F, b"abc"), meta(0, 0x60, b"x"), meta(0, 0xF3, b"")), None),
    "controller 255": (broken_in(event(0, 0xB0, 7, 0xFF)), "as 127: controller 7 is 255 in track 0"),
    "two controllers": (broken_in(event(0, 0xB0, 7, 0xFF) * 2), "and 1 more"),
    "controller above 127": (broken_in(event(0, 0xB0, 0x90, 3)), "controller above 127: byte 144"),
    "pitch above 127": (broken_in(event(0, 0x90, 0xF0, 90)), "pitch above 127: byte 240"),
    "program 200": (broken_in(event(0, 0xC0, 200)), "byte 200"),
    "sysex": (broken_in(event(0, 0xF0, 3, 1, 2, 0xF7)), None),
    "sysex, continued": (broken_in(event(0, 0xF0, 2, 1, 2), event(0, 0xF7, 2, 3, 0xF7), event(0, 0xF7, 1, 0xFA)), None),
    "system common": (broken_in(event(0, 0xF1, 3), event(0, 0xF2, 1, 2), event(0, 0xF3, 1), event(0, 0xF6)), None),
    "real time": (broken_in(event(0, 0xF8), event(0, 0xFA), event(0, 0xFE)), None),
    "delta of six bytes": (broken_in(b"\x80" * 5 + b"\0" + b"\xb0\x07\x40"), "more than 4 bytes"),
    "bytes without a status": (smf(track(b"\0\x01\x02\x03" + NOTES)), "without a status"),
    "pipes in its name": (broken_in(named("Piano|RH|Steinway")), None),
    "an instrument that is none": (
        broken_in(named("Piano|melody|Steinway")),
        "do not have, the felt piano plays: 'Steinway'",
    ),
    "latin-1": (broken_in(named(b"Fl\xf6te")), None),
    "shift-jis": (broken_in(named("ピアノ".encode("shift-jis"))), None),
    "a note let go that was never struck": (broken_in(off(0, 90)), None),
    "bends and pressure": (broken_in(event(0, 0xE0, 0, 0), event(0, 0xD0, 9), event(0, 0xA0, 60, 9)), None),
}


@pytest.mark.parametrize("name", WHOLE)
def test_all_notes_are_right_and_what_was_amiss_is_said(name):
    data, said = WHOLE[name]
    read = parse_midi(data, "in.mid")
    assert [part.notes for part in read.piece.parts] == [PLAYED]
    assert read.piece.metre == (4, 4) and read.piece.tempo.bpm == 120 and read.piece.parts[0].instrument == ""
    amiss = [line for line in read.notes if not line.startswith("not played")]
    assert len(amiss) == (said is not None) and all("\n" not in line for line in read.notes), read.notes
    assert said is None or said in amiss[0]


@pytest.mark.parametrize(
    "data, said",
    [
        (event(0, 0xE0, 0, 127), "pitch bends"),
        (event(0, 0xC0, 42), "program numbers"),
        (event(0, 0xB0, 7, 20), "channel volume"),
        (event(0, 0xB0, 10, 0), "pan"),
        (event(0, 0xE0, 0, 64) + event(0, 0xC0, 0) + event(0, 0xB0, 7, 100) + event(0, 0xB0, 10, 64), None),
    ],
)
def test_what_no_player_of_ours_does_is_said(data, said):
    read = parse_midi(smf(track(data, NOTES)), "in.mid")
    assert [part.notes for part in read.piece.parts] == [PLAYED]
    assert [line.split(",")[0] for line in read.notes] == ["not played"] * (said is not None)
    assert said is None or said in read.notes[0]


REFUSED = {
    "empty": (b"", "no header"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), "no header"),
    "only a header's letters": (b"MThd\0\0", "cut off in its header"),
    "no note": (smf(track(named("x"))), "holds no note"),
    "no note that is left": (smf(track(b"\0\xff\3\x7f", end=False)), "holds no note (a track is damaged"),
    "division 0": (smf(track(NOTES), division=0), "division is 0"),
    "0 ticks a frame": (smf(track(NOTES), division=0xE700), "SMPTE time code of 25 frames a second with 0 ticks"),
    "7 frames": (smf(track(NOTES), division=(256 - 7) << 8 | 40), "SMPTE time code of 7 frames"),
    "type 2": (smf(track(NOTES), track(NOTES), kind=2), "type 2: independent sequences, 2 of them"),
    "78 hours": (broken_in(on(0x0FFFFFF0, 60), off(480, 60)), "lasts 77.7 h; allowed: up to 30 min"),
    "beyond all time": (broken_in(b"\xff" * 8 + b"\x7f" + on(0, 60)[1:], off(480, 60)), "e+12 h"),
    "one long note": (smf(track(on(0, 60), off(4_000_000, 60))), "lasts 1.16 h"),
    "silence": (
        smf(track(named("Oboe"), on(0, 60), off(480, 60), on(400_000, 62), off(480, 62))),
        "silent for 6.94 min",
    ),
    "silence at first": (
        smf(track(named("Oboe"), on(400_000, 62), off(480, 62))),
        "until 6.94 min where 'Oboe' goes on",
    ),
    "too many notes": (smf(track(on(0, 60) + b"\1\x3c\1" * MOST_NOTES)), "holds 200,001 notes; allowed: up to 200,000"),
    "too many parts": (smf(*[track(NOTES)] * 300), "300 parts"),
    "too large": (ONE + bytes(16_000_000), "larger than 16 MB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_played_is_refused_in_a_line(name):
    data, said = REFUSED[name]
    with pytest.raises(InputError) as refused:
        parse_midi(data, "in.mid")
    assert said in str(refused.value) and str(refused.value).startswith("in.mid ") and "\n" not in str(refused.value)


@pytest.mark.parametrize(("frames", "fps"), [(24, 24), (25, 25), (29, 30000 / 1001), (30, 30)])
def test_time_code_is_real_time(frames, fps):
    data = smf(track(meta(0, 0x51, b"\1\0\0"), on(0, 60), off(2000, 60)), division=(256 - frames) << 8 | 40)
    read = parse_midi(data, "in.mid")
    assert read.piece.seconds == pytest.approx(2000 / (fps * 40), abs=0.001)
    assert len(read.notes) == 1 and "SMPTE" in read.notes[0]


def test_running_status_outlives_what_is_no_channel_message():
    between = meta(0, 6, b"x") + event(0, 0xF0, 1, 0xF7) + event(0, 0xF8)
    data = smf(track(RUNNING, between, vlq(480), bytes([FOUR[-1], 0])))
    assert parse_midi(data, "in.mid").piece.parts[0].notes == PLAYED


def test_what_stands_before_the_cut_is_played():
    data = smf(track(named("x")), track(NOTES))
    for cut in range(len(data) - 30, len(data) - 4):
        read = parse_midi(data[:cut], "in.mid")
        played = read.piece.parts[0].notes
        assert [n.pitch for n in played] == list(FOUR[: len(played)]) and "cut off" in read.notes[-1], cut


def test_tempo_and_key_count_in_every_track():
    data = smf(track(NOTES), track(meta(480, 0x51, b"\x0f\x42\x40"), meta(0, 0x59, b"\xfe\1")))
    piece = parse_midi(data, "in.mid").piece
    assert piece.tempo.changes == ((0, 500_000), (1, 1_000_000)) and piece.key == Key(7) and piece.seconds == 3.5


@pytest.mark.parametrize("metre", [(5, 8), (7, 8), (11, 16), (32, 1)])
def test_odd_metres_are_metres(metre):
    data = broken_in(meta(0, 0x58, bytes([metre[0], metre[1].bit_length() - 1, 24, 8])))
    assert parse_midi(data, "in.mid").piece.metre == metre and not parse_midi(data, "in.mid").notes


def test_each_text_is_read_by_itself():
    data = smf(track(named("Flöte"), NOTES), track(named(b"Fl\xf6te"), NOTES, END), track(named(b"\x83s"), NOTES))
    assert [p.name for p in parse_midi(data, "in.mid").piece.parts] == ["Flöte", "Flöte 2", "\x83s"]


def test_a_key_that_nobody_lifts_is_let_go_some_time():
    near = parse_midi(smf(track(NOTES, on(0, 72), END[:0], meta(960, 0x2F), end=False)), "in.mid")
    assert near.piece.parts[0].notes[-1] == Note(4, 2, 72, 80) and not near.notes
    far = parse_midi(smf(track(NOTES, on(0, 72), meta(0xFFFFFF0, 0x2F), end=False)), "in.mid")
    assert far.piece.seconds == pytest.approx(2 + HANGS_S) and "never let go" in far.notes[0]


def test_a_key_struck_twice_sounds_twice():
    twice = parse_midi(smf(track(on(0, 60), on(480, 60), off(480, 60), off(480, 60))), "in.mid").piece
    assert twice.parts[0].notes == (Note(0, 1, 60, 80), Note(1, 2, 60, 80))


PLAN = {"chords": [], "phrases": [], "sections": [], "arc": [], "fixed_tempo": False, "parts": []}
PLANS = {
    "no json": "{",
    "deep": "[" * 100_000,
    "a list": "[]",
    "no keys": "{}",
    "a pitch class": {"chords": [[0, 1, "i", [12], 0]]},
    "a chord of a word": {"chords": ["abcde"]},
    "not a number": {"phrases": [[float("nan"), 1, 1, "half"]]},
    "infinity": {"arc": [[float("inf"), 0.5]]},
    "a whole of 400 digits": {"arc": [[10**400, 0.5]]},
    "a bar of a half": {"sections": [["A", 0.5, 1]]},
    "half a letter": {"parts": [["\ud800", "melody", "cello"]]},
    "no role of ours": {"parts": [["x", "conductor", "cello"]]},
    "hits of words": {"hits": ["now"]},
    "loops perhaps": {"loops": "perhaps"},
    "parts that are one": {"parts": 1},
    "a flag of null": {"fixed_tempo": None},
    "a bed without an end": {"beds": [["a", "texture", "rain", 0, 0, 60, 64]]},
    "a bed of silence": {"beds": [["a", "texture", "rain", 0, 1, 60, 0]]},
    "a bed of no role": {"beds": [["a", "rain", "rain", 0, 1, 60, 64]]},
    "a role that is a list": {"parts": [["x", [], "cello"]]},
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_of_ours_that_is_damaged_stops_no_note(name):
    plan = PLANS[name]
    text = plan if isinstance(plan, str) else json.dumps({**PLAN, **plan})
    read = parse_midi(broken_in(meta(0, 1, b"melancholia " + text.encode())), "in.mid")
    assert (
        [p.notes for p in read.piece.parts] == [PLAYED] and "a plan of ours" in read.notes[0] and len(read.notes) == 1
    )


def test_a_plan_that_counts_other_parts_names_none():
    plan = {**PLAN, "parts": [["a", "melody", "cello"], ["b", "bass", "cello"]]}
    data = broken_in(named("Oboe"), meta(0, 1, b"melancholia " + json.dumps(plan).encode()))
    read = parse_midi(data, "in.mid")
    assert [p.name for p in read.piece.parts] == ["Oboe"] and "counts other parts" in read.notes[0]


def test_our_own_file_needs_no_word(tmp_path):
    (tmp_path / "ours.mid").write_bytes(ours())
    read = read_midi(tmp_path / "ours.mid")
    assert read.piece == load_midi(tmp_path / "ours.mid") == OURS and read.notes == ()


def test_what_a_player_cannot_reach_is_left_out():
    low = Part("Key switch", "harmony", "", (Note(0, 1, 16, 90), Note(1, 1, 127, 90), Note(2, 1, 60, 90)))
    piece = Piece((Part("Piano", "melody", "", PLAYED), low), TempoMap.steady(120))
    left, words = within_reach(piece)
    assert left.parts[0] == piece.parts[0] and left.parts[1].notes == (Note(2, 1, 60, 90),)
    assert words == tuple(
        f"left out: 1 note {where} in 'Key switch' (felt_piano plays A0 to C8)" for where in ("below A0", "above C8")
    )
    assert within_reach(left) == (left, ())
    with pytest.raises(InputError, match="no note is left that its player can reach.*--fold"):
        within_reach(Piece((Part("x", "melody", "cello", (Note(0, 1, 120, 90),)),), TempoMap.steady(120)))


def test_a_drum_held_to_the_end_is_one_stroke():
    held = parse_midi(smf(track(on(0, 38, channel=9), off(400_000, 38, channel=9))), "in.mid").piece
    assert seated_drums(held).parts[0].notes[0].duration == 4


def tolerated(data):
    """The piece in some bytes, or None where they are refused in one line that names the file."""
    try:
        read = parse_midi(data, "in.mid")
    except InputError as refused:
        assert str(refused).startswith("in.mid ") and "\n" not in str(refused)
        return None
    assert not any("\n" in line for line in read.notes)
    return read.piece


def test_hostile_files_are_pieces_or_refusals():
    read = [tolerated(hostile(seed)) for seed in range(600)]
    assert 200 < sum(piece is not None for piece in read) < 500


@pytest.mark.parametrize("seed", range(10))
def test_hostile_files_are_played(seed):
    piece = tolerated(hostile(seed))
    if piece is None or piece.seconds > 120:
        return
    try:
        stems = render(within_reach(seated_drums(piece))[0], rate=8000)
    except InputError:
        return
    assert all(stem.sound.samples.any() for stem in stems.values())


@settings(max_examples=300)
@given(data=st.binary(max_size=300), head=st.sampled_from([b"", smf(division=96, count=1), smf(track(NOTES)), ours()]))
@example(data=struct.pack(">4sI", b"MTrk", 4) + b"\0\x80\x3c\0", head=smf(division=96))
def test_any_bytes_are_a_piece_or_a_refusal(data, head):
    tolerated(head + data)
    tolerated(head + b"MTrk" + struct.pack(">I", len(data)) + data)


@settings(max_examples=200)
@given(data=st.data())
def test_one_byte_more_less_or_other_is_a_piece_or_a_refusal(data):
    whole = ours()
    at, byte = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.binary(max_size=2))
    tolerated(whole[:at] + byte + whole[at + data.draw(st.integers(0, 2)) :])


def test_a_name_of_ten_thousand_letters_is_said_short():
    name = "x" * 10_000
    data = smf(track(named(f"{name}|melody|{name}"), NOTES), track(named(name), NOTES, on(0, 3), off(9, 3)))
    piece, words = within_reach(parse_midi(data, "in.mid").piece)
    assert piece.parts[0].name == name and all(len(line) < 300 for line in (*parse_midi(data, "").notes, *words))
