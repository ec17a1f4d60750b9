"""The bytes of a Standard MIDI file as events, read as people have such files.

What does not sound never stops what does: wrong lengths and counts, chunks of other makers, wrappers, events that are
damaged or cut off are passed over, and `Words` says so. What is ambiguous raises `InputError`. Times are ticks from the
start of the track. A damaged data byte (above 127) is taken as a value, never as the next status: the event keeps its
length, so that all behind it stays in step.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from melancholia.errors import InputError

META = 0x100  # added to the type of a meta event, so that it is told from a channel status
NAME, MARKER, TEXT = META + 0x03, META + 0x06, META + 0x01
TEMPO, METRE, KEY = META + 0x51, META + 0x58, META + 0x59
END_OF_TRACK = 0x2F
METAS = (NAME, MARKER, TEXT, TEMPO, METRE, KEY)
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, PITCH_BEND = 0x80, 0x90, 0xB0, 0xC0, 0xE0
VOLUME, PAN = 7, 10  # controllers
USUAL_VOLUME = 64  # below it somebody meant it
ONE_BYTE = (0xC0, 0xD0)  # program and channel pressure; all other channel messages hold two data bytes
COMMON_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # of system common messages, which have no place in a file
LONGEST_NUMBER = 9  # bytes of a variable-length quantity; the standard allows 4
MOST_EVENTS = 1_000_000  # that sound or shape sound: 100 MB of them
FRAMES_A_SECOND = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}  # SMPTE; 29 is 30 drop frame


class Event(NamedTuple):
    """A channel message (status 0x80 to 0xEF, data bytes 0 to 127) or a meta event (status META + type, payload)."""

    tick: int
    status: int
    first: int = 0
    second: int = 0
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Track:
    """Events in order, and the tick at which the track ends."""

    events: tuple[Event, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Events:
    """A file: its type 0 to 2, ticks a quarter, or with `smpte_fps` set ticks a half second, and its tracks."""

    kind: int
    ticks_a_quarter: float
    tracks: tuple[Track, ...]
    smpte_fps: float | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What was left out or changed: of each kind the first case and how many there were."""

    cases: dict[str, tuple[int, str]] = field(default_factory=dict)

    def say(self, what: str, case: str) -> None:
        count, first = self.cases.get(what, (0, case))
        self.cases[what] = (count + 1, first)

    def lines(self) -> tuple[str, ...]:
        """One line a kind."""
        return tuple(
            f"{what}: {first}" + (f", and {count - 1} more" if count > 1 else "")
            for what, (count, first) in self.cases.items()
        )


class CutOff(Exception):
    """The bytes end, or make no sense any more, inside an event."""


def read_events(data: bytes, words: Words, *, controllers: Collection[int]) -> Events:
    """The events in the bytes of a MIDI file: notes, the given controllers, and `METAS`.

    Raises
    ------
    InputError
        There is no header, no time base can be made out, or there are more than `MOST_EVENTS`.
    """
    at = header_at(data)
    if at < 0:
        raise InputError("it is no MIDI file: no header (MThd) is in it.")
    if at > 0 and data[:4] != b"RIFF":
        words.say("left out", f"{at} bytes before the header")
    if len(data) < at + 14:
        raise InputError("it is cut off in its header.")
    size, kind = number(data, at + 4, 4), number(data, at + 8, 2)
    count = number(data, at + 10, 2)
    ticks, fps = time_base(number(data, at + 12, 2))
    if fps is not None:
        words.say("SMPTE time code", f"{fps:.4g} frames a second, put on a grid of 120 bpm; tempo events are ignored")
    if kind > 2:
        words.say("unknown type of file, read as type 1", str(kind))
        kind = 1
    tracks = read_tracks(data, at + 8 + max(size, 6), count, controllers, words)
    return Events(kind, ticks, tuple(tracks), fps)


def header_at(data: bytes) -> int:
    """Where the header begins: behind a RIFF wrapper or anything else; -1 where there is none.

    The letters may stand in some text before it: a header whose length is that of a header is preferred.
    """
    at = data.find(b"MThd")
    first = at
    while at >= 0 and not 6 <= number(data, at + 4, 4) < 256:
        at = data.find(b"MThd", at + 4)
    return at if at >= 0 else first


def number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def time_base(division: int) -> tuple[float, float | None]:
    """Ticks a quarter; or ticks a half second and the frames a second of SMPTE time code."""
    if division == 0:
        raise InputError("its division is 0 ticks a quarter; allowed: 1 to 32767.")
    if division < 0x8000:
        return division, None
    frames, ticks = 256 - (division >> 8), division & 0xFF
    if frames not in FRAMES_A_SECOND or ticks == 0:
        raise InputError(
            f"its division is SMPTE time code of {frames} frames a second with {ticks} ticks each; "
            "allowed: 24, 25, 29 or 30 frames, 1 tick or more."
        )
    return FRAMES_A_SECOND[frames] * ticks / 2, FRAMES_A_SECOND[frames]


def read_tracks(data: bytes, at: int, count: int, controllers: Collection[int], words: Words) -> list[Track]:
    """The tracks from byte `at` on: chunks of other names are passed over, wrong lengths mended."""
    tracks: list[Track] = []
    kept = 0
    while 0 <= at < len(data):
        if data[at : at + 4] == b"MTrk":
            track, at = track_at(data, at, f"track {len(tracks)}", controllers, words)
            tracks.append(track)
            kept += len(track.events)
            if kept > MOST_EVENTS:
                raise InputError(f"it holds more than {MOST_EVENTS:,} events; allowed: that many.")
        elif data[at : at + 4] == b"MThd":
            words.say("left out", "a second MIDI file behind the first")
            break
        elif is_chunk(data, at):
            at += 8 + number(data, at + 4, 4)
        else:
            found = data.find(b"MTrk", at)
            if found >= 0:
                words.say("left out", f"{found - at} bytes between tracks")
            at = found
    if len(tracks) < count:
        words.say("fewer tracks than the header counts", f"{len(tracks)} of {count}")
    return tracks


def track_at(data: bytes, at: int, name: str, controllers: Collection[int], words: Words) -> tuple[Track, int]:
    """The track whose chunk begins at byte `at`, and where the next chunk stands.

    A length is right when the file ends there, or a chunk begins; otherwise the track goes on to its end mark, to the
    next track or to the end of the file.
    """
    start, stop = at + 8, at + 8 + number(data, at + 4, 4)
    trusted = stop == len(data) or is_chunk(data, stop)
    following = -1 if trusted else data.find(b"MTrk", start)
    bound = stop if trusted else following if following >= 0 else len(data)
    track, read, ended, whole = read_track(memoryview(data)[start:bound], name, controllers, words)
    after = start + read
    if ended and after != stop and (not trusted or data[after : after + 4] == b"MTrk"):
        words.say("a track's length is wrong, its end was found", name)
        return track, after
    if ended and any(data[after:stop]):
        words.say("left out, it stands behind the end of its track", f"{stop - after} bytes in {name}")
    elif not ended and stop > len(data) and following < 0:
        words.say("the file is cut off, what is there is played", name)
    elif not whole or not (ended or trusted):
        words.say("a track is damaged at its end, what is there is played", name)
    return track, after if ended and not trusted else bound


def is_chunk(data: bytes, at: int) -> bool:
    """Whether a chunk can begin here: four letters, and a length that the file has room for (or a track)."""
    name = data[at : at + 4]
    if name in (b"MTrk", b"MThd"):
        return True
    return (
        len(name) == 4
        and all(0x20 <= letter < 0x7F for letter in name)
        and at + 8 + number(data, at + 4, 4) <= len(data)
    )


def read_track(
    body: memoryview, name: str, controllers: Collection[int], words: Words
) -> tuple[Track, int, bool, bool]:
    """The events of one track; how many bytes they take; whether its end was marked; whether its last event is whole.

    Running status outlives meta and system events: the standard forbids it, many files do it.
    """
    events: list[Event] = []
    tick, at, running, before = 0, 0, 0, 0
    try:
        while at < len(body):
            before = at
            delta = body[at]
            at += 1
            if delta > 0x7F:
                delta, at = variable_length(body, at - 1, name, words)
            status = body[at]
            tick += delta
            if status < 0x80:
                if not running:
                    words.say("left out, data without a status", f"byte {status} in {name}")
                    at = next_status(body, at + 1)
                    continue
                status = running
            else:
                at += 1
            if status < 0xF0:
                running = status
                first = body[at]
                at += 1
                second = 0
                if status & 0xF0 not in ONE_BYTE:
                    second = body[at]
                    at += 1
                if first > 0x7F or second > 0x7F:
                    if not (event := mended(status, first, second, name, words)):
                        continue
                    first, second = event
                message = status & 0xF0
                if message in (NOTE_ON, NOTE_OFF) or (message == CONTROL and first in controllers):
                    events.append(Event(tick, status, first, second))
                    if len(events) > MOST_EVENTS:
                        break
                elif unplayed := what_is_not_played(message, first, second):
                    words.say(f"not played, {unplayed}", f"in {name}")
            elif status == 0xFF:
                kind = body[at]
                size, at = variable_length(body, at + 1, name, words)
                if kind == END_OF_TRACK:
                    return Track(tuple(events), tick), min(at + size, len(body)), True, True
                if at + size > len(body):
                    raise CutOff
                if META + kind in METAS:
                    events.append(Event(tick, META + kind, payload=bytes(body[at : at + size])))
                at += size
            elif status in (0xF0, 0xF7):
                size, at = variable_length(body, at, name, words)
                if at + size > len(body):
                    raise CutOff
                at += size
            else:  # system common and real time have no place in a file, and no sound
                for _ in range(COMMON_BYTES.get(status, 0)):
                    at += body[at] < 0x80
    except (IndexError, CutOff):
        return Track(tuple(events), tick), before, False, False
    return Track(tuple(events), tick), at, False, True


def variable_length(body: memoryview, at: int, name: str, words: Words) -> tuple[int, int]:
    """A number in groups of 7 bits, the last one below 128; and where the next byte stands."""
    value, start = 0, at
    while (byte := body[at]) > 0x7F:
        value = value << 7 | byte & 0x7F
        at += 1
        if at - start >= LONGEST_NUMBER:
            words.say("a number is too long to be one, its track ends there", name)
            raise CutOff
    if at - start >= 4:
        words.say("numbers of more than 4 bytes, taken as they stand", name)
    return value << 7 | byte, at + 1


def next_status(body: memoryview, at: int) -> int:
    """Where the delta time of the next event stands: the byte before its status."""
    while at < len(body) and body[at] < 0x80:
        at += 1
    return at if at == len(body) else at - 1


def what_is_not_played(message: int, first: int, second: int) -> str:
    """What an event asks for that no player of ours does; nothing where it asks for what is so anyway."""
    if message == PITCH_BEND and (first, second) != (0, 64):
        return "pitch bends"
    if message == PROGRAM and first:
        return "program numbers (--instrument or --mood says who plays)"
    if message == CONTROL and first == VOLUME and second < USUAL_VOLUME:
        return "channel volume (the master has its own)"
    return "pan (the rack seats the players)" if message == CONTROL and first == PAN and second != 64 else ""


def mended(status: int, first: int, second: int, name: str, words: Words) -> tuple[int, int] | None:
    """Data bytes brought to 0 to 127; None for a note whose pitch is none, or a controller whose number is none."""
    message = status & 0xF0
    if first > 0x7F and message in (NOTE_ON, NOTE_OFF, 0xA0, CONTROL):
        what = "controller" if message == CONTROL else "pitch"
        words.say(f"left out, {what} above 127", f"byte {first} in {name}")
        return None
    case = f"controller {first} is {second}" if message == CONTROL else f"byte {max(first, second)}"
    words.say("value above 127 taken as 127", f"{case} in {name}")
    return min(first, 127), min(second, 127)
