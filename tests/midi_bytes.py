"""MIDI files made by the byte, so that every oddity is on purpose."""

import struct

FOUR = (60, 62, 64, 66)


def vlq(number):
    out = [number & 0x7F]
    while number := number >> 7:
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))


def event(delta, *data):
    return vlq(delta) + bytes(data)


def meta(delta, kind, payload=b""):
    return vlq(delta) + bytes([0xFF, kind]) + vlq(len(payload)) + payload


def on(delta, pitch, velocity=80, channel=0):
    return event(delta, 0x90 | channel, pitch, velocity)


def off(delta, pitch, channel=0):
    return event(delta, 0x80 | channel, pitch, 64)


def named(text):
    return meta(0, 3, text if isinstance(text, bytes) else text.encode())


def row_of_notes(pitches=FOUR, ticks=480, channel=0):
    """A quarter each."""
    return b"".join(on(0, p, channel=channel) + off(ticks, p, channel) for p in pitches)


END = meta(0, 0x2F)


def track(*events, end=True, length=None):
    """A chunk; `length` is what it pretends."""
    body = b"".join(events) + (END if end else b"")
    return b"MTrk" + struct.pack(">I", len(body) if length is None else length) + body


def smf(*tracks, kind=1, division=480, count=None, more=b"", size=None):
    """A file; `more` stands behind the six bytes of the header, `count` and `size` are what it pretends."""
    head = struct.pack(">HHH", kind, len(tracks) if count is None else count, division & 0xFFFF) + more
    return b"MThd" + struct.pack(">I", len(head) if size is None else size) + head + b"".join(tracks)


def riff(*chunks, form=b"RMID", size=None):
    body = form + b"".join(name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body
