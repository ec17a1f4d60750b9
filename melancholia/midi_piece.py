"""From the events of a MIDI file to a Piece: each track and channel that plays becomes a part."""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from melancholia.audio import ROLES
from melancholia.errors import InputError, quoted
from melancholia.midi_events import (
    CONTROL,
    KEY,
    MARKER,
    META,
    METRE,
    NAME,
    NOTE_ON,
    TEMPO,
    TEXT,
    Event,
    Events,
    Track,
    Words,
)
from melancholia.midi_plan import NO_PLAN, Plan, read_plan
from melancholia.orchestra import INSTRUMENTS, is_bed, is_foreign
from melancholia.piece import CURVES, TICKS, Curve, Key, Note, Part, Piece, Section, TempoMap, on_grid

MARK = "melancholia "  # before our own text event
DRUMS = 9  # the channel that General MIDI keeps for percussion, counted from 0
CONTROLLERS = {number: name for name, number in CURVES.items()}
HANGS_S = 30.0  # a key that nobody lifts sounds so long at most after the last event of all notes


@dataclass(slots=True)
class Voice:
    """What one channel of one track plays, while it is read; `hanging` are the notes that nobody lets go."""

    name: str
    channel: int
    notes: list[Note] = field(default_factory=list)
    curves: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    hanging: list[Note] = field(default_factory=list)


def piece_of(events: Events, words: Words) -> Piece:
    """The piece that events say; times go to the nearest tick."""
    scale = TICKS / events.ticks_a_quarter
    metas = sorted(
        (
            (round(event.tick * scale) / TICKS, event)
            for t in events.tracks
            for event in t.events
            if event.status > META
        ),
        key=lambda meta: meta[0],
    )
    tempo = tempo_of(metas, words) if events.smpte_fps is None else TempoMap.steady(120)
    metre = metre_of(metas, words)
    plan = plan_in(metas, words)
    found = [
        voice
        for k, t in enumerate(events.tracks)
        for voice in voices_of(t, scale, k, words, keep_empty=plan is not None)
    ]
    let_go(found, tempo, words)
    end = max((note.end for voice in found for note in voice.notes), default=0.0)
    plan = plan or NO_PLAN
    return Piece(
        parts=parts_of(found, plan, words),
        tempo=tempo,
        metre=metre,
        key=key_of(metas, words),
        sections=sections_of(metas, 4 * metre[0] / metre[1], end) if plan.sections is None else plan.sections,
        chords=plan.chords,
        phrases=plan.phrases,
        arc=plan.arc,
        fixed_tempo=plan.fixed_tempo,
        hits=plan.hits,
        loops=plan.loops,
    )


Metas = list[tuple[float, Event]]  # (quarters, meta event), in order of time


def of_kind(metas: Metas, kind: int, sizes: Iterable[int], what: str, words: Words) -> Metas:
    """The meta events of one kind whose payload has one of the right sizes."""
    found = [(at, event) for at, event in metas if event.status == kind]
    for _, event in found:
        if len(event.payload) not in sizes:
            words.say(f"ignored, a {what} of a wrong length", f"{len(event.payload)} bytes")
    return [(at, event) for at, event in found if len(event.payload) in sizes]


def tempo_of(metas: Metas, words: Words) -> TempoMap:
    changes: dict[float, int] = {0.0: 500_000}
    for at, event in of_kind(metas, TEMPO, (3,), "tempo", words):
        if microseconds := int.from_bytes(event.payload, "big"):
            changes[at] = microseconds
        else:
            words.say("ignored, a tempo of 0 microseconds a quarter", f"{at:g} quarters in")
    return TempoMap(tuple(changes.items()))


def metre_of(metas: Metas, words: Words) -> tuple[int, int]:
    """The metre that stands at the start: a piece has one."""
    metre = (4, 4)
    for at, event in of_kind(metas, METRE, (4,), "metre (time signature)", words):
        beats, power = event.payload[:2]
        if at > 0:
            continue
        try:
            metre = Piece((), TempoMap.steady(120), metre=(beats, 1 << power)).metre
        except InputError:
            unit = str(1 << power) if power < 16 else f"2**{power}"
            words.say("a metre that is none for us, taken as 4/4", f"{beats}/{unit}")
            metre = (4, 4)
    return metre


def key_of(metas: Metas, words: Words) -> Key:
    """The first key; A minor where there is none."""
    home = None
    for _, event in of_kind(metas, KEY, (2,), "key signature", words):
        fifths, mode = int.from_bytes(event.payload[:1], "big", signed=True), event.payload[1]
        if abs(fifths) > 7:
            words.say("ignored, a key that does not exist", f"{abs(fifths)} {'sharps' if fifths > 0 else 'flats'}")
        elif mode > 1:
            words.say("ignored, a key whose mode is neither major (0) nor minor (1)", str(mode))
        elif home is None:
            home = Key((7 * fifths + 9 * mode) % 12, ("major", "minor")[mode])
    return home or Key(9)


def plan_in(metas: Metas, words: Words) -> Plan | None:
    """The plan in our own text event; None where there is none, or none that can be used."""
    plan = None
    for _, event in metas:
        if event.status == TEXT and event.payload.startswith(MARK.encode()):
            try:
                plan = read_plan(text_of(event.payload)[len(MARK) :])
            except InputError as error:
                words.say("ignored, a plan of ours (chords, phrases, arc) that is damaged", str(error))
    return plan


def sections_of(metas: Metas, bar: float, end: float) -> tuple[Section, ...]:
    markers = [(at, text_of(event.payload)) for at, event in metas if event.status == MARKER]
    return tuple(
        Section(text, round(at / bar), round((after - at) / bar))
        for (at, text), (after, _) in zip(markers, [*markers[1:], (end, "")], strict=False)
    )


def text_of(payload: bytes) -> str:
    """UTF-8, else Latin-1: each text by itself, for a file may hold both."""
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return payload.decode("latin-1")


def voices_of(track: Track, scale: float, number: int, words: Words, *, keep_empty: bool) -> list[Voice]:
    """Who plays in a track, a voice a channel; those without a note only where a plan counts them."""
    named = (text_of(event.payload) for event in track.events if event.status == NAME and event.payload)
    name = next(named, "")
    voices: dict[int, Voice] = {}
    open_: dict[tuple[int, int], deque[tuple[float, int]]] = defaultdict(deque)
    for tick, status, first, second, _ in track.events:
        if status > META:
            continue
        at, message, channel = round(tick * scale) / TICKS, status & 0xF0, status & 0x0F
        if channel not in voices and (message == CONTROL or (message == NOTE_ON and second)):
            voices[channel] = Voice(name or f"track {number}", channel)
        if message == CONTROL:
            voices[channel].curves[CONTROLLERS[first]].append((at, second))
        elif message == NOTE_ON and second:
            open_[channel, first].append((at, second))
        elif open_[channel, first]:
            start, velocity = open_[channel, first].popleft()
            voices[channel].notes.append(Note(start, at - start, first, velocity))
    end = round(track.end * scale) / TICKS
    for (channel, pitch), rest in open_.items():
        for start, velocity in rest:
            voices[channel].hanging.append(Note(start, end - start, pitch, velocity))
    playing = [voice for _, voice in sorted(voices.items()) if voice.notes or voice.hanging or keep_empty]
    return playing or ([Voice(name, 0)] if keep_empty and "|" in name else [])


def let_go(found: list[Voice], tempo: TempoMap, words: Words) -> None:
    """A key that nobody lifts sounds to the end of its track, at most `HANGS_S` past the last event of all notes."""
    events = [note.end for voice in found for note in voice.notes]
    events += [note.start for voice in found for note in voice.hanging]
    last = on_grid(float(tempo.quarters(tempo.seconds(max(events, default=0.0)) + HANGS_S)))
    for voice in found:
        for note in voice.hanging:
            if note.end > last:
                words.say(
                    f"a key that is never let go, ended {HANGS_S:g} s after the last note",
                    f"{note.pitch} in {quoted(voice.name)}",
                )
                note = replace(note, duration=last - note.start)
            voice.notes.append(note)


def parts_of(found: list[Voice], plan: Plan, words: Words) -> tuple[Part, ...]:
    """Parts with their names, roles and instruments: from our own plan, from ``name|role|instrument``, or guessed."""
    if plan.parts is not None and len(plan.parts) == len(found):
        named = list(plan.parts)
    else:
        named = [called(voice.name) for voice in found]
        if plan.parts is not None:
            words.say("our own plan counts other parts than there are, they go by their tracks", f"{len(plan.parts)}")
    for voice, who in zip(found, named, strict=True):
        if not voice.notes and is_bed(*who[1:]):
            voice.notes += plan.beds.get(who, ())
    mean = [sum(n.pitch for n in v.notes) / len(v.notes) if v.notes else 0.0 for v in found]
    tuned = [height for height, voice in zip(mean, found, strict=True) if voice.channel != DRUMS] or mean
    parts, taken = [], set()
    for (name, role, instrument), voice, height in zip(named, found, mean, strict=True):
        if role not in ROLES and voice.channel == DRUMS:
            role = "percussion"
        elif role not in ROLES:
            role = "melody" if height == max(tuned) else "bass" if height == min(tuned) and height < 50 else "harmony"
        if instrument and instrument not in INSTRUMENTS and not is_foreign(instrument):
            words.say(
                "an instrument that we do not have, the felt piano plays", f"{quoted(instrument)} of {quoted(name)}"
            )
            instrument = ""
        unique, copy = name, 2
        while unique in taken:
            unique, copy = f"{name} {copy}", copy + 1
        taken.add(unique)
        curves: dict[str, Curve] = {k: tuple(v) for k, v in voice.curves.items()}
        parts.append(Part(unique, role, instrument, tuple(voice.notes), curves))
    return tuple(parts)


def called(name: str) -> tuple[str, str, str]:
    """Name, role and instrument in a track's name; where the second field is no role of ours, all is name."""
    fields = name.split("|")
    return (fields[0], fields[1], fields[2]) if len(fields) == 3 and fields[1] in ROLES else (name, "", "")
