"""Scores made for a test: MusicXML from notes, a song that anybody could learn from, a quartet."""

NAMES = {0: ("C", 0), 1: ("C", 1), 2: ("D", 0), 3: ("E", -1), 4: ("E", 0), 5: ("F", 0), 6: ("F", 1), 7: ("G", 0)}
NAMES |= {8: ("A", -1), 9: ("A", 0), 10: ("B", -1), 11: ("B", 0)}
DIVISIONS = 240
TUNE = [57, 60, 64, 62, 60, 59, 57, 64, 65, 64, 62, 60, 62, 64, 57, 60, 59, 56, 57, 60, 62, 64, 60, 59, 57, 57]


def note(pitch, length, *, chord=False, sung=False, staff=1, voice=1, tie=(), extra=""):
    """One note; `pitch` None is a rest, lengths are in quarters."""
    if pitch is None:
        body = "<rest/>"
    else:
        step, alter = NAMES[pitch % 12]
        body = f"<pitch><step>{step}</step><alter>{alter}</alter><octave>{pitch // 12 - 1}</octave></pitch>"
    ties = "".join(f'<tie type="{kind}"/>' for kind in tie)
    words = "<lyric><text>la</text></lyric>" if sung else ""
    return (
        f"<note>{extra}{'<chord/>' if chord else ''}{body}<duration>{round(length * DIVISIONS)}</duration>{ties}"
        f"<voice>{voice}</voice><staff>{staff}</staff>{words}</note>"
    )


def backup(length):
    return f"<backup><duration>{round(length * DIVISIONS)}</duration></backup>"


def attributes(metre=None, fifths=None, more=""):
    time = f"<time><beats>{metre[0]}</beats><beat-type>{metre[1]}</beat-type></time>" if metre else ""
    key = f"<key><fifths>{fifths}</fifths></key>" if fifths is not None else ""
    return f"<attributes><divisions>{DIVISIONS}</divisions>{key}{time}{more}</attributes>"


def measure(number, *content):
    return f'<measure number="{number}">{"".join(content)}</measure>'


def bars(tune, each, length, metre=(4, 4)):
    """Measures of one part that hold `each` tones of one length, in no signature."""
    return [
        measure(k // each + 1, "" if k else attributes(metre, 0), *(note(int(p), length) for p in tune[k : k + each]))
        for k in range(0, len(tune) - len(tune) % each, each)
    ]


def score(*parts, names=(), head=""):
    """Parts are lists of measures."""
    listed = "".join(f'<score-part id="P{k}"><part-name>{n}</part-name></score-part>' for k, n in enumerate(names))
    inside = "".join(f'<part id="P{k}">{"".join(measures)}</part>' for k, measures in enumerate(parts))
    return f"<score-partwise>{head}<part-list>{listed}</part-list>{inside}</score-partwise>".encode()


def tempo(bpm, words=""):
    said = f"<direction-type><words>{words}</words></direction-type>" if words else ""
    return f'<direction>{said}<sound tempo="{bpm}"/></direction>'


def song(tune=TUNE, *, bpm=60, words="Langsam", composer="Nobody", shift=0):
    """A voice in quarters over a piano of two hands, in A minor (or `shift` semitones higher), 4/4."""
    bars = [tune[k : k + 4] for k in range(0, len(tune) - len(tune) % 4, 4)]
    fifths = (7 * shift + 6) % 12 - 6
    voice, piano = [], []
    for k, bar in enumerate(bars):
        head = attributes((4, 4), fifths) + tempo(bpm, words) if k == 0 else ""
        voice.append(measure(k + 1, head, *(note(p + shift, 1, sung=True) for p in bar)))
        right = [note(60 + shift, 4), note(64 + shift, 4, chord=True)]
        left = [note((45 if k % 3 != 1 else 40) + shift, 4, staff=2, voice=5)]
        piano.append(measure(k + 1, attributes((4, 4), fifths) if k == 0 else "", *right, backup(4), *left))
    head = f'<identification><creator type="composer">{composer}</creator></identification>'
    return score(voice, piano, names=("Voice", "Piano"), head=head)
